//! The keys under which settings are kept, what each may hold, and how they make up [`Settings`] and a [`Change`].

use super::entries::{Area, Entries, Entry, Field, Kind, Value, any};
use super::{Fault, Finding, Report, StoreError, pending};
use crate::camera::{Exposure, FrameRate, FrameSize, Picture};
use crate::settings::{
    Change, Credentials, MAX_HOST_BYTES, MAX_KEY_BYTES, MAX_PASSWORD_BYTES, MAX_PATH_BYTES, MAX_SSID_BYTES,
    Settings, Target,
};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use esp_nvs::Nvs;
use esp_nvs::platform::Platform;

/// All of them.
pub(super) static AREAS: [&Area; 3] = [&WIFI, &STREAM, &CAM];

static WIFI: Area = Area { namespace: "wifi", fields: &[&PASS, &SSID] };
static STREAM: Area = Area { namespace: "stream", fields: &[&AUTO, &KEY, &PATH, &PORT, &HOST] };
static CAM: Area = Area {
    namespace: "cam",
    fields: &[&WIDTH, &HEIGHT, &QUALITY, &RATE, &ADAPTIVE, &FLIP, &MIRROR, &BRIGHT, &EXPO],
};

static SSID: Field = Field::text("wifi/ssid", 1, MAX_SSID_BYTES, any);
static PASS: Field = Field::text("wifi/pass", 0, MAX_PASSWORD_BYTES, any);
static HOST: Field = Field::text("stream/host", 1, MAX_HOST_BYTES, any);
static PORT: Field = Field::number("stream/port", Kind::U16, 1, 65535);
static PATH: Field = Field::text("stream/path", 1, MAX_PATH_BYTES, begins_with_slash);
static KEY: Field = Field::text("stream/key", 1, MAX_KEY_BYTES, visible);
static AUTO: Field = Field::number("stream/auto", Kind::U8, 0, 1);
static WIDTH: Field = Field::number("cam/width", Kind::U16, 1, 65535);
static HEIGHT: Field = Field::number("cam/height", Kind::U16, 1, 65535);
static QUALITY: Field = Field::number("cam/quality", Kind::U8, 1, 100);
static RATE: Field =
    Field::number("cam/rate", Kind::U32, FrameRate::MIN.as_milli() as i64, FrameRate::MAX.as_milli() as i64);
static ADAPTIVE: Field = Field::number("cam/adaptive", Kind::U8, 0, 1);
static FLIP: Field = Field::number("cam/flip", Kind::U8, 0, 1);
static MIRROR: Field = Field::number("cam/mirror", Kind::U8, 0, 1);
static BRIGHT: Field = Field::number("cam/bright", Kind::I8, -2, 2);
static EXPO: Field =
    Field { valid: lines_or_automatic, ..Field::number("cam/expo", Kind::U16, 0, AUTOMATIC) };

/// Instead of a number of lines.
const AUTOMATIC: i64 = 0xFFFF;

fn begins_with_slash(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.starts_with('/'))
}

