//! Captures at a steady rate, on a thread of its own, whatever the network does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::mailbox::Mailbox;
use crate::source::{Frames, SourceError};
use crate::{Error, Options, Stats};

/// A thread that captures. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Capture {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Capture {
    /// Starts capturing into `mailbox`. The receiver completes when the source fails, and as closed
    /// when the thread panicked or was stopped.
    pub(crate) fn start(
        options: &Options,
        mailbox: Arc<Mailbox>,
        stats: Arc<Stats>,
    ) -> Result<(Capture, oneshot::Receiver<SourceError>), Error> {
        let mut frames = Frames::new(options)?;
        let schedule = Schedule::new(Instant::now(), options.fps);
        let stop = Arc::new(AtomicBool::new(false));
        let (failed, failure) = oneshot::channel();
        let stopped = stop.clone();
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || {
                if let Err(error) = capture(&mut frames, schedule, &mailbox, &stats, &stopped) {
                    // When the device was stopped meanwhile, nobody listens any more: then it does not matter.
                    let _ = failed.send(error);
                }
            })
            .map_err(Error::Thread)?
            .thread()
            .clone();
        Ok((Capture { stop, thread }, failure))
    }

    /// Lets the thread end after the frame it is at.
    pub(crate) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop();
    }
}

fn capture(
    frames: &mut Frames,
    mut schedule: Schedule,
    mailbox: &Mailbox,
    stats: &Stats,
    stop: &AtomicBool,
) -> Result<(), SourceError> {
    // From 1: the strips of frame 0 could be taken for a black picture.
    let mut number = 1u32;
    loop {
        while !stop.load(Ordering::Relaxed) {
            match schedule.due().checked_duration_since(Instant::now()) {
                Some(wait) if !wait.is_zero() => thread::park_timeout(wait),
                _ => break,
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let frame = frames.next(number, clock.as_millis() as u64)?;
        stats.captured.fetch_add(1, Ordering::Relaxed);
        if mailbox.put(frame) {
            stats.dropped.fetch_add(1, Ordering::Relaxed);
        }
        number = number.wrapping_add(1);
        schedule.advance(Instant::now());
    }
}

/// Ticks at a fixed rate: each is a multiple of the period after the start, so that no error adds up.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    start: Instant,
    period: Duration,
    tick: u64,
}

impl Schedule {
    fn new(start: Instant, fps: f32) -> Schedule {
        Schedule { start, period: Duration::from_secs_f64(1.0 / f64::from(fps)), tick: 0 }
    }

    fn due(&self) -> Instant {
        self.start + Duration::from_nanos((self.period.as_nanos() * u128::from(self.tick)) as u64)
    }

    /// To the next tick. Of several missed ones only the newest counts: the others are skipped, not made up for.
    fn advance(&mut self, now: Instant) {
        let over = now.saturating_duration_since(self.start).as_nanos() / self.period.as_nanos();
        self.tick = (self.tick + 1).max(over as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn ticks_do_not_drift() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10.0);
        for tick in 0..1000 {
            assert_eq!(schedule.due(), start + ms(100 * tick));
            // Each capture takes 40 ms and starts 5 ms late.
            schedule.advance(schedule.due() + ms(45));
        }
    }

    #[test]
    fn a_missed_tick_is_skipped_and_not_made_up_for() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10.0);
        schedule.advance(start + ms(1234));
        assert_eq!(schedule.due(), start + ms(1200));
        schedule.advance(start + ms(1235));
        assert_eq!(schedule.due(), start + ms(1300));
    }
}
