//! What an inspection looks for, and what it tells.

use super::mends::Mends;
use crate::causes::Mend;
use std::fmt;

/// [`Limits::max_pixels`] when nothing else is said: 4000×4000, about what the largest ESP32 sensors give.
///
/// Decoding takes 2.5 bytes of memory a pixel for a 4:2:2 image in one scan. One in several scans takes several times that,
/// and so has a limit of its own: [`MAX_KEPT_PIXELS`](super::MAX_KEPT_PIXELS).
pub const DEFAULT_MAX_PIXELS: u32 = 16_000_000;

/// What is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest number of pixels, width × height.
    pub max_pixels: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: DEFAULT_MAX_PIXELS }
    }
}

/// What [`inspect()`](super::inspect()) found out about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Bytes from the message's beginning through EOI: the image is in `message[..len]`, the rest is
    /// [`trailing`](Self::trailing). Without [`mends`](Self::mends) it is the image from SOI through EOI, as it came.
    pub len: usize,
    /// Pixels in a line, at least 1.
    pub width: u16,
    /// Lines, at least 1.
    pub height: u16,
    /// Colour components: 1 (grey) or 3.
    pub components: u8,
    /// The sampling factors of the components.
    pub sampling: Sampling,
    /// Whether the image is progressive (SOF2) and not sequential (SOF0, SOF1).
    pub progressive: bool,
    /// MCUs between two restart markers, 0 for none (T.81 §B.2.4.4), as in force at the last scan.
    pub restart_interval: u16,
    /// Whether the image uses Huffman tables that it does not define, as the frames of many webcams do:
    /// [`with_default_huffman_tables`](super::with_default_huffman_tables) completes it.
    pub missing_huffman_tables: bool,
    /// What follows the image in the message.
    pub trailing: Trailing,
    /// What is to be changed so that it is a clean JPEG: [`clean`](super::clean()) does it. Empty for a clean message.
    pub mends: Mends,
    /// Which of the default tables are missing: bits 0 and 1 DC tables 0 and 1, bits 4 and 5 AC tables.
    pub(super) missing_tables: u8,
    /// Where the frame header's marker begins: definitions may be inserted here.
    pub(super) frame_header_at: usize,
}

impl Inspected {
    /// The kinds of faults that the message has and [`clean`](super::clean()) mends, each once.
    pub fn mended(&self) -> impl Iterator<Item = Mend> {
        let more = matches!(self.trailing, Trailing::Bytes(_) | Trailing::AnotherJpeg(_));
        self.mends.kinds().chain(more.then_some(Mend::AfterEnd))
    }
}

/// What follows EOI in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailing {
    /// Nothing.
    None,
    /// This many bytes, all of them 0x00 or 0xFF: drivers that send the whole DMA buffer do so.
    Padding(usize),
    /// This many bytes of anything else.
    Bytes(usize),
    /// This many bytes, and after padding, if any, they begin like another JPEG.
    AnotherJpeg(usize),
}

impl Trailing {
    /// The number of bytes after EOI.
    pub const fn len(self) -> usize {
        match self {
            Self::None => 0,
            Self::Padding(n) | Self::Bytes(n) | Self::AnotherJpeg(n) => n,
        }
    }

    /// Whether the message ends with EOI.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        let Some(content) = bytes.iter().position(|&byte| byte != 0) else {
            return if bytes.is_empty() { Self::None } else { Self::Padding(bytes.len()) };
        };
        // A padding of 0xFF may stand before SOI as well: its last byte is the first of the marker.
        let ones = bytes[content..].iter().take_while(|&&byte| byte == 0xFF).count();
        let after = &bytes[content + ones..];
        if ones > 0 && after.starts_with(&[0xD8, 0xFF]) {
            Self::AnotherJpeg(bytes.len())
        } else if bytes.iter().all(|byte| matches!(byte, 0x00 | 0xFF)) {
            Self::Padding(bytes.len())
        } else {
            Self::Bytes(bytes.len())
        }
    }
}

/// Horizontal and vertical sampling factors of up to three components (T.81 §A.1.1), in the order of the frame
/// header. Displayed in the field's words: `4:2:2`, `4:2:0`, `grey`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// (horizontal, vertical), each 1 to 4; (0, 0) for a component that the image does not have.
    pub factors: [(u8, u8); 3],
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [y, cb, cr] = self.factors;
        if cb == (0, 0) {
            return f.write_str("grey");
        }
        // Only the ratio counts: some encoders write 4:4:4 as 2x2, 2x2, 2x2.
        let exact = cb == cr && cb.0 > 0 && cb.1 > 0 && y.0 % cb.0 == 0 && y.1 % cb.1 == 0;
        let name = match if exact { (y.0 / cb.0, y.1 / cb.1) } else { (0, 0) } {
            (1, 1) => "4:4:4",
            (1, 2) => "4:4:0",
            (2, 1) => "4:2:2",
            (2, 2) => "4:2:0",
            (4, 1) => "4:1:1",
            (4, 2) => "4:1:0",
            _ => return write!(f, "{}x{},{}x{},{}x{}", y.0, y.1, cb.0, cb.1, cr.0, cr.1),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_image_is_named() {
        assert_eq!(Trailing::of(&[]), Trailing::None);
        assert_eq!(Trailing::of(&[0; 9]), Trailing::Padding(9));
        assert_eq!(Trailing::of(&[0xFF; 9]), Trailing::Padding(9));
        assert_eq!(Trailing::of(&[0, 0xFF, 0, 0xFF]), Trailing::Padding(4));
        assert_eq!(Trailing::of(&[0, 1]), Trailing::Bytes(2));
        assert_eq!(Trailing::of(b"\r\n--frame"), Trailing::Bytes(9));
        assert_eq!(Trailing::of(&[0xFF, 0xD8, 0xFF, 0xE0]), Trailing::AnotherJpeg(4));
        assert_eq!(Trailing::of(&[0, 0, 0xFF, 0xFF, 0xD8, 0xFF]), Trailing::AnotherJpeg(6));
        assert_eq!(Trailing::of(&[0xD8, 0xFF]), Trailing::Bytes(2));
    }

    #[test]
    fn sampling_is_shown_in_the_words_of_the_field() {
        let name = |y, c| Sampling { factors: [y, c, c] }.to_string();
        assert_eq!(name((2, 1), (1, 1)), "4:2:2");
        assert_eq!(name((2, 2), (1, 1)), "4:2:0");
        assert_eq!(name((2, 2), (2, 2)), "4:4:4");
        assert_eq!(name((2, 2), (2, 1)), "4:4:0");
        assert_eq!(name((4, 1), (1, 1)), "4:1:1");
        assert_eq!(name((4, 2), (1, 1)), "4:1:0");
        assert_eq!(name((1, 1), (2, 2)), "1x1,2x2,2x2");
        assert_eq!(name((1, 1), (0, 0)), "grey");
    }
}
