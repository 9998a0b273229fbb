//! The WiFi driver of a device that has none.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use lenscast_device::settings::Credentials;
use lenscast_device::time::Instant;
use lenscast_device::wifi::{AccessPoint, Auth, WifiAction, WifiEvent};

use super::{Dice, World};

/// Looking at all channels takes so long.
const SCAN: Duration = Duration::from_millis(900);
/// Joining a network that lets us in.
const JOIN: Duration = Duration::from_millis(300);
/// Until an address comes.
const ADDRESS: Duration = Duration::from_millis(200);
/// Until an access point that was shown a wrong password is given up.
const WRONG_PASSWORD: Duration = Duration::from_millis(1200);
/// The signal is told so often.
const SIGNAL: Duration = Duration::from_secs(1);
/// Below this nothing is heard, in dBm.
const INAUDIBLE: i8 = -95;

/// ESP-IDF's reasons for being without a network (`wifi_err_reason_t`).
mod reason {
    pub(super) const AUTH_EXPIRE: u16 = 2;
    pub(super) const ASSOC_LEAVE: u16 = 8;
    pub(super) const FOUR_WAY_HANDSHAKE_TIMEOUT: u16 = 15;
    pub(super) const BEACON_TIMEOUT: u16 = 200;
    pub(super) const NO_AP_FOUND: u16 = 201;
    pub(super) const NO_COMPATIBLE_SECURITY: u16 = 210;
}

/// A WiFi driver in a [`World`]: takes [`WifiAction`]s and answers with [`WifiEvent`]s as the world allows.
#[derive(Debug)]
pub struct Radio {
    /// None: a cable, which is always plugged in.
    world: Option<World>,
    dice: Dice,
    /// The network we are in, and the password with which we got in.
    joined: Option<(usize, String)>,
    /// There is an address.
    up: bool,
    /// What is told when, in this order.
    pending: VecDeque<(Instant, WifiEvent)>,
    looked: Instant,
    signal: Instant,
}

impl Radio {
    /// A driver that starts now, in `world`; without one a cable stands for the network, whatever the credentials.
    #[must_use]
    pub fn new(world: Option<World>, now: Instant) -> Self {
        let mut pending = VecDeque::from([(now, WifiEvent::Started)]);
        if world.is_none() {
            pending.extend(cable(now));
        }
        let dice = Dice(world.as_ref().map_or(0, |world| world.seed));
        Self { world, dice, joined: None, up: false, pending, looked: now, signal: now }
    }

    /// Carries out what the device wants.
    pub fn act(&mut self, now: Instant, action: WifiAction) {
        match (action, &self.world) {
            (WifiAction::Scan, _) => {
                let found = self.scan(now);
                self.tell(now + SCAN, WifiEvent::ScanDone(Ok(found)));
            }
            (WifiAction::Disconnect, _) => self.lose(now, reason::ASSOC_LEAVE),
            (WifiAction::Connect(_), None) => self.pending.extend(cable(now)),
            (WifiAction::Connect(credentials), Some(_)) => self.join(now, &credentials),
        }
    }

    /// The next event that has come.
    pub fn poll(&mut self, now: Instant) -> Option<WifiEvent> {
        self.look(now);
        if self.pending.front()?.0 > now {
            return None;
        }
        let (_, event) = self.pending.pop_front()?;
        match event {
            WifiEvent::Address(_) => self.up = true,
            WifiEvent::Disconnected { .. } => (self.up, self.joined) = (false, None),
            _ => {}
        }
        Some(event)
    }

