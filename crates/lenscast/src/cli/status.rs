//! `lenscast status`: what the server that runs is doing.

use super::client::{Refused, Which};
use super::table::table;
use super::{print, print_json};
use axum::http::Method;
use clap::Args;
use lenscast_base::time;
use serde_json::Value;
use std::error::Error;
use std::fmt::Write as _;

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// As JSON: what /status answers, and below "server" what /api/server does
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

/// Asks, and prints the answer.
pub(crate) async fn run(Status { json, which }: Status) -> Result<(), Box<dyn Error>> {
    let client = which.find().await?;
    let mut status: Value = client.ask(Method::GET, "/status", None).await?;
    let server: Result<Value, _> = client.ask(Method::GET, "/api/server", None).await;
    let server = server.or_else(|error| match error.downcast_ref::<Refused>() {
        // A server of an older version does not know it.
        Some(refused) if refused.code == 404 => Ok(Value::Null),
        _ => Err(error),
    })?;
    if json {
        status["server"] = server;
        return Ok(print_json(&status)?);
    }
    print(text(&status, &server, time::now()).trim_end());
    Ok(())
}

fn text(status: &Value, server: &Value, now: u64) -> String {
    let mut out = about_server(status, server, now);
    let cameras = each(&status["cameras"]);
    if cameras.is_empty() {
        out += "\nNo camera was here yet. What to type on its console: lenscast serve prints it when it starts.\n";
        return out;
    }
    let head = ["CAMERA", "STATE", "SIZE", "FPS", "KBIT/S", "VIEWERS", "LOST", "SIGNAL"];
    let rows: Vec<[String; 8]> =
        std::iter::once(head.map(str::to_owned)).chain(cameras.iter().map(row)).collect();
    let lines = table(&rows);
    let mut lines = lines.lines();
    #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
    let _ = writeln!(out, "\n{}", lines.next().unwrap_or_default());
    for (line, camera) in lines.zip(cameras) {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "{line}");
        if let Some(trouble) = camera["trouble"]["text"].as_str() {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "  ✗ {trouble}");
        }
        for finding in each(&camera["device"]["diagnosis"]) {
            let mark = if finding["level"] == "error" { "✗" } else { "!" };
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "  {mark} {}", finding["text"].as_str().unwrap_or_default());
        }
    }
    out
}

fn about_server(status: &Value, server: &Value, now: u64) -> String {
    let version = status["version"].as_str().unwrap_or("?");
    let uptime = status["uptime_s"].as_u64().unwrap_or(0);
    let started = server["started"].as_u64().unwrap_or(now.saturating_sub(uptime));
    let process = server["pid"].as_u64().map(|pid| format!(", process {pid}")).unwrap_or_default();
    let mut out = format!(
        "lenscast {version}{process}, since {} (for {})\n",
        time::moment(started),
        time::rough(uptime)
    );
    let mut line = |what: &str, text: &str| {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = writeln!(out, "{what:<14}{text}");
    };
    let urls = texts(&server["urls"]);
    for (number, url) in urls.iter().enumerate() {
        line(if number == 0 { "Pages" } else { "" }, url);
    }
    if server["listen"].is_array() {
        let listen: Vec<String> = each(&server["listen"])
            .iter()
            .map(|listener| {
                let tls = if listener["tls"] == true { " (TLS)" } else { "" };
                format!("{}{tls}", listener["address"].as_str().unwrap_or_default())
            })
            .collect();
        line("Listens on", &listen.join(", "));
        if let Some(fingerprint) = server["certificate"]["fingerprint"].as_str() {
            let until = server["certificate"]["not_after"].as_u64().unwrap_or(0);
            line("Certificate", &format!("good until {}; SHA-256 fingerprint:", time::moment(until)));
            line("", fingerprint);
        }
        line("Without login", who(&server["access"]));
        line("Configuration", server["config_file"].as_str().unwrap_or("no file"));
        line("State", server["state_dir"].as_str().unwrap_or("is not kept"));
    }
    for (key, what) in [
        ("needs_reload", "Changed and not in force until a reload:"),
        ("needs_restart", "Changed and not in force until a restart:"),
        ("mistakes", "The configuration has mistakes:"),
    ] {
        let texts = texts(&server[key]);
        if !texts.is_empty() {
            #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
            let _ = writeln!(out, "! {what} {}", texts.join(", "));
        }
    }
    out
}

/// Who may do what without a credential, in a word.
fn who(access: &Value) -> &'static str {
    let cameras_too = access["require_camera_key"] != true;
    match (access["open"] == true, access["open_view"] == true, cameras_too) {
        (true, ..) => "everybody may do everything (open)",
        (_, true, true) => "the home network may watch (open_view), and its cameras may send",
        (_, true, false) => "the home network may watch (open_view)",
        (_, _, true) => "cameras of the home network may send",
        _ => "nobody may do anything",
    }
}

