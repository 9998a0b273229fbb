//! Tests of access control as a whole.

mod callers;
mod clocks;
mod closed;
mod guessing;
mod keeping;
mod sessions;

use crate::auth::{Auth, LoginError, Look, NewSession};
use crate::cookie::SessionCookie;
use crate::given::{CameraKey, Given};
use crate::ids::Id;
use crate::password::Passwords;
use crate::password::StoredHash;
use crate::presented::{By, Credential, Presented};
use crate::records::Role;
use crate::rights::Right;
use crate::secret::{Kind, Secret};
use crate::store::Store;
use crate::throttle::Throttle;
use crate::who::{AuthError, Caller, Who};
use argon2::Params;
use lenscast_base::state::StateDir;
use lenscast_protocol::CameraName;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use tempfile::TempDir;

/// The moment at which a test begins, not at the beginning of a minute.
const NOW: u64 = 1_800_000_020;

const PASSWORD: &str = "correct horse";

/// Access control on a directory that can be opened again.
struct Bench {
    folder: TempDir,
    auth: Auth,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let auth = open(&folder);
        Self { folder, auth }
    }

    /// After a restart.
    fn again(self) -> Self {
        let Self { folder, auth } = self;
        drop(auth);
        let auth = open(&folder);
        Self { folder, auth }
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("credentials.json")).unwrap_or_default()
    }

    /// Takes the directory away, so that nothing can be written.
    fn break_disk(&self) {
        std::fs::remove_dir_all(self.folder.path()).unwrap();
    }

    fn store(&self) -> &Store {
        self.auth.store()
    }

    fn hash(&self, password: &str) -> StoredHash {
        self.auth.passwords().hash(&Secret::new(password.into())).unwrap()
    }

    fn user(&self, name: &str, role: Role) -> Id {
        self.store().add_user(name, role, None, self.hash(PASSWORD), NOW).unwrap()
    }

    fn token(&self, kind: Kind) -> (Id, Secret) {
        self.store().add_token(kind, "test", None, None, NOW).unwrap()
    }

    fn login(&self, name: &str, password: &str, now: u64) -> Result<NewSession, LoginError> {
        self.auth.login(name, &Secret::new(password.into()), peer(), now)
    }

    fn by_cookie(&self, session: &Secret, now: u64) -> Result<Caller, AuthError> {
        self.auth.authenticate(&Presented { explicit: None, session: Some(session.clone()) }, peer(), now)
    }

    fn by_bearer(&self, secret: &Secret, now: u64) -> Result<Caller, AuthError> {
        self.auth.authenticate(&bearer(secret), peer(), now)
    }

    fn by_basic(&self, name: &str, password: &str, now: u64) -> Result<Caller, AuthError> {
        self.auth.authenticate(&basic(name, password), peer(), now)
    }
}

/// The passwords of the configuration.
fn declare(bench: &Bench, admin: Option<&str>, view: Option<&str>, keys: &[(&str, &str)]) {
    let secret = |text: &str| Secret::new(text.into());
    let key = |(name, key): &(&str, &str)| CameraKey { camera: camera(name), key: secret(key) };
    let given = Given {
        admin_password: admin.map(secret),
        view_password: view.map(secret),
        camera_keys: keys.iter().map(key).collect(),
    };
    bench.auth.declare(&given, &Secret::generate(Kind::Camera), NOW);
}

fn open(folder: &TempDir) -> Auth {
    let state = Arc::new(StateDir::open(folder.path()).unwrap());
    let passwords = Passwords::with(Params::new(8, 1, 1, Some(32)).unwrap());
    Auth::of(Store::open(state).unwrap(), passwords, Throttle::default())
}

fn peer() -> IpAddr {
    IpAddr::from([192, 168, 1, 7])
}

fn camera(name: &str) -> CameraName {
    CameraName::new(name).unwrap()
}

fn cameras(names: &[&str]) -> Option<BTreeSet<CameraName>> {
    Some(names.iter().map(|name| camera(name)).collect())
}

fn bearer(secret: &Secret) -> Presented {
    present(&[("authorization", &format!("Bearer {}", secret.expose()))])
}

fn basic(name: &str, password: &str) -> Presented {
    Presented {
        explicit: Some((
            By::Basic,
            Credential::Password { name: name.into(), password: Secret::new(password.into()) },
        )),
        session: None,
    }
}

fn present(headers: &[(&'static str, &str)]) -> Presented {
    let headers = headers.iter().map(|(name, value)| {
        (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
    });
    let uri = http::Uri::from_static("/");
    Presented::read(&headers.collect(), &uri, &SessionCookie::new(false, "/").unwrap())
}
