//! The check of the running server, by what it tells about itself: whether the settings are in force.

use crate::clock::Stepped;
use crate::forwarders::Caller;
use crate::report::Finding;
use lenscast_base::time::{moment, rough};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;

/// Refused cameras that are shown one by one. Many are a mistake that is the same for all, or somebody who looks around.
const MAX_REFUSED: usize = 5;

/// The part of `/api/server` that is looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Info {
    /// The number of the server's process.
    pub pid: u32,
    /// The moment at which it started, in seconds since the Unix epoch.
    pub started: u64,
    /// The path of the configuration file that it reads.
    pub config_file: Option<String>,
    listen: Vec<Listener>,
    needs_reload: Vec<String>,
    needs_restart: Vec<String>,
    mistakes: Vec<String>,
    certificate: Option<Certificate>,
    refused_cameras: Vec<RefusedCamera>,
    /// The requests from elsewhere, by address.
    pub callers: Vec<Caller>,
    /// The last step of the clock; `None` when there was none.
    pub clock_stepped: Option<Stepped>,
}

/// A camera that the server refused.
#[derive(Clone, Debug, Deserialize)]
struct RefusedCamera {
    text: String,
    todo: String,
    count: u64,
    ago_s: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Listener {
    address: SocketAddr,
    tls: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Certificate {
    trouble: Option<String>,
}

impl Info {
    /// All addresses at which the server listens.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listen.iter().map(|listener| listener.address).collect()
    }

    /// The address at which the server listens with TLS (`true`) or without (`false`).
    pub(crate) fn address(&self, tls: bool) -> Option<SocketAddr> {
        self.listen.iter().find(|listener| listener.tls == tls).map(|listener| listener.address)
    }
}

/// The findings about cameras that the server refused lately.
pub(crate) fn judge_refused(info: &Info) -> Vec<Finding> {
    let finding = |camera: &RefusedCamera| {
        let RefusedCamera { text, todo, count, ago_s } = camera;
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        Finding::wrong(format!("{text} It tried {times}, the last time {} ago.", rough(*ago_s))).todo(todo)
    };
    let (shown, rest) = info.refused_cameras.split_at(info.refused_cameras.len().min(MAX_REFUSED));
    let mut findings: Vec<Finding> = shown.iter().map(finding).collect();
    if !rest.is_empty() {
        let text = format!("So it was with {} other addresses in the last hour.", rest.len());
        findings.push(
            Finding::look(text).todo("The log tells of each, and /api/server of those of the last hour."),
        );
    }
    findings
}

/// The findings about the running server. `file` is the configuration file that was looked at here.
pub(crate) fn judge(info: &Info, file: Option<&Path>, now: u64) -> Vec<Finding> {
    let Info { pid, started, config_file, needs_reload, needs_restart, mistakes, .. } = info;
    let mut findings = Vec::new();
    let theirs = config_file.as_deref().map(Path::new);
    if theirs != file {
        let shown = |path: Option<&Path>| {
            path.map_or_else(|| "no file".to_owned(), |path| path.display().to_string())
        };
        let text = format!("The server reads {}, and this looked at {}.", shown(theirs), shown(file));
        let finding = Finding::look(text);
        findings.push(match theirs {
            Some(path) => finding.todo(format!("lenscast doctor --config {}", path.display())),
            None => finding.todo("If it is to read that: start it with --config, or as the same user."),
        });
    }
    if !mistakes.is_empty() {
        let text = format!(
            "The configuration that the server would read now has mistakes: {}.",
            mistakes.join("; ")
        );
        findings.push(
            Finding::wrong(text).todo(
                "Until they are mended, it goes on with what it read before, and would not start again.",
            ),
        );
    }
    if let Some(trouble) = info.certificate.as_ref().and_then(|certificate| certificate.trouble.as_ref()) {
        let text = format!("The server goes on with an old certificate: {trouble}.");
        findings.push(Finding::wrong(text).todo("Mend the files; the server takes them within seconds."));
    }
    if !needs_reload.is_empty() {
        let text = format!("The server does not know yet what was changed: {}.", needs_reload.join(", "));
        findings.push(
            Finding::look(text)
                .todo("lenscast reload, as its own user; of the service: sudo systemctl reload lenscast"),
        );
    }
    if !needs_restart.is_empty() {
        let text = format!(
            "What was changed is in force only when the server starts again: {}.",
            needs_restart.join(", ")
        );
        findings.push(Finding::look(text).todo("sudo systemctl restart lenscast, or stop it and start it."));
    }
    if findings.is_empty() {
        let text = format!(
            "It runs (process {pid}) since {}, for {}; what is set is in force.",
            moment(*started),
            rough(now.saturating_sub(*started))
        );
        findings.push(Finding::fine(text));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;
    use serde_json::json;

    #[test]
    fn what_is_set_and_not_in_force_is_said() {
        let file = Path::new("/etc/lenscast.toml");
        let found = |change: serde_json::Value| {
            let mut info = json!({ "pid": 7, "started": 1000, "config_file": "/etc/lenscast.toml" });
            info.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let found = judge(&serde_json::from_value(info).unwrap(), Some(file), 4600);
            assert_eq!(found.len(), 1, "{found:?}");
            (found[0].mark, format!("{} {}", found[0].text, found[0].todo.join(" ")))
        };
        for (change, mark, words) in [
            (json!({}), Mark::Fine, "It runs (process 7) since 1970-01-01 00:16 UTC, for 60 min"),
            (
                json!({ "needs_reload": ["open_view"] }),
                Mark::Look,
                "what was changed: open_view. lenscast reload, as its own user; of the service: sudo systemctl reload lenscast",
            ),
            (json!({ "needs_restart": ["listen", "tls"] }), Mark::Look, "starts again: listen, tls"),
            (
                json!({ "mistakes": ["a.toml:1: x is no key"] }),
                Mark::Wrong,
                "has mistakes: a.toml:1: x is no key",
            ),
            (
                json!({ "certificate": { "trouble": "the key is another's" } }),
                Mark::Wrong,
                "goes on with an old certificate: the key is another's.",
            ),
            (
                json!({ "config_file": "/b.toml" }),
                Mark::Look,
                "reads /b.toml, and this looked at /etc/lenscast.toml. lenscast doctor --config /b.toml",
            ),
            (json!({ "config_file": null }), Mark::Look, "reads no file"),
        ] {
            let (found, text) = found(change);
            assert!(found == mark && text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn each_camera_that_was_refused_is_told_with_what_to_do() {
        let info = |count: usize| {
            let camera = json!({ "address": "192.168.1.23", "camera": "front", "cause": "no_key", "count": 3, "ago_s": 130,
                "text": "A camera at 192.168.1.23 was refused: it sent no key.", "todo": "lenscast access new camera front" });
            serde_json::from_value::<Info>(json!({ "refused_cameras": vec![camera; count] })).unwrap()
        };
        assert_eq!(judge_refused(&info(0)).len(), 0);
        let [found] = judge_refused(&info(1)).try_into().unwrap();
        let text = "A camera at 192.168.1.23 was refused: it sent no key. It tried 3 times, the last time 2 min ago.";
        assert_eq!((found.mark, found.text.as_str()), (Mark::Wrong, text));
        assert_eq!(found.todo, ["lenscast access new camera front"]);
        let many = judge_refused(&info(30));
        assert_eq!(many.len(), MAX_REFUSED + 1);
        assert!(many[MAX_REFUSED].text.contains("25 other addresses"), "{many:?}");
    }
}
