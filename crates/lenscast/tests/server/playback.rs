//! The transport stream as players see it: real time, unbroken, and the picture that was sent.

use crate::harness::*;
use lenscast_live::Clock;
use lenscast_media::time::Pts90k;
use lenscast_settings::config::Config;
use mpeg2ts::ts::{ReadTsPacket as _, TsPacket, TsPacketReader, TsPayload};
use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

fn packets(ts: &[u8]) -> Vec<TsPacket> {
    assert_eq!(ts.len() % 188, 0, "whole packets");
    let mut reader = TsPacketReader::new(ts);
    let mut packets = Vec::new();
    while let Some(packet) = reader.read_ts_packet().expect("a legal transport stream") {
        packets.push(packet);
    }
    packets
}

/// The PTS of the access unit in a message, in 33 bits (ISO/IEC 13818-1 §2.4.3.7).
fn pts(message: &[u8]) -> u64 {
    let starts: Vec<u64> = message
        .chunks_exact(188)
        .filter(|packet| packet[1] & 0x5F == 0x41 && packet[2] == 0)
        .map(|packet| {
            let payload = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
            let p: Vec<u64> = packet[payload + 9..payload + 14].iter().map(|&byte| byte.into()).collect();
            (p[0] >> 1 & 7) << 30 | p[1] << 22 | (p[2] >> 1) << 15 | p[3] << 7 | p[4] >> 1
        })
        .collect();
    assert_eq!(starts.len(), 1, "one access unit a message");
    starts[0]
}

/// Runs ffprobe or ffmpeg on `input`; the test command of the project installs them.
fn ff(tool: &str, args: &[&str], input: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.ts");
    std::fs::write(&path, input).unwrap();
    let path = path.to_str().unwrap();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "INPUT" { path } else { arg }).collect();
    let output = Command::new(tool)
        .args(&args)
        .output()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}): `cargo xtask test` installs it"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{tool} {args:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Sends frames at `fps` and checks that every PTS lies between the moments of sending and receiving, both on the clock of
/// this test: then it is real time, whatever this machine does meanwhile.
async fn plays_in_real_time(intervals_ms: &[u64]) {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    let clock: Clock = server.app.cameras.clock().clone();
    let mut due = tokio::time::Instant::now();
    for (number, interval) in intervals_ms.iter().enumerate() {
        tokio::time::sleep_until(due).await;
        due += Duration::from_millis(*interval);
        let jpeg = jpeg(number as u32 + 1);
        let sent = clock.now();
        camera.send_jpeg(&jpeg).await;
        let pts = Pts90k(pts(&viewer.binary().await) - Config::default().pts_origin.0).to_micros();
        let received = clock.now();
        // One tick is 11 µs; the conversion rounds.
        assert!(sent.0 <= pts.0 + 12 && pts.0 <= received.0, "PTS {pts}, sent {sent}, received {received}");
    }
}

#[tokio::test]
async fn a_camera_of_4_fps_plays_in_real_time() {
    plays_in_real_time(&[250; 8]).await;
}

#[tokio::test]
async fn a_camera_of_10_fps_plays_in_real_time() {
    plays_in_real_time(&[100; 20]).await;
}

#[tokio::test]
async fn a_camera_of_30_fps_plays_in_real_time() {
    plays_in_real_time(&[33; 40]).await;
}

#[tokio::test]
async fn a_camera_of_60_fps_plays_in_real_time() {
    plays_in_real_time(&[16; 60]).await;
}

#[tokio::test]
async fn a_jittery_camera_plays_in_real_time() {
    plays_in_real_time(&[10, 200, 5, 5, 400, 30, 0, 0, 120, 33, 33, 600, 1]).await;
}

#[tokio::test]
async fn every_judge_accepts_the_transport_stream() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    let mut stream = Vec::new();
    let mut expected = Vec::new();
    for number in 1..=40 {
        camera.send_jpeg(&jpeg(number)).await;
        let message = viewer.binary().await;
        expected.push(pts(&message));
        stream.extend(message);
    }
    camera.close().await;
    // A second connection of the camera: the stream must go on as one.
    server.status_until(|status| status["streaming"] == false).await;
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(41)).await;
    let message = viewer.binary().await;
    expected.push(pts(&message));
    stream.extend(message);

    let all = packets(&stream);
    let first: Vec<u16> = all.iter().take(3).map(|packet| packet.header.pid.as_u16()).collect();
    assert!(matches!(all[0].payload, Some(TsPayload::Pat(_))), "PAT first, then PMT and video: {first:?}");
    assert!(matches!(all[1].payload, Some(TsPayload::Pmt(_))));
    let mut continuity: HashMap<u16, u8> = HashMap::new();
    let mut clock = None;
    for packet in &all {
        let pid = packet.header.pid.as_u16();
        let counter = packet.header.continuity_counter.as_u8();
        if packet.payload.is_some()
            && let Some(previous) = continuity.insert(pid, counter)
        {
            assert_eq!(counter, (previous + 1) % 16, "PID {pid}");
        }
        if let Some(pcr) = packet.adaptation_field.as_ref().and_then(|field| field.pcr) {
            assert!(clock < Some(pcr.as_u64()), "the clock goes forward");
            clock = Some(pcr.as_u64());
        }
    }
    assert!(clock.is_some(), "there is a clock");

    let streams = ff("ffprobe", &["-v", "error", "-show_streams", "-of", "default=nw=1", "INPUT"], &stream);
    for line in [
        "codec_name=h264",
        "profile=Constrained Baseline",
        "width=320",
        "height=240",
        "pix_fmt=yuv420p",
        "color_range=tv",
        "color_space=smpte170m",
        "has_b_frames=0",
    ] {
        assert!(streams.lines().any(|got| got == line), "{line} is missing in {streams}");
    }
    let listed =
        ff("ffprobe", &["-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", "INPUT"], &stream);
    let listed: Vec<u64> = listed.split([',', '\n']).filter_map(|text| text.trim().parse().ok()).collect();
    assert_eq!(listed, expected);
    let decoded = ff(
        "ffprobe",
        &[
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=nb_read_frames",
            "-of",
            "csv=p=0",
            "INPUT",
        ],
        &stream,
    );
    assert_eq!(decoded.trim().lines().next(), Some("41"));
}

