//! A camera's connection: its messages are inspected, and the good ones published.

mod refusals;

use super::config::HttpConfig;
use super::crowd::Standing;
use super::named::Named;
use super::serving::Serving;
use super::ws::{self, ReadError, Reader, Upgrade, Writer};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use lenscast_auth::rights::Right;
use lenscast_base::time::now;
use lenscast_cameras::Cameras;
use lenscast_gate::publishing::{BytesFull, CameraTicket};
use lenscast_gate::{Gate, Seat, Visitor};
use lenscast_live::Video;
use lenscast_live::device;
use lenscast_live::{Camera, Publisher};
use lenscast_media::causes::Cause;
use lenscast_media::jpeg;
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{self, ServerMessage};
use lenscast_protocol::ws::{Event, Opcode, close_code};
use refusals::Refusals;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, Interval};

/// Bytes read at once from a camera: four of the original device's fragments.
const READ_BUFFER: usize = 64 * 1024;

/// How long a camera may take to accept a ping or a pong.
const CONTROL_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether a camera's pipeline still gets on.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What a camera is told that makes room for one from elsewhere.
const MAKES_ROOM: &str =
    "as many cameras are connected as may be, most of them from this address (--max-cameras)";

/// The parts of a server that a camera's connection needs.
#[derive(Clone)]
struct Ingest {
    cameras: Cameras,
    gate: Gate,
    serving: Serving,
    /// Who has come as a camera.
    visitor: Visitor,
}

/// `ws /ws/camera` and `ws /ws/camera/{name}`.
pub async fn handler(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    State(serving): State<Serving>,
    Extension(visitor): Extension<Visitor>,
    Named(name): Named,
    upgrade: Upgrade,
) -> Response {
    // Held from here to the end of the connection: a limit that is looked at first and counted later is none.
    let ticket = match gate.admit_camera(&visitor).await {
        Ok(ticket) => ticket,
        Err(full) => return (StatusCode::SERVICE_UNAVAILABLE, format!("{full}.\n")).into_response(),
    };
    let control = upgrade.offers(control::SUBPROTOCOL);
    let camera = Camera { peer: visitor.peer(), control };
    let (mut response, connection) = upgrade.accept(control.then_some(control::SUBPROTOCOL));
    response.extensions_mut().insert(Standing::Camera);
    let ingest = Ingest { cameras, gate, serving, visitor };
    ingest.serving.tasks().clone().spawn(async move {
        if let Ok(io) = connection.await {
            let max_message = ingest.serving.config().max_message_bytes;
            let (reader, writer) = ws::open(io, max_message, READ_BUFFER, Some(CONTROL_PATIENCE));
            ingest.serve(&name, camera, ticket, reader, writer).await;
        }
    });
    response
}

/// Why a camera's connection ends.
enum End {
    /// The camera closed it, or it broke; nothing is to be said to it.
    Gone(String),
    /// We close it, with a code and a reason.
    Close(u16, String),
}

impl Ingest {
    async fn serve(
        &self,
        name: &CameraName,
        camera: Camera,
        mut ticket: CameraTicket,
        mut reader: Reader,
        mut writer: Writer,
    ) {
        let peer = camera.peer;
        let seat = self.gate.publisher_seat(&self.visitor, name);
        let streams = self.cameras.streams();
        let evicted = ticket.evicted();
        let publisher = tokio::select! {
            publisher = streams.claim(name, camera, |other| self.may_be(other)) => publisher,
            () = evicted.cancelled() => {
                return ws::close(reader, writer, close_code::TRY_AGAIN, MAKES_ROOM).await;
            }
        };
        let stream = publisher.stream().clone();
        let notices = &stream.notices;
        if let Some(held_back) = notices.due("camera connected") {
            tracing::info!(camera = %stream.name(), %peer, held_back, "camera connected");
        }
        let end = match self.cameras.start_video(stream.clone()) {
            Ok(video) => self.receive(&publisher, video, &seat, &mut ticket, &mut reader, &mut writer).await,
            Err(error) => End::Close(close_code::INTERNAL, format!("no thread for this camera: {error}")),
        };
        // The name is free, and what was live is gone, before the goodbye that may take a while.
        drop(publisher);
        match end {
            End::Gone(why) => {
                if let Some(held_back) = notices.due("camera left") {
                    tracing::info!(camera = %stream.name(), %peer, %why, held_back, "camera left");
                }
            }
            End::Close(code, why) => {
                if let Some(held_back) = notices.due("camera closed") {
                    tracing::info!(camera = %stream.name(), %peer, code, %why, held_back, "camera closed");
                }
                ws::close(reader, writer, code, &why).await;
            }
        }
        drop(ticket);
    }

