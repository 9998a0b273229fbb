//! What somebody may do, and with which cameras.

use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One of the three things that one may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To send a camera's pictures.
    Publish,
    /// To watch.
    View,
    /// To change something. Includes the other two.
    Admin,
}

/// For which cameras a right holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For these.
    Only(BTreeSet<CameraName>),
    /// For every camera, also for those to come, without these.
    AllBut(BTreeSet<CameraName>),
}

impl Scope {
    /// For no camera.
    #[must_use]
    pub const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// For every camera.
    #[must_use]
    pub const fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// As it is stored: some cameras, or `None` for all.
    #[must_use]
    pub fn of(cameras: Option<&BTreeSet<CameraName>>) -> Self {
        cameras.map_or(Self::all(), |cameras| Self::Only(cameras.clone()))
    }

    /// Whether it holds for this camera.
    #[must_use]
    pub fn contains(&self, camera: &CameraName) -> bool {
        match self {
            Self::Only(these) => these.contains(camera),
            Self::AllBut(these) => !these.contains(camera),
        }
    }

    /// Whether it holds for every camera there may be.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::AllBut(these) if these.is_empty())
    }

    /// Whether it holds for no camera at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(these) if these.is_empty())
    }

    /// For the cameras of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a | b),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a & b),
            (Self::AllBut(without), Self::Only(with)) | (Self::Only(with), Self::AllBut(without)) => {
                Self::AllBut(without - with)
            }
        }
    }
}

/// All that somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Which cameras may be watched.
    pub view: Scope,
    /// As which cameras pictures may be sent.
    pub publish: Scope,
    /// Everything.
    pub admin: bool,
}

impl Rights {
    /// Nothing.
    pub const NONE: Self = Self { view: Scope::none(), publish: Scope::none(), admin: false };

    /// Everything.
    pub const ALL: Self = Self { view: Scope::all(), publish: Scope::all(), admin: true };

    /// To watch, and no more.
    #[must_use]
    pub fn viewing(view: Scope) -> Self {
        Self { view, ..Self::NONE }
    }

    /// To send pictures, and no more.
    #[must_use]
    pub fn publishing(publish: Scope) -> Self {
        Self { publish, ..Self::NONE }
    }

    /// Whether `right` holds for `camera`; without a camera, whether it holds for every one there may be.
    #[must_use]
    pub fn allows(&self, right: Right, camera: Option<&CameraName>) -> bool {
        let scope = match right {
            _ if self.admin => return true,
            Right::Admin => return false,
            Right::View => &self.view,
            Right::Publish => &self.publish,
        };
        camera.map_or_else(|| scope.is_all(), |camera| scope.contains(camera))
    }

    /// Whether `right` holds for some camera at least: who may see a list at all, if only of what is theirs.
    #[must_use]
    pub fn allows_some(&self, right: Right) -> bool {
        self.admin
            || match right {
                Right::Admin => false,
                Right::View => !self.view.is_none(),
                Right::Publish => !self.publish.is_none(),
            }
    }

    /// What either allows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            view: self.view.union(&other.view),
            publish: self.publish.union(&other.publish),
            admin: self.admin || other.admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(name: &str) -> CameraName {
        CameraName::new(name).unwrap()
    }

    fn set(names: &[&str]) -> BTreeSet<CameraName> {
        names.iter().map(|name| camera(name)).collect()
    }

    #[test]
    fn a_union_holds_for_exactly_what_either_holds_for() {
        let scopes = [
            Scope::none(),
            Scope::all(),
            Scope::Only(set(&["a"])),
            Scope::Only(set(&["a", "b"])),
            Scope::AllBut(set(&["a"])),
            Scope::AllBut(set(&["b", "c"])),
        ];
        for one in &scopes {
            for other in &scopes {
                let both = one.union(other);
                for name in ["a", "b", "c", "d"].map(camera) {
                    let expected = one.contains(&name) || other.contains(&name);
                    assert_eq!(both.contains(&name), expected, "{one:?} and {other:?}: {name}");
                }
            }
        }
    }

    #[test]
    fn a_right_for_one_camera_is_none_for_another_nor_for_all() {
        let rights = Rights::viewing(Scope::Only(set(&["front"])));
        assert!(rights.allows(Right::View, Some(&camera("front"))));
        assert!(!rights.allows(Right::View, Some(&camera("back"))));
        assert!(!rights.allows(Right::View, None), "all cameras are more than one");
        assert!(rights.allows_some(Right::View));
        for other in [Right::Publish, Right::Admin] {
            assert!(!rights.allows(other, Some(&camera("front"))) && !rights.allows_some(other), "{other:?}");
        }
        let rights = Rights::publishing(Scope::AllBut(set(&["front"])));
        assert!(!rights.allows(Right::Publish, Some(&camera("front"))));
        assert!(rights.allows(Right::Publish, Some(&camera("back"))));
        assert!(!rights.allows(Right::Publish, None));
        assert!(!rights.allows_some(Right::View));
    }

    #[test]
    fn admin_includes_the_others_and_nothing_includes_admin() {
        let admin = Rights { admin: true, ..Rights::NONE };
        let rest = Rights { admin: false, ..Rights::ALL };
        for right in [Right::Publish, Right::View, Right::Admin] {
            assert!(admin.allows(right, None) && admin.allows_some(right), "{right:?}");
            assert!(admin.allows(right, Some(&camera("x"))), "{right:?}");
            assert!(!Rights::NONE.allows(right, Some(&camera("x"))), "{right:?}");
            assert!(!Rights::NONE.allows(right, None) && !Rights::NONE.allows_some(right), "{right:?}");
            assert_eq!(rest.allows(right, None), right != Right::Admin);
            assert_eq!(rest.allows_some(right), right != Right::Admin);
        }
        assert_eq!(admin.union(&rest), Rights::ALL);
        assert_eq!(Rights::NONE.union(&Rights::NONE), Rights::NONE);
    }
}
