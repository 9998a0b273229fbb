//! The check of whether this computer's clock can be right.

use crate::report::Finding;
use crate::tools::{Said, ask};
use lenscast_base::time::{moment, rough};
use serde::Deserialize;
use std::path::Path;

/// The file that systemd makes when it has set the clock by a time server since the computer started.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// A file may be so far in the future, in seconds, before the clock is called wrong: clocks are set back a little now
/// and then.
const SLACK_S: u64 = 300;

/// The reason why a wrong clock matters, for people.
const WHY: &str = "Links that end, logins and certificates go by the clock: they end too early or too late, or are not valid yet.";

/// The facts about the clock. Moments are in seconds since the Unix epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The moment that the clock shows.
    pub now: u64,
    /// The moment at which this program was built.
    pub built: u64,
    /// Whether something sets the clock by a time server; `None` when that is not known.
    pub synchronised: Option<bool>,
    /// The file that was written last, and the moment of that by this clock.
    pub newest: Option<(String, u64)>,
    /// The last step of the clock that the running server saw.
    pub stepped: Option<Stepped>,
}

/// A step of the clock, as the server tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Stepped {
    /// The number of steps since the server started.
    pub count: u64,
    /// The moment of the last one, by the clock as it was set, in seconds since the Unix epoch.
    pub at: u64,
    /// By how many seconds the clock was set forward; less than 0 when it was set back.
    pub by_s: i64,
}

impl Facts {
    /// Gathers the facts. `now`, `built` and the moment in `newest` are in seconds since the Unix epoch.
    /// `stepped` is what the running server tells.
    pub(crate) fn gather(
        now: u64,
        built: u64,
        newest: Option<(String, u64)>,
        stepped: Option<Stepped>,
    ) -> Self {
        Self { now, built, synchronised: synchronised(), newest, stepped }
    }
}

/// The findings about the clock.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { now, built, synchronised, newest, stepped } = facts;
    let shown = moment(*now);
    let set = "Set it: sudo timedatectl set-ntp true (or sudo date --set \"…\").";
    if now + SLACK_S < *built {
        let text =
            format!("The clock says {shown}, which is before this program was built ({}).", moment(*built));
        return vec![Finding::wrong(text).todo(WHY).todo(set)];
    }
    let mut findings = Vec::new();
    if let Some((what, at)) = newest
        && *at > now + SLACK_S
    {
        let text = format!(
            "{what} is from {}, which is {} from now: the clock is wrong now ({shown}), or was then.",
            moment(*at),
            rough(at - now)
        );
        findings.push(Finding::wrong(text).todo(WHY).todo(set));
    }
    if *synchronised == Some(false) {
        let text = format!("Nothing sets the clock by the network; it says {shown}.");
        findings.push(Finding::look(text).todo(WHY).todo("Let it be set: sudo timedatectl set-ntp true"));
    }
    findings.extend(stepped.as_ref().map(step));
    if findings.is_empty() {
        let set = if synchronised.is_some() { ", and is set by the network" } else { "" };
        findings.push(Finding::fine(format!("The clock says {shown}{set}.")));
    }
    findings
}

/// The finding about a clock that was set while the server ran.
fn step(stepped: &Stepped) -> Finding {
    let Stepped { count, at, by_s } = stepped;
    let way = if *by_s < 0 { "back" } else { "forward" };
    let often = if *count > 1 { format!(" ({count} times in all)") } else { String::new() };
    let text = format!(
        "While the server ran, the clock was set {way} by {} at {}{often}, or the computer slept.",
        rough(by_s.unsigned_abs()),
        moment(*at)
    );
    Finding::look(text)
        .todo("The server follows it. Links and logins that were made before it may end too early or too late.")
        .todo("Where it happens at each start, let services wait for the time: sudo systemctl enable systemd-time-wait-sync")
}

/// Whether systemd knows that something sets the clock; `None` when it does not know.
fn synchronised() -> Option<bool> {
    match ask("timedatectl", &["show", "--property=NTPSynchronized"]) {
        Said::Text(text) => match text.trim() {
            "NTPSynchronized=yes" => Some(true),
            "NTPSynchronized=no" => Some(false),
            _ => None,
        },
        _ => Path::new(SYNCHRONISED).exists().then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;

    const NOW: u64 = 1_795_384_385;

    fn facts() -> Facts {
        Facts { now: NOW, built: NOW - 86_400, synchronised: Some(true), newest: None, stepped: None }
    }

    fn only(facts: Facts) -> Finding {
        let findings = judge(&facts);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn a_clock_before_the_programs_birth_is_wrong() {
        let found = only(Facts { now: 0, ..facts() });
        assert_eq!(found.mark, Mark::Wrong);
        assert!(
            found.text.contains("1970-01-01") && found.text.contains("before this program was built"),
            "{found:?}"
        );
        assert!(found.todo[0].contains("Links"), "{found:?}");
        assert_eq!(only(Facts { built: NOW + 10, ..facts() }).mark, Mark::Fine, "clocks differ a little");
    }

    #[test]
    fn a_file_from_the_future_tells_that_the_clock_is_or_was_wrong() {
        let newest = |at| Some(("credentials.json".to_owned(), at));
        let found = only(Facts { newest: newest(NOW + 10 * 86_400), ..facts() });
        assert_eq!(found.mark, Mark::Wrong);
        assert!(
            found
                .text
                .starts_with("credentials.json is from 2026-12-02 21:53 UTC, which is 10 days from now"),
            "{found:?}"
        );
        assert_eq!(only(Facts { newest: newest(NOW + 10), ..facts() }).mark, Mark::Fine);
    }

    #[test]
    fn a_clock_that_was_set_while_the_server_ran_is_told() {
        let at = NOW - 3600;
        for (count, by_s, words) in [
            (1, 1_795_384_000, "set forward by 20779 days at 2026-11-22 20:53 UTC, or"),
            (2, -90, "set back by 90 s at 2026-11-22 20:53 UTC (2 times in all), or"),
        ] {
            let found = only(Facts { stepped: Some(Stepped { count, at, by_s }), ..facts() });
            assert!(found.mark == Mark::Look && found.text.contains(words), "{words}: {found:?}");
        }
    }

    #[test]
    fn a_clock_that_nothing_sets_is_worth_a_look_and_one_that_is_not_known_is_not() {
        assert_eq!(only(Facts { synchronised: Some(false), ..facts() }).mark, Mark::Look);
        assert!(only(facts()).text.ends_with("and is set by the network."));
        assert!(only(Facts { synchronised: None, ..facts() }).text.ends_with("UTC."));
    }
}
