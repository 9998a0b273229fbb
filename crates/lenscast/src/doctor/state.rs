//! The state directory: whether it can be used, who else can look into it, and what is in it.

use super::report::Finding;
use super::{Control, users};
use crate::auth::store::{self, Listing, Store};
use crate::server::control;
use crate::state::look::{Entry, Found, Look};
use crate::state::{StateDir, StateError};
use crate::titles;
use crate::tls::self_signed;
use std::path::Path;
use std::sync::Arc;

/// The user who may do everything.
const ROOT: u32 = 0;

/// What is known about it.
#[derive(Debug)]
pub(super) struct Facts {
    /// What is there.
    pub look: Look,
    /// It is the service's, and nobody said that it is this user's.
    pub of_service: bool,
    /// Who asks.
    pub me: u32,
    /// The credentials.
    pub credentials: Result<Listing, StateError>,
    /// The titles.
    pub titles: Result<(), StateError>,
}

impl Facts {
    pub(super) fn gather(place: &Path, of_service: bool, now: u64) -> Self {
        let state = Arc::new(StateDir::to_read(place));
        Self {
            look: StateDir::look(place),
            of_service,
            me: rustix::process::geteuid().as_raw(),
            titles: titles::check(&state),
            credentials: Store::open(state).map(|store| store.list(now)),
        }
    }

