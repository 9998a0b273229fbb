//! What the device puts on the wire, byte by byte, in front of a WebSocket server that is not ours: Python's `websockets`.

use lenscast_picture::jpeg;
use lenscast_picture::pattern::Scene;
use lenscast_virtual_device::{Options, Source, Stats, run};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The server, and the device in front of it.
struct Pair {
    server: Child,
    lines: BufReader<ChildStdout>,
    folder: TempDir,
    port: u64,
    pictures: Vec<Vec<u8>>,
    device: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Pair {
    /// `None` where there is no Python with `websockets`; then a line says so.
    fn start(mode: &str) -> Option<Self> {
        let python = python()?;
        let folder = TempDir::new().expect("a temporary folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/wire_server.py");
        let mut server = Command::new(python)
            .arg(script)
            .arg(mode)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("an interpreter");
        let lines = BufReader::new(server.stdout.take().expect("it was piped"));
        // Below 126 bytes, below 64 KiB and above: all three ways to tell a length (RFC 6455 §5.2).
        let pictures = vec![tiny_jpeg(), picture(160, 120), picture(1600, 1200)];
        assert!(pictures[0].len() < 126 && pictures[1].len() < 65536 && pictures[2].len() > 65536);
        let mut pair = Self { server, lines, folder, port: 0, pictures, device: None };
        pair.port = pair.next()["port"].as_u64().expect("a port");

        let film = pair.folder.path().join("film.mjpeg");
        std::fs::write(&film, pair.pictures.concat()).expect("room for a file");
        let source = Source::open(film.to_str().expect("temporary paths are UTF-8"), None).expect("a film");
        let options =
            Options { fps: Some(60.0), ..Options::new(format!("ws://127.0.0.1:{}", pair.port), source) };
        let (stop, stopped) = oneshot::channel();
        let device = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or(()) };
            run(options, Stats::new(), stopped).await.expect("nothing is wrong with the options");
        });
        pair.device = Some((stop, device));
        Some(pair)
    }

    /// What the server tells next.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the server is there");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The headers of the next request, which is on connection `number`.
    fn request(&mut self, number: u64) -> Vec<(String, String)> {
        let request = self.next();
        assert_eq!((&request["request"], &request["path"]), (&number.into(), &"/ws/camera".into()));
        serde_json::from_value(request["headers"].clone()).expect("names and values")
    }

    /// Goes on until `enough` binary messages have come, ends the device, and returns all frames of connection `number`.
    async fn frames(&mut self, number: u64, enough: usize) -> Vec<Value> {
        let mut frames: Vec<Value> = Vec::new();
        loop {
            let told = self.next();
            if told["end"] == number {
                assert_eq!((&told["code"], &told["complaint"]), (&1000.into(), &Value::Null));
                return frames;
            }
            assert_eq!(told["frame"], number, "{told}");
            assert_eq!(told["whole"], true, "no fragments, no reserved bits: {told}");
            frames.push(told);
            let binary = frames.iter().filter(|frame| frame["opcode"] == BINARY).count();
            if let Some((stop, device)) = self.device.take_if(|_| binary >= enough) {
                drop(stop);
                device.await.expect("no panic");
            }
        }
    }

    /// Each byte that came over connection `number`.
    fn bytes(&self, number: u64) -> Vec<u8> {
        std::fs::read(self.folder.path().join(format!("connection-{number}.bin"))).expect("it was kept")
    }

    fn expected_headers(&self, with_offer: bool) -> Vec<(String, String)> {
        let mut expected = vec![
            ("host", format!("127.0.0.1:{}", self.port)),
            ("upgrade", "websocket".to_owned()),
            ("connection", "Upgrade".to_owned()),
            ("sec-websocket-version", "13".to_owned()),
        ];
        expected.extend(with_offer.then(|| ("sec-websocket-protocol", "lenscast.v1".to_owned())));
        let mut expected: Vec<_> =
            expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        expected.sort();
        expected
    }

    /// The request has what RFC 6455 §4.1 asks for, and nothing else but the offer.
    fn check_headers(&self, headers: Vec<(String, String)>, with_offer: bool) {
        let mut headers: Vec<_> =
            headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let key = headers.iter().position(|(name, _)| name == "sec-websocket-key").expect("a key");
        let (_, key) = headers.remove(key);
        assert!(key.len() == 24 && key.ends_with("=="), "16 bytes in base64: {key}");
        headers.sort();
        assert_eq!(headers, self.expected_headers(with_offer));
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.server.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.server.wait();
    }
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// A frame as it is on the wire.
struct Frame {
    opcode: u8,
    mask: [u8; 4],
    payload: Vec<u8>,
}

/// The frames behind the request, of which not one byte is left over. Lengths must be told in the shortest way.
fn frames_on_the_wire(bytes: &[u8]) -> Vec<Frame> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("the end of the request");
    let (mut rest, mut frames) = (&bytes[end + 4..], Vec::new());
    while let [first, second, tail @ ..] = rest {
        assert_eq!((first & 0x70, second & 0x80), (0, 0x80), "no reserved bits, and masked");
        let (length, tail) = match (second & 0x7f, tail) {
            (126, [a, b, tail @ ..]) => {
                let length = u16::from_be_bytes([*a, *b]).into();
                assert!(length >= 126);
                (length, tail)
            }
            (127, [a, b, c, d, e, f, g, h, tail @ ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                assert!(length >= 65536);
                (usize::try_from(length).expect("it was received"), tail)
            }
            (length, tail) => (usize::from(length), tail),
        };
        let (mask, tail) = tail.split_first_chunk().expect("a mask");
        let (payload, tail) = tail.split_at_checked(length).expect("a whole frame");
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        frames.push(Frame { opcode: first & 0x8f, mask: *mask, payload });
        rest = tail;
    }
    assert!(rest.is_empty(), "{} bytes are no frame", rest.len());
    frames
}

