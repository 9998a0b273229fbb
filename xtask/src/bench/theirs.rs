//! The pipeline of the original server, measured: one ffmpeg that is fed JPEGs and writes MPEG-TS.

use super::camera;
use super::frames::Frames;
use super::measured::Run;
use super::usage;
use super::viewer::Recording;
use crate::Result;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The command line in the specification of the original server, section 2.2; only its chatter is turned off.
const ARGUMENTS: &str = "-loglevel error -f image2pipe -c:v mjpeg -i - \
    -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -r 30 -g 60 -f mpegts -";

/// It analyses the first 126 frames, 5 s of the 25 fps that it takes them for, before it shows anything: these bound how
/// long is waited, and say how long it is watched from then on.
const AT_MOST: Duration = Duration::from_secs(60);
const FROM_FIRST_OUTPUT: Duration = Duration::from_secs(22);

/// Feeds frames for `at_least`, and longer until there was output for some time.
///
/// # Errors
/// ffmpeg could not be started, or failed.
pub(crate) fn run(frames: &Frames, at_least: Duration) -> Result<Run> {
    let mut child = Killed(
        Command::new("ffmpeg")
            .args(ARGUMENTS.split_ascii_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let pid = child.0.id();
    let mut input = child.0.stdin.take().ok_or("the child has no standard input")?;
    let mut output = child.0.stdout.take().ok_or("the child has no standard output")?;
    let recording = Recording::default();
    let record = recording.clone();
    let reading = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        // An error ends it as the end of the file does; what is missing then is seen in the table.
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            record.push(buffer[..count].to_vec());
        }
    });

    thread::sleep(super::SETTLE);
    let before = usage::cpu(pid)?;
    let seconds = |count: usize| Duration::from_secs_f64(count as f64 / f64::from(frames.fps));
    let go_on = |sent| {
        let watched = recording.first().is_some_and(|first| first.elapsed() >= FROM_FIRST_OUTPUT);
        seconds(sent) < at_least || !watched && seconds(sent) < AT_MOST
    };
    let sent = camera::pace(frames, 0, |jpeg| Ok(input.write_all(jpeg)?), go_on)?;
    // The last frame it holds back until its input ends, and its CPU time cannot be read after its end: one of hundreds.
    thread::sleep(super::SETTLE);
    let cpu = usage::cpu(pid)? - before;
    let memory = usage::memory(pid)?;
    drop(input);
    reading.join().map_err(|_| "the reading thread panicked")?;
    let status = child.0.wait()?;
    if !status.success() {
        return Err(format!("ffmpeg failed ({status})").into());
    }
    Ok(Run { sent, chunks: recording.take(), cpu, memory, joins: Vec::new() })
}

/// A child that does not outlive this.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail only when it ended by itself.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.0.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.0.wait();
    }
}
