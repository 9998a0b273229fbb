//! Captures as the device plans it, on a thread of its own, whatever the network does.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{SystemTime, UNIX_EPOCH};

use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{CameraEvent, Plan};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::mailbox::Mailbox;
use crate::source::{Frame, Frames, NoFrame, SourceError};
use crate::{Error, Stats};

/// What the camera tells.
#[derive(Debug)]
pub(crate) enum Told {
    Event(CameraEvent),
    /// The source has no more pictures, and capturing is over.
    Gone(SourceError),
}

/// What is asked of the thread.
#[derive(Debug, Default)]
struct Orders {
    plan: Option<Plan>,
    /// Tell that the sensor is ready, as soon as it has power.
    probe: bool,
    dump: bool,
    stop: bool,
}

/// A thread that captures. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Capture {
    orders: Arc<Mutex<Orders>>,
    thread: Thread,
}

impl Capture {
    /// Starts it. The receiver closes without [`Told::Gone`] when the thread panicked or was stopped.
    pub(crate) fn start(
        frames: Frames,
        mailbox: Arc<Mailbox<Frame>>,
        stats: Arc<Stats>,
    ) -> Result<(Self, mpsc::Receiver<Told>), Error> {
        let orders = Arc::new(Mutex::new(Orders { probe: true, ..Orders::default() }));
        let (tell, told) = mpsc::channel(16);
        let camera = Camera { orders: orders.clone(), clock: Clock::start(), mailbox, stats, tell };
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || camera.run(frames))
            .map_err(Error::Thread)?
            .thread()
            .clone();
        Ok((Self { orders, thread }, told))
    }

    /// The plan from now on.
    pub(crate) fn plan(&self, plan: Plan) {
        self.order(|orders| orders.plan = Some(plan));
    }

    /// The device starts again: no plan, and the sensor is to be probed.
    pub(crate) fn reset(&self) {
        self.order(|orders| *orders = Orders { probe: true, stop: orders.stop, ..Orders::default() });
    }

    /// Asks for [`CameraEvent::Dump`].
    pub(crate) fn dump(&self) {
        self.order(|orders| orders.dump = true);
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.thread.unpark();
    }
}

impl Drop for Capture {
    /// The thread ends after the frame it is at.
    fn drop(&mut self) {
        self.order(|orders| orders.stop = true);
    }
}

enum Next {
    Stop,
    /// Until there are other orders.
    Wait,
    Capture(Plan),
}

struct Camera {
    orders: Arc<Mutex<Orders>>,
    clock: Clock,
    mailbox: Arc<Mailbox<Frame>>,
    stats: Arc<Stats>,
    tell: mpsc::Sender<Told>,
}

