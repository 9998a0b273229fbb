//! The connection to the network: it is tried for ever, with growing pauses, and what went wrong is told in words.
//!
//! The driver does one thing at a time (join, leave, look around), so this asks for one at a time. It decides nothing by
//! itself either: which access point of a network is joined, and when to move to a stronger one, is decided here.

mod roam;
mod told;
mod trouble;
mod types;

pub use told::{Notice, Output, State};
pub use trouble::Trouble;
pub use types::{AccessPoint, Auth, Bssid, Join, WifiAction, WifiEvent};

use crate::backoff::{BackOff, Random};
use crate::settings::Credentials;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;
use roam::{Move, Roaming};

/// Shortest and longest pause between two attempts to join.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long joining may take before it counts as failed.
const JOIN: Duration = Duration::from_secs(20);

/// How long an access point may take to give an address.
const ADDRESS: Duration = Duration::from_secs(15);

/// How long leaving, and looking around, may take.
const LEAVE: Duration = Duration::from_secs(5);
const SCAN: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The driver is not ready.
    Off,
    Idle,
    /// Nothing before `until`.
    Pausing {
        until: Instant,
    },
    /// The driver was asked to join.
    Joining {
        until: Instant,
    },
    /// In, without an address.
    Addressing {
        until: Instant,
    },
    Up(Ipv4Addr),
    /// The driver was asked to leave.
    Leaving {
        until: Instant,
    },
}

/// What a scan under way is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scan {
    until: Instant,
    /// Somebody asked for the networks.
    asked: bool,
    /// Why could the network not be joined, as the driver told it? What is found out is told then.
    diagnosing: Option<Trouble>,
    /// Is there a stronger access point?
    roaming: bool,
}

/// A stronger access point is being joined, or the one before again.
#[derive(Clone, Copy, Debug)]
struct Detour {
    only: (Bssid, u8),
    /// Where to go when this one does not let us in; `None`: to any one of that name.
    back: Option<(Bssid, u8)>,
    /// The access point is the stronger one, and not yet the way back.
    stronger: bool,
}

/// The state machine.
#[derive(Debug)]
pub struct Wifi {
    phase: Phase,
    /// Joining is wanted.
    wanted: bool,
    credentials: Option<Credentials>,
    scan: Option<Scan>,
    /// A scan is wanted as soon as the driver is free: by somebody, or to find out why.
    scan_asked: bool,
    diagnose: Option<Trouble>,
    reason: u16,
    trouble: Option<Trouble>,
    rssi: Option<i8>,
    roaming: Roaming,
    detour: Option<Detour>,
    back_off: BackOff,
    /// Not before this is the network tried again.
    retry_at: Instant,
    broken: Option<String>,
    out: VecDeque<Output>,
}

