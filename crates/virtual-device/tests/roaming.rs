//! The WiFi state machine with the virtual radio, in simulated worlds: what somebody is told who mistyped, and which access
//! point of a network a device is in. Nothing waits: hours pass in milliseconds.

use lenscast_device::backoff::Random;
use lenscast_device::settings::Credentials;
use lenscast_device::time::Instant;
use lenscast_device::wifi::{Bssid, Notice, Output, State, Wifi, WifiAction, WifiEvent};
use lenscast_virtual_device::world::{Radio, World};
use std::time::Duration;

const NEAR: Bssid = Bssid([2, 0, 0, 0, 0, 1]);
const FAR: Bssid = Bssid([2, 0, 0, 0, 0, 2]);

/// A device with its radio.
struct Home {
    wifi: Wifi,
    radio: Radio,
    now: Instant,
    random: Random,
    /// Who let us in, and when.
    joined: Vec<(u64, Bssid)>,
    notices: Vec<Notice>,
    scans: u32,
}

impl Home {
    fn new(world: &str, ssid: &str, password: &str) -> Self {
        let world = World::parse(world).unwrap_or_else(|error| panic!("{error}"));
        let credentials = Credentials { ssid: ssid.to_owned(), password: password.to_owned() };
        Self {
            wifi: Wifi::new(Some(credentials)),
            radio: Radio::new(Some(world), Instant::START),
            now: Instant::START,
            random: Random::new(|| u32::MAX / 2),
            joined: Vec::new(),
            notices: Vec::new(),
            scans: 0,
        }
    }

    fn seconds(&self) -> u64 {
        self.now.as_millis() / 1000
    }

    /// Lets everything happen up to second `end`.
    fn run(&mut self, end: u64) {
        let end = Instant::from_micros(end * 1_000_000);
        loop {
            self.wifi.handle_timeout(self.now, &mut self.random);
            loop {
                while let Some(output) = self.wifi.poll() {
                    match output {
                        Output::Action(action) => {
                            self.scans += u32::from(action == WifiAction::Scan);
                            self.radio.act(self.now, action);
                        }
                        Output::Notice(notice) => self.notices.push(notice),
                    }
                }
                let Some(event) = self.radio.poll(self.now) else { break };
                if let WifiEvent::Associated(bssid) = event {
                    self.joined.push((self.seconds(), bssid));
                }
                self.wifi.event(self.now, event, &mut self.random);
            }
            let wake = [self.wifi.next_wake(), self.radio.next_wake()].into_iter().flatten().min();
            match wake {
                Some(wake) if wake <= end => self.now = self.now.max(wake),
                _ => break self.now = end,
            }
        }
    }

    fn bssids(&self) -> Vec<Bssid> {
        self.joined.iter().map(|(_, bssid)| *bssid).collect()
    }
}

/// The first sentence that somebody reads about `ssid`.
fn told(world: &str, ssid: &str, password: &str) -> String {
    let mut home = Home::new(world, ssid, password);
    home.run(5);
    let troubles: Vec<_> = home
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Down { trouble, .. } => Some(trouble.sentence(ssid)),
            _ => None,
        })
        .collect();
    assert!(!troubles.is_empty(), "{:?}", home.notices);
    assert!(troubles.iter().all(|sentence| *sentence == troubles[0]), "it changed its mind: {troubles:?}");
    troubles[0].clone()
}

#[test]
fn the_commonest_mistakes_get_the_right_sentence_at_once() {
    let world = r#"
        [[network]]
        ssid = "attic"
        password = "correct horse"
        [[network]]
        ssid = "guests"
        [[network]]
        ssid = "new router"
        password = "whatever it is"
        auth = "wpa3"
        [[network]]
        ssid = "office"
        password = "x"
        auth = "enterprise"
        [[network]]
        ssid = "museum"
        password = "abcde"
        auth = "wep"
    "#;
    for (ssid, password, expected) in [
        ("attic", "", "the network wants a password: wifi set attic <password> save"),
        ("attic", "wrong horse", "the network refused the password"),
        (
            "guests",
            "correct horse",
            "the network is open (then: wifi set guests \"\" save), or takes WPA3 only",
        ),
        (
            "new router",
            "whatever it is",
            "the network is open (then: wifi set \"new router\" \"\" save), or takes WPA3",
        ),
        ("new router", "", "the network takes WPA3 only"),
        ("office", "correct horse", "the network wants a user name"),
        ("museum", "correct horse", "the network takes WEP only"),
        ("cellar", "correct horse", "no network of this name is in reach"),
    ] {
        let sentence = told(world, ssid, password);
        assert!(sentence.starts_with(expected), "{ssid} {password:?}: {sentence}");
    }
}

