//! Everything that a running server was told, and the part of it that each crate gets.
//!
//! [`Config`] is plain data. How the owner tells it (file, environment, flags) is in the rest of this crate.

mod access;
mod parts;
mod tls;

pub use access::{Access, Local};
pub use tls::{DEFAULT_TLS_LISTEN, Plain, Proxy, Tls, TlsMode, TlsSettings};

use lenscast_live::pipeline::{self, encoder::MakeEncoder};
use lenscast_live::{ABSENT_PER_CAMERA, EncodeMode, Rules};
use lenscast_media::time::Pts90k;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that a running server was told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address and port at which the server listens. `[::]` takes IPv4 connections too.
    pub listen: SocketAddr,
    /// The time when video is encoded: while somebody watches, or always.
    pub encode: EncodeMode,
    /// The maker of video encoders.
    pub encoder: MakeEncoder,
    /// The limits on what clients may ask of this server.
    pub limits: Limits,
    /// The directory for what survives a restart; `None` when nothing is kept.
    pub state_dir: Option<PathBuf>,
    /// The owner's decisions about who may do what.
    pub access: Access,
    /// The settings of TLS; `None` when the server has no TLS.
    pub tls: Option<Tls>,
    /// The proxies in front of this server.
    pub proxy: Proxy,
    /// The presentation time (PTS) of a frame that arrives when the server starts, in ticks of 90 kHz. Players do not
    /// care about it. Tests set it just below the point where its 33 bits wrap around to 0.
    pub pts_origin: Pts90k,
}

/// The limits, each with the default that suits a home.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Largest message of a camera, in bytes; a larger one closes its connection with code 1009
    #[arg(long, value_name = "BYTES", default_value_t = Limits::DEFAULT.max_message_bytes)]
    pub max_message_bytes: usize,
    /// Largest picture that is accepted, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = Limits::DEFAULT.max_pixels)]
    pub max_pixels: u32,
    /// Memory that the video of all cameras may take, in bytes; what does not fit is shown as JPEG
    #[arg(long, value_name = "BYTES", default_value_t = Limits::DEFAULT.max_video_memory)]
    pub max_video_memory: usize,
    /// How many cameras may be connected at once
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.max_cameras)]
    pub max_cameras: usize,
    /// Bytes that the messages of all cameras may take together: unfinished ones, and the newest picture of each; a
    /// connection that would take more is closed with code 1013. At least four of the largest messages
    #[arg(long, value_name = "BYTES", default_value_t = Limits::DEFAULT.max_camera_bytes)]
    pub max_camera_bytes: usize,
    /// How many may watch at once, by WebSocket, /stream.mjpg and /stream.ts together
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.max_viewers)]
    pub max_viewers: usize,
    /// How many of them from one address; an IPv6 network of 64 bits counts as one
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.max_viewers_per_address)]
    pub max_viewers_per_address: usize,
    /// How many connections may be open at once, of any kind; fewer where the system allows fewer open files
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value_t = Limits::DEFAULT.max_connections)]
    pub max_connections: usize,
    /// How many of them from one address, or IPv6 network of 64 bits; this computer and trusted proxies may have any number
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value_t = Limits::DEFAULT.max_connections_per_address)]
    pub max_connections_per_address: usize,
    /// How many of max_connections viewers never get: half of them are for cameras and health checks alone, and half for
    /// this computer, too
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.reserved_connections)]
    pub reserved_connections: usize,
    /// How many connections may be open at once that neither watch nor publish; when one more comes, the oldest of the
    /// address with most of them is closed
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value_t = Limits::DEFAULT.max_newcomers)]
    pub max_newcomers: usize,
    /// How long a client may take to agree on TLS, to send the head of a request, and to send its body, for each of them,
    /// in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub handshake_timeout: Duration,
    /// How often an otherwise quiet WebSocket is pinged, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub ping_interval: Duration,
    /// A camera that was not heard for this long, pongs included, is taken for gone, in seconds; one that answers no pings may
    /// be quiet for three of its usual intervals more
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "25")]
    pub camera_timeout: Duration,
    /// A viewer whose connection took no byte and sent none for this long is closed, by WebSocket or HTTP, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub stall_timeout: Duration,
    /// An encoder that has been at a single frame for this long is given up, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub encoder_timeout: Duration,
    /// A second connection for a camera takes the name over when the first answers no ping for this long, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "2")]
    pub takeover_timeout: Duration,
    /// A frame older than this is no snapshot any more, in seconds, or than three of its camera's usual intervals
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub snapshot_max_age: Duration,
    /// A camera that sent no frame for this long is shown as silent, in seconds; a slow one after three of its usual intervals
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "3")]
    pub silent_after: Duration,
}

impl Limits {
    /// The limits of a server whose owner set none.
    pub const DEFAULT: Self = Self {
        max_message_bytes: lenscast_protocol::DEFAULT_MAX_MESSAGE_BYTES,
        max_pixels: lenscast_media::jpeg::DEFAULT_MAX_PIXELS,
        max_video_memory: pipeline::config::DEFAULT_MAX_MEMORY,
        max_cameras: 32,
        max_camera_bytes: 64 << 20,
        max_viewers: 2000,
        max_viewers_per_address: 200,
        max_connections: 4000,
        max_connections_per_address: 500,
        reserved_connections: 128,
        max_newcomers: 512,
        handshake_timeout: Duration::from_secs(10),
        ping_interval: Duration::from_secs(10),
        camera_timeout: Duration::from_secs(25),
        stall_timeout: Duration::from_secs(30),
        encoder_timeout: Duration::from_secs(10),
        takeover_timeout: Duration::from_secs(2),
        snapshot_max_age: Duration::from_secs(10),
        silent_after: Duration::from_secs(3),
    };
}

/// The address at which `lenscast serve` listens by default: every address of this computer, IPv6 and IPv4.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), lenscast_protocol::DEFAULT_PORT);

impl Config {
    /// The part that every stream gets.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let Limits { silent_after, takeover_timeout, max_cameras, .. } = self.limits;
        let max_absent = max_cameras.saturating_mul(ABSENT_PER_CAMERA);
        Rules { encode: self.encode, silent_after, takeover_timeout, max_absent, pts_origin: self.pts_origin }
    }

    /// The part that the pipelines get, which make video.
    #[must_use]
    pub fn pipeline(&self) -> pipeline::Config {
        let Limits { max_pixels, encoder_timeout, max_cameras, max_video_memory: max_memory, .. } =
            self.limits;
        let (encoder, max_pipelines) = (self.encoder.clone(), pipeline::config::max_pipelines(max_cameras));
        pipeline::Config { encoder, max_pixels, encoder_timeout, max_pipelines, max_memory }
    }

    /// The part that the certificate gets.
    #[must_use]
    pub fn certificate(&self) -> lenscast_tls::TlsConfig {
        lenscast_tls::TlsConfig {
            certificate: self.tls.as_ref().map(|tls| tls.certificate.clone()),
            host_names: self.access.host_names.clone(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            encode: EncodeMode::default(),
            encoder: MakeEncoder::built_in(Default::default()),
            limits: Limits::DEFAULT,
            state_dir: None,
            access: Access::default(),
            tls: None,
            proxy: Proxy::default(),
            pts_origin: Pts90k(lenscast_media::ts::PCR_LEAD),
        }
    }
}

/// Reads a number of seconds, such as `10` or `0.5`. The smallest is 0.001.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration >= Duration::from_millis(1) => Ok(duration),
        _ => Err(format!("{text:?} is no number of seconds from 0.001 on")),
    }
}

/// Reads a number of at least 1.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 would let nobody in".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}