#[tokio::test]
async fn time_stamps_go_on_across_the_33_bit_wrap() {
    // A tenth of a second before the wrap; more where that is over before the first frame came.
    let mut before_the_wrap = 9_000;
    while !saw_the_wrap(before_the_wrap).await {
        before_the_wrap *= 4;
        assert!(before_the_wrap < 90_000 * 60, "the first frame came too late to see the wrap");
    }
}

/// Whether frames came on both sides of the wrap, on a server that starts so many ticks before it.
async fn saw_the_wrap(ticks: u64) -> bool {
    let server = start_with(|config| config.pts_origin = Pts90k(Pts90k::WRAP - ticks));
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    let mut unwrapped = server.viewer("format=h264").await;
    let mut stream = Vec::new();
    let (mut before, mut after) = (0, 0);
    let mut previous = None;
    let mut number = 0;
    while after < 5 {
        number += 1;
        camera.send_jpeg(&jpeg(number)).await;
        let message = viewer.binary().await;
        let wrapped = pts(&message);
        let exact = unwrapped.framed().await.0.pts_us;
        assert_eq!(wrapped, (exact * 9 / 100) % Pts90k::WRAP);
        if wrapped > Pts90k::WRAP / 2 {
            before += 1
        } else {
            after += 1
        }
        if let Some(previous) = previous {
            let step = (wrapped + Pts90k::WRAP - previous) % Pts90k::WRAP;
            assert!((1..90_000 * 20).contains(&step), "from {previous} to {wrapped}");
        }
        previous = Some(wrapped);
        stream.extend(message);
    }
    if before == 0 {
        return false;
    }
    let decoded = ff(
        "ffprobe",
        &[
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=nb_read_frames",
            "-of",
            "csv=p=0",
            "INPUT",
        ],
        &stream,
    );
    assert_eq!(decoded.trim().lines().next(), Some(number.to_string().as_str()));
    true
}

#[tokio::test]
async fn what_is_decoded_is_what_was_sent() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut decoder = Decoder::new();
    for number in 1..=30 {
        let jpeg = jpeg_of(number, 640, 480);
        camera.send_jpeg(&jpeg).await;
        let (header, unit) = viewer.framed().await;
        assert!(header.key || number > 1, "a key frame at the start");
        let seen = decoder.decode(&unit);
        assert_eq!(seen.frame_number(), number);
        let mut jpeg_decoder = JpegDecoder::new(ZCursor::new(&jpeg));
        jpeg_decoder.decode_headers().unwrap();
        let options = jpeg_decoder
            .options()
            .jpeg_set_out_colorspace(zune_jpeg::zune_core::colorspace::ColorSpace::Luma);
        jpeg_decoder.set_options(options);
        let sent = jpeg_decoder.decode().unwrap();
        // From limited range (16 to 235) back to the full range of the JPEG.
        let full = |sample: u8| (f64::from(sample) - 16.0) * 255.0 / 219.0;
        let squares: f64 =
            sent.iter().zip(&seen.samples).map(|(a, b)| (f64::from(*a) - full(*b)).powi(2)).sum();
        let psnr = 10.0 * (255.0 * 255.0 * sent.len() as f64 / squares.max(1.0)).log10();
        assert!(psnr > 36.0, "frame {number}: {psnr:.1} dB");
    }
}

#[tokio::test]
async fn key_frames_are_at_most_two_seconds_apart() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut keys = Vec::new();
    let mut last_pts = 0;
    // As fast as it goes through, until three key frames were seen.
    for number in 1.. {
        camera.send_jpeg(&jpeg_of(number, 160, 120)).await;
        let (header, _) = viewer.framed().await;
        if header.key {
            keys.push(header.pts_us);
        }
        let key = *keys.last().unwrap();
        assert!(
            header.pts_us - key <= 2_000_000 || header.pts_us - last_pts > 1_000_000,
            "no key frame for too long"
        );
        last_pts = header.pts_us;
        if keys.len() == 3 {
            return;
        }
    }
}
