//! What the parts of the device tell each other, the log and the server.

use super::{Action, Busy, Device, HELLO, REPORT, TELEMETRY};
use crate::camera::adaptive::Adaptive;
use crate::camera::{CameraEvent, Plan};
use crate::log::Level;
use crate::settings::store::StoreError;
use crate::settings::{Change, Target};
use crate::stats::Stats;
use crate::stream::{Event, Lost, Output as StreamOutput, one_line};
use crate::time::Instant;
use crate::wifi::{AccessPoint, Notice, Output as WifiOutput};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use lenscast_protocol::control::{
    DeviceMessage, Hello, MAX_CONTROL_BYTES, ServerMessage, Telemetry, server_message, to_text,
};
use lenscast_protocol::plain;

impl<F: AsRef<[u8]>> Device<F> {
    pub(super) fn on_wifi(&mut self, now: Instant, output: WifiOutput) {
        let notice = match output {
            WifiOutput::Action(action) => return self.actions.push_back(Action::Wifi(action)),
            WifiOutput::Notice(notice) => notice,
        };
        match notice {
            Notice::Joining { ssid } => self.terminal.log(now, Level::Info, &format!("wifi: joining {ssid}")),
            Notice::Up(address) => {
                self.terminal.log(now, Level::Info, &format!("wifi: connected, address {address}"));
            }
            Notice::Down { trouble, attempt, retry_in } => {
                let seconds = retry_in.as_secs();
                let sentence = trouble.sentence(self.ssid());
                let line = format!("wifi: {sentence} (attempt {attempt}, next in {seconds} s)");
                self.terminal.log(now, Level::Warn, &line);
            }
            Notice::Moving { to, from } => {
                let line = format!("wifi: moving to a stronger access point ({to} dBm instead of {from})");
                self.terminal.log(now, Level::Info, &line);
            }
            Notice::GoingBack(trouble) => {
                let sentence = trouble.sentence(self.ssid());
                let line =
                    format!("wifi: back to the access point before, for at the stronger one {sentence}");
                self.terminal.log(now, Level::Warn, &line);
            }
            Notice::Broken(why) => self.terminal.log(now, Level::Error, &format!("wifi: {why}")),
            Notice::Scanned(result) => {
                if let Some(Busy::Scan { max }) = self.busy {
                    self.busy = None;
                    self.answer_scan(result, usize::from(max));
                }
            }
        }
    }

    /// The name of the network that is wished; empty when there is none.
    pub(super) fn ssid(&self) -> &str {
        self.wifi.credentials().map_or("", |credentials| &credentials.ssid)
    }

    pub(super) fn on_stream(&mut self, now: Instant, output: StreamOutput) {
        let event = match output {
            StreamOutput::Socket(action) => return self.actions.push_back(Action::Socket(action)),
            StreamOutput::Event(event) => event,
        };
        match event {
            Event::Up { endpoint, extended } => {
                self.stats.connections += 1;
                // A server may let the camera in and close the connection, again and again. What somebody types is always told.
                let was_lost = self.last_loss.take().is_some();
                let due = if was_lost { self.refusals.due("connected", now) } else { Some(0) };
                if let Some(held_back) = due {
                    let how = if extended { ", with telemetry" } else { "" };
                    let line = format!("stream: connected to {endpoint}{how}{}", times_before(held_back));
                    self.terminal.log(now, Level::Info, &line);
                }
                // A connection can be quicker than the sensor. Who is greeted hears of it once, and then rightly.
                self.hello_by = extended.then(|| now + HELLO);
                if self.camera.info.is_some() || self.camera.failure.is_some() {
                    self.greet(now);
                }
            }
            Event::Sent { bytes, took } => {
                self.stats.sent += 1;
                self.stats.bytes += bytes as u64;
                self.stats.send += took;
                let (interval, wish) = (self.camera.interval(), self.camera.wish(&self.runtime.picture));
                if self.camera.adaptive.sent(now, took, interval, wish) {
                    self.log_step(now);
                }
            }
            Event::Dropped => self.stats.dropped += 1,
            Event::Text(text) => self.on_text(now, &text),
            Event::TooLong => {
                if self.refusals.due("too long", now).is_some() {
                    let line = format!(
                        "stream: the server sent a message of over {MAX_CONTROL_BYTES} bytes, which was not read"
                    );
                    self.terminal.log(now, Level::Warn, &line);
                }
            }
            Event::Down { lost, endpoint, attempt, retry_in } => {
                (self.hello_by, self.telemetry_at) = (None, None);
                let Some(lost) = lost else {
                    return self.terminal.log(now, Level::Info, &format!("stream: left {endpoint}"));
                };
                if matches!(lost, Lost::Slow(_)) && self.camera.adaptive.gave_up(now) {
                    self.log_step(now);
                }
                self.stats.failures += 1;
                let mut line = format!("{endpoint}: {lost}; attempt {attempt}");
                if let Some(pause) = retry_in {
                    line += &format!(", next in {}.{} s", pause.as_secs(), pause.subsec_millis() / 100);
                }
                if let Some(held_back) = self.losses.due(lost.kind(), now) {
                    let more = times_before(held_back);
                    self.terminal.log(now, Level::Warn, &format!("stream: {line}{more}"));
                }
                self.last_loss = Some(line);
            }
        }
    }

