//! What the frame header says, and the reader of a segment's bytes.

use super::fault::Fault;
use super::inspected::Limits;

/// What the frame header says (T.81 §B.2.2).
#[derive(Clone)]
pub(super) struct Frame {
    /// Where its marker begins.
    pub at: usize,
    pub progressive: bool,
    pub width: u16,
    pub height: u16,
    pub components: [Component; 3],
    pub count: u8,
}

/// A component as the frame header describes it.
#[derive(Clone, Copy, Default)]
pub(super) struct Component {
    pub id: u8,
    pub sampling: (u8, u8),
    pub quantisation: u8,
}

impl Frame {
    /// Reads a frame header whose marker begins at `at`.
    pub(super) fn read(mut segment: Segment<'_>, progressive: bool, limits: &Limits) -> Result<Self, Fault> {
        const SHORT: &str = "a short frame header";
        let at = segment.at;
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
        if u32::from(width) * u32::from(height) > limits.max_pixels {
            return Err(Fault::TooManyPixels { width, height, limit: limits.max_pixels });
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
        Ok(Self { at, progressive, width, height, components, count })
    }

    /// The components that the image has.
    pub(super) fn components(&self) -> &[Component] {
        &self.components[..usize::from(self.count)]
    }

    fn largest_sampling(&self) -> (u32, u32) {
        let largest = |f: fn(&Component) -> u8| u32::from(self.components.iter().map(f).max().unwrap_or(1));
        (largest(|component| component.sampling.0), largest(|component| component.sampling.1))
    }

    /// MCUs in a scan of several components (§A.2.4).
    pub(super) fn mcus(&self) -> u32 {
        let (across, down) = self.largest_sampling();
        u32::from(self.width).div_ceil(8 * across) * u32::from(self.height).div_ceil(8 * down)
    }

    /// Blocks, each an MCU, in a scan of one component (§A.2.2).
    pub(super) fn blocks(&self, component: Component) -> u32 {
        let (across, down) = self.largest_sampling();
        let width = (u32::from(self.width) * u32::from(component.sampling.0)).div_ceil(across);
        let height = (u32::from(self.height) * u32::from(component.sampling.1)).div_ceil(down);
        width.div_ceil(8) * height.div_ceil(8)
    }
}

/// Reads a segment's parameters; past their end there is nothing.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    /// What is left of them.
    pub bytes: &'a [u8],
    /// Where in the message `bytes` begin.
    pub position: usize,
    /// Where in the message the segment's marker begins.
    pub at: usize,
    /// Where in the message the segment's length is.
    pub length_at: usize,
}

impl<'a> Segment<'a> {
    pub(super) fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        self.skip(N, what).map(|bytes| std::array::from_fn(|i| bytes[i]))
    }

    pub(super) fn skip(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Fault> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(bad(self.at, what))?;
        self.bytes = tail;
        self.position += count;
        Ok(head)
    }
}

pub(super) const fn bad(offset: usize, what: &'static str) -> Fault {
    Fault::BadMarker { offset, what }
}

pub(super) const fn unsupported(what: &'static str) -> Fault {
    Fault::Unsupported { what }
}
