//! A connection that the server accepted, until its end.

use super::lost::one_line;
use super::outgoing::{Outgoing, Payload};
use super::{DialId, Event, Lost, Output, Timing};
use crate::backoff::Random;
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use lenscast_protocol::control::MAX_CONTROL_BYTES;
use lenscast_protocol::ws::{self, Decoder, Role, close_code};

/// Longest message of a server, in bytes. Only control messages are kept, but what else a server says, such as a frame that it
/// echoes, is no reason to leave it. Who announces more than this has lost its own framing.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// Most control messages that wait to be read. One a second is a lot.
const MAX_WAITING: usize = 8;

/// Whether the connection is over: then why, or `None` when it was ended on purpose.
pub(super) type Step = ControlFlow<Option<Lost>>;

/// An open connection, or one that is being closed.
#[derive(Debug)]
pub(super) struct Connection<F> {
    pub(super) id: DialId,
    pub(super) endpoint: String,
    pub(super) extended: bool,
    pub(super) since: Instant,
    timing: Timing,
    decoder: Decoder,
    heard: Instant,
    ping: Ping,
    pong: Option<Vec<u8>>,
    text: Option<String>,
    /// The next frame to send.
    slot: Option<F>,
    outgoing: Option<Outgoing<F>>,
    leaving: Option<Leaving>,
}

/// What was done about a silence.
#[derive(Clone, Copy, Debug)]
enum Ping {
    NotYet,
    Due,
    HandedOver(Instant),
}

/// The closing handshake (RFC 6455 §7.1.2).
#[derive(Debug)]
struct Leaving {
    /// Why, unless it is wanted.
    lost: Option<Lost>,
    /// Payload of the close frame, until that is on its way.
    close: Option<Vec<u8>>,
    /// Whether the close frame was handed over.
    said: bool,
    /// Whether the server still has something to say.
    listening: bool,
    /// Patience.
    until: Instant,
}

impl<F: AsRef<[u8]>> Connection<F> {
    pub(super) fn new(id: DialId, endpoint: String, extended: bool, now: Instant, timing: Timing) -> Self {
        Self {
            id,
            endpoint,
            extended,
            since: now,
            timing,
            decoder: Decoder::passing_over(Role::Client, MAX_CONTROL_BYTES, MAX_MESSAGE),
            heard: now,
            ping: Ping::NotYet,
            pong: None,
            text: None,
            slot: None,
            outgoing: None,
            leaving: None,
        }
    }

    /// Whether it can be used.
    pub(super) fn is_up(&self) -> bool {
        self.leaving.is_none()
    }

    /// Puts a frame into the slot and returns what was there, or the frame when the connection is being closed.
    pub(super) fn offer(&mut self, frame: F) -> Option<F> {
        if self.is_up() { self.slot.replace(frame) } else { Some(frame) }
    }

    pub(super) fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// Sends a text next, unless control messages were not negotiated.
    pub(super) fn send_text(&mut self, text: String) -> bool {
        let may = self.extended && self.is_up();
        if may {
            self.text = Some(text);
        }
        may
    }

    /// Finishes the frame on its way, says good-bye, and waits for the answer.
    pub(super) fn leave(&mut self, now: Instant, outputs: &mut VecDeque<Output>) {
        match &mut self.leaving {
            Some(leaving) => leaving.lost = None,
            None => self.close(now, None, close_code::NORMAL.to_be_bytes().into(), true, outputs),
        }
    }

    /// Takes what the server sent.
    pub(super) fn received(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        outputs: &mut VecDeque<Output>,
    ) -> Step {
        self.heard = now;
        self.ping = Ping::NotYet;
        let before = self.decoder.passed_over();
        let result = self.read(now, &mut bytes, outputs);
        if self.extended && self.is_up() && self.decoder.passed_over() > before {
            outputs.push_back(Output::Event(Event::TooLong));
        }
        result
    }

    fn read(&mut self, now: Instant, bytes: &mut &[u8], outputs: &mut VecDeque<Output>) -> Step {
        while self.leaving.as_ref().is_none_or(|leaving| leaving.listening) {
            match self.decoder.decode(bytes) {
                Ok(None) => break,
                Ok(Some(ws::Event::Ping(payload))) => self.pong = Some(payload),
                // Of a flood, which one portion of bytes may hold a thousand of, the first ones are enough.
                Ok(Some(ws::Event::Text(text)))
                    if self.extended && self.is_up() && outputs.len() < MAX_WAITING =>
                {
                    outputs.push_back(Output::Event(Event::Text(text)));
                }
                Ok(Some(ws::Event::Pong(_) | ws::Event::Text(_) | ws::Event::Binary(_))) => {}
                Ok(Some(ws::Event::Close(frame))) => self.server_closes(now, frame, outputs)?,
                Err(violation) => self.violated(now, violation, outputs)?,
            }
        }
        Step::Continue(())
    }

    fn server_closes(
        &mut self,
        now: Instant,
        frame: Option<(u16, String)>,
        outputs: &mut VecDeque<Output>,
    ) -> Step {
        if let Some(leaving) = &mut self.leaving {
            leaving.listening = false;
            return if leaving.said { Step::Break(leaving.lost.take()) } else { Step::Continue(()) };
        }
        let (code, reason) = frame.map_or((None, String::new()), |(code, reason)| (Some(code), reason));
        let lost = Lost::Closed { code, reason: one_line(&reason) };
        // Answered with its own code (RFC 6455 §5.5.1); then it is the server's turn to hang up.
        let answer = code.map_or(Vec::new(), |code| code.to_be_bytes().into());
        self.close(now, Some(lost), answer, false, outputs);
        Step::Continue(())
    }

