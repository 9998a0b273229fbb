//! The driver: carries out what the device wants, and tells it what happens.

use std::future::Future;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lenscast_device::Device;
use lenscast_device::backoff::Random;
use lenscast_device::camera::CameraEvent;
use lenscast_device::device::{Action, Config, Vitals};
use lenscast_device::log::Level;
use lenscast_device::settings::store::Store;
use lenscast_device::stream::SocketAction;
use lenscast_device::time::Instant;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::capture::{Capture, Told};
use crate::clock::Clock;
use crate::console::{Console, End, Typed};
use crate::flash::{Flash, NVS_BYTES};
use crate::mailbox::Mailbox;
use crate::options::identity;
use crate::server::Server;
use crate::socket::{News, Socket};
use crate::source::{Frame, Frames};
use crate::world::{Link, Radio};
use crate::{Error, Options, Stats};

/// A good-bye takes no longer than this.
const GOOD_BYE: Duration = Duration::from_secs(3);

/// How long a restart waits for whoever reads the console.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How often the device is told how much memory there is.
const VITALS: Duration = Duration::from_secs(1);

/// So many bytes are asked for at least; fewer would only cost system calls.
const LEAST_ROOM: usize = 1024;

/// Of what somebody pasted, so much is handed over at a time: the device reads ahead a little only.
const PASTE: usize = 128;

/// What a device is soldered to: all that outlives a restart.
pub(crate) struct Board {
    options: Options,
    server: Option<Server>,
    stats: Arc<Stats>,
    console: Console,
    capture: Capture,
    /// `None`: nothing more comes.
    told: Option<mpsc::Receiver<Told>>,
    mailbox: Arc<Mailbox<Frame>>,
    /// `None` while a device uses it.
    flash: Option<Flash>,
    /// The world's time.
    clock: Clock,
    /// What was counted before the last restart.
    before: lenscast_device::stats::Stats,
}

/// Why a device does not go on.
enum Ending {
    Reboot,
    Off(Result<(), Error>),
}

impl Board {
    /// Opens all of it.
    pub(crate) fn new(options: Options, console: Console, stats: Arc<Stats>) -> Result<Self, Error> {
        getrandom::u32().map_err(Error::Random)?;
        let server = options.server()?;
        let flash = match &options.nvs {
            Some(path) => Flash::open(path)?,
            None => Flash::in_memory(),
        };
        // Refused at once, not when the device starts.
        options.settings(&Default::default(), server.as_ref())?;
        let frames = Frames::open(&options.source, options.size)?;
        let mailbox = Arc::new(Mailbox::default());
        let (capture, told) = Capture::start(frames, mailbox.clone(), stats.clone())?;
        let (clock, before) = (Clock::start(), Default::default());
        let (told, flash) = (Some(told), Some(flash));
        Ok(Self { options, server, stats, console, capture, told, mailbox, flash, clock, before })
    }

    /// Runs the device, through its restarts.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let mut shutdown = pin!(shutdown);
        let mut reset_reason = "power on";
        let result = loop {
            match Life::begin(&mut self, reset_reason)?.live(shutdown.as_mut()).await {
                Ending::Reboot => reset_reason = "software restart",
                Ending::Off(result) => break result,
            }
        };
        self.console.close().await;
        result
    }
}

/// A device from one start to the next.
struct Life<'a> {
    board: &'a mut Board,
    device: Device<Bytes>,
    store: Store<Flash>,
    /// The device's own time.
    clock: Clock,
    radio: Radio,
    socket: Socket,
    vitals: Instant,
    /// All that the device had to print was taken.
    printed: bool,
    /// What `cam dump` asked for is still to come.
    dumping: bool,
    /// No more is typed.
    input_over: bool,
    /// What will be the result, and when at the latest, once the device is to end.
    leaving: Option<(Result<(), Error>, Instant)>,
}

