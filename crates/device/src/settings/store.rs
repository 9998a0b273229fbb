//! Settings in flash, in ESP-IDF's NVS format: what the original firmware saved is found here, and the other way round.
//!
//! | namespace | key: type |
//! |---|---|
//! | `wifi` | `ssid`, `pass`: str |
//! | `stream` | `host`: str, `port`: u16; ours: `path`, `key`: str, `auto`: u8 |
//! | `cam`, ours | `width`, `height`: u16, `quality`: u8, `rate`: u32 in thousandths of a frame a second, `adaptive`, `flip`, `mirror`: u8, `bright`: i8, `expo`: u16 in lines, 65535 for automatic |
//!
//! Namespaces and keys of others stay as they are.
//!
//! **Power may go at any moment.** `esp-nvs` keeps the old or the new value of one key. A [`Change`] of several keys is
//! first written down as a whole under the key `pending` of its namespace, which is one key; then the keys change, and
//! then `pending` goes. From the moment when `pending` is there, [`Store::load`] gives the new values, and
//! [`Store::open`] finishes what was cut short. While the keys change, the one without which the others count for
//! nothing (`ssid`, `host`) is away, so that even the original firmware, which does not know `pending`, never sees a
//! new network with an old password.
//!
//! What is replaced or cleared is overwritten with zeros: passwords do not stay behind, and no erase that is cut short
//! brings them back.
//!
//! The flash is scanned anew for every operation (a few milliseconds for 24 KB), so that nothing of it stays in memory
//! between two saves and a flash error is forgotten by the next one.

mod entries;
mod fields;
mod pages;
mod pending;
mod report;

pub use report::{Fault, Finding, Report};

use crate::settings::{Change, Settings};
use alloc::vec::Vec;
use core::fmt;
use entries::{Area, Entries, Entry};
use esp_nvs::platform::Platform;
use esp_nvs::{FLASH_SECTOR_SIZE, Key, Nvs};
use fields::AREAS;
use pages::Partition;

/// Where the partition `nvs` begins in the flash of a board, in bytes, as the original firmware has it.
pub const PARTITION_OFFSET: usize = 0x9000;
/// Its size in bytes, as the original firmware has it.
pub const PARTITION_BYTES: usize = 0x6000;

/// Why settings could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room for the change. What was saved before is still there.
    #[error(
        "the settings partition is full: nothing was changed; clear settings that are not needed, or erase it"
    )]
    Full,
    /// The flash did not do what it was told. The old or the new values count after a restart.
    #[error("the flash could not be read or written: try again, and check the power supply")]
    Flash,
    /// The partition is not within the flash, not in whole pages of 4096 bytes, or has fewer than two of them.
    #[error("there is no room for settings where they belong in the flash: check the partition table")]
    Layout,
    /// What is saved cannot be made sense of.
    #[error("the saved settings are damaged: restart the device, which repairs them")]
    Damaged,
    /// A value that would not be read back: too long, out of its range, or with characters that it cannot have.
    #[error(
        "{0} cannot be saved: it is too long, out of its range or has characters that do not belong there"
    )]
    Unfit(&'static str),
}

impl From<esp_nvs::error::Error> for StoreError {
    fn from(error: esp_nvs::error::Error) -> Self {
        use esp_nvs::error::Error;
        match error {
            Error::FlashError => Self::Flash,
            Error::FlashFull | Error::PageFull | Error::TooManyNamespaces => Self::Full,
            Error::InvalidPartitionOffset | Error::InvalidPartitionSize => Self::Layout,
            _ => Self::Damaged,
        }
    }
}

/// The settings in a partition of a flash.
pub struct Store<P> {
    platform: P,
    offset: usize,
    bytes: usize,
}

impl<P> fmt::Debug for Store<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("offset", &self.offset)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl<P: Platform> Store<P> {
    /// Takes the partition of `bytes` bytes at `offset`, finishes what a loss of power cut short, and repairs what is
    /// damaged; all that can still be read is kept. The report tells what was found, and is empty when all is well.
    /// A flash that fails is a finding too: later operations try again.
    ///
    /// # Errors
    /// [`StoreError::Layout`].
    pub fn open(platform: P, offset: usize, bytes: usize) -> Result<(Self, Report), StoreError> {
        let in_pages = offset.is_multiple_of(FLASH_SECTOR_SIZE) && bytes.is_multiple_of(FLASH_SECTOR_SIZE);
        // The flash's addresses have 32 bits.
        let in_flash = |end: usize| end <= platform.capacity() && u32::try_from(end).is_ok();
        if !in_pages || bytes < 2 * FLASH_SECTOR_SIZE || !offset.checked_add(bytes).is_some_and(in_flash) {
            return Err(StoreError::Layout);
        }
        let mut store = Self { platform, offset, bytes };
        let mut report = Report::default();
        if store.recover(&mut report).is_err() {
            report.add(Finding::Flash);
        }
        Ok((store, report))
    }

