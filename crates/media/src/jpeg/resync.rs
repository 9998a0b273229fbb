//! What the walk does where no marker is: it looks for the next one that can be believed, within a bound, and notes what is to be
//! cut. Cameras that do this do it in every frame, and other decoders show them.
//!
//! None of this is reached in a clean message.

use memchr::memchr;

use super::fault::Fault;
use super::frame::{Segment, bad};
use super::inspected::{Inspected, Limits};
use super::mends::{MAX_STRAY_BYTES, Mends};
use super::scan::{COM, DHT, DQT, DRI, EOI, SOI, SOS, Walk};
use crate::causes::Mend;

/// How deep images may begin inside of images.
const MAX_DEPTH: u8 = 4;

/// How known contents of APPn segments begin.
const SIGNATURES: &[&[u8]] =
    &[b"JFIF\0", b"JFXX\0", b"Exif\0", b"Adobe", b"ICC_PROFILE", b"http://", b"Photoshop", b"AVI1", b"MPF\0"];

impl<'a> Walk<'a> {
    /// Begins at `from`, where nothing but fill bytes may stand before SOI. Of several SOI in a row the last one counts. `None` when
    /// there is none.
    pub(super) fn start_at(message: &'a [u8], limits: &'a Limits, from: usize) -> Option<Self> {
        let mut soi = start_of_image(message, from).filter(|soi| soi - from <= MAX_STRAY_BYTES)?;
        let mut mends = Mends::default();
        if from > 0 {
            mends.cut(0..from, Mend::SeveralStarts);
        }
        if soi > from {
            mends.cut(from..soi, Mend::FillBeforeStart);
        }
        while let Some(next) = start_of_image(message, soi + 2) {
            mends.cut(soi..next, Mend::SeveralStarts);
            soi = next;
        }
        let mut walk = Self::fresh(message, limits, soi + 2);
        walk.mends = mends;
        Some(walk)
    }

    /// Looks for the next marker where at `from` there is none, or none that can stand there. Gives the image when it has ended
    /// before.
    ///
    /// # Errors
    /// `fault` when there is no marker within the bound, or image data is missing.
    pub(super) fn pass_over(&mut self, from: usize, fault: Fault) -> Result<Option<Inspected>, Fault> {
        self.cut_to_next(from, from, true, Mend::StrayBytes, fault)
    }

    /// The same behind an APPn or COM whose marker is at `offset`, and whose length at `self.at` cannot be.
    pub(super) fn pass_over_length(
        &mut self,
        offset: usize,
        fault: Fault,
    ) -> Result<Option<Inspected>, Fault> {
        self.cut_to_next(offset, self.at + 2, false, Mend::SegmentLength, fault)
    }

    fn cut_to_next(
        &mut self,
        from: usize,
        search_from: usize,
        image_may_start: bool,
        kind: Mend,
        fault: Fault,
    ) -> Result<Option<Inspected>, Fault> {
        // Behind image data, what is no marker may be image data itself, damaged: `ff 45` where one bit of `ff 00` was lost. Nothing
        // is cut there before all data has come.
        // Then everything is cut that is no data, from its last byte on.
        let from = match self.scans {
            0 => from,
            _ => {
                let end = self.data_end().ok_or(fault)?;
                if from == self.behind_data { end } else { from }
            }
        };
        match self.next_marker(search_from, image_may_start && self.scans == 0) {
            Some(next) => {
                self.mends.cut(from..next, kind);
                self.at = next;
                Ok(None)
            }
            None if self.scans > 0 => self.end_without_eoi(fault).map(Some),
            None => Err(fault),
        }
    }

    /// Ends a segment whose length is too large at `rest`, behind the last of its tables.
    ///
    /// # Errors
    /// `fault` when no marker follows.
    pub(super) fn shorten(&mut self, segment: &Segment<'_>, rest: usize, fault: Fault) -> Result<(), Fault> {
        let next = self.next_marker(rest, false).ok_or(fault)?;
        let length = (rest - segment.length_at) as u16;
        self.mends.put(segment.length_at, 2, &length.to_be_bytes(), Mend::SegmentLength);
        self.mends.cut(rest..next, Mend::SegmentLength);
        self.at = next;
        Ok(())
    }

