//! What other decoders show is mended and shown: the picture is that of the clean JPEG, for us and for everybody who gets ours.

use super::faulty::{KINDS, Random};
use super::oracles::{Oracle, same_picture};
use super::{decode, encode, encode_with, fixture, inspected, position, segments};
use jpeg_encoder::{Encoder, SamplingFactor};
use lenscast_media::causes::Mend;
use lenscast_media::jpeg::{Limits, MAX_STRAY_BYTES, clean, inspect};
use std::time::{Duration, Instant};

/// Images of every structure: what they are, and the JPEG.
fn originals() -> Vec<(&'static str, Vec<u8>)> {
    let optimised = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_optimized_huffman_tables(true);
    let restarts = |encoder: &mut Encoder<&mut Vec<u8>>| {
        encoder.set_sampling_factor(SamplingFactor::F_2_1);
        encoder.set_restart_interval(3);
    };
    let progressive = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_progressive(true);
    vec![
        ("4:2:2", encode(160, 96, SamplingFactor::F_2_1)),
        ("4:2:0 of odd size", encode(97, 65, SamplingFactor::F_2_2)),
        ("4:4:4, optimised", encode_with(64, 48, optimised)),
        ("restart markers", encode_with(160, 96, restarts)),
        ("progressive", encode_with(97, 65, progressive)),
        ("progressive, refined, with restart markers", fixture!("progressive_420_restart.jpg").to_vec()),
        ("a scan for each component", fixture!("three_scans_422.jpg").to_vec()),
        ("grey", fixture!("grey_2x2.jpg").to_vec()),
        ("of ffmpeg", fixture!("ffmpeg_422.jpg").to_vec()),
    ]
}

/// What everybody gets instead of `message`; it must itself be clean.
#[track_caller]
fn cleaned(message: &[u8], what: &str) -> Vec<u8> {
    let found = match inspect(message, &Limits::default()) {
        Ok(found) => found,
        Err(fault) => panic!("{what}: {fault}"),
    };
    let clean = clean(message.to_vec(), &found);
    let again = inspected(&clean);
    assert!(again.mends.is_empty() && again.trailing.is_empty(), "{what}: {again:?}");
    assert_eq!(again.len, clean.len(), "{what}");
    clean
}

#[test]
fn every_kind_of_fault_is_mended_and_gives_the_picture_of_the_clean_image() {
    for (name, original) in originals() {
        let picture = decode(&original).unwrap();
        assert!(inspected(&original).mends.is_empty(), "{name} is clean");
        for (kind, make, mend) in KINDS {
            for seed in 0..40 {
                let what = format!("{name}, {kind}, seed {seed}");
                let Some(message) = make(&original, &mut Random::new(seed)) else { continue };
                let clean = cleaned(&message, &what);
                assert_eq!(decode(&clean).as_ref(), Ok(&picture), "{what}");
                let kinds: Vec<_> = inspected(&message).mended().collect();
                assert!(kinds.contains(mend), "{what}: noted as {kinds:?}");
            }
        }
    }
}

#[test]
fn several_faults_at_once_are_mended() {
    let original = encode(160, 96, SamplingFactor::F_2_1);
    let picture = decode(&original).unwrap();
    let kind = |name: &str| KINDS.iter().find(|(kind, ..)| *kind == name).unwrap().1;
    for seed in 0..100 {
        let random = &mut Random::new(seed);
        let mut message = original.clone();
        // Each finds its places by walking the segments, and the last ones leave something that cannot be walked.
        for name in
            ["scan headers with any values", "stray bytes before a marker", "no EOI", "fill bytes before SOI"]
        {
            message = kind(name)(&message, random).unwrap();
        }
        let what = format!("seed {seed}");
        assert_eq!(decode(&cleaned(&message, &what)).unwrap(), picture, "{what}");
        assert_eq!(inspected(&message).mended().count(), 4, "{what}");
    }
}

#[test]
fn what_real_cameras_sent_is_shown_as_their_clean_image() {
    let zero = include_bytes!("../data/cases/one_zero_before_dqt.jpeg");
    let original = [&zero[..20], &zero[21..]].concat();
    let picture = decode(&original).unwrap();
    for (message, mend) in [
        (&zero[..], Mend::StrayBytes),
        (include_bytes!("../data/cases/bytes_between_segments.jpeg"), Mend::StrayBytes),
        (include_bytes!("../data/cases/fill_bytes_before_soi.jpeg"), Mend::FillBeforeStart),
        (include_bytes!("../data/cases/no_eoi_all_data_there.jpeg"), Mend::EndMissing),
    ] {
        assert_eq!(inspected(message).mended().collect::<Vec<_>>(), [mend]);
        assert_eq!(decode(&cleaned(message, mend.name())).unwrap(), picture, "{mend:?}");
    }
    let turned = include_bytes!("../data/cases/exif_orientation_6.jpeg");
    assert_eq!(decode(&cleaned(turned, "turned")).unwrap(), picture);
    // Whether its data is damaged is the decoder's to find out.
    let cut = include_bytes!("../data/cases/last_half_percent_missing.jpeg");
    assert!(inspected(cut).mends.is_empty());
    assert_eq!(decode(cut).unwrap_err().cause().name(), "damaged");
}

