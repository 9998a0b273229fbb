//! The cameras that a credential is for, and how they are written into a file.

use lenscast_protocol::CameraName;
use std::collections::BTreeSet;

/// The cameras that a credential is for. `None` means every camera, new ones included.
pub type Cameras = Option<BTreeSet<CameraName>>;

/// How the one camera of a share link is kept: as `null` (all of them), or as a name.
pub(crate) mod one {
    use lenscast_protocol::CameraName;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(camera: &Option<CameraName>, to: S) -> Result<S::Ok, S::Error> {
        camera.as_ref().map(CameraName::as_str).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CameraName>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        name.map(|name| CameraName::new(&name)).transpose().map_err(D::Error::custom)
    }
}

/// How [`Cameras`] are kept: as `null` (all of them), or as a list of names.
pub(crate) mod some {
    use super::Cameras;
    use lenscast_protocol::CameraName;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(cameras: &Cameras, to: S) -> Result<S::Ok, S::Error> {
        let names: Option<Vec<&str>> =
            cameras.as_ref().map(|cameras| cameras.iter().map(CameraName::as_str).collect());
        names.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Cameras, D::Error> {
        let names = Option::<Vec<String>>::deserialize(from)?;
        let read = |names: Vec<String>| names.iter().map(|name| CameraName::new(name)).collect();
        names.map(read).transpose().map_err(D::Error::custom)
    }
}

/// How a set of cameras is kept: as a list of names.
pub(crate) mod set {
    use lenscast_protocol::CameraName;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::collections::BTreeSet;

    pub fn serialize<S: Serializer>(cameras: &BTreeSet<CameraName>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(cameras.iter().map(CameraName::as_str))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<CameraName>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        names.iter().map(|name| CameraName::new(name)).collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}
