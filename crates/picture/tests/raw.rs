//! Raw frames encoded by this crate and decoded by another.

use lenscast_picture::jpeg::{self, Rows, Sampling};
use lenscast_picture::pattern::{Scene, read_strips};
use lenscast_picture::raw::{Raw, RawError, RawFormat};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const CLOCK_MS: u64 = 1_795_343_025_678;
const IN_COLOUR: [RawFormat; 4] =
    [RawFormat::Rgb565Be, RawFormat::Rgb565Le, RawFormat::Yuyv, RawFormat::Uyvy];

/// A picture in R, G, B.
struct Picture {
    width: u16,
    height: u16,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn new(width: u16, height: u16, pixel: impl Fn(u16, u16) -> [u8; 3]) -> Self {
        let pixels =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        Self { width, height, pixels }
    }

    fn flat(width: u16, height: u16, colour: [u8; 3]) -> Self {
        Self::new(width, height, |_, _| colour)
    }

    /// Every colour changes slowly, each in its own direction.
    fn gradients(width: u16, height: u16) -> Self {
        let wave = |angle: f64| (127.5 + 127.5 * angle.sin()) as u8;
        Self::new(width, height, |x, y| {
            let (x, y) = (f64::from(x), f64::from(y));
            [wave(x / 30.0), wave(y / 20.0), wave((x + y) / 50.0)]
        })
    }

    /// The bytes that a sensor sends in this format, by the formulas of JFIF in floating point.
    fn to_raw(&self, format: RawFormat) -> Vec<u8> {
        let words = || {
            self.pixels.iter().map(|pixel| {
                let [r, g, b] = [(pixel[0], 31.0), (pixel[1], 63.0), (pixel[2], 31.0)]
                    .map(|(value, most)| (f64::from(value) * most / 255.0).round() as u16);
                r << 11 | g << 5 | b
            })
        };
        let pairs = || {
            self.pixels.chunks_exact(2).map(|pair| {
                let [[y0, cb0, cr0], [y1, cb1, cr1]] = [pair[0], pair[1]].map(ycc);
                [y0, y1, (cb0 + cb1) / 2.0, (cr0 + cr1) / 2.0].map(|sample| sample.round() as u8)
            })
        };
        match format {
            RawFormat::Rgb565Be => words().flat_map(u16::to_be_bytes).collect(),
            RawFormat::Rgb565Le => words().flat_map(u16::to_le_bytes).collect(),
            RawFormat::Yuyv => pairs().flat_map(|[y0, y1, cb, cr]| [y0, cb, y1, cr]).collect(),
            RawFormat::Uyvy => pairs().flat_map(|[y0, y1, cb, cr]| [cb, y0, cr, y1]).collect(),
            RawFormat::Y8 => self.pixels.iter().map(|&pixel| ycc(pixel)[0].round() as u8).collect(),
        }
    }

    /// Through a raw frame to a JPEG.
    fn encode(&self, format: RawFormat, quality: u8) -> Vec<u8> {
        encode(self.width, self.height, format, &self.to_raw(format), quality)
    }
}

fn ycc([r, g, b]: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    [
        0.299 * r + 0.587 * g + 0.114 * b,
        -0.168_736 * r - 0.331_264 * g + 0.5 * b + 128.0,
        0.5 * r - 0.418_688 * g - 0.081_312 * b + 128.0,
    ]
}

fn encode(width: u16, height: u16, format: RawFormat, bytes: &[u8], quality: u8) -> Vec<u8> {
    let raw = Raw::new(width, height, format, bytes).expect("as many bytes as the frame has");
    let mut out = Vec::new();
    jpeg::encode(&raw, quality, Sampling::Yuv422, &mut out).expect("this picture can be encoded");
    out
}

fn decode(jpeg: &[u8], colours: ColorSpace) -> Vec<u8> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours);
    JpegDecoder::new_with_options(ZCursor::new(jpeg), options).decode().expect("a JPEG that can be decoded")
}

/// Peak signal-to-noise ratio in dB.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares as f64).log10()
}

