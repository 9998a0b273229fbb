//! The header that a forwarder puts in front of a connection, to tell whose it is: the PROXY protocol of HAProxy, in its
//! versions 1 (a line of text; nginx `stream`, stunnel) and 2 (binary; HAProxy, Envoy, cloud load balancers).
//!
//! Whoever sends it can say what he likes. So it is to be read from forwarders that the owner trusts, and from nobody
//! else. It comes before everything, TLS too, in one piece, and is bounded: [`MAX_V1`] and [`MAX_V2`] bytes.
//!
//! [`parse`] is pure. [`read`] takes a header from a connection, and not one byte more.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// What version 2 begins with (§2.2). No request of HTTP and no TLS does.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What version 1 begins with (§2.1).
const WORD: &[u8] = b"PROXY ";

/// The longest header of version 1, in bytes, with its line break (§2.1).
pub const MAX_V1: usize = 107;

/// The longest header of version 2 that is taken, in bytes. It may have 65,551; what is seen has less than 500, of which
/// the most tells of the certificate with which the client came to the forwarder.
pub const MAX_V2: usize = 2048;

/// The address of a client of which nobody tells who it is.
pub const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its length, in bytes. What follows is the client's.
    pub len: usize,
    /// The client's address. [`NOBODY`] when the forwarder does not tell: it speaks for itself, or knows none.
    pub client: SocketAddr,
    /// Whether the client speaks TLS with the forwarder; `None` when it does not tell.
    pub tls: Option<bool>,
}

/// The first bytes of a connection, as far as they have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// No header: they are the client's.
    Client,
    /// The beginning of a header, which is not there yet as a whole.
    More,
    /// A header.
    Header(Header),
    /// What begins as a header and is none.
    Broken(Broken),
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The line of version 1 does not end in time, or says what it may not.
    #[error("a line of the PROXY protocol that is none (version 1)")]
    Line,
    /// The version is neither 1 nor 2.
    #[error("an unknown version of the PROXY protocol")]
    Version,
    /// The command or the kind of addresses is unknown, or the addresses are missing.
    #[error("a header of the PROXY protocol that is none (version 2)")]
    Fields,
    /// The header is longer than is taken.
    #[error("a header of the PROXY protocol of more than {MAX_V2} bytes")]
    TooLong,
}

/// Looks whether a connection begins with a header. For example, `PROXY TCP4 203.0.113.5 192.0.2.1 4711 443\r\n` is one
/// of a client at 203.0.113.5.
#[must_use]
pub fn parse(bytes: &[u8]) -> Begin {
    // With nothing to look at, the next byte decides.
    if bytes.is_empty() {
        return Begin::More;
    }
    for (begin, then) in [(WORD, parse_line as fn(&[u8]) -> Begin), (&SIGNATURE, parse_fields)] {
        let known = begin.len().min(bytes.len());
        if bytes[..known] == begin[..known] {
            return if known == begin.len() { then(bytes) } else { Begin::More };
        }
    }
    Begin::Client
}

/// Version 1: `PROXY TCP4 FROM TO PORT PORT\r\n`, `PROXY TCP6 …`, or `PROXY UNKNOWN`, after which anything may stand.
fn parse_line(bytes: &[u8]) -> Begin {
    let bounded = &bytes[..bytes.len().min(MAX_V1)];
    let Some(end) = bounded.windows(2).position(|two| two == b"\r\n") else {
        return if bytes.len() < MAX_V1 { Begin::More } else { Begin::Broken(Broken::Line) };
    };
    let client = str::from_utf8(&bytes[WORD.len()..end]).ok().and_then(line_client);
    match client {
        Some(client) => Begin::Header(Header { len: end + 2, client, tls: None }),
        None => Begin::Broken(Broken::Line),
    }
}

