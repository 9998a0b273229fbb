//! Passwords and keys that the owner wrote into the configuration.

use crate::secret::Secret;
use lenscast_protocol::CameraName;

/// The credentials of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The password with which everything may be done; `None`: there is none.
    pub admin_password: Option<Secret>,
    /// The password with which all cameras may be watched; `None`: there is none.
    pub view_password: Option<Secret>,
    /// The keys with which cameras may publish. Several cameras may have the same key.
    pub camera_keys: Vec<CameraKey>,
}

/// The key with which one camera may publish.
#[derive(Clone, Debug)]
pub struct CameraKey {
    /// The camera's name.
    pub camera: CameraName,
    /// The camera's key.
    pub key: Secret,
}
