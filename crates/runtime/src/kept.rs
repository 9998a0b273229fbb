//! What outlives a restart, in memory that only a loss of power clears: why there was one, and how PSRAM was found.
//!
//! Both may be written while everything else is broken, so they take no lock and allocate nothing, and both are checked
//! when they are read: after a brown-out, what is there is noise.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use portable_atomic::{AtomicU32, Ordering};

/// Bytes of a reason that are kept. A panic's place and message take 100 to 300.
pub const REASON: usize = 480;

/// Words that a [`LastWords`] needs: the length, the checksum, the text.
pub const REASON_WORDS: usize = 2 + REASON / 4;

/// Who wrote down why the device starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// This call did.
    Now,
    /// This core did before, and is interrupted at what it did then: a panic while a panic is told.
    Before,
    /// The other core did, and is about to restart the device.
    Elsewhere,
}

/// The reason of a restart. The first one counts: what fails afterwards fails because of it.
#[derive(Debug)]
pub struct LastWords {
    memory: &'static [AtomicU32; REASON_WORDS],
    /// The core that wrote, from 1; 0 as long as none did. In ordinary memory, which is cleared at every start: memory
    /// beside the chip's own cannot compare and exchange.
    writer: AtomicU32,
}

impl LastWords {
    /// Reasons kept in `memory`, which is not cleared by a restart.
    #[must_use]
    pub const fn new(memory: &'static [AtomicU32; REASON_WORDS]) -> Self {
        Self { memory, writer: AtomicU32::new(0) }
    }

    /// Writes down `reason`, as far as there is room, unless one was written since the start. `core`: the number of the
    /// core that calls, from 0.
    ///
    /// What was written is valid after each piece of `reason`: a panic while it is made into text keeps what came before.
    pub fn write(&self, core: u32, reason: fmt::Arguments<'_>) -> Written {
        match self.writer.compare_exchange(0, core + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {}
            Err(writer) if writer == core + 1 => return Written::Before,
            Err(_) => return Written::Elsewhere,
        }
        let mut pen = Pen { memory: self.memory, length: 0, sum: SUM_OF_NOTHING };
        match pen.write_fmt(reason) {
            // The pen refuses nothing. A value that cannot be shown ends the text; what came before it stands.
            Ok(()) | Err(fmt::Error) => Written::Now,
        }
    }

    /// The reason that was written before this start, if there is one and it is whole. Forgets it.
    pub fn take(&self) -> Option<String> {
        let [length, sum, text @ ..] = self.memory;
        let (kept, sum) = (length.load(Ordering::Relaxed), sum.load(Ordering::Relaxed));
        length.store(0, Ordering::Relaxed);
        let kept = usize::try_from(kept).ok().filter(|&kept| (1..=REASON).contains(&kept))?;
        let bytes = text.iter().flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        let bytes: Vec<u8> = bytes.take(kept).collect();
        let whole = bytes.iter().fold(SUM_OF_NOTHING, |sum, &byte| add(sum, byte)) == sum;
        whole.then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Writes text into memory of words, and its length and checksum after every piece.
struct Pen<'a> {
    memory: &'a [AtomicU32; REASON_WORDS],
    length: usize,
    sum: u32,
}

impl Write for Pen<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let [length, sum, words @ ..] = self.memory;
        // Not valid until both are right.
        length.store(0, Ordering::Relaxed);
        for byte in text.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }) {
            if self.length == REASON {
                break;
            }
            let word = &words[self.length / 4];
            let mut bytes = word.load(Ordering::Relaxed).to_le_bytes();
            bytes[self.length % 4] = byte;
            word.store(u32::from_le_bytes(bytes), Ordering::Relaxed);
            self.length += 1;
            self.sum = add(self.sum, byte);
        }
        sum.store(self.sum, Ordering::Relaxed);
        length.store(self.length as u32, Ordering::Relaxed);
        Ok(())
    }
}

/// FNV-1a: any byte that is another one gives another sum.
const SUM_OF_NOTHING: u32 = 0x811c_9dc5;

