//! The form of a camera's name and title, for the description of the API.
//!
//! The types of this module are only described, never made: for what is read as a plain text and checked later, and for what
//! comes from crates that know nothing of OpenAPI.

use super::titles::MAX_TITLE_CHARS;
use lenscast_protocol::name::MAX_NAME_BYTES;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A pattern for texts without control characters.
pub const ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// The name of a camera.
#[derive(Debug)]
pub enum CameraName {}

/// A camera's name for people, as somebody writes it.
#[derive(Debug)]
pub enum Title {}

impl PartialSchema for CameraName {
    fn schema() -> RefOr<Schema> {
        camera("").description(Some("The name of a camera, as it stands in paths.")).into()
    }
}

impl ToSchema for CameraName {}

impl PartialSchema for Title {
    fn schema() -> RefOr<Schema> {
        let title = ObjectBuilder::new().schema_type(Type::String).max_length(Some(MAX_TITLE_CHARS));
        title.pattern(Some(ONE_LINE)).description(Some("What people call a camera.")).into()
    }
}

impl ToSchema for Title {}

/// A text that begins with a camera's name, and ends with what the pattern `suffix` says.
#[must_use]
pub fn camera(suffix: &str) -> ObjectBuilder {
    let pattern = format!("^[a-z0-9_-]{{1,{MAX_NAME_BYTES}}}{suffix}$");
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}
