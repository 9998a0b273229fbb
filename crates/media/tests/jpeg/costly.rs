//! JPEGs of a few kB that are made to cost as much as can be. They are whole and legal as far as their markers go, and decode to
//! grey.

/// How one such JPEG is made.
#[derive(Clone, Copy, Debug)]
pub struct Costly {
    pub width: u16,
    pub height: u16,
    /// SOF2 and not SOF0.
    pub progressive: bool,
    /// Scans, each of one component: component 0, 1, 2, 0, 1, 2, …; 1 in a sequential image is of all three at once.
    pub scans: usize,
    /// Huffman tables that are defined again before the first scan, each in a segment of its own.
    pub tables: usize,
    /// Comments before the first scan.
    pub comments: usize,
}

/// What the issue was found with: 3 kB, which took 0.8 s and 240 MB.
pub const NINETY_NINE_SCANS: Costly =
    Costly { width: 4000, height: 4000, progressive: true, scans: 99, tables: 0, comments: 0 };

impl Costly {
    /// A baseline JPEG of one scan, as a camera sends it, but of nothing but grey: 2 bits a block.
    pub const fn baseline(width: u16, height: u16) -> Self {
        Self { width, height, progressive: false, scans: 1, tables: 0, comments: 0 }
    }

    pub fn jpeg(self) -> Vec<u8> {
        let Self { width, height, progressive, scans, tables, comments } = self;
        let mut jpeg = vec![0xFF, 0xD8];
        segment(&mut jpeg, 0xDB, &[&[0u8][..], &[1; 64]].concat());
        let [h1, h0] = height.to_be_bytes();
        let [w1, w0] = width.to_be_bytes();
        let frame = [8, h1, h0, w1, w0, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
        segment(&mut jpeg, if progressive { 0xC2 } else { 0xC0 }, &frame);
        for _ in 0..comments {
            segment(&mut jpeg, 0xFE, b"");
        }
        // One code of one bit, 0. For DC it means "as the block before", for AC "nothing more in this block", or, in a progressive
        // image, "nothing in the next 16384 blocks, and in as many as the next 14 bits say".
        let end_of_blocks = if progressive { 0xE0 } else { 0 };
        segment(&mut jpeg, 0xC4, &table(0x00, 0));
        for _ in 0..=tables {
            segment(&mut jpeg, 0xC4, &table(0x10, end_of_blocks));
        }
        let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
        for scan in 0..scans {
            let component = (scan % 3) as u8 + 1;
            if progressive {
                segment(&mut jpeg, 0xDA, &[1, component, 0x00, 1, 63, 0]);
                // 0 and fourteen ones, as often as it takes: 32767 blocks each.
                let mut bits = Bits::default();
                for _ in 0..blocks.div_ceil(32767) {
                    bits.push(0b011_1111_1111_1111, 15);
                }
                jpeg.extend(bits.end());
            } else {
                let components: &[u8] =
                    if scans == 1 { &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0] } else { &[1, component, 0, 0, 63, 0] };
                segment(&mut jpeg, 0xDA, components);
                let bits = blocks * if scans == 1 { 6 } else { 2 };
                jpeg.extend(std::iter::repeat_n(0, bits / 8));
                if bits % 8 > 0 {
                    jpeg.push(0x7F >> (bits % 8 - 1));
                }
            }
        }
        jpeg.extend([0xFF, 0xD9]);
        jpeg
    }
}

fn segment(jpeg: &mut Vec<u8>, marker: u8, content: &[u8]) {
    jpeg.extend([0xFF, marker]);
    jpeg.extend((content.len() as u16 + 2).to_be_bytes());
    jpeg.extend(content);
}

/// A Huffman table with one code, of one bit.
fn table(class_and_id: u8, value: u8) -> Vec<u8> {
    let mut table = vec![0; 17];
    (table[0], table[1]) = (class_and_id, 1);
    table.push(value);
    table
}

/// Entropy-coded data: bits, the first one highest, with a zero after each 0xFF (T.81 §F.1.2.3).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        (self.waiting, self.count) = (self.waiting << count | bits, self.count + count);
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.waiting >> self.count) as u8;
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
            self.waiting &= (1 << self.count) - 1;
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.count > 0 {
            let free = 8 - self.count;
            self.push((1 << free) - 1, free);
        }
        self.bytes
    }
}
