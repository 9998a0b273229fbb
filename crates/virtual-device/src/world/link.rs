//! How bytes pass.

use std::collections::VecDeque;
use std::time::Duration;

use lenscast_device::time::Instant;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Dice, Span, World};

/// What a link does to bytes. Nothing, unless it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// Time from one end to the other, in ms.
    pub latency_ms: u32,
    /// At most this is added to it, in ms. Nothing overtakes.
    pub jitter_ms: u32,
    /// Bandwidth in kbit/s; 0: no limit.
    pub kbit_s: u32,
    /// How many of a hundred segments get lost. A lost one is sent again after a while, and all behind it wait, as in TCP.
    #[serde(rename = "loss_percent", deserialize_with = "percent")]
    pub loss_percent: f64,
}

/// One direction of a connection: in order and complete, as TCP is, but late.
#[derive(Clone, Debug)]
pub struct Link {
    shape: Shape,
    hangs: Vec<Span>,
    dice: Dice,
    /// When each arrives, unless one before it is later.
    segments: VecDeque<(Instant, Vec<u8>)>,
    held: usize,
    /// The sender's end is at work until then.
    busy: Instant,
}

impl Link {
    /// So many bytes can be on their way: what a device's TCP stack buffers.
    pub const CAPACITY: usize = 16 * 1024;
    /// Bytes of a segment: 1500 less the headers of IPv4 and TCP.
    const SEGMENT: usize = 1460;
    /// A lost segment is not missed sooner (RFC 6298 asks for more; Linux does it so).
    const RETRANSMIT_MS: u64 = 200;

    /// A link as in `world`. Connection number `connection` has its own chance.
    #[must_use]
    pub fn new(world: &World, connection: u64) -> Self {
        Self {
            shape: world.link,
            hangs: world.hangs.clone(),
            dice: Dice(world.seed ^ connection.wrapping_mul(0x2545_f491_4f6c_dd1d)),
            segments: VecDeque::new(),
            held: 0,
            busy: Instant::START,
        }
    }

    /// How many bytes it takes now.
    #[must_use]
    pub fn room(&self) -> usize {
        Self::CAPACITY - self.held
    }

    /// Sends as many of `bytes` as there is [`room`](Self::room) for, and returns how many.
    pub fn send(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        for segment in bytes[..taken].chunks(Self::SEGMENT) {
            let arrival = self.arrival(now, segment.len());
            self.segments.push_back((arrival, segment.to_vec()));
        }
        self.held += taken;
        taken
    }

    /// The next bytes that have arrived.
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_arrival()? > now {
            return None;
        }
        let (_, segment) = self.segments.pop_front()?;
        self.held -= segment.len();
        Some(segment)
    }

    /// When [`receive`](Self::receive) has something next.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.segments.front().map(|(arrival, _)| *arrival)
    }

    /// When a segment of so many bytes arrives that is sent now.
    pub(crate) fn arrival(&mut self, now: Instant, bytes: usize) -> Instant {
        let Shape { latency_ms, jitter_ms, kbit_s, loss_percent } = self.shape;
        let on_the_wire = (bytes as u64 * 8000).checked_div(u64::from(kbit_s)).unwrap_or(0);
        self.busy = self.busy.max(now) + Duration::from_micros(on_the_wire);
        let mut late = f64::from(latency_ms) + f64::from(jitter_ms) * self.dice.roll();
        while self.dice.roll() * 100.0 < loss_percent {
            late += (Self::RETRANSMIT_MS + 2 * u64::from(latency_ms)) as f64;
        }
        let mut arrival = self.busy + Duration::from_secs_f64(late / 1000.0);
        for hang in &self.hangs {
            if (hang.from..hang.to).contains(&arrival) {
                arrival = hang.to;
            }
        }
        arrival
    }
}

/// A link that loses everything would never end.
fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let percent = f64::deserialize(from)?;
    match percent {
        0.0..=90.0 => Ok(percent),
        _ => Err(D::Error::custom(format!("{percent} is not from 0 to 90"))),
    }
}
