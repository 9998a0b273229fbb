//! Why there is no WiFi, in words.

use super::{AccessPoint, Auth};
use core::fmt;

/// Why the network cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The network refused the password.
    WrongPassword,
    /// The network wants a password, and none is set.
    NoPassword,
    /// No network has this name, or it is too far away, or it is on 5 GHz.
    NoSuchNetwork,
    /// The network is WPA3 only.
    Wpa3Only,
    /// The network wants a user name.
    Enterprise,
    /// The network let us in and gave no address.
    NoAddress,
    /// The access point is not heard any more.
    OutOfRange,
    /// The driver did not answer.
    NoAnswer,
    /// Anything else, with ESP-IDF's number for it.
    Other(u16),
}

impl Trouble {
    /// What ESP-IDF's `wifi_err_reason_t` tells. `had_password`: whether one is set.
    #[must_use]
    pub fn from_reason(reason: u16, had_password: bool) -> Self {
        match reason {
            // 4-way handshake timeout, and the two by which the driver tells of refused keys.
            15 | 202 | 204 if had_password => Self::WrongPassword,
            // No access point has the name; or one has, but it protects itself otherwise than we can or wish.
            201 | 210 => Self::NoSuchNetwork,
            211 if had_password => Self::NoSuchNetwork,
            15 | 202 | 204 | 211 => Self::NoPassword,
            // Beacons missing; signal below the threshold.
            200 | 212 => Self::OutOfRange,
            other => Self::Other(other),
        }
    }

    /// What a scan adds: `named` are the networks of the name that was tried. Several access points may share it; one
    /// that could let us in is enough for the trouble to be another.
    #[must_use]
    pub fn with_scan<'a>(self, named: impl Iterator<Item = &'a AccessPoint>) -> Self {
        let mut hopeless = None;
        for network in named {
            match network.auth {
                Auth::Wpa3 => hopeless = hopeless.or(Some(Self::Wpa3Only)),
                Auth::Enterprise => hopeless = hopeless.or(Some(Self::Enterprise)),
                _ => return self,
            }
        }
        hopeless.unwrap_or(self)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPassword => f.write_str("the network refused the password"),
            Self::NoPassword => f.write_str("the network wants a password"),
            Self::NoSuchNetwork => {
                f.write_str("no network of this name is in reach (this device has 2.4 GHz only)")
            }
            Self::Wpa3Only => {
                f.write_str("the network takes WPA3 only, which this device cannot: let it take WPA2 too")
            }
            Self::Enterprise => {
                f.write_str("the network wants a user name (802.1X), which this device cannot")
            }
            Self::NoAddress => f.write_str("the network gave no address (DHCP)"),
            Self::OutOfRange => f.write_str("the access point is too far away, or off"),
            Self::NoAnswer => f.write_str("the WiFi driver did not answer"),
            Self::Other(reason) => write!(f, "the connection was refused or lost (reason {reason})"),
        }
    }
}
