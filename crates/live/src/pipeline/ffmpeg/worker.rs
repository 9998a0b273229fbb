//! The thread that feeds a camera's ffmpeg, and replaces it when it dies.

use super::child::{Child, HUNG_AFTER, Killer, Output};
use super::program::Ffmpeg;
use crate::pipeline::encoder::{Encoder, Sink};
use crate::stream::Stream;
use lenscast_media::causes::Cause;
use lenscast_media::h264::encoder::EncodeFault;
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many pictures ffmpeg may have at once. Pictures that come meanwhile replace each other, so that latency stays bounded
/// however much ffmpeg would queue. Hardware encoders that work on three pictures at a time still run.
pub(super) const MAX_IN_FLIGHT: usize = 4;

/// How long a process may be without work until it is ended: some graphics cards encode only few streams at once.
const IDLE: Duration = Duration::from_secs(30);

/// How long a process that is no longer needed may take to give what it has.
const FAREWELL: Duration = Duration::from_millis(500);

/// The pause before a process that died is replaced: each is twice as long as the one before.
const FIRST_BACK_OFF: Duration = Duration::from_millis(200);

/// The longest pause before a process is replaced.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// How long a process must have run to count as a good one. After such a one, the pauses begin anew.
const PROVEN: Duration = Duration::from_secs(20);

/// The camera's side: an [`Encoder`] that hands its pictures to the thread, and never waits for ffmpeg.
pub(super) struct Feeder {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    pub(super) fn new(ffmpeg: Ffmpeg, sink: Sink) -> Self {
        let shared = Arc::new(Shared::default());
        let stream = sink.stream().clone();
        let worker = Worker {
            ffmpeg,
            sink,
            shared: shared.clone(),
            child: None,
            base: Pts90k::ZERO,
            last: None,
            back_off: FIRST_BACK_OFF,
        };
        let thread =
            std::thread::Builder::new().name(format!("ffmpeg {}", stream.name())).spawn(move || worker.run());
        let thread = thread.inspect_err(|error| {
            if stream.notices.due("no thread for ffmpeg").is_some() {
                tracing::error!(camera = %stream.name(), %error, "no thread for ffmpeg");
            }
        });
        Self { shared, stream, thread: thread.ok() }
    }
}

impl Encoder for Feeder {
    fn encode(&mut self, picture: &I420, pts: Pts90k, key: bool) -> Result<(), EncodeFault> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(EncodeFault::Failed { reason: "the thread that feeds ffmpeg is gone".to_owned() });
        }
        let mut copy = self.shared.lock().spare.pop().unwrap_or_default();
        copy_picture(picture, &mut copy);
        let mut state = self.shared.lock();
        if let Some(old) = state.waiting.take() {
            state.waiting = Some(Job { picture: copy, pts, key: key || old.key });
            state.spare.push(old.picture);
            if state.restarting {
                self.stream.stats.count_quarantined(Cause::EncoderRestarting);
            } else {
                self.stream.stats.dropped.fetch_add(1, Ordering::Relaxed);
            }
        } else {
            state.waiting = Some(Job { picture: copy, pts, key });
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        if let Some(killer) = &state.killer {
            // The thread may be writing to it.
            killer.kill();
        }
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in it was its own end, and was logged; ours is not needed.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a panic of that thread was told when it happened"
            )]
            let _ = thread.join();
        }
    }
}

/// A picture on its way to ffmpeg.
#[derive(Debug)]
struct Job {
    picture: I420,
    pts: Pts90k,
    key: bool,
}

