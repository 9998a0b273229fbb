//! Whatever comes, nothing panics.

use jpeg_encoder::SamplingFactor;
use lenscast_media::jpeg::{Decoder, Limits, Trailing, inspect, with_default_huffman_tables};
use lenscast_media::picture::I420;
use proptest::prelude::*;

use super::{encode, encode_with, fixture, inspected, without};

const LIMITS: Limits = Limits { max_pixels: 1_000_000 };

fn whole_way(message: &[u8]) {
    if let Ok(inspected) = inspect(message, &LIMITS) {
        assert!(inspected.len + inspected.trailing.len() == message.len());
        let jpeg = with_default_huffman_tables(message, &inspected);
        #[expect(clippy::let_underscore_must_use, reason = "what is looked for is a panic")]
        let _ = Decoder::new(LIMITS).decode(&jpeg, &mut I420::default());
    }
    // A decoder must hold without an inspection as well.
    #[expect(clippy::let_underscore_must_use, reason = "what is looked for is a panic")]
    let _ = Decoder::new(LIMITS).decode(message, &mut I420::default());
}

fn good_jpeg() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        encode(40, 24, SamplingFactor::F_2_1),
        encode(17, 9, SamplingFactor::F_2_2),
        encode(24, 24, SamplingFactor::F_1_1),
        without(&encode(40, 24, SamplingFactor::F_2_1), 0xC4),
        encode_with(40, 40, |encoder| encoder.set_restart_interval(2)),
        encode_with(40, 40, |encoder| encoder.set_progressive(true)),
        fixture!("three_scans_422.jpg").to_vec(),
        fixture!("mixed_sampling.jpg").to_vec(),
        fixture!("rgb.jpg").to_vec(),
    ])
}

/// One change: bytes at a place (relative, 0 to 1) overwritten, removed or inserted.
fn change() -> impl Strategy<Value = (u8, f64, Vec<u8>)> {
    let bytes = prop::collection::vec(prop_oneof![any::<u8>(), Just(0xFF), Just(0xD9), Just(0)], 1..6);
    (0u8..3, 0.0..1.0, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_inspected_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        whole_way(&bytes);
        whole_way(&[&[0xFF, 0xD8], &bytes[..]].concat());
    }

    #[test]
    fn changed_images_never_panic(mut jpeg in good_jpeg(), changes in prop::collection::vec(change(), 1..8)) {
        for (kind, place, bytes) in changes {
            let at = (place * jpeg.len() as f64) as usize;
            let end = jpeg.len().min(at + bytes.len());
            match kind {
                0 => jpeg[at..end].copy_from_slice(&bytes[..end - at]),
                1 => drop(jpeg.drain(at..end)),
                _ => drop(jpeg.splice(at..at, bytes)),
            }
        }
        whole_way(&jpeg);
    }

    #[test]
    fn what_follows_an_image_changes_nothing_but_trailing(
        jpeg in good_jpeg(),
        junk in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let alone = inspected(&jpeg);
        let mut followed = inspected(&[&jpeg[..], &junk].concat());
        prop_assert_eq!(followed.trailing.len(), junk.len());
        followed.trailing = Trailing::None;
        prop_assert_eq!(followed, alone);
    }
}
