//! The two things that flow: a JPEG as it arrived, and an access unit (one coded picture of the video) with its bytes in
//! every format. Bytes are made once per format, however many viewers there are.

use crate::framed::Framed;
use bytes::Bytes;
use lenscast_media::h264::sps::Sps;
use lenscast_media::time::{Micros, Pts90k};
use lenscast_media::turn::Turn;
use lenscast_media::{fmp4, ts};
use lenscast_protocol::FrameHeader;
use std::sync::{Arc, OnceLock};

/// A JPEG of a camera that was inspected and found good.
#[derive(Debug)]
pub struct JpegFrame {
    /// The number of the JPEG within its stream, from 0.
    pub sequence: u64,
    /// The JPEG itself, from SOI through EOI, with Huffman tables. Its EXIF says which way up it is shown, if not as it is.
    pub bytes: Bytes,
    /// How the picture in `bytes` is turned to be shown.
    pub turn: Turn,
    /// The width in pixels, as it is shown.
    pub width: u16,
    /// The height in pixels, as it is shown.
    pub height: u16,
    /// When the last byte of the JPEG arrived, on the arrival clock.
    pub arrival: Micros,
    /// The moment `arrival` in µs since the Unix epoch.
    pub arrival_unix_us: u64,
}

impl JpegFrame {
    /// The header that a viewer by WebSocket gets before the JPEG. `lost_before` says that this viewer did not get the frame
    /// before it.
    #[must_use]
    pub fn header(&self, lost_before: bool) -> FrameHeader {
        FrameHeader {
            key: true,
            lost_before,
            sequence: self.sequence as u32,
            pts_us: self.arrival.0,
            arrival_unix_us: self.arrival_unix_us,
        }
    }
}

/// The parameter sets that a run of access units is decoded with.
#[derive(Debug)]
pub struct VideoParams {
    sps: Bytes,
    pps: Bytes,
    parsed: Sps,
    init: OnceLock<Framed>,
}

impl VideoParams {
    /// The parameter sets `sps` and `pps`, NAL units without start codes.
    ///
    /// # Errors
    /// When the SPS or the PPS cannot go into an MP4 header; the message says why.
    pub fn new(sps: &[u8], pps: &[u8]) -> Result<Self, String> {
        let parsed = Sps::parse(sps).map_err(|error| error.to_string())?;
        // Made here only to know that it can be made.
        fmp4::init_segment(sps, pps).map_err(|error| error.to_string())?;
        let (sps, pps) = (Bytes::copy_from_slice(sps), Bytes::copy_from_slice(pps));
        Ok(Self { sps, pps, parsed, init: OnceLock::new() })
    }

    /// Whether these parameter sets are `sps` and `pps`, to the byte.
    #[must_use]
    pub fn are(&self, sps: &[u8], pps: &[u8]) -> bool {
        self.sps == sps && self.pps == pps
    }

    /// The sequence parameter set, a NAL unit without start code. Outputs that describe the video beside it (SDP) need it.
    #[must_use]
    pub fn sps(&self) -> &Bytes {
        &self.sps
    }

    /// The picture parameter set, a NAL unit without start code.
    #[must_use]
    pub fn pps(&self) -> &Bytes {
        &self.pps
    }

    /// The sequence parameter set as it was read: profile, level, size, colours.
    #[must_use]
    pub fn parsed(&self) -> &Sps {
        &self.parsed
    }

    /// The fMP4 init segment. A player must have it before the fragments of access units with these parameter sets.
    #[must_use]
    pub fn fmp4_init(&self) -> &Framed {
        self.init.get_or_init(|| {
            let init = fmp4::init_segment(&self.sps, &self.pps).expect("`new` has made it before");
            Framed::made(init.len(), |out| out.extend_from_slice(&init)).0
        })
    }
}

/// The times of an access unit.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// When the picture is to be shown, on the arrival clock. That is when its JPEG came; for a JPEG that is shown again, it is when
    /// somebody asked for it.
    pub at: Micros,
    /// The moment `at` as a time stamp. Time stamps strictly increase within a stream, and are not wrapped to 33 bits.
    pub pts: Pts90k,
    /// When the JPEG of the picture arrived, in µs since the Unix epoch.
    pub arrival_unix_us: u64,
}

/// One coded picture as an encoder gave it, before it has its place in a stream.
#[derive(Debug)]
pub struct CodedPicture {
    /// When the picture is to be shown.
    pub timing: Timing,
    /// Whether this is a key frame: it can be decoded without an earlier picture.
    pub key: bool,
    /// The parameter sets with which the picture is decoded.
    pub params: Arc<VideoParams>,
    /// The picture as an Annex B byte stream: an access unit delimiter, in a key frame SPS and PPS, then the slices.
    pub annex_b: Vec<u8>,
}

