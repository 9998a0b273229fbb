//! Brings frames from the mailbox to the server, and a lost connection back.

use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::mailbox::Mailbox;
use crate::server::Server;
use crate::{Stats, Timing};

type WebSocket = WebSocketStream<TcpStream>;

/// How long the two closing handshakes may take: the one we begin and the one the server begins.
const CLOSING: Duration = Duration::from_secs(1);

/// Connects and sends, over and over, until `stopped` is true; then says good-bye.
pub(crate) async fn run(
    server: &Server,
    timing: &Timing,
    mailbox: &Mailbox,
    stats: &Stats,
    mut stopped: watch::Receiver<bool>,
) {
    let mut back_off = BackOff::new(timing);
    loop {
        let connecting = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return,
            connecting = connect(server, timing) => connecting,
        };
        let cause = match connecting {
            Err(cause) => cause,
            Ok(socket) => {
                tracing::info!("connected to {server}");
                let connected = Instant::now();
                let cause = Connection::new(socket, timing, mailbox, stats).run(&mut stopped).await;
                let Some(cause) = cause else {
                    tracing::info!("left {server}");
                    return;
                };
                // Not at once: a server that accepts and drops is to be spared like one that refuses.
                if connected.elapsed() >= timing.reconnect_max {
                    back_off = BackOff::new(timing);
                }
                cause
            }
        };
        let delay = back_off.next(random());
        tracing::warn!("{cause}; trying {server} again in {:.1} s", delay.as_secs_f32());
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = sleep(delay) => {}
        }
    }
}

/// Why there is no connection (any more).
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("cannot reach the server: {0}")]
    Unreachable(io::Error),
    #[error("the server did not answer within {:.1} s", .0.as_secs_f32())]
    ConnectTimeout(Duration),
    #[error("the server refused the camera: HTTP {status}{}{body}", if body.is_empty() { "" } else { ": " })]
    Refused { status: tungstenite::http::StatusCode, body: String },
    #[error("the server closed the connection{0}")]
    Closed(String),
    #[error("the connection broke without a good-bye")]
    Broken,
    #[error("nothing was heard from the server for {:.1} s", .0.as_secs_f32())]
    Silent(Duration),
    #[error("the connection failed: {0}")]
    Failed(tungstenite::Error),
}

impl From<tungstenite::Error> for Lost {
    fn from(error: tungstenite::Error) -> Lost {
        match error {
            tungstenite::Error::Http(response) => refused(&response),
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Lost::Broken,
            error => Lost::Failed(error),
        }
    }
}

fn refused(response: &tungstenite::http::Response<Option<Vec<u8>>>) -> Lost {
    const LONGEST: usize = 200;
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    // One line, without what would confuse a terminal.
    let sentence = body.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    Lost::Refused { status: response.status(), body: sentence }
}

async fn connect(server: &Server, timing: &Timing) -> Result<WebSocket, Lost> {
    let connecting = async {
        let socket =
            TcpStream::connect((server.host.as_str(), server.port)).await.map_err(Lost::Unreachable)?;
        configure(&socket).map_err(Lost::Unreachable)?;
        let request = server.url().into_client_request()?;
        let (socket, _): (_, Response) = client_async(request, socket).await?;
        Ok(socket)
    };
    timeout(timing.connect, connecting).await.unwrap_or(Err(Lost::ConnectTimeout(timing.connect)))
}

fn configure(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    // What the kernel holds back grows old: with its usual 4 MB, a server that stopped reading later gets 128 old VGA
    // frames first; with these limits, 7. Where a system refuses, frames are older, but they flow.
    let socket = socket2::SockRef::from(socket);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(16 * 1024);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket.set_send_buffer_size(128 * 1024);
    Ok(())
}

/// What was handed to the socket but is not written yet.
enum InFlight {
    /// So many bytes of JPEG.
    Frame(usize),
    Ping,
}

/// What the socket did.
enum Event {
    Received(Option<Result<Message, tungstenite::Error>>),
    Flushed(Result<(), tungstenite::Error>),
}

/// One connection: the server has accepted it.
struct Connection<'a> {
    socket: WebSocket,
    timing: &'a Timing,
    mailbox: &'a Mailbox,
    stats: &'a Stats,
    in_flight: Option<InFlight>,
    heard: Instant,
    pinged: bool,
}

impl<'a> Connection<'a> {
    fn new(socket: WebSocket, timing: &'a Timing, mailbox: &'a Mailbox, stats: &'a Stats) -> Connection<'a> {
        stats.connections.fetch_add(1, Relaxed);
        stats.connected.store(true, Relaxed);
        let heard = Instant::now();
        Connection { socket, timing, mailbox, stats, in_flight: None, heard, pinged: false }
    }

    /// Sends until the connection is lost, and returns why, or until `stopped`: `None`.
    async fn run(mut self, stopped: &mut watch::Receiver<bool>) -> Option<Lost> {
        let sending = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => None,
            lost = self.send() => Some(lost),
        };
        if sending.is_none() {
            self.say_good_bye().await;
        }
        sending
    }

