//! The one table of what can be wrong with what a camera sends: names for counters, words for people.
//!
//! A row is all that a new cause needs. Counters, `/status` and `/metrics` take its name; the pages (`web/causes.js`),
//! `lenscast doctor` and `docs/protocol.md` take its words, and a test compares them
//! (`LENSCAST_CAUSES=write cargo test -p lenscast-media --test causes` writes pages and documents anew).
//!
//! A second table, [`Mend`], has what is mended without a loss: such a frame is shown like any other.
//!
//! What does not belong here: how a cause is found out, which is in [`jpeg`](crate::jpeg), [`h264`](crate::h264) and
//! whoever reads a camera's connection.

/// Makes [`Cause`] of rows: a variant, its name, its words on the page, of the doctor, and in the documents, and what to do.
macro_rules! causes {
    ($($variant:ident $name:literal page $page:literal doctor $doctor:literal documents $documents:literal
        advice $advice:expr;)+) => {
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

            /// What the owner is to do about it: one or two sentences, the same everywhere.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice),+ }
            }
        }
    };
}

/// What helps against bits that are lost between the sensor and the frame buffer.
const CHECK_THE_SENSOR: &str = "Check that the sensor's ribbon cable sits firmly and that the power supply is strong enough \
    (5 V, 1 A); try a slower clock for the sensor (XCLK), or a smaller picture.";

/// What helps when the encoder is at fault.
const LOOK_AT_THE_ENCODER: &str =
    "Look at the server's log for what the encoder says; encoder = \"builtin\" needs no other program.";

/// What helps when a device and the server do not understand each other.
const UPDATE_BOTH: &str = "Update the camera's firmware and this server: they do not understand each other.";

/// What helps when a camera encodes its pictures in another way, or not at all.
const SEND_JPEGS: &str = "Set the sensor's pixel format to JPEG (PIXFORMAT_JPEG), or encode each frame (frame2jpg), and send it as \
    one binary message.";

