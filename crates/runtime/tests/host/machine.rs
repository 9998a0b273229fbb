//! A device on this computer: the runtime, with a wire, a radio and a camera of the test's own.

use crate::air::Air;
use crate::link::Link;
use crate::picture;
use crate::random::Random;
use crate::tasks::Tasks;
use crate::wire::Wire;
use embassy_futures::select::{Either, select};
use embassy_net::StackResources;
use lenscast_device::Device;
use lenscast_device::backoff;
use lenscast_device::camera::pacer::Pacer;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameInfo, FrameSize, Plan};
use lenscast_device::device::{Config, Identity, Vitals};
use lenscast_device::settings::store::StoreError;
use lenscast_device::settings::{Change, Credentials, Settings, Target};
use lenscast_device::stream::Timing;
use lenscast_runtime::channels::{Channels, Event};
use lenscast_runtime::frames::Pool;
use lenscast_runtime::watchdog::Watch;
use lenscast_runtime::{console, driver, net, now, pattern, starts, wifi};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Bytes of the TCP socket's transmit buffer, as on an ESP32-C3.
const TCP_TRANSMIT: usize = 12 * 1024;

/// Bytes of a frame slot for the pattern, as on an ESP32-C3.
pub const PATTERN_SLOT: usize = 20 * 1024;

/// What makes the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Camera {
    /// Frames of random size whose every byte the receiver knows.
    Frames,
    /// The test scene.
    Pattern,
}

/// What outlives a restart.
pub struct Board {
    pub seed: u64,
    pub link: Link,
    pub air: Air,
    pub wire: Wire,
    pub settings: Settings,
    pub camera: Camera,
    /// Hung starts in a row, as a board keeps them over a restart.
    pub hung: Cell<u8>,
}

/// A device from one start to the next.
pub struct Machine {
    pub tasks: Tasks,
    pub told: Rc<Told>,
}

/// What a running device shows to the test.
#[derive(Default)]
pub struct Told {
    /// Frames that were captured so far; the next one has this number.
    pub captured: Cell<u64>,
    /// What was to be saved, in order.
    pub saved: RefCell<Vec<Change>>,
    /// Why the device is to start again.
    pub restart: Cell<Option<&'static str>>,
    /// The name of a task that hung, if one did.
    pub hung: Cell<Option<&'static str>>,
}

/// Somebody has set up everything, with a server on `port` of the gateway.
pub fn set_up(host: &str, port: u16) -> Settings {
    Settings {
        wifi: Some(Credentials { ssid: "home".into(), password: "secret-password".into() }),
        target: Target { host: Some(host.into()), port, ..Target::default() },
        auto: true,
        ..Settings::default()
    }
}

pub fn identity(reset_reason: &str) -> Identity {
    Identity {
        id: "3c:dc:75:01:02:03".into(),
        version: "1.2.3".into(),
        board: "bench".into(),
        reset_reason: reset_reason.into(),
    }
}

/// What a device is told when it starts.
pub fn config(settings: &Settings, reset_reason: &str, seed: u64) -> Config {
    let mut random = Random::new(seed ^ 3);
    Config {
        identity: identity(reset_reason),
        saved: settings.clone(),
        runtime: settings.clone(),
        timing: Timing::default(),
        random: backoff::Random::new(move || random.next() as u32),
    }
}

const DRIVER: usize = 0;
const CAMERA: usize = 1;

/// For as long as the test runs; a board has it in statics.
fn forever<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

