//! What `lenscast access` says about what it did.
//!
//! Each sentence is a promise. What is promised depends on what the server lets everybody do without a credential, so it
//! is asked for that first. `tests/server/access/said.rs` holds every sentence against what happens.

use super::{each, text};
use lenscast_protocol::CameraName;
use serde::Deserialize;
use serde_json::Value;

/// What may be done without a credential, as `GET /api/server` tells it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct OpenTo {
    /// Everybody may do everything.
    open: bool,
    /// The home network may watch.
    open_view: bool,
    /// No camera may publish without a key.
    require_camera_key: bool,
}

/// After something was taken back that stood in the list of credentials.
pub(super) fn revoked(listed: &Value, open: OpenTo, id: &str) -> String {
    let find = |list: &str| each(&listed[list]).iter().find(|entry| entry["id"] == id);
    let mut said = if let Some(user) = find("users") {
        let name = text(&user["name"]);
        format!("{name} cannot log in any more, and what was open by this login has ended.")
    } else if let Some(session) = find("sessions") {
        let of = text(&session["of"]);
        format!(
            "This browser is logged out. Whoever has the password or link can log in again: to take that back,\n  \
             lenscast access revoke {of}"
        )
    } else if let Some(key) = find("tokens").filter(|token| token["kind"] == "camera") {
        return of_key(listed, open, key);
    } else {
        "Nobody gets in by this link any more, and what was open by it has ended.".to_owned()
    };
    if open.open {
        said += OPEN;
    } else if open.open_view {
        said += "\nWhoever is at home can watch all the same: open_view = true.";
    }
    said
}

/// What is added where nobody needs anything.
const OPEN: &str = "\nBut this server is open (open = true): whoever reaches it needs nothing of this.";

/// After a camera's key was taken back.
fn of_key(listed: &Value, open: OpenTo, key: &Value) -> String {
    let mut said = "Nobody gets in by this key any more, and whoever was in by it is cut off.".to_owned();
    if open.open {
        return said + OPEN;
    }
    let others = [&listed["tokens"], &listed["configured"]["tokens"]].into_iter().flat_map(each);
    let others: Vec<&Value> =
        others.filter(|other| other["kind"] == "camera" && other["id"] != key["id"]).collect();
    for camera in each(&key["cameras"]) {
        let name = text(camera);
        let has_another = others.iter().any(|other| each(&other["cameras"]).contains(camera));
        said += &if has_another {
            format!("\nThe camera {name} has another key, which is good still.")
        } else {
            format!(
                "\nThe camera {name} stays closed to devices without a key.\n  \
                 Another key: lenscast access new camera {name}\n  \
                 To do without: lenscast access open {name}"
            )
        };
    }
    if key["cameras"].is_null() && !open.require_camera_key {
        said += "\nDevices at home can still be cameras that never had a key of their own.";
    }
    said
}

/// After a camera's key was made.
pub(super) fn keyed(name: &CameraName, secret: &str, open: OpenTo) -> String {
    let open = if open.open { OPEN } else { "" };
    format!(
        "From now on only devices with a key can be the camera {name}, and programs on this computer.{open}\n\
         This key is shown only this once:\n  {secret}\n\
         On the camera's console:\n  cam> stream set path /ws/camera/{name} save\n  cam> stream set key {secret} save\n\
         For a device that knows no keys: the path /ws/camera/{name}?token={secret}"
    )
}

/// After a camera's name was opened.
pub(super) fn opened(name: &CameraName, open: OpenTo) -> String {
    if open.require_camera_key && !open.open {
        return format!(
            "The camera {name} needs no key of its own any more, but every camera needs one: require_camera_key = true."
        );
    }
    format!("Any device at home can be the camera {name} now, without a key.")
}

/// After somebody got another password.
pub(super) fn another_password(name: &str) -> String {
    format!(
        "{name} has another password now, and has to log in again: what was open by the old one has ended."
    )
}

/// After somebody got a password. `cameras` are those that one who watches may watch; `None` is all.
pub(super) fn new_user(name: &str, is_admin: bool, cameras: Option<&[&str]>) -> String {
    let may = match cameras {
        _ if is_admin => "do everything".to_owned(),
        Some(cameras) => format!("watch {}", cameras.join(", ")),
        None => "watch".to_owned(),
    };
    format!("{name} may {may} with this password now.")
}
