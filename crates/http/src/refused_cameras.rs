//! Cameras that were refused before they could send anything. Nobody reads what a camera is told, so its owner is told:
//! by the log, `/metrics`, `lenscast doctor`, and the page that waits for a first camera.
//!
//! Anybody can cause this, so what it costs is bounded: [`MAX_ADDRESSES`] addresses are remembered, and the log gets one
//! line for each address and cause an hour, [`MAX_LINES`] at once at most.

use lenscast_auth::origin::Foreign;
use lenscast_protocol::CameraName;
use serde::Serialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How many addresses are remembered. The one that was refused the longest ago makes room.
pub const MAX_ADDRESSES: usize = 32;

/// How long an address is remembered after it was refused last, and how long the log is quiet about it.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// How many lines the log gets at once, and how long each of them takes to be allowed again.
pub const MAX_LINES: u32 = 16;
const LINE_EVERY: Duration = Duration::from_secs(60);

/// The longest text of a request that is shown, in characters.
const MAX_SHOWN: usize = 80;

/// Why a camera was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The request says that a web page of another origin sent it. Inside is its `Origin`.
    Page(String),
    /// There is no key, and this camera needs one.
    NoKey,
    /// The key, or whatever it presents, is not good for this camera.
    WrongKey,
    /// Too many wrong keys came from the address.
    Guessing,
    /// It comes from outside of the home network, without a key.
    Elsewhere,
    /// A proxy passed it on that does not tell for whom.
    Hidden,
    /// The page of a name that may be a stranger's seems to have sent it. Inside is the name.
    Host(String),
    /// The owner set `local`, so that this computer needs a key, too.
    Local,
    /// The path has no name of a camera.
    Name,
    /// It came without TLS to the port for TLS.
    NoTls,
    /// As many cameras are connected as may.
    Full,
    /// The request is no handshake of WebSocket version 13.
    Handshake,
}

impl Cause {
    /// The causes as labels of a metric, in the order of [`Cause::index`].
    const NAMES: [&'static str; 12] = [
        "page",
        "no_key",
        "wrong_key",
        "guessing",
        "elsewhere",
        "hidden",
        "host",
        "local",
        "name",
        "no_tls",
        "full",
        "handshake",
    ];

    const fn index(&self) -> usize {
        match self {
            Self::Page(_) => 0,
            Self::NoKey => 1,
            Self::WrongKey => 2,
            Self::Guessing => 3,
            Self::Elsewhere => 4,
            Self::Hidden => 5,
            Self::Host(_) => 6,
            Self::Local => 7,
            Self::Name => 8,
            Self::NoTls => 9,
            Self::Full => 10,
            Self::Handshake => 11,
        }
    }

    /// The cause as a label.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// That a page seems to have sent the request, whose `Origin` this is.
    pub(super) fn foreign(foreign: Foreign, origin: Option<&[u8]>) -> Self {
        let origin = origin.filter(|_| foreign == Foreign::Origin);
        Self::Page(
            origin.map_or_else(
                || "another site's".to_owned(),
                |origin| shown(&String::from_utf8_lossy(origin)),
            ),
        )
    }

    /// That the server was called by this name.
    pub(super) fn host(host: Option<&str>) -> Self {
        Self::Host(shown(host.unwrap_or_default()))
    }

    /// The cause as the end of a sentence, and what the owner can do.
    fn words(&self, camera: Option<&CameraName>) -> (String, String) {
        let name = camera.map_or("NAME", CameraName::as_str);
        let new_key = format!("lenscast access new camera {name}");
        let own = "If it is your camera";
        match self {
            Self::Page(origin) => (
                format!("its request says that a web page sent it (Origin: {origin})"),
                format!(
                    "{own}: give it a key, which goes before that ({new_key}), or take the Origin out of its program."
                ),
            ),
            Self::NoKey => (
                format!("it sent no key, and the camera {name} needs one here"),
                format!("{own}, on its console: stream set key KEY save. For a new key: {new_key}"),
            ),
            Self::WrongKey => (
                format!("what it sent as its key is not, or no longer, good for the camera {name}"),
                format!("{own}, on its console: stream set key KEY save. For a new key: {new_key}"),
            ),
            Self::Guessing => (
                "too many wrong keys came from its address".to_owned(),
                format!("{own}: give it the right key. It is looked at again within a minute."),
            ),
            Self::Elsewhere => (
                "it comes from outside of the home network, where every camera needs a key".to_owned(),
                format!("{own}: {new_key}"),
            ),
            Self::Hidden => (
                "a proxy passed it on that does not tell for whom".to_owned(),
                format!(
                    "{own}: name the proxy in trusted_proxies (docs/proxies.md), or give it a key ({new_key})."
                ),
            ),
            Self::Host(host) => (
                format!(
                    "its request says that a page of this server's name {host} sent it, and that may be a stranger's name"
                ),
                format!(
                    "If the name is yours, add it to host_names. Else give the camera a key ({new_key})."
                ),
            ),
            Self::Local => (
                "it is on this computer, which may do less here than elsewhere (local)".to_owned(),
                format!("{own}: {new_key}"),
            ),
            Self::Name => (
                format!("its path names no camera: {}", lenscast_protocol::name::InvalidName),
                format!("{own}: change its path to /ws/camera or /ws/camera/NAME."),
            ),
            Self::NoTls => (
                "it came without TLS to the port for TLS".to_owned(),
                format!("{own}: give it the other port (listen)."),
            ),
            Self::Full => (
                "as many cameras are connected as may".to_owned(),
                format!(
                    "{own}: allow more of them (max_cameras), or give it a key and require_camera_key = true."
                ),
            ),
            Self::Handshake => (
                "its request is no handshake of WebSocket version 13".to_owned(),
                format!("{own}: its library is too old, or something between changed the request."),
            ),
        }
    }
}

