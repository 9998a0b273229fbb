//! Viewers that cost little: one thread reads for all of them, looks at the heads of the frames, and counts.

use super::unix_us;
use crate::Result;
use crate::bench::measured::percentile;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Handshakes that are under way at once: fewer than connections that a kernel holds ready.
const AT_ONCE: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20);
/// The header of a message (`format=h264`), where `arrival` lies in it, and which flag tells of lost frames
/// (`docs/protocol.md`).
const HEADER: usize = 24;
const ARRIVAL: std::ops::Range<usize> = 16..24;
const FLAGS: usize = 1;
const LOST_BEFORE: u8 = 2;
const BUFFER: usize = 64 * 1024;

thread_local! {
    /// What was read is looked at and forgotten: one buffer is enough for all.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Viewers that watch until this is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    viewers: Vec<Arc<Counter>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Counter {
    messages: AtomicU64,
    bytes: AtomicU64,
    over: AtomicBool,
    /// Only of viewers that watch `format=h264`.
    seen: Mutex<Vec<Seen>>,
}

/// A message with a header, in µs since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When the frame had arrived at the server.
    pub(crate) arrival: u64,
    /// When the message had been read.
    pub(crate) read: u64,
    /// The viewer was told that frames before it were lost.
    pub(crate) lost_before: bool,
}

impl Crowd {
    /// Opens a viewer for each path. Those whose path asks for `format=h264` note the times of each message.
    ///
    /// # Errors
    /// One of them was not let in.
    pub(crate) fn join(server: SocketAddr, paths: &[String]) -> Result<Self> {
        let viewers: Vec<Arc<Counter>> = paths.iter().map(|_| Arc::default()).collect();
        let (stop, stopped) = oneshot::channel();
        let (joined, has_joined) = mpsc::channel();
        let everybody: Vec<_> = paths.iter().cloned().zip(viewers.iter().cloned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                #[expect(
                    clippy::let_underscore_must_use,
                    reason = "the other side may be gone at the end of a run"
                )]
                let _ = joined.send(join_all(server, everybody).await);
                #[expect(
                    clippy::let_underscore_must_use,
                    reason = "the other side may be gone at the end of a run"
                )]
                let _ = stopped.await;
            });
        });
        let crowd = Self { viewers, stop: Some(stop), thread: Some(thread) };
        has_joined.recv()??;
        Ok(crowd)
    }

    /// How many messages each viewer has read.
    pub(crate) fn messages(&self) -> Vec<u64> {
        self.viewers.iter().map(|viewer| viewer.messages.load(Ordering::Relaxed)).collect()
    }

    /// How many bytes all of them have read.
    pub(crate) fn bytes(&self) -> u64 {
        self.viewers.iter().map(|viewer| viewer.bytes.load(Ordering::Relaxed)).sum()
    }

    /// How many connections have ended.
    pub(crate) fn over(&self) -> usize {
        self.viewers.iter().filter(|viewer| viewer.over.load(Ordering::Relaxed)).count()
    }

    /// What viewer number `index` has seen since this was asked last.
    pub(crate) fn take_seen(&self, index: usize) -> Vec<Seen> {
        std::mem::take(&mut self.viewers[index].seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a panic of that thread was told when it happened"
            )]
            let _ = thread.join();
        }
    }
}

/// From when the camera began to send to when the viewer had read, in ms, sorted. `sent`: in µs since the Unix epoch, in
/// order.
pub(crate) fn latencies(sent: &[u64], seen: &[Seen]) -> Vec<f64> {
    let one = |seen: &Seen| {
        let next = sent.partition_point(|&sent| sent <= seen.arrival);
        Some(seen.read.saturating_sub(*sent.get(next.checked_sub(1)?)?) as f64 / 1000.0)
    };
    let mut latencies: Vec<f64> = seen.iter().filter_map(one).collect();
    latencies.sort_by(f64::total_cmp);
    latencies
}

/// `p50 / p95` of sorted values.
pub(crate) fn two_percentiles(sorted: &[f64]) -> String {
    let text = |percent| percentile(sorted, percent).map_or("–".to_owned(), |value| format!("{value:.1}"));
    format!("{} / {}", text(50), text(95))
}

type Viewer = (String, Arc<Counter>);

async fn join_all(server: SocketAddr, viewers: Vec<Viewer>) -> std::result::Result<(), String> {
    for some in viewers.chunks(AT_ONCE) {
        let joining: Vec<_> = some
            .iter()
            .cloned()
            .map(|(path, counter)| {
                tokio::spawn(async move {
                    let joined = tokio::time::timeout(PATIENCE, upgrade(server, &path)).await;
                    let (stream, rest) = joined.map_err(|_| format!("no answer to {path} for 20 s"))??;
                    tokio::spawn(watch(stream, counter, rest, path.contains("format=h264")));
                    Ok::<_, String>(())
                })
            })
            .collect();
        for one in joining {
            one.await.map_err(|error| error.to_string())??;
        }
    }
    Ok(())
}