causes! {
    Empty "empty"
        page "empty messages"
        doctor "were empty"
        documents "a message of no bytes"
        advice "The camera sends messages without content: its frame buffer was empty when it sent it. Check that capturing \
            succeeded (fb is not NULL, fb->len is not 0).";
    NotAJpeg "not_a_jpeg"
        page "not a JPEG"
        doctor "were no JPEG"
        documents "it does not begin with SOI, and is none of the kinds below"
        advice SEND_JPEGS;
    JpegNotFirst "jpeg_not_first"
        page "a JPEG begins after other bytes: send nothing before it"
        doctor "had other bytes before their JPEG"
        documents "a JPEG begins behind other bytes, such as its length"
        advice "Send nothing before the JPEG: no length, no header, no time.";
    Multipart "multipart"
        page "a part of an MJPEG stream with its header: send the JPEG alone"
        doctor "were parts of an MJPEG stream, with their header"
        documents "a JPEG behind the header of a part of `multipart/x-mixed-replace`"
        advice "Send each JPEG alone: no boundary and no Content-Type before it. They belong to MJPEG over HTTP.";
    InPieces "in_pieces"
        page "one JPEG arrives in several messages: send it in one"
        doctor "were pieces of a JPEG"
        documents "one JPEG arrives in several messages. The first piece of the first one is counted as `truncated`"
        advice "One JPEG arrives in several messages: send it in one, or as fragments of one (only the last has FIN).";
    Text "text"
        page "the camera sends text: send the JPEG as a binary message"
        doctor "were text"
        documents "text messages, without `lenscast.v1`: those of 128 characters or more, and short ones from the third on while no JPEG comes"
        advice "The camera sends text: send the JPEG as a binary message (sendBIN, not sendTXT).";
    JpegAsText "jpeg_as_text"
        page "base64 text: send the bytes of the JPEG as a binary message"
        doctor "were JPEGs as base64 text"
        documents "a JPEG as base64 or as a `data:` URL, in a text message or a binary one"
        advice "Send the JPEG's bytes as they are, in a binary message: no base64, no data: URL.";
    Json "json"
        page "a JSON text: send the JPEG alone, as a binary message"
        doctor "were JSON texts"
        documents "a JSON text in a binary message"
        advice "Send each JPEG alone, as a binary message: nothing around it.";
    Png "png"
        page "a PNG: send JPEGs"
        doctor "were PNGs"
        documents "a PNG"
        advice SEND_JPEGS;
    Webp "webp"
        page "a WebP: send JPEGs"
        doctor "were WebPs"
        documents "a WebP"
        advice SEND_JPEGS;
    Bmp "bmp"
        page "a BMP: send JPEGs"
        doctor "were BMPs"
        documents "a BMP"
        advice "Encode each frame as JPEG (frame2jpg, not frame2bmp), and send it as one binary message.";
    VideoStream "video_stream"
        page "video (H.264 or H.265): send JPEGs"
        doctor "were video (H.264 or H.265)"
        documents "video, H.264 or H.265, with start codes"
        advice "Set the camera to MJPEG: this server takes JPEGs, and makes the video itself.";
    RawPixels "raw_pixels"
        page "raw pixels: set the sensor's pixel format to JPEG"
        doctor "were raw pixels"
        documents "as many bytes as a picture of a usual size has in RGB565, YUV422, RGB888 or grey"
        advice SEND_JPEGS;
    Truncated "truncated"
        page "it ends too early"
        doctor "ended too early"
        documents "it ends before all its image data has come"
        advice "The camera's frame buffer is too small for its picture, or frames are cut on the way: choose a smaller picture or a \
            lower quality, and check its free memory.";
    BadMarker "bad_marker"
        page "its structure is broken"
        doctor "were broken in their structure"
        documents "a marker segment breaks T.81, or restart markers are missing"
        advice CHECK_THE_SENSOR;
    ZeroDimensions "zero_dimensions"
        page "it has no pixels"
        doctor "had no pixels"
        documents "a picture of no pixels"
        advice CHECK_THE_SENSOR;
    TooManyPixels "too_many_pixels"
        page "it has too many pixels"
        doctor "had too many pixels"
        documents "a picture over 16 megapixels"
        advice "Choose a smaller frame size for the camera, or raise max_pixels.";
    TooCostly "too_costly"
        page "it would cost too much to decode: no camera sends such a JPEG"
        doctor "would have cost too much to decode, as no camera's JPEG does"
        documents "progressive, or a scan for each component, over 1920×1200 pixels; over 16 scans of a component, 64 Huffman tables or 512 segments: no camera's encoder makes such"
        advice "Let the camera send baseline JPEGs in one scan, as sensors and cameras' encoders make them.";
    Unsupported "unsupported"
        page "a kind of JPEG that no camera sends"
        doctor "were a kind of JPEG that no camera sends"
        documents "arithmetic coding, lossless, 12 bit, CMYK and other kinds that no camera sends"
        advice "Let the camera send baseline JPEGs of 8 bit, in grey or YCbCr.";
    MessageTooBig "message_too_big"
        page "larger than the server takes (max_message_bytes)"
        doctor "were larger than max_message_bytes"
        documents "over `max_message_bytes`, 4 MiB unless it is set; the connection is closed"
        advice "Choose a smaller picture or a lower quality for the camera, or raise max_message_bytes.";
    NoRoom "no_room"
        page "all cameras together sent more than the server keeps (max_camera_bytes)"
        doctor "had no room beside those of the other cameras: send smaller pictures, or raise max_camera_bytes"
        documents "unfinished messages and newest pictures of all cameras took `max_camera_bytes`, 64 MiB unless it is set, and this camera more than its share; the connection is closed with 1013"
        advice "Let the cameras send smaller pictures, or raise max_camera_bytes.";
    Damaged "damaged"
        page "its picture data is damaged"
        doctor "had damaged picture data"
        documents "the markers are right, the picture data is not; forwarded as JPEG, not as video. Found only while video is watched"
        advice CHECK_THE_SENSOR;
    TooLargeForVideo "too_large_for_video"
        page "too large for video, shown as JPEG"
        doctor "were too large for video"
        documents "larger than 3840×2160 either way; forwarded as JPEG, never decoded"
        advice "Choose a frame size of at most 3840 × 2160 for the camera; until then its JPEGs are shown.";
    NoVideoMemory "no_video_memory"
        page "no memory was left for its video (max_video_memory)"
        doctor "came while no memory was left for their video: watch fewer at once, choose smaller pictures, or raise max_video_memory"
        documents "the pipelines of all cameras have taken `max_video_memory`, 512 MiB unless it is set; forwarded as JPEG"
        advice "Watch fewer cameras at once, choose smaller pictures, or raise max_video_memory.";
    EncoderSkipped "encoder_skipped"
        page "the encoder left it out"
        doctor "were left out by the encoder"
        documents "the encoder gave nothing for the picture; forwarded as JPEG"
        advice LOOK_AT_THE_ENCODER;
    EncoderFailed "encoder_failed"
        page "the encoder failed"
        doctor "made the encoder fail"
        documents "the encoder failed; forwarded as JPEG"
        advice LOOK_AT_THE_ENCODER;
    EncoderOutput "encoder_output"
        page "the encoder gave no video of it"
        doctor "came out of the encoder as no video"
        documents "what the encoder gave could not be used; forwarded as JPEG"
        advice LOOK_AT_THE_ENCODER;
    EncoderRestarting "encoder_restarting"
        page "the encoder was starting again"
        doctor "came while the encoder was starting again"
        documents "the encoder was not there yet, after a failure; forwarded as JPEG"
        advice LOOK_AT_THE_ENCODER;
    ControlTooBig "control_too_big"
        page "a message about the camera was too long"
        doctor "were messages about the camera, and too long"
        documents "a text message of `lenscast.v1` over 4096 bytes; the connection goes on"
        advice UPDATE_BOTH;
    ControlMalformed "control_malformed"
        page "a message about the camera was not understood"
        doctor "were messages about the camera that were not understood"
        documents "a text message of `lenscast.v1` that is not of its shape; the connection goes on"
        advice UPDATE_BOTH;
}

