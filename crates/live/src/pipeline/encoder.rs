//! The encoders that a camera's thread can use.
//!
//! A new encoder goes here: something that takes pictures and hands access units to its [`Sink`], at once or from a thread
//! of its own.

use super::packager::Packager;
use crate::stream::Stream;
use lenscast_media::h264::encoder::{self as openh264, EncodeFault, Encoded, OpenH264};
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use std::fmt;
use std::sync::Arc;

/// Turns pictures into access units.
pub trait Encoder: Send {
    /// Encodes a picture that is to be shown at `pts`; time stamps increase from call to call. The access unit goes to the sink,
    /// now or later. With `key`, the encoder makes a key frame of the picture, or of the next one of which it can.
    ///
    /// # Errors
    /// An [`EncodeFault`] when this picture gives no access unit.
    fn encode(&mut self, picture: &I420, pts: Pts90k, key: bool) -> Result<(), EncodeFault>;
}

/// The place where an encoder puts its access units.
#[derive(Clone, Debug)]
pub struct Sink(Arc<Packager>);

impl Sink {
    pub(super) fn new(packager: Arc<Packager>) -> Self {
        Self(packager)
    }

    /// The stream whose pictures they are, for counting and logging.
    pub(super) fn stream(&self) -> &Arc<Stream> {
        self.0.stream()
    }

    /// Takes the access unit of the picture that the encoder got with the time stamp `pts`. It holds an access unit delimiter, in
    /// a key frame SPS and PPS, then the slices.
    pub fn put(&self, pts: Pts90k, encoded: Encoded) {
        self.0.put(pts, encoded);
    }
}

/// A recipe that makes an encoder for each camera that connects.
#[derive(Clone)]
pub struct MakeEncoder(Arc<dyn Fn(Sink) -> Box<dyn Encoder> + Send + Sync>);

impl MakeEncoder {
    /// A recipe that calls `make`, in the camera's thread.
    pub fn new(make: impl Fn(Sink) -> Box<dyn Encoder> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The recipe for openh264, which encodes in the camera's thread.
    #[must_use]
    pub fn built_in(config: openh264::Config) -> Self {
        Self::new(move |sink| Box::new(BuiltIn { encoder: OpenH264::new(config), sink }))
    }

    /// Whether this recipe and `other` are the same, or clones of each other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn make(&self, sink: Sink) -> Box<dyn Encoder> {
        (self.0)(sink)
    }
}

impl fmt::Debug for MakeEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeEncoder")
    }
}

/// openh264: each picture gives its access unit at once.
struct BuiltIn {
    encoder: OpenH264,
    sink: Sink,
}

impl Encoder for BuiltIn {
    fn encode(&mut self, picture: &I420, pts: Pts90k, key: bool) -> Result<(), EncodeFault> {
        let encoded = self.encoder.encode(picture, pts, key)?;
        self.sink.put(pts, encoded);
        Ok(())
    }
}