impl Board {
    /// Switches it on.
    pub fn start(&self, reset_reason: &'static str) -> Machine {
        let hung = starts::hung_in_a_row(self.hung.get(), reset_reason);
        self.hung.set(hung);
        let channels: &'static Channels = forever(Channels::new());
        let pool: &'static Pool = forever(Pool::new());
        let watch: &'static Watch<2> = forever(Watch::new(["the device task", "the camera task"]));
        let told = Rc::new(Told::default());
        let mut tasks = Tasks::default();
        let seed = self.seed;

        tasks.spawn(never(console::read(self.wire.clone(), channels)));
        tasks.spawn(never(console::write(self.wire.clone(), channels)));

        let name = net::host_name("esp32c3-devkit", &identity("").id);
        let resources = forever(StackResources::new());
        let (stack, mut runner) = net::stack(self.link.clone(), &name, resources, seed);
        tasks.spawn(async move { runner.run().await });
        let (received, to_send) = (forever([0; net::RECEIVE]), forever([0; TCP_TRANSMIT]));
        tasks.spawn(never(net::socket(stack, received, to_send, channels)));

        let (air, shown) = (self.air.clone(), told.clone());
        tasks.spawn(async move {
            wifi::run(air, stack, reset_reason, starts::radio_pause(hung), channels).await;
            shown.restart.set(Some(wifi::LAST_RESORT));
        });

        match self.camera {
            Camera::Frames => {
                pool.add(forever([0; 4 * picture::MAX]), picture::MAX);
                tasks.spawn(never(frames(seed, pool, channels, watch, told.clone())));
            }
            Camera::Pattern => {
                pool.add(forever([0; pattern::SLOTS * PATTERN_SLOT]), PATTERN_SLOT);
                tasks.spawn(never(pattern::run(pool, channels, || watch.alive(CAMERA))));
            }
        }

        let shown = told.clone();
        tasks.spawn(async move {
            loop {
                embassy_time::Timer::after_secs(1).await;
                if let Some(name) = watch.hung() {
                    shown.hung.set(Some(name));
                }
            }
        });

        let device = Device::new(config(&self.settings, reset_reason, seed), now());
        let (mut own, shown) = (Own { watch, told: told.clone() }, told.clone());
        tasks.spawn(async move {
            driver::run(device, &mut own, channels).await;
            shown.restart.set(Some("reboot command"));
        });
        Machine { tasks, told }
    }
}

async fn never(future: impl Future<Output = impl Sized>) {
    future.await;
}

/// What the driver asks a board for.
pub struct Own {
    watch: &'static Watch<2>,
    told: Rc<Told>,
}

impl Own {
    /// Of a device that nobody watches.
    pub fn new(told: Rc<Told>) -> Self {
        Self { watch: forever(Watch::new(["the device task", "the camera task"])), told }
    }
}

impl driver::Board for Own {
    fn alive(&mut self) {
        self.watch.alive(DRIVER);
    }

    fn vitals(&mut self) -> Vitals {
        Vitals { heap_free: 100_000, heap_largest: 50_000, ..Vitals::default() }
    }

    async fn save(&mut self, change: &Change) -> Result<(), StoreError> {
        // The flash takes its time, and nothing else of the driver runs meanwhile.
        embassy_time::Timer::after_millis(60).await;
        self.told.saved.borrow_mut().push(change.clone());
        Ok(())
    }
}

pub fn info() -> CameraInfo {
    CameraInfo {
        sensor: "bench".into(),
        max_size: FrameSize::VGA,
        default_size: FrameSize::QVGA,
        native_jpeg: true,
        test_bar: false,
    }
}

/// A camera whose frames a receiver can check.
async fn frames(
    seed: u64,
    pool: &'static Pool,
    channels: &'static Channels,
    watch: &'static Watch<2>,
    told: Rc<Told>,
) {
    channels.events.send(Event::Camera(CameraEvent::Ready(info()))).await;
    let mut plan: Plan = channels.plan.wait().await;
    let mut pacer = Pacer::new(now(), plan.rate);
    loop {
        watch.alive(CAMERA);
        let due = async {
            if !plan.capture {
                embassy_time::Timer::after_secs(1).await;
                return false;
            }
            let at = embassy_time::Instant::from_micros(pacer.due().as_micros());
            embassy_time::Timer::at(at).await;
            true
        };
        match select(channels.plan.wait(), due).await {
            Either::First(new) => {
                plan = new;
                pacer.set_rate(now(), plan.rate);
            }
            Either::Second(false) => {}
            Either::Second(true) => {
                pacer.advance(now());
                let Some(mut slot) = pool.take() else {
                    channels.frame_lost("no_slot");
                    continue;
                };
                let number = told.captured.get();
                told.captured.set(number + 1);
                crate::heap::of_the_world(|| {
                    let bytes = picture::frame(seed, number);
                    slot.memory()[..bytes.len()].copy_from_slice(&bytes);
                    slot.set_length(bytes.len());
                });
                channels.frame.signal((slot, FrameInfo::default()));
            }
        }
    }
}

/// A device that is driven by hand, to see what it would print.
pub struct Twin(Device<Vec<u8>>);

impl Twin {
    pub fn new(board: &Board, reset_reason: &str) -> Self {
        Self(Device::new(config(&board.settings, reset_reason, board.seed), now()))
    }

    /// What it prints, all of it, when `typed` comes in these portions.
    pub fn type_in(&mut self, typed: &[Vec<u8>]) -> Vec<u8> {
        typed.iter().for_each(|portion| self.0.console_input(now(), portion));
        let mut printed = Vec::new();
        let mut portion = [0; 100];
        loop {
            match self.0.poll_console(&mut portion) {
                0 => return printed,
                count => printed.extend(&portion[..count]),
            }
        }
    }
}
