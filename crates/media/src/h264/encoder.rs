//! From pictures to access units: the built-in encoder, openh264.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder as wels;
use openh264::formats::YUVSource;
use thiserror::Error;

use crate::picture::I420;
use crate::time::Pts90k;

/// The longest side of a picture that [`OpenH264`] takes, in pixels: the level limit of openh264.
pub const MAX_LONG_SIDE: usize = 3840;

/// The longest shorter side of a picture that [`OpenH264`] takes, in pixels.
pub const MAX_SHORT_SIDE: usize = 2160;

/// One access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// NAL units in the byte stream format (ITU-T H.264 Annex B), each after `00 00 00 01`: first an access unit
    /// delimiter, then, in a key frame, SPS and PPS, then the slices.
    pub annex_b: Vec<u8>,
    /// Whether decoding can begin here: an IDR picture.
    pub key: bool,
}

/// Why a picture could not be encoded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeFault {
    /// The picture is larger than the encoder's highest level.
    #[error(
        "{width}×{height} pixels are too large for video, which goes up to 3840×2160 either way: \
         choose a smaller frame size (the JPEG outputs still work)"
    )]
    TooLarge {
        /// Pixels in a line.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// The encoder gave nothing for this picture.
    #[error("the encoder skipped the picture")]
    Skipped,
    /// The encoder failed.
    #[error("the encoder failed: {reason}")]
    Failed {
        /// What it says about it.
        reason: String,
    },
}

impl EncodeFault {
    /// The name of this kind of fault in counters: `snake_case`, never changes.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large_for_video",
            Self::Skipped => "encoder_skipped",
            Self::Failed { .. } => "encoder_failed",
        }
    }
}

/// How [`OpenH264`] encodes. The quality is constant (QP 26): the number of bits follows the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The highest frame rate to be expected, in Hz. It only chooses the level that is written into the SPS, so that
    /// decoders set enough aside; slower and irregular streams are just as good.
    pub max_frame_rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_frame_rate: 60.0 }
    }
}

/// The built-in encoder: openh264, constrained baseline profile, one thread, no delay: each picture gives its access
/// unit at once.
pub struct OpenH264 {
    config: Config,
    running: Option<Running>,
}

/// An encoder at work on pictures of one size.
struct Running {
    encoder: wels::Encoder,
    width: usize,
    height: usize,
}

impl OpenH264 {
    /// An encoder that begins with the first picture.
    pub fn new(config: Config) -> Self {
        Self { config, running: None }
    }

    /// Encodes one picture, shown at `pts`; time stamps increase from call to call.
    ///
    /// The access unit is a key frame (IDR with SPS and PPS) when `force_key` is set, when it is the first, when the
    /// picture has another size than the one before, and after an error. Otherwise it is none: how often key frames
    /// come is the caller's choice.
    ///
    /// # Errors
    /// An [`EncodeFault`]. The picture is lost, and the next one becomes a key frame.
    pub fn encode(&mut self, picture: &I420, pts: Pts90k, force_key: bool) -> Result<Encoded, EncodeFault> {
        let encoded = self.try_encode(picture, pts, force_key);
        if encoded.is_err() {
            // The references that the next picture would be predicted from are in doubt.
            self.running = None;
        }
        encoded
    }

    /// The encoder for pictures of this size, and whether it is a new one.
    fn running(&mut self, width: usize, height: usize) -> Result<(&mut Running, bool), EncodeFault> {
        let fits = |running: &Running| running.width == width && running.height == height;
        let current = self.running.take().filter(fits);
        let new = current.is_none();
        let running = match current {
            Some(running) => running,
            None => {
                let encoder =
                    wels::Encoder::with_api_config(OpenH264API::from_source(), wels_config(&self.config))
                        .map_err(failed)?;
                Running { encoder, width, height }
            }
        };
        Ok((self.running.insert(running), new))
    }

    fn try_encode(&mut self, picture: &I420, pts: Pts90k, force_key: bool) -> Result<Encoded, EncodeFault> {
        let (width, height) = (picture.width(), picture.height());
        if width.max(height) > MAX_LONG_SIDE || width.min(height) > MAX_SHORT_SIDE {
            return Err(EncodeFault::TooLarge { width, height });
        }
        let (running, new) = self.running(width, height)?;
        if force_key && !new {
            running.encoder.force_intra_frame();
        }
        let timestamp = Timestamp::from_millis(pts.0 / 90);
        let stream = running.encoder.encode_at(&Source(picture), timestamp).map_err(failed)?;
        let key = match stream.frame_type() {
            wels::FrameType::IDR => true,
            wels::FrameType::P => false,
            wels::FrameType::Skip => return Err(EncodeFault::Skipped),
            other => {
                return Err(EncodeFault::Failed { reason: format!("an unexpected frame type, {other:?}") });
            }
        };

        let mut annex_b = access_unit_delimiter(key).to_vec();
        let delimiter_len = annex_b.len();
        stream.write_vec(&mut annex_b);
        if annex_b.len() == delimiter_len {
            return Err(EncodeFault::Skipped);
        }
        if (force_key || new) && !key {
            return Err(EncodeFault::Failed { reason: "no key frame when one was asked for".to_owned() });
        }
        Ok(Encoded { annex_b, key })
    }
}

impl Default for OpenH264 {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

/// ITU-T H.264 §7.3.2.4: primary_pic_type 0 (only I slices) for a key frame, 7 (any) otherwise.
const fn access_unit_delimiter(key: bool) -> [u8; 6] {
    [0, 0, 0, 1, 9, if key { 0x10 } else { 0xF0 }]
}

/// openh264's defaults are for video calls: 120 kbit/s, frames skipped, no key frames. Everything is said here.
fn wels_config(config: &Config) -> wels::EncoderConfig {
    wels::EncoderConfig::new()
        // Baseline, for which openh264 sets constraint_set1_flag too: constrained baseline, which every browser plays.
        .profile(wels::Profile::Baseline)
        .usage_type(wels::UsageType::CameraVideoRealTime)
        .num_threads(1)
        .complexity(wels::Complexity::Low)
        // Off, quality is constant at openh264's QP of 26.
        .rate_control_mode(wels::RateControlMode::Off)
        .skip_frames(false)
        // Each would cost a pass over the picture; the first two may also give key frames and QPs not asked for.
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .long_term_reference(false)
        .sps_pps_strategy(wels::SpsPpsStrategy::ConstantId)
        // 0: no key frame unless one is forced.
        .intra_frame_period(wels::IntraFramePeriod::from_num_frames(0))
        .max_frame_rate(wels::FrameRate::from_hz(config.max_frame_rate))
        .vui(colours())
}

/// ITU-T H.264 §E.2.1. The matrix and the full range are what JFIF defines; were they not said, players would take
/// limited range (greyish blacks) and, from 720 lines on, BT.709 (wrong greens). Matrix 6 has the coefficients of
/// 5, and more players know it. JFIF says nothing about primaries and transfer: browsers show a JPEG without a
/// profile as sRGB, so the same is said here, and video has the colours of the snapshot beside it (in Chromium to
/// within 2 of 255).
fn colours() -> wels::VuiConfig {
    wels::VuiConfig::srgb().matrix_coefficients(wels::MatrixCoefficients::Smpte170M).full_range(true)
}

fn failed(error: openh264::Error) -> EncodeFault {
    EncodeFault::Failed { reason: error.to_string() }
}

/// [`I420`] as openh264's wrapper takes it.
struct Source<'a>(&'a I420);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width(), self.0.height())
    }

    fn strides(&self) -> (usize, usize, usize) {
        let [y, u, v] = self.0.strides();
        (y, u, v)
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}
