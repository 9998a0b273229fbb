//! What several outputs need.

use crate::api::openapi::About;
use axum::http::{StatusCode, header};
use lenscast_protocol::CameraName;

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
