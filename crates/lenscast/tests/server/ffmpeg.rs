//! `--encoder ffmpeg`: the same video from a child process, which may die at any time. The test command of the project
//! installs ffmpeg.

use crate::harness::*;
use lenscast_live::pipeline::ffmpeg::{Ffmpeg, ProbeError};
use lenscast_media::h264::nal;
use lenscast_media::h264::sps::Sps;
use lenscast_media::time::Pts90k;
use lenscast_settings::config::Config;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::process::Command;

/// A server with ffmpeg, and a camera whose name no other test uses.
struct Scene {
    server: Running,
    name: String,
    camera: Client,
    viewer: Client,
}

impl Scene {
    async fn start(name: &str) -> Self {
        let server = start_with(|config| config.encoder = Ffmpeg::default().into_encoders());
        let name = format!("{name}-{}", std::process::id());
        let camera = server.connect(&format!("/ws/camera/{name}")).await;
        let viewer = server.connect(&format!("/ws/viewer/{name}?format=h264")).await;
        Self { server, name, camera, viewer }
    }

    /// Sends a frame and waits for its access unit, before any other frame comes.
    async fn show(&mut self, number: u32) -> (lenscast_protocol::FrameHeader, Vec<u8>) {
        self.camera.send_jpeg(&jpeg(number)).await;
        self.viewer.framed().await
    }

    fn restarts(&self) -> u64 {
        let streams = self.server.app.cameras.streams().list();
        let stream = streams.iter().find(|stream| stream.name().to_string() == self.name).unwrap();
        stream.stats.encoder_restarts.load(Ordering::Relaxed)
    }

    /// The process of the camera's encoder.
    fn child(&self) -> u32 {
        let children = children(&self.name);
        assert_eq!(children.len(), 1, "one process for a camera");
        children[0]
    }
}

/// The process ids of a camera's ffmpeg, found by their environment.
fn children(camera: &str) -> Vec<u32> {
    let wanted = format!("LENSCAST_CAMERA={camera}");
    let is_wanted = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(is_wanted).collect()
}