/// A picture that ffmpeg has.
#[derive(Debug)]
struct InFlight {
    /// The stamp that it was given.
    stamp: u64,
    pts: Pts90k,
    /// When ffmpeg got it.
    since: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The picture that waits for ffmpeg. There is one slot, and the newest wins.
    waiting: Option<Job>,
    /// Pictures whose memory can be used again.
    spare: Vec<I420>,
    /// The pictures that ffmpeg has, the oldest first.
    in_flight: VecDeque<InFlight>,
    /// When ffmpeg gave an access unit last.
    given: Option<Instant>,
    /// Why the output of the process ended, when it has.
    ended: Option<String>,
    /// Whether one process has died and the next was not started yet.
    restarting: bool,
    /// Whether the camera has left.
    closed: bool,
    /// What kills the process that there is.
    killer: Option<Killer>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What the thread is to do next.
enum Event {
    Job(Job),
    Ended(String),
    Hung,
    Idle,
    Closed,
}

/// The thread's side: it feeds a process, and replaces it.
struct Worker {
    ffmpeg: Ffmpeg,
    sink: Sink,
    shared: Arc<Shared>,
    /// The process, and when it was started.
    child: Option<(Child, Instant)>,
    /// The time stamp of the first picture that the process got.
    base: Pts90k,
    /// The newest picture that a process got, for the case that it dies with it.
    last: Option<Job>,
    /// The pause before the next process, should this one die.
    back_off: Duration,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next_event() {
                Event::Job(job) => {
                    let pts = job.pts;
                    if let Err(error) = self.give(job) {
                        self.restart(&match error.kind() {
                            io::ErrorKind::WouldBlock => "it takes no picture".to_owned(),
                            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                                "it ended".to_owned()
                            }
                            _ => format!("the picture at {pts} cannot be given to it: {error}"),
                        });
                    }
                }
                Event::Ended(why) => self.restart(&why),
                Event::Hung => self.restart("it takes no picture"),
                Event::Idle => self.let_go(),
                Event::Closed => break,
            }
        }
    }

    fn next_event(&self) -> Event {
        let entered = Instant::now();
        let mut blocked = None;
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return Event::Closed;
            }
            if let Some(why) = state.ended.take() {
                return Event::Ended(why);
            }
            let timeout = if state.in_flight.len() < MAX_IN_FLIGHT {
                if let Some(job) = state.waiting.take() {
                    return Event::Job(job);
                }
                match &self.child {
                    Some(_) if entered.elapsed() >= IDLE => return Event::Idle,
                    Some(_) => IDLE.saturating_sub(entered.elapsed()),
                    None => IDLE,
                }
            } else if state.waiting.is_some() {
                let since = *blocked.get_or_insert_with(Instant::now);
                if since.elapsed() >= HUNG_AFTER {
                    return Event::Hung;
                }
                HUNG_AFTER.saturating_sub(since.elapsed())
            } else {
                IDLE
            };
            state = self.shared.wait(state, timeout);
        }
    }

    /// Gives a picture to the process, or to a new one when there is none that takes pictures of its size.
    fn give(&mut self, job: Job) -> io::Result<()> {
        let size = (job.picture.width(), job.picture.height());
        if self.child.as_ref().is_some_and(|(child, _)| child.size() != size) {
            self.let_go();
        }
        if self.child.is_none() {
            self.base = job.pts;
        }
        let stamp = stamp(job.pts.saturating_since(self.base), job.key);
        let mut state = self.shared.lock();
        state.in_flight.push_back(InFlight { stamp, pts: job.pts, since: Instant::now() });
        // Remembered for the case that its process dies.
        if let Some(old) = self.last.replace(job) {
            state.spare.push(old.picture);
        }
        drop(state);
        let child = match &mut self.child {
            Some((child, _)) => child,
            none => {
                let child = start(&self.ffmpeg, &self.sink, &self.shared, size)?;
                &mut none.insert((child, Instant::now())).0
            }
        };
        self.last.as_ref().map_or(Ok(()), |last| child.write(&last.picture, stamp))
    }

    /// Ends a process that did nothing wrong, and lets it give what it still has.
    fn let_go(&mut self) {
        let Some((mut child, _)) = self.child.take() else {
            return;
        };
        child.close();
        let deadline = Instant::now() + FAREWELL;
        let mut state = self.shared.lock();
        while state.ended.is_none() && !state.closed && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            state = self.shared.wait(state, left);
        }
        drop(state);
        drop(child);
        self.forget_process();
    }

    /// Clears up after a process that died or must die, and waits for a while. Then it goes on with the newest picture, which
    /// becomes a key frame.
    fn restart(&mut self, why: &str) {
        let mut state = self.shared.lock();
        state.restarting = true;
        drop(state);
        let proven = self.child.take().is_some_and(|(_, started)| started.elapsed() >= PROVEN);
        let stream = self.sink.stream();
        stream.stats.encoder_restarts.fetch_add(1, Ordering::Relaxed);
        if proven {
            self.back_off = FIRST_BACK_OFF;
        }
        let pause = self.back_off;
        self.back_off = (pause * 2).min(LONGEST_BACK_OFF);
        if let Some(held_back) = stream.notices.due("ffmpeg must be started again") {
            let again_in_ms = pause.as_millis() as u64;
            tracing::warn!(camera = %stream.name(), again_in_ms, held_back, "ffmpeg must be started again: {why}");
        }

        let mut state = self.shared.lock();
        let unanswered = state.in_flight.back().map(|picture| picture.pts);
        if state.waiting.is_none()
            && let Some(last) = self.last.take_if(|last| Some(last.pts) == unanswered)
        {
            state.waiting = Some(last);
        }
        drop(state);
        self.forget_process();
        let until = Instant::now() + pause;
        let mut state = self.shared.lock();
        while !state.closed && Instant::now() < until {
            state = self.shared.wait(state, until.saturating_duration_since(Instant::now()));
        }
        state.restarting = false;
    }

    /// Forgets what the process had. Called once the process and its threads are gone.
    fn forget_process(&self) {
        let mut state = self.shared.lock();
        state.in_flight.clear();
        state.ended = None;
        state.killer = None;
    }
}