/// Opcodes with the bit for a last fragment, as [`frames_on_the_wire`] has them.
fn last(opcode: u8) -> u8 {
    0x80 | opcode
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_server_gets_whole_jpegs_and_not_one_byte_more() {
    let Some(mut pair) = Pair::start("foreign") else { return };
    let headers = pair.request(1);
    pair.check_headers(headers, true);
    let told = pair.frames(1, 30).await;

    let mut frames = frames_on_the_wire(&pair.bytes(1));
    assert_eq!(frames.len(), told.len(), "both understand the same");
    let close = frames.pop().expect("there are some");
    assert_eq!((close.opcode, &close.payload[..2]), (last(CLOSE), &1000u16.to_be_bytes()[..]));
    let mut seen = vec![0; pair.pictures.len()];
    for frame in &frames {
        if frame.opcode == last(PING) {
            continue;
        }
        assert_eq!(frame.opcode, last(BINARY));
        let which = pair.pictures.iter().position(|picture| *picture == frame.payload);
        seen[which.expect("one of the pictures, unchanged")] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    let mut masks: Vec<[u8; 4]> = frames.iter().map(|frame| frame.mask).collect();
    masks.sort_unstable();
    masks.dedup();
    assert_eq!(masks.len(), frames.len(), "a mask of its own for each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stumbles_over_the_offer_is_dialled_without_it() {
    let Some(mut pair) = Pair::start("refusing") else { return };
    let headers = pair.request(1);
    pair.check_headers(headers, true);
    // The refused connection may end before or after the second one begins.
    let mut headers = None;
    let mut ended = false;
    while headers.is_none() || !ended {
        let told = pair.next();
        if told["end"] == 1 {
            ended = true;
        } else if told["request"] == 2 {
            headers = Some(serde_json::from_value(told["headers"].clone()).expect("names and values"));
        } else {
            assert_eq!(told["frame"], 2, "{told}");
        }
    }
    pair.check_headers(headers.expect("it was there"), false);
    let refused = pair.bytes(1);
    assert!(refused.ends_with(b"\r\n\r\n"), "nothing follows a refused request");
    pair.frames(2, 5).await;
    assert!(frames_on_the_wire(&pair.bytes(2)).iter().all(|frame| frame.opcode != last(TEXT)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_the_offer_is_told_who_the_device_is_between_the_jpegs() {
    let Some(mut pair) = Pair::start("extended") else { return };
    let headers = pair.request(1);
    pair.check_headers(headers, true);
    let told = pair.frames(1, 120).await;
    let texts: Vec<&str> = told
        .iter()
        .filter(|frame| frame["opcode"] == TEXT)
        .filter_map(|frame| frame["text"].as_str())
        .collect();
    let messages: Vec<Value> =
        texts.iter().map(|text| serde_json::from_str(text).expect("a JSON message")).collect();
    assert_eq!(messages[0]["type"], "hello");
    assert_eq!(messages[0]["sensor"], "FILM");
    let id = messages[0]["device_id"].as_str().expect("it has an id");
    assert!(id.len() == 17 && id.starts_with("02:"), "{id}");
    assert!(messages.iter().any(|message| message["type"] == "telemetry"), "{messages:?}");
    let frames = frames_on_the_wire(&pair.bytes(1));
    assert_eq!(frames[0].opcode, last(TEXT), "who it is comes first");
    for frame in frames.iter().filter(|frame| frame.opcode == last(BINARY)) {
        assert!(pair.pictures.contains(&frame.payload));
    }
}

fn picture(width: u16, height: u16) -> Vec<u8> {
    let scene = Scene { width, height, frame: 1, clock_ms: 0 };
    let mut jpeg = Vec::new();
    jpeg::encode(&scene.painter(), 90, Default::default(), &mut jpeg).expect("a picture");
    jpeg
}

/// A picture without any table: enough for who only looks at the markers, as a device does.
fn tiny_jpeg() -> Vec<u8> {
    let frame_header = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34];
    [&[0xff, 0xd8][..], &frame_header, &scan, &[0xff, 0xd9]].concat()
}

/// The interpreter that has `websockets`; the tests are skipped where there is none and nobody named one.
fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LENSCAST_PYTHON") {
        return Some(named.into());
    }
    // Cargo's folder holds `debug/deps/` and this program.
    let program = std::env::current_exe().expect("this program has a path");
    let installed = program.ancestors().nth(3).expect("it is in cargo's folder").join("python/bin/python");
    if installed.is_file() {
        return Some(installed);
    }
    let why = "SKIPPED, as Python's websockets is not installed: `cargo xtask test` does that";
    let line = format!("{why} (in {})\n", installed.display());
    // Not by a macro: the output of those is not shown for tests that pass.
    std::io::stderr().write_all(line.as_bytes()).expect("standard error is there");
    None
}
