//! The pages of an NVS partition, as far as they must be looked at before `esp-nvs` does and after it.
//!
//! `esp-nvs`, like ESP-IDF, gives up a whole page when its head is damaged, tells nobody what it dropped, and takes what
//! an erase that was cut short left behind for values. All of that is settled here first.
//!
//! A page is a sector of 4096 bytes (ESP-IDF Programming Guide, "NVS Internals"), all numbers little-endian: a head of
//! 32 bytes (state, sequence number, version, CRC-32 of bytes 4 to 27), two bits of state for each of 126 entries, and
//! these, 32 bytes each. The first entry of an item has its namespace, type, how many entries it spans, chunk, CRC-32
//! of the rest of the entry, key, and 8 bytes of value or the size and CRC-32 of what the other entries hold.

use super::StoreError;
use super::report::{Finding, Report};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use esp_nvs::platform::Platform;
use esp_nvs::{ENTRIES_PER_PAGE, FLASH_SECTOR_SIZE, ITEM_SIZE, ItemType, PAGE_HEADER_SIZE, PageState};

const HEAD: Range<usize> = 0..PAGE_HEADER_SIZE;
/// The newest version of the format that is known, multi-page blobs; they count down from 255.
const VERSION: u8 = 0xFE;
const VERSION_AT: usize = 8;

/// States of an entry, two bits each. The fourth is what remains of a write that was cut short.
const EMPTY: u8 = 0b11;
const WRITTEN: u8 = 0b10;
const ERASED: u8 = 0b00;

/// The partition, page by page.
pub(super) struct Partition<'a, P> {
    flash: &'a mut P,
    offset: usize,
    pages: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// Erased, as good as new.
    Blank,
    /// In use.
    Sound,
    /// Its items have moved, or are moving, to another page.
    Freeing,
    /// Nobody would read it as it is.
    Broken,
}

impl<'a, P: Platform> Partition<'a, P> {
    pub(super) fn new(flash: &'a mut P, offset: usize, bytes: usize) -> Self {
        Self { flash, offset, pages: bytes / FLASH_SECTOR_SIZE }
    }

    /// Makes the partition one that `esp-nvs` reads rightly and in full.
    ///
    /// # Errors
    /// [`StoreError::Flash`].
    pub(super) fn mend(&mut self, report: &mut Report) -> Result<(), StoreError> {
        let mut conditions = Vec::with_capacity(self.pages);
        for index in 0..self.pages {
            conditions.push(self.read(index)?.condition::<P>());
        }
        let mut readable = 0;
        for index in 0..self.pages {
            let page = self.read(index)?;
            let contents = page.contents::<P>();
            match conditions[index] {
                Condition::Blank => {}
                Condition::Sound => {
                    if page.bytes[VERSION_AT] < VERSION {
                        report.add(Finding::Newer(index + 1));
                    }
                    if contents.damaged > 0 {
                        report.add(Finding::Damaged { page: index + 1, entries: contents.damaged });
                        self.drop_damaged(index, &page, &contents.torn)?;
                    }
                    readable += contents.items.len();
                }
                Condition::Freeing => {
                    let only_here = self.only_here(&page, contents.items, &conditions, index)?;
                    // It is erased once all of its items are elsewhere. What still looks like one was left over when
                    // the power went in the middle of that.
                    if only_here.is_empty() {
                        self.erase(index)?;
                        conditions[index] = Condition::Blank;
                    }
                    readable += only_here.len();
                }
                Condition::Broken => {
                    readable += self.replace(index, page, contents, &mut conditions, report)?
                }
            }
        }
        let lost = |it: &Finding| matches!(it, Finding::Damaged { .. } | Finding::Emptied(_));
        if readable == 0 && report.findings().iter().any(lost) { self.format(report) } else { Ok(()) }
    }

    /// Empties all of it.
    ///
    /// # Errors
    /// [`StoreError::Flash`].
    pub(super) fn format(&mut self, report: &mut Report) -> Result<(), StoreError> {
        for index in 0..self.pages {
            if self.read(index)?.condition::<P>() != Condition::Blank {
                self.erase(index)?;
            }
        }
        report.replace(Finding::Formatted);
        Ok(())
    }

    /// Overwrites with zeros what is marked as erased, or half so: the secrets in it are gone, and an erase of the page
    /// that is cut short cannot make it look like values again.
    ///
    /// # Errors
    /// [`StoreError::Flash`].
    pub(super) fn scrub(&mut self) -> Result<(), StoreError> {
        for index in 0..self.pages {
            let page = self.read(index)?;
            if page.condition::<P>() != Condition::Sound {
                continue;
            }
            for entry in 0..ENTRIES_PER_PAGE {
                let unused = !matches!(page.state(entry), EMPTY | WRITTEN);
                if unused && page.entry(entry).iter().any(|&byte| byte != 0) {
                    self.write(self.address(index) + entry_at(entry), &[0; ITEM_SIZE])?;
                }
            }
        }
        Ok(())
    }

