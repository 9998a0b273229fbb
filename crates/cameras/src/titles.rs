//! The names of cameras for people. They are kept in the state directory, by the id of the camera's device when it tells
//! one, else by the camera's name; so a title follows its device to another name. Paths never change.
//!
//! Beside a device's title stands the camera that the device was last. So it is known after a restart, too, whose id it is
//! that a camera tells, and that nobody else is to have the title.

use lenscast_base::state::{StateDir, StateError};
use lenscast_live::Stream;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Whether a device was found at another camera since the file was written.
    has_moved: AtomicBool,
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
    /// The camera that the device was last. It is not told of a title that goes by a camera's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    camera: Option<String>,
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
        Self {
            state,
            known: Mutex::new(known),
            changing: Mutex::default(),
            has_moved: AtomicBool::new(false),
        }
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
            let Some(title) = title.clone() else {
                return;
            };
            match &owner.device_id {
                Some(id) => {
                    let camera = Some(owner.name.to_string());
                    known.devices.insert(id.clone(), Entry { title, camera });
                }
                None => drop(known.cameras.insert(owner.name.to_string(), Entry { title, camera: None })),
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

    fn change(&self, change: impl Fn(&mut Known)) -> Result<(), StateError> {
        let _one_at_a_time = lock(&self.changing);
        let before = lock(&self.known).clone();
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            self.write(&after)?;
            // Not as a whole: a device may have moved meanwhile.
            change(&mut lock(&self.known));
        }
        Ok(())
    }

    /// The camera that a device was last which has a title; `None` for one that has none.
    #[must_use]
    pub fn camera_of(&self, device_id: &str) -> Option<CameraName> {
        let known = lock(&self.known);
        CameraName::new(known.devices.get(device_id)?.camera.as_deref()?).ok()
    }

    /// Notes that a device is this camera now. It is written by [`Titles::flush`].
    pub fn moved(&self, device_id: &str, camera: &CameraName) {
        let mut known = lock(&self.known);
        if let Some(entry) = known.devices.get_mut(device_id)
            && entry.camera.as_deref() != Some(camera.as_str())
        {
            entry.camera = Some(camera.to_string());
            self.has_moved.store(true, Ordering::Relaxed);
        }
    }

    /// Writes which devices have moved, if any has. Call this now and then, where it may take a while.
    ///
    /// # Errors
    /// When it cannot be written. The next call tries again.
    pub fn flush(&self) -> Result<(), StateError> {
        if !self.has_moved.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _one_at_a_time = lock(&self.changing);
        let known = lock(&self.known).clone();
        self.write(&known)
    }

    fn write(&self, known: &Known) -> Result<(), StateError> {
        // Before it is written: what moves while it is must be written again.
        let has_moved = self.has_moved.swap(false, Ordering::Relaxed);
        let written = self.state.write_json(FILE, known);
        if written.is_err() {
            self.has_moved.fetch_or(has_moved, Ordering::Relaxed);
        }
        written
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
    fn it_is_kept_which_camera_a_device_with_a_title_was_last() {
        let folder = tempfile::tempdir().unwrap();
        let titles = open(folder.path());
        let camera = |titles: &Titles, id: &str| titles.camera_of(id).map(|camera| camera.to_string());
        set(&titles, &owner("door", Some("a")), "Front door");
        set(&titles, &owner("shed", None), "The shed");
        assert_eq!((camera(&titles, "a").as_deref(), camera(&titles, "shed")), (Some("door"), None));
        titles.flush().unwrap();
        let written = fs::read(folder.path().join(FILE)).unwrap();
        for _ in 0..100 {
            // However often it moves, nothing is written until somebody says so.
            titles.moved("a", &CameraName::new("back").unwrap());
            titles.moved("a", &CameraName::new("yard").unwrap());
            titles.moved("unknown", &CameraName::new("yard").unwrap());
        }
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), written);
        titles.flush().unwrap();
        for titles in [&titles, &open(folder.path())] {
            assert_eq!(camera(titles, "a").as_deref(), Some("yard"));
            assert_eq!(titles.of(&owner("yard", Some("a"))), "Front door");
        }
        titles.moved("a", &CameraName::new("back").unwrap());
        set(&titles, &owner("shed", None), "Another");
        assert_eq!(
            camera(&open(folder.path()), "a").as_deref(),
            Some("back"),
            "what is written is all of it"
        );
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