/// Waits until a camera has no process any more.
async fn no_child_is_left(camera: &str) {
    within(async {
        while !children(camera).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().await.unwrap().success());
}

/// Sends frames, each after the access unit of the one before; no access unit may wait for the next frame, each must show
/// its frame, and its time must be that of the frame. Gives back the times of the key frames in µs.
async fn plays(name: &str, interval: Duration, frames: u32) -> Vec<u64> {
    let mut scene = Scene::start(name).await;
    let clock = scene.server.app.cameras.clock().clone();
    let origin = Config::default().pts_origin;
    let mut decoder = Decoder::new();
    let mut keys = Vec::new();
    for number in 1..=frames {
        let sent = clock.now();
        let (header, unit) = scene.show(number).await;
        let received = clock.now();
        let pts = Pts90k(header.pts_us * 9 / 100 - origin.0).to_micros();
        assert!(sent.0 <= pts.0 + 12 && pts.0 <= received.0, "PTS {pts}, sent {sent}, received {received}");
        assert_eq!(
            nal_types(&unit),
            if header.key { vec![9, 7, 8, 5] } else { vec![9, 1] },
            "frame {number}"
        );
        assert_eq!(decoder.decode(&unit).frame_number(), number);
        if header.key {
            keys.push(header.pts_us);
        }
        if number == 1 {
            assert!(header.key);
            let sets = nal::parameter_sets(&unit).unwrap();
            let sps = Sps::parse(sets.sps).unwrap();
            assert_eq!((sps.profile_idc, sps.constraint_flags & 0x40), (66, 0x40), "constrained baseline");
            let colour = sps.colour.unwrap();
            assert!(!colour.full_range, "black is 16, as decoders take for granted");
            assert_eq!((colour.primaries, colour.transfer, colour.matrix), (1, 13, 6));
        }
        tokio::time::sleep_until(tokio::time::Instant::now() + interval).await;
    }
    keys
}

#[tokio::test]
async fn what_ffmpeg_encodes_plays_and_no_frame_waits_for_the_next() {
    plays("ff-plays", Duration::ZERO, 30).await;
}

#[tokio::test]
async fn a_camera_of_4_fps_has_a_key_frame_every_two_seconds_with_ffmpeg() {
    let keys = plays("ff-slow", Duration::from_millis(250), 10).await;
    assert!(keys.len() >= 2, "ten frames take longer than two seconds: {keys:?}");
}

#[tokio::test]
async fn a_joiner_gets_the_newest_picture_as_a_key_frame_while_no_frame_comes() {
    let mut scene = Scene::start("ff-join").await;
    for number in 1..=3 {
        scene.show(number).await;
    }
    let pid = scene.child();
    // Until the running GOP is too old to join.
    tokio::time::sleep(lenscast_live::JOINABLE_GOP_AGE).await;
    let mut joiner = scene.server.connect(&format!("/ws/viewer/{}?format=h264", scene.name)).await;
    let (header, unit) = joiner.framed().await;
    assert!(header.key);
    assert_eq!(Decoder::new().decode(&unit).frame_number(), 3);
    assert_eq!(scene.child(), pid, "the process took the request; it was not replaced");
}

#[tokio::test]
async fn a_killed_ffmpeg_is_replaced_and_the_stream_goes_on_with_a_key_frame() {
    let mut scene = Scene::start("ff-killed").await;
    let mut decoder = Decoder::new();
    let mut shown = Vec::new();
    for number in 1..=5 {
        let (header, unit) = scene.show(number).await;
        assert_eq!(decoder.decode(&unit).frame_number(), number);
        shown.push(header.pts_us);
    }
    let old = scene.child();
    signal(old, "KILL").await;
    // One frame is enough, even if it went to the process that was dying.
    let (header, unit) = scene.show(6).await;
    assert!(header.key && header.pts_us > shown[4]);
    assert_eq!(decoder.decode(&unit).frame_number(), 6);
    let key = header.pts_us;
    shown.push(key);
    let (header, unit) = scene.show(7).await;
    shown.push(header.pts_us);
    // Nor is this one a key frame, unless the next, if as late as the latest so far, would come more than two seconds after
    // the first (`Pacing::wants_key`). The one that the new process began with was not asked for, and does not count there.
    let latest = shown.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(!header.key || header.pts_us - shown[0] + latest > 2_000_000, "{shown:?}");
    assert_eq!(decoder.decode(&unit).frame_number(), 7);
    assert_ne!(scene.child(), old);
    assert_eq!(scene.restarts(), 1);
}

#[tokio::test]
async fn a_hung_ffmpeg_is_replaced() {
    let mut scene = Scene::start("ff-hung").await;
    scene.show(1).await;
    let old = scene.child();
    signal(old, "STOP").await;
    let mut number = 1;
    while scene.restarts() == 0 {
        number += 1;
        scene.camera.send_jpeg(&jpeg(number)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (header, unit) = scene.viewer.framed().await;
    assert!(header.key);
    assert!((2..=number).contains(&Decoder::new().decode(&unit).frame_number()));
    assert!(!children(&scene.name).contains(&old), "the old process is gone");
}

#[tokio::test]
async fn a_camera_that_changes_its_size_goes_on_with_ffmpeg() {
    let mut scene = Scene::start("ff-size").await;
    let mut decoder = Decoder::new();
    let sizes = [(320, 240), (320, 240), (640, 480), (160, 120), (320, 240)];
    let mut last_key = 0;
    for (number, (width, height)) in (1..).zip(sizes) {
        scene.camera.send_jpeg(&jpeg_of(number, width, height)).await;
        let (header, unit) = scene.viewer.framed().await;
        // A new size needs a key frame; the second frame needs none, unless ffmpeg was so slow to start that a third, if as
        // late, would come more than two seconds after the first (`Pacing::wants_key`).
        let due = number != 2 || 2 * (header.pts_us - last_key) > 2_000_000;
        assert_eq!(
            header.key,
            due,
            "frame {number}, {} us after the last key frame",
            header.pts_us - last_key
        );
        last_key = if header.key { header.pts_us } else { last_key };
        let seen = decoder.decode(&unit);
        assert_eq!((seen.width, seen.height), (width.into(), height.into()));
        assert_eq!(seen.frame_number(), number);
    }
    assert_eq!(scene.restarts(), 0, "a new size is no fault");
    scene.child();
}

#[tokio::test]
async fn no_ffmpeg_outlives_its_camera() {
    let mut scene = Scene::start("ff-left").await;
    scene.show(1).await;
    scene.child();
    scene.camera.close().await;
    no_child_is_left(&scene.name).await;
}

#[tokio::test]
async fn no_ffmpeg_outlives_its_server() {
    let mut scene = Scene::start("ff-ended").await;
    scene.show(1).await;
    scene.child();
    scene.server.shutdown.cancel();
    within(&mut scene.server.task).await.unwrap();
    no_child_is_left(&scene.name).await;
}

#[tokio::test]
async fn no_ffmpeg_outlives_a_server_that_was_killed() {
    let name = format!("ff-orphan-{}", std::process::id());
    let mut server = Command::new(env!("CARGO_BIN_EXE_lenscast"))
        .args(["serve", "--listen", "127.0.0.1:0", "--encoder", "ffmpeg:libx264", "--encode", "always"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(server.stdout.take().unwrap()));
    let address = within(async {
        loop {
            let line = lines.next_line().await.unwrap().expect("a line with the address");
            if let Some(address) = line.trim().strip_prefix("http://127.0.0.1") {
                return format!("127.0.0.1{}", address.trim_end_matches('/'));
            }
        }
    })
    .await;
    let url = format!("ws://{address}/ws/camera/{name}");
    let (socket, _) = within(tokio_tungstenite::connect_async(url)).await.unwrap();
    let mut camera = Client { socket };
    camera.send_jpeg(&jpeg(1)).await;
    within(async {
        while children(&name).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    server.kill().await.unwrap();
    no_child_is_left(&name).await;
}

/// What the program says when it does not start.
async fn complaint(encoder: &str, path: Option<&str>) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_lenscast"));
    program.args(["serve", "--listen", "127.0.0.1:0", "--encoder", encoder]).kill_on_drop(true);
    if let Some(path) = path {
        program.env("PATH", path);
    }
    let output = within(program.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_codec_that_ffmpeg_does_not_have_is_a_clear_error_at_start() {
    let complaint = complaint("ffmpeg:nonsense", None).await;
    assert!(complaint.contains("ffmpeg cannot encode with nonsense"), "{complaint}");
    assert!(complaint.contains("libx264"), "it tells what there is: {complaint}");
}

#[tokio::test]
async fn a_missing_ffmpeg_is_a_clear_error_at_start() {
    let complaint = complaint("ffmpeg", Some("/nowhere")).await;
    assert!(
        complaint.contains("ffmpeg cannot be run") && complaint.contains("apt install ffmpeg"),
        "{complaint}"
    );
}

#[test]
fn an_encoder_of_another_format_is_refused() {
    let error = Ffmpeg::new("mpeg2video").unwrap().probe().unwrap_err();
    assert!(matches!(error, ProbeError::Unusable { .. }), "{error}");
    Ffmpeg::default().probe().unwrap();
}

#[tokio::test]
async fn a_pipeline_with_ffmpeg_counts_until_its_process_is_gone() {
    let mut scene = Scene::start("counts").await;
    scene.show(1).await;
    let child = scene.child();
    let pipelines = scene.server.app.cameras.pipelines().clone();
    assert_eq!(pipelines.count(), 1);
    // A process that is stopped is there until somebody ends it.
    signal(child, "STOP").await;
    let Scene { camera, name, .. } = scene;
    camera.close().await;
    within(async {
        while pipelines.count() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert_eq!(children(&name), [0u32; 0], "its place is free only now, and nothing of it is left");
}
