//! The world around a device that has no radio: its networks, what happens to them, and how bytes pass.
//!
//! Plain data: nothing here waits, reads a clock or opens a socket; whoever drives it tells the time. The same seed and
//! the same calls give the same world, so that what hurts in the field can be replayed.

mod link;
mod radio;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lenscast_device::settings::Credentials;
use lenscast_device::time::Instant;
use lenscast_device::wifi::{Auth, Bssid};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub use link::{Link, Shape};
pub use radio::Radio;

/// A world, as a `--world` file tells it. Times are counted from the start of the program.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Chance's own number: another one, another course of events.
    pub seed: u64,
    /// How bytes pass between the device and its servers.
    pub link: Shape,
    /// The networks in reach.
    #[serde(rename = "network")]
    pub networks: Vec<Network>,
    /// When networks are off the air.
    #[serde(rename = "outage")]
    pub outages: Vec<Outage>,
    /// When no byte passes although the network is there.
    #[serde(rename = "hang")]
    pub hangs: Vec<Span>,
    /// How networks change.
    #[serde(rename = "change")]
    pub changes: Vec<Change>,
}

/// An access point of a network. Several of them may share a name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its network's name.
    pub ssid: String,
    /// Its own address, `02:00:00:00:00:01`. Unless it is told, it ends in the number of its place in the file.
    #[serde(default, deserialize_with = "maybe_bssid")]
    pub bssid: Option<Bssid>,
    /// Its password; empty: it asks for none.
    #[serde(default)]
    pub password: String,
    /// How it protects itself: `open`, `wpa2`, `wpa3`, … Unless it is told, `wpa2` with a password and `open` without.
    #[serde(default, deserialize_with = "auth")]
    pub auth: Option<Auth>,
    /// Signal strength in dBm; below −95 it cannot be heard.
    #[serde(default = "rssi")]
    pub rssi: i8,
    /// Two measurements of the signal differ from `rssi` by at most so many dB.
    #[serde(default = "wobble_db")]
    pub wobble_db: u8,
    /// Its channel.
    #[serde(default = "channel")]
    pub channel: u8,
    /// The address that it gives; without one, none ever comes.
    #[serde(default = "address", deserialize_with = "maybe_address")]
    pub address: Option<Ipv4Addr>,
}

/// When a network is off the air.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Which; all of them unless it is told.
    pub ssid: Option<String>,
    /// Which access point of that network; all of them unless it is told.
    #[serde(default, deserialize_with = "maybe_bssid")]
    pub bssid: Option<Bssid>,
    /// From here on.
    #[serde(rename = "from_s", deserialize_with = "seconds")]
    pub from: Instant,
    /// Up to here; for ever unless it is told.
    #[serde(rename = "to_s", default = "never", deserialize_with = "seconds")]
    pub to: Instant,
}

/// A time with two ends.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// From here on.
    #[serde(rename = "from_s", deserialize_with = "seconds")]
    pub from: Instant,
    /// Up to here; for ever unless it is told.
    #[serde(rename = "to_s", default = "never", deserialize_with = "seconds")]
    pub to: Instant,
}

/// What becomes different about a network. What is not told stays as it was.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which.
    pub ssid: String,
    /// Which access point of that network; all of them unless it is told.
    #[serde(default, deserialize_with = "maybe_bssid")]
    pub bssid: Option<Bssid>,
    /// From here on.
    #[serde(rename = "at_s", deserialize_with = "seconds")]
    pub at: Instant,
    /// Its signal strength in dBm.
    pub rssi: Option<i8>,
    /// Its password.
    pub password: Option<String>,
}

/// Why a file is no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The system does not let us read it.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It says something that cannot be.
    #[error("{} is no world: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
}

