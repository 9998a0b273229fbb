//! `GET /api/events`: what `/status` says, told by itself, so that nobody needs to ask all the time (server-sent events).
//!
//! The status is made once for all who listen, and only while somebody does. A listener that reads slowly gets the
//! newest one, not those before it.

use crate::access::Visitor;
use crate::admission::Refusal;
use crate::api::openapi::{About, Tag};
use crate::news::News;
use crate::server::App;
use crate::status::{Status, status};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use lenscast_auth::rights::{Right, Rights};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;

/// How often the status is told while nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// However much happens, the status is not made more often than this.
const SPACING: Duration = Duration::from_millis(50);

/// What all listeners share.
#[derive(Debug)]
pub struct Events {
    news: News,
    /// The newest status, and as it is sent to those who may see all of it.
    status: watch::Sender<Option<(Arc<Status>, Bytes)>>,
    made: AtomicU64,
}

impl Events {
    /// Nobody listens yet.
    #[must_use]
    pub fn new(news: News) -> Self {
        Self { news, status: watch::Sender::new(None), made: AtomicU64::new(0) }
    }

    /// To be told when something changed.
    #[must_use]
    pub fn news(&self) -> &News {
        &self.news
    }

    /// How many listen.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.status.receiver_count()
    }

    /// How often the status was made for them.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Tells the status whenever something changed, and every second, until the server shuts down.
    pub async fn run(&self, app: &App) {
        let mut made = Instant::now();
        loop {
            tokio::select! {
                () = app.shutdown.cancelled() => return,
                () = self.news.heard() => {}
                () = sleep_until(made + TICK), if self.listeners() > 0 => {}
            }
            if self.listeners() == 0 {
                continue;
            }
            made = Instant::now();
            self.made.fetch_add(1, Ordering::Relaxed);
            let status = status(app);
            let bytes = message("status", &status);
            self.status.send_replace(Some((Arc::new(status), bytes)));
            tokio::select! {
                () = app.shutdown.cancelled() => return,
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

/// What this is.
#[must_use]
pub fn about() -> About {
    let text = "Server-sent events (WHATWG HTML), without an end. First comes `hello`, then `status`: at once, whenever a camera comes or goes, \
                and every second. Who reads slowly gets the newest one, not those before it. Their data is JSON, described under `x-events`.";
    About::new("listen", Tag::Cameras, "What is going on, whenever it changes", text)
        .answer_as(200, "text/event-stream", "The events.")
        .event::<Hello>("hello")
        .event::<Status>("status")
        .refuses(StatusCode::SERVICE_UNAVAILABLE, "As many listen as may.")
}

/// `GET /api/events`.
pub async fn handler(State(app): State<Arc<App>>, Extension(visitor): Extension<Visitor>) -> Response {
    let most = app.config().limits.max_viewers;
    if app.events.listeners() >= most {
        return Refusal::Full(most).into_response();
    }
    let hello = Hello { admin: visitor.may_change(), version: env!("CARGO_PKG_VERSION") };
    let hello = [Bytes::from_static(b"retry: 1000\n"), message("hello", &hello)];
    let statuses = app.events.status.subscribe();
    // A newcomer is news to itself.
    app.events.news.tell();
    let rights = visitor.rights().clone();
    let statuses = futures_util::stream::unfold((statuses, rights), |(mut statuses, rights)| async {
        statuses.changed().await.ok()?;
        let newest = statuses.borrow_and_update().clone();
        let told = newest.map_or_else(Bytes::new, |(status, bytes)| told(&status, bytes, &rights));
        Some((told, (statuses, rights)))
    });
    // What is told depends on the rights: when they change, the page comes again and is told the rest.
    let (shutdown, hold) = (app.shutdown.clone(), visitor.hold_all(&app));
    let over = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = hold.lost() => {}
        }
    };
    let body = futures_util::stream::iter(hello).chain(statuses).take_until(over).map(Ok::<_, Infallible>);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(body)).into_response()
}

