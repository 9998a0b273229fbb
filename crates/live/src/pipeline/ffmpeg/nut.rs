//! Access units as ffmpeg gives them: NUT (`doc/nut.txt` of the NUT project, version 3), because it says before each
//! packet how long it is, and keeps time stamps exactly. Read as far as one video stream needs it; checksums are not
//! looked at, since nothing between two processes garbles bytes.

use std::io::{self, Read};

/// The bytes with which a NUT file begins.
const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;

/// The largest packet that is believed, in bytes. A larger one is taken for garbage.
const MAX_PACKET: u64 = 32 << 20;

/// The flags of a frame, which say what of it stands in the file.
mod flag {
    pub(super) const CODED_PTS: u64 = 1 << 3;
    pub(super) const STREAM_ID: u64 = 1 << 4;
    pub(super) const SIZE_MSB: u64 = 1 << 5;
    pub(super) const CHECKSUM: u64 = 1 << 6;
    pub(super) const RESERVED: u64 = 1 << 7;
    pub(super) const HEADER_IDX: u64 = 1 << 10;
    pub(super) const MATCH_TIME: u64 = 1 << 11;
    pub(super) const CODED: u64 = 1 << 12;
    pub(super) const INVALID: u64 = 1 << 13;
}

/// A reader of packets. It reads from `R` no further than it must, so that a packet is there as soon as its last byte is.
#[derive(Debug)]
pub(super) struct Reader<R> {
    source: R,
    codes: Vec<FrameCode>,
    /// The beginnings of packets that are left out in the file, by their index.
    elided: Vec<Vec<u8>>,
    time_bases: u64,
    pts_shift: u32,
    last_pts: u64,
    /// What the encoder told once, before the first packet: its parameter sets.
    pub(super) extradata: Vec<u8>,
}

/// One packet: an access unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// The time stamp in ticks of the stream's time base.
    pub(super) pts: u64,
    pub(super) data: Vec<u8>,
}

