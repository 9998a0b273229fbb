//! Starting again, with the reason kept for the next start; and what a panic does.

use alloc::string::String;
use core::fmt::Arguments;
use core::panic::PanicInfo;
use esp_hal::rom::ets_delay_us;
use esp_hal::system::{Cpu, reset_reason, software_reset};
use lenscast_runtime::kept::{LastWords, REASON_WORDS, Written};
use portable_atomic::AtomicU32;

/// How long a core waits for the other one, which is about to restart the chip: longer than a panic takes.
const OTHER_MS: u32 = 4000;

/// How long the USB host has to fetch what a panic printed.
const PRINT_MS: u32 = 2000;

/// The reason of a restart. It lives in memory that only a loss of power clears, on the S3 in the part that both cores
/// reach.
#[cfg_attr(feature = "esp32s3", esp_hal::ram(unstable(rtc_slow, persistent)))]
#[cfg_attr(feature = "esp32c3", esp_hal::ram(unstable(rtc_fast, persistent)))]
static MEMORY: [AtomicU32; REASON_WORDS] = [const { AtomicU32::new(0) }; REASON_WORDS];

static LAST_WORDS: LastWords = LastWords::new(&MEMORY);

/// Starts again, because of `reason`.
pub fn now(reason: &str) -> ! {
    keep(format_args!("{reason}"));
    software_reset()
}

/// Why the chip started, in words. Forgets it.
pub fn reason() -> String {
    // The numbers are the same on both chips (reset reasons of the technical reference manuals).
    let cause = match reset_reason().map(|reason| reason as u8) {
        Some(0x01) => "power on",
        Some(0x03 | 0x0c) => "restart",
        Some(0x05) => "deep sleep",
        Some(0x07..=0x09 | 0x0b | 0x0d | 0x10..=0x12) => "watchdog",
        Some(0x0f) => "brown-out: the power supply or the cable is too weak",
        Some(0x13 | 0x17) => "glitch of the clock or the power",
        Some(0x14) => "fuses are damaged",
        Some(0x15 | 0x16) => "reset over USB",
        _ => "unknown",
    };
    LAST_WORDS.take().map_or_else(|| String::from(cause), |kept| alloc::format!("{cause}: {kept}"))
}

/// Prints what happened and where, keeps it for the next start, and starts again.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    keep(format_args!("panic: {info}"));
    esp_println::println!("\n\n{info}\n\nBacktrace:");
    for frame in esp_backtrace::Backtrace::capture().frames() {
        esp_println::println!("  0x{:x}", frame.program_counter());
    }
    // BOARD?: whether the host sees the port vanish for a moment afterwards.
    wait(PRINT_MS);
    software_reset()
}

/// Keeps the reason, if it is the first one. If not, the chip starts again here.
fn keep(reason: Arguments<'_>) {
    match LAST_WORDS.write(Cpu::current() as u32, reason) {
        Written::Now => {}
        // A panic within a panic: printing it would panic again.
        Written::Before => software_reset(),
        Written::Elsewhere => {
            wait(OTHER_MS);
            software_reset()
        }
    }
}

fn wait(ms: u32) {
    // In pieces: the delay counts cycles in 32 bits.
    for _ in 0..ms / 10 {
        ets_delay_us(10_000);
    }
}
