//! The header before each `h264` and `jpeg` message to a viewer.

/// Header of a viewer's message in the formats `h264` and `jpeg`: 24 bytes, big-endian.
///
/// ```text
/// 0  u8   version = 1
/// 1  u8   flags: 1 key frame, 2 frames were lost before this one
/// 2  u16  length of the header = 24; a reader skips what a later version appends
/// 4  u32  sequence number of the frame within its stream, wrapping
/// 8  u64  PTS in µs, on the stream's arrival clock
/// 16 u64  arrival at the server, µs since the Unix epoch
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The frame can be decoded without any earlier one (every JPEG; an IDR picture of H.264).
    pub key: bool,
    /// The stream had frames between the previous message and this one, which this viewer did not get.
    pub lost_before: bool,
    /// Number of the frame within its stream, wrapping.
    pub sequence: u32,
    /// Presentation time in µs, on the stream's arrival clock.
    pub pts_us: u64,
    /// When the frame's last byte reached the server, in µs since the Unix epoch.
    pub arrival_unix_us: u64,
}

const FLAG_KEY: u8 = 1;
const FLAG_LOST_BEFORE: u8 = 2;

impl FrameHeader {
    /// Length of the header in bytes.
    pub const LEN: usize = 24;
    /// The version that this crate writes.
    pub const VERSION: u8 = 1;

    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        out[0] = Self::VERSION;
        out[1] = u8::from(self.key) * FLAG_KEY + u8::from(self.lost_before) * FLAG_LOST_BEFORE;
        out[2..4].copy_from_slice(&(Self::LEN as u16).to_be_bytes());
        out[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        out[8..16].copy_from_slice(&self.pts_us.to_be_bytes());
        out[16..24].copy_from_slice(&self.arrival_unix_us.to_be_bytes());
        out
    }

    /// Splits a message into its header and the frame. `None` when it is too short or of another version.
    #[must_use]
    pub fn split(message: &[u8]) -> Option<(Self, &[u8])> {
        let head: &[u8; Self::LEN] = message.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[0] != Self::VERSION || length < Self::LEN {
            return None;
        }
        let payload = message.get(length..)?;
        let u64_at =
            |at: usize| head[at..at + 8].iter().fold(0, |value, &byte| (value << 8) | u64::from(byte));
        let header = Self {
            key: head[1] & FLAG_KEY != 0,
            lost_before: head[1] & FLAG_LOST_BEFORE != 0,
            sequence: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            pts_us: u64_at(8),
            arrival_unix_us: u64_at(16),
        };
        Some((header, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const HEADER: FrameHeader = FrameHeader {
        key: true,
        lost_before: true,
        sequence: 0x0102_0304,
        pts_us: 0x1112_1314_1516_1718,
        arrival_unix_us: 0x2122_2324_2526_2728,
    };
    // On the wire since version 1: never edit.
    const BYTES: [u8; 24] = [
        1, 3, 0, 24, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24,
        0x25, 0x26, 0x27, 0x28,
    ];

    #[test]
    fn the_bytes_of_version_1_do_not_change() {
        assert_eq!(HEADER.to_bytes(), BYTES);
        let mut message = Vec::from(BYTES);
        message.extend_from_slice(b"frame");
        assert_eq!(FrameHeader::split(&message), Some((HEADER, &b"frame"[..])));
    }

    #[test]
    fn a_longer_header_is_skipped_and_another_version_is_refused() {
        let mut longer = Vec::from(BYTES);
        longer[3] = 28;
        longer.extend_from_slice(b"moreframe");
        assert_eq!(FrameHeader::split(&longer).unwrap().1, b"frame");
        longer[0] = 2;
        assert_eq!(FrameHeader::split(&longer), None);
        assert_eq!(FrameHeader::split(&BYTES[..23]), None);
        let mut beyond = BYTES;
        beyond[3] = 25;
        assert_eq!(FrameHeader::split(&beyond), None);
    }
}