    /// When [`poll`](Self::poll) has something next, if nobody acts before.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let world = self.world.as_ref().and_then(|world| world.next_event(self.looked));
        let signal = (self.joined.is_some() && self.up).then_some(self.signal);
        let pending = self.pending.front().map(|(at, _)| *at);
        world.into_iter().chain(signal).chain(pending).min()
    }

    /// Whether bytes pass.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Whether an answer is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.pending.is_empty()
    }

    /// What became of the network we are in.
    fn look(&mut self, now: Instant) {
        self.looked = now;
        let (Some(world), Some((index, password))) = (&self.world, &self.joined) else { return };
        let lost = match world.network(*index, now) {
            None => Some(reason::BEACON_TIMEOUT),
            Some(network) if network.rssi < INAUDIBLE => Some(reason::BEACON_TIMEOUT),
            Some(network) if network.password != *password => Some(reason::AUTH_EXPIRE),
            Some(network) => {
                if self.up && self.signal <= now {
                    self.signal = now + SIGNAL;
                    let event = WifiEvent::Signal(self.wobble(network.rssi));
                    self.tell(now, event);
                }
                None
            }
        };
        if let Some(reason) = lost {
            self.lose(now, reason);
        }
    }

    fn join(&mut self, now: Instant, credentials: &Credentials) {
        let world = self.world.as_ref().expect("who calls this has looked");
        let in_reach =
            (0..world.networks.len()).filter_map(|index| Some((index, world.network(index, now)?)));
        let named = in_reach.filter(|(_, network)| network.ssid == credentials.ssid);
        let strongest = named.max_by_key(|(_, network)| network.rssi);
        let (after, reason) = match strongest {
            Some((index, network)) if network.rssi >= INAUDIBLE => match network.auth() {
                Auth::Wpa3 | Auth::Enterprise => (SCAN, reason::NO_COMPATIBLE_SECURITY),
                auth if auth != Auth::Open && credentials.password.is_empty() => {
                    (SCAN, reason::NO_COMPATIBLE_SECURITY)
                }
                auth if auth != Auth::Open && credentials.password != network.password => {
                    (WRONG_PASSWORD, reason::FOUR_WAY_HANDSHAKE_TIMEOUT)
                }
                _ => {
                    self.joined = Some((index, network.password));
                    self.tell(now + JOIN, WifiEvent::Associated);
                    if let Some(address) = network.address {
                        self.tell(now + JOIN + ADDRESS, WifiEvent::Address(address));
                    }
                    return;
                }
            },
            _ => (SCAN, reason::NO_AP_FOUND),
        };
        self.tell(now + after, WifiEvent::Disconnected { reason });
    }

    /// Out of the network; what was to come of joining it does not.
    fn lose(&mut self, now: Instant, reason: u16) {
        (self.joined, self.up) = (None, false);
        self.pending.retain(|(_, event)| matches!(event, WifiEvent::Started | WifiEvent::ScanDone(_)));
        self.tell(now, WifiEvent::Disconnected { reason });
    }

    fn scan(&mut self, now: Instant) -> Vec<AccessPoint> {
        let Some(world) = self.world.clone() else { return Vec::new() };
        let in_reach = (0..world.networks.len()).filter_map(|index| world.network(index, now));
        let mut found: Vec<AccessPoint> = in_reach
            .filter(|network| network.rssi >= INAUDIBLE)
            .map(|network| AccessPoint {
                channel: network.channel,
                rssi: self.wobble(network.rssi),
                auth: network.auth(),
                ssid: network.ssid,
            })
            .collect();
        found.sort_by_key(|network| std::cmp::Reverse(network.rssi));
        found
    }

    /// No two measurements are the same.
    fn wobble(&mut self, rssi: i8) -> i8 {
        rssi.saturating_add((self.dice.roll() * 5.0) as i8 - 2)
    }

    fn tell(&mut self, at: Instant, event: WifiEvent) {
        let place = self.pending.partition_point(|(before, _)| *before <= at);
        self.pending.insert(place, (at, event));
    }
}

fn cable(now: Instant) -> [(Instant, WifiEvent); 2] {
    [(now, WifiEvent::Associated), (now, WifiEvent::Address(Ipv4Addr::LOCALHOST))]
}