    /// Keeps what can be read on a page that nobody would read. Returns how many items that are.
    fn replace(
        &mut self,
        index: usize,
        mut page: Page,
        contents: Contents,
        conditions: &mut [Condition],
        report: &mut Report,
    ) -> Result<usize, StoreError> {
        // The power went while the head was written, or the page erased.
        let cut_short = page.is_blank(HEAD.end..FLASH_SECTOR_SIZE)
            || page.is_blank(HEAD) && contents.damaged == 0
            || !contents.items.is_empty();
        let only_here = self.only_here(&page, contents.items, conditions, index)?;
        if !only_here.is_empty() {
            page.rebuild::<P>(self.next_sequence(conditions)?, &only_here);
            self.move_to_blank(&page, index, conditions)?;
            report.add(Finding::Mended(index + 1));
            return Ok(only_here.len());
        }
        self.erase(index)?;
        conditions[index] = Condition::Blank;
        if !cut_short {
            report.add(Finding::Emptied(index + 1));
        }
        Ok(0)
    }

    /// Those of the items on page `own` that no other page has in any form. Where items are being moved, the page that
    /// they come from does not count for itself, but for what became of the one that they went to.
    fn only_here(
        &mut self,
        page: &Page,
        mut items: Vec<Item>,
        conditions: &[Condition],
        own: usize,
    ) -> Result<Vec<Item>, StoreError> {
        for (index, &condition) in conditions.iter().enumerate() {
            let counts = condition == Condition::Sound
                || condition == Condition::Freeing && conditions[own] == Condition::Broken;
            if counts && !items.is_empty() {
                let other = self.read(index)?;
                let others = other.contents::<P>().items;
                items.retain(|item| {
                    others.iter().all(|it| other.identity(it.first) != page.identity(item.first))
                });
            }
        }
        Ok(items)
    }

    /// Writes a page where there is room for it, and then erases the one that it was made of. Where there is none, that
    /// goes first, and what is on it if the power does.
    fn move_to_blank(
        &mut self,
        page: &Page,
        from: usize,
        conditions: &mut [Condition],
    ) -> Result<(), StoreError> {
        let to = conditions.iter().position(|&condition| condition == Condition::Blank);
        if to.is_none() {
            self.erase(from)?;
        }
        let start = self.address(to.unwrap_or(from));
        // The head makes it count, so it comes last.
        self.write(start + HEAD.end, &page.bytes[HEAD.end..])?;
        self.write(start, &page.bytes[HEAD])?;
        if to.is_some() {
            self.erase(from)?;
        }
        conditions[from] = Condition::Blank;
        conditions[to.unwrap_or(from)] = Condition::Sound;
        Ok(())
    }

    /// The sequence number of a page to come. A page that is rebuilt takes it too: no other has the same items, so that
    /// it does not matter which is newer.
    fn next_sequence(&mut self, conditions: &[Condition]) -> Result<u32, StoreError> {
        let mut next = 0;
        for (index, condition) in conditions.iter().enumerate() {
            if matches!(condition, Condition::Sound | Condition::Freeing) {
                next = next.max(self.read(index)?.sequence().saturating_add(1));
            }
        }
        Ok(next)
    }

    /// Marks items whose data is damaged as erased, as ESP-IDF does when it reads them. `esp-nvs` does so with those
    /// whose first entry is damaged.
    fn drop_damaged(&mut self, index: usize, page: &Page, items: &[Item]) -> Result<(), StoreError> {
        if items.is_empty() {
            return Ok(());
        }
        let mut states = page.bytes[HEAD.end..entry_at(0)].to_vec();
        for entry in items.iter().flat_map(|item| item.first..item.first + item.span) {
            states[entry / 4] &= !(0b11 << (entry % 4 * 2));
        }
        self.write(self.address(index) + HEAD.end, &states)
    }

    fn address(&self, index: usize) -> usize {
        self.offset + index * FLASH_SECTOR_SIZE
    }

    fn read(&mut self, index: usize) -> Result<Page, StoreError> {
        let mut bytes = vec![0; FLASH_SECTOR_SIZE];
        let read = self.flash.read(self.address(index) as u32, &mut bytes);
        read.map_err(|_| StoreError::Flash)?;
        Ok(Page { bytes })
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), StoreError> {
        self.flash.write(address as u32, bytes).map_err(|_| StoreError::Flash)
    }

    fn erase(&mut self, index: usize) -> Result<(), StoreError> {
        let start = self.address(index);
        let erased = self.flash.erase(start as u32, (start + FLASH_SECTOR_SIZE) as u32);
        erased.map_err(|_| StoreError::Flash)
    }
}

/// Where an item lies on its page.
struct Item {
    first: usize,
    span: usize,
}

