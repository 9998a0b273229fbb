//! WebSocket connections: the upgrade of a request, and reading and writing frames on a tokio stream.
//!
//! The framing itself is `lenscast_protocol::ws`; this is the thin driver around it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use lenscast_gate::Over;
use lenscast_gate::publishing::BytesFull;
use lenscast_protocol::ws::{self, Decoder, Event, Opcode, Role, Violation, close_code};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

/// How long a peer may take to read our close frame and to stop sending. Without it the kernel answers what is still
/// under way with a reset, and the peer never learns why it was closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The code with which a WebSocket is closed whose seat is over.
#[must_use]
pub const fn close_code_of(over: Over) -> u16 {
    match over {
        Over::Shutdown => close_code::GOING_AWAY,
        Over::Revoked => close_code::POLICY,
    }
}

/// A connection's stream after the upgrade.
type Io = TokioIo<Upgraded>;

/// A request that asks for a WebSocket (RFC 6455 §4.2.1).
#[derive(Debug)]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    accept: String,
    /// `Sec-WebSocket-Protocol`, as it came.
    offered: Vec<HeaderValue>,
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let headers = &parts.headers;
        if !has_token(headers, header::CONNECTION, "upgrade")
            || !has_token(headers, header::UPGRADE, "websocket")
        {
            let answer = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
            let sentence = "This path speaks WebSocket; a browser page or a camera connects here.\n";
            return Err((StatusCode::UPGRADE_REQUIRED, answer, sentence).into_response());
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let answer = [(header::SEC_WEBSOCKET_VERSION, "13")];
            return Err(
                (StatusCode::UPGRADE_REQUIRED, answer, "WebSocket version 13 is needed.\n").into_response()
            );
        }
        let bad = |sentence: &'static str| (StatusCode::BAD_REQUEST, sentence).into_response();
        let key = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .and_then(|key| key.to_str().ok())
            .filter(|key| ws::is_valid_key(key))
            .ok_or_else(|| bad("Sec-WebSocket-Key must be 16 bytes in base64.\n"))?;
        let accept = ws::accept_key(key);
        let on_upgrade = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| bad("This connection cannot be upgraded to WebSocket.\n"))?;
        let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().cloned().collect();
        Ok(Self { on_upgrade, accept, offered })
    }
}

impl Upgrade {
    /// Whether the client offers the subprotocol `name` (RFC 6455 §1.9), alone or among others.
    #[must_use]
    pub fn offers(&self, name: &str) -> bool {
        tokens(&self.offered).any(|offered| offered == name)
    }

    /// The answer 101, and a future of the connection that follows it. `protocol` is one that the client offers: any other
    /// ends the handshake on its side.
    pub fn accept(
        self,
        protocol: Option<&'static str>,
    ) -> (Response, impl Future<Output = hyper::Result<Io>> + Send) {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        let accept = HeaderValue::from_str(&self.accept).expect("base64 is a header value");
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        (response, async { self.on_upgrade.await.map(TokioIo::new) })
    }
}

/// Splits a connection. `max_message` bounds a message of the peer, `buffer` a read, both in bytes. With `patience`, a write
/// that has to wait for so long is given up, unless something was read meanwhile.
///
/// Without, it waits until the connection is closed for `stall_timeout`, as every connection is: reads and writes fail with
/// [`io::ErrorKind::TimedOut`] then.
#[must_use]
pub fn open(io: Io, max_message: usize, buffer: usize, patience: Option<Duration>) -> (Reader, Writer) {
    let (read, write) = split(io);
    let heard = Arc::new(Heard { start: Instant::now(), at_ms: AtomicU64::new(0) });
    let reader = Reader {
        read,
        decoder: Decoder::new(Role::Server, max_message),
        buffer: vec![0; buffer].into(),
        start: 0,
        end: 0,
        heard: heard.clone(),
    };
    (reader, Writer { write, heard, patience, mid_frame: false })
}

/// When the peer was heard last.
#[derive(Debug)]
struct Heard {
    start: Instant,
    at_ms: AtomicU64,
}

