//! Every kind of JPEG becomes the right picture.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use lenscast_media::jpeg::{DecodeFault, Decoder, Limits, inspect};
use lenscast_media::picture::I420;

use super::{decode, encode, encode_with, fixture, inspected, position, scene, segments, without};

const SAMPLINGS: [(SamplingFactor, &str); 8] = [
    (SamplingFactor::F_1_1, "4:4:4"),
    (SamplingFactor::F_2_1, "4:2:2"),
    (SamplingFactor::F_1_2, "4:4:0"),
    (SamplingFactor::F_2_2, "4:2:0"),
    (SamplingFactor::F_4_1, "4:1:1"),
    (SamplingFactor::F_4_2, "4:1:0"),
    (SamplingFactor::F_1_4, "1x4,1x1,1x1"),
    (SamplingFactor::F_2_4, "2x4,1x1,1x1"),
];

/// Quality 90 of the smooth scene is this good or better; chroma of a quarter of the samples a little less so.
#[track_caller]
fn assert_is_the_scene(picture: &I420, what: &str) {
    let (width, height) = picture.source_size();
    let ideal = scene::ideal(width, height);
    assert_eq!((picture.width(), picture.height()), (ideal.width(), ideal.height()), "{what}");
    let [y, u, v] = scene::psnr_planes(picture, &ideal);
    assert!(y > 38.0 && u > 34.0 && v > 34.0, "{what}: PSNR {y:.1} {u:.1} {v:.1} dB");
}

#[test]
fn every_sampling_decodes() {
    for (sampling, name) in SAMPLINGS {
        let jpeg = encode(160, 96, sampling);
        assert_eq!(inspected(&jpeg).sampling.to_string(), name);
        assert_is_the_scene(&decode(&jpeg).unwrap(), name);
    }
}

#[test]
fn every_sampling_decodes_at_odd_sizes() {
    for (sampling, name) in SAMPLINGS {
        for (width, height) in [(97, 65), (98, 65), (97, 66), (33, 129), (159, 17)] {
            let jpeg = encode(width, height, sampling);
            assert_is_the_scene(&decode(&jpeg).unwrap(), &format!("{name} {width}×{height}"));
        }
    }
}

#[test]
fn tiny_images_are_repeated_up_to_one_macroblock() {
    for (sampling, name) in SAMPLINGS {
        for width in 1..18 {
            for height in [1, 2, 3, 15, 16, 17] {
                let picture = decode(&encode(width, height, sampling)).unwrap();
                assert_eq!(picture.width(), width.next_multiple_of(2).max(16), "{name}");
                assert_eq!(picture.height(), height.next_multiple_of(2).max(16), "{name}");
                let at = |x: usize, y: usize| picture.y()[y * picture.width() + x];
                assert_eq!(
                    at(picture.width() - 1, picture.height() - 1),
                    at(width - 1, height - 1),
                    "{name}"
                );
            }
        }
    }
    let black = decode(&encode(1, 1, SamplingFactor::F_2_2)).unwrap();
    assert!(black.y().iter().all(|&y| y < 4), "the scene's first pixel is black");
    assert!(black.u().iter().chain(black.v()).all(|&c| c.abs_diff(128) < 4));
}

#[test]
fn restart_markers_are_followed() {
    for interval in [1, 7, 1000] {
        for sampling in [SamplingFactor::F_2_1, SamplingFactor::F_2_2] {
            let jpeg = encode_with(161, 97, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_restart_interval(interval);
            });
            assert_eq!(inspected(&jpeg).restart_interval, interval);
            assert_is_the_scene(&decode(&jpeg).unwrap(), &format!("restart interval {interval}"));
        }
    }
}

#[test]
fn progressive_images_decode() {
    for (sampling, name) in SAMPLINGS {
        let jpeg = encode_with(97, 65, |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(true);
            encoder.set_optimized_huffman_tables(true);
        });
        assert!(inspected(&jpeg).progressive);
        assert_is_the_scene(&decode(&jpeg).unwrap(), name);
    }
    assert_is_the_scene(
        &decode(fixture!("progressive_420_restart.jpg")).unwrap(),
        "successive approximation",
    );
}