    /// Whether a camera whose name is taken may go by another one instead: not by one that has or had a key of its own, unless
    /// it has shown one.
    fn may_be(&self, other: &CameraName) -> bool {
        self.may_pass_for(other) || !self.is_closed(other)
    }

    /// Whether whoever is connected could as well have come as that camera: with its key, or without if it needs none.
    fn may_pass_for(&self, other: &CameraName) -> bool {
        self.gate.rights_now(&self.visitor, now()).allows(Right::Publish, Some(other))
    }

    fn is_closed(&self, camera: &CameraName) -> bool {
        self.gate.auth().store().is_closed(camera)
    }

    /// Finds out whether the device is the one that it says.
    fn identify(&self, publisher: &Publisher) {
        let (may_pass_for, is_closed) =
            (|other: &_| self.may_pass_for(other), |camera: &_| self.is_closed(camera));
        self.cameras.identify(publisher, may_pass_for, is_closed);
    }

    /// Counts a camera whose message has no room, and says so, once for all of them.
    fn no_room(&self, publisher: &Publisher, full: &BytesFull) {
        let stream = publisher.stream();
        stream.stats.count_quarantined(Cause::NoRoom);
        if let Some(held_back) = self.serving.notices().due(Cause::NoRoom.name()) {
            tracing::warn!(camera = %stream.name(), held_back, "{full}");
        }
    }

    /// Reads a camera's messages until something ends it.
    async fn receive(
        &self,
        publisher: &Publisher,
        mut video: Video,
        seat: &Seat,
        ticket: &mut CameraTicket,
        reader: &mut Reader,
        writer: &mut Writer,
    ) -> End {
        let evicted = ticket.evicted();
        let mut config = self.serving.limits().watch();
        let mut limits = config.borrow_and_update().clone();
        let session = publisher.session();
        let clock = publisher.stream().clock().clone();
        let mut heard = Instant::now();
        // The bytes of the newest picture, which is kept until the next one comes.
        let mut newest = 0;
        let mut has_sent = false;
        let mut refusals = Refusals::default();
        let (mut pings, mut checks) = timers(&limits);
        let mut over = pin!(seat.over());
        loop {
            let may_be_quiet = publisher.stream().may_be_quiet(session, limits.camera_timeout);
            let (opcode, payload) = tokio::select! {
                () = session.evict.cancelled() => {
                    let reason = "another connection of this camera took over";
                    return End::Close(close_code::POLICY, reason.into());
                }
                () = evicted.cancelled() => {
                    return End::Close(close_code::TRY_AGAIN, MAKES_ROOM.into());
                }
                over = &mut over => return End::Close(ws::close_code_of(over), over.reason().into()),
                () = tokio::time::sleep_until(heard + may_be_quiet) => {
                    let seconds = may_be_quiet.as_secs_f32();
                    return End::Close(close_code::POLICY, format!("nothing heard for {seconds} s, not even a pong"));
                }
                Ok(()) = config.changed() => {
                    limits = config.borrow_and_update().clone();
                    (pings, checks) = timers(&limits);
                    continue;
                }
                _ = checks.tick() => {
                    video.check();
                    continue;
                }
                () = session.probe.notified() => (Opcode::Ping, session.question()),
                _ = pings.tick() => (Opcode::Ping, b"lenscast".to_vec()),
                request = device::request(session.device.as_ref()) => {
                    (Opcode::Text, control::to_text(&ServerMessage::Picture(request)).into_bytes())
                }
                event = reader.next_within(|unfinished| ticket.hold(unfinished + newest)) => {
                    heard = Instant::now();
                    if let Ok(Event::Binary(message)) = &event {
                        newest = message.len();
                    }
                    if let Err(ReadError::NoRoom(full)) = &event {
                        self.no_room(publisher, full);
                    }
                    let arrival = clock.now();
                    session.heard();
                    let limits = jpeg::Limits { max_pixels: limits.max_pixels };
                    let is_text = matches!(event, Ok(Event::Text(_)));
                    let answer = answer(&self.cameras, publisher, &video, &mut refusals, &limits, event, arrival);
                    if is_text {
                        self.identify(publisher);
                    }
                    if !has_sent && publisher.stream().newest_jpeg().is_some() {
                        has_sent = true;
                        ticket.has_sent();
                    }
                    match answer {
                        Ok(None) => continue,
                        Ok(Some(pong)) => (Opcode::Pong, pong),
                        Err(end) => return end,
                    }
                }
            };
            if let Err(error) = writer.frame(opcode, &payload).await {
                return End::Gone(error.to_string());
            }
        }
    }
}

