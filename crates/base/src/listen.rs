//! Opening sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Connections that the kernel holds ready for us.
const BACKLOG: i32 = 1024;

/// Where a server is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Without TLS; `None`: nowhere.
    pub plain: Option<SocketAddr>,
    /// With TLS; `None`: nowhere.
    pub tls: Option<SocketAddr>,
}

impl Listening {
    /// A server without TLS.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        Self { plain: Some(address), tls: None }
    }

    /// Whether nobody but this computer can reach it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.plain.iter().chain(&self.tls).all(|address| address.ip().to_canonical().is_loopback())
    }
}

/// Opens a listening socket; one for all IPv6 addresses takes IPv4 too, and on a machine without IPv6 it takes IPv4 alone.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match open(address) {
        Err(error)
            if address.ip().is_unspecified()
                && address.is_ipv6()
                && error.kind() == io::ErrorKind::Unsupported =>
        {
            open(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        result => result,
    }
}

/// What can be done about an address that cannot be had, which `flag` chooses.
pub fn hint(source: &io::Error, listen: &SocketAddr, flag: &str) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            format!(" (another program has port {}; choose another with {flag})", listen.port())
        }
        io::ErrorKind::PermissionDenied => " (ports under 1024 are for root)".into(),
        io::ErrorKind::AddrNotAvailable => " (this computer has no such address)".into(),
        _ => String::new(),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)
        .map_err(|error| match error.raw_os_error() {
            // EAFNOSUPPORT: this kernel has no IPv6.
            Some(97) => io::Error::new(io::ErrorKind::Unsupported, error),
            _ => error,
        })?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restarted server must not wait for its predecessor's connections to time out.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
