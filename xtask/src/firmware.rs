//! `cargo xtask firmware`: builds the image of a board, tells how large it is, and whether it fits.

mod elf;
mod partitions;
mod parts;
mod paths;
mod stack;
mod toolchain;

use crate::Result;
use crate::process::{Places, find, run as run_command};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A growth beyond this, in percent, has to be explained.
const MAX_GROWTH: u64 = 10;

/// A chip, as far as its memory and its tools go.
#[derive(Debug)]
struct Chip {
    name: &'static str,
    target: &'static str,
    /// Where instructions in internal memory are.
    iram: Range<u64>,
    /// Where data in internal memory is.
    dram: Range<u64>,
    /// Where flash is mapped into memory: instructions, and constants.
    mapped: [Range<u64>; 2],
    /// Whether a second core runs the camera's tasks.
    second_core: bool,
    flash_size: &'static str,
    flash_bytes: u64,
    /// The partition table, in `firmware`.
    partitions: &'static str,
    /// What its image says about memory beside the chip.
    psram: &'static str,
}

const ESP32S3: Chip = Chip {
    name: "esp32s3",
    target: "xtensa-esp32s3-none-elf",
    iram: 0x4037_0000..0x403e_0000,
    dram: 0x3fc8_8000..0x3fd0_0000,
    mapped: [0x4200_0000..0x4400_0000, 0x3c00_0000..0x3e00_0000],
    second_core: true,
    flash_size: "8mb",
    flash_bytes: 8 << 20,
    partitions: "partitions.csv",
    psram: "all of it (8 MB on the AtomS3R), in frame slots, at run time",
};

const ESP32C3: Chip = Chip {
    name: "esp32c3",
    target: "riscv32imc-unknown-none-elf",
    iram: 0x4037_c000..0x403e_0000,
    dram: 0x3fc8_0000..0x3fce_0000,
    mapped: [0x4200_0000..0x4280_0000, 0x3c00_0000..0x3c80_0000],
    second_core: false,
    flash_size: "4mb",
    flash_bytes: 4 << 20,
    partitions: "partitions-4mb.csv",
    psram: "none",
};

#[derive(Debug)]
struct Board {
    name: &'static str,
    features: &'static str,
    chip: Chip,
}

const BOARDS: [Board; 4] = [
    // One image for both boards.
    Board { name: "atoms3r", features: "atoms3r-cam,atoms3r-m12", chip: ESP32S3 },
    Board { name: "atoms3r-cam", features: "atoms3r-cam", chip: ESP32S3 },
    Board { name: "atoms3r-m12", features: "atoms3r-m12", chip: ESP32S3 },
    Board { name: "esp32c3-devkit", features: "esp32c3-devkit", chip: ESP32C3 },
];

/// What is built when no board is named: each chip once.
const DEFAULT: [&str; 2] = ["esp32c3-devkit", "atoms3r"];

/// The board whose image another linker than Espressif's makes, and its name in `sizes.csv`.
const LINKED: (&str, &str) = ("atoms3r", "atoms3r-llvm");

/// Builds the images that `options` ask for. What this computer cannot build is skipped, and a line says so.
///
/// # Errors
/// An option that there is not; a build that fails; an image that does not fit, leaves too little stack, or grew.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let names = match options {
        [] => DEFAULT.to_vec(),
        ["--board", name] => vec![*name],
        ["--linked", report] => return linked(Path::new(report)),
        _ => {
            return Err(format!(
                "firmware takes nothing but --board NAME or --linked FILE, not {:?}",
                options.join(" ")
            )
            .into());
        }
    };
    let places = Places::find()?;
    // A workspace of its own, so what formats the others does not reach it.
    run_command(places.cargo(&["fmt", "--check"]).current_dir(places.root.join("firmware")))?;
    for name in names {
        board(name)?.build(&places)?;
    }
    Ok(())
}

/// Looks at an image that another linker made. `report`: what that printed, the path of the ELF file last.
fn linked(report: &Path) -> Result<()> {
    let text = fs::read_to_string(report).map_err(|error| format!("{}: {error}", report.display()))?;
    let elf = elf_of(&text).ok_or_else(|| format!("the last line of {} is no path", report.display()))?;
    let (board, row) = (board(LINKED.0)?, LINKED.1);
    println!("\n== firmware for {}, as {} has it", board.name, elf.display());
    let folder = Places::find()?.root.join("firmware");
    board.look(row, &fs::read(&elf).map_err(|error| format!("{}: {error}", elf.display()))?, &folder)
}

