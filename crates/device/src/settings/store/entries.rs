//! One key of the flash: what it may hold, and how it is read, written and erased.

use super::{Fault, StoreError, key};
use alloc::string::String;
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

/// The type under which a key is kept; whoever reads it as anything else, the original firmware among them, finds nothing.
#[derive(Clone, Copy)]
pub(super) enum Kind {
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
    pub(super) kind: Kind,
    /// Least and most: the number, or the bytes of the text.
    pub(super) range: (i64, i64),
    /// What else a value must be.
    pub(super) valid: fn(&Value) -> bool,
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

impl Field {
    pub(super) const fn text(name: &'static str, least: i64, most: usize, valid: fn(&Value) -> bool) -> Self {
        Self { name, kind: Kind::Str, range: (least, most as i64), valid }
    }

    pub(super) const fn number(name: &'static str, kind: Kind, least: i64, most: i64) -> Self {
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
    /// The entry holds something that it cannot.
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

pub(super) fn any(_: &Value) -> bool {
    true
}
