//! What flows: a JPEG as it arrived, and an access unit with its bytes in every format, made at most once.

use bytes::Bytes;
use lenscast_media::fmp4;
use lenscast_media::h264::sps::Sps;
use lenscast_media::time::{Micros, Pts90k};
use lenscast_protocol::ws::{self, Opcode};
use std::sync::{Arc, OnceLock};

/// A good JPEG of a camera.
#[derive(Debug)]
pub struct JpegFrame {
    /// Number within its stream, from 0.
    pub sequence: u64,
    /// From SOI through EOI, with Huffman tables.
    pub bytes: Bytes,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// When its last byte arrived.
    pub arrival: Micros,
    /// The same in µs since the Unix epoch.
    pub arrival_unix_us: u64,
}

/// The parameter sets that a run of access units is decoded with.
#[derive(Debug)]
pub struct VideoParams {
    sps: Vec<u8>,
    pps: Vec<u8>,
    parsed: Sps,
    init: OnceLock<Bytes>,
}

impl VideoParams {
    /// Keeps the NAL units (without start codes).
    ///
    /// # Errors
    /// When the SPS or the PPS cannot go into an MP4 header; the message says why.
    pub fn new(sps: &[u8], pps: &[u8]) -> Result<Self, String> {
        let parsed = Sps::parse(sps).map_err(|error| error.to_string())?;
        // Made once here only to know that it can be made.
        fmp4::init_segment(sps, pps).map_err(|error| error.to_string())?;
        Ok(Self { sps: sps.to_vec(), pps: pps.to_vec(), parsed, init: OnceLock::new() })
    }

    /// Whether these are the same parameter sets.
    #[must_use]
    pub fn is(&self, sps: &[u8], pps: &[u8]) -> bool {
        self.sps == sps && self.pps == pps
    }

    /// What the SPS says.
    #[must_use]
    pub fn sps(&self) -> &Sps {
        &self.parsed
    }

    /// The fMP4 init segment as one WebSocket message.
    #[must_use]
    pub fn fmp4_init(&self) -> Bytes {
        let make = || {
            let init = fmp4::init_segment(&self.sps, &self.pps).expect("`new` has made it before");
            Bytes::from(ws::frame(Opcode::Binary, &init))
        };
        self.init.get_or_init(make).clone()
    }
}

/// The times of an access unit.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// When it is to be shown, on the arrival clock: when its JPEG came, or for one shown again, when it was asked for.
    pub at: Micros,
    /// The same as a time stamp, strictly increasing, not wrapped.
    pub pts: Pts90k,
    /// When the JPEG that it shows arrived, in µs since the Unix epoch.
    pub arrival_unix_us: u64,
}

/// One coded picture, with its bytes in every format that somebody asked for.
#[derive(Debug)]
pub struct AccessUnit {
    /// Number within its stream; given by the stream.
    pub sequence: u64,
    /// When it is to be shown.
    pub timing: Timing,
    /// It can be decoded without an earlier one.
    pub key: bool,
    /// What it is decoded with.
    pub params: Arc<VideoParams>,
    annex_b: Bytes,
    /// A WebSocket frame around whole TS packets.
    ts_message: Bytes,
    ts_start: usize,
    fmp4: OnceLock<Option<Bytes>>,
}

impl AccessUnit {
    /// Keeps one coded picture; `sequence` is set by the stream that publishes it. `ts_packets` are whole TS packets.
    #[must_use]
    pub fn new(
        timing: Timing,
        key: bool,
        params: Arc<VideoParams>,
        annex_b: Vec<u8>,
        ts_packets: &[u8],
    ) -> Self {
        let ts_message = Bytes::from(ws::frame(Opcode::Binary, ts_packets));
        Self {
            sequence: 0,
            timing,
            key,
            params,
            annex_b: annex_b.into(),
            ts_start: ts_message.len() - ts_packets.len(),
            ts_message,
            fmp4: OnceLock::new(),
        }
    }

    /// The access unit as an Annex B byte stream.
    #[must_use]
    pub fn annex_b(&self) -> &Bytes {
        &self.annex_b
    }

    /// Whole TS packets as one WebSocket message, head included: shared by all viewers.
    #[must_use]
    pub fn ts_message(&self) -> &Bytes {
        &self.ts_message
    }

    /// Whole TS packets.
    #[must_use]
    pub fn ts(&self) -> Bytes {
        self.ts_message.slice(self.ts_start..)
    }

    /// One fMP4 fragment as one WebSocket message, head included: made for the first viewer that wants it, shared by all.
    /// `None` when the access unit has nothing for an MP4 sample.
    #[must_use]
    pub fn fmp4_message(&self) -> Option<&Bytes> {
        let make = || {
            let mut fragment = Vec::with_capacity(self.annex_b.len() + 200);
            let pts = self.timing.pts;
            let number = self.sequence as u32;
            fmp4::fragment(number, &self.annex_b, pts, fmp4::SAFE_DURATION, self.key, &mut fragment)
                .inspect_err(|error| tracing::error!(%error, "an access unit does not go into fMP4"))
                .ok()?;
            Some(ws::frame(Opcode::Binary, &fragment).into())
        };
        self.fmp4.get_or_init(make).as_ref()
    }
}

#[cfg(test)]
impl JpegFrame {
    /// A frame of which only the number matters.
    pub(crate) fn for_test(sequence: u64) -> Self {
        Self { sequence, bytes: Bytes::new(), width: 16, height: 16, arrival: Micros(0), arrival_unix_us: 0 }
    }
}

#[cfg(test)]
impl AccessUnit {
    /// A unit of which only the kind matters.
    pub(crate) fn for_test(key: bool) -> Self {
        use lenscast_media::h264::{encoder::OpenH264, nal};
        use lenscast_media::picture::I420;
        static PARAMS: OnceLock<Arc<VideoParams>> = OnceLock::new();
        let params = PARAMS.get_or_init(|| {
            let encoded = OpenH264::default().encode(&I420::default(), Pts90k(0), true).unwrap();
            let sets = nal::parameter_sets(&encoded.annex_b).unwrap();
            Arc::new(VideoParams::new(sets.sps, sets.pps).unwrap())
        });
        let timing = Timing { at: Micros(0), pts: Pts90k(0), arrival_unix_us: 0 };
        Self::new(timing, key, params.clone(), Vec::new(), &[])
    }
}
