//! The one table of what can be wrong with what a camera sends: names for counters, words for people.
//!
//! A row is all that a new cause needs. Counters, `/status` and `/metrics` take its name; the pages (`web/causes.js`),
//! `lenscast doctor` and `docs/protocol.md` take its words, and a test compares them
//! (`LENSCAST_CAUSES=write cargo test -p lenscast-media --test causes` writes pages and documents anew).
//!
//! What does not belong here: how a cause is found out, which is in [`jpeg`](crate::jpeg), [`h264`](crate::h264) and
//! whoever reads a camera's connection.

/// Makes [`Cause`] of rows: a variant, its name, and its words on the page, of the doctor, and in the documents.
macro_rules! causes {
    ($($variant:ident $name:literal page $page:literal doctor $doctor:literal documents $documents:literal)+) => {
        /// A cause for which a camera's message is refused, or not shown as video.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $(#[doc = $documents] $variant,)+
        }

        impl Cause {
            /// All causes, in the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The cause's name in counters: `snake_case`, never changes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What the page says after "refused: ".
            pub const fn on_page(self) -> &'static str {
                match self { $(Self::$variant => $page),+ }
            }

            /// What `lenscast doctor` says after the number of frames.
            pub const fn to_doctor(self) -> &'static str {
                match self { $(Self::$variant => $doctor),+ }
            }

            /// What the documents say about it, in Markdown.
            pub const fn in_documents(self) -> &'static str {
                match self { $(Self::$variant => $documents),+ }
            }
        }
    };
}

causes! {
    Empty "empty"
        page "empty messages"
        doctor "were empty"
        documents "a message of no bytes"
    NotAJpeg "not_a_jpeg"
        page "not a JPEG"
        doctor "were no JPEG"
        documents "it does not begin with SOI"
    Truncated "truncated"
        page "it ends too early"
        doctor "ended too early"
        documents "it ends before EOI"
    BadMarker "bad_marker"
        page "its structure is broken"
        doctor "were broken in their structure"
        documents "a marker segment breaks T.81, or restart markers are missing"
    ZeroDimensions "zero_dimensions"
        page "it has no pixels"
        doctor "had no pixels"
        documents "a picture of no pixels"
    TooManyPixels "too_many_pixels"
        page "it has too many pixels"
        doctor "had too many pixels"
        documents "a picture over 16 megapixels"
    TooCostly "too_costly"
        page "it would cost too much to decode: no camera sends such a JPEG"
        doctor "would have cost too much to decode, as no camera's JPEG does"
        documents "progressive, or a scan for each component, over 1920×1200 pixels; over 16 scans of a component, 64 Huffman tables or 512 segments: no camera's encoder makes such"
    Unsupported "unsupported"
        page "a kind of JPEG that no camera sends"
        doctor "were a kind of JPEG that no camera sends"
        documents "arithmetic coding, lossless, 12 bit, CMYK and other kinds that no camera sends"
    MessageTooBig "message_too_big"
        page "larger than the server takes (max_message_bytes)"
        doctor "were larger than max_message_bytes"
        documents "over `max_message_bytes`, 4 MiB unless it is set; the connection is closed"
    NoRoom "no_room"
        page "all cameras together sent more than the server keeps (max_camera_bytes)"
        doctor "had no room beside those of the other cameras: send smaller pictures, or raise max_camera_bytes"
        documents "unfinished messages and newest pictures of all cameras took `max_camera_bytes`, 64 MiB unless it is set, and this camera more than its share; the connection is closed with 1013"
    Damaged "damaged"
        page "its picture data is damaged"
        doctor "had damaged picture data"
        documents "the markers are right, the picture data is not; forwarded as JPEG, not as video. Found only while video is watched"
    TooLargeForVideo "too_large_for_video"
        page "too large for video, shown as JPEG"
        doctor "were too large for video"
        documents "larger than 3840×2160 either way; forwarded as JPEG, never decoded"
    NoVideoMemory "no_video_memory"
        page "no memory was left for its video (max_video_memory)"
        doctor "came while no memory was left for their video: watch fewer at once, choose smaller pictures, or raise max_video_memory"
        documents "the pipelines of all cameras have taken `max_video_memory`, 512 MiB unless it is set; forwarded as JPEG"
    EncoderSkipped "encoder_skipped"
        page "the encoder left it out"
        doctor "were left out by the encoder"
        documents "the encoder gave nothing for the picture; forwarded as JPEG"
    EncoderFailed "encoder_failed"
        page "the encoder failed"
        doctor "made the encoder fail"
        documents "the encoder failed; forwarded as JPEG"
    EncoderOutput "encoder_output"
        page "the encoder gave no video of it"
        doctor "came out of the encoder as no video"
        documents "what the encoder gave could not be used; forwarded as JPEG"
    EncoderRestarting "encoder_restarting"
        page "the encoder was starting again"
        doctor "came while the encoder was starting again"
        documents "the encoder was not there yet, after a failure; forwarded as JPEG"
    ControlTooBig "control_too_big"
        page "a message about the camera was too long"
        doctor "were messages about the camera, and too long"
        documents "a text message of `lenscast.v1` over 4096 bytes; the connection goes on"
    ControlMalformed "control_malformed"
        page "a message about the camera was not understood"
        doctor "were messages about the camera that were not understood"
        documents "a text message of `lenscast.v1` that is not of its shape; the connection goes on"
}

impl Cause {
    /// The cause of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.name() == name)
    }
}
