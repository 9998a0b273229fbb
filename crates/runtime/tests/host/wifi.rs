//! What is made of the radio's answers.

use crate::clock;
use crate::machine::{Camera, Own, Told, config, set_up};
use crate::random::seed;
use crate::servers::Foreign;
use crate::tasks::Tasks;
use crate::wire::Terminal;
use crate::world::{World, run};
use lenscast_device::Device;
use lenscast_device::settings::Settings;
use lenscast_device::stream::SocketAction;
use lenscast_device::wifi::{Bssid, WifiAction, WifiEvent};
use lenscast_runtime::channels::{Channels, Event};
use lenscast_runtime::wifi::{LAST_RESORT, NotJoined};
use lenscast_runtime::{driver, now};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_radio_starts_only_after_the_console_said_why_the_device_started() {
    for terminal in [Terminal::Quick, Terminal::Slow(50)] {
        run(async || {
            let mut world = World::new(Settings::default(), Camera::Frames);
            let (wire, air) = (world.board.wire.clone(), world.board.air.clone());
            wire.set_terminal(terminal);
            world.until("the radio", PATIENCE, |_| air.starts() == 1).await;
            assert!(wire.printed_contains("last start: power on"), "{terminal:?}");
        });
    }
}

#[test]
fn a_terminal_that_nobody_reads_does_not_keep_the_radio_off() {
    run(async || {
        let mut world = World::new(Settings::default(), Camera::Frames);
        let air = world.board.air.clone();
        world.board.wire.set_terminal(Terminal::Closed);
        world.until("the radio", Duration::from_secs(1), |_| air.starts() == 1).await;
    });
}

#[test]
fn after_three_hung_starts_in_a_row_the_console_has_a_minute_without_a_radio() {
    run(async || {
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        let (wire, air) = (world.board.wire.clone(), world.board.air.clone());
        let mut starts = 0;
        for reason in ["watchdog", "restart: the device task hung", "power on", "watchdog", "watchdog"] {
            world.machine = world.board.start(reason);
            world.pass(Duration::from_secs(2)).await;
            starts += 1;
            assert_eq!(air.starts(), starts, "{reason}");
        }
        for _ in 0..2 {
            world.machine = world.board.start("watchdog");
            let begun = clock::elapsed();
            world.pass(Duration::from_secs(55)).await;
            assert_eq!(air.starts(), starts);
            assert!(wire.printed_contains("the radio stays off for 60 s"));
            wire.take_printed();
            wire.type_in("help wifi\r");
            world.pass(Duration::from_secs(1)).await;
            assert!(wire.printed_contains("forget the network"));
            world.until("the radio", PATIENCE, |_| air.starts() > starts).await;
            assert!((59..=61).contains(&(clock::elapsed() - begun).as_secs()));
            starts += 1;
        }
        // It joins then, as always.
        world.until("an address", PATIENCE, |_| wire.printed_contains("connected, address")).await;
    });
}

#[test]
fn a_radio_that_fails_again_and_again_is_made_anew_and_then_the_device_is() {
    run(async || {
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        let (wire, air) = (world.board.wire.clone(), world.board.air.clone());
        air.fail_to_join([NotJoined::BrokeDown; 9]);
        world.until("another start", Duration::from_secs(600), |world| world.starts == 2).await;
        assert_eq!(air.starts(), 3);
        world.until("the network", PATIENCE, |_| wire.printed_contains("connected, address")).await;
        assert!(wire.printed_contains(LAST_RESORT));
    });
}

#[test]
fn a_radio_that_does_not_start_is_tried_again_and_its_words_are_printed() {
    run(async || {
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        let wire = world.board.wire.clone();
        world.board.air.fail_to_start(&["no memory"]);
        world.until("the words", PATIENCE, |_| wire.printed_contains("did not start (no memory)")).await;
        world.until("the network", PATIENCE, |_| wire.printed_contains("connected, address")).await;
        assert_eq!(world.starts, 1);
    });
}

#[test]
fn many_orders_at_once_are_all_carried_out() {
    run(async || {
        let server = Foreign::start(seed()).await;
        let mut world = World::new(set_up("server", 8080), Camera::Frames);
        world.gateway.open(8080, server.address);
        world.until("frames", PATIENCE, |_| server.frames() > 10).await;
        // More than the channels hold, while the radio takes half a second to leave.
        let wire = world.board.wire.clone();
        wire.type_in(&("wifi disconnect\rwifi connect\r".repeat(15) + "wifi disconnect\r"));
        world.pass(Duration::from_secs(30)).await;
        wire.take_printed();
        wire.type_in("wifi status\r");
        world.pass(Duration::from_secs(1)).await;
        let text = String::from_utf8(wire.take_printed()).expect("text");
        assert!(text.contains("state=IDLE"), "{text}");
        let before = server.frames();
        world.pass(Duration::from_secs(5)).await;
        assert_eq!(server.frames(), before, "the last order was to leave");
        wire.type_in("wifi connect\r");
        world.until("frames", PATIENCE, |_| server.frames() > before + 10).await;
        server.seen().check();
    });
}

#[test]
fn an_order_for_which_there_is_no_room_waits_until_there_is() {
    let told = Rc::new(Told::default());
    let channels: &'static Channels = Box::leak(Box::new(Channels::new()));
    let other = || SocketAction::Hangup { id: 1000 };
    while channels.wifi.try_send(WifiAction::Scan).is_ok() {}
    while channels.socket.try_send(other()).is_ok() {}
    let device = Device::new(config(&set_up("server", 8080), "power on", seed()), now());
    let mut tasks = Tasks::default();
    let shown = told.clone();
    tasks.spawn(async move { driver::run(device, &mut Own::new(shown), channels).await });
    let mut turn = |event| {
        channels.events.try_send(Event::Wifi(event)).expect("there is room for one");
        while tasks.turn() {}
    };
    turn(WifiEvent::Started);
    for _ in 0..channels.wifi.capacity() {
        assert_eq!(channels.wifi.try_receive(), Ok(WifiAction::Scan));
    }
    turn(WifiEvent::Signal(-50));
    let action = channels.wifi.try_receive();
    assert!(matches!(action, Ok(WifiAction::Connect(_))), "{action:?}");

    turn(WifiEvent::Associated(Bssid::default()));
    turn(WifiEvent::Address(Ipv4Addr::new(10, 0, 0, 7)));
    for _ in 0..channels.socket.capacity() {
        assert_eq!(channels.socket.try_receive(), Ok(other()));
    }
    turn(WifiEvent::Signal(-50));
    let action = channels.socket.try_receive();
    assert!(matches!(action, Ok(SocketAction::Dial { .. })), "{action:?}");
}
