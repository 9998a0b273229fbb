//! Words become values, or it is told why not.
//!
//! What is refused is described and never repeated: it may be a secret in the wrong place.

use crate::camera::{Exposure, FrameRate, FrameSize};
use crate::log::Level;
use crate::settings::{MAX_HOST_BYTES, MAX_KEY_BYTES, MAX_PASSWORD_BYTES, MAX_PATH_BYTES, MAX_SSID_BYTES};
use alloc::format;
use alloc::string::String;
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;
use core::str::FromStr;

/// A value, or what is wrong with it in words.
pub(super) type Checked<T> = Result<T, String>;

pub(super) fn ssid(text: &str) -> Checked<String> {
    within("ssid", text, MAX_SSID_BYTES)
}

/// Empty for an open network. The lengths that no network takes are refused: WPA's passphrases have 8 to 63 characters
/// and its keys 64 hexadecimal digits (IEEE 802.11-2020 §J.4.1). WEP, whose keys may be shorter, is not joined.
pub(super) fn password(text: &str) -> Checked<String> {
    match text.len() {
        0 | 8..MAX_PASSWORD_BYTES => Ok(text.into()),
        MAX_PASSWORD_BYTES if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text.into()),
        MAX_PASSWORD_BYTES => {
            Err("password is 64 bytes long, which only a key in hexadecimal digits is; others have 8 to 63"
                .into())
        }
        length @ 1..8 => {
            Err(format!("password is {length} bytes long; networks take 8 to 63 (for an open one: \"\")"))
        }
        length => Err(format!("password is {length} bytes long; at most {MAX_PASSWORD_BYTES} fit")),
    }
}

pub(super) fn host(text: &str) -> Checked<String> {
    if let Some((_, rest)) = text.split_once("://") {
        return Err(format!("host is a name or an IPv4 address, not a URL{}", suggestion(rest)));
    }
    if text.contains([':', '/']) {
        return Err(format!("host is a name or an IPv4 address alone{}", suggestion(text)));
    }
    let text = within("host", text, MAX_HOST_BYTES)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err("host has letters, digits, dots and hyphens only".into());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && Ipv4Addr::from_str(&text).is_err() {
        return Err("host is no whole IPv4 address: that is four numbers up to 255 with dots between".into());
    }
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    // One dot at the end says that the name is whole (RFC 1034 §3.1).
    if !text.strip_suffix('.').unwrap_or(&text).split('.').all(label) {
        return Err("host is no name: between its dots are letters, digits and inner hyphens".into());
    }
    Ok(text)
}

pub(super) fn port(text: &str) -> Checked<u16> {
    ranged("port", text, 1..=u16::MAX)
}

pub(super) fn path(text: &str) -> Checked<String> {
    if !text.starts_with('/') {
        return Err("path begins with /".into());
    }
    visible("path", within("path", text, MAX_PATH_BYTES)?)
}

pub(super) fn key(text: &str) -> Checked<String> {
    visible("key", within("key", text, MAX_KEY_BYTES)?)
}

pub(super) fn size(text: &str) -> Checked<FrameSize> {
    FrameSize::from_name(text).ok_or_else(|| {
        let names = FrameSize::NAMED.map(|(name, _)| name);
        format!("size is one of {}", names.join(", "))
    })
}

/// Frames a second with up to three decimals.
pub(super) fn rate(text: &str) -> Checked<FrameRate> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let milli = || {
        let thousandths = format!("{fraction:0<3}");
        (thousandths.len() == 3).then_some(())?;
        digits::<u32>(whole)?.checked_mul(1000)?.checked_add(digits(&thousandths)?)
    };
    milli()
        .and_then(FrameRate::from_milli)
        .ok_or_else(|| format!("fps is {} to {}, with up to three decimals", FrameRate::MIN, FrameRate::MAX))
}

pub(super) fn brightness(text: &str) -> Checked<i8> {
    let value = text.parse().ok().filter(|value| (-2..=2).contains(value));
    value.ok_or_else(|| "brightness is -2, -1, 0, 1 or 2".into())
}

pub(super) fn exposure(text: &str) -> Checked<Exposure> {
    if text == "auto" {
        return Ok(Exposure::Auto);
    }
    let lines = digits(text).filter(|&lines| lines <= Exposure::MAX_LINES);
    lines
        .map(Exposure::Lines)
        .ok_or_else(|| format!("exposure is auto, or 0 to {} lines", Exposure::MAX_LINES))
}

pub(super) fn switch(name: &str, text: &str) -> Checked<bool> {
    match text {
        "1" | "on" => Ok(true),
        "0" | "off" => Ok(false),
        _ => Err(format!("{name} is 0 or 1 (or off, on)")),
    }
}

pub(super) fn level(text: &str) -> Checked<Level> {
    let level = Level::ALL.into_iter().find(|level| level.name() == text);
    level.ok_or_else(|| format!("level is one of {}", Level::ALL.map(Level::name).join(", ")))
}

/// A whole number in `range`.
pub(super) fn ranged<T>(name: &str, text: &str, range: RangeInclusive<T>) -> Checked<T>
where
    T: FromStr + PartialOrd + core::fmt::Display,
{
    digits(text)
        .filter(|value| range.contains(value))
        .ok_or_else(|| format!("{name} is a number from {} to {}", range.start(), range.end()))
}

/// Not empty, and no longer than `most` bytes.
fn within(name: &str, text: &str, most: usize) -> Checked<String> {
    match text.len() {
        0 => Err(format!("{name} is empty")),
        length if length > most => Err(format!("{name} is {length} bytes long; at most {most} fit")),
        _ => Ok(text.into()),
    }
}

/// Without spaces and without what is not ASCII: it stands in an HTTP header.
fn visible(name: &str, text: String) -> Checked<String> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(format!("{name} has a character that is not visible ASCII"))
    }
}

/// The number that these digits are; no sign, unlike [`str::parse`].
fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// How to say what a URL without its scheme says, as far as it is clear. User names, paths and queries are left out.
fn suggestion(url: &str) -> String {
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (name, port_part) = authority.split_once(':').unwrap_or((authority, ""));
    match (host(name), port(port_part)) {
        (Ok(name), Ok(port)) => format!("; try: stream set host {name} {port}"),
        (Ok(name), Err(_)) if port_part.is_empty() => format!("; try: stream set host {name}"),
        _ => String::new(),
    }
}
