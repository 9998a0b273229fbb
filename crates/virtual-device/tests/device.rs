//! The device against a real WebSocket server on this computer.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lenscast_picture::pattern::read_strips;
use lenscast_virtual_device::{Error, FrameSize, Options, Source, Stats, Timing, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Nothing here takes this long unless it never happens.
const FOREVER: Duration = Duration::from_secs(60);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(FOREVER, future).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    async fn start() -> Server {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Small, so that a server that stops reading is felt after a few frames.
        socket.set_recv_buffer_size(32 * 1024).expect("a small buffer");
        socket.bind("127.0.0.1:0".parse().expect("a good address")).expect("a free port");
        let listener = socket.listen(8).expect("a socket that listens");
        let address = listener.local_addr().expect("it was bound");
        Server { listener, address }
    }

    async fn accept_tcp(&self) -> TcpStream {
        within("the device connects", self.listener.accept()).await.expect("a connection").0
    }

    async fn accept(&self) -> Connection {
        let socket = self.accept_tcp().await;
        Connection(within("the handshake", accept_async(socket)).await.expect("a WebSocket handshake"))
    }

    fn options(&self) -> Options {
        Options {
            fps: Some(120.0),
            size: Some(FrameSize::QVGA),
            timing: Timing {
                reconnect_min: Duration::from_millis(5),
                reconnect_max: Duration::from_millis(20),
                ..Timing::default()
            },
            ..Options::new(format!("ws://{}", self.address), Source::Pattern)
        }
    }
}

struct Connection(WebSocketStream<TcpStream>);

impl Connection {
    async fn message(&mut self) -> Message {
        within("a message", self.0.next()).await.expect("the device is connected").expect("a good message")
    }

    /// The next frame's number, of a message that must be binary and one whole JPEG. The device may ask in between
    /// whether somebody is there.
    async fn frame(&mut self) -> u32 {
        loop {
            match self.message().await {
                Message::Binary(jpeg) => return frame_number(&jpeg),
                Message::Ping(_) => {}
                other => panic!("a message that is not binary: {other:?}"),
            }
        }
    }
}

fn frame_number(jpeg: &[u8]) -> u32 {
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]), "not from SOI to EOI");
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let luma = decoder.decode().expect("a whole JPEG");
    let (width, height) = decoder.dimensions().expect("sizes are known after decoding");
    read_strips(&luma, width, height, width).expect("strips that can be read").0
}

struct Device {
    task: JoinHandle<Result<(), Error>>,
    stop: oneshot::Sender<()>,
    stats: Arc<Stats>,
}

impl Device {
    fn start(options: Options) -> Device {
        let (stop, stopped) = oneshot::channel();
        let stats = Stats::new();
        let running = run(options, stats.clone(), async move { stopped.await.unwrap_or(()) });
        Device { task: tokio::spawn(running), stop, stats }
    }

    async fn stop(self) {
        drop(self.stop);
        within("the device stops", self.task).await.expect("no panic").expect("no error");
    }
}

#[tokio::test]
async fn every_message_is_one_whole_jpeg_and_their_numbers_rise() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut connection = server.accept().await;
    let mut last = 0;
    for _ in 0..40 {
        let number = connection.frame().await;
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    assert!(device.stats.connected());
    assert_eq!(device.stats.connections(), 1);
    assert!(device.stats.sent() >= 39, "the last one may not be counted yet");
    assert!(device.stats.bytes() >= device.stats.sent() * 1000);
    device.stop().await;
}

#[tokio::test]
async fn the_device_says_good_bye_with_code_1000() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut connection = server.accept().await;
    connection.frame().await;
    let stats = device.stats.clone();
    let server_side = tokio::spawn(async move {
        loop {
            match connection.message().await {
                Message::Binary(jpeg) => drop(frame_number(&jpeg)),
                Message::Close(frame) => return frame.expect("a close frame with a code").code,
                other => panic!("unexpected: {other:?}"),
            }
        }
    });
    device.stop().await;
    assert_eq!(within("the close frame", server_side).await.expect("no panic"), CloseCode::Normal);
    assert!(!stats.connected());
    until("capturing ends", || Arc::strong_count(&stats) == 1).await;
}

