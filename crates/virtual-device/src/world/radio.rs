//! The WiFi driver of a device that has none.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use lenscast_device::time::Instant;
use lenscast_device::wifi::{AccessPoint, Auth, Bssid, Join, WifiAction, WifiEvent};

use super::{Dice, Network, World};

/// Looking at all channels takes so long.
const SCAN: Duration = Duration::from_millis(900);
/// Looking at one of them.
const CHANNEL: Duration = Duration::from_millis(70);
/// Joining a network that lets us in, once it is found.
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
    pub(super) const BELOW_AUTH_THRESHOLD: u16 = 211;
}

/// A WiFi driver in a [`World`]: takes [`WifiAction`]s and answers with [`WifiEvent`]s as the world allows.
///
/// It is as dumb as Espressif's. Unless it is told to listen on all channels, it joins the first access point of the name
/// that it hears. It never joins an open network with a password set. It knows no WPA3: it reports such a network as open,
/// and does not join it. For all of these it gives the same two reasons, 210 and 211.
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
            (WifiAction::Connect(join), Some(_)) => self.join(now, &join),
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
                    let event = WifiEvent::Signal(self.wobble(&network));
                    self.tell(now, event);
                }
                None
            }
        };
        if let Some(reason) = lost {
            self.lose(now, reason);
        }
    }

    fn join(&mut self, now: Instant, join: &Join) {
        let Join { credentials, all_channels, only } = join;
        let named: Vec<_> = self
            .audible(now)
            .into_iter()
            .filter(|(_, network)| network.ssid == credentials.ssid)
            .filter(|(_, network)| only.is_none_or(|(bssid, _)| network.bssid == Some(bssid)))
            .collect();
        let refusals: Vec<_> =
            named.iter().map(|(_, network)| refusal(network, &credentials.password)).collect();
        let fitting =
            || named.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none()).map(|(it, _)| it);
        let chosen = match all_channels {
            true => fitting().max_by_key(|(_, network)| network.rssi),
            false => fitting().min_by_key(|(_, network)| network.channel),
        };
        let Some((index, network)) = chosen.cloned() else {
            let reason = refusals.into_iter().flatten().next().unwrap_or(reason::NO_AP_FOUND);
            return self.tell(now + SCAN, WifiEvent::Disconnected { reason });
        };
        let looked = match (all_channels, only) {
            (true, _) => SCAN,
            (false, Some(_)) => CHANNEL,
            (false, None) => CHANNEL * u32::from(network.channel),
        };
        if network.auth() != Auth::Open && credentials.password != network.password {
            let reason = reason::FOUR_WAY_HANDSHAKE_TIMEOUT;
            return self.tell(now + looked + WRONG_PASSWORD, WifiEvent::Disconnected { reason });
        }
        let joined = now + looked + JOIN;
        self.joined = Some((index, network.password));
        self.tell(joined, WifiEvent::Associated(network.bssid.unwrap_or_default()));
        if let Some(address) = network.address {
            self.tell(joined + ADDRESS, WifiEvent::Address(address));
        }
    }

    /// Out of the network; what was to come of joining it does not.
    fn lose(&mut self, now: Instant, reason: u16) {
        (self.joined, self.up) = (None, false);
        self.pending.retain(|(_, event)| matches!(event, WifiEvent::Started | WifiEvent::ScanDone(_)));
        self.tell(now, WifiEvent::Disconnected { reason });
    }

    fn scan(&mut self, now: Instant) -> Vec<AccessPoint> {
        let found = self.audible(now).into_iter().map(|(_, network)| AccessPoint {
            bssid: network.bssid.unwrap_or_default(),
            channel: network.channel,
            rssi: network.rssi,
            // What the driver does not know looks open to it.
            auth: if network.auth() == Auth::Wpa3 { Auth::Open } else { network.auth() },
            ssid: network.ssid,
        });
        let mut found: Vec<AccessPoint> = found.collect();
        found.sort_by_key(|network| std::cmp::Reverse(network.rssi));
        found
    }

    /// The access points that can be heard, as loud as they are measured now.
    fn audible(&mut self, now: Instant) -> Vec<(usize, Network)> {
        let Some(world) = self.world.clone() else { return Vec::new() };
        let in_reach =
            (0..world.networks.len()).filter_map(|index| Some((index, world.network(index, now)?)));
        let mut audible: Vec<_> = in_reach.filter(|(_, network)| network.rssi >= INAUDIBLE).collect();
        for (_, network) in &mut audible {
            network.rssi = self.wobble(network);
        }
        audible
    }

    /// No two measurements are the same.
    fn wobble(&mut self, network: &Network) -> i8 {
        let most = f64::from(network.wobble_db);
        let off = (self.dice.roll() * (2.0 * most + 1.0)).floor() - most;
        (f64::from(network.rssi) + off).clamp(-128.0, 127.0) as i8
    }

    fn tell(&mut self, at: Instant, event: WifiEvent) {
        let place = self.pending.partition_point(|(before, _)| *before <= at);
        self.pending.insert(place, (at, event));
    }
}

/// Why the driver does not even try an access point.
fn refusal(network: &Network, password: &str) -> Option<u16> {
    match network.auth() {
        Auth::Wpa3 | Auth::Enterprise => Some(reason::NO_COMPATIBLE_SECURITY),
        // With a password, nothing weaker than WPA is joined.
        Auth::Open | Auth::Wep if !password.is_empty() => Some(reason::BELOW_AUTH_THRESHOLD),
        Auth::Open => None,
        _ => password.is_empty().then_some(reason::NO_COMPATIBLE_SECURITY),
    }
}

fn cable(now: Instant) -> [(Instant, WifiEvent); 2] {
    [(now, WifiEvent::Associated(Bssid::default())), (now, WifiEvent::Address(Ipv4Addr::LOCALHOST))]
}
