//! From what is wished of the picture to what the camera is asked for.

use super::Device;
use crate::camera::Picture;
use crate::camera::adaptive::{Adaptive, Demand};
use crate::camera::{CameraInfo, FrameRate, FrameSize, Plan};
use crate::console::command::PictureSetting;
use crate::time::Instant;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;
use lenscast_protocol::control::{PictureRequest, PictureState};

/// Size until the sensor has told its own.
const UNKNOWN_SENSOR_SIZE: FrameSize = FrameSize::QVGA;

/// What is known and wished about the camera.
#[derive(Debug)]
pub(super) struct CameraState {
    pub(super) info: Option<CameraInfo>,
    /// Why there is none.
    pub(super) failure: Option<String>,
    pub(super) power: bool,
    pub(super) ir: bool,
    /// Whether test bars are wished.
    pub(super) test_bar: bool,
    pub(super) adaptive: Adaptive,
    /// The plan that the driver has.
    pub(super) plan: Option<Plan>,
    last_frame: Option<Instant>,
    /// Time between two frames, smoothed: a camera may be slower than its plan.
    spacing: Duration,
}

impl CameraState {
    pub(super) fn new() -> Self {
        Self {
            info: None,
            failure: None,
            power: true,
            ir: false,
            test_bar: false,
            adaptive: Adaptive::default(),
            plan: None,
            last_frame: None,
            spacing: Duration::ZERO,
        }
    }

    pub(super) fn frame(&mut self, now: Instant) {
        if let Some(last) = self.last_frame.replace(now) {
            let spacing = now.since(last);
            self.spacing = if self.spacing.is_zero() { spacing } else { (self.spacing * 7 + spacing) / 8 };
        }
    }

    /// Time between two frames, as planned or as the camera manages.
    pub(super) fn interval(&self) -> Duration {
        let planned = self.plan.map_or(Duration::ZERO, |plan| plan.rate.interval());
        planned.max(self.spacing)
    }

    /// What is wished, within what the sensor can.
    pub(super) fn wish(&self, picture: &Picture) -> Demand {
        let default = self.info.as_ref().map_or(UNKNOWN_SENSOR_SIZE, |info| info.default_size);
        let size = picture.size.unwrap_or(default);
        let size = match &self.info {
            Some(info) if !size.fits(info.max_size) => info.max_size,
            _ => size,
        };
        Demand { size, quality: picture.quality, rate: picture.rate }
    }

    /// The plan for `picture`.
    pub(super) fn plan_for(&self, picture: &Picture, capture: bool) -> Plan {
        let wish = self.wish(picture);
        let Demand { size, quality, rate } = if picture.adaptive { self.adaptive.reduce(wish) } else { wish };
        let capture = capture && self.power;
        let test_bar = self.shows_test_bar();
        Plan { power: self.power, capture, size, quality, rate, picture: *picture, ir: self.ir, test_bar }
    }

    /// Whether there are test bars instead of the picture: wished, and this sensor has them.
    fn shows_test_bar(&self) -> bool {
        self.test_bar && self.info.as_ref().is_none_or(|info| info.test_bar)
    }

    /// Why `size` cannot be had.
    fn refuse(&self, size: FrameSize) -> Option<String> {
        let info = self.info.as_ref().filter(|info| !size.fits(info.max_size))?;
        let FrameSize { width, height } = size;
        let FrameSize { width: most_width, height: most_height } = info.max_size;
        Some(format!(
            "{size} is {width}x{height} pixels; the {} has at most {most_width}x{most_height}",
            info.sensor
        ))
    }

    /// What the picture is now, for the server.
    pub(super) fn state(&self) -> PictureState {
        let Some(plan) = self.plan else { return PictureState::default() };
        PictureState {
            width: plan.size.width,
            height: plan.size.height,
            quality: plan.quality,
            fps: f64::from(plan.rate.as_milli()) / 1000.0,
            reduced: if plan.picture.adaptive { self.adaptive.step() } else { 0 },
        }
    }
}

/// `size=qvga`, as in the answers.
impl fmt::Display for PictureSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "size={size}"),
            Self::Quality(quality) => write!(f, "quality={quality}"),
            Self::Rate(rate) => write!(f, "fps={rate}"),
            Self::Adaptive(on) => write!(f, "adaptive={}", if *on { "on" } else { "off" }),
            Self::Flip(on) => write!(f, "flip={}", u8::from(*on)),
            Self::Mirror(on) => write!(f, "mirror={}", u8::from(*on)),
            Self::Brightness(level) => write!(f, "brightness={level}"),
            Self::Exposure(exposure) => write!(f, "exposure={exposure}"),
        }
    }
}

