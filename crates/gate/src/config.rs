//! What the owner decided about who may come in.

use ipnet::IpNet;
use lenscast_auth::policy::Policy;

/// What a [`Gate`](super::Gate) is told.
#[derive(Clone, Debug)]
pub struct GateConfig {
    /// What may be done without a credential.
    pub policy: Policy,
    /// Proxies whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of other pages that may use the API, such as `https://home.example`.
    pub cors_origins: Vec<String>,
    /// The path under which a proxy serves this server, with a slash at both ends. Session cookies are for it.
    pub base_path: String,
    /// How many may watch at once.
    pub max_viewers: usize,
    /// How many of them from one address.
    pub max_viewers_per_address: usize,
    /// How many cameras may be connected at once.
    pub max_cameras: usize,
    /// How many bytes the messages of all cameras may take together: what came of those that are not whole, and the newest picture
    /// of each camera.
    pub max_camera_bytes: usize,
}
