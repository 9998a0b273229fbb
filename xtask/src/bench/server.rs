//! The server under test: a process of its own, so that what it uses can be told from what the benchmark uses.

use crate::Result;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use tungstenite::WebSocket;

/// A WebSocket to the server.
pub(crate) type Socket = WebSocket<TcpStream>;

/// A running `lenscast serve`, or another program that prints its address as that does; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens: a free port on loopback.
    pub(crate) address: SocketAddr,
    /// Open for as long as the server runs, so that it can print.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the program and waits until it listens.
    ///
    /// # Errors
    /// It could not be started, or ended before it printed its address.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--log", "warn", "serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::spawn(command)
    }

    /// Starts a command and waits until it prints its address.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the child has no standard output")?);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                return Err(format!("{:?} ended with {}", command.get_program(), child.wait()?).into());
            }
            if let Some(address) = address_in(&line) {
                break address;
            }
        };
        Ok(Self { child, address, _output: output })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it ended by itself.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.wait();
    }
}

/// Opens a WebSocket to `path`. Reads wait without end: a server that says nothing more is ended by its owner.
///
/// # Errors
/// No connection, or no WebSocket.
pub(crate) fn connect(server: SocketAddr, path: &str) -> Result<Socket> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    Ok(tungstenite::client(format!("ws://{server}{path}"), stream)?.0)
}

/// The address in a line such as `  http://127.0.0.1:41234/`.
fn address_in(line: &str) -> Option<SocketAddr> {
    line.trim().strip_prefix("http://")?.strip_suffix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_with_the_link() {
        assert_eq!(address_in("  http://127.0.0.1:41234/\n"), Some("127.0.0.1:41234".parse().unwrap()));
        assert_eq!(address_in("Watch:\n"), None);
    }
}
