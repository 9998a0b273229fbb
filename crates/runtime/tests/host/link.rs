//! Ethernet in memory, between a device and the gateway of its network.

use crate::clock;
use crate::random::Random;
use embassy_net::driver::{self, Capabilities, HardwareAddress, LinkState};
use smoltcp::phy;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

/// Largest Ethernet frame, without its checksum.
const FRAME: usize = 1514;

/// Frames that the radio takes before it has sent one.
const QUEUE: usize = 12;

pub const DEVICE: [u8; 6] = [0x3c, 0xdc, 0x75, 1, 2, 3];

/// How good a link is.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Bytes a second, in each direction.
    pub rate: u64,
    /// Microseconds on the way, at least, and how many more at most.
    pub delay: (u64, usize),
    /// Frames that are lost, of a thousand.
    pub lost: u32,
    /// Frames that come twice, of a thousand.
    pub twice: u32,
}

impl Quality {
    /// Beside the access point.
    pub const GOOD: Self = Self { rate: 1_500_000, delay: (1000, 1000), lost: 0, twice: 0 };
    /// Behind two walls: losses, repetitions, and frames that overtake each other.
    pub const BAD: Self = Self { rate: 400_000, delay: (2000, 30_000), lost: 20, twice: 5 };
}

struct State {
    up: bool,
    quality: Quality,
    random: Random,
    to_device: Way,
    to_gateway: Way,
    /// The device's stack, which waits for frames, room, and the link.
    waiting: Option<Waker>,
}

#[derive(Default)]
struct Way {
    /// When each arrives.
    frames: VecDeque<(u64, Vec<u8>)>,
    /// When the last one has left.
    free_at: u64,
}

impl Way {
    fn send(&mut self, frame: Vec<u8>, quality: Quality, random: &mut Random) {
        self.free_at = self.free_at.max(clock::now()) + frame.len() as u64 * 1_000_000 / quality.rate;
        if random.hits(quality.lost) {
            return;
        }
        let copies = 1 + usize::from(random.hits(quality.twice));
        for _ in 0..copies {
            let at = self.free_at + quality.delay.0 + random.within(0..quality.delay.1 + 1) as u64;
            let place = self.frames.partition_point(|(other, _)| *other <= at);
            self.frames.insert(place, (at, frame.clone()));
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front_if(|(at, _)| *at <= clock::now()).map(|(_, frame)| frame)
    }

    fn next(&self) -> Option<u64> {
        self.frames.front().map(|(at, _)| *at)
    }
}

/// A link, and both of its ends.
#[derive(Clone)]
pub struct Link(Rc<RefCell<State>>);

impl Link {
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            up: false,
            quality: Quality::GOOD,
            random: Random::new(seed ^ 1),
            to_device: Way::default(),
            to_gateway: Way::default(),
            waiting: None,
        })))
    }

    pub fn set_quality(&self, quality: Quality) {
        self.0.borrow_mut().quality = quality;
    }

    /// Connects both ends, or loses all that is on its way between them.
    pub fn set_up(&self, up: bool) {
        let state = &mut *self.0.borrow_mut();
        state.up = up;
        if !up {
            (state.to_device, state.to_gateway) = Default::default();
        }
        state.waiting.take().into_iter().for_each(Waker::wake);
    }

    /// When the next frame arrives at the gateway.
    pub fn next(&self) -> Option<u64> {
        self.0.borrow().to_gateway.next()
    }
}

/// The device's end.
impl driver::Driver for Link {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender;

    fn receive(&mut self, context: &mut Context) -> Option<(Received, Sender)> {
        let state = &mut *self.0.borrow_mut();
        state.waiting = Some(context.waker().clone());
        if state.to_gateway.frames.len() >= QUEUE {
            return None;
        }
        let frame = state.to_device.receive();
        if let (None, Some(at)) = (&frame, state.to_device.next()) {
            embassy_time_driver::schedule_wake(at, context.waker());
        }
        frame.map(|frame| (Received(frame), Sender { link: self.clone(), to_device: false }))
    }

    fn transmit(&mut self, context: &mut Context) -> Option<Sender> {
        let state = &mut *self.0.borrow_mut();
        state.waiting = Some(context.waker().clone());
        (state.to_gateway.frames.len() < QUEUE).then(|| Sender { link: self.clone(), to_device: false })
    }

    fn link_state(&mut self, context: &mut Context) -> LinkState {
        let state = &mut *self.0.borrow_mut();
        state.waiting = Some(context.waker().clone());
        if state.up { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(DEVICE)
    }
}

/// The gateway's end.
impl phy::Device for Link {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Received, Sender)> {
        let state = &mut *self.0.borrow_mut();
        let frame = state.to_gateway.receive()?;
        // The device has room again.
        state.waiting.take().into_iter().for_each(Waker::wake);
        Some((Received(frame), Sender { link: self.clone(), to_device: true }))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sender> {
        Some(Sender { link: self.clone(), to_device: true })
    }

    fn capabilities(&self) -> phy::DeviceCapabilities {
        let mut capabilities = phy::DeviceCapabilities::default();
        capabilities.medium = phy::Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

pub struct Received(Vec<u8>);

impl driver::RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub struct Sender {
    link: Link,
    to_device: bool,
}

impl Sender {
    fn send<R>(self, length: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        let State { up, quality, random, to_device, to_gateway, waiting } = &mut *self.link.0.borrow_mut();
        if *up {
            let way = if self.to_device { to_device } else { to_gateway };
            way.send(frame, *quality, random);
        }
        if self.to_device {
            waiting.take().into_iter().for_each(Waker::wake);
        }
        result
    }
}

impl driver::TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        self.send(length, f)
    }
}

impl phy::TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        self.send(length, f)
    }
}
