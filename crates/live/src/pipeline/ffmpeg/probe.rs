//! Trying, at the server's start, whether this ffmpeg can encode with this codec the way it will have to.

use super::child::{Child, Output};
use super::command;
use super::program::{Ffmpeg, ProbeError};
use super::worker::MAX_IN_FLIGHT;
use lenscast_media::h264::encoder::Encoded;
use lenscast_media::picture::I420;
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The size of the pictures that are tried: large enough for every hardware encoder.
const SIZE: (usize, usize) = (320, 240);

/// How many pictures are tried.
const PICTURES: u64 = 5;

/// The picture of them that must become a key frame, because that is asked for; counted from 0.
const KEY: u64 = 3;

/// How long the first access unit may take: a graphics card may have to wake up.
const FIRST: Duration = Duration::from_secs(10);

/// How long every other access unit may take until it counts as held back.
const OTHERS: Duration = Duration::from_secs(2);

/// What has come from the process so far.
#[derive(Default)]
struct Seen {
    units: BTreeMap<u64, Encoded>,
    lines: Vec<String>,
    ended: bool,
}

/// Encodes a few pictures. True when the encoder gives each access unit at once, false when only after later pictures.
pub(super) fn run(ffmpeg: &Ffmpeg) -> Result<bool, ProbeError> {
    let (sender, receiver) = mpsc::channel();
    let output = move |output| {
        // After the probe nobody listens, and that is all right.
        #[expect(clippy::let_underscore_must_use, reason = "nobody waits any more when it took too long")]
        let _ = sender.send(output);
    };
    let mut child = Child::start(ffmpeg, "", SIZE, output).map_err(ProbeError::NotRun)?;
    let mut seen = Seen::default();
    let mut prompt = true;
    let mut asked = 0;
    for number in 0..PICTURES {
        let stamp = number * 100_000 + u64::from(number == KEY);
        if number == KEY {
            asked = stamp;
        }
        if child.write(&picture(number), stamp).is_err() {
            break;
        }
        let patience = if number == 0 { FIRST } else { OTHERS };
        seen.wait(&receiver, patience, |seen| seen.units.contains_key(&stamp));
        prompt &= seen.units.contains_key(&stamp);
        if number as usize + 1 >= MAX_IN_FLIGHT && seen.units.is_empty() {
            break;
        }
    }
    let any_before_the_end = !seen.units.is_empty();
    child.close();
    seen.wait(&receiver, OTHERS, |seen| seen.ended);
    drop(child);
    // Its last words may have come after its end.
    seen.wait(&receiver, Duration::ZERO, |_| false);
    seen.judge(&ffmpeg.codec, any_before_the_end, asked).map(|()| prompt)
}

impl Seen {
    fn wait(&mut self, receiver: &Receiver<Output>, patience: Duration, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + patience;
        while !done(self) {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Output::Unit(stamp, encoded)) => drop(self.units.insert(stamp, encoded)),
                Ok(Output::Line(line)) => self.lines.push(line),
                Ok(Output::End(_)) => self.ended = true,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn judge(self, codec: &str, any_before_the_end: bool, asked: u64) -> Result<(), ProbeError> {
        let codec = codec.to_owned();
        if self.units.is_empty() {
            self.lines.iter().for_each(|line| tracing::info!("ffmpeg says: {line}"));
            let said = self.lines.into_iter().next().unwrap_or_else(|| "it says nothing".to_owned());
            return Err(ProbeError::Unusable { codec, said, known: known_encoders() });
        }
        if !any_before_the_end || self.units.len() as u64 != PICTURES {
            return Err(ProbeError::Late { codec });
        }
        if !self.units.get(&asked).is_some_and(|unit| unit.key) {
            return Err(ProbeError::NoKeyFrames { codec });
        }
        Ok(())
    }
}

/// The picture with this number: something that changes a little from picture to picture.
fn picture(number: u64) -> I420 {
    let mut picture = I420::new(SIZE.0, SIZE.1);
    let [y, ..] = picture.planes_mut();
    for (at, sample) in y.iter_mut().enumerate() {
        *sample = (at % SIZE.0 + number as usize * 4) as u8;
    }
    picture
}

/// The names of the H.264 encoders that ffmpeg was built with, which is more than this machine's hardware can do.
fn known_encoders() -> String {
    let Ok(output) = command::list_encoders().output() else {
        return "unknown".to_owned();
    };
    let list = String::from_utf8_lossy(&output.stdout);
    let is_h264 = |line: &&str| line.contains("(codec h264)") || line.contains(" libopenh264 ");
    let names: Vec<&str> = list
        .lines()
        .filter(is_h264)
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|&name| name != "libx264rgb")
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
