//! The world: its file, its networks, and how its bytes pass.

use lenscast_device::settings::Credentials;
use lenscast_device::time::Instant;
use lenscast_device::wifi::{Auth, Bssid, Join, WifiAction, WifiEvent};
use lenscast_virtual_device::world::{Link, Radio, Shape, World};

fn ms(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

fn world(text: &str) -> World {
    World::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn credentials(ssid: &str, password: &str) -> WifiAction {
    let credentials = Credentials { ssid: ssid.to_owned(), password: password.to_owned() };
    WifiAction::Connect(Join { credentials, all_channels: true, only: None })
}

/// The access point that stands at this place in the file lets us in.
fn associated(number: u8) -> WifiEvent {
    WifiEvent::Associated(Bssid([2, 0, 0, 0, 0, number]))
}

/// All events up to `end`, with their times in ms.
fn events(radio: &mut Radio, end: Instant) -> Vec<(u64, WifiEvent)> {
    let mut events = Vec::new();
    let mut now = Instant::START;
    loop {
        while let Some(event) = radio.poll(now) {
            events.push((now.as_millis(), event));
        }
        let Some(wake) = radio.next_wake().filter(|wake| *wake <= end) else { return events };
        assert!(wake > now, "it wakes at {wake:?} although it was asked at {now:?}");
        now = wake;
    }
}

fn without_signals(events: Vec<(u64, WifiEvent)>) -> Vec<(u64, WifiEvent)> {
    events.into_iter().filter(|(_, event)| !matches!(event, WifiEvent::Signal(_))).collect()
}

/// What joining comes to.
fn joining(text: &str, ssid: &str, password: &str) -> Vec<WifiEvent> {
    let mut radio = Radio::new(Some(world(text)), Instant::START);
    assert_eq!(radio.poll(Instant::START), Some(WifiEvent::Started));
    radio.act(Instant::START, credentials(ssid, password));
    without_signals(events(&mut radio, ms(10_000))).into_iter().map(|(_, event)| event).collect()
}

#[test]
fn the_sample_file_is_a_world_and_says_all_that_can_be_said() {
    let text = include_str!("../../../docs/world.toml");
    let sample = world(text);
    let ssids: Vec<&str> = sample.networks.iter().map(|network| &network.ssid[..]).collect();
    assert_eq!(ssids, ["attic", "attic-guest", "printer", "new router"]);
    let auths: Vec<Auth> = sample.networks.iter().map(|network| network.auth()).collect();
    assert_eq!(auths, [Auth::Wpa2, Auth::Open, Auth::Open, Auth::Wpa3]);
    assert_eq!(sample.networks[2].address, None);
    assert_eq!(sample.link, Shape { latency_ms: 15, jitter_ms: 10, kbit_s: 1500, loss_percent: 0.5 });
    assert_eq!((sample.outages[0].from, sample.outages[0].to), (ms(60_000), ms(75_000)));
    assert_eq!((sample.hangs.len(), sample.changes.len(), sample.seed), (1, 2, 1));
    assert_eq!(sample.credentials().map(|known| known.ssid).as_deref(), Some("attic"));
}

#[test]
fn without_a_file_there_is_an_open_network_and_one_with_a_password() {
    let auths: Vec<Auth> = World::at_home().networks.iter().map(|network| network.auth()).collect();
    assert_eq!(auths, [Auth::Wpa2, Auth::Open]);
}

#[test]
fn a_file_that_says_what_cannot_be_is_refused_with_the_line() {
    let cases = [
        ("seed = 1\n\n[link]\nlatency = 3\n", "line 4", "unknown field `latency`"),
        ("[[network]]\npassword = \"x\"\n", "line 1", "missing field `ssid`"),
        ("[[network]]\nssid = \"a\"\nauth = \"wpa9\"\n", "line 3", "is none of open, wep, wpa, wpa2"),
        ("[[network]]\nssid = \"a\"\naddress = \"here\"\n", "line 3", "neither an IPv4 address nor"),
        ("[[network]]\nssid = \"a\"\nrssi = -200\n", "line 3", "-200"),
        ("[link]\nloss_percent = 100\n", "line 2", "not from 0 to 90"),
        ("[[outage]]\nfrom_s = -1\n", "line 2", "no time: -1 s"),
        ("[[hang]]\nto_s = 3\n", "line 1", "missing field `from_s`"),
        ("weather = \"bad\"\n", "line 1", "unknown field `weather`"),
        ("[[outage]]\nssid = \"b\"\nfrom_s = 1\n", "", "\"b\", which is none of its networks"),
        ("[[change]]\nssid = \"b\"\nat_s = 1\n", "", "\"b\", which is none of its networks"),
        ("[[outage]]\nbssid = \"02:00:00:00:00:01\"\nfrom_s = 1\n", "", "(02:00:00:00:00:01), which is none"),
        ("[[network]]\nssid = \"a\"\nbssid = \"here\"\n", "line 3", "no address such as 02:00:00:00:00:01"),
        ("[[network]]\nssid = \"a\"\nbssid = \"1:2:3:4:5:6:7\"\n", "line 3", "no address such as"),
    ];
    for (text, line, what) in cases {
        let error = World::parse(text).expect_err(text);
        assert!(error.contains(line) && error.contains(what), "{text:?}: {error}");
    }
}

const NETWORKS: &str = r#"
[[network]]
ssid = "home"
password = "secret"
address = "10.0.0.5"
[[network]]
ssid = "new"
password = "secret"
auth = "wpa3"
[[network]]
ssid = "open"
[[network]]
ssid = "deaf"
address = "none"
[[network]]
ssid = "far"
rssi = -99
"#;

#[test]
fn each_way_not_to_get_in_has_its_own_reason() {
    let lost = |reason| vec![WifiEvent::Disconnected { reason }];
    assert_eq!(joining(NETWORKS, "home", "wrong"), lost(15));
    assert_eq!(joining(NETWORKS, "home", ""), lost(210));
    assert_eq!(joining(NETWORKS, "new", "secret"), lost(210));
    assert_eq!(joining(NETWORKS, "open", "secret"), lost(211));
    assert_eq!(joining(NETWORKS, "nobody", "secret"), lost(201));
    assert_eq!(joining(NETWORKS, "far", ""), lost(201));
    assert_eq!(joining(NETWORKS, "deaf", ""), [associated(4)]);
    let in_with = |number, address: [u8; 4]| [associated(number), WifiEvent::Address(address.into())];
    assert_eq!(joining(NETWORKS, "home", "secret"), in_with(1, [10, 0, 0, 5]));
    assert_eq!(joining(NETWORKS, "open", ""), in_with(3, [192, 168, 1, 50]));
}

#[test]
fn a_scan_finds_what_can_be_heard_the_strongest_first() {
    let text = format!("{NETWORKS}\n[[outage]]\nssid = \"new\"\nfrom_s = 0\n");
    let mut radio = Radio::new(Some(world(&text)), Instant::START);
    radio.act(Instant::START, WifiAction::Scan);
    let events = events(&mut radio, ms(5000));
    let Some((_, WifiEvent::ScanDone(Ok(found)))) = events.last() else { panic!("{events:?}") };
    let mut ssids: Vec<&str> = found.iter().map(|network| &network.ssid[..]).collect();
    assert!(found.is_sorted_by_key(|network| -i16::from(network.rssi)), "{found:?}");
    ssids.sort_unstable();
    assert_eq!(ssids, ["deaf", "home", "open"]);
    assert!(found.iter().all(|network| (-57..=-53).contains(&network.rssi)), "{found:?}");
}

#[test]
fn a_wpa3_network_looks_open_as_it_does_to_the_chip() {
    let mut radio = Radio::new(Some(world(NETWORKS)), Instant::START);
    radio.act(Instant::START, WifiAction::Scan);
    let events = events(&mut radio, ms(5000));
    let Some((_, WifiEvent::ScanDone(Ok(found)))) = events.last() else { panic!("{events:?}") };
    let auth = |ssid| found.iter().find(|network| network.ssid == ssid).map(|network| network.auth);
    assert_eq!(
        (auth("new"), auth("open"), auth("home")),
        (Some(Auth::Open), Some(Auth::Open), Some(Auth::Wpa2))
    );
}

const UPSTAIRS: &str = r#"
[[network]]
ssid = "home"
password = "secret"
channel = 1
rssi = -80
[[network]]
ssid = "home"
password = "secret"
channel = 11
rssi = -50
bssid = "02:aa:00:00:00:11"
[[outage]]
bssid = "02:aa:00:00:00:11"
from_s = 20
[[change]]
ssid = "home"
bssid = "02:00:00:00:00:01"
at_s = 30
rssi = -40
"#;

/// Joins "home" `at` ms and tells which access point let us in, and when.
fn joined_at(at: u64, all_channels: bool, only: Option<(Bssid, u8)>) -> Option<(Bssid, u64)> {
    let mut radio = Radio::new(Some(world(UPSTAIRS)), ms(at));
    let credentials = Credentials { ssid: "home".to_owned(), password: "secret".to_owned() };
    radio.act(ms(at), WifiAction::Connect(Join { credentials, all_channels, only }));
    let mut now = ms(at);
    loop {
        match radio.poll(now) {
            Some(WifiEvent::Associated(bssid)) => return Some((bssid, now.as_millis() - at)),
            Some(WifiEvent::Disconnected { reason }) => {
                assert_eq!(reason, 201);
                return None;
            }
            Some(_) => {}
            None => now = radio.next_wake().expect("an answer comes"),
        }
    }
}

#[test]
fn the_first_that_is_heard_is_joined_unless_all_channels_are_asked_for() {
    let (downstairs, upstairs) = (Bssid([2, 0, 0, 0, 0, 1]), Bssid([2, 0xaa, 0, 0, 0, 0x11]));
    assert_eq!(joined_at(0, false, None), Some((downstairs, 370)), "the first, however weak");
    assert_eq!(joined_at(0, true, None), Some((upstairs, 1200)), "the strongest");
    assert_eq!(joined_at(0, false, Some((downstairs, 1))), Some((downstairs, 370)));
    assert_eq!(joined_at(0, false, Some((upstairs, 11))), Some((upstairs, 370)));
    assert_eq!(joined_at(20_000, false, Some((upstairs, 11))), None, "it is off, the other one is not");
    assert_eq!(joined_at(20_000, true, None), Some((downstairs, 1200)));
}

#[test]
fn what_happens_to_a_network_happens_to_who_is_in_it() {
    let text = r#"
        [[network]]
        ssid = "home"
        password = "old"
        [[outage]]
        from_s = 10
        to_s = 20
        [[change]]
        ssid = "home"
        at_s = 40
        password = "new"
        rssi = -80
    "#;
    let mut radio = Radio::new(Some(world(text)), Instant::START);
    radio.act(Instant::START, credentials("home", "old"));
    let first = events(&mut radio, ms(15_000));
    let signals = first.iter().filter(|(_, event)| matches!(event, WifiEvent::Signal(-57..=-53))).count();
    assert!((8..=10).contains(&signals), "one a second: {first:?}");
    let first = without_signals(first);
    assert_eq!(first.last(), Some(&(10_000, WifiEvent::Disconnected { reason: 200 })));
    assert!(!radio.is_up());

    radio.act(ms(15_000), credentials("home", "old"));
    assert_eq!(radio.poll(ms(19_000)), Some(WifiEvent::Disconnected { reason: 201 }));
    radio.act(ms(20_500), credentials("home", "old"));
    assert_eq!(radio.poll(ms(22_000)), Some(associated(1)));
    assert!(matches!(radio.poll(ms(22_000)), Some(WifiEvent::Address(_))));
    assert!(radio.is_up());
    while radio.poll(ms(39_999)).is_some() {}
    assert!(radio.is_up());
    assert_eq!(radio.poll(ms(40_000)), Some(WifiEvent::Disconnected { reason: 2 }));
    radio.act(ms(40_000), credentials("home", "new"));
    assert_eq!(radio.poll(ms(45_000)), Some(associated(1)));
    assert!(matches!(radio.poll(ms(45_000)), Some(WifiEvent::Address(_))));
    assert!(matches!(radio.poll(ms(45_000)), Some(WifiEvent::Signal(-82..=-78))));
}

#[test]
fn who_leaves_while_joining_does_not_get_in() {
    let mut radio = Radio::new(Some(world(NETWORKS)), Instant::START);
    radio.act(Instant::START, credentials("home", "secret"));
    radio.act(ms(100), WifiAction::Disconnect);
    let told: Vec<_> = events(&mut radio, ms(10_000)).into_iter().map(|(_, event)| event).collect();
    assert_eq!(told, [WifiEvent::Started, WifiEvent::Disconnected { reason: 8 }]);
}

#[test]
fn a_cable_is_up_at_once_and_after_each_connect() {
    let mut radio = Radio::new(None, Instant::START);
    let told: Vec<_> = std::iter::from_fn(|| radio.poll(Instant::START)).collect();
    assert!(
        matches!(told[..], [WifiEvent::Started, WifiEvent::Associated(_), WifiEvent::Address(_)]),
        "{told:?}"
    );
    assert!(radio.is_up());
    radio.act(ms(1), WifiAction::Disconnect);
    assert_eq!(radio.poll(ms(1)), Some(WifiEvent::Disconnected { reason: 8 }));
    assert!(!radio.is_up());
    radio.act(ms(2), credentials("any", "thing"));
    while radio.poll(ms(2)).is_some() {}
    assert!(radio.is_up());
}

/// Sends `total` bytes that count upwards, as fast as the link takes them, and returns when each chunk arrived.
fn pass(link: &mut Link, total: usize) -> Vec<(Instant, usize)> {
    let (mut now, mut sent, mut arrived) = (Instant::START, 0usize, Vec::new());
    let mut received = 0usize;
    while received < total {
        let bytes: Vec<u8> = (sent..total.min(sent + link.room())).map(|number| number as u8).collect();
        assert_eq!(link.send(now, &bytes), bytes.len());
        sent += bytes.len();
        now = link.next_arrival().expect("something is on its way");
        while let Some(bytes) = link.receive(now) {
            let expected: Vec<u8> = (received..received + bytes.len()).map(|number| number as u8).collect();
            assert_eq!(bytes, expected, "in order and complete");
            received += bytes.len();
            arrived.push((now, bytes.len()));
        }
    }
    arrived
}

#[test]
fn a_link_without_a_shape_passes_bytes_at_once() {
    let arrived = pass(&mut Link::new(&World::default(), 0), 100_000);
    assert!(arrived.iter().all(|(at, _)| *at == Instant::START));
}

#[test]
fn bandwidth_latency_and_jitter_are_what_the_world_says() {
    let shape = world("[link]\nlatency_ms = 30\njitter_ms = 20\nkbit_s = 800");
    let arrived = pass(&mut Link::new(&shape, 0), 200_000);
    let first = arrived[0].0;
    assert!(first >= ms(30 + 14) && first <= ms(50 + 15), "{first:?}: latency and the first segment's time");
    assert!(arrived.is_sorted_by_key(|(at, _)| *at));
    // 100 bytes a ms; the 16 KiB that can be under way last longer than the latency.
    let (last, _) = arrived[arrived.len() - 1];
    assert!(last >= ms(2000) && last <= ms(2100), "{last:?}");
}

#[test]
fn a_lost_segment_holds_up_all_behind_it() {
    let shape = world("seed = 3\n[link]\nloss_percent = 10");
    let arrived = pass(&mut Link::new(&shape, 0), 200_000);
    assert!(arrived.is_sorted_by_key(|(at, _)| *at));
    let stalls = arrived.windows(2).filter(|pair| pair[1].0.since(pair[0].0).as_millis() >= 200).count();
    // A chunk of 16 KiB has 12 segments; most of the 13 chunks lose at least one.
    assert!((4..=20).contains(&stalls), "{stalls} stalls");
}

#[test]
fn while_the_link_hangs_nothing_arrives() {
    let shape = world("[[hang]]\nfrom_s = 0.1\nto_s = 3\n[link]\nkbit_s = 800");
    let arrived = pass(&mut Link::new(&shape, 0), 100_000);
    assert!(arrived.iter().any(|(at, _)| *at < ms(100)));
    assert!(arrived.iter().all(|(at, _)| *at < ms(100) || *at >= ms(3000)), "{arrived:?}");
    let for_ever = world("[[hang]]\nfrom_s = 0\n");
    let mut link = Link::new(&for_ever, 0);
    link.send(Instant::START, b"hello");
    assert_eq!(link.receive(ms(u64::MAX / 2000)), None);
}

#[test]
fn the_same_seed_is_the_same_course_of_events_and_another_seed_another() {
    let text = |seed| format!("seed = {seed}\n[link]\njitter_ms = 50\nloss_percent = 2\nkbit_s = 2000");
    let course = |seed, connection| pass(&mut Link::new(&world(&text(seed)), connection), 50_000);
    assert_eq!(course(1, 0), course(1, 0));
    assert_ne!(course(1, 0), course(2, 0));
    assert_ne!(course(1, 0), course(1, 1));
}

#[test]
fn a_link_holds_no_more_than_a_device_would() {
    let mut link = Link::new(&world("[link]\nlatency_ms = 100"), 0);
    assert_eq!(link.send(Instant::START, &[7; 100_000]), Link::CAPACITY);
    assert_eq!((link.room(), link.send(ms(1), &[7])), (0, 0));
    assert!(link.receive(ms(200)).is_some());
    assert!(link.room() > 0);
}
