//! The walk over the markers of one JPEG.
//!
//! A clean message is walked once, and nothing of it is copied. What is found where a marker should be is for
//! `resync`, which looks for the next marker and notes what is to be cut.

use memchr::memchr;

use super::budget::Budget;
use super::entropy::{self, Scan, ScanComponent};
use super::fault::Fault;
use super::foreign;
use super::frame::{Frame, Segment, bad, unsupported};
use super::inspected::{Inspected, Limits, Sampling, Trailing};
use super::mends::Mends;
use crate::causes::Mend;

pub(super) const SOI: u8 = 0xD8;
pub(super) const EOI: u8 = 0xD9;
pub(super) const SOS: u8 = 0xDA;
pub(super) const DQT: u8 = 0xDB;
pub(super) const DHT: u8 = 0xC4;
pub(super) const DRI: u8 = 0xDD;
pub(super) const COM: u8 = 0xFE;
const FIRST_RST: u8 = 0xD0;
const LAST_RST: u8 = 0xD7;

/// How many candidates for a marker are looked at in one message. A candidate costs at most the reading of one segment, 10 µs;
/// without a bound, 4 kB of `ff c4 ff c4 …` before each marker would cost a second.
const MAX_LOOKS: u16 = 256;

/// Where the walk is, and what it has met.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    pub(super) message: &'a [u8],
    pub(super) limits: &'a Limits,
    pub(super) at: usize,
    frame: Option<Frame>,
    /// Bits 0..4: DC tables 0..4 are defined, bits 4..8: AC tables.
    huffman: u8,
    missing_huffman: u8,
    quantisation: u8,
    restart_interval: u16,
    pub(super) scans: u32,
    /// Bit n: component n of the frame header had a scan.
    seen: u8,
    /// The newest scan; its `tables` are kept from the beginning on.
    scan: Scan,
    /// The scans of a progressive image so far.
    history: Vec<Scan>,
    /// Where the first marker behind the newest scan's data is.
    pub(super) behind_data: usize,
    /// Where the newest scan's data ends, once that was asked for.
    data_end: Option<Option<usize>>,
    pub(super) mends: Mends,
    /// How many images that begin inside of others this one is in.
    pub(super) depth: u8,
    /// How many candidates for a marker may still be looked at.
    pub(super) looks: u16,
    budget: Budget,
}

impl<'a> Walk<'a> {
    /// Begins at the beginning of a message.
    pub(super) fn start(message: &'a [u8], limits: &'a Limits) -> Result<Self, Fault> {
        if message.is_empty() {
            return Err(Fault::Empty);
        }
        Self::start_at(message, limits, 0).ok_or_else(|| match message {
            [0xFF] => Fault::Truncated { len: 1 },
            _ => foreign::fault(message),
        })
    }

    /// Walks through EOI.
    pub(super) fn run(&mut self) -> Result<Inspected, Fault> {
        loop {
            let offset = self.at;
            let marker = match self.marker() {
                Ok(marker) => marker,
                Err(fault) => match self.pass_over(offset, fault)? {
                    Some(inspected) => return Ok(inspected),
                    None => continue,
                },
            };
            match marker {
                EOI if self.scans > 0 => return self.end(self.at),
                SOI => match self.another_start(offset)? {
                    Some(inspected) => return Ok(inspected),
                    None => continue,
                },
                // TEM: for arithmetic coders, no parameters.
                0x01 => continue,
                EOI | 0x02..=0xBF | FIRST_RST..=LAST_RST => {
                    let what = match marker {
                        EOI if self.frame.is_none() => "the image ends without a frame header",
                        EOI => "the image ends without a scan",
                        FIRST_RST..=LAST_RST => "a restart marker outside of a scan",
                        _ => "a reserved marker",
                    };
                    match self.pass_over(offset, bad(offset, what))? {
                        Some(inspected) => return Ok(inspected),
                        None => continue,
                    }
                }
                _ => {}
            }
            self.budget.segment()?;
            let has_data = self.scans > 0;
            let skipped = matches!(marker, 0xE0..=0xEF | COM);
            let segment = match self.segment(offset) {
                Ok(segment) => segment,
                Err(fault) if skipped => match self.pass_over_length(offset, fault)? {
                    Some(inspected) => return Ok(inspected),
                    None => continue,
                },
                Err(fault) if has_data => match self.pass_over(offset, fault)? {
                    Some(inspected) => return Ok(inspected),
                    None => continue,
                },
                Err(fault) => return Err(fault),
            };
            // Behind image data, stray bytes that look like APPn would take the next scan with them. Tables are known by their content.
            let is_known = matches!(marker, DHT | DQT | DRI | SOS);
            if has_data && !is_known && !self.leads_to_marker() {
                self.at = offset;
                match self.pass_over(offset, bad(offset, "a segment that leads to no marker"))? {
                    Some(inspected) => return Ok(inspected),
                    None => continue,
                }
            }
            if skipped {
                continue;
            }
            match self.take_segment(marker, segment) {
                // Behind image data it may be no marker at all. What costs too much is refused, whatever it is.
                Err(fault) if has_data && !matches!(fault, Fault::TooCostly { .. }) => {
                    match self.pass_over(offset, fault)? {
                        Some(inspected) => return Ok(inspected),
                        None => continue,
                    }
                }
                taken => taken?,
            }
            if marker == SOS
                && let Some(inspected) = self.image_data()?
            {
                return Ok(inspected);
            }
        }
    }

