//! The camera, on core 1: power, the sensor's registers, and the port that its pictures come through.
//!
//! Two tasks share the core. The one here runs in an interrupt and does everything but encoding, so that the DMA buffer,
//! which holds three milliseconds of pixels, is drained in time. The other one ([`convert`]) makes JPEGs of raw frames
//! in the time between: the next frame arrives while the last one is encoded.

mod convert;
mod port;

pub use port::Parts as PortParts;

use crate::shared::{CHANNELS, FRAMES, Task, alive, spawn};
use crate::{board, vitals};
use alloc::format;
use alloc::string::{String, ToString};
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_time::{Delay, Duration, Timer, with_timeout};
use esp_hal::Async;
use esp_hal::gpio::{AnyPin, Level, Output, OutputConfig};
use esp_hal::i2c::master::{Config as I2cConfig, I2c, SoftwareTimeout};
use esp_hal::interrupt::Priority;
use esp_hal::peripherals::{CPU_CTRL, FROM_CPU_INTR1, FROM_CPU_INTR2, I2C0, PSRAM};
use esp_hal::psram::{Psram, PsramConfig, PsramMode, SpiRamFreq};
use esp_hal::system::Stack;
use esp_hal::time::Rate;
use esp_rtos::embassy::{Executor, InterruptExecutor};
use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{CameraEvent, Plan};
use lenscast_device::sensor::{self, Driver, SCCB_HZ, Setup, gc0308, ov3660};
use lenscast_runtime::channels::Event;
use lenscast_runtime::kept;
use lenscast_runtime::now;
use portable_atomic::{AtomicBool, AtomicU32, Ordering};
use static_cell::{ConstStaticCell, StaticCell};

/// From power to the start of XCLK: what the slower of the board's sensors needs.
const WARM_UP: core::time::Duration =
    if cfg!(feature = "atoms3r-m12") { ov3660::DRIVER.warm_up() } else { gc0308::DRIVER.warm_up() };

/// From the start of XCLK to the first question.
const CLOCKED: Duration = Duration::from_millis(20);

/// Pause before a camera that failed is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// How often the watchdog hears of a camera that waits.
const BEAT: Duration = Duration::from_secs(1);

/// How often a silent sensor is initialised again before it is switched off and on.
const SILENT: u32 = 3;

/// What core 1 needs.
pub struct Core {
    pub control: CPU_CTRL<'static>,
    pub interrupts: (FROM_CPU_INTR1<'static>, FROM_CPU_INTR2<'static>),
}

/// What the camera is connected to.
pub struct Parts {
    /// Low: the camera has power.
    pub power: AnyPin<'static>,
    pub ir: AnyPin<'static>,
    pub bus: Bus,
    pub port: PortParts,
}

/// The control bus.
pub struct Bus {
    pub i2c: I2C0<'static>,
    pub sda: AnyPin<'static>,
    pub scl: AnyPin<'static>,
}

/// Whether nothing may be captured, and whether something is.
static PAUSED: AtomicBool = AtomicBool::new(false);
static CAPTURING: AtomicBool = AtomicBool::new(false);

/// How PSRAM was looked for, in memory that only a loss of power clears.
#[esp_hal::ram(unstable(rtc_slow, persistent))]
static ATTEMPT: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Divides the PSRAM into frame slots. To be called before any interrupt is on: finding it changes the timing of the
/// flash too, from which nothing may run meanwhile. The watchdog runs: a speed at which the chip hung is not tried again.
///
/// Returns why there is no memory for frames, and what is to be said although there is.
pub fn find_memory(psram: PSRAM<'static>) -> (Result<(), &'static str>, Option<&'static str>) {
    let attempt = kept::Attempt::new(&ATTEMPT);
    let way = attempt.begin();
    // BOARD?: that 80 MHz are stable; the console's `psram status` tells whether it was found.
    let ram_frequency = match way {
        kept::Psram::Fast => SpiRamFreq::Freq80m,
        kept::Psram::Slow => SpiRamFreq::Freq40m,
        kept::Psram::Without => return (Err(way.warning().unwrap_or_default()), None),
    };
    let config = PsramConfig { mode: PsramMode::OctalSpi, ram_frequency, ..PsramConfig::default() };
    let (start, bytes) = Psram::new(psram, config).raw_parts();
    attempt.ended();
    if bytes < board::SLOT {
        return (Err("no PSRAM was found: without it there is no room for a frame"), way.warning());
    }
    vitals::PSRAM.store(bytes as u32, Ordering::Relaxed);
    // SAFETY: `start` and `bytes` are the whole PSRAM as esp-hal mapped it just now: readable and writable bytes for as
    // long as the program runs. The peripheral is gone with this call, so it is done once, and nobody else is given any
    // of the memory: the heap is in internal memory.
    let memory = unsafe { core::slice::from_raw_parts_mut(start, bytes) };
    FRAMES.add(memory, board::SLOT);
    (Ok(()), way.warning())
}

