//! One direction of a TCP connection over a poor network. Times are in µs.

use crate::dice::Dice;
use std::collections::VecDeque;

const SEGMENT: usize = 1460;

/// How a network is.
#[derive(Clone, Copy)]
pub struct Shape {
    pub bytes_per_second: u64,
    pub latency: u64,
    /// Added to the latency at random.
    pub jitter: u64,
    /// Of a hundred segments, so many are lost.
    pub loss: u64,
    /// Until a lost segment was sent again; everything behind it waits.
    pub stall: u64,
    /// What the sender may write before anything has left.
    pub buffer: usize,
    /// What may be on its way before the receiver reads.
    pub window: usize,
}

pub struct Pipe {
    buffer: Vec<u8>,
    flying: VecDeque<(u64, Vec<u8>)>,
    /// Bytes on their way.
    in_flight: usize,
    /// When the line is free again.
    free: u64,
    /// Nothing that is written from now on, or has not left yet, arrives.
    cut: bool,
}

impl Pipe {
    pub fn new() -> Self {
        Self { buffer: Vec::new(), flying: VecDeque::new(), in_flight: 0, free: 0, cut: false }
    }

    /// Bytes that can be written now.
    pub fn room(&self, shape: &Shape) -> usize {
        shape.buffer.saturating_sub(self.buffer.len())
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The network between the two ends is gone, and neither knows.
    pub fn cut(&mut self) {
        self.cut = true;
        self.flying.clear();
        self.in_flight = 0;
    }

    /// Nothing leaves before this time.
    pub fn hold(&mut self, until: u64) {
        self.free = self.free.max(until);
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.flying.is_empty()
    }

    /// Sends what can leave at `now`.
    pub fn advance(&mut self, now: u64, shape: &Shape, dice: &mut Dice) {
        while now >= self.free && self.can_leave(shape) {
            let len = self.buffer.len().min(SEGMENT);
            let rest = self.buffer.split_off(len);
            let segment = std::mem::replace(&mut self.buffer, rest);
            self.in_flight += len;
            self.free = now + len as u64 * 1_000_000 / shape.bytes_per_second;
            let mut arrives = self.free + shape.latency + dice.within(0..shape.jitter + 1);
            if dice.percent(shape.loss) {
                arrives += shape.stall;
            }
            let behind = self.flying.back().map_or(0, |(arrives, _)| *arrives);
            self.flying.push_back((arrives.max(behind), segment));
        }
    }

    /// The next segment that has arrived.
    pub fn read(&mut self, now: u64) -> Option<Vec<u8>> {
        self.flying.front().filter(|(arrives, _)| *arrives <= now)?;
        let (_, segment) = self.flying.pop_front()?;
        self.in_flight -= segment.len();
        Some(segment)
    }

    /// When something happens next.
    pub fn next(&self, shape: &Shape, reading: bool) -> Option<u64> {
        let leaves = self.can_leave(shape).then_some(self.free);
        let arrives = self.flying.front().filter(|_| reading).map(|(arrives, _)| *arrives);
        leaves.into_iter().chain(arrives).min()
    }

    fn can_leave(&self, shape: &Shape) -> bool {
        !self.cut && !self.buffer.is_empty() && self.in_flight < shape.window
    }
}