/// A camera that was refused, as it is told to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefusedCamera {
    /// Where it came from.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// The camera that it wants to be; null when its path names none.
    #[schema(required)]
    pub camera: Option<String>,
    /// Why, in one word, as in `/metrics`.
    pub cause: &'static str,
    /// What happened, in a sentence.
    pub text: String,
    /// What can be done about it.
    pub todo: String,
    /// How often it was refused since it was first, or since the server forgot it.
    pub count: u64,
    /// Seconds since it was refused last.
    pub ago_s: u64,
}

/// The cameras that were refused lately, and how many there were of each cause since the server started.
#[derive(Debug, Default)]
pub struct RefusedCameras {
    counts: [AtomicU64; Cause::NAMES.len()],
    lately: Mutex<Lately>,
}

#[derive(Debug, Default)]
struct Lately {
    entries: HashMap<IpAddr, Entry>,
    /// Until when the lines that were logged take up the allowance.
    lines_until: Option<Instant>,
    /// Refusals without a line since the last line.
    held_back: u64,
}

#[derive(Debug)]
struct Entry {
    camera: Option<CameraName>,
    cause: Cause,
    count: u64,
    at: Instant,
    /// When the first of the lines about it was logged, and the causes that it told of, as bits.
    said: Option<(Instant, u16)>,
}

impl RefusedCameras {
    /// Counts a camera that was refused, and logs it if that is due.
    pub(super) fn note(&self, address: IpAddr, camera: Option<&CameraName>, cause: Cause) {
        self.counts[cause.index()].fetch_add(1, Ordering::Relaxed);
        let due = self.lock().note(address, camera, cause.clone(), Instant::now());
        if let Some(held_back) = due {
            let ((why, todo), camera) = (cause.words(camera), camera.map_or("-", CameraName::as_str));
            let cause = cause.as_str();
            tracing::warn!(peer = %address, camera, cause, held_back, "a camera is refused: {why}. {todo}");
        }
    }

    /// Forgets that this camera was refused: it was let in now.
    pub(super) fn let_in(&self, address: IpAddr, camera: Option<&CameraName>) {
        let mut lately = self.lock();
        if lately.entries.get(&address.to_canonical()).is_some_and(|entry| entry.camera.as_ref() == camera) {
            lately.entries.remove(&address.to_canonical());
        }
    }

    /// Those that were refused in the last hour, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<RefusedCamera> {
        self.lock().list(Instant::now())
    }

    /// Each cause, and how many cameras were refused for it since the server started.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Cause::NAMES.into_iter().zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    fn lock(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    /// Remembers a refusal. `Some(n)` when it gets a line in the log, where `n` before it got none.
    fn note(
        &mut self,
        address: IpAddr,
        camera: Option<&CameraName>,
        cause: Cause,
        now: Instant,
    ) -> Option<u64> {
        let address = address.to_canonical();
        self.entries.retain(|_, entry| now.saturating_duration_since(entry.at) < REMEMBERED);
        if self.entries.len() >= MAX_ADDRESSES && !self.entries.contains_key(&address) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.at).map(|(address, _)| *address);
            oldest.and_then(|oldest| self.entries.remove(&oldest));
        }
        let bit = 1 << cause.index();
        let entry = self.entries.entry(address).or_insert_with(|| Entry {
            camera: None,
            cause: cause.clone(),
            count: 0,
            at: now,
            said: None,
        });
        (entry.camera, entry.cause, entry.at) = (camera.cloned(), cause, now);
        entry.count += 1;
        let said = entry.said.filter(|(since, _)| now.saturating_duration_since(*since) < REMEMBERED);
        let is_new = said.is_none_or(|(_, causes)| causes & bit == 0);
        // Sixteen lines may be logged at once: each takes up a minute of the allowance, which is sixteen minutes long.
        let taken = self.lines_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if !is_new || taken + LINE_EVERY > LINE_EVERY * MAX_LINES {
            self.held_back += 1;
            return None;
        }
        self.lines_until = Some(now + taken + LINE_EVERY);
        let (since, causes) = said.unwrap_or((now, 0));
        entry.said = Some((since, causes | bit));
        Some(std::mem::take(&mut self.held_back))
    }

    fn list(&mut self, now: Instant) -> Vec<RefusedCamera> {
        self.entries.retain(|_, entry| now.saturating_duration_since(entry.at) < REMEMBERED);
        let mut list: Vec<_> = self.entries.iter().collect();
        list.sort_by_key(|(address, entry)| (std::cmp::Reverse(entry.at), **address));
        let told = |(address, entry): (&IpAddr, &Entry)| {
            let (why, todo) = entry.cause.words(entry.camera.as_ref());
            RefusedCamera {
                address: *address,
                camera: entry.camera.as_ref().map(ToString::to_string),
                cause: entry.cause.as_str(),
                text: format!("A camera at {address} was refused: {why}."),
                todo,
                count: entry.count,
                ago_s: now.saturating_duration_since(entry.at).as_secs(),
            }
        };
        list.into_iter().map(told).collect()
    }
}

