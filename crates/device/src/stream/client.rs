//! Which connection there is, and when the next one is tried.

use super::connection::{Connection, Step};
use super::handshake::{Answer, Handshake, endpoint};
use super::lost::one_line;
use super::{DialId, Event, Lost, Output, SocketAction, SocketEvent, Timing};
use crate::backoff::{BackOff, Random};
use crate::settings::Target;
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::time::Duration;

/// Brings frames to a server, and a lost connection back. `F` is one whole JPEG, wherever it lies.
///
/// It begins without a target and without a network. Every new connection is tried with the subprotocol
/// [`lenscast.v1`](lenscast_protocol::control::SUBPROTOCOL) in its handshake first; when that handshake fails, once
/// more at once without it, for servers that stumble over it.
///
/// Memory: the frame in the slot and the one on its way, one text, one pong, at most 4 KiB of an answer or of a message,
/// eight control messages, and what [`poll`](Self::poll) was not asked for yet.
#[derive(Debug)]
pub struct Client<F> {
    timing: Timing,
    target: Option<Target>,
    network: bool,
    back_off: BackOff,
    last_id: DialId,
    state: State<F>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum State<F> {
    /// Nothing is wanted, or there is no network.
    Idle,
    Waiting {
        until: Instant,
    },
    Dialling {
        id: DialId,
        deadline: Instant,
        offer: bool,
    },
    Handshaking {
        id: DialId,
        deadline: Instant,
        handshake: Handshake,
    },
    Open(Box<Connection<F>>),
}

impl<F: AsRef<[u8]>> Client<F> {
    /// A client that has nothing to do yet.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            target: None,
            network: false,
            back_off: BackOff::new(timing.reconnect_min, timing.reconnect_max),
            last_id: 0,
            state: State::Idle,
            outputs: VecDeque::new(),
        }
    }

    /// Streams to this server from now on; to none when it is `None` or has no host. A connection to another one ends
    /// in order first. The same target again changes nothing.
    pub fn set_target(&mut self, now: Instant, target: Option<Target>) {
        let target = target.filter(|target| target.host.as_ref().is_some_and(|host| !host.is_empty()));
        if target == self.target {
            return;
        }
        self.target = target;
        self.back_off.reset();
        match &mut self.state {
            State::Open(connection) => connection.leave(now, &mut self.outputs),
            _ => {
                self.hang_up();
                self.begin(now);
            }
        }
    }

    /// Whether there is a network. Without one the connection ends at once; with one again it is dialled at once.
    pub fn set_network(&mut self, now: Instant, up: bool) {
        if up == self.network {
            return;
        }
        self.network = up;
        if up {
            return self.begin(now);
        }
        self.hang_up();
        let lost = match &mut self.state {
            State::Idle | State::Waiting { .. } => {
                self.state = State::Idle;
                return;
            }
            State::Open(connection) if !connection.is_up() => connection.closed(""),
            _ => Some(Lost::NetworkDown),
        };
        let endpoint = self.give_up(now);
        let attempt = if lost.is_some() { self.back_off.attempts().saturating_add(1) } else { 0 };
        self.tell(Event::Down { lost, endpoint, attempt, retry_in: None });
    }

    /// What happened to the socket of attempt `id`. What comes late from an older attempt is ignored.
    pub fn socket_event(&mut self, now: Instant, id: DialId, event: SocketEvent, random: &mut Random) {
        if self.id() != Some(id) {
            return;
        }
        let lost = match (&mut self.state, event) {
            (&mut State::Dialling { deadline, offer, .. }, SocketEvent::Connected) => {
                let Some((target, host)) = wanted(&self.target) else { return };
                let handshake = Handshake::new(target, host, offer, random);
                self.state = State::Handshaking { id, deadline, handshake };
                return;
            }
            (_, SocketEvent::Connected) => return,
            (State::Dialling { .. }, SocketEvent::Failed(why) | SocketEvent::Closed(why)) => {
                Some(Lost::Unreachable(one_line(&why)))
            }
            (State::Handshaking { handshake, .. }, SocketEvent::Failed(why) | SocketEvent::Closed(why)) => {
                Some(match handshake.refused() {
                    Some(refused) => refused,
                    None if why.is_empty() => Lost::NotWebSocket("it hung up without an answer"),
                    None => Lost::Broken(one_line(&why)),
                })
            }
            (State::Open(connection), SocketEvent::Failed(why) | SocketEvent::Closed(why)) => {
                connection.closed(&why)
            }
            (State::Idle | State::Waiting { .. }, _) => return,
        };
        self.over(now, lost, random);
    }

    /// What the socket of attempt `id` received.
    pub fn received(&mut self, now: Instant, id: DialId, bytes: &[u8], random: &mut Random) {
        if self.id() != Some(id) {
            return;
        }
        match &mut self.state {
            State::Handshaking { deadline, handshake, .. } => match handshake.received(bytes) {
                Ok(Answer::Incomplete) => {}
                Ok(Answer::Refusing) => *deadline = (*deadline).min(now + self.timing.goodbye),
                Ok(Answer::Accepted { extended, rest }) => {
                    let endpoint = self.endpoint();
                    self.tell(Event::Up { endpoint: endpoint.clone(), extended });
                    self.state =
                        State::Open(Box::new(Connection::new(id, endpoint, extended, now, self.timing)));
                    if !rest.is_empty() {
                        self.received(now, id, rest, random);
                    }
                }
                Err(lost) => self.fail(now, lost, random),
            },
            State::Open(connection) => {
                let step = connection.received(now, bytes, &mut self.outputs);
                self.step(now, step, random);
            }
            _ => {}
        }
    }

    /// Sends a frame next, in place of one that waits for that. It comes back as [`Event::Sent`] or [`Event::Dropped`],
    /// the latter at once when there is no connection.
    pub fn offer(&mut self, _now: Instant, frame: F) {
        let dropped = match &mut self.state {
            State::Open(connection) => connection.offer(frame),
            _ => Some(frame),
        };
        if dropped.is_some() {
            self.tell(Event::Dropped);
        }
    }

    /// Sends a control message next, in place of one that waits for that, at most
    /// [`MAX_CONTROL_BYTES`](lenscast_protocol::control::MAX_CONTROL_BYTES) long. `false`, and it is not sent: none may
    /// be sent over this connection, or there is none.
    pub fn send_text(&mut self, text: String) -> bool {
        match &mut self.state {
            State::Open(connection) => connection.send_text(text),
            _ => false,
        }
    }

    /// Whether a control message waits to be sent, so that another one would take its place.
    #[must_use]
    pub fn has_text(&self) -> bool {
        matches!(&self.state, State::Open(connection) if connection.has_text())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, random: &mut Random) {
        match &mut self.state {
            State::Waiting { until } if now >= *until => self.dial(now, true),
            State::Dialling { deadline, .. } if now >= *deadline => {
                self.fail(now, Lost::ConnectTimeout(self.timing.connect), random);
            }
            State::Handshaking { deadline, handshake, .. } if now >= *deadline => {
                let lost = handshake.refused().unwrap_or(Lost::ConnectTimeout(self.timing.connect));
                self.fail(now, lost, random);
            }
            State::Open(connection) => {
                let step = connection.handle_timeout(now);
                self.step(now, step, random);
            }
            _ => {}
        }
    }

    /// The next thing to do or to know.
    pub fn poll(&mut self, now: Instant, random: &mut Random) -> Option<Output> {
        self.handle_timeout(now, random);
        self.outputs.pop_front()
    }

    /// Copies bytes for the socket of attempt `id` to `out` and returns how many. They must be written, in this order,
    /// before it is called again. 0: nothing now, or `out` is empty.
    pub fn poll_transmit(&mut self, now: Instant, id: DialId, out: &mut [u8], random: &mut Random) -> usize {
        self.handle_timeout(now, random);
        if self.id() != Some(id) {
            return 0;
        }
        match &mut self.state {
            State::Handshaking { handshake, .. } => handshake.transmit(out),
            State::Open(connection) => connection.transmit(now, out, random, &mut self.outputs),
            _ => 0,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, unless something else happens before.
    #[must_use]
    pub fn next_wake(&self) -> Option<Instant> {
        match &self.state {
            State::Idle => None,
            State::Waiting { until: at }
            | State::Dialling { deadline: at, .. }
            | State::Handshaking { deadline: at, .. } => Some(*at),
            State::Open(connection) => Some(connection.next_wake()),
        }
    }

    /// Whether a server accepted this device and the connection is not being closed.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(&self.state, State::Open(connection) if connection.is_up())
    }

    /// Whether, further, control messages may be sent.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        matches!(&self.state, State::Open(connection) if connection.is_up() && connection.extended)
    }

    /// Whether there is no connection and none is being made or closed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Waiting { .. })
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn id(&self) -> Option<DialId> {
        match &self.state {
            State::Idle | State::Waiting { .. } => None,
            State::Dialling { id, .. } | State::Handshaking { id, .. } => Some(*id),
            State::Open(connection) => Some(connection.id),
        }
    }

    fn endpoint(&self) -> String {
        wanted(&self.target).map_or(String::new(), |(target, host)| endpoint(target, host))
    }

    fn hang_up(&mut self) {
        if let Some(id) = self.id() {
            self.outputs.push_back(Output::Socket(SocketAction::Hangup { id }));
        }
    }

    /// Dials, if there is a target and a network.
    fn begin(&mut self, now: Instant) {
        self.state = State::Idle;
        if self.network {
            self.dial(now, true);
        }
    }

    fn dial(&mut self, now: Instant, offer: bool) {
        let Some((target, host)) = wanted(&self.target) else { return };
        self.last_id = self.last_id.wrapping_add(1);
        let id = self.last_id;
        let (host, port) = (host.into(), target.port);
        self.outputs.push_back(Output::Socket(SocketAction::Dial { id, host, port }));
        self.state = State::Dialling { id, deadline: now + self.timing.connect, offer };
    }

    fn step(&mut self, now: Instant, step: Step, random: &mut Random) {
        match step {
            Step::Continue(()) => {}
            Step::Break(Some(lost)) => self.fail(now, lost, random),
            Step::Break(None) => {
                self.hang_up();
                self.over(now, None, random);
            }
        }
    }

    fn fail(&mut self, now: Instant, lost: Lost, random: &mut Random) {
        self.hang_up();
        self.over(now, Some(lost), random);
    }

    /// There is no socket any more: because `lost`, or because that was wished.
    fn over(&mut self, now: Instant, lost: Option<Lost>, random: &mut Random) {
        let offered = matches!(&self.state, State::Handshaking { handshake, .. } if handshake.offered());
        let endpoint = self.give_up(now);
        let (attempt, retry_in) = match &lost {
            None => (0, None),
            Some(_) if offered => (self.back_off.attempts().saturating_add(1), Some(Duration::ZERO)),
            Some(_) => {
                let wait = self.back_off.next(random);
                (self.back_off.attempts(), Some(wait))
            }
        };
        self.tell(Event::Down { lost, endpoint, attempt, retry_in });
        match retry_in {
            None => self.begin(now),
            Some(_) if offered => self.dial(now, false),
            Some(wait) => self.state = State::Waiting { until: now + wait },
        }
    }

    /// Leaves the state with what was to be sent, and tells where the connection led.
    fn give_up(&mut self, now: Instant) -> String {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Open(mut connection) => {
                if now.since(connection.since) >= self.timing.stable {
                    self.back_off.reset();
                }
                connection.discard(&mut self.outputs);
                connection.endpoint
            }
            _ => self.endpoint(),
        }
    }
}

/// The target and its host.
fn wanted(target: &Option<Target>) -> Option<(&Target, &str)> {
    let target = target.as_ref()?;
    Some((target, target.host.as_deref()?))
}
