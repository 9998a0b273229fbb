//! What passes between the state machine and the WiFi driver.

use crate::settings::Credentials;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv4Addr;

/// How a network protects itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    Open,
    /// WEP, which is broken.
    Wep,
    /// WPA.
    Wpa,
    /// WPA2 with a password.
    Wpa2,
    /// WPA or WPA2.
    WpaWpa2,
    /// WPA3 only: this device cannot join.
    Wpa3,
    /// WPA2 or WPA3.
    Wpa2Wpa3,
    /// With user names (802.1X): this device cannot join.
    Enterprise,
    /// Something else.
    Other,
}

/// The word that the original firmware prints.
impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "OPEN",
            Self::Wep => "WEP",
            Self::Wpa => "WPA",
            Self::Wpa2 => "WPA2",
            Self::WpaWpa2 => "WPA/WPA2",
            Self::Wpa3 => "WPA3",
            Self::Wpa2Wpa3 => "WPA2/WPA3",
            Self::Enterprise => "ENTERPRISE",
            Self::Other => "?",
        })
    }
}

/// A network that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// Its name; empty when it is hidden.
    pub ssid: String,
    /// Its channel.
    pub channel: u8,
    /// Signal strength in dBm.
    pub rssi: i8,
    /// How it protects itself.
    pub auth: Auth,
}

/// What the WiFi driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WifiAction {
    /// Join this network; answered by [`WifiEvent::Associated`] or [`WifiEvent::Disconnected`].
    Connect(Credentials),
    /// Leave the network, or stop trying; answered by [`WifiEvent::Disconnected`].
    Disconnect,
    /// Look which networks there are, hidden ones too; answered by [`WifiEvent::ScanDone`].
    Scan,
}

/// What the WiFi driver tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WifiEvent {
    /// The driver is ready. Before it the state is `UNINIT`.
    Started,
    /// There is no WiFi, for this reason in words.
    Failed(String),
    /// The access point let us in; no address yet.
    Associated,
    /// There is an address: the network can be used.
    Address(Ipv4Addr),
    /// The network is gone, or an attempt to join it failed. `reason` is ESP-IDF's `wifi_err_reason_t`.
    Disconnected {
        /// 1 to 24 as in IEEE 802.11-2020 §9.4.1.7, 200 and above by Espressif.
        reason: u16,
    },
    /// A scan is done: what it found, or why it failed.
    ScanDone(Result<Vec<AccessPoint>, String>),
    /// Signal strength of the network we are in, in dBm.
    Signal(i8),
}
