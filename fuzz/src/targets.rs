//! The targets. Each takes any bytes, and panics when an invariant of the code under test does not hold.

mod camera;
mod proxy_header;

pub use camera::camera_connection;
pub use proxy_header::proxy_header;

use lenscast_media::jpeg::{Decoder, Inspected, Limits, clean, exif, inspect, with_default_huffman_tables};
use lenscast_media::picture::I420;
use lenscast_media::turn::Turn;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// All targets by the name of their corpus and of their binary.
pub const TARGETS: &[(&str, Target)] = &[
    ("jpeg_inspect", jpeg_inspect),
    ("jpeg_orientation", jpeg_orientation),
    ("jpeg_decode", jpeg_decode),
    ("camera_connection", camera_connection),
    ("proxy_header", proxy_header),
];

/// Small enough that no input keeps the fuzzer busy for long.
const LIMITS: Limits = Limits { max_pixels: 1 << 18 };

/// Inspection: what it says about an image is within the message, and does not depend on what follows the image.
pub fn jpeg_inspect(message: &[u8]) {
    let inspected = match inspect(message, &LIMITS) {
        Ok(inspected) => inspected,
        Err(fault) => {
            assert!(!fault.to_string().is_empty() && !fault.cause().name().is_empty());
            return;
        }
    };
    assert!(inspected.len >= 4 && inspected.len <= message.len());
    assert_eq!(inspected.len + inspected.trailing.len(), message.len());
    let image = &message[..inspected.len];
    assert!(inspected.width > 0 && inspected.height > 0);
    assert!(u32::from(inspected.width) * u32::from(inspected.height) <= LIMITS.max_pixels);
    assert!(matches!(inspected.components, 1 | 3));

    // Where a marker is looked for, what follows plays a part: it tells image data without EOI from data that is cut.
    if inspected.mends.is_empty() {
        let alone = inspect(image, &LIMITS).expect("what follows EOI plays no part");
        assert!(alone.trailing.is_empty());
        assert_eq!(Shape::of(&alone), Shape::of(&inspected));
    }

    let complete = with_default_huffman_tables(message, &inspected);
    assert!(complete.starts_with(&[0xFF, 0xD8]) && complete.ends_with(&[0xFF, 0xD9]));
    assert_eq!(complete, clean(message.to_vec(), &inspected));
    let completed = inspect(&complete, &LIMITS).expect("it was mended, tables were added, and nothing else");
    assert!(!completed.missing_huffman_tables && completed.mends.is_empty(), "{:?}", completed.mends);
    assert_eq!(completed.len, complete.len());
    assert_eq!((completed.width, completed.height), (inspected.width, inspected.height));
}

/// Which way up: what is written is read again, and nothing else of the JPEG changes.
pub fn jpeg_orientation(message: &[u8]) {
    let before = exif::orientation(message);
    if !message.starts_with(&[0xFF, 0xD8]) {
        assert_eq!(before, Turn::NONE, "no JPEG");
        return;
    }
    let inspected = inspect(message, &LIMITS);
    for turn in Turn::ALL {
        let turned = exif::with_orientation(message, turn);
        assert_eq!(exif::orientation(&turned), turn);
        let again = exif::with_orientation(&turned, before);
        assert_eq!(exif::orientation(&again), before);
        assert_eq!(again.len(), turned.len(), "the second time only the number changes");
        if let Ok(inspected) = &inspected {
            let turned = inspect(&turned, &LIMITS).expect("it was good before");
            assert_eq!((turned.width, turned.height), (inspected.width, inspected.height));
        }
    }
}

/// The whole way of a frame: whatever passes inspection either decodes to a picture of the announced size or is
/// refused, and a picture holds nothing of the frame that was in its buffer before.
pub fn jpeg_decode(message: &[u8]) {
    let mut picture = filled(0);
    // Not every caller inspects.
    #[expect(clippy::let_underscore_must_use, reason = "what is looked for is a panic")]
    let _ = Decoder::new(LIMITS).decode(message, &mut picture);

    let Ok(inspected) = inspect(message, &LIMITS) else { return };
    let jpeg = with_default_huffman_tables(message, &inspected);
    let decoded = Decoder::new(LIMITS).decode(&jpeg, &mut picture);
    if let Err(fault) = &decoded {
        assert!(!fault.to_string().is_empty() && !fault.cause().name().is_empty());
        return;
    }
    let (width, height) = (usize::from(inspected.width), usize::from(inspected.height));
    assert_eq!(picture.source_size(), (width, height));
    assert_eq!(picture.width(), width.next_multiple_of(2).max(16));
    assert_eq!(picture.height(), height.next_multiple_of(2).max(16));
    assert_eq!(picture.y().len(), picture.width() * picture.height());
    assert_eq!(picture.u().len() * 4, picture.y().len());
    assert_eq!(picture.v().len() * 4, picture.y().len());

    let mut other = filled(255);
    let mut decoder = Decoder::new(LIMITS);
    decoder.decode(&jpeg, &mut other).expect("it decoded a moment ago");
    assert!(picture == other, "the picture holds samples of the frame before");
    decoder.decode(&jpeg, &mut other).expect("it decoded a moment ago");
    assert!(picture == other, "the decoder remembers the frame before");
}

/// What does not depend on what follows the image.
#[derive(Debug, PartialEq)]
struct Shape(usize, u16, u16, u8, bool, bool, u16);

impl Shape {
    fn of(inspected: &Inspected) -> Self {
        let Inspected {
            len,
            width,
            height,
            components,
            progressive,
            missing_huffman_tables,
            restart_interval,
            ..
        } = *inspected;
        Self(len, width, height, components, progressive, missing_huffman_tables, restart_interval)
    }
}

/// A buffer as large as any picture within the limits, full of `sample`.
fn filled(sample: u8) -> I420 {
    let mut picture = I420::new(512, 512);
    for plane in picture.planes_mut() {
        plane.fill(sample);
    }
    picture
}
