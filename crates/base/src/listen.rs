//! Opening the sockets on which a server waits for connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// How many connections the kernel keeps waiting until the server takes them, or fewer where its own limit is lower (Linux:
/// net.core.somaxconn, 4,096). Of more that come at once, the next one comes again after a second, a health check among them.
const BACKLOG: i32 = 16_384;

/// The addresses at which a server waits for connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address without TLS; `None` when there is none.
    pub plain: Option<SocketAddr>,
    /// The address with TLS; `None` when there is none.
    pub tls: Option<SocketAddr>,
}

impl Listening {
    /// The addresses of a server without TLS.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        Self { plain: Some(address), tls: None }
    }

    /// Whether only this computer can reach the server: every address is one of loopback.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.plain.iter().chain(&self.tls).all(|address| address.ip().to_canonical().is_loopback())
    }
}

/// Opens a socket that waits for TCP connections. `[::]` takes IPv6 and IPv4; on a computer without IPv6, it takes IPv4
/// alone. It has to be called inside a tokio runtime.
///
/// # Errors
/// What the system says; [`hint`] has words for it.
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

/// What the owner can do when [`listen`] failed with `source`: words in brackets, to be put behind the error, or
/// nothing. `flag` is the command-line flag that chooses the address, such as `--listen`.
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
