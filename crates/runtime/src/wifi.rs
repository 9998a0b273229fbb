//! What the radio is told, and what is made of its answers.

use crate::channels::{Channels, Event};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_net::Stack;
use embassy_time::{Duration, Timer, with_timeout};
use lenscast_device::recovery::{Recovery, Remedy};
use lenscast_device::wifi::{AccessPoint, Bssid, Join, WifiAction, WifiEvent};

/// How long the driver may take to leave a network.
const LEAVE: Duration = Duration::from_secs(3);

/// Pause before a radio that could not be had is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// Why the device restarts when nothing else helps.
pub const LAST_RESORT: &str = "the radio failed again and again";

/// How often the signal is told, and whether the address is another.
const SIGNAL: Duration = Duration::from_secs(5);

/// How long looking around may take: 14 channels, each for 100 ms, with pauses while a network is joined.
const LOOK: Duration = Duration::from_secs(12);

/// The reason of a device that left by itself (IEEE 802.11-2020 §9.4.1.7).
pub const LEFT: u16 = 8;

/// Espressif's reason for a connection that failed for none of the others.
pub const CONNECTION_FAILED: u16 = 205;

/// A radio that can be made anew.
pub trait Adapter {
    /// A radio that runs; it is off when this is dropped.
    type Radio<'a>: Radio
    where
        Self: 'a;

    /// Starts the radio.
    ///
    /// # Errors
    /// Why it does not start, in words.
    fn start(&mut self) -> Result<Self::Radio<'_>, String>;
}

/// Why a network was not joined. `reason` is ESP-IDF's `wifi_err_reason_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJoined {
    /// The network did not let us in, or was not there.
    Refused {
        /// What the driver says of it.
        reason: u16,
    },
    /// The driver itself failed.
    BrokeDown,
}

/// A radio that runs. Each of its futures may be dropped at any time.
#[expect(async_fn_in_trait, reason = "it is awaited by one task, which stays where it is")]
pub trait Radio {
    /// Joins a network, and tells the address of the access point that let us in.
    ///
    /// # Errors
    /// Why it did not.
    async fn join(&mut self, join: &Join) -> Result<Bssid, NotJoined>;

    /// Leaves the network, or stops trying.
    ///
    /// # Errors
    /// The driver's own words.
    async fn leave(&mut self) -> Result<(), String>;

    /// Waits until the network is gone, and tells why: ESP-IDF's `wifi_err_reason_t`.
    async fn gone(&mut self) -> u16;

    /// Looks which networks there are, hidden ones too.
    ///
    /// # Errors
    /// The driver's own words.
    async fn scan(&mut self) -> Result<Vec<AccessPoint>, String>;

    /// Signal strength of the network in dBm, if it is known.
    fn signal(&mut self) -> Option<i8>;
}

/// Serves with one radio after the other, until only a restart of the whole device may help. `reason`: why the device
/// started. `pause`: how long the radio stays off at first ([`starts`](crate::starts)).
///
/// The radio is not touched before the console has said why the device started: when its driver hangs, that is the only
/// line that anybody will ever see.
pub async fn run(
    mut adapter: impl Adapter,
    stack: Stack<'_>,
    reason: &str,
    pause: Option<Duration>,
    channels: &Channels,
) {
    channels.greeted.wait().await;
    if let Some(pause) = pause {
        let why = format!(
            "the last starts all hung or panicked: the radio stays off for {} s, and the console can be used",
            pause.as_secs()
        );
        tell(channels, WifiEvent::Failed(why)).await;
        Timer::after(pause).await;
    }
    let mut recovery = Recovery::new(reason.ends_with(LAST_RESORT));
    let mut remedy = Remedy::NewRadio;
    while remedy != Remedy::Restart {
        remedy = match adapter.start() {
            Ok(radio) => {
                tell(channels, WifiEvent::Started).await;
                let recovery = &mut recovery;
                Station { radio, stack, channels, joined: false, broken: false, address: None, recovery }
                    .serve()
                    .await
            }
            Err(why) => {
                tell(channels, WifiEvent::Failed(format!("the radio did not start ({why})"))).await;
                Timer::after(PAUSE).await;
                recovery.no_radio()
            }
        };
    }
}

