//! What is changed in a message so that every decoder and every viewer gets a clean JPEG.

use crate::causes::Mend;

/// The largest number of bytes that are passed over at one place to find the next marker. What real cameras put there are
/// some hundred.
pub const MAX_STRAY_BYTES: usize = 4096;

/// The largest number of changes in one message. A camera's fault gives one to ten; more are noise that is no JPEG.
pub(super) const MAX_EDITS: usize = 64;

/// What is to be changed in a message, in the order of the places. Empty for a clean message, and then costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mends {
    edits: Vec<Edit>,
    /// Bit n: the kind at place n of [`Mend::ALL`] was met.
    kinds: u16,
}

/// One change: `cut` bytes at `at` give way to `put`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edit {
    at: usize,
    cut: usize,
    put: [u8; 3],
    put_len: u8,
}

impl Mends {
    /// Whether nothing is to be changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The kinds of faults that were met, each once.
    pub fn kinds(&self) -> impl Iterator<Item = Mend> {
        Mend::ALL.iter().copied().filter(|kind| self.kinds & bit(*kind) != 0)
    }

    /// Whether there is room for one more change.
    pub(super) const fn has_room(&self) -> bool {
        self.edits.len() < MAX_EDITS
    }

    /// Cuts what is in `range`; a range that begins in the last one, or where it ended, makes that one longer.
    pub(super) fn cut(&mut self, range: std::ops::Range<usize>, kind: Mend) {
        self.kinds |= bit(kind);
        if range.is_empty() {
            return;
        }
        match self.edits.last_mut() {
            Some(last) if last.put_len == 0 && (last.at..=last.at + last.cut).contains(&range.start) => {
                last.cut = last.cut.max(range.end - last.at);
            }
            _ => self.edits.push(Edit { at: range.start, cut: range.len(), put: [0; 3], put_len: 0 }),
        }
    }

    /// Puts up to three bytes in place of as many as `cut` says.
    pub(super) fn put(&mut self, at: usize, cut: usize, bytes: &[u8], kind: Mend) {
        self.kinds |= bit(kind);
        let mut put = [0; 3];
        put[..bytes.len()].copy_from_slice(bytes);
        self.edits.push(Edit { at, cut, put, put_len: bytes.len() as u8 });
    }

    /// Appends `image` to `out` with all changes, and with `inserted` before the byte at `insert_at`.
    pub(super) fn apply(&self, image: &[u8], insert_at: usize, inserted: &[u8], out: &mut Vec<u8>) {
        let mut insert = Some(insert_at).filter(|_| !inserted.is_empty());
        let mut at = 0;
        // A change may stand in what one before it cuts: EOI is put where the data ends, and what follows is cut from there on.
        let mut copy_up_to = |end: usize, next: usize, out: &mut Vec<u8>| {
            let end = end.min(image.len());
            if let Some(place) = insert.take_if(|place| *place <= end) {
                out.extend_from_slice(image.get(at..place).unwrap_or_default());
                out.extend_from_slice(inserted);
                at = at.max(place);
            }
            out.extend_from_slice(image.get(at..end).unwrap_or_default());
            at = at.max(next);
        };
        for edit in &self.edits {
            copy_up_to(edit.at, edit.at + edit.cut, out);
            out.extend_from_slice(&edit.put[..usize::from(edit.put_len)]);
        }
        copy_up_to(image.len(), image.len(), out);
    }
}

fn bit(kind: Mend) -> u16 {
    1 << Mend::ALL.iter().position(|other| *other == kind).expect("`ALL` has all kinds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_within_a_cut_and_a_cut_beyond_the_end_do_no_harm() {
        let mut mends = Mends::default();
        mends.cut(4..9, Mend::StrayBytes);
        mends.put(4, 0, b"ZZ", Mend::EndMissing);
        for len in [4, 6, 9, 10] {
            let mut out = Vec::new();
            mends.apply(&b"0123456789"[..len], 2, b"xy", &mut out);
            assert_eq!(out, if len > 9 { &b"01xy23ZZ9"[..] } else { b"01xy23ZZ" });
        }
    }

    #[test]
    fn changes_are_made_in_their_order_and_what_is_inserted_finds_its_place() {
        let mut mends = Mends::default();
        let apply = |mends: &Mends, at, inserted: &[u8]| {
            let mut out = Vec::new();
            mends.apply(b"0123456789", at, inserted, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(apply(&mends, 3, b""), "0123456789");
        assert_eq!(apply(&mends, 3, b"xy"), "012xy3456789");
        mends.cut(0..1, Mend::FillBeforeStart);
        mends.cut(1..2, Mend::StrayBytes);
        mends.cut(4..6, Mend::StrayBytes);
        mends.put(7, 2, b"abc", Mend::ScanHeader);
        mends.put(10, 0, b"Z", Mend::EndMissing);
        assert_eq!(apply(&mends, 0, b""), "236abc9Z");
        assert_eq!(apply(&mends, 6, b"xy"), "23xy6abc9Z");
        assert_eq!(apply(&mends, 9, b"xy"), "236abcxy9Z");
        use Mend::{EndMissing, FillBeforeStart, ScanHeader, StrayBytes};
        assert_eq!(mends.kinds().collect::<Vec<_>>(), [FillBeforeStart, StrayBytes, ScanHeader, EndMissing]);
    }
}