    /// What was written last by the clock, and when.
    pub(super) fn newest(&self) -> Option<(String, u64)> {
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

pub(super) fn judge(facts: &Facts, control: &Control) -> Vec<Finding> {
    let place = facts.look.place.display();
    // That is as it should be: a service's is not for everybody to look at.
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

fn lost(finding: Finding) -> Finding {
    finding
        .todo("Without it links, passwords and titles are forgotten when the server ends, and no command can speak to it.")
        .todo("Name another: state_dir = \"…\"")
}

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
    let secret = |entry: &&Entry| [store::FILE, self_signed::FILE].contains(&entry.name.as_str());
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

/// Files that the server's user cannot replace, or that somebody else could: left by a server that another user started.
fn strangers(facts: &Facts, folder: &Entry) -> Option<Finding> {
    let strange = facts.look.entries.iter().find(|entry| entry.owner != folder.owner)?;
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

/// How many of each there are.
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
    let socket = facts.look.place.join(control::FILE);
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
mod tests {
    use super::*;
    use crate::doctor::report::{Mark, Report};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const ME: u32 = 1000;

    fn entry(name: &str, mode: u32, owner: u32) -> Entry {
        Entry { name: name.into(), mode, owner, modified: 0 }
    }

    fn facts(mode: u32, owner: u32, entries: Vec<Entry>) -> Facts {
        let found = Found::Folder { entry: entry("", mode, owner), writable: true };
        let look = Look { place: "/state".into(), found, entries };
        Facts { look, of_service: false, me: ME, credentials: Ok(Listing::default()), titles: Ok(()) }
    }

    fn text(facts: &Facts, control: &Control) -> String {
        let mut report = Report::default();
        report.add("", judge(facts, control));
        report.text(Default::default())
    }

    #[test]
    fn who_else_can_get_at_it_is_said() {
        let ours = || vec![entry("control.sock", 0o600, ME), entry("credentials.json", 0o600, ME)];
        let fine = text(&facts(0o700, ME, ours()), &Control::Nothing);
        assert!(fine.contains("✓ /state can be used; 0 logins, 0 links and keys, 0 shares."), "{fine}");
        for (facts, words) in [
            (
                facts(0o755, ME, ours()),
                ["! Other users can look into /state (mode 0755)", "chmod 700 /state"],
            ),
            (
                facts(0o770, ME, ours()),
                ["✗ Other users can change what is in /state (mode 0770)", "chmod 700"],
            ),
            (
                facts(0o700, ME, vec![entry("credentials.json", 0o644, ME)]),
                [
                    "✗ Other users can read /state/credentials.json (mode 0644)",
                    "chmod 600 /state/credentials.json",
                ],
            ),
            (
                facts(0o700, ME, vec![entry("certificate.pem", 0o640, ME)]),
                ["✗ Other users can read /state/certificate.pem (mode 0640)", "chmod 600"],
            ),
            (
                facts(0o700, 4242, ours()),
                ["✗ /state belongs to the user number 4242", "sudo lenscast doctor"],
            ),
            (
                facts(0o700, ME, vec![entry("cameras.json", 0o600, 4242)]),
                ["cameras.json in it to number 4242: the server may not read it", "chown --recursive"],
            ),
        ] {
            let text = text(&facts, &Control::Nothing);
            assert!(words.iter().all(|words| text.contains(words)), "{text}");
        }
        let service = Facts { of_service: true, ..facts(0o700, 4242, vec![]) };
        let seen = text(&service, &Control::Forbidden);
        assert!(
            !seen.contains('✗') && seen.contains("sudo lenscast doctor"),
            "a service's is another user's: {seen}"
        );
        let by_root = Facts { me: ROOT, ..facts(0o700, 4242, vec![entry("cameras.json", 0o600, 4242)]) };
        assert!(
            text(&by_root, &Control::Nothing).contains("✓ /state can be used"),
            "root may look at a service's"
        );
    }

    #[test]
    fn a_place_that_cannot_be_is_explained() {
        let with = |found| {
            let mut facts = facts(0o700, ME, vec![]);
            facts.look.found = found;
            text(&facts, &Control::Nothing)
        };
        let above = || "/home/anna".into();
        assert!(
            with(Found::Nothing { above: above(), writable: true }).contains("✓ /state is not there yet")
        );
        let text = with(Found::Nothing { above: above(), writable: false });
        assert!(text.contains("✗ /state cannot be made: you may not write in /home/anna"), "{text}");
        let text = with(Found::NoFolder("/state".into()));
        assert!(text.contains("✗") && text.contains("/state is something else"), "{text}");
        let text = with(Found::Folder { entry: entry("", 0o700, ME), writable: false });
        assert!(text.contains("✗ /state cannot be written to"), "{text}");
    }

    #[test]
    fn a_server_that_does_not_answer_is_told_from_one_that_is_not_there() {
        let facts = facts(0o700, ME, vec![]);
        for (control, words) in [
            (Control::Left, "! Nobody answers at /state/control.sock"),
            (Control::Forbidden, "– A server of another user keeps its state there"),
            (Control::Silent("it hangs".into()), "✗ A server is there and does not answer"),
        ] {
            let text = text(&facts, &control);
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn damaged_files_are_named_and_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        for name in [store::FILE, titles::FILE] {
            fs::write(folder.path().join(name), "{\"secret-word\"").unwrap();
            fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let said = text(&Facts::gather(folder.path(), false, 0), &Control::Nothing);
        for words in [
            "credentials.json is damaged",
            "the server does not start",
            "cameras.json is damaged",
            "sets it aside",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("secret-word"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is set aside");
        let mut facts = facts(0o700, ME, vec![entry("cameras.json.damaged", 0o600, ME)]);
        assert!(text(&facts, &Control::Nothing).contains("! The titles of the cameras were lost once"));
        facts.look.entries.clear();
        assert_eq!(judge(&facts, &Control::Nothing)[0].mark, Mark::Fine);
    }

    #[test]
    fn what_was_written_last_is_a_file_or_a_credential() {
        use crate::auth::secret::Kind;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Arc::new(StateDir::open(folder.path()).unwrap())).unwrap();
        store.add_token(Kind::View, "tablet", None, None, 5_000_000_000).unwrap();
        let newest = Facts::gather(folder.path(), false, 0).newest().unwrap();
        assert_eq!(newest, ("A credential in credentials.json".to_owned(), 5_000_000_000));
        let mut facts = facts(0o700, ME, vec![Entry { modified: 7, ..entry("cameras.json", 0o600, ME) }]);
        assert_eq!(facts.newest(), Some(("cameras.json".to_owned(), 7)));
        facts.look.entries.clear();
        assert_eq!(facts.newest(), None);
    }
}
