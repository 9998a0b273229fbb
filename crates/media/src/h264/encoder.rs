//! From pictures to access units: the built-in encoder, openh264.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder as wels;
use openh264::formats::YUVSource;
use openh264_sys2::{ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET};
use thiserror::Error;

use crate::causes::Cause;
use crate::picture::I420;
use crate::time::{Pts90k, TICKS_PER_SECOND};

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
    /// The cause that is counted and told to people.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::TooLarge { .. } => Cause::TooLargeForVideo,
            Self::Skipped => Cause::EncoderSkipped,
            Self::Failed { .. } => Cause::EncoderFailed,
        }
    }
}

/// Whether video can be made of pictures of this size in pixels. To be asked before a picture is decoded: what is too
/// large for video costs nothing then.
///
/// # Errors
/// [`EncodeFault::TooLarge`].
pub fn check_size(width: usize, height: usize) -> Result<(), EncodeFault> {
    if width.max(height) > MAX_LONG_SIDE || width.min(height) > MAX_SHORT_SIDE {
        return Err(EncodeFault::TooLarge { width, height });
    }
    Ok(())
}

/// How [`OpenH264`] encodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The bitrate to hold on average, in bits per second; `None` is [`default_bitrate`]. Simple pictures take less: the
    /// quantiser does not go below [`MIN_QP`].
    pub bitrate: Option<u32>,
}

/// The finest quantiser: below it more bits are spent than are seen (about 44 dB of luma PSNR). In limited range the same
/// step is a coarser one: 23 is as good as 26 is in full range (docs/decisions/0005-limited-range.md).
pub const MIN_QP: u8 = 23;

/// The coarsest quantiser.
pub const MAX_QP: u8 = 48;

/// The bitrate that suits a picture of `width` × `height` pixels, in bits per second: 1.8 Mbit/s for VGA.
#[must_use]
pub const fn default_bitrate(width: usize, height: usize) -> u32 {
    let bits = width * height * 6;
    if bits < 300_000 { 300_000 } else { bits as u32 }
}

/// The frame rate that is assumed until it has been seen, in Hz.
const FIRST_RATE: f64 = 15.0;

/// The frame rates that openh264's rate control takes, in Hz.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=60.0;

/// A camera whose rate differs more than this from what the rate control was told, either way, gets a new one with the
/// next key frame.
const RATE_TOLERANCE: f64 = 1.4;

/// The built-in encoder: openh264, constrained baseline profile, one thread, no delay: each picture gives its access
/// unit at once.
///
/// Its rate control spreads the bitrate over an even number of frames a second, and cannot be told another. So the
/// encoder measures the rate from the time stamps, and where it is another, the next key frame comes from a new one.
pub struct OpenH264 {
    config: Config,
    running: Option<Running>,
    previous: Option<Pts90k>,
    /// Smoothed time between pictures, in seconds.
    interval: f64,
}

/// An encoder at work on pictures of one size, at one rate.
struct Running {
    encoder: wels::Encoder,
    width: usize,
    height: usize,
    rate: f64,
}

