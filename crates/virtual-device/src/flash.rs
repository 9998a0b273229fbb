//! The flash of a device: a file, or memory, that behaves like NOR flash.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use rustix::fs::FlockOperation;

/// Bytes of the partition `nvs`, as on the boards.
pub const NVS_BYTES: usize = 0x6000;
const SECTOR: usize = 0x1000;
const WORD: usize = 4;

/// Why a file cannot be the flash of a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NvsError {
    /// The system does not let us have it.
    #[error("cannot use {} for settings: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("{} is no settings image: it has {bytes} bytes and should have {NVS_BYTES}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// What it has.
        bytes: u64,
    },
    /// Another device has it.
    #[error("{} is in use by another device", .0.display())]
    InUse(PathBuf),
}

/// A NOR flash of [`NVS_BYTES`]: erasing sets the bits of a sector, writing only clears them. In a file, each write is
/// durable when it returns.
#[derive(Debug)]
pub(crate) struct Flash {
    image: Vec<u8>,
    file: Option<File>,
}

/// Why the flash did not do as told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlashError {
    /// Not a place in it, or not a multiple of its word or sector.
    #[error("there is no such place in the flash")]
    Place(NorFlashErrorKind),
    #[error("the file of the flash cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

impl Flash {
    /// An erased one that is forgotten with the program.
    pub(crate) fn in_memory() -> Self {
        Self { image: vec![0xff; NVS_BYTES], file: None }
    }

    /// The one in a file. It is made when it is missing, and belongs to this device as long as this lives.
    pub(crate) fn open(path: &Path) -> Result<Self, NvsError> {
        let io = |error| NvsError::Io { path: path.to_owned(), error };
        let mut open = File::options();
        let file = open.read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(NvsError::InUse(path.to_owned())),
            Err(error) => return Err(io(error.into())),
        }
        let mut image = vec![0xff; NVS_BYTES];
        match file.metadata().map_err(io)?.len() {
            0 => file.write_all_at(&image, 0).and_then(|()| file.sync_all()).map_err(io)?,
            bytes if bytes == NVS_BYTES as u64 => file.read_exact_at(&mut image, 0).map_err(io)?,
            bytes => return Err(NvsError::Size { path: path.to_owned(), bytes }),
        }
        Ok(Self { image, file: Some(file) })
    }

    fn keep(&mut self, from: usize, to: usize) -> Result<(), FlashError> {
        if let Some(file) = &self.file {
            file.write_all_at(&self.image[from..to], from as u64)?;
            file.sync_data()?;
        }
        Ok(())
    }
}

fn place(from: u32, to: usize, unit: usize) -> Result<usize, FlashError> {
    let from = from as usize;
    if !from.is_multiple_of(unit) || !to.is_multiple_of(unit) {
        Err(FlashError::Place(NorFlashErrorKind::NotAligned))
    } else if from > to || to > NVS_BYTES {
        Err(FlashError::Place(NorFlashErrorKind::OutOfBounds))
    } else {
        Ok(from)
    }
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Place(kind) => *kind,
            Self::Io(_) => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for Flash {
    type Error = FlashError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = WORD;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let to = offset as usize + bytes.len();
        let from = place(offset, to, WORD)?;
        bytes.copy_from_slice(&self.image[from..to]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        NVS_BYTES
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let to = to as usize;
        let from = place(from, to, SECTOR)?;
        self.image[from..to].fill(0xff);
        self.keep(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let to = offset as usize + bytes.len();
        let from = place(offset, to, WORD)?;
        for (cell, byte) in self.image[from..to].iter_mut().zip(bytes) {
            *cell &= byte;
        }
        self.keep(from, to)
    }
}

impl esp_nvs::platform::Crc for Flash {
    fn crc32(init: u32, data: &[u8]) -> u32 {
        esp_nvs::platform::software_crc32(init, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(flash: &mut Flash) -> Vec<u8> {
        let mut bytes = vec![0; NVS_BYTES];
        flash.read(0, &mut bytes).expect("all of it");
        bytes
    }

    #[test]
    fn writing_only_clears_bits_and_erasing_sets_those_of_whole_sectors() {
        let mut flash = Flash::in_memory();
        flash.write(8, &[0b1100, 1, 2, 3]).expect("a place in it");
        flash.write(8, &[0b1010, 0xff, 0xff, 0xff]).expect("a place in it");
        assert_eq!(contents(&mut flash)[4..14], [0xff, 0xff, 0xff, 0xff, 0b1000, 1, 2, 3, 0xff, 0xff]);
        flash.erase(0, SECTOR as u32).expect("a sector");
        assert!(contents(&mut flash).iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn what_is_no_word_no_sector_or_outside_is_refused() {
        let mut flash = Flash::in_memory();
        assert!(flash.write(2, &[0; 4]).is_err());
        assert!(flash.write(0, &[0; 3]).is_err());
        assert!(flash.write(NVS_BYTES as u32, &[0; 4]).is_err());
        assert!(flash.erase(0, 100).is_err());
        assert!(flash.erase(SECTOR as u32, 0).is_err());
        assert!(contents(&mut flash).iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn a_file_is_made_erased_and_has_what_was_written() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = folder.path().join("nvs.bin");
        let mut flash = Flash::open(&path).expect("a new file");
        assert_eq!(std::fs::read(&path).expect("it is there"), vec![0xff; NVS_BYTES]);
        flash.write(0x1ffc, &[1, 2, 3, 4]).expect("a place in it");
        flash.write(0x2000, &[5, 6, 7, 8]).expect("a place in it");
        flash.erase(0x1000, 0x2000).expect("a sector");
        // Read while it is open: nothing waits to be written.
        let kept = std::fs::read(&path).expect("it is there");
        assert_eq!(kept[0x1ffa..0x2006], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 5, 6, 7, 8, 0xff, 0xff]);
        drop(flash);
        assert_eq!(contents(&mut Flash::open(&path).expect("it is there")), kept);
    }

    #[test]
    fn a_file_of_another_size_is_refused_and_not_touched() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = folder.path().join("letter.txt");
        std::fs::write(&path, "dear all").expect("room for a file");
        let error = Flash::open(&path).expect_err("it is a letter").to_string();
        assert!(
            error.contains("letter.txt") && error.contains("8 bytes") && error.contains("24576"),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).expect("it is there"), b"dear all");
    }

    #[test]
    fn a_file_belongs_to_one_device_at_a_time() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = folder.path().join("nvs.bin");
        let first = Flash::open(&path).expect("a new file");
        let error = Flash::open(&path).expect_err("it is taken").to_string();
        assert!(error.contains("in use"), "{error}");
        drop(first);
        Flash::open(&path).expect("it is free again");
    }
}
