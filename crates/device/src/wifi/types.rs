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

/// The address of an access point's radio. Access points of the same name differ in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bssid(pub [u8; 6]);

/// Six bytes in hexadecimal digits, as printed on access points: `aa:bb:cc:dd:ee:ff`.
impl fmt::Display for Bssid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// An access point that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// Its network's name; empty when that is hidden.
    pub ssid: String,
    /// Its address.
    pub bssid: Bssid,
    /// Its channel.
    pub channel: u8,
    /// Signal strength in dBm.
    pub rssi: i8,
    /// How it protects itself.
    pub auth: Auth,
}

/// How a network is joined. The fields are the driver's own settings: it decides nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The network, and its password.
    pub credentials: Credentials,
    /// Whether to listen on all channels and take the strongest access point of that name. Without it, a driver takes the
    /// first one that it hears, which may be three walls away.
    pub all_channels: bool,
    /// The only access point to join, and its channel. `None`: any one of that name.
    pub only: Option<(Bssid, u8)>,
}

/// What the WiFi driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WifiAction {
    /// Join a network; answered by [`WifiEvent::Associated`] or [`WifiEvent::Disconnected`].
    Connect(Join),
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
    /// The access point with this address let us in; there is no IP address yet.
    Associated(Bssid),
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
