//! What a server is at its first start, after a restart, and when its state is not what it should be.

use super::lasting::{flows, read_to_end};
use super::world::*;
use crate::harness::*;
use lenscast::server::Server;
use lenscast_auth::given::CameraKey;
use lenscast_auth::secret::Secret;
use lenscast_protocol::CameraName;
use lenscast_settings::Sources;
use lenscast_settings::reload::Reloader;
use serde_json::json;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const EVERYWHERE: &str = "[::]:0";

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn key(camera: &str, text: &str) -> CameraKey {
    CameraKey { camera: CameraName::new(camera).unwrap(), key: secret(text) }
}

#[tokio::test]
async fn a_first_start_makes_two_links_that_are_shown_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        opened(|config| {
            config.listen = EVERYWHERE.parse().unwrap();
            config.state_dir = Some(folder.path().to_owned());
        })
        .unwrap()
    };
    let first = start();
    let links = first.first_links().expect("nobody else could be let in");
    let (view, admin) = (links.view.clone(), links.admin.clone());
    let banner = first.banner();
    assert!(banner.contains("Your links, shown only this once"), "{banner}");
    for link in [&view, &admin] {
        assert!(banner.contains(&format!("/?token={}", link.expose())), "{banner}");
    }
    let kept = fs::read_to_string(folder.path().join("credentials.json")).unwrap();
    assert!(!kept.contains(view.expose()) && !kept.contains(admin.expose()), "{kept}");
    drop(first);
    let again = start();
    assert!(again.first_links().is_none(), "they are good still, and nobody but their owner has them");
    assert!(!again.banner().contains("token"), "{}", again.banner());
    let server = start_with(|config| {
        config.state_dir = Some(folder.path().to_owned());
        config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let code = async |path, token: &Secret| ask("GET", path).bearer(token).at_home(&server).await.code;
    assert_eq!((code("/status", &view).await, code("/api/access", &view).await), (200, 403));
    assert_eq!((code("/status", &admin).await, code("/api/access", &admin).await), (200, 200));
}

#[test]
fn whoever_has_a_password_or_says_open_or_is_alone_gets_no_links() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _in_it = runtime.enter();
    let links = |change: fn(&mut lenscast_settings::config::Config)| {
        let server = opened(|config| {
            config.listen = EVERYWHERE.parse().unwrap();
            change(config);
        });
        server.unwrap().first_links().is_some()
    };
    assert!(links(|_| {}));
    assert!(
        links(|config| config.access.camera_keys = vec![key("front", "a key")]),
        "which lets nobody watch"
    );
    assert!(
        links(|config| config.access.open_view = true),
        "somebody has to change things, from elsewhere too"
    );
    assert!(!links(|config| config.access.admin_password = Some(secret("battery staple"))));
    assert!(!links(|config| config.access.view_password = Some(secret("correct horse"))));
    assert!(!links(|config| config.access.open = true));
    assert!(
        !links(|config| config.listen = "127.0.0.1:0".parse().unwrap()),
        "they would be shown to nobody's use"
    );
    assert!(links(|config| {
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    }));
}

#[test]
fn a_damaged_file_of_credentials_stops_the_start_and_stays_as_it_is() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _in_it = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.json");
    for damaged in ["", "{", "[]", "{\"version\": 2}", "{\"version\": 1, \"users\": []}", "\u{1}hunter2"] {
        fs::write(&file, damaged).unwrap();
        let error =
            opened(|config| config.state_dir = Some(folder.path().to_owned())).unwrap_err().to_string();
        assert!(error.contains("credentials.json is damaged") && error.contains("does not start"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "its owner may mend it");
    }
    // A half-written one beside it is nothing.
    fs::remove_file(&file).unwrap();
    fs::write(folder.path().join("credentials.json.unfinished"), "{\"vers").unwrap();
    opened(|config| config.state_dir = Some(folder.path().to_owned())).unwrap();
}

