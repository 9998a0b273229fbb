//! An ELF file of 32 bits, little-endian (System V ABI, chapter 4), as far as sizes go: sections, symbols, and how much
//! stack each function of an Xtensa takes.

use crate::Result;
use std::ops::Range;

/// A section that takes memory when the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) bytes: u64,
    /// Whether its content is in the file, and so in flash.
    pub(super) in_file: bool,
    /// Whether it is instructions.
    pub(super) code: bool,
    /// Where its content is in the file, if it is there.
    content: Range<usize>,
}

impl Section {
    /// What the file has of it.
    pub(super) fn content<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        if self.in_file { file.get(self.content.clone()).unwrap_or_default() } else { &[] }
    }

    fn covers(&self, address: u64) -> bool {
        (self.address..self.address + self.bytes).contains(&address)
    }
}

/// A function or a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    /// As the compiler mangled it.
    pub(super) name: String,
    pub(super) address: u64,
    pub(super) bytes: u64,
    pub(super) function: bool,
}

/// `sh_type` of the symbols.
const SHT_SYMTAB: u32 = 2;

/// `sh_type` of what takes no room in the file.
const SHT_NOBITS: u32 = 8;

/// `sh_flags`: takes memory when the program runs.
const SHF_ALLOC: u32 = 2;

/// `sh_flags`: instructions.
const SHF_EXECINSTR: u32 = 4;

/// Low bits of `st_info`: a variable, a function.
const STT_OBJECT: u8 = 1;
const STT_FUNC: u8 = 2;

/// Bytes of a symbol.
const SYMBOL: usize = 16;

/// All sections that take memory.
///
/// # Errors
/// It is no such file, or cut off.
pub(super) fn sections(file: &[u8]) -> Result<Vec<Section>> {
    let headers = Headers::new(file)?;
    let names = headers.field(headers.names, 16)? as usize;
    let mut sections = Vec::new();
    for index in 0..headers.count {
        let [name, kind, flags, address, offset, bytes] =
            [0, 4, 8, 12, 16, 20].map(|field| headers.field(index, field));
        let (flags, offset, bytes) = (flags?, offset? as usize, bytes?);
        if flags & SHF_ALLOC == 0 {
            continue;
        }
        sections.push(Section {
            name: string(file, names + name? as usize),
            address: address?.into(),
            bytes: bytes.into(),
            in_file: kind? != SHT_NOBITS,
            code: flags & SHF_EXECINSTR != 0,
            content: offset..offset + bytes as usize,
        });
    }
    Ok(sections)
}

/// All functions and variables.
///
/// # Errors
/// It is no such file, or cut off.
pub(super) fn symbols(file: &[u8]) -> Result<Vec<Symbol>> {
    let headers = Headers::new(file)?;
    let mut symbols = Vec::new();
    for index in 0..headers.count {
        if headers.field(index, 4)? != SHT_SYMTAB {
            continue;
        }
        let [offset, bytes, link] = [16, 20, 24].map(|field| headers.field(index, field));
        let (offset, names) = (offset? as usize, headers.field(link? as usize, 16)? as usize);
        for at in (offset..offset + bytes? as usize).step_by(SYMBOL) {
            let kind = file.get(at + 12).ok_or(CUT_OFF)? & 15;
            if kind == STT_OBJECT || kind == STT_FUNC {
                symbols.push(Symbol {
                    name: string(file, names + word(file, at)? as usize),
                    address: word(file, at + 4)?.into(),
                    bytes: word(file, at + 8)?.into(),
                    function: kind == STT_FUNC,
                });
            }
        }
    }
    Ok(symbols)
}

/// Bytes of stack that each function of an Xtensa takes, the largest first: it begins with `entry a1, bytes`, three bytes
/// with the bytes in eighths above 0x136 (Xtensa ISA reference manual, ENTRY). 0x02a136 are 336.
///
/// # Errors
/// It is no such file, or cut off.
pub(super) fn frames(file: &[u8]) -> Result<Vec<(u64, String)>> {
    let sections = sections(file)?;
    let mut frames = Vec::new();
    for symbol in symbols(file)?.into_iter().filter(|symbol| symbol.function) {
        let section = sections.iter().find(|section| section.code && section.covers(symbol.address));
        let entry = section.and_then(|section| {
            section.content(file).get((symbol.address - section.address) as usize..)?.first_chunk()
        });
        if let Some(&[low, middle, high]) = entry {
            let entry = u32::from_le_bytes([low, middle, high, 0]);
            if entry & 0xfff == 0x136 {
                frames.push((u64::from(entry >> 12) * 8, symbol.name));
            }
        }
    }
    frames.sort_by(|a, b| b.cmp(a));
    Ok(frames)
}

/// The headers of the sections.
struct Headers<'a> {
    file: &'a [u8],
    offset: usize,
    /// Bytes of one.
    entry: usize,
    count: usize,
    /// Which of them has the names of all.
    names: usize,
}