    /// Deals with an SOI at `offset`, before this image has ended. That may be
    ///
    /// - the next image, when this one has all its data and only lacks its EOI: then this one ends here;
    /// - the image that is meant, when this one was broken off: then everything before it is cut;
    /// - a thumbnail, when the length of the segment around it is wrong: then more segments follow it, and it is cut.
    pub(super) fn another_start(&mut self, offset: usize) -> Result<Option<Inspected>, Fault> {
        let fault = bad(offset, "another image starts before this one has ended");
        if let Ok(inspected) = self.end_without_eoi(fault) {
            return Ok(Some(inspected));
        }
        if self.depth == MAX_DEPTH || !self.look() {
            return Err(fault);
        }
        let mut inner = Walk::start_at(self.message, self.limits, offset).ok_or(fault)?;
        (inner.depth, inner.looks) = (self.depth + 1, self.looks);
        let found = inner.run();
        self.looks = inner.looks;
        let inspected = found.map_err(|_| fault)?;
        if self.scans == 0
            && let Some(next) = self.next_marker(inspected.len, false)
        {
            self.mends.cut(offset..next, Mend::StrayBytes);
            self.at = next;
            return Ok(None);
        }
        Ok(Some(inspected))
    }

    /// Where the next marker is that can be believed, from `from` on within the bound.
    fn next_marker(&mut self, from: usize, image_may_start: bool) -> Option<usize> {
        if !self.mends.has_room() {
            return None;
        }
        let end = self.message.len().min(from.saturating_add(MAX_STRAY_BYTES + 1));
        let mut at = from;
        while let Some(next) = self.message.get(at..end).and_then(|window| memchr(0xFF, window)) {
            at += next;
            if !self.look() {
                return None;
            }
            if self.is_believable(at, image_may_start) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Whether a marker with what belongs to it is at `at`. Stray bytes look like one now and then: of 600 random bytes, two are
    /// 0xFF, and what follows is then taken for a code.
    fn is_believable(&self, at: usize, image_may_start: bool) -> bool {
        let Some((code, end)) = code_at(self.message, at) else { return false };
        let mut probe = self.clone();
        // A probe reads one segment, and looks for nothing.
        (probe.at, probe.looks) = (end, 0);
        match code {
            EOI => self.scans > 0,
            SOI => image_may_start && code_at(self.message, end).is_some_and(|(code, _)| code >= 0xC0),
            0xC0..=0xC2 | DHT | DQT | DRI | SOS => {
                probe.segment(at).is_ok_and(|segment| probe.take_segment(code, segment).is_ok())
            }
            // Anything can be in these, so that only what follows, or a known beginning, tells.
            0xE0..=0xEF | COM => probe.segment(at).is_ok_and(|segment| {
                probe.leads_to_marker()
                    || SIGNATURES.iter().any(|signature| segment.bytes.starts_with(signature))
            }),
            _ => false,
        }
    }

    /// Whether a marker stands where the walk is.
    pub(super) fn leads_to_marker(&self) -> bool {
        code_at(self.message, self.at).is_some_and(|(code, _)| code >= 0xC0)
    }

    /// Counts one more candidate. False when there were too many.
    const fn look(&mut self) -> bool {
        let left = self.looks.checked_sub(1);
        if let Some(left) = left {
            self.looks = left;
        }
        left.is_some()
    }
}

/// The code of the marker at `at`, where fill bytes may stand before it, and where it ends.
fn code_at(message: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = message.get(at..)?;
    let fill = rest.iter().position(|&byte| byte != 0xFF)?;
    (fill > 0).then(|| (rest[fill], at + fill + 1))
}

/// Where the SOI is that stands at `at`, behind nothing but fill bytes: the place of its own 0xFF.
fn start_of_image(message: &[u8], at: usize) -> Option<usize> {
    code_at(message, at).filter(|&(code, _)| code == SOI).map(|(_, end)| end - 2)
}
