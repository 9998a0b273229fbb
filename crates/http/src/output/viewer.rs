//! `ws /ws/viewer`: the video, or the JPEGs, one frame a message.

use crate::config::HttpConfig;
use crate::named::Named;
use crate::refused::refused;
use crate::serving::Serving;
use crate::ws::{self, ReadError, Reader, Upgrade, Writer};
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use lenscast_cameras::Cameras;
use lenscast_gate::{Gate, Seat, Visitor};
use lenscast_live::stream::stats::Track;
use lenscast_live::{CameraState, JpegCursor, Stream, VideoCursor, VideoItem};
use lenscast_live::{JpegFrame, VideoParams};
use lenscast_media::time::Micros;
use lenscast_media::ts;
use lenscast_protocol::ws::{Event, Opcode, close_code, frame_head};
use lenscast_protocol::{CameraName, FrameHeader};
use serde::Deserialize;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, interval_at};

/// Viewers say next to nothing: bytes read at once, and the longest message, which is ignored. All unfinished messages
/// together take 8 MiB at most, with `max_viewers` of 2,000.
const READ_BUFFER: usize = 512;
const MAX_MESSAGE: usize = 4 * 1024;

/// Pings of a viewer that wait to be answered.
const MAX_PONGS: usize = 4;

/// How often it is looked whether a camera has fallen silent, for viewers that want to know.
const STATE_INTERVAL: Duration = Duration::from_millis(500);

/// What a viewer asks for in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    format: Format,
    /// `1`: JSON text messages tell what happens.
    events: u8,
}

/// What the binary messages contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Whole TS packets, one access unit a message.
    #[default]
    Ts,
    /// First an init segment, then one fragment a message; a new init segment when the SPS changes.
    Fmp4,
    /// A [`FrameHeader`] and an access unit in Annex B.
    H264,
    /// A [`FrameHeader`] and a JPEG.
    Jpeg,
}

/// `ws /ws/viewer` and `ws /ws/viewer/{name}`.
pub async fn handler(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    State(serving): State<Serving>,
    Extension(visitor): Extension<Visitor>,
    Named(name): Named,
    upgrade: Upgrade,
    ask: Result<Query<Ask>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(ask)) = ask else {
        let sentence = "The query may say format=ts, fmp4, h264 or jpeg, and events=1.\n";
        return (StatusCode::BAD_REQUEST, sentence).into_response();
    };
    let seat = match gate.seat(&visitor, &name) {
        Ok(seat) => seat,
        Err(refusal) => return refused(refusal),
    };
    let (response, connection) = upgrade.accept(None);
    serving.tasks().clone().spawn(async move {
        if let Ok(io) = connection.await {
            let (reader, writer) = ws::open(io, MAX_MESSAGE, READ_BUFFER, None);
            serve(&cameras, &serving, &name, &ask, &seat, reader, writer).await;
        }
    });
    response
}

async fn serve(
    cameras: &Cameras,
    serving: &Serving,
    name: &CameraName,
    ask: &Ask,
    seat: &Seat,
    mut reader: Reader,
    writer: Writer,
) {
    let stream = cameras.streams().get(name);
    let _counted = stream.count_viewer();
    let source = Source::join(&stream, ask.format);
    let mut viewer = Viewer {
        writer,
        source,
        joined: stream.clock().now(),
        stream,
        params: None,
        events: ask.events == 1,
        told: None,
        lost_total: 0,
    };
    let (pongs, pings) = mpsc::channel(MAX_PONGS);
    let end = tokio::select! {
        over = seat.over() => End::Close(ws::close_code_of(over), over.reason().to_owned()),
        end = listen(&mut reader, &pongs) => end,
        end = viewer.run(pings, serving.limits().watch()) => end,
    };
    let (code, reason) = match end {
        End::Gone => return,
        // Nothing goes out any more, so there is no goodbye either.
        End::Stalled => return viewer.stream.count_stalled(),
        End::Close(code, reason) => (code, reason),
    };
    let Viewer { writer, source, .. } = viewer;
    // Whoever says goodbye does not watch any more.
    drop(source);
    ws::close(reader, writer, code, &reason).await;
}