impl<'a> Life<'a> {
    fn begin(board: &'a mut Board, reset_reason: &str) -> Result<Self, Error> {
        let clock = Clock::start();
        let flash = board.flash.take().unwrap_or_else(Flash::in_memory);
        let (mut store, found) = Store::open(flash, 0, NVS_BYTES).expect("the flash has just this size");
        let (saved, lost) = store.load();
        let options = &board.options;
        let config = Config {
            identity: identity(options, board.server.as_ref(), reset_reason),
            runtime: options.settings(&saved, board.server.as_ref())?,
            saved,
            timing: options.timing,
            random: Random::new(|| getrandom::u32().expect("the system gave random numbers at the start")),
        };
        board.capture.reset();
        let mut device = Device::new(config, clock.now());
        for report in [found, lost].iter().filter(|report| !report.is_empty()) {
            device.log(clock.now(), Level::Warn, &format!("nvs: {report}"));
        }
        Ok(Self {
            device,
            store,
            clock,
            radio: Radio::new(options.world.clone(), board.clock.now()),
            socket: Socket::new(options.world.clone().unwrap_or_default()),
            vitals: Instant::START,
            printed: true,
            dumping: false,
            input_over: false,
            leaving: None,
            board,
        })
    }

    async fn live(mut self, mut shutdown: Pin<&mut impl Future<Output = ()>>) -> Ending {
        loop {
            if let Break(ending) = self.drain() {
                return self.end(ending).await;
            }
            let wake = self.next_wake();
            let (clock, printed, staying) = (self.clock, self.printed, self.leaving.is_none());
            let passes = self.radio.is_up();
            let Self { board, socket, .. } = &mut self;
            let Board { console, mailbox, told, clock: world_clock, .. } = &mut **board;
            tokio::select! {
                typed = console.input.read() => self.typed(typed),
                () = console.output.ready(), if !printed => {}
                (jpeg, info) = mailbox.take() => self.device.frame(clock.now(), jpeg, info),
                told = next(told) => self.told(told),
                () = socket.turn(|| world_clock.now()), if passes => {}
                () = clock.until(wake) => {}
                () = &mut shutdown, if staying => self.leave(Ok(())),
            }
        }
    }

    /// Does all that is to be done now.
    fn drain(&mut self) -> ControlFlow<Ending> {
        let now = self.clock.now();
        if self.vitals <= now {
            self.vitals = now + VITALS;
            self.device.vitals(vitals());
        }
        if self.device.next_wake().is_some_and(|wake| wake <= now) {
            self.device.handle_timeout(now);
        }
        loop {
            let acted = self.act(now)?;
            let passed = self.pass(now);
            if !acted && !passed {
                break;
            }
        }
        let Self { board, device, .. } = self;
        self.printed = board.console.output.print(|buffer| device.poll_console(buffer));
        board.stats.copy(&board.before, device.stats(), device.is_connected());
        self.done(now)
    }

    /// Carries out what the device wants. Returns whether there was something.
    fn act(&mut self, now: Instant) -> ControlFlow<Ending, bool> {
        let world_now = self.board.clock.now();
        let mut acted = false;
        while let Some(action) = self.device.poll_action() {
            acted = true;
            match action {
                Action::Wifi(action) => self.radio.act(world_now, action),
                Action::Socket(SocketAction::Dial { id, .. }) if !self.radio.is_up() => {
                    self.socket.refuse(world_now, id, "there is no network");
                }
                Action::Socket(SocketAction::Dial { id, host, port }) => self.socket.dial(id, host, port),
                Action::Socket(SocketAction::Hangup { id }) => self.socket.hang_up(world_now, id),
                Action::Camera(plan) => self.board.capture.plan(plan),
                Action::DumpCamera => {
                    self.dumping = true;
                    self.board.capture.dump();
                }
                Action::Store(change) => {
                    let result = self.store.apply(&change);
                    self.device.stored(now, result);
                }
                Action::Reboot => return Break(Ending::Reboot),
            }
        }
        Continue(acted)
    }