#[test]
fn a_grey_image_has_no_colour() {
    let grey = scene::ideal(97, 65);
    let mut jpeg = Vec::new();
    let samples: Vec<u8> =
        grey.y().chunks(grey.width()).take(65).flat_map(|row| &row[..97]).copied().collect();
    Encoder::new(&mut jpeg, 90).encode(&samples, 97, 65, ColorType::Luma).unwrap();
    assert_eq!(inspected(&jpeg).components, 1);
    assert_eq!(inspected(&jpeg).sampling.to_string(), "grey");
    let picture = decode(&jpeg).unwrap();
    assert!(scene::psnr(picture.y(), grey.y()) > 38.0);
    assert!(picture.u().iter().chain(picture.v()).all(|&c| c == 128));
}

#[test]
fn the_sampling_factors_of_a_grey_image_mean_nothing() {
    let picture = decode(fixture!("grey_2x2.jpg")).unwrap();
    assert_eq!(picture.source_size(), (71, 53));
    assert!(scene::psnr(picture.y(), scene::ideal(71, 53).y()) > 38.0);
}

#[test]
fn images_of_other_encoders_decode() {
    let [y, u, v] = scene::psnr_planes(&decode(fixture!("ffmpeg_422.jpg")).unwrap(), &scene::ideal(71, 53));
    // ffmpeg's scaler takes chroma from another place than between the pixels.
    assert!(y > 38.0 && u > 32.0 && v > 32.0, "PSNR {y:.1} {u:.1} {v:.1} dB");
    assert_is_the_scene(&decode(fixture!("three_scans_422.jpg")).unwrap(), "a scan for each component");
    assert_is_the_scene(&decode(fixture!("mixed_sampling.jpg")).unwrap(), "Cb and Cr sampled differently");
}

#[test]
fn luma_of_fewer_samples_than_chroma_is_enlarged() {
    let picture = decode(fixture!("luma_smaller_than_chroma.jpg")).unwrap();
    let [y, u, v] = scene::psnr_planes(&picture, &scene::ideal(71, 53));
    assert!(y > 28.0 && u > 34.0 && v > 34.0, "PSNR {y:.1} {u:.1} {v:.1} dB");
}

#[test]
fn rgb_images_are_converted() {
    let marked = fixture!("rgb.jpg");
    assert_is_the_scene(&decode(marked).unwrap(), "Adobe transform 0");
    assert_is_the_scene(&decode(&without(marked, 0xEE)).unwrap(), "components named R, G, B");
}

#[test]
fn an_extended_sequential_image_of_8_bit_decodes() {
    let mut jpeg = encode(97, 65, SamplingFactor::F_2_1);
    let frame_header = position(&jpeg, 0xC0);
    jpeg[frame_header + 1] = 0xC1;
    assert_is_the_scene(&decode(&jpeg).unwrap(), "SOF1");
}

#[test]
fn webcam_frames_without_huffman_tables_decode() {
    let complete = encode(161, 97, SamplingFactor::F_2_1);
    let jpeg = without(&complete, 0xC4);
    assert!(!inspected(&complete).missing_huffman_tables);
    assert!(inspected(&jpeg).missing_huffman_tables);
    assert_eq!(decode(&jpeg).unwrap(), decode(&complete).unwrap());
}

#[test]
fn only_the_missing_tables_are_inserted() {
    let complete = encode(161, 97, SamplingFactor::F_2_1);
    for (_, table) in segments(&complete).into_iter().filter(|(marker, _)| *marker == 0xC4) {
        let mut jpeg = complete.clone();
        jpeg.drain(table.clone());
        assert!(inspected(&jpeg).missing_huffman_tables);
        let completed = lenscast_media::jpeg::with_default_huffman_tables(&jpeg, &inspected(&jpeg));
        assert_eq!(completed.len(), complete.len());
        assert_eq!(decode(&jpeg).unwrap(), decode(&complete).unwrap());
    }
}

#[test]
fn a_completed_image_lacks_nothing_and_what_followed_it_is_cut() {
    let mut jpeg = without(&encode(64, 48, SamplingFactor::F_2_2), 0xC4);
    jpeg.extend([0; 40]);
    let completed = lenscast_media::jpeg::with_default_huffman_tables(&jpeg, &inspected(&jpeg));
    let inspected = inspected(&completed);
    assert!(!inspected.missing_huffman_tables);
    assert!(inspected.trailing.is_empty());
}

