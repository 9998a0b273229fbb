//! A TCP socket of the device's driver, the connection behind it, and what is at its other end.

use crate::dice::Dice;
use crate::link::{Pipe, Shape};
use crate::log::Log;
use crate::server::{End, Fault, Kind, Refusal, Visit};
use crate::tap::Tap;
use lenscast_device::stream::{DialId, SocketEvent};

pub struct Socket {
    pub id: DialId,
    pub stage: Stage,
    kind: Kind,
    refusal: Option<Refusal>,
    fault: Option<(u64, Fault)>,
}

pub enum Stage {
    /// When the dial is answered, if ever, and how.
    Dialling(Option<(u64, Result<(), &'static str>)>),
    Connected(Box<Connection>),
}

pub struct Connection {
    up: Pipe,
    down: Pipe,
    pub visit: Visit,
    pub tap: Tap,
    /// What the device handed over and the socket has not taken yet.
    pub pending: Vec<u8>,
    /// When the server does something wrong.
    fault: Option<(u64, Fault)>,
    /// When the device hears of a reset.
    reset: Option<u64>,
}

/// What the driver is to tell the device.
#[derive(Default)]
pub struct Events {
    pub received: Vec<Vec<u8>>,
    pub event: Option<SocketEvent>,
}

impl Socket {
    pub fn new(
        id: DialId,
        answer: Option<(u64, Result<(), &'static str>)>,
        kind: Kind,
        refusal: Option<Refusal>,
        fault: Option<(u64, Fault)>,
    ) -> Self {
        Self { id, stage: Stage::Dialling(answer), kind, refusal, fault }
    }

    /// When something happens next.
    pub fn next(&self, shape: &Shape) -> Option<u64> {
        match &self.stage {
            Stage::Dialling(answer) => answer.map(|(at, _)| at),
            Stage::Connected(connection) => connection.next(shape),
        }
    }

    /// Does what is due.
    pub fn run(&mut self, now: u64, shape: &Shape, dice: &mut Dice, log: &mut Log) -> Events {
        match &mut self.stage {
            Stage::Dialling(Some((at, answer))) if *at <= now => {
                let event = match answer {
                    Ok(()) => {
                        let fault = self.fault.map(|(after, fault)| (now + after, fault));
                        let visit = Visit::new(self.kind, self.refusal);
                        self.stage = Stage::Connected(Box::new(Connection::new(visit, fault)));
                        SocketEvent::Connected
                    }
                    Err(why) => SocketEvent::Failed(String::from(*why)),
                };
                log.say(now, &event);
                Events { event: Some(event), ..Events::default() }
            }
            Stage::Dialling(_) => Events::default(),
            Stage::Connected(connection) => connection.run(now, shape, dice, log),
        }
    }

    /// The whole messages that the server got.
    pub fn take_frames(&mut self) -> Vec<Vec<u8>> {
        match &mut self.stage {
            Stage::Dialling(_) => Vec::new(),
            Stage::Connected(connection) => std::mem::take(&mut connection.visit.frames),
        }
    }

    /// Writes down what else the server got.
    pub fn count(&mut self, log: &mut Log) {
        if let Stage::Connected(connection) = &mut self.stage {
            for (what, count) in connection.visit.counts() {
                log.add(what, std::mem::take(count));
            }
        }
    }

    /// Nothing passes until then.
    pub fn hold(&mut self, until: u64) {
        match &mut self.stage {
            Stage::Dialling(Some((at, _))) => *at = until.max(*at),
            Stage::Dialling(None) => {}
            Stage::Connected(connection) => {
                connection.up.hold(until);
                connection.down.hold(until);
            }
        }
    }

    /// The server's machine ends all connections.
    pub fn reset(&mut self) {
        match &mut self.stage {
            Stage::Dialling(answer) => *answer = answer.map(|(at, _)| (at, Err("connection refused"))),
            Stage::Connected(connection) => connection.visit.end = Some(End::Reset),
        }
    }

    /// Nothing goes wrong any more that has not yet.
    pub fn forgive(&mut self) {
        (self.refusal, self.fault) = (None, None);
        if let Stage::Connected(connection) = &mut self.stage {
            connection.fault = None;
        }
    }
}

impl Connection {
    fn new(visit: Visit, fault: Option<(u64, Fault)>) -> Self {
        Self {
            up: Pipe::new(),
            down: Pipe::new(),
            visit,
            tap: Tap::new(),
            pending: Vec::new(),
            fault,
            reset: None,
        }
    }

    pub fn room(&self, shape: &Shape) -> usize {
        self.up.room(shape)
    }

    /// Gives the socket what it takes. Whether that is something.
    pub fn write(&mut self, shape: &Shape) -> bool {
        let len = self.room(shape).min(self.pending.len());
        self.up.write(&self.pending[..len]);
        self.pending.drain(..len);
        len > 0
    }

    fn next(&self, shape: &Shape) -> Option<u64> {
        let pipes = [self.up.next(shape, self.visit.reading), self.down.next(shape, true), self.reset];
        pipes.into_iter().flatten().chain(self.fault.map(|(at, _)| at)).min()
    }

    fn run(&mut self, now: u64, shape: &Shape, dice: &mut Dice, log: &mut Log) -> Events {
        let mut events = Events::default();
        if let Some((_, fault)) = self.fault.take_if(|(at, _)| *at <= now)
            && self.visit.fail(fault)
        {
            log.say(now, &fault);
        }
        self.up.advance(now, shape, dice);
        while self.visit.reading
            && let Some(segment) = self.up.read(now)
        {
            self.visit.receive(&segment);
        }
        self.down.write(&std::mem::take(&mut self.visit.out));
        self.down.advance(now, shape, dice);
        while let Some(segment) = self.down.read(now) {
            events.received.push(segment);
        }
        match self.visit.end {
            Some(End::Finish) if self.down.is_empty() => {
                events.event = Some(SocketEvent::Closed(String::new()));
            }
            Some(End::Reset) if self.reset.is_none() => self.reset = Some(now + shape.latency),
            Some(End::Vanish) => {
                self.up.cut();
                self.down.cut();
            }
            _ => {}
        }
        if self.reset.is_some_and(|at| at <= now) {
            events.event = Some(SocketEvent::Closed("connection reset".into()));
        }
        if let Some(event) = &events.event {
            log.say(now, event);
        }
        events
    }
}
