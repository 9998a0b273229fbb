//! `GET /api/events`: what `/status` says, told by itself, so that nobody needs to ask all the time (server-sent events).
//!
//! The status is made once for all who listen, and only while somebody does. A listener that reads slowly gets the
//! newest one, not those before it.

use super::api::openapi::{About, Tag};
use super::refused::refused;
use super::refused_cameras::RefusedCamera;
use super::serving::Serving;
use super::status::for_rights;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use lenscast_auth::rights::{Right, Rights};
use lenscast_cameras::Cameras;
use lenscast_cameras::status::Status;
use lenscast_gate::{Gate, Visitor};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// How often the status is told while nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// However much happens, the status is not made more often than this.
const SPACING: Duration = Duration::from_millis(50);

/// What is told to all who listen. Clones share it.
#[derive(Clone, Debug)]
pub struct Events(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cameras: Cameras,
    /// The newest status, and as it is sent to those who may see all of it.
    status: watch::Sender<Option<(Arc<Status>, Bytes)>>,
    made: AtomicU64,
}

impl Events {
    /// The events about these cameras. Nobody listens yet.
    #[must_use]
    pub fn new(cameras: Cameras) -> Self {
        Self(Arc::new(Inner { cameras, status: watch::Sender::new(None), made: AtomicU64::new(0) }))
    }

    /// How many listen.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.0.status.receiver_count()
    }

    /// How often the status was made for them.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.0.made.load(Ordering::Relaxed)
    }

    /// Listens: the receiver wakes whenever a status is told. It comes with all of it as the bytes of an event.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<Option<(Arc<Status>, Bytes)>> {
        self.0.status.subscribe()
    }

    /// Tells the status whenever something changed, and every second, until `shutdown` is cancelled.
    pub async fn run(&self, shutdown: &CancellationToken) {
        let news = self.0.cameras.news();
        let mut made = Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = news.heard() => {}
                () = sleep_until(made + TICK), if self.listeners() > 0 => {}
            }
            if self.listeners() == 0 {
                continue;
            }
            made = Instant::now();
            self.0.made.fetch_add(1, Ordering::Relaxed);
            let status = self.0.cameras.status();
            let bytes = message("status", &status);
            self.0.status.send_replace(Some((Arc::new(status), bytes)));
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep_until(made + SPACING) => {}
            }
        }
    }
}

/// What a listener is told first.
#[derive(Serialize, ToSchema)]
struct Hello {
    /// Whether this very caller may change something.
    admin: bool,
    /// Version of this program.
    version: &'static str,
}

/// Cameras that were refused in the last hour, the newest first.
#[derive(ToSchema)]
#[schema(value_type = Vec<RefusedCamera>)]
struct RefusedList(#[expect(dead_code, reason = "it only describes what is sent")] Vec<RefusedCamera>);

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Server-sent events (WHATWG HTML), without an end. First comes `hello`, then `status`: at once, whenever a camera comes or goes, \
                and every second. Who reads slowly gets the newest one, not those before it. Who may change something is told of cameras that were \
                `refused`, all of the last hour whenever there is another. Their data is JSON, described under `x-events`.";
    About::new("listen", Tag::Cameras, "What is going on, whenever it changes", text)
        .answer_as(200, "text/event-stream", "The events.")
        .event::<Hello>("hello")
        .event::<Status>("status")
        .event::<RefusedList>("refused")
        .refuses(StatusCode::SERVICE_UNAVAILABLE, "As many listen as may.")
        .refuses(StatusCode::TOO_MANY_REQUESTS, "As many listen from this address as may.")
}

/// `GET /api/events`.
pub async fn handler(
    State(events): State<Events>,
    State(gate): State<Gate>,
    State(serving): State<Serving>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let seat = match gate.listener_seat(&visitor) {
        Ok(seat) => seat,
        Err(refusal) => return refused(refusal),
    };
    let hello = Hello { admin: visitor.may_change(), version: env!("CARGO_PKG_VERSION") };
    let hello = [Bytes::from_static(b"retry: 1000\n"), message("hello", &hello)];
    let listener = events.listen();
    // A newcomer is news to itself.
    events.0.cameras.news().tell();
    let rights = visitor.rights().clone();
    let refused = Refused { serving, told: Vec::new() };
    let statuses = futures_util::stream::unfold(
        (listener, rights, refused),
        |(mut statuses, rights, mut refused)| async {
            statuses.changed().await.ok()?;
            let newest = statuses.borrow_and_update().clone();
            let told = newest.map_or_else(Bytes::new, |(status, bytes)| told(&status, bytes, &rights));
            let told = match refused.news().filter(|_| rights.admin) {
                Some(news) => [news, told].concat().into(),
                None => told,
            };
            Some((told, (statuses, rights, refused)))
        },
    );
    // What is told depends on the rights: when they change, the page comes again and is told the rest.
    let over = async move { seat.over().await };
    let body = futures_util::stream::iter(hello).chain(statuses).take_until(over).map(Ok::<_, Infallible>);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(body)).into_response()
}

/// The cameras that were refused, as far as a listener knows them.
struct Refused {
    serving: Serving,
    told: Vec<RefusedCamera>,
}

impl Refused {
    /// An event with all of them, when there are others than those that were told, or for other causes.
    fn news(&mut self) -> Option<Bytes> {
        let now = self.serving.refused_cameras().list();
        let same = |(one, other): (&RefusedCamera, &RefusedCamera)| {
            (one.address, &one.camera, &one.text) == (other.address, &other.camera, &other.text)
        };
        // The order is by time, which alone is no news.
        let is_known = |camera: &RefusedCamera| self.told.iter().any(|told| same((told, camera)));
        if now.len() == self.told.len() && now.iter().all(is_known) {
            return None;
        }
        let event = message("refused", &now);
        self.told = now;
        Some(event)
    }
}

/// The status as far as somebody may see it; the bytes are those of all of it.
fn told(status: &Status, all: Bytes, rights: &Rights) -> Bytes {
    if rights.allows(Right::View, None) { all } else { message("status", &for_rights(status, rights)) }
}

/// An event with JSON, which has no line breaks.
fn message(event: &str, data: &impl serde::Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("what we tell is plain data");
    format!("event: {event}\ndata: {data}\n\n").into()
}