/// Starts core 1. BOARD?: that 32 KB of stack are enough for the encoder and, on top of it, the task in the interrupt.
///
/// Without `memory` for frames there is no camera, and the device says why.
pub fn start(spawner: Spawner, memory: Result<(), &'static str>, core: Core, parts: Parts) {
    static STACK: ConstStaticCell<Stack<{ 32 * 1024 }>> = ConstStaticCell::new(Stack::new());
    if let Err(why) = memory {
        return spawn(spawner, absent(parts, why));
    }
    let (scheduler, executor) = core.interrupts;
    esp_rtos::start_second_core(core.control, scheduler, STACK.take(), move || {
        static CAPTURE: StaticCell<InterruptExecutor<2>> = StaticCell::new();
        static CONVERT: StaticCell<Executor> = StaticCell::new();
        let capture = CAPTURE.init(InterruptExecutor::new(executor)).start(Priority::Priority3);
        capture.spawn(begin(parts).expect("this task is started once"));
        CONVERT.init(Executor::new()).run(|spawner| spawn(spawner, convert::run()))
    });
}

/// While this lives, nothing is captured.
pub struct Pause;

/// Stops capturing. The end of what runs takes a millisecond; a camera task that hangs is not waited for.
pub async fn pause() -> Pause {
    PAUSED.store(true, Ordering::SeqCst);
    for _ in 0..200 {
        if !CAPTURING.load(Ordering::SeqCst) {
            break;
        }
        Timer::after_millis(1).await;
    }
    Pause
}

impl Drop for Pause {
    fn drop(&mut self) {
        PAUSED.store(false, Ordering::SeqCst);
    }
}

/// In the place of a camera that cannot be.
#[embassy_executor::task]
async fn absent(parts: Parts, why: &'static str) {
    report(CameraEvent::Failed(why.to_string())).await;
    let mut rig = Rig::new(parts.ir, next_plan(why).await);
    loop {
        rig.next_plan(why).await;
    }
}

/// What is driven asynchronously stays on its core, so the task that has it can only be started from there.
#[embassy_executor::task]
async fn begin(parts: Parts) {
    // SAFETY: this is a task of an embassy executor, polled by nothing else.
    let spawner = unsafe { Spawner::for_current_executor().await };
    spawn(spawner, run(parts));
}

/// Has the camera on as long as that is planned, and starts anew when something fails.
#[embassy_executor::task]
async fn run(parts: Parts) {
    let Parts { power, ir, mut bus, mut port } = parts;
    let mut power = Output::new(power, Level::High, OutputConfig::default());
    let mut memory = Some(port::memory());
    let mut rig = Rig::new(ir, next_plan("the camera is about to start").await);
    loop {
        while !rig.plan.power {
            rig.next_plan("the camera is off: cam power 1").await;
        }
        power.set_low();
        let result = rig.live(&mut bus, &mut port, &mut memory).await;
        power.set_high();
        if let Err(why) = result {
            report(CameraEvent::Failed(why.clone())).await;
            #[expect(
                clippy::let_underscore_must_use,
                reason = "another plan is no reason to wait, nor to go on waiting"
            )]
            let _ = with_timeout(RETRY, rig.next_plan(&why)).await;
        }
    }
}

async fn report(event: CameraEvent) {
    CHANNELS.events.send(Event::Camera(event)).await;
}

/// Waits for the next plan. Whoever asks for registers meanwhile is told `why` there are none.
async fn next_plan(why: &str) -> Plan {
    loop {
        alive(Task::Capture);
        match with_timeout(BEAT, select(CHANNELS.plan.wait(), CHANNELS.dump.wait())).await {
            Ok(Either::First(plan)) => return plan,
            Ok(Either::Second(())) => report(CameraEvent::Dump(why.to_string())).await,
            Err(_) => {}
        }
    }
}

/// What is wished, and the light, which works without a camera.
struct Rig {
    plan: Plan,
    ir: Output<'static>,
}

impl Rig {
    fn new(ir: AnyPin<'static>, plan: Plan) -> Self {
        let mut rig = Self { plan, ir: Output::new(ir, Level::Low, OutputConfig::default()) };
        rig.follow(plan);
        rig
    }

    fn follow(&mut self, plan: Plan) {
        self.plan = plan;
        // BOARD?: that high is on.
        self.ir.set_level(plan.ir.into());
    }

    async fn next_plan(&mut self, why: &str) {
        self.follow(next_plan(why).await);
    }

