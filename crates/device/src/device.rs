//! The whole device: what goes in, and what comes out.

mod commands;
mod events;
mod picture;
mod terminal;

use crate::backoff::Random;
use crate::camera::{CameraEvent, FrameInfo, Plan};
use crate::console::editor::{Input, MAX_LINE_BYTES, MAX_TYPE_AHEAD};
use crate::log::{Level, Throttle};
use crate::settings::store::StoreError;
use crate::settings::{Change, Settings};
use crate::stats::Stats;
use crate::stream::{Client, DialId, LostKind, SocketAction, SocketEvent, Timing};
use crate::time::Instant;
use crate::wifi::{Wifi, WifiAction, WifiEvent};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use picture::CameraState;
use terminal::Terminal;

/// How often the device logs what it did.
const REPORT: Duration = Duration::from_secs(5);

/// How long a hello waits for a sensor that has not told yet which one it is. Each answers in a tenth of that.
const HELLO: Duration = Duration::from_secs(3);

/// When the first telemetry follows a hello, and how often it comes then.
const TELEMETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// How long a good-bye to the server may hold up a restart.
const REBOOT: Duration = Duration::from_secs(2);

/// How often the same cause is logged.
const SAME_CAUSE: Duration = Duration::from_secs(5);

/// Who a device is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name of this device that never changes: its MAC address as `aa:bb:cc:dd:ee:ff`.
    pub id: String,
    /// Version of the firmware.
    pub version: String,
    /// Name of the board.
    pub board: String,
    /// Why it started, in words: `power on`, `brown-out`, `watchdog`, …
    pub reset_reason: String,
}

/// What a device is told when it starts.
#[derive(Debug)]
pub struct Config {
    /// Who it is.
    pub identity: Identity,
    /// What was saved.
    pub saved: Settings,
    /// What counts now; the same, unless the driver has a say.
    pub runtime: Settings,
    /// How patient it is with its connection.
    pub timing: Timing,
    /// Random numbers.
    pub random: Random,
}

/// What changes by itself, in bytes; the driver tells it once a second or so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Free bytes of the heap, and the largest piece of them.
    pub heap_free: u32,
    /// Largest free piece of the heap.
    pub heap_largest: u32,
    /// Size of the PSRAM; 0 when there is none.
    pub psram_size: u32,
    /// Free bytes of it.
    pub psram_free: u32,
    /// Largest free piece of it.
    pub psram_largest: u32,
}

/// What the driver is to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// On the WiFi driver.
    Wifi(WifiAction),
    /// On the TCP socket.
    Socket(SocketAction),
    /// The camera's plan from now on.
    Camera(Plan),
    /// Write the sensor's registers down; answered by [`CameraEvent::Dump`].
    DumpCamera,
    /// Apply this to the store, while nothing is captured; answered by [`Device::stored`].
    Store(Change),
    /// Print what [`Device::poll_console`] has left, then start again.
    Reboot,
}

/// What a command waits for.
#[derive(Debug)]
enum Busy {
    Store {
        change: Change,
        /// What to say when it is kept.
        answer: String,
    },
    Scan {
        max: u8,
    },
    Dump,
}

/// A camera device. `F` is one whole JPEG, wherever it lies.
///
/// **The loop**: the driver calls one of the inputs whenever something happens, and then drains the outputs:
/// [`poll_action`] until there is none, [`poll_console`] as the console takes it, [`poll_transmit`] as the socket takes it.
/// Then it waits, at most until [`next_wake`], and calls [`handle_timeout`].
///
/// [`poll_action`]: Device::poll_action
/// [`poll_console`]: Device::poll_console
/// [`poll_transmit`]: Device::poll_transmit
/// [`next_wake`]: Device::next_wake
/// [`handle_timeout`]: Device::handle_timeout
#[derive(Debug)]
pub struct Device<F> {
    identity: Identity,
    /// What is in flash.
    saved: Settings,
    /// What counts.
    runtime: Settings,
    /// Whether streaming is wished.
    streaming: bool,
    terminal: Terminal,
    busy: Option<Busy>,
    wifi: Wifi,
    client: Client<F>,
    camera: CameraState,
    stats: Stats,
    /// The counters at the last report, and when that was.
    reported: (Stats, Instant),
    last_report: Option<String>,
    last_loss: Option<String>,
    vitals: Vitals,
    /// A hello waits for the sensor, until then at most.
    hello_by: Option<Instant>,
    telemetry_at: Option<Instant>,
    rebooting: Option<Instant>,
    losses: Throttle<LostKind>,
    faults: Throttle<&'static str>,
    refusals: Throttle<&'static str>,
    random: Random,
    actions: VecDeque<Action>,
    /// The latest time that was told: time does not run backwards here.
    now: Instant,
}

