//! What the tasks tell each other. They share nothing else.

use crate::frames::Slot;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::pipe::Pipe;
use embassy_sync::signal::Signal;
use lenscast_device::camera::{CameraEvent, FrameInfo, Plan};
use lenscast_device::log::Level;
use lenscast_device::stream::{DialId, SocketAction, SocketEvent};
use lenscast_device::wifi::{WifiAction, WifiEvent};

/// What guards a channel: tasks of both cores, and those that run in an interrupt, may use it.
type Guard = CriticalSectionRawMutex;

/// Actions and events that may wait in a row.
const WAITING: usize = 8;

/// Bytes for the socket that are taken from the device at once.
pub const PORTION: usize = 2048;

/// Bytes that may wait to be printed.
pub const PRINTED: usize = 2048;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// Somebody typed.
    Typed(Vec<u8>),
    /// The radio tells something.
    Wifi(WifiEvent),
    /// Something happened to the socket.
    Socket(DialId, SocketEvent),
    /// The socket received something.
    Received(DialId, Vec<u8>),
    /// The camera tells something.
    Camera(CameraEvent),
    /// A line for the log.
    Log(Level, String),
    /// The console or the socket can take more.
    Room,
}

/// All channels of one device.
pub struct Channels {
    /// Everything that happens passes here, in order.
    pub events: Channel<Guard, Event, WAITING>,
    /// The newest frame. One that is replaced before it was seen goes back to its pool.
    pub frame: Signal<Guard, (Slot, FrameInfo)>,
    /// What the camera is to do from now on.
    pub plan: Signal<Guard, Plan>,
    /// The camera is to write down its registers.
    pub dump: Signal<Guard, ()>,
    /// What the radio is to do.
    pub wifi: Channel<Guard, WifiAction, WAITING>,
    /// What the socket is to do.
    pub socket: Channel<Guard, SocketAction, WAITING>,
    /// What the socket is to send. It belongs to the attempt that is connected.
    pub outgoing: Pipe<Guard, { 2 * PORTION }>,
    /// What is to be printed.
    pub printed: Pipe<Guard, PRINTED>,
    /// The console has printed what there was to say at the start, or nobody reads it.
    pub(crate) greeted: Signal<Guard, ()>,
    /// Frames that were lost and not yet told, by cause.
    lost: Mutex<Guard, RefCell<Vec<(&'static str, u32)>>>,
}

impl Channels {
    /// Channels in which nothing waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            events: Channel::new(),
            frame: Signal::new(),
            plan: Signal::new(),
            dump: Signal::new(),
            wifi: Channel::new(),
            socket: Channel::new(),
            outgoing: Pipe::new(),
            printed: Pipe::new(),
            greeted: Signal::new(),
            lost: Mutex::new(RefCell::new(Vec::new())),
        }
    }

    /// Tells the device that there is room again.
    pub fn room(&self) {
        #[expect(
            clippy::let_underscore_must_use,
            reason = "a full queue is no loss: the device wakes anyway, and looks for room after each event"
        )]
        let _ = self.events.try_send(Event::Room);
    }

    /// Counts a frame that was lost for `cause`. It does not wait, since the next frame must not be held up; the device
    /// hears of it within a second.
    pub fn frame_lost(&self, cause: &'static str) {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            match lost.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, count)) => *count += 1,
                None => lost.push((cause, 1)),
            }
        });
        self.room();
    }

    /// One of the frames that were lost and not yet told: its cause.
    pub(crate) fn take_lost(&self) -> Option<&'static str> {
        self.lost.lock(|lost| {
            let mut lost = lost.borrow_mut();
            let (cause, count) = lost.iter_mut().find(|(_, count)| *count > 0)?;
            *count -= 1;
            Some(*cause)
        })
    }
}

impl Default for Channels {
    fn default() -> Self {
        Self::new()
    }
}