    /// From power on until it is to be off.
    ///
    /// # Errors
    /// What does not work, in words.
    async fn live(
        &mut self,
        bus: &mut Bus,
        port: &mut PortParts,
        memory: &mut Option<port::Memory>,
    ) -> Result<(), String> {
        let warm = Timer::after_micros(WARM_UP.as_micros() as u64);
        let watch = async {
            loop {
                self.next_plan("the camera is starting").await;
            }
        };
        select(warm, watch).await;
        // From here on XCLK runs: a sensor answers only while it does.
        let mut camera = port::camera(port)?;
        Timer::after(CLOCKED).await;
        let mut sensor = sensor::probe(bus.open()?, Delay).await.map_err(|error| error.to_string())?;
        let driver = sensor.driver();
        let mut setup = fitting(driver, &self.plan);
        sensor.init(&setup).await.map_err(|error| error.to_string())?;
        report(CameraEvent::Ready(driver.info())).await;

        let mut pacer = Pacer::new(now(), self.plan.rate);
        // The beginning of the first frame was missed.
        let mut skip = 1;
        let mut silent = 0;
        while self.plan.power {
            alive(Task::Capture);
            if let Some(_turn) = Turn::take(self.plan.capture) {
                let buffer = memory.take().expect("it is given back after every transfer");
                let mut transfer = match camera.receive(buffer) {
                    Ok(transfer) => transfer,
                    Err((error, _, buffer)) => {
                        memory.replace(buffer);
                        return Err(format!("the camera port: {error:?}"));
                    }
                };
                let Setup { size, quality, .. } = setup;
                let shot = port::Shot { format: driver.format(&setup), size, quality };
                let end = port::stream(&mut transfer, &shot, &mut pacer, skip, interrupted).await;
                let (stopped, buffer) = transfer.stop();
                camera = stopped;
                memory.replace(buffer);
                skip = 1;
                match end {
                    port::End::Interrupted => silent = 0,
                    port::End::Overrun => CHANNELS.frame_lost("overrun"),
                    port::End::Silent => {
                        silent += 1;
                        CHANNELS.frame_lost("silent");
                        if silent == SILENT {
                            return Err(format!("the {} sends no pictures", driver.name()));
                        }
                        sensor.init(&setup).await.map_err(|error| error.to_string())?;
                    }
                }
            }
            wait(self.plan.capture).await;
            if CHANNELS.dump.try_take().is_some() {
                let text = sensor.dump().await.unwrap_or_else(|error| error.to_string());
                report(CameraEvent::Dump(text)).await;
            }
            if let Some(plan) = CHANNELS.plan.try_take() {
                self.follow(plan);
                pacer.set_rate(now(), plan.rate);
                let wished = fitting(driver, &plan);
                if wished != setup {
                    sensor.apply(&wished).await.map_err(|error| error.to_string())?;
                    setup = wished;
                    // One more may be half old and half new.
                    skip = 2;
                }
            }
        }
        Ok(())
    }
}

impl Bus {
    fn open(&mut self) -> Result<I2c<'_, Async>, String> {
        let patience = SoftwareTimeout::Transaction(esp_hal::time::Duration::from_millis(50));
        let config =
            I2cConfig::default().with_frequency(Rate::from_hz(SCCB_HZ)).with_software_timeout(patience);
        let i2c =
            I2c::new(self.i2c.reborrow(), config).map_err(|error| format!("the control bus: {error}"))?;
        // BOARD?: the pull-ups of the chip are on; the board may have better ones.
        Ok(i2c.with_sda(self.sda.reborrow()).with_scl(self.scl.reborrow()).into_async())
    }
}

/// While this lives, something is captured.
struct Turn;

impl Turn {
    /// `None` when nothing is to be captured, or nothing may be.
    fn take(wanted: bool) -> Option<Self> {
        if !wanted {
            return None;
        }
        // In this order, and `pause` in the other: one of the two sees the other.
        CAPTURING.store(true, Ordering::SeqCst);
        let turn = Self;
        (!PAUSED.load(Ordering::SeqCst)).then_some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        CAPTURING.store(false, Ordering::SeqCst);
    }
}

/// Whether something else is to be done than capturing.
fn interrupted() -> bool {
    CHANNELS.plan.signaled() || CHANNELS.dump.signaled() || PAUSED.load(Ordering::SeqCst)
}

/// Waits until there is something to do, but no longer than the watchdog likes.
async fn wait(capture: bool) {
    let work = async {
        while !(CHANNELS.plan.signaled()
            || CHANNELS.dump.signaled()
            || capture && !PAUSED.load(Ordering::SeqCst))
        {
            Timer::after_millis(5).await;
        }
    };
    #[expect(clippy::let_underscore_must_use, reason = "the caller looks what there is to do")]
    let _ = with_timeout(BEAT, work).await;
}

/// What the plan asks of the sensor. Before the device knows the sensor, it may plan a size that there is not.
fn fitting(driver: &Driver, plan: &Plan) -> Setup {
    let mut setup = driver.setup(plan);
    if !setup.size.fits(driver.info().max_size) {
        setup.size = driver.info().default_size;
    }
    setup
}
