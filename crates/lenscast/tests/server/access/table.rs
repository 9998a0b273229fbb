//! Every route, for every kind of caller, from everywhere.

use super::world::*;
use crate::harness::Running;
use crate::tls::other_addresses;
use lenscast::routes;
use lenscast_auth::secret::{Kind, Secret};
use lenscast_settings::config::{Access, Config, Plain, Tls};
use lenscast_tls::Certificate;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// What a route is for. This is written down here once more, by hand: whoever changes the server's table has to mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Anybody,
    /// Who may send as this camera.
    Camera(&'static str),
    /// Who may watch this camera.
    Viewer(&'static str),
    /// Who may watch some camera.
    AnyViewer,
    /// Who may watch all.
    EveryViewer,
    Owner,
}
use For::*;

/// Paths, and for whom each is.
type Doors = &'static [(&'static str, For)];

/// Method, the server's path, who, and requests of that kind which change nothing.
const TABLE: [(&str, &str, Doors); 40] = [
    ("GET", "/", &[("/", AnyViewer)]),
    (
        "GET",
        "/camera/{name}",
        &[
            ("/camera/front", Viewer("front")),
            ("/camera/back", Viewer("back")),
            ("/camera/%66ront", Viewer("front")),
            ("/camera/NO", EveryViewer),
        ],
    ),
    ("GET", "/mjpeg", &[("/mjpeg", Viewer("default"))]),
    ("GET", "/mjpeg/{name}", &[("/mjpeg/front", Viewer("front")), ("/mjpeg/back", Viewer("back"))]),
    ("GET", "/assets/{file}", &[("/assets/viewer.js", Anybody), ("/assets/none.js", Anybody)]),
    ("GET", "/favicon.ico", &[("/favicon.ico", Anybody)]),
    ("GET", "/ws/camera", &[("/ws/camera", Camera("default"))]),
    (
        "GET",
        "/ws/camera/{name}",
        &[("/ws/camera/front", Camera("front")), ("/ws/camera/back", Camera("back"))],
    ),
    ("GET", "/ws/viewer", &[("/ws/viewer", Viewer("default"))]),
    (
        "GET",
        "/ws/viewer/{name}",
        &[("/ws/viewer/front", Viewer("front")), ("/ws/viewer/back", Viewer("back"))],
    ),
    ("GET", "/stream.mjpg", &[("/stream.mjpg", Viewer("default"))]),
    ("GET", "/stream.ts", &[("/stream.ts", Viewer("default"))]),
    (
        "GET",
        "/stream/{file}",
        &[
            ("/stream/front.ts", Viewer("front")),
            ("/stream/back.mjpg", Viewer("back")),
            ("/stream/front.x.ts", EveryViewer),
            ("/stream/front", EveryViewer),
        ],
    ),
    ("GET", "/snapshot.jpg", &[("/snapshot.jpg", Viewer("default"))]),
    (
        "GET",
        "/snapshot/{file}",
        &[("/snapshot/front.jpg", Viewer("front")), ("/snapshot/back.jpg", Viewer("back"))],
    ),
    ("GET", "/status", &[("/status", AnyViewer)]),
    ("GET", "/metrics", &[("/metrics", EveryViewer)]),
    ("GET", "/healthz", &[("/healthz", Anybody)]),
    ("GET", "/readyz", &[("/readyz", Anybody)]),
    ("GET", "/api/events", &[("/api/events", AnyViewer)]),
    ("GET", "/api/clock", &[("/api/clock", AnyViewer)]),
    (
        "GET",
        "/api/cameras/{name}/history",
        &[("/api/cameras/front/history", Viewer("front")), ("/api/cameras/back/history", Viewer("back"))],
    ),
    ("PATCH", "/api/cameras/{name}", &[("/api/cameras/front", Owner), ("/api/cameras/back", Owner)]),
    ("DELETE", "/api/cameras/{name}", &[("/api/cameras/nobody", Owner)]),
    ("DELETE", "/api/cameras", &[("/api/cameras", Owner)]),
    ("POST", "/api/demo", &[("/api/demo", Owner)]),
    ("DELETE", "/api/demo", &[("/api/demo?name=nobody", Owner)]),
    ("POST", "/api/reload", &[("/api/reload", Owner)]),
    ("GET", "/api/server", &[("/api/server", Owner)]),
    ("GET", "/api/me", &[("/api/me", Anybody)]),
    ("POST", "/api/login", &[("/api/login", Anybody)]),
    ("POST", "/api/logout", &[("/api/logout", Anybody)]),
    ("GET", "/api/access", &[("/api/access", Owner)]),
    ("POST", "/api/access/tokens", &[("/api/access/tokens", Owner)]),
    ("POST", "/api/access/users", &[("/api/access/users", Owner)]),
    ("PUT", "/api/access/users/{name}/password", &[("/api/access/users/anna/password", Owner)]),
    ("POST", "/api/access/shares", &[("/api/access/shares", Owner)]),
    ("DELETE", "/api/access/closed/{name}", &[("/api/access/closed/nobody", Owner)]),
    ("DELETE", "/api/access/{id}", &[("/api/access/0000000000", Owner)]),
    ("GET", "/api/openapi.json", &[("/api/openapi.json", Anybody)]),
];

