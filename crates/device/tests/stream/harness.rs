//! A client on a bench: what goes in is written down in the tests, what comes out is kept.

use lenscast_device::backoff::Random;
use lenscast_device::settings::Target;
use lenscast_device::stream::{Client, DialId, Event, Lost, Output, SocketAction, SocketEvent, Timing};
use lenscast_device::time::Instant;
use lenscast_protocol::ws::{accept_key, mask_in_place};
use std::rc::Rc;
use std::time::Duration;

pub type Frame = Rc<[u8]>;

pub struct Bench {
    pub client: Client<Frame>,
    pub random: Random,
    pub now: Instant,
    /// What `poll` gave and no test took.
    pub actions: Vec<SocketAction>,
    pub events: Vec<Event>,
    /// The attempt that was dialled last.
    pub id: DialId,
}

pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn target(host: &str) -> Target {
    Target { host: Some(host.into()), ..Target::default() }
}

/// Numbers that look random, the same in every run.
pub fn random(seed: u64) -> Random {
    let mut state = seed;
    Random::new(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    })
}

/// The head of an answer that accepts `request`; `more` are further headers, each with its line end.
pub fn accepting(request: &str, more: &str) -> Vec<u8> {
    let key = header(request, "Sec-WebSocket-Key").expect("a key");
    let accept = accept_key(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
    .into_bytes()
}

pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| *known == name).map(|(_, value)| value)
}

impl Bench {
    /// With a network and without a target.
    pub fn idle() -> Self {
        let (client, random, now) =
            (Client::new(Timing::default()), random(7), Instant::from_micros(5_000_000));
        let mut bench = Self { client, random, now, actions: Vec::new(), events: Vec::new(), id: 0 };
        bench.set_network(true);
        bench
    }

    /// Dialled `target` just now.
    pub fn dialling(target: Target) -> Self {
        let mut bench = Self::idle();
        bench.set_target(Some(target));
        bench.take_dial();
        bench
    }

    /// Connected to a server of the original's kind, which knows no subprotocols.
    pub fn plain() -> Self {
        Self::accepted("")
    }

    /// Connected to a server that knows `lenscast.v1`.
    pub fn extended() -> Self {
        Self::accepted("Sec-WebSocket-Protocol: lenscast.v1\r\n")
    }

    fn accepted(more: &str) -> Self {
        let mut bench = Self::dialling(target("cam.lan"));
        bench.accept(more);
        bench
    }

    /// The dialled server answers and accepts.
    pub fn accept(&mut self, more: &str) {
        let request = self.connect();
        self.receive(&accepting(&request, more));
        assert!(matches!(self.events.pop(), Some(Event::Up { .. })));
        assert!(self.client.is_up());
    }

    /// TCP is connected: the request.
    pub fn connect(&mut self) -> String {
        self.socket(SocketEvent::Connected);
        String::from_utf8(self.transmit()).expect("a request is text")
    }

    pub fn socket(&mut self, event: SocketEvent) {
        self.client.socket_event(self.now, self.id, event, &mut self.random);
        self.drain();
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        self.client.received(self.now, self.id, bytes, &mut self.random);
        self.drain();
    }

    pub fn set_target(&mut self, target: Option<Target>) {
        self.client.set_target(self.now, target);
        self.drain();
    }

    pub fn set_network(&mut self, up: bool) {
        self.client.set_network(self.now, up);
        self.drain();
    }

    pub fn offer(&mut self, frame: impl Into<Frame>) {
        self.client.offer(self.now, frame.into());
        self.drain();
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.client.poll(self.now, &mut self.random) {
            match output {
                Output::Socket(action) => {
                    if let SocketAction::Dial { id, .. } = action {
                        assert!(id > self.id, "a new id for every attempt");
                        self.id = id;
                    }
                    self.actions.push(action);
                }
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// At most `max` bytes for the socket.
    pub fn transmit_some(&mut self, max: usize) -> Vec<u8> {
        let mut out = vec![0xEE; max];
        let len = self.client.poll_transmit(self.now, self.id, &mut out, &mut self.random);
        self.drain();
        assert!(out[len..].iter().all(|&byte| byte == 0xEE), "nothing is written behind the end");
        out.truncate(len);
        out
    }

    /// All bytes for the socket.
    pub fn transmit(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let part = self.transmit_some(4096);
            if part.is_empty() {
                return all;
            }
            all.extend(part);
        }
    }

    /// What is sent, as frames of the WebSocket: the first byte and the payload.
    pub fn frames(&mut self) -> Vec<(u8, Vec<u8>)> {
        unmasked(&self.transmit()).into_iter().map(|(first, _, payload)| (first, payload)).collect()
    }

    /// Time passes, and the client is called when it wants to be.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut calls = 0;
        while let Some(wake) = self.client.next_wake().filter(|wake| *wake <= end) {
            self.now = self.now.max(wake);
            calls += 1;
            assert!(calls < 10_000, "it wants to be called for ever");
            self.client.handle_timeout(self.now, &mut self.random);
            self.drain();
        }
        self.now = end;
    }

    /// Time passes in one leap.
    pub fn leap(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now, &mut self.random);
        self.drain();
    }

    /// There was a new dial and nothing else, and it is taken.
    #[track_caller]
    pub fn take_dial(&mut self) -> DialId {
        let actions = std::mem::take(&mut self.actions);
        assert!(matches!(actions[..], [SocketAction::Dial { .. }]), "not one dial: {actions:?}");
        self.id
    }

    /// The client hung up, and did nothing else.
    #[track_caller]
    pub fn take_hangup(&mut self) {
        assert_eq!(std::mem::take(&mut self.actions), [SocketAction::Hangup { id: self.id }]);
    }

    /// Why the connection is lost, when that was told last; its attempt, and the wait until the next.
    #[track_caller]
    pub fn take_lost(&mut self) -> (Lost, u32, Option<Duration>) {
        match self.events.pop() {
            Some(Event::Down { lost: Some(lost), attempt, retry_in, .. }) => (lost, attempt, retry_in),
            other => panic!("not lost: {other:?}"),
        }
    }

    /// The connection that was wished to end has ended, and nothing else was to be told.
    #[track_caller]
    pub fn take_left(&mut self, host: &str) {
        let endpoint = format!("{host}:8080/ws/camera");
        let left = Event::Down { lost: None, endpoint, attempt: 0, retry_in: None };
        assert_eq!(self.take_events(), [left]);
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// A client's bytes as frames of the WebSocket: first byte, mask, payload. Each length must be in its shortest form, and
/// each frame masked (RFC 6455 §5.2).
pub fn unmasked(mut bytes: &[u8]) -> Vec<(u8, [u8; 4], Vec<u8>)> {
    let mut take = |len: usize| {
        let (front, rest) = bytes.split_at_checked(len)?;
        bytes = rest;
        Some(front.to_vec())
    };
    let mut frames = Vec::new();
    while let Some(first) = take(1) {
        let short = take(1).expect("a length")[0];
        assert_ne!(short & 0x80, 0, "unmasked");
        let number = |bytes: Vec<u8>| bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
        let len = match short & 0x7F {
            126 => number(take(2).expect("2 bytes of length")),
            127 => number(take(8).expect("8 bytes of length")),
            short => usize::from(short),
        };
        assert!(short & 0x7F != 126 || len > 125);
        assert!(short & 0x7F != 127 || len > 0xFFFF);
        let mask = take(4).expect("a mask").try_into().expect("4 bytes");
        let mut payload = take(len).expect("a whole payload");
        mask_in_place(&mut payload, mask, 0);
        frames.push((first[0], mask, payload));
    }
    frames
}
