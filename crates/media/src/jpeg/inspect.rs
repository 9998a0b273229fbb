//! The structure of one message, without its image data: T.81 Annex B.

use super::fault::Fault;
use super::huffman::with_default_huffman_tables;
use super::inspected::{Inspected, Limits, Trailing};
use super::scan::Walk;

/// Inspects the structure of one WebSocket message, which should be one JPEG.
///
/// One pass over the markers (T.81 Annex B): SOI stands first, segments are whole, the frame header is one that is
/// decoded here (SOF0, SOF1 or SOF2, 8 bit, one or three components), every scan uses defined tables, and EOI
/// comes. What follows EOI is reported as [`Inspected::trailing`], never looked into. Whether the image data
/// between the markers is any good is left to [`Decoder`](super::Decoder).
///
/// What other decoders pass over is no fault: fill bytes before SOI, stray bytes between segments, wrong lengths of segments
/// that say nothing about the picture, scan headers with values that mean nothing, a missing EOI behind all image data. It is
/// noted as [`Inspected::mends`].
///
/// # Errors
/// A [`Fault`], whose [`cause`](Fault::cause) is counted and whose text is for people.
pub fn inspect(message: &[u8], limits: &Limits) -> Result<Inspected, Fault> {
    let mut inspected = Walk::start(message, limits)?.run()?;
    inspected.trailing = Trailing::of(&message[inspected.len..]);
    // What goes on must be clean, whatever was found. This costs a second walk, for messages that are mended only.
    if !inspected.mends.is_empty() {
        let clean = with_default_huffman_tables(message, &inspected);
        let again = Walk::start(&clean, limits)?.run()?;
        if !again.mends.is_empty() || again.missing_huffman_tables || again.len != clean.len() {
            return Err(Fault::BadMarker {
                offset: 0,
                what: "what is wrong with its markers cannot be mended",
            });
        }
    }
    Ok(inspected)
}
