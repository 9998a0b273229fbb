//! What the stacks of a board's two cores must hold.

use super::elf;
use crate::Result;

/// Bytes of stack that must be left for the tasks of core 0.
pub(super) const MIN_FIRST: u64 = 24 * 1024;

/// Bytes of stack that core 1 must have.
pub(super) const MIN_SECOND: u64 = 32 * 1024;

/// Bytes that a function on core 1 may take: such a frame steps over the word that guards the end of the stack.
const MAX_FRAME: u64 = 2048;

/// Functions that take more, and why they do not run on core 1. Each is named by words that its mangled name has in this
/// order.
const FIRST_CORE: [(&[&str], &str); 7] = [
    (
        &["lenscast_firmware", "embassy_main"],
        "the main task: it starts everything, and is the device's task then",
    ),
    (&["TaskStorage", "tasks", "device"], "the device's task"),
    (&["lenscast_runtime", "driver", "run"], "the device's task"),
    (&["TaskStorage", "run_network"], "the network's task"),
    (&["esp_nvs"], "settings: saved by the device's task"),
    (&["FlashStorage"], "settings: saved by the device's task"),
    (&["driftsort_main"], "sorted lists: networks and settings, of the device's task"),
];

/// The size of the stack of core 1, if the image has one: the variable that its camera module declares.
pub(super) fn second(symbols: &[elf::Symbol]) -> Option<u64> {
    let stack = |symbol: &&elf::Symbol| {
        !symbol.function && has(&symbol.name, &["lenscast_firmware", "camera", "start", "STACK"])
    };
    symbols.iter().find(stack).map(|symbol| symbol.bytes)
}

/// Refuses functions with large frames that may run on core 1: all that are not known to run on core 0 alone.
///
/// # Errors
/// The functions, with what to do.
pub(super) fn check_frames(frames: &[(u64, String)]) -> Result<()> {
    let known = |name: &str| FIRST_CORE.iter().any(|(words, _)| has(name, words));
    let large: Vec<_> = frames
        .iter()
        .filter(|(bytes, name)| *bytes > MAX_FRAME && !known(name))
        .map(|(bytes, name)| format!("\n  {bytes} bytes: {name}"))
        .collect();
    if large.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these functions take more than {MAX_FRAME} bytes of a stack, and may run on core 1: put what is large on the heap, \
         or, if they run on core 0 alone, name them in {}{}",
        file!(),
        large.concat()
    )
    .into())
}

/// Whether `name` has these words, one after the other.
fn has(name: &str, words: &[&str]) -> bool {
    let mut rest = name;
    words.iter().all(|word| match rest.split_once(word) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERT: &str = "_RNvMs1_NtCscjegWLrE5AX_16embassy_executor3rawINtB5_11TaskStorageNCNvNvNtNtCs4EYEulu0Lyn_17\
                           lenscast_firmware6camera7convert10___run_task25___run_task_inner_function0E4pollB1a_";
    const MAIN: &str = "_RNvMs1_NtCscjegWLrE5AX_16embassy_executor3rawINtB5_11TaskStorageNCNvNvNtCs4EYEulu0Lyn_17\
                        lenscast_firmware6___main21_____embassy_main_task36_____embassy_main_task_inner_function0E4pollB18_";

    #[test]
    fn a_large_frame_on_core_1_is_refused_and_named() {
        let frames = [(5552, MAIN.to_owned()), (12_016, CONVERT.to_owned()), (2048, "small".to_owned())];
        let refused = check_frames(&frames).expect_err("the conversion's frame is too large").to_string();
        assert!(refused.contains("12016 bytes") && refused.contains("camera7convert"), "{refused}");
        assert!(!refused.contains("embassy_main") && !refused.contains("small"), "{refused}");
    }

    #[test]
    fn a_function_that_nobody_knows_counts_as_one_of_core_1() {
        let tables = "_RNvMNtCs_12jpeg_encoder7huffmanNtB2_12HuffmanTable3new".to_owned();
        assert!(check_frames(&[(4304, tables)]).is_err());
    }

    #[test]
    fn large_frames_of_core_0_are_left_alone() {
        let flash = "_RNvMNtCsdr8gNvFilGV_11esp_storage9nor_flashNtNtB4_6common12FlashStorage9write_nor";
        assert!(check_frames(&[(5552, MAIN.to_owned()), (4160, flash.to_owned())]).is_ok());
    }

    #[test]
    fn the_second_stack_is_the_variable_of_that_name() {
        let symbol =
            |name: &str, bytes, function| elf::Symbol { name: name.to_owned(), address: 0, bytes, function };
        let stack = "_RNvNvNtCs4EYEulu0Lyn_17lenscast_firmware6camera5start5STACK";
        let symbols = [symbol("APP_CORE_STACK_TOP", 4, false), symbol(stack, 32_784, false)];
        assert_eq!(second(&symbols), Some(32_784));
        assert_eq!(second(&symbols[..1]), None);
        assert_eq!(second(&[symbol(stack, 32_784, true)]), None);
    }
}
