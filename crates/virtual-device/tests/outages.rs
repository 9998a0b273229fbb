//! Whole devices in worlds where something happens, in real time.

use futures_util::StreamExt as _;
use lenscast_virtual_device::world::World;
use lenscast_virtual_device::{FrameSize, Options, Source, Stats, Timing, run};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Nothing here takes this long unless it never happens.
const FOREVER: Duration = Duration::from_secs(60);

struct Device {
    listener: TcpListener,
    stats: Arc<Stats>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Device {
    async fn start(world: &str, timing: Timing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = format!("ws://{}", listener.local_addr().expect("it was bound"));
        let world = Some(World::parse(world).unwrap_or_else(|error| panic!("{error}")));
        let size = Some(FrameSize::QQVGA);
        let options =
            Options { world, size, timing, fps: Some(30.0), ..Options::new(server, Source::Pattern) };
        let (stop, stopped) = oneshot::channel();
        let stats = Stats::new();
        let running = run(options, stats.clone(), async move { stopped.await.unwrap_or(()) });
        let task = tokio::spawn(async move { running.await.expect("nothing is wrong with the options") });
        Self { listener, stats, stop, task }
    }

    async fn accept(&self) -> WebSocketStream<TcpStream> {
        let accepting = async { accept_async(self.listener.accept().await.expect("a connection").0).await };
        let accepted = tokio::time::timeout(FOREVER, accepting).await;
        accepted.expect("the device never came").expect("a WebSocket handshake")
    }

    async fn stop(self) {
        drop(self.stop);
        tokio::time::timeout(FOREVER, self.task).await.expect("it never stops").expect("no panic");
    }
}

/// The next frame, which is a whole JPEG; `None` when the connection is over.
async fn frame(connection: &mut WebSocketStream<TcpStream>) -> Option<()> {
    loop {
        let message = tokio::time::timeout(FOREVER, connection.next()).await.expect("nothing happens");
        match message?.ok()? {
            Message::Binary(jpeg) => {
                assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
                return Some(());
            }
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_device_that_lost_its_network_comes_back_with_it() {
    let world = "[[network]]\nssid = \"home\"\npassword = \"12345678\"\n[[outage]]\nfrom_s = 2\nto_s = 3\n";
    let device = Device::start(world, Timing::default()).await;
    let mut first = device.accept().await;
    frame(&mut first).await.expect("a frame before the outage");
    while frame(&mut first).await.is_some() {}
    let mut second = device.accept().await;
    frame(&mut second).await.expect("a frame after the outage");
    assert_eq!(device.stats.connections(), 2);
    device.stop().await;
}

#[tokio::test]
async fn a_device_sees_that_its_link_is_half_open() {
    let world = "[[network]]\nssid = \"home\"\n[[hang]]\nfrom_s = 2\nto_s = 6\n";
    // Nothing tells it but that frames do not get out and pings are not answered.
    let timing = Timing {
        frame: Duration::from_millis(500),
        ping_after: Duration::from_millis(200),
        pong: Duration::from_millis(300),
        reconnect_max: Duration::from_millis(500),
        ..Timing::default()
    };
    let device = Device::start(world, timing).await;
    let mut first = device.accept().await;
    frame(&mut first).await.expect("a frame before");
    while frame(&mut first).await.is_some() {}
    let mut second = device.accept().await;
    frame(&mut second).await.expect("a frame after");
    device.stop().await;
}

#[tokio::test]
async fn over_a_slow_link_that_loses_segments_every_frame_is_whole() {
    let world = "seed = 5\n[[network]]\nssid = \"home\"\n[link]\nlatency_ms = 20\njitter_ms = 10\nkbit_s = 2000\nloss_percent = 2\n";
    let device = Device::start(world, Timing::default()).await;
    let mut connection = device.accept().await;
    for _ in 0..40 {
        frame(&mut connection).await.expect("a frame");
    }
    assert_eq!(device.stats.connections(), 1);
    // The good-bye crosses the same link, behind the frame that is on its way.
    let last = tokio::spawn(async move {
        loop {
            match connection.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(_)) => {}
                end => panic!("no good-bye: {end:?}"),
            }
        }
    });
    device.stop().await;
    let code = tokio::time::timeout(FOREVER, last).await.expect("no end was told").expect("no panic");
    assert_eq!(code, Some(CloseCode::Normal));
}
