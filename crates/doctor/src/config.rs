//! The check of the configuration: mistakes in it, who else can read it, and whether the encoder works.

use crate::report::Finding;
use lenscast_live::pipeline::encoder::MakeEncoder;
use lenscast_settings::Loaded;
use lenscast_settings::mistake::{Mistake, Mistakes, Origin};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// The longest time for ffmpeg to show that it can encode.
const PATIENCE: Duration = Duration::from_secs(8);

/// The facts about the configuration.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The path of the file and its mode; `None` when there is no file.
    pub file: Option<(PathBuf, u32)>,
    /// The number of keys that somebody set.
    pub set: usize,
    /// The mistakes in it.
    pub mistakes: Vec<Mistake>,
    /// The warnings: things that work, and are not as they should be.
    pub warnings: Vec<Mistake>,
    /// The names of the keys whose secrets stand in the file itself.
    pub secrets: Vec<&'static str>,
    /// The outcome of trying ffmpeg; `None` when the built-in encoder is used.
    pub encoder: Option<Encoder>,
}

/// The outcome of trying ffmpeg's encoder.
#[derive(Debug)]
pub(crate) enum Encoder {
    /// The encoder encodes.
    Works,
    /// The encoder does not encode. Inside is why.
    Fails(Vec<Mistake>),
    /// It does not answer in time.
    Silent,
}

impl Facts {
    /// Gathers the facts about settings that were read.
    pub(crate) fn gather(loaded: &Arc<Loaded>) -> Self {
        let of_files = loaded.config_with(MakeEncoder::built_in(Default::default())).err();
        let mistakes = of_files.map_or_else(Vec::new, |Mistakes(mistakes)| mistakes);
        let in_file = |origin: &Origin| matches!(origin, Origin::File { .. });
        let secrets = loaded.values.iter().filter(|value| value.is_in_clear() && in_file(&value.origin));
        Self {
            file: loaded.file.as_deref().map(with_mode),
            set: loaded.values.iter().filter(|value| value.is_set()).count(),
            warnings: loaded.warnings.clone(),
            secrets: secrets.map(|value| value.key.name.as_str()).collect(),
            encoder: encoder(loaded, &mistakes),
            mistakes,
        }
    }

    /// The facts about settings with mistakes, which could not be used.
    pub(crate) fn of_mistakes(Mistakes(mistakes): &Mistakes) -> Self {
        let file = mistakes.iter().find_map(|mistake| match &mistake.origin {
            Origin::File { path, .. } => Some(with_mode(path)),
            _ => None,
        });
        let (warnings, secrets) = Default::default();
        Self { file, set: 0, mistakes: mistakes.clone(), warnings, secrets, encoder: None }
    }
}

/// A file with its mode; 0 when that cannot be seen.
fn with_mode(path: &Path) -> (PathBuf, u32) {
    (path.to_owned(), fs::metadata(path).map_or(0, |metadata| metadata.mode() & 0o7777))
}

/// Lets ffmpeg show what it can, when it is the encoder. This happens on a thread of its own, since ffmpeg may hang.
fn encoder(loaded: &Arc<Loaded>, known: &[Mistake]) -> Option<Encoder> {
    if loaded.settings.encoder == Default::default() {
        return None;
    }
    let (sender, receiver) = mpsc::channel();
    let loaded = loaded.clone();
    thread::spawn(move || {
        // Sending fails when the asking side has given up waiting. Then nobody wants the answer.
        #[expect(clippy::let_underscore_must_use, reason = "nobody waits any more when it took too long")]
        let _ = sender.send(loaded.config().map(drop));
    });
    Some(match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(())) => Encoder::Works,
        Ok(Err(Mistakes(mistakes))) => {
            let mistakes: Vec<Mistake> =
                mistakes.into_iter().filter(|mistake| !known.contains(mistake)).collect();
            if mistakes.is_empty() { Encoder::Works } else { Encoder::Fails(mistakes) }
        }
        Err(_) => Encoder::Silent,
    })
}

/// The findings about the configuration.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let Facts { file, set, mistakes, warnings, secrets, encoder: _ } = facts;
    let mut findings: Vec<Finding> =
        mistakes.iter().map(|mistake| Finding::wrong(sentence(mistake))).collect();
    if let Some(last) = findings.pop() {
        findings.push(last.todo("lenscast config sample shows every key, and what it can be."));
    }
    findings.extend(warnings.iter().map(|warning| Finding::look(sentence(warning))));
    findings.extend(file.as_ref().and_then(|(path, mode)| exposed(path, *mode, secrets)));
    if mistakes.is_empty() {
        let keys = if *set == 1 { "1 key is set".to_owned() } else { format!("{set} keys are set") };
        findings.push(Finding::fine(match file {
            Some((path, _)) => format!("{} can be read; {keys}.", path.display()),
            None => format!("There is no configuration file; {keys}."),
        }));
    }
    findings
}

