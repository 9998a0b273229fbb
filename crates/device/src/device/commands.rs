//! What each command does, and its answer. Where the original firmware had an answer, it is that one.

use super::{Action, Busy, Device};
use crate::console::command::{Cam, Command, PictureSetting, Stream, Wifi};
use crate::console::help;
use crate::console::parse;
use crate::settings::{Change, Credentials, Key, Target};
use crate::stats::Stats;
use crate::time::Instant;
use alloc::format;
use alloc::string::{String, ToString};
use lenscast_protocol::control::SUBPROTOCOL;

/// What a command says.
pub(super) enum Answer {
    /// This, and it is done.
    Now(String),
    /// Something has to happen first.
    Later(Busy),
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::Now(text)
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::Now(text.to_string())
    }
}

impl<F: AsRef<[u8]>> Device<F> {
    /// Understands a line and carries it out.
    pub(super) fn execute(&mut self, now: Instant, line: &str) -> Answer {
        match parse(line) {
            Ok(None) => Answer::Now(String::new()),
            Err(refusal) => refusal.to_string().into(),
            Ok(Some(command)) => match command {
                Command::Help(None) => help::all().into(),
                Command::Help(Some(name)) => {
                    help::group(&name).unwrap_or_else(|| format!("there is no command {name:?}")).into()
                }
                Command::Wifi(command) => self.wifi_command(now, command),
                Command::Stream(command) => self.stream_command(now, command),
                Command::Cam(command) => self.cam_command(command),
                Command::PsramStatus => self.psram_status().into(),
                Command::LogLevel(None) => format!("log level={}", self.terminal.level()).into(),
                Command::LogLevel(Some(level)) => {
                    self.terminal.set_level(level);
                    format!("log level set to {level}").into()
                }
                Command::Reboot => {
                    self.reboot(now);
                    "rebooting".into()
                }
                Command::Version => self.about().into(),
            },
        }
    }

    fn wifi_command(&mut self, now: Instant, command: Wifi) -> Answer {
        match command {
            Wifi::Status => self.wifi_status(now).into(),
            Wifi::Scan { max } => {
                self.wifi.scan(now);
                Answer::Later(Busy::Scan { max })
            }
            Wifi::Set { credentials, save } => {
                let answer = |how: &str| format!("credentials set (ssid={}, {how})", credentials.ssid);
                self.wifi.set_credentials(Some(credentials.clone()));
                self.runtime.wifi = Some(credentials.clone());
                let saved = answer("saved");
                self.keep(save, Change::Wifi(Some(credentials.clone())), saved, answer(UNSAVED))
            }
            Wifi::Connect if self.wifi.connect(now) => "connect requested".into(),
            Wifi::Connect => "wifi connect: no credentials: wifi set <ssid> <password> [save]".into(),
            Wifi::Disconnect => {
                self.wifi.disconnect(now);
                "disconnect requested".into()
            }
            Wifi::Clear => {
                self.wifi.set_credentials(None);
                self.runtime.wifi = None;
                self.wifi.disconnect(now);
                let cleared = "cleared saved+runtime credentials".to_string();
                self.keep(true, Change::Wifi(None), cleared, String::new())
            }
        }
    }

