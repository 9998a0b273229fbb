//! The plain HTTP outputs and `/status`.

use crate::harness::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request of one's own making; gives the answer's head and body (as it was sent, chunked or not).
pub async fn request(server: &Running, head: &str) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within(socket.read_to_end(&mut answer)).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).unwrap(), body)
}

pub async fn get(server: &Running, path: &str) -> (u16, String, Vec<u8>) {
    let (head, body) = request(server, &format!("GET {path} HTTP/1.1\r\nHost: {}", server.address)).await;
    (head[9..12].parse().unwrap(), head.to_lowercase(), body)
}

impl Running {
    /// A request with a body, as a program on this computer sends it; gives the answer's code and body, or, of a problem under
    /// `/api`, the sentence that says why.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.ask_with(method, path, body, &format!("Host: {}", self.address)).await
    }

    /// The same with other header lines.
    pub async fn ask_with(&self, method: &str, path: &str, body: &str, headers: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}\r\nContent-Length: {length}");
        // The server may answer and close before it has read all of a body that it does not want.
        #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
        let _ = socket.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes()).await;
        let mut answer = Vec::new();
        #[expect(clippy::let_underscore_must_use, reason = "what was read before an error counts")]
        let _ = within(socket.read_to_end(&mut answer)).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let code: u16 = head[9..12].parse().unwrap();
        if !head.contains("application/problem+json") {
            return (code, body.to_owned());
        }
        // RFC 9457: what people are told is the detail.
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&problem["status"], &problem["type"]),
            (&code.into(), &"about:blank".into()),
            "{problem}"
        );
        assert!(!problem["title"].as_str().unwrap().is_empty(), "{problem}");
        (code, problem["detail"].as_str().unwrap().to_owned())
    }

    /// What a GET answers, as JSON.
    pub async fn get_json(&self, path: &str) -> Value {
        let (code, head, body) = get(self, path).await;
        assert_eq!(code, 200, "{path}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        serde_json::from_slice(&body).unwrap()
    }
}

/// Opens an endless answer, and reads from it until `enough`.
pub async fn read_until(server: &Running, path: &str, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !enough(&answer) {
        let mut part = [0; 4096];
        let count = within(socket.read(&mut part)).await.unwrap();
        assert!(count > 0, "the answer ended: {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
    }
    answer
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[tokio::test]
async fn the_status_has_the_originals_fields_and_every_camera() {
    let server = start();
    let (code, head, body) = get(&server, "/status").await;
    assert_eq!(code, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    let status: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status["camera_clients"], 0);
    assert_eq!(status["viewer_clients"], 0);
    assert_eq!(status["streaming"], false);
    assert_eq!(status["cameras"], serde_json::json!([]));

    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    camera.send_jpeg(&jpeg(1)).await;
    viewer.binary().await;
    // The cost of a frame is counted after the frame has gone out.
    server.status_until(|status| status["cameras"][0]["pipeline_ms"]["encode"].as_f64() > Some(0.0)).await;
    let (_, _, body) = get(&server, "/status").await;
    let status: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&status["camera_clients"], &status["viewer_clients"]), (&1.into(), &1.into()));
    assert_eq!(status["streaming"], true);
    let camera = &status["cameras"][0];
    for field in [
        "name",
        "title",
        "peer",
        "connected",
        "state",
        "since_ms",
        "virtual",
        "width",
        "height",
        "fps",
        "bitrate",
        "video_bitrate",
        "frames_in",
        "bytes_in",
        "dropped",
        "quarantined",
        "encoding",
        "pipeline_ms",
        "newest_frame_age_ms",
        "viewers",
        "skipped",
        "device",
    ] {
        assert!(camera.get(field).is_some(), "{field} is missing in {camera}");
    }
    assert_eq!(camera["bytes_in"], jpeg(1).len());
    assert_eq!(camera["encoding"], true);
    assert!(camera["pipeline_ms"]["encode"].as_f64() > Some(0.0), "{camera}");
    for stage in ["ingest", "decode", "encode", "mux", "queue"] {
        assert!(camera["pipeline_ms"][stage].as_f64() >= Some(0.0), "{stage} in {camera}");
    }
    assert!(camera["bitrate"].as_u64() > Some(0) && camera["video_bitrate"].as_u64() > Some(0), "{camera}");
    viewer.close().await;
    let camera = server.camera_until("default", |camera| camera["encoding"] == false).await;
    assert_eq!(camera["video_bitrate"], 0, "{camera}");
}

#[tokio::test]
async fn a_snapshot_is_the_newest_good_frame_and_503_when_there_is_none() {
    let server = start();
    for path in ["/snapshot.jpg", "/snapshot/default.jpg", "/snapshot/never-seen.jpg"] {
        let (code, _, body) = get(&server, path).await;
        assert_eq!(code, 503, "{path}");
        assert!(String::from_utf8(body).unwrap().contains("has sent no picture"), "{path}");
    }
    let mut camera = server.camera().await;
    for number in 1..3 {
        camera.send_jpeg(&jpeg(number)).await;
    }
    server.status_until(|status| status["cameras"][0]["frames_in"] == 2).await;
    for path in ["/snapshot.jpg", "/snapshot/default.jpg"] {
        let (code, head, body) = get(&server, path).await;
        assert_eq!(code, 200);
        assert!(
            head.contains("content-type: image/jpeg") && head.contains("cache-control: no-store"),
            "{head}"
        );
        assert_eq!(body, jpeg(2));
    }
    camera.close().await;
    server.status_until(|status| status["streaming"] == false).await;
    assert_eq!(get(&server, "/snapshot.jpg").await.0, 503, "a picture from the past is none");
}

