//! Connections from an address of one's choice, and what is said over them: HTTP, WebSocket, and less than that.

use crate::Result;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long anybody here waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The longest head of an answer that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Opcodes of RFC 6455 §5.2, with the FIN bit.
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const CLOSE: u8 = 0x88;
/// The beginning of a message that goes on.
pub(crate) const BINARY_GOES_ON: u8 = 0x02;
/// A part of a message that still goes on.
pub(crate) const GOES_ON: u8 = 0x00;

/// Connects from an address.
///
/// # Errors
/// The server does not take the connection within [`PATIENCE`].
pub(crate) async fn connect(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    connect_with(from, to, |_| Ok(())).await
}

/// The same, with a socket that is prepared first.
pub(crate) async fn connect_with(
    from: IpAddr,
    to: SocketAddr,
    prepare: impl FnOnce(&TcpSocket) -> io::Result<()>,
) -> io::Result<TcpStream> {
    let socket = if from.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    prepare(&socket)?;
    socket.bind((from, 0).into())?;
    let stream = timeout(PATIENCE, socket.connect(to)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The head of a request, without the empty line that ends it.
pub(crate) fn head(method: &str, to: SocketAddr, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\n")
}

/// A whole request with a JSON body.
pub(crate) fn post(to: SocketAddr, path: &str, json: &str) -> String {
    let length = json.len();
    let head = head("POST", to, path);
    format!(
        "{head}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{json}"
    )
}

/// The header line of HTTP Basic (RFC 7617).
pub(crate) fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    let both = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Authorization: Basic {both}\r\n")
}

/// Asks, and gives the status and the whole answer.
///
/// # Errors
/// There was no answer within [`PATIENCE`].
pub(crate) async fn ask(from: IpAddr, to: SocketAddr, request: &str) -> Result<(u16, String)> {
    let answer = async {
        let mut stream = connect(from, to).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // A server that ends the connection without manners may still have answered.
        let read = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match (status(&answer), read) {
            (Some(status), _) => Ok((status, answer)),
            (None, Err(error)) => Err(error.into()),
            (None, Ok(_)) => Err("no answer".into()),
        }
    };
    timeout(PATIENCE, answer).await.map_err(|_| "no answer in time")?
}

/// Asks for a path, and gives the whole answer when it is a good one.
///
/// # Errors
/// There was no answer within [`PATIENCE`], or another than 200.
pub(crate) async fn get(from: IpAddr, to: SocketAddr, path: &str) -> Result<String> {
    let request = format!("{}Connection: close\r\n\r\n", head("GET", to, path));
    match ask(from, to, &request).await? {
        (200, answer) => Ok(answer),
        (status, _) => Err(format!("{path}: {status}").into()),
    }
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

/// Opens a WebSocket to a path.
///
/// # Errors
/// There was no answer within [`PATIENCE`], or another than 101: it is told.
pub(crate) async fn web_socket(from: IpAddr, to: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut stream = connect(from, to).await?;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(format!("{}{upgrade}", head("GET", to, path)).as_bytes()).await?;
    let mut answer = Vec::new();
    let whole = async {
        // Byte by byte: what follows belongs to the WebSocket.
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < MAX_HEAD {
            answer.push(stream.read_u8().await?);
        }
        Ok::<_, io::Error>(())
    };
    timeout(PATIENCE, whole).await.map_err(|_| "no answer in time")??;
    match status(&String::from_utf8_lossy(&answer)) {
        Some(101) => Ok(stream),
        other => Err(format!("{path}: {other:?}").into()),
    }
}

/// A frame of a client (RFC 6455 §5.2), masked with zeros, so that its payload is what it is.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// What a server says over a WebSocket.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A ping, with what is to be sent back.
    Ping(Vec<u8>),
    /// A frame of data, whose payload was thrown away: whether it is binary.
    Data { binary: bool },
}

/// Reads the next frame of a server.
///
/// # Errors
/// The connection ended, in order or not.
pub(crate) async fn next(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Heard> {
    loop {
        let opcode = from.read_u8().await?;
        let length = match from.read_u8().await? & 0x7f {
            126 => u64::from(from.read_u16().await?),
            127 => from.read_u64().await?,
            short => u64::from(short),
        };
        if opcode == PING {
            let mut payload = vec![0; length as usize];
            from.read_exact(&mut payload).await?;
            return Ok(Heard::Ping(payload));
        }
        tokio::io::copy(&mut (&mut *from).take(length), &mut tokio::io::sink()).await?;
        match opcode {
            CLOSE => return Err(io::ErrorKind::ConnectionAborted.into()),
            PONG => {}
            _ => return Ok(Heard::Data { binary: opcode == BINARY }),
        }
    }
}

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_form_of_the_standard() {
        assert_eq!(frame(BINARY, b"ab"), [0x82, 0x82, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(frame(BINARY, &[7; 300])[..4], [0x82, 0xfe, 1, 44]);
        assert_eq!(frame(BINARY, &[7; 70_000])[..10], [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        assert_eq!(status("HTTP/1.1 429 Too Many Requests\r\n"), Some(429));
        assert_eq!(status("HTTP/1.0 200 OK\r\n"), Some(200));
        assert_eq!((status(""), status("HTTP/1.1"), status("SSH-2.0")), (None, None, None));
    }
}
