//! What the state machine tells its owner.

use super::{AccessPoint, Trouble, WifiAction};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

/// What the state machine tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Joining a network.
    Joining {
        /// Its name.
        ssid: String,
    },
    /// There is an address.
    Up(Ipv4Addr),
    /// The network is gone, or could not be joined.
    Down {
        /// Why.
        trouble: Trouble,
        /// Attempts that failed since it was up.
        attempt: u32,
        /// The pause before the next one.
        retry_in: Duration,
    },
    /// Leaving an access point for a stronger one of the same network.
    Moving {
        /// The signal of the one that is joined, in dBm.
        to: i8,
        /// The signal of the one that is left, in dBm.
        from: i8,
    },
    /// The stronger access point did not let us in. The one before is joined again.
    GoingBack(Trouble),
    /// What [`Wifi::scan`](crate::wifi::Wifi::scan) asked for.
    Scanned(Result<Vec<AccessPoint>, String>),
    /// There is no WiFi at all.
    Broken(String),
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the driver.
    Action(WifiAction),
    /// For whoever wants to know.
    Notice(Notice),
}

/// The four states of the original firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The driver is not ready.
    Uninit,
    /// Nothing is wanted.
    Idle,
    /// Joining, or pausing between two attempts.
    Connecting,
    /// There is an address.
    Connected,
}

impl State {
    /// The word that `wifi status` prints.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uninit => "UNINIT",
            Self::Idle => "IDLE",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
        }
    }
}
