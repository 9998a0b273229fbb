//! The check of the cameras, by what the running server tells about them.

use crate::report::Finding;
use lenscast_base::time::rough;
use lenscast_cameras::load::{Why, load, why};
use lenscast_media::causes::{Cause, Mend};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A camera may take so long to send its first frame, in ms; a slow one for as long as it may be quiet later. A camera that is
/// silent has been so for that long already.
const PATIENCE_MS: u64 = 10_000;

/// Broken frames are too many when there are at least so many of them …
const MANY_BROKEN: u64 = 5;
/// … and at least one in so many of all frames. A sound camera has up to one in 300.
const MANY_BROKEN_OF: u64 = 100;

/// So much advice at most is given about broken frames: that of the commonest causes.
const MOST_ADVICE: usize = 3;

/// Frames that were left out are too many when there are at least so many of them …
const MANY_DROPPED: u64 = 20;
/// … and at least one in so many of all frames.
const MANY_DROPPED_OF: u64 = 20;

/// The part of `/status` that is looked at.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Status {
    /// The version of the server.
    pub version: String,
    cameras: Vec<Camera>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Camera {
    name: String,
    title: String,
    connected: bool,
    state: String,
    since_ms: Option<u64>,
    silent_after_ms: u64,
    fps: f64,
    frames_in: u64,
    dropped: u64,
    pipeline_ms: PipelineTimes,
    quarantined: BTreeMap<String, u64>,
    mended: BTreeMap<String, u64>,
    trouble: Option<Trouble>,
    device: Option<Device>,
}

/// Why nothing good comes of what a camera sends.
#[derive(Clone, Debug, Deserialize)]
struct Trouble {
    text: String,
    advice: String,
}

/// How long a frame takes, in ms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PipelineTimes {
    decode: f64,
    encode: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Device {
    diagnosis: Vec<Diagnosis>,
}

#[derive(Clone, Debug, Deserialize)]
struct Diagnosis {
    level: String,
    text: String,
}

/// The findings about all cameras.
pub(crate) fn judge(status: &Status) -> Vec<Finding> {
    let mut findings: Vec<Finding> = status.cameras.iter().flat_map(Camera::judge).collect();
    let live = status.cameras.iter().filter(|camera| camera.state == "live").count();
    if findings.is_empty() {
        findings.push(Finding::fine(match live {
            0 => "No camera is connected now.".to_owned(),
            1 => "1 camera sends its picture.".to_owned(),
            many => format!("{many} cameras send their pictures."),
        }));
    }
    findings.extend(status.cameras.iter().filter_map(Camera::mended));
    findings
}

impl Camera {
    fn judge(&self) -> Vec<Finding> {
        let checks = [self.silent(), self.gone(), self.broken(), self.dropped()];
        checks.into_iter().flatten().chain(self.diagnosis()).collect()
    }

    /// The camera's name in paths, with its title for people.
    fn who(&self) -> String {
        let Self { name, title, .. } = self;
        if title.is_empty() || title == name {
            format!("The camera {name}")
        } else {
            format!("The camera {name} ({title})")
        }
    }

    /// The finding about a camera that is connected and sends no picture.
    fn silent(&self) -> Option<Finding> {
        let since = self.since_ms.unwrap_or(0);
        let patience = if self.state == "silent" { 0 } else { PATIENCE_MS.max(self.silent_after_ms) };
        if !self.connected || self.state == "live" || since < patience {
            return None;
        }
        let text =
            format!("{} is connected, and has sent no picture for {}.", self.who(), rough(since / 1000));
        if let Some(Trouble { text: what, advice }) = &self.trouble {
            return Some(Finding::wrong(format!("{text} What it sends is refused: {what}.")).todo(advice));
        }
        Some(
            Finding::wrong(text)
                .todo("On its console: cam> cam status and cam> stream status. Restart it; if that helps for a while only, update its firmware."),
        )
    }

    /// The finding about a camera that was here and left.
    fn gone(&self) -> Option<Finding> {
        let since = self.since_ms.filter(|_| !self.connected)?;
        let text = format!("{} was here, and left {} ago.", self.who(), rough(since / 1000));
        Some(
            Finding::look(text)
                .todo("If it should be here: is it powered, and in reach of the WiFi? On its console: cam> wifi status, cam> stream status.")
                .todo(format!("If it is no more, let it be forgotten: on the page, or DELETE /api/cameras/{}", self.name)),
        )
    }