const fn add(sum: u32, byte: u8) -> u32 {
    (sum ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// A way to use the memory beside the chip. Each is slower than the one before, and safer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Psram {
    /// At 80 MHz.
    Fast,
    /// At 40 MHz.
    Slow,
    /// Not at all: there is the console, and no picture.
    Without,
}

impl Psram {
    /// What the console says of it at the start; of the first choice, nothing.
    #[must_use]
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Fast => None,
            Self::Slow => Some(
                "the chip hung when it looked for PSRAM at 80 MHz: it runs at 40 MHz until the power is cut",
            ),
            Self::Without => Some(
                "the chip hung when it looked for PSRAM: it does without, and without pictures, until the power is cut",
            ),
        }
    }
}

/// Which way was tried last, and whether that ended: a way in which the chip hung is not tried again before a loss of
/// power.
#[derive(Debug)]
pub struct Attempt {
    /// The way's number twice, plus 1 as long as it is being tried; and the complement of that, which noise has not.
    memory: &'static [AtomicU32; 2],
}

impl Attempt {
    /// Attempts noted in `memory`, which is not cleared by a restart.
    #[must_use]
    pub const fn new(memory: &'static [AtomicU32; 2]) -> Self {
        Self { memory }
    }

    /// The way to try now. Notes that it is being tried, until [`ended`](Self::ended) is called.
    #[must_use]
    pub fn begin(&self) -> Psram {
        let way = match self.noted() {
            0 => Psram::Fast,
            // The first way hung, or the second one worked.
            1 | 2 => Psram::Slow,
            _ => Psram::Without,
        };
        self.note(way as u32 * 2 + 1);
        way
    }

    /// The way that [`begin`](Self::begin) told did not hang.
    pub fn ended(&self) {
        self.note(self.noted() & !1);
    }

    fn noted(&self) -> u32 {
        let [note, complement] = self.memory.each_ref().map(|word| word.load(Ordering::Relaxed));
        if note == !complement { note } else { 0 }
    }

    fn note(&self, note: u32) {
        let [word, complement] = self.memory;
        word.store(note, Ordering::Relaxed);
        complement.store(!note, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::format;

    fn memory<const N: usize>(word: impl Fn(usize) -> u32) -> &'static [AtomicU32; N] {
        Box::leak(Box::new(core::array::from_fn(|index| AtomicU32::new(word(index)))))
    }

    /// What the next start is told of it.
    fn after_a_restart(memory: &'static [AtomicU32; REASON_WORDS]) -> Option<String> {
        LastWords::new(memory).take()
    }

    /// A panic as the firmware writes it down, whose cause is far behind.
    fn panic() -> String {
        let place = "/lenscast/crates/device/src/settings/store/fields.rs:123:45";
        let long = "index out of bounds: the len is 6 but the index is 7, ".repeat(3);
        format!("panic: panicked at {place}: {long}because of the cause")
    }

    #[test]
    fn a_reason_is_told_once_after_the_restart() {
        let memory = memory(|_| 0);
        assert_eq!(LastWords::new(memory).write(0, format_args!("reboot {}\n", "command")), Written::Now);
        assert_eq!(after_a_restart(memory).as_deref(), Some("reboot command "));
        assert_eq!(after_a_restart(memory), None);
    }

    #[test]
    fn the_cause_at_the_end_of_a_long_reason_is_kept() {
        let memory = memory(|_| 0xffff_ffff);
        let reason = panic();
        assert!(reason.len() > 230, "{}", reason.len());
        LastWords::new(memory).write(0, format_args!("{reason}"));
        assert_eq!(after_a_restart(memory), Some(reason));
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut_and_still_told() {
        let memory = memory(|_| 0);
        let reason = "x".repeat(REASON + 1);
        LastWords::new(memory).write(1, format_args!("{reason}"));
        assert_eq!(after_a_restart(memory).as_deref(), Some(&reason[..REASON]));
        // A letter of two bytes that is cut in half.
        let reason = format!("{}ä", "x".repeat(REASON - 1));
        LastWords::new(memory).write(1, format_args!("{reason}"));
        assert_eq!(after_a_restart(memory), Some("x".repeat(REASON - 1) + "\u{fffd}"));
    }

    #[test]
    fn the_first_reason_wins_on_both_cores() {
        let memory = memory(|_| 0);
        let words = LastWords::new(memory);
        assert_eq!(words.write(1, format_args!("the first")), Written::Now);
        assert_eq!(words.write(0, format_args!("the device task hung")), Written::Elsewhere);
        assert_eq!(words.write(1, format_args!("a panic within the panic")), Written::Before);
        assert_eq!(after_a_restart(memory).as_deref(), Some("the first"));
    }

    #[test]
    fn a_panic_while_a_reason_is_made_into_text_keeps_what_came_before() {
        struct Panics<'a>(&'a LastWords);

        impl fmt::Display for Panics<'_> {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                // What the panic handler does when this panics; then it restarts, so nothing is written after it.
                assert_eq!(self.0.write(0, format_args!("panic: within a panic")), Written::Before);
                Err(fmt::Error)
            }
        }

