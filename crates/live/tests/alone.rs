//! The crate without a server: a JPEG is published and watched, and nobody speaks HTTP.

use bytes::Bytes;
use jpeg_encoder::{ColorType, Encoder};
use lenscast_base::in_force::InForce;
use lenscast_live::{
    Camera, CameraState, Clock, Framed, JpegFrame, News, Rules, Streams, Video, VideoItem, pipeline,
};
use lenscast_media::ts::{PACKET_SIZE, SYNC_BYTE};
use lenscast_protocol::CameraName;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SIZE: (u16, u16) = (64, 48);

/// Waits for what takes a moment; what takes this long never comes.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it comes in time")
}

fn streams() -> Streams {
    Streams::new(InForce::new(Rules::default()), Clock::start(), News::default())
}

fn camera() -> Camera {
    Camera { peer: ([192, 0, 2, 1], 5).into(), control: false }
}

/// A picture in one shade of grey, as a camera sends it.
fn jpeg(grey: u8) -> Bytes {
    let mut bytes = Vec::new();
    let picture = vec![grey; usize::from(SIZE.0) * usize::from(SIZE.1) * 3];
    Encoder::new(&mut bytes, 90).encode(&picture, SIZE.0, SIZE.1, ColorType::Rgb).unwrap();
    bytes.into()
}

/// The mean of a decoded picture's luma, in the full range of a JPEG.
fn shade(decoder: &mut Decoder, annex_b: &[u8]) -> f64 {
    let picture = decoder.decode(annex_b).unwrap().expect("each access unit is a picture");
    let (width, height) = picture.dimensions();
    assert_eq!((width, height), (SIZE.0.into(), SIZE.1.into()));
    let rows = picture.y().chunks(picture.strides().0).take(height);
    let sum: u64 = rows.flat_map(|row| &row[..width]).map(|&sample| u64::from(sample)).sum();
    (sum as f64 / (width * height) as f64 - 16.0) * 255.0 / 219.0
}

/// The body is what stands behind the head of the message.
fn check_framed(framed: &Framed) {
    let (message, body) = (framed.message(), framed.body());
    assert_eq!(message[0], 0x82, "a whole binary message");
    assert!(message.ends_with(&body) && message.len() > body.len());
}

#[tokio::test]
async fn a_jpeg_is_published_and_watched_without_a_server() {
    let (streams, name) = (streams(), CameraName::new("door").unwrap());
    let stream = streams.get(&name);
    let (mut video, mut jpegs) = (stream.join_video(), stream.join_jpeg());
    assert_eq!(stream.camera_state(), CameraState::Waiting);

    let publisher = streams.claim(&name, camera(), |_| true).await;
    let encoding = Video::start(stream.clone(), InForce::new(pipeline::Config::default())).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut packets = Vec::new();
    for (number, grey) in [(0, 60), (1, 180), (2, 120)] {
        let sent = jpeg(grey);
        encoding.show(publisher.push(sent.clone(), SIZE.0, SIZE.1, stream.clock().now()));
        let (frame, lost) = within(jpegs.next()).await;
        assert_eq!((frame.sequence, &frame.bytes, lost), (number, &sent, 0), "as the camera sent it");

        let VideoItem { unit, lost } = within(video.next()).await;
        assert_eq!((unit.sequence, unit.key, lost), (number, number == 0, 0));
        let shade = shade(&mut decoder, unit.annex_b());
        assert!((shade - f64::from(grey)).abs() < 4.0, "{grey} became {shade}");
        assert_eq!(unit.timing.at, frame.arrival);
        check_framed(unit.ts());
        check_framed(unit.fmp4().expect("there is a sample"));
        packets.extend(unit.ts().body());
    }
    assert!(packets.chunks(PACKET_SIZE).all(|packet| packet.len() == PACKET_SIZE && packet[0] == SYNC_BYTE));
    assert_eq!(stream.camera_state(), CameraState::Live);

    drop(publisher);
    assert_eq!(stream.camera_state(), CameraState::Waiting);
    assert!(stream.newest_jpeg().is_none(), "nothing stale for who comes next");
}

#[tokio::test]
async fn what_a_decoder_needs_beside_the_video_is_given_out() {
    let (streams, name) = (streams(), CameraName::default());
    let stream = streams.get(&name);
    let mut video = stream.join_video();
    let publisher = streams.claim(&name, camera(), |_| true).await;
    let encoding = Video::start(stream.clone(), InForce::new(pipeline::Config::default())).unwrap();
    encoding.show(publisher.push(jpeg(100), SIZE.0, SIZE.1, stream.clock().now()));
    let VideoItem { unit, .. } = within(video.next()).await;
    let params = &unit.params;
    // Types 7 and 8 (ISO/IEC 14496-10 §7.4.1), and the same bytes as in the key frame.
    assert_eq!((params.sps()[0] & 0x1F, params.pps()[0] & 0x1F), (7, 8));
    for set in [params.sps(), params.pps()] {
        assert!(unit.annex_b().windows(set.len()).any(|window| window == set));
    }
    assert_eq!(&params.fmp4_init().body()[4..8], b"ftyp");
    check_framed(params.fmp4_init());
}

#[tokio::test]
async fn nothing_is_encoded_while_nobody_watches_and_the_first_viewer_gets_a_key_frame() {
    let (streams, name) = (streams(), CameraName::default());
    let publisher = streams.claim(&name, camera(), |_| true).await;
    let stream = publisher.stream().clone();
    let encoding = Video::start(stream.clone(), InForce::new(pipeline::Config::default())).unwrap();
    let show = |grey| -> Arc<JpegFrame> {
        let frame = publisher.push(jpeg(grey), SIZE.0, SIZE.1, stream.clock().now());
        encoding.show(frame.clone());
        frame
    };
    for grey in [10, 20, 30] {
        show(grey);
    }
    assert!(!stream.encoding());
    let newest = show(40);
    let mut video = stream.join_video();
    assert!(stream.encoding());
    let VideoItem { unit, lost } = within(video.next()).await;
    assert_eq!((unit.sequence, unit.key, lost), (0, true, 0), "the first that was ever encoded");
    assert_eq!(
        unit.timing.arrival_unix_us, newest.arrival_unix_us,
        "the newest picture, though no new one came"
    );
    assert!((shade(&mut Decoder::new().unwrap(), unit.annex_b()) - 40.0).abs() < 4.0);
    assert_eq!(stream.stats.dropped.load(Ordering::Relaxed), 0, "what nobody watches is not lost");
    drop(video);
    assert!(!stream.encoding());
}
