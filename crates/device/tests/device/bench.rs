//! A device, its owner at the console, and everything that a driver does for it.

use crate::server::Server;
use lenscast_device::backoff::Random;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameInfo, FrameSize, Plan};
use lenscast_device::device::{Action, Config, Device, Identity};
use lenscast_device::settings::store::StoreError;
use lenscast_device::settings::{Change, Credentials, Settings, Target};
use lenscast_device::stream::{DialId, SocketAction, SocketEvent, Timing};
use lenscast_device::time::Instant;
use lenscast_device::wifi::{AccessPoint, Auth, Bssid, WifiAction, WifiEvent};
use std::net::Ipv4Addr;
use std::time::Duration;

pub struct Bench {
    pub device: Device<Vec<u8>>,
    pub now: Instant,
    /// What the camera was asked for last.
    pub plan: Option<Plan>,
    /// What was to be saved, in order.
    pub changes: Vec<Change>,
    /// What saving answers.
    pub store: Result<(), StoreError>,
    /// Whether scans and saving are answered.
    pub scans: bool,
    pub stores: bool,
    /// Every dial: host and port.
    pub dials: Vec<(String, u16)>,
    pub dumps: u32,
    pub rebooted: bool,
    /// The server at the other end; without one, dials are refused.
    pub server: Option<Server>,
    /// Bytes that the network takes in a ms, and how many it takes right now.
    pub network: Option<usize>,
    room: usize,
    dial: Option<DialId>,
    printed: String,
}

fn credentials() -> Credentials {
    Credentials { ssid: "home".into(), password: "secret-password".into() }
}

/// A GC0308 answers.
pub fn ready() -> CameraEvent {
    CameraEvent::Ready(CameraInfo {
        sensor: "GC0308".into(),
        max_size: FrameSize::VGA,
        default_size: FrameSize::QVGA,
        native_jpeg: false,
        test_bar: true,
    })
}

/// Somebody has set up everything.
pub fn set_up() -> Settings {
    Settings {
        wifi: Some(credentials()),
        target: Target { host: Some("server".into()), ..Target::default() },
        auto: true,
        ..Settings::default()
    }
}

pub fn network(ssid: &str, rssi: i8, auth: Auth) -> AccessPoint {
    AccessPoint { ssid: ssid.into(), bssid: Bssid::default(), channel: 6, rssi, auth }
}