    /// Takes what a segment other than APPn and COM says.
    pub(super) fn take_segment(&mut self, marker: u8, mut segment: Segment<'a>) -> Result<(), Fault> {
        match marker {
            0xC0..=0xC2 if self.frame.is_some() => return Err(bad(segment.at, "a second frame header")),
            0xC0..=0xC2 => {
                let frame = Frame::read(segment, marker == 0xC2, self.limits)?;
                let pixels = u32::from(frame.width) * u32::from(frame.height);
                self.budget.frame(pixels, frame.count, frame.progressive)?;
                self.frame = Some(frame);
            }
            0xC3 | 0xC7 | 0xCB | 0xCF => return Err(unsupported("lossless coding")),
            0xC5 | 0xC6 | 0xCD | 0xCE | 0xDE | 0xDF => return Err(unsupported("hierarchical coding")),
            0xC8 => return Err(unsupported("an extension of JPEG (marker JPG)")),
            0xC9 | 0xCA => return Err(unsupported("arithmetic coding")),
            DHT => self.huffman_tables(segment)?,
            DQT => self.quantisation_tables(segment)?,
            DRI => {
                self.restart_interval = u16::from_be_bytes(segment.take("a short restart interval")?);
                if !segment.bytes.is_empty() {
                    return Err(bad(segment.at, "a restart interval of more than two bytes"));
                }
            }
            SOS => self.scan_header(segment)?,
            // DAC, DNL and the JPEG extensions: nothing in them changes what is reported.
            _ => {}
        }
        Ok(())
    }

    /// The code of the marker at `self.at`; any number of fill bytes 0xFF may stand before it (§B.1.1.2).
    fn marker(&mut self) -> Result<u8, Fault> {
        let truncated = self.truncated();
        let start = self.at;
        if *self.message.get(start).ok_or(truncated)? != 0xFF {
            return Err(bad(start, "a marker (ff …) was expected"));
        }
        let rest = &self.message[start..];
        let fill = rest.iter().position(|&byte| byte != 0xFF).ok_or(truncated)?;
        match rest[fill] {
            0x00 => Err(bad(start, "a marker was expected, not a stuffed ff 00")),
            code => {
                self.at = start + fill + 1;
                Ok(code)
            }
        }
    }

    /// The parameters of the segment whose marker ends at `self.at`, without their length (§B.1.1.4).
    pub(super) fn segment(&mut self, offset: usize) -> Result<Segment<'a>, Fault> {
        let truncated = self.truncated();
        let length_at = self.at;
        let rest = &self.message[length_at..];
        let [high, low, ..] = *rest else { return Err(truncated) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len < 2 {
            return Err(bad(offset, "a segment length under 2"));
        }
        let bytes = rest.get(2..len).ok_or(truncated)?;
        self.at += len;
        Ok(Segment { bytes, position: length_at + 2, at: offset, length_at })
    }

    /// The fault of a message that ends before its image does.
    pub(super) const fn truncated(&self) -> Fault {
        Fault::Truncated { len: self.message.len() }
    }

