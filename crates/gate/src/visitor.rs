//! Who asks, from where, and what that allows.

use super::client::Client;
use super::{Channel, Gate, Peer};
use http::{HeaderMap, Method, Uri};
use lenscast_auth::cookie::SessionCookie;
use lenscast_auth::origin::{Asking, Own, Warrant};
use lenscast_auth::policy::{Circumstances, Hindrance};
use lenscast_auth::presented::Presented;
use lenscast_auth::rights::{Right, Rights};
use lenscast_auth::{AuthError, Caller};
use lenscast_base::time::now;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Who asks, and from where. Clones share it.
#[derive(Clone, Debug)]
pub struct Visitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    /// The address of ours at which the connection came in.
    local: IpAddr,
    /// Whether a page asks, as far as `Origin` tells.
    from_page: bool,
    control_socket: bool,
    /// Whether a page of another origin asks.
    is_foreign_page: bool,
    cookie: SessionCookie,
    caller: Caller,
}

impl Gate {
    /// Finds out who asks. Takes some tens of milliseconds when a password has to be hashed, and up to 100 more when a
    /// credential is refused.
    pub async fn meet(&self, peer: &Peer, client: Client, uri: &Uri, headers: &HeaderMap) -> Visitor {
        let config = self.config();
        let secure = client.secure == Some(true);
        let cookie = SessionCookie::new(secure, &config.base_path).unwrap_or_default();
        let presented = Presented::read(headers, uri, &cookie);
        let (is_foreign_page, from_page) = {
            let asking = Asking {
                method: &Method::POST,
                upgrade: false,
                headers,
                own: Own { host: client.host.as_deref(), secure: client.secure },
                cors: &config.cors_origins,
                by: Warrant::Secret,
                for_devices: false,
            };
            (asking.check().is_err(), asking.is_from_page())
        };
        let control_socket = peer.channel == Channel::ControlSocket;
        let local = peer.local.ip();
        let known = self.look(&presented, client.address.ip()).await;
        let caller = {
            let from = circumstances(&client, local, from_page, control_socket);
            self.auth().admitted(known, &presented, &from, &config.policy, now())
        };
        if is_noticed(&caller, &presented) {
            self.delay_refusal().await;
        }
        Visitor(Arc::new(Inner { client, local, from_page, control_socket, is_foreign_page, cookie, caller }))
    }

    /// Waits for a moment before somebody is told that a credential is refused, so that the time of the answer does not
    /// tell why. Of many at once most do not wait.
    pub async fn delay_refusal(&self) {
        self.0.refusals.delay().await;
    }

    /// What a visitor may do at `now` (seconds since the Unix epoch): a credential may have ended since it came, and the
    /// owner may have changed what its place allows.
    #[must_use]
    pub fn rights_now(&self, visitor: &Visitor, now: u64) -> Rights {
        let Inner { client, local, from_page, control_socket, caller, .. } = &*visitor.0;
        let from = circumstances(client, *local, *from_page, *control_socket);
        let (_, by_place) = self.auth().place(&from, &self.config().policy);
        self.auth().holds(caller, &by_place, now)
    }

    /// Why a visitor may not do without a credential what others from its place may: `wanted` tells whether rights are
    /// enough. `None` when nobody there may, or when this visitor may.
    #[must_use]
    pub fn hindrance(&self, visitor: &Visitor, wanted: impl Fn(&Rights) -> bool) -> Option<Hindrance> {
        let Inner { client, local, from_page, control_socket, .. } = &*visitor.0;
        let from = circumstances(client, *local, *from_page, *control_socket);
        let closed = self.auth().store().closed_cameras();
        self.config().policy.hindrance(&from, &closed, wanted)
    }
}

impl Visitor {
    /// The client's address. Its port is 0 when a proxy does not tell.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.0.client.address
    }

    /// The client, as far as the connection and trusted proxies tell.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Who asks, by credential or place.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// What the visitor was allowed when the request came.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.caller.rights
    }

    /// Whether the visitor may change something, as far as that can be told before it asks to.
    #[must_use]
    pub fn may_change(&self) -> bool {
        self.rights().admin && !self.0.is_foreign_page
    }

    /// The cookie in which this visitor's browser keeps a session.
    #[must_use]
    pub fn cookie(&self) -> &SessionCookie {
        &self.0.cookie
    }
}

/// Whether somebody notices that a credential was refused. An old cookie, which a browser sends with every request, makes
/// no difference to one who may watch without.
fn is_noticed(caller: &Caller, presented: &Presented) -> bool {
    let is_let_in = caller.rights.allows_some(Right::View);
    caller.refused.is_some_and(AuthError::was_compared) && (presented.explicit.is_some() || !is_let_in)
}

/// What a client's place is judged by.
#[must_use]
pub(super) fn circumstances(
    client: &Client,
    local: IpAddr,
    from_page: bool,
    control_socket: bool,
) -> Circumstances<'_> {
    Circumstances {
        peer_ip: client.address.ip(),
        local_ip: local,
        host: client.host.as_deref(),
        from_page,
        old_http: client.old_http,
        was_forwarded: client.was_forwarded,
        through_trusted_proxy: client.through_trusted_proxy,
        relayed: client.relayed,
        control_socket,
    }
}

impl Client {
    /// Whether the client is a program or page of this computer, which reached us at `local`.
    #[must_use]
    pub fn is_this_computer(&self, local: IpAddr) -> bool {
        circumstances(self, local, false, false).is_this_computer()
    }
}