#[test]
fn where_nothing_can_be_kept_the_links_are_for_this_run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _in_it = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let start = || {
        opened(|config| {
            config.listen = EVERYWHERE.parse().unwrap();
            config.state_dir = Some(file.join("below"));
        })
        .unwrap()
    };
    let (one, other) = (start(), start());
    assert!(one.banner().contains("for this run only"), "{}", one.banner());
    let [one, other] = [&one, &other].map(|server| server.first_links().unwrap().view.expose());
    assert_ne!(one, other);
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_the_file_has_no_secret() {
    let world = World::new(true).await;
    let (session, view) = (world.viewer_session.clone(), world.view.clone());
    let secrets = [
        session.split_once('=').unwrap().1.to_owned(),
        view.expose().to_owned(),
        world.front_share.expose().to_owned(),
        world.front_key.expose().to_owned(),
        VIEWER.1.to_owned(),
    ];
    assert_eq!(ask("GET", "/").cookie(&session).at_home(&world.server).await.code, 200);
    let (server, folder) = world.restarted(|_| {}).await;
    let kept = fs::read_to_string(folder.path().join("state/credentials.json")).unwrap();
    assert!(
        kept.contains("last_used") && secrets.iter().all(|secret| !kept.contains(secret.as_str())),
        "{kept}"
    );
    assert_eq!(ask("GET", "/").cookie(&session).at_home(&server).await.code, 200);
    assert_eq!(ask("GET", "/status").bearer(&view).at_home(&server).await.code, 200);
    let listed = ask("GET", "/api/access").basic(OWNER).at_home(&server).await.json();
    let used = |list: &str, name: &str, value: &str| {
        let entry = listed[list].as_array().unwrap().iter().find(|entry| entry[name] == value).unwrap();
        entry["last_used"].is_u64()
    };
    assert!(used("users", "name", VIEWER.0) && used("tokens", "label", "tablet"), "{listed}");
    assert!(!used("tokens", "label", "me"), "{listed}");
}

/// A server that was started from a file, and can read it again.
pub struct Configured {
    pub server: Running,
    pub folder: TempDir,
}

impl Configured {
    pub fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Self::start(folder.path(), settings);
        Self { server, folder }
    }

    fn start(folder: &Path, settings: &str) -> Running {
        let file = folder.join("lenscast.toml");
        write(&file, settings);
        let sources = Sources { file: Some(file), ..Sources::default() };
        let loaded = sources.load().unwrap();
        let mut config = loaded.config().unwrap();
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.state_dir = Some(folder.join("state"));
        let shutdown = CancellationToken::new();
        let server = Server::bind(config, shutdown.clone()).unwrap();
        let server = server.with_reloader(Reloader::new(sources, loaded, |_| {}));
        let address = server.own_address();
        let app = server.app().clone();
        Running { address, app, shutdown, task: tokio::spawn(server.run()) }
    }

    fn reload(&self, settings: &str) {
        write(&self.folder.path().join("lenscast.toml"), settings);
        self.server.app.program.reload().unwrap().unwrap();
    }
}

fn write(file: &Path, settings: &str) {
    fs::write(file, format!("trusted_proxies = [\"127.0.0.1\"]\n{settings}")).unwrap();
}

#[tokio::test]
async fn a_password_of_the_configuration_lets_in_until_it_is_changed_there() {
    let one = "admin_password = \"battery staple\"\nview_password = \"correct horse\"\n";
    let configured = Configured::new(one);
    let login = async |server: &Running, body: serde_json::Value| {
        ask("POST", "/api/login").json(body).at_home(server).await
    };
    let server = &configured.server;
    for (body, admin) in [
        (json!({"password": "battery staple"}), true),
        (json!({"name": "admin", "password": "battery staple"}), true),
        (json!({"password": "correct horse"}), false),
        (json!({"name": "viewer", "password": "correct horse"}), false),
    ] {
        let session = login(server, body.clone()).await.session();
        let me = ask("GET", "/api/me").cookie(&session).at_home(server).await.json();
        assert_eq!((&me["rights"]["view"], &me["rights"]["admin"]), (&json!("all"), &json!(admin)), "{body}");
    }
    for wrong in [
        json!({"name": "viewer", "password": "battery staple"}),
        json!({"name": "admin", "password": "correct horse"}),
        json!({"name": "anna", "password": "battery staple"}),
        json!({"password": "battery stapl"}),
        json!({"password": ""}),
        json!({"token": "battery staple"}),
    ] {
        assert_eq!(login(server, wrong.clone()).await.code, 401, "{wrong}");
    }
    for (basic, code) in [
        (("admin", "battery staple"), 200),
        (("", "battery staple"), 200),
        (("viewer", "correct horse"), 403),
    ] {
        assert_eq!(ask("GET", "/api/access").basic(basic).at_home(server).await.code, code, "{basic:?}");
    }
    let listed = ask("GET", "/api/access").basic(("admin", "battery staple")).at_home(server).await.json();
    let users = listed["configured"]["users"].as_array().unwrap();
    assert!(users.iter().all(|user| user["last_used"].is_u64()), "{listed}");
    let delete = ask("DELETE", format!("/api/access/{}", users[0]["id"].as_str().unwrap()));
    let answer = delete.basic(("admin", "battery staple")).at_home(server).await;
    assert!(answer.code == 409 && answer.body.contains("configuration"), "{answer:?}");

    let session = login(server, json!({"password": "correct horse"})).await.session();
    let admin = login(server, json!({"password": "battery staple"})).await.session();
    let mut events = ask("GET", "/api/events").cookie(&session).from(Place::Home, server).open(server).await;
    flows(&mut events).await;
    configured.reload("admin_password = \"battery staple\"\nview_password = \"another horse\"\n");
    read_to_end(events).await;
    let code = async |cookie: &str| ask("GET", "/").cookie(cookie).at_home(server).await.code;
    assert_eq!((code(&session).await, code(&admin).await), (401, 200));
    assert_eq!(login(server, json!({"password": "correct horse"})).await.code, 401);
    assert_eq!(login(server, json!({"password": "another horse"})).await.code, 204);
    // Over a restart, the one that did not change goes on.
    let Configured { server, folder } = configured;
    server.end().await;
    let server = Configured::start(folder.path(), one);
    assert_eq!(ask("GET", "/").cookie(&admin).at_home(&server).await.code, 200);
    let changed = ask("GET", "/").cookie(&session).at_home(&server).await;
    assert_eq!(changed.code, 401, "a session that has ended does not come back with its password");
    server.end().await;
    let server = Configured::start(folder.path(), "admin_password = \"another staple\"\n");
    assert_eq!(ask("GET", "/").cookie(&admin).at_home(&server).await.code, 401);
}

