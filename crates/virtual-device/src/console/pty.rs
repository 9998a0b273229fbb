//! The console on a pseudo-terminal, as on a serial port.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{CHUNKS, Console, Input, Output, Typed};

/// When nothing was taken for this long, nobody reads.
const PATIENCE: Duration = Duration::from_secs(1);

/// The device's end is nonblocking; the other end is held open too: otherwise each program that leaves would look like
/// an error, and the terminal's modes would be lost with it.
pub(super) fn open() -> io::Result<(Console, PathBuf)> {
    open_with(PATIENCE)
}

fn open_with(patience: Duration) -> io::Result<(Console, PathBuf)> {
    let device = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::pty::grantpt(&device)?;
    rustix::pty::unlockpt(&device)?;
    let path = PathBuf::from(OsString::from_vec(rustix::pty::ptsname(&device, Vec::new())?.into_bytes()));
    rustix::io::ioctl_fionbio(&device, true)?;
    let user = rustix::fs::open(
        &path,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    // No echo: the device itself does that, and nothing else may come back to it.
    let mut modes = rustix::termios::tcgetattr(&user)?;
    modes.make_raw();
    rustix::termios::tcsetattr(&user, OptionalActions::Now, &modes)?;

    // Pipes only by name: what tokio does with them fits each file that tells when it can be read and written.
    let device = File::from(device);
    let reader = pipe::Receiver::from_file_unchecked(device.try_clone()?)?;
    let writer = pipe::Sender::from_file_unchecked(device)?;
    let (typed, input) = mpsc::channel(CHUNKS);
    let (output, printed) = mpsc::channel(CHUNKS);
    let (done, closed) = oneshot::channel();
    let reading = tokio::spawn(read(reader, typed));
    tokio::spawn(async move {
        write(&writer, &user, printed, patience).await;
        reading.abort();
        #[expect(clippy::let_underscore_must_use, reason = "who waited for the end may be gone")]
        let _ = done.send(());
    });
    Ok((
        Console {
            input: Input(Some(input)),
            output: Output::Somebody(output),
            closed: Some(closed),
            _terminal: None,
        },
        path,
    ))
}

async fn read(device: pipe::Receiver, typed: mpsc::Sender<Typed>) {
    let mut buffer = [0; 1024];
    while device.readable().await.is_ok() {
        match device.try_read(&mut buffer) {
            Ok(length) if length > 0 => {
                if typed.send(Typed::Bytes(buffer[..length].to_vec())).await.is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Cannot be while the other end is held open.
            _ => return,
        }
    }
}

async fn write(
    device: &pipe::Sender,
    user: &OwnedFd,
    mut printed: mpsc::Receiver<Vec<u8>>,
    patience: Duration,
) {
    while let Some(chunk) = printed.recv().await {
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            match timeout(patience, device.writable()).await {
                // What nobody read is old: who comes then sees what was printed last.
                Err(_elapsed) => drop_unread(user),
                Ok(Err(_)) => return,
                Ok(Ok(())) => {}
            }
            match device.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

fn drop_unread(user: &OwnedFd) {
    let mut buffer = [0; 1024];
    while rustix::io::read(user, &mut buffer).is_ok_and(|length| length > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[tokio::test]
    async fn who_comes_late_sees_what_was_printed_last() {
        let (mut console, path) = open_with(Duration::from_millis(20)).expect("a pseudo-terminal");
        // Far more than the system keeps for nobody.
        let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}\r\n")).collect();
        let text = lines.concat().into_bytes();
        let mut rest = &text[..];
        while !rest.is_empty() {
            console.output.print(|buffer| rest.read(buffer).expect("memory"));
            console.output.ready().await;
        }
        let mut seen = tokio::task::spawn_blocking(move || {
            let mut port = std::fs::File::open(path).expect("it is there");
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            while !seen.ends_with(b"line 19999\r\n") {
                let length = port.read(&mut buffer).expect("more");
                seen.extend_from_slice(&buffer[..length]);
            }
            seen
        });
        let seen =
            timeout(Duration::from_secs(60), &mut seen).await.expect("the last line").expect("no panic");
        assert!(seen.len() < text.len() / 2, "{} of {} bytes were kept for nobody", seen.len(), text.len());
        console.close().await;
    }
}
