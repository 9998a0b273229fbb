//! What to run, and why it cannot be.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use lenscast_device::camera::{FrameRate, FrameSize};
use lenscast_device::device::Identity;
use lenscast_device::settings::{Key, Settings};
use lenscast_device::stream::Timing;

use crate::flash::NvsError;
use crate::server::{Server, ServerError};
use crate::source::{Source, SourceError};
use crate::world::World;

/// The frame rates a device can be asked for, in frames a second.
pub const FPS: RangeInclusive<f32> = 0.1..=120.0;

/// Most devices that can be run at once: each has a thread that captures.
pub const MAX_DEVICES: usize = 500;

/// What a device is, and what it is told from outside.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to stream from the start: `ws://HOST[:PORT][/PATH]`. Without a port it is 8080, without a path `/ws/camera`.
    /// `None`: what its settings say, as a device from the shop.
    pub server: Option<String>,
    /// The key that the server asks of this camera, of visible ASCII; `None`: none.
    pub key: Option<Key>,
    /// Where the pictures come from.
    pub source: Source,
    /// Frames a second, within [`FPS`]; `None`: what its settings say.
    pub fps: Option<f32>,
    /// Size of the test pattern, and what is wished of a webcam, at each start. Pictures from files keep their size. Both
    /// sides are at least 1; `None`: what its settings say, or VGA.
    pub size: Option<FrameSize>,
    /// JPEG quality of what is no JPEG yet, 1 to 100; `None`: what its settings say.
    pub quality: Option<u8>,
    /// The file that holds its settings; it is made when it is missing. `None`: they are forgotten with the device.
    pub nvs: Option<PathBuf>,
    /// The networks in reach. `None`: a cable, which needs no credentials.
    pub world: Option<World>,
    /// How patient the device is.
    pub timing: Timing,
}

impl Options {
    /// A device that streams to `server` through a cable, with settings as from the shop.
    pub fn new(server: impl Into<String>, source: Source) -> Self {
        Self { server: Some(server.into()), ..Self::from_the_shop(source) }
    }

    /// A device that somebody just unpacked.
    pub fn from_the_shop(source: Source) -> Self {
        Self {
            server: None,
            key: None,
            source,
            fps: None,
            size: None,
            quality: None,
            nvs: None,
            world: None,
            timing: Timing::default(),
        }
    }

    /// What counts for a device with these settings in flash.
    pub(crate) fn settings(&self, saved: &Settings, server: Option<&Server>) -> Result<Settings, Error> {
        let mut settings = saved.clone();
        if let Some(server) = server {
            (settings.target, settings.auto) = (server.target(), true);
            settings.target.key = self.key.as_ref().map(|Key(key)| key.clone());
            // Somebody who names a server and a world wants the device in it.
            let known = self.world.as_ref().and_then(World::credentials);
            settings.wifi = settings.wifi.or(known);
        }
        let picture = &mut settings.picture;
        if let Some(fps) = self.fps {
            picture.rate = FrameRate::from_milli((fps * 1000.0) as u32).ok_or(Error::Fps(fps))?;
        }
        if let Some(FrameSize { width, height }) = self.size {
            if width == 0 || height == 0 {
                return Err(Error::Size { width, height });
            }
            picture.size = None;
        }
        if let Some(quality) = self.quality {
            picture.quality = quality.clamp(1, 100);
        }
        Ok(settings)
    }

    /// The server, understood.
    pub(crate) fn server(&self) -> Result<Option<Server>, ServerError> {
        self.server.as_deref().map(str::parse).transpose()
    }
}

/// The server, when as many devices as `count` can share these options.
pub(crate) fn fits_many(options: &Options, count: usize) -> Result<Server, Error> {
    if !(1..=MAX_DEVICES).contains(&count) {
        return Err(Error::Count(count));
    }
    match (options.server()?, &options.nvs) {
        (Some(server), None) => Ok(server),
        _ => Err(Error::Many),
    }
}

/// Who a device is. Its name is the same whenever it is started alike on the same computer.
pub(crate) fn identity(options: &Options, server: Option<&Server>, reset_reason: &str) -> Identity {
    let host = rustix::system::uname();
    let nvs = options.nvs.as_ref().and_then(|path| path.canonicalize().ok()).unwrap_or_default();
    let target = server.map(|server| server.target().path.unwrap_or_default()).unwrap_or_default();
    let parts = [host.nodename().to_bytes(), nvs.as_os_str().as_encoded_bytes(), target.as_bytes()];
    // FNV-1a.
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in parts.join(&b'\n') {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let [a, b, c, d, e, ..] = hash.to_be_bytes();
    Identity {
        // 02: locally administered, so that no manufacturer's device has the same (IEEE 802-2014 §8.4).
        id: format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        board: "this computer".to_owned(),
        reset_reason: reset_reason.to_owned(),
    }
}

/// Why a device does not run, or stopped. Nothing the network does is among it: then the device tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address of the server cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The frame rate is out of [`FPS`].
    #[error("{0} frames a second cannot be captured: choose from {min} to {max}", min = FPS.start(), max = FPS.end())]
    Fps(f32),
    /// The test pattern has no pixels.
    #[error("a test pattern of {width}x{height} pixels has nothing to show: both sides must be at least 1")]
    Size {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// The source gives no more pictures.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The file for the settings cannot be used.
    #[error(transparent)]
    Nvs(#[from] NvsError),
    /// Without random numbers nobody may speak WebSocket (RFC 6455 §10.3).
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The system refused a thread for capturing.
    #[error("cannot start the thread that captures: {0}")]
    Thread(std::io::Error),
    /// There cannot be so many.
    #[error("{0} devices cannot be run: choose from 1 to {MAX_DEVICES}")]
    Count(usize),
    /// Many devices can neither be typed at nor share a file.
    #[error("many devices need a server (ws://HOST:PORT) and have no settings file")]
    Many,
    /// A defect in this program.
    #[error("a device stopped by a defect in lenscast; please report it with the output above")]
    DevicePanicked,
    /// A defect in this program.
    #[error("capturing stopped by a defect in lenscast; please report it with the output above")]
    CapturePanicked,
}
