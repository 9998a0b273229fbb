//! The access units of a camera as its viewers got them, with their times: what all sides of the comparison send.

use crate::Result;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Messages in order. A recording is played again and again; its last message follows the one before as the first
/// follows the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recording {
    /// When, from the first on, and what: the payload of one WebSocket message.
    pub(crate) messages: Vec<(Duration, Vec<u8>)>,
}

impl Recording {
    /// How long it takes to play it once. It has two messages at least.
    pub(crate) fn length(&self) -> Duration {
        let last = self.messages.last().map_or(Duration::ZERO, |(at, _)| *at);
        last + last / u32::try_from(self.messages.len().max(2) - 1).unwrap_or(1)
    }

    /// When message number `index` is due, and what it is; indices go on where the recording begins again.
    pub(crate) fn at(&self, index: usize) -> (Duration, usize) {
        let (turn, place) = (index / self.messages.len(), index % self.messages.len());
        (self.length() * u32::try_from(turn).unwrap_or(u32::MAX) + self.messages[place].0, place)
    }

    /// Mean size of a message, in bytes.
    pub(crate) fn mean_bytes(&self) -> usize {
        self.messages.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() / self.messages.len().max(1)
    }

    /// Writes it to a file: for each message µs and length in 8 bytes each, then the bytes.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut out = Vec::new();
        for (at, bytes) in &self.messages {
            out.extend(u64::try_from(at.as_micros())?.to_be_bytes());
            out.extend((bytes.len() as u64).to_be_bytes());
            out.extend(bytes);
        }
        Ok(fs::write(path, out)?)
    }

    /// Reads what [`Recording::write`] wrote.
    ///
    /// # Errors
    /// There is no such file, or it is cut off, or holds fewer than two messages.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = fs::read(path)?;
        let mut rest = &file[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let cut_off = || format!("{} is cut off", path.display());
            let (head, after) = rest.split_first_chunk::<16>().ok_or_else(cut_off)?;
            let (at, length) = head.split_at(8);
            let length = usize::try_from(u64::from_be_bytes(length.try_into()?))?;
            let (bytes, after) = after.split_at_checked(length).ok_or_else(cut_off)?;
            messages.push((Duration::from_micros(u64::from_be_bytes(at.try_into()?)), bytes.to_vec()));
            rest = after;
        }
        if messages.len() < 2 {
            return Err(format!("{} holds fewer than two messages", path.display()).into());
        }
        Ok(Self { messages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let message = |ms, byte| (Duration::from_millis(ms), vec![byte; 3]);
        Recording { messages: vec![message(0, 1), message(30, 2), message(70, 3), message(90, 4)] }
    }

    #[test]
    fn it_goes_on_at_the_same_rate_where_it_begins_again() {
        let recording = recording();
        assert_eq!(recording.length(), Duration::from_millis(120));
        assert_eq!(recording.at(3), (Duration::from_millis(90), 3));
        assert_eq!(recording.at(4), (Duration::from_millis(120), 0));
        assert_eq!(recording.at(9), (Duration::from_millis(270), 1));
    }

    #[test]
    fn what_was_written_is_read() {
        let path = std::env::temp_dir().join(format!("xtask-recording-{}", std::process::id()));
        recording().write(&path).unwrap();
        let read = Recording::read(&path).unwrap();
        let cut_off = fs::read(&path).unwrap();
        fs::write(&path, &cut_off[..cut_off.len() - 1]).unwrap();
        let refused = Recording::read(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(read, recording());
        assert!(refused.is_err());
    }
}
