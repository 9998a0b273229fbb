//! The names of cameras for people. They are kept in the state directory, by the id of the camera's device when it tells
//! one, else by the camera's name; so a title follows its device to another name. Paths never change.

use lenscast_base::state::{StateDir, StateError};
use lenscast_live::Stream;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 80;

/// The file in the state directory.
pub const FILE: &str = "cameras.json";

/// All titles.
#[derive(Debug)]
pub struct Titles {
    state: Arc<StateDir>,
    known: Mutex<Known>,
    /// One change at a time, and nobody who only reads waits for the disk.
    changing: Mutex<()>,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    /// By the id of a device.
    devices: BTreeMap<String, Entry>,
    /// By the name of a camera.
    cameras: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    title: String,
}

/// Whose title it is.
#[derive(Clone, Debug)]
pub struct Owner {
    name: CameraName,
    device_id: Option<String>,
}

impl From<&Stream> for Owner {
    fn from(stream: &Stream) -> Self {
        Self { name: stream.name().clone(), device_id: stream.device_id() }
    }
}

impl From<CameraName> for Owner {
    /// A camera that is not known.
    fn from(name: CameraName) -> Self {
        Self { name, device_id: None }
    }
}

impl Titles {
    /// Reads them. What cannot be read is set aside, and the cameras go by their names again.
    #[must_use]
    pub fn open(state: Arc<StateDir>) -> Self {
        let known = match state.read_json(FILE) {
            Ok(known) => known.unwrap_or_default(),
            Err(error) => {
                match state.set_aside(FILE) {
                    Ok(aside) => tracing::warn!(
                        aside = %aside.display(),
                        "the titles of the cameras are lost, and their file is set aside: {error}"
                    ),
                    Err(again) => tracing::warn!("the titles of the cameras are lost: {error}; {again}"),
                }
                Known::default()
            }
        };
        Self { state, known: Mutex::new(known), changing: Mutex::default() }
    }

    /// The title of a camera, or its name when nobody gave it one.
    #[must_use]
    pub fn of(&self, owner: &Owner) -> String {
        let known = lock(&self.known);
        let by_id = owner.device_id.as_ref().and_then(|id| known.devices.get(id));
        let entry = by_id.or_else(|| known.cameras.get(owner.name.as_str()));
        entry.map_or_else(|| owner.name.to_string(), |entry| entry.title.clone())
    }

    /// Whether somebody gave a camera a title.
    #[must_use]
    pub fn has(&self, owner: &Owner) -> bool {
        let known = lock(&self.known);
        owner.device_id.as_ref().is_some_and(|id| known.devices.contains_key(id))
            || known.cameras.contains_key(owner.name.as_str())
    }

    /// Gives a camera a title, or takes it away. It is on the disk when this returns: call it where that may take a while.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set(&self, owner: &Owner, title: Option<String>) -> Result<(), StateError> {
        self.change(|known| {
            known.remove(owner);
            if let Some(title) = title {
                let (map, key) = match &owner.device_id {
                    Some(id) => (&mut known.devices, id.clone()),
                    None => (&mut known.cameras, owner.name.to_string()),
                };
                map.insert(key, Entry { title });
            }
        })
    }

    /// Takes the titles of all these cameras away, with one writing. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn remove(&self, owners: &[Owner]) -> Result<(), StateError> {
        self.change(|known| owners.iter().for_each(|owner| known.remove(owner)))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) -> Result<(), StateError> {
        let _one_at_a_time = lock(&self.changing);
        let mut known = lock(&self.known).clone();
        change(&mut known);
        if known != *lock(&self.known) {
            self.state.write_json(FILE, &known)?;
            *lock(&self.known) = known;
        }
        Ok(())
    }
}

impl Known {
    fn remove(&mut self, owner: &Owner) {
        // What goes by the name would show again when the one by the id is taken away.
        self.cameras.remove(owner.name.as_str());
        if let Some(id) = &owner.device_id {
            self.devices.remove(id);
        }
    }
}

