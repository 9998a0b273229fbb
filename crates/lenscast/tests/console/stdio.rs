//! The console on the program's own terminal, or on no terminal at all.

use crate::terminal::{PATIENCE, Terminal};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Termios, tcgetattr};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

/// The program on a terminal, with its modes as a shell leaves them.
struct OnTerminal {
    child: Child,
    person: Terminal,
    terminal: OwnedFd,
    before: Termios,
}

impl OnTerminal {
    fn start() -> Self {
        let person = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        rustix::pty::grantpt(&person).expect("it is ours");
        rustix::pty::unlockpt(&person).expect("it is ours");
        let path = rustix::pty::ptsname(&person, Vec::new()).expect("it has a name");
        let open = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        let terminal = open.expect("its other end");
        let before = tcgetattr(&terminal).expect("its modes");
        assert!(before.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        rustix::io::ioctl_fionbio(&person, true).expect("a file that does not block");
        let end = || Stdio::from(terminal.try_clone().expect("one more descriptor"));
        let child = Command::new(env!("CARGO_BIN_EXE_lenscast"))
            .arg("device")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program is there");
        let mut program = Self { child, person: Terminal::new(File::from(person), true), terminal, before };
        program.person.until("the way out is told", |screen| screen.rows()[0].contains("Ctrl-] ends it"));
        program.person.until("a prompt", |screen| screen.line() == "cam> ");
        program
    }

    /// Waits until the program has ended, and looks whether the terminal is as before.
    fn ended(mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it was ours") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it never ends");
            self.person.read();
        };
        let after = tcgetattr(&self.terminal).expect("its modes");
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        status
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().expect("there is kill").success());
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.kill();
    }
}

#[test]
fn every_key_reaches_the_device_and_ctrl_bracket_ends_it() {
    let mut program = OnTerminal::start();
    let modes = tcgetattr(&program.terminal).expect("its modes").local_modes;
    assert!(!modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    program.person.type_text("wif");
    // Ctrl-C is the device's, and ends only the line.
    program.person.send(&[3]);
    let answer = program.person.command("stream status");
    assert!(answer[0].starts_with("host=- port=8080"), "{answer:?}");
    program.person.send(&[0x1d]);
    assert_eq!(program.ended().code(), Some(0));
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for signal in ["TERM", "INT"] {
        let program = OnTerminal::start();
        program.signal(signal);
        assert_eq!(program.ended().code(), Some(0));
    }
}

#[test]
fn commands_from_a_file_are_carried_out_and_then_the_program_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lenscast"))
        .arg("device")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    let mut input = child.stdin.take().expect("it was piped");
    input.write_all(b"cam quality 33\nwifi scan\ncam dump\ncam status\n").expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).expect("nothing but text");
    for line in [
        "cam> cam quality 33\n",
        "cam> wifi scan\n",
        "found 2 networks",
        "ssid=lenscast-guest\n",
        "cam> cam dump\nno registers",
        " quality=33 ",
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    assert!(!text.contains(['\r', '\x1b']), "{text:?}");
}
