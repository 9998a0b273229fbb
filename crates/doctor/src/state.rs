//! The check of the state directory: whether it can be used, who else can look into it, and what is in it.

use crate::control::Control;
use crate::report::Finding;
use crate::users;
use lenscast_auth::store::{self, Listing, Store};
use lenscast_base::state::look::{Entry, Found, Look};
use lenscast_base::state::{CONTROL_SOCKET, StateDir, StateError};
use lenscast_cameras::titles;
use lenscast_tls::self_signed;
use std::path::Path;
use std::sync::Arc;

/// The number of root, the user who may do everything.
const ROOT: u32 = 0;

/// The names of the files that a server keeps there. Other files are not looked at.
const OURS: [&str; 5] = [store::FILE, titles::FILE, self_signed::FILE, self_signed::BEFORE, CONTROL_SOCKET];

/// The facts about the state directory.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The directory and the files in it.
    pub look: Look,
    /// Whether it is the directory of the installed service, and not this user's own.
    pub of_service: bool,
    /// The number of the user who asks.
    pub me: u32,
    /// The list of the credentials, or why they cannot be read.
    pub credentials: Result<Listing, StateError>,
    /// Whether the cameras' titles can be read, or why not.
    pub titles: Result<(), StateError>,
}

impl Facts {
    /// Gathers the facts. `now` is in seconds since the Unix epoch.
    pub(crate) fn gather(place: &Path, of_service: bool, now: u64) -> Self {
        let state = Arc::new(StateDir::to_read(place));
        Self {
            look: StateDir::look(place),
            of_service,
            me: rustix::process::geteuid().as_raw(),
            titles: titles::check(&state),
            credentials: Store::open(state).map(|store| store.list(now)),
        }
    }

    /// The file that was written last, and the moment of that, in seconds since the Unix epoch.
    pub(crate) fn newest(&self) -> Option<(String, u64)> {
        let files = self.look.entries.iter().map(|entry| (entry.name.clone(), entry.modified));
        let file = files.max_by_key(|(_, at)| *at);
        let created = |listing: &Listing| {
            let users = listing.users.iter().map(|user| user.created);
            let tokens = listing.tokens.iter().map(|token| token.created);
            let shares = listing.shares.iter().map(|share| share.created);
            let sessions = listing.sessions.iter().map(|session| session.created);
            users.chain(tokens).chain(shares).chain(sessions).max()
        };
        let credential = self.credentials.as_ref().ok().and_then(created);
        let credential = credential.map(|at| (format!("A credential in {}", store::FILE), at));
        file.into_iter().chain(credential).max_by_key(|(_, at)| *at)
    }
}

/// The findings about the state directory.
pub(crate) fn judge(facts: &Facts, control: &Control) -> Vec<Finding> {
    let place = facts.look.place.display();
    // The service's directory is closed to others on purpose, so this is no fault.
    let is_others = facts.of_service && matches!(control, Control::Forbidden);
    let mut findings = match &facts.look.found {
        Found::Folder { .. } | Found::Hidden(_) if is_others => Vec::new(),
        Found::Folder { entry, writable } => folder(facts, entry, *writable),
        Found::Nothing { above, writable: true } => {
            vec![Finding::fine(format!(
                "{place} is not there yet; a server makes it in {}.",
                above.display()
            ))]
        }
        Found::Nothing { above, writable: false } => {
            let text = format!("{place} cannot be made: you may not write in {}.", above.display());
            vec![lost(Finding::wrong(text))]
        }
        Found::NoFolder(path) => {
            let text = format!("{place} cannot be a directory: {} is something else.", path.display());
            vec![lost(Finding::wrong(text))]
        }
        Found::Hidden(error) => vec![sudo(Finding::wrong(format!("{place} cannot be looked at: {error}.")))],
    };
    findings.extend(socket(facts, control));
    findings
}

/// A finding with the advice for a server that can keep nothing.
fn lost(finding: Finding) -> Finding {
    finding
        .todo("Without it links, passwords and titles are forgotten when the server ends, and no command can speak to it.")
        .todo("Name another: state_dir = \"…\"")
}

/// A finding with the advice to look as root.
fn sudo(finding: Finding) -> Finding {
    finding.todo("Ask as root: sudo lenscast doctor; or name another: --state-dir DIR")
}