/// Whether the file can be read, or is not there. Nothing is set aside.
///
/// # Errors
/// What is wrong with it.
pub fn check(state: &StateDir) -> Result<(), StateError> {
    state.read_json::<Known>(FILE).map(drop)
}

/// A title as somebody wrote it: trimmed; `None` when nothing is left.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse(text: &str) -> Result<Option<String>, String> {
    let title = text.trim();
    if title.chars().count() > MAX_TITLE_CHARS {
        return Err(format!("A title has at most {MAX_TITLE_CHARS} characters."));
    }
    if title.chars().any(char::is_control) {
        return Err("A title has no control characters, such as line breaks.".into());
    }
    Ok(Some(title).filter(|title| !title.is_empty()).map(str::to_owned))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn open(place: &Path) -> Titles {
        Titles::open(Arc::new(StateDir::open(place).unwrap()))
    }

    fn owner(name: &str, id: Option<&str>) -> Owner {
        Owner { name: CameraName::new(name).unwrap(), device_id: id.map(str::to_owned) }
    }

    fn set(titles: &Titles, owner: &Owner, title: &str) {
        titles.set(owner, parse(title).unwrap()).unwrap();
    }

    #[test]
    fn a_title_follows_its_device_and_else_stays_with_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let titles = open(folder.path());
        set(&titles, &owner("door", Some("a")), "Front door");
        set(&titles, &owner("shed", None), "The shed");
        for titles in [&titles, &open(folder.path())] {
            assert_eq!(titles.of(&owner("door", Some("a"))), "Front door");
            assert_eq!(titles.of(&owner("back", Some("a"))), "Front door");
            assert_eq!(titles.of(&owner("door", Some("b"))), "door");
            assert_eq!(titles.of(&owner("door", None)), "door");
            assert_eq!(titles.of(&owner("shed", None)), "The shed");
            assert_eq!(titles.of(&owner("shed", Some("b"))), "The shed", "a device that came later");
            assert_eq!(titles.of(&owner("shed", Some("a"))), "Front door", "the device's own comes first");
        }
    }

    #[test]
    fn without_a_title_a_camera_goes_by_its_name_whatever_it_was_kept_by() {
        let titles = Titles::open(Arc::new(StateDir::nowhere()));
        set(&titles, &owner("door", None), "By name");
        set(&titles, &owner("door", Some("a")), "By id");
        assert!(titles.has(&owner("door", Some("a"))) && !titles.has(&owner("door", None)));
        titles.set(&owner("door", Some("a")), None).unwrap();
        assert_eq!(titles.of(&owner("door", Some("a"))), "door");
        assert!(!titles.has(&owner("door", Some("a"))));
    }

    #[test]
    fn what_cannot_be_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let titles = open(&place);
        set(&titles, &owner("door", None), "Before");
        fs::remove_dir_all(&place).unwrap();
        titles.set(&owner("door", None), parse("After").unwrap()).unwrap_err();
        assert_eq!(titles.of(&owner("door", None)), "Before");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_costs_nothing_but_the_titles() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for damaged in ["", "{\"devices\": 7}", "[7]", "no JSON"] {
            fs::write(&file, damaged).unwrap();
            let titles = open(folder.path());
            assert_eq!(titles.of(&owner("door", None)), "door");
            let aside = fs::read_to_string(folder.path().join("cameras.json.damaged")).unwrap();
            assert_eq!(aside, damaged, "nothing is thrown away");
            assert!(!file.exists());
            set(&titles, &owner("door", None), "New");
            assert_eq!(open(folder.path()).of(&owner("door", None)), "New");
        }
    }

    #[test]
    fn a_title_is_a_short_line_of_text() {
        assert_eq!(parse("  Vorgarten 🌻\u{a0}").unwrap().as_deref(), Some("Vorgarten 🌻"));
        assert_eq!(parse(" \t ").unwrap(), None);
        assert!(parse(&"ü".repeat(80)).unwrap().is_some());
        for bad in ["a\nb", "a\0b", "a\u{85}b", "\u{7f}", &"x".repeat(81)] {
            parse(bad).unwrap_err();
        }
    }
}
