//! The WiFi state machine against a driver that does what the test says.

use core::net::Ipv4Addr;
use core::time::Duration;
use lenscast_device::backoff::Random;
use lenscast_device::settings::Credentials;
use lenscast_device::time::Instant;
use lenscast_device::wifi::{
    AccessPoint, Auth, Bssid, Join, Notice, Output, State, Trouble, Wifi, WifiAction, WifiEvent,
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const BSSID: Bssid = Bssid([2, 0, 0, 0, 0, 1]);

struct Bench {
    wifi: Wifi,
    now: Instant,
    random: Random,
}

fn credentials(ssid: &str, password: &str) -> Credentials {
    Credentials { ssid: ssid.into(), password: password.into() }
}

/// What the driver is asked for first: the strongest of that name.
fn join(ssid: &str, password: &str) -> WifiAction {
    WifiAction::Connect(Join { credentials: credentials(ssid, password), all_channels: true, only: None })
}

fn network(ssid: &str, auth: Auth) -> AccessPoint {
    AccessPoint { ssid: ssid.into(), bssid: BSSID, channel: 6, rssi: -50, auth }
}

impl Bench {
    /// A device with saved credentials whose driver has just started.
    fn started() -> Self {
        let mut bench = Self::off(Some(credentials("home", "secret-password")));
        bench.event(WifiEvent::Started);
        bench
    }

    fn off(credentials: Option<Credentials>) -> Self {
        Self { wifi: Wifi::new(credentials), now: Instant::START, random: Random::new(|| u32::MAX) }
    }

    fn event(&mut self, event: WifiEvent) {
        self.wifi.event(self.now, event, &mut self.random);
    }

    /// Lets time pass, waking the machine when it wants.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(wake) = self.wifi.next_wake().filter(|&wake| wake <= end) {
            self.now = self.now.max(wake);
            self.wifi.handle_timeout(self.now, &mut self.random);
        }
        self.now = end;
        self.wifi.handle_timeout(self.now, &mut self.random);
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.wifi.poll()).collect()
    }

    fn actions(&mut self) -> Vec<WifiAction> {
        let action = |output| match output {
            Output::Action(action) => Some(action),
            Output::Notice(_) => None,
        };
        self.outputs().into_iter().filter_map(action).collect()
    }

    fn notices(&mut self) -> Vec<Notice> {
        let notice = |output| match output {
            Output::Notice(notice) => Some(notice),
            Output::Action(_) => None,
        };
        self.outputs().into_iter().filter_map(notice).collect()
    }

    fn join(&mut self) {
        assert_eq!(self.actions(), [join("home", "secret-password")]);
        self.event(WifiEvent::Associated(BSSID));
        self.event(WifiEvent::Address(ADDRESS));
        assert_eq!(self.wifi.state(), State::Connected);
        self.outputs();
    }
}

#[test]
fn a_device_with_saved_credentials_joins_at_boot_and_one_without_waits() {
    let mut bench = Bench::off(Some(credentials("home", "secret-password")));
    assert_eq!((bench.wifi.state(), bench.actions().len()), (State::Uninit, 0));
    bench.event(WifiEvent::Started);
    assert_eq!(bench.wifi.state(), State::Connecting);
    bench.join();
    assert_eq!(bench.wifi.address(), Some(ADDRESS));

    let mut bench = Bench::off(None);
    bench.event(WifiEvent::Started);
    bench.pass(Duration::from_secs(3600));
    assert_eq!((bench.wifi.state(), bench.outputs()), (State::Idle, vec![]));
    assert!(!bench.wifi.connect(bench.now), "there is nothing to connect with");
}