/// A text that somebody else wrote, for logs and pages: short, and of visible characters only.
fn shown(text: &str) -> String {
    let visible =
        |character: char| if character.is_ascii_graphic() || character == ' ' { character } else { '?' };
    let mut shown: String = text.chars().take(MAX_SHOWN).map(visible).collect();
    if text.chars().count() > MAX_SHOWN {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, last])
    }

    fn front() -> CameraName {
        CameraName::new("front").unwrap()
    }

    #[test]
    fn an_address_is_logged_once_an_hour_for_each_cause() {
        let (mut lately, start) = (Lately::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(lately.note(address(1), Some(&front()), Cause::NoKey, start), Some(0));
        for second in 1..3000 {
            assert_eq!(lately.note(address(1), Some(&front()), Cause::NoKey, after(second)), None);
        }
        assert_eq!(
            lately.note(address(1), Some(&front()), Cause::WrongKey, after(3000)),
            Some(2999),
            "another cause"
        );
        assert_eq!(lately.note(address(1), Some(&front()), Cause::NoKey, after(3001)), None, "and back");
        assert_eq!(lately.note(address(2), None, Cause::Name, after(3002)), Some(1));
        assert_eq!(
            lately.note(address(1), Some(&front()), Cause::NoKey, after(3601)),
            Some(0),
            "after an hour"
        );
        let [first, _] = lately.list(after(3602)).try_into().unwrap();
        assert_eq!((first.address, first.count, first.ago_s), (address(1), 3003, 1));
        assert_eq!((first.camera.as_deref(), first.cause), (Some("front"), "no_key"));
        assert!(
            first
                .text
                .starts_with("A camera at 192.168.1.1 was refused: it sent no key, and the camera front")
        );
        assert!(first.todo.contains("lenscast access new camera front"), "{}", first.todo);
        assert_eq!(lately.list(after(8000)), []);
    }

    #[test]
    fn a_flood_from_everywhere_keeps_little_and_logs_little() {
        let (mut lately, start) = (Lately::default(), Instant::now());
        let mut lines = 0;
        for number in 0..100_000_u32 {
            let from = IpAddr::from((u128::from(number) << 64 | 1).to_be_bytes());
            // A hundred thousand in 100 s.
            let now = start + Duration::from_millis(u64::from(number));
            lines += u32::from(lately.note(from, None, Cause::Elsewhere, now).is_some());
        }
        assert!(lines <= MAX_LINES + 2, "{lines}");
        assert_eq!(lately.entries.len(), MAX_ADDRESSES);
        let newest = lately.list(start + Duration::from_secs(100)).remove(0);
        assert_eq!(newest.address, IpAddr::from((99_999_u128 << 64 | 1).to_be_bytes()));
        // The allowance comes back.
        let later = start + Duration::from_secs(3000);
        assert!(
            lately
                .note(address(1), None, Cause::Elsewhere, later)
                .is_some_and(|held_back| held_back > 30_000)
        );
    }

    #[test]
    fn a_camera_that_is_let_in_is_no_longer_refused() {
        let refused = RefusedCameras::default();
        let mapped = "::ffff:192.168.1.1".parse().unwrap();
        refused.note(mapped, Some(&front()), Cause::NoKey);
        refused.let_in(address(1), None);
        assert_eq!(refused.list().len(), 1, "another camera from the same address");
        refused.let_in(address(1), Some(&front()));
        assert_eq!(refused.list(), []);
        assert_eq!(
            refused.counts().find(|(cause, _)| *cause == "no_key"),
            Some(("no_key", 1)),
            "it stays counted"
        );
    }

    #[test]
    fn what_a_stranger_wrote_is_short_and_has_no_control_characters() {
        let evil = "http://evil.example/\u{1b}[31m\n\u{202e}\u{85}";
        let Cause::Page(shown) = Cause::foreign(Foreign::Origin, Some(evil.as_bytes())) else {
            unreachable!()
        };
        assert_eq!(shown, "http://evil.example/?[31m???");
        let Cause::Host(shown) = Cause::host(Some(&"x".repeat(5000))) else { unreachable!() };
        assert_eq!(shown.chars().count(), MAX_SHOWN + 1);
        assert_eq!(
            Cause::foreign(Foreign::Site, Some(b"http://192.168.1.2")),
            Cause::Page("another site's".into())
        );
    }
}