impl Cause {
    /// The cause of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.name() == name)
    }
}

/// Makes [`Mend`] of rows: a variant, its name, and its words on the page, of the doctor, and in the documents.
macro_rules! mends {
    ($($variant:ident $name:literal page $page:literal doctor $doctor:literal documents $documents:literal)+) => {
        /// A kind of fault that is mended in a camera's JPEG before anybody gets it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Mend {
            $(#[doc = $documents] $variant,)+
        }

        impl Mend {
            /// All kinds, in the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The kind's name in counters: `snake_case`, never changes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What the page says after "mended: ".
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

mends! {
    FillBeforeStart "fill_before_start"
        page "bytes 0xff before its beginning"
        doctor "had bytes 0xff before their beginning"
        documents "fill bytes 0xFF before SOI (T.81 §B.1.1.2), at most 4096: cut out"
    SeveralStarts "several_starts"
        page "it begins more than once"
        doctor "began more than once"
        documents "a second SOI before the image has ended: what comes before the image that is whole is cut out"
    StrayBytes "stray_bytes"
        page "bytes between its parts"
        doctor "had bytes between their parts"
        documents "bytes between two segments, or between the image data and the next marker, at most 4096 at a place: cut out"
    SegmentLength "segment_length"
        page "a part with a wrong length"
        doctor "had a part with a wrong length"
        documents "a segment APPn, COM or DQT whose length is wrong: cut out, or its length set right"
    ScanHeader "scan_header"
        page "a wrong scan header"
        doctor "had a wrong scan header"
        documents "a scan whose Ss, Se, Ah or Al its kind of image cannot have: set right"
    EndMissing "end_missing"
        page "no end marker"
        doctor "had no end marker"
        documents "all image data is there, EOI is not: put there"
    AfterEnd "after_end"
        page "bytes after its end"
        doctor "had bytes after their end"
        documents "something other than zeros and ones follows EOI: cut off"
}

impl Mend {
    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
