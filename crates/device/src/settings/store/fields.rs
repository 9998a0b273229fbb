//! The keys under which settings are kept, what each may hold, and how they make up [`Settings`] and a [`Change`].

use super::{Fault, Finding, Report, StoreError, key, pending};
use crate::camera::{Exposure, FrameRate, FrameSize};
use crate::settings::{
    Change, Credentials, MAX_HOST_BYTES, MAX_KEY_BYTES, MAX_PASSWORD_BYTES, MAX_PATH_BYTES, MAX_SSID_BYTES,
    Picture, Settings, Target,
};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use esp_nvs::error::Error;
use esp_nvs::platform::Platform;
use esp_nvs::{Get, Nvs};

/// What a key holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

/// As what it is kept; whoever reads it as anything else, the original firmware among them, finds nothing.
#[derive(Clone, Copy)]
enum Kind {
    Str,
    U8,
    U16,
    U32,
    I8,
}

/// A key that is known here.
pub(super) struct Field {
    /// Its namespace and key, with `/` between them.
    pub(super) name: &'static str,
    kind: Kind,
    /// Least and most: the number, or the bytes of the text.
    range: (i64, i64),
    /// What else a value must be.
    valid: fn(&Value) -> bool,
}

/// A key, and what it is to hold; `None` when it is to be erased.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) field: &'static Field,
    pub(super) value: Option<Value>,
}

pub(super) type Entries = Vec<Entry>;

/// A namespace, with its keys in the order in which they are written: last comes the one without which the others
/// count for nothing.
pub(super) struct Area {
    pub(super) namespace: &'static str,
    pub(super) fields: &'static [&'static Field],
}

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

fn any(_: &Value) -> bool {
    true
}

fn begins_with_slash(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.starts_with('/'))
}

fn visible(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn lines_or_automatic(value: &Value) -> bool {
    matches!(value, &Value::Number(lines) if lines == AUTOMATIC || lines <= i64::from(Exposure::MAX_LINES))
}

impl Field {
    const fn text(name: &'static str, least: i64, most: usize, valid: fn(&Value) -> bool) -> Self {
        Self { name, kind: Kind::Str, range: (least, most as i64), valid }
    }

    const fn number(name: &'static str, kind: Kind, least: i64, most: i64) -> Self {
        Self { name, kind, range: (least, most), valid: any }
    }

    fn namespace(&self) -> &'static str {
        self.split().0
    }

    pub(super) fn key(&self) -> &'static str {
        self.split().1
    }

    fn split(&self) -> (&'static str, &'static str) {
        self.name.split_once('/').expect("every name above has a slash")
    }

    fn fits(&self, value: &Value) -> bool {
        let (measure, is_text) = match value {
            // Whoever reads it in C takes it to end at the first zero.
            Value::Text(text) if text.contains('\0') => return false,
            Value::Text(text) => (text.len() as i64, true),
            Value::Number(number) => (*number, false),
        };
        let (least, most) = self.range;
        is_text == matches!(self.kind, Kind::Str) && (least..=most).contains(&measure) && (self.valid)(value)
    }

    /// What it holds, if anything.
    ///
    /// # Errors
    /// It holds something that it cannot.
    pub(super) fn read<T: Platform>(&self, nvs: &mut Nvs<T>) -> Result<Option<Value>, Fault> {
        fn number<T: Platform, N: Into<i64>>(nvs: &mut Nvs<T>, field: &Field) -> Result<Value, Error>
        where
            Nvs<T>: Get<N>,
        {
            let number: N = nvs.get(&key(field.namespace()), &key(field.key()))?;
            Ok(Value::Number(number.into()))
        }
        let value = match self.kind {
            Kind::Str => nvs.get(&key(self.namespace()), &key(self.key())).map(Value::Text),
            Kind::U8 => number::<_, u8>(nvs, self),
            Kind::U16 => number::<_, u16>(nvs, self),
            Kind::U32 => number::<_, u32>(nvs, self),
            Kind::I8 => number::<_, i8>(nvs, self),
        };
        match value {
            Ok(value) if self.fits(&value) => Ok(Some(value)),
            Ok(_) => Err(Fault::Range),
            Err(Error::KeyNotFound | Error::NamespaceNotFound) => Ok(None),
            Err(Error::ItemTypeMismatch(_)) => Err(Fault::Type),
            Err(Error::FlashError) => Err(Fault::Flash),
            Err(_) => Err(Fault::Unreadable),
        }
    }

    /// Makes it hold nothing.
    ///
    /// # Errors
    /// As [`super::Store::apply`].
    pub(super) fn erase<T: Platform>(&self, nvs: &mut Nvs<T>) -> Result<(), StoreError> {
        Ok(nvs.delete(&key(self.namespace()), &key(self.key()))?)
    }
}

impl Entry {
    pub(super) fn fits(&self) -> bool {
        self.value.as_ref().is_none_or(|value| self.field.fits(value))
    }

    /// Makes its key hold its value.
    ///
    /// # Errors
    /// As [`super::Store::apply`].
    pub(super) fn save<T: Platform>(&self, nvs: &mut Nvs<T>) -> Result<(), StoreError> {
        let (namespace, name) = (key(self.field.namespace()), key(self.field.key()));
        match (&self.value, self.field.kind) {
            (None, _) => return self.field.erase(nvs),
            (Some(Value::Text(text)), _) => nvs.set(&namespace, &name, text.as_str())?,
            // `fits` has seen to it that the number is one of its type.
            (&Some(Value::Number(number)), Kind::I8) => nvs.set(&namespace, &name, number as i8)?,
            (&Some(Value::Number(number)), Kind::U8) => nvs.set(&namespace, &name, number as u8)?,
            (&Some(Value::Number(number)), Kind::U16) => nvs.set(&namespace, &name, number as u16)?,
            (&Some(Value::Number(number)), Kind::U32 | Kind::Str) => {
                nvs.set(&namespace, &name, number as u32)?;
            }
        }
        Ok(())
    }
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