/// The findings about the encoder of video.
pub(crate) fn judge_encoder(facts: &Facts) -> Vec<Finding> {
    match &facts.encoder {
        None => Vec::new(),
        Some(Encoder::Works) => vec![Finding::fine("ffmpeg can encode as it is set.")],
        Some(Encoder::Fails(mistakes)) => {
            mistakes.iter().map(|mistake| Finding::wrong(sentence(mistake))).collect()
        }
        Some(Encoder::Silent) => {
            let text = format!("ffmpeg did not encode a picture within {} s.", PATIENCE.as_secs());
            vec![Finding::wrong(text).todo("Take another encoder: encoder = \"builtin\"")]
        }
    }
}

/// A mistake as a whole sentence, with a full stop at its end.
fn sentence(mistake: &Mistake) -> String {
    let text = mistake.to_string();
    if text.ends_with(['.', '?']) { text } else { text + "." }
}

/// The finding about a file that other users can change or read. Who can change it can do everything; who can read it
/// knows the secrets in it.
fn exposed(path: &Path, mode: u32, secrets: &[&str]) -> Option<Finding> {
    let shown = path.display();
    if mode & 0o002 != 0 {
        let text = format!(
            "Every user of this computer can change {shown} (mode {mode:04o}), and so decide who may do what."
        );
        return Some(Finding::wrong(text).todo(format!("chmod go-w {shown}")));
    }
    (mode & 0o004 != 0 && !secrets.is_empty()).then(|| {
        let text = format!("Every user of this computer can read {} in {shown} (mode {mode:04o}).", secrets.join(", "));
        Finding::wrong(text)
            .todo(format!("chmod 600 {shown} (640, and the group of the service, if it runs as another user),"))
            .todo("or put each secret into a file of its own: \"file:PATH\". And choose others: these may be known.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mark;
    use lenscast_settings::Sources;

    /// What is said about a file with that text and mode.
    fn said(text: &str, mode: u32) -> Vec<(Mark, String)> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lenscast.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let facts = match (Sources { file: Some(path), ..Sources::default() }).load() {
            Ok(loaded) => Facts::gather(&Arc::new(loaded)),
            Err(mistakes) => Facts::of_mistakes(&mistakes),
        };
        let shown = folder.path().display().to_string() + "/";
        let findings = judge(&facts).into_iter().chain(judge_encoder(&facts));
        findings.map(|found| (found.mark, found.text.replace(&shown, ""))).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let found = said("max_viewer = 3\nencode = \"alway\"\n", 0o600);
        assert_eq!(
            found[0],
            (Mark::Wrong, "lenscast.toml:1: max_viewer is no key; did you mean max_viewers?".to_owned())
        );
        assert!(found[1].1.starts_with("lenscast.toml:2: encode is"), "{found:?}");
        assert_eq!(found.len(), 2);
        let found = said("camera_timeout = 5\n", 0o600);
        assert!(found[0].0 == Mark::Look && found[0].1.contains("camera_timeout is not longer"), "{found:?}");
        assert_eq!(found[1].1, "lenscast.toml can be read; 1 key is set.");
        let found = said("tls_cert = \"none.pem\"\ntls_key = \"none.key\"\n", 0o600);
        assert!(
            found[0].0 == Mark::Wrong && found[0].1.starts_with("lenscast.toml:1: tls_cert: cannot read"),
            "{found:?}"
        );
    }

    #[test]
    fn secrets_in_a_file_that_others_can_read_are_named_and_not_shown() {
        let file = "admin_password = \"hunter2\"\ncamera_keys = { door = \"hunter3\" }\n";
        let found = said(file, 0o644);
        assert_eq!(found[0].0, Mark::Wrong);
        assert!(
            found[0].1.contains("can read admin_password, camera_keys in lenscast.toml (mode 0644)"),
            "{found:?}"
        );
        assert!(!found.iter().any(|(_, text)| text.contains("hunter")), "{found:?}");
        for mode in [0o600, 0o640] {
            assert_eq!(said(file, mode).len(), 1, "{mode:o}");
        }
        assert_eq!(said("max_viewers = 3\n", 0o644).len(), 1, "there is no secret in it");
        assert!(said("", 0o666)[0].1.contains("can change lenscast.toml"));
    }

    #[test]
    fn a_secret_that_stands_elsewhere_is_not_in_clear() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "hunter2\n").unwrap();
        let secret = secret.display();
        let found = said(
            &format!("admin_password = \"file:{secret}\"\ncamera_keys = {{ door = \"file:{secret}\" }}\n"),
            0o644,
        );
        assert!(!found.iter().any(|(_, text)| text.contains("can read")), "{found:?}");
    }

    #[test]
    fn an_encoder_that_ffmpeg_does_not_have_is_wrong() {
        let found = said("encoder = \"ffmpeg:h264_no_such_encoder\"\n", 0o600);
        assert!(found[1].0 == Mark::Wrong && found[1].1.contains("ffmpeg"), "{found:?}");
    }
}
