//! What the server says of itself: `GET /status`.

use crate::Result;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What is asked of one camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Good frames that came in.
    pub(crate) frames_in: u64,
    /// Of them, those that were not encoded.
    pub(crate) dropped: u64,
    /// Frames that viewers skipped, all together.
    pub(crate) skipped: u64,
}

/// The answer to a plain GET, without its head.
///
/// # Errors
/// No connection, or no answer within 5 s.
pub(crate) fn get(server: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut socket = TcpStream::connect(server)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("the answer has no head")?;
    Ok(answer.split_off(end + 4))
}

/// The whole status.
///
/// # Errors
/// As [`get`], or it is no JSON.
pub(crate) fn status(server: SocketAddr) -> Result<Value> {
    Ok(serde_json::from_slice(&get(server, "/status")?)?)
}

/// What is counted of the camera `name`; zeros when there is none.
///
/// # Errors
/// As [`status`].
pub(crate) fn counts(server: SocketAddr, name: &str) -> Result<Counts> {
    let status = status(server)?;
    let cameras = status["cameras"].as_array().ok_or("the status names no cameras")?;
    let camera = cameras.iter().find(|camera| camera["name"] == name).cloned().unwrap_or_default();
    let count = |key: &str| camera[key].as_u64().unwrap_or(0);
    Ok(Counts { frames_in: count("frames_in"), dropped: count("dropped"), skipped: count("skipped") })
}
