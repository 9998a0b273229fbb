//! The parts of the whole configuration, one for each crate that gets no other.

use super::{Config, Plain};
use lenscast_auth::policy::Policy;
use lenscast_gate::GateConfig;
use lenscast_http::config::{self, HttpConfig};
use lenscast_http::crowd::Limits as Places;

impl Config {
    /// The part that the gate gets.
    #[must_use]
    pub fn gate(&self) -> GateConfig {
        let (access, limits) = (&self.access, &self.limits);
        GateConfig {
            policy: Policy {
                open: access.open,
                open_view: access.open_view,
                require_camera_key: access.require_camera_key,
                hosts: access.host_names.clone(),
                local: access.local.into(),
            },
            trusted_proxies: self.proxy.trusted_proxies.clone(),
            cors_origins: access.cors_origins.clone(),
            base_path: self.proxy.base_path.clone(),
            max_viewers: limits.max_viewers,
            max_viewers_per_address: limits.max_viewers_per_address,
            max_cameras: limits.max_cameras,
            // A camera alone can always send its largest message, while the one before is still shown.
            max_camera_bytes: limits.max_camera_bytes.max(limits.max_message_bytes.saturating_mul(4)),
        }
    }

    /// The part that the HTTP side gets.
    #[must_use]
    pub fn http(&self) -> HttpConfig {
        let limits = &self.limits;
        HttpConfig {
            plain: self.tls.as_ref().map_or(config::Plain::All, |tls| tls.plain.into()),
            base_path: self.proxy.base_path.clone(),
            host_names: self.access.host_names.clone(),
            behind_proxy: !self.proxy.trusted_proxies.is_empty(),
            max_message_bytes: limits.max_message_bytes,
            max_pixels: limits.max_pixels,
            trusted_proxies: self.proxy.trusted_proxies.clone(),
            connections: Places {
                connections: limits.max_connections,
                per_address: limits.max_connections_per_address,
                reserved: limits.reserved_connections,
                newcomers: limits.max_newcomers,
            },
            handshake_timeout: limits.handshake_timeout,
            ping_interval: limits.ping_interval,
            camera_timeout: limits.camera_timeout,
            stall_timeout: limits.stall_timeout,
            encoder_timeout: limits.encoder_timeout,
            snapshot_max_age: limits.snapshot_max_age,
        }
    }
}

impl From<Plain> for config::Plain {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Cameras => Self::Cameras,
            Plain::All => Self::All,
            Plain::Off => Self::Off,
        }
    }
}
