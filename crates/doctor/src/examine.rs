//! The whole examination: every check in its order, and what each needs to know.

use crate::control::Control;
use crate::program::Build;
use crate::report::{Finding, Report};
use crate::{
    access, cameras, certificate, clock, config, disk, firewall, forwarders, ports, program, server, state,
};
use lenscast_base::addresses::machine_addresses;
use lenscast_base::state::look::{Found, Look};
use lenscast_base::time::now;
use lenscast_settings::config::Plain;
use lenscast_settings::mistake::Mistakes;
use lenscast_settings::{Loaded, Settings};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The installation that is to be examined: its settings, its state directory and its server.
#[derive(Debug)]
pub struct Installation {
    /// The settings of the installation, or the mistakes in them.
    pub settings: Result<Arc<Loaded>, Mistakes>,
    /// The state directory; `None` when nobody knows where it would be.
    pub state_dir: Option<PathBuf>,
    /// Whether that directory is the one of the installed service, and not this user's own.
    pub of_service: bool,
    /// The answers of the server that keeps its state there.
    pub control: Control,
    /// The way in which this program was built.
    pub build: Build,
}

/// Examines everything, and reports what was found. This takes some seconds at most. It has to be called inside a tokio
/// runtime, since it opens sockets as a server does.
#[must_use]
pub fn examine(installation: &Installation) -> Report {
    let Installation { settings, state_dir, of_service, control, build } = installation;
    let (now, mut report) = (now(), Report::default());
    let (status, info) = told(control);
    let refused = info.as_ref().map(server::judge_refused).unwrap_or_default();
    let loaded = settings.as_ref().ok();
    let config = match settings {
        Ok(loaded) => config::Facts::gather(loaded),
        Err(mistakes) => config::Facts::of_mistakes(mistakes),
    };
    report.add("Configuration", config::judge(&config));
    if let Some(loaded) = loaded {
        report.add("Who may do what", access::judge(&access_facts(&loaded.settings)));
    }
    report.add("Video", config::judge_encoder(&config));
    let state = state_dir.as_deref().map(|place| state::Facts::gather(place, *of_service, now));
    report.add(
        "State",
        match &state {
            Some(facts) => state::judge(facts, control),
            None => vec![
                Finding::wrong("Nobody knows where to keep the state: HOME is not set.")
                    .todo("Say it: state_dir = \"…\""),
            ],
        },
    );
    let certificate = loaded.and_then(|loaded| {
        let Settings { tls, access, .. } = &loaded.settings;
        certificate::Facts::gather(tls, &access.host_names, state_dir.as_deref())
    });
    report.add("Certificate", certificate.map_or_else(Vec::new, |facts| certificate::judge(&facts, now)));
    if let Some(disk) = state.as_ref().and_then(|facts| disk::Facts::gather(existing(&facts.look))) {
        report.add("Disk", disk::judge(&disk));
    }
    report.add(
        "Network",
        match loaded {
            Some(loaded) => network(&loaded.settings, control, info.as_ref(), &again(installation)),
            None => vec![
                Finding::unseen(
                    "Ports and firewall were not looked at: it is not known which port it is to be.",
                )
                .todo("Mend the configuration first."),
            ],
        },
    );
    if let Some((loaded, info)) = loaded.zip(info.as_ref()) {
        let Settings { access, proxy, .. } = &loaded.settings;
        let ports: Vec<u16> = info.addresses().iter().map(SocketAddr::port).collect();
        let facts = forwarders::Facts::gather(access.local, proxy, &ports, info.callers.clone());
        report.add("Between callers and the server", forwarders::judge(&facts));
    }
    let newest = state.as_ref().and_then(state::Facts::newest);
    let stepped = info.as_ref().and_then(|info| info.clock_stepped);
    report.add("Clock", clock::judge(&clock::Facts::gather(now, build.built, newest, stepped)));
    let limits = info.as_ref().and_then(|info| fs::read_to_string(format!("/proc/{}/limits", info.pid)).ok());
    let built_in = config.encoder.is_none();
    let program = program::Facts {
        built_in,
        max_connections: loaded.map(|loaded| loaded.settings.limits.max_connections as u64),
        running: status.as_ref().map(|status| status.version.clone()),
        ..program::Facts::gather(*build, limits.as_deref())
    };
    report.add("Program", program::judge(&program));
    if let Some(info) = info {
        let file = loaded.and_then(|loaded| loaded.file.clone()).or(config.file.map(|(path, _)| path));
        let file = file.map(|path| absolute(&path));
        report.add("Server", server::judge(&info, file.as_deref(), now));
    } else if !matches!(control, Control::Answers(_)) {
        report.add("Server", vec![Finding::unseen("No server answers: its cameras were not looked at.")]);
    }
    if let Some(status) = status {
        let mut findings = cameras::judge(&status);
        findings.extend(refused);
        report.add("Cameras", findings);
    }
    report
}

