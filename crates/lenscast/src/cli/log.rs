//! The program's log, on standard error.

use super::device::Lines;
use std::io::IsTerminal as _;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

/// What changes the filter of the log that runs.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log.
pub(crate) fn start(filter: &str) {
    let (filter, handle) = reload::Layer::new(parse(filter));
    let lines = fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(|| Lines(std::io::stderr()));
    tracing_subscriber::registry().with(filter).with(lines).init();
    #[expect(clippy::let_underscore_must_use, reason = "it is set once, at the start")]
    let _ = FILTER.set(handle);
}

/// Lets the log that runs have another filter.
pub(crate) fn set(filter: &str) {
    if let Some(handle) = FILTER.get() {
        #[expect(clippy::let_underscore_must_use, reason = "a log that is gone needs no filter")]
        let _ = handle.reload(parse(filter));
    }
}

fn parse(filter: &str) -> EnvFilter {
    EnvFilter::builder().parse_lossy(filter)
}
