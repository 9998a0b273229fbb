//! `cargo xtask dist --check`: what happens to people who install the package, on the debug build and in a folder instead of
//! a system: install, start as the unit says, use, stop, remove, purge.

use super::{Release, deb};
use crate::Result;
use crate::process::{self, Places, find, output};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long starting and stopping may take on a busy computer.
const PATIENCE: Duration = Duration::from_secs(60);

const SYMLINK: &str = "etc/systemd/system/multi-user.target.wants/lenscast.service";

pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    process::run(&mut places.cargo(&["build", "--locked", "--package", "lenscast"]))?;
    let release = Release::of(&places, places.lenscast("debug")?)?;
    let folder = places.built.join("dist-check");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    archive(&release, &folder)?;
    match ["dpkg", "dpkg-deb", "deb-systemd-helper"].into_iter().find(|tool| find(tool).is_none()) {
        Some(missing) => println!("SKIPPED: the .deb: there is no {missing} here"),
        None => package(&release, &folder)?,
    }
    fs::remove_dir_all(&folder)?;
    println!("Everything that is packed installs, runs and goes.");
    Ok(())
}

/// The program in the archive runs where it is unpacked.
fn archive(release: &Release, folder: &Path) -> Result<()> {
    let path = release.archive(folder)?;
    process::run(Command::new("tar").arg("-xzf").arg(&path).arg("-C").arg(folder))?;
    let program = path.with_extension("").with_extension("").join("lenscast");
    let version = output(&program.to_string_lossy(), &["--version"]);
    expect(
        version == Some(format!("lenscast {}", super::VERSION)),
        "the program in the archive tells its version",
    )
}

/// The package, through its life.
fn package(release: &Release, folder: &Path) -> Result<()> {
    let deb = deb::make(release, folder, deb::Compression::None)?;
    let root = Root::new(folder.join("root"))?;
    root.dpkg("--install", &deb.to_string_lossy())?;
    let (configuration, unit) = (root.0.join(deb::CONFIGURATION), root.0.join(deb::UNIT));
    expect(configuration.is_file(), "the configuration is there")?;
    expect(fs::symlink_metadata(root.0.join(SYMLINK)).is_ok(), "the service starts with the system")?;

    let mut service = Service::start(&root, &fs::read_to_string(&unit)?)?;
    let health = service.get("/healthz")?;
    expect(health.starts_with("HTTP/1.1 200 "), &format!("the service is healthy: {health}"))?;
    service.reload()?;
    service.stop()?;

    fs::write(&configuration, "# Mine.\n")?;
    root.dpkg("--install", &deb.to_string_lossy())?;
    expect(fs::read_to_string(&configuration)? == "# Mine.\n", "installing again keeps what was configured")?;
    root.dpkg("--remove", "lenscast")?;
    expect(!unit.exists() && !root.0.join("usr/bin/lenscast").exists(), "removing takes program and unit")?;
    expect(
        configuration.is_file() && root.state().is_dir(),
        "removing keeps what was configured and stored",
    )?;
    // As systemd leaves it.
    fs::create_dir_all(root.0.join("var/lib/private"))?;
    fs::rename(root.state(), root.0.join("var/lib/private/lenscast"))?;
    std::os::unix::fs::symlink("private/lenscast", root.state())?;
    root.dpkg("--purge", "lenscast")?;
    let left =
        ["etc/lenscast", "var/lib/lenscast", "var/lib/private/lenscast", SYMLINK, "usr/share/doc/lenscast"];
    let left: Vec<_> = left.iter().filter(|path| fs::symlink_metadata(root.0.join(path)).is_ok()).collect();
    expect(left.is_empty(), &format!("purging takes the rest, but left {left:?}"))
}

fn expect(condition: bool, what: &str) -> Result<()> {
    if condition { Ok(()) } else { Err(format!("this is not so: {what}").into()) }
}

/// A folder that dpkg takes for a system.
#[derive(Debug)]
struct Root(PathBuf);

impl Root {
    fn new(path: PathBuf) -> Result<Self> {
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "usr/bin"] {
            fs::create_dir_all(path.join(folder))?;
        }
        for file in ["status", "available"] {
            fs::write(path.join("var/lib/dpkg").join(file), "")?;
        }
        Ok(Self(path))
    }

    /// Runs dpkg on this folder alone.
    fn dpkg(&self, action: &str, what: &str) -> Result<()> {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", self.0.display()));
        dpkg.arg(format!("--log={}", self.0.join("dpkg.log").display()));
        // Whoever runs this; with scripts that act on the folder; where none of the packages is that ours depends on; and
        // where the tools of root are not on everybody's path.
        dpkg.args(["--force-not-root", "--force-script-chrootless", "--force-depends", "--force-bad-path"]);
        process::run(dpkg.args([action, what]).stdout(Stdio::null()))
    }

    fn state(&self) -> PathBuf {
        self.0.join("var/lib/lenscast")
    }
}

/// The service, started without systemd; it is killed when this is dropped.
#[derive(Debug)]
struct Service {
    child: Child,
    address: SocketAddr,
    reload: Command,
}

impl Service {
    /// Starts what the unit names.
    fn start(root: &Root, unit: &str) -> Result<Self> {
        let value = |key: &str| {
            let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.ok_or_else(|| format!("the unit has no {key}="))
        };
        // With the environment that systemd would give it.
        let command = |key: &str| -> Result<Command> {
            let mut words = value(key)?.split_whitespace();
            let program = words.next().and_then(|program| program.strip_prefix('/'));
            let mut command =
                Command::new(root.0.join(program.ok_or_else(|| format!("{key}= names no absolute path"))?));
            command.args(words).env_clear().env("STATE_DIRECTORY", root.state());
            command.env("LENSCAST_CONFIG", root.0.join(deb::CONFIGURATION)).stdin(Stdio::null());
            Ok(command)
        };
        expect(value("StateDirectory")? == "lenscast", "the unit's state is in /var/lib/lenscast")?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        fs::create_dir_all(root.state())?;
        let child = command("ExecStart")?
            .args(["--listen", &address.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("the service could not be started: {error}"))?;
        Ok(Self { child, address, reload: command("ExecReload")? })
    }

    /// What it answers, once it listens.
    fn get(&mut self, path: &str) -> Result<String> {
        let start = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(self.address) {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => {}
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the service ended by itself: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Has it read its configuration again, as the unit says. It answers requests by now, and so it has its control socket soon.
    fn reload(&mut self) -> Result<()> {
        let start = Instant::now();
        while !self.reload.stdout(Stdio::null()).status()?.success() {
            expect(start.elapsed() < PATIENCE, "the service reloads as its unit says")?;
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Stops it as systemd does.
    fn stop(mut self) -> Result<()> {
        process::run(Command::new("kill").arg(self.child.id().to_string()))?;
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => return Err("the service does not stop".into()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        expect(status.success(), &format!("the service stops in order: {status}"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.wait();
    }
}
