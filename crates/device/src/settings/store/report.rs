//! What is told about the settings that were found.

use alloc::vec::Vec;
use core::fmt;

/// What was found in the flash, in the order in which it was found. Shown as one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(Vec<Finding>);

impl Report {
    /// Whether all is well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Forgets all but this, which says it all.
    pub(super) fn replace(&mut self, finding: Finding) {
        self.0.clear();
        self.0.push(finding);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{finding}")?;
        }
        Ok(())
    }
}

/// One thing that is not as it should be. Pages count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The flash failed.
    #[error(
        "the saved settings could not be read: the flash failed; the defaults are used, and saving may still work"
    )]
    Flash,
    /// Nothing of it could be read, so it is empty now.
    #[error(
        "nothing of the saved settings could be read (damaged, encrypted or not settings at all): all is set to default"
    )]
    Formatted,
    /// A page could not be read, so it is empty now. An erase that was cut short looks the same, and loses nothing.
    #[error("page {0} of the settings held nothing that can be read, and was emptied")]
    Emptied(usize),
    /// The head of a page was damaged; its values were kept.
    #[error("page {0} of the settings was damaged, and was repaired: what could be read of it was kept")]
    Mended(usize),
    /// Entries whose checksum is wrong.
    #[error("{entries} damaged entries on page {page} of the settings were lost")]
    Damaged {
        /// The page.
        page: usize,
        /// How many of its 126 entries of 32 bytes.
        entries: usize,
    },
    /// A page of a version of the format that is newer than what is known here.
    #[error("page {0} of the settings was written by newer software: only what is known is read")]
    Newer(usize),
    /// A save in this namespace had been cut short.
    #[error("saving the {0} settings had been cut short, and was finished now")]
    Finished(&'static str),
    /// The same, and it could not be finished. Its values count all the same.
    #[error("the settings partition is full: the new {0} settings count, but cannot be put in their place")]
    NoRoom(&'static str),
    /// A value that could not be taken.
    #[error("the saved {name} {fault}: the default is used")]
    Setting {
        /// Its namespace and key.
        name: &'static str,
        /// What is wrong with it.
        fault: Fault,
    },
    /// There is a network without a password, not even an empty one.
    #[error("no password is saved for the network: it is taken to be open")]
    NoPassword,
}

/// What is wrong with a saved value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has another type.
    #[error("is of another type than expected")]
    Type,
    /// It is too long, too large, too small or not made of the characters that it can have.
    #[error("is out of its range")]
    Range,
    /// It is not text, or not whole.
    #[error("cannot be read")]
    Unreadable,
    /// The flash failed.
    #[error("could not be read, because the flash failed")]
    Flash,
    /// One half of a pair is missing.
    #[error("lacks its other half")]
    Half,
}
