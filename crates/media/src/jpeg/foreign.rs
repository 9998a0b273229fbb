//! What a message is that does not begin like a JPEG, as far as its bytes tell: each needs other advice.

use super::fault::{Fault, Raw};
use memchr::memmem;

/// How far into a message a JPEG is looked for. What stands before one is four bytes, or a header of some hundred.
const SEARCHED: usize = 64 * 1024;

/// The picture sizes of sensors and their drivers (esp32-camera's `framesize_t`, and what displays have).
const SIZES: [(u16, u16); 26] = [
    (96, 96),
    (128, 128),
    (160, 120),
    (176, 144),
    (240, 176),
    (240, 240),
    (320, 240),
    (320, 320),
    (400, 296),
    (352, 288),
    (480, 320),
    (640, 480),
    (800, 600),
    (1024, 768),
    (1280, 720),
    (1280, 960),
    (1280, 1024),
    (1600, 1200),
    (1920, 1080),
    (720, 1280),
    (864, 1536),
    (2048, 1536),
    (2560, 1440),
    (2560, 1600),
    (1080, 1920),
    (2560, 1920),
];

/// Formats of raw pixels with their bytes a pixel, the commonest first: 153,600 bytes are 320×240 in RGB565 rather than 480×320 in grey.
const FORMATS: [(usize, &str); 3] = [(2, "RGB565 or YUV422"), (3, "RGB888"), (1, "grey")];

/// The fault of a message that does not begin with SOI, and is not empty.
pub(super) fn fault(message: &[u8]) -> Fault {
    if let Some(what) = magic(message) {
        return what;
    }
    if let Some(offset) = jpeg_inside(message) {
        let before = &message[..offset];
        // A header of a part is lines of text: `--frame`, `Content-Type: image/jpeg`, `Content-Length: 7919`, an empty one.
        let header = before.starts_with(b"--") || contains_ignoring_case(before, b"content-");
        return if header && is_text(before) {
            Fault::Multipart { offset }
        } else {
            Fault::JpegNotFirst { offset }
        };
    }
    if let Some(fault) = text_fault(message) {
        return fault;
    }
    if let Some((width, height, format)) = raw(message.len()) {
        return Fault::RawPixels(Raw { len: message.len(), width, height, format });
    }
    let start = std::array::from_fn(|i| message.get(i).copied().unwrap_or(0));
    Fault::NotAJpeg { start, len: message.len().min(4) as u8 }
}

/// The fault of a text that holds a JPEG, or is JSON; `None` for any other.
#[must_use]
pub fn text_fault(message: &[u8]) -> Option<Fault> {
    let text = message.trim_ascii_start();
    if text.starts_with(b"data:image/") {
        return Some(Fault::Base64 { what: "a data: URL" });
    }
    // In quotes when it is a JSON text; FF D8 FF is `/9j/` in base64.
    let inside = text.strip_prefix(b"\"").unwrap_or(text);
    if inside.starts_with(b"/9j/") && inside.iter().take(256).all(|&byte| is_base64(byte)) {
        return Some(Fault::Base64 { what: "base64" });
    }
    let begins_json = match text {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')),
        [b'[', rest @ ..] => {
            matches!(rest.trim_ascii_start().first(), Some(b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9'))
        }
        _ => false,
    };
    if begins_json && is_text(&text[..text.len().min(256)]) {
        // A JPEG in a field is told as what it is: the braces are the smaller mistake.
        let base64 = memmem::find(&text[..text.len().min(4096)], b"/9j/").is_some();
        return Some(if base64 { Fault::Base64 { what: "base64 in JSON" } } else { Fault::Json });
    }
    None
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\r' | b'\n' | b'"')
}

fn is_text(bytes: &[u8]) -> bool {
    // UTF-8 beyond ASCII is text as well.
    bytes.iter().all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\r' | b'\n'))
        && str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn contains_ignoring_case(bytes: &[u8], lower: &[u8]) -> bool {
    bytes.windows(lower.len()).any(|window| window.eq_ignore_ascii_case(lower))
}

/// Files and streams of other kinds, by how they begin.
fn magic(message: &[u8]) -> Option<Fault> {
    let riff = |kind: &[u8]| message.starts_with(b"RIFF") && message.get(8..12) == Some(kind);
    // `BM`, the length of the file, four zeros.
    let bmp = message.starts_with(b"BM") && message.get(6..10) == Some(&[0; 4]);
    if message.starts_with(b"\x89PNG\r\n\x1A\n") {
        Some(Fault::Png)
    } else if riff(b"WEBP") {
        Some(Fault::Webp)
    } else if bmp {
        Some(Fault::Bmp)
    } else {
        is_video(message).then_some(Fault::H264)
    }
}

/// A start code, and the head of a NAL unit that may stand first: of H.264 (ISO/IEC 14496-10 Table 7-1) SPS, PPS, SEI, delimiter or
/// slice; of H.265 (ISO/IEC 23008-2 Table 7-1) VPS, SPS, PPS or delimiter, whose head has two bytes.
fn is_video(message: &[u8]) -> bool {
    let Some(unit) = message.strip_prefix(&[0, 0, 0, 1]).or(message.strip_prefix(&[0, 0, 1])) else {
        return false;
    };
    match *unit {
        [head, second, ..] => {
            matches!(
                head,
                0x67 | 0x27
                    | 0x47
                    | 0x68
                    | 0x28
                    | 0x06
                    | 0x09
                    | 0x65
                    | 0x45
                    | 0x25
                    | 0x61
                    | 0x41
                    | 0x21
                    | 0x01
            ) || (matches!(head, 0x40 | 0x42 | 0x44 | 0x46) && second == 1)
        }
        _ => false,
    }
}

/// Where in the message a JPEG begins: SOI, and behind it a segment that leads to another marker, or out of what is there.
fn jpeg_inside(message: &[u8]) -> Option<usize> {
    let searched = &message[..message.len().min(SEARCHED)];
    memmem::find_iter(searched, &[0xFF, 0xD8, 0xFF]).find(|&at| {
        let Some(&[code, high, low]) = message.get(at + 3..at + 6).and_then(|head| head.first_chunk()) else {
            return false;
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let follows = message.get(at + 4 + len);
        matches!(code, 0xC0 | 0xC4 | 0xDB | 0xDD | 0xE0..=0xEF | 0xFE)
            && len >= 2
            && follows.is_none_or(|byte| *byte == 0xFF)
    })
}

/// The size and the format of raw pixels of so many bytes.
fn raw(len: usize) -> Option<(u16, u16, &'static str)> {
    FORMATS.iter().find_map(|&(bytes, format)| {
        let size =
            SIZES.iter().find(|(width, height)| usize::from(*width) * usize::from(*height) * bytes == len);
        size.map(|&(width, height)| (width, height, format))
    })
}