/// The status and the information that the server told. `None` for what it did not tell, or what is not understood.
fn told(control: &Control) -> (Option<cameras::Status>, Option<server::Info>) {
    let Control::Answers(answers) = control else {
        return (None, None);
    };
    let status = serde_json::from_value(answers.status.clone()).ok();
    let info =
        if answers.server.is_null() { None } else { serde_json::from_value(answers.server.clone()).ok() };
    (status, info)
}

/// The facts for the check of who may do what.
fn access_facts(settings: &Settings) -> access::Facts {
    let Settings { access, proxy, .. } = settings.clone();
    let all_private = listeners(settings).iter().all(|(_, address)| is_loopback(*address));
    let private = all_private && proxy.trusted_proxies.is_empty();
    access::Facts { access, proxy, private, machine: machine_addresses() }
}

/// The addresses at which a server with these settings listens, each with the key that sets it.
fn listeners(settings: &Settings) -> Vec<(&'static str, SocketAddr)> {
    let tls = settings.tls.resolve().ok().flatten();
    let plain = tls.as_ref().is_none_or(|tls| tls.plain != Plain::Off);
    let plain = plain.then_some(("listen", settings.listen));
    plain.into_iter().chain(tls.map(|tls| ("tls_listen", tls.listen))).collect()
}

fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Checks the ports and the firewall.
fn network(settings: &Settings, control: &Control, info: Option<&server::Info>, again: &str) -> Vec<Finding> {
    let ours = info.map(server::Info::addresses).unwrap_or_default();
    // Port 0 means that the system chooses a port. Only the server that runs knows which one that was.
    let wanted = listeners(settings).into_iter().map(|(key, address)| {
        let given = info.and_then(|info| info.address(key == "tls_listen"));
        (key, given.filter(|_| address.port() == 0).unwrap_or(address))
    });
    let ports: Vec<ports::Port> =
        wanted.map(|(key, address)| ports::Port::try_out(key, address, &ours)).collect();
    let from_elsewhere = ports.iter().filter(|port| !is_loopback(port.address));
    let mut guarded: Vec<u16> =
        from_elsewhere.map(|port| port.address.port()).filter(|port| *port > 0).collect();
    guarded.dedup();
    let access = &settings.access;
    let facts = ports::Facts {
        ports,
        machine: machine_addresses(),
        proxied: !settings.proxy.trusted_proxies.is_empty(),
        keys_settled: access.open || access.require_camera_key,
        forbidden_server: matches!(control, Control::Forbidden),
    };
    let mut findings = ports::judge(&facts);
    // When nobody else can reach the server anyhow, the firewall does not matter.
    if !guarded.is_empty() {
        findings.extend(firewall::judge(&firewall::Facts::gather(), &guarded, again));
    }
    findings
}

/// The command with which another user, such as root, examines the same installation.
fn again(installation: &Installation) -> String {
    let mut command = "lenscast doctor".to_owned();
    let file = installation.settings.as_ref().ok().and_then(|loaded| loaded.file.as_deref());
    for (flag, path) in [("--config", file), ("--state-dir", installation.state_dir.as_deref())] {
        if let Some(path) = path {
            command += &format!(" {flag} {}", absolute(path).display());
        }
    }
    command
}

/// A path that is right in every directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The state directory, or the existing one in which it would be made.
fn existing(look: &Look) -> &Path {
    match &look.found {
        Found::Nothing { above, .. } => above,
        _ => &look.place,
    }
}
