//! The encoder: headers, and one row of blocks after the other.

use super::entropy::{AC, Bits, Codes, DC, Table};
use super::quantiser::Quantiser;
use super::transform::transform;
use super::{EncodeError, Full, Rows, Sampling, Sink};
use alloc::vec::Vec;

/// The second byte of markers (T.81 table B.1).
mod marker {
    pub(super) const SOF0: u8 = 0xc0;
    pub(super) const DHT: u8 = 0xc4;
    pub(super) const SOI: u8 = 0xd8;
    pub(super) const EOI: u8 = 0xd9;
    pub(super) const SOS: u8 = 0xda;
    pub(super) const DQT: u8 = 0xdb;
    pub(super) const APP0: u8 = 0xe0;
}

/// Samples of a block's side.
const SIDE: usize = 8;

/// Makes JPEGs, one after the other. Its memory is kept from one to the next.
pub struct Encoder {
    /// The rows of one row of blocks: luma, Cb, Cr, all at the resolution of the picture.
    planes: [Vec<u8>; 3],
    /// Of luma and of chroma.
    codes: [Codes; 2],
    quantisers: [Quantiser; 2],
}

impl Encoder {
    /// An encoder that has not seen a picture. It allocates 4 KB; a picture adds its rows of one row of blocks: 3 × 8
    /// rows of a 4:2:2.
    #[must_use]
    pub fn new() -> Self {
        Self {
            planes: [const { Vec::new() }; 3],
            codes: [Codes::new(&DC[0], &AC[0]), Codes::new(&DC[1], &AC[1])],
            quantisers: [const { Quantiser::new() }; 2],
        }
    }

    /// Encodes `source` as one baseline JPEG into `sink`. `quality` as for [`encode`](super::encode).
    ///
    /// # Errors
    /// [`EncodeError::Empty`] when a side of the picture is 0, [`EncodeError::Full`] when `sink` is. What it took before
    /// is no JPEG.
    pub fn encode(
        &mut self,
        source: &impl Rows,
        quality: u8,
        sampling: Sampling,
        sink: impl Sink,
    ) -> Result<(), EncodeError> {
        let mut strips = self.begin(source, quality, sampling, sink)?;
        while strips.encode_next()? {}
        Ok(())
    }

    /// As [`encode`](Self::encode), in portions: for who has something else to do between two rows of blocks.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn begin<'a, R: Rows, S: Sink>(
        &'a mut self,
        source: &'a R,
        quality: u8,
        sampling: Sampling,
        sink: S,
    ) -> Result<Strips<'a, R, S>, EncodeError> {
        let (width, height) = (source.width(), source.height());
        if width == 0 || height == 0 {
            return Err(EncodeError::Empty { width, height });
        }
        let quality = quality.clamp(1, 100);
        let grey = source.is_grey();
        let (across, down) = match sampling {
            _ if grey => (1, 1),
            Sampling::Yuv444 => (1, 1),
            Sampling::Yuv422 => (2, 1),
            Sampling::Yuv420 => (2, 2),
        };
        let columns = usize::from(width).div_ceil(SIDE * across);
        let stride = columns * SIDE * across;
        for (index, plane) in self.planes.iter_mut().enumerate() {
            plane.resize(if grey && index > 0 { 0 } else { stride * SIDE * down }, 0);
        }
        for (kind, quantiser) in self.quantisers.iter_mut().enumerate() {
            quantiser.set(kind, quality);
        }
        let mut strips = Strips {
            encoder: self,
            source,
            bits: Bits::new(sink),
            grid: Grid { across, down, columns, stride, rows: usize::from(height).div_ceil(SIDE * down) },
            next: 0,
            last_dc: [0; 3],
        };
        strips.headers()?;
        Ok(strips)
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// How a picture is divided. A 4:2:2 of 20 × 10 pixels has one row of two units of 16 × 8, and another below it.
#[derive(Clone, Copy)]
struct Grid {
    /// Blocks of luma in a unit, side by side and one above the other; of Cb and Cr it has one each (T.81 §A.2.3).
    across: usize,
    down: usize,
    /// Units in a row.
    columns: usize,
    /// Rows of units.
    rows: usize,
    /// Samples from one row of a plane to the next.
    stride: usize,
}

/// A picture that is being encoded, one row of blocks at a time.
pub struct Strips<'a, R, S> {
    encoder: &'a mut Encoder,
    source: &'a R,
    bits: Bits<S>,
    grid: Grid,
    /// The next row of units.
    next: usize,
    last_dc: [i32; 3],
}