/// Becomes a viewer. Gives back also what came behind the answer.
async fn upgrade(server: SocketAddr, path: &str) -> std::result::Result<(TcpStream, Vec<u8>), String> {
    let io = |error: std::io::Error| format!("{path}: {error}");
    let mut stream = TcpStream::connect(server).await.map_err(io)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    let mut answer = Vec::new();
    loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = answer.split_off(end + 4);
            if !answer.starts_with(b"HTTP/1.1 101") {
                return Err(format!("{path}: {} {}", text(&answer), text(&rest)));
            }
            return Ok((stream, rest));
        }
        if stream.read_buf(&mut answer).await.map_err(io)? == 0 {
            return Err(format!("{path}: the connection ended in the answer {}", text(&answer)));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

async fn watch(stream: TcpStream, counter: Arc<Counter>, rest: Vec<u8>, header: bool) {
    let mut parser = Parser { take: if header { HEADER } else { 0 }, ..Parser::default() };
    let mut look = |bytes: &[u8]| {
        counter.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        parser.push(bytes, |header| {
            counter.messages.fetch_add(1, Ordering::Relaxed);
            if let Some(arrival) = header.get(ARRIVAL).and_then(|field| field.try_into().ok()) {
                let (arrival, lost_before) = (u64::from_be_bytes(arrival), header[FLAGS] & LOST_BEFORE != 0);
                let seen = Seen { arrival, read: unix_us(), lost_before };
                counter.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
            }
        });
    };
    look(&rest);
    loop {
        let read = stream.readable().await.and_then(|()| {
            READ.with_borrow_mut(|buffer| stream.try_read(buffer).inspect(|&count| look(&buffer[..count])))
        });
        match read {
            Ok(0) => break,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
            _ => {}
        }
    }
    counter.over.store(true, Ordering::Relaxed);
}

/// Finds the ends of binary messages in what a server sends (RFC 6455 §5.2: no masks; ours sends no fragments).
#[derive(Debug, Default)]
struct Parser {
    head: Vec<u8>,
    /// What of the payload has not come yet, once the head is complete.
    missing: Option<u64>,
    /// How many bytes of the beginning of a payload are wanted, and those of this message.
    take: usize,
    taken: Vec<u8>,
}

impl Parser {
    /// Looks at bytes; `message` is called at the end of each binary message with the bytes that are wanted of it.
    fn push(&mut self, mut bytes: &[u8], mut message: impl FnMut(&[u8])) {
        loop {
            let Some(missing) = self.missing else {
                let Some((&byte, rest)) = bytes.split_first() else { return };
                self.head.push(byte);
                bytes = rest;
                self.missing = payload_length(&self.head);
                continue;
            };
            let (payload, rest) =
                bytes.split_at(usize::try_from(missing).unwrap_or(usize::MAX).min(bytes.len()));
            let wanted = (self.take - self.taken.len()).min(payload.len());
            self.taken.extend_from_slice(&payload[..wanted]);
            bytes = rest;
            self.missing = Some(missing - payload.len() as u64);
            if self.missing != Some(0) {
                return;
            }
            if self.head[0] & 0x0f == 2 {
                message(&self.taken);
            }
            self.missing = None;
            self.head.clear();
            self.taken.clear();
        }
    }
}

/// Once the head is complete.
fn payload_length(head: &[u8]) -> Option<u64> {
    match head {
        [_, length @ 0..=125] => Some(u64::from(*length)),
        [_, 126, a, b] => Some(u64::from(u16::from_be_bytes([*a, *b]))),
        [_, 127, rest @ ..] => Some(u64::from_be_bytes(rest.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_wherever_the_reads_are_cut() {
        let mut stream = vec![0x82, 3, 1, 2, 3, 0x89, 1, 9, 0x82, 126, 0, 200];
        stream.extend([7; 200]);
        stream.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        stream.extend([8; 65536]);
        stream.extend([0x82, 0]);
        for size in [1, 2, 5, 211, 70_000] {
            let mut parser = Parser { take: 4, ..Parser::default() };
            let mut seen = Vec::new();
            stream.chunks(size).for_each(|bytes| parser.push(bytes, |taken| seen.push(taken.to_vec())));
            assert_eq!(seen, [vec![1, 2, 3], vec![7; 4], vec![8; 4], vec![]], "reads of {size}");
        }
    }

    #[test]
    fn latency_counts_from_the_frame_that_was_sent_last_before_it_arrived() {
        let seen = |arrival, read| Seen { arrival, read, lost_before: false };
        let seen = [seen(900, 950), seen(1100, 6000), seen(34_500, 36_000)];
        assert_eq!(latencies(&[1000, 34_000], &seen), [2.0, 5.0]);
    }
}
