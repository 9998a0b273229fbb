//! The camera that a request is about.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use lenscast_protocol::CameraName;

/// The camera that a request's path names, or `default` when it names none.
#[derive(Clone, Debug)]
pub struct Named(pub CameraName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = (StatusCode, String);

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Option::<Path<String>>::from_request_parts(parts, state).await {
            Ok(None) => Ok(Self(CameraName::default())),
            Ok(Some(Path(name))) => match CameraName::new(&name) {
                Ok(name) => Ok(Self(name)),
                Err(error) => Err((StatusCode::BAD_REQUEST, format!("{error}\n"))),
            },
            Err(rejection) => Err((StatusCode::BAD_REQUEST, format!("{rejection}\n"))),
        }
    }
}