    fn violated(&mut self, now: Instant, violation: ws::Violation, outputs: &mut VecDeque<Output>) -> Step {
        let lost = Lost::Violation(violation);
        match &mut self.leaving {
            Some(leaving) => Step::Break(leaving.lost.take()),
            None if self.outgoing.is_some() => Step::Break(Some(lost)),
            None => {
                self.close(now, Some(lost), violation.close_code().to_be_bytes().into(), false, outputs);
                Step::Continue(())
            }
        }
    }

    fn close(
        &mut self,
        now: Instant,
        lost: Option<Lost>,
        close: Vec<u8>,
        listening: bool,
        outputs: &mut VecDeque<Output>,
    ) {
        let until = now + self.timing.goodbye;
        self.leaving = Some(Leaving { lost, close: Some(close), said: false, listening, until });
        if self.slot.take().is_some() {
            outputs.push_back(Output::Event(Event::Dropped));
        }
    }

    /// The socket is closed: why the connection is lost, or `None` when that was wanted.
    pub(super) fn closed(&mut self, why: &str) -> Option<Lost> {
        match &mut self.leaving {
            Some(leaving) => leaving.lost.take(),
            None => Some(Lost::Broken(one_line(why))),
        }
    }

    /// Drops the frames that cannot be sent any more.
    pub(super) fn discard(&mut self, outputs: &mut VecDeque<Output>) {
        let outgoing = self.outgoing.take().filter(|it| matches!(it.payload, Payload::Frame(_)));
        let frames = usize::from(outgoing.is_some()) + usize::from(self.slot.take().is_some());
        outputs.extend((0..frames).map(|_| Output::Event(Event::Dropped)));
    }

    /// Copies what is to be sent next.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        out: &mut [u8],
        random: &mut Random,
        outputs: &mut VecDeque<Output>,
    ) -> usize {
        let mut len = 0;
        while len < out.len() {
            if self.outgoing.is_none() {
                self.outgoing = self.next().map(|payload| Outgoing::new(payload, now, random));
            }
            let Some(outgoing) = &mut self.outgoing else { break };
            len += outgoing.copy(&mut out[len..]);
            if outgoing.is_done()
                && let Some(done) = self.outgoing.take()
            {
                self.handed_over(now, &done, outputs);
            }
        }
        len
    }

    /// What is to be sent next, at the border between two messages.
    fn next(&mut self) -> Option<Payload<F>> {
        if self.leaving.as_ref().is_some_and(|leaving| leaving.close.is_none()) {
            return None;
        }
        if let Some(pong) = self.pong.take() {
            return Some(Payload::Pong(pong));
        }
        if let Some(leaving) = &mut self.leaving {
            return leaving.close.take().map(Payload::Close);
        }
        if matches!(self.ping, Ping::Due) {
            return Some(Payload::Ping);
        }
        self.text.take().map(Payload::Text).or_else(|| self.slot.take().map(Payload::Frame))
    }

    fn handed_over(&mut self, now: Instant, done: &Outgoing<F>, outputs: &mut VecDeque<Output>) {
        match (&done.payload, &mut self.leaving) {
            (Payload::Frame(_), _) => {
                let (bytes, took) = (done.len(), now.since(done.since));
                outputs.push_back(Output::Event(Event::Sent { bytes, took }));
            }
            (Payload::Ping, _) => self.ping = Ping::HandedOver(now),
            (Payload::Close(_), Some(leaving)) => {
                leaving.said = true;
                leaving.until = now + self.timing.goodbye;
            }
            _ => {}
        }
    }

    /// Acts on what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Step {
        if let Some(leaving) = &mut self.leaving {
            return if now >= leaving.until { Step::Break(leaving.lost.take()) } else { Step::Continue(()) };
        }
        if let Some(outgoing) = &self.outgoing
            && now >= outgoing.since + self.timing.frame
        {
            return Step::Break(Some(Lost::Slow(self.timing.frame)));
        }
        if now >= self.silence_ends() {
            match self.ping {
                Ping::NotYet => self.ping = Ping::Due,
                Ping::Due | Ping::HandedOver(_) => {
                    return Step::Break(Some(Lost::Silent(now.since(self.heard))));
                }
            }
        }
        Step::Continue(())
    }

    pub(super) fn next_wake(&self) -> Instant {
        if let Some(leaving) = &self.leaving {
            return leaving.until;
        }
        let on_its_way = self.outgoing.as_ref().map(|outgoing| outgoing.since + self.timing.frame);
        on_its_way.map_or(self.silence_ends(), |deadline| deadline.min(self.silence_ends()))
    }

    /// When the present silence is a reason to do something.
    fn silence_ends(&self) -> Instant {
        let Timing { ping_after, frame, pong, .. } = self.timing;
        // The ping may wait for the frame on its way, but not longer: not for a socket that takes nothing.
        let longest = self.heard + ping_after.saturating_add(frame).saturating_add(pong);
        match self.ping {
            Ping::NotYet => self.heard + ping_after,
            Ping::Due => longest,
            Ping::HandedOver(at) => longest.min(at + pong),
        }
    }
}
