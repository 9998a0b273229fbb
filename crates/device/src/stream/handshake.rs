//! The opening handshake (RFC 6455 §4.1): the request that is sent, and the answer.

use super::Lost;
use super::lost::one_line;
use crate::backoff::Random;
use crate::settings::Target;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt::Write as _;
use lenscast_protocol::control::SUBPROTOCOL;
use lenscast_protocol::{CAMERA_PATH, ws};

/// Longest head of an answer, in bytes.
const MAX_HEAD: usize = 4096;
/// Most headers of an answer.
const MAX_HEADERS: usize = 64;
/// What is kept of the body of a refusal, in bytes: enough for one line.
const MAX_BODY: usize = 1024;

/// A handshake that is under way.
#[derive(Debug)]
pub(super) struct Handshake {
    request: Vec<u8>,
    handed_over: usize,
    /// What the server must answer to our key.
    accept: String,
    /// Whether the subprotocol is offered.
    offered: bool,
    head: Vec<u8>,
    refusal: Option<Refusal>,
}

/// The server says no, and may be telling why.
#[derive(Debug)]
struct Refusal {
    status: u16,
    /// The standard's words for the status, for a server that does not say more.
    phrase: String,
    body: Vec<u8>,
    /// Bytes of the body, if known.
    length: Option<usize>,
}

/// How far the answer has come.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    /// Not far enough.
    Incomplete,
    /// The server refuses, and its reason is on the way.
    Refusing,
    /// The connection is open.
    Accepted {
        /// Whether the subprotocol was agreed on.
        extended: bool,
        /// What came behind the answer.
        rest: &'a [u8],
    },
}

impl Handshake {
    pub(super) fn new(target: &Target, host: &str, offered: bool, random: &mut Random) -> Self {
        let key = STANDARD.encode(random.bytes::<16>());
        let accept = ws::accept_key(&key);
        let request = request(target, host, &key, offered).into_bytes();
        Self { request, handed_over: 0, accept, offered, head: Vec::new(), refusal: None }
    }

    pub(super) fn offered(&self) -> bool {
        self.offered
    }

    /// Copies as much of the request as fits and returns how many bytes that is.
    pub(super) fn transmit(&mut self, out: &mut [u8]) -> usize {
        let rest = &self.request[self.handed_over..];
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.handed_over += len;
        len
    }

    /// Takes what the server answers.
    ///
    /// # Errors
    /// The handshake failed.
    pub(super) fn received<'a>(&mut self, bytes: &'a [u8]) -> Result<Answer<'a>, Lost> {
        if let Some(refusal) = &mut self.refusal {
            return refusal.received(bytes);
        }
        let known = self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(MAX_HEAD - known)]);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let head = match response.parse(&self.head) {
            Ok(httparse::Status::Complete(head)) => head,
            Ok(httparse::Status::Partial) if self.head.len() < MAX_HEAD => return Ok(Answer::Incomplete),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Lost::NotWebSocket("its answer is too long"));
            }
            Err(_) => return Err(Lost::NotWebSocket("its answer is no HTTP")),
        };
        // Without these bytes the head was incomplete, so its last byte is one of them.
        let rest = &bytes[head - known..];
        if response.code != Some(101) {
            return self.refusal.insert(Refusal::new(&response)).received(rest);
        }
        if self.handed_over < self.request.len() {
            return Err(Lost::NotWebSocket("it answered before it was asked"));
        }
        let extended = check(&response, &self.accept, self.offered)?;
        Ok(Answer::Accepted { extended, rest })
    }

    /// The refusal that was on its way when the connection ended or the time was over.
    pub(super) fn refused(&self) -> Option<Lost> {
        self.refusal.as_ref().map(Refusal::lost)
    }
}

impl Refusal {
    fn new(response: &httparse::Response<'_, '_>) -> Self {
        let length = match header(response, "Transfer-Encoding").next() {
            // In pieces, with their sizes between: not worth reading for one sentence.
            Some(_) => Some(0),
            None => header(response, "Content-Length").next().and_then(|length| length.parse().ok()),
        };
        let phrase = one_line(response.reason.unwrap_or_default());
        Self { status: response.code.unwrap_or_default(), phrase, body: Vec::new(), length }
    }

