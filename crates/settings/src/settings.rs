//! The settings of a server: each is defined here once, as a flag, and everything else follows from that.

use crate::config::{Access, Limits, Proxy, TlsSettings};
use lenscast_live::EncodeMode;
use lenscast_live::pipeline::ffmpeg;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// When video is encoded, as it is written in a file or after a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Encode {
    /// Only while somebody watches the video; a JPEG source can begin with a key frame at any moment.
    #[default]
    Demand,
    /// From the camera's first frame to its last.
    Always,
}

impl From<Encode> for EncodeMode {
    fn from(encode: Encode) -> Self {
        match encode {
            Encode::Demand => Self::Demand,
            Encode::Always => Self::Always,
        }
    }
}

/// All that a server may be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Address and port; `[::]` means all of this computer's, IPv4 too
    #[arg(long, value_name = "ADDR", value_parser = address, default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Where to keep what is to survive a restart; unless it is given, $STATE_DIRECTORY, $XDG_STATE_HOME/lenscast or
    /// ~/.local/state/lenscast
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or a filter such as lenscast=debug
    #[arg(long, value_name = "FILTER", value_parser = filter, default_value = "info")]
    pub log: String,
    /// When to encode video
    #[arg(long, value_enum, default_value_t, help_heading = "Video")]
    pub encode: Encode,
    /// What encodes it: "builtin", "ffmpeg" (x264), or "ffmpeg:CODEC" with an H.264 encoder of ffmpeg, such as
    /// h264_vaapi
    #[arg(long, value_name = "ENCODER", default_value = "builtin", help_heading = "Video")]
    pub encoder: ffmpeg::Choice,
    /// Bitrate of the video in kbit/s; unless it is given, what suits the size of the picture (VGA: 1,843)
    #[arg(long, value_name = "KBITS", value_parser = clap::value_parser!(u32).range(50..=100_000), help_heading = "Video")]
    pub bitrate: Option<u32>,
    /// Who may do what.
    #[command(flatten)]
    pub access: Access,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsSettings,
    /// What stands in front of this server.
    #[command(flatten)]
    pub proxy: Proxy,
    /// What a client may ask of this server.
    #[command(flatten)]
    pub limits: Limits,
}

/// Reads an address with a port, such as `[::]:8080`.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is no address with a port, such as 192.168.1.5:8080, 127.0.0.1:8080 or [::]:8080")
    })
}

/// Reads a filter of the log, such as `debug` or `lenscast=debug`.
fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{text:?} is no filter: {error}")),
    }
}
