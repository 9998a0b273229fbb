//! A device, its driver, its network and a server, in simulated time. Times are in µs.

use crate::camera::Camera;
use crate::checks::Checks;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::endpoint::Endpoint;
use crate::link::Shape;
use crate::log::Log;
use crate::socket::{Socket, Stage};
use crate::weather::{SECOND, Turn, Weather, kind_shape, shape};
use lenscast_device::stream::{DialId, SocketAction, SocketEvent};
use lenscast_device::time::Instant;
use std::time::Duration;

/// How long a good-bye may take: to finish the frame on its way, and to be answered.
const GOOD_BYE: Duration = Duration::from_secs(2);

/// How dials are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Answers,
    Refuses,
    Swallows,
}

pub struct World<E> {
    now: u64,
    clock: Clock,
    endpoint: E,
    weather: Weather,
    dice: Dice,
    shape: Shape,
    reach: Reach,
    kind: bool,
    network: bool,
    /// Since when the device is not to stream, by its own clock.
    stopped: Option<Instant>,
    socket: Option<Socket>,
    /// An attempt that was given up, of which something may still come.
    stale: Option<DialId>,
    camera: Camera,
    next_frame: u64,
    next_chat: u64,
    checks: Checks,
    /// What the driver asks bytes into.
    chunk: Vec<u8>,
    log: Log,
}

impl<E: Endpoint> World<E> {
    pub fn new(seed: u64, endpoint: E, verbose: bool) -> Self {
        let mut dice = Dice::new(seed);
        let weather = Weather::new(&mut dice);
        let camera = Camera::new(seed, weather.sizes.clone());
        let mut clock = Clock::default();
        clock.leap(3600 * SECOND as i64);
        Self {
            now: 0,
            clock,
            endpoint,
            shape: shape(&mut dice),
            chunk: vec![0; weather.chunk],
            weather,
            dice,
            reach: Reach::Answers,
            kind: false,
            network: false,
            stopped: None,
            socket: None,
            stale: None,
            camera,
            next_frame: 0,
            next_chat: 0,
            checks: Checks::default(),
            log: Log::new(verbose),
        }
    }

    /// Lets everything happen, and returns how often what happened.
    pub fn run(mut self) -> Log {
        let end = self.weather.kind_from + self.endpoint.patience();
        self.checks.call(self.now);
        self.endpoint.set_streaming(self.device_now(), true);
        self.turn(Turn::NetworkUp);
        let mut turns = std::mem::take(&mut self.weather.turns).into_iter().peekable();
        while self.now < end {
            self.pump();
            let next = self.next_event().min(turns.peek().map_or(end, |(at, _)| *at));
            self.now = self.now.max(next);
            while let Some((_, turn)) = turns.next_if(|(at, _)| *at <= self.now) {
                self.turn(turn);
                self.pump();
            }
            self.happen();
        }
        self.checks.after_a_kind_minute(&self.endpoint, &self.camera, self.weather.interval);
        self.log.add("frames sent", self.endpoint.counts().0 as u32);
        self.log
    }

    fn device_now(&self) -> Instant {
        self.clock.at(self.now)
    }

    fn next_event(&self) -> u64 {
        let wake = self.endpoint.next_wake().and_then(|wake| self.clock.shows(wake));
        let socket = self.socket.as_ref().and_then(|socket| socket.next(&self.shape));
        [wake, socket].into_iter().flatten().fold(self.next_frame.min(self.next_chat), u64::min)
    }

    /// What is due at this moment.
    fn happen(&mut self) {
        let now = self.device_now();
        if self.now >= self.next_frame {
            self.next_frame = self.now + self.weather.interval;
            self.endpoint.offer(now, self.camera.shoot());
        }
        if self.now >= self.next_chat {
            self.next_chat = self.now + SECOND;
            self.endpoint.tell(now);
            if self.dice.percent(10) {
                self.come_late();
            }
            if let Some(Socket { stage: Stage::Connected(connection), .. }) = &mut self.socket
                && self.weather.chatty
            {
                connection.visit.chat(&mut self.dice);
            }
        }
        self.pump();
        self.run_socket();
    }

    fn run_socket(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let id = socket.id;
        let events = socket.run(self.now, &self.shape, &mut self.dice, &mut self.log);
        socket.count(&mut self.log);
        for frame in socket.take_frames() {
            self.checks.arrived(&frame, &self.camera);
        }
        for bytes in events.received {
            // Bytes come as they like.
            let cut = self.dice.within(0..bytes.len() as u64 + 1) as usize;
            for part in [&bytes[..cut], &bytes[cut..]].into_iter().filter(|part| !part.is_empty()) {
                self.checks.heard(self.device_now());
                self.endpoint.received(self.device_now(), id, part);
                self.pump();
            }
        }
        if let Some(event) = events.event {
            let over = !matches!(event, SocketEvent::Connected);
            if over && self.socket.as_ref().is_some_and(|socket| socket.id == id) {
                self.socket = None;
            }
            if matches!(event, SocketEvent::Connected) {
                self.checks.heard(self.device_now());
            }
            self.endpoint.socket_event(self.device_now(), id, event);
            self.pump();
        }
    }