impl OpenH264 {
    /// An encoder that begins with the first picture.
    pub fn new(config: Config) -> Self {
        Self { config, running: None, previous: None, interval: 1.0 / FIRST_RATE }
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

    /// Takes the time between this picture and the one before into the measured rate.
    fn measure(&mut self, pts: Pts90k) {
        if let Some(previous) = self.previous.replace(pts) {
            let gap = pts.saturating_since(previous) as f64 / TICKS_PER_SECOND as f64;
            // A pause, while nobody watched, says nothing about the rate.
            if gap <= 1.0 / RATES.start() {
                self.interval = self.interval * 0.9 + gap * 0.1;
            }
        }
    }

    /// The encoder for pictures of this size, and whether it is a new one.
    fn running(
        &mut self,
        width: usize,
        height: usize,
        key: bool,
    ) -> Result<(&mut Running, bool), EncodeFault> {
        let rate = (1.0 / self.interval).clamp(*RATES.start(), *RATES.end());
        let fits = |running: &Running| {
            let off = (running.rate / rate).max(rate / running.rate);
            running.width == width && running.height == height && !(key && off > RATE_TOLERANCE)
        };
        let current = self.running.take().filter(fits);
        let new = current.is_none();
        let running = match current {
            Some(running) => running,
            None => {
                let bitrate = self.config.bitrate.unwrap_or(default_bitrate(width, height));
                let config = wels_config(bitrate, rate, level(width, height));
                Running { encoder: quiet_encoder(config)?, width, height, rate }
            }
        };
        Ok((self.running.insert(running), new))
    }

    fn try_encode(&mut self, picture: &I420, pts: Pts90k, force_key: bool) -> Result<Encoded, EncodeFault> {
        let (width, height) = (picture.width(), picture.height());
        check_size(width, height)?;
        self.measure(pts);
        let (running, new) = self.running(width, height, force_key)?;
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

/// An encoder that keeps what it has to say for itself: it prints warnings to standard error otherwise.
#[expect(unsafe_code, reason = "the wrapper sets the trace level only after it has initialised the encoder")]
fn quiet_encoder(config: wels::EncoderConfig) -> Result<wels::Encoder, EncodeFault> {
    let mut encoder = wels::Encoder::with_api_config(OpenH264API::from_source(), config).map_err(failed)?;
    let mut level = WELS_LOG_QUIET;
    // SAFETY: openh264 allows this option before initialisation (CWelsH264SVCEncoder::SetOption checks for it by name), and
    // copies the int that the pointer refers to before it returns.
    let status = unsafe {
        encoder.raw_api().set_option(ENCODER_OPTION_TRACE_LEVEL, std::ptr::from_mut(&mut level).cast())
    };
    debug_assert_eq!(status, 0, "a trace level can always be set");
    Ok(encoder)
}

/// The lowest level (ITU-T H.264 Table A-1) that allows pictures of this size at 60 a second. It is part of the SPS, and must
/// not change with the rate: players begin anew with another SPS.
fn level(width: usize, height: usize) -> wels::Level {
    let macroblocks = width.div_ceil(16) * height.div_ceil(16);
    // Macroblocks a second, macroblocks a frame.
    const LEVELS: [(usize, usize, wels::Level); 9] = [
        (11_880, 396, wels::Level::Level_2_0),
        (19_800, 792, wels::Level::Level_2_1),
        (20_250, 1_620, wels::Level::Level_2_2),
        (40_500, 1_620, wels::Level::Level_3_0),
        (108_000, 3_600, wels::Level::Level_3_1),
        (216_000, 5_120, wels::Level::Level_3_2),
        (245_760, 8_192, wels::Level::Level_4_0),
        (522_240, 8_704, wels::Level::Level_4_2),
        (983_040, 36_864, wels::Level::Level_5_1),
    ];
    let fits = |(second, frame, _): &&(usize, usize, wels::Level)| {
        macroblocks * 60 <= *second && macroblocks <= *frame
    };
    LEVELS.iter().find(fits).map_or(wels::Level::Level_5_2, |(.., level)| *level)
}

/// openh264's defaults are for video calls: 120 kbit/s, frames skipped, no key frames. Everything is said here.
fn wels_config(bitrate: u32, rate: f64, level: wels::Level) -> wels::EncoderConfig {
    wels::EncoderConfig::new()
        // Baseline, for which openh264 sets constraint_set1_flag too: constrained baseline, which every browser plays.
        .profile(wels::Profile::Baseline)
        .level(level)
        .usage_type(wels::UsageType::CameraVideoRealTime)
        .num_threads(1)
        .complexity(wels::Complexity::Low)
        // Without rate control the noise of a cheap sensor took 9 Mbit/s at VGA, and twice the CPU.
        .rate_control_mode(wels::RateControlMode::Bitrate)
        .bitrate(wels::BitRate::from_bps(bitrate))
        .qp(wels::QpRange::new(MIN_QP, MAX_QP))
        .max_frame_rate(wels::FrameRate::from_hz(rate as f32))
        .skip_frames(false)
        // Each would cost a pass over the picture; the first two may also give key frames and QPs not asked for.
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .long_term_reference(false)
        .sps_pps_strategy(wels::SpsPpsStrategy::ConstantId)
        // 0: no key frame unless one is forced.
        .intra_frame_period(wels::IntraFramePeriod::from_num_frames(0))
        .vui(colours())
}

/// ITU-T H.264 §E.2.1. Limited range, since decoders that do not look here take it for granted. The matrix is what JFIF
/// defines; were it not said, players would take BT.709 (wrong greens) from 720 lines on. Matrix 6 has the coefficients
/// of 5, and more players know it. JFIF says nothing about primaries and transfer: browsers show a JPEG without a profile
/// as sRGB, so the same is said here, and video has the colours of the snapshot beside it (in Chromium to within 2 of
/// 255; docs/decisions/0005-limited-range.md has the figures).
fn colours() -> wels::VuiConfig {
    wels::VuiConfig::srgb().matrix_coefficients(wels::MatrixCoefficients::Smpte170M).full_range(false)
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
