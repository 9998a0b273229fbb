//! The one TCP socket of a device, behind the link of its world.

use std::future::{Future, pending};
use std::io;
use std::pin::Pin;

use lenscast_device::stream::{DialId, SocketEvent};
use lenscast_device::time::Instant;
use tokio::net::TcpStream;

use crate::world::{Link, World};

/// A segment without data has about so many bytes.
const BARE_SEGMENT: usize = 60;

type Dialing = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// What the device is to be told.
#[derive(Debug)]
pub(crate) enum News {
    Event(DialId, SocketEvent),
    Received(DialId, Vec<u8>),
}

/// Nothing, an attempt, or a connection.
pub(crate) struct Socket {
    world: World,
    /// Attempts so far.
    dials: u64,
    state: State,
}

enum State {
    Closed,
    Dialing {
        id: DialId,
        dialing: Dialing,
    },
    /// The attempt is over; the device hears of it at this time.
    Dialed {
        id: DialId,
        at: Instant,
        result: Option<io::Result<TcpStream>>,
    },
    Open(Box<Connection>),
}

struct Connection {
    id: DialId,
    stream: TcpStream,
    up: Link,
    down: Link,
    /// Has passed the link; the system has not taken it yet.
    arrived: Vec<u8>,
    /// No more comes from the server: why, in words.
    end: Option<String>,
    /// The server takes nothing any more: why, in words.
    broken: Option<String>,
}

impl Socket {
    pub(crate) fn new(world: World) -> Self {
        Self { world, dials: 0, state: State::Closed }
    }

    /// Begins attempt `id`; one before it is dropped.
    pub(crate) fn dial(&mut self, id: DialId, host: String, port: u16) {
        self.dials += 1;
        self.state = State::Dialing { id, dialing: Box::pin(connect(host, port)) };
    }

    /// The network refuses attempt `id`.
    pub(crate) fn refuse(&mut self, now: Instant, id: DialId, why: &'static str) {
        self.state = State::Dialed { id, at: now, result: Some(Err(io::Error::other(why))) };
    }

    /// Drops attempt or connection `id`. What has passed the link goes out as far as the system takes it at once.
    pub(crate) fn hang_up(&mut self, now: Instant, id: DialId) {
        if self.id() == Some(id) {
            if let State::Open(connection) = &mut self.state {
                connection.write(now);
            }
            self.state = State::Closed;
        }
    }

    /// The connection, and how many bytes it takes now.
    pub(crate) fn room(&self) -> Option<(DialId, usize)> {
        match &self.state {
            State::Open(connection) => {
                Some((connection.id, connection.up.room().saturating_sub(connection.arrived.len())))
            }
            _ => None,
        }
    }

    /// Takes bytes for which there is [`room`](Self::room).
    pub(crate) fn send(&mut self, now: Instant, bytes: &[u8]) {
        if let State::Open(connection) = &mut self.state {
            let taken = connection.up.send(now, bytes);
            debug_assert_eq!(taken, bytes.len(), "more was sent than there is room for");
            connection.write(now);
        }
    }