/// Padding that T.81 allows (fill bytes, §B.1.1.2) or that cameras write.
#[test]
fn fill_and_padding_bytes_are_no_damage() {
    let plain = encode(160, 96, SamplingFactor::F_2_1);
    let picture = decode(&plain).unwrap();
    let mut fill_before_segments = plain.clone();
    for (_, range) in segments(&plain).into_iter().rev() {
        fill_before_segments.splice(range.start..range.start, [0xFF; 5]);
    }
    assert_eq!(decode(&fill_before_segments).unwrap(), picture, "fill bytes before segments");

    let end = plain.len() - 2;
    for (what, bytes) in [
        ("fill bytes before EOI", &[0xFF; 3][..]),
        ("zeros before EOI", &[0; 9]),
        ("stuffed ones before EOI", &[0xFF, 0, 0xFF, 0]),
        ("a restart marker before EOI", &[0xFF, 0xD0]),
    ] {
        let mut padded = plain.clone();
        padded.splice(end..end, bytes.iter().copied());
        assert_eq!(decode(&padded).unwrap(), picture, "{what}");
    }
}

#[test]
fn a_restart_marker_after_the_last_interval_is_no_damage() {
    // 160×96 in 4:2:2 are 10×12 MCUs.
    let mut jpeg = encode_with(160, 96, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::F_2_1);
        encoder.set_restart_interval(10);
    });
    let picture = decode(&jpeg).unwrap();
    let end = jpeg.len() - 2;
    jpeg.splice(end..end, [0xFF, 0xD3]);
    assert_eq!(decode(&jpeg).unwrap(), picture);
}

/// As a camera does that ran out of buffer and closed the image nevertheless.
#[test]
fn image_data_that_ends_early_is_damage_even_with_an_end_marker() {
    let restarts = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_restart_interval(5);
    let optimised = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_optimized_huffman_tables(true);
    let progressive = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_progressive(true);
    for (what, jpeg) in [
        ("4:2:2", encode(80, 48, SamplingFactor::F_2_1)),
        ("4:2:0", encode(80, 48, SamplingFactor::F_2_2)),
        ("4:4:4", encode(80, 48, SamplingFactor::F_1_1)),
        ("restart markers", encode_with(80, 48, restarts)),
        ("optimised tables", encode_with(80, 48, optimised)),
        ("progressive", encode_with(80, 48, progressive)),
        ("default tables", without(&encode(80, 48, SamplingFactor::F_2_1), 0xC4)),
    ] {
        let data = segments(&jpeg).last().unwrap().1.end;
        // The last byte before EOI may hold padding only.
        for end in data..jpeg.len() - 3 {
            let mut cut = jpeg[..end].to_vec();
            if cut.last() == Some(&0xFF) {
                cut.pop();
            }
            cut.extend([0xFF, 0xD9]);
            let cause = match inspect(&cut, &Limits::default()) {
                Ok(_) => decode(&cut).err().map(|fault| fault.cause().name()),
                Err(fault) => Some(fault.cause().name()),
            };
            let of = jpeg.len() - data - 2;
            assert!(
                matches!(cause, Some("damaged" | "bad_marker")),
                "{what}: {cause:?} for {} of {of} bytes",
                end - data
            );
        }
    }
}

#[test]
fn one_decoder_takes_sizes_and_kinds_as_they_come() {
    let mut decoder = Decoder::default();
    let mut picture = I420::default();
    for (width, height) in [(160, 96), (17, 33), (1, 1), (320, 240), (64, 48)] {
        for (sampling, name) in SAMPLINGS {
            decoder.decode(&encode(width, height, sampling), &mut picture).unwrap();
            assert_eq!(picture, decode(&encode(width, height, sampling)).unwrap(), "{name} {width}×{height}");
        }
        assert!(decoder.decode(&[0xFF, 0xD8, 0xFF], &mut picture).is_err());
    }
}

#[test]
fn the_decoder_keeps_to_its_limit_without_an_inspection() {
    let mut decoder = Decoder::new(Limits { max_pixels: 100 });
    let jpeg = encode(11, 10, SamplingFactor::F_2_2);
    let fault = decoder.decode(&jpeg, &mut I420::default()).unwrap_err();
    assert_eq!(fault, DecodeFault::TooManyPixels { width: 11, height: 10, limit: 100 });
    decoder.decode(&encode(10, 10, SamplingFactor::F_2_2), &mut I420::default()).unwrap();
}
