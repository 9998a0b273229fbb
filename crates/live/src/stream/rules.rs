//! What the owner set for every stream.

use lenscast_media::time::Pts90k;
use lenscast_media::ts;
use std::time::Duration;

/// What the owner set for every stream. Plain values: how they are set is not this crate's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When video is encoded.
    pub encode: EncodeMode,
    /// A camera that sent no frame for this long is shown as silent.
    pub silent_after: Duration,
    /// How long a camera may take to show that it is alive when another one wants its name.
    pub takeover_timeout: Duration,
    /// PTS of a frame that arrives when the server starts. Players do not care; tests put it just before the point where 33
    /// bits wrap. Read once, when a stream begins.
    pub pts_origin: Pts90k,
}

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
            pts_origin: Pts90k(ts::PCR_LEAD),
        }
    }
}