/// The parameters of SOF0 from the height on (T.81 §B.2.2).
fn frame_header(jpeg: &[u8]) -> &[u8] {
    let marker = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a baseline JPEG");
    let length = usize::from(u16::from_be_bytes([jpeg[marker + 2], jpeg[marker + 3]]));
    &jpeg[marker + 5..marker + 2 + length]
}

#[test]
fn the_picture_that_comes_out_is_the_one_that_went_in() {
    for (width, height) in [(160, 120), (322, 241)] {
        let picture = Picture::gradients(width, height);
        // RGB565 has already lost what lies between its 32 and 64 steps.
        for (format, at_least) in IN_COLOUR.into_iter().zip([43.0, 43.0, 48.0, 48.0]) {
            let decoded = decode(&picture.encode(format, 95), ColorSpace::RGB);
            let quality = psnr(&decoded, picture.pixels.as_flattened());
            assert!(quality > at_least, "{format} {width}x{height}: {quality:.1} dB");
        }
        let luma: Vec<u8> = picture.pixels.iter().map(|&pixel| ycc(pixel)[0].round() as u8).collect();
        let quality = psnr(&decode(&picture.encode(RawFormat::Y8, 95), ColorSpace::Luma), &luma);
        assert!(quality > 55.0, "y8 {width}x{height}: {quality:.1} dB");
    }
}

#[test]
fn red_stays_red_and_so_do_the_others() {
    let colours = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 0],
        [0, 255, 255],
        [255, 0, 255],
        [0, 0, 0],
        [255, 255, 255],
    ];
    for colour in colours {
        for format in IN_COLOUR {
            let decoded = decode(&Picture::flat(34, 18, colour).encode(format, 100), ColorSpace::RGB);
            for pixel in decoded.as_chunks::<3>().0 {
                let far = pixel.iter().zip(colour).map(|(&got, sent)| got.abs_diff(sent)).max();
                assert!(far <= Some(4), "{format}: {pixel:?} instead of {colour:?}");
            }
        }
    }
}

#[test]
fn the_bytes_of_a_sensor_are_understood_in_their_order() {
    let row = |format: RawFormat, bytes: &[u8]| {
        let raw = Raw::new(2, 1, format, bytes).expect("two pixels");
        let (mut luma, mut cb, mut cr) = ([0; 2], [0; 2], [0; 2]);
        raw.row(0, &mut luma, &mut cb, &mut cr);
        (luma, cb, cr)
    };
    assert_eq!(row(RawFormat::Yuyv, &[1, 2, 3, 4]), ([1, 3], [2, 2], [4, 4]));
    assert_eq!(row(RawFormat::Uyvy, &[1, 2, 3, 4]), ([2, 4], [1, 1], [3, 3]));
    assert_eq!(row(RawFormat::Y8, &[1, 2]), ([1, 2], [128, 128], [128, 128]));
    // Pure red and pure blue share the mean of 84.97 and 255.5, and of 255.5 and 107.27.
    assert_eq!(row(RawFormat::Rgb565Be, &[0xf8, 0x00, 0x00, 0x1f]), ([76, 29], [170, 170], [181, 181]));
    assert_eq!(row(RawFormat::Rgb565Le, &[0x00, 0xf8, 0x1f, 0x00]), ([76, 29], [170, 170], [181, 181]));
}

#[test]
fn the_colour_of_rgb565_is_a_mean_and_not_that_of_every_second_pixel() {
    // Red and blue stripes, one pixel wide: every second pixel alone would make the whole picture red.
    let stripes = Picture::new(64, 16, |x, _| if x % 2 == 0 { [255, 0, 0] } else { [0, 0, 255] });
    for format in [RawFormat::Rgb565Be, RawFormat::Rgb565Le] {
        let raw = stripes.to_raw(format);
        let raw = Raw::new(64, 16, format, &raw).expect("as many bytes as the frame has");
        let (mut luma, mut cb, mut cr) = (vec![0; 64], vec![0; 64], vec![0; 64]);
        raw.row(3, &mut luma, &mut cb, &mut cr);
        assert!(cb.iter().all(|cb| cb.abs_diff(170) <= 1), "{format}: {cb:?}");
        assert!(cr.iter().all(|cr| cr.abs_diff(181) <= 1), "{format}: {cr:?}");
    }
}

