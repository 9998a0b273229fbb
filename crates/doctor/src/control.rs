//! What a running server told by its control socket. Who asks it is the caller of this crate.

use serde_json::Value;

/// The outcome of asking a server by its control socket.
#[derive(Debug)]
pub enum Control {
    /// There is no socket, so no server runs.
    Nothing,
    /// There is a socket's file, and nobody listens: a server left it behind.
    Left,
    /// There is a socket, and this user may not open it.
    Forbidden,
    /// Somebody listens, and does not answer as a server should. Inside is why.
    Silent(String),
    /// The server answered.
    Answers(Box<Answers>),
}

/// The answers of a server, as JSON.
#[derive(Debug)]
pub struct Answers {
    /// The answer to `GET /status`.
    pub status: Value,
    /// The answer to `GET /api/server`; null from an older server that does not know this path.
    pub server: Value,
}
