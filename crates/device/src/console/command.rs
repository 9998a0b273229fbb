//! Commands and their grammar.

use crate::camera::{Exposure, FrameRate, FrameSize};
use crate::log::Level;
use crate::settings::{Credentials, Key};
use alloc::string::String;

/// A command that was understood. `save` says whether it shall survive a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `help [command]`, with the name of a group of [`help`](super::help).
    Help(Option<String>),
    /// `wifi …`.
    Wifi(Wifi),
    /// `stream …`.
    Stream(Stream),
    /// `cam …`.
    Cam(Cam),
    /// `psram status`.
    PsramStatus,
    /// `log level <error|warn|info|debug>`; without a level, what it is.
    LogLevel(Option<Level>),
    /// `reboot`.
    Reboot,
    /// `version`.
    Version,
}

/// `wifi …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wifi {
    /// `wifi status`.
    Status,
    /// `wifi scan [max]`.
    Scan {
        /// How many networks to show, 1 to 200.
        max: u8,
    },
    /// `wifi set <ssid> <password> [save]`.
    Set {
        /// The network.
        credentials: Credentials,
        /// Whether to keep it.
        save: bool,
    },
    /// `wifi connect`.
    Connect,
    /// `wifi disconnect`.
    Disconnect,
    /// `wifi clear`.
    Clear,
}

/// `stream …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `stream status`.
    Status,
    /// `stream set host <host> [port] [save]`.
    SetHost {
        /// Name or address.
        host: String,
        /// TCP port, when it was named.
        port: Option<u16>,
        /// Whether to keep it.
        save: bool,
    },
    /// `stream set port <port> [save]`.
    SetPort {
        /// TCP port.
        port: u16,
        /// Whether to keep it.
        save: bool,
    },
    /// `stream set path <path> [save]`.
    SetPath {
        /// Path of the WebSocket; `/ws/camera` is the spec's.
        path: String,
        /// Whether to keep it.
        save: bool,
    },
    /// `stream set key <key> [save]`.
    SetKey {
        /// The key; never printed back.
        key: Key,
        /// Whether to keep it.
        save: bool,
    },
    /// `stream start [save]`.
    Start {
        /// Whether to do so at every boot.
        save: bool,
    },
    /// `stream stop [save]`.
    Stop {
        /// Whether not to start at every boot any more.
        save: bool,
    },
    /// `stream clear`.
    Clear,
}

/// `cam …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cam {
    /// `cam status`.
    Status,
    /// `cam power <0|1>`.
    Power(bool),
    /// `cam dump`.
    Dump,
    /// `cam ir <0|1>`.
    Ir(bool),
    /// `cam testbar <0|1>`.
    TestBar(bool),
    /// One of the picture's settings.
    Set {
        /// Which, and to what.
        setting: PictureSetting,
        /// Whether to keep it.
        save: bool,
    },
}

/// One setting of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSetting {
    /// `cam size <qqvga|qvga|vga|svga|xga|uxga> [save]`.
    Size(FrameSize),
    /// `cam quality <1-100> [save]`.
    Quality(u8),
    /// `cam fps <n> [save]`, 0.1 to 120.
    Rate(FrameRate),
    /// `cam adaptive <on|off> [save]`.
    Adaptive(bool),
    /// `cam flip <0|1> [save]`.
    Flip(bool),
    /// `cam mirror <0|1> [save]`.
    Mirror(bool),
    /// `cam brightness <-2..2> [save]`.
    Brightness(i8),
    /// `cam exposure <auto|n> [save]`.
    Exposure(Exposure),
}