#[test]
fn colour_is_sent_as_4_2_2() {
    for format in IN_COLOUR {
        let jpeg = Picture::gradients(64, 48).encode(format, 80);
        assert_eq!(frame_header(&jpeg), [0, 48, 0, 64, 3, 0, 0x21, 0, 1, 0x11, 1, 2, 0x11, 1], "{format}");
    }
}

#[test]
fn a_grey_frame_becomes_a_grey_jpeg() {
    for sampling in [Sampling::Yuv444, Sampling::Yuv422, Sampling::Yuv420] {
        let picture = Picture::gradients(61, 43);
        let bytes = picture.to_raw(RawFormat::Y8);
        let raw = Raw::new(61, 43, RawFormat::Y8, &bytes).expect("as many bytes as the frame has");
        let mut jpeg = Vec::new();
        jpeg::encode(&raw, 100, sampling, &mut jpeg).expect("this picture can be encoded");
        assert_eq!(frame_header(&jpeg), [0, 43, 0, 61, 1, 0, 0x11, 0]);
        let mut decoder = JpegDecoder::new(ZCursor::new(&jpeg[..]));
        decoder.decode_headers().expect("headers that can be decoded");
        assert_eq!(decoder.input_colorspace(), Some(ColorSpace::Luma));
        let luma = decode(&jpeg, ColorSpace::Luma);
        assert!(luma.iter().zip(&bytes).all(|(&got, &sent)| got.abs_diff(sent) <= 2));
    }
}

/// Says that it is grey, and looks at what it is given.
struct Grey;

impl Rows for Grey {
    fn width(&self) -> u16 {
        20
    }

    fn height(&self) -> u16 {
        10
    }

    fn row(&self, _: u16, luma: &mut [u8], cb: &mut [u8], cr: &mut [u8]) {
        assert_eq!([luma.len(), cb.len(), cr.len()], [20, 0, 0]);
        luma.fill(77);
    }

    fn is_grey(&self) -> bool {
        true
    }
}

#[test]
fn a_grey_picture_is_not_asked_for_its_colour() {
    let mut jpeg = Vec::new();
    jpeg::encode(&Grey, 100, Sampling::Yuv420, &mut jpeg).expect("this picture can be encoded");
    assert!(decode(&jpeg, ColorSpace::Luma).iter().all(|&luma| luma == 77));
}

#[test]
fn a_frame_without_colour_costs_no_bytes_for_it() {
    let grey = Picture::new(320, 240, |x, y| [(x ^ y) as u8; 3]);
    let [y8, yuyv] = [RawFormat::Y8, RawFormat::Yuyv].map(|format| grey.encode(format, 80).len());
    assert!(y8 < yuyv, "{y8} and {yuyv} bytes");
}