    /// What has come to be told. To be called while the network is up.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<News> {
        match &mut self.state {
            State::Dialed { id, at, result } if *at <= now => {
                let id = *id;
                let result = result.take().expect("it is taken once: the state changes with it");
                Some(News::Event(id, self.opened(id, result)))
            }
            State::Open(connection) => {
                connection.write(now);
                if let Some(bytes) = connection.down.receive(now) {
                    return Some(News::Received(connection.id, bytes));
                }
                let end = connection.end.take_if(|_| connection.down.next_arrival().is_none())?;
                let (id, broken) = (connection.id, connection.broken.take());
                self.state = State::Closed;
                Some(News::Event(id, SocketEvent::Closed(broken.unwrap_or(end))))
            }
            _ => None,
        }
    }

    /// When [`poll`](Self::poll) has something next, unless [`turn`](Self::turn) is ready before.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        match &self.state {
            State::Dialed { at, .. } => Some(*at),
            State::Open(open) => open.up.next_arrival().into_iter().chain(open.down.next_arrival()).min(),
            _ => None,
        }
    }

    /// Waits until the system did something that [`poll`](Self::poll) can go on from. Cancelling this loses nothing.
    pub(crate) async fn turn(&mut self, now: impl Fn() -> Instant) {
        match &mut self.state {
            State::Dialing { id, dialing } => {
                let result = dialing.await;
                // The answer comes after a round trip.
                let mut link = Link::new(&self.world, self.dials);
                let there = link.arrival(now(), BARE_SEGMENT);
                let at = link.arrival(there, BARE_SEGMENT);
                self.state = State::Dialed { id: *id, at, result: Some(result) };
            }
            State::Open(connection) => connection.turn(now).await,
            State::Closed | State::Dialed { .. } => pending().await,
        }
    }

    fn id(&self) -> Option<DialId> {
        match &self.state {
            State::Closed => None,
            State::Dialing { id, .. } | State::Dialed { id, .. } => Some(*id),
            State::Open(connection) => Some(connection.id),
        }
    }

    fn opened(&mut self, id: DialId, result: io::Result<TcpStream>) -> SocketEvent {
        match result {
            Ok(stream) => {
                let link = |direction| Link::new(&self.world, 2 * self.dials + direction);
                self.state = State::Open(Box::new(Connection {
                    id,
                    stream,
                    up: link(0),
                    down: link(1),
                    arrived: Vec::new(),
                    end: None,
                    broken: None,
                }));
                SocketEvent::Connected
            }
            Err(error) => {
                self.state = State::Closed;
                SocketEvent::Failed(words(&error))
            }
        }
    }
}

impl Connection {
    /// Writes what has passed the link, as far as the system takes it.
    fn write(&mut self, now: Instant) {
        loop {
            if self.arrived.is_empty() {
                match self.up.receive(now) {
                    Some(segment) => self.arrived = segment,
                    None => return,
                }
            }
            if self.broken.is_some() {
                self.arrived.clear();
                continue;
            }
            match self.stream.try_write(&self.arrived) {
                Ok(length) => drop(self.arrived.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What the server sent before is still to be read, and tells more.
                Err(error) => self.broken = Some(words(&error)),
            }
        }
    }

    fn read(&mut self, now: Instant) {
        let mut buffer = [0; 4096];
        let room = self.down.room().min(buffer.len());
        match self.stream.try_read(&mut buffer[..room]) {
            Ok(0) => self.end = Some(String::new()),
            Ok(length) => {
                let taken = self.down.send(now, &buffer[..length]);
                debug_assert_eq!(taken, length, "more was read than there is room for");
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.end = Some(words(&error)),
        }
    }

    async fn turn(&mut self, now: impl Fn() -> Instant) {
        let reads = self.end.is_none() && self.down.room() > 0;
        let writes = !self.arrived.is_empty();
        let stream = &self.stream;
        tokio::select! {
            ready = stream.readable(), if reads => match ready {
                Ok(()) => self.read(now()),
                Err(error) => self.end = Some(words(&error)),
            },
            ready = stream.writable(), if writes => match ready {
                Ok(()) => self.write(now()),
                Err(error) => self.broken = Some(words(&error)),
            },
            () = pending() => {}
        }
    }
}

async fn connect(host: String, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    // What the kernel holds back grows old: with its usual 4 MB, a server that stopped reading later gets 128 old VGA
    // frames first; with these limits, 7.
    let socket = socket2::SockRef::from(&stream);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[expect(
        clippy::let_underscore_must_use,
        reason = "where a system refuses, frames are older, but they flow"
    )]
    let _ = socket.set_tcp_notsent_lowat(16 * 1024);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[expect(
        clippy::let_underscore_must_use,
        reason = "where a system refuses, frames are older, but they flow"
    )]
    let _ = socket.set_send_buffer_size(128 * 1024);
    Ok(stream)
}

/// What the system said, without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}