#[tokio::test]
async fn the_device_comes_back_after_a_close_frame() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut connection = server.accept().await;
    let before = connection.frame().await;
    let frame = CloseFrame { code: CloseCode::Restart, reason: "be right back".into() };
    within("closing", connection.0.close(Some(frame))).await.expect("the device is there");
    loop {
        match within("the device's answer", connection.0.next()).await {
            Some(Ok(Message::Binary(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                assert_eq!(frame.map(|frame| frame.code), Some(CloseCode::Restart));
                break;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    drop(connection);
    assert!(server.accept().await.frame().await > before);
    assert_eq!(device.stats.connections(), 2);
    device.stop().await;
}

#[tokio::test]
async fn the_device_comes_back_after_tcp_resets() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut last = 0;
    for connections in 1..=5 {
        let mut connection = server.accept().await;
        let number = connection.frame().await;
        assert!(number > last, "{number} after {last}");
        last = number;
        assert_eq!(device.stats.connections(), connections);
        // Without lingering, closing is a reset.
        socket2::SockRef::from(connection.0.get_ref())
            .set_linger(Some(Duration::ZERO))
            .expect("a TCP option");
    }
    device.stop().await;
}

#[tokio::test]
async fn the_device_tries_again_when_it_is_refused_or_cut_off_in_the_handshake() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut offered = Vec::new();
    for answer in [
        "HTTP/1.1 409 Conflict\r\nContent-Length: 6\r\n\r\ntaken\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "220 smtp",
        "",
    ] {
        let mut socket = server.accept_tcp().await;
        let mut request = vec![0; 1024];
        let length = within("a request", socket.read(&mut request)).await.expect("a request");
        let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
        assert!(request.starts_with("get /ws/camera http/1.1\r\n"), "{request}");
        // A refusal may be because of the offer: every second attempt is without.
        offered.push(request.contains("sec-websocket-protocol: lenscast.v1\r\n"));
        socket.write_all(answer.as_bytes()).await.expect("the device is there");
    }
    assert_eq!(offered, [true, false, true, false]);
    server.accept().await.frame().await;
    assert_eq!(device.stats.connections(), 1);
    device.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_reading_does_not_stop_capturing_and_then_sees_the_newest() {
    let server = Server::start().await;
    let mut options = Options { size: Some(FrameSize::VGA), ..server.options() };
    // However slow this computer is.
    (options.timing.frame, options.timing.pong) = (FOREVER, FOREVER);
    let device = Device::start(options);
    let mut connection = server.accept().await;
    let before = connection.frame().await;

    let stats = &device.stats;
    let (captured, dropped) = (stats.captured(), stats.dropped());
    until("frames are captured and dropped", || {
        stats.captured() >= captured + 80 && stats.dropped() >= dropped + 60
    })
    .await;
    // Counted just before it is put into the mailbox, so the newest there may be the one before.
    let newest = stats.captured() as u32 - 1;

    let mut numbers = vec![before];
    while numbers.last() < Some(&newest) {
        numbers.push(connection.frame().await);
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let [.., old, new] = numbers[..] else { panic!("two frames at least: {numbers:?}") };
    // 5 were seen here, and 123 with the kernel's own idea of how much to hold back.
    assert!(numbers.len() < 25, "what was on its way is old: {numbers:?}");
    assert!(new - old > 40, "one step from what was on its way to the newest: {numbers:?}");
    // And it goes on.
    assert!(connection.frame().await > new);
    device.stop().await;
}

#[tokio::test]
async fn the_device_stops_though_the_server_does_not_read() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let _connection = server.accept().await;
    until("frames are dropped", || device.stats.dropped() > 20).await;
    device.stop().await;
}

#[tokio::test]
async fn every_captured_frame_is_counted_as_sent_or_dropped() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let stats = device.stats.clone();
    for _ in 0..3 {
        let mut connection = server.accept().await;
        connection.frame().await;
        let dropped = stats.dropped();
        until("frames are dropped", || stats.dropped() > dropped + 5).await;
    }
    device.stop().await;
    until("capturing ends", || Arc::strong_count(&stats) == 1).await;
    let in_mailbox = stats.captured() - stats.sent() - stats.dropped();
    assert!(in_mailbox <= 1, "{stats:?}");
}

#[tokio::test]
async fn pings_are_answered_and_texts_are_ignored() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    let mut connection = server.accept().await;
    for message in [Message::text("{\"type\":\"hello\"}"), Message::Ping("are you there?".into())] {
        within("sending", connection.0.send(message)).await.expect("the device is there");
    }
    loop {
        match connection.message().await {
            Message::Binary(jpeg) => drop(frame_number(&jpeg)),
            Message::Pong(payload) => break assert_eq!(&payload[..], b"are you there?"),
            other => panic!("unexpected: {other:?}"),
        }
    }
    connection.frame().await;
    assert_eq!(device.stats.connections(), 1);
    device.stop().await;
}

#[tokio::test]
async fn a_quiet_server_is_pinged_and_kept_while_it_answers() {
    let server = Server::start().await;
    let mut options = Options { fps: Some(0.1), ..server.options() };
    options.timing.ping_after = Duration::from_millis(10);
    let device = Device::start(options);
    let mut connection = server.accept().await;
    let mut pings = 0;
    while pings < 5 {
        match connection.message().await {
            Message::Binary(_) => {}
            // The WebSocket crate answers when it is asked for the next message.
            Message::Ping(_) => pings += 1,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(device.stats.connections(), 1);
    device.stop().await;
}

#[tokio::test]
async fn a_server_that_is_dead_is_given_up() {
    let server = Server::start().await;
    for fps in [0.1, 120.0] {
        let mut options = Options { fps: Some(fps), ..server.options() };
        options.timing.ping_after = Duration::from_millis(20);
        options.timing.pong = Duration::from_millis(80);
        options.timing.frame = Duration::from_millis(200);
        let device = Device::start(options);
        let silent = server.accept().await;
        // Its socket stays open: only the silence tells.
        let second = server.accept().await;
        let stats = &device.stats;
        until("the second connection is counted", || stats.connections() >= 2).await;
        drop((silent, second));
        drop(device.stop);
        within("the device stops", device.task).await.expect("no panic").expect("no error");
    }
}

#[tokio::test]
async fn dropping_the_future_ends_capturing() {
    let server = Server::start().await;
    let device = Device::start(server.options());
    server.accept().await.frame().await;
    device.task.abort();
    until("nothing runs any more", || Arc::strong_count(&device.stats) == 1).await;
}

#[tokio::test]
async fn the_pictures_of_a_film_are_sent_as_they_are() {
    let pictures: Vec<Vec<u8>> = (1..=3)
        .map(|frame| {
            let scene = lenscast_picture::pattern::Scene { width: 160, height: 120, frame, clock_ms: 1 };
            let mut jpeg = Vec::new();
            lenscast_picture::jpeg::encode(&scene.painter(), 70, Default::default(), &mut jpeg)
                .expect("a picture");
            jpeg
        })
        .collect();
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let film = folder.path().join("film.mjpeg");
    std::fs::write(&film, pictures.concat()).expect("room for a file");
    let server = Server::start().await;
    let source = Source::open(film.to_str().expect("temporary paths are UTF-8"), None).expect("a film");
    let device = Device::start(Options { source, ..server.options() });

    let mut connection = server.accept().await;
    let mut seen = [false; 3];
    while seen != [true; 3] {
        let Message::Binary(jpeg) = connection.message().await else {
            panic!("a message that is not binary")
        };
        let which =
            pictures.iter().position(|picture| *picture == jpeg).expect("one of the pictures, unchanged");
        seen[which] = true;
    }

    // The film is cut while it runs: the device says good-bye and its error says why.
    std::fs::write(&film, "").expect("room for nothing");
    let error =
        within("the device ends", device.task).await.expect("no panic").expect_err("no pictures left");
    assert!(error.to_string().contains("film.mjpeg"), "{error}");
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_at_once() {
    let good = Options::new("ws://127.0.0.1:9", Source::Pattern);
    let cases = [
        (Options { server: Some("wss://host".to_owned()), ..good.clone() }, "cannot encrypt"),
        (Options { fps: Some(0.0), ..good.clone() }, "from 0.1 to 120"),
        (Options { fps: Some(f32::NAN), ..good.clone() }, "NaN frames"),
        (Options { size: Some(FrameSize { width: 640, height: 0 }), ..good.clone() }, "640x0"),
        (Options { nvs: Some("/nowhere/nvs.bin".into()), ..good.clone() }, "cannot use /nowhere/nvs.bin"),
        (Options { source: Source::Mjpeg("/nowhere/film.mjpeg".into()), ..good }, "cannot read /nowhere"),
    ];
    for (options, expected) in cases {
        let refused = within("a refusal", run(options, Stats::new(), std::future::pending())).await;
        let error = refused.expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
