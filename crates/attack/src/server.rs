//! The program under attack, and what it uses as the kernel counts it.

use crate::place::Place;
use crate::{Result, wire};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The password with which the owner of the server does everything.
pub(crate) const ADMIN_PASSWORD: &str = "the owner's own horse";
/// The password with which the household watches.
pub(crate) const VIEW_PASSWORD: &str = "the household's horse";

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// A running `lenscast serve` with default limits, in a folder of its own. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    /// Where it speaks plain HTTP.
    pub(crate) address: SocketAddr,
    /// Where it speaks TLS.
    pub(crate) tls: SocketAddr,
}

/// What a process uses at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Resident memory now, in 10^6 bytes.
    pub(crate) rss_mb: f64,
    /// The most resident memory so far, in 10^6 bytes.
    pub(crate) peak_mb: f64,
    /// Threads.
    pub(crate) threads: u64,
    /// Open descriptors, of which every connection is one.
    pub(crate) descriptors: u64,
    /// Bytes that were written to files so far, the log included.
    pub(crate) written: u64,
}

impl Server {
    /// Starts the program at a place, and waits until it is well.
    pub(crate) async fn start(program: &Path, place: &Place) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (address, tls) = ports(place)?;
        // Limits are the defaults, and strangers are in the home network, where they may watch.
        let config = format!(
            "listen = \"{address}\"\ntls_listen = \"{tls}\"\ntls = \"self-signed\"\nplain = \"all\"\nopen_view = true\n\
             admin_password = \"{ADMIN_PASSWORD}\"\nview_password = \"{VIEW_PASSWORD}\"\n"
        );
        let file = folder.path().join("lenscast.toml");
        fs::write(&file, config)?;
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(&file).arg("--state-dir").arg(folder.path().join("state"));
        command.env_remove("RUST_LOG").env_remove("LENSCAST_LOG");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let mut server = Self { child, folder, address, tls };
        let start = Instant::now();
        while wire::get(place.health(), address, "/healthz").await.is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}: {}", server.log()).into());
            }
            if start.elapsed() > START {
                return Err(format!("the server does not answer: {}", server.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }

    /// What it uses now.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let of = |what: &str| format!("/proc/{}/{what}", self.child.id());
        let status = fs::read_to_string(of("status"))?;
        let io = fs::read_to_string(of("io"))?;
        let field = |text: &str, name: &str| {
            number_in(text, name).ok_or_else(|| format!("the server is gone: no {name}"))
        };
        Ok(Usage {
            rss_mb: field(&status, "VmRSS:")? as f64 * 1024.0 / 1e6,
            peak_mb: field(&status, "VmHWM:")? as f64 * 1024.0 / 1e6,
            threads: field(&status, "Threads:")?,
            descriptors: fs::read_dir(of("fd"))?.count() as u64,
            written: field(&io, "write_bytes:")?,
        })
    }

    /// Bytes of its log.
    pub(crate) fn log_bytes(&self) -> u64 {
        fs::metadata(self.folder.path().join("log")).map_or(0, |log| log.len())
    }

    /// Its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Bytes of all files that it keeps.
    pub(crate) fn state_bytes(&self) -> u64 {
        let files = fs::read_dir(self.folder.path().join("state")).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.kill();
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.child.wait();
    }
}

/// Two ports that are free at the place.
fn ports(place: &Place) -> Result<(SocketAddr, SocketAddr)> {
    let bind = || std::net::TcpListener::bind((place.server(), 0));
    // Both at once, lest they be the same.
    let (plain, tls) = (bind()?, bind()?);
    Ok((plain.local_addr()?, tls.local_addr()?))
}

/// The number behind a name, as in `VmRSS:    20000 kB`.
fn number_in(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_numbers_are_found_by_their_names() {
        let status = "Name:\tx\nVmHWM:\t   20000 kB\nVmRSS:\t   10000 kB\nThreads:\t7\n";
        assert_eq!(number_in(status, "VmRSS:"), Some(10_000));
        assert_eq!(number_in(status, "Threads:"), Some(7));
        assert_eq!(number_in(status, "VmSwap:"), None);
    }
}
