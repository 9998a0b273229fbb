//! What is said to a caller who may watch, and cannot.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lenscast_gate::admission::Refusal;

/// The answer to a caller who may watch, and cannot: 503 when the server is full, 429 when this address has enough.
pub(super) fn refused(refusal: Refusal) -> Response {
    let code = match refusal {
        Refusal::Full(_) | Refusal::ListenersFull(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::AddressFull(_) | Refusal::AddressListens(_) => StatusCode::TOO_MANY_REQUESTS,
    };
    (code, format!("{refusal}\n")).into_response()
}