#[test]
fn a_better_quality_takes_more_bytes_and_is_better() {
    let picture = Picture::gradients(160, 120);
    for format in IN_COLOUR {
        // At 100, what RGB565 has lost is more than what the JPEG loses.
        let all = [10, 30, 50, 70, 90].map(|quality| {
            let jpeg = picture.encode(format, quality);
            let decoded = decode(&jpeg, ColorSpace::RGB);
            (jpeg.len(), psnr(&decoded, picture.pixels.as_flattened()))
        });
        assert!(all.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{format}: {all:?}");
    }
}

#[test]
fn the_strips_of_the_pattern_survive_every_format() {
    for (width, height) in [(160, 120), (320, 240), (640, 480)] {
        let scene = Scene { width, height, frame: 1234, clock_ms: CLOCK_MS };
        let drawn = encode_scene(scene);
        let rgb = decode(&drawn, ColorSpace::RGB);
        let (pixels, _) = rgb.as_chunks::<3>();
        let picture = Picture { width, height, pixels: pixels.to_vec() };
        for format in RawFormat::ALL {
            for quality in [30, 80] {
                let luma = decode(&picture.encode(format, quality), ColorSpace::Luma);
                let (width, height) = (usize::from(width), usize::from(height));
                let read = read_strips(&luma, width, height, width);
                assert_eq!(
                    read,
                    Some((1234, (CLOCK_MS & 0xff_ffff) as u32)),
                    "{format} {width}x{height} {quality}"
                );
            }
        }
    }
}

fn encode_scene(scene: Scene) -> Vec<u8> {
    let mut out = Vec::new();
    jpeg::encode(&scene.painter(), 95, Sampling::Yuv444, &mut out).expect("this picture can be encoded");
    out
}

#[test]
fn every_small_size_can_be_encoded_and_decoded() {
    for format in RawFormat::ALL {
        for width in 1..=34 {
            if matches!(format, RawFormat::Yuyv | RawFormat::Uyvy) && width % 2 == 1 {
                continue;
            }
            for height in 1..=18 {
                let decoded =
                    decode(&Picture::flat(width, height, [255, 128, 0]).encode(format, 100), ColorSpace::RGB);
                let [r, g, b] = *decoded.last_chunk().expect("at least one pixel");
                assert_eq!(decoded.len(), usize::from(width) * usize::from(height) * 3);
                let right = if format == RawFormat::Y8 { [151; 3] } else { [255, 128, 0] };
                let far =
                    [r, g, b].into_iter().zip(right).map(|(got, sent): (u8, u8)| got.abs_diff(sent)).max();
                assert!(far <= Some(6), "{format} {width}x{height}: {:?}", [r, g, b]);
            }
        }
    }
}

#[test]
fn a_frame_with_too_few_bytes_is_refused_with_both_numbers() {
    for (format, expected) in RawFormat::ALL.into_iter().zip([153_600, 153_600, 153_600, 153_600, 76_800]) {
        let bytes = vec![0; expected as usize];
        let refused = Raw::new(320, 240, format, &bytes[1..]).expect_err("one byte is missing");
        let found = bytes.len() - 1;
        assert_eq!(refused, RawError::TooShort { format, width: 320, height: 240, expected, found });
        assert_eq!(
            refused.to_string(),
            format!("a raw frame of 320x240 in {format} has {expected} bytes, but there are only {found}")
        );
        assert_eq!(Raw::new(320, 240, format, &bytes).expect("a whole frame").bytes().len(), bytes.len());
    }
}

#[test]
fn bytes_beyond_the_frame_are_left_out() {
    let picture = Picture::gradients(34, 18);
    for format in RawFormat::ALL {
        let exact = picture.to_raw(format);
        let mut longer = exact.clone();
        longer.extend([0xaa; 777]);
        assert_eq!(Raw::new(34, 18, format, &longer).expect("a whole frame").bytes(), exact);
        assert_eq!(encode(34, 18, format, &longer, 80), encode(34, 18, format, &exact, 80));
    }
}

#[test]
fn a_pixel_without_its_pair_is_refused_where_two_share_their_colour() {
    for format in [RawFormat::Yuyv, RawFormat::Uyvy] {
        let refused = Raw::new(321, 2, format, &[0; 4000]).expect_err("an odd width");
        assert_eq!(refused, RawError::OddWidth { format, width: 321 });
        assert!(refused.to_string().contains("cannot be 321 pixels wide"), "{refused}");
    }
    for format in [RawFormat::Rgb565Be, RawFormat::Rgb565Le, RawFormat::Y8] {
        assert!(Raw::new(321, 2, format, &[0; 4000]).is_ok());
    }
}

#[test]
fn the_largest_size_is_more_than_any_buffer_and_not_a_small_number() {
    // In 32 bits the product would wrap around to 0xfffc_0002, or with another size to almost nothing.
    let refused = Raw::new(65_535, 65_535, RawFormat::Rgb565Be, &[0; 10]).expect_err("10 bytes");
    assert!(refused.to_string().contains(" has 8589672450 bytes"), "{refused}");
}
