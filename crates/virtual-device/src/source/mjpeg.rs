//! JPEGs one after the other in a stream of bytes (ITU-T T.81, annex B).

use std::io::{self, BufRead};

use lenscast_device::camera::FrameSize;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const TEM: u8 = 0x01;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;

/// Puts the next whole JPEG into `out`, from SOI to EOI, and returns true; returns false when there is none up to the
/// end. What is not JPEG, what is damaged, what ends too early and what is larger than `limit` bytes is left out.
///
/// Segments are skipped by their length, so the markers inside an EXIF thumbnail are not taken for the picture's own.
pub(crate) fn read_jpeg(reader: &mut impl BufRead, limit: usize, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut splitter = Splitter { reader, limit, out };
    loop {
        match splitter.picture() {
            Ok(()) => return Ok(true),
            Err(Stop::Damaged) => {}
            Err(Stop::End) => return Ok(false),
            Err(Stop::Io(error)) => return Err(error),
        }
    }
}

/// The size that the frame header of a whole JPEG tells (§B.2.2).
pub(crate) fn jpeg_size(jpeg: &[u8]) -> Option<FrameSize> {
    let mut rest = jpeg.get(2..)?;
    loop {
        match *rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, TEM | RST0..=RST7, ..] => rest = &rest[2..],
            // DHT, JPG and DAC lie among the codes of frame headers.
            [0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _, _, _, h1, h0, w1, w0, ..] => {
                let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
                return (width > 0 && height > 0).then_some(FrameSize { width, height });
            }
            [0xff, _, l1, l0, ..] => rest = rest.get(2 + usize::from(u16::from_be_bytes([l1, l0]))..)?,
            _ => return None,
        }
    }
}

/// Why a picture was not read to its end.
enum Stop {
    /// Look for the next one from here.
    Damaged,
    End,
    Io(io::Error),
}

struct Splitter<'a, R> {
    reader: &'a mut R,
    limit: usize,
    out: &'a mut Vec<u8>,
}

