//! The test scene in the place of a camera, for boards without one.

use crate::channels::{Channels, Event};
use crate::frames::Pool;
use crate::{now, timer_at};
use alloc::format;
use alloc::string::String;
use embassy_futures::select::{Either3, select3};
use embassy_time::{Duration, Timer, with_timeout};
use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameInfo, FrameSize, Plan};
use lenscast_device::log::Level;
use lenscast_device::stats::Stats;
use lenscast_picture::jpeg::Encoder;
use lenscast_picture::pattern::{Bars, Scene};

/// Slots that are needed: one being drawn, one in the mailbox, one that waits and one on its way.
pub const SLOTS: usize = 4;

/// How much worse the quality is that is tried when a frame does not fit.
const STEP: u8 = 4;

/// How often the watchdog hears of a pattern that waits.
const BEAT: Duration = Duration::from_secs(1);

/// Draws for ever. `alive` tells the watchdog that this lives.
pub async fn run(pool: &'static Pool, channels: &Channels, alive: impl Fn()) -> ! {
    let tell = |event| channels.events.send(Event::Camera(event));
    tell(CameraEvent::Ready(CameraInfo {
        sensor: String::from("test pattern"),
        max_size: FrameSize::QVGA,
        default_size: FrameSize::QVGA,
        native_jpeg: false,
        test_bar: true,
    }))
    .await;
    let mut encoder = Encoder::new();
    let mut plan = channels.plan.wait().await;
    let mut pacer = Pacer::new(now(), plan.rate);
    let mut frame = 0;
    // The best quality whose frames fit.
    let mut best = u8::MAX;
    loop {
        alive();
        let due = async {
            if plan.capture {
                timer_at(pacer.due()).await;
            } else {
                core::future::pending().await
            }
        };
        match with_timeout(BEAT, select3(channels.plan.wait(), channels.dump.wait(), due)).await {
            Ok(Either3::First(new)) => {
                if (new.size, new.quality) != (plan.size, plan.quality) {
                    best = u8::MAX;
                }
                plan = new;
                pacer.set_rate(now(), plan.rate);
            }
            Ok(Either3::Second(())) => {
                tell(CameraEvent::Dump(String::from("The test pattern has no registers."))).await;
            }
            Ok(Either3::Third(())) => {
                pacer.advance(now());
                frame += 1;
                let begun = now();
                let fitted = best;
                draw(&mut encoder, &plan, frame, &mut best, pool, channels).await;
                if best != fitted {
                    let line = format!(
                        "cam: the test pattern at quality={} does not fit into the memory for a frame: quality={best} is \
                         drawn",
                        plan.quality
                    );
                    channels.events.send(Event::Log(Level::Warn, line)).await;
                }
                // The others have the processor for at least as long as this had it.
                let took = now().since(begun);
                Timer::after(Duration::from_micros(took.as_micros() as u64)).await;
            }
            Err(_) => {}
        }
    }
}

/// Draws a frame. When it does not fit at the quality that is wished, it is drawn again at the `best` one that does.
async fn draw(
    encoder: &mut Encoder,
    plan: &Plan,
    frame: u32,
    best: &mut u8,
    pool: &'static Pool,
    channels: &Channels,
) {
    let begun = now();
    let FrameSize { width, height } = plan.size;
    let Some(mut slot) = pool.take() else { return channels.frame_lost("no_slot") };
    loop {
        let quality = plan.quality.min(*best);
        let encoded = if plan.test_bar {
            slot.encode(encoder, &Bars { width, height }, quality).await
        } else {
            let scene = Scene { width, height, frame, clock_ms: begun.as_millis() };
            slot.encode(encoder, &scene.painter(), quality).await
        };
        match encoded {
            Ok(()) => {
                let convert = now().since(begun);
                return channels.frame.signal((slot, FrameInfo { convert, ..FrameInfo::default() }));
            }
            Err(Stats::TOO_BIG) if quality > STEP => *best = quality - STEP,
            Err(cause) => return channels.frame_lost(cause),
        }
    }
}
