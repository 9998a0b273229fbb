//! The one task that owns the [`Device`]: hands in what happens, and carries out what comes back.

use crate::channels::{Channels, Event, PORTION};
use crate::frames::Slot;
use crate::pipe::write_all;
use crate::{now, timer_at};
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use embassy_futures::select::{Either4, select4};
use embassy_time::Timer;
use lenscast_device::Device;
use lenscast_device::camera::CameraEvent;
use lenscast_device::device::{Action, Vitals};
use lenscast_device::settings::Change;
use lenscast_device::settings::store::StoreError;
use lenscast_device::stream::{DialId, SocketAction, SocketEvent};
use lenscast_device::wifi::WifiAction;

/// How often the device is told how it is, and the watchdog that it lives.
const VITALS: Duration = Duration::from_secs(1);

/// Bytes that are printed at once.
const LINE: usize = 256;

/// What the driver needs of a board.
#[expect(async_fn_in_trait, reason = "it is awaited by one task, which stays where it is")]
pub trait Board {
    /// Tells the watchdog that the device's task lives.
    fn alive(&mut self);

    /// How the device is.
    fn vitals(&mut self) -> Vitals;

    /// Saves a change while nothing is captured: writing to flash stops both cores for some hundredths of a second.
    ///
    /// # Errors
    /// Why it is not saved.
    async fn save(&mut self, change: &Change) -> Result<(), StoreError>;
}

/// Runs the device until it is to start again. What was left to print is printed then, unless nobody reads it.
pub async fn run(mut device: Device<Slot>, board: &mut impl Board, channels: &Channels) {
    let mut driver = Driver { channels, socket: None, held: None };
    let mut vitals_at = now();
    loop {
        if vitals_at <= now() {
            vitals_at = now() + VITALS;
            device.vitals(board.vitals());
            board.alive();
        }
        if driver.drain(&mut device, board).await {
            return last_words(&mut device, channels).await;
        }
        let wake = device.next_wake().map_or(vitals_at, |at| at.min(vitals_at));
        let waiting =
            select4(channels.events.receive(), channels.frame.wait(), driver.room(), timer_at(wake));
        match waiting.await {
            Either4::First(event) => driver.hand_in(&mut device, event),
            Either4::Second((slot, info)) => device.frame(now(), slot, info),
            Either4::Third(()) | Either4::Fourth(()) => {}
        }
        if device.next_wake().is_some_and(|at| at <= now()) {
            device.handle_timeout(now());
        }
    }
}

/// An action for which its task has no room yet. Those that come after it wait.
#[derive(Debug)]
enum Held {
    Wifi(WifiAction),
    Socket(SocketAction),
}

/// What must be remembered between two events.
struct Driver<'a> {
    channels: &'a Channels,
    /// The attempt whose socket is connected.
    socket: Option<DialId>,
    held: Option<Held>,
}

impl Driver<'_> {
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
            Event::Log(level, line) => device.log(now(), level, &line),
            Event::Room => {}
        }
    }

    /// Carries out all that came out, as far as the others take it. Returns whether the device is to start again.
    async fn drain(&mut self, device: &mut Device<Slot>, board: &mut impl Board) -> bool {
        while let Some(cause) = self.channels.take_lost() {
            device.camera_event(now(), CameraEvent::FrameLost(cause));
        }
        loop {
            self.transmit(device);
            if !self.pass_held() {
                break;
            }
            let Some(action) = device.poll_action() else { break };
            match action {
                Action::Wifi(action) => self.held = Some(Held::Wifi(action)),
                Action::Socket(action) => self.held = Some(Held::Socket(action)),
                Action::Camera(plan) => self.channels.plan.signal(plan),
                Action::DumpCamera => self.channels.dump.signal(()),
                Action::Store(change) => {
                    let result = board.save(&change).await;
                    device.stored(now(), result);
                }
                Action::Reboot => return true,
            }
        }
        print(device, self.channels);
        false
    }

    /// Hands the action on that is held. Returns whether none is held any more.
    fn pass_held(&mut self) -> bool {
        use embassy_sync::channel::TrySendError::Full;
        self.held = match self.held.take() {
            Some(Held::Wifi(action)) => {
                self.channels.wifi.try_send(action).err().map(|Full(action)| Held::Wifi(action))
            }
            Some(Held::Socket(action)) => {
                self.channels.socket.try_send(action).err().map(|Full(action)| Held::Socket(action))
            }
            None => None,
        };
        self.held.is_none()
    }

    /// Waits until there is room for the action that is held; for ever when none is.
    fn room(&self) -> impl Future<Output = ()> {
        let channels = self.channels;
        let held = self.held.as_ref().map(|held| matches!(held, Held::Wifi(_)));
        poll_fn(move |context| match held {
            Some(true) => channels.wifi.poll_ready_to_send(context),
            Some(false) => channels.socket.poll_ready_to_send(context),
            None => Poll::Pending,
        })
    }

    /// Hands on what is to be sent, as far as there is room for whole portions.
    fn transmit(&self, device: &mut Device<Slot>) {
        let Some(id) = self.socket else { return };
        let mut portion = [0; PORTION];
        while self.channels.outgoing.free_capacity() >= portion.len() {
            let count = device.poll_transmit(now(), id, &mut portion);
            if count == 0 {
                break;
            }
            write_all(&self.channels.outgoing, &portion[..count]);
        }
    }
}

/// Hands on what is to be printed, as far as there is room.
fn print(device: &mut Device<Slot>, channels: &Channels) {
    let mut portion = [0; LINE];
    loop {
        let room = channels.printed.free_capacity().min(portion.len());
        let count = device.poll_console(&mut portion[..room]);
        if count == 0 {
            break;
        }
        write_all(&channels.printed, &portion[..count]);
    }
}

/// Prints what is left to print.
async fn last_words(device: &mut Device<Slot>, channels: &Channels) {
    // Nobody may be reading; the console throws away then what is left.
    for _ in 0..100 {
        print(device, channels);
        if channels.printed.is_empty() {
            break;
        }
        Timer::after_millis(10).await;
    }
    // The last packet is still on its way to the host.
    Timer::after_millis(50).await;
}