    fn stream_command(&mut self, now: Instant, command: Stream) -> Answer {
        match command {
            Stream::Status => self.stream_status().into(),
            Stream::SetHost { host, port, save } => {
                let port = port.unwrap_or(self.runtime.target.port);
                let answer = |how: &str| format!("stream target set (host={host} port={port}, {how})");
                let (saved, unsaved) = (answer("saved"), answer(UNSAVED));
                self.set_target(now, save, saved, unsaved, |target| {
                    (target.host, target.port) = (Some(host.clone()), port);
                })
            }
            Stream::SetPort { .. } if self.runtime.target.host.is_none() => {
                "stream set port: set host first".into()
            }
            Stream::SetPort { port, save } => {
                let answer = |how: &str| format!("stream port set (port={port}, {how})");
                // A port alone is no target: the original keeps both or none.
                let host = self.runtime.target.host.clone();
                self.set_target(now, save, answer("saved"), answer(UNSAVED), |target| {
                    (target.host, target.port) = (host.clone(), port);
                })
            }
            Stream::SetPath { path, save } => {
                let answer = |how: &str| format!("stream path set (path={path}, {how})");
                let (saved, unsaved) = (answer("saved"), answer(UNSAVED));
                self.set_target(now, save, saved, unsaved, |target| target.path = Some(path.clone()))
            }
            Stream::SetKey { key: Key(key), save } => {
                let answer = |how: &str| format!("stream key set ({how})");
                self.set_target(now, save, answer("saved"), answer(UNSAVED), |target| {
                    target.key = Some(key.clone());
                })
            }
            Stream::Start { save } => {
                self.set_streaming(now, true);
                let hint = match (&self.runtime.target.host, self.wifi.address()) {
                    (None, _) => "\nno server is set yet: stream set host <host> [port] [save]",
                    (_, None) => "\nit begins as soon as there is WiFi; wifi status says what is missing",
                    _ => "",
                };
                let answer = format!("stream start requested{hint}");
                let saved = format!("stream start requested, at every boot too (saved){hint}");
                self.keep(save, Change::Auto(true), saved, answer)
            }
            Stream::Stop { save } => {
                self.set_streaming(now, false);
                let hint = if self.saved.auto { "; it starts again at the next boot: add save" } else { "" };
                let saved = "stream stopped, at every boot too (saved)".to_string();
                self.keep(save, Change::Auto(false), saved, format!("stream stopped{hint}"))
            }
            Stream::Clear => {
                self.runtime.target = Target::default();
                self.update_target(now);
                let cleared = "cleared saved stream target".to_string();
                self.keep(true, Change::ClearStream, cleared, String::new())
            }
        }
    }

    fn cam_command(&mut self, command: Cam) -> Answer {
        match command {
            Cam::Status => self.camera_status().into(),
            Cam::Power(on) => {
                self.camera.power = on;
                format!("camera power set to {}", u8::from(on)).into()
            }
            Cam::Dump => {
                self.actions.push_back(Action::DumpCamera);
                Answer::Later(Busy::Dump)
            }
            Cam::Ir(on) => {
                self.camera.ir = on;
                format!("infrared light set to {}", u8::from(on)).into()
            }
            Cam::TestBar(on) => self.test_bar_command(on).into(),
            Cam::Set { setting, save } => self.picture_command(setting, save),
        }
    }

    /// Shows test bars or the picture again.
    fn test_bar_command(&mut self, on: bool) -> String {
        match &self.camera.info {
            Some(info) if on && !info.test_bar => format!("the {} has no test bars", info.sensor),
            _ => {
                self.camera.test_bar = on;
                let how = if on { TEST_BAR_HINT } else { "" };
                format!("test bars set to {}{how}", u8::from(on))
            }
        }
    }

    fn picture_command(&mut self, setting: PictureSetting, save: bool) -> Answer {
        let mut picture = self.runtime.picture;
        if let Err(refusal) = self.set_picture(&mut picture, setting) {
            return refusal.into();
        }
        self.wish_picture(picture);
        // Only this setting is saved, not what else was tried before.
        let mut kept = self.saved.picture;
        if let Err(refusal) = self.set_picture(&mut kept, setting) {
            return refusal.into();
        }
        let answer = |how: &str| format!("camera {setting} ({how})");
        self.keep(save, Change::Picture(kept), answer("saved"), answer(UNSAVED))
    }

    /// Changes the target now, and what is saved of it when that is wished: only what `change` touches.
    fn set_target(
        &mut self,
        now: Instant,
        save: bool,
        saved: String,
        unsaved: String,
        change: impl Fn(&mut Target),
    ) -> Answer {
        change(&mut self.runtime.target);
        self.update_target(now);
        let mut kept = self.saved.target.clone();
        change(&mut kept);
        self.keep(save, Change::Target(kept), saved, unsaved)
    }

    /// Saves `change` if that is wished; the answer comes when it is.
    fn keep(&mut self, save: bool, change: Change, saved: String, unsaved: String) -> Answer {
        if !save {
            return unsaved.into();
        }
        self.actions.push_back(Action::Store(change.clone()));
        Answer::Later(Busy::Store { change, answer: saved })
    }