    /// The finding about a camera that sends too many broken frames.
    fn broken(&self) -> Option<Finding> {
        let bad: u64 = self.quarantined.values().sum();
        if bad < MANY_BROKEN || bad.saturating_mul(MANY_BROKEN_OF) < bad + self.frames_in {
            return None;
        }
        let mut order: Vec<(&str, u64)> =
            self.quarantined.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
        order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let causes: Vec<String> =
            order.iter().map(|(cause, count)| format!("{count} {}", words(cause))).collect();
        let text =
            format!("{} sends frames that are no use, and are left out: {}.", self.who(), causes.join(", "));
        let text = match &self.trouble {
            Some(trouble) => format!("{text} The newest: {}.", trouble.text),
            None => text,
        };
        let mut finding = Finding::look(text);
        // The first piece of a JPEG in pieces is one that ends too early, for all that was known then.
        let in_pieces = self.quarantined.contains_key(Cause::InPieces.name());
        let causes = order.into_iter().filter_map(|(cause, _)| Cause::from_name(cause));
        for cause in causes.filter(|cause| !(in_pieces && *cause == Cause::Truncated)) {
            let advice = cause.advice();
            if finding.todo.len() < MOST_ADVICE && !finding.todo.iter().any(|line| line == advice) {
                finding = finding.todo(advice);
            }
        }
        Some(finding)
    }

    /// What is mended in a camera's frames. They are shown, so that nothing needs to be done.
    fn mended(&self) -> Option<Finding> {
        let most = self.mended.values().max().filter(|most| **most >= MANY_BROKEN)?;
        if most.saturating_mul(MANY_BROKEN_OF) < self.frames_in {
            return None;
        }
        let kinds: Vec<String> = self
            .mended
            .iter()
            .map(|(kind, count)| {
                let words = Mend::from_name(kind)
                    .map_or_else(|| kind.replace('_', " "), |kind| kind.to_doctor().to_owned());
                format!("{count} {words}")
            })
            .collect();
        let text = format!(
            "Frames of {} are mended, and shown: {}.",
            self.who().replacen("The", "the", 1),
            kinds.join(", ")
        );
        Some(Finding::fine(text))
    }

    /// The finding about a camera of which many frames were left out, since the encoder was not done with the one before.
    ///
    /// That has two causes, and they need different things done ([`why`]): this computer is too slow, or the frames come in
    /// bursts.
    fn dropped(&self) -> Option<Finding> {
        if self.dropped < MANY_DROPPED || self.dropped.saturating_mul(MANY_DROPPED_OF) < self.frames_in {
            return None;
        }
        let who = self.who().replacen("The", "the", 1);
        let left_out = format!("{} of {} frames were left out", self.dropped, self.frames_in);
        let Some(busy) = load(self.fps, self.pipeline_ms.decode + self.pipeline_ms.encode) else {
            let text = format!("Of {who}, {left_out}, since the encoder was not done with the one before.");
            return Some(
                Finding::look(text).todo(
                    "Why is told while the camera sends and somebody watches it: lenscast doctor, then.",
                ),
            );
        };
        if why(busy) == Why::Bursts {
            let text = format!(
                "The frames of {who} come in bursts: {left_out}, since several came at once. This computer is quick enough: it \
                 encodes for {:.0} % of the time.",
                busy * 100.0
            );
            return Some(
                Finding::look(text)
                    .todo("Weak WiFi does that: frames wait, and then come together. Bring the camera nearer to its access point,")
                    .todo("or choose a smaller picture or a lower rate for it."),
            );
        }
        let text =
            format!("This computer is too slow for {who}: {left_out}, since the encoder was not done.");
        Some(
            Finding::look(text)
                .todo("Choose a smaller picture or a lower rate for it; build with nasm, and with --release;")
                .todo("or let hardware encode: encoder = \"ffmpeg:CODEC\" (docs/install.md, \"Encoding by hardware\")."),
        )
    }

    /// The findings that the server itself made out of what the camera tells.
    fn diagnosis(&self) -> impl Iterator<Item = Finding> {
        let findings = self.device.iter().flat_map(|device| &device.diagnosis);
        findings.map(|Diagnosis { level, text }| {
            let text = format!("{}: {text}", self.who().replacen("The camera ", "", 1));
            if level == "error" { Finding::wrong(text) } else { Finding::look(text) }
        })
    }
}