#[tokio::test]
async fn the_mjpeg_stream_waits_for_its_camera_and_shows_each_picture_at_once() {
    let server = start();
    let mut camera = server.camera().await;
    let sender = async {
        server.status_until(|status| status["camera_clients"] == 1).await;
        camera.send_jpeg(&jpeg(1)).await;
        std::future::pending::<()>().await;
    };
    // The boundary after the picture must come although no second picture does.
    let whole = |answer: &[u8]| {
        find(answer, &jpeg(1))
            .is_some_and(|at| find(&answer[at + jpeg(1).len()..], b"--lenscast-frame").is_some())
    };
    let answer = tokio::select! {
        answer = read_until(&server, "/stream.mjpg", whole) => answer,
        () = sender => unreachable!(),
    };
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(text.contains("content-type: multipart/x-mixed-replace; boundary=lenscast-frame"), "{text}");
    assert!(text.contains(&format!("content-length: {}", jpeg(1).len())), "{text}");
}

#[tokio::test]
async fn the_mjpeg_stream_says_that_its_camera_is_gone_and_goes_on_when_it_is_back() {
    const GONE: &[u8] = include_bytes!("../../../http/src/output/gone.jpg");
    let server = start();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET /stream.mjpg HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Reads on until this stands in what came since the last time.
    let mut until = async |what: &[u8]| {
        let end = within(async {
            loop {
                if let Some(at) = find(&answer, what) {
                    return at + what.len();
                }
                assert!(socket.read_buf(&mut answer).await.unwrap() > 0, "the answer ended");
            }
        })
        .await;
        answer.drain(..end).collect::<Vec<_>>()
    };
    for number in [1, 2] {
        let mut camera = server.camera().await;
        camera.send_jpeg(&jpeg(number)).await;
        let before = until(&jpeg(number)).await;
        assert!(number == 2 || find(&before, GONE).is_none(), "a camera that was never there is not gone");
        drop(camera);
        until(GONE).await;
    }
    lenscast_media::jpeg::inspect(GONE, &lenscast_media::jpeg::Limits::default())
        .expect("every player can show it");
}

#[tokio::test]
async fn the_ts_stream_over_http_begins_with_a_key_frame() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    let psi_and_video =
        |answer: &[u8]| find(answer, b"\r\n\x47\x40\x00").is_some_and(|at| answer.len() > at + 400);
    let answer = read_until(&server, "/stream/default.ts", psi_and_video).await;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(text.contains("content-type: video/mp2t"), "{text}");
}

#[tokio::test]
async fn the_pages_are_there_and_load_nothing_from_elsewhere() {
    let server = start();
    for path in ["/", "/mjpeg", "/camera/door", "/mjpeg/door"] {
        let (code, head, body) = get(&server, path).await;
        assert_eq!(code, 200, "{path}");
        assert!(head.contains("content-type: text/html"), "{head}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        let html = String::from_utf8(body).unwrap();
        assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
        // Everything that the page names is there.
        for asset in html.split('"').filter(|text| text.starts_with("/assets/")) {
            assert_eq!(get(&server, asset).await.0, 200, "{asset}");
        }
    }
}

#[tokio::test]
async fn the_metrics_tell_of_every_camera_and_the_health_checks_answer() {
    let server = start();
    let mut camera = server.connect("/ws/camera/door").await;
    let mut viewer = server.connect("/ws/viewer/door?format=h264").await;
    for number in 1..=3 {
        camera.send_jpeg(&jpeg(number)).await;
        viewer.framed().await;
    }
    camera.send_jpeg(b"no JPEG").await;
    server.status_until(|status| status["cameras"][0]["quarantined"]["not_a_jpeg"] == 1).await;
    let metrics = async {
        loop {
            let (code, head, body) = get(&server, "/metrics").await;
            assert_eq!(code, 200);
            assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
            let text = String::from_utf8(body).unwrap();
            // The cost of a frame is counted after the frame has gone out.
            if !text.contains("lenscast_encode_seconds_count{camera=\"door\"} 2") {
                return text;
            }
        }
    };
    let text = within(metrics).await;
    for line in [
        "lenscast_frames_total{camera=\"door\"} 3",
        "lenscast_viewers{camera=\"door\"} 1",
        "lenscast_quarantined_total{camera=\"door\",cause=\"not_a_jpeg\"} 1",
        "lenscast_encode_seconds_count{camera=\"door\"} 3",
        "lenscast_delivery_seconds_count{camera=\"door\"} 3",
        "lenscast_listeners 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|got| got.trim_end_matches(".0") == line), "{line} is missing in\n{text}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(&server, path).await.0, 200, "{path}");
    }
}