/// What a page holds.
#[derive(Default)]
struct Contents {
    /// Items that can be read.
    items: Vec<Item>,
    /// Items whose data is damaged.
    torn: Vec<Item>,
    /// Entries that are marked as written and cannot be read, those of `torn` among them.
    damaged: usize,
}

struct Page {
    bytes: Vec<u8>,
}

const fn entry_at(entry: usize) -> usize {
    FLASH_SECTOR_SIZE - (ENTRIES_PER_PAGE - entry) * ITEM_SIZE
}

impl Page {
    fn condition<P: Platform>(&self) -> Condition {
        if self.is_blank(0..FLASH_SECTOR_SIZE) {
            return Condition::Blank;
        }
        match PageState::from(self.word(0)) {
            _ if self.word(28) != P::crc32(u32::MAX, &self.bytes[4..28]) => Condition::Broken,
            PageState::Active | PageState::Full => Condition::Sound,
            PageState::Freeing => Condition::Freeing,
            _ => Condition::Broken,
        }
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.bytes[range].iter().all(|&byte| byte == 0xFF)
    }

    fn contents<P: Platform>(&self) -> Contents {
        let mut contents = Contents::default();
        let mut next = 0;
        while next < ENTRIES_PER_PAGE {
            let first = next;
            let span = self.span::<P>(first);
            next += span.unwrap_or(1);
            if self.state(first) != WRITTEN {
                // What follows the first entry of an erased item is its data, whatever is still marked as written.
                if self.state(first) != ERASED {
                    next = first + 1;
                }
                continue;
            }
            match span {
                None => contents.damaged += 1,
                // Writing or erasing it was cut short: `esp-nvs` finishes that.
                Some(span) if (first..first + span).any(|entry| self.state(entry) != WRITTEN) => {}
                Some(span) if !self.data_is_whole::<P>(first, span) => {
                    contents.damaged += span;
                    contents.torn.push(Item { first, span });
                }
                Some(span) => contents.items.push(Item { first, span }),
            }
        }
        contents
    }

    /// How many entries the item spans that begins with this one, if one does.
    fn span<P: Platform>(&self, first: usize) -> Option<usize> {
        let entry = self.entry(first);
        let span = usize::from(entry[2]);
        let crc = P::crc32(P::crc32(u32::MAX, &entry[..4]), &entry[8..]);
        (span >= 1 && first + span <= ENTRIES_PER_PAGE && word(entry, 4) == crc).then_some(span)
    }

    fn data_is_whole<P: Platform>(&self, first: usize, span: usize) -> bool {
        let entry = self.entry(first);
        let types = [ItemType::Sized, ItemType::Blob, ItemType::BlobData];
        if !types.into_iter().any(|it| it as u8 == entry[1]) {
            return true;
        }
        let size = usize::from(u16::from_le_bytes([entry[24], entry[25]]));
        let data = &self.bytes[entry_at(first + 1)..entry_at(first + span)];
        data.get(..size).is_some_and(|data| P::crc32(u32::MAX, data) == word(entry, 28))
    }

    /// What tells one item from another: namespace, chunk and key.
    fn identity(&self, first: usize) -> (u8, u8, &[u8]) {
        let entry = self.entry(first);
        (entry[0], entry[3], &entry[8..24])
    }

    fn state(&self, entry: usize) -> u8 {
        self.bytes[HEAD.end + entry / 4] >> (entry % 4 * 2) & 0b11
    }

    fn entry(&self, entry: usize) -> &[u8] {
        &self.bytes[entry_at(entry)..entry_at(entry + 1)]
    }

    fn sequence(&self) -> u32 {
        self.word(4)
    }

    fn word(&self, at: usize) -> u32 {
        word(&self.bytes, at)
    }

    /// Makes it a sound page that holds these of its items, and takes no more.
    fn rebuild<P: Platform>(&mut self, sequence: u32, items: &[Item]) {
        let mut bytes = vec![0; FLASH_SECTOR_SIZE];
        bytes[HEAD].fill(0xFF);
        bytes[..4].copy_from_slice(&(PageState::Full as u32).to_le_bytes());
        bytes[4..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[VERSION_AT] = VERSION;
        let crc = P::crc32(u32::MAX, &bytes[4..28]);
        bytes[28..HEAD.end].copy_from_slice(&crc.to_le_bytes());
        // The last four bits belong to no entry, and stay as ESP-IDF leaves them.
        bytes[entry_at(0) - 1] = 0xF0;
        for entry in items.iter().flat_map(|item| item.first..item.first + item.span) {
            bytes[HEAD.end + entry / 4] |= WRITTEN << (entry % 4 * 2);
            bytes[entry_at(entry)..entry_at(entry + 1)].copy_from_slice(self.entry(entry));
        }
        self.bytes = bytes;
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
