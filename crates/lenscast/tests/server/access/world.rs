//! A server, who knocks at its door, and from where.

use crate::harness::*;
use crate::tls::Trust;
use lenscast::server::Server;
use lenscast_auth::ids::Id;
use lenscast_auth::records::Role;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_base::state::CONTROL_SOCKET;
use lenscast_protocol::CameraName;
use lenscast_settings::config::Config;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

pub const VIEWER: (&str, &str) = ("anna", "correct horse");
pub const OWNER: (&str, &str) = ("bert", "battery staple");

/// Where somebody is. All but the first two are so behind a proxy on this computer that the server trusts, which is how a test
/// gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This computer, by its own name.
    Here,
    /// This computer, by a name that a page elsewhere made point here.
    Rebound,
    /// Behind a proxy on this computer of which the server knows nothing.
    StrangeProxy,
    /// The home network.
    Home,
    /// The home network, by a name that a page elsewhere made point here.
    ReboundHome,
    /// The internet.
    Public,
    /// An address of this computer that is no loopback address, at which the server listens: in the home network or not.
    OwnHome,
    OwnPublic,
}

impl Place {
    pub const ALL: [Self; 6] =
        [Self::Here, Self::Rebound, Self::StrangeProxy, Self::Home, Self::ReboundHome, Self::Public];

    /// Whether the server has to trust the proxy on this computer.
    pub fn is_behind_proxy(self) -> bool {
        matches!(self, Self::Home | Self::ReboundHome | Self::Public)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: String,
}

pub fn ask(method: &'static str, path: impl Into<String>) -> Ask {
    Ask { method, path: path.into(), headers: String::new(), body: String::new() }
}

impl Ask {
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = write!(self.headers, "{name}: {}\r\n", value.as_ref());
        self
    }

    pub fn json(mut self, body: impl ToString) -> Self {
        self.body = body.to_string();
        self.header("Content-Type", "application/json")
    }

    pub fn text(mut self, body: impl ToString) -> Self {
        self.body = body.to_string();
        self
    }

    pub fn bearer(self, secret: &Secret) -> Self {
        self.header("Authorization", format!("Bearer {}", secret.expose()))
    }

    pub fn basic(self, (name, password): (&str, &str)) -> Self {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.header("Authorization", format!("Basic {text}"))
    }

    pub fn token(mut self, secret: &Secret) -> Self {
        let sign = if self.path.contains('?') { '&' } else { '?' };
        #[expect(clippy::let_underscore_must_use, reason = "a String takes everything")]
        let _ = write!(self.path, "{sign}token={}", secret.expose());
        self
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("Cookie", cookie)
    }

    /// Asks for a WebSocket.
    pub fn upgrade(self) -> Self {
        self.header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    /// From there.
    pub fn from(self, place: Place, server: &Running) -> Self {
        let host = server.address.to_string();
        // Nobody is to suffer from what somebody else guessed.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        match place {
            Place::Here | Place::OwnHome | Place::OwnPublic => self.header("Host", host),
            Place::Rebound => self.header("Host", "evil.example"),
            Place::StrangeProxy => self.header("Host", host).header("X-Forwarded-For", "192.168.1.7"),
            Place::Home => {
                self.header("Host", host).header("X-Forwarded-For", format!("192.168.{high}.{low}"))
            }
            Place::ReboundHome => {
                self.header("Host", "evil.example").header("X-Forwarded-For", format!("192.168.{high}.{low}"))
            }
            Place::Public => {
                self.header("Host", host).header("X-Forwarded-For", format!("203.0.{high}.{low}"))
            }
        }
    }

    pub async fn send(self, server: &Running) -> Answer {
        let socket = TcpStream::connect(server.address).await.unwrap();
        self.over(socket).await
    }

    /// As another computer of the home network.
    pub async fn at_home(self, server: &Running) -> Answer {
        self.from(Place::Home, server).send(server).await
    }

    /// Reads an endless answer until it has `text`, and the line after it.
    pub async fn read_until(self, server: &Running, text: &str) -> String {
        let mut open = self.open(server).await;
        let mut read = String::new();
        while read.split_once(text).is_none_or(|(_, rest)| !rest.trim_start_matches('\n').contains('\n')) {
            let mut part = vec![0; 4096];
            let count = within(open.read(&mut part)).await.unwrap();
            assert!(count > 0, "it ended: {read}");
            read += &String::from_utf8_lossy(&part[..count]);
        }
        read
    }

    /// Sends it, and gives what comes.
    pub async fn open(self, server: &Running) -> TcpStream {
        self.open_at(server.address).await
    }

    /// Sends it to a server that is another process.
    pub async fn open_at(self, address: SocketAddr) -> TcpStream {
        let Self { method, path, headers, body } = self;
        let mut socket = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket
    }

    /// Over TLS.
    pub async fn over_tls(self, server: &Running, trust: &Trust) -> Answer {
        let name = server.address.ip().to_string();
        let stream = trust.connect(server, &name).await.unwrap();
        self.over(stream).await
    }

    pub async fn by_control_socket(self, world: &World) -> Answer {
        let socket = UnixStream::connect(world.control_socket()).await.unwrap();
        self.header("Host", "localhost").over(socket).await
    }