    fn wifi_status(&self, now: Instant) -> String {
        let credentials = self.wifi.credentials();
        let yes_no = |yes: bool| if yes { "yes" } else { "no" };
        let address = self.wifi.address().map_or("-".to_string(), |address| address.to_string());
        let mut text = format!(
            "state={} ssid={} saved={} runtime={} reason={} ip={address}\n",
            self.wifi.state().name(),
            credentials.map_or("-", |Credentials { ssid, .. }| ssid),
            yes_no(self.saved.wifi.is_some()),
            yes_no(credentials.is_some()),
            self.wifi.reason(),
        );
        if let Some(rssi) = self.wifi.rssi() {
            let quality = match rssi {
                -60.. => "good",
                -75..=-61 => "fair",
                _ => "weak",
            };
            text += &format!("signal: {rssi} dBm ({quality})\n");
        }
        if let Some((trouble, attempt, pause)) = self.wifi.trouble(now) {
            let sentence = trouble.sentence(self.ssid());
            text += &format!("{sentence} (attempt {attempt}, next in {} s)\n", pause.as_secs());
        }
        if credentials.is_some_and(|known| Some(known) != self.saved.wifi.as_ref()) {
            text += "these credentials are not saved: wifi set … save\n";
        }
        text
    }

    fn stream_status(&self) -> String {
        let yes_no = |yes: bool| if yes { "yes" } else { "no" };
        let Target { host, port, path, key } = &self.runtime.target;
        let mut text = format!(
            "host={} port={port} saved={} runtime={} streaming={} ws={}\n",
            host.as_deref().unwrap_or("-"),
            yes_no(self.saved.target.host.is_some()),
            yes_no(host.is_some()),
            if self.streaming { "on" } else { "off" },
            if self.client.is_up() { "up" } else { "down" },
        );
        text += &format!(
            "path={} key={} start at boot={}\n",
            path.as_deref().unwrap_or(lenscast_protocol::CAMERA_PATH),
            if key.is_some() { "set" } else { "-" },
            yes_no(self.saved.auto),
        );
        if self.runtime.target != self.saved.target {
            text += "not all of this is saved: type it again with save at the end\n";
        }
        if let Some(why) = self.why_not_streaming() {
            text += &format!("{why}\n");
        }
        if let Some(line) = &self.last_report {
            text += &format!("last 5 s: {line}\n");
        }
        let Stats { captured, sent, dropped, connections, .. } = self.stats;
        text += &format!("since start: captured={captured} sent={sent} dropped={dropped} ");
        text += &format!("lost={} connections={connections}\n", self.stats.camera_faults());
        text
    }

    /// What is missing for streaming, when it is wished.
    fn why_not_streaming(&self) -> Option<String> {
        if !self.streaming || self.client.is_up() {
            return None;
        }
        Some(match (&self.runtime.target.host, self.wifi.address(), &self.last_loss) {
            (None, ..) => "waits for a server: stream set host <host> [port] [save]".into(),
            (_, None, _) => "waits for WiFi: see wifi status".into(),
            (_, _, Some(loss)) => format!("last: {loss}"),
            (_, _, None) => "connecting".into(),
        })
    }

    fn psram_status(&self) -> String {
        let vitals = &self.vitals;
        format!(
            "psram init={} size={} free={} largest={} internal_free={} internal_largest={}",
            if vitals.psram_size > 0 { "yes" } else { "no" },
            vitals.psram_size,
            vitals.psram_free,
            vitals.psram_largest,
            vitals.heap_free,
            vitals.heap_largest,
        )
    }

    /// The banner, and the answer to `version`.
    pub(super) fn about(&self) -> String {
        let identity = &self.identity;
        format!(
            "lenscast {} on {}, device {}, protocol {SUBPROTOCOL}\nlast start: {}",
            identity.version, identity.board, identity.id, identity.reset_reason
        )
    }
}

/// What test bars tell.
const TEST_BAR_HINT: &str = "
clean bars: cable and camera port are good, and a bad picture is the sensor's fault
broken bars: the fault is on the way from the sensor; press its cable in, try a smaller size";

const UNSAVED: &str = "not saved: add save";