    fn huffman_tables(&mut self, mut segment: Segment<'a>) -> Result<(), Fault> {
        const SHORT: &str = "a short Huffman table";
        while !segment.bytes.is_empty() {
            let [class_and_id] = segment.take(SHORT)?;
            let (class, id) = (class_and_id >> 4, class_and_id & 15);
            if class > 1 || id > 3 {
                return Err(bad(segment.at, "a Huffman table other than DC 0 to 3 and AC 0 to 3"));
            }
            let lengths_at = segment.position;
            let lengths: [u8; 16] = segment.take(SHORT)?;
            let values = lengths.iter().map(|&n| usize::from(n)).sum::<usize>();
            if values > 256 {
                return Err(bad(segment.at, "a Huffman table of more than 256 values"));
            }
            segment.skip(values, SHORT)?;
            self.huffman |= 1 << (class * 4 + id);
            self.scan.tables[usize::from(class * 4 + id)] = lengths_at;
            self.budget.huffman_table()?;
        }
        Ok(())
    }

    fn quantisation_tables(&mut self, mut segment: Segment<'a>) -> Result<(), Fault> {
        const SHORT: &str = "a short quantisation table";
        let first = segment.position;
        while !segment.bytes.is_empty() {
            let before = segment.position;
            let mut table = || {
                let [precision_and_id] = segment.take(SHORT)?;
                let (precision, id) = (precision_and_id >> 4, precision_and_id & 15);
                if precision > 1 || id > 3 {
                    return Err(bad(segment.at, "a quantisation table other than 0 to 3 in 8 or 16 bit"));
                }
                segment.skip(64 << precision, SHORT)?;
                Ok(id)
            };
            match table() {
                Ok(id) => self.quantisation |= 1 << id,
                // A length that is too large: what follows the tables is no table.
                Err(fault) if before > first => return self.shorten(&segment, before, fault),
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// §B.2.3.
    fn scan_header(&mut self, mut segment: Segment<'a>) -> Result<(), Fault> {
        const SHORT: &str = "a short scan header";
        let at = segment.at;
        let Some(frame) = &self.frame else { return Err(bad(at, "a scan before the frame header")) };
        self.scans += 1;
        let [count] = segment.take(SHORT)?;
        if count == 0 || count > frame.count {
            return Err(bad(at, "a scan with more components than the frame"));
        }
        let mut parts = [ScanComponent::default(); 3];
        for slot in parts.iter_mut().take(usize::from(count)) {
            let [id, dc_and_ac] = segment.take(SHORT)?;
            let Some(index) = frame.components().iter().position(|component| component.id == id) else {
                return Err(bad(at, "a scan of a component that the frame does not have"));
            };
            if self.quantisation & (1 << frame.components[index].quantisation) == 0 {
                return Err(bad(at, "a scan without its quantisation table"));
            }
            self.seen |= 1 << index;
            *slot = ScanComponent { index: index as u8, dc: dc_and_ac >> 4, ac: dc_and_ac & 15 };
        }
        let numbers = parts.map(|part| usize::from(part.index));
        self.budget.scan(&numbers[..usize::from(count)])?;
        let parameters_at = segment.position;
        let [start, end, approximation] = segment.take(SHORT)?;
        if !segment.bytes.is_empty() {
            return Err(bad(at, "a scan header longer than its components"));
        }
        // §G.1.2: a progressive scan is either of DC or of AC coefficients, and refining DC needs no table.
        let (dc, ac) = match frame.progressive {
            true => (start == 0 && approximation >> 4 == 0, start != 0),
            false => (true, true),
        };
        for part in &parts[..usize::from(count)] {
            if part.dc > 3 || part.ac > 3 {
                return Err(bad(at, "a scan with a Huffman table over 3"));
            }
            let needed = u8::from(dc) << part.dc | u8::from(ac) << (4 + part.ac);
            let missing = needed & !self.huffman;
            // Tables 0 and 1 have defaults (Annex K.3), which cannot code a progressive image.
            if missing & !0b0011_0011 != 0 || (missing != 0 && frame.progressive) {
                return Err(bad(at, "a scan without its Huffman table"));
            }
            self.missing_huffman |= missing;
        }
        // In a sequential image these have one value only, and decoders pay no heed to what stands there; the same goes for
        // the end of a progressive scan of DC (§B.2.3, Table B.3). Ours does.
        let right = match (frame.progressive, start) {
            (false, _) => [0, 63, 0],
            (true, 0) => [0, 0, approximation],
            _ => [start, end, approximation],
        };
        if right != [start, end, approximation] {
            self.mends.put(parameters_at, 3, &right, Mend::ScanHeader);
        }
        let [start, end, approximation] = right;
        self.scan = Scan {
            components: parts,
            count,
            spectral: (start, end),
            approximation: (approximation >> 4, approximation & 15),
            restart_interval: self.restart_interval,
            data: segment.position,
            ..self.scan
        };
        Ok(())
    }

    /// Passes over a scan's image data, behind its header. Gives the end when the image ends with it.
    fn image_data(&mut self) -> Result<Option<Inspected>, Fault> {
        let Some(frame) = &self.frame else { return Ok(None) };
        let (mcus, progressive) = match self.scan.count {
            1 => {
                let component = frame.components[usize::from(self.scan.components[0].index)];
                (frame.blocks(component), frame.progressive)
            }
            _ => (frame.mcus(), frame.progressive),
        };
        self.data_end = None;
        if progressive {
            self.history.push(self.scan);
        }
        let restarts = match self.skip_entropy_coded_data() {
            Ok(restarts) => restarts,
            Err(fault) => return self.end_without_eoi(fault).map(Some),
        };
        self.behind_data = self.at;
        let needed = self.restarts(mcus);
        // Cut between two restart intervals and closed with EOI, which no decoder would notice. (Another image that begins there is
        // dealt with where its SOI is met.)
        if restarts < needed && self.message.get(self.at + 1) != Some(&SOI) {
            return Err(bad(self.at, "the image data ends before its last restart interval"));
        }
        // Some decoders do not pass over restart markers behind the last interval.
        if restarts > needed
            && let Some(end) = self.data_end()
            && self.mends.has_room()
        {
            self.mends.cut(end..self.at, Mend::StrayBytes);
        }
        Ok(None)
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
        let truncated = self.truncated();
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

    /// Where the data of the newest scan ends; `None` when there is no scan, or some of its data is missing.
    pub(super) fn data_end(&mut self) -> Option<usize> {
        let frame = self.frame.as_ref().filter(|_| self.scans > 0)?;
        *self.data_end.get_or_insert_with(|| match frame.progressive {
            true => entropy::progressive_end(self.message, frame, &self.history),
            false => entropy::sequential_end(self.message, frame, &self.scan),
        })
    }

    /// Ends an image that has all its data, and no EOI where it should be.
    ///
    /// # Errors
    /// `fault` when some data is missing.
    pub(super) fn end_without_eoi(&mut self, fault: Fault) -> Result<Inspected, Fault> {
        let end = self.data_end().ok_or(fault)?;
        let has_all = self.frame.as_ref().is_some_and(|frame| match frame.progressive {
            true => entropy::is_complete(frame.components().len(), &self.history),
            false => self.has_each_component(frame),
        });
        if !has_all {
            return Err(fault);
        }
        self.mends.put(end, 0, &[0xFF, EOI], Mend::EndMissing);
        self.end(end)
    }

    fn has_each_component(&self, frame: &Frame) -> bool {
        u32::from(self.seen) == (1 << frame.count) - 1
    }

    /// What was found out about the image, which ends at `len`.
    fn end(&mut self, len: usize) -> Result<Inspected, Fault> {
        let Some(frame) = &self.frame else {
            return Err(bad(len, "the image ends without a frame header"));
        };
        if !self.has_each_component(frame) {
            return Err(bad(len, "the image ends without a scan of each component"));
        }
        Ok(Inspected {
            len,
            width: frame.width,
            height: frame.height,
            components: frame.count,
            sampling: Sampling { factors: frame.components.map(|component| component.sampling) },
            progressive: frame.progressive,
            restart_interval: self.restart_interval,
            missing_huffman_tables: self.missing_huffman != 0,
            trailing: Trailing::None,
            mends: std::mem::take(&mut self.mends),
            missing_tables: self.missing_huffman,
            frame_header_at: frame.at,
        })
    }

    /// A walk that has met nothing yet, behind an SOI that ends at `at`.
    pub(super) fn fresh(message: &'a [u8], limits: &'a Limits, at: usize) -> Self {
        Self {
            message,
            limits,
            at,
            frame: None,
            huffman: 0,
            missing_huffman: 0,
            quantisation: 0,
            restart_interval: 0,
            scans: 0,
            seen: 0,
            scan: Scan::default(),
            history: Vec::new(),
            behind_data: 0,
            data_end: None,
            mends: Mends::default(),
            depth: 0,
            looks: MAX_LOOKS,
            budget: Budget::default(),
        }
    }
}
