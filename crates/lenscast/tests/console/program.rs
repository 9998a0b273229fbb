//! The program, started as a person would.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// `lenscast device` with its console on a pseudo-terminal. It ends when this is dropped.
pub struct Device {
    child: Child,
    _output: BufReader<ChildStdout>,
    /// Where its console is.
    pub path: PathBuf,
}

impl Device {
    pub fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lenscast"))
            .args(["device", "--console", "pty"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program is there");
        let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it tells where its console is");
        let path = line.strip_prefix("console: ").and_then(|rest| rest.split_whitespace().next());
        let path = PathBuf::from(path.unwrap_or_else(|| panic!("no path of a console: {line:?}")));
        assert_eq!(line, format!("console: {0}  (picocom {0})\n", path.display()));
        Self { child, _output: output, path }
    }

    /// Pulls the plug.
    pub fn pull_the_plug(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.wait();
    }
}
