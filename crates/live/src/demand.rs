//! What a stream asks of whoever feeds its video.

use std::fmt;

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

    /// Tells that this feeds the stream no longer, since another one does, or the camera left. What it still publishes is
    /// thrown away.
    fn end(&self);
}
