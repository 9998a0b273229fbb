//! The pictures that all benchmarks send: frames of the test scene, made before anything is measured.

use crate::Result;
use lenscast_picture::jpeg::{self, Sampling};
use lenscast_picture::pattern::Scene;

/// Size in pixels, that of the camera in the specification.
pub(crate) const WIDTH: u16 = 640;
/// See [`WIDTH`].
pub(crate) const HEIGHT: u16 = 480;

const QUALITY: u8 = 80;

/// Frames that follow each other at a rate, again from the first after the last.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    jpegs: Vec<Vec<u8>>,
    /// Frames per second: the scene moves accordingly.
    pub(crate) fps: u32,
}

impl Frames {
    /// Makes `count` frames, numbered from 0.
    pub(crate) fn generate(fps: u32, count: u32) -> Result<Self> {
        let jpegs = (0..count).map(|frame| {
            // Not from 0 on: the strips of frame 0 at time 0 cannot be told from a black picture.
            let clock_ms = 1000 + u64::from(frame) * 1000 / u64::from(fps);
            let scene = Scene { width: WIDTH, height: HEIGHT, frame, clock_ms };
            let mut out = Vec::new();
            jpeg::encode(&scene.painter(), QUALITY, Sampling::Yuv422, &mut out)?;
            Ok(out)
        });
        Ok(Self { jpegs: jpegs.collect::<Result<_>>()?, fps })
    }

    /// How many different ones there are.
    pub(crate) fn len(&self) -> usize {
        self.jpegs.len()
    }

    /// The JPEG that is sent as number `index`.
    pub(crate) fn jpeg(&self, index: usize) -> &[u8] {
        &self.jpegs[index % self.jpegs.len()]
    }

    /// Mean size of a JPEG, in bytes.
    pub(crate) fn mean_bytes(&self) -> usize {
        self.jpegs.iter().map(Vec::len).sum::<usize>() / self.jpegs.len()
    }
}
