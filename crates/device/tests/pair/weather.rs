//! What happens in one world, all of it from its seed.

use crate::dice::Dice;
use crate::link::Shape;
use crate::server::{Fault, Kind, Refusal};
use std::ops::Range;

pub const MS: u64 = 1000;
pub const SECOND: u64 = 1000 * MS;

/// Something that happens to the device or its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing passes for a while: lost packets, sent again later.
    Outage(u64),
    NetworkDown,
    NetworkUp,
    /// The server's machine refuses connections.
    ServerDown,
    ServerUp,
    /// Packets to the server vanish: dials hang.
    Unreachable,
    /// The device's clock leaps forward.
    Leap(u64),
    /// The device's clock goes back.
    StepBack(u64),
    Freeze,
    Thaw,
    /// The network becomes another.
    Reshape,
    Stop,
    Start,
    /// From here on everything is as it should be.
    Kind,
}

pub struct Weather {
    pub kind: Kind,
    /// Of a hundred connections, so many meet a server that is in no mood for them.
    pub moody: u64,
    /// Of a hundred connections, so many see a fault.
    pub faulty: u64,
    /// Which ones, and how long it lasts at most until then, in µs.
    pub faults: Vec<Fault>,
    pub lasts: u64,
    /// Time between two frames in µs.
    pub interval: u64,
    pub sizes: Range<u64>,
    /// Bytes that the driver asks for at once.
    pub chunk: usize,
    /// Whether the server pings and talks.
    pub chatty: bool,
    /// What happens when, in order.
    pub turns: Vec<(u64, Turn)>,
    /// When everything becomes kind.
    pub kind_from: u64,
}

const REFUSALS: [Refusal; 6] = [
    Refusal::Status,
    Refusal::Closes,
    Refusal::Resets,
    Refusal::Garbage,
    Refusal::Silence,
    Refusal::WrongAccept,
];
const FAULTS: [Fault; 7] = [
    Fault::Closes,
    Fault::Leaves,
    Fault::Resets,
    Fault::StopsReading,
    Fault::Vanishes,
    Fault::Garbage,
    Fault::TooBig,
];

impl Weather {
    pub fn new(dice: &mut Dice) -> Self {
        let kind = match dice.within(0..3) {
            0 => Kind::Ours,
            1 => Kind::Plain,
            _ => Kind::Stumbles(dice.one_of(&REFUSALS)),
        };
        let kind_from = dice.within(20..90) * SECOND;
        let mut turns = vec![(kind_from, Turn::Kind)];
        for _ in 0..dice.within(0..10) {
            let at = dice.within(0..kind_from);
            let later = at + dice.magnitude(10 * MS..30 * SECOND);
            let (turn, end) = match dice.within(0..8) {
                0 => (Turn::Outage(dice.magnitude(100 * MS..20 * SECOND)), None),
                1 => (Turn::NetworkDown, Some(Turn::NetworkUp)),
                2 => (Turn::ServerDown, Some(Turn::ServerUp)),
                3 => (Turn::Unreachable, Some(Turn::ServerUp)),
                4 => (Turn::Leap(dice.magnitude(SECOND..10 * 3600 * SECOND)), None),
                5 if dice.percent(50) => (Turn::StepBack(dice.magnitude(1..2 * SECOND)), None),
                5 => (Turn::Freeze, Some(Turn::Thaw)),
                6 => (Turn::Reshape, None),
                _ => (Turn::Stop, Some(Turn::Start)),
            };
            turns.push((at, turn));
            turns.extend(end.map(|end| (later, end)).filter(|(at, _)| *at < kind_from));
        }
        turns.sort_by_key(|(at, _)| *at);
        // All forms of a frame's length (RFC 6455 §5.2), and no more bytes than there is time for in a test.
        let (sizes, intervals, chunks): (Range<u64>, Range<u64>, &[usize]) = match dice.within(0..5) {
            0 => (8..9, 40 * MS..800 * MS, &[1, 7, 100]),
            1 => (20..140, 40 * MS..800 * MS, &[1, 7, 100, 1460]),
            2 => (100..3000, 60 * MS..800 * MS, &[7, 100, 1460, 4096]),
            3 => (500..8000, 100 * MS..800 * MS, &[100, 1460, 4096]),
            _ => (60_000..70_000, 1500 * MS..3000 * MS, &[1460, 4096, 100_000]),
        };
        Self {
            kind,
            moody: dice.one_of(&[0, 0, 0, 20, 60, 100]),
            faulty: dice.one_of(&[0, 50, 100]),
            faults: if dice.percent(50) { FAULTS.to_vec() } else { vec![dice.one_of(&FAULTS)] },
            lasts: dice.one_of(&[50 * MS, 30 * SECOND, 30 * SECOND]),
            interval: dice.magnitude(intervals),
            sizes,
            chunk: dice.one_of(chunks),
            chatty: dice.percent(50),
            turns,
            kind_from,
        }
    }

    pub fn refusal(&self, dice: &mut Dice) -> Option<Refusal> {
        dice.percent(self.moody).then(|| dice.one_of(&REFUSALS))
    }

    /// What goes wrong on a connection, and how long after its beginning.
    pub fn fault(&self, dice: &mut Dice) -> Option<(u64, Fault)> {
        dice.percent(self.faulty).then(|| (dice.magnitude(10 * MS..self.lasts), dice.one_of(&self.faults)))
    }
}

/// A network, from one where nothing works to a good one.
pub fn shape(dice: &mut Dice) -> Shape {
    Shape {
        bytes_per_second: dice.magnitude(500..2_000_000),
        latency: dice.magnitude(100..1500 * MS),
        jitter: dice.magnitude(1..500 * MS),
        loss: dice.one_of(&[0, 1, 10]),
        stall: dice.magnitude(200 * MS..3 * SECOND),
        buffer: dice.magnitude(256..40_000) as usize,
        window: dice.magnitude(1500..70_000) as usize,
    }
}

/// A network on which streaming must work.
pub fn kind_shape(dice: &mut Dice) -> Shape {
    Shape {
        bytes_per_second: dice.within(150_000..1_000_000),
        latency: dice.within(MS..50 * MS),
        jitter: dice.within(1..20 * MS),
        loss: 0,
        stall: 0,
        buffer: 32_000,
        window: 64_000,
    }
}
