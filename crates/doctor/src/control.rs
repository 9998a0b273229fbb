//! What a running server told by its control socket. Who asks it is the caller of this crate.

use serde_json::Value;

/// What became of asking the server, by its control socket.
#[derive(Debug)]
pub enum Control {
    /// There is no socket.
    Nothing,
    /// There is one, and nobody listens.
    Left,
    /// There is one, for others.
    Forbidden,
    /// Somebody listens and does not answer, and why.
    Silent(String),
    /// It answers.
    Answers(Box<Answers>),
}

/// What the server answers.
#[derive(Debug)]
pub struct Answers {
    /// `GET /status`.
    pub status: Value,
    /// `GET /api/server`; null from a server that does not know it.
    pub server: Value,
}
