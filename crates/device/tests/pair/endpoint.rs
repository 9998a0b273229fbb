//! The device's side, as a driver sees it.

use crate::camera::Frame;
use crate::dice::Dice;
use crate::weather::SECOND;
use lenscast_device::backoff::Random;
use lenscast_device::settings::Target;
use lenscast_device::stream::{Client, DialId, Event, Output, SocketAction, SocketEvent, Timing};
use lenscast_device::time::Instant;

/// What streams: the client alone, or a whole device.
pub trait Endpoint {
    fn socket_event(&mut self, now: Instant, id: DialId, event: SocketEvent);
    fn received(&mut self, now: Instant, id: DialId, bytes: &[u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_action(&mut self, now: Instant) -> Option<SocketAction>;
    fn poll_transmit(&mut self, now: Instant, id: DialId, out: &mut [u8]) -> usize;
    fn next_wake(&self) -> Option<Instant>;
    /// Whether there is a network.
    fn set_network(&mut self, now: Instant, up: bool);
    /// Whether to stream.
    fn set_streaming(&mut self, now: Instant, on: bool);
    /// A frame was captured.
    fn offer(&mut self, now: Instant, frame: Frame);
    /// There is something to tell, if the server wants to hear it.
    fn tell(&mut self, now: Instant);
    fn is_up(&self) -> bool;
    /// Frames that were sent, and frames that were dropped.
    fn counts(&self) -> (u64, u64);
    /// What it has told about itself since this was asked last: each begins with one word by which it is counted.
    fn take_notes(&mut self) -> Vec<String>;
    /// How long a kind world may take until frames flow again, in µs.
    fn patience(&self) -> u64 {
        60 * SECOND
    }
}

/// The client alone.
pub struct Alone {
    client: Client<Frame>,
    random: Random,
    sent: u64,
    dropped: u64,
    extended: bool,
    notes: Vec<String>,
}

impl Alone {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let random = Random::new(move || dice.roll() as u32);
        let client = Client::new(Timing::default());
        Self { client, random, sent: 0, dropped: 0, extended: false, notes: Vec::new() }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Sent { .. } => self.sent += 1,
            Event::Dropped => self.dropped += 1,
            Event::Up { extended, .. } => {
                self.extended = extended;
                self.notes.push(String::from(if extended { "up:extended" } else { "up:plain" }));
            }
            Event::Text(_) | Event::TooLong => assert!(self.extended, "a text over a plain connection"),
            Event::Down { lost: None, .. } => self.notes.push(String::from("left")),
            Event::Down { lost: Some(lost), retry_in, attempt, .. } => {
                // The random wait is never more than the longest.
                assert!(retry_in <= Some(Timing::default().reconnect_max), "{retry_in:?}");
                self.notes.push(format!("lost:{lost:?}, attempt {attempt}, again in {retry_in:?}"));
            }
        }
    }
}

impl Endpoint for Alone {
    fn socket_event(&mut self, now: Instant, id: DialId, event: SocketEvent) {
        self.client.socket_event(now, id, event, &mut self.random);
    }

    fn received(&mut self, now: Instant, id: DialId, bytes: &[u8]) {
        self.client.received(now, id, bytes, &mut self.random);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now, &mut self.random);
    }

    fn poll_action(&mut self, now: Instant) -> Option<SocketAction> {
        loop {
            match self.client.poll(now, &mut self.random)? {
                Output::Socket(action) => return Some(action),
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn poll_transmit(&mut self, now: Instant, id: DialId, out: &mut [u8]) -> usize {
        self.client.poll_transmit(now, id, out, &mut self.random)
    }

    fn next_wake(&self) -> Option<Instant> {
        self.client.next_wake()
    }

    fn set_network(&mut self, now: Instant, up: bool) {
        self.client.set_network(now, up);
    }

    fn set_streaming(&mut self, now: Instant, on: bool) {
        let target = Target { host: Some("server".into()), ..Target::default() };
        self.client.set_target(now, on.then_some(target));
    }

    fn offer(&mut self, now: Instant, frame: Frame) {
        self.client.offer(now, frame);
    }

    fn tell(&mut self, _now: Instant) {
        let told = self.client.send_text(String::from("{\"type\":\"telemetry\"}"));
        assert_eq!(told, self.client.is_extended());
    }

    fn is_up(&self) -> bool {
        self.client.is_up()
    }

    fn counts(&self) -> (u64, u64) {
        (self.sent, self.dropped)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
