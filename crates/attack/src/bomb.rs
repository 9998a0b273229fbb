//! Pictures that are small on the wire and large in memory: progressive JPEGs (ITU-T T.81 §G) of many scans.
//!
//! A progressive picture is kept whole as coefficients, two bytes each, and every scan goes over all of them. In each scan
//! here, a few bytes say that nothing changes.

/// A progressive picture of `side` × `side` grey pixels with so many scans.
pub(crate) fn progressive(side: u16, scans: u32) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    // DQT: one table of ones.
    segment(&mut jpeg, 0xdb, &[&[0][..], &[1; 64]].concat());
    // SOF2: 8 bits, height, width, one component (number 1, 1 × 1, table 0).
    let [high, low] = side.to_be_bytes();
    segment(&mut jpeg, 0xc2, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    // DHT: for DC one code of one bit for "no difference"; for AC one code of one bit for a run of 2^14 blocks or more that
    // have nothing (EOB14, 0xe0).
    for (class, symbol) in [(0x00, 0x00), (0x10, 0xe0)] {
        let mut table = vec![class, 1];
        table.extend([0; 15]);
        table.push(symbol);
        segment(&mut jpeg, 0xc4, &table);
    }
    let blocks = (usize::from(side).div_ceil(8)).pow(2);
    // The first scan has the DC coefficients. Its data ends at once: what is missing is nought.
    scan(&mut jpeg, (0, 0), 0, &[0; 8]);
    // Each run: its code `0`, and 14 bits of how many blocks more than 2^14 it has.
    let mut bits = Bits::default();
    let mut left = blocks;
    while left >= 1 << 14 {
        let run = left.min((1 << 15) - 1);
        bits.push(0, 1);
        bits.push((run - (1 << 14)) as u32, 14);
        left -= run;
    }
    let runs = bits.bytes();
    for number in 1..scans {
        // From 1..=63: one coefficient a scan, each as if it were new.
        let at = (number % 63 + 1) as u8;
        scan(&mut jpeg, (at, at), 0, &runs);
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

fn segment(jpeg: &mut Vec<u8>, marker: u8, body: &[u8]) {
    jpeg.extend([0xff, marker]);
    jpeg.extend((body.len() as u16 + 2).to_be_bytes());
    jpeg.extend(body);
}

/// SOS of the one component, from one coefficient to another, and the scan's data.
fn scan(jpeg: &mut Vec<u8>, (first, last): (u8, u8), approximation: u8, data: &[u8]) {
    segment(jpeg, 0xda, &[1, 1, 0x00, first, last, approximation]);
    jpeg.extend(data);
}

/// Bits, the first in the highest place, with a 0 after each byte of ones (T.81 §B.1.1.5).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    kept: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.kept = self.kept << 1 | value >> bit & 1;
            self.count += 1;
            if self.count == 8 {
                self.byte();
            }
        }
    }

    fn byte(&mut self) {
        self.bytes.push(self.kept as u8);
        if self.kept == 0xff {
            self.bytes.push(0);
        }
        (self.kept, self.count) = (0, 0);
    }

    /// All of it, filled up with ones.
    fn bytes(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.push(1, 1);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_small_and_says_that_it_is_large() {
        let bomb = progressive(4000, 99);
        assert!(bomb.len() < 5000, "{}", bomb.len());
        assert_eq!(bomb.windows(2).filter(|pair| *pair == [0xff, 0xda]).count(), 99);
        let frame = bomb.windows(2).position(|pair| pair == [0xff, 0xc2]).unwrap();
        assert_eq!(bomb[frame + 5..frame + 9], [0x0f, 0xa0, 0x0f, 0xa0]);
    }

    #[test]
    fn bits_are_packed_and_ones_are_stuffed() {
        let mut bits = Bits::default();
        bits.push(0, 1);
        bits.push(0b11, 2);
        bits.push(0b1_1111, 5);
        bits.push(0b1111_1111, 8);
        bits.push(0, 2);
        assert_eq!(bits.bytes(), [0b0111_1111, 0xff, 0, 0b0011_1111]);
    }
}
