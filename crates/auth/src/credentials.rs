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
use std::collections::{BTreeMap, BTreeSet};

/// A session that was not used for this long ends, in seconds: 30 days.
pub const SESSION_IDLE_S: u64 = 30 * 86_400;
/// A session ends this long after it was made, in seconds: a year.
pub const SESSION_MAX_S: u64 = 365 * 86_400;

/// What is over is refused at once, and forgotten when it has been over for this long without a break, in seconds: 28
/// days. A clock that is wrong for a while, such as one that says 2036 until a time server sets it, costs nothing then.
pub const KEPT_WHEN_OVER_S: u64 = 28 * 86_400;

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
    /// Since when each token, share link and session that is over was seen to be so, by the clock of that moment. What is
    /// not over any more, because the clock was set back, is taken out again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub over: BTreeMap<Id, u64>,
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
        let (over, closed, declared) = Default::default();
        let none = Self { version, share_key, users, tokens, shares, sessions, over, closed, declared };
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

    /// Notes what is over at `now`, and removes what has been so for [`KEPT_WHEN_OVER_S`]; sessions whose credential is
    /// gone are removed at once. Says whether anything changed.
    ///
    /// For example: a link that ended at noon is noted in the afternoon, and removed four weeks after that. When the clock
    /// leaps to 2036, everything is noted with a moment of that year. When it is set back, nothing is over, and all of
    /// these notes are taken out again.
    pub fn prune(&mut self, now: u64) -> bool {
        let count = |all: &Self| all.tokens.len() + all.shares.len() + all.sessions.len();
        let before = (count(self), self.over.clone());
        let sessions = std::mem::take(&mut self.sessions);
        self.sessions = sessions.into_iter().filter(|kept| self.grant(&kept.info.of).is_some()).collect();
        let since = |id: Id| {
            // One that was noted by a clock that was ahead is noted anew.
            let known = before.1.get(&id).copied().filter(|since| *since <= now);
            (id, known.unwrap_or(now))
        };
        self.over = self.over_at(now).into_iter().map(since).collect();
        let forgotten = |since: &u64| now - since >= KEPT_WHEN_OVER_S;
        let forgotten: BTreeSet<Id> =
            self.over.iter().filter(|(_, since)| forgotten(since)).map(|(id, _)| id.clone()).collect();
        self.remove(&forgotten);
        (count(self), &self.over) != (before.0, &before.1)
    }

    /// Removes what is over at `now`, however short ago that was noted. For a list that people read.
    pub fn hide_over(&mut self, now: u64) {
        let sessions = std::mem::take(&mut self.sessions);
        self.sessions = sessions.into_iter().filter(|kept| self.grant(&kept.info.of).is_some()).collect();
        let over = self.over_at(now);
        self.remove(&over);
    }

    /// The ids of all tokens, share links and sessions that are over at `now`.
    fn over_at(&self, now: u64) -> BTreeSet<Id> {
        let tokens = self.tokens.iter().map(|token| (&token.info.id, is_over(token.info.expires, now)));
        let shares = self.shares.iter().map(|share| (&share.id, share.expires <= now));
        let sessions = self.sessions.iter().map(|Kept { info, .. }| {
            let of = self.grant(&info.of).is_some_and(|grant| !is_over(grant.expires, now));
            (&info.id, !of || !info.lasts(info.last_used, now))
        });
        let all = tokens.chain(shares).chain(sessions);
        all.filter(|(_, over)| *over).map(|(id, _)| id.clone()).collect()
    }

    /// Removes tokens, share links and sessions, and the sessions that began with one of these.
    fn remove(&mut self, ids: &BTreeSet<Id>) {
        self.tokens.retain(|token| !ids.contains(&token.info.id));
        self.shares.retain(|share| !ids.contains(&share.id));
        self.sessions.retain(|Kept { info, .. }| !ids.contains(&info.id) && !ids.contains(&info.of));
        for id in ids {
            self.over.remove(id);
        }
    }

    /// Makes room in one list when it is full, by removing what has been over for longest. `of` gives the ids of that
    /// list. Nothing that is still good is ever removed.
    pub fn make_room(&mut self, limit: usize, of: impl Fn(&Self) -> Vec<&Id>) {
        let ids = of(self);
        if ids.len() < limit {
            return;
        }
        let oldest = ids
            .into_iter()
            .filter(|id| self.over.contains_key(id))
            .min_by_key(|id| self.over.get(id))
            .cloned();
        self.remove(&oldest.into_iter().collect());
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
        // A use by a clock that was behind, in 1970, is no silence since then.
        let used = last_used.map_or(self.created, |used| used.max(self.created));
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
