//! What an owner sets, and what of it is kept in flash.
//!
//! Runtime values and saved values are distinct, as in the original firmware: a setting counts at once, and survives a
//! restart only when it was saved.

pub mod store;

use crate::camera::Picture;
use alloc::string::String;
use core::fmt;
use lenscast_protocol::DEFAULT_PORT;

/// Longest SSID in bytes (IEEE 802.11-2020 §9.4.2.2).
pub const MAX_SSID_BYTES: usize = 32;
/// Longest password in bytes: 63 characters of a passphrase, or 64 hexadecimal digits of a key.
pub const MAX_PASSWORD_BYTES: usize = 64;
/// Longest host name or address in bytes, as in the original firmware.
pub const MAX_HOST_BYTES: usize = 63;
/// Longest path in bytes, which begins with `/`.
pub const MAX_PATH_BYTES: usize = 128;
/// Longest key of a camera in bytes: visible ASCII.
pub const MAX_KEY_BYTES: usize = 128;

/// How to join a network.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name of the network, 1 to [`MAX_SSID_BYTES`] bytes.
    pub ssid: String,
    /// Password, at most [`MAX_PASSWORD_BYTES`] bytes; empty for an open network.
    pub password: String,
}

/// The password stays out of logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("ssid", &self.ssid).finish_non_exhaustive()
    }
}

/// A key that a camera shows to its server.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub String);

/// It stays out of logs.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Where to stream to.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name or address, at most [`MAX_HOST_BYTES`] bytes; `None` when it was never set.
    pub host: Option<String>,
    /// TCP port, 1 to 65535.
    pub port: u16,
    /// Path of the WebSocket, when it is not the spec's `/ws/camera`.
    pub path: Option<String>,
    /// Key that this camera shows to the server, as `Authorization: Bearer`.
    pub key: Option<String>,
}

impl Default for Target {
    fn default() -> Self {
        Self { host: None, port: DEFAULT_PORT, path: None, key: None }
    }
}

/// The key stays out of logs.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path, .. } = self;
        f.debug_struct("Target")
            .field("host", host)
            .field("port", port)
            .field("path", path)
            .finish_non_exhaustive()
    }
}

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The network.
    pub wifi: Option<Credentials>,
    /// The server.
    pub target: Target,
    /// Whether streaming begins at every boot.
    pub auto: bool,
    /// The picture.
    pub picture: Picture,
}

/// One change of what is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Keeps the credentials, or forgets them.
    Wifi(Option<Credentials>),
    /// Keeps the whole target; what is `None` in it is forgotten.
    Target(Target),
    /// Keeps whether streaming begins at every boot.
    Auto(bool),
    /// Keeps the picture; what is `None` in it is forgotten.
    Picture(Picture),
    /// Forgets the target and whether streaming begins at every boot.
    ClearStream,
}
