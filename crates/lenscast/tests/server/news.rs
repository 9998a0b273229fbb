//! What is news, and how often it is told: without a network, on the slices of a server that nobody connects to.

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use lenscast::app::App;
use lenscast::routes;
use lenscast::server::Server;
use lenscast_gate::{Channel, Peer};
use lenscast_live::{Camera, Publisher};
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use lenscast_settings::config::Config;
use std::pin::pin;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// What connections share; nobody accepts any.
fn app() -> App {
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
    let news = || app.cameras.news().heard().now_or_never().is_some();
    let name = CameraName::new("door").unwrap();
    let camera = Camera { peer: ([127, 0, 0, 1], 1).into(), control: true };
    let push = |publisher: &Publisher| {
        publisher.push(Bytes::new(), 16, 16, app.cameras.clock().now());
    };
    let publisher = app.cameras.streams().claim(&name, camera, |_| true).await;
    assert!(news(), "it came");
    push(&publisher);
    assert!(news(), "its first frame");
    push(&publisher);
    assert!(!news(), "the others are for the tick");
    app.cameras.take_text(&publisher, r#"{"type":"hello","device_id":"a"}"#, Micros(1));
    assert!(news(), "who it is");
    app.cameras.take_text(&publisher, r#"{"type":"telemetry"}"#, Micros(2));
    assert!(!news(), "how it is can wait");
    let patch =
        axum::http::Request::patch("/api/cameras/door").body(Body::from(r#"{"title":"Door"}"#)).unwrap();
    let answer = routes::all(&app).router().call(with_all_rights(patch)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(news(), "its title");
    drop(publisher);
    assert!(news(), "it left");
    app.cameras.streams().forget(&name).unwrap();
    assert!(news(), "it is forgotten");
}

#[tokio::test]
async fn a_status_is_made_at_once_and_once_for_all_who_listen() {
    let app = app();
    let shutdown = app.serving.shutdown().clone();
    let mut run = pin!(app.events.run(&shutdown));
    app.cameras.news().tell();
    assert!(run.as_mut().now_or_never().is_none());
    assert_eq!(app.events.made(), 0, "nobody listens");
    let (mut one, mut other) = (app.events.listen(), app.events.listen());
    assert!(run.as_mut().now_or_never().is_none());
    assert_eq!(app.events.made(), 0, "nothing is new, and the tick is not due");
    app.cameras.news().tell();
    assert!(run.as_mut().now_or_never().is_none());
    assert_eq!(app.events.made(), 1);
    let [one, other] = [&mut one, &mut other].map(|listener| {
        assert!(listener.has_changed().unwrap());
        listener.borrow_and_update().clone().expect("a status").1
    });
    assert!(one.starts_with(b"event: status\ndata: {") && one.ends_with(b"}\n\n"), "{one:?}");
    assert_eq!(one.as_ptr(), other.as_ptr(), "the same bytes, not equal ones");
    app.cameras.news().tell();
    assert!(run.as_mut().now_or_never().is_none());
    assert_eq!(app.events.made(), 1, "however much happens, not more often than that");
    shutdown.cancel();
    assert!(run.now_or_never().is_some());
}
