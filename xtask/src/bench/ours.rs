//! `lenscast serve`, measured.

use super::camera::{self, Camera};
use super::frames::Frames;
use super::measured::Run;
use super::server::Server;
use super::usage;
use super::viewer::{self, Viewer};
use crate::Result;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const JOINS: usize = 20;
/// No multiple of a frame's time, so that joiners come at any moment between two frames; and seldom enough that the
/// limit of two forced key frames a second does not hold one back for the sake of the one before.
const JOIN_INTERVAL: Duration = Duration::from_millis(570);

/// Sends `count` frames to a new server with one viewer, then lets others join.
///
/// # Errors
/// The server could not be started, or a connection broke.
pub(crate) fn run(program: &Path, frames: &Arc<Frames>, count: usize) -> Result<Run> {
    let server = Server::start(program, &[])?;
    let watching = Viewer::connect(server.address)?;
    let mut camera = Camera::connect(server.address)?;
    thread::sleep(super::SETTLE);
    let before = usage::cpu(server.pid())?;
    let sent = camera::pace(frames, 0, |jpeg| camera.send(jpeg), |sent| sent < count)?;
    wait_until_quiet(&watching);
    let cpu = usage::cpu(server.pid())? - before;
    let memory = usage::memory(server.pid())?;
    let chunks = watching.recording.take();

    let sending = camera.send_in_background(frames.clone(), count);
    thread::sleep(Duration::from_secs(1));
    let mut joins = Vec::with_capacity(JOINS);
    for _ in 0..JOINS {
        let start = Instant::now();
        joins.push(viewer::join(server.address)?);
        thread::sleep((start + JOIN_INTERVAL).saturating_duration_since(Instant::now()));
    }
    sending.end()?;
    Ok(Run { sent, chunks, cpu, memory, joins })
}

/// Waits until nothing more comes; bounded.
fn wait_until_quiet(viewer: &Viewer) {
    for _ in 0..10 {
        let seen = viewer.recording.len();
        thread::sleep(super::SETTLE);
        if viewer.recording.len() == seen {
            return;
        }
    }
}