fn folder(facts: &Facts, folder: &Entry, writable: bool) -> Vec<Finding> {
    let Facts { look, me, .. } = facts;
    let place = look.place.display();
    if *me != ROOT && *me != folder.owner {
        let text = format!(
            "{place} belongs to the user {}, and you are {}.",
            users::name(folder.owner),
            users::name(*me)
        );
        return vec![sudo(Finding::wrong(text))];
    }
    let mut findings = Vec::new();
    if !writable {
        findings.push(lost(Finding::wrong(format!("{place} cannot be written to."))));
    }
    if folder.mode & 0o022 != 0 {
        let text = format!(
            "Other users can change what is in {place} (mode {:04o}), and let themselves in.",
            folder.mode
        );
        findings.push(Finding::wrong(text).todo(format!("chmod 700 {place}")));
    } else if folder.mode & 0o055 != 0 {
        let text = format!("Other users can look into {place} (mode {:04o}).", folder.mode);
        findings.push(Finding::look(text).todo(format!("chmod 700 {place}")));
    }
    findings.extend(strangers(facts, folder));
    let secret =
        |entry: &&Entry| [store::FILE, self_signed::FILE, self_signed::BEFORE].contains(&entry.name.as_str());
    for Entry { name, mode, .. } in look.entries.iter().filter(secret).filter(|entry| entry.mode & 0o077 != 0)
    {
        let text = format!(
            "Other users can read {place}/{name} (mode {mode:04o}): with it they can let themselves in."
        );
        findings.push(Finding::wrong(text).todo(format!("chmod 600 {place}/{name}")));
    }
    findings.extend(credentials(facts));
    findings.extend(self::titles(facts));
    if findings.is_empty() {
        let text = match &facts.credentials {
            Ok(listing) => format!("{place} can be used; {}.", counted(listing)),
            Err(_) => format!("{place} can be used."),
        };
        findings.push(Finding::fine(text));
    }
    findings
}

/// The finding about files of another user, which a server that this other user started has left there.
fn strangers(facts: &Facts, folder: &Entry) -> Option<Finding> {
    let is_strange = |entry: &&Entry| OURS.contains(&entry.name.as_str()) && entry.owner != folder.owner;
    let strange = facts.look.entries.iter().find(is_strange)?;
    let place = facts.look.place.display();
    let (owner, stranger) = (users::name(folder.owner), users::name(strange.owner));
    let text = format!(
        "{place} belongs to the user {owner}, and {} in it to {stranger}: the server may not read it.",
        strange.name
    );
    Some(Finding::wrong(text).todo(format!("sudo chown --recursive {owner}: {place}")))
}

fn credentials(facts: &Facts) -> Option<Finding> {
    let error = facts.credentials.as_ref().err()?;
    let text = format!("{error}. Nobody would be let in who should be, so the server does not start.");
    let file = facts.look.place.join(store::FILE);
    let (file, finding) = (file.display(), Finding::wrong(text));
    Some(match error {
        StateError::Damaged { .. } => finding
            .todo("Take it from a backup; or begin anew, with other links, logins and keys:")
            .todo(format!("mv {file} {file}.damaged")),
        StateError::Io { .. } => finding.todo(format!("Who may read it: ls -l {file}")),
    })
}

fn titles(facts: &Facts) -> Option<Finding> {
    let aside = format!("{}.damaged", titles::FILE);
    let place = facts.look.place.display();
    if let Err(error) = &facts.titles {
        let text = format!("{error}. The next server sets it aside, and the cameras go by their names.");
        return Some(
            Finding::wrong(text)
                .todo("Take it from a backup; or give the cameras their titles again, on the page."),
        );
    }
    let there = facts.look.entries.iter().any(|entry| entry.name == aside);
    there.then(|| {
        let text = format!(
            "The titles of the cameras were lost once: {place}/{aside} was no use, and was set aside."
        );
        Finding::look(text).todo(format!("When you have what you need of it: rm {place}/{aside}"))
    })
}

/// The numbers of credentials in words.
fn counted(listing: &Listing) -> String {
    let some = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let Listing { users, tokens, shares, .. } = listing;
    format!(
        "{}, {}, {}",
        some(users.len(), "login", "logins"),
        some(tokens.len(), "link or key", "links and keys"),
        some(shares.len(), "share", "shares")
    )
}

fn socket(facts: &Facts, control: &Control) -> Option<Finding> {
    let socket = facts.look.place.join(CONTROL_SOCKET);
    let socket = socket.display();
    match control {
        Control::Answers(_) | Control::Nothing => None,
        Control::Left => {
            let text = format!(
                "Nobody answers at {socket}: a server ended there without clearing up, or was killed."
            );
            Some(
                Finding::look(text)
                    .todo("The next one takes its place. Why it ended: sudo journalctl --unit lenscast"),
            )
        }
        Control::Forbidden => {
            let text = format!(
                "A server of another user keeps its state there, and you may not speak to it ({socket})."
            );
            Some(sudo(Finding::unseen(text)))
        }
        Control::Silent(error) => {
            let text = format!("A server is there and does not answer at {socket}: {error}.");
            Some(
                Finding::wrong(text)
                    .todo("Start it again: sudo systemctl restart lenscast, or stop it and start it."),
            )
        }
    }
}

#[cfg(test)]
mod tests;
