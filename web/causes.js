/** Why the server refused a frame: the table of crates/media/src/causes.rs, written by crates/media/tests/causes.rs. */
export const CAUSES = {
  empty: "empty messages",
  not_a_jpeg: "not a JPEG",
  truncated: "it ends too early",
  bad_marker: "its structure is broken",
  zero_dimensions: "it has no pixels",
  too_many_pixels: "it has too many pixels",
  unsupported: "a kind of JPEG that no camera sends",
  message_too_big: "larger than the server takes (max_message_bytes)",
  damaged: "its picture data is damaged",
  too_large_for_video: "too large for video, shown as JPEG",
  encoder_skipped: "the encoder left it out",
  encoder_failed: "the encoder failed",
  encoder_output: "the encoder gave no video of it",
  encoder_restarting: "the encoder was starting again",
  control_too_big: "a message about the camera was too long",
  control_malformed: "a message about the camera was not understood",
};