    fn log_step(&mut self, now: Instant) {
        if !self.runtime.picture.adaptive {
            return;
        }
        let plan = self.camera.plan_for(&self.runtime.picture, true);
        let steps = match self.camera.adaptive.step() {
            0 => "as wished".to_string(),
            step => format!("{step} of {} steps less than wished", Adaptive::DEEPEST),
        };
        let Plan { size, quality, rate, .. } = plan;
        let line =
            format!("cam: the network sets the pace: size={size} quality={quality} fps={rate}, {steps}");
        self.terminal.log(now, Level::Info, &line);
    }

    fn on_text(&mut self, now: Instant, text: &str) {
        let refusal = match server_message(text) {
            Ok(ServerMessage::Picture(request)) => match self.requested(&request) {
                Ok(()) => {
                    if let Some(held_back) = self.refusals.due("asks", now) {
                        let more = times_before(held_back);
                        let line = format!("cam: the server asks for {}{more}", to_text(&request));
                        self.terminal.log(now, Level::Info, &line);
                    }
                    return;
                }
                Err(why) => format!("cam: the server asks for what cannot be: {why}"),
            },
            // A newer server may say more than this version knows.
            Ok(ServerMessage::Unknown) => return,
            Err(error) => format!("stream: the server sent a message that is none: {error}"),
        };
        if self.refusals.due("message", now).is_some() {
            // It may quote what the server sent.
            self.terminal.log(now, Level::Warn, &one_line(&refusal));
        }
    }

    pub(super) fn on_camera(&mut self, now: Instant, event: CameraEvent) {
        match event {
            CameraEvent::Ready(info) => {
                let line = format!(
                    "cam: {} ready, at most {}x{}",
                    info.sensor, info.max_size.width, info.max_size.height
                );
                self.terminal.log(now, Level::Info, &line);
                (self.camera.info, self.camera.failure) = (Some(info), None);
                // A server that was greeted before hears of the new sensor.
                if self.client.is_extended() && self.hello_by.is_none() {
                    self.say_hello();
                }
                self.greet(now);
            }
            CameraEvent::Failed(why) => {
                if self.camera.failure.as_ref() != Some(&why) {
                    self.terminal.log(now, Level::Error, &format!("cam: {why}"));
                }
                (self.camera.info, self.camera.failure) = (None, Some(why));
                self.greet(now);
            }
            CameraEvent::FrameLost(cause) => {
                self.stats.count_fault(cause);
                if let Some(held_back) = self.faults.due(cause, now) {
                    let line = format!("cam: a frame was lost: {cause} ({} times)", held_back + 1);
                    self.terminal.log(now, Level::Warn, &line);
                }
            }
            CameraEvent::Dump(text) => {
                if let Some(Busy::Dump) = self.busy {
                    self.busy = None;
                    self.answer(&text);
                }
            }
        }
    }

    pub(super) fn on_stored(&mut self, result: Result<(), StoreError>) {
        match self.busy.take() {
            Some(Busy::Store { change, answer }) => match result {
                Ok(()) => {
                    self.now_saved(change);
                    self.answer(&answer);
                }
                Err(error) => self.answer(&format!("not saved: {error}; it counts until the next start")),
            },
            other => self.busy = other,
        }
    }

