//! What is typed arrives, and what is printed is whole.

use crate::clock;
use crate::machine::{Camera, Twin};
use crate::random::{Random, seed};
use crate::wire::Terminal;
use crate::world::{World, run};
use lenscast_device::settings::Settings;
use std::time::Duration;

const PROMPT: &[u8] = b"cam> ";

/// Commands whose answers tell neither the time nor what the network does.
const COMMANDS: [&str; 11] = [
    "help",
    "help wifi",
    "help cam",
    "nonsense",
    "version",
    "stream set host server 9000 save",
    "stream set path /somewhere",
    "cam quality 30 save",
    "cam fps 7.5",
    "cam size qqvga",
    "log level",
];

/// A device that has nothing to log any more, at its prompt; and one beside it that is driven by hand.
async fn quiet() -> (World, Twin) {
    let mut world = World::new(Settings::default(), Camera::Frames);
    let mut twin = Twin::new(&world.board, "power on");
    twin.type_in(&[]);
    let wire = world.board.wire.clone();
    world.until("the camera is ready", Duration::from_secs(5), |_| wire.printed_contains("ready")).await;
    let typed = wire.type_in("log level error\r");
    twin.type_in(&typed);
    let answer = "log level error";
    world
        .until("the command", Duration::from_secs(5), |_| {
            wire.printed().ends_with(PROMPT) && wire.printed_contains(answer)
        })
        .await;
    world.pass(Duration::from_secs(3)).await;
    wire.take_printed();
    (world, twin)
}

/// Types a line, and returns all that is printed until the next prompt, and what should be.
async fn enter(world: &mut World, twin: &mut Twin, line: &str) -> (Vec<u8>, Vec<u8>) {
    let wire = world.board.wire.clone();
    wire.take_printed();
    let typed = wire.type_in(&format!("{line}\r"));
    let wanted = twin.type_in(&typed);
    let length = wanted.len();
    let end = clock::elapsed() + Duration::from_secs(60);
    while wire.printed().len() < length && clock::elapsed() < end {
        world.pass(Duration::from_millis(20)).await;
    }
    // Nothing may follow.
    world.pass(Duration::from_millis(200)).await;
    (wire.take_printed(), wanted)
}

fn same(printed: &[u8], wanted: &[u8], line: &str) {
    assert_eq!(String::from_utf8_lossy(printed), String::from_utf8_lossy(wanted), "{line}");
    assert_eq!(printed, wanted);
}

#[test]
fn every_byte_of_every_answer_arrives_at_a_quick_terminal() {
    run(async || {
        let (mut world, mut twin) = quiet().await;
        let mut random = Random::new(seed());
        for round in 0..200 {
            let line = if round % 4 == 0 { "help" } else { COMMANDS[random.within(0..COMMANDS.len())] };
            // Saving answers later than the twin, whose answer nobody gives.
            let line = line.trim_end_matches(" save");
            let (printed, wanted) = enter(&mut world, &mut twin, line).await;
            assert!(wanted.ends_with(PROMPT));
            same(&printed, &wanted, line);
        }
    });
}

#[test]
fn a_slow_terminal_gets_every_byte_too() {
    run(async || {
        let (mut world, mut twin) = quiet().await;
        for pause in [1, 3, 8] {
            world.board.wire.set_terminal(Terminal::Slow(pause));
            for line in ["help", "help cam", "nonsense", "help", "version"] {
                let (printed, wanted) = enter(&mut world, &mut twin, line).await;
                same(&printed, &wanted, line);
            }
        }
    });
}

#[test]
fn many_lines_that_are_pasted_at_once_are_all_answered() {
    run(async || {
        let (mut world, mut twin) = quiet().await;
        let lines = "cam quality 30\rhelp\rcam fps 5\rhelp wifi\rversion\r".repeat(3);
        let (printed, wanted) = enter(&mut world, &mut twin, lines.trim_end()).await;
        same(&printed, &wanted, "pasted");
    });
}

#[test]
fn whoever_opens_a_terminal_late_finds_a_console_that_answers_whole() {
    run(async || {
        let (mut world, mut twin) = quiet().await;
        let wire = world.board.wire.clone();
        for _ in 0..10 {
            wire.set_terminal(Terminal::Closed);
            for _ in 0..8 {
                let typed = wire.type_in("help\r");
                twin.type_in(&typed);
                world.pass(Duration::from_millis(300)).await;
            }
            world.pass(Duration::from_secs(60)).await;
            wire.set_terminal(Terminal::Quick);
            world.pass(Duration::from_secs(1)).await;
            for line in ["help", "version", "help"] {
                let (printed, wanted) = enter(&mut world, &mut twin, line).await;
                same(&printed, &wanted, line);
            }
        }
    });
}

#[test]
fn saving_answers_and_a_reboot_prints_its_last_words() {
    run(async || {
        let mut world = World::new(Settings::default(), Camera::Frames);
        let wire = world.board.wire.clone();
        world.pass(Duration::from_secs(1)).await;
        wire.type_in("cam quality 31 save\r");
        let patience = Duration::from_secs(5);
        world.until("saving", patience, |_| wire.printed_contains("camera quality=31 (saved)")).await;
        assert_eq!(world.machine.told.saved.borrow().len(), 1);
        wire.type_in("help\r");
        world.pass(Duration::from_secs(1)).await;
        wire.take_printed();
        wire.type_in("reboot\r");
        world.until("a restart", patience, |world| world.starts == 2).await;
        world.pass(Duration::from_secs(1)).await;
        let text = String::from_utf8(wire.take_printed()).expect("text");
        let (last, first) = text.split_once("lenscast 1.2.3 on bench").expect("the banner");
        assert!(last.contains("reboot"), "{last:?}");
        assert!(first.contains("reboot command"), "{first:?}");
    });
}
