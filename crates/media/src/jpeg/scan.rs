//! The walk over the markers of one JPEG.

use memchr::memchr;

use super::budget::Budget;
use super::fault::Fault;
use super::inspected::{Inspected, Limits, Sampling, Trailing};

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DHT: u8 = 0xC4;
const DRI: u8 = 0xDD;
const FIRST_RST: u8 = 0xD0;
const LAST_RST: u8 = 0xD7;

/// Where the walk is, and what it has met.
pub(super) struct Walk<'a> {
    message: &'a [u8],
    limits: &'a Limits,
    at: usize,
    frame: Option<Frame>,
    /// Bits 0..4: DC tables 0..4 are defined, bits 4..8: AC tables.
    huffman: u8,
    missing_huffman: u8,
    quantisation: u8,
    restart_interval: u16,
    scans: u32,
    budget: Budget,
}

/// What the frame header says (T.81 §B.2.2).
struct Frame {
    at: usize,
    progressive: bool,
    width: u16,
    height: u16,
    components: [Component; 3],
    count: u8,
}

#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    sampling: (u8, u8),
    quantisation: u8,
}

impl Frame {
    fn largest_sampling(&self) -> (u32, u32) {
        let largest = |f: fn(&Component) -> u8| u32::from(self.components.iter().map(f).max().unwrap_or(1));
        (largest(|component| component.sampling.0), largest(|component| component.sampling.1))
    }

    /// MCUs in a scan of several components (§A.2.4).
    fn mcus(&self) -> u32 {
        let (across, down) = self.largest_sampling();
        u32::from(self.width).div_ceil(8 * across) * u32::from(self.height).div_ceil(8 * down)
    }

    /// Blocks, each an MCU, in a scan of one component (§A.2.2).
    fn blocks(&self, component: Component) -> u32 {
        let (across, down) = self.largest_sampling();
        let width = (u32::from(self.width) * u32::from(component.sampling.0)).div_ceil(across);
        let height = (u32::from(self.height) * u32::from(component.sampling.1)).div_ceil(down);
        width.div_ceil(8) * height.div_ceil(8)
    }
}

/// Reads a segment's bytes; past its end there is nothing.
struct Segment<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segment<'a> {
    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        self.skip(N, what).map(|bytes| std::array::from_fn(|i| bytes[i]))
    }

    fn skip(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Fault> {
        let fault = Fault::BadMarker { offset: self.at, what };
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(fault)?;
        self.bytes = tail;
        Ok(head)
    }
}

impl<'a> Walk<'a> {
    /// Begins after SOI.
    pub(super) fn start(message: &'a [u8], limits: &'a Limits) -> Result<Self, Fault> {
        if message.is_empty() {
            return Err(Fault::Empty);
        }
        if !message.starts_with(&[0xFF, SOI]) {
            if message == [0xFF] {
                return Err(Fault::Truncated { len: 1 });
            }
            let start = std::array::from_fn(|i| message.get(i).copied().unwrap_or(0));
            return Err(Fault::NotAJpeg { start, len: message.len().min(4) as u8 });
        }
        Ok(Self {
            message,
            limits,
            at: 2,
            frame: None,
            huffman: 0,
            missing_huffman: 0,
            quantisation: 0,
            restart_interval: 0,
            scans: 0,
            budget: Budget::default(),
        })
    }

    /// Walks through EOI.
    pub(super) fn run(mut self) -> Result<Inspected, Fault> {
        loop {
            let offset = self.at;
            let marker = self.marker()?;
            match marker {
                EOI => return self.end(offset),
                SOI => return Err(bad(offset, "another image starts before this one has ended")),
                FIRST_RST..=LAST_RST => return Err(bad(offset, "a restart marker outside of a scan")),
                // TEM: for arithmetic coders, no parameters.
                0x01 => continue,
                0x02..=0xBF => return Err(bad(offset, "a reserved marker")),
                _ => {}
            }
            let segment = self.segment(offset)?;
            self.budget.segment()?;
            match marker {
                0xC0..=0xC2 => self.frame_header(segment, marker == 0xC2)?,
                0xC3 | 0xC7 | 0xCB | 0xCF => return Err(unsupported("lossless coding")),
                0xC5 | 0xC6 | 0xCD | 0xCE | 0xDE | 0xDF => {
                    return Err(unsupported("hierarchical coding"));
                }
                0xC8 => return Err(unsupported("an extension of JPEG (marker JPG)")),
                0xC9 | 0xCA => return Err(unsupported("arithmetic coding")),
                DHT => self.huffman_tables(segment)?,
                DQT => self.quantisation_tables(segment)?,
                DRI => {
                    let mut segment = segment;
                    self.restart_interval = u16::from_be_bytes(segment.take("a short restart interval")?);
                }
                SOS => {
                    let mcus = self.scan_header(segment)?;
                    let restarts = self.skip_entropy_coded_data()?;
                    // Cut between two restart intervals and closed with EOI, which no decoder would notice.
                    if restarts < self.restarts(mcus) {
                        return Err(bad(self.at, "the image data ends before its last restart interval"));
                    }
                }
                // DAC, DNL, APPn, COM and the JPEG extensions: nothing in them changes what is reported.
                _ => {}
            }
        }
    }

