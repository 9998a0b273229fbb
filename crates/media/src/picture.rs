//! A picture as the encoder takes it: I420.

use std::fmt;

/// The shortest side of an [`I420`] picture: one macroblock, the least an H.264 encoder takes.
pub const MIN_SIDE: usize = 16;

/// A picture in I420: planar 8-bit Y′CbCr 4:2:0 with BT.601 samples.
///
/// A decoded JPEG has them in **full range**, as JFIF defines them (black is 0, white 255, no colour 128). Encoders take
/// them in **limited range** (black is 16, white 235): [`limit_range`](Self::limit_range) stands between the two.
///
/// Both sides are even and at least [`MIN_SIDE`]. The planes have no padding, so that a row's stride is its width:
///
/// | plane | samples a row | rows | bytes |
/// |---|---|---|---|
/// | `y` | `width` | `height` | `width × height` |
/// | `u` (Cb), `v` (Cr) | `width / 2` | `height / 2` | a quarter of that each |
///
/// An image with odd or tiny sides stands in the upper left corner and its last column and row are repeated;
/// [`source_size`](Self::source_size) tells how large it was.
///
/// The buffers are kept when the size changes: one picture, decoded into again and again, allocates nothing once it
/// has had its largest size. The planes are only lent as slices, so that their lengths always fit the size.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: usize,
    height: usize,
    source: (usize, usize),
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl fmt::Debug for I420 {
    /// The sizes; a hundred thousand samples help nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, source, .. } = self;
        f.debug_struct("I420")
            .field("width", width)
            .field("height", height)
            .field("source", source)
            .finish_non_exhaustive()
    }
}

impl Default for I420 {
    /// A black picture of the smallest size.
    fn default() -> Self {
        Self::new(MIN_SIDE, MIN_SIDE)
    }
}

impl I420 {
    /// A black picture for an image of `source_width` × `source_height` pixels.
    pub fn new(source_width: usize, source_height: usize) -> Self {
        let mut picture = Self { width: 0, height: 0, source: (0, 0), y: vec![], u: vec![], v: vec![] };
        picture.resize(source_width, source_height);
        picture.u.fill(128);
        picture.v.fill(128);
        picture
    }

    /// Makes room for an image of `source_width` × `source_height` pixels. What the planes hold afterwards is not
    /// specified.
    pub fn resize(&mut self, source_width: usize, source_height: usize) {
        self.source = (source_width, source_height);
        self.width = source_width.next_multiple_of(2).max(MIN_SIDE);
        self.height = source_height.next_multiple_of(2).max(MIN_SIDE);
        let luma = self.width * self.height;
        self.y.resize(luma, 0);
        self.u.resize(luma / 4, 128);
        self.v.resize(luma / 4, 128);
    }

    /// Luma samples a row: even, at least [`MIN_SIDE`].
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Luma rows: even, at least [`MIN_SIDE`].
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Width and height of the image in pixels, before its sides were made even.
    pub const fn source_size(&self) -> (usize, usize) {
        self.source
    }

    /// Bytes from one row to the next, in the order Y, U, V.
    pub const fn strides(&self) -> [usize; 3] {
        [self.width, self.width / 2, self.width / 2]
    }

    /// The luma plane, `width × height` bytes.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// The Cb plane, `width / 2 × height / 2` bytes.
    pub fn u(&self) -> &[u8] {
        &self.u
    }

    /// The Cr plane, `width / 2 × height / 2` bytes.
    pub fn v(&self) -> &[u8] {
        &self.v
    }

    /// The three planes Y, U, V, to be written.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        [&mut self.y, &mut self.u, &mut self.v]
    }

    /// Repeats the image's last column and row up to the right and lower edge of the planes.
    pub(crate) fn repeat_edges(&mut self) {
        let (width, height) = self.source;
        let half = (width.div_ceil(2), height.div_ceil(2));
        repeat_edges(&mut self.y, self.width, width, height);
        repeat_edges(&mut self.u, self.width / 2, half.0, half.1);
        repeat_edges(&mut self.v, self.width / 2, half.0, half.1);
    }
}

fn repeat_edges(plane: &mut [u8], stride: usize, width: usize, height: usize) {
    if width < stride {
        for row in plane.chunks_exact_mut(stride).take(height) {
            let last = row[width - 1];
            row[width..].fill(last);
        }
    }
    let (image, below) = plane.split_at_mut(height * stride);
    let last = &image[(height - 1) * stride..];
    for row in below.chunks_exact_mut(stride) {
        row.copy_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_become_even_and_at_least_one_macroblock() {
        for (source, padded) in
            [((1, 1), (16, 16)), ((17, 18), (18, 18)), ((640, 479), (640, 480)), ((15, 16), (16, 16))]
        {
            let picture = I420::new(source.0, source.1);
            assert_eq!((picture.width(), picture.height()), padded);
            assert_eq!(picture.source_size(), source);
            assert_eq!(picture.y().len(), padded.0 * padded.1);
            assert_eq!(picture.u().len(), padded.0 * padded.1 / 4);
            assert_eq!(picture.v().len(), padded.0 * padded.1 / 4);
        }
    }

    #[test]
    fn a_smaller_size_keeps_the_buffers() {
        let mut picture = I420::new(640, 480);
        let before = picture.y().as_ptr();
        picture.resize(320, 240);
        picture.resize(640, 480);
        assert_eq!(picture.y().as_ptr(), before);
    }

    #[test]
    fn the_last_column_and_row_are_repeated() {
        let mut picture = I420::new(17, 17);
        let [y, u, _] = picture.planes_mut();
        y.fill(1);
        y[16 * 18 + 16] = 9;
        u.fill(2);
        picture.repeat_edges();
        assert_eq!(picture.y()[16 * 18 + 17], 9, "right of the corner");
        assert_eq!(picture.y()[17 * 18 + 16..], [9, 9], "below the corner");
        assert_eq!(picture.y()[17 * 18], 1);
        assert!(picture.u().iter().all(|&sample| sample == 2));
    }
}
