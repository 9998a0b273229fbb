//! Test scenes encoded by this crate and decoded by another.

use lenscast_picture::jpeg::{self, EncodeError, Encoder, Full, Rows, Sampling, Sink};
use lenscast_picture::pattern::{Scene, read_strips};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const CLOCK_MS: u64 = 1_795_343_025_678;
const SAMPLINGS: [Sampling; 3] = [Sampling::Yuv444, Sampling::Yuv422, Sampling::Yuv420];

fn scene(width: u16, height: u16) -> Scene {
    Scene { width, height, frame: 1234, clock_ms: CLOCK_MS }
}

fn encode(source: &impl Rows, quality: u8, sampling: Sampling) -> Vec<u8> {
    let mut out = Vec::new();
    jpeg::encode(source, quality, sampling, &mut out).expect("this picture can be encoded");
    out
}

/// Width, height, and the samples in the colour space asked for.
fn decode(jpeg: &[u8], colours: ColorSpace) -> (usize, usize, Vec<u8>) {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let samples = decoder.decode().expect("a JPEG that can be decoded");
    let (width, height) = decoder.dimensions().expect("sizes are known after decoding");
    (width, height, samples)
}

#[test]
fn the_strips_survive_a_jpeg() {
    for (width, height) in [(128, 97), (160, 120), (320, 240), (333, 251), (640, 480)] {
        for sampling in SAMPLINGS {
            for quality in [10, 50, 80, 100] {
                let jpeg = encode(&scene(width, height).painter(), quality, sampling);
                let (width, height, luma) = decode(&jpeg, ColorSpace::Luma);
                assert_eq!(
                    read_strips(&luma, width, height, width),
                    Some((1234, (CLOCK_MS & 0xff_ffff) as u32)),
                    "{width}x{height} {sampling:?} quality {quality}"
                );
            }
        }
    }
}

#[test]
fn every_small_size_can_be_encoded_and_decoded() {
    for width in 1..=40 {
        for height in 1..=40 {
            for sampling in SAMPLINGS {
                let jpeg = encode(&scene(width, height).painter(), 80, sampling);
                let decoded = decode(&jpeg, ColorSpace::RGB);
                let (width, height) = (usize::from(width), usize::from(height));
                assert_eq!((decoded.0, decoded.1), (width, height), "{sampling:?}");
                assert_eq!(decoded.2.len(), width * height * 3, "{width}x{height} {sampling:?}");
            }
        }
    }
}

#[test]
fn consecutive_frames_differ() {
    let first = scene(160, 120);
    let second = Scene { frame: first.frame + 1, ..first };
    let [first, second] = [first, second].map(|scene| encode(&scene.painter(), 80, Sampling::Yuv422));
    assert_ne!(first, second);
}

/// One colour all over.
struct Flat {
    width: u16,
    height: u16,
    colour: [u8; 3],
}

impl Rows for Flat {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn row(&self, _: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        [luma, cb, cr].into_iter().zip(self.colour).for_each(|(plane, sample)| plane.fill(sample));
    }
}

#[test]
fn colours_arrive_as_full_range_bt_601() {
    let colours = [
        ([76, 85, 255], [254, 0, 0]),
        ([150, 44, 21], [0, 255, 1]),
        ([29, 255, 107], [0, 0, 254]),
        ([255, 128, 128], [255, 255, 255]),
        ([0, 128, 128], [0, 0, 0]),
    ];
    for (colour, rgb) in colours {
        for sampling in SAMPLINGS {
            let jpeg = encode(&Flat { width: 33, height: 17, colour }, 100, sampling);
            let (_, _, samples) = decode(&jpeg, ColorSpace::RGB);
            for pixel in samples.chunks_exact(3) {
                let far =
                    pixel.iter().zip(rgb).map(|(got, expected): (&u8, u8)| got.abs_diff(expected)).max();
                assert!(far <= Some(4), "{colour:?} {sampling:?}: {pixel:?} instead of {rgb:?}");
            }
        }
    }
}

#[test]
fn the_sampling_is_what_was_asked_for() {
    for (sampling, expected) in SAMPLINGS.into_iter().zip([0x11, 0x21, 0x22]) {
        let jpeg = encode(&scene(64, 48).painter(), 80, sampling);
        // T.81 §B.2.2: SOF0, length, precision, height, width, components, then id and H/V of the first.
        let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a baseline JPEG");
        assert_eq!(
            jpeg[frame + 5..frame + 12],
            [0, 48, 0, 64, 3, jpeg[frame + 10], expected],
            "{sampling:?}"
        );
    }
}

#[test]
fn a_quality_out_of_range_is_the_nearest_in_range() {
    let painter = scene(160, 120).painter();
    let [zero, one, hundred, most] =
        [0, 1, 100, 255].map(|quality| encode(&painter, quality, Sampling::Yuv422));
    assert_eq!(zero, one);
    assert_eq!(most, hundred);
    assert!(one.len() < hundred.len());
}

#[test]
fn a_picture_without_pixels_is_refused() {
    for (width, height) in [(0, 0), (0, 7), (7, 0)] {
        let mut out = vec![1, 2, 3];
        let refused = jpeg::encode(&scene(width, height).painter(), 80, Sampling::Yuv422, &mut out);
        assert_eq!(refused, Err(EncodeError::Empty { width, height }));
        assert!(out.is_empty(), "the last frame must not be taken for this one");
    }
}

#[test]
fn the_buffer_can_be_used_again() {
    let mut out = encode(&scene(320, 240).painter(), 80, Sampling::Yuv422);
    let small = scene(32, 24).painter();
    jpeg::encode(&small, 80, Sampling::Yuv422, &mut out).expect("this picture can be encoded");
    assert_eq!(out, encode(&small, 80, Sampling::Yuv422));
}

/// Memory that does not grow, as a frame's slot.
struct Slot {
    bytes: Vec<u8>,
    room: usize,
}

impl Sink for Slot {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.bytes.len() + bytes.len() > self.room {
            return Err(Full);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

#[test]
fn memory_that_does_not_grow_gets_the_same_jpeg_or_an_error() {
    let scene = scene(160, 120);
    let mut encoder = Encoder::new();
    let whole = encode(&scene.painter(), 80, Sampling::Yuv422);
    for room in 0..whole.len() {
        let mut slot = Slot { bytes: Vec::new(), room };
        let refused = encoder.encode(&scene.painter(), 80, Sampling::Yuv422, &mut slot);
        assert_eq!(refused, Err(EncodeError::Full), "{room} bytes");
        assert!(whole.starts_with(&slot.bytes), "{room} bytes");
    }
    let mut slot = Slot { bytes: Vec::new(), room: whole.len() };
    encoder.encode(&scene.painter(), 80, Sampling::Yuv422, &mut slot).expect("it fits exactly");
    assert_eq!(slot.bytes, whole);
}
