//! The `lenscast` program: parse, bind, run.

#![forbid(unsafe_code)]

mod cli;

use clap::Parser as _;
use lenscast_protocol::plain;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// How long a thread for disk and passwords waits for more work before it ends.
const IDLE_THREAD: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    lenscast_media::allocator::give_large_buffers_back();
    let job = match cli::prepare(cli::Cli::parse()) {
        Ok(job) => job,
        Err(error) => return fail(&*error),
    };
    // A connection costs a descriptor, and many systems give a process only 1,024 unless it asks. Without more it still works.
    #[expect(clippy::let_underscore_must_use, reason = "where it cannot be raised, the lower limit counts")]
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(IDLE_THREAD).build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(cli::run(job)),
        Err(error) => Err(format!("the system gives no threads: {error}").into()),
    };
    match result {
        Ok(code) => code,
        Err(error) => fail(&*error),
    }
}

fn fail(error: &dyn Error) -> ExitCode {
    // It may repeat what a server said.
    eprintln!("lenscast: {}", plain::lines(&error.to_string()));
    ExitCode::FAILURE
}
