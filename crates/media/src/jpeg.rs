//! JPEG (ITU-T T.81): what a camera sent, inspected and decoded.
//!
//! A message passes through three steps, each usable alone:
//!
//! 1. [`inspect()`] walks the markers once, finds where the image ends and what it claims to be, and refuses what is
//!    not one whole JPEG, or would cost too much to decode. It looks at no coefficient: it costs a few microseconds.
//! 2. [`with_default_huffman_tables`] completes the frames of webcams that leave the tables out.
//! 3. [`Decoder`] turns it into an [`I420`](crate::picture::I420) picture, and refuses damaged image data.
//!
//! What does not belong here: anything that knows about cameras, sockets or time.

mod budget;
mod chroma;
mod decode;
mod fault;
mod huffman;
mod inspect;
mod inspected;
mod plane;
mod scan;

pub use budget::{MAX_HUFFMAN_TABLES, MAX_KEPT_PIXELS, MAX_PASSES, MAX_SEGMENTS};
pub use decode::{DecodeFault, Decoder};
pub use fault::Fault;
pub use huffman::with_default_huffman_tables;
pub use inspect::inspect;
pub use inspected::{DEFAULT_MAX_PIXELS, Inspected, Limits, Sampling, Trailing};