/// Somebody, by what he presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Nobody,
    WrongToken,
    ViewToken,
    ViewTokenInAddress,
    FrontShare,
    FrontKey,
    AdminToken,
    ViewerSession,
    OwnerSession,
    ViewerPassword,
    OwnerPassword,
    /// The key as the password, which players can do.
    ShareAsPassword,
    ControlSocket,
}

impl Caller {
    const ALL: [Self; 13] = [
        Self::Nobody,
        Self::WrongToken,
        Self::ViewToken,
        Self::ViewTokenInAddress,
        Self::FrontShare,
        Self::FrontKey,
        Self::AdminToken,
        Self::ViewerSession,
        Self::OwnerSession,
        Self::ViewerPassword,
        Self::OwnerPassword,
        Self::ShareAsPassword,
        Self::ControlSocket,
    ];

    fn present(self, world: &World, ask: Ask) -> Ask {
        match self {
            Self::Nobody | Self::ControlSocket => ask,
            Self::WrongToken => ask.bearer(&Secret::generate(Kind::Admin)),
            Self::ViewToken => ask.bearer(&world.view),
            Self::ViewTokenInAddress => ask.token(&world.view),
            Self::FrontShare => ask.token(&world.front_share),
            Self::FrontKey => ask.bearer(&world.front_key),
            Self::AdminToken => ask.bearer(&world.admin),
            Self::ViewerSession => ask.cookie(&world.viewer_session),
            Self::OwnerSession => ask.cookie(&world.owner_session),
            Self::ViewerPassword => ask.basic(VIEWER),
            Self::OwnerPassword => ask.basic(OWNER),
            Self::ShareAsPassword => ask.basic(("anybody", world.front_share.expose())),
        }
    }

    /// What the credential allows.
    fn may(self, what: For) -> bool {
        match self {
            Self::Nobody | Self::WrongToken => what == Anybody,
            Self::AdminToken | Self::OwnerSession | Self::OwnerPassword | Self::ControlSocket => true,
            Self::ViewToken | Self::ViewTokenInAddress | Self::ViewerSession | Self::ViewerPassword => {
                matches!(what, Anybody | Viewer(_) | AnyViewer | EveryViewer)
            }
            Self::FrontShare | Self::ShareAsPassword => matches!(what, Anybody | Viewer("front") | AnyViewer),
            Self::FrontKey => matches!(what, Anybody | Camera("front")),
        }
    }

    /// Whether it is known who he is.
    fn is_known(self) -> bool {
        !matches!(self, Self::Nobody | Self::WrongToken)
    }
}

/// What a place allows without any credential, by what the owner set.
fn may_from(place: Place, what: For, access: &Access) -> bool {
    match place {
        Place::Here => true,
        // Whatever name a camera uses: no page can have misled it.
        Place::Rebound | Place::ReboundHome if access.open => matches!(what, Anybody | Camera(_)),
        _ if access.open => true,
        // A camera calls the server as it likes; only a page can be misled by a name.
        Place::Home | Place::ReboundHome | Place::OwnHome => match what {
            Anybody => true,
            Camera(name) => name != "front" && !access.require_camera_key,
            Viewer(_) | AnyViewer | EveryViewer => access.open_view && place != Place::ReboundHome,
            Owner => false,
        },
        Place::Rebound => match what {
            Anybody => true,
            Camera(name) => name != "front" && !access.require_camera_key,
            Viewer(_) | AnyViewer | EveryViewer | Owner => false,
        },
        Place::StrangeProxy | Place::Public | Place::OwnPublic => what == Anybody,
    }
}

