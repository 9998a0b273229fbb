//! Other programs of this computer, asked for what they know. None of them is waited for for long.

use std::env;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Longest output that is read, in bytes.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

/// Where programs for administrators are, which the PATH of others does not have on Debian.
const FOR_ROOT: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// What became of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// There is no such program.
    NotThere,
    /// It answered, and said that all is well.
    Text(String),
    /// It answered, and says that something is not; with all that it printed.
    Failed(String),
    /// It did not answer in time.
    Nothing,
}

/// Runs a program, in the language that is understood here.
pub(crate) fn ask(program: &str, args: &[&str]) -> Said {
    let Some(path) = find(program) else {
        return Said::NotThere;
    };
    let child = Command::new(path)
        .args(args)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return Said::NotThere;
    };
    let deadline = Instant::now() + PATIENCE;
    let (out, errors) = (read(child.stdout.take()), read(child.stderr.take()));
    let wait =
        |from: &Receiver<String>| from.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let (out, errors) = (wait(&out), wait(&errors));
    // Who has closed both has ended, or is about to.
    let in_time = out.is_ok() && errors.is_ok();
    if !in_time {
        // It may have ended just now.
        let _ = child.kill();
    }
    let ended = child.wait();
    match (ended, out, errors) {
        (Ok(status), Ok(out), Ok(_)) if status.success() => Said::Text(out),
        (Ok(_), Ok(out), Ok(errors)) => Said::Failed(out + &errors),
        _ => Said::Nothing,
    }
}

/// Where a program is.
fn find(program: &str) -> Option<PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&own).chain(FOR_ROOT.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Reads to the end, elsewhere.
fn read(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until it broke is what there is.
        let _ = from.map(|from| from.take(MAX_OUTPUT).read_to_end(&mut bytes));
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_answers_fails_is_not_there_or_says_nothing() {
        assert_eq!(ask("sh", &["-c", "echo hello; echo LC=$LC_ALL"]), Said::Text("hello\nLC=C\n".into()));
        assert_eq!(ask("sh", &["-c", "echo a; echo b >&2; exit 3"]), Said::Failed("a\nb\n".into()));
        assert_eq!(ask("lenscast-no-such-program", &[]), Said::NotThere);
        let begun = Instant::now();
        assert_eq!(ask("sleep", &["600"]), Said::Nothing);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