fn row(camera: &Value) -> [String; 8] {
    let (name, title) =
        (camera["name"].as_str().unwrap_or_default(), camera["title"].as_str().unwrap_or_default());
    let named = if title.is_empty() || title == name { name.to_owned() } else { format!("{name} ({title})") };
    let number = |key: &str| camera[key].as_u64().unwrap_or(0);
    let live = camera["connected"] == true;
    let only = |is: bool, text: String| if is { text } else { "–".to_owned() };
    let quarantined: u64 = camera["quarantined"]
        .as_object()
        .into_iter()
        .flat_map(|causes| causes.values())
        .filter_map(Value::as_u64)
        .sum();
    let size = match (camera["width"].as_u64(), camera["height"].as_u64()) {
        (Some(width), Some(height)) => format!("{width}×{height}"),
        _ => "–".to_owned(),
    };
    let signal = camera["device"]["rssi"].as_i64().map_or("–".to_owned(), |rssi| format!("{rssi} dBm"));
    [
        named,
        state(camera),
        size,
        only(live, rate(camera["fps"].as_f64().unwrap_or(0.0))),
        only(live, (number("bitrate") / 1000).to_string()),
        number("viewers").to_string(),
        (number("dropped") + quarantined).to_string(),
        signal,
    ]
}

/// A rate in frames a second. That of a slow camera has more digits: one picture in 30 s is 0.033.
fn rate(fps: f64) -> String {
    let digits = if fps > 0.0 && fps < 0.95 { 3 } else { 1 };
    format!("{fps:.digits$}")
}

/// What it does, and for how long.
fn state(camera: &Value) -> String {
    let word = match camera["state"].as_str().unwrap_or_default() {
        "waiting" if camera["since_ms"].is_null() => return "never here".to_owned(),
        "waiting" => "gone",
        "no_frame" => "no picture",
        state => state,
    };
    match camera["since_ms"].as_u64() {
        Some(since) => format!("{word} for {}", time::rough(since / 1000)),
        None => word.to_owned(),
    }
}

fn each(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn texts(list: &Value) -> Vec<&str> {
    each(list).iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rate_of_a_slow_camera_is_not_rounded_away() {
        for (fps, text) in [(0.033, "0.033"), (0.2, "0.200"), (0.95, "0.9"), (12.5, "12.5"), (0.0, "0.0")] {
            assert_eq!(rate(fps), text);
        }
    }

    fn status() -> Value {
        json!({
            "version": "1.2.3",
            "uptime_s": 7200,
            "cameras": [
                {
                    "name": "garden", "title": "The garden", "connected": true, "state": "live", "since_ms": 90_000,
                    "width": 640, "height": 480, "fps": 12.5, "bitrate": 2_345_678, "viewers": 3, "dropped": 4,
                    "quarantined": { "truncated": 2 },
                    "device": { "rssi": -71, "diagnosis": [{ "level": "warning", "text": "It is weak." }] },
                },
                { "name": "door", "title": "door", "connected": false, "state": "waiting", "since_ms": null, "device": null },
            ],
        })
    }

    fn server() -> Value {
        json!({
            "pid": 42, "started": 1_795_384_385, "urls": ["http://192.168.1.5:8080/"], "config_file": null, "state_dir": "/state",
            "listen": [{ "address": "[::]:8080", "tls": false }, { "address": "[::]:8443", "tls": true }],
            "access": { "open": false, "open_view": true, "require_camera_key": false },
            "certificate": { "fingerprint": "AB:CD", "not_after": 1_800_000_000 },
            "needs_reload": [], "needs_restart": ["listen"], "mistakes": [],
        })
    }

    #[test]
    fn a_person_reads_what_a_server_does() {
        let expected = "\
lenscast 1.2.3, process 42, since 2026-11-22 21:53 UTC (for 2 h)
Pages         http://192.168.1.5:8080/
Listens on    [::]:8080, [::]:8443 (TLS)
Certificate   good until 2027-01-15 08:00 UTC; SHA-256 fingerprint:
              AB:CD
Without login the home network may watch (open_view), and its cameras may send
Configuration no file
State         /state
! Changed and not in force until a restart: listen

CAMERA               STATE          SIZE     FPS   KBIT/S  VIEWERS  LOST  SIGNAL
garden (The garden)  live for 90 s  640×480  12.5  2345    3        6     -71 dBm
  ! It is weak.
door                 never here     –        –     –       0        0     –
";
        assert_eq!(text(&status(), &server(), 0), expected);
    }

    #[test]
    fn a_server_that_tells_less_is_shown_with_what_it_tells() {
        let text =
            text(&json!({ "version": "1.0.0", "uptime_s": 60, "cameras": [] }), &Value::Null, 1_795_384_445);
        assert!(text.starts_with("lenscast 1.0.0, since 2026-11-22 21:53 UTC (for 60 s)\n"), "{text}");
        assert!(text.contains("No camera was here yet"), "{text}");
    }

    #[test]
    fn who_may_do_what_is_said_in_a_word() {
        let of = |open, open_view, require_camera_key| {
            who(&json!({ "open": open, "open_view": open_view, "require_camera_key": require_camera_key }))
        };
        assert!(of(true, false, false).contains("everything"));
        assert!(of(false, true, true).ends_with("(open_view)"));
        assert!(of(false, false, false).starts_with("cameras"));
        assert!(of(false, false, true).starts_with("nobody"));
    }
}
