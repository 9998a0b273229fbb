//! The settings' place in flash.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use esp_hal::peripherals::FLASH;
use esp_nvs::platform::Crc;
use esp_storage::{FlashStorage, FlashStorageError};
use lenscast_device::settings::Settings;
use lenscast_device::settings::store::{PARTITION_BYTES, PARTITION_OFFSET, Store, StoreError};

/// The flash of the board, as the store wants it.
pub struct Flash(FlashStorage<'static>);

/// What is saved, where it is saved, and what was wrong with it in words.
pub fn settings(flash: FLASH<'static>) -> (Settings, Result<Store<Flash>, StoreError>, Vec<String>) {
    let flash = FlashStorage::new(flash);
    // Without it, writing fails while the second core runs.
    #[cfg(feature = "esp32s3")]
    let flash = flash.multicore_auto_park();
    match Store::open(Flash(flash), PARTITION_OFFSET, PARTITION_BYTES) {
        Ok((mut store, opened)) => {
            let (settings, loaded) = store.load();
            let findings = opened.findings().iter().chain(loaded.findings());
            (settings, Ok(store), findings.map(ToString::to_string).collect())
        }
        Err(error) => (Settings::default(), Err(error), vec![error.to_string()]),
    }
}

impl ErrorType for Flash {
    type Error = FlashStorageError;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = FlashStorage::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read_nor(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

/// Each sector in one critical section: the other core may be parked while it holds the scheduler's lock, and an
/// interrupt before it goes on would wait for that lock for ever.
///
/// BOARD?: that the radio forgives the 50 ms without interrupts that erasing a sector takes.
impl NorFlash for Flash {
    const WRITE_SIZE: usize = FlashStorage::WRITE_SIZE;
    const ERASE_SIZE: usize = FlashStorage::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        for sector in (from..to).step_by(Self::ERASE_SIZE) {
            let end = to.min(sector + FlashStorage::SECTOR_SIZE);
            critical_section::with(|_| NorFlash::erase(&mut self.0, sector, end))?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        critical_section::with(|_| self.0.write_nor(offset, bytes))
    }
}

impl Crc for Flash {
    fn crc32(init: u32, data: &[u8]) -> u32 {
        esp_hal::rom::crc::crc32_le(init, data)
    }
}
