//! The whole device, set up by somebody at its console.

use crate::camera::Frame;
use crate::dice::Dice;
use crate::endpoint::Endpoint;
use crate::weather::SECOND;
use lenscast_device::backoff::Random;
use lenscast_device::camera::{CameraEvent, CameraInfo, FrameInfo, FrameSize, Plan};
use lenscast_device::device::{Action, Config, Device, Identity};
use lenscast_device::settings::{Credentials, Settings};
use lenscast_device::stream::{DialId, SocketAction, SocketEvent, Timing};
use lenscast_device::time::Instant;
use lenscast_device::wifi::{Bssid, WifiAction, WifiEvent};
use std::net::Ipv4Addr;

/// What its log is searched for.
const HEARD: [&str; 5] =
    ["stream: connected", "with telemetry", "wifi: connected", "cam: the network sets", "stream: frames="];

/// A device, its radio and its console.
pub struct Whole {
    device: Device<Frame>,
    /// Whether its access point is on the air.
    on_air: bool,
    plan: Option<Plan>,
    notes: Vec<String>,
    printed: Vec<u8>,
}

impl Whole {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let wifi = Credentials { ssid: "attic".into(), password: "correct horse".into() };
        let saved = Settings { wifi: Some(wifi), ..Settings::default() };
        let config = Config {
            identity: Identity::default(),
            runtime: saved.clone(),
            saved,
            timing: Timing::default(),
            random: Random::new(move || dice.roll() as u32),
        };
        let now = Instant::START;
        let device = Device::new(config, now);
        let mut whole = Self { device, on_air: false, plan: None, notes: Vec::new(), printed: Vec::new() };
        let info = CameraInfo {
            sensor: "GC0308".into(),
            max_size: FrameSize::VGA,
            default_size: FrameSize::QVGA,
            native_jpeg: false,
            test_bar: true,
        };
        whole.device.camera_event(now, CameraEvent::Ready(info));
        whole.device.wifi_event(now, WifiEvent::Started);
        whole.device.console_input(now, b"stream set host server\r");
        whole
    }

    fn radio(&mut self, now: Instant, action: WifiAction) {
        match action {
            WifiAction::Connect(_) if self.on_air => {
                self.device.wifi_event(now, WifiEvent::Associated(Bssid::default()));
                self.device.wifi_event(now, WifiEvent::Address(Ipv4Addr::new(10, 0, 0, 7)));
            }
            WifiAction::Connect(_) => self.device.wifi_event(now, WifiEvent::Disconnected { reason: 201 }),
            WifiAction::Disconnect => self.device.wifi_event(now, WifiEvent::Disconnected { reason: 8 }),
            WifiAction::Scan => self.device.wifi_event(now, WifiEvent::ScanDone(Ok(Vec::new()))),
        }
    }

    /// Reads the console, as somebody does who counts what it says.
    fn read(&mut self) {
        let mut buffer = [0; 256];
        loop {
            match self.device.poll_console(&mut buffer) {
                0 => break,
                count => self.printed.extend_from_slice(&buffer[..count]),
            }
        }
        while let Some(end) = self.printed.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.printed.drain(..=end).collect();
            let line = String::from_utf8(line).expect("the console prints UTF-8");
            for word in HEARD.into_iter().filter(|word| line.contains(word)) {
                self.notes.push(format!("{}, {}", word.replace(' ', "-"), line.trim_end()));
            }
        }
        assert!(self.printed.len() < 4096, "a line that never ends");
    }
}

impl Endpoint for Whole {
    fn socket_event(&mut self, now: Instant, id: DialId, event: SocketEvent) {
        self.device.socket_event(now, id, event);
    }

    fn received(&mut self, now: Instant, id: DialId, bytes: &[u8]) {
        self.device.socket_received(now, id, bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.device.handle_timeout(now);
    }

    fn poll_action(&mut self, now: Instant) -> Option<SocketAction> {
        loop {
            match self.device.poll_action()? {
                Action::Socket(action) => return Some(action),
                Action::Wifi(action) => self.radio(now, action),
                Action::Camera(plan) => {
                    assert!(plan.capture <= self.device.is_connected(), "capturing for nobody");
                    self.plan = Some(plan);
                }
                action => panic!("nobody asked for {action:?}"),
            }
        }
    }

    fn poll_transmit(&mut self, now: Instant, id: DialId, out: &mut [u8]) -> usize {
        self.device.poll_transmit(now, id, out)
    }

    fn next_wake(&self) -> Option<Instant> {
        self.device.next_wake()
    }

    fn set_network(&mut self, now: Instant, up: bool) {
        self.on_air = up;
        if !up {
            self.device.wifi_event(now, WifiEvent::Disconnected { reason: 200 });
        }
    }

    fn set_streaming(&mut self, now: Instant, on: bool) {
        let command: &[u8] = if on { b"stream start\r" } else { b"stream stop\r" };
        self.device.console_input(now, command);
    }

    fn offer(&mut self, now: Instant, frame: Frame) {
        self.device.frame(now, frame, FrameInfo::default());
    }

    /// It tells by itself.
    fn tell(&mut self, _now: Instant) {}

    fn is_up(&self) -> bool {
        self.device.is_connected()
    }

    fn counts(&self) -> (u64, u64) {
        let stats = self.device.stats();
        (stats.sent, stats.dropped)
    }

    fn take_notes(&mut self) -> Vec<String> {
        self.read();
        std::mem::take(&mut self.notes)
    }

    /// A minute more: so long may pass before it looks for its access point again.
    fn patience(&self) -> u64 {
        125 * SECOND
    }
}