/// The path in the last line.
fn elf_of(report: &str) -> Option<PathBuf> {
    report.lines().last().map(str::trim).filter(|line| line.starts_with('/')).map(PathBuf::from)
}

fn board(name: &str) -> Result<&'static Board> {
    BOARDS.iter().find(|board| board.name == name).ok_or_else(|| {
        let names: Vec<_> = BOARDS.iter().map(|board| board.name).collect();
        format!("there is no board {name:?}: {}", names.join(", ")).into()
    })
}

impl Board {
    fn build(&self, places: &Places) -> Result<()> {
        println!("\n== firmware for {}", self.name);
        let Some(mut cargo) = toolchain::cargo(self.chip.target)? else { return Ok(()) };
        let folder = places.root.join("firmware");
        let made = places.built.join("firmware");
        let built = made.join("build");
        let folders = paths::folders(&places.root, &built);
        cargo
            .args(["build", "--release", "--locked", "--no-default-features", "--features", self.features])
            .args(["--target", self.chip.target])
            .args(["--config", &paths::config(self.chip.target, &folders)])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", &built);
        run_command(&mut cargo)?;

        let elf = built.join(self.chip.target).join("release/lenscast-firmware");
        let file = fs::read(&elf)?;
        self.look(self.name, &file, &folder)?;
        paths::check(&file, &folders)?;
        self.save_image(&elf, &folder, &made)
    }

    /// Prints what an image takes, and checks it. `row`: its name in `sizes.csv`.
    fn look(&self, row: &str, elf: &[u8], folder: &Path) -> Result<()> {
        let symbols = elf::symbols(elf)?;
        let sizes = self.sizes(elf, &symbols)?;
        let table = partitions::read(&folder.join(self.chip.partitions))?;
        let slot = partitions::check(&table, self.chip.flash_bytes)?;
        sizes.print(slot, self.chip.psram);
        println!("\n{}", parts::Parts::new(&self.chip, &symbols));
        sizes.check(slot)?;
        if self.chip.second_core {
            let frames = elf::frames(elf)?;
            if frames.is_empty() {
                return Err("no function tells how much stack it takes: the image has no symbols".into());
            }
            stack::check_frames(&frames)?;
        }
        compare(row, &folder.join("sizes.csv"), &sizes)
    }

    fn sizes(&self, elf: &[u8], symbols: &[elf::Symbol]) -> Result<Sizes> {
        let sections = elf::sections(elf)?;
        // What stands for the same memory seen from the other bus takes no room of its own.
        let real = || sections.iter().filter(|section| !section.name.ends_with("dummy"));
        let sum = |wanted: &dyn Fn(&elf::Section) -> bool| {
            real().filter(|section| wanted(section)).map(|section| section.bytes).sum::<u64>()
        };
        let stack = |section: &elf::Section| section.name == ".stack";
        let second = || stack::second(symbols).ok_or("the image has no stack for core 1");
        Ok(Sizes {
            flash: sum(&|section| section.in_file),
            iram: sum(&|section| self.chip.iram.contains(&section.address)),
            dram: sum(&|section| self.chip.dram.contains(&section.address) && !stack(section)),
            stack: sum(&stack),
            second_stack: self.chip.second_core.then(second).transpose()?,
        })
    }

    /// The whole flash as one file, where there is the tool for it.
    fn save_image(&self, elf: &Path, folder: &Path, made: &Path) -> Result<()> {
        let image: PathBuf = made.join(format!("{}.bin", self.name));
        if find("espflash").is_none() {
            println!(
                "  {}: SKIPPED, there is no espflash (cargo install espflash --locked)",
                image.display()
            );
            return Ok(());
        }
        let Chip { name, flash_size, partitions, .. } = self.chip;
        let mut espflash = Command::new("espflash");
        espflash
            .args(["save-image", "--merge", "--chip", name, "--flash-size", flash_size, "--partition-table"])
            .args([&folder.join(partitions), elf, &image]);
        run_command(&mut espflash)
    }
}