/// The words for a cause for which frames were left out. A server of another version may send a cause that is not known
/// here.
fn words(cause: &str) -> String {
    Cause::from_name(cause).map_or_else(|| cause.replace('_', " "), |cause| cause.to_doctor().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;
    use serde_json::{Value, json};

    fn said(camera: Value) -> Vec<(Mark, String)> {
        let status = json!({ "version": "1", "cameras": [camera] });
        let status: Status = serde_json::from_value(status).unwrap();
        judge(&status).into_iter().map(|found| (found.mark, found.text)).collect()
    }

    fn camera(change: Value) -> Value {
        let mut camera = json!({
            "name": "garden", "title": "The garden", "connected": true, "state": "live", "since_ms": 60_000,
            "fps": 30.0, "frames_in": 10_000, "dropped": 3, "quarantined": { "truncated": 20 }, "device": null,
            "pipeline_ms": { "ingest": 0.1, "decode": 15.0, "encode": 25.0, "mux": 0.1, "queue": 3.0 },
        });
        camera.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        camera
    }

    #[test]
    fn what_is_wrong_with_a_camera_is_said_by_its_name() {
        assert_eq!(said(camera(json!({}))), [(Mark::Fine, "1 camera sends its picture.".to_owned())]);
        for (change, mark, words) in [
            (
                json!({ "state": "silent" }),
                Mark::Wrong,
                "The camera garden (The garden) is connected, and has sent no picture for 60 s.",
            ),
            (json!({ "state": "no_frame" }), Mark::Wrong, "has sent no picture for 60 s."),
            (
                json!({ "state": "waiting", "connected": false, "since_ms": 7_200_000 }),
                Mark::Look,
                "was here, and left 2 h ago.",
            ),
            (
                json!({ "quarantined": { "truncated": 200, "not_a_jpeg": 300 } }),
                Mark::Look,
                "sends frames that are no use, and are left out: 300 were no JPEG, 200 ended too early.",
            ),
            (
                json!({ "quarantined": { "encoder_failed": 150, "of_tomorrow": 120 } }),
                Mark::Look,
                "are left out: 150 made the encoder fail, 120 of tomorrow.",
            ),
            (
                json!({ "dropped": 5_000 }),
                Mark::Look,
                "too slow for the camera garden (The garden): 5000 of 10000 frames",
            ),
            (
                json!({ "device": { "diagnosis": [{ "code": "brown_out", "level": "error", "text": "Its voltage dropped." }] } }),
                Mark::Wrong,
                "garden (The garden): Its voltage dropped.",
            ),
            (
                json!({ "device": { "diagnosis": [{ "code": "weak_wifi", "level": "warning", "text": "It is weak." }] } }),
                Mark::Look,
                "It is weak.",
            ),
        ] {
            let found = said(camera(change));
            assert!(
                found.len() == 1 && found[0].0 == mark && found[0].1.contains(words),
                "{words}: {found:?}"
            );
        }
    }

    #[test]
    fn frames_that_are_mended_are_told_of_and_no_fault() {
        let found = said(camera(json!({ "mended": { "stray_bytes": 10_000, "of_tomorrow": 7 } })));
        let words = "Frames of the camera garden (The garden) are mended, and shown: 7 of tomorrow, 10000 had bytes between \
                     their parts.";
        let wanted = [(Mark::Fine, "1 camera sends its picture."), (Mark::Fine, words)];
        assert_eq!(found, wanted.map(|(mark, text)| (mark, text.to_owned())));
        assert_eq!(said(camera(json!({ "mended": { "end_missing": 4 } }))).len(), 1, "now and then");
    }

    #[test]
    fn frames_that_come_in_bursts_are_told_apart_from_a_computer_that_is_too_slow() {
        let text = |change: Value| {
            let mut change = change;
            change.as_object_mut().unwrap().insert("dropped".to_owned(), json!(5_000));
            let found = said(camera(change));
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].1.clone()
        };
        let times = |ms: f64| json!({ "decode": ms / 3.0, "encode": ms * 2.0 / 3.0 });
        let slow = "This computer is too slow for the camera garden (The garden): 5000 of 10000 frames";
        for (fps, ms) in [(30.0, 40.0), (5.0, 180.0), (10.0, 81.0)] {
            let said = text(json!({ "fps": fps, "pipeline_ms": times(ms) }));
            assert!(said.starts_with(slow), "{fps} frames a second of {ms} ms: {said}");
        }
        for (fps, ms, percent) in [(15.0, 12.0, 18), (30.0, 10.0, 30), (2.0, 300.0, 60), (10.0, 79.0, 79)] {
            let change = json!({ "fps": fps, "pipeline_ms": times(ms) });
            let said = text(change);
            let wanted = format!(
                "The frames of the camera garden (The garden) come in bursts: 5000 of 10000 frames were left out, since several \
                 came at once. This computer is quick enough: it encodes for {percent} % of the time."
            );
            assert_eq!(said, wanted);
        }
        for nothing in [json!({ "fps": 0.0 }), json!({ "pipeline_ms": times(0.0) })] {
            let said = text(nothing);
            assert!(said.starts_with("Of the camera garden (The garden), 5000 of 10000 frames"), "{said}");
        }
    }

    #[test]
    fn the_servers_own_times_are_understood() {
        let told = lenscast_cameras::status::PipelineTimes {
            ingest: 1.0,
            decode: 2.0,
            encode: 3.0,
            mux: 4.0,
            queue: 5.0,
        };
        let times: PipelineTimes = serde_json::from_value(serde_json::to_value(told).unwrap()).unwrap();
        assert_eq!((times.decode, times.encode), (2.0, 3.0));
    }

    #[test]
    fn what_passes_is_no_fault() {
        for change in [
            json!({ "state": "no_frame", "since_ms": 4000 }),
            json!({ "state": "no_frame", "since_ms": 25_000, "silent_after_ms": 30_000 }),
            json!({ "state": "waiting", "connected": false, "since_ms": null }),
            json!({ "quarantined": { "truncated": 4 }, "frames_in": 0 }),
            json!({ "dropped": 19, "frames_in": 20, "quarantined": {} }),
        ] {
            assert_eq!(said(camera(change.clone())).remove(0).0, Mark::Fine, "{change}");
        }
    }
}