/// One coded picture of a stream, with its bytes in every format that somebody asked for.
///
/// Viewers share it. The transport stream is made when the picture is published, since its counters run on from picture to
/// picture; other formats are made when the first viewer asks.
#[derive(Debug)]
pub struct AccessUnit {
    /// The number of the access unit within its stream, from 0, without gaps.
    pub sequence: u64,
    /// When the picture is to be shown.
    pub timing: Timing,
    /// Whether this is a key frame: it can be decoded without an earlier picture.
    pub key: bool,
    /// The parameter sets with which the picture is decoded.
    pub params: Arc<VideoParams>,
    annex_b: Bytes,
    ts: Framed,
    fmp4: OnceLock<Option<Framed>>,
}

impl AccessUnit {
    /// The access unit of `picture`, with the number `sequence`. Its transport packets take the next counters of `muxer`, so it must
    /// be published: viewers take a counter that they never see for a lost packet.
    #[must_use]
    pub(crate) fn new(sequence: u64, picture: CodedPicture, muxer: &mut ts::Muxer) -> Self {
        let CodedPicture { timing, key, params, annex_b } = picture;
        let (ts, ()) = Framed::made(ts_size(annex_b.len()), |out| muxer.mux(&annex_b, timing.pts, key, out));
        Self { sequence, timing, key, params, annex_b: annex_b.into(), ts, fmp4: OnceLock::new() }
    }

    /// The access unit as an Annex B byte stream.
    #[must_use]
    pub fn annex_b(&self) -> &Bytes {
        &self.annex_b
    }

    /// The access unit as whole transport stream packets.
    #[must_use]
    pub fn ts(&self) -> &Framed {
        &self.ts
    }

    /// The access unit as one fMP4 fragment, made for the first viewer that asks. `None` when the access unit has nothing that
    /// belongs into an MP4 sample.
    #[must_use]
    pub fn fmp4(&self) -> Option<&Framed> {
        let make = || {
            let (pts, number) = (self.timing.pts, self.sequence as u32);
            let (fragment, made) = Framed::made(self.annex_b.len() + 200, |out| {
                fmp4::fragment(number, &self.annex_b, pts, fmp4::SAFE_DURATION, self.key, out)
            });
            made.inspect_err(|error| tracing::debug!(%error, "an access unit does not go into fMP4")).ok()?;
            Some(fragment)
        };
        self.fmp4.get_or_init(make).as_ref()
    }

    /// The header that a viewer by WebSocket gets before the Annex B bytes. `lost_before` says that this viewer did not get the
    /// access unit before it.
    #[must_use]
    pub fn header(&self, lost_before: bool) -> FrameHeader {
        FrameHeader {
            key: self.key,
            lost_before,
            sequence: self.sequence as u32,
            pts_us: self.timing.pts.to_micros().0,
            arrival_unix_us: self.timing.arrival_unix_us,
        }
    }
}

/// The most bytes that the transport packets of an access unit of `len` bytes take.
///
/// A packet of 188 bytes holds 184 of them. Two packets more hold the tables before a key frame, and two the headers and what
/// is left over: an access unit of 10,000 bytes takes at most (54 + 4) × 188 = 10,904.
fn ts_size(len: usize) -> usize {
    (len / 184 + 4) * ts::PACKET_SIZE
}

#[cfg(test)]
impl JpegFrame {
    /// A frame of which only the number matters.
    pub(crate) fn for_test(sequence: u64) -> Self {
        let turn = Turn::NONE;
        let bytes = Bytes::new();
        Self { sequence, bytes, turn, width: 16, height: 16, arrival: Micros(0), arrival_unix_us: 0 }
    }
}

#[cfg(test)]
impl CodedPicture {
    /// A picture of which only the kind matters.
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
        Self { timing, key, params: params.clone(), annex_b: Vec::new() }
    }
}

/// Where packets with payload break the count of their PID (ISO/IEC 13818-1 §2.4.3.3), by PID.
#[cfg(test)]
pub(crate) fn gaps(packets: &[u8]) -> Vec<u16> {
    let mut counters = std::collections::BTreeMap::new();
    let mut gaps = Vec::new();
    for packet in packets.chunks(ts::PACKET_SIZE) {
        let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
        let counter = packet[3] & 0x0F;
        if counters.insert(pid, counter).is_some_and(|before| (before + 1) & 0x0F != counter) {
            gaps.push(pid);
        }
    }
    gaps
}
