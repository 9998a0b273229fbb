//! The console's wire, and whoever sits at its other end.

use crate::random::Random;
use embassy_time::Timer;
use embedded_io_async::{ErrorType, Read, Write};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// How the terminal reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Whatever comes, at once.
    Quick,
    /// A few bytes at a time, and a pause of up to so many milliseconds after each.
    Slow(u64),
    /// Nothing: no terminal is open.
    Closed,
}

struct State {
    terminal: Terminal,
    random: Random,
    /// Portions that were typed and not yet read.
    typed: VecDeque<Vec<u8>>,
    printed: Vec<u8>,
    waiting: Vec<Waker>,
}

#[derive(Clone)]
pub struct Wire(Rc<RefCell<State>>);

impl Wire {
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            terminal: Terminal::Quick,
            random: Random::new(seed ^ 4),
            typed: VecDeque::new(),
            printed: Vec::new(),
            waiting: Vec::new(),
        })))
    }

    pub fn set_terminal(&self, terminal: Terminal) {
        self.0.borrow_mut().terminal = terminal;
        self.wake();
    }

    /// Types `text`, which arrives in portions of random size. Returns them.
    pub fn type_in(&self, text: &str) -> Vec<Vec<u8>> {
        let mut portions = Vec::new();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let count = self.0.borrow_mut().random.within(1..rest.len().min(63) + 1);
            portions.push(rest[..count].to_vec());
            rest = &rest[count..];
        }
        self.0.borrow_mut().typed.extend(portions.iter().cloned());
        self.wake();
        portions
    }

    /// What was printed so far.
    pub fn printed(&self) -> Vec<u8> {
        self.0.borrow().printed.clone()
    }

    /// What was printed so far, which is forgotten.
    pub fn take_printed(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().printed)
    }

    pub fn printed_contains(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.0.borrow().printed).contains(text)
    }

    fn wake(&self) {
        let waiting = std::mem::take(&mut self.0.borrow_mut().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl ErrorType for Wire {
    type Error = Infallible;
}

impl Read for Wire {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            let state = &mut *self.0.borrow_mut();
            let Some(portion) = state.typed.pop_front() else {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            };
            bytes[..portion.len()].copy_from_slice(&portion);
            Poll::Ready(Ok(portion.len()))
        })
        .await
    }
}

impl Write for Wire {
    /// Takes as few bytes as it likes, which a writer must bear.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let pause = match self.0.borrow().terminal {
            Terminal::Slow(pause) => pause,
            Terminal::Quick | Terminal::Closed => 0,
        };
        if pause > 0 {
            let pause = self.0.borrow_mut().random.within(0..pause as usize + 1) as u64;
            Timer::after_millis(pause).await;
        }
        poll_fn(|context| {
            let state = &mut *self.0.borrow_mut();
            if state.terminal == Terminal::Closed {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            let count = state.random.within(1..bytes.len() + 1);
            crate::heap::of_the_world(|| state.printed.extend(&bytes[..count]));
            Poll::Ready(Ok(count))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
