//! Rights: what somebody may do, and with which cameras.

use lenscast_protocol::CameraName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One of the three things that somebody may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Sending pictures as a camera.
    Publish,
    /// Watching a camera.
    View,
    /// Changing everything. This right includes the other two.
    Admin,
}

/// The cameras for which a right holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Exactly these cameras.
    Only(BTreeSet<CameraName>),
    /// Every camera, new ones included, except these.
    AllBut(BTreeSet<CameraName>),
}

impl Scope {
    /// No camera at all.
    #[must_use]
    pub const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Every camera, new ones included.
    #[must_use]
    pub const fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// The scope of a stored list of cameras; `None` in a file means every camera.
    #[must_use]
    pub fn of(cameras: Option<&BTreeSet<CameraName>>) -> Self {
        cameras.map_or(Self::all(), |cameras| Self::Only(cameras.clone()))
    }

    /// Whether the right holds for this camera.
    #[must_use]
    pub fn contains(&self, camera: &CameraName) -> bool {
        match self {
            Self::Only(these) => these.contains(camera),
            Self::AllBut(these) => !these.contains(camera),
        }
    }

    /// Whether the right holds for every camera, new ones included.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::AllBut(these) if these.is_empty())
    }

    /// Whether the right holds for no camera at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(these) if these.is_empty())
    }

    /// Whether this scope has every camera that `other` has. "Every camera except a" includes "only b", and no scope with
    /// "only" includes one with "every".
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => b.is_subset(a),
            (Self::AllBut(a), Self::AllBut(b)) => a.is_subset(b),
            (Self::AllBut(without), Self::Only(with)) => without.is_disjoint(with),
            (Self::Only(_), Self::AllBut(_)) => false,
        }
    }

    /// The cameras of one scope or the other. For example, "every camera except a and b" together with "only a" is
    /// "every camera except b".
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

/// Everything that somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The cameras that may be watched.
    pub view: Scope,
    /// The cameras as which pictures may be sent.
    pub publish: Scope,
    /// Whether everything may be done, whatever the other two say.
    pub admin: bool,
}

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self { view: Scope::none(), publish: Scope::none(), admin: false };

    /// Every right, for every camera.
    pub const ALL: Self = Self { view: Scope::all(), publish: Scope::all(), admin: true };

    /// The right to watch these cameras, and no other right.
    #[must_use]
    pub fn viewing(view: Scope) -> Self {
        Self { view, ..Self::NONE }
    }

    /// The right to send pictures as these cameras, and no other right.
    #[must_use]
    pub fn publishing(publish: Scope) -> Self {
        Self { publish, ..Self::NONE }
    }

    /// Whether `right` holds for `camera`. Without a camera: whether it holds for every camera, new ones included.
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

    /// Whether `right` holds for at least one camera. Such a person may see the list of cameras, shortened to those.
    #[must_use]
    pub fn allows_some(&self, right: Right) -> bool {
        self.admin
            || match right {
                Right::Admin => false,
                Right::View => !self.view.is_none(),
                Right::Publish => !self.publish.is_none(),
            }
    }

    /// Whether everything that `other` allows is allowed by this, too.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let scopes = || self.view.includes(&other.view) && self.publish.includes(&other.publish);
        self.admin || !other.admin && scopes()
    }

    /// Everything that one or the other allows.
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
    fn what_includes_another_allows_all_that_it_allows_also_for_cameras_to_come() {
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
                // No scope here names "d", which stands for every camera to come.
                let mut names = ["a", "b", "c", "d"].map(camera).into_iter();
                let expected = names.all(|name| one.contains(&name) || !other.contains(&name));
                assert_eq!(one.includes(other), expected, "{one:?} and {other:?}");
                let [view, publish] = [Rights::viewing, Rights::publishing].map(|of| of(other.clone()));
                assert_eq!(Rights::viewing(one.clone()).includes(&view), expected);
                assert_eq!(Rights::viewing(one.clone()).includes(&publish), other.is_none());
            }
        }
        let admin = Rights { admin: true, ..Rights::NONE };
        assert!(admin.includes(&Rights::ALL) && !Rights { admin: false, ..Rights::ALL }.includes(&admin));
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
