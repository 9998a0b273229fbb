//! One ffmpeg process for pictures of one size.

use super::program::Ffmpeg;
use super::{command, matroska, nut, units};
use lenscast_media::h264::encoder::Encoded;
use lenscast_media::picture::I420;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a process may take no byte until it counts as hung.
pub(super) const HUNG_AFTER: Duration = Duration::from_secs(5);

/// The longest line of what the process says that is passed on whole, in bytes.
const MAX_LINE: u64 = 2000;

/// What comes from the process. Access units come from one thread, lines from another.
#[derive(Debug)]
pub(super) enum Output {
    /// An access unit, in order, and the stamp of its picture.
    Unit(u64, Encoded),
    /// A line in which it complains.
    Line(String),
    /// The end: no access unit will come any more. The text says why.
    End(String),
}

/// A running ffmpeg process. When this is dropped, the process is killed and waited for. It also ends by itself when its
/// standard input ends, so that it does not outlive a server that was killed.
#[derive(Debug)]
pub(super) struct Child {
    process: Killer,
    /// The process's standard input. It is a socket, since writing to a pipe has no time limit without unsafe code.
    stdin: Option<UnixStream>,
    threads: Vec<JoinHandle<()>>,
    size: (usize, usize),
    begun: bool,
}

/// What kills the process, from any thread, even while another thread writes to it.
#[derive(Clone, Debug)]
pub(super) struct Killer(Arc<Mutex<process::Child>>);

impl Child {
    /// Starts a process for pictures of `size` (width and height in pixels) of the camera `camera`. What comes from it goes to
    /// `output`.
    pub(super) fn start(
        ffmpeg: &Ffmpeg,
        camera: &str,
        size: (usize, usize),
        output: impl Fn(Output) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_write_timeout(Some(HUNG_AFTER))?;
        let mut process = command::encode(&ffmpeg.codec, ffmpeg.bitrate(size))
            .env(command::CAMERA_VARIABLE, camera)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is the server's to hear: it ends its children in order.
            .process_group(0)
            .spawn()?;
        let stdout = process.stdout.take();
        let stderr = process.stderr.take();
        // From here on, whatever fails, the process is ended.
        let mut child = Self {
            process: Killer(Arc::new(Mutex::new(process))),
            stdin: Some(ours),
            threads: Vec::new(),
            size,
            begun: false,
        };
        let (stdout, stderr) = stdout.zip(stderr).expect("both are piped");
        let lines = output.clone();
        child.thread("ffmpeg output", move || read_units(BufReader::new(stdout), &output))?;
        child.thread("ffmpeg log", move || read_lines(BufReader::new(stderr), &lines))?;
        Ok(child)
    }

    fn thread(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// The size of the pictures that the process takes, in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    pub(super) fn killer(&self) -> Killer {
        self.process.clone()
    }

    /// Gives the process a picture. Stamps are in µs and increase; the first is 0, and an odd one asks for a key frame.
    ///
    /// # Errors
    /// `WouldBlock` when the process is hung, anything else when it has ended.
    pub(super) fn write(&mut self, picture: &I420, stamp: u64) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        if !std::mem::replace(&mut self.begun, true) {
            stdin.write_all(&matroska::header(self.size.0, self.size.1))?;
        }
        stdin.write_all(&matroska::picture_head(picture, stamp))?;
        for plane in [picture.y(), picture.u(), picture.v()] {
            stdin.write_all(plane)?;
        }
        Ok(())
    }

    /// Tells the process that no more pictures come. It gives the access units that it still has, and ends.
    pub(super) fn close(&mut self) {
        self.stdin = None;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.close();
        self.process.kill();
        for thread in self.threads.drain(..) {
            // A panic in it was its own end; ours is not needed.
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a panic of that thread was told when it happened"
            )]
            let _ = thread.join();
        }
        // It fails only when somebody has waited for it before: then there is nothing left of it either.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.process.lock().wait();
    }
}

impl Killer {
    /// Kills the process if it still runs.
    pub(super) fn kill(&self) {
        // It fails only when the process has ended already, which is what is wanted.
        #[expect(clippy::let_underscore_must_use, reason = "it may have ended already")]
        let _ = self.lock().kill();
    }

    fn lock(&self) -> MutexGuard<'_, process::Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_units(source: impl Read, output: &impl Fn(Output)) {
    let mut reader = nut::Reader::new(source);
    let why = loop {
        match reader.next() {
            Ok(Some(packet)) => {
                if let Some(encoded) = units::tidy(&packet.data, &reader.extradata) {
                    output(Output::Unit(packet.pts, encoded));
                }
            }
            Ok(None) => break "it ended".to_owned(),
            Err(error) => break format!("its output broke off: {error}"),
        }
    };
    output(Output::End(why));
}

fn read_lines(mut source: impl io::BufRead, output: &impl Fn(Output)) {
    let mut line = Vec::new();
    while matches!(source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            output(Output::Line(text.trim().to_owned()));
        }
        line.clear();
    }
}
