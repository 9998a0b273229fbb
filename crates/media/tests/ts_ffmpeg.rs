//! What ffmpeg makes of our transport stream.

mod ffmpeg;

use ffmpeg::Packet;
use lenscast_media::h264::nal::is_key;
use lenscast_media::time::Pts90k;
use lenscast_media::ts::{Muxer, discontinuity_packets};

/// Made by openh264: ten frames of 64×48, key frames first and sixth, a delimiter before each.
const MOVING: &[u8] = include_bytes!("data/h264/moving-64x48.h264");

/// 30 fps, one frame late, 4 fps: no rate that a muxer could assume.
const TICKS: [u64; 10] = [0, 3_000, 6_000, 18_000, 18_001, 40_500, 63_000, 85_500, 108_000, 130_500];

/// The packets of each frame, the first one at `origin`.
fn mux(origin: u64) -> Vec<Vec<u8>> {
    let mut muxer = Muxer::new();
    let units = ffmpeg::access_units(MOVING);
    assert_eq!(units.len(), TICKS.len());
    let packets = units.into_iter().zip(TICKS).map(|(unit, ticks)| {
        let mut packets = Vec::new();
        muxer.mux(unit, Pts90k(origin + ticks), is_key(unit), &mut packets);
        packets
    });
    packets.collect()
}

fn packet_of(frame: usize, origin: i64) -> (i64, bool) {
    (origin + TICKS[frame] as i64, frame == 0 || frame == 5)
}

fn stamps(packets: Vec<Packet>) -> Vec<(i64, bool)> {
    packets.into_iter().map(|packet| (packet.pts, packet.key)).collect()
}

#[test]
fn every_frame_has_the_time_it_was_given() {
    let found = stamps(ffmpeg::packets("mpegts", &mux(900_000).concat()));
    let expected: Vec<_> = (0..10).map(|frame| packet_of(frame, 900_000)).collect();
    assert_eq!(found, expected);
}

/// ffprobe unwraps a stream that begins within a minute of the wrap so that the wrap is zero: what comes before it
/// is negative, and the distances are those that were given.
#[test]
fn the_wrap_of_the_clock_is_no_jump() {
    let packets = mux(Pts90k::WRAP - 90_000).concat();
    let found = stamps(ffmpeg::packets("mpegts", &packets));
    let expected: Vec<_> = (0..10).map(|frame| packet_of(frame, -90_000)).collect();
    assert_eq!(found, expected);
    assert!(expected[7].0 < 0 && expected[8].0 > 0, "the wrap lies within the stream");
    assert_eq!(ffmpeg::pictures("mpegts", &packets).len(), 10);
}

#[test]
fn the_stream_is_what_the_encoder_made() {
    let packets = mux(90_000).concat();
    let fields = [
        ("codec_name", "h264"),
        ("width", "64"),
        ("height", "48"),
        ("color_range", "pc"),
        ("color_space", "smpte170m"),
        ("id", "0x100"),
    ];
    for (field, expected) in fields {
        assert_eq!(ffmpeg::stream_field("mpegts", field, &packets), expected, "{field}");
    }
    let pictures = ffmpeg::pictures("mpegts", &packets);
    assert_eq!(pictures.len(), 10);
    assert_eq!(pictures, ffmpeg::pictures("h264", MOVING));
}

/// Frames 2 to 4 are lost, as for a viewer that fell behind; it goes on with the key frame 5.
#[test]
fn a_viewer_that_skips_to_a_key_frame_sees_a_stream_without_fault() {
    let frames = mux(90_000);
    let before = frames[..2].concat();
    let after = frames[5..].concat();

    let told = [&before[..], &discontinuity_packets(&frames[5]), &after].concat();
    let found = stamps(ffmpeg::packets("mpegts", &told));
    let expected: Vec<_> = [0, 1, 5, 6, 7, 8, 9].map(|frame| packet_of(frame, 90_000)).to_vec();
    assert_eq!(found, expected);
    let whole = ffmpeg::pictures("mpegts", &frames.concat());
    assert_eq!(ffmpeg::pictures("mpegts", &told), [&whole[..2], &whole[5..]].concat());

    // The same gap without those packets is a fault, and ffprobe is a judge that sees it.
    let fault = "Continuity check failed";
    let judge = |stream: &[u8]| {
        let arguments = ["-v", "debug", "-f", "mpegts", "-show_packets", "pipe:0"];
        ffmpeg::run("ffprobe", &arguments, stream).complaints.contains(fault)
    };
    assert!(judge(&[before, after].concat()));
    assert!(!judge(&told));
}