#[tokio::test]
async fn a_key_of_the_configuration_closes_its_camera_to_others_and_may_be_any_text() {
    let configured = Configured::new(
        "[camera_keys]\ndoor = \"front door & co\"\nshed = \"front door & co\"\nbarn = \"other\"\n",
    );
    let server = &configured.server;
    let dial = async |path: &str, key: Option<&str>| {
        let request = ask("GET", path.to_owned()).upgrade();
        let request = match key {
            Some(key) => request.header("Authorization", format!("Bearer {key}")),
            None => request,
        };
        request.at_home(server).await.code
    };
    for path in ["/ws/camera/door", "/ws/camera/shed", "/ws/camera/door?token=front%20door%20%26%20co"] {
        let key = Some("front door & co").filter(|_| !path.contains('?'));
        assert_eq!(dial(path, key).await, 101, "{path}");
    }
    assert_eq!(dial("/ws/camera/door", None).await, 401);
    assert_eq!(dial("/ws/camera/barn", Some("front door & co")).await, 403);
    assert_eq!(dial("/ws/camera/other", None).await, 101);
    let watch = ask("GET", "/snapshot/door.jpg").header("Authorization", "Bearer front door & co");
    assert_eq!(watch.at_home(server).await.code, 403, "it lets send, not watch");
    configured.reload("");
    for key in [None, Some("front door & co")] {
        assert_eq!(
            dial("/ws/camera/door", key).await,
            401,
            "whoever has stolen it does not get in without it"
        );
    }
    let store = server.app.gate.auth().store();
    store.open_camera(&CameraName::new("door").unwrap(), lenscast_base::time::now()).unwrap();
    assert_eq!(dial("/ws/camera/door", None).await, 101);
    assert_eq!(dial("/ws/camera/door", Some("front door & co")).await, 101, "by the place");
    configured.reload("require_camera_key = true\n");
    assert_eq!(dial("/ws/camera/door", Some("front door & co")).await, 401);
}

#[tokio::test]
async fn virtual_cameras_of_the_server_are_let_in_whatever_is_closed() {
    let server = start_with(|config| {
        config.access.require_camera_key = true;
        config.access.camera_keys = vec![key("demo", "somebody else's")];
        config.proxy.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let name = CameraName::new("demo").unwrap();
    let _camera = server.app.demos.start(name, lenscast::demo::picture()).unwrap();
    server.camera_until("demo", |camera| camera["state"] == "live").await;
    let listed = serde_json::to_string(&server.app.gate.auth().store().list(0)).unwrap();
    assert_eq!(listed.matches("\"kind\":\"camera\"").count(), 1, "its key is nobody's business: {listed}");
    assert_eq!(ask("GET", "/ws/camera/demo-2").upgrade().at_home(&server).await.code, 401);
}
