//! What one JPEG may cost: everything that takes few bytes to send and much time or memory to decode has a limit here.
//!
//! A decoder's work is a pass over the blocks of each component for each scan that names it, and it keeps the
//! coefficients of the whole image when its components come in several scans. A progressive image of 4000×4000 pixels
//! and 99 scans has 3 kB, and took 0.8 s and 240 MB. So every such thing is counted while the markers are walked, before
//! anything is decoded. The limits are well above what encoders make; the largest that were found stand beside each.

use super::fault::Fault;

/// The largest image in pixels whose coefficients are kept as a whole, since its components come in several scans:
/// 1920×1200. Progressive ones are such, and those with a scan for each component.
///
/// Keeping them takes up to 12 bytes a pixel, where an image in one scan takes none. The sensors of cameras give images
/// in one scan, however large.
pub const MAX_KEPT_PIXELS: u32 = 1920 * 1200;

/// The largest number of scans of one component in a progressive image; each is a pass over all of its blocks. libjpeg
/// makes 6, mozjpeg 10 at most. (In a sequential image, T.81 §A.2.3 allows one.)
pub const MAX_PASSES: u8 = 16;

/// The largest number of Huffman tables that one image defines; each is worked out anew. An image that is optimised
/// defines up to 4 with each scan, and has 10 scans.
pub const MAX_HUFFMAN_TABLES: u32 = 64;

/// The largest number of marker segments in one image. A photo with a colour profile, a preview and pages of metadata
/// has some dozens.
pub const MAX_SEGMENTS: u32 = 512;

/// What one image has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    segments: u32,
    huffman_tables: u32,
    pixels: u32,
    components: usize,
    progressive: bool,
    /// Scans of each component.
    passes: [u8; 3],
}

impl Budget {
    /// Counts a marker segment of any kind.
    pub(super) fn segment(&mut self) -> Result<(), Fault> {
        self.segments += 1;
        within(self.segments <= MAX_SEGMENTS, "it has more than 512 marker segments")
    }

    /// Counts the definition of a Huffman table.
    pub(super) fn huffman_table(&mut self) -> Result<(), Fault> {
        self.huffman_tables += 1;
        within(self.huffman_tables <= MAX_HUFFMAN_TABLES, "it defines more than 64 Huffman tables")
    }

    /// Notes what the frame header says: `pixels` of the whole image, and how many components there are.
    pub(super) fn frame(&mut self, pixels: u32, components: u8, progressive: bool) -> Result<(), Fault> {
        (self.pixels, self.components, self.progressive) = (pixels, usize::from(components), progressive);
        within(
            !progressive || pixels <= MAX_KEPT_PIXELS,
            "it is progressive and has more than 1920×1200 pixels; send a baseline JPEG, or a smaller one",
        )
    }

    /// Counts a scan of these components, which are numbered from 0 as in the frame header.
    pub(super) fn scan(&mut self, components: &[usize]) -> Result<(), Fault> {
        within(
            components.len() == self.components || self.pixels <= MAX_KEPT_PIXELS,
            "its components come in several scans and it has more than 1920×1200 pixels; send one scan, or a smaller one",
        )?;
        for &component in components {
            let passes = &mut self.passes[component];
            *passes = passes.saturating_add(1);
            if self.progressive {
                within(*passes <= MAX_PASSES, "it has more than 16 scans of one component")?;
            } else {
                within(*passes == 1, "it has a component twice, which is no progressive JPEG")?;
            }
        }
        Ok(())
    }
}

fn within(is: bool, what: &'static str) -> Result<(), Fault> {
    if is { Ok(()) } else { Err(Fault::TooCostly { what }) }
}
