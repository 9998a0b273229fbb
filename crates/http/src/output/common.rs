//! What several outputs need.

use crate::api::openapi::About;
use crate::line::Flow;
use axum::http::{StatusCode, header};
use lenscast_live::Stream;
use lenscast_protocol::CameraName;
use std::sync::Arc;

/// What is live must not be kept by anybody on the way.
pub(super) const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Adds what is said to a caller who may watch, and cannot.
pub(super) fn watched(about: About) -> About {
    about
        .refuses(StatusCode::SERVICE_UNAVAILABLE, "As many watch as may.")
        .refuses(StatusCode::TOO_MANY_REQUESTS, "As many watch from this address as may.")
}

/// Splits `name.suffix`, where `name` is a camera's.
pub(super) fn split(file: &str) -> Option<(CameraName, &str)> {
    let (name, suffix) = file.rsplit_once('.')?;
    Some((CameraName::new(name).ok()?, suffix))
}

/// A viewer by HTTP. When it is dropped after its connection took nothing for too long, the stall is counted, as one of a
/// viewer by WebSocket is.
#[derive(Debug)]
pub(super) struct Watching {
    stream: Arc<Stream>,
    flow: Flow,
}

impl Watching {
    /// Somebody watches `stream` by the connection of `flow`.
    pub(super) fn new(stream: Arc<Stream>, flow: Flow) -> Self {
        Self { stream, flow }
    }

    /// What is watched.
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.flow.has_stalled() {
            self.stream.count_stalled();
        }
    }
}