impl Camera {
    fn run(self, mut frames: Frames) {
        if let Err(error) = self.capture(&mut frames) {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "nobody listens any more when the device was stopped meanwhile"
            )]
            let _ = self.tell.blocking_send(Told::Gone(error));
        }
    }

    fn capture(&self, frames: &mut Frames) -> Result<(), SourceError> {
        // From 1: the strips of frame 0 could be taken for a black picture.
        let mut number = 1u32;
        let mut pacer: Option<Pacer> = None;
        loop {
            let plan = match self.next(frames) {
                Next::Stop => return Ok(()),
                Next::Capture(plan) => plan,
                Next::Wait => {
                    pacer = None;
                    thread::park();
                    continue;
                }
            };
            let now = self.clock.now();
            let pacer = pacer.get_or_insert_with(|| Pacer::new(now, plan.rate));
            pacer.set_rate(now, plan.rate);
            let wait = pacer.due().since(now);
            if !wait.is_zero() {
                // Woken early by another plan, or for no reason: looks again.
                thread::park_timeout(wait);
                continue;
            }
            let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            match frames.next(&plan, number, clock.as_millis() as u64) {
                Ok(frame) => {
                    self.stats.captured.fetch_add(1, Relaxed);
                    if self.mailbox.put(frame) {
                        self.stats.replaced.fetch_add(1, Relaxed);
                    }
                }
                Err(NoFrame::Lost(cause)) => self.tell(CameraEvent::FrameLost(cause)),
                Err(NoFrame::Gone(error)) => return Err(error),
            }
            number = number.wrapping_add(1);
            pacer.advance(self.clock.now());
        }
    }

    fn next(&self, frames: &mut Frames) -> Next {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let dump = std::mem::take(&mut orders.dump);
        let power = orders.plan.is_some_and(|plan| plan.power);
        // A sensor that gets power is probed.
        let probe = power && orders.probe;
        orders.probe = !power;
        let next = match orders.plan {
            _ if orders.stop => Next::Stop,
            Some(plan) if plan.power && plan.capture => Next::Capture(plan),
            _ => Next::Wait,
        };
        drop(orders);
        if probe {
            self.tell(CameraEvent::Ready(frames.info()));
        }
        if dump {
            self.tell(CameraEvent::Dump(frames.describe()));
        }
        next
    }

    fn tell(&self, event: CameraEvent) {
        #[expect(
            clippy::let_underscore_must_use,
            reason = "nobody listens any more when the device was stopped meanwhile"
        )]
        let _ = self.tell.blocking_send(Told::Event(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use lenscast_device::camera::{Exposure, FrameRate, FrameSize, Picture};
    use std::time::Duration;

    /// Nothing here takes this long unless it never happens.
    const FOREVER: Duration = Duration::from_secs(60);

    const PLAN: Plan = Plan {
        power: true,
        capture: true,
        size: FrameSize::QQVGA,
        quality: 50,
        rate: FrameRate::MAX,
        picture: Picture {
            size: None,
            quality: 50,
            rate: FrameRate::MAX,
            adaptive: true,
            flip: None,
            mirror: None,
            brightness: None,
            exposure: Exposure::Auto,
        },
        ir: false,
        test_bar: false,
    };

    struct Running {
        capture: Capture,
        told: mpsc::Receiver<Told>,
        mailbox: Arc<Mailbox<Frame>>,
        stats: Arc<Stats>,
    }

    fn start() -> Running {
        let (mailbox, stats) = (Arc::new(Mailbox::default()), Stats::new());
        let frames = Frames::open(&Source::Pattern, None).expect("it is always there");
        let (capture, told) = Capture::start(frames, mailbox.clone(), stats.clone()).expect("a thread");
        Running { capture, told, mailbox, stats }
    }

    async fn within<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(FOREVER, future).await.expect("it never happens")
    }

    #[tokio::test]
    async fn frames_that_nobody_takes_are_replaced_and_counted() {
        let running = start();
        running.capture.plan(PLAN);
        within(async {
            while running.stats.captured() < 20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let Running { capture, mut told, mailbox, stats } = running;
        drop(capture);
        // The thread has ended when nobody can tell any more.
        within(async { while told.recv().await.is_some() {} }).await;
        assert_eq!(stats.dropped(), stats.captured() - 1);
        mailbox.take().await;
    }

    #[tokio::test]
    async fn a_sensor_is_probed_whenever_it_gets_power_and_when_the_device_starts_again() {
        let mut running = start();
        let ready = async |running: &mut Running, plan: Plan| {
            running.capture.plan(plan);
            match within(running.told.recv()).await {
                Some(Told::Event(CameraEvent::Ready(info))) => info.sensor,
                other => panic!("{other:?}"),
            }
        };
        let idle = Plan { capture: false, ..PLAN };
        assert_eq!(ready(&mut running, idle).await, "PATTERN");
        running.capture.plan(Plan { power: false, ..idle });
        // It has seen that there is no power when it tells what was asked for after that.
        running.capture.dump();
        assert!(matches!(within(running.told.recv()).await, Some(Told::Event(CameraEvent::Dump(_)))));
        assert_eq!(ready(&mut running, idle).await, "PATTERN");
        running.capture.reset();
        assert_eq!(ready(&mut running, idle).await, "PATTERN");
        assert_eq!(running.stats.captured(), 0);
    }
}