    /// Takes a part of the body, until there is a line of it.
    fn received(&mut self, bytes: &[u8]) -> Result<Answer<'static>, Lost> {
        let wanted = self.length.unwrap_or(MAX_BODY).min(MAX_BODY);
        self.body.extend_from_slice(&bytes[..bytes.len().min(wanted - self.body.len())]);
        let enough = self.body.len() == wanted || self.body.trim_ascii_start().contains(&b'\n');
        if enough { Err(self.lost()) } else { Ok(Answer::Refusing) }
    }

    fn lost(&self) -> Lost {
        let said = one_line(&String::from_utf8_lossy(&self.body));
        Lost::Refused {
            status: self.status,
            sentence: if said.is_empty() { self.phrase.clone() } else { said },
        }
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    let bare = host.contains(':') && !host.starts_with('[');
    if bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Where a target is, for people: without the query, which may hold a token.
pub(super) fn endpoint(target: &Target, host: &str) -> String {
    let path = target.path.as_deref().unwrap_or(CAMERA_PATH);
    let path = path.split('?').next().unwrap_or_default();
    format!("{}{path}", authority(host, target.port))
}

/// Settings come from people and from flash: what would end a header early is left out, or escaped in the path.
fn request(target: &Target, host: &str, key: &str, offered: bool) -> String {
    let mut request = String::from("GET ");
    for byte in target.path.as_deref().unwrap_or(CAMERA_PATH).bytes() {
        let escaped = if byte.is_ascii_graphic() {
            request.push(char::from(byte));
            Ok(())
        } else {
            write!(request, "%{byte:02X}")
        };
        escaped.expect("a string takes everything");
    }
    request.push_str(" HTTP/1.1\r\n");
    let mut header = |name: &str, value: &str| {
        request.extend([name, ": "]);
        request.extend(value.chars().filter(|c| c.is_ascii_graphic() || *c == ' '));
        request.push_str("\r\n");
    };
    header("Host", &authority(host, target.port));
    header("Upgrade", "websocket");
    header("Connection", "Upgrade");
    header("Sec-WebSocket-Key", key);
    header("Sec-WebSocket-Version", "13");
    if offered {
        header("Sec-WebSocket-Protocol", SUBPROTOCOL);
    }
    if let Some(key) = &target.key {
        header("Authorization", &format!("Bearer {key}"));
    }
    request.push_str("\r\n");
    request
}

/// Checks an answer with status 101 (RFC 6455 §4.1, "the client MUST validate"). Whether the subprotocol was agreed on.
fn check(response: &httparse::Response<'_, '_>, accept: &str, offered: bool) -> Result<bool, Lost> {
    if !header(response, "Upgrade").any(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err(Lost::NotWebSocket("its answer lacks `Upgrade: websocket`"));
    }
    let mut options = header(response, "Connection").flat_map(|value| value.split(','));
    if !options.any(|option| option.trim().eq_ignore_ascii_case("upgrade")) {
        return Err(Lost::NotWebSocket("its answer lacks `Connection: Upgrade`"));
    }
    if !header(response, "Sec-WebSocket-Accept").eq([accept]) {
        return Err(Lost::WrongAccept);
    }
    if header(response, "Sec-WebSocket-Extensions").any(|value| !value.is_empty()) {
        return Err(Lost::NotWebSocket("it wants an extension that was not offered"));
    }
    let mut chosen = header(response, "Sec-WebSocket-Protocol");
    match (chosen.next(), chosen.next()) {
        (None, _) => Ok(false),
        (Some(SUBPROTOCOL), None) if offered => Ok(true),
        _ => Err(Lost::NotWebSocket("it wants a subprotocol that was not offered")),
    }
}

/// The values of all headers of this name, trimmed; one that is no text counts as `?`.
fn header<'a>(response: &'a httparse::Response<'_, '_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = response.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| core::str::from_utf8(header.value).map_or("?", str::trim))
}
