//! What the owner decided about connections and requests.

use super::crowd::Limits;
use ipnet::IpNet;
use std::net::IpAddr;
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
    /// The proxies whose connections are those of many clients: their addresses have no limit of their own.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections may be open at once, and of which kind.
    pub connections: Limits,
    /// How long a client may take to agree on TLS, to send the head of a request, and to send its body: for each of them.
    pub handshake_timeout: Duration,
    /// How often an otherwise quiet WebSocket is pinged.
    pub ping_interval: Duration,
    /// A camera that was not heard for this long is taken for gone.
    pub camera_timeout: Duration,
    /// A connection that took no byte and sent none for this long is closed, while there is something to take. It is the
    /// same for all kinds of viewers, and read again and again while they are there.
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

impl HttpConfig {
    /// Whether an address is that of a trusted proxy.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}
