//! Connections that last: they end when what they were opened with is no more allowed.

use super::Visitor;
use crate::server::App;
use lenscast_auth::rights::{Right, Rights};
use lenscast_base::time::now;
use lenscast_protocol::CameraName;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked anyway: the clock may have been set, and it counts as use.
const RECHECK: Duration = Duration::from_secs(60);

/// What is said to whoever may no longer watch or send.
pub const OVER: &str = "this login, link or key is no longer good";

/// A right that a connection hangs on.
#[derive(Debug)]
pub struct Hold {
    app: Arc<App>,
    visitor: Visitor,
    on: On,
}

#[derive(Debug)]
enum On {
    /// A right for one camera.
    Camera(Right, CameraName),
    /// Exactly these rights: what is told depends on them.
    All(Rights),
}

impl Hold {
    pub(super) fn camera(app: &Arc<App>, visitor: &Visitor, right: Right, camera: &CameraName) -> Self {
        Self { app: app.clone(), visitor: visitor.clone(), on: On::Camera(right, camera.clone()) }
    }

    pub(super) fn all(app: &Arc<App>, visitor: &Visitor) -> Self {
        let rights = visitor.rights().clone();
        Self { app: app.clone(), visitor: visitor.clone(), on: On::All(rights) }
    }

    /// Returns when it is gone.
    pub async fn lost(self) {
        let mut changes = self.app.auth.store().changes();
        let mut config = self.app.live.watch();
        loop {
            let now = now();
            if !self.holds(now) {
                return;
            }
            let left = self.visitor.caller().expires.and_then(|expires| expires.checked_sub(now));
            let left = left.filter(|left| *left > 0).map_or(RECHECK, Duration::from_secs).min(RECHECK);
            let goes_on = tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = config.changed() => changed.is_ok(),
                () = tokio::time::sleep(left) => true,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn holds(&self, now: u64) -> bool {
        let rights = self.visitor.rights_now(&self.app, now);
        match &self.on {
            On::Camera(right, camera) => rights.allows(*right, Some(camera)),
            On::All(all) => rights == *all,
        }
    }
}
