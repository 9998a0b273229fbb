//! Damaged pictures, as far as they are whole.

use super::{decode, encode, encode_with, fixture, inspected, scene, segments};
use jpeg_encoder::SamplingFactor;
use lenscast_media::jpeg::Decoder;
use lenscast_media::picture::I420;

/// The clean image of a camera that sends damaged ones.
fn of_a_camera() -> Vec<u8> {
    let zero = include_bytes!("../data/cases/one_zero_before_dqt.jpeg");
    [&zero[..20], &zero[21..]].concat()
}

/// Without so many thousandths of its image data at the end, and with EOI.
fn cut(jpeg: &[u8], thousandths: usize) -> Vec<u8> {
    let data = segments(jpeg).last().unwrap().1.end;
    let mut end = jpeg.len() - 2 - (jpeg.len() - 2 - data) * thousandths / 1000;
    if jpeg[end - 1] == 0xFF {
        end -= 1;
    }
    [&jpeg[..end], &[0xFF, 0xD9]].concat()
}

fn partly(jpeg: &[u8]) -> (I420, usize) {
    // Full of something else, none of which may be seen.
    let mut picture = I420::new(512, 512);
    for plane in picture.planes_mut() {
        plane.fill(77);
    }
    let lines = Decoder::default().decode_partly(jpeg, &mut picture).unwrap();
    (picture, lines)
}

#[test]
fn a_whole_picture_is_decoded_as_ever() {
    for jpeg in [
        of_a_camera(),
        encode(97, 65, SamplingFactor::F_2_2),
        encode(97, 65, SamplingFactor::F_4_1),
        encode(1, 1, SamplingFactor::F_2_1),
        fixture!("grey_2x2.jpg").to_vec(),
        fixture!("rgb.jpg").to_vec(),
        fixture!("luma_smaller_than_chroma.jpg").to_vec(),
        fixture!("progressive_420_restart.jpg").to_vec(),
        fixture!("three_scans_422.jpg").to_vec(),
    ] {
        assert_eq!(partly(&jpeg), (decode(&jpeg).unwrap(), usize::from(inspected(&jpeg).height)));
    }
}

#[test]
fn the_lines_above_the_damage_are_right_and_below_is_the_last_of_them_or_grey() {
    for (jpeg, row) in [
        (of_a_camera(), 8),
        (encode(160, 96, SamplingFactor::F_2_2), 16),
        (encode(160, 96, SamplingFactor::F_1_1), 8),
    ] {
        let ideal = decode(&jpeg).unwrap();
        let (width, height) = ideal.source_size();
        for thousandths in [5, 20, 100, 300, 600] {
            let cut = cut(&jpeg, thousandths);
            assert!(decode(&cut).is_err(), "{thousandths} ‰ are damage");
            let (picture, lines) = partly(&cut);
            assert_eq!(picture.source_size(), (width, height));
            assert!(
                lines < height && lines % row == 0 && lines + height * thousandths / 500 + 2 * row >= height,
                "{lines}"
            );
            let line = |picture: &I420, y: usize| picture.y()[y * width..(y + 1) * width].to_vec();
            for y in 0..lines {
                assert_eq!(line(&picture, y), line(&ideal, y), "line {y} of {lines}, {thousandths} ‰");
            }
            let few = (height - lines) * 5 <= height;
            for y in lines..height {
                let below = if few { line(&ideal, lines - 1) } else { vec![128; width] };
                assert_eq!(line(&picture, y), below, "line {y} below {lines}");
            }
        }
    }
}

#[test]
fn nothing_comes_of_a_picture_without_a_whole_row() {
    let jpeg = cut(&encode(160, 96, SamplingFactor::F_2_2), 995);
    // What can be had without being strict: one colour, and no error.
    let (picture, lines) = partly(&jpeg);
    assert_eq!((picture.source_size(), lines), ((160, 96), 0));
    assert!(Decoder::default().decode_partly(b"\xFF\xD8\xFF\xD9", &mut I420::default()).is_err());
}

#[test]
fn a_progressive_picture_is_shown_as_well_as_it_can_be() {
    let jpeg = encode_with(160, 96, |encoder| encoder.set_progressive(true));
    let ideal = decode(&jpeg).unwrap();
    let (picture, _) = partly(&cut(&jpeg, 200));
    let psnr = scene::psnr(picture.y(), ideal.y());
    assert!(psnr > 20.0, "{psnr:.1} dB");
}

/// The figures of docs/decisions/0002-damaged-pictures.md: `cargo test -p lenscast-media --test jpeg figures -- --nocapture`.
#[test]
fn what_is_put_below_the_damage_is_nearer_to_the_picture_than_the_other_figures() {
    let scene = encode(320, 240, SamplingFactor::F_2_1);
    for (name, jpeg) in [("camera", of_a_camera()), ("scene", scene)] {
        let ideal = decode(&jpeg).unwrap();
        for thousandths in [5, 20, 50, 100, 250, 500] {
            let (picture, lines) = partly(&cut(&jpeg, thousandths));
            let (width, cut) = (picture.width(), lines * picture.width());
            let [mut grey, mut repeated] = [picture.y().to_vec(), picture.y().to_vec()];
            grey[cut..].fill(128);
            let last = repeated[cut - width..cut].to_vec();
            repeated[cut..].chunks_mut(width).for_each(|line| line.copy_from_slice(&last));
            let [ours, repeated, grey] =
                [picture.y(), &repeated, &grey].map(|luma| scene::psnr(luma, ideal.y()));
            println!(
                "{name}, {thousandths} ‰ missing: {lines} lines, repeated {repeated:.1} dB, grey {grey:.1} dB"
            );
            // At a quarter it depends on the picture.
            assert!(
                thousandths == 250 || ours >= repeated.max(grey),
                "{name}, {thousandths} ‰: {ours:.1} dB"
            );
        }
    }
}