/// The stamp for ffmpeg of a picture that comes `ticks` after the first one: µs, made even, or odd to ask for a key frame.
///
/// Ticks are 11 µs apart, so stamps increase as ticks do. 3600 ticks are 40,000 µs: the stamp is 40,000, or 40,001 for a key
/// frame. The first picture is a key frame anyway, and has to have the stamp 0.
fn stamp(ticks: u64, key: bool) -> u64 {
    if ticks == 0 { 0 } else { Pts90k(ticks).to_micros().0 & !1 | u64::from(key) }
}

fn start(ffmpeg: &Ffmpeg, sink: &Sink, shared: &Arc<Shared>, size: (usize, usize)) -> io::Result<Child> {
    let stream = sink.stream().clone();
    let camera = stream.name().to_string();
    let output = {
        let (sink, shared) = (sink.clone(), shared.clone());
        move |output| match output {
            Output::Unit(stamp, encoded) => {
                let mut state = shared.lock();
                // Those before it will not come any more: time stamps only increase.
                while state.in_flight.front().is_some_and(|first| first.stamp < stamp) {
                    state.in_flight.pop_front();
                }
                let picture = state.in_flight.pop_front_if(|first| first.stamp == stamp);
                let (now, before) = (Instant::now(), state.given);
                state.given = Some(now);
                drop(state);
                shared.changed.notify_all();
                if let Some(InFlight { pts, since, .. }) = picture {
                    // It worked on this one since it had it, but not before it was done with the one before: given at 0 and 1 ms, and
                    // back at 10 and 20 ms, each took 10 ms.
                    let began = before.map_or(since, |before| before.max(since));
                    stream.stats.count_encoder(now - began);
                    sink.put(pts, encoded);
                }
            }
            Output::Line(line) => {
                if let Some(held_back) = stream.notices.due("ffmpeg says") {
                    tracing::warn!(camera = %stream.name(), held_back, "ffmpeg says: {line}");
                }
            }
            Output::End(why) => {
                shared.lock().ended = Some(why);
                shared.changed.notify_all();
            }
        }
    };
    let child = Child::start(ffmpeg, &camera, size, output)?;
    let mut state = shared.lock();
    state.killer = Some(child.killer());
    if state.closed {
        // It left between; nobody else will kill it.
        child.killer().kill();
    }
    drop(state);
    Ok(child)
}

fn copy_picture(from: &I420, to: &mut I420) {
    let (width, height) = from.source_size();
    to.resize(width, height);
    for (to, from) in to.planes_mut().into_iter().zip([from.y(), from.u(), from.v()]) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_rise_as_times_do_and_tell_whether_a_key_frame_is_asked_for() {
        assert_eq!(stamp(0, true), 0, "ffmpeg counts the time from the first picture's stamp");
        let mut previous = 0;
        for ticks in (1..10_000).chain(Pts90k::WRAP - 10_000..Pts90k::WRAP) {
            for key in [false, true] {
                let stamp = stamp(ticks, key);
                assert!(stamp > previous, "{ticks} ticks");
                assert_eq!(stamp % 2 == 1, key);
                if key {
                    previous = stamp;
                }
            }
        }
    }

    #[test]
    fn a_copy_is_the_same_picture() {
        let mut picture = I420::new(33, 17);
        for (number, plane) in picture.planes_mut().into_iter().enumerate() {
            plane.iter_mut().enumerate().for_each(|(at, sample)| *sample = (at * 7 + number) as u8);
        }
        let mut copy = I420::new(64, 64);
        copy_picture(&picture, &mut copy);
        assert_eq!(copy, picture);
    }
}
