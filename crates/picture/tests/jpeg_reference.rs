//! The encoder beside another one: `jpeg-encoder`, with the same tables and the same arithmetic, byte for byte.

use jpeg_encoder::{ImageBuffer, JpegColorType, SamplingFactor};
use lenscast_picture::jpeg::{self, Encoder, Rows, Sampling};
use lenscast_picture::pattern::Scene;

/// The three planes of a picture; a grey one has no chroma.
struct Planes {
    width: u16,
    height: u16,
    planes: [Vec<u8>; 3],
}

impl Planes {
    /// `sample(component, x, y)`.
    fn new(width: u16, height: u16, grey: bool, mut sample: impl FnMut(usize, usize, usize) -> u8) -> Self {
        let (columns, rows) = (usize::from(width), usize::from(height));
        let planes = [0, 1, 2].map(|component| {
            let there = if grey && component > 0 { 0 } else { columns * rows };
            (0..there).map(|index| sample(component, index % columns, index / columns)).collect()
        });
        Self { width, height, planes }
    }

    fn row_of(&self, component: usize, y: u16) -> &[u8] {
        let width = usize::from(self.width);
        let plane = &self.planes[component];
        if plane.is_empty() { &[] } else { &plane[usize::from(y) * width..][..width] }
    }
}

impl Rows for Planes {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn row(&self, y: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        for (component, row) in [luma, cb, cr].into_iter().enumerate() {
            row.copy_from_slice(self.row_of(component, y));
        }
    }

    fn is_grey(&self) -> bool {
        self.planes[1].is_empty()
    }
}

impl ImageBuffer for &Planes {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.is_grey() { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        for (component, buffer) in buffers[..3].iter_mut().enumerate() {
            buffer.extend_from_slice(self.row_of(component, y));
        }
    }
}

const SAMPLINGS: [(Sampling, SamplingFactor); 3] = [
    (Sampling::Yuv444, SamplingFactor::R_4_4_4),
    (Sampling::Yuv422, SamplingFactor::R_4_2_2),
    (Sampling::Yuv420, SamplingFactor::R_4_2_0),
];

/// Compares what both make of a picture, in every sampling.
fn compare(encoder: &mut Encoder, picture: &Planes, quality: u8, what: &str) {
    for (sampling, factor) in SAMPLINGS {
        let mut ours = Vec::new();
        encoder.encode(picture, quality, sampling, &mut ours).expect("a Vec has room");
        let mut theirs = Vec::new();
        let mut reference = jpeg_encoder::Encoder::new(&mut theirs, quality);
        reference.set_sampling_factor(factor);
        reference.encode_image(picture).expect("a Vec has room");
        let (width, height) = (picture.width, picture.height);
        // No `assert_eq`: nobody reads the bytes of two JPEGs.
        let first = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        let same = first.is_none() && ours.len() == theirs.len();
        assert!(same, "{what} {width}x{height} {sampling:?} quality {quality}: from byte {first:?}");
    }
}

/// Numbers that look random, the same in every run.
fn random() -> impl FnMut() -> u32 {
    let mut state = 0x2026_1127_u32;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}

#[test]
fn every_small_size_has_the_same_bytes_as_the_reference() {
    let (mut encoder, mut random) = (Encoder::new(), random());
    for width in 1..=35 {
        for height in 1..=35 {
            for grey in [false, true] {
                let noise = Planes::new(width, height, grey, |_, _, _| random() as u8);
                compare(&mut encoder, &noise, 80, "noise");
            }
        }
    }
}

#[test]
fn every_quality_has_the_same_bytes_as_the_reference() {
    let (mut encoder, mut random) = (Encoder::new(), random());
    let pictures = [
        Planes::new(67, 45, false, |component, x, y| (x * 3 + y * (component + 1)) as u8),
        // The largest coefficients that there can be.
        Planes::new(67, 45, false, |component, x, y| if (x + y + component) % 2 == 0 { 0 } else { 255 }),
        Planes::new(67, 45, false, |_, _, _| if random() % 2 == 0 { 0 } else { 255 }),
        Planes::new(67, 45, false, |component, x, _| if (x / 8 + component) % 2 == 0 { 0 } else { 255 }),
        Planes::new(67, 45, true, |_, _, _| random() as u8),
    ];
    for quality in 1..=100 {
        for (index, picture) in pictures.iter().enumerate() {
            compare(&mut encoder, picture, quality, &format!("picture {index}"));
        }
    }
}

#[test]
fn the_test_scene_has_the_same_bytes_as_the_reference() {
    let mut encoder = Encoder::new();
    for (width, height) in [(640, 480), (320, 240), (333, 251)] {
        let painter = Scene { width, height, frame: 1234, clock_ms: 1_795_343_025_678 }.painter();
        let columns = usize::from(width);
        let rows: Vec<_> = (0..height)
            .map(|y| {
                let mut row = [vec![0; columns], vec![0; columns], vec![0; columns]];
                let [luma, cb, cr] = &mut row;
                painter.row(y, luma, cb, cr);
                row
            })
            .collect();
        let picture = Planes::new(width, height, false, |component, x, y| rows[y][component][x]);
        for quality in [10, 80, 95] {
            compare(&mut encoder, &picture, quality, "scene");
        }
    }
}

#[test]
fn a_picture_in_portions_is_the_same_as_in_one_go() {
    let mut random = random();
    let picture = Planes::new(50, 70, false, |_, _, _| random() as u8);
    let mut encoder = Encoder::new();
    for (sampling, rows) in [(Sampling::Yuv444, 9), (Sampling::Yuv422, 9), (Sampling::Yuv420, 5)] {
        let mut whole = Vec::new();
        jpeg::encode(&picture, 80, sampling, &mut whole).expect("this picture can be encoded");
        let mut portions = Vec::new();
        let mut strips = encoder.begin(&picture, 80, sampling, &mut portions).expect("headers fit");
        for row in 1..=rows {
            assert_eq!(strips.encode_next(), Ok(row < rows), "{sampling:?} {row}");
        }
        // Nothing comes after the end.
        assert_eq!(strips.encode_next(), Ok(false));
        assert_eq!(portions, whole, "{sampling:?}");
    }
}