/// The status as far as somebody may see it; the bytes are those of all of it.
fn told(status: &Status, all: Bytes, rights: &Rights) -> Bytes {
    if rights.allows(Right::View, None) { all } else { message("status", &status.for_rights(rights)) }
}

/// An event with JSON, which has no line breaks.
fn message(event: &str, data: &impl serde::Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("what we tell is plain data");
    format!("event: {event}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::devices::take_text;
    use crate::server::routes::Routes;
    use crate::server::{Channel, Peer, Server};
    use crate::stream::Camera;
    use futures_util::FutureExt as _;
    use lenscast_media::time::Micros;
    use lenscast_protocol::CameraName;
    use std::pin::pin;
    use tokio_util::sync::CancellationToken;
    use tower_service::Service as _;

    /// What connections share; nobody accepts any.
    fn app() -> Arc<App> {
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        Server::bind(config, CancellationToken::new()).unwrap().app().clone()
    }

    /// As if it came by the control socket.
    fn with_all_rights(mut request: axum::extract::Request) -> axum::extract::Request {
        let nowhere = ([127, 0, 0, 1], 0).into();
        let peer = Peer { remote: nowhere, local: nowhere, channel: Channel::ControlSocket };
        request.extensions_mut().insert(peer);
        request
    }

    #[tokio::test]
    async fn what_people_want_to_know_at_once_is_news() {
        let app = app();
        let news = || app.events.news.heard().now_or_never().is_some();
        let name = CameraName::new("door").unwrap();
        let camera = Camera { peer: ([127, 0, 0, 1], 1).into(), control: true };
        let push = |publisher: &crate::stream::Publisher| {
            publisher.push(Bytes::new(), 16, 16, app.clock.now());
        };
        let publisher = app.streams.claim(&name, camera, |_| true).await;
        assert!(news(), "it came");
        push(&publisher);
        assert!(news(), "its first frame");
        push(&publisher);
        assert!(!news(), "the others are for the tick");
        take_text(&app, &publisher, r#"{"type":"hello","device_id":"a"}"#, Micros(1));
        assert!(news(), "who it is");
        take_text(&app, &publisher, r#"{"type":"telemetry"}"#, Micros(2));
        assert!(!news(), "how it is can wait");
        let patch =
            axum::http::Request::patch("/api/cameras/door").body(Body::from(r#"{"title":"Door"}"#)).unwrap();
        let answer = Routes::of(&app).router().call(with_all_rights(patch)).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(news(), "its title");
        drop(publisher);
        assert!(news(), "it left");
        app.streams.forget(&name).unwrap();
        assert!(news(), "it is forgotten");
    }

    #[tokio::test]
    async fn a_status_is_made_at_once_and_once_for_all_who_listen() {
        let app = app();
        let mut run = pin!(app.events.run(&app));
        app.events.news.tell();
        assert!(run.as_mut().now_or_never().is_none());
        assert_eq!(app.events.made(), 0, "nobody listens");
        let (mut one, mut other) = (app.events.status.subscribe(), app.events.status.subscribe());
        assert!(run.as_mut().now_or_never().is_none());
        assert_eq!(app.events.made(), 0, "nothing is new, and the tick is not due");
        app.events.news.tell();
        assert!(run.as_mut().now_or_never().is_none());
        assert_eq!(app.events.made(), 1);
        let [one, other] = [&mut one, &mut other].map(|listener| {
            assert!(listener.has_changed().unwrap());
            listener.borrow_and_update().clone().expect("a status").1
        });
        assert!(one.starts_with(b"event: status\ndata: {") && one.ends_with(b"}\n\n"), "{one:?}");
        assert_eq!(one.as_ptr(), other.as_ptr(), "the same bytes, not equal ones");
        app.events.news.tell();
        assert!(run.as_mut().now_or_never().is_none());
        assert_eq!(app.events.made(), 1, "however much happens, not more often than that");
        app.shutdown.cancel();
        assert!(run.now_or_never().is_some());
    }
}
