//! Asking other programs of this computer for what they know. Nobody waits long for any of them.

use std::env;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// The longest time for a program to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// The longest output that is read, in bytes.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

/// The directories with programs for administrators. On Debian, other users do not have them in their PATH.
const FOR_ROOT: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The outcome of asking a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// There is no such program.
    NotThere,
    /// It answered and ended well. Inside is its output.
    Text(String),
    /// It answered and ended with an error. Inside is all that it printed.
    Failed(String),
    /// It did not answer in time.
    Nothing,
}

/// Runs a program and reads its answer. Its language is set to English, which is understood here.
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
    // A program that has closed both of its outputs has ended, or is about to end.
    let in_time = out.is_ok() && errors.is_ok();
    if !in_time {
        // Killing fails when the program has ended just now. That is as good.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = child.kill();
    }
    let ended = child.wait();
    match (ended, out, errors) {
        (Ok(status), Ok(out), Ok(_)) if status.success() => Said::Text(out),
        (Ok(_), Ok(out), Ok(errors)) => Said::Failed(out + &errors),
        _ => Said::Nothing,
    }
}

/// The path of a program; `None` when this computer does not have it.
fn find(program: &str) -> Option<PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&own).chain(FOR_ROOT.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Reads to the end, on a thread of its own.
fn read(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // When reading breaks off, the text so far is the answer.
        let _ = from.map(|from| from.take(MAX_OUTPUT).read_to_end(&mut bytes));
        // Sending fails when the asking side has given up waiting. Then nobody wants the text.
        #[expect(clippy::let_underscore_must_use, reason = "nobody waits any more when it took too long")]
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
