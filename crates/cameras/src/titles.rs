//! What people give to cameras: a name, and which way up their pictures are shown. It is kept in the state directory, by
//! the id of the camera's device when it tells one, else by the camera's name; so a title follows its device to another
//! name. Paths never change.
//!
//! Beside a device's title stands the camera that the device was last. So it is known after a restart, too, whose id it is
//! that a camera tells, and that nobody else is to have the title.

use lenscast_base::state::{StateDir, StateError};
use lenscast_live::Stream;
use lenscast_media::turn::Turn;
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 80;

/// The file in the state directory.
pub const FILE: &str = "cameras.json";

/// All titles, and how cameras are turned.
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

/// What one camera was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// How its pictures are turned, as a number of EXIF (1 to 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<u16>,
    /// The camera that the device was last. It is not told of what goes by a camera's name.
    #[serde(skip_serializing_if = "Option::is_none")]
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
        lock(&self.known).entry(owner).title.unwrap_or_else(|| owner.name.to_string())
    }

    /// How somebody wants a camera's pictures turned.
    #[must_use]
    pub fn turn(&self, owner: &Owner) -> Turn {
        lock(&self.known).entry(owner).turn.and_then(Turn::from_exif).unwrap_or_default()
    }

    /// Whether somebody gave a camera a title, or turned it.
    #[must_use]
    pub fn has(&self, owner: &Owner) -> bool {
        lock(&self.known).entry(owner) != Entry::default()
    }

    /// Gives a camera a title, or takes it away. It is on the disk when this returns: call it where that may take a while.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set(&self, owner: &Owner, title: Option<String>) -> Result<(), StateError> {
        self.give(owner, |entry| entry.title = title.clone())
    }

    /// Turns a camera's pictures. It is on the disk when this returns: call it where that may take a while.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set_turn(&self, owner: &Owner, turn: Turn) -> Result<(), StateError> {
        self.give(owner, |entry| entry.turn = Some(turn.to_exif()).filter(|_| turn != Turn::NONE))
    }

    fn give(&self, owner: &Owner, give: impl Fn(&mut Entry)) -> Result<(), StateError> {
        self.change(|known| {
            let mut entry = known.entry(owner);
            give(&mut entry);
            known.remove(owner);
            if entry == Entry::default() {
                return;
            }
            match &owner.device_id {
                Some(id) => {
                    entry.camera = Some(owner.name.to_string());
                    known.devices.insert(id.clone(), entry);
                }
                None => drop(known.cameras.insert(owner.name.to_string(), entry)),
            }
        })
    }

    /// Takes away what all these cameras were given, with one writing. It is on the disk when this returns.
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

impl Known {
    /// What a camera was given: by the id of its device, and what it was not given by that, by its name.
    fn entry(&self, owner: &Owner) -> Entry {
        let by_id = owner.device_id.as_ref().and_then(|id| self.devices.get(id)).cloned().unwrap_or_default();
        let by_name = self.cameras.get(owner.name.as_str()).cloned().unwrap_or_default();
        Entry { title: by_id.title.or(by_name.title), turn: by_id.turn.or(by_name.turn), camera: None }
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
    fn a_turn_is_kept_beside_the_title_and_follows_the_device_as_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let titles = open(folder.path());
        let [by_id, by_name] = [owner("door", Some("a")), owner("shed", None)];
        let quarter = Turn::new(true, 90).unwrap();
        set(&titles, &by_id, "Front door");
        for owner in [&by_id, &by_name] {
            titles.set_turn(owner, quarter).unwrap();
        }
        for titles in [&titles, &open(folder.path())] {
            assert_eq!(titles.turn(&owner("back", Some("a"))), quarter);
            assert_eq!(titles.of(&owner("back", Some("a"))), "Front door");
            assert_eq!(titles.turn(&owner("door", Some("b"))), Turn::NONE);
            assert_eq!(titles.turn(&owner("shed", Some("b"))), quarter, "a device that came later");
            assert_eq!(titles.of(&by_name), "shed", "it has no title");
        }
        // One is taken away, and the other stays.
        titles.set(&by_id, None).unwrap();
        assert_eq!(titles.turn(&by_id), quarter);
        titles.set_turn(&by_id, Turn::NONE).unwrap();
        assert!(!titles.has(&by_id) && titles.has(&by_name));
        set(&titles, &by_name, "The shed");
        titles.set_turn(&owner("shed", Some("b")), Turn::NONE).unwrap();
        assert_eq!(
            titles.of(&owner("shed", Some("b"))),
            "The shed",
            "it goes with the device that was changed"
        );
        titles.remove(&[owner("shed", Some("b"))]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap().matches("turn").count(), 0);
    }

    #[test]
    fn files_of_before_and_of_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            r#"{"devices":{"a":{"title":"Old"},"b":{"turn":9}},"cameras":{"shed":{"turn":6,"more":1}}}"#;
        fs::write(folder.path().join(FILE), text).unwrap();
        let titles = open(folder.path());
        assert_eq!(titles.of(&owner("door", Some("a"))), "Old");
        assert_eq!(titles.turn(&owner("door", Some("b"))), Turn::NONE, "no such turn");
        assert_eq!(titles.turn(&owner("shed", None)), Turn::new(false, 90).unwrap());
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
