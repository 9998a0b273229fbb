//! Many viewers, and many cameras: what they cost beside the least that it can cost.
//!
//! Three programs send the same access units to equally many sockets: this server, a bare loop that only writes
//! ([`limit`]), and a server on a WebSocket library ([`library`]). The viewers live in this process, whose CPU is not
//! counted; all of it shares the machine's cores, though, and so does whatever else runs there.

pub(crate) mod cameras;
pub(crate) mod crowd;
mod library;
mod limit;
mod recording;
mod sender;
pub(crate) mod status;
mod viewers;

pub(crate) use cameras::run as cameras;
pub(crate) use sender::{Sender, unix_us};
pub(crate) use viewers::run as viewers;

use crate::Result;
use std::path::Path;

/// Descriptors that this process and its children may need: a socket a viewer and some more.
const DESCRIPTORS: u64 = 4096;

/// Flags that let a crowd from one address in.
pub(crate) const OPEN_DOORS: [&str; 6] =
    ["--max-viewers", "4000", "--max-viewers-per-address", "4000", "--max-connections", "8000"];

/// Runs as the child that [`viewers()`] starts: `kind` says as which one.
///
/// # Errors
/// The recording cannot be read, or no socket can be opened. Otherwise it runs until it is killed.
pub(crate) fn child(kind: &str, recording: &Path) -> Result<()> {
    raise_limit()?;
    let recording = recording::Recording::read(recording)?;
    match kind {
        "limit" => limit::run(&recording),
        "library" => library::run(recording, library::Buffers::AsTheyCome),
        "library-small" => library::run(recording, library::Buffers::Small),
        _ => Err(format!("{kind:?} is no child of the benchmark").into()),
    }
}

/// Lets this process, and what it starts, open enough sockets.
///
/// # Errors
/// The system does not allow as many.
pub(crate) fn raise_limit() -> Result<()> {
    let now = rlimit::increase_nofile_limit(DESCRIPTORS)?;
    if now < 2500 {
        return Err(format!("only {now} files may be open, and 1,000 viewers need 2,500 (ulimit -Hn)").into());
    }
    Ok(())
}
