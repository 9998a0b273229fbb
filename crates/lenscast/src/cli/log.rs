//! The program's log, on standard error.

use super::device::Lines;
use lenscast_base::notices::Notices;
use lenscast_protocol::plain;
use std::fmt;
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

/// What was logged of panics lately.
static PANICS: OnceLock<Notices> = OnceLock::new();

/// What changes the filter of the log that runs.
static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log.
pub(crate) fn start(filter: &str) {
    let (filter, handle) = reload::Layer::new(parse(filter));
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .fmt_fields(debug_fn(field).delimited(" "))
        .with_writer(|| Lines(std::io::stderr()));
    tracing_subscriber::registry().with(filter).with(lines).init();
    std::panic::set_hook(Box::new(panicked));
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

/// Writes one field of a line, the message or what belongs to it. It may have words of strangers in it.
fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = shown(&format!("{value:?}"));
    match field.name() {
        "message" => out.write_str(&value),
        name => write!(out, "{name}={value}"),
    }
}

/// A text as it is written into the log. Of several lines, those below the first are indented: none looks like a line of
/// its own.
fn shown(text: &str) -> String {
    text.lines().map(plain::line).collect::<Vec<_>>().join("\n    ")
}

/// A thread panicked. A picture of a stranger's may be the cause, again and again, so this is a line of the log that can be
/// summed up, without a backtrace unless it is asked for.
fn panicked(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    if let Some(held_back) = PANICS.get_or_init(Notices::default).due("a thread panicked") {
        let backtrace = std::backtrace::Backtrace::capture();
        let backtrace = match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{backtrace}"),
            _ => String::new(),
        };
        tracing::error!(thread, held_back, "{info}{backtrace}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_one_line_and_does_nothing_to_a_terminal() {
        assert_eq!(shown("firmware \"\u{9b}2J\u{202e}\""), "firmware \"\\u{9b}2J\\u{202e}\"");
        assert_eq!(shown("mistakes:\nfirst\nINFO forged"), "mistakes:\n    first\n    INFO forged");
    }
}