/// Compares with what is written down of the last time.
fn compare(name: &str, file: &Path, now: &Sizes) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let Some(line) = text.lines().find(|line| line.split(',').next() == Some(name)) else {
        println!("  {} tells no earlier size of it", file.display());
        return Ok(());
    };
    let numbers: Vec<u64> =
        line.split(',').skip(1).map(|word| word.trim().parse()).collect::<std::result::Result<_, _>>()?;
    let [flash, iram, dram] = numbers[..] else {
        return Err(format!("{}: {line:?} is not `board,flash,iram,dram`", file.display()).into());
    };
    for (what, was, is) in [("flash", flash, now.flash), ("IRAM", iram, now.iram), ("DRAM", dram, now.dram)] {
        if grew(was, is) {
            return Err(format!(
                "{what} of {name} grew from {was} to {is} bytes, by more than {MAX_GROWTH} %: say why in CHANGELOG.md, \
                 and write `{name},{},{},{}` into firmware/sizes.csv",
                now.flash, now.iram, now.dram
            )
            .into());
        }
    }
    Ok(())
}

/// Whether `is` is more than [`MAX_GROWTH`] above `was`.
fn grew(was: u64, is: u64) -> bool {
    is * 100 > was * (100 + MAX_GROWTH)
}

/// Bytes that an image takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    /// In its app slot.
    flash: u64,
    /// Instructions in internal memory.
    iram: u64,
    /// Data in internal memory, the heap included.
    dram: u64,
    /// What is left for the stack of core 0.
    stack: u64,
    /// The stack of core 1, if there is one.
    second_stack: Option<u64>,
}

impl Sizes {
    fn print(&self, slot: u64, psram: &str) {
        let percent = self.flash * 100 / slot;
        println!("  flash  {:>9} bytes, {percent} % of an app slot of {slot}", self.flash);
        println!("  IRAM   {:>9} bytes", self.iram);
        println!("  DRAM   {:>9} bytes, the heap included", self.dram);
        println!("  stack  {:>9} bytes left for core 0, at least {} needed", self.stack, stack::MIN_FIRST);
        if let Some(second) = self.second_stack {
            println!("  stack  {second:>9} bytes for core 1, at least {} needed", stack::MIN_SECOND);
        }
        println!("  PSRAM  {psram}");
    }

    fn check(&self, slot: u64) -> Result<()> {
        // The image's headers and paddings take a little too.
        if self.flash + 64 * 1024 > slot {
            return Err(format!("the image takes {} bytes, and an app slot has {slot}", self.flash).into());
        }
        if self.stack < stack::MIN_FIRST {
            return Err(format!(
                "only {} bytes are left for the stack of core 0: make the heap smaller",
                self.stack
            )
            .into());
        }
        if let Some(second) = self.second_stack.filter(|&second| second < stack::MIN_SECOND) {
            return Err(format!("core 1 has a stack of {second} bytes: make it larger").into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_tenth_is_growth_and_less_is_none() {
        assert!(!grew(1000, 1100));
        assert!(grew(1000, 1101));
        assert!(!grew(1000, 10));
    }

    #[test]
    fn an_image_that_fills_its_slot_or_leaves_no_stack_does_not_fit() {
        let fits = Sizes {
            flash: 900_000,
            iram: 0,
            dram: 0,
            stack: stack::MIN_FIRST,
            second_stack: Some(stack::MIN_SECOND),
        };
        assert!(fits.check(1 << 20).is_ok());
        assert!(fits.check(900_000).is_err());
        assert!(Sizes { stack: stack::MIN_FIRST - 1, ..fits }.check(1 << 20).is_err());
        assert!(Sizes { second_stack: Some(stack::MIN_SECOND - 1), ..fits }.check(1 << 20).is_err());
        assert!(Sizes { second_stack: None, ..fits }.check(1 << 20).is_ok());
    }

    #[test]
    fn the_elf_is_named_by_the_last_line_of_what_the_linker_printed() {
        let report =
            "memory              bytes\nIRAM                47292  .rwtext 14288\n/tmp/a/lenscast-firmware\n";
        assert_eq!(elf_of(report), Some(PathBuf::from("/tmp/a/lenscast-firmware")));
        assert_eq!(elf_of("memory              bytes\n"), None);
        assert_eq!(elf_of(""), None);
    }
}
