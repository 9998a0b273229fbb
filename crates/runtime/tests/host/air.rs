//! The radio of a test, and the access point that it hears.

use crate::link::Link;
use embassy_time::Timer;
use lenscast_device::wifi::{AccessPoint, Auth, Bssid, Join};
use lenscast_runtime::wifi::{Adapter, NotJoined, Radio};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// What the radio says when beacons fail to come.
const BEACON_TIMEOUT: u16 = 200;
/// What it says when there is no such network.
const NO_ACCESS_POINT: u16 = 201;

#[derive(Default)]
struct State {
    /// Whether the access point is on.
    on: bool,
    joined: bool,
    /// Faults of the driver that come next: of starting, and of joining.
    start_faults: VecDeque<&'static str>,
    join_faults: VecDeque<NotJoined>,
    /// How often it was started.
    starts: u32,
    waiting: Option<Waker>,
}

#[derive(Clone)]
pub struct Air {
    state: Rc<RefCell<State>>,
    link: Link,
}

impl Air {
    pub fn new(link: Link) -> Self {
        Self { state: Rc::new(RefCell::new(State { on: true, ..State::default() })), link }
    }

    /// Switches the access point on or off.
    pub fn set_on(&self, on: bool) {
        let state = &mut *self.state.borrow_mut();
        state.on = on;
        if !on {
            self.link.set_up(false);
        }
        state.waiting.take().into_iter().for_each(Waker::wake);
    }

    /// The next attempts to start fail, with these words.
    pub fn fail_to_start(&self, words: &[&'static str]) {
        self.state.borrow_mut().start_faults.extend(words);
    }

    /// The next attempts to join fail so.
    pub fn fail_to_join(&self, faults: impl IntoIterator<Item = NotJoined>) {
        self.state.borrow_mut().join_faults.extend(faults);
    }

    /// How often the radio was started.
    pub fn starts(&self) -> u32 {
        self.state.borrow().starts
    }
}

impl Adapter for Air {
    type Radio<'a> = Running;

    fn start(&mut self) -> Result<Running, String> {
        let state = &mut *self.state.borrow_mut();
        state.starts += 1;
        match state.start_faults.pop_front() {
            Some(words) => Err(words.into()),
            None => Ok(Running(self.clone())),
        }
    }
}

pub struct Running(Air);

impl Radio for Running {
    async fn join(&mut self, join: &Join) -> Result<Bssid, NotJoined> {
        Timer::after_millis(300).await;
        let state = &mut *self.0.state.borrow_mut();
        if let Some(fault) = state.join_faults.pop_front() {
            return Err(fault);
        }
        if !state.on || join.credentials.ssid != "home" {
            return Err(NotJoined::Refused { reason: NO_ACCESS_POINT });
        }
        state.joined = true;
        self.0.link.set_up(true);
        Ok(Bssid::default())
    }

    async fn leave(&mut self) -> Result<(), String> {
        Timer::after_millis(500).await;
        self.0.state.borrow_mut().joined = false;
        self.0.link.set_up(false);
        Ok(())
    }

    async fn gone(&mut self) -> u16 {
        poll_fn(|context| {
            let state = &mut *self.0.state.borrow_mut();
            if state.joined && !state.on {
                state.joined = false;
                return Poll::Ready(BEACON_TIMEOUT);
            }
            state.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    async fn scan(&mut self) -> Result<Vec<AccessPoint>, String> {
        Timer::after_millis(1400).await;
        let one = |ssid: &str, rssi| AccessPoint {
            ssid: ssid.into(),
            bssid: Bssid::default(),
            channel: 6,
            rssi,
            auth: Auth::Wpa2,
        };
        let mut found = vec![one("neighbour", -80)];
        found.extend(self.0.state.borrow().on.then(|| one("home", -51)));
        Ok(found)
    }

    fn signal(&mut self) -> Option<i8> {
        Some(-51)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state.borrow_mut().joined = false;
        self.0.link.set_up(false);
    }
}