    /// The code of the marker at `self.at`; any number of fill bytes 0xFF may stand before it (§B.1.1.2).
    fn marker(&mut self) -> Result<u8, Fault> {
        let truncated = Fault::Truncated { len: self.message.len() };
        let start = self.at;
        if *self.message.get(start).ok_or(truncated)? != 0xFF {
            return Err(bad(start, "a marker (ff …) was expected"));
        }
        let rest = &self.message[start..];
        let fill = rest.iter().position(|&byte| byte != 0xFF).ok_or(truncated)?;
        self.at = start + fill + 1;
        match rest[fill] {
            0x00 => Err(bad(start, "a marker was expected, not a stuffed ff 00")),
            code => Ok(code),
        }
    }

    /// The parameters of the segment whose marker ends at `self.at`, without their length (§B.1.1.4).
    fn segment(&mut self, offset: usize) -> Result<Segment<'a>, Fault> {
        let truncated = Fault::Truncated { len: self.message.len() };
        let rest = &self.message[self.at..];
        let [high, low, ..] = *rest else { return Err(truncated) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len < 2 {
            return Err(bad(offset, "a segment length under 2"));
        }
        let bytes = rest.get(2..len).ok_or(truncated)?;
        self.at += len;
        Ok(Segment { bytes, at: offset })
    }

    fn frame_header(&mut self, mut segment: Segment<'a>, progressive: bool) -> Result<(), Fault> {
        const SHORT: &str = "a short frame header";
        let at = segment.at;
        if self.frame.is_some() {
            return Err(bad(at, "a second frame header"));
        }
        let [precision, h1, h0, w1, w0, count] = segment.take(SHORT)?;
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        match precision {
            8 => {}
            12 => return Err(unsupported("12-bit samples")),
            _ => return Err(bad(at, "a sample precision other than 8 or 12 bit")),
        }
        match count {
            1 | 3 => {}
            0 => return Err(bad(at, "a frame without components")),
            2 => return Err(unsupported("two components")),
            4 => return Err(unsupported("four components (CMYK)")),
            _ => return Err(bad(at, "more than four components")),
        }
        if width == 0 {
            return Err(Fault::ZeroDimensions { width, height });
        }
        if height == 0 {
            return Err(unsupported("height 0, to be told after the first scan (DNL)"));
        }
        if u32::from(width) * u32::from(height) > self.limits.max_pixels {
            return Err(Fault::TooManyPixels { width, height, limit: self.limits.max_pixels });
        }

        let mut components = [Component::default(); 3];
        for slot in components.iter_mut().take(usize::from(count)) {
            let [id, factors, quantisation] = segment.take(SHORT)?;
            let sampling = (factors >> 4, factors & 15);
            if !(1..=4).contains(&sampling.0) || !(1..=4).contains(&sampling.1) {
                return Err(bad(at, "a sampling factor other than 1 to 4"));
            }
            if count > 1 && (sampling.0 == 3 || sampling.1 == 3) {
                return Err(unsupported("a sampling factor of 3"));
            }
            if quantisation > 3 {
                return Err(bad(at, "a component with a quantisation table over 3"));
            }
            *slot = Component { id, sampling, quantisation };
        }
        if !segment.bytes.is_empty() {
            return Err(bad(at, "a frame header longer than its components"));
        }
        let [a, b, c] = components;
        if count == 3 && (a.id == b.id || b.id == c.id || a.id == c.id) {
            return Err(bad(at, "two components of the same name"));
        }
        self.budget.frame(u32::from(width) * u32::from(height), count, progressive)?;
        self.frame = Some(Frame { at, progressive, width, height, components, count });
        Ok(())
    }

    fn huffman_tables(&mut self, mut segment: Segment<'a>) -> Result<(), Fault> {
        const SHORT: &str = "a short Huffman table";
        while !segment.bytes.is_empty() {
            let [class_and_id] = segment.take(SHORT)?;
            let (class, id) = (class_and_id >> 4, class_and_id & 15);
            if class > 1 || id > 3 {
                return Err(bad(segment.at, "a Huffman table other than DC 0 to 3 and AC 0 to 3"));
            }
            let lengths: [u8; 16] = segment.take(SHORT)?;
            let values = lengths.iter().map(|&n| usize::from(n)).sum::<usize>();
            if values > 256 {
                return Err(bad(segment.at, "a Huffman table of more than 256 values"));
            }
            segment.skip(values, SHORT)?;
            self.huffman |= 1 << (class * 4 + id);
            self.budget.huffman_table()?;
        }
        Ok(())
    }

