//! Whose a connection is, when a forwarder passed it on: what a trusted proxy tells in front of it (PROXY protocol).
//!
//! The header is read from the addresses of `trusted_proxies`, and from nobody else: whoever else begins with one is
//! closed, and the log says so, since it is a forwarder that the owner forgot more often than an attack.

use super::crowd::Place;
use super::ended::Cause;
use super::failures::Failure;
use super::line::Line;
use super::serving::Serving;
use lenscast_base::addresses::Network;
use lenscast_base::proxy_protocol::{self, Begin, Broken, ReadError};
use lenscast_gate::{Channel, Peer};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Who speaks on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    remote: SocketAddr,
    /// What the forwarder told, if one did: whether the client speaks TLS with it.
    told: Option<Option<bool>>,
}

impl Speaker {
    /// The client's address, which counts from now on wherever something goes by address.
    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Both ends of the connection, which reached us at `local` by `channel`.
    pub(super) fn peer(&self, local: SocketAddr, channel: Channel) -> Peer {
        let channel = match (self.told, channel) {
            (Some(secure), Channel::Plain) => Channel::Relayed { secure },
            (Some(_), Channel::Tls) => Channel::Relayed { secure: Some(true) },
            (_, channel) => channel,
        };
        Peer { remote: self.remote, local, channel }
    }
}

/// Why nothing is known of who speaks.
enum Unknown {
    /// It begins with a header, and its address is none of `trusted_proxies`.
    Stranger,
    /// It is one of a trusted proxy, and its header is no good.
    Broken(Broken),
    /// It ended.
    Gone(io::Error),
}

/// Finds out who speaks on a connection that `remote` opened, before anything else is read of it, within the time that
/// a request may take. What is told takes a place of its own among all connections: limits go by who speaks, not by who
/// passes it on. `None` when the connection is of no use.
pub(super) async fn begin(
    serving: &Serving,
    mut socket: TcpStream,
    place: Place,
    remote: SocketAddr,
    by_tls: bool,
) -> Option<(Line, Speaker)> {
    let config = serving.config();
    let speaker = async {
        let is_proxy = config.is_proxy(remote.ip());
        if is_proxy { told(&mut socket, remote).await } else { alone(&socket, remote).await }
    };
    let begun = tokio::select! {
        () = serving.shutdown().cancelled() => return None,
        () = place.pushed_out() => {
            serving.end(Cause::PushedOut, remote.ip());
            return None;
        }
        begun = tokio::time::timeout(config.handshake_timeout, speaker) => begun,
    };
    let speaker = match begun {
        Ok(Ok(speaker)) => speaker,
        Ok(Err(unknown)) => {
            unknown.count(serving, remote);
            return None;
        }
        Err(_) => {
            tracing::debug!(peer = %remote, "connection ended: it says nothing");
            if by_tls {
                serving.handshakes().count(Failure::Timeout);
            }
            return None;
        }
    };
    if speaker.told.is_none() {
        return Some((Line::new(socket, place, serving.clone()), speaker));
    }
    drop(place);
    let address = speaker.remote.ip();
    match serving.crowd().enter(Network::of(address), false, &serving.places()).await {
        Ok(place) => Some((Line::new(socket, place, serving.clone()), speaker)),
        Err(why) => {
            serving.end(why.into(), address);
            None
        }
    }
}

impl Unknown {
    fn count(self, serving: &Serving, remote: SocketAddr) {
        match self {
            Self::Stranger => serving.end(Cause::StrangeHeader, remote.ip()),
            Self::Broken(broken) => {
                serving.end(Cause::BrokenHeader, remote.ip());
                tracing::debug!(peer = %remote, "connection ended: {broken}");
            }
            Self::Gone(error) => tracing::debug!(peer = %remote, %error, "connection ended"),
        }
    }
}

/// Who speaks by a trusted proxy: whom its header names, or itself when there is none.
async fn told(socket: &mut TcpStream, remote: SocketAddr) -> Result<Speaker, Unknown> {
    match proxy_protocol::read(socket).await {
        Ok(Some(header)) => Ok(Speaker { remote: header.client, told: Some(header.tls) }),
        Ok(None) => Ok(Speaker { remote, told: None }),
        Err(ReadError::Broken(broken)) => Err(Unknown::Broken(broken)),
        Err(ReadError::Io(error)) => Err(Unknown::Gone(error)),
    }
}

/// Who speaks for himself. A header that comes in parts may be missed: then its beginning is no request and no TLS, and
/// is refused as that.
async fn alone(socket: &TcpStream, remote: SocketAddr) -> Result<Speaker, Unknown> {
    match proxy_protocol::look(socket).await.map_err(Unknown::Gone)? {
        Begin::Header(_) | Begin::Broken(_) => Err(Unknown::Stranger),
        Begin::Client | Begin::More => Ok(Speaker { remote, told: None }),
    }
}
