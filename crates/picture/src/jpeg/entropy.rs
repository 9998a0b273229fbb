//! Entropy coding (T.81 annex F): coefficients become bits, with the typical Huffman tables of T.81 §K.3.

use super::{Full, Sink};
use alloc::vec;
use alloc::vec::Vec;

/// A Huffman table as it stands in a JPEG: how many codes there are of each length from 1, and their values in order.
pub(super) struct Table {
    pub(super) counts: [u8; 16],
    pub(super) values: &'static [u8],
}

/// The differences of DC coefficients: luma, chroma (tables K.3 and K.4).
pub(super) const DC: [Table; 2] = [
    Table {
        counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        values: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    },
    Table {
        counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        values: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    },
];

/// The AC coefficients: luma, chroma (tables K.5 and K.6).
#[rustfmt::skip]
pub(super) const AC: [Table; 2] = [
    Table {
        counts: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
        values: &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
            0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
            0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
            0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
            0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
            0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
            0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
            0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
            0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
    Table {
        counts: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
        values: &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
            0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
            0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
            0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
            0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
            0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
            0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
            0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
            0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
];

/// After the last coefficient that is not 0.
const END_OF_BLOCK: u8 = 0x00;

/// Sixteen zeros.
const ZEROS: u8 = 0xf0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Code {
    bits: u16,
    length: u8,
}

/// The codes of one kind of component, by value. On the heap: read for every coefficient, from memory that shares no
/// cache with the frames.
pub(super) struct Codes {
    dc: Vec<Code>,
    ac: Vec<Code>,
}

impl Codes {
    pub(super) fn new(dc: &Table, ac: &Table) -> Self {
        Self { dc: codes(dc), ac: codes(ac) }
    }
}

/// Counts up within a length, and a longer code goes on with a 0 behind the last one (T.81 §C.2). `counts` of 0, 1, 5
/// begin `00` for the first value, `010`, `011`, `100`, `101`, `110` for the next five.
fn codes(table: &Table) -> Vec<Code> {
    let mut codes = vec![Code::default(); 256];
    let mut values = table.values.iter();
    let mut bits = 0;
    for (length, &count) in (1..).zip(&table.counts) {
        for &value in values.by_ref().take(count.into()) {
            codes[usize::from(value)] = Code { bits, length };
            bits += 1;
        }
        bits <<= 1;
    }
    codes
}

/// Writes bits, the highest first, and the 0 behind every byte of ones that marks it as no marker (T.81 §F.1.2.3).
pub(super) struct Bits<S> {
    pub(super) sink: S,
    /// The last bits that are not written yet, the newest the lowest; what is above them is written.
    word: u32,
    /// How many of the 32 bits are free.
    free: u32,
}

impl<S: Sink> Bits<S> {
    pub(super) fn new(sink: S) -> Self {
        Self { sink, word: 0, free: 32 }
    }

    /// Writes the quantised coefficients of a block in zigzag order. Returns the first, the DC, for the next block of the
    /// component.
    #[inline]
    pub(super) fn block(
        &mut self,
        mut block: impl Iterator<Item = i32>,
        last_dc: i32,
        codes: &Codes,
    ) -> Result<i32, Full> {
        let dc = block.next().unwrap_or(last_dc);
        self.number(&codes.dc, 0, dc - last_dc)?;
        let mut zeros = 0;
        for coefficient in block {
            if coefficient == 0 {
                zeros += 1;
                continue;
            }
            while zeros >= 16 {
                self.code(codes.ac[usize::from(ZEROS)])?;
                zeros -= 16;
            }
            self.number(&codes.ac, zeros << 4, coefficient)?;
            zeros = 0;
        }
        if zeros > 0 {
            self.code(codes.ac[usize::from(END_OF_BLOCK)])?;
        }
        Ok(dc)
    }

    /// Writes the code of `run` and the number's length, and the number: of a negative one, one less (T.81 §F.1.2.1).
    /// −5 has the length 3 and the bits 010, which are those of −6.
    fn number(&mut self, codes: &[Code], run: u8, number: i32) -> Result<(), Full> {
        let length = 32 - number.unsigned_abs().leading_zeros();
        let bits = (number + (number >> 31)) as u32 & ((1 << length) - 1);
        let code = codes[usize::from(run | length as u8)];
        debug_assert!(code.length > 0, "no code for {number} after {run:#x}");
        self.put(u32::from(code.bits) << length | bits, u32::from(code.length) + length)
    }

    fn code(&mut self, code: Code) -> Result<(), Full> {
        self.put(code.bits.into(), code.length.into())
    }

    /// Writes the lowest `count` bits, at most 27: 16 of a code and 11 of a number.
    fn put(&mut self, bits: u32, count: u32) -> Result<(), Full> {
        if count <= self.free {
            // 32 at once never come, and then nothing would be shifted away.
            self.word = self.word << count | bits;
            self.free -= count;
            return Ok(());
        }
        let left = count - self.free;
        let word = self.word << self.free | bits >> left;
        self.word = bits;
        self.free = 32 - left;
        let bytes = word.to_be_bytes();
        if bytes.contains(&0xff) { self.stuffed(&bytes) } else { self.sink.write(&bytes) }
    }

    #[cold]
    fn stuffed(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for &byte in bytes {
            self.sink.write(if byte == 0xff { &[0xff, 0] } else { core::slice::from_ref(&byte) })?;
        }
        Ok(())
    }

    /// Fills the last byte with ones and writes what is left.
    pub(super) fn finish(&mut self) -> Result<(), Full> {
        self.put(0x7f, 7)?;
        let whole = (32 - self.free) / 8;
        let bytes = self.word.checked_shl(self.free).unwrap_or(0).to_be_bytes();
        self.stuffed(&bytes[..whole as usize])?;
        (self.word, self.free) = (0, 32);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_t_81_prints() {
        // Tables K.3 and K.5, some of their lines.
        let luma = Codes::new(&DC[0], &AC[0]);
        for (codes, value, expected) in [
            (&luma.dc, 0x00, "00"),
            (&luma.dc, 0x05, "110"),
            (&luma.dc, 0x0b, "111111110"),
            (&luma.ac, END_OF_BLOCK, "1010"),
            (&luma.ac, 0x01, "00"),
            (&luma.ac, 0x11, "1100"),
            (&luma.ac, ZEROS, "11111111001"),
            (&luma.ac, 0xfa, "1111111111111110"),
        ] {
            let Code { bits, length } = codes[usize::from(value)];
            let found = alloc::format!("{bits:0width$b}", width = length.into());
            assert_eq!(found, expected, "{value:#x}");
        }
    }

    #[test]
    fn bits_come_out_in_order_and_a_byte_of_ones_is_followed_by_a_zero() {
        let mut bits = Bits::new(Vec::new());
        for piece in ["1", "1111111", "01010101111", "1111111111111000", "00000000000011011"] {
            let value = u32::from_str_radix(piece, 2).expect("zeros and ones");
            bits.put(value, piece.len() as u32).expect("a Vec has room");
        }
        bits.finish().expect("a Vec has room");
        assert_eq!(bits.sink, [0xff, 0, 0x55, 0xff, 0, 0xff, 0, 0x00, 0x01, 0b1011_1111]);
    }
}
