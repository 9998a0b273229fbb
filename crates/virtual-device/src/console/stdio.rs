//! The console on standard input and output.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::{mpsc, oneshot};

use super::plain::Plain;
use super::{CHUNKS, Console, End, Input, Output, Typed};

/// Ctrl-], which ends telnet and the monitor of ESP-IDF, too.
const END_KEY: u8 = 0x1d;

/// How the terminal was before a console took it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives a terminal that [`Console::stdio`] took its modes back. For programs that end without dropping the console.
pub fn restore_terminal() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // What the device printed last is shown first.
        #[expect(clippy::let_underscore_must_use, reason = "a terminal that is gone needs no modes")]
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &before);
    }
}

/// Plain threads, because a read of standard input cannot be cancelled: a task's would keep the program from ending.
pub(super) fn open() -> io::Result<Console> {
    let terminal = if io::stdin().is_terminal() { Some(Taken::new()?) } else { None };
    let raw = terminal.is_some();
    let (typed, input) = mpsc::channel(CHUNKS);
    let (output, printed) = mpsc::channel(CHUNKS);
    let (done, closed) = oneshot::channel();
    thread::Builder::new().name("console in".to_owned()).spawn(move || read(raw, &typed))?;
    thread::Builder::new().name("console out".to_owned()).spawn(move || {
        #[expect(clippy::let_underscore_must_use, reason = "an error says that nobody reads any more")]
        let _ = write(printed);
        #[expect(clippy::let_underscore_must_use, reason = "who waited for the end may be gone")]
        let _ = done.send(());
    })?;
    Ok(Console {
        input: Input(Some(input)),
        output: Output::Somebody(output),
        closed: Some(closed),
        _terminal: terminal,
    })
}

/// A terminal that gives every key as it is, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken(());

impl Taken {
    fn new() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore_terminal();
                before(panic);
            }));
        });
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(()))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        restore_terminal();
    }
}

fn read(raw: bool, typed: &mpsc::Sender<Typed>) {
    let mut buffer = [0; 1024];
    loop {
        let bytes = match io::stdin().read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let end = bytes.iter().position(|byte| raw && *byte == END_KEY);
        let bytes = &bytes[..end.unwrap_or(bytes.len())];
        if typed.blocking_send(Typed::Bytes(bytes.to_vec())).is_err() {
            return;
        }
        if end.is_some() {
            #[expect(clippy::let_underscore_must_use, reason = "a device that is gone needs not be told")]
            let _ = typed.blocking_send(Typed::End(End::Key));
            return;
        }
    }
    #[expect(clippy::let_underscore_must_use, reason = "a device that is gone needs not be told")]
    let _ = typed.blocking_send(Typed::End(End::Input));
}

fn write(mut printed: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let mut plain = if io::stdout().is_terminal() { None } else { Some(Plain::new()) };
    while let Some(mut chunk) = printed.blocking_recv() {
        if let Some(plain) = &mut plain {
            let mut text = Vec::new();
            plain.pass(&chunk, &mut text);
            chunk = text;
        }
        let mut out = io::stdout().lock();
        out.write_all(&chunk)?;
        out.flush()?;
    }
    Ok(())
}