/// When the camera is pinged, and when it is looked whether its pipeline gets on: the first time at once.
fn timers(limits: &HttpConfig) -> (Interval, Interval) {
    let pings = tokio::time::interval_at(Instant::now() + limits.ping_interval, limits.ping_interval);
    (pings, tokio::time::interval(CHECK_INTERVAL.min(limits.encoder_timeout)))
}

/// Deals with one message. Gives back what a pong must contain.
fn answer(
    cameras: &Cameras,
    publisher: &Publisher,
    video: &Video,
    refusals: &mut Refusals,
    limits: &jpeg::Limits,
    event: Result<Event, ReadError>,
    arrival: Micros,
) -> Result<Option<Vec<u8>>, End> {
    match event {
        Ok(Event::Binary(message)) => take_frame(publisher, video, refusals, limits, message, arrival),
        Ok(Event::Text(text)) if publisher.session().device.is_some() => {
            cameras.take_text(publisher, &text, arrival);
        }
        Ok(Event::Text(text)) => refusals.text(publisher, &text, arrival),
        Ok(Event::Pong(payload)) => publisher.session().answered(&payload),
        Ok(Event::Ping(payload)) => return Ok(Some(payload)),
        Ok(Event::Close(None)) => return Err(End::Close(close_code::NORMAL, String::new())),
        Ok(Event::Close(Some((code, _)))) => return Err(End::Close(code, String::new())),
        Err(ReadError::Violation(violation)) => {
            if violation.close_code() == close_code::TOO_BIG {
                let stats = &publisher.stream().stats;
                stats.count_refused(Cause::MessageTooBig, violation.to_string(), arrival);
            }
            return Err(End::Close(violation.close_code(), violation.to_string()));
        }
        Err(ReadError::NoRoom(full)) => return Err(End::Close(close_code::TRY_AGAIN, full.to_string())),
        Err(ReadError::Io(error)) => return Err(End::Gone(error.to_string())),
    }
    Ok(None)
}

/// Inspects one message and publishes it, or counts why not.
fn take_frame(
    publisher: &Publisher,
    video: &Video,
    refusals: &mut Refusals,
    limits: &jpeg::Limits,
    message: Vec<u8>,
    arrival: Micros,
) {
    let stream = publisher.stream();
    stream.stats.bytes_in.fetch_add(message.len() as u64, Ordering::Relaxed);
    let inspected = match jpeg::inspect(&message, limits) {
        Ok(inspected) => inspected,
        Err(fault) => return refusals.message(publisher, &message, fault, arrival),
    };
    refusals.picture();
    for kind in inspected.mended() {
        stream.stats.count_mended(kind);
        if let Some(held_back) = stream.notices.due(kind.name()) {
            let (camera, kind, what) = (stream.name(), kind.name(), kind.on_page());
            tracing::info!(%camera, kind, held_back, "frames are mended and shown: {what}");
        }
    }
    let bytes = Bytes::from(jpeg::clean(message, &inspected));
    video.show(publisher.push(bytes, inspected.width, inspected.height, arrival));
}
