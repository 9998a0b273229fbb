//! MPEG-TS muxing (ISO/IEC 13818-1): one H.264 track, one access unit a call, nothing buffered.
//!
//! Every viewer of a stream gets the same packets. What belongs to one viewer only, the packets that announce a gap,
//! is made by [`discontinuity_packets`] and changes nothing in the shared ones.

mod psi;

use crate::h264::nal::{NalType, nal_units};
use crate::time::Pts90k;

/// Bytes of a transport packet (§2.4.3.2).
pub const PACKET_SIZE: usize = 188;

/// First byte of every transport packet.
pub const SYNC_BYTE: u8 = 0x47;

/// PID of the program association table (§2.4.4.3).
pub const PAT_PID: u16 = 0;

/// PID of our program map table.
pub const PMT_PID: u16 = 0x1000;

/// PID of our video, which also carries the clock reference.
pub const VIDEO_PID: u16 = 0x0100;

/// `stream_type` of H.264 (§2.4.4.9, Table 2-34).
pub const STREAM_TYPE_H264: u8 = 0x1B;

/// How far the clock reference runs before the time stamp of the same access unit: 50 ms in 90 kHz ticks.
///
/// It is the time a receiver that follows the system target decoder has for taking in the access unit, and a latency
/// that it therefore adds. The clock is cut to 33 bits after the subtraction: with time stamps that begin at this
/// value or later, it begins at zero and not just before its wrap.
pub const PCR_LEAD: u64 = 4_500;

/// An access unit delimiter that allows every kind of slice (ISO/IEC 14496-10 §7.4.2.4), with its start code.
const ACCESS_UNIT_DELIMITER: &[u8] = &[0, 0, 0, 1, 0x09, 0xF0];

const HEADER_SIZE: usize = 4;

/// Bytes of a PES header with a PTS and nothing else (§2.4.3.6).
const PES_HEADER_SIZE: usize = 14;

/// Bytes of the adaptation field that carries the clock reference, its length byte included (§2.4.3.4).
const PCR_FIELD_SIZE: usize = 8;

/// `payload_unit_start_indicator`, in the second byte of a packet.
const UNIT_START: u8 = 0x40;

/// `adaptation_field_control`, in the fourth byte of a packet (Table 2-5).
const PAYLOAD: u8 = 0x10;
const ADAPTATION: u8 = 0x20;

/// Flags of an adaptation field (§2.4.3.5).
const DISCONTINUITY: u8 = 0x80;
const RANDOM_ACCESS: u8 = 0x40;
const PCR: u8 = 0x10;

/// Writes one H.264 track as transport packets.
///
/// It holds nothing but the continuity counters, and they must go on for as long as viewers stay: keep the muxer
/// when a camera reconnects.
#[derive(Clone, Debug, Default)]
pub struct Muxer {
    pat: Continuity,
    pmt: Continuity,
    video: Continuity,
}

impl Muxer {
    /// A muxer whose counters begin at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the whole packets of one access unit, given as an Annex B byte stream.
    ///
    /// With `key`, PAT and PMT precede it, and its first packet is marked as a random access point. `pts` is cut to
    /// 33 bits here. There is no DTS: the pictures are decoded in the order in which they are shown.
    ///
    /// ISO/IEC 13818-1 §2.14.1 wants an access unit delimiter before each access unit: where `annex_b` does not begin
    /// with one, one is put before it. All else passes unchanged. Only the last packet is stuffed.
    pub fn mux(&mut self, annex_b: &[u8], pts: Pts90k, key: bool, out: &mut Vec<u8>) {
        let delimiter = match nal_units(annex_b).next() {
            Some(nal) if nal.unit_type == NalType::Aud => &[][..],
            _ => ACCESS_UNIT_DELIMITER,
        };
        let unit_size = delimiter.len() + annex_b.len();
        let packets = (PCR_FIELD_SIZE + PES_HEADER_SIZE + unit_size).div_ceil(PACKET_SIZE - HEADER_SIZE);
        out.reserve((packets + 2) * PACKET_SIZE);

        if key {
            push_table(&psi::PAT, self.pat.next(), out);
            push_table(&psi::PMT, self.pmt.next(), out);
        }
        let mut start = [0; PES_HEADER_SIZE + ACCESS_UNIT_DELIMITER.len()];
        start[..PES_HEADER_SIZE].copy_from_slice(&pes_header(unit_size, pts));
        start[PES_HEADER_SIZE..][..delimiter.len()].copy_from_slice(delimiter);
        let start = &start[..PES_HEADER_SIZE + delimiter.len()];

        let rest = self.push_first_packet(start, annex_b, pts, key, out);
        self.push_payload_packets(rest, out);
    }

