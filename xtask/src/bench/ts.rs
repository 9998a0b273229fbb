//! MPEG-TS, as far as it takes to know when an access unit was complete (ISO/IEC 13818-1 §2.4.3).

use crate::Result;

const PACKET: usize = 188;

/// For each access unit, the time at which the packet that ends it had been read.
///
/// `chunks` are pieces of the stream, cut anywhere, each with the time at which it had been read. A PES packet is taken
/// for an access unit, as both muxers here make them. It ends with the last packet before the next one of its PID that
/// starts another: PES_packet_length may be 0, and then says nothing (§2.4.3.7).
///
/// # Errors
/// A packet does not begin with the sync byte.
pub(crate) fn access_units<T: Copy>(chunks: &[(T, Vec<u8>)]) -> Result<Vec<T>> {
    let mut units = Vec::new();
    let mut video = None;
    let mut packet = Vec::with_capacity(PACKET);
    for (time, bytes) in chunks {
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            let (taken, rest) = bytes.split_at(bytes.len().min(PACKET - packet.len()));
            packet.extend_from_slice(taken);
            bytes = rest;
            if packet.len() < PACKET {
                break;
            }
            let (pid, start, payload) = parse(&packet)?;
            // stream_id 1110 xxxx is video (table 2-22).
            if start && matches!(payload, [0, 0, 1, 0xe0..=0xef, ..]) && *video.get_or_insert(pid) == pid {
                units.push(*time);
            } else if video == Some(pid)
                && !payload.is_empty()
                && let Some(last) = units.last_mut()
            {
                *last = *time;
            }
            packet.clear();
        }
    }
    Ok(units)
}

/// PID, payload_unit_start_indicator and payload of a packet.
fn parse(packet: &[u8]) -> Result<(u16, bool, &[u8])> {
    if packet[0] != 0x47 {
        return Err("a TS packet does not begin with the sync byte 0x47".into());
    }
    let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
    let has_payload = packet[3] & 0x10 != 0;
    let has_adaptation = packet[3] & 0x20 != 0;
    let header = if has_adaptation { 5 + usize::from(packet[4]) } else { 4 };
    let payload = if has_payload { packet.get(header..).unwrap_or_default() } else { &[] };
    Ok((pid, packet[1] & 0x40 != 0, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: u16 = 0x100;

    fn packet(pid: u16, start: bool, adaptation: Option<u8>, payload: &[u8]) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        let control = if adaptation.is_some() { 0x20 } else { 0 } | if payload.is_empty() { 0 } else { 0x10 };
        let mut packet = vec![0x47, high | if start { 0x40 } else { 0 }, low, control];
        if let Some(length) = adaptation {
            packet.push(length);
            packet.resize(packet.len() + usize::from(length), 0xff);
        }
        packet.extend_from_slice(payload);
        packet.resize(PACKET, 0xff);
        packet
    }

    fn unit() -> Vec<u8> {
        packet(VIDEO, true, Some(7), &[0, 0, 1, 0xe0, 0, 0])
    }

    fn rest() -> Vec<u8> {
        packet(VIDEO, false, None, &[1, 2, 3])
    }

    #[test]
    fn a_unit_is_complete_with_its_last_packet() {
        let table = packet(0, true, None, &[0, 0, 0xb0]);
        let chunks =
            [(1, table.clone()), (2, unit()), (3, rest()), (4, rest()), (5, table), (6, unit()), (7, unit())];
        assert_eq!(access_units(&chunks).unwrap(), [4, 6, 7]);
    }

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let stream = [unit(), rest(), unit()].concat();
        for size in [1, 187, 188, 189, 400] {
            let chunks: Vec<_> =
                stream.chunks(size).enumerate().map(|(index, bytes)| (index, bytes.to_vec())).collect();
            let end = |packets: usize| (packets * PACKET - 1) / size;
            assert_eq!(access_units(&chunks).unwrap(), [end(2), end(3)], "pieces of {size}");
        }
    }

    #[test]
    fn packets_without_payload_and_other_streams_do_not_prolong_a_unit() {
        let audio = packet(VIDEO + 1, true, None, &[0, 0, 1, 0xc0]);
        let clock = packet(VIDEO, false, Some(183), &[]);
        let chunks = [(1, audio.clone()), (2, unit()), (3, audio), (4, clock)];
        assert_eq!(access_units(&chunks).unwrap(), [2]);
    }

    #[test]
    fn a_stream_that_lost_its_alignment_is_refused() {
        assert!(access_units(&[(1, [unit(), unit()[1..].to_vec(), vec![0]].concat())]).is_err());
    }
}