#[test]
fn a_clean_message_is_neither_copied_nor_changed() {
    for (name, original) in originals() {
        let message = original.clone();
        let (at, found) = (message.as_ptr(), inspected(&message));
        let clean = clean(message, &found);
        assert_eq!(clean.as_ptr(), at, "{name}");
        assert_eq!(clean, original, "{name}");
    }
}

#[test]
fn everybody_elses_decoder_shows_what_was_mended_as_the_clean_image() {
    for oracle in Oracle::all() {
        for (name, original) in originals() {
            let mut files = vec![original.clone()];
            let mut whats = vec![];
            for (kind, make, _) in KINDS {
                for seed in 0..3 {
                    let Some(message) = make(&original, &mut Random::new(seed)) else { continue };
                    whats.push(format!("{name}, {kind}, seed {seed}"));
                    files.push(cleaned(&message, kind));
                }
            }
            let pictures = oracle.clean_pictures(&files);
            let ideal = pictures[0].as_ref().expect("every decoder shows a clean image");
            for (what, picture) in whats.iter().zip(&pictures[1..]) {
                assert!(same_picture(picture.as_ref(), ideal), "{oracle:?} shows {what} differently");
            }
        }
    }
}

/// So that nothing is mended for its own sake: of each kind, somebody else's decoder shows the message as it came.
#[test]
fn every_kind_that_is_mended_is_shown_by_somebody_elses_decoder_too() {
    let original = encode(160, 96, SamplingFactor::F_2_1);
    for (kind, make, _) in KINDS {
        let message = |seed| make(&original, &mut Random::new(seed)).unwrap();
        let shown = Oracle::all().iter().any(|oracle| {
            let files: Vec<_> = std::iter::once(original.clone()).chain((0..3).map(message)).collect();
            let pictures = oracle.pictures(&files);
            let ideal = pictures[0].as_ref().expect("a clean image is shown");
            pictures[1..].iter().any(|picture| same_picture(picture.as_ref(), ideal))
        });
        assert!(shown, "nobody shows {kind}");
    }
}

#[test]
fn there_is_a_bound_to_what_is_passed_over() {
    let original = encode(64, 48, SamplingFactor::F_2_1);
    let dqt = position(&original, 0xDB);
    let strayed = |count| [&original[..dqt], &vec![0x11; count], &original[dqt..]].concat();
    assert_eq!(decode(&cleaned(&strayed(MAX_STRAY_BYTES), "most")).unwrap(), decode(&original).unwrap());
    let fault = inspect(&strayed(MAX_STRAY_BYTES + 1), &Limits::default()).unwrap_err();
    assert_eq!(fault.cause().name(), "bad_marker", "{fault}");
    let filled = |count| [&vec![0xFF; count][..], &original].concat();
    assert_eq!(cleaned(&filled(MAX_STRAY_BYTES), "most"), original);
    let fault = inspect(&filled(MAX_STRAY_BYTES + 1), &Limits::default()).unwrap_err();
    assert_ne!(fault.cause().name(), "bad_marker", "{fault}");
}

/// 4 MiB of what looks like the most work. Without bounds these take minutes.
#[test]
fn noise_that_looks_like_markers_costs_little() {
    let original = encode(64, 48, SamplingFactor::F_2_1);
    let dqt = position(&original, 0xDB);
    let head = &original[..dqt];
    let last = segments(&original).pop().unwrap().1.end;
    let table = [&[0xFF, 0xC4, 0x3F, 0xFF][..], &[0; 17].repeat(900)].concat();
    let nested = [&original[..dqt], &[0x11; 9]].concat();
    for (what, unit, before) in [
        ("starts", &[0xFF, 0xD8][..], &[0xFF, 0xD8][..]),
        ("table markers", &[0xFF, 0xC4], head),
        ("long tables", &table, head),
        ("images in images", &nested, &[]),
        ("whole images in images", &original, head),
        ("stray bytes", &[0x11, 0xFF, 0xE1], head),
        ("restart markers", &[0xFF, 0xD0], head),
        ("image data without end", &[0x5A, 0x12], &original[..last]),
        ("image data with markers", &[0x5A, 0xFF, 0x45], &original[..original.len() - 2]),
    ] {
        let count = (4 << 20) / unit.len();
        let message = [before, &unit.repeat(count)].concat();
        let begun = Instant::now();
        let found = inspect(&message, &Limits::default());
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{what}: {took:?}, {found:?}");
    }
}
