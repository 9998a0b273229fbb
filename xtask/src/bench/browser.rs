//! The pages in a real browser: from the camera's clock to rendered pixels, and from navigation to the first picture.
//!
//! `web/test/bench/browser.js` measures, with the same Chromium and Node.js as the browser tests; this prints it.

use super::measured::percentile;
use super::table::Table;
use super::{Target, machine, verdict};
use crate::process::{self, Places};
use crate::test::browser;
use crate::{Result, tools};
use serde_json::Value;
use std::process::Stdio;

/// Ages with this are told with their target, in ms.
const WEBCODECS: f64 = 120.0;
const MSE: f64 = 350.0;
const FIRST_PICTURE: f64 = 300.0;

/// Runs it and prints the tables.
///
/// # Errors
/// Something is missing, could not be built or started, or shows no picture. Numbers that miss their target are no error.
pub(crate) fn run() -> Result<()> {
    let places = Places::find()?;
    tools::browser().ok_or("there is no Chromium; another browser of its family can be named in CHROMIUM")?;
    process::run(&mut places.cargo(&["build", "--release", "--package", "lenscast"]))?;
    let tests = browser::prepare(&places)?;
    println!("\n{}", machine());
    let mut node = browser::node(&places, &tests, "release")?;
    let output = node.arg("bench/browser.js").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("bench/browser.js failed ({})", output.status).into());
    }
    let measured: Value = serde_json::from_slice(&output.stdout)?;
    print!("{}", report(&measured));
    Ok(())
}

/// The tables, for what the script measured.
fn report(measured: &Value) -> String {
    let before = &measured["before"];
    let tables = [ages(&measured["ages"]), firsts(&measured["firsts"]), wall(&measured["wall"])];
    format!(
        "Busy before: {} cores, load average {}; {} s each\n\n{}",
        number(before["busy"].as_f64(), 2),
        number(before["load"].as_f64(), 1),
        measured["seconds"],
        tables.map(|table| table.to_string()).join("\n"),
    )
}

/// A camera, by each way of playing.
fn ages(rows: &Value) -> Table {
    let mut table = Table::new(&[
        "camera → pixels",
        "p50, ms",
        "p95, ms",
        "target",
        "shown",
        "sent",
        "shown as",
        "busy cores",
        "reading, ms",
    ]);
    for row in list(rows) {
        let way = row["way"].as_str().unwrap_or_default();
        let target = match way {
            "webcodecs" => Target::AtMost(WEBCODECS),
            "mse" => Target::AtMost(MSE),
            _ => Target::None,
        };
        let ages = sorted(list(&row["ages"]).iter().filter_map(Value::as_f64));
        let (shown, sent) = shown_and_sent(&row["frames"]);
        let p95 = percentile(&ages, 95);
        table.row(&[
            format!("{way}, {} at {} fps", text(&row["size"]), row["fps"]),
            number(percentile(&ages, 50), 0),
            number(p95, 0),
            verdict(target, p95, None),
            shown.to_string(),
            sent.to_string(),
            text(&row["elements"]).to_owned(),
            number(row["busy"].as_f64(), 2),
            number(row["cost"].as_f64(), 2),
        ]);
    }
    table
}

/// From navigation to pictures on the screen.
fn firsts(rows: &Value) -> Table {
    let mut table = Table::new(&[
        "navigation → picture",
        "first p50, ms",
        "first p95, ms",
        "target",
        "second p50, ms",
        "second p95, ms",
        "loads",
    ]);
    for row in list(rows) {
        let loads = list(&row["loads"]);
        let at = |picture: usize| sorted(loads.iter().filter_map(|load| load[picture]["at"].as_f64()));
        let (first, second) = (at(0), at(1));
        let p95 = percentile(&first, 95);
        table.row(&[
            text(&row["path"]).to_owned(),
            number(percentile(&first, 50), 0),
            number(p95, 0),
            verdict(Target::AtMost(FIRST_PICTURE), p95, None),
            number(percentile(&second, 50), 0),
            number(percentile(&second, 95), 0),
            loads.len().to_string(),
        ]);
    }
    table
}

/// Many cameras in one page.
fn wall(row: &Value) -> Table {
    let screens = list(&row["screens"]);
    let heading = format!("{} cameras, {} at {} fps", row["count"], text(&row["size"]), row["fps"]);
    let mut table = Table::new(&[&heading, "p50, ms", "p95, ms", "shown", "sent"]);
    let mut add = |name: String, ages: &[f64], (shown, sent): (u64, u64)| {
        table.row(&[
            name,
            number(percentile(ages, 50), 0),
            number(percentile(ages, 95), 0),
            shown.to_string(),
            sent.to_string(),
        ]);
    };
    let (mut all, mut total) = (Vec::new(), (0, 0));
    for (index, screen) in screens.iter().enumerate() {
        let ages = sorted(list(&screen["ages"]).iter().filter_map(Value::as_f64));
        let (shown, sent) = shown_and_sent(&screen["frames"]);
        add(format!("{}", index + 1), &ages, (shown, sent));
        all.extend(ages);
        total = (total.0 + shown, total.1 + sent);
    }
    add(format!("all, {} busy cores", number(row["busy"].as_f64(), 2)), &sorted(all.into_iter()), total);
    table
}

/// How many different frames were seen, and how many there were between the first and the last of them.
fn shown_and_sent(frames: &Value) -> (u64, u64) {
    let mut numbers: Vec<u64> = list(frames).iter().filter_map(Value::as_u64).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let sent = numbers.first().zip(numbers.last()).map_or(0, |(first, last)| last - first + 1);
    (numbers.len() as u64, sent)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frames_between_the_first_and_the_last_count_as_sent() {
        assert_eq!(shown_and_sent(&json!([7, 9, 8, 9, 12])), (4, 6));
        assert_eq!(shown_and_sent(&json!([])), (0, 0));
    }

    #[test]
    fn an_age_beyond_its_target_is_told() {
        let row = |way: &str| json!({ "way": way, "size": "640x480", "fps": 30, "ages": [90, 121, 80], "frames": [1, 2, 4] });
        let table = ages(&json!([row("webcodecs"), row("mse"), row("jpeg")])).to_string();
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert!(
            lines[0].contains(" 90 | ") && lines[0].contains("121 | ≤ 120: MISSED |     3 |    4 |"),
            "{table}"
        );
        assert!(lines[1].contains("≤ 350: kept"), "{table}");
        assert!(!lines[2].contains('≤'), "{table}");
    }

    #[test]
    fn the_second_picture_is_told_beside_the_first() {
        let load = |first: f64, second: f64| json!([{ "at": first, "element": "img" }, { "at": second, "element": "canvas" }]);
        let table =
            firsts(&json!([{ "path": "/", "loads": [load(301.0, 500.0), load(100.0, 200.0)] }])).to_string();
        assert!(table.contains(" 100 | ") && table.contains("301 | ≤ 300: MISSED"), "{table}");
        assert!(table.contains(" 200 | ") && table.contains(" 500 | "), "{table}");
    }

    #[test]
    fn all_cameras_of_a_wall_are_told_together_too() {
        let screens =
            json!([{ "ages": [10, 20], "frames": [1, 2] }, { "ages": [400, 30], "frames": [5, 8] }]);
        let table =
            wall(&json!({ "count": 2, "size": "320x240", "fps": 15, "busy": 1.5, "screens": screens }))
                .to_string();
        let last = table.lines().last().unwrap();
        assert!(last.contains("all, 1.50 busy cores") && last.contains(" 400 |     4 |    6 |"), "{table}");
    }
}