fn request(method: &'static str, path: &str) -> Ask {
    let request = ask(method, path);
    match (method, path) {
        (_, path) if path.starts_with("/ws/") => request.upgrade(),
        ("GET" | "DELETE", _) => request,
        // What is no JSON object changes nothing.
        _ => request.json("7"),
    }
}

/// By TLS where the server has it.
async fn code(world: &World, caller: Caller, place: Place, method: &'static str, path: &str) -> u16 {
    // A session that is ended here would be missed below.
    let presents = if path == "/api/logout" { Caller::Nobody } else { caller };
    let request = presents.present(world, request(method, path));
    if caller == Caller::ControlSocket {
        return request.by_control_socket(world).await.code;
    }
    let request = request.from(place, &world.server);
    match world.server.app.places.listening().tls {
        Some(_) => request.over_tls(&world.server, &world.trust()).await.code,
        None => request.send(&world.server).await.code,
    }
}

/// Asks for everything, and tells where the answer is not the one that is meant.
async fn walk(world: &World, access: &Access, callers: &[Caller], places: &[Place]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (method, _, requests) in TABLE {
        for (path, what) in requests {
            for place in places {
                for caller in callers {
                    let code = code(world, *caller, *place, method, path).await;
                    let may = caller.may(*what) || may_from(*place, *what, access);
                    let as_meant = match (may, caller.is_known()) {
                        (true, _) => !matches!(code, 401 | 403 | 429),
                        (false, true) => code == 403,
                        // Who guesses is slowed down.
                        (false, false) => code == 401 || (*caller == Caller::WrongToken && code == 429),
                    };
                    if !as_meant {
                        wrong.push(format!(
                            "{method} {path}: {caller:?} from {place:?} got {code}, and may: {may}"
                        ));
                    }
                }
            }
        }
    }
    wrong
}

fn here() -> Vec<Place> {
    Place::ALL.into_iter().filter(|place| !place.is_behind_proxy()).collect()
}

fn elsewhere() -> Vec<Place> {
    Place::ALL.into_iter().filter(|place| place.is_behind_proxy()).collect()
}

fn list(server: &Running) -> Vec<(String, &'static str)> {
    routes::all(&server.app).list().iter().map(|route| (route.method.to_string(), route.path)).collect()
}

#[tokio::test]
async fn every_route_is_in_the_table() {
    let world = World::new(false).await;
    let known: BTreeSet<(String, &str)> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), *path)).collect();
    let there: BTreeSet<(String, &str)> = list(&world.server).into_iter().collect();
    assert_eq!(there, known, "a route that is new, or gone");
    assert_eq!(list(&world.server).len(), TABLE.len(), "and none twice");
}

