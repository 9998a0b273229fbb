//! The two tables, PAT and PMT. They never change, so their packets are made when the program is compiled; only the
//! continuity counter is filled in later.

use super::{PACKET_SIZE, PAT_PID, PMT_PID, STREAM_TYPE_H264, SYNC_BYTE, VIDEO_PID};

/// Our only program.
const PROGRAM: u16 = 1;

/// Version 0, valid now (§2.4.4.5).
const VERSION: u8 = 0xC1;

/// The packet of the program association table (§2.4.4.3), with continuity counter 0.
pub(super) const PAT: [u8; PACKET_SIZE] = packet(
    PAT_PID,
    0x00,
    &[0, 1, VERSION, 0, 0, high(PROGRAM), low(PROGRAM), 0xE0 | high(PMT_PID), low(PMT_PID)],
);

/// The packet of the program map table (§2.4.4.8), with continuity counter 0.
pub(super) const PMT: [u8; PACKET_SIZE] = packet(
    PMT_PID,
    0x02,
    &[
        high(PROGRAM),
        low(PROGRAM),
        VERSION,
        0,
        0,
        // The PID with the clock reference, and no descriptors of the program.
        0xE0 | high(VIDEO_PID),
        low(VIDEO_PID),
        0xF0,
        0,
        // The one elementary stream, and no descriptors of it.
        STREAM_TYPE_H264,
        0xE0 | high(VIDEO_PID),
        low(VIDEO_PID),
        0xF0,
        0,
    ],
);

const fn high(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

const fn low(value: u16) -> u8 {
    value.to_be_bytes()[1]
}

/// A packet with one section: `body` is all between the section's length and its CRC.
const fn packet(pid: u16, table_id: u8, body: &[u8]) -> [u8; PACKET_SIZE] {
    const SECTION: usize = 5;
    const BODY: usize = SECTION + 3;
    let length = body.len() + 4;

    let mut packet = [0xFF; PACKET_SIZE];
    packet[0] = SYNC_BYTE;
    packet[1] = 0x40 | high(pid);
    packet[2] = low(pid);
    packet[3] = 0x10;
    // pointer_field: the section begins right after it.
    packet[4] = 0;
    packet[SECTION] = table_id;
    packet[SECTION + 1] = 0xB0;
    packet[SECTION + 2] = length as u8;
    let mut at = 0;
    while at < body.len() {
        packet[BODY + at] = body[at];
        at += 1;
    }
    let crc = crc32_mpeg2(&packet, SECTION, BODY + body.len()).to_be_bytes();
    at = 0;
    while at < crc.len() {
        packet[BODY + body.len() + at] = crc[at];
        at += 1;
    }
    packet
}

/// The CRC of Annex A over `bytes[from..to]`; bit by bit, because only the compiler runs it.
const fn crc32_mpeg2(bytes: &[u8], from: usize, to: usize) -> u32 {
    let mut crc = u32::MAX;
    let mut at = from;
    while at < to {
        crc ^= (bytes[at] as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 };
            bit += 1;
        }
        at += 1;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_the_catalogue() {
        assert_eq!(crc32_mpeg2(b"123456789", 0, 9), 0x0376_E6E7);
    }

    #[test]
    fn a_table_with_its_crc_divides_without_rest() {
        assert_eq!(crc32_mpeg2(&PAT, 5, 5 + 3 + usize::from(PAT[7])), 0);
        assert_eq!(crc32_mpeg2(&PMT, 5, 5 + 3 + usize::from(PMT[7])), 0);
    }
}
