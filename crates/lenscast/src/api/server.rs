//! `GET /api/server`: the server itself, as far as `/status` does not tell.

use crate::program::Program;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_base::listen::Listening;
use lenscast_base::time::now;
use lenscast_cameras::Cameras;
use lenscast_http::api::no;
use lenscast_http::api::openapi::{About, Tag};
use lenscast_http::api::problem::Problem;
use lenscast_http::callers::Caller;
use lenscast_http::places::Places;
use lenscast_http::refused_cameras::RefusedCamera;
use lenscast_http::serving::Serving;
use lenscast_settings::mistake::Mistakes;
use lenscast_settings::reload::Reload;
use lenscast_tls::{Certificates, Info};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::Path;
use utoipa::ToSchema;

/// The answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ServerInfo {
    /// Version of this program.
    pub version: &'static str,
    /// The process.
    pub pid: u32,
    /// When it was started, in seconds since the Unix epoch.
    pub started: u64,
    /// The configuration file; null when there is none.
    pub config_file: Option<String>,
    /// Where it keeps what is to survive a restart; null when nothing is kept.
    pub state_dir: Option<String>,
    /// Where it listens.
    pub listen: Vec<Listener>,
    /// Where people find the pages.
    pub urls: Vec<String>,
    /// The certificate that it shows; null without TLS.
    pub certificate: Option<Shown>,
    /// Who may do what without a credential.
    pub access: OpenTo,
    /// Cameras that were refused in the last hour, the newest first.
    pub refused_cameras: Vec<RefusedCamera>,
    /// Requests from elsewhere since the server started, by the address that they came from.
    pub callers: Vec<Caller>,
    /// How this computer's clock was set while the server ran; null when it was not.
    pub clock_stepped: Option<ClockStepped>,
    /// Keys whose values have changed and are in force after a reload.
    pub needs_reload: Vec<&'static str>,
    /// Keys whose values have changed and are in force when the server is started again.
    pub needs_restart: Vec<&'static str>,
    /// What is wrong with the configuration as it stands now; a reload would refuse it.
    pub mistakes: Vec<String>,
    /// What is not as it should be about the configuration that is in force, and works.
    pub warnings: Vec<String>,
}

/// How this computer's clock was set while the server ran, by more than a second. A computer that slept shows the same.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ClockStepped {
    /// How often it was set since the server started.
    pub count: u64,
    /// When it was set last, by the clock as it was set, in seconds since the Unix epoch.
    pub at: u64,
    /// By how many seconds it was set forward then; less than 0 when it was set back.
    pub by_s: i64,
}

/// A socket that is open.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Listener {
    /// Address and port.
    pub address: String,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

/// A certificate.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Shown {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// From when on it is good, in seconds since the Unix epoch.
    pub not_before: u64,
    /// Until when it is good, in seconds since the Unix epoch.
    pub not_after: u64,
    /// Its SHA-256 fingerprint, as browsers show it.
    pub fingerprint: String,
    /// Whether nobody but itself vouches for it.
    pub self_signed: bool,
    /// Why the one that the configuration names is not in force, if it is not.
    pub trouble: Option<String>,
}

/// Who may do what without a credential.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenTo {
    /// Everybody may do everything.
    pub open: bool,
    /// The home network may watch.
    pub open_view: bool,
    /// No camera may publish.
    pub require_camera_key: bool,
}

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Which process it is, since when, where it listens, who may do what without a credential, and what was changed in its \
        configuration and is not in force.";
    About::new("getServer", Tag::Server, "The server itself", text)
        .answer::<ServerInfo>(200, "How it is.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "The server failed.")
}

/// `GET /api/server`.
pub async fn handler(
    State(program): State<Program>,
    State(cameras): State<Cameras>,
    State(places): State<Places>,
    State(serving): State<Serving>,
) -> Result<Response, Problem> {
    // It reads files.
    let told = tokio::task::spawn_blocking(move || info(&program, &cameras, &places, &serving)).await;
    let told = told.map_err(|error| no(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response())
}

fn info(program: &Program, cameras: &Cameras, places: &Places, serving: &Serving) -> ServerInfo {
    let (config, reloader) = (program.config(), program.reloader());
    let pending = reloader.map_or_else(|| Ok(Reload::default()), |reloader| reloader.pending());
    let (pending, mistakes) = match pending {
        Ok(pending) => (pending, Vec::new()),
        Err(Mistakes(mistakes)) => (Reload::default(), mistakes),
    };
    let warnings = reloader.map(|reloader| reloader.warnings()).unwrap_or_default();
    ServerInfo {
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        started: now().saturating_sub(cameras.clock().now().to_duration().as_secs()),
        config_file: reloader.and_then(|reloader| reloader.file()).map(|path| shown(&path)),
        state_dir: program.state().place().map(shown),
        listen: listeners(places.listening()),
        urls: places.all(),
        certificate: serving.certificates().map(|certificates| Shown::of(certificates)),
        access: OpenTo {
            open: config.access.open,
            open_view: config.access.open_view,
            require_camera_key: config.access.require_camera_key,
        },
        refused_cameras: serving.refused_cameras().list(),
        callers: serving.callers().list(),
        clock_stepped: ClockStepped::of(cameras),
        needs_reload: pending.applied,
        needs_restart: pending.needs_restart,
        mistakes: mistakes.iter().map(ToString::to_string).collect(),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    }
}

fn listeners(listening: Listening) -> Vec<Listener> {
    let listener = |tls| move |address: SocketAddr| Listener { address: address.to_string(), tls };
    listening.plain.map(listener(false)).into_iter().chain(listening.tls.map(listener(true))).collect()
}

impl ClockStepped {
    fn of(cameras: &Cameras) -> Option<Self> {
        let steps = cameras.clock().steps();
        let last = steps.last?;
        Some(Self { count: steps.count, at: last.at_unix_us / 1_000_000, by_s: last.by_us / 1_000_000 })
    }
}

impl Shown {
    fn of(certificates: &Certificates) -> Self {
        let info = certificates.info();
        let (fingerprint, trouble) = (info.fingerprint(), certificates.trouble());
        let Info { names, not_before, not_after, self_signed, .. } = info;
        Self { names, not_before, not_after, fingerprint, self_signed, trouble }
    }
}

/// Where something is, for who works in another directory.
fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
