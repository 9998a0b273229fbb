//! What the owner set for every stream.

use lenscast_media::time::Pts90k;
use lenscast_media::ts;
use std::time::Duration;

/// What the owner set for every stream. These are plain values; files and flags are somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When video is encoded.
    pub encode: EncodeMode,
    /// How long a camera may send no frame until it is shown as silent; a slow one may for longer
    /// ([`Stream::silent_after`](crate::Stream::silent_after)).
    pub silent_after: Duration,
    /// How long a camera may take to show that it is alive when another one wants its name.
    pub takeover_timeout: Duration,
    /// How many cameras are remembered that are not connected. The one that has been gone for the longest is forgotten first.
    pub max_absent: usize,
    /// The time stamp of a frame that arrives when the server starts; read once, when a stream begins. Players do not care. Tests
    /// put it just before the point where 33 bits wrap.
    pub pts_origin: Pts90k,
}

/// How many cameras that are not connected are remembered for each that may be connected.
pub const ABSENT_PER_CAMERA: usize = 4;

/// When video is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodeMode {
    /// Only while somebody watches the video; a JPEG source can begin with a key frame at any moment.
    #[default]
    Demand,
    /// From the camera's first frame to its last.
    Always,
}

impl Default for Rules {
    /// The rules that suit a home.
    fn default() -> Self {
        Self {
            encode: EncodeMode::default(),
            silent_after: Duration::from_secs(3),
            takeover_timeout: Duration::from_secs(2),
            max_absent: 32 * ABSENT_PER_CAMERA,
            pts_origin: Pts90k(ts::PCR_LEAD),
        }
    }
}
