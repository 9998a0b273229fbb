//! A right that a connection hangs on: the connection ends when the right does, or the credential that it was opened
//! with.

use super::{Gate, Visitor};
use lenscast_auth::rights::{Right, Rights};
use lenscast_base::time::now;
use lenscast_protocol::CameraName;
use std::time::Duration;

/// How often a right is looked at anyway: the clock may have been set, and each look counts as use of the credential.
const RECHECK: Duration = Duration::from_secs(60);

/// What is said to whoever may no longer watch or publish.
pub const OVER: &str = "this login, link or key is no longer good";

/// A right that a connection hangs on.
#[derive(Debug)]
pub(super) struct Hold {
    gate: Gate,
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
    /// A hold on one right for one camera.
    pub(super) fn camera(gate: &Gate, visitor: &Visitor, right: Right, camera: &CameraName) -> Self {
        Self { gate: gate.clone(), visitor: visitor.clone(), on: On::Camera(right, camera.clone()) }
    }

    /// A hold on exactly the rights that the visitor has now. More rights end it, too.
    pub(super) fn all(gate: &Gate, visitor: &Visitor) -> Self {
        let rights = visitor.rights().clone();
        Self { gate: gate.clone(), visitor: visitor.clone(), on: On::All(rights) }
    }

    /// Returns when the right has gone. Cancel-safe.
    pub(super) async fn lost(&self) {
        // Subscribed before the first look: a change in between wakes the loop.
        let mut credentials = self.gate.auth().store().changes();
        let mut config = self.gate.0.config.watch();
        loop {
            let now = now();
            if !self.holds(now) {
                return;
            }
            // A credential that expires in 20 s is looked at again in 20 s, one that lasts for an hour in 60 s.
            let left = self.visitor.caller().expires.and_then(|expires| expires.checked_sub(now));
            let left = left.filter(|left| *left > 0).map_or(RECHECK, Duration::from_secs).min(RECHECK);
            let goes_on = tokio::select! {
                changed = credentials.changed() => changed.is_ok(),
                changed = config.changed() => changed.is_ok(),
                () = tokio::time::sleep(left) => true,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn holds(&self, now: u64) -> bool {
        // Whoever takes a credential back wants those out who came in by it, also where they could come without.
        if !self.gate.auth().is_good(self.visitor.caller(), now) {
            return false;
        }
        let rights = self.gate.rights_now(&self.visitor, now);
        match &self.on {
            On::Camera(right, camera) => rights.allows(*right, Some(camera)),
            On::All(all) => rights == *all,
        }
    }
}