/// What a viewer reads.
enum Source {
    Video(VideoCursor, Format),
    Jpeg(JpegCursor),
}

enum Next {
    Video(VideoItem),
    Jpeg(Arc<JpegFrame>, u64),
}

impl Source {
    fn join(stream: &Arc<Stream>, format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg(stream.join_jpeg()),
            video => Self::Video(stream.join_video(), video),
        }
    }

    async fn next(&mut self) -> Next {
        match self {
            Self::Video(cursor, _) => Next::Video(cursor.next().await),
            Self::Jpeg(cursor) => {
                let (frame, lost) = cursor.next().await;
                Next::Jpeg(frame, lost)
            }
        }
    }
}

/// Why a viewer's connection ends.
enum End {
    /// The connection is no more.
    Gone,
    /// The viewer took no byte and sent none for too long.
    Stalled,
    /// We close it, with a code and a reason.
    Close(u16, String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Stalled,
            _ => Self::Gone,
        }
    }
}

/// Hears what a viewer says, also while nothing can be written: a close ends it at once, and any byte is a sign of life.
async fn listen(reader: &mut Reader, pongs: &mpsc::Sender<Vec<u8>>) -> End {
    loop {
        match reader.next().await {
            // Whoever pings faster than it reads gets fewer pongs.
            Ok(Event::Ping(payload)) => drop(pongs.try_send(payload)),
            Ok(Event::Close(code)) => {
                return End::Close(code.map_or(close_code::NORMAL, |(code, _)| code), String::new());
            }
            // A viewer has nothing to say that we need.
            Ok(Event::Binary(_) | Event::Text(_) | Event::Pong(_)) => {}
            Err(ReadError::Violation(violation)) => {
                return End::Close(violation.close_code(), violation.to_string());
            }
            Err(ReadError::Io(error)) => return error.into(),
            Err(ReadError::NoRoom(_)) => return End::Gone,
        }
    }
}

/// When a viewer is pinged.
fn ping_timer(config: &HttpConfig) -> Interval {
    let every = config.ping_interval;
    interval_at(Instant::now() + every, every)
}

struct Viewer {
    writer: Writer,
    source: Source,
    stream: Arc<Stream>,
    /// When it came.
    joined: Micros,
    /// What the last init segment described.
    params: Option<Arc<VideoParams>>,
    /// JSON text messages tell what happens.
    events: bool,
    /// The camera's state that was told last.
    told: Option<CameraState>,
    lost_total: u64,
}

impl Viewer {
    async fn run(
        &mut self,
        mut pongs: mpsc::Receiver<Vec<u8>>,
        mut config: watch::Receiver<Arc<HttpConfig>>,
    ) -> End {
        let mut pings = ping_timer(&config.borrow_and_update());
        let mut states = tokio::time::interval(STATE_INTERVAL);
        let mut session = self.stream.watch_session();
        let events = self.events;
        loop {
            let result = tokio::select! {
                next = self.source.next() => match next {
                    Next::Video(item) => {
                        let at = item.unit.timing.at;
                        self.send_video(item).await.inspect(|()| self.count_delivery(Track::Video, at))
                    }
                    Next::Jpeg(frame, lost) => {
                        let sent = self.send_jpeg(&frame, lost).await;
                        sent.inspect(|()| self.count_delivery(Track::Jpeg, frame.arrival))
                    }
                },
                Ok(()) = config.changed() => {
                    pings = ping_timer(&config.borrow_and_update());
                    Ok(())
                }
                Some(payload) = pongs.recv() => self.writer.frame(Opcode::Pong, &payload).await,
                _ = states.tick(), if events => self.tell_state().await,
                _ = session.changed(), if events => self.tell_state().await,
                _ = pings.tick() => self.ping().await,
            };
            if let Err(error) = result {
                return error.into();
            }
        }
    }