    /// Moves what the world has to tell, and bytes. Returns whether there was something.
    fn pass(&mut self, now: Instant) -> bool {
        let world_now = self.board.clock.now();
        let Self { device, radio, socket, .. } = self;
        let mut passed = false;
        while let Some(event) = radio.poll(world_now) {
            device.wifi_event(now, event);
            passed = true;
        }
        if !radio.is_up() {
            return passed;
        }
        while let Some(news) = socket.poll(world_now) {
            match news {
                News::Event(id, event) => device.socket_event(now, id, event),
                News::Received(id, bytes) => device.socket_received(now, id, &bytes),
            }
            passed = true;
        }
        let mut buffer = [0; Link::CAPACITY];
        while let Some((id, room)) = socket.room()
            && room >= LEAST_ROOM
        {
            match device.poll_transmit(now, id, &mut buffer[..room]) {
                0 => break,
                length => socket.send(world_now, &buffer[..length]),
            }
            passed = true;
        }
        passed
    }

    /// Whether nothing is left to do for a device that is to end, or whose input has.
    fn done(&mut self, now: Instant) -> ControlFlow<Ending> {
        if let Some((_, latest)) = &self.leaving {
            if !self.device.is_idle() && now < *latest {
                return Continue(());
            }
            let (result, _) = self.leaving.take().expect("it was there just now");
            return Break(Ending::Off(result));
        }
        let quiet = self.device.is_idle() && !self.radio.is_busy() && !self.dumping && self.printed;
        if self.input_over && quiet { Break(Ending::Off(Ok(()))) } else { Continue(()) }
    }

    /// What the device printed last gets out.
    async fn end(self, ending: Ending) -> Ending {
        let Self { mut device, store, board, .. } = self;
        let output = &mut board.console.output;
        let printing = async {
            while !output.print(|buffer| device.poll_console(buffer)) {
                output.ready().await;
            }
        };
        #[expect(clippy::let_underscore_must_use, reason = "late lines are lost, as on a board")]
        let _ = timeout(LAST_LINES, printing).await;
        add(&mut board.before, device.stats());
        board.stats.copy(&board.before, &Default::default(), false);
        board.flash = Some(store.into_platform());
        ending
    }

    fn leave(&mut self, result: Result<(), Error>) {
        let now = self.clock.now();
        self.leaving = Some((result, now + GOOD_BYE));
        self.device.shut_down(now);
    }

    fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Bytes(bytes) => {
                for part in bytes.chunks(PASTE) {
                    self.device.console_input(self.clock.now(), part);
                }
            }
            Typed::End(End::Input) => self.input_over = true,
            Typed::End(End::Key) if self.leaving.is_none() => self.leave(Ok(())),
            Typed::End(End::Key) => {}
        }
    }

    fn told(&mut self, told: Option<Told>) {
        let error = match told {
            Some(Told::Event(event)) => {
                self.dumping &= !matches!(event, CameraEvent::Dump(_));
                return self.device.camera_event(self.clock.now(), event);
            }
            Some(Told::Gone(error)) => Error::Source(error),
            None => Error::CapturePanicked,
        };
        self.board.told = None;
        if self.board.console.output.is_read() {
            self.device.camera_event(self.clock.now(), CameraEvent::Failed(error.to_string()));
        } else if self.leaving.is_none() {
            self.leave(Err(error));
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let world = [self.radio.next_wake(), self.socket.next_wake().filter(|_| self.radio.is_up())];
        let world = world.into_iter().flatten().map(|at| {
            let wait = at.since(self.board.clock.now());
            self.clock.now() + wait
        });
        let own = [self.device.next_wake(), self.leaving.as_ref().map(|(_, latest)| *latest)];
        own.into_iter().flatten().chain(world).chain([self.vitals]).min()
    }
}

/// What the camera tells next; never after it told that it ended.
async fn next(told: &mut Option<mpsc::Receiver<Told>>) -> Option<Told> {
    match told {
        Some(told) => told.recv().await,
        None => std::future::pending().await,
    }
}

fn add(sum: &mut lenscast_device::stats::Stats, counted: &lenscast_device::stats::Stats) {
    sum.sent += counted.sent;
    sum.dropped += counted.dropped;
    sum.bytes += counted.bytes;
    sum.connections += counted.connections;
}

/// The memory that this computer has left stands for the heap. There is no PSRAM.
fn vitals() -> Vitals {
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(u64::MAX / 1024);
    let free = u32::try_from(kib * 1024).unwrap_or(u32::MAX);
    Vitals { heap_free: free, heap_largest: free, ..Vitals::default() }
}