/// Two access points. The far one is on the channel that is heard first.
fn house(near: i8, far: i8, wobble: u8, more: &str) -> String {
    format!(
        "seed = 7\n[[network]]\nssid = \"home\"\npassword = \"secret-password\"\nchannel = 11\nrssi = {near}\nwobble_db = {wobble}\n\
         [[network]]\nssid = \"home\"\npassword = \"secret-password\"\nchannel = 1\nrssi = {far}\nwobble_db = {wobble}\n{more}"
    )
}

#[test]
fn the_strongest_access_point_is_joined_although_another_is_heard_first() {
    let mut home = Home::new(&house(-50, -82, 2, ""), "home", "secret-password");
    home.run(24 * 3600);
    assert_eq!(home.bssids(), [NEAR]);
    assert_eq!(home.scans, 0, "nobody looks around who is well");
}

#[test]
fn a_device_moves_to_an_access_point_that_became_ten_decibels_better() {
    // After an hour a door is closed: −50 becomes −79, and the other one is at −65.
    let door = "[[change]]\nssid = \"home\"\nbssid = \"02:00:00:00:00:01\"\nat_s = 3600\nrssi = -79\n";
    let mut home = Home::new(&house(-50, -65, 2, door), "home", "secret-password");
    home.run(24 * 3600);
    assert_eq!(home.bssids(), [NEAR, FAR]);
    let moved = home.joined[1].0;
    assert!((3600..3600 + 120).contains(&moved), "it took until {moved} s");
    let moves = home.notices.iter().filter(|notice| matches!(notice, Notice::Moving { .. })).count();
    assert_eq!((moves, home.wifi.state()), (1, State::Connected));
    let down = home.notices.iter().any(|notice| matches!(notice, Notice::Down { .. }));
    assert!(!down, "moving is no trouble: {:?}", home.notices);
}

#[test]
fn less_than_ten_decibels_are_no_reason_to_move() {
    let door = "[[change]]\nssid = \"home\"\nbssid = \"02:00:00:00:00:01\"\nat_s = 3600\nrssi = -79\n";
    let mut home = Home::new(&house(-50, -73, 2, door), "home", "secret-password");
    home.run(24 * 3600);
    assert_eq!(home.bssids(), [NEAR]);
    assert!((80..=100).contains(&home.scans), "a look in a quarter of an hour: {} in 23 h", home.scans);
}

#[test]
fn two_weak_access_points_that_swing_are_no_reason_to_go_back_and_forth() {
    // Both at −75, each measurement up to 8 dB off: one look in fifteen sees one 10 dB above the other.
    for seed in 0..20 {
        let world = house(-75, -75, 8, "").replace("seed = 7", &format!("seed = {seed}"));
        let mut home = Home::new(&world, "home", "secret-password");
        home.run(24 * 3600);
        let moves = home.joined.len() - 1;
        assert!(moves <= 1, "seed {seed}: {moves} moves in a day");
    }
}

#[test]
fn a_stronger_one_that_does_not_let_us_in_costs_seconds_and_is_left_alone() {
    // Another house's, of the same name: loud, and with a password of its own.
    let stranger = "[[network]]\nssid = \"home\"\npassword = \"another-password\"\nrssi = -99\nchannel = 6\n\
                    [[change]]\nssid = \"home\"\nbssid = \"02:00:00:00:00:03\"\nat_s = 60\nrssi = -45\n";
    let mut home = Home::new(&house(-72, -80, 2, stranger), "home", "secret-password");
    home.run(1000);
    assert_eq!(home.bssids(), [NEAR, NEAR], "and back: {:?}", home.notices);
    let back = home.notices.iter().filter(|notice| matches!(notice, Notice::GoingBack(_))).count();
    assert_eq!((back, home.wifi.state()), (1, State::Connected));
    home.run(3000);
    assert_eq!(home.joined.len(), 2, "it is not tried again");
    assert!(!home.notices.iter().any(|notice| matches!(notice, Notice::Down { .. })), "{:?}", home.notices);
}

#[test]
fn who_moved_comes_back_to_any_access_point_when_the_new_one_goes_off() {
    let door = "[[change]]\nssid = \"home\"\nbssid = \"02:00:00:00:00:01\"\nat_s = 100\nrssi = -79\n\
                [[outage]]\nbssid = \"02:00:00:00:00:02\"\nfrom_s = 600\n";
    let mut home = Home::new(&house(-50, -60, 2, door), "home", "secret-password");
    home.run(700);
    assert_eq!(home.bssids(), [NEAR, FAR, NEAR]);
    assert!(
        home.now.since(Instant::START) == Duration::from_secs(700) && home.wifi.state() == State::Connected
    );
}
