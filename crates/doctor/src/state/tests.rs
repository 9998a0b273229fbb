//! What is said about a state directory.

use super::*;
use crate::report::{Mark, Report};
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
        (facts(0o755, ME, ours()), ["! Other users can look into /state (mode 0755)", "chmod 700 /state"]),
        (facts(0o770, ME, ours()), ["✗ Other users can change what is in /state (mode 0770)", "chmod 700"]),
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
        (facts(0o700, 4242, ours()), ["✗ /state belongs to the user number 4242", "sudo lenscast doctor"]),
        (
            facts(0o700, ME, vec![entry("cameras.json", 0o600, 4242)]),
            ["cameras.json in it to number 4242: the server may not read it", "chown --recursive"],
        ),
    ] {
        let text = text(&facts, &Control::Nothing);
        assert!(words.iter().all(|words| text.contains(words)), "{text}");
    }
    let others = facts(0o700, ME, vec![entry("lost+found", 0o700, ROOT)]);
    assert!(text(&others, &Control::Nothing).contains("✓ /state can be used"), "that is no file of ours");
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
    assert!(with(Found::Nothing { above: above(), writable: true }).contains("✓ /state is not there yet"));
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
    use lenscast_auth::secret::Kind;
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