impl<F: AsRef<[u8]>> Device<F> {
    /// Changes one setting of `picture`.
    ///
    /// # Errors
    /// Why it cannot be, in words.
    pub(super) fn set_picture(&self, picture: &mut Picture, setting: PictureSetting) -> Result<(), String> {
        match setting {
            PictureSetting::Size(size) => {
                if let Some(refusal) = self.camera.refuse(size) {
                    return Err(refusal);
                }
                picture.size = Some(size);
            }
            PictureSetting::Quality(quality) => picture.quality = quality,
            PictureSetting::Rate(rate) => picture.rate = rate,
            PictureSetting::Adaptive(on) => picture.adaptive = on,
            PictureSetting::Flip(on) => picture.flip = Some(on),
            PictureSetting::Mirror(on) => picture.mirror = Some(on),
            PictureSetting::Brightness(level) => picture.brightness = Some(level),
            PictureSetting::Exposure(exposure) => picture.exposure = exposure,
        }
        Ok(())
    }

    /// Makes `picture` the wished one. A new wish starts without what the old one had yielded.
    pub(super) fn wish_picture(&mut self, picture: Picture) {
        let demand = |picture: &Picture| (picture.size, picture.quality, picture.rate, picture.adaptive);
        if demand(&picture) != demand(&self.runtime.picture) {
            self.camera.adaptive = Adaptive::default();
        }
        self.runtime.picture = picture;
    }

    /// What a server asks for. All of it or nothing.
    ///
    /// # Errors
    /// Why it cannot be, in words.
    pub(super) fn requested(&mut self, request: &PictureRequest) -> Result<(), String> {
        let mut picture = self.runtime.picture;
        if let Some(name) = &request.size {
            let size = FrameSize::from_name(name).ok_or_else(|| format!("{name:?} is no size"))?;
            self.set_picture(&mut picture, PictureSetting::Size(size))?;
        }
        if let Some(quality) = request.quality {
            if !(1..=100).contains(&quality) {
                return Err(format!("{quality} is no quality: 1 to 100"));
            }
            picture.quality = quality;
        }
        if let Some(fps) = request.fps {
            // Saturates, and NaN becomes 0: both are refused below.
            let rate = FrameRate::from_milli((fps * 1000.0) as u32);
            picture.rate = rate.ok_or_else(|| {
                format!("{fps} is no rate: {} to {} frames a second", FrameRate::MIN, FrameRate::MAX)
            })?;
        }
        self.wish_picture(picture);
        Ok(())
    }

    /// The answer to `cam status`.
    pub(super) fn camera_status(&self) -> String {
        let on_off = |on: bool| if on { "on" } else { "off" };
        let or_default = |value: Option<String>| value.unwrap_or_else(|| "default".to_string());
        let camera = &self.camera;
        let mut text = match (&camera.info, &camera.failure) {
            (_, Some(failure)) => format!("sensor=- {failure}\n"),
            (Some(info), None) => format!(
                "sensor={} max={}x{} jpeg={}\n",
                info.sensor,
                info.max_size.width,
                info.max_size.height,
                if info.native_jpeg { "sensor" } else { "software" },
            ),
            (None, None) => "sensor=- not probed yet\n".to_string(),
        };
        let picture = &self.runtime.picture;
        let wish = camera.wish(picture);
        let capture = camera.plan.is_some_and(|plan| plan.capture);
        text += &format!(
            "power={} capture={} size={} quality={} fps={} adaptive={}\n",
            u8::from(camera.power),
            on_off(capture),
            wish.size,
            wish.quality,
            wish.rate,
            on_off(picture.adaptive),
        );
        text += &format!(
            "flip={} mirror={} brightness={} exposure={} ir={}\n",
            or_default(picture.flip.map(|on| u8::from(on).to_string())),
            or_default(picture.mirror.map(|on| u8::from(on).to_string())),
            or_default(picture.brightness.map(|level| level.to_string())),
            picture.exposure,
            u8::from(camera.ir),
        );
        if camera.shows_test_bar() {
            text += "testbar=1: coloured bars are shown, not the picture\n";
        }
        if let (Some(plan), true) = (camera.plan, camera.adaptive.step() > 0 && picture.adaptive) {
            text += &format!(
                "now: size={} quality={} fps={}, {} of {} steps less than wished: the network is slow\n",
                plan.size,
                plan.quality,
                plan.rate,
                camera.adaptive.step(),
                Adaptive::DEEPEST,
            );
        }
        if picture != &self.saved.picture {
            text += "not all of this is saved: type it again with save at the end\n";
        }
        for (cause, count) in &self.stats.faults {
            text += &format!("frames lost: {count} x {cause}\n");
        }
        text
    }
}