    async fn send(&mut self) -> Lost {
        loop {
            // While a frame is stuck on its way, a ping could not overtake it.
            let patience = if self.pinged || self.in_flight.is_some() {
                self.timing.give_up_after
            } else {
                self.timing.ping_after.min(self.timing.give_up_after)
            };
            let step = tokio::select! {
                event = turn(&mut self.socket, self.in_flight.is_some()) => match event {
                    Event::Received(message) => self.received(message).await,
                    Event::Flushed(result) => self.flushed(result),
                },
                frame = self.mailbox.take(), if self.in_flight.is_none() => {
                    let bytes = frame.len();
                    self.start(Message::Binary(frame), InFlight::Frame(bytes))
                }
                () = sleep_until(self.heard + patience) => self.silence(),
            };
            if let Err(lost) = step {
                return lost;
            }
        }
    }

    fn start(&mut self, message: Message, what: InFlight) -> Result<(), Lost> {
        self.in_flight = Some(what);
        Ok(self.socket.start_send_unpin(message)?)
    }

    fn flushed(&mut self, result: Result<(), tungstenite::Error>) -> Result<(), Lost> {
        result?;
        if let Some(InFlight::Frame(bytes)) = self.in_flight.take() {
            self.stats.sent.fetch_add(1, Relaxed);
            self.stats.bytes.fetch_add(bytes as u64, Relaxed);
        }
        Ok(())
    }

    fn silence(&mut self) -> Result<(), Lost> {
        if self.heard.elapsed() >= self.timing.give_up_after {
            return Err(Lost::Silent(self.timing.give_up_after));
        }
        self.pinged = true;
        self.start(Message::Ping(Bytes::new()), InFlight::Ping)
    }

    /// Pings are answered by the WebSocket crate; text is not for a device that offered no subprotocol.
    async fn received(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), Lost> {
        let message = message.unwrap_or(Err(tungstenite::Error::ConnectionClosed))?;
        self.heard = Instant::now();
        self.pinged = false;
        let Message::Close(frame) = message else { return Ok(()) };
        // The crate has queued the answer: polling on sends it, and ends when the server has hung up.
        let _ = timeout(CLOSING, async { while let Some(Ok(_)) = self.socket.next().await {} }).await;
        Err(Lost::Closed(frame.map_or(String::new(), |frame| {
            let reason: String = frame.reason.chars().filter(|c| !c.is_control()).collect();
            format!(" (code {}{}{reason})", u16::from(frame.code), if reason.is_empty() { "" } else { ": " })
        })))
    }

    /// Close code 1000, and the server's answer to it if it comes soon.
    async fn say_good_bye(&mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: Default::default() };
        let _ = timeout(CLOSING, async {
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        })
        .await;
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.stats.connected.store(false, Relaxed);
        if let Some(InFlight::Frame(_)) = self.in_flight {
            self.stats.dropped.fetch_add(1, Relaxed);
        }
    }
}

/// Waits until the socket received something, or has written all that it was given. Cancelling this loses nothing, and
/// neither direction waits for the other.
async fn turn(socket: &mut WebSocket, flush: bool) -> Event {
    poll_fn(|context| {
        if let Poll::Ready(message) = socket.poll_next_unpin(context) {
            return Poll::Ready(Event::Received(message));
        }
        if flush {
            return socket.poll_flush_unpin(context).map(Event::Flushed);
        }
        Poll::Pending
    })
    .await
}

/// How long to wait before the next attempt: a random time between the shortest wait and a ceiling that doubles up to
/// the longest. Random, so that many devices do not come back at the same moment after a server's restart.
#[derive(Debug)]
struct BackOff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
}

impl BackOff {
    fn new(timing: &Timing) -> BackOff {
        let (min, max) = (timing.reconnect_min, timing.reconnect_max.max(timing.reconnect_min));
        BackOff { min, max, ceiling: min }
    }

    fn next(&mut self, random: u32) -> Duration {
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        self.min + (self.ceiling - self.min).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// The standard library seeds every one of these anew: good enough to spread devices, without a crate for it.
fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_half_a_second_to_ten_and_is_never_the_same_for_all() {
        let mut longest = BackOff::new(&Timing::default());
        let ceilings = [1.0, 2.0, 4.0, 8.0, 10.0, 10.0];
        assert_eq!(ceilings.map(|_| longest.next(u32::MAX).as_secs_f64()), ceilings);

        let mut shortest = BackOff::new(&Timing::default());
        assert_eq!(ceilings.map(|_| shortest.next(0).as_secs_f64()), [0.5; 6]);
    }

    #[test]
    fn a_refusal_is_told_in_one_line() {
        let response = tungstenite::http::Response::builder()
            .status(409)
            .body(Some(b"The name \"door\" is taken.\r\nTry another.\n".to_vec()))
            .expect("a good response");
        assert_eq!(
            refused(&response).to_string(),
            "the server refused the camera: HTTP 409 Conflict: The name \"door\" is taken.  Try another."
        );
    }
}