    fn quantisation_tables(&mut self, mut segment: Segment<'a>) -> Result<(), Fault> {
        const SHORT: &str = "a short quantisation table";
        while !segment.bytes.is_empty() {
            let [precision_and_id] = segment.take(SHORT)?;
            let (precision, id) = (precision_and_id >> 4, precision_and_id & 15);
            if precision > 1 || id > 3 {
                return Err(bad(segment.at, "a quantisation table other than 0 to 3 in 8 or 16 bit"));
            }
            segment.skip(64 << precision, SHORT)?;
            self.quantisation |= 1 << id;
        }
        Ok(())
    }

    /// §B.2.3. Gives the number of MCUs in the scan.
    fn scan_header(&mut self, mut segment: Segment<'a>) -> Result<u32, Fault> {
        const SHORT: &str = "a short scan header";
        let at = segment.at;
        let Some(frame) = &self.frame else { return Err(bad(at, "a scan before the frame header")) };
        self.scans += 1;
        let [count] = segment.take(SHORT)?;
        if count == 0 || count > frame.count {
            return Err(bad(at, "a scan with more components than the frame"));
        }
        let mut tables = [(0, 0); 3];
        let mut numbers = [0; 3];
        let mut first = None;
        for (slot, number) in tables.iter_mut().zip(&mut numbers).take(usize::from(count)) {
            let [id, dc_and_ac] = segment.take(SHORT)?;
            let components = &frame.components[..usize::from(frame.count)];
            let Some(found) = components.iter().position(|component| component.id == id) else {
                return Err(bad(at, "a scan of a component that the frame does not have"));
            };
            let component = &components[found];
            *number = found;
            if self.quantisation & (1 << component.quantisation) == 0 {
                return Err(bad(at, "a scan without its quantisation table"));
            }
            *slot = (dc_and_ac >> 4, dc_and_ac & 15);
            first = first.or(Some(*component));
        }
        self.budget.scan(&numbers[..usize::from(count)])?;
        let [start, _end, approximation] = segment.take(SHORT)?;
        // §G.1.2: a progressive scan is either of DC or of AC coefficients, and refining DC needs no table.
        let (dc, ac) = match frame.progressive {
            true => (start == 0 && approximation >> 4 == 0, start != 0),
            false => (true, true),
        };
        for &(dc_id, ac_id) in &tables[..usize::from(count)] {
            if dc_id > 3 || ac_id > 3 {
                return Err(bad(at, "a scan with a Huffman table over 3"));
            }
            let needed = u8::from(dc) << dc_id | u8::from(ac) << (4 + ac_id);
            let missing = needed & !self.huffman;
            // Tables 0 and 1 have defaults (Annex K.3), which cannot code a progressive image.
            if missing & !0b0011_0011 != 0 || (missing != 0 && frame.progressive) {
                return Err(bad(at, "a scan without its Huffman table"));
            }
            self.missing_huffman |= missing;
        }
        Ok(match first {
            Some(component) if count == 1 => frame.blocks(component),
            _ => frame.mcus(),
        })
    }

    /// How many restart markers stand between this many MCUs (§E.1.4).
    fn restarts(&self, mcus: u32) -> u32 {
        match u32::from(self.restart_interval) {
            0 => 0,
            interval => mcus.div_ceil(interval) - 1,
        }
    }

    /// Skips stuffed bytes, restart markers and fill bytes (§B.1.1.5) up to the next marker. Gives the number of
    /// restart markers.
    fn skip_entropy_coded_data(&mut self) -> Result<u32, Fault> {
        let truncated = Fault::Truncated { len: self.message.len() };
        let mut restarts = 0;
        loop {
            let rest = self.message.get(self.at..).ok_or(truncated)?;
            let next = memchr(0xFF, rest).ok_or(truncated)?;
            match *rest.get(next + 1).ok_or(truncated)? {
                0x00 => self.at += next + 2,
                FIRST_RST..=LAST_RST => {
                    restarts += 1;
                    self.at += next + 2;
                }
                // The second 0xFF may be the first byte of the marker.
                0xFF => self.at += next + 1,
                _ => {
                    self.at += next;
                    return Ok(restarts);
                }
            }
        }
    }

    fn end(self, offset: usize) -> Result<Inspected, Fault> {
        let Some(frame) = self.frame else {
            return Err(bad(offset, "the image ends without a frame header"));
        };
        if self.scans == 0 {
            return Err(bad(offset, "the image ends without a scan"));
        }
        Ok(Inspected {
            len: self.at,
            width: frame.width,
            height: frame.height,
            components: frame.count,
            sampling: Sampling { factors: frame.components.map(|component| component.sampling) },
            progressive: frame.progressive,
            restart_interval: self.restart_interval,
            missing_huffman_tables: self.missing_huffman != 0,
            trailing: Trailing::None,
            missing_tables: self.missing_huffman,
            frame_header_at: frame.at,
        })
    }
}

const fn bad(offset: usize, what: &'static str) -> Fault {
    Fault::BadMarker { offset, what }
}

const fn unsupported(what: &'static str) -> Fault {
    Fault::Unsupported { what }
}
