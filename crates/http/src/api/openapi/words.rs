//! Texts and numbers of a certain form, which several types have. The limits are those of the code that checks them.
//!
//! The types of this module are only described, never made: for what is read as a plain text or number and checked later, and
//! for what comes from crates that know nothing of OpenAPI.

use lenscast_auth::ids::{MAX_LABEL_CHARS, MAX_NAME_BYTES};
use lenscast_auth::password::PASSWORD_BYTES;
use lenscast_cameras::described::{ONE_LINE, camera};
use lenscast_protocol::control::{FPS, QUALITY, SIZES};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

pub use lenscast_cameras::described::{CameraName, Title};

/// Longest time for which something is good that expires, in seconds: ten years.
pub const MAX_FOR_S: u64 = 10 * 365 * 86_400;

/// Describes types, each with words for strangers.
macro_rules! describe {
    ($($name:ty: $schema:expr, $text:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.description(Some($text)).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

/// The last part of a stream's path.
#[derive(Debug)]
pub enum StreamFile {}
/// The last part of a snapshot's path.
#[derive(Debug)]
pub enum SnapshotFile {}
/// The name of a size.
#[derive(Debug)]
pub enum Size {}
/// A JPEG's quality.
#[derive(Debug)]
pub enum Quality {}
/// By how many degrees pictures are turned.
#[derive(Debug)]
pub enum Degrees {}
/// Frames a second that a camera is asked for.
#[derive(Debug)]
pub enum FrameRate {}
/// A password that somebody is to have.
#[derive(Debug)]
pub enum Password {}
/// For how long something is good.
#[derive(Debug)]
pub enum GoodFor {}
/// What a user, token, share or session is called.
#[derive(Debug)]
pub enum Id {}
/// The name of a user.
#[derive(Debug)]
pub enum UserName {}
/// What an owner calls a token or a share.
#[derive(Debug)]
pub enum Label {}
/// An OpenAPI document.
#[derive(Debug)]
pub enum OpenApi {}

describe! {
    StreamFile: camera(r"\.(mjpg|ts)"),
        "The name of a camera, and the format of its pictures.";
    SnapshotFile: camera(r"\.jpg"),
        "The name of a camera, and the format of its pictures.";
    Size: text().enum_values(Some(SIZES.map(|(name, ..)| name))),
        "The name of a picture's size: 160 × 120, 320 × 240, 640 × 480, 800 × 600, 1024 × 768, 1600 × 1200 pixels.";
    Quality: range(Type::Integer, f64::from(*QUALITY.start()), f64::from(*QUALITY.end())),
        "The quality of a camera's JPEGs, from the worst to the best, without a decimal point.";
    Degrees: ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([0, 90, 180, 270])),
        "By how many degrees the camera's pictures are turned, clockwise.";
    FrameRate: range(Type::Number, *FPS.start(), *FPS.end()),
        "Frames a second, at most.";
    Password: text().min_length(Some(*PASSWORD_BYTES.start())).max_length(Some(*PASSWORD_BYTES.end())).pattern(Some(ONE_LINE)),
        "A password of 8 to 256 bytes in UTF-8. It does not begin as a token or share link does.";
    GoodFor: range(Type::Integer, 1.0, MAX_FOR_S as f64),
        "For how long it is good, in seconds from now, without a decimal point.";
    OpenApi: ObjectBuilder::new().schema_type(Type::Object),
        "A document as the OpenAPI specification 3.1 says.";
    Id: text().pattern(Some("^[0-9a-f]{10}$")),
        "What a user, token, share or session is called in lists and when it is revoked. It is no secret, and never used again.";
    UserName: text().pattern(Some(format!("^[a-z0-9._-]{{1,{MAX_NAME_BYTES}}}$"))),
        "The name of somebody who logs in with a password.";
    Label: text().max_length(Some(MAX_LABEL_CHARS)).pattern(Some(ONE_LINE)),
        "What the owner calls it. It may be empty.";
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn range(kind: Type, from: f64, to: f64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind).minimum(Some(from)).maximum(Some(to))
}