impl World {
    /// Reads a file.
    ///
    /// # Errors
    /// [`WorldError`], which tells the line.
    pub fn open(path: &Path) -> Result<Self, WorldError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| WorldError::Io { path: path.to_owned(), error })?;
        Self::parse(&text).map_err(|why| WorldError::Malformed { path: path.to_owned(), why })
    }

    /// Understands the text of such a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut world: Self =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for (index, network) in world.networks.iter_mut().enumerate() {
            let [low, high, ..] = (index + 1).to_le_bytes();
            network.bssid.get_or_insert(Bssid([2, 0, 0, 0, high, low]));
        }
        let outages = world.outages.iter().map(|outage| (outage.ssid.as_ref(), outage.bssid));
        let changes = world.changes.iter().map(|change| (Some(&change.ssid), change.bssid));
        for (ssid, bssid) in outages.chain(changes) {
            if world.networks.iter().any(|network| network.is(ssid, bssid)) || (ssid, bssid) == (None, None) {
                continue;
            }
            let ssid = ssid.map_or(String::new(), |ssid| format!("{ssid:?}"));
            let bssid = bssid.map_or(String::new(), |bssid| format!(" ({bssid})"));
            return Err(format!("something happens to {ssid}{bssid}, which is none of its networks"));
        }
        Ok(world)
    }

    /// Where a device is that somebody just unpacked: an open network and one with the password `lenscast`.
    #[must_use]
    pub fn at_home() -> Self {
        Self::parse(include_str!("world/at_home.toml"))
            .expect("it is part of this program, and a test reads it")
    }

    /// The first network that a device can join, as its owner would set it.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let mut joinable =
            self.networks.iter().filter(|network| !matches!(network.auth(), Auth::Wpa3 | Auth::Enterprise));
        let Network { ssid, password, .. } = joinable.next()?.clone();
        Some(Credentials { ssid, password })
    }

    /// How network number `index` is at `now`; `None` while it is off the air.
    fn network(&self, index: usize, now: Instant) -> Option<Network> {
        let mut network = self.networks.get(index)?.clone();
        let off = |outage: &Outage| {
            (outage.from..outage.to).contains(&now) && network.is(outage.ssid.as_ref(), outage.bssid)
        };
        if self.outages.iter().any(off) {
            return None;
        }
        let touches = |change: &&Change| network.is(Some(&change.ssid), change.bssid) && change.at <= now;
        let changes: Vec<&Change> = self.changes.iter().filter(touches).collect();
        for change in changes {
            network.rssi = change.rssi.unwrap_or(network.rssi);
            network.password = change.password.clone().unwrap_or(network.password);
        }
        Some(network)
    }

    /// When something happens next to a network, after `now`.
    fn next_event(&self, now: Instant) -> Option<Instant> {
        let outages = self.outages.iter().flat_map(|outage| [outage.from, outage.to]);
        outages.chain(self.changes.iter().map(|change| change.at)).filter(|&at| at > now).min()
    }
}

impl Network {
    /// How it protects itself.
    #[must_use]
    pub fn auth(&self) -> Auth {
        self.auth.unwrap_or(if self.password.is_empty() { Auth::Open } else { Auth::Wpa2 })
    }

    /// Whether it is meant by a name and an address, of which either may be left open.
    fn is(&self, ssid: Option<&String>, bssid: Option<Bssid>) -> bool {
        ssid.is_none_or(|ssid| *ssid == self.ssid) && bssid.is_none_or(|bssid| Some(bssid) == self.bssid)
    }
}

/// Chance, from a seed: SplitMix64.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    /// From 0 to below 1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn rssi() -> i8 {
    -55
}

fn wobble_db() -> u8 {
    2
}

fn channel() -> u8 {
    6
}

fn address() -> Option<Ipv4Addr> {
    Some(Ipv4Addr::new(192, 168, 1, 50))
}

fn never() -> Instant {
    Instant::START + Duration::MAX
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
    let seconds = f64::deserialize(from)?;
    let time = Duration::try_from_secs_f64(seconds);
    time.map(|time| Instant::START + time).map_err(|_| D::Error::custom(format!("no time: {seconds} s")))
}

fn auth<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Auth>, D::Error> {
    use Auth::{Enterprise, Open, Wep, Wpa, Wpa2, Wpa2Wpa3, Wpa3, WpaWpa2};
    const ALL: [Auth; 8] = [Open, Wep, Wpa, Wpa2, WpaWpa2, Wpa3, Wpa2Wpa3, Enterprise];
    let word = String::deserialize(from)?;
    let found = ALL.into_iter().find(|auth| auth.to_string().eq_ignore_ascii_case(&word));
    let known = || ALL.map(|auth| auth.to_string().to_lowercase()).join(", ");
    found.map(Some).ok_or_else(|| D::Error::custom(format!("{word:?} is none of {}", known())))
}

/// An address, or `"none"`.
fn maybe_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Ipv4Addr>, D::Error> {
    let word = String::deserialize(from)?;
    if word == "none" {
        return Ok(None);
    }
    word.parse()
        .map(Some)
        .map_err(|_| D::Error::custom(format!("{word:?} is neither an IPv4 address nor \"none\"")))
}

/// Six bytes in hexadecimal digits with colons between.
fn maybe_bssid<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Bssid>, D::Error> {
    let word = String::deserialize(from)?;
    let mut bytes = [0; 6];
    let mut parts = word.split(':');
    for byte in &mut bytes {
        let part = parts.next().filter(|part| part.len() == 2).unwrap_or_default();
        *byte = u8::from_str_radix(part, 16)
            .map_err(|_| D::Error::custom(format!("{word:?} is no address such as 02:00:00:00:00:01")))?;
    }
    match parts.next() {
        None => Ok(Some(Bssid(bytes))),
        Some(_) => Err(D::Error::custom(format!("{word:?} has more than six bytes"))),
    }
}