fn line_client(text: &str) -> Option<SocketAddr> {
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Some(NOBODY);
    }
    let words: Vec<&str> = text.split(' ').collect();
    let [family, from, to, from_port, to_port] = words.as_slice() else {
        return None;
    };
    let address = |text: &str| match *family {
        "TCP4" => text.parse().ok().map(IpAddr::V4),
        "TCP6" => text.parse().ok().map(IpAddr::V6),
        _ => None,
    };
    // The grammar has no signs and no zeros in front.
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| port.to_string() == text);
    address(to)?;
    port(to_port)?;
    Some(SocketAddr::new(address(from)?.to_canonical(), port(from_port)?))
}

/// Version 2: signature, version and command, family, length, addresses, and what more there is to tell (§2.2).
fn parse_fields(bytes: &[u8]) -> Begin {
    let Some((head, rest)) = bytes.split_at_checked(16) else {
        return Begin::More;
    };
    let (command, family) = (head[12], head[13]);
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if command >> 4 != 2 {
        return Begin::Broken(Broken::Version);
    }
    let len = head.len() + length;
    if len > MAX_V2 {
        return Begin::Broken(Broken::TooLong);
    }
    let Some(rest) = rest.get(..length) else {
        return Begin::More;
    };
    let told = match (command & 0xF, family) {
        // LOCAL: the forwarder speaks for itself, to see whether we are well.
        (0, _) => Some((NOBODY, rest)),
        (1, 0x11) => addresses::<4>(rest),
        (1, 0x21) => addresses::<16>(rest),
        // UNSPEC and Unix sockets: there is somebody, who has no address.
        (1, 0x00) => Some((NOBODY, rest)),
        (1, 0x31) => rest.get(216..).map(|rest| (NOBODY, rest)),
        // Datagrams are no connections.
        _ => None,
    };
    match told {
        Some((client, more)) => Begin::Header(Header { len, client, tls: tls(more) }),
        None => Begin::Broken(Broken::Fields),
    }
}

/// The client's address of two addresses of `N` bytes each, which their ports follow; and what comes after them.
fn addresses<const N: usize>(bytes: &[u8]) -> Option<(SocketAddr, &[u8])>
where
    IpAddr: From<[u8; N]>,
{
    let (from, rest) = bytes.split_first_chunk::<N>()?;
    let (_to, rest) = rest.split_first_chunk::<N>()?;
    let (ports, rest) = rest.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([ports[0], ports[1]]);
    Some((SocketAddr::new(IpAddr::from(*from).to_canonical(), port), rest))
}

/// Whether the client speaks TLS with the forwarder, of the values with type and length that follow the addresses
/// (§2.2.6). What is no such value ends the list: nothing depends on it.
fn tls(mut values: &[u8]) -> Option<bool> {
    const SSL: u8 = 0x20;
    while let Some((&[kind, high, low], rest)) = values.split_first_chunk::<3>() {
        let (value, next) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        if kind == SSL {
            return value.first().map(|client| client & 1 == 1);
        }
        values = next;
    }
    None
}

/// Why no header was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The header is no good.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How long it is waited before a header is looked at again that came in parts, at first and at most. A socket tells
/// that there is something, and not that there is more than before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Waits for the first bytes of a connection, and takes the header away if they begin with one; `None` when there is
/// none. Nothing of what follows is taken. The caller bounds the time.
///
/// # Errors
/// [`ReadError`]; the connection is of no use then.
pub async fn read(socket: &mut TcpStream) -> Result<Option<Header>, ReadError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match look(socket).await? {
            Begin::Client => return Ok(None),
            Begin::Broken(broken) => return Err(broken.into()),
            Begin::Header(header) => {
                let mut taken = [0; MAX_V2];
                socket.read_exact(&mut taken[..header.len]).await?;
                return Ok(Some(header));
            }
            Begin::More => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Waits for the first bytes of a connection, and looks at them without taking any.
///
/// # Errors
/// What the system says.
pub async fn look(socket: &TcpStream) -> io::Result<Begin> {
    let mut seen = [0; MAX_V2];
    let count = socket.peek(&mut seen).await?;
    // The end of the connection is for whoever reads it.
    Ok(if count == 0 { Begin::Client } else { parse(&seen[..count]) })
}

#[cfg(test)]
mod tests;
