//! The gate and what is live, without a server: somebody comes, takes a seat, watches a camera, and loses the seat. Nobody
//! speaks HTTP; a credential comes as a header, as it would with RTSP.

use bytes::Bytes;
use http::{HeaderMap, Uri, Version, header};
use jpeg_encoder::{ColorType, Encoder};
use lenscast_auth::Auth;
use lenscast_auth::ids::Id;
use lenscast_auth::policy::Policy;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_base::in_force::InForce;
use lenscast_base::state::StateDir;
use lenscast_base::time::now;
use lenscast_gate::admission::Refusal;
use lenscast_gate::client::Client;
use lenscast_gate::{Channel, Gate, GateConfig, Over, Peer, Visitor};
use lenscast_live::{Camera, Clock, News, Rules, Streams, Video, VideoItem, pipeline};
use lenscast_protocol::CameraName;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where a viewer comes from: another computer of the home network.
const TABLET: ([u8; 4], u16) = ([192, 168, 1, 7], 50_000);

fn config() -> GateConfig {
    GateConfig {
        policy: Policy::default(),
        trusted_proxies: Vec::new(),
        cors_origins: Vec::new(),
        base_path: "/".into(),
        max_viewers: 2,
        max_viewers_per_address: 2,
        max_cameras: 1,
        max_camera_bytes: 0,
    }
}

struct World {
    gate: Gate,
    config: InForce<GateConfig>,
    shutdown: CancellationToken,
}

impl World {
    fn new() -> Self {
        let (config, shutdown) = (InForce::new(config()), CancellationToken::new());
        let auth = Auth::open(Arc::new(StateDir::nowhere())).unwrap();
        Self { gate: Gate::new(auth, config.clone(), shutdown.clone()), config, shutdown }
    }

    fn token(&self) -> (Id, Secret) {
        self.gate.auth().store().add_token(Kind::View, "tablet", None, None, now()).unwrap()
    }

    /// Who asks with this token, or without any.
    async fn visitor(&self, token: Option<&Secret>) -> Visitor {
        let peer =
            Peer { remote: TABLET.into(), local: ([192, 168, 1, 5], 8554).into(), channel: Channel::Plain };
        let (uri, mut headers) = (Uri::from_static("/door"), HeaderMap::new());
        headers.insert(header::HOST, "192.168.1.5".parse().unwrap());
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, format!("Bearer {}", token.expose()).parse().unwrap());
        }
        let client = Client::of(&peer, Version::HTTP_11, &uri, &headers, &[]);
        self.gate.meet(&peer, client, &uri, &headers).await
    }
}

fn door() -> CameraName {
    CameraName::new("door").unwrap()
}

/// Waits for what takes a moment; what takes this long never comes.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it comes in time")
}

/// Whether something has not happened yet.
async fn still_open(seat: &lenscast_gate::Seat) -> bool {
    tokio::time::timeout(Duration::from_millis(50), seat.over()).await.is_err()
}

#[tokio::test]
async fn somebody_comes_takes_a_seat_watches_and_loses_it_with_the_right() {
    let world = World::new();
    let (id, token) = world.token();
    let visitor = world.visitor(Some(&token)).await;
    let seat = world.gate.seat(&visitor, &door()).unwrap();
    assert_eq!(world.gate.watching(), 1);

    let streams = Streams::new(InForce::new(Rules::default()), Clock::start(), News::default());
    let stream = streams.get(&door());
    let mut video = stream.join_video();
    let camera = Camera { peer: ([192, 168, 1, 9], 5).into(), control: false };
    let publisher = streams.claim(&door(), camera, |_| true).await;
    let encoding = Video::start(stream.clone(), InForce::new(pipeline::Config::default())).unwrap();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 90).encode(&[90; 64 * 48 * 3], 64, 48, ColorType::Rgb).unwrap();
    encoding.show(publisher.push(Bytes::from(jpeg), 64, 48, stream.clock().now()));
    let VideoItem { unit, .. } = within(video.next()).await;
    let mut decoder = Decoder::new().unwrap();
    let picture = decoder.decode(unit.annex_b()).unwrap().expect("a picture");
    assert_eq!(picture.dimensions(), (64, 48));

    assert!(still_open(&seat).await);
    world.gate.auth().store().revoke(&id, now()).unwrap();
    assert_eq!(within(seat.over()).await, Over::Revoked);
    drop(seat);
    assert_eq!(world.gate.watching(), 0);
}

#[tokio::test]
async fn without_a_credential_nobody_keeps_a_seat() {
    let world = World::new();
    let visitor = world.visitor(None).await;
    assert!(!visitor.rights().admin);
    let seat = world.gate.seat(&visitor, &door()).unwrap();
    assert_eq!(
        within(seat.over()).await,
        Over::Revoked,
        "the gate does not trust a caller that did not look"
    );
}

#[tokio::test]
async fn what_the_owner_changes_ends_a_seat_and_so_does_the_end_of_the_server() {
    let world = World::new();
    let opened = |open_view| {
        let policy = Policy { open_view, ..Policy::default() };
        GateConfig { policy, ..config() }
    };
    world.config.set(opened(true));
    let visitor = world.visitor(None).await;
    let seat = world.gate.seat(&visitor, &door()).unwrap();
    assert!(still_open(&seat).await);
    world.config.set(opened(false));
    assert_eq!(within(seat.over()).await, Over::Revoked);

    let (_, token) = world.token();
    let visitor = world.visitor(Some(&token)).await;
    let seat = world.gate.seat(&visitor, &door()).unwrap();
    assert!(still_open(&seat).await);
    world.shutdown.cancel();
    assert_eq!(within(seat.over()).await, Over::Shutdown);
}

#[tokio::test]
async fn there_are_as_many_seats_as_the_owner_says_and_publishers_take_none() {
    let world = World::new();
    let policy = Policy { require_camera_key: true, ..Policy::default() };
    world.config.set(GateConfig { policy, ..config() });
    let (_, token) = world.token();
    let visitor = world.visitor(Some(&token)).await;
    let seats = [(); 2].map(|()| world.gate.seat(&visitor, &door()).unwrap());
    assert_eq!(world.gate.seat(&visitor, &door()).unwrap_err(), Refusal::Full(2));
    let publisher = world.gate.publisher_seat(&visitor, &door());
    let listener = world.gate.listener_seat(&visitor).unwrap();
    assert_eq!(world.gate.watching(), 2);
    assert_eq!(within(publisher.over()).await, Over::Revoked, "a token to watch lets nobody publish");
    assert!(still_open(&listener).await);
    drop(seats);
    assert!(world.gate.seat(&visitor, &door()).is_ok());
}

#[tokio::test]
async fn logins_that_hang_up_at_once_do_not_make_more_of_them_hash() {
    let gate = World::new().gate;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let work = || {
        let (running, most, held) = (running.clone(), most.clone(), held.clone());
        move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // As a hash that takes its time: it ends when the test says so.
            held.lock().unwrap().recv().unwrap();
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    for _ in 0..20 {
        let login = gate.passwords(work());
        // The caller hangs up as soon as its work has begun, or while it waits for its turn.
        assert!(tokio::time::timeout(Duration::from_millis(5), login).await.is_err());
    }
    for _ in 0..20 {
        release.send(()).unwrap();
    }
    // One that stays is served when the works before it have ended.
    within(gate.passwords(work())).await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
