//! The check of the program itself: how it was built, and what the system allows it.

use crate::report::Finding;

/// The number of open files that a server needs besides its connections, with 32 cameras.
const OTHER_DESCRIPTORS: u64 = 64 + 4 * 32;

/// The way in which the program was built, as its build script noted it.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The version of the program.
    pub version: &'static str,
    /// Whether the built-in encoder was built without its assembly, and is slow.
    pub without_nasm: bool,
    /// Whether this is a debug build, for those who work on the program.
    pub debug: bool,
    /// The moment at which it was built, in seconds since the Unix epoch; 0 when that is not known.
    pub built: u64,
}

/// What is known about the program.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The way in which it was built.
    pub build: Build,
    /// Whether video is encoded by the built-in encoder.
    pub built_in: bool,
    /// The number of open files that the system allows the running server, or one that this user would start.
    pub descriptors: Option<u64>,
    /// The number of connections that the owner allows.
    pub max_connections: Option<u64>,
    /// The version of the running server.
    pub running: Option<String>,
}

impl Facts {
    /// Gathers the facts. `limits` is the content of `/proc/PID/limits` of the running server.
    pub(crate) fn gather(build: Build, limits: Option<&str>) -> Self {
        let own = || rlimit::getrlimit(rlimit::Resource::NOFILE).ok().map(|(_, hard)| hard);
        Self {
            build,
            built_in: true,
            descriptors: limits.and_then(descriptors).or_else(own),
            max_connections: None,
            running: None,
        }
    }
}

/// The findings about the program.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { build, built_in, descriptors, max_connections, running } = facts;
    let Build { version, without_nasm, debug, built: _ } = build;
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
            "The system gives it {descriptors} open files, and max_connections is {connections}: so many are not taken."
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

/// The most open files that a process may have, read from its `/proc/PID/limits`.
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
            build: Build { version: "1.2.3", without_nasm: false, debug: false, built: 0 },
            built_in: true,
            descriptors: Some(65_536),
            max_connections: Some(4000),
            running: Some("1.2.3".into()),
        }
    }

    fn built(change: impl FnOnce(&mut Build)) -> Facts {
        let mut facts = facts();
        change(&mut facts.build);
        facts
    }

    fn texts(facts: &Facts) -> String {
        judge(facts).into_iter().map(|found| found.text + "\n").collect()
    }

    #[test]
    fn what_makes_it_slow_or_narrow_is_said() {
        assert_eq!(texts(&facts()), "lenscast 1.2.3, built for speed.\n");
        for (facts, words) in [
            (built(|build| build.without_nasm = true), "without nasm"),
            (built(|build| build.debug = true), "debug build"),
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
        let by_ffmpeg = Facts { built_in: false, ..built(|build| build.without_nasm = true) };
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
