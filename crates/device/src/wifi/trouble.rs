//! Why there is no WiFi, in words.

use super::{AccessPoint, Auth};
use crate::console::as_word;
use alloc::format;
use alloc::string::{String, ToString};

/// Why the network cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The network refused the password.
    WrongPassword,
    /// The network wants a password, and none is set.
    NoPassword,
    /// No network has this name, or it is too far away, or it is on 5 GHz.
    NoSuchNetwork,
    /// The network is open although a password is set, or is WPA3 only, which looks open to Espressif's driver.
    OpenOrWpa3,
    /// The network is WPA3 only.
    Wpa3Only,
    /// The network has no better protection than WEP.
    WepOnly,
    /// The network wants a user name.
    Enterprise,
    /// The network is there, and its protection does not fit what is set. A look around tells which of the causes it is.
    Unfit,
    /// The network let us in and gave no address.
    NoAddress,
    /// The access point is not heard any more, or too weak.
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
            15 | 202 | 204 => Self::NoPassword,
            201 => Self::NoSuchNetwork,
            // "No access point with compatible security", "none within the threshold". Espressif's driver gives either for a
            // network that wants a password when none is set, for an open one when one is set, and for WPA3 alike.
            210 | 211 => Self::Unfit,
            // Beacons missing; signal below the threshold.
            200 | 212 => Self::OutOfRange,
            other => Self::Other(other),
        }
    }

    /// Whether a look around may tell more.
    pub(super) fn is_puzzling(self) -> bool {
        matches!(self, Self::NoSuchNetwork | Self::Unfit | Self::NoPassword | Self::Other(_))
    }

    /// What a look around adds. `named` are the access points of the name that was tried: the strongest one decides, unless
    /// one of them could let us in; then it is something else.
    ///
    /// Example: reason 210 with a password set, and a scan that lists the name as OPEN, is [`OpenOrWpa3`](Self::OpenOrWpa3);
    /// with no password set a network that is really open had let us in, so that it is [`Wpa3Only`](Self::Wpa3Only).
    #[must_use]
    pub fn with_scan<'a>(self, named: impl Iterator<Item = &'a AccessPoint>, had_password: bool) -> Self {
        let mut strongest = None::<(i8, Self)>;
        let mut fits = false;
        for network in named {
            let verdict = match network.auth {
                Auth::Wpa3 => Some(Self::Wpa3Only),
                Auth::Enterprise => Some(Self::Enterprise),
                Auth::Wep => Some(Self::WepOnly),
                Auth::Open if had_password => Some(Self::OpenOrWpa3),
                Auth::Open => (self == Self::Unfit).then_some(Self::Wpa3Only),
                _ if had_password => None,
                _ => Some(Self::NoPassword),
            };
            match verdict {
                Some(verdict) if strongest.is_none_or(|(rssi, _)| rssi < network.rssi) => {
                    strongest = Some((network.rssi, verdict));
                }
                Some(_) => {}
                None => fits = true,
            }
        }
        match (strongest, self) {
            // It is there after all: then it was not heard well enough.
            (_, Self::NoSuchNetwork) if fits => Self::OutOfRange,
            (Some((_, verdict)), _) if !fits => verdict,
            _ => self,
        }
    }

    /// A sentence for people: what is wrong with the network `ssid`, and what to do about it.
    #[must_use]
    pub fn sentence(self, ssid: &str) -> String {
        let name = as_word(ssid);
        let words = match self {
            Self::WrongPassword => {
                return format!(
                    "the network refused the password; to set another: wifi set {name} <password> save"
                );
            }
            Self::NoPassword => {
                return format!("the network wants a password: wifi set {name} <password> save");
            }
            Self::OpenOrWpa3 => {
                return format!(
                    "the network is open (then: wifi set {name} \"\" save), or takes WPA3 only, \
                     which this device cannot: let it take WPA2 too"
                );
            }
            Self::Other(reason) => return format!("the connection was refused or lost (reason {reason})"),
            Self::NoSuchNetwork => {
                "no network of this name is in reach (this device has 2.4 GHz only); wifi scan shows which are"
            }
            Self::Wpa3Only => "the network takes WPA3 only, which this device cannot: let it take WPA2 too",
            Self::WepOnly => "the network takes WEP only, which is broken and not joined: let it take WPA2",
            Self::Enterprise => "the network wants a user name (802.1X), which this device cannot",
            Self::Unfit => {
                "the network is there and does not fit: it wants a password and none is set, \
                 is open and one is set, or takes WPA3 only"
            }
            Self::NoAddress => "the network gave no address (DHCP)",
            Self::OutOfRange => "the access point is too far away, or off",
            Self::NoAnswer => "the WiFi driver did not answer",
        };
        words.to_string()
    }
}
