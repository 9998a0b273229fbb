//! The one task that owns the [`Device`]: hands in what happens, and carries out what comes back.

use crate::flash::Flash;
use crate::frames::Slot;
use crate::{console, net, restart, vitals, watchdog, wifi};
use alloc::vec::Vec;
use core::time::Duration;
use embassy_futures::select::{Either3, select3};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::pipe::Pipe;
use embassy_sync::signal::Signal;
use embassy_time::Timer;
use lenscast_device::Device;
use lenscast_device::camera::{CameraEvent, FrameInfo, Plan};
use lenscast_device::device::Action;
use lenscast_device::settings::Change;
use lenscast_device::settings::store::{Store, StoreError};
use lenscast_device::stream::{DialId, SocketEvent};
use lenscast_device::time::Instant;
use lenscast_device::wifi::WifiEvent;

/// How often the device is told how it is, and the watchdog that it lives.
const VITALS: Duration = Duration::from_secs(1);

/// What happened.
pub enum Event {
    /// Somebody typed.
    Typed(Vec<u8>),
    /// The radio tells something.
    Wifi(WifiEvent),
    /// Something happened to the socket.
    Socket(DialId, SocketEvent),
    /// The socket received something.
    Received(DialId, Vec<u8>),
    /// The camera tells something.
    Camera(CameraEvent),
    /// The console or the socket can take more.
    Room,
}

/// Everything that happens passes here, in order.
pub static EVENTS: Channel<CriticalSectionRawMutex, Event, 8> = Channel::new();

/// The newest frame. One that is replaced before it was seen goes back to its pool.
pub static FRAME: Signal<CriticalSectionRawMutex, (Slot, FrameInfo)> = Signal::new();

/// What the camera is to do from now on.
pub static PLAN: Signal<CriticalSectionRawMutex, Plan> = Signal::new();

/// The camera is to write down its registers.
pub static DUMP: Signal<CriticalSectionRawMutex, ()> = Signal::new();

/// Now, on the device's clock.
pub fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// Tells the device what the camera has to say, without waiting: it is said from where frames must not be held up.
pub fn tell(event: CameraEvent) {
    // The queue is full only while the device is busy for so long that more of the same would not help anybody.
    let _ = EVENTS.try_send(Event::Camera(event));
}

/// Runs the device for ever.
pub async fn run(mut device: Device<Slot>, mut store: Result<Store<Flash>, StoreError>) -> ! {
    let mut driver = Driver { socket: None };
    let mut vitals_at = now();
    loop {
        if vitals_at <= now() {
            vitals_at = now() + VITALS;
            device.vitals(vitals::read());
            watchdog::alive(watchdog::Task::Device);
        }
        driver.drain(&mut device, &mut store).await;
        let wake = device.next_wake().map_or(vitals_at, |at| at.min(vitals_at));
        let timer = Timer::at(embassy_time::Instant::from_micros(wake.as_micros()));
        match select3(EVENTS.receive(), FRAME.wait(), timer).await {
            Either3::First(event) => driver.hand_in(&mut device, event),
            Either3::Second((slot, info)) => device.frame(now(), slot, info),
            Either3::Third(()) => {}
        }
        if device.next_wake().is_some_and(|at| at <= now()) {
            device.handle_timeout(now());
        }
    }
}

/// What must be remembered between two events.
struct Driver {
    /// The attempt whose socket is connected.
    socket: Option<DialId>,
}

impl Driver {
    fn hand_in(&mut self, device: &mut Device<Slot>, event: Event) {
        match event {
            Event::Typed(bytes) => device.console_input(now(), &bytes),
            Event::Wifi(event) => device.wifi_event(now(), event),
            Event::Socket(id, event) => {
                self.socket = (event == SocketEvent::Connected).then_some(id);
                device.socket_event(now(), id, event);
            }
            Event::Received(id, bytes) => device.socket_received(now(), id, &bytes),
            Event::Camera(event) => device.camera_event(now(), event),
            Event::Room => {}
        }
    }

    /// Carries out all that came out, as far as the others take it.
    async fn drain(&mut self, device: &mut Device<Slot>, store: &mut Result<Store<Flash>, StoreError>) {
        loop {
            self.transmit(device);
            let Some(action) = device.poll_action() else { break };
            match action {
                // What finds no room is lost; the state machines behind them notice and try again.
                Action::Wifi(action) => drop(wifi::ACTIONS.try_send(action)),
                Action::Socket(action) => drop(net::ACTIONS.try_send(action)),
                Action::Camera(plan) => PLAN.signal(plan),
                Action::DumpCamera => DUMP.signal(()),
                Action::Store(change) => {
                    let result = save(store, &change).await;
                    device.stored(now(), result);
                }
                Action::Reboot => reboot(device).await,
            }
        }
        print(device);
    }

    /// Hands on what is to be sent, as far as there is room for whole portions.
    fn transmit(&self, device: &mut Device<Slot>) {
        let Some(id) = self.socket else { return };
        let mut portion = [0; net::PORTION];
        while net::OUTGOING.free_capacity() >= portion.len() {
            let count = device.poll_transmit(now(), id, &mut portion);
            if count == 0 {
                break;
            }
            // Nobody else writes to it, so the room is still there.
            write_all(&net::OUTGOING, &portion[..count]);
        }
    }
}

/// Hands on what is to be printed, as far as there is room.
fn print(device: &mut Device<Slot>) {
    let mut portion = [0; 256];
    loop {
        let room = console::PRINTED.free_capacity().min(portion.len());
        let count = device.poll_console(&mut portion[..room]);
        if count == 0 {
            break;
        }
        // Nobody else writes to it, so the room is still there.
        write_all(&console::PRINTED, &portion[..count]);
    }
}

/// Writes all of `bytes`, for which there is room.
///
/// [`Pipe::try_write`] stops at the end of the ring's memory, and returns how much it took. Of 100 bytes that begin 30
/// bytes before that end it takes 30; the next call takes the other 70.
fn write_all<const N: usize>(pipe: &Pipe<CriticalSectionRawMutex, N>, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = pipe.try_write(rest).expect("the caller saw the room, and nobody else writes");
        rest = &rest[count..];
    }
}

/// Saves while nothing is captured: writing to flash stops both cores for some hundredths of a second.
async fn save(store: &mut Result<Store<Flash>, StoreError>, change: &Change) -> Result<(), StoreError> {
    #[cfg(feature = "esp32s3")]
    let _paused = crate::camera::pause().await;
    match store {
        Ok(store) => store.apply(change),
        Err(error) => Err(*error),
    }
}

/// Prints what is left to print, and starts again.
async fn reboot(device: &mut Device<Slot>) -> ! {
    // Nobody may be reading; the console throws away then what is left.
    for _ in 0..100 {
        print(device);
        if console::PRINTED.is_empty() {
            break;
        }
        Timer::after_millis(10).await;
    }
    // The last packet is still on its way to the host.
    Timer::after_millis(50).await;
    restart::now("reboot command")
}
