//! The body of a request, which has to be there in time as a whole.

use super::ended::Cause;
use super::serving::Serving;
use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep};

/// What a body ends with that is not there in time.
const TOO_SLOW: &str = "the body of the request did not come in time";

/// The body of a request. It fails when it is not there as a whole within `handshake_timeout` after its head, however
/// often a byte comes.
pub(super) struct Timely {
    body: Incoming,
    began: Instant,
    /// When it has to be there; set when it is waited for.
    end: Option<Pin<Box<Sleep>>>,
    serving: Serving,
    peer: IpAddr,
}

impl Timely {
    /// A body whose head has just come.
    pub(super) fn new(body: Incoming, serving: Serving, peer: IpAddr) -> Self {
        Self { body, began: Instant::now(), end: None, serving, peer }
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let end = this.began + this.serving.config().handshake_timeout;
        let sleep = this.end.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.serving.end(Cause::SlowBody, this.peer);
        Poll::Ready(Some(Err(axum::Error::new(io::Error::new(io::ErrorKind::TimedOut, TOO_SLOW)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a request failed because its body was not there in time.
pub(super) fn was_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut source = Some(error);
    while let Some(error) = source {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        source = error.source();
    }
    false
}
