//! The least that sending to many viewers can cost: one thread, a loop, a `write` a socket and message.
//!
//! It answers the upgrade so that the same viewers can watch it, and knows nothing else of WebSocket: the heads of the
//! frames are part of the bytes.

use super::recording::Recording;
use crate::Result;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// As in the server.
const SEND_BUFFER: usize = 128 * 1024;
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

struct Viewer {
    socket: TcpStream,
    /// A message that went out in part only, and how much of it did.
    unfinished: Option<(usize, usize)>,
}

/// Plays the recording to whoever connects, until it is killed.
///
/// # Errors
/// No socket can be opened.
pub(super) fn run(recording: &Recording) -> Result<()> {
    let frames: Vec<Vec<u8>> = recording.messages.iter().map(|(_, payload)| frame(payload)).collect();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("http://{}/", listener.local_addr()?);
    let start = Instant::now();
    let mut viewers: Vec<Viewer> = Vec::new();
    for index in 0.. {
        let (due, place) = recording.at(index);
        thread::sleep((start + due).saturating_duration_since(Instant::now()));
        viewers.retain_mut(|viewer| viewer.write(&frames, place).is_ok());
        while let Ok((socket, _)) = listener.accept() {
            // Who leaves before the answer was no viewer.
            viewers.extend(welcome(socket));
        }
    }
    Ok(())
}

impl Viewer {
    /// Writes what fits of a message; a viewer that still has the one before under way misses this one.
    fn write(&mut self, frames: &[Vec<u8>], place: usize) -> std::io::Result<()> {
        let (place, start) = self.unfinished.take().unwrap_or((place, 0));
        let bytes = &frames[place][start..];
        let written = match self.socket.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if written < bytes.len() && start + written > 0 {
            self.unfinished = Some((place, start + written));
        }
        Ok(())
    }
}

/// Reads the request, which comes in one piece, and answers it.
fn welcome(mut socket: TcpStream) -> std::io::Result<Viewer> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let _ = socket.read(&mut [0; 2048])?;
    socket.write_all(ANSWER)?;
    socket.set_nodelay(true)?;
    socket2::SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER)?;
    socket.set_nonblocking(true)?;
    Ok(Viewer { socket, unfinished: None })
}

/// A whole binary message of a server (RFC 6455 §5.2).
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x82];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => frame.push(short as u8),
        Ok(medium) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_the_length_in_its_shortest_form() {
        assert_eq!(frame(&[7; 125])[..3], [0x82, 125, 7]);
        assert_eq!(frame(&[7; 126])[..5], [0x82, 126, 0, 126, 7]);
        assert_eq!(frame(&[7; 65536])[..11], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0, 7]);
    }
}
