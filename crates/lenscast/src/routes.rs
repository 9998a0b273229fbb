//! The table of routes, and what each of them needs. The contract behind it is `docs/protocol.md` and `docs/api.md`.
//!
//! This is the one place where that is written down.

use crate::app::App;
use axum::http::Method;
use lenscast_http::routes::Routes;
use lenscast_http::rule::{For, Needs};
use lenscast_http::{api, events, ingest, metrics, output, pages, status};

/// All routes of a server.
#[must_use]
pub fn all(app: &App) -> Routes<App> {
    use Needs::{Admin, Nothing, Publish, View, ViewAll, ViewSome};
    Routes::new(app)
        .page("/", ViewSome, pages::viewer)
        .page("/camera/{name}", View, pages::viewer_of)
        .page("/mjpeg", View, pages::mjpeg)
        .page("/mjpeg/{name}", View, pages::mjpeg_of)
        .file("/assets/{file}", pages::asset)
        .file("/favicon.ico", pages::icon)
        .socket("/ws/camera", Publish, For::Devices, ingest::handler)
        .socket("/ws/camera/{name}", Publish, For::Devices, ingest::handler)
        .socket("/ws/viewer", View, For::Programs, output::viewer::handler)
        .socket("/ws/viewer/{name}", View, For::Programs, output::viewer::handler)
        .media("/stream.mjpg", output::mjpeg::default_camera, output::mjpeg::about)
        .media("/stream.ts", output::ts::default_camera, output::ts::about)
        .media("/stream/{file}", output::file::stream_file, output::file::about)
        .media("/snapshot.jpg", output::snapshot::default_camera, output::snapshot::about)
        .media("/snapshot/{file}", output::snapshot::named_camera, output::snapshot::about_named)
        .get("/status", ViewSome, status::handler, status::about)
        .get("/metrics", ViewAll, metrics::handler, metrics::about)
        .device("/healthz", Nothing, metrics::healthz, metrics::about_healthz)
        .device("/readyz", Nothing, metrics::readyz, metrics::about_readyz)
        .get("/api/events", ViewSome, events::handler, events::about)
        .get("/api/clock", ViewSome, api::clock::handler, api::clock::about)
        .get("/api/cameras/{name}/history", View, api::history::handler, api::history::about)
        .on(Method::PATCH, "/api/cameras/{name}", Admin, api::cameras::change, api::cameras::about_change)
        .on(Method::DELETE, "/api/cameras/{name}", Admin, api::cameras::forget, api::cameras::about_forget)
        .on(Method::DELETE, "/api/cameras", Admin, api::cameras::forget_all, api::cameras::about_forget_all)
        .on(Method::POST, "/api/demo", Admin, crate::api::demo::start, crate::api::demo::about_start)
        .on(Method::DELETE, "/api/demo", Admin, crate::api::demo::stop, crate::api::demo::about_stop)
        .on(Method::POST, "/api/reload", Admin, crate::api::reload::handler, crate::api::reload::about)
        .get("/api/server", Admin, crate::api::server::handler, crate::api::server::about)
        .get("/api/me", Nothing, api::login::me, api::login::about_me)
        .on(Method::POST, "/api/login", Nothing, api::login::login, api::login::about_login)
        .on(Method::POST, "/api/logout", Nothing, api::login::logout, api::login::about_logout)
        .get("/api/access", Admin, api::access::list, api::access::about_list)
        .on(Method::POST, "/api/access/tokens", Admin, api::access::add_token, api::access::about_add_token)
        .on(Method::POST, "/api/access/users", Admin, api::access::add_user, api::access::about_add_user)
        .on(
            Method::PUT,
            "/api/access/users/{name}/password",
            Admin,
            api::access::set_password,
            api::access::about_set_password,
        )
        .on(Method::POST, "/api/access/shares", Admin, api::access::add_share, api::access::about_add_share)
        .on(
            Method::DELETE,
            "/api/access/closed/{name}",
            Admin,
            api::access::open_camera,
            api::access::about_open_camera,
        )
        .on(Method::DELETE, "/api/access/{id}", Admin, api::access::revoke, api::access::about_revoke)
        .describing("/api/openapi.json")
}