impl<R: Rows, S: Sink> Strips<'_, R, S> {
    /// Encodes the next row of blocks, and tells whether there is another one. With the last one, the JPEG is whole.
    ///
    /// # Errors
    /// [`EncodeError::Full`] when there is no room for it.
    pub fn encode_next(&mut self) -> Result<bool, EncodeError> {
        if self.next < self.grid.rows {
            self.fill();
            for column in 0..self.grid.columns {
                self.unit(column)?;
            }
            self.next += 1;
            if self.next == self.grid.rows {
                self.bits.finish()?;
                self.bits.sink.write(&[0xff, marker::EOI])?;
            }
        }
        Ok(self.next < self.grid.rows)
    }

    /// Asks for the rows. What a unit has beyond the picture's edge is filled with the samples at the edge.
    fn fill(&mut self) {
        let (width, last) = (usize::from(self.source.width()), self.source.height() - 1);
        let rows = SIDE * self.grid.down;
        for index in 0..rows {
            let [luma, cb, cr] =
                self.encoder.planes.each_mut().map(|plane| row_of(plane, index, self.grid.stride));
            let y = u16::try_from(self.next * rows + index).map_or(last, |y| y.min(last));
            let chroma = width.min(cb.len());
            self.source.row(y, &mut luma[..width], &mut cb[..chroma], &mut cr[..chroma]);
            for row in [luma, cb, cr].into_iter().filter(|row| !row.is_empty()) {
                let edge = row[width - 1];
                row[width..].fill(edge);
            }
        }
    }

    fn unit(&mut self, column: usize) -> Result<(), Full> {
        let Grid { across, down, .. } = self.grid;
        for y in 0..down {
            for x in 0..across {
                self.block::<1>(0, (column * across + x) * SIDE, y * SIDE, 1)?;
            }
        }
        if self.encoder.planes[1].is_empty() {
            return Ok(());
        }
        for component in [1, 2] {
            match across {
                1 => self.block::<1>(component, column * SIDE, 0, down)?,
                _ => self.block::<2>(component, column * 2 * SIDE, 0, down)?,
            }
        }
        Ok(())
    }

    /// Encodes the block of a component whose corner is at (`x`, `y`) of its plane, of whose columns every `STEP`th is
    /// taken and of whose rows every `step_down`th.
    fn block<const STEP: usize>(
        &mut self,
        component: usize,
        x: usize,
        y: usize,
        step_down: usize,
    ) -> Result<(), Full> {
        let stride = self.grid.stride;
        let corner = &self.encoder.planes[component][y * stride + x..];
        let mut block = [0; 64];
        for (y, samples) in block.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let row = &corner[y * step_down * stride..][..(SIDE - 1) * STEP + 1];
            for (x, sample) in samples.iter_mut().enumerate() {
                *sample = i32::from(row[x * STEP]) - 128;
            }
        }
        transform(&mut block);
        let kind = component.min(1);
        let last_dc = &mut self.last_dc[component];
        let coefficients = self.encoder.quantisers[kind].quantise(&block);
        *last_dc = self.bits.block(coefficients, *last_dc, &self.encoder.codes[kind])?;
        Ok(())
    }

    /// Writes all that comes before the entropy-coded bytes.
    fn headers(&mut self) -> Result<(), Full> {
        let grey = self.encoder.planes[1].is_empty();
        let kinds = if grey { 1 } else { 2 };
        let components = if grey { 1 } else { 3 };
        let Grid { across, down, .. } = self.grid;
        let sink = &mut self.bits.sink;
        sink.write(&[0xff, marker::SOI])?;
        // JFIF 1.02, square pixels, no thumbnail.
        segment(sink, marker::APP0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"])?;

        let [[height_high, height_low], [width_high, width_low]] =
            [self.source.height(), self.source.width()].map(u16::to_be_bytes);
        let frame = [8, height_high, height_low, width_high, width_low, components];
        // For each component its name, its blocks in a unit, and its quantiser.
        let luma = [0, (across << 4 | down) as u8, 0];
        let chroma: &[u8] = if grey { &[] } else { &[1, 0x11, 1, 2, 0x11, 1] };
        segment(sink, marker::SOF0, &[&frame, &luma, chroma])?;

        for (kind, quantiser) in (0..).zip(&self.encoder.quantisers) {
            segment(sink, marker::DQT, &[&[kind], &quantiser.divisors()])?;
        }
        for kind in 0..kinds {
            for (class, Table { counts, values }) in [(0, &DC[kind]), (0x10, &AC[kind])] {
                segment(sink, marker::DHT, &[&[class | kind as u8], counts, values])?;
            }
        }

        // For each component its two Huffman tables; all 64 coefficients, with all their bits.
        let tables: &[u8] = if grey { &[0, 0x00] } else { &[0, 0x00, 1, 0x11, 2, 0x11] };
        segment(sink, marker::SOS, &[&[components], tables, &[0, 63, 0]])
    }
}

/// A row of a plane; of a plane that is not there, nothing.
fn row_of(plane: &mut [u8], row: usize, stride: usize) -> &mut [u8] {
    if plane.is_empty() { &mut [] } else { &mut plane[row * stride..][..stride] }
}

/// Writes a marker, the length of what follows, and `parts`.
fn segment(sink: &mut impl Sink, marker: u8, parts: &[&[u8]]) -> Result<(), Full> {
    let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
    let [high, low] = (length as u16).to_be_bytes();
    sink.write(&[0xff, marker, high, low])?;
    parts.iter().try_for_each(|part| sink.write(part))
}