/// What the first byte of a frame stands for.
#[derive(Clone, Copy, Debug, Default)]
struct FrameCode {
    flags: u64,
    pts_delta: i64,
    size_mul: u64,
    size_lsb: u64,
    reserved: u64,
    header: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            codes: Vec::new(),
            elided: Vec::new(),
            time_bases: 1,
            pts_shift: 0,
            last_pts: 0,
            extradata: Vec::new(),
        }
    }

    /// The next packet; `None` at the end of the file.
    ///
    /// # Errors
    /// Whatever the source gives; `UnexpectedEof` when the file ends within a packet; `InvalidData` when it is no NUT file.
    pub(super) fn next(&mut self) -> io::Result<Option<Packet>> {
        loop {
            let mut code = [0];
            if self.source.read(&mut code)? == 0 {
                return Ok(None);
            }
            match code[0] {
                b'n' if self.codes.is_empty() => {
                    let mut rest = [0; FILE_ID.len() - 1];
                    self.source.read_exact(&mut rest)?;
                    if rest != FILE_ID[1..] {
                        return Err(invalid("no NUT file"));
                    }
                }
                b'N' => self.header()?,
                code => return self.frame(code).map(Some),
            }
        }
    }

    /// Reads the rest of a packet that is no frame; its first byte was read already.
    fn header(&mut self) -> io::Result<()> {
        let mut code = [b'N', 0, 0, 0, 0, 0, 0, 0];
        self.source.read_exact(&mut code[1..])?;
        let length = varint(&mut self.source)?;
        if length > 4096 {
            skip(&mut self.source, 4)?;
        }
        let content = bytes(&mut self.source, length)?;
        let mut content = content.as_slice();
        match u64::from_be_bytes(code) {
            MAIN => self.main_header(&mut content),
            STREAM => self.stream_header(&mut content),
            SYNCPOINT => {
                self.last_pts = varint(&mut content)? / self.time_bases;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn main_header(&mut self, content: &mut &[u8]) -> io::Result<()> {
        let version = varint(content)?;
        if version != 3 {
            return Err(invalid("a NUT version other than 3"));
        }
        let (_streams, _max_distance) = (varint(content)?, varint(content)?);
        self.time_bases = varint(content)?.max(1);
        for _ in 0..self.time_bases {
            let (_numerator, _denominator) = (varint(content)?, varint(content)?);
        }
        self.codes = frame_codes(content)?;
        self.elided = vec![Vec::new()];
        for _ in 0..varint(content)? {
            let length = varint(content)?;
            self.elided.push(bytes(content, length)?);
        }
        Ok(())
    }

    fn stream_header(&mut self, content: &mut &[u8]) -> io::Result<()> {
        let (_stream, _class) = (varint(content)?, varint(content)?);
        let fourcc = varint(content)?;
        skip(content, fourcc)?;
        let _time_base = varint(content)?;
        self.pts_shift = u32::try_from(varint(content)?)
            .ok()
            .filter(|&shift| shift < 32)
            .ok_or(invalid("msb_pts_shift"))?;
        let (_max_distance, _decode_delay, _flags) = (varint(content)?, varint(content)?, varint(content)?);
        let length = varint(content)?;
        self.extradata = bytes(content, length)?;
        Ok(())
    }

    fn frame(&mut self, code: u8) -> io::Result<Packet> {
        let source = &mut self.source;
        let FrameCode { mut flags, pts_delta, size_mul, size_lsb, mut reserved, mut header } =
            *self.codes.get(usize::from(code)).ok_or(invalid("a frame before the header"))?;
        if flags & flag::INVALID != 0 {
            return Err(invalid("an invalid frame code"));
        }
        if flags & flag::CODED != 0 {
            flags ^= varint(source)?;
        }
        if flags & flag::STREAM_ID != 0 {
            varint(source)?;
        }
        let pts = if flags & flag::CODED_PTS != 0 {
            full_pts(varint(source)?, self.pts_shift, self.last_pts)
        } else {
            self.last_pts.wrapping_add_signed(pts_delta)
        };
        let mut size = size_lsb;
        if flags & flag::SIZE_MSB != 0 {
            size = varint(source)?
                .checked_mul(size_mul)
                .and_then(|msb| msb.checked_add(size))
                .ok_or(invalid("a size"))?;
        }
        if flags & flag::MATCH_TIME != 0 {
            varint(source)?;
        }
        if flags & flag::HEADER_IDX != 0 {
            header = varint(source)?;
        }
        if flags & flag::RESERVED != 0 {
            reserved = varint(source)?;
        }
        for _ in 0..reserved {
            varint(source)?;
        }
        if flags & flag::CHECKSUM != 0 {
            skip(source, 4)?;
        }
        let none = Vec::new();
        let elided = if size > 4096 {
            &none
        } else {
            usize::try_from(header)
                .ok()
                .and_then(|index| self.elided.get(index))
                .ok_or(invalid("a header index"))?
        };
        let rest = size.checked_sub(elided.len() as u64).ok_or(invalid("a size"))?;
        let mut data = elided.clone();
        data.extend(bytes(source, rest)?);
        self.last_pts = pts;
        Ok(Packet { pts, data })
    }
}

/// The table of frame codes, run-length coded by fields of which the later ones may be left out.
fn frame_codes(content: &mut &[u8]) -> io::Result<Vec<FrameCode>> {
    let mut codes = Vec::with_capacity(256);
    let (mut pts_delta, mut size_mul, mut header) = (0, 1, 0);
    while codes.len() < 256 {
        let flags = varint(content)?;
        let fields = varint(content)?;
        if fields > 0 {
            pts_delta = signed(varint(content)?);
        }
        if fields > 1 {
            size_mul = varint(content)?;
        }
        if fields > 2 {
            varint(content)?;
        }
        let size_lsb = if fields > 3 { varint(content)? } else { 0 };
        let reserved = if fields > 4 { varint(content)? } else { 0 };
        let count = if fields > 5 { varint(content)? } else { size_mul.saturating_sub(size_lsb) };
        if fields > 6 {
            varint(content)?;
        }
        if fields > 7 {
            header = varint(content)?;
        }
        for _ in 8..fields {
            varint(content)?;
        }
        if count == 0 || count > 256 {
            return Err(invalid("a frame code table"));
        }
        for step in 0..count {
            // The byte that begins the other packets is no frame code, and is not counted.
            if codes.len() == usize::from(b'N') {
                codes.push(FrameCode { flags: flag::INVALID, ..FrameCode::default() });
            }
            codes.push(FrameCode { flags, pts_delta, size_mul, size_lsb: size_lsb + step, reserved, header });
        }
    }
    Ok(codes)
}

/// The whole time stamp of which a frame may tell only the low bits.
///
/// Of all time stamps with these low bits, it is the nearest to the one before: with seven bits, 121 after 488 is 505, since
/// 505 = 3 × 128 + 121. A number from 2⁷ on is the whole time stamp, plus 2⁷.
fn full_pts(coded: u64, shift: u32, last: u64) -> u64 {
    let range = 1 << shift;
    if coded >= range {
        return coded - range;
    }
    let mask = range - 1;
    let delta = last.wrapping_sub(mask / 2);
    (coded.wrapping_sub(delta) & mask).wrapping_add(delta)
}

/// A number in groups of seven bits, the highest first. The top bit of each byte says that another group follows: 0x83 0x68 is
/// 3 × 128 + 0x68 = 488.
fn varint(source: &mut impl Read) -> io::Result<u64> {
    let mut value = 0_u64;
    loop {
        let mut byte = [0];
        source.read_exact(&mut byte)?;
        if value >> 57 != 0 {
            return Err(invalid("a number of more than 64 bits"));
        }
        value = value << 7 | u64::from(byte[0] & 0x7F);
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
}

/// A number that may be negative: 0, 1, 2, 3, 4 stand for 0, 1, -1, 2, -2.
fn signed(value: u64) -> i64 {
    let value = value.wrapping_add(1) as i64;
    if value & 1 != 0 { -(value >> 1) } else { value >> 1 }
}

fn bytes(source: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    if length > MAX_PACKET {
        return Err(invalid("a packet of more than 32 MiB"));
    }
    let mut bytes = vec![0; length as usize];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn skip(source: &mut impl Read, length: u64) -> io::Result<()> {
    bytes(source, length).map(drop)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet that is no frame: its checksum is not looked at.
    fn header(code: u64, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len() + 4).ok().filter(|&length| length < 128).unwrap();
        [&code.to_be_bytes()[..], &[length], content, &[0; 4]].concat()
    }

    /// A file with one stream of 7-bit low PTS, "SP" as its extradata, and frame codes that say everything in the frame.
    fn beginning() -> Vec<u8> {
        let all = flag::CODED_PTS | flag::SIZE_MSB | flag::CHECKSUM | flag::HEADER_IDX;
        let (high, low) = ((all >> 7) as u8 | 0x80, all as u8 & 0x7F);
        // 255 codes: the number that is coded × 1, plus the code, is the size; and one elided header: 00 00 01.
        let main = [3, 1, 60, 1, 1, 100, high, low, 6, 0, 1, 0, 0, 0, 0x81, 0x7F, 1, 3, 0, 0, 1];
        let stream = [0, 0, 4, b'H', b'2', b'6', b'4', 0, 7, 10, 0, 0, 2, b'S', b'P'];
        [FILE_ID.to_vec(), header(MAIN, &main), header(STREAM, &stream), header(SYNCPOINT, &[0x83, 0x68, 0])]
            .concat()
    }

    #[test]
    fn a_packet_is_there_with_its_last_byte_and_has_its_whole_time_stamp() {
        let mut file = beginning();
        // PTS …1111001 after 488, that is 505; 4 + 1 bytes, of which 3 are elided.
        file.extend([1, 0x79, 4, 1, 9, 9, 9, 9, 0x65, 7]);
        // PTS 1000 in full (plus 2⁷); 0 + 2 bytes, nothing elided.
        file.extend([2, 0x88, 0x68, 0, 0, 9, 9, 9, 9, 0x41, 8]);
        let mut reader = Reader::new(file.as_slice());
        let first = Packet { pts: 505, data: vec![0, 0, 1, 0x65, 7] };
        assert_eq!(reader.next().unwrap(), Some(first));
        assert_eq!(reader.extradata, b"SP");
        assert_eq!(reader.next().unwrap(), Some(Packet { pts: 1000, data: vec![0x41, 8] }));
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error() {
        let mut file = beginning();
        file.extend([1, 0x79, 4, 1, 9, 9, 9, 9, 0x65]);
        assert_eq!(Reader::new(file.as_slice()).next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn garbage_ends_in_an_error_or_in_the_end() {
        let good = [beginning(), vec![1, 0x79, 4, 1, 9, 9, 9, 9, 0x65, 7]].concat();
        for at in 0..good.len() {
            for value in 0..=255 {
                let mut bad = good.clone();
                bad[at] = value;
                let mut reader = Reader::new(bad.as_slice());
                // Each packet takes a byte at least, so this ends.
                while let Ok(Some(packet)) = reader.next() {
                    assert!(packet.data.len() <= bad.len());
                }
            }
        }
    }
}
