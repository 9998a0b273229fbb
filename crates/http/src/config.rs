//! What the owner decided about connections and requests.

use std::time::Duration;

/// What the HTTP side of a server is told. A limit that belongs to a connection as a whole is read when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// What the port without TLS serves while there is TLS.
    pub plain: Plain,
    /// The path under which a proxy serves this server, with a slash at both ends.
    pub base_path: String,
    /// Names under which the pages may be opened, besides addresses and names of the home network.
    pub host_names: Vec<String>,
    /// Whether the owner trusts a proxy in front of this server.
    pub behind_proxy: bool,
    /// The largest message of a camera, in bytes.
    pub max_message_bytes: usize,
    /// The largest picture that is accepted, in pixels.
    pub max_pixels: u32,
    /// How many may listen to events at once.
    pub max_listeners: usize,
    /// How many connections may be open at once, of any kind.
    pub max_connections: usize,
    /// How long a client may take to send its request, or to agree on TLS.
    pub handshake_timeout: Duration,
    /// How often an otherwise quiet WebSocket is pinged.
    pub ping_interval: Duration,
    /// A camera that was not heard for this long is taken for gone.
    pub camera_timeout: Duration,
    /// A viewer whose connection took no byte and sent none for this long is closed.
    pub stall_timeout: Duration,
    /// How long an encoder may be at a single frame. A camera's pipeline is looked at at least this often.
    pub encoder_timeout: Duration,
    /// A frame older than this is no snapshot any more.
    pub snapshot_max_age: Duration,
}

/// What the port without TLS serves while there is TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plain {
    /// Cameras, most of which have no TLS, and the health checks. Everything else is sent to HTTPS.
    #[default]
    Cameras,
    /// Everything.
    All,
    /// Nothing: the port is not opened.
    Off,
}
