//! Both ends of a connection.

use std::net::SocketAddr;

/// Both ends of a connection, as the kernel gave them, or a forwarder that the owner trusts.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's address. An unspecified address (0.0.0.0) when a forwarder does not tell who it is.
    pub remote: SocketAddr,
    /// The address on which the client reached us.
    pub local: SocketAddr,
    /// What the connection came by.
    pub channel: Channel,
}

/// What a connection came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A port without TLS.
    Plain,
    /// TLS.
    Tls,
    /// The port for TLS, without TLS: somebody typed `http://` by mistake.
    PlainOnTls,
    /// The control socket.
    ControlSocket,
    /// A forwarder that the owner trusts, and which told who the client is (PROXY protocol).
    Relayed {
        /// Whether the client speaks TLS, to this server or to the forwarder; `None` when nobody tells.
        secure: Option<bool>,
    },
}