fn visible(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn lines_or_automatic(value: &Value) -> bool {
    matches!(value, &Value::Number(lines) if lines == AUTOMATIC || lines <= i64::from(Exposure::MAX_LINES))
}

/// What a change makes of which namespace, in the order of its fields.
pub(super) fn entries(change: &Change) -> (&'static Area, Entries) {
    let text = |field, text: Option<&String>| Entry { field, value: text.cloned().map(Value::Text) };
    let number = |field, number: Option<i64>| Entry { field, value: number.map(Value::Number) };
    match change {
        Change::Wifi(credentials) => {
            let pass = credentials.as_ref().map(|it| &it.password);
            let ssid = credentials.as_ref().map(|it| &it.ssid);
            (&WIFI, vec![text(&PASS, pass), text(&SSID, ssid)])
        }
        Change::Target(Target { host, port, path, key }) => {
            let (key, path) = (text(&KEY, key.as_ref()), text(&PATH, path.as_ref()));
            let port = number(&PORT, Some(i64::from(*port)));
            (&STREAM, vec![key, path, port, text(&HOST, host.as_ref())])
        }
        Change::Auto(auto) => (&STREAM, vec![number(&AUTO, Some(i64::from(*auto)))]),
        Change::ClearStream => {
            (&STREAM, STREAM.fields.iter().map(|&field| Entry { field, value: None }).collect())
        }
        Change::Picture(picture) => {
            let exposure = match picture.exposure {
                Exposure::Auto => AUTOMATIC,
                // More lines than there can be are refused, and never taken for the other.
                Exposure::Lines(lines) => i64::from(lines).min(AUTOMATIC - 1),
            };
            let entries = vec![
                number(&WIDTH, picture.size.map(|size| i64::from(size.width))),
                number(&HEIGHT, picture.size.map(|size| i64::from(size.height))),
                number(&QUALITY, Some(i64::from(picture.quality))),
                number(&RATE, Some(i64::from(picture.rate.as_milli()))),
                number(&ADAPTIVE, Some(i64::from(picture.adaptive))),
                number(&FLIP, picture.flip.map(i64::from)),
                number(&MIRROR, picture.mirror.map(i64::from)),
                number(&BRIGHT, picture.brightness.map(i64::from)),
                number(&EXPO, Some(exposure)),
            ];
            (&CAM, entries)
        }
    }
}

/// What is saved.
///
/// # Errors
/// [`StoreError::Flash`].
pub(super) fn settings<T: Platform>(nvs: &mut Nvs<T>, report: &mut Report) -> Result<Settings, StoreError> {
    let mut pending = Vec::new();
    for area in AREAS {
        pending.extend(pending::read(nvs, area)?.unwrap_or_default());
    }
    let mut saved = Saved { nvs, pending, report };
    let wifi = saved.text(&SSID).map(|ssid| {
        let known = saved.report.findings().len();
        let password = saved.text(&PASS);
        if password.is_none() && saved.report.findings().len() == known {
            saved.report.add(Finding::NoPassword);
        }
        Credentials { ssid, password: password.unwrap_or_default() }
    });
    let default = Target::default();
    let target = Target {
        host: saved.text(&HOST),
        port: saved.number(&PORT).unwrap_or(default.port),
        path: saved.text(&PATH),
        key: saved.text(&KEY),
    };
    let auto = saved.flag(&AUTO).unwrap_or(false);
    Ok(Settings { wifi, target, auto, picture: saved.picture() })
}

/// What is saved, with what is pending over it.
struct Saved<'a, T: Platform> {
    nvs: &'a mut Nvs<T>,
    pending: Entries,
    report: &'a mut Report,
}

impl<T: Platform> Saved<'_, T> {
    fn picture(&mut self) -> Picture {
        let default = Picture::default();
        let size = match (self.number(&WIDTH), self.number(&HEIGHT)) {
            (Some(width), Some(height)) => Some(FrameSize { width, height }),
            (None, None) => None,
            (Some(_), None) => self.refuse(&WIDTH, Fault::Half),
            (None, Some(_)) => self.refuse(&HEIGHT, Fault::Half),
        };
        Picture {
            size,
            quality: self.number(&QUALITY).unwrap_or(default.quality),
            rate: self.number(&RATE).and_then(FrameRate::from_milli).unwrap_or(default.rate),
            adaptive: self.flag(&ADAPTIVE).unwrap_or(default.adaptive),
            flip: self.flag(&FLIP),
            mirror: self.flag(&MIRROR),
            brightness: self.number(&BRIGHT),
            exposure: match self.number::<u16>(&EXPO) {
                Some(lines) if i64::from(lines) != AUTOMATIC => Exposure::Lines(lines),
                _ => Exposure::Auto,
            },
        }
    }

    fn text(&mut self, field: &'static Field) -> Option<String> {
        match self.value(field)? {
            Value::Text(text) => Some(text),
            Value::Number(_) => None,
        }
    }

    fn number<N: TryFrom<i64>>(&mut self, field: &'static Field) -> Option<N> {
        match self.value(field)? {
            Value::Number(number) => number.try_into().ok(),
            Value::Text(_) => None,
        }
    }

    fn flag(&mut self, field: &'static Field) -> Option<bool> {
        self.number::<u8>(field).map(|flag| flag == 1)
    }

    fn value(&mut self, field: &'static Field) -> Option<Value> {
        if let Some(entry) = self.pending.iter().find(|entry| entry.field.name == field.name) {
            return entry.value.clone();
        }
        match field.read(self.nvs) {
            Ok(value) => value,
            Err(fault) => self.refuse(field, fault),
        }
    }

    fn refuse<R>(&mut self, field: &'static Field, fault: Fault) -> Option<R> {
        self.report.add(Finding::Setting { name: field.name, fault });
        None
    }
}