    fn now_saved(&mut self, change: Change) {
        match change {
            Change::Wifi(credentials) => self.saved.wifi = credentials,
            Change::Target(target) => self.saved.target = target,
            Change::Auto(auto) => self.saved.auto = auto,
            Change::Picture(picture) => self.saved.picture = picture,
            Change::ClearStream => (self.saved.target, self.saved.auto) = (Target::default(), false),
        }
    }

    /// Logs what was done, every five seconds while streaming is wished.
    pub(super) fn report(&mut self, now: Instant) {
        let time = now.since(self.reported.1);
        if !self.streaming || time < REPORT {
            return;
        }
        let line = self.stats.line_since(&self.reported.0, time);
        // With no connection there is nothing new to tell: the log has why.
        if self.client.is_up() || self.stats.sent != self.reported.0.sent {
            self.terminal.log(now, Level::Info, &format!("stream: {line}"));
        }
        self.last_report = Some(line);
        self.reported = (self.stats.clone(), now);
    }

    /// Says the hello that waits for the sensor, if one does.
    fn greet(&mut self, now: Instant) {
        if self.hello_by.take().is_some() {
            self.say_hello();
            self.telemetry_at = Some(now + TELEMETRY.0);
        }
    }

    fn say_hello(&mut self) {
        let hello = DeviceMessage::Hello(self.hello());
        self.client.send_text(to_text(&hello));
    }

    /// Tells a server that wants to know who the device is, when no sensor answers, and how it is.
    pub(super) fn tell(&mut self, now: Instant) {
        if self.hello_by.is_some_and(|by| by <= now) {
            self.greet(now);
        }
        if self.telemetry_at.is_some_and(|at| at <= now) {
            self.telemetry_at = Some(now + TELEMETRY.1);
            // Behind a hello that waits there is no room, and on a network that slow no need.
            if !self.client.has_text() {
                let telemetry = DeviceMessage::Telemetry(self.telemetry(now));
                self.client.send_text(to_text(&telemetry));
            }
        }
    }

    fn hello(&self) -> Hello {
        let identity = self.identity.clone();
        let info = self.camera.info.as_ref();
        Hello {
            device_id: identity.id,
            firmware: identity.version,
            board: identity.board,
            sensor: info.map_or(String::new(), |info| info.sensor.clone()),
            reset_reason: identity.reset_reason,
            max_width: info.map_or(0, |info| info.max_size.width),
            max_height: info.map_or(0, |info| info.max_size.height),
        }
    }

    fn telemetry(&self, now: Instant) -> Telemetry {
        let Stats { captured, sent, dropped, connections, .. } = self.stats;
        Telemetry {
            uptime_ms: now.as_millis(),
            rssi: self.wifi.rssi(),
            free_heap: self.vitals.heap_free,
            captured,
            sent,
            dropped,
            camera_faults: self.stats.camera_faults(),
            too_big: self.stats.too_big(),
            connections,
            picture: self.camera.state(),
        }
    }

    /// Prints what a scan found row by row: all rows in one text would take several times their memory.
    fn answer_scan(&mut self, result: Result<Vec<AccessPoint>, String>, max: usize) {
        let mut networks = match result {
            Ok(networks) => networks,
            Err(why) => return self.answer(&format!("wifi scan: {why}")),
        };
        networks.sort_by_key(|network| core::cmp::Reverse(network.rssi));
        self.terminal.print(&format!("found {} networks (showing up to {max}):", networks.len()));
        for (index, network) in networks.iter().take(max).enumerate() {
            let AccessPoint { ssid, channel, rssi, auth, .. } = network;
            // A stranger's words: with a line end in them they could look like a line of ours.
            let name = if ssid.is_empty() { "<hidden>".into() } else { ssid.replace(plain::is_unsafe, "?") };
            self.terminal.print(&format!("{index:3}: ch={channel} rssi={rssi} auth={auth} ssid={name}"));
        }
        self.answer("");
    }
}

/// How often something was not logged before this line; empty when it always was.
fn times_before(held_back: u32) -> String {
    if held_back > 0 { format!(" ({held_back} times before)") } else { String::new() }
}
