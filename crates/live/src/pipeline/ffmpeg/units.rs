//! Bringing the access units of any encoder into the form that everything after it expects.

use lenscast_media::h264::encoder::Encoded;
use lenscast_media::h264::nal::{NalType, ParameterSets, nal_units, parameter_sets};

/// The access unit `data` in order. An access unit delimiter comes first; in a key frame, one SPS and one PPS follow (its own, or
/// else those of the encoder's `extradata`); then come the slices. Each stands after `00 00 00 01`.
///
/// SEI is left out: no viewer needs it, and x264 writes 700 bytes of advertisement into it. `None` when there are no slices, or no
/// parameter sets for a key frame.
pub(super) fn tidy(data: &[u8], extradata: &[u8]) -> Option<Encoded> {
    let is_slice =
        |kind| !matches!(kind, NalType::Aud | NalType::Sps | NalType::Pps | NalType::Sei | NalType::Other(_));
    let slices = || nal_units(data).filter(|unit| is_slice(unit.unit_type)).map(|unit| unit.bytes);
    let key = nal_units(data).any(|unit| unit.unit_type == NalType::Idr);
    slices().next()?;
    // §7.3.2.4: primary_pic_type 0 (only I slices) or 7 (any).
    let delimiter = [9, if key { 0x10 } else { 0xF0 }];
    let mut annex_b = Vec::with_capacity(data.len() + extradata.len() + 32);
    let mut append = |unit: &[u8]| {
        annex_b.extend([0, 0, 0, 1]);
        annex_b.extend(unit);
    };
    append(&delimiter);
    if key {
        let ParameterSets { sps, pps } = parameter_sets(data).or_else(|| parameter_sets(extradata))?;
        append(sps);
        append(pps);
    }
    slices().for_each(append);
    Some(Encoded { annex_b, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: [u8; 3] = [0x67, 66, 0x80];
    const PPS: [u8; 3] = [0x68, 0xCE, 0x80];

    fn annex_b(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn a_key_frame_gets_the_parameter_sets_that_the_encoder_told_once() {
        let tidied = tidy(&annex_b(&[&[6, 5, 1], &[0x65, 7]]), &annex_b(&[&SPS, &PPS])).unwrap();
        assert!(tidied.key);
        let units: Vec<_> = nal_units(&tidied.annex_b).map(|unit| unit.bytes).collect();
        assert_eq!(units, [&[9, 0x10][..], &SPS, &PPS, &[0x65, 7]]);
    }

    #[test]
    fn an_access_unit_in_order_stays_as_it_is() {
        let units: [&[u8]; 4] = [&[9, 0x10], &SPS, &PPS, &[0x65, 7]];
        let tidied = tidy(&annex_b(&units), &[]).unwrap();
        assert_eq!(nal_units(&tidied.annex_b).map(|unit| unit.bytes).collect::<Vec<_>>(), units);
    }

    #[test]
    fn other_frames_have_no_parameter_sets() {
        let tidied = tidy(&annex_b(&[&SPS, &PPS, &[0x41, 7], &[0x41, 8]]), &[]).unwrap();
        assert!(!tidied.key);
        let units: Vec<_> = nal_units(&tidied.annex_b).map(|unit| unit.bytes).collect();
        assert_eq!(units, [&[9, 0xF0][..], &[0x41, 7], &[0x41, 8]]);
    }

    #[test]
    fn what_cannot_be_decoded_is_nothing() {
        assert_eq!(tidy(&annex_b(&[&SPS, &PPS]), &[]), None);
        assert_eq!(tidy(&annex_b(&[&[0x65, 7]]), &[]), None);
    }
}
