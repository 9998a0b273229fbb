//! Keys that are no letters, and terminals that come and go.

use crate::program::Device;
use crate::terminal::{PROMPT, Terminal};

fn device() -> (Device, Terminal) {
    let device = Device::start(&[]);
    let mut terminal = Terminal::open(&device.path, true);
    terminal.until("the device is ready", |screen| {
        screen.line() == PROMPT && screen.rows().iter().any(|row| row.contains("PATTERN ready"))
    });
    (device, terminal)
}

#[test]
fn tab_completes_arrows_recall_and_ctrl_c_forgets() {
    let (_device, mut terminal) = device();
    terminal.type_text("ver");
    terminal.send(b"\t");
    terminal.until("the whole word", |screen| screen.line().trim_end() == "cam> version");
    let mark = terminal.screen.rows().len();
    terminal.send(b"\r");
    terminal.until("the answer", |screen| {
        screen.line() == PROMPT && screen.rows()[mark..].iter().any(|row| row.starts_with("lenscast "))
    });
    terminal.command("log level");
    terminal.type_text("never");
    terminal.send(&[3]);
    terminal.until("a new prompt", |screen| screen.line() == PROMPT);
    terminal.send(b"\x1b[A");
    terminal.until("the last command", |screen| screen.line() == "cam> log level");
    terminal.send(b"\x1b[D\x1b[D\x7f");
    terminal
        .until("one letter less", |screen| screen.rows().last().is_some_and(|row| row == "cam> log leel"));
}

#[test]
fn programs_that_come_and_go_find_the_console_as_it_was() {
    let (device, mut terminal) = device();
    terminal.command("log level debug");
    drop(terminal);
    for _ in 0..5 {
        let mut terminal = Terminal::open(&device.path, true);
        // As one does who sees nothing.
        terminal.send(b"\r");
        assert_eq!(terminal.command("log level"), ["log level=debug"]);
    }
}

#[test]
fn who_comes_late_sees_what_was_printed_last() {
    let (device, mut terminal) = device();
    // Far more than the system keeps for nobody.
    for _ in 0..40 {
        terminal.send(b"help\r");
    }
    terminal.send(b"cam fps 7\r");
    drop(terminal);
    let mut terminal = Terminal::open(&device.path, true);
    terminal.until("the last answer", |screen| {
        screen.line() == PROMPT
            && screen.rows().iter().any(|row| row.contains("fps") && row.contains("not saved"))
    });
}