impl<R: BufRead> Splitter<'_, R> {
    fn picture(&mut self) -> Result<(), Stop> {
        self.find_soi()?;
        let mut marker = self.marker()?;
        let mut scans = 0;
        loop {
            match marker {
                EOI if scans > 0 => return Ok(()),
                EOI | 0x00 => return Err(Stop::Damaged),
                // The picture before was cut off: this is the next one.
                SOI => {
                    self.start();
                    scans = 0;
                }
                TEM | RST0..=RST7 => {}
                _ => self.segment()?,
            }
            marker = if marker == SOS {
                scans += 1;
                self.entropy_coded()?
            } else {
                self.marker()?
            };
        }
    }

    fn start(&mut self) {
        self.out.clear();
        self.out.extend([0xff, SOI]);
    }

    fn find_soi(&mut self) -> Result<(), Stop> {
        let mut previous = 0;
        loop {
            // Nothing of this is kept.
            self.out.clear();
            let byte = self.byte()?;
            if previous == 0xff && byte == SOI {
                self.start();
                return Ok(());
            }
            previous = byte;
        }
    }

    /// Reads a marker, which any number of fill bytes may precede (§B.1.1.2), and returns its code.
    fn marker(&mut self) -> Result<u8, Stop> {
        if self.byte()? != 0xff {
            return Err(Stop::Damaged);
        }
        self.code()
    }

    /// Reads what follows the first 0xFF of a marker.
    fn code(&mut self) -> Result<u8, Stop> {
        loop {
            match self.byte()? {
                0xff => {}
                code => return Ok(code),
            }
        }
    }

    /// Reads the rest of a segment whose marker was read (§B.1.1.4).
    fn segment(&mut self) -> Result<(), Stop> {
        let length = u16::from_be_bytes([self.byte()?, self.byte()?]);
        let parameters = length.checked_sub(2).ok_or(Stop::Damaged)?;
        (0..parameters).try_for_each(|_| self.byte().map(drop))
    }

    /// Reads a scan up to and including the marker that ends it (§B.1.1.5), and returns the code of that.
    fn entropy_coded(&mut self) -> Result<u8, Stop> {
        loop {
            if self.byte()? == 0xff {
                match self.code()? {
                    0x00 | RST0..=RST7 => {}
                    code => return Ok(code),
                }
            }
        }
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = loop {
            match self.reader.fill_buf() {
                Ok(buffer) => break *buffer.first().ok_or(Stop::End)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        };
        if self.out.len() >= self.limit {
            return Err(Stop::Damaged);
        }
        self.reader.consume(1);
        self.out.push(byte);
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_picture::jpeg::{self, Sampling};
    use lenscast_picture::pattern::Scene;

    const NO_LIMIT: usize = usize::MAX;

    fn picture(frame: u32) -> Vec<u8> {
        let scene = Scene { width: 48, height: 32, frame, clock_ms: 0 };
        let mut jpeg = Vec::new();
        jpeg::encode(&scene.painter(), 80, Sampling::Yuv422, &mut jpeg).expect("this picture can be encoded");
        jpeg
    }

    fn split_with(bytes: &[u8], limit: usize) -> Vec<Vec<u8>> {
        // A buffer of one byte, so that everything lies across its edge.
        let mut reader = io::BufReader::with_capacity(1, bytes);
        let (mut pictures, mut out) = (Vec::new(), Vec::new());
        while read_jpeg(&mut reader, limit, &mut out).expect("reading memory does not fail") {
            pictures.push(out.clone());
        }
        pictures
    }

    fn split(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        split_with(&parts.concat(), NO_LIMIT)
    }

    /// `picture` with another segment right after SOI.
    fn with_segment(picture: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, SOI, 0xff, marker], &length[..], content, &picture[2..]].concat()
    }

    #[test]
    fn jpegs_one_after_the_other_are_split() {
        let [a, b, c] = [1, 2, 3].map(picture);
        assert_eq!(split(&[&a, &b, &c]), [a, b, c]);
    }

    #[test]
    fn the_end_of_an_exif_thumbnail_does_not_end_the_picture() {
        let (thumbnail, b) = (picture(1), picture(2));
        let a = with_segment(&picture(3), 0xe1, &[b"Exif\0\0", &thumbnail[..]].concat());
        assert_eq!(split(&[&a, &b]), [a, b]);
    }

    #[test]
    fn what_lies_between_pictures_is_left_out() {
        let [a, b] = [1, 2].map(picture);
        let between = b"\r\n--boundary\r\nContent-Type: image/jpeg\r\n\r\n\xff\xff";
        assert_eq!(split(&[&[0, 0xff], between, &a, between, &[0xff, EOI], &b, &[0; 9]]), [a, b]);
    }

    #[test]
    fn a_picture_that_was_cut_off_is_left_out_and_the_next_one_is_not() {
        let [a, b] = [1, 2].map(picture);
        assert_eq!(split(&[&a[..a.len() - 20], &b]), std::slice::from_ref(&b));
        assert_eq!(split(&[&b, &a[..a.len() - 1]]), [b]);
    }

    #[test]
    fn no_prefix_of_a_picture_is_a_picture() {
        let a = picture(1);
        for length in 0..a.len() {
            assert!(split(&[&a[..length]]).is_empty(), "{length} of {} bytes", a.len());
        }
    }

    #[test]
    fn fill_bytes_and_restart_markers_belong_to_the_picture() {
        let a = picture(1);
        let filled = [&[0xff, SOI, 0xff, 0xff], &a[2..]].concat();
        let end = a.len() - 2;
        let restarted = [&a[..end], &[0xff, RST0, 0x55, 0xff, RST7, 0xff, 0x00, 0xff, 0xff, EOI]].concat();
        assert_eq!(split(&[&filled, &restarted]), [filled, restarted]);
    }

    #[test]
    fn headers_without_a_scan_are_no_picture() {
        let a = picture(1);
        assert_eq!(split(&[&[0xff, SOI, 0xff, EOI], &a]), [a]);
    }

    #[test]
    fn a_picture_above_the_limit_is_left_out() {
        let (small, large) = (picture(1), with_segment(&picture(2), 0xfe, &[b'x'; 9000]));
        let stream = [&large[..], &small, &large, &small].concat();
        assert_eq!(split_with(&stream, large.len() - 1), [small.clone(), small.clone()]);
        assert_eq!(split_with(&stream, large.len()).len(), 4);
    }

    #[test]
    fn the_size_is_read_from_the_frame_header_behind_whatever_segments() {
        let size = Some(FrameSize { width: 48, height: 32 });
        let plain = picture(1);
        assert_eq!(jpeg_size(&plain), size);
        let thumbnail = [0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9];
        assert_eq!(jpeg_size(&with_segment(&plain, 0xe1, &thumbnail)), size);
        let filled = [&[0xff, SOI, 0xff, 0xff, 0xff], &plain[2..]].concat();
        assert_eq!(jpeg_size(&filled), size);
        let header = plain.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("it is baseline");
        for length in 0..header + 9 {
            assert_eq!(jpeg_size(&plain[..length]), None, "{length} bytes");
        }
    }
}
