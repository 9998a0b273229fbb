//! H.264: NAL units, parameter sets and the encoder.

pub mod encoder;
pub mod nal;
pub mod sps;
