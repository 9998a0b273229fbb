//! `lenscast doctor` and `lenscast status`, run as a person runs them: on an installation in which somebody has planted a
//! mistake, and on one without any.

mod elsewhere;
mod planted;
mod running;

use lenscast_auth::secret::Kind;
use lenscast_auth::store::Store;
use lenscast_base::addresses::machine_addresses;
use lenscast_base::state::StateDir;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tempfile::TempDir;

/// An installation, and a computer around it that is in order: its other programs are made here.
struct World {
    folder: TempDir,
    /// The configuration, line by line.
    config: String,
    port: u16,
    /// What is held until the world ends: ports that are busy, sockets at which nobody answers.
    held: Vec<Box<dyn Send>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = format!("listen = \"[::]:{port}\"\nmax_connections = 50\nrequire_camera_key = true\n");
        let world = Self { folder, config, port, held: Vec::new() };
        fs::create_dir(world.path("bin")).unwrap();
        world.program("ufw", "echo 'Status: inactive'");
        world.program("firewall-cmd", "echo 'FirewallD is not running' >&2; exit 252");
        world.program("nft", "");
        world.program("iptables", "echo 'iptables v1.8.9 (nf_tables)'");
        world.program("timedatectl", "echo NTPSynchronized=yes");
        world.store(lenscast_base::time::now());
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that this computer has.
    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&path, 0o755);
    }

    /// A program that prints an example of what it prints.
    fn prints(&self, name: &str, example: &str) {
        self.program(name, &format!("printf '%s' '{}'", example.replace('\'', "'\\''")));
    }

    /// The state directory, with a credential that was made then.
    fn store(&self, at: u64) {
        let state = StateDir::open(&self.path("state")).unwrap();
        Store::open(Arc::new(state)).unwrap().add_token(Kind::View, "tablet", None, None, at).unwrap();
    }

    fn in_state(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path("state").join(name);
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// One more line of the configuration.
    fn set(&mut self, line: &str) {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(self.config, "{line}");
    }

    fn listen(&mut self, address: &str) {
        self.config = self.config.replace(&format!("[::]:{}", self.port), address);
    }

    /// The configuration is what it is, readable for its owner alone.
    fn written(&self) -> PathBuf {
        let path = self.path("lenscast.toml");
        fs::write(&path, &self.config).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// The arguments that name this installation.
    fn which(&self) -> [String; 4] {
        let text = |path: PathBuf| path.display().to_string();
        ["--config".into(), text(self.path("lenscast.toml")), "--state-dir".into(), text(self.path("state"))]
    }

    /// A command that knows no other programs than this computer's.
    fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", self.path("bin")).env("HOME", self.folder.path());
        command.args(args).stdin(Stdio::null());
        command
    }

    fn doctor_command(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_lenscast"), &["doctor"]);
        command.args(self.which());
        command
    }

    fn doctor(&self) -> Said {
        Said::of(self.doctor_command().output().unwrap())
    }
}

/// A port that is free and stays so: none of those that the kernel gives to the connections of other tests, and none twice.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 100) as u16 * 150;
    let ports = std::iter::repeat_with(|| 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 15_000);
    ports.into_iter().find(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok()).unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What was printed, and how it ended.
struct Said {
    code: Option<i32>,
    text: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(errors, "", "{output:?}", output = output.status);
        Self { code: output.status.code(), text: String::from_utf8(output.stdout).unwrap() }
    }

    /// The findings with one of these marks, each with what is to be done, but for what is about this program itself: tests run
    /// one that is built for tests.
    fn findings(&self, marks: &[char]) -> Vec<String> {
        let mut findings: Vec<String> = Vec::new();
        for line in self.text.lines() {
            match line.strip_prefix("  ") {
                Some(rest) if rest.starts_with(['✓', '–', '!', '✗']) => findings.push(rest.to_owned()),
                Some(rest) => findings.iter_mut().last().unwrap().extend(["\n", rest.trim()]),
                None => {}
            }
        }
        let about_tests = |finding: &String| {
            (cfg!(debug_assertions) && finding.contains("This is a debug build"))
                || (env!("LENSCAST_NASM") == "missing" && finding.contains("built without nasm"))
        };
        findings.retain(|finding| finding.starts_with(marks) && !about_tests(finding));
        findings
    }

    /// Finds a mistake, with these words about it, and ends accordingly.
    #[track_caller]
    fn finds(&self, mark: char, words: &[&str]) {
        let found = self.findings(&['!', '✗']);
        let is_it = |finding: &&String| {
            finding.starts_with(mark) && words.iter().all(|words| finding.contains(words))
        };
        assert!(found.iter().any(|finding| is_it(&finding)), "{mark} {words:?} in\n{}", self.text);
        let code = i32::from(found.iter().any(|finding| finding.starts_with('✗')));
        assert_eq!(self.code, Some(code), "{}", self.text);
    }
}

#[test]
fn a_healthy_installation_has_nothing_wrong() {
    if !machine_addresses().iter().any(|ip| !ip.is_loopback()) {
        println!("skipped: this computer has no network");
        return;
    }
    let world = World::new();
    let file = world.written();
    let before = everything_in(world.folder.path());
    let said = world.doctor();
    assert_eq!(said.findings(&['!', '✗']), [""; 0], "{}", said.text);
    assert_eq!(said.code, Some(0));
    for words in [
        &format!("{} can be read; 3 keys are set.", file.display()),
        "state can be used; 0 logins, 1 link or key, 0 shares.",
        &format!("Port {} is free", world.port),
        &format!("No firewall of this computer keeps port {} shut.", world.port),
        "and is set by the network.",
        "– No server answers: its cameras were not looked at.",
        "Nothing is wrong",
    ] {
        assert!(said.text.contains(words), "{words} in {}", said.text);
    }
    assert!(!said.text.contains('\x1b'), "this is no terminal");
    assert_eq!(everything_in(world.folder.path()), before, "nothing is changed");
}

#[test]
fn a_server_that_never_ran_is_no_mistake_and_its_directory_is_not_made() {
    let world = World::new();
    world.written();
    fs::remove_dir_all(world.path("state")).unwrap();
    let said = world.doctor();
    assert!(said.text.contains("state is not there yet; a server makes it"), "{}", said.text);
    assert!(!world.path("state").exists());
}

/// Every file with its content, mode and time.
fn everything_in(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
        let content = fs::read(&path).unwrap_or_default();
        all.push(format!(
            "{} {:?} {:?} {content:?}",
            path.display(),
            metadata.modified().ok(),
            metadata.permissions()
        ));
        if metadata.is_dir() {
            all.extend(everything_in(&path));
        }
    }
    all.sort();
    all
}