impl Heard {
    fn now(&self) {
        self.at_ms.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.at_ms.load(Ordering::Relaxed)))
    }
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer broke RFC 6455, or a limit.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The connection ended without a close frame.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// There is no room for what the peer sends.
    #[error(transparent)]
    NoRoom(BytesFull),
}

/// Reads messages.
#[derive(Debug)]
pub struct Reader {
    read: ReadHalf<Io>,
    decoder: Decoder,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    heard: Arc<Heard>,
}

impl Reader {
    /// Waits for the next message. Cancel-safe: what was read stays.
    ///
    /// # Errors
    /// [`ReadError`]; nothing more can be read then.
    pub async fn next(&mut self) -> Result<Event, ReadError> {
        self.next_within(|_| Ok(())).await
    }

    /// Waits for the next message, as [`Reader::next`] does. Whenever something came and the message is not whole, `hold` is told
    /// how many bytes are kept of it; it refuses what is too much.
    ///
    /// # Errors
    /// [`ReadError`]; nothing more can be read then.
    pub async fn next_within(
        &mut self,
        mut hold: impl FnMut(usize) -> Result<(), BytesFull>,
    ) -> Result<Event, ReadError> {
        loop {
            let mut input = &self.buffer[self.start..self.end];
            let event = self.decoder.decode(&mut input)?;
            self.start = self.end - input.len();
            if let Some(event) = event {
                return Ok(event);
            }
            hold(self.decoder.unfinished()).map_err(ReadError::NoRoom)?;
            let count = self.read.read(&mut self.buffer).await?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            self.heard.now();
            (self.start, self.end) = (0, count);
        }
    }
}

/// Writes frames.
#[derive(Debug)]
pub struct Writer {
    write: WriteHalf<Io>,
    heard: Arc<Heard>,
    patience: Option<Duration>,
    /// A frame was begun and not ended: nothing else can be said on this connection.
    mid_frame: bool,
}

impl Writer {
    /// Writes `head` and `body`, which together are whole frames. When the future is dropped half-way, the connection is of no
    /// more use.
    ///
    /// # Errors
    /// The connection broke, or [`io::ErrorKind::TimedOut`]: it took no byte and sent none for too long.
    pub async fn write(&mut self, head: &[u8], body: &[u8]) -> io::Result<()> {
        let mut written = 0;
        let total = head.len() + body.len();
        while written < total {
            let parts = if written < head.len() {
                [IoSlice::new(&head[written..]), IoSlice::new(body)]
            } else {
                [IoSlice::new(&body[written - head.len()..]), IoSlice::new(&[])]
            };
            let write = self.write.write_vectored(&parts);
            let count = match self.patience {
                None => write.await?,
                Some(patience) => match tokio::time::timeout(patience, write).await {
                    Ok(count) => count?,
                    Err(_) if self.heard.silence() < patience => continue,
                    Err(_) => return Err(io::ErrorKind::TimedOut.into()),
                },
            };
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            written += count;
            self.mid_frame = written < total;
        }
        Ok(())
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub async fn frame(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        self.write(ws::frame_head(opcode, payload.len(), None).as_bytes(), payload).await
    }
}

/// Closes a connection so that the peer hears why: sends a close frame, then reads on until the peer closes too, at most
/// for two seconds.
pub async fn close(reader: Reader, mut writer: Writer, code: u16, reason: &str) {
    let Reader { mut read, mut buffer, .. } = reader;
    let goodbye = async {
        if !writer.mid_frame {
            writer.write(&ws::close_frame(code, reason), &[]).await?;
        }
        writer.write.shutdown().await?;
        while read.read(&mut buffer).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever goes wrong here, the connection is over.
    #[expect(clippy::let_underscore_must_use, reason = "a good-bye that is not answered in time is over")]
    let _ = tokio::time::timeout(CLOSE_PATIENCE, goodbye).await;
}

/// Whether a comma-separated header has `token`, in any case.
fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    tokens(headers.get_all(name)).any(|value| value.eq_ignore_ascii_case(token))
}

/// The elements of a comma-separated header, which may come in several lines.
fn tokens<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> impl Iterator<Item = &'a str> {
    values
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
