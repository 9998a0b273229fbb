//! The bytes of a connection, below TLS and HTTP: what was heard, and whether the other side still takes anything.
//!
//! **One rule for all connections**: one that took no byte and sent none for `stall_timeout` is closed. "Took" means that
//! the peer acknowledged it. The kernel takes some hundred kilobytes for a peer that is gone, so a slow camera's frames
//! would go there for minutes; what it still holds of them tells the truth ([`unacknowledged`]).
//!
//! ```text
//!  time  written  held by the kernel  acknowledged
//!   0 s   80,000              60,000        20,000
//!   1 s   85,000              65,000        20,000   nothing taken since 0 s
//!  30 s  230,000             210,000        20,000   a stall, though the kernel would take more
//! ```
//!
//! The setting is read at each look, so a reload counts for the connections that are there.

use super::crowd::Place;
use super::ended::Cause;
use super::serving::Serving;
use lenscast_base::unacknowledged::unacknowledged;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// The longest and the shortest time between two looks, and how many there are within `stall_timeout` else.
const MAX_LOOK: Duration = Duration::from_secs(1);
const MIN_LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 8;

/// What is known of a connection, for those who serve it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Flow(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Bytes that were read since the newest request was answered.
    since_answer: AtomicU64,
    stalled: AtomicBool,
}

impl Flow {
    /// Whether the connection was closed because it took nothing for too long.
    #[must_use]
    pub fn has_stalled(&self) -> bool {
        self.0.stalled.load(Ordering::Relaxed)
    }

    /// Notes that a request was answered: what is read now belongs to the next one.
    pub(super) fn answered(&self) {
        self.0.since_answer.store(0, Ordering::Relaxed);
    }

    /// Whether a part of a request has come that is not answered.
    pub(super) fn is_asking(&self) -> bool {
        self.0.since_answer.load(Ordering::Relaxed) > 0
    }
}

/// When a connection took or sent something last.
#[derive(Debug)]
struct Progress {
    /// Bytes that were acknowledged at the last look.
    acknowledged: u64,
    /// When something was acknowledged last, or everything was.
    taken: Instant,
    /// When something was read last.
    heard: Instant,
}

impl Progress {
    /// A look at `now`: `held` of the `written` bytes are not acknowledged. Gives how long nothing was taken nor heard.
    fn look(&mut self, written: u64, held: u64, now: Instant) -> Duration {
        let acknowledged = written.saturating_sub(held);
        if held == 0 || acknowledged > self.acknowledged {
            (self.acknowledged, self.taken) = (acknowledged, now);
        }
        now.saturating_duration_since(self.taken.max(self.heard))
    }
}

/// A connection's socket, with its place among all connections.
#[derive(Debug)]
pub(super) struct Line {
    socket: TcpStream,
    place: Arc<Place>,
    serving: Serving,
    flow: Flow,
    progress: Progress,
    written: u64,
    /// The kernel took no more at the last write.
    blocked: bool,
    next_look: Pin<Box<Sleep>>,
}

impl Line {
    pub(super) fn new(socket: TcpStream, place: Place, serving: Serving) -> Self {
        let now = Instant::now();
        Self {
            socket,
            place: Arc::new(place),
            serving,
            flow: Flow::default(),
            progress: Progress { acknowledged: 0, taken: now, heard: now },
            written: 0,
            blocked: false,
            next_look: Box::pin(tokio::time::sleep_until(now + MAX_LOOK)),
        }
    }

    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub(super) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The first byte that waits to be read, which stays there. `None` when the connection ended.
    pub(super) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        Ok((self.socket.peek(&mut first).await? == 1).then_some(first[0]))
    }

    /// Looks from time to time whether the peer still takes something.
    ///
    /// Whatever is polled, this is polled with it. So it needs no task of its own, and wakes the one that serves the
    /// connection.
    fn look(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.next_look.as_mut().poll(cx).is_ready() {
            let (patience, now) = (self.serving.config().stall_timeout, Instant::now());
            let held = unacknowledged(&self.socket).unwrap_or(u64::from(self.blocked));
            if self.progress.look(self.written, held, now) >= patience {
                if !self.flow.0.stalled.swap(true, Ordering::Relaxed) {
                    self.serving.ended().count(Cause::Stalled);
                }
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it took nothing for too long"));
            }
            self.next_look.as_mut().reset(now + (patience / LOOKS).clamp(MIN_LOOK, MAX_LOOK));
        }
        Ok(())
    }

    fn wrote(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.blocked = result.is_pending();
        let count = ready!(result)?;
        self.written += count as u64;
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.look(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        if count > 0 {
            self.progress.heard = Instant::now();
            self.flow.0.since_answer.fetch_add(count as u64, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.look(cx)?;
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.look(cx)?;
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look(cx)?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Without a reset the kernel would keep what such a peer does not take, for minutes.
        if self.flow.has_stalled() || self.place.is_pushed_out() {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "a system that cannot do this keeps the bytes for a while"
            )]
            let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> (Progress, Instant) {
        let now = Instant::now();
        (Progress { acknowledged: 0, taken: now, heard: now }, now)
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_kernel_takes_is_not_taken_by_the_peer() {
        let (mut progress, start) = progress();
        assert_eq!(progress.look(80_000, 60_000, start), Duration::ZERO);
        for second in 1..=30 {
            let written = 80_000 + 5000 * second;
            let quiet = progress.look(written, written - 20_000, after(start, second));
            assert_eq!(quiet, Duration::from_secs(second), "more is written, and nothing acknowledged");
        }
        assert_eq!(
            progress.look(300_000, 279_999, after(start, 31)),
            Duration::ZERO,
            "one byte is something"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_everything_may_wait_for_ever() {
        let (mut progress, start) = progress();
        assert_eq!(progress.look(0, 0, after(start, 3600)), Duration::ZERO);
        assert_eq!(progress.look(100, 0, after(start, 7200)), Duration::ZERO);
        assert_eq!(progress.look(200, 100, after(start, 7210)), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn who_speaks_is_there_though_it_takes_nothing() {
        let (mut progress, start) = progress();
        progress.heard = after(start, 25);
        assert_eq!(progress.look(100, 100, after(start, 30)), Duration::from_secs(5));
    }
}