#[test]
fn a_lost_network_is_tried_for_ever_with_growing_pauses_up_to_a_minute() {
    let mut bench = Bench::started();
    bench.join();
    let mut pauses = Vec::new();
    for _ in 0..200 {
        bench.event(WifiEvent::Disconnected { reason: 200 });
        let notices = bench.notices();
        let [Notice::Down { trouble: Trouble::OutOfRange, retry_in, .. }] = notices[..] else {
            panic!("{notices:?}")
        };
        pauses.push(retry_in.as_secs());
        bench.pass(retry_in);
        assert!(matches!(bench.actions()[..], [WifiAction::Connect(_)]));
    }
    assert_eq!(pauses[..7], [2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(pauses[199], 60);
    bench.event(WifiEvent::Associated(BSSID));
    bench.event(WifiEvent::Address(ADDRESS));
    bench.event(WifiEvent::Disconnected { reason: 200 });
    let trouble = bench.wifi.trouble(bench.now);
    assert_eq!(trouble, Some((Trouble::OutOfRange, 1, Duration::from_secs(2))), "the pause is short again");
}

#[test]
fn troubles_are_told_apart() {
    let with_password = |reason| Trouble::from_reason(reason, true);
    let open = |reason| Trouble::from_reason(reason, false);
    for reason in [15, 202, 204] {
        assert_eq!(with_password(reason), Trouble::WrongPassword, "{reason}");
        assert_eq!(open(reason), Trouble::NoPassword, "{reason}");
    }
    assert_eq!(with_password(201), Trouble::NoSuchNetwork);
    assert_eq!(open(211), Trouble::NoPassword);
    assert_eq!(with_password(212), Trouble::OutOfRange);
    assert_eq!(with_password(8), Trouble::Other(8));
}

/// Lets joining fail with `reason`, and the look around that follows find `networks`.
fn diagnosed(reason: u16, networks: Vec<AccessPoint>) -> Trouble {
    let mut bench = Bench::started();
    bench.actions();
    bench.event(WifiEvent::Disconnected { reason });
    assert_eq!(bench.actions(), [WifiAction::Scan], "it looks around");
    bench.event(WifiEvent::ScanDone(Ok(networks)));
    bench.wifi.trouble(bench.now).expect("there is trouble").0
}

#[test]
fn a_wpa3_only_network_is_told_from_one_that_is_not_there() {
    assert_eq!(diagnosed(201, vec![network("other", Auth::Wpa3)]), Trouble::NoSuchNetwork);
    assert_eq!(diagnosed(201, vec![network("home", Auth::Wpa3)]), Trouble::Wpa3Only);
    assert_eq!(diagnosed(210, vec![network("home", Auth::Enterprise)]), Trouble::Enterprise);
    let both = vec![network("home", Auth::Wpa3), network("home", Auth::Wpa2)];
    assert_eq!(diagnosed(201, both), Trouble::NoSuchNetwork, "one of them could let us in");
}

#[test]
fn what_a_look_around_found_out_is_not_forgotten_at_the_next_failure() {
    let mut bench = Bench::started();
    bench.event(WifiEvent::Disconnected { reason: 201 });
    bench.event(WifiEvent::ScanDone(Ok(vec![network("home", Auth::Wpa3)])));
    bench.pass(Duration::from_secs(2));
    bench.outputs();
    bench.event(WifiEvent::Disconnected { reason: 201 });
    assert!(matches!(bench.notices()[..], [Notice::Down { trouble: Trouble::Wpa3Only, attempt: 2, .. }]));
}

#[test]
fn a_network_that_gives_no_address_is_left_and_tried_again_after_the_pause() {
    let mut bench = Bench::started();
    bench.outputs();
    bench.event(WifiEvent::Associated(BSSID));
    bench.pass(Duration::from_secs(15));
    let outputs = bench.outputs();
    let down = Notice::Down { trouble: Trouble::NoAddress, attempt: 1, retry_in: Duration::from_secs(2) };
    assert_eq!(outputs, [Output::Notice(down), Output::Action(WifiAction::Disconnect)]);
    bench.event(WifiEvent::Disconnected { reason: 8 });
    assert_eq!(bench.outputs(), [], "not before the pause is over");
    bench.pass(Duration::from_secs(2));
    assert!(matches!(bench.actions()[..], [WifiAction::Connect(_)]));
}

#[test]
fn a_driver_that_does_not_answer_is_asked_again() {
    let mut bench = Bench::started();
    bench.outputs();
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.actions(), [WifiAction::Disconnect]);
    bench.pass(Duration::from_secs(5));
    assert!(matches!(bench.actions()[..], [WifiAction::Connect(_)]));
}

#[test]
fn a_scan_waits_for_joining_and_joining_for_a_scan() {
    let mut bench = Bench::started();
    bench.outputs();
    bench.wifi.scan(bench.now);
    assert_eq!(bench.outputs(), [], "the driver is joining");
    bench.event(WifiEvent::Disconnected { reason: 202 });
    assert_eq!(bench.actions(), [WifiAction::Scan]);
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.outputs(), [], "the driver is scanning");
    let found = vec![network("home", Auth::Wpa2)];
    bench.event(WifiEvent::ScanDone(Ok(found.clone())));
    let outputs = bench.outputs();
    assert_eq!(outputs[0], Output::Notice(Notice::Scanned(Ok(found))));
    assert!(matches!(outputs[2], Output::Action(WifiAction::Connect(_))), "{outputs:?}");
}

#[test]
fn a_scan_is_answered_even_when_the_driver_never_does() {
    let mut bench = Bench::off(None);
    bench.event(WifiEvent::Started);
    bench.wifi.scan(bench.now);
    bench.outputs();
    bench.pass(Duration::from_secs(15));
    assert!(matches!(bench.notices()[..], [Notice::Scanned(Err(_))]));

    bench.event(WifiEvent::Failed("no radio".into()));
    assert_eq!(bench.wifi.state(), State::Uninit);
    bench.outputs();
    bench.wifi.scan(bench.now);
    assert_eq!(bench.notices(), [Notice::Scanned(Err("no radio".into()))]);
}

#[test]
fn disconnect_ends_the_tries_and_connect_begins_them_at_once() {
    let mut bench = Bench::started();
    bench.join();
    bench.wifi.disconnect(bench.now);
    assert_eq!(bench.actions(), [WifiAction::Disconnect]);
    bench.event(WifiEvent::Disconnected { reason: 8 });
    bench.pass(Duration::from_secs(3600));
    assert_eq!((bench.wifi.state(), bench.outputs()), (State::Idle, vec![]));

    assert!(bench.wifi.connect(bench.now));
    bench.join();
    bench.wifi.set_credentials(Some(credentials("office", "other-password")));
    bench.wifi.connect(bench.now);
    assert_eq!(bench.actions(), [WifiAction::Disconnect], "the old network is left first");
    bench.event(WifiEvent::Address(ADDRESS));
    assert_ne!(bench.wifi.state(), State::Connected, "a late answer about the old network");
    bench.event(WifiEvent::Disconnected { reason: 8 });
    assert_eq!(bench.actions(), [join("office", "other-password")]);
}

#[test]
fn an_address_that_comes_by_itself_is_taken() {
    let mut bench = Bench::off(None);
    bench.event(WifiEvent::Started);
    bench.event(WifiEvent::Address(ADDRESS));
    assert_eq!(bench.notices(), [Notice::Up(ADDRESS)]);
    bench.event(WifiEvent::Address(ADDRESS));
    assert_eq!(bench.notices(), [], "told once");
}

#[test]
fn passwords_are_not_in_what_is_written_for_debugging() {
    let wifi = Wifi::new(Some(credentials("home", "secret-password")));
    assert!(!format!("{wifi:?}").contains("secret-password"));
}