    /// Reads the head, and the body when that ends.
    pub async fn over(self, mut socket: impl AsyncRead + AsyncWrite + Unpin) -> Answer {
        let Self { method, path, headers, body } = self;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        // The server may answer and close before it has read all of what it does not want.
        #[expect(clippy::let_underscore_must_use, reason = "the server may have hung up, as it should")]
        let _ = socket.write_all(head.as_bytes()).await;
        let mut bytes = Vec::new();
        let head = loop {
            let mut part = [0; 4096];
            let count = within(socket.read(&mut part)).await.unwrap_or(0);
            bytes.extend_from_slice(&part[..count]);
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                break String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap();
            }
            assert!(count > 0, "it ended: {:?}", String::from_utf8_lossy(&bytes));
        };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.unwrap_or(0);
        while method != "HEAD" && bytes.len() < length {
            let mut part = [0; 4096];
            let count = within(socket.read(&mut part)).await.unwrap();
            assert!(count > 0, "it ended early");
            bytes.extend_from_slice(&part[..count]);
        }
        let code = head[9..12].parse().unwrap();
        Answer { code, head, body: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

impl Answer {
    /// The value of a header; it must not come twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let of =
            |line: &'_ str| line.split_once(": ").is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut lines = self.head.lines().filter(|line| of(line));
        let line = lines.next()?;
        assert!(lines.next().is_none(), "{name} twice in {}", self.head);
        line.split_once(": ").map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}{}", self.head, self.body))
    }

    /// `name=value` of the cookie that is set.
    pub fn session(&self) -> String {
        let cookie = self.header("set-cookie").unwrap_or_else(|| panic!("no cookie in {}", self.head));
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// A server with somebody of every kind.
pub struct World {
    pub server: Running,
    pub folder: TempDir,
    pub view: Secret,
    pub admin: Secret,
    pub front_key: Secret,
    pub front_share: Secret,
    pub front_share_id: Id,
    pub view_id: Id,
    pub key_id: Id,
    pub viewer_session: String,
    pub owner_session: String,
}

impl World {
    pub async fn new(behind_proxy: bool) -> Self {
        Self::with(behind_proxy, |_| {}).await
    }

    pub async fn with(behind_proxy: bool, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let server = start_with(|config| {
            config.state_dir = Some(place);
            if behind_proxy {
                config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            }
            change(config);
        });
        let (auth, now) = (server.app.gate.auth(), lenscast_base::time::now());
        let store = auth.store();
        let (view_id, view) = store.add_token(Kind::View, "tablet", None, None, now).unwrap();
        let (_, admin) = store.add_token(Kind::Admin, "me", None, None, now).unwrap();
        let front = || CameraName::new("front").unwrap();
        let (key_id, front_key) =
            store.add_token(Kind::Camera, "", Some(BTreeSet::from([front()])), None, now).unwrap();
        let (front_share_id, front_share) =
            store.add_share(Some(front()), "grandma", now + 3600, now).unwrap();
        let (viewer_session, owner_session) = {
            let session = |(name, password): (&str, &str), role| {
                let hash = auth.passwords().hash(&Secret::new(password.into())).unwrap();
                store.add_user(name, role, None, hash, now).unwrap();
                let peer = "192.0.2.1".parse().unwrap();
                let session = auth.login(name, &Secret::new(password.into()), peer, now).unwrap();
                format!("lenscast_session={}", session.secret.expose())
            };
            (session(VIEWER, Role::View), session(OWNER, Role::Admin))
        };
        let world = Self {
            server,
            folder,
            view,
            admin,
            front_key,
            front_share,
            front_share_id,
            view_id,
            key_id,
            viewer_session,
            owner_session,
        };
        world.until_controlled().await;
        world
    }

    pub fn control_socket(&self) -> PathBuf {
        self.folder.path().join("state").join(CONTROL_SOCKET)
    }

    /// As browsers have them over TLS.
    pub fn use_secure_cookies(&mut self) {
        for session in [&mut self.viewer_session, &mut self.owner_session] {
            *session = format!("__Host-{session}");
        }
    }

    /// Trusts the certificate that the server made.
    pub fn trust(&self) -> Trust {
        let file = self.folder.path().join("state").join(lenscast_tls::self_signed::FILE);
        Trust::of(&std::fs::read(file).unwrap())
    }

    /// Waits until the control socket is there.
    async fn until_controlled(&self) {
        until_listens(self.control_socket()).await;
    }

    pub fn revoke(&self, id: &Id) {
        self.server.app.gate.auth().store().revoke(id, lenscast_base::time::now()).unwrap();
    }

    /// Shuts the server down and starts another one on the same state directory.
    pub async fn restarted(self, change: impl FnOnce(&mut Config)) -> (Running, TempDir) {
        let Self { server, folder, .. } = self;
        server.end().await;
        let place = folder.path().join("state");
        let server = start_with(|config| {
            config.state_dir = Some(place);
            config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            change(config);
        });
        (server, folder)
    }
}

/// A server that is only opened, never run.
pub fn opened(change: impl FnOnce(&mut Config)) -> Result<Server, lenscast::server::StartError> {
    let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    change(&mut config);
    Server::bind(config, CancellationToken::new())
}
