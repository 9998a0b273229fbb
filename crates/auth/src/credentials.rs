//! All credentials as plain data, as they stand in the file `credentials.json` of the state directory.
//!
//! Nothing here locks or writes: [`store`](crate::store) does.

use crate::cameras;
use crate::declared::Declared;
use crate::ids::Id;
use crate::password::StoredHash;
use crate::records::{Grant, Kept, SessionInfo, ShareInfo, TokenInfo, UserInfo};
use crate::secret::{Digest, Kind};
use crate::share::ShareKey;
use lenscast_base::state::{StateDir, StateError};
use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A session that was not used for this long ends, in seconds: 30 days.
pub const SESSION_IDLE_S: u64 = 30 * 86_400;
/// A session ends this long after it was made, in seconds: a year.
pub const SESSION_MAX_S: u64 = 365 * 86_400;

/// The name of the credentials' file in the state directory.
pub const FILE: &str = "credentials.json";

/// All credentials. This is, as JSON, the content of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub version: Version,
    pub share_key: ShareKey,
    pub users: Vec<Kept<UserInfo, StoredHash>>,
    pub tokens: Vec<Kept<TokenInfo, Digest>>,
    pub shares: Vec<ShareInfo>,
    pub sessions: Vec<Kept<SessionInfo, Digest>>,
    /// The cameras that have or had a key of their own. Their names stay closed to everybody without one until the owner
    /// opens them: else whoever has stolen a key would go on without it when it is taken back.
    #[serde(default, with = "cameras::set")]
    pub closed: BTreeSet<CameraName>,
    /// The credentials of the configuration. They are never written into the file.
    #[serde(skip)]
    pub declared: Declared,
}

/// The one version of the file that is known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct Version;

impl TryFrom<u32> for Version {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number == 1 { Ok(Self) } else { Err("a version of this file that is not known") }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

impl Credentials {
    /// Reads the file. Without a file there are no credentials, and a new key for share links.
    pub fn read(state: &StateDir) -> Result<Self, StateError> {
        let (version, share_key) = (Version, ShareKey::generate());
        let (users, tokens, shares, sessions) = Default::default();
        let (closed, declared) = Default::default();
        let none = Self { version, share_key, users, tokens, shares, sessions, closed, declared };
        let mut all = state.read_json(FILE)?.unwrap_or(none);
        // A file that was written before names stayed closed tells only of the keys that there are.
        let keyed = all.tokens.iter().flat_map(|token| keyed_by(&token.info)).cloned();
        all.closed.extend(keyed.collect::<Vec<_>>());
        Ok(all)
    }

    /// The cameras that have a key of their own which is good at `now`.
    pub fn keyed(&self, now: u64) -> BTreeSet<CameraName> {
        let good = self.tokens().map(|token| &token.info).filter(|token| !is_over(token.expires, now));
        good.flat_map(keyed_by).cloned().collect()
    }

    /// All tokens and camera keys, those of the configuration included.
    pub fn tokens(&self) -> impl Iterator<Item = &Kept<TokenInfo, Digest>> {
        self.tokens.iter().chain(self.declared.tokens())
    }

    /// The worth of the user, token or share link with this id; `None` when it does not exist or was revoked.
    pub fn grant(&self, id: &Id) -> Option<Grant> {
        let user = || self.users.iter().find(|user| user.info.id == *id).map(|user| user.info.grant());
        let token = || self.tokens.iter().find(|token| token.info.id == *id).map(|token| token.info.grant());
        let share =
            || self.shares.iter().find(|share| share.id == *id && !share.revoked).map(ShareInfo::grant);
        user().or_else(token).or_else(share).or_else(|| self.declared.grant(id))
    }

    /// Removes tokens, share links and sessions whose time is over. Says whether there were any.
    pub fn prune(&mut self, now: u64) -> bool {
        let count = |all: &Self| all.tokens.len() + all.shares.len() + all.sessions.len();
        let before = count(self);
        self.tokens.retain(|token| !is_over(token.info.expires, now));
        self.shares.retain(|share| share.expires > now);
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions.retain(|Kept { info, .. }| {
            info.lasts(info.last_used, now)
                && self.grant(&info.of).is_some_and(|grant| !is_over(grant.expires, now))
        });
        self.sessions = sessions;
        count(self) < before
    }

    /// The last use of each credential and session, by id.
    pub fn last_used(&self) -> impl Iterator<Item = (&Id, Option<u64>)> {
        let users = self.users.iter().map(|user| (&user.info.id, user.info.last_used));
        let tokens = self.tokens.iter().map(|token| (&token.info.id, token.info.last_used));
        let shares = self.shares.iter().map(|share| (&share.id, share.last_used));
        let sessions = self.sessions.iter().map(|session| (&session.info.id, session.info.last_used));
        users.chain(tokens).chain(shares).chain(sessions)
    }

    /// The same, to be changed.
    pub fn last_used_mut(&mut self) -> impl Iterator<Item = (&Id, &mut Option<u64>)> {
        let users = self.users.iter_mut().map(|user| (&user.info.id, &mut user.info.last_used));
        let tokens = self.tokens.iter_mut().map(|token| (&token.info.id, &mut token.info.last_used));
        let shares = self.shares.iter_mut().map(|share| (&share.id, &mut share.last_used));
        let sessions =
            self.sessions.iter_mut().map(|session| (&session.info.id, &mut session.info.last_used));
        users.chain(tokens).chain(shares).chain(sessions)
    }
}

impl SessionInfo {
    /// Whether the session still lasts at `now`, when it was last used at `last_used`.
    pub(crate) fn lasts(&self, last_used: Option<u64>, now: u64) -> bool {
        let used = last_used.unwrap_or(self.created);
        now < self.expires && now.saturating_sub(used) < SESSION_IDLE_S
    }
}

/// The cameras whose own key a token is: none for one that is no camera's key, or one of all cameras.
pub(crate) fn keyed_by(token: &TokenInfo) -> impl Iterator<Item = &CameraName> {
    let is_key = token.kind == Kind::Camera;
    token.cameras.iter().filter(move |_| is_key).flatten()
}

/// Whether what ends at `expires` is over at `now`; `None` never ends.
pub(crate) fn is_over(expires: Option<u64>, now: u64) -> bool {
    expires.is_some_and(|expires| expires <= now)
}
