//! Starting again, with the reason kept for the next start; and what a panic does.

use alloc::string::String;
use core::fmt::Write;
use core::panic::PanicInfo;
use esp_hal::rom::ets_delay_us;
use esp_hal::system::{reset_reason, software_reset};
use portable_atomic::{AtomicU8, Ordering};

/// Bytes of a reason that are kept.
const MAX: usize = 160;

/// The reason of a restart, up to its first zero. It lives in memory that only a loss of power clears, on the S3 in the
/// part that both cores reach.
#[cfg_attr(feature = "esp32s3", esp_hal::ram(unstable(rtc_slow, persistent)))]
#[cfg_attr(feature = "esp32c3", esp_hal::ram(unstable(rtc_fast, persistent)))]
static REASON: [AtomicU8; MAX] = [const { AtomicU8::new(0) }; MAX];

/// Starts again, because of `reason`.
pub fn now(reason: &str) -> ! {
    #[expect(
        clippy::let_underscore_must_use,
        reason = "the keeper refuses nothing: it leaves out what it has no room for"
    )]
    let _ = Keeper::new().write_str(reason);
    software_reset()
}

/// Why the chip started, in words. Forgets it.
pub fn reason() -> String {
    let kept: alloc::vec::Vec<u8> =
        REASON.iter().map(|byte| byte.swap(0, Ordering::Relaxed)).take_while(|&byte| byte != 0).collect();
    let kept = String::from_utf8_lossy(&kept);
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
    if kept.is_empty() { String::from(cause) } else { alloc::format!("{cause}: {kept}") }
}

/// Prints what happened and where, keeps it for the next start, and starts again.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    #[expect(
        clippy::let_underscore_must_use,
        reason = "the keeper refuses nothing: it leaves out what it has no room for"
    )]
    let _ = write!(Keeper::new(), "panic: {info}");
    esp_println::println!("\n\n{info}\n\nBacktrace:");
    for frame in esp_backtrace::Backtrace::capture().frames() {
        esp_println::println!("  0x{:x}", frame.program_counter());
    }
    // Time for the USB host to fetch it. BOARD?: whether the host sees the port vanish for a moment afterwards.
    for _ in 0..200 {
        ets_delay_us(10_000);
    }
    software_reset()
}

/// Writes down the reason.
struct Keeper(usize);

impl Keeper {
    fn new() -> Self {
        for byte in &REASON {
            byte.store(0, Ordering::Relaxed);
        }
        Self(0)
    }
}

impl Write for Keeper {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }) {
            let Some(place) = REASON.get(self.0) else { break };
            place.store(byte, Ordering::Relaxed);
            self.0 += 1;
        }
        Ok(())
    }
}
