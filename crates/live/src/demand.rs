//! What a stream asks of whoever feeds its video.

use std::fmt;
use std::time::Duration;

/// For how long the newest picture is repeated for a player that joins.
///
/// ffmpeg, and all that is made with it (mpv, PyAV, Home Assistant), wants 21 pictures of H.264 in a transport stream before it
/// shows one, whatever the stream says about its rate: 900 ms at this pace. With `-analyzeduration` it wants 31.
/// docs/decisions/0003-players-wait.md tells what else was tried.
pub const REPEAT_FOR: Duration = Duration::from_millis(1500);

/// From one picture to the next while it is repeated.
pub const REPEAT_EVERY: Duration = Duration::from_millis(45);

/// What a stream asks of whoever feeds its video: is somebody watching, and is a key frame wanted.
///
/// A camera's [`Mailbox`](crate::mailbox::Mailbox) answers by letting the camera's pipeline encode. An edge of a cluster would
/// answer by fetching the video from the machine that has the camera, and by passing the wish for a key frame on to it.
///
/// The stream calls these with its lock held: they return at once, and do not call the stream back.
pub trait Demand: fmt::Debug + Send + Sync {
    /// Tells whether somebody watches the video. Nothing needs to be published while nobody does.
    fn set_watched(&self, watched: bool);

    /// Asks for a key frame, as soon as there can be one. The stream asks once, and not again until it got one: two viewers
    /// who come together cost one key frame.
    fn request_key(&self);

    /// Asks that the newest picture be shown again and again for a moment ([`REPEAT_FOR`], one each [`REPEAT_EVERY`]), as of the
    /// moment when it is shown, while no newer one comes. For players that want to see many pictures before they show the first.
    /// Whoever cannot do that does nothing.
    fn repeat(&self) {}

    /// Tells that this feeds the stream no longer, since another one does, or the camera left. What it still publishes is
    /// thrown away.
    fn end(&self);
}
