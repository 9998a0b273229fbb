//! Spans and moments, as people write and read them.

use ::time::{OffsetDateTime, PrimitiveDateTime};
use std::time::{SystemTime, UNIX_EPOCH};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Reads a span of time such as `90s`, `30m`, `24h`, `7d` or `2w`, and gives it in seconds.
///
/// # Errors
/// A sentence for the owner that shows which spans are possible. Zero is no span.
pub fn span(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time such as 30m, 24h or 7d");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 =
        number.and_then(|number| number.parse().ok()).filter(|number| *number > 0).ok_or_else(wrong)?;
    number.checked_mul(seconds).ok_or_else(wrong)
}

/// The time now, in seconds since the Unix epoch. A clock that is set before 1970 counts as 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The distance between two moments in words, such as `3 min ago` or `in 24 h`. Both are in seconds since the Unix
/// epoch. Less than two minutes ago is `just now`.
#[must_use]
pub fn from_now(at: u64, now: u64) -> String {
    match (now.checked_sub(at), at.saturating_sub(now)) {
        (Some(ago), _) if ago < 2 * MINUTE => "just now".into(),
        (Some(ago), _) => format!("{} ago", rough(ago)),
        (None, left) => format!("in {}", rough(left)),
    }
}

/// A moment as people write it, such as `2026-11-24 10:33 UTC`. `at` is in seconds since the Unix epoch. A moment after
/// the year 9999 is shown as the end of that year.
#[must_use]
pub fn moment(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let at = at.unwrap_or_else(|| PrimitiveDateTime::MAX.assume_utc());
    let (year, month, day) = at.to_calendar_date();
    format!("{year}-{:02}-{day:02} {:02}:{:02} UTC", u8::from(month), at.hour(), at.minute())
}

/// A span of seconds in one unit, rounded down, such as `90 s`, `7 min`, `2 h` or `3 days`.
#[must_use]
pub fn rough(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / MINUTE),
        7200..=172_799 => format!("{} h", seconds / HOUR),
        _ => format!("{} days", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(span(text), Ok(seconds));
        }
        for bad in [
            "",
            "h",
            "24",
            "0h",
            "-1h",
            "+1h",
            "1.5h",
            "24 h",
            "1y",
            "99999999999999999999d",
            "9999999999999999w",
            "1ä",
        ] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_the_calendars() {
        for (at, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_200, "2024-03-01 00:00 UTC"),
            (1_795_384_385, "2026-11-22 21:53 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (1_767_225_599, "2025-12-31 23:59 UTC"),
        ] {
            assert_eq!(moment(at), text);
        }
        assert!(moment(u64::MAX).starts_with("9999-12-31"), "and at once");
    }

    #[test]
    fn how_long_ago_is_told_roughly() {
        for (at, text) in [
            (1_000_000, "just now"),
            (999_900, "just now"),
            (999_800, "3 min ago"),
            (990_000, "2 h ago"),
            (800_000, "2 days ago"),
            (1_000_060, "in 60 s"),
            (1_086_400, "in 24 h"),
        ] {
            assert_eq!(from_now(at, 1_000_000), text);
        }
    }
}