impl<'a> Headers<'a> {
    fn new(file: &'a [u8]) -> Result<Self> {
        // Magic, ELFCLASS32, ELFDATA2LSB.
        if !file.starts_with(b"\x7fELF\x01\x01") {
            return Err("this is no ELF file of 32 bits, little-endian".into());
        }
        let (offset, entry) = (word(file, 32)? as usize, half(file, 46)?);
        Ok(Self { file, offset, entry, count: half(file, 48)?, names: half(file, 50)? })
    }

    fn field(&self, index: usize, field: usize) -> Result<u32> {
        word(self.file, self.offset + index * self.entry + field)
    }
}

const CUT_OFF: &str = "the ELF file is cut off";

fn string(file: &[u8], at: usize) -> String {
    let text = file.get(at..).unwrap_or_default().split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn word(file: &[u8], at: usize) -> Result<u32> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk()).ok_or(CUT_OFF)?;
    Ok(u32::from_le_bytes(*bytes))
}

fn half(file: &[u8], at: usize) -> Result<usize> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk()).ok_or(CUT_OFF)?;
    Ok(u16::from_le_bytes(*bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the code begins in the file, and in memory.
    const CODE: u32 = 52 + 7 * 40;
    const TEXT: u32 = 0x4200_0020;

    /// A file with a section of code, one of zeros, one of debug information, one of names, one of symbols and one of
    /// their names. Two functions: one with a frame of 336 bytes, one without; and a variable.
    fn file() -> Vec<u8> {
        let names = b"\0.text\0.bss\0.debug\0.shstrtab\0.symtab\0.strtab\0";
        let symbol_names = b"\0_RNvC3one5large\0small\0STACK\0";
        let code = [0x36, 0xa1, 0x02, 0x00, 0x12, 0xc1, 0xf0, 0x0d];
        let symbol = |name: u32, value: u32, size: u32, info: u8| {
            let words = [name, value, size].map(u32::to_le_bytes).concat();
            [&words[..], &[info, 0, 0, 0]].concat()
        };
        let symbols = [
            symbol(0, 0, 0, 0),
            symbol(1, TEXT, 4, STT_FUNC),
            symbol(17, TEXT + 4, 4, 0x10 | STT_FUNC),
            symbol(23, 0x3fc8_0000, 500, STT_OBJECT),
        ]
        .concat();
        let section = |name: u32, kind: u32, flags: u32, address: u32, offset: u32, bytes: u32, link: u32| {
            [name, kind, flags, address, offset, bytes, link, 0, 0, 0].map(u32::to_le_bytes).concat()
        };
        let mut file = vec![0; 52];
        file[..6].copy_from_slice(b"\x7fELF\x01\x01");
        file[32..36].copy_from_slice(&52u32.to_le_bytes());
        file[46..48].copy_from_slice(&40u16.to_le_bytes());
        file[48..50].copy_from_slice(&7u16.to_le_bytes());
        file[50..52].copy_from_slice(&4u16.to_le_bytes());
        let after = CODE + code.len() as u32;
        let symbols_at = after + names.len() as u32;
        let names_at = symbols_at + symbols.len() as u32;
        file.extend(section(0, 0, 0, 0, 0, 0, 0));
        file.extend(section(1, 1, 2 | 4, TEXT, CODE, code.len() as u32, 0));
        file.extend(section(7, SHT_NOBITS, 2 | 1, 0x3fc8_0000, 0, 500, 0));
        file.extend(section(12, 1, 0, 0, 0, 9999, 0));
        file.extend(section(19, 3, 0, 0, after, names.len() as u32, 0));
        file.extend(section(29, SHT_SYMTAB, 0, 0, symbols_at, symbols.len() as u32, 6));
        file.extend(section(37, 3, 0, 0, names_at, symbol_names.len() as u32, 0));
        file.extend(code);
        file.extend(names);
        file.extend(symbols);
        file.extend(symbol_names);
        file
    }

    #[test]
    fn sections_that_take_memory_are_found_with_their_names_and_sizes() {
        let file = file();
        let found = sections(&file).expect("a good file");
        let facts: Vec<_> = found
            .iter()
            .map(|section| (&section.name[..], section.address, section.bytes, section.in_file, section.code))
            .collect();
        let expected = [(".text", TEXT.into(), 8, true, true), (".bss", 0x3fc8_0000, 500, false, false)];
        assert_eq!(facts, expected);
        assert_eq!(found[0].content(&file)[..3], [0x36, 0xa1, 0x02]);
        assert!(found[1].content(&file).is_empty());
    }

    #[test]
    fn functions_and_variables_are_found() {
        let found = symbols(&file()).expect("a good file");
        let facts: Vec<_> =
            found.iter().map(|symbol| (&symbol.name[..], symbol.bytes, symbol.function)).collect();
        assert_eq!(facts, [("_RNvC3one5large", 4, true), ("small", 4, true), ("STACK", 500, false)]);
    }

    #[test]
    fn a_frame_is_what_the_first_instruction_of_a_function_says() {
        assert_eq!(frames(&file()).expect("a good file"), [(336, "_RNvC3one5large".to_owned())]);
    }

    #[test]
    fn what_is_no_such_file_or_cut_off_is_an_error() {
        assert!(sections(b"#!/bin/sh").is_err());
        assert!(sections(&file()[..100]).is_err());
        assert!(symbols(&file()[..CODE as usize + 70]).is_err());
    }
}
