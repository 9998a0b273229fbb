//! The test scene in the place of a camera, for boards without one.

use crate::board;
use crate::device::{self, DUMP, FRAME, PLAN, tell};
use crate::frames::{self, Slot};
use crate::watchdog::{Task, alive, spawn};
use alloc::string::String;
use embassy_executor::Spawner;
use embassy_futures::select::{Either3, select3};
use embassy_time::{Duration, Timer, with_timeout};
use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameInfo, FrameSize, Plan};
use lenscast_device::pattern::Scene;
use static_cell::ConstStaticCell;

/// One being drawn, one in the mailbox, one that waits and one on its way.
const SLOTS: usize = 4;

/// Starts drawing.
pub fn start(spawner: Spawner) {
    static MEMORY: ConstStaticCell<[u8; SLOTS * board::SLOT]> =
        ConstStaticCell::new([0; SLOTS * board::SLOT]);
    frames::add(MEMORY.take(), board::SLOT);
    spawn(spawner, run());
}

#[embassy_executor::task]
async fn run() {
    tell(CameraEvent::Ready(CameraInfo {
        sensor: String::from("test pattern"),
        max_size: FrameSize::QVGA,
        default_size: FrameSize::QVGA,
        native_jpeg: false,
    }));
    let mut plan = PLAN.wait().await;
    let mut pacer = Pacer::new(device::now(), plan.rate);
    let mut frame = 0;
    loop {
        alive(Task::Pattern);
        let due = async {
            if plan.capture {
                Timer::at(embassy_time::Instant::from_micros(pacer.due().as_micros())).await;
            } else {
                core::future::pending().await
            }
        };
        match with_timeout(Duration::from_secs(1), select3(PLAN.wait(), DUMP.wait(), due)).await {
            Ok(Either3::First(new)) => {
                plan = new;
                pacer.set_rate(device::now(), plan.rate);
            }
            Ok(Either3::Second(())) => {
                tell(CameraEvent::Dump(String::from("The test pattern has no registers.")));
            }
            Ok(Either3::Third(())) => {
                pacer.advance(device::now());
                frame += 1;
                let begun = device::now();
                draw(&plan, frame);
                // The others have the processor for at least as long as this had it.
                let took = device::now().since(begun);
                Timer::after(Duration::from_micros(took.as_micros() as u64)).await;
            }
            Err(_) => {}
        }
    }
}

fn draw(plan: &Plan, frame: u32) {
    let begun = device::now();
    let scene =
        Scene { width: plan.size.width, height: plan.size.height, frame, clock_ms: begun.as_millis() };
    let Some(mut slot) = Slot::take() else { return tell(CameraEvent::FrameLost("no_slot")) };
    match slot.encode(&scene.painter(), plan.quality) {
        Ok(()) => {
            let convert = device::now().since(begun);
            FRAME.signal((slot, FrameInfo { convert, ..FrameInfo::default() }));
        }
        Err(cause) => tell(CameraEvent::FrameLost(cause)),
    }
}