impl Wifi {
    /// Joins with `credentials`, if there are some, as soon as the driver is ready.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self {
            phase: Phase::Off,
            wanted: credentials.is_some(),
            credentials,
            scan: None,
            scan_asked: false,
            diagnose: None,
            reason: 0,
            trouble: None,
            rssi: None,
            roaming: Roaming::default(),
            detour: None,
            back_off: BackOff::new(PAUSE.0, PAUSE.1),
            retry_at: Instant::START,
            broken: None,
            out: VecDeque::new(),
        }
    }

    /// Other credentials, from the next [`connect`](Self::connect) or attempt on.
    pub fn set_credentials(&mut self, credentials: Option<Credentials>) {
        if credentials != self.credentials {
            (self.trouble, self.diagnose, self.detour) = (None, None, None);
        }
        self.credentials = credentials;
    }

    /// The credentials.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Joins now, and again for ever; what is joined already is left first. False without credentials.
    pub fn connect(&mut self, now: Instant) -> bool {
        if self.credentials.is_none() {
            return false;
        }
        (self.wanted, self.trouble, self.retry_at) = (true, None, now);
        (self.diagnose, self.detour) = (None, None);
        self.back_off.reset();
        match self.phase {
            Phase::Off | Phase::Leaving { .. } => {}
            Phase::Idle | Phase::Pausing { .. } => self.phase = Phase::Pausing { until: now },
            Phase::Joining { .. } | Phase::Addressing { .. } | Phase::Up(_) => self.leave(now),
        }
        self.advance(now);
        true
    }

    /// Leaves, and joins no more.
    pub fn disconnect(&mut self, now: Instant) {
        self.wanted = false;
        (self.trouble, self.diagnose, self.detour) = (None, None, None);
        match self.phase {
            Phase::Off | Phase::Idle | Phase::Leaving { .. } => {}
            Phase::Pausing { .. } => self.phase = Phase::Idle,
            Phase::Joining { .. } | Phase::Addressing { .. } | Phase::Up(_) => self.leave(now),
        }
    }

    /// Looks which networks there are, as soon as the driver is free; answered by [`Notice::Scanned`].
    pub fn scan(&mut self, now: Instant) {
        match &self.broken {
            Some(why) => self.notice(Notice::Scanned(Err(why.clone()))),
            None => self.scan_asked = true,
        }
        self.advance(now);
    }

    /// What the driver tells.
    pub fn event(&mut self, now: Instant, event: WifiEvent, random: &mut Random) {
        match event {
            WifiEvent::Started if self.phase == Phase::Off => {
                self.broken = None;
                self.phase = if self.wanted { Phase::Pausing { until: now } } else { Phase::Idle };
            }
            WifiEvent::Started => {}
            WifiEvent::Failed(why) => {
                (self.phase, self.broken) = (Phase::Off, Some(why.clone()));
                if self.scan.take().is_some_and(|scan| scan.asked) | core::mem::take(&mut self.scan_asked) {
                    self.notice(Notice::Scanned(Err(why.clone())));
                }
                self.notice(Notice::Broken(why));
            }
            WifiEvent::Associated(bssid) => {
                if matches!(self.phase, Phase::Joining { .. }) {
                    self.roaming.joined(now, bssid);
                    self.phase = Phase::Addressing { until: now + ADDRESS };
                }
            }
            // While we leave, it is the answer to an older question.
            WifiEvent::Address(_) if matches!(self.phase, Phase::Leaving { .. }) => {}
            WifiEvent::Address(address) => {
                if self.phase != Phase::Up(address) {
                    self.phase = Phase::Up(address);
                    (self.reason, self.trouble, self.diagnose, self.detour) = (0, None, None, None);
                    self.back_off.reset();
                    self.notice(Notice::Up(address));
                }
            }
            WifiEvent::Disconnected { reason } => self.disconnected(now, reason, random),
            WifiEvent::ScanDone(result) => self.scanned(now, result),
            WifiEvent::Signal(rssi) => {
                self.rssi = Some(rssi);
                self.roaming.signal(now, rssi);
            }
        }
        self.advance(now);
    }

    /// The time has come that [`next_wake`](Self::next_wake) told.
    pub fn handle_timeout(&mut self, now: Instant, random: &mut Random) {
        match self.phase {
            Phase::Joining { until } if until <= now => {
                self.not_in(now, Trouble::NoAnswer, random);
                self.leave(now);
            }
            Phase::Addressing { until } if until <= now => {
                self.not_in(now, Trouble::NoAddress, random);
                self.leave(now);
            }
            Phase::Leaving { until } if until <= now => self.left(now),
            _ => {}
        }
        if self.scan.is_some_and(|scan| scan.until <= now) {
            self.scanned(now, Err("the WiFi driver did not answer".into()));
        }
        self.advance(now);
    }

    /// What comes out next.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Pausing { until } if self.scan.is_none() => Some(until),
            Phase::Joining { until } | Phase::Addressing { until } | Phase::Leaving { until } => Some(until),
            Phase::Up(_) if self.scan.is_none() => self.roaming.next_look(),
            _ => None,
        };
        let scan = self.scan.map(|scan| scan.until);
        phase.into_iter().chain(scan).min()
    }

    /// The state, as the original tells it.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Off => State::Uninit,
            Phase::Up(_) => State::Connected,
            Phase::Idle => State::Idle,
            _ if self.wanted => State::Connecting,
            _ => State::Idle,
        }
    }

    /// The address, when there is one.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        match self.phase {
            Phase::Up(address) => Some(address),
            _ => None,
        }
    }

    /// Signal strength in dBm, while connected.
    #[must_use]
    pub fn rssi(&self) -> Option<i8> {
        self.rssi.filter(|_| self.address().is_some())
    }

    /// ESP-IDF's number for why the network was lost last; 0 while it is there.
    #[must_use]
    pub fn reason(&self) -> u16 {
        self.reason
    }

    /// Why there is no network, and the pause until it is tried again.
    #[must_use]
    pub fn trouble(&self, now: Instant) -> Option<(Trouble, u32, Duration)> {
        let pause = match self.phase {
            Phase::Pausing { until } => until.since(now),
            _ => Duration::ZERO,
        };
        self.trouble.map(|trouble| (trouble, self.back_off.attempts(), pause))
    }

    fn notice(&mut self, notice: Notice) {
        self.out.push_back(Output::Notice(notice));
    }

    fn action(&mut self, action: WifiAction) {
        self.out.push_back(Output::Action(action));
    }

    fn leave(&mut self, now: Instant) {
        self.roaming.left();
        self.phase = Phase::Leaving { until: now + LEAVE };
        self.action(WifiAction::Disconnect);
    }

    fn left(&mut self, now: Instant) {
        self.phase = if self.wanted { Phase::Pausing { until: self.retry_at.max(now) } } else { Phase::Idle };
    }

    fn disconnected(&mut self, now: Instant, reason: u16, random: &mut Random) {
        match self.phase {
            Phase::Off | Phase::Idle | Phase::Pausing { .. } => {}
            Phase::Leaving { .. } => self.left(now),
            Phase::Joining { .. } | Phase::Addressing { .. } | Phase::Up(_) if !self.wanted => {
                self.phase = Phase::Idle;
            }
            Phase::Joining { .. } | Phase::Addressing { .. } | Phase::Up(_) => {
                self.reason = reason;
                self.roaming.left();
                self.not_in(now, Trouble::from_reason(reason, self.has_password()), random);
            }
        }
    }

    fn has_password(&self) -> bool {
        self.credentials.as_ref().is_some_and(|known| !known.password.is_empty())
    }

    /// What was joined is lost, or did not let us in.
    fn not_in(&mut self, now: Instant, trouble: Trouble, random: &mut Random) {
        let Some(Detour { only, back, stronger }) = self.detour.take() else {
            return self.fail(now, trouble, random);
        };
        // Nothing is wrong with the network: another of its access points is tried at once.
        self.retry_at = now;
        self.phase = Phase::Pausing { until: now };
        self.detour = back.map(|only| Detour { only, back: None, stronger: false });
        if stronger {
            self.roaming.shun(now, only.0);
            self.notice(Notice::GoingBack(trouble));
        }
    }

    fn fail(&mut self, now: Instant, trouble: Trouble, random: &mut Random) {
        // What a scan found out stays true until something else happens.
        let known = self.trouble.filter(|known| {
            use Trouble::{
                Enterprise, NoPassword, NoSuchNetwork, OpenOrWpa3, OutOfRange, Unfit, WepOnly, Wpa3Only,
            };
            match trouble {
                Unfit => matches!(known, NoPassword | OpenOrWpa3 | Wpa3Only | WepOnly | Enterprise),
                NoSuchNetwork => matches!(known, Wpa3Only | WepOnly | Enterprise | OutOfRange),
                _ => false,
            }
        });
        let told = trouble;
        let trouble = known.unwrap_or(told);
        self.trouble = Some(trouble);
        let retry_in = self.back_off.next(random);
        self.retry_at = now + retry_in;
        self.phase = Phase::Pausing { until: self.retry_at };
        let attempt = self.back_off.attempts();
        // A look around tells a name that is not there from one that is there and does not fit. The sentence waits for it: a
        // wrong one first would be read first.
        let undecided = trouble == Trouble::Unfit;
        let look = told.is_puzzling() && (undecided || attempt == 1 || attempt.is_multiple_of(5));
        self.diagnose = look.then_some(told);
        if !look {
            self.notice(Notice::Down { trouble, attempt, retry_in });
        }
    }

    fn scanned(&mut self, now: Instant, result: Result<Vec<AccessPoint>, String>) {
        let Some(scan) = self.scan.take() else { return };
        if let (Some(told), Some(known), Phase::Pausing { .. }) = (scan.diagnosing, self.trouble, self.phase)
        {
            let trouble = match (&result, &self.credentials) {
                (Ok(networks), Some(wished)) => {
                    let named = || networks.iter().filter(|network| network.ssid == wished.ssid);
                    let found = named().next().is_some();
                    if found { told.with_scan(named(), self.has_password()) } else { known }
                }
                _ => known,
            };
            self.trouble = Some(trouble);
            let (attempt, retry_in) = (self.back_off.attempts(), self.retry_at.since(now));
            self.notice(Notice::Down { trouble, attempt, retry_in });
        }
        if let (true, Phase::Up(_)) = (scan.roaming, self.phase) {
            self.looked(now, result.as_deref().unwrap_or_default());
        }
        if scan.asked {
            self.notice(Notice::Scanned(result));
        }
    }

    /// Moves to a stronger access point, if there is one.
    fn looked(&mut self, now: Instant, networks: &[AccessPoint]) {
        let Some(known) = &self.credentials else { return };
        // What a wrong or a needless password cannot join is no choice.
        let open = known.password.is_empty();
        let fits = |auth| match auth {
            Auth::Wpa3 | Auth::Enterprise | Auth::Wep => false,
            auth => (auth == Auth::Open) == open,
        };
        let candidates = networks.iter().filter(|network| network.ssid == known.ssid && fits(network.auth));
        if let Some(Move { to, back, rssi: (there, here) }) = self.roaming.looked(now, candidates) {
            self.notice(Notice::Moving { to: there, from: here });
            self.detour = Some(Detour { only: to, back, stronger: true });
            self.retry_at = now;
            self.leave(now);
        }
    }

    /// Begins what is wanted, if the driver is free for it.
    fn advance(&mut self, now: Instant) {
        if self.scan.is_some() {
            return;
        }
        let quiet = matches!(self.phase, Phase::Idle | Phase::Pausing { .. } | Phase::Up(_));
        let up = matches!(self.phase, Phase::Up(_));
        let roaming = up && self.roaming.next_look().is_some_and(|at| at <= now);
        if quiet && (self.scan_asked || self.diagnose.is_some() || roaming) {
            let asked = core::mem::take(&mut self.scan_asked);
            let diagnosing = self.diagnose.take();
            self.scan = Some(Scan { until: now + SCAN, asked, diagnosing, roaming });
            self.action(WifiAction::Scan);
            return;
        }
        if let (Phase::Pausing { until }, Some(credentials)) = (self.phase, &self.credentials)
            && until <= now
        {
            let credentials = credentials.clone();
            self.phase = Phase::Joining { until: now + JOIN };
            self.notice(Notice::Joining { ssid: credentials.ssid.clone() });
            let only = self.detour.map(|detour| detour.only);
            let join = Join { credentials, all_channels: only.is_none(), only };
            self.action(WifiAction::Connect(join));
        } else if matches!(self.phase, Phase::Pausing { .. }) && self.credentials.is_none() {
            (self.phase, self.wanted) = (Phase::Idle, false);
        }
    }
}
