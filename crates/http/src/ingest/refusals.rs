//! Why a camera's messages are refused, one after another: what a single message cannot tell, those before it do.

use lenscast_live::Publisher;
use lenscast_media::causes::Cause;
use lenscast_media::jpeg::{Fault, text_fault};
use lenscast_media::time::Micros;
use lenscast_protocol::control::device_message;

/// A text of so many bytes is meant as a picture. Shorter ones are greetings and words of a log, which do no harm …
const LONG_TEXT: usize = 128;

/// … but when so many came and no picture, then they are all that the camera sends.
const TEXTS_WITHOUT_PICTURE: u32 = 3;

/// The bytes of a JPEG's beginning and end (T.81 Table B.1).
const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];

/// What one connection of a camera sent that was refused.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Whether the newest message was a JPEG that ends too early, or a piece behind it.
    unfinished: bool,
    /// Whether pieces have come that belong to the JPEG before them.
    in_pieces: bool,
    /// Texts in a row.
    texts: u32,
}

impl Refusals {
    /// Notes that a picture came.
    pub(super) fn picture(&mut self) {
        (self.unfinished, self.texts) = (false, 0);
    }

    /// Deals with a message that is no picture.
    pub(super) fn message(&mut self, publisher: &Publisher, message: &[u8], fault: Fault, at: Micros) {
        let begins = message.starts_with(&SOI);
        let is_piece = !begins && self.unfinished && fault.cause() != Cause::Empty;
        self.in_pieces |= is_piece;
        // A camera that cuts its JPEGs sends, for example: `ff d8 … `, `… `, `… ff d9`. The first message is a JPEG that ends too
        // early, for all that is known then. The second one is none at all, and tells. From then on, the first is a piece as well.
        if is_piece || (self.in_pieces && begins && fault.cause() == Cause::Truncated) {
            self.unfinished = !message.trim_ascii_end().ends_with(&EOI);
            let why = "one JPEG arrives in several messages: send it in one".to_owned();
            return refuse(publisher, Cause::InPieces, why, at);
        }
        self.unfinished = begins && fault.cause() == Cause::Truncated;
        refuse(publisher, fault.cause(), fault.to_string(), at);
    }

    /// Deals with a text of a camera that speaks no `lenscast.v1`.
    pub(super) fn text(&mut self, publisher: &Publisher, text: &str, at: Micros) {
        // A device of ours that asked for `lenscast.v1` and did not get it, or forgot to ask.
        if device_message(text).is_ok() {
            return;
        }
        self.texts = self.texts.saturating_add(1);
        if let Some(fault @ Fault::Base64 { .. }) = text_fault(text.as_bytes()) {
            return refuse(publisher, fault.cause(), fault.to_string(), at);
        }
        if text.len() >= LONG_TEXT || self.texts >= TEXTS_WITHOUT_PICTURE {
            let why = "the camera sends text: send the JPEG as a binary message".to_owned();
            refuse(publisher, Cause::Text, why, at);
        }
    }
}

/// Counts a message that is refused, and says so in the log now and then.
fn refuse(publisher: &Publisher, cause: Cause, why: String, at: Micros) {
    let stream = publisher.stream();
    if let Some(held_back) = stream.notices.due(cause.name()) {
        tracing::warn!(camera = %stream.name(), cause = cause.name(), held_back, "a frame is refused: {why}");
    }
    stream.stats.count_refused(cause, why, at);
}
