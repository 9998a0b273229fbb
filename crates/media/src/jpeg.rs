//! JPEG (ITU-T T.81): what a camera sent, inspected and decoded.
//!
//! A message passes through three steps, each usable alone:
//!
//! 1. [`inspect()`] walks the markers once, finds where the image ends and what it claims to be, and refuses what is
//!    not one whole JPEG, or would cost too much to decode. It looks at no coefficient: it costs a few microseconds.
//!    What other decoders pass over it notes as [`Mends`].
//! 2. [`clean()`] mends that, and completes the frames of webcams that leave their Huffman tables out. A clean frame is not
//!    copied.
//! 3. [`Decoder`] turns it into an [`I420`](crate::picture::I420) picture, and refuses damaged image data.
//!
//! [`exif`] tells which way up an image is meant, and says it anew.
//!
//! What does not belong here: anything that knows about cameras, sockets or time.

mod budget;
mod chroma;
mod decode;
mod entropy;
pub mod exif;
mod fault;
mod foreign;
mod frame;
mod huffman;
mod inspect;
mod inspected;
mod mends;
mod partly;
mod plane;
mod resync;
mod scan;

pub use budget::{MAX_HUFFMAN_TABLES, MAX_KEPT_PIXELS, MAX_PASSES, MAX_SEGMENTS};
pub use decode::{DecodeFault, Decoder};
pub use fault::{Fault, Raw};
pub use foreign::text_fault;
pub use huffman::{clean, with_default_huffman_tables};
pub use inspect::inspect;
pub use inspected::{DEFAULT_MAX_PIXELS, Inspected, Limits, Sampling, Trailing};
pub use mends::{MAX_STRAY_BYTES, Mends};