#[tokio::test]
async fn nothing_is_reachable_without_its_right_on_this_computer() {
    let world = World::new(false).await;
    let callers: Vec<Caller> =
        Caller::ALL.into_iter().filter(|caller| *caller != Caller::WrongToken).collect();
    assert_eq!(walk(&world, &Access::default(), &callers, &here()).await, [""; 0]);
    // In a world of its own: what is guessed from this address slows down who shares it.
    let world = World::new(false).await;
    assert_eq!(walk(&world, &Access::default(), &[Caller::WrongToken], &here()).await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_reachable_without_its_right_from_elsewhere() {
    let world = World::new(true).await;
    assert_eq!(walk(&world, &Access::default(), &Caller::ALL, &elsewhere()).await, [""; 0]);
}

fn with_tls(config: &mut Config, listen: SocketAddr) {
    config.listen = listen;
    config.tls = Some(Tls { certificate: Certificate::SelfSigned, listen, plain: Plain::Cameras });
}

#[tokio::test]
async fn nothing_is_reachable_without_its_right_by_tls_either() {
    let here_only = "127.0.0.1:0".parse().unwrap();
    let mut world = World::with(false, |config| with_tls(config, here_only)).await;
    world.use_secure_cookies();
    let callers: Vec<Caller> =
        Caller::ALL.into_iter().filter(|caller| *caller != Caller::WrongToken).collect();
    assert_eq!(walk(&world, &Access::default(), &callers, &here()).await, [""; 0]);
    let mut world = World::with(true, |config| with_tls(config, here_only)).await;
    world.use_secure_cookies();
    assert_eq!(walk(&world, &Access::default(), &Caller::ALL, &elsewhere()).await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_reachable_without_its_right_at_an_address_of_the_network() {
    let addresses = other_addresses();
    if addresses.is_empty() {
        println!("SKIPPED: this computer has no address but loopback");
    }
    for (address, is_home) in addresses {
        let listen = SocketAddr::new(address, 0);
        let place = if is_home { Place::OwnHome } else { Place::OwnPublic };
        let (guess, known): (Vec<_>, Vec<_>) =
            Caller::ALL.into_iter().partition(|caller| *caller == Caller::WrongToken);
        for tls in [false, true] {
            // In worlds of their own: what is guessed from this address slows down who shares it.
            for callers in [&guess, &known] {
                let mut world = World::with(false, |config| {
                    config.listen = listen;
                    if tls {
                        with_tls(config, listen);
                    }
                })
                .await;
                if tls {
                    world.use_secure_cookies();
                }
                assert_eq!(
                    walk(&world, &Access::default(), callers, &[place]).await,
                    [""; 0],
                    "{address} {tls}"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_tls_only_cameras_health_checks_and_this_computer_are_answered() {
    let world = World::with(false, |config| with_tls(config, "127.0.0.1:0".parse().unwrap())).await;
    for (method, path, requests) in TABLE {
        let is_for_devices = path.starts_with("/ws/camera") || matches!(path, "/healthz" | "/readyz");
        for (path, _) in requests {
            for caller in
                [Caller::Nobody, Caller::AdminToken, Caller::OwnerSession, Caller::ViewTokenInAddress]
            {
                for place in [Place::Rebound, Place::StrangeProxy] {
                    let request = caller.present(&world, request(method, path)).from(place, &world.server);
                    let answer = request.send(&world.server).await;
                    let goes_on = answer.header("location").is_some_and(|to| to.starts_with("https://"));
                    let is_turned_away =
                        (answer.code == 307 && goes_on) || answer.body.contains("Without TLS");
                    assert_eq!(
                        is_turned_away, !is_for_devices,
                        "{method} {path} {caller:?}: {}",
                        answer.head
                    );
                }
                let request = caller.present(&world, request(method, path)).from(Place::Here, &world.server);
                if !path.contains("logout") {
                    assert_ne!(request.send(&world.server).await.code, 307, "{method} {path} {caller:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_the_owner_opens_is_open_and_nothing_else() {
    let callers = [Caller::Nobody, Caller::FrontKey, Caller::FrontShare];
    for (what, access) in [
        ("open_view", Access { open_view: true, ..Access::default() }),
        ("require_camera_key", Access { require_camera_key: true, ..Access::default() }),
        ("open", Access { open: true, ..Access::default() }),
    ] {
        for (behind_proxy, places) in [(false, here()), (true, elsewhere())] {
            let world = World::with(behind_proxy, |config| config.access = access.clone()).await;
            assert_eq!(walk(&world, &access, &callers, &places).await, [""; 0], "{what}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_tells_nothing_to_who_may_not_and_the_right_one_to_who_may() {
    let world = World::new(true).await;
    for (_, path) in list(&world.server) {
        let path =
            path.replace("{name}", "front").replace("{file}", "front.ts").replace("{id}", "0000000000");
        for method in ["TRACE", "OPTIONS", "CONNECT", "PROPFIND"] {
            let code = ask(method, &path).at_home(&world.server).await.code;
            assert!(matches!(code, 400 | 401 | 405), "{method} {path}: {code}");
            let code = ask(method, &path).bearer(&world.admin).at_home(&world.server).await.code;
            assert!(matches!(code, 400 | 405), "{method} {path}: {code}");
        }
    }
    for path in ["/nothing", "/api/nothing", "/ws", "/api"] {
        assert_eq!(ask("GET", path).from(Place::Public, &world.server).send(&world.server).await.code, 404);
    }
}
