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

    /// Up to the next attempt.
    fn pass_the_pause(&mut self) {
        let (_, _, pause) = self.wifi.trouble(self.now).expect("it pauses because of trouble");
        self.pass(pause);
        assert!(matches!(self.outputs().last(), Some(Output::Action(WifiAction::Connect(_)))));
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
    for reason in [210, 211] {
        assert_eq!((open(reason), with_password(reason)), (Trouble::Unfit, Trouble::Unfit), "{reason}");
    }
    assert_eq!(with_password(212), Trouble::OutOfRange);
    assert_eq!(with_password(8), Trouble::Other(8));
}

/// Lets joining fail with `reason`, and the look around that follows find `networks`. What is told then, once.
fn diagnosed(reason: u16, password: &str, networks: Vec<AccessPoint>) -> Trouble {
    let mut bench = Bench::off(Some(credentials("home", password)));
    bench.event(WifiEvent::Started);
    bench.outputs();
    bench.event(WifiEvent::Disconnected { reason });
    assert_eq!(bench.outputs(), [Output::Action(WifiAction::Scan)], "it looks around before it says a word");
    bench.event(WifiEvent::ScanDone(Ok(networks)));
    let notices = bench.notices();
    let [Notice::Down { trouble, attempt: 1, .. }] = notices[..] else { panic!("{notices:?}") };
    assert_eq!(bench.wifi.trouble(bench.now).map(|(trouble, ..)| trouble), Some(trouble));
    trouble
}

#[test]
fn the_scan_decides_what_the_drivers_reasons_leave_open() {
    use Trouble::{Enterprise, NoPassword, NoSuchNetwork, OpenOrWpa3, OutOfRange, Unfit, WepOnly, Wpa3Only};
    let home = |auth| vec![network("other", Auth::Wpa2), network("home", auth)];
    for reason in [210, 211] {
        for (auth, without, with) in [
            // What is really open lets in who has no password.
            (Auth::Open, Wpa3Only, OpenOrWpa3),
            (Auth::Wpa3, Wpa3Only, Wpa3Only),
            (Auth::Wep, WepOnly, WepOnly),
            (Auth::Enterprise, Enterprise, Enterprise),
            (Auth::Wpa, NoPassword, Unfit),
            (Auth::Wpa2, NoPassword, Unfit),
            (Auth::WpaWpa2, NoPassword, Unfit),
            (Auth::Wpa2Wpa3, NoPassword, Unfit),
            (Auth::Other, NoPassword, Unfit),
        ] {
            assert_eq!(diagnosed(reason, "", home(auth)), without, "{reason} {auth}");
            assert_eq!(diagnosed(reason, "secret-password", home(auth)), with, "{reason} {auth}");
        }
        assert_eq!(diagnosed(reason, "", vec![network("other", Auth::Wpa2)]), Unfit, "{reason}: not heard");
    }
    let told = |networks| diagnosed(201, "secret-password", networks);
    assert_eq!(told(vec![network("other", Auth::Wpa3)]), NoSuchNetwork);
    assert_eq!(told(home(Auth::Wpa3)), Wpa3Only);
    assert_eq!(told(home(Auth::Wpa2)), OutOfRange, "it is there, so that it is not a wrong name");
    let both = vec![network("home", Auth::Wpa3), network("home", Auth::Wpa2)];
    assert_eq!(told(both), OutOfRange, "one of them could let us in");
}

#[test]
fn each_sentence_says_what_to_type_and_names_the_network_as_it_is_typed() {
    let open = Trouble::OpenOrWpa3.sentence("my \"net\"");
    assert!(open.contains(r#"wifi set "my \"net\"" "" save"#) && open.contains("WPA3 only"), "{open}");
    assert!(
        Trouble::NoPassword.sentence("attic").contains("wants a password: wifi set attic <password> save")
    );
    assert!(Trouble::WrongPassword.sentence("attic").starts_with("the network refused the password"));
}

#[test]
fn what_a_look_around_found_out_is_not_forgotten_at_the_next_failure() {
    for (reason, auth, expected) in
        [(201, Auth::Wpa3, Trouble::Wpa3Only), (211, Auth::Open, Trouble::OpenOrWpa3)]
    {
        let mut bench = Bench::started();
        bench.event(WifiEvent::Disconnected { reason });
        bench.event(WifiEvent::ScanDone(Ok(vec![network("home", auth)])));
        for attempt in 2..5 {
            bench.pass_the_pause();
            bench.event(WifiEvent::Disconnected { reason });
            let notices = bench.notices();
            assert!(
                matches!(notices[..], [Notice::Down { trouble, attempt: at, .. }] if trouble == expected && at == attempt),
                "{notices:?}"
            );
        }
        // The fifth time it looks again: somebody may have changed the access point.
        bench.pass_the_pause();
        bench.event(WifiEvent::Disconnected { reason });
        assert_eq!(bench.actions(), [WifiAction::Scan]);
        bench.event(WifiEvent::ScanDone(Ok(vec![network("home", Auth::Enterprise)])));
        assert_eq!(bench.wifi.trouble(bench.now).map(|(trouble, ..)| trouble), Some(Trouble::Enterprise));
    }
}

#[test]
fn a_look_around_that_is_never_answered_does_not_keep_the_trouble_secret() {
    let mut bench = Bench::started();
    bench.outputs();
    bench.event(WifiEvent::Disconnected { reason: 210 });
    assert_eq!(bench.actions(), [WifiAction::Scan]);
    bench.pass(Duration::from_secs(15));
    let outputs = bench.outputs();
    assert!(
        matches!(outputs[0], Output::Notice(Notice::Down { trouble: Trouble::Unfit, .. })),
        "{outputs:?}"
    );
    assert!(matches!(outputs[2], Output::Action(WifiAction::Connect(_))), "{outputs:?}");
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