impl<F: AsRef<[u8]>> Device<F> {
    /// A device that starts now.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let Config { identity, saved, runtime, timing, random } = config;
        let mut device = Self {
            streaming: runtime.auto,
            terminal: Terminal::new(),
            busy: None,
            wifi: Wifi::new(runtime.wifi.clone()),
            client: Client::new(timing),
            camera: CameraState::new(),
            stats: Stats::default(),
            reported: (Stats::default(), now),
            last_report: None,
            last_loss: None,
            vitals: Vitals::default(),
            hello_by: None,
            telemetry_at: None,
            rebooting: None,
            losses: Throttle::new(SAME_CAUSE),
            faults: Throttle::new(SAME_CAUSE),
            refusals: Throttle::new(SAME_CAUSE),
            random,
            actions: VecDeque::new(),
            now,
            identity,
            saved,
            runtime,
        };
        let banner = device.about();
        device.terminal.print(&banner);
        device.terminal.print("Type help for the commands.");
        device.terminal.prompt();
        device.update_target(now);
        device.settle(now);
        device
    }

    /// What somebody typed.
    pub fn console_input(&mut self, now: Instant, bytes: &[u8]) {
        let now = self.clock(now);
        self.read_console(now, bytes);
        self.settle(now);
    }

    /// What the WiFi driver tells.
    pub fn wifi_event(&mut self, now: Instant, event: WifiEvent) {
        let now = self.clock(now);
        self.wifi.event(now, event, &mut self.random);
        self.settle(now);
    }

    /// What happened to the socket of attempt `id`.
    pub fn socket_event(&mut self, now: Instant, id: DialId, event: SocketEvent) {
        let now = self.clock(now);
        self.client.socket_event(now, id, event, &mut self.random);
        self.settle(now);
    }

    /// What the socket of attempt `id` received.
    pub fn socket_received(&mut self, now: Instant, id: DialId, bytes: &[u8]) {
        let now = self.clock(now);
        self.client.received(now, id, bytes, &mut self.random);
        self.settle(now);
    }

    /// What the camera's driver tells.
    pub fn camera_event(&mut self, now: Instant, event: CameraEvent) {
        let now = self.clock(now);
        self.on_camera(now, event);
        self.settle(now);
    }

    /// A frame was captured. The device keeps the newest one until it can be sent.
    pub fn frame(&mut self, now: Instant, frame: F, info: FrameInfo) {
        let now = self.clock(now);
        self.stats.captured += 1;
        self.stats.capture += info.capture;
        self.stats.convert += info.convert;
        self.camera.frame(now);
        self.client.offer(now, frame);
        self.settle(now);
    }

    /// How the last [`Action::Store`] went.
    pub fn stored(&mut self, now: Instant, result: Result<(), StoreError>) {
        let now = self.clock(now);
        self.on_stored(result);
        self.settle(now);
    }

    /// How the device is.
    pub fn vitals(&mut self, vitals: Vitals) {
        self.vitals = vitals;
    }

    /// Logs a line of the driver's own.
    pub fn log(&mut self, now: Instant, level: Level, line: &str) {
        let now = self.clock(now);
        self.terminal.log(now, level, line);
    }

    /// The time has come that [`next_wake`](Self::next_wake) told.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        self.wifi.handle_timeout(now, &mut self.random);
        self.client.handle_timeout(now, &mut self.random);
        self.report(now);
        self.settle(now);
    }

    /// Ends streaming in order, with a good-bye to the server. [`is_idle`](Self::is_idle) tells when that is done.
    pub fn shut_down(&mut self, now: Instant) {
        let now = self.clock(now);
        self.set_streaming(now, false);
        self.settle(now);
    }

    /// Whether there is no connection to a server and none is wanted.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.streaming && self.client.is_idle()
    }

    /// Whether a server has accepted this device.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.is_up()
    }

    /// The next thing to carry out.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Copies bytes for the console to `out` and returns how many. When nobody reads the console they may be thrown away.
    pub fn poll_console(&mut self, out: &mut [u8]) -> usize {
        self.terminal.poll(out)
    }

    /// Copies bytes for the socket of attempt `id` to `out` and returns how many. They must be written, in this order,
    /// before it is called again. 0: nothing now.
    pub fn poll_transmit(&mut self, now: Instant, id: DialId, out: &mut [u8]) -> usize {
        let now = self.clock(now);
        let count = self.client.poll_transmit(now, id, out, &mut self.random);
        self.settle(now);
        count
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, unless something else happens before.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        let report = self.streaming.then(|| self.reported.1 + REPORT);
        let own = [report, self.hello_by, self.telemetry_at, self.rebooting];
        [self.wifi.next_wake(), self.client.next_wake()].into_iter().chain(own).flatten().min()
    }

    /// Counters, for tests and other programs.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clock(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn set_streaming(&mut self, now: Instant, streaming: bool) {
        if streaming && !self.streaming {
            self.reported = (self.stats.clone(), now);
        }
        self.streaming = streaming;
        self.update_target(now);
    }

    fn update_target(&mut self, now: Instant) {
        let target = self.streaming.then(|| self.runtime.target.clone());
        self.client.set_target(now, target);
    }

    fn reboot(&mut self, now: Instant) {
        self.rebooting = Some(now + REBOOT);
        self.set_streaming(now, false);
    }

    /// Lets everything that an input caused happen.
    fn settle(&mut self, now: Instant) {
        self.pass_on(now);
        if self.busy.is_none() {
            // What happened may have been what a command waited for: what was typed meanwhile has its turn.
            self.read_console(now, &[]);
            self.pass_on(now);
        }
        self.tell(now);
        let plan = self.camera.plan_for(&self.runtime.picture, self.streaming && self.client.is_up());
        if self.camera.plan != Some(plan) {
            self.camera.plan = Some(plan);
            self.actions.push_back(Action::Camera(plan));
        }
        if self.rebooting.is_some_and(|at| at <= now || self.client.is_idle()) {
            self.rebooting = None;
            self.actions.push_back(Action::Reboot);
        }
    }

    /// Lets WiFi and the connection hear of each other, and all others of them.
    fn pass_on(&mut self, now: Instant) {
        loop {
            let before = self.actions.len();
            let mut quiet = true;
            while let Some(output) = self.wifi.poll() {
                self.on_wifi(now, output);
                quiet = false;
            }
            self.client.set_network(now, self.wifi.address().is_some());
            while let Some(output) = self.client.poll(now, &mut self.random) {
                self.on_stream(now, output);
                quiet = false;
            }
            if quiet && before == self.actions.len() {
                break;
            }
        }
    }

    /// Reads and carries out what was typed, one command after the other.
    fn read_console(&mut self, now: Instant, mut bytes: &[u8]) {
        while let Some(input) = self.terminal.read(&mut bytes) {
            match input {
                Input::Line(line) => match self.execute(now, &line) {
                    commands::Answer::Now(text) => self.answer(&text),
                    commands::Answer::Later(busy) => self.busy = Some(busy),
                },
                Input::TooLong => {
                    self.answer(&format!(
                        "that was too long, and nothing of it was done: a line has at most {MAX_LINE_BYTES} bytes, \
                         and while a command runs at most {MAX_TYPE_AHEAD} keys are kept"
                    ));
                }
                // Saving takes no time that anybody would want to cut short, and its end has to be heard.
                Input::Interrupt if matches!(self.busy, Some(Busy::Store { .. })) => {}
                Input::Interrupt => {
                    self.busy = None;
                    self.terminal.prompt();
                }
            }
        }
    }

    /// Prints what a command says, and asks for the next one.
    fn answer(&mut self, text: &str) {
        if !text.is_empty() {
            self.terminal.print(text);
        }
        if self.rebooting.is_none() {
            self.terminal.prompt();
        }
    }
}
