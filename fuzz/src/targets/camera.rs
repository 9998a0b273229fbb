//! The whole way of what a camera sends: WebSocket frames, messages, JPEG, picture, H.264, MPEG-TS and fMP4.

use super::LIMITS;
use lenscast_media::fmp4;
use lenscast_media::h264::encoder::OpenH264;
use lenscast_media::h264::nal;
use lenscast_media::jpeg::{Decoder as JpegDecoder, inspect, with_default_huffman_tables};
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use lenscast_media::ts;
use lenscast_protocol::ws::{Decoder, Event, Role, Violation};

const MAX_MESSAGE: usize = 1 << 16;

/// What the connection of a camera carries, after the handshake: however the bytes are cut, the same messages come out, and
/// each that is a picture becomes a legal access unit.
pub fn camera_connection(bytes: &[u8]) {
    let (events, end) = decode(bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(decode(bytes, piece), (events.clone(), end), "in pieces of {piece}");
    }
    let mut pipeline = Pipeline::default();
    for event in events {
        match event {
            Event::Binary(message) => {
                assert!(message.len() <= MAX_MESSAGE);
                pipeline.take(&message);
            }
            Event::Text(text) => assert!(text.len() <= MAX_MESSAGE),
            Event::Ping(payload) | Event::Pong(payload) => assert!(payload.len() <= 125),
            Event::Close(Some((code, _))) => assert!(code >= 1000),
            Event::Close(None) => {}
        }
    }
}

fn decode(bytes: &[u8], piece: usize) -> (Vec<Event>, Option<Violation>) {
    let mut decoder = Decoder::new(Role::Server, MAX_MESSAGE);
    let mut events = Vec::new();
    for mut part in bytes.chunks(piece) {
        loop {
            match decoder.decode(&mut part) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(violation) => return (events, Some(violation)),
            }
        }
    }
    (events, None)
}

/// What a camera's thread has.
#[derive(Default)]
struct Pipeline {
    picture: I420,
    encoder: OpenH264,
    muxer: ts::Muxer,
    pictures: u64,
}

impl Pipeline {
    fn take(&mut self, message: &[u8]) {
        let Ok(inspected) = inspect(message, &LIMITS) else { return };
        let jpeg = with_default_huffman_tables(message, &inspected);
        if JpegDecoder::new(LIMITS).decode(&jpeg, &mut self.picture).is_err() {
            return;
        }
        let pts = Pts90k(Pts90k::WRAP - 3000 + self.pictures * 3000);
        self.pictures += 1;
        let encoded = self
            .encoder
            .encode(&self.picture, pts, false)
            .expect("every picture within the limits is encoded");
        assert!(encoded.annex_b.starts_with(&[0, 0, 0, 1, 9]), "a delimiter comes first");
        assert_eq!(encoded.key, nal::is_key(&encoded.annex_b));
        assert!(encoded.key || self.pictures > 1, "the first is a key frame");
        let mut packets = Vec::new();
        self.muxer.mux(&encoded.annex_b, pts, encoded.key, &mut packets);
        assert!(
            packets.len() % ts::PACKET_SIZE == 0
                && packets.chunks(ts::PACKET_SIZE).all(|p| p[0] == ts::SYNC_BYTE)
        );
        if let Some(sets) = nal::parameter_sets(&encoded.annex_b) {
            fmp4::init_segment(sets.sps, sets.pps).expect("our own parameter sets go into an init segment");
        }
        fmp4::fragment(1, &encoded.annex_b, pts, fmp4::SAFE_DURATION, encoded.key, &mut packets)
            .expect("every access unit has a slice");
    }
}
