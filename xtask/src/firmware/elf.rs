//! The sections of an ELF file of 32 bits, little-endian (System V ABI, chapter 4), as far as sizes go.

use crate::Result;

/// A section that takes memory when the program runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) bytes: u64,
    /// Whether its content is in the file, and so in flash.
    pub(super) in_file: bool,
}

/// `sh_type` of what takes no room in the file.
const SHT_NOBITS: u32 = 8;

/// `sh_flags`: takes memory when the program runs.
const SHF_ALLOC: u32 = 2;

/// All sections that take memory.
///
/// # Errors
/// It is no such file, or cut off.
pub(super) fn sections(file: &[u8]) -> Result<Vec<Section>> {
    // Magic, ELFCLASS32, ELFDATA2LSB.
    if !file.starts_with(b"\x7fELF\x01\x01") {
        return Err("this is no ELF file of 32 bits, little-endian".into());
    }
    let offset = word(file, 32)?;
    let (entry, count, names) = (half(file, 46)?, half(file, 48)?, half(file, 50)?);
    let header = |index: usize, field: usize| word(file, offset as usize + index * entry + field);
    let names = header(names, 16)? as usize;
    let mut sections = Vec::new();
    for index in 0..count {
        let [kind, flags, address, bytes] =
            [header(index, 4)?, header(index, 8)?, header(index, 12)?, header(index, 20)?];
        if flags & SHF_ALLOC == 0 {
            continue;
        }
        let name = file.get(names + header(index, 0)? as usize..).unwrap_or_default();
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        sections.push(Section {
            name: String::from_utf8_lossy(name).into_owned(),
            address: address.into(),
            bytes: bytes.into(),
            in_file: kind != SHT_NOBITS,
        });
    }
    Ok(sections)
}

fn word(file: &[u8], at: usize) -> Result<u32> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk()).ok_or("the ELF file is cut off")?;
    Ok(u32::from_le_bytes(*bytes))
}

fn half(file: &[u8], at: usize) -> Result<usize> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk()).ok_or("the ELF file is cut off")?;
    Ok(u16::from_le_bytes(*bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a section of code, one of zeros, one of debug information, and one of names.
    fn file() -> Vec<u8> {
        let names = b"\0.text\0.bss\0.debug\0.shstrtab\0";
        let section = |name: u32, kind: u32, flags: u32, address: u32, offset: u32, bytes: u32| {
            [name, kind, flags, address, offset, bytes, 0, 0, 0, 0].map(u32::to_le_bytes).concat()
        };
        let mut file = vec![0; 52];
        file[..6].copy_from_slice(b"\x7fELF\x01\x01");
        file[32..36].copy_from_slice(&52u32.to_le_bytes());
        file[46..48].copy_from_slice(&40u16.to_le_bytes());
        file[48..50].copy_from_slice(&4u16.to_le_bytes());
        file[50..52].copy_from_slice(&3u16.to_le_bytes());
        file.extend(section(1, 1, 2 | 4, 0x4200_0020, 0, 1000));
        file.extend(section(7, SHT_NOBITS, 2 | 1, 0x3fc8_0000, 0, 500));
        file.extend(section(12, 1, 0, 0, 0, 9999));
        file.extend(section(19, 3, 0, 0, 52 + 4 * 40, names.len() as u32));
        file.extend(names);
        file
    }

    #[test]
    fn sections_that_take_memory_are_found_with_their_names_and_sizes() {
        let section =
            |name: &str, address, bytes, in_file| Section { name: name.into(), address, bytes, in_file };
        let expected = [section(".text", 0x4200_0020, 1000, true), section(".bss", 0x3fc8_0000, 500, false)];
        assert_eq!(sections(&file()).expect("a good file"), expected);
    }

    #[test]
    fn what_is_no_such_file_or_cut_off_is_an_error() {
        assert!(sections(b"#!/bin/sh").is_err());
        assert!(sections(&file()[..100]).is_err());
    }
}