        let memory = memory(|_| 0);
        let words = LastWords::new(memory);
        words.write(0, format_args!("panic: at a.rs: {} and more", Panics(&words)));
        assert_eq!(after_a_restart(memory).as_deref(), Some("panic: at a.rs: "));
    }

    #[test]
    fn noise_is_no_reason() {
        assert_eq!(after_a_restart(memory(|_| 0)), None);
        assert_eq!(after_a_restart(memory(|_| 0xffff_ffff)), None);
        for seed in 0..1000_u32 {
            let noise = |index: usize| (seed + index as u32).wrapping_mul(0x9e37_79b9) ^ seed;
            assert_eq!(after_a_restart(memory(noise)), None, "{seed}");
            // The length alone may be right.
            let noise = |index: usize| if index == 0 { 20 } else { noise(index) };
            assert_eq!(after_a_restart(memory(noise)), None, "{seed}");
        }
    }

    #[test]
    fn a_reason_of_which_one_bit_fell_over_is_not_told() {
        let reason = "panic: panicked at a.rs:1:2: no";
        for bit in 0..(8 + reason.len().next_multiple_of(4)) * 8 {
            let memory = memory(|_| 0);
            LastWords::new(memory).write(0, format_args!("{reason}"));
            memory[bit / 32].fetch_xor(1 << (bit % 32), Ordering::Relaxed);
            let told = after_a_restart(memory);
            // What lies behind the text does not matter.
            let behind = bit / 8 >= 8 + reason.len();
            assert_eq!(told.is_some(), behind, "bit {bit}: {told:?}");
        }
    }

    #[test]
    fn psram_is_looked_for_at_80_mhz_as_long_as_that_does_not_hang() {
        let memory = memory(|_| 0);
        for _ in 0..3 {
            let attempt = Attempt::new(memory);
            assert_eq!(attempt.begin(), Psram::Fast);
            attempt.ended();
        }
    }

    #[test]
    fn a_chip_that_hangs_at_psram_goes_slower_and_then_without() {
        let memory = memory(|_| 0);
        // Each `begin` without an end is a start that the watchdog ended.
        assert_eq!(Attempt::new(memory).begin(), Psram::Fast);
        assert_eq!(Attempt::new(memory).begin(), Psram::Slow);
        assert_eq!(Attempt::new(memory).begin(), Psram::Without);
        for _ in 0..3 {
            // Without is no attempt that could hang; if something else did, it stays so.
            assert_eq!(Attempt::new(memory).begin(), Psram::Without);
        }
    }

    #[test]
    fn a_slower_way_that_worked_is_taken_again_until_the_power_is_cut() {
        let memory = memory(|_| 0);
        assert_eq!(Attempt::new(memory).begin(), Psram::Fast);
        for _ in 0..3 {
            let attempt = Attempt::new(memory);
            assert_eq!(attempt.begin(), Psram::Slow);
            attempt.ended();
        }
        memory.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        assert_eq!(Attempt::new(memory).begin(), Psram::Fast);
    }

    #[test]
    fn what_noise_says_about_psram_is_not_believed() {
        for noise in [1, 3, 5, 0xffff_ffff] {
            assert_eq!(Attempt::new(memory(|_| noise)).begin(), Psram::Fast, "{noise}");
        }
    }

    #[test]
    fn the_first_choice_needs_no_words_and_the_others_do() {
        assert_eq!(Psram::Fast.warning(), None);
        assert!(Psram::Slow.warning().is_some_and(|text| text.contains("40 MHz")));
        assert!(Psram::Without.warning().is_some_and(|text| text.contains("without pictures")));
    }
}
