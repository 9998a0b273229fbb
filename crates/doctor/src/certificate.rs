//! The check of the certificate: whether it is good now, and whether it is for the names that people open.
//!
//! A certificate that cannot be read, or whose key belongs to another one, is a mistake of the configuration, and told
//! there.

use crate::report::Finding;
use lenscast_base::state::StateDir;
use lenscast_base::time::{moment, rough};
use lenscast_settings::config::TlsSettings;
use lenscast_tls::Certificate;
use lenscast_tls::certificate::{self, ENDS_SOON_S};
use lenscast_tls::{Info, self_signed};
use std::path::{Path, PathBuf};

/// The facts about the certificate.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The file in which it stands.
    pub file: PathBuf,
    /// The content of the certificate.
    pub info: Info,
    /// Whether the server made it and will renew it.
    pub own: bool,
    /// The names that people open, as the owner set them.
    pub host_names: Vec<String>,
}

impl Facts {
    /// Reads the certificate. `None` when there is no TLS, or no certificate that can be read.
    pub(crate) fn gather(tls: &TlsSettings, host_names: &[String], state_dir: Option<&Path>) -> Option<Self> {
        let (file, info, own) = match tls.resolve().ok()??.certificate {
            Certificate::Files { cert, key } => {
                let info = certificate::load(&cert, &key).ok()?.info;
                (cert, info, false)
            }
            Certificate::SelfSigned => {
                let place = state_dir?;
                (place.join(self_signed::FILE), self_signed::kept(&StateDir::to_read(place))?, true)
            }
        };
        Some(Self { file, info, own, host_names: host_names.to_vec() })
    }
}

/// The findings about the certificate. `now` is in seconds since the Unix epoch.
pub(crate) fn judge(facts: &Facts, now: u64) -> Vec<Finding> {
    let Facts { file, info, own, host_names } = facts;
    let file = file.display();
    let renew = if *own {
        "Start the server again: it makes another one."
    } else {
        "Put a new one in its place; the server takes it within seconds."
    };
    let (from, until) = (moment(info.not_before), moment(info.not_after));
    let mut findings = Vec::new();
    if now < info.not_before {
        let text =
            format!("The certificate {file} is good from {from} on, which is to come: browsers refuse it.");
        let right = if *own {
            format!(
                "Is this computer's clock right? If so, it was wrong when this was made: remove {file}, and start the server again."
            )
        } else {
            "Is this computer's clock right? If so, somebody gave you one too early.".to_owned()
        };
        findings.push(Finding::wrong(text).todo(right));
    } else if info.not_after <= now {
        let ago = rough(now - info.not_after);
        let text = format!("The certificate {file} ended on {until}, {ago} ago: browsers refuse it.");
        findings.push(Finding::wrong(text).todo(renew));
    } else if info.not_after - now < ENDS_SOON_S {
        let text = format!("The certificate {file} ends on {until}, in {}.", rough(info.not_after - now));
        findings.push(Finding::look(text).todo(renew));
    }
    let missing: Vec<&str> =
        host_names.iter().map(String::as_str).filter(|name| !info.covers(name)).collect();
    if !missing.is_empty() {
        let names = if info.names.is_empty() { "nothing".to_owned() } else { info.names.join(", ") };
        let text = format!(
            "The certificate {file} does not name {}: browsers warn there. It names {names}.",
            missing.join(", ")
        );
        findings.push(
            Finding::wrong(text).todo(renew).todo("Or take these out of host_names, if nobody opens them."),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::fine(format!("The certificate {file} is good until {until}.")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    const DAY: u64 = 86_400;
    const NOW: u64 = 1_795_384_385;

    fn said(change: impl FnOnce(&mut Facts)) -> (Mark, String) {
        let info = Info {
            names: vec!["cam.example.org".into(), "*.home.example".into()],
            not_before: NOW - 30 * DAY,
            not_after: NOW + 60 * DAY,
            fingerprint: [7; 32],
            self_signed: false,
        };
        let host_names = vec!["cam.example.org".into(), "garden.home.example".into()];
        let mut facts = Facts { file: "/cert.pem".into(), info, own: false, host_names };
        change(&mut facts);
        let findings = judge(&facts, NOW);
        assert_eq!(findings.len(), 1, "{findings:?}");
        (findings[0].mark, findings[0].text.clone())
    }

    #[test]
    fn a_certificate_has_its_time_and_its_names() {
        for (change, mark, words) in [
            ((|_| {}) as fn(&mut Facts), Mark::Fine, "/cert.pem is good until 2027-01-21 21:53 UTC"),
            (
                |facts| facts.info.not_after = NOW - 3 * DAY,
                Mark::Wrong,
                "ended on 2026-11-19 21:53 UTC, 3 days ago",
            ),
            (|facts| facts.info.not_before = NOW + DAY, Mark::Wrong, "which is to come"),
            (
                |facts| facts.info.not_after = NOW + 9 * DAY,
                Mark::Look,
                "ends on 2026-12-01 21:53 UTC, in 9 days",
            ),
            (
                |facts| facts.host_names.push("door.example.org".into()),
                Mark::Wrong,
                "does not name door.example.org: browsers warn there. It names cam.example.org, *.home.example.",
            ),
        ] {
            let (found, text) = said(change);
            assert!(found == mark && text.contains(words), "{words}: {text}");
        }
    }
}
