//! Connections that come and go: opening one with bounded patience, and the ways to leave.

use super::random::Random;
use crate::Result;
use crate::bench::server::Socket;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

/// No read and no write of a client waits longer.
const PATIENCE: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_secs(2);

/// What happened, for the summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) camera_connections: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) bad_messages: AtomicU64,
    pub(super) viewers: AtomicU64,
    pub(super) requests: AtomicU64,
    /// Connections that the server did not take.
    pub(super) refused: AtomicU64,
}

/// Opens a plain connection.
pub(super) fn tcp(server: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Opens a WebSocket.
pub(super) fn websocket(server: SocketAddr, path: &str) -> Result<Socket> {
    Ok(tungstenite::client(format!("ws://{server}{path}"), tcp(server)?)?.0)
}

/// Leaves with a close frame, without one, or with a reset.
pub(super) fn leave(mut socket: Socket, random: &mut Random) {
    match random.below(3) {
        0 => {
            // The server may have closed it before.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a server that is gone is noticed by what follows"
            )]
            let _ = socket.close(None);
            read_to_end(socket.get_mut());
        }
        1 => reset(socket.get_ref()),
        _ => {}
    }
}

/// Lets the kernel say at the end that nothing that is under way matters (RST instead of FIN).
pub(super) fn reset(stream: &TcpStream) {
    // Without it the connection ends in the ordinary way.
    #[expect(clippy::let_underscore_must_use, reason = "a server that is gone is noticed by what follows")]
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Reads until the server has closed its side; bounded.
pub(super) fn read_to_end(stream: &mut TcpStream) {
    #[expect(clippy::let_underscore_must_use, reason = "a server that is gone is noticed by what follows")]
    let _ = stream.set_read_timeout(Some(GOODBYE));
    let start = Instant::now();
    let mut buffer = [0; 16 * 1024];
    while start.elapsed() < GOODBYE && stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