impl Bench {
    /// A board fresh from the shop, with a GC0308.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(saved: Settings) -> Self {
        let mut bench = Self::off(saved);
        bench.wifi(WifiEvent::Started);
        bench.camera(ready());
        bench
    }

    /// Set up, and just connected to `server`; the camera has told nothing yet.
    pub fn without_camera(server: Server) -> Self {
        let mut bench = Self::off(set_up());
        bench.server = Some(server);
        bench.wifi(WifiEvent::Started);
        while !bench.device.is_connected() {
            assert!(bench.now < Instant::START + Duration::from_secs(30), "{}", bench.printed());
            bench.pass(Duration::from_millis(1));
        }
        bench
    }

    /// A board of which no part has told anything yet.
    fn off(saved: Settings) -> Self {
        let identity = Identity {
            id: "aa:bb:cc:dd:ee:ff".into(),
            version: "1.2.3".into(),
            board: "bench".into(),
            reset_reason: "power on".into(),
        };
        let mut numbers = 0x9E37_79B9u32;
        let random = Random::new(move || {
            numbers ^= numbers << 13;
            numbers ^= numbers >> 17;
            numbers ^= numbers << 5;
            numbers
        });
        let config = Config { identity, runtime: saved.clone(), saved, timing: Timing::default(), random };
        Self {
            device: Device::new(config, Instant::START),
            now: Instant::START,
            plan: None,
            changes: Vec::new(),
            store: Ok(()),
            scans: true,
            stores: true,
            dials: Vec::new(),
            dumps: 0,
            rebooted: false,
            server: None,
            network: None,
            room: 0,
            dial: None,
            printed: String::new(),
        }
    }

    /// Set up, connected, and streaming to `server`.
    pub fn streaming(server: Server) -> Self {
        let mut bench = Self::with(set_up());
        bench.server = Some(server);
        bench.pass(Duration::from_secs(30));
        assert!(bench.device.is_connected(), "{}", bench.printed());
        bench.printed();
        bench
    }

    pub fn wifi(&mut self, event: WifiEvent) {
        self.device.wifi_event(self.now, event);
        self.drain();
    }

    pub fn camera(&mut self, event: CameraEvent) {
        self.device.camera_event(self.now, event);
        self.drain();
    }

    pub fn frame(&mut self, frame: &[u8]) {
        self.device.frame(self.now, frame.to_vec(), FrameInfo::default());
        self.drain();
    }

    /// Types a line as a person does, and gives what was printed then, without the echo and the prompt.
    pub fn enter(&mut self, line: &str) -> String {
        self.printed();
        self.keys(&format!("{line}\r"));
        let printed = self.printed();
        let after_echo = printed.split_once(line).map_or(&*printed, |(_, rest)| rest);
        after_echo.trim_start_matches("\r\n").trim_end_matches("cam> ").replace("\r\n", "\n")
    }

    pub fn keys(&mut self, keys: &str) {
        self.device.console_input(self.now, keys.as_bytes());
        self.drain();
    }

    /// What was printed since this was asked last.
    pub fn printed(&mut self) -> String {
        let mut buffer = [0; 100];
        let mut bytes = Vec::new();
        loop {
            match self.device.poll_console(&mut buffer) {
                0 => break,
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        }
        // What asks the terminal whether it understands escape sequences; nobody answers here.
        self.printed += &String::from_utf8(bytes).expect("the console prints UTF-8").replace("\x1b[5n", "");
        std::mem::take(&mut self.printed)
    }

    /// Lets time pass, waking the device when it wants.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let mut next = self.device.next_wake().filter(|&wake| wake < end).unwrap_or(end).max(self.now);
            if let Some(bytes_per_ms) = self.network {
                next = next.min(self.now + Duration::from_millis(5));
                self.room = bytes_per_ms * 5;
            }
            self.now = next;
            self.device.handle_timeout(self.now);
            self.drain();
            if self.now == end {
                return;
            }
        }
    }

    /// How saving went, when that was left open.
    pub fn stored(&mut self) {
        self.device.stored(self.now, self.store);
        self.drain();
    }

    /// Hands in bytes of the server's, and does nothing else.
    pub fn received(&mut self, bytes: &[u8]) {
        let id = self.dial.expect("there is a connection");
        self.device.socket_received(self.now, id, bytes);
    }

    /// The server's end of the connection breaks.
    pub fn cut(&mut self) {
        let id = self.dial.take().expect("there is a connection");
        self.device.socket_event(self.now, id, SocketEvent::Closed("connection reset".into()));
        self.drain();
    }

    /// Carries out what the device asks for.
    pub fn drain(&mut self) {
        loop {
            while let Some(action) = self.device.poll_action() {
                self.carry_out(action);
            }
            if !self.exchange() {
                return;
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        let now = self.now;
        match action {
            Action::Wifi(WifiAction::Connect(_)) => {
                self.device.wifi_event(now, WifiEvent::Associated(Bssid::default()));
                self.device.wifi_event(now, WifiEvent::Address(Ipv4Addr::new(10, 0, 0, 7)));
                self.device.wifi_event(now, WifiEvent::Signal(-58));
            }
            Action::Wifi(WifiAction::Disconnect) => {
                self.device.wifi_event(now, WifiEvent::Disconnected { reason: 8 });
            }
            Action::Wifi(WifiAction::Scan) if self.scans => {
                let found = vec![
                    network("far", -80, Auth::Open),
                    network("home", -51, Auth::Wpa2),
                    network("", -60, Auth::Wpa3),
                ];
                self.device.wifi_event(now, WifiEvent::ScanDone(Ok(found)));
            }
            Action::Wifi(WifiAction::Scan) => {}
            Action::Socket(SocketAction::Dial { id, host, port }) => {
                self.dials.push((host, port));
                let event = match &mut self.server {
                    Some(server) => {
                        server.dialled();
                        SocketEvent::Connected
                    }
                    None => SocketEvent::Failed("connection refused".into()),
                };
                self.dial = self.server.is_some().then_some(id);
                self.device.socket_event(now, id, event);
            }
            Action::Socket(SocketAction::Hangup { id }) => {
                if self.dial == Some(id) {
                    self.dial = None;
                }
            }
            Action::Camera(plan) => self.plan = Some(plan),
            Action::DumpCamera => {
                self.dumps += 1;
                self.device.camera_event(now, CameraEvent::Dump("00: 9b".into()));
            }
            Action::Store(change) => {
                self.changes.push(change);
                if self.stores {
                    self.device.stored(now, self.store);
                }
            }
            Action::Reboot => {
                self.rebooted = true;
                let closed = self.server.as_ref().map(|server| server.closed);
                assert_ne!(closed, Some(None), "it left its server without a word");
            }
        }
    }

    /// Moves bytes in both directions; whether there were any.
    fn exchange(&mut self) -> bool {
        let (Some(id), Some(server)) = (self.dial, &mut self.server) else { return false };
        let mut moved = false;
        let mut buffer = [0; 700];
        loop {
            let room = if self.network.is_some() { self.room.min(buffer.len()) } else { buffer.len() };
            if room == 0 {
                break;
            }
            let count = self.device.poll_transmit(self.now, id, &mut buffer[..room]);
            if count == 0 {
                break;
            }
            server.receive(&buffer[..count]);
            self.room = self.room.saturating_sub(count);
            moved = true;
        }
        let answer = server.take();
        if !answer.is_empty() {
            self.device.socket_received(self.now, id, &answer);
            moved = true;
        }
        moved
    }
}