    /// The driver: carries out what the device wants, and moves its bytes, until there is nothing more.
    fn pump(&mut self) {
        let mut rounds = 0;
        loop {
            let now = self.device_now();
            let mut busy = self.transmit();
            if self.endpoint.next_wake().is_some_and(|wake| wake <= now) {
                self.endpoint.handle_timeout(now);
                (busy, rounds) = (true, rounds + 1);
            }
            while let Some(action) = self.endpoint.poll_action(now) {
                self.carry_out(action);
                (busy, rounds) = (true, rounds + 1);
            }
            assert!(rounds < 50, "the device never rests");
            if !busy {
                break;
            }
        }
        for note in self.endpoint.take_notes() {
            self.log.note(self.now, &note);
        }
        let now = self.device_now();
        self.checks.at_rest(now, &self.endpoint, &self.camera);
        let long_stopped = self.stopped.is_some_and(|since| now.since(since) >= GOOD_BYE);
        assert!(!long_stopped || self.socket.is_none(), "the good-bye takes too long");
    }

    fn carry_out(&mut self, action: SocketAction) {
        self.log.say(self.now, &action);
        match action {
            SocketAction::Dial { id, host, port } => {
                assert!(self.socket.is_none(), "two sockets");
                assert_eq!((host.as_str(), port), ("server", 8080));
                self.checks.dialled(self.now, id);
                let trip = 2 * self.shape.latency;
                let answer = match self.reach {
                    _ if !self.network => Some((self.now, Err("network unreachable"))),
                    Reach::Answers => Some((self.now + trip, Ok(()))),
                    Reach::Refuses => Some((self.now + trip, Err("connection refused"))),
                    Reach::Swallows => None,
                };
                let refusal = self.weather.refusal(&mut self.dice).filter(|_| !self.kind);
                let fault = self.weather.fault(&mut self.dice).filter(|_| !self.kind);
                self.socket = Some(Socket::new(id, answer, self.weather.kind, refusal, fault));
            }
            SocketAction::Hangup { id } => {
                let socket = self.socket.take().expect("a socket to hang up");
                assert_eq!(socket.id, id);
                self.stale = Some(id);
            }
        }
        if self.dice.percent(20) {
            self.come_late();
        }
    }

    /// A driver may tell something of an attempt that was given up.
    fn come_late(&mut self) {
        let Some(id) = self.stale else { return };
        let now = self.device_now();
        self.endpoint.received(now, id, b"late");
        self.endpoint.socket_event(now, id, SocketEvent::Closed("late".into()));
        assert_eq!(self.endpoint.poll_transmit(now, id, &mut [0; 100]), 0);
    }

    /// Whether a byte was moved.
    fn transmit(&mut self) -> bool {
        let now = self.device_now();
        let Some(Socket { id, stage: Stage::Connected(connection), .. }) = &mut self.socket else {
            return false;
        };
        let mut asked = 0;
        if connection.pending.is_empty() && connection.room(&self.shape) > 0 {
            asked = self.endpoint.poll_transmit(now, *id, &mut self.chunk);
            let chunk = &self.chunk[..asked];
            connection.tap.see(chunk, self.camera.made, connection.visit.negotiated);
            connection.pending.extend_from_slice(chunk);
        }
        connection.write(&self.shape) || asked > 0
    }

    fn turn(&mut self, turn: Turn) {
        self.log.say(self.now, &turn);
        let now = self.device_now();
        match turn {
            Turn::Outage(time) => {
                if let Some(socket) = &mut self.socket {
                    socket.hold(self.now + time);
                }
            }
            Turn::NetworkDown | Turn::NetworkUp => {
                self.network = turn == Turn::NetworkUp;
                self.endpoint.set_network(now, self.network);
                self.checks.call(self.now);
            }
            Turn::ServerDown => {
                self.reach = Reach::Refuses;
                if let Some(socket) = &mut self.socket {
                    socket.reset();
                }
            }
            Turn::ServerUp => self.reach = Reach::Answers,
            Turn::Unreachable => self.reach = Reach::Swallows,
            Turn::Leap(time) => {
                self.clock.leap(time as i64);
                self.checks.call(self.now);
            }
            Turn::StepBack(time) => self.clock.leap(-(time as i64)),
            Turn::Freeze => self.clock.freeze(self.now),
            Turn::Thaw => self.clock.thaw(self.now),
            Turn::Reshape => self.shape = shape(&mut self.dice),
            Turn::Stop | Turn::Start => {
                self.stopped = (turn == Turn::Stop).then(|| self.stopped.unwrap_or(now));
                self.endpoint.set_streaming(now, self.stopped.is_none());
                self.checks.call(self.now);
            }
            Turn::Kind => {
                for turn in [Turn::Thaw, Turn::ServerUp, Turn::NetworkUp, Turn::Start] {
                    self.turn(turn);
                }
                self.kind = true;
                self.shape = kind_shape(&mut self.dice);
                if let Some(socket) = &mut self.socket {
                    socket.forgive();
                }
            }
        }
    }
}