async fn tell(channels: &Channels, event: WifiEvent) {
    channels.events.send(Event::Wifi(event)).await;
}

struct Station<'a, R> {
    radio: R,
    stack: Stack<'a>,
    channels: &'a Channels,
    joined: bool,
    /// Whether the driver failed at joining last time. Then a scan that succeeds does not show that the radio works: after
    /// each failure the device looks around, and nothing would ever be done about a driver that can scan and not join.
    broken: bool,
    /// The address that was told.
    address: Option<Ipv4Addr>,
    recovery: &'a mut Recovery,
}

impl<R: Radio> Station<'_, R> {
    /// Carries out one action after the other, until something else than trying again helps.
    async fn serve(mut self) -> Remedy {
        let mut next = None;
        loop {
            let action = match next.take() {
                Some(action) => action,
                None if self.joined => match self.stay().await {
                    Some(action) => action,
                    None => continue,
                },
                None => self.channels.wifi.receive().await,
            };
            let remedy = match action {
                WifiAction::Connect(join) => {
                    let (remedy, action) = self.join(&join).await;
                    next = action;
                    remedy
                }
                WifiAction::Disconnect => {
                    self.joined = false;
                    #[expect(
                        clippy::let_underscore_must_use,
                        reason = "it is over either way: a driver that does not answer fails at the next join"
                    )]
                    let _ = with_timeout(LEAVE, self.radio.leave()).await;
                    self.tell(WifiEvent::Disconnected { reason: LEFT }).await;
                    Remedy::TryAgain
                }
                WifiAction::Scan => self.scan().await,
            };
            if remedy != Remedy::TryAgain {
                return remedy;
            }
        }
    }

    async fn tell(&self, event: WifiEvent) {
        tell(self.channels, event).await;
    }

    /// Joins a network, unless another action comes first.
    async fn join(&mut self, join: &Join) -> (Remedy, Option<WifiAction>) {
        let result = match select(self.radio.join(join), self.channels.wifi.receive()).await {
            Either::First(result) => result,
            Either::Second(action) => return (Remedy::TryAgain, Some(action)),
        };
        self.broken = result == Err(NotJoined::BrokeDown);
        let (reason, remedy) = match result {
            Ok(bssid) => {
                (self.joined, self.address) = (true, None);
                self.recovery.works();
                self.tell(WifiEvent::Associated(bssid)).await;
                return (Remedy::TryAgain, None);
            }
            Err(NotJoined::Refused { reason }) => (reason, self.recovery.refused()),
            Err(NotJoined::BrokeDown) => (CONNECTION_FAILED, self.recovery.broke_down()),
        };
        self.tell(WifiEvent::Disconnected { reason }).await;
        (remedy, None)
    }

    /// In a network: tells its address and signal. Returns the next action, or nothing when something was told.
    async fn stay(&mut self) -> Option<WifiAction> {
        let waiting = async {
            match self.address {
                None => self.stack.wait_config_up().await,
                Some(_) => Timer::after(SIGNAL).await,
            }
        };
        match select3(self.channels.wifi.receive(), self.radio.gone(), waiting).await {
            Either3::First(action) => return Some(action),
            Either3::Second(reason) => {
                self.joined = false;
                self.tell(WifiEvent::Disconnected { reason }).await;
            }
            Either3::Third(()) => {
                let address = self.stack.config_v4().map(|config| config.address.address());
                if let Some(address) = address.filter(|_| address != self.address) {
                    self.tell(WifiEvent::Address(address)).await;
                }
                self.address = address;
                if let Some(dbm) = self.radio.signal() {
                    self.tell(WifiEvent::Signal(dbm)).await;
                }
            }
        }
        None
    }

    async fn scan(&mut self) -> Remedy {
        let result = with_timeout(LOOK, self.radio.scan()).await;
        let result = result.unwrap_or_else(|_| Err(String::from("it did not end")));
        let remedy = match &result {
            Ok(networks) if networks.is_empty() || self.broken => Remedy::TryAgain,
            Ok(_) => {
                self.recovery.works();
                Remedy::TryAgain
            }
            Err(_) => self.recovery.broke_down(),
        };
        let result = result.map_err(|why| format!("the radio could not look around ({why})"));
        self.tell(WifiEvent::ScanDone(result)).await;
        remedy
    }
}