    /// The packet with the clock reference, the PES header and as much of the access unit as fits; returns the rest.
    fn push_first_packet<'a>(
        &mut self,
        start: &[u8],
        annex_b: &'a [u8],
        pts: Pts90k,
        key: bool,
        out: &mut Vec<u8>,
    ) -> &'a [u8] {
        let room = PACKET_SIZE - HEADER_SIZE - PCR_FIELD_SIZE - start.len();
        let (fits, rest) = annex_b.split_at(annex_b.len().min(room));
        let stuffing = room - fits.len();

        push_header(VIDEO_PID, UNIT_START, ADAPTATION | PAYLOAD | self.video.next(), out);
        out.push((PCR_FIELD_SIZE - 1 + stuffing) as u8);
        out.push(PCR | if key { RANDOM_ACCESS } else { 0 });
        out.extend_from_slice(&pcr_bytes(pts));
        out.resize(out.len() + stuffing, 0xFF);
        out.extend_from_slice(start);
        out.extend_from_slice(fits);
        rest
    }

    /// The packets after the first; stuffing stands in the adaptation field of the last (§2.4.3.5).
    fn push_payload_packets(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        let mut full = rest.chunks_exact(PACKET_SIZE - HEADER_SIZE);
        for payload in &mut full {
            push_header(VIDEO_PID, 0, PAYLOAD | self.video.next(), out);
            out.extend_from_slice(payload);
        }
        let last = full.remainder();
        if !last.is_empty() {
            push_header(VIDEO_PID, 0, ADAPTATION | PAYLOAD | self.video.next(), out);
            push_stuffing(PACKET_SIZE - HEADER_SIZE - last.len(), 0, out);
            out.extend_from_slice(last);
        }
    }
}

/// Makes the packets that tell a viewer's demuxer of a gap, to be sent to it right before `key_unit`.
///
/// `key_unit` is what [`Muxer::mux`] appended for the key frame with which the viewer goes on. For each PID in it, in
/// the order of appearance (PAT, PMT, video), there is one packet without payload whose `discontinuity_indicator` is
/// set. Its counter is that of the payload packet before the first one in `key_unit`, because a packet without
/// payload does not count (§2.4.3.3); so the counter jumps where that is announced and nowhere else (§2.4.3.5).
pub fn discontinuity_packets(key_unit: &[u8]) -> Vec<u8> {
    let mut seen = Vec::with_capacity(3);
    let mut out = Vec::with_capacity(3 * PACKET_SIZE);
    for packet in key_unit.chunks_exact(PACKET_SIZE) {
        let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1FFF;
        if packet[3] & PAYLOAD == 0 || seen.contains(&pid) {
            continue;
        }
        seen.push(pid);
        let counter_before = packet[3].wrapping_sub(1) & 0x0F;
        push_header(pid, 0, ADAPTATION | counter_before, &mut out);
        push_stuffing(PACKET_SIZE - HEADER_SIZE, DISCONTINUITY, &mut out);
    }
    out
}

/// The continuity counter of one PID: four bits, counted up by each packet with payload.
#[derive(Clone, Debug, Default)]
struct Continuity(u8);

impl Continuity {
    fn next(&mut self) -> u8 {
        let counter = self.0;
        self.0 = (counter + 1) & 0x0F;
        counter
    }
}

fn push_header(pid: u16, unit_start: u8, control_and_counter: u8, out: &mut Vec<u8>) {
    let [high, low] = pid.to_be_bytes();
    out.extend_from_slice(&[SYNC_BYTE, unit_start | high, low, control_and_counter]);
}

fn push_table(packet: &[u8; PACKET_SIZE], counter: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(packet);
    out[start + 3] |= counter;
}

/// An adaptation field of `size` bytes, 1 to 184, its length byte included. One of a single byte has no flags.
fn push_stuffing(size: usize, flags: u8, out: &mut Vec<u8>) {
    out.push((size - 1) as u8);
    if size > 1 {
        out.push(flags);
        out.resize(out.len() + size - 2, 0xFF);
    }
}

/// §2.4.3.6, with `data_alignment_indicator` and a PTS.
fn pes_header(unit_size: usize, pts: Pts90k) -> [u8; PES_HEADER_SIZE] {
    const STREAM_ID: u8 = 0xE0;
    const DATA_ALIGNMENT: u8 = 0x84;
    const PTS_ONLY: u8 = 0x80;
    const PTS_SIZE: u8 = 5;

    // The bytes after the length field. Zero says "until the next one begins", allowed for video only (§2.4.3.7).
    let length = u16::try_from(PES_HEADER_SIZE - 6 + unit_size).unwrap_or(0).to_be_bytes();
    let pts = pts.wrapped33();
    [
        0,
        0,
        1,
        STREAM_ID,
        length[0],
        length[1],
        DATA_ALIGNMENT,
        PTS_ONLY,
        PTS_SIZE,
        0x21 | (pts >> 29) as u8 & 0x0E,
        (pts >> 22) as u8,
        (pts >> 14) as u8 | 1,
        (pts >> 7) as u8,
        (pts << 1) as u8 | 1,
    ]
}

/// The clock reference [`PCR_LEAD`] before `pts`: 33 bits of 90 kHz, six reserved bits, nine of 27 MHz (§2.4.3.5).
fn pcr_bytes(pts: Pts90k) -> [u8; 6] {
    let base = Pts90k(pts.0.wrapping_sub(PCR_LEAD)).wrapped33();
    let [_, _, bytes @ ..] = (base << 15 | 0x7E00).to_be_bytes();
    bytes
}
