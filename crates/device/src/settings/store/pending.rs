//! A change of several keys, written down as one before it is carried out: a JSON object under one key of the
//! namespace that it is about, with `null` for what is to be erased.

use super::entries::{Area, Entries, Entry, Value};
use super::{StoreError, key};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use esp_nvs::Nvs;
use esp_nvs::platform::Platform;
use serde_json::{Map, Value as Json};

const KEY: &str = "pending";

/// What is written down for this namespace, in the order in which it is to be carried out.
///
/// # Errors
/// [`StoreError::Flash`].
pub(super) fn read<T: Platform>(nvs: &mut Nvs<T>, area: &Area) -> Result<Option<Entries>, StoreError> {
    let text: Result<String, _> = nvs.get(&key(area.namespace), &key(KEY));
    match text.map_err(StoreError::from) {
        // None where it was not written here, whoever did.
        Ok(text) => Ok(parse(area, &text)),
        Err(StoreError::Flash) => Err(StoreError::Flash),
        Err(_) => Ok(None),
    }
}

/// Writes it down: from here on it counts.
///
/// # Errors
/// As [`super::Store::apply`].
pub(super) fn write<T: Platform>(nvs: &mut Nvs<T>, area: &Area, entries: &[Entry]) -> Result<(), StoreError> {
    let json = |value: &Option<Value>| match value {
        None => Json::Null,
        Some(Value::Text(text)) => Json::from(text.as_str()),
        Some(Value::Number(number)) => Json::from(*number),
    };
    let object: Map<_, _> =
        entries.iter().map(|entry| (entry.field.key().into(), json(&entry.value))).collect();
    let text = Json::Object(object).to_string();
    Ok(nvs.set(&key(area.namespace), &key(KEY), text.as_str())?)
}

/// It is done.
///
/// # Errors
/// As [`super::Store::apply`].
pub(super) fn erase<T: Platform>(nvs: &mut Nvs<T>, area: &Area) -> Result<(), StoreError> {
    Ok(nvs.delete(&key(area.namespace), &key(KEY))?)
}

/// `before`, with what is in `wanted` instead of its own; in the order of the area.
pub(super) fn merge(area: &Area, before: Entries, wanted: Entries) -> Entries {
    let newest = |name| wanted.iter().chain(&before).find(|entry| entry.field.name == name).cloned();
    area.fields.iter().filter_map(|field| newest(field.name)).collect()
}

fn parse(area: &Area, text: &str) -> Option<Entries> {
    let Json::Object(object) = serde_json::from_str(text).ok()? else { return None };
    let mut entries = Vec::new();
    for &field in area.fields {
        let value = match object.get(field.key()) {
            None => continue,
            Some(Json::Null) => None,
            Some(Json::String(text)) => Some(Value::Text(text.clone())),
            Some(other) => Some(Value::Number(other.as_i64()?)),
        };
        let entry = Entry { field, value };
        if entry.fits() {
            entries.push(entry);
        }
    }
    Some(entries)
}