    /// What is saved. The report names the values that could not be taken; in their places are the defaults.
    pub fn load(&mut self) -> (Settings, Report) {
        let mut report = Report::default();
        let settings = self.nvs().and_then(|mut nvs| fields::settings(&mut nvs, &mut report));
        let settings = settings.unwrap_or_else(|_| {
            report.add(Finding::Flash);
            Settings::default()
        });
        (settings, report)
    }

    /// Saves a change: after it, and after a loss of power at any moment of it, [`load`](Self::load) gives the old
    /// values or the new ones as a whole. What is saved already is not written again.
    ///
    /// # Errors
    /// All but [`StoreError::Layout`].
    pub fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        let (area, wanted) = fields::entries(change);
        if let Some(unfit) = wanted.iter().find(|entry| !entry.fits()) {
            return Err(StoreError::Unfit(unfit.field.name));
        }
        let mut nvs = self.nvs()?;
        let clears = wanted.iter().all(|entry| entry.value.is_none());
        let (wanted, interrupted) = match pending::read(&mut nvs, area)? {
            Some(before) => (pending::merge(area, before, wanted), true),
            None => (wanted, false),
        };
        let missing = not_saved(&mut nvs, wanted)?;
        if !interrupted {
            match &missing[..] {
                [] => return Ok(()),
                [one] => return one.save(&mut nvs),
                _ => {}
            }
        }
        match pending::write(&mut nvs, area, &missing) {
            // Values go even when there is no room to write down that they shall: the one that counts goes first.
            Err(StoreError::Full) if clears => return clear(&mut nvs, area, &missing),
            result => result?,
        }
        match carry_out(&mut nvs, area, &missing) {
            // It is written down and counts; the next opening tries to bring it to its place.
            Err(StoreError::Full) => Ok(()),
            result => result,
        }
    }

    /// The flash, for another use.
    pub fn into_platform(self) -> P {
        self.platform
    }

    fn nvs(&mut self) -> Result<Nvs<&mut P>, StoreError> {
        let mut nvs = Nvs::new(self.offset, self.bytes, &mut self.platform)?;
        nvs.set_purge_mode(true);
        Ok(nvs)
    }

    fn recover(&mut self, report: &mut Report) -> Result<(), StoreError> {
        self.partition().mend(report)?;
        if self.nvs().is_err_and(|error| error != StoreError::Flash) {
            // Not known to happen: whatever it is, a device whose settings cannot be used is worse.
            self.partition().format(report)?;
        }
        let mut nvs = self.nvs()?;
        for area in AREAS {
            let Some(missing) = pending::read(&mut nvs, area)? else { continue };
            match carry_out(&mut nvs, area, &missing) {
                Ok(()) => report.add(Finding::Finished(area.namespace)),
                Err(StoreError::Full) => report.add(Finding::NoRoom(area.namespace)),
                Err(error) => return Err(error),
            }
        }
        self.partition().scrub()
    }

    fn partition(&mut self) -> Partition<'_, P> {
        Partition::new(&mut self.platform, self.offset, self.bytes)
    }
}

/// Those that differ from what is saved.
fn not_saved<T: Platform>(nvs: &mut Nvs<T>, wanted: Entries) -> Result<Entries, StoreError> {
    let mut missing = Vec::new();
    for entry in wanted {
        match entry.field.read(nvs) {
            Ok(saved) if saved == entry.value => {}
            Err(Fault::Flash) => return Err(StoreError::Flash),
            _ => missing.push(entry),
        }
    }
    Ok(missing)
}

/// Brings to its place what is written down as pending. All that is in the way goes first, beginning with the key that
/// counts, which then comes last; that also needs the least room.
fn carry_out<T: Platform>(nvs: &mut Nvs<T>, area: &Area, entries: &[Entry]) -> Result<(), StoreError> {
    let entries = not_saved(nvs, entries.to_vec())?;
    for entry in entries.iter().rev() {
        entry.field.erase(nvs)?;
    }
    for entry in &entries {
        entry.save(nvs)?;
    }
    pending::erase(nvs, area)
}

/// Erases these without writing down first that they shall be.
fn clear<T: Platform>(nvs: &mut Nvs<T>, area: &Area, entries: &[Entry]) -> Result<(), StoreError> {
    for entry in entries.iter().rev() {
        entry.field.erase(nvs)?;
    }
    pending::erase(nvs, area)
}

/// A name as NVS has it.
fn key(name: &'static str) -> Key {
    Key::from_str(name)
}
