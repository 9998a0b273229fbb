//! The program itself: how it was built, and what the system gives it.

use super::report::Finding;

/// Descriptors that a server needs besides those of its connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// What is known about it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Its version.
    pub version: &'static str,
    /// The encoder was built without its assembly.
    pub without_nasm: bool,
    /// Video is encoded by the built-in encoder.
    pub built_in: bool,
    /// It was built for those who work on it.
    pub debug: bool,
    /// How many descriptors a server gets: the running one, or one that this user would start.
    pub descriptors: Option<u64>,
    /// How many connections it may have.
    pub max_connections: Option<u64>,
    /// Version of the server that runs.
    pub running: Option<String>,
}

impl Facts {
    /// `limits` is what `/proc` tells of the server that runs.
    pub(super) fn gather(limits: Option<&str>) -> Self {
        let own = || rlimit::getrlimit(rlimit::Resource::NOFILE).ok().map(|(_, hard)| hard);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            without_nasm: env!("LENSCAST_NASM") == "missing",
            built_in: true,
            debug: cfg!(debug_assertions),
            descriptors: limits.and_then(descriptors).or_else(own),
            max_connections: None,
            running: None,
        }
    }
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { version, without_nasm, built_in, debug, descriptors, max_connections, running } = facts;
    let mut findings = Vec::new();
    if let Some(running) = running.as_ref().filter(|running| running != version) {
        let text = format!("The server that runs is version {running}, and this program is {version}.");
        findings.push(Finding::look(text).todo(
            "To run this one: sudo systemctl restart lenscast, or stop the server and start it again.",
        ));
    }
    if *debug {
        let text = "This is a debug build: it takes many times the CPU.";
        findings.push(Finding::look(text).todo("Build it with cargo build --release, or cargo xtask dist."));
    }
    if *without_nasm && *built_in {
        let text = "It was built without nasm: encoding video takes three times the CPU.";
        findings.push(
            Finding::look(text)
                .todo("sudo apt install nasm, then cargo clean -p openh264-sys2, and build it again."),
        );
    }
    if let (Some(descriptors), Some(connections)) = (descriptors, max_connections)
        && *descriptors < connections + OTHER_DESCRIPTORS
    {
        let text = format!(
            "The system gives it {descriptors} open files, and max_connections is {connections}: those that come last have to wait."
        );
        findings.push(Finding::look(text).todo(format!(
            "Lower max_connections, or raise the limit: ulimit -n {0}, or LimitNOFILE={0} in the service.",
            connections + OTHER_DESCRIPTORS
        )));
    }
    if findings.is_empty() {
        findings.push(Finding::fine(format!("lenscast {version}, built for speed.")));
    }
    findings
}

/// The most open files that a process may have, in its `/proc/PID/limits`.
fn descriptors(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let hard = line.split_whitespace().nth(1)?;
    if hard == "unlimited" { Some(u64::MAX) } else { hard.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            version: "1.2.3",
            without_nasm: false,
            built_in: true,
            debug: false,
            descriptors: Some(65_536),
            max_connections: Some(4000),
            running: Some("1.2.3".into()),
        }
    }

    fn texts(facts: &Facts) -> String {
        judge(facts).into_iter().map(|found| found.text + "\n").collect()
    }

    #[test]
    fn what_makes_it_slow_or_narrow_is_said() {
        assert_eq!(texts(&facts()), "lenscast 1.2.3, built for speed.\n");
        for (facts, words) in [
            (Facts { without_nasm: true, ..facts() }, "without nasm"),
            (Facts { debug: true, ..facts() }, "debug build"),
            (
                Facts { descriptors: Some(1024), ..facts() },
                "gives it 1024 open files, and max_connections is 4000",
            ),
            (
                Facts { running: Some("1.2.2".into()), ..facts() },
                "is version 1.2.2, and this program is 1.2.3",
            ),
        ] {
            let texts = texts(&facts);
            assert!(texts.contains(words) && texts.lines().count() == 1, "{texts}");
        }
        let by_ffmpeg = Facts { without_nasm: true, built_in: false, ..facts() };
        assert!(texts(&by_ffmpeg).contains("built for speed"), "ffmpeg encodes");
        assert!(texts(&Facts { descriptors: None, ..facts() }).contains("built for speed"));
    }

    #[test]
    fn the_limit_of_a_process_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             unlimited            unlimited            processes \n\
            Max open files            1024                 1048576              files     \n";
        assert_eq!(descriptors(limits), Some(1_048_576));
        assert_eq!(descriptors(&limits.replace("1048576", "unlimited")), Some(u64::MAX));
        assert_eq!(descriptors(""), None);
    }
}
