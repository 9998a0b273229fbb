//! The firmware of a lenscast camera: drivers around [`lenscast_device::Device`], which decides everything.
//!
//! What runs, and where: tasks of core 0 are the device itself, the console, the radio ([`wifi`]), the network and the
//! watchdog. Core 1, where there is one, has the camera ([`camera`]); a chip without a camera shows the test scene
//! instead. They share what is in [`shared`] and nothing else.
//!
//! What belongs here: what touches the chip. What the tasks do beside that is in `crates/runtime`, and what can be decided
//! without waiting is in `crates/device`; both run in tests on a computer.
#![no_std]
#![no_main]

extern crate alloc;

#[cfg(not(any(feature = "esp32s3", feature = "esp32c3")))]
compile_error!("choose a board: --features atoms3r-cam, atoms3r-m12 or esp32c3-devkit");

mod board;
#[cfg(feature = "esp32s3")]
mod camera;
mod console;
mod flash;
mod pins;
mod restart;
mod shared;
mod starts;
mod tasks;
mod vitals;
mod watchdog;
mod wifi;

use alloc::string::{String, ToString};
use embassy_executor::Spawner;
use esp_hal::clock::CpuClock;
use esp_hal::rng::{Rng, TrngSource};
use esp_hal::rtc_cntl::Rtc;
use esp_hal::timer::timg::TimerGroup;
use lenscast_device::Device;
use lenscast_device::backoff::Random;
use lenscast_device::device::{Config, Identity};
use lenscast_device::log::Level;
use lenscast_device::stream::Timing;
use lenscast_runtime::starts::radio_pause;
use lenscast_runtime::{net, now};

esp_bootloader_esp_idf::esp_app_desc!();

#[esp_rtos::main]
async fn main(spawner: Spawner) {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // What the bootloader used is free now; the rest is taken from where the stack is.
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: board::RECLAIMED_HEAP);
    esp_alloc::heap_allocator!(size: board::HEAP);
    // From here on, what hangs starts again: a chip may hang when it looks for PSRAM.
    let mut chip = Rtc::new(p.RTC_TIMER).rwdt;
    watchdog::arm(&mut chip);
    #[cfg(feature = "esp32s3")]
    let (memory, warning) = camera::find_memory(p.PSRAM);
    let timers = TimerGroup::new(p.TIMG0);
    esp_rtos::start(timers.timer0, p.FROM_CPU_INTR0);

    // Nothing from here on waits, so the console answers at once.
    #[cfg(feature = "console-uart")]
    console::start(spawner, pins::uart!(p));
    #[cfg(not(feature = "console-uart"))]
    console::start(spawner, p.USB_DEVICE);

    // Before there is a radio, only the ADC gives real randomness. Later numbers are needed only while the radio runs.
    let entropy = TrngSource::new(p.RNG, p.ADC1);
    let random = Rng::new();
    let seed = u64::from(random.random()) << 32 | u64::from(random.random());
    drop(entropy);

    let reset_reason = restart::reason();
    let (settings, store, findings) = flash::settings(p.FLASH);
    let hung = starts::count(&reset_reason);
    let identity = Identity {
        id: esp_hal::efuse::interface_mac_address(esp_hal::efuse::InterfaceMacAddress::Station).to_string(),
        version: String::from(env!("CARGO_PKG_VERSION")),
        board: String::from(board::NAME),
        reset_reason: reset_reason.clone(),
    };
    let name = net::host_name(board::NAME, &identity.id);
    let config = Config {
        identity,
        saved: settings.clone(),
        runtime: settings,
        timing: Timing::default(),
        random: Random::new(move || random.random()),
    };
    let mut device = Device::new(config, now());
    for finding in findings {
        device.log(now(), Level::Warn, &finding);
    }
    #[cfg(feature = "esp32s3")]
    if let Some(warning) = warning {
        device.log(now(), Level::Warn, &alloc::format!("cam: {warning}"));
    }

    let stack = tasks::network(spawner, &name, seed);
    // It waits until the console has said why the device started.
    shared::spawn(spawner, wifi::run(p.WIFI, stack, reset_reason, radio_pause(hung)));
    #[cfg(feature = "esp32s3")]
    {
        let (core, parts) = pins::camera!(p);
        camera::start(spawner, memory, core, parts);
    }
    #[cfg(feature = "esp32c3")]
    tasks::pattern(spawner);
    shared::spawn(spawner, watchdog::run(chip));
    tasks::device(device, store).await
}