    /// What came before the viewer did tells nothing about how long frames take.
    fn count_delivery(&self, track: Track, at: Micros) {
        if at >= self.joined {
            self.stream.count_delivery(track, at);
        }
    }

    /// A ping; and the state again for pages, since scripts do not see pings and must notice a network that is gone.
    async fn ping(&mut self) -> io::Result<()> {
        if self.events {
            self.told = None;
            self.tell_state().await?;
        }
        self.writer.frame(Opcode::Ping, b"lenscast").await
    }

    async fn send_video(&mut self, VideoItem { unit, lost }: VideoItem) -> io::Result<()> {
        let Source::Video(_, format) = self.source else {
            return Ok(());
        };
        self.tell_before_frame(lost).await?;
        match format {
            Format::Fmp4 => {
                if !self.params.as_ref().is_some_and(|params| Arc::ptr_eq(params, &unit.params)) {
                    self.writer.write(unit.params.fmp4_init().message(), &[]).await?;
                    self.params = Some(unit.params.clone());
                }
                match unit.fmp4() {
                    Some(fragment) => self.writer.write(fragment.message(), &[]).await,
                    None => {
                        let kind = "an access unit does not go into fMP4";
                        if let Some(held_back) = self.stream.notices.due(kind) {
                            tracing::error!(camera = %self.stream.name(), held_back, "{kind}");
                        }
                        Ok(())
                    }
                }
            }
            Format::H264 => self.send_with_header(unit.header(lost > 0), unit.annex_b()).await,
            Format::Ts | Format::Jpeg => {
                if lost > 0 {
                    // Only this viewer has a gap, so the packets that say so are its own, and the shared ones stay shared.
                    let gap = ts::discontinuity_packets(&unit.ts().body());
                    self.writer.frame(Opcode::Binary, &gap).await?;
                }
                self.writer.write(unit.ts().message(), &[]).await
            }
        }
    }

    async fn send_jpeg(&mut self, frame: &JpegFrame, lost: u64) -> io::Result<()> {
        self.tell_before_frame(lost).await?;
        self.send_with_header(frame.header(lost > 0), &frame.bytes).await
    }

    async fn send_with_header(&mut self, header: FrameHeader, payload: &Bytes) -> io::Result<()> {
        let head = frame_head(Opcode::Binary, FrameHeader::LEN + payload.len(), None);
        let head = [head.as_bytes(), &header.to_bytes()].concat();
        self.writer.write(&head, payload).await
    }

    /// Tells what belongs before a frame: that some were lost, and that the camera is live when it was not.
    async fn tell_before_frame(&mut self, lost: u64) -> io::Result<()> {
        self.lost_total += lost;
        if !self.events {
            return Ok(());
        }
        if self.told != Some(CameraState::Live) {
            self.tell_state().await?;
        }
        if lost > 0 {
            let text =
                serde_json::json!({"event": "lost", "frames": lost, "total": self.lost_total}).to_string();
            self.writer.frame(Opcode::Text, text.as_bytes()).await?;
        }
        Ok(())
    }

    /// Tells how the camera is, when that changed.
    async fn tell_state(&mut self) -> io::Result<()> {
        let state = self.stream.camera_state();
        if self.told.replace(state) == Some(state) {
            return Ok(());
        }
        let newest = self.stream.newest_jpeg();
        let text = serde_json::json!({
            "event": "state",
            "camera": self.stream.name().as_str(),
            "state": state.as_str(),
            "width": newest.as_ref().map(|frame| frame.width),
            "height": newest.as_ref().map(|frame| frame.height),
            "silent_after_ms": self.stream.silent_after().as_millis() as u64,
            "newest_frame_age_ms": newest.as_ref().map(|frame| self.stream.age(frame.arrival).as_millis() as u64),
        });
        self.writer.frame(Opcode::Text, text.to_string().as_bytes()).await
    }
}
