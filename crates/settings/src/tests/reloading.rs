//! Reading settings again.

use super::*;
use crate::config::Config;
use crate::keys::keys;
use crate::reload::{NEED_RESTART, Reload, Reloader};
use lenscast_base::in_force::InForce;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

struct Running {
    world: World,
    live: InForce<Config>,
    reloader: Reloader,
    log: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn start(world: World) -> Self {
        let loaded = world.load();
        let live = InForce::new(loaded.config().unwrap());
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let said = log.clone();
        let set_log = move |filter: &str| said.lock().unwrap().push(filter.to_owned());
        let reloader = Reloader::new(world.sources(), loaded, set_log);
        Self { world, live, reloader, log }
    }

    fn reload(&self, file: &str) -> Result<Reload, String> {
        self.world.write("lenscast.toml", file);
        self.reloader.reload(&self.live).map_err(|mistakes| mistakes.to_string())
    }
}

fn reload(applied: &[&'static str], needs_restart: &[&'static str]) -> Result<Reload, String> {
    Ok(Reload { applied: applied.into(), needs_restart: needs_restart.into() })
}

#[test]
fn what_can_change_does_and_what_cannot_is_told_until_the_restart() {
    let server = Running::start(World::new("max_viewers = 3\n"));
    assert_eq!(server.reload("max_viewers = 3 # the same\n"), reload(&[], &[]));
    let file = "max_viewers = 4\nlisten = \"127.0.0.1:1\"\nopen_view = true\nbase_path = \"/cam\"\n";
    assert_eq!(server.reload(file), reload(&["open_view", "max_viewers"], &["listen", "base_path"]));
    let config = server.live.get();
    assert_eq!((config.limits.max_viewers, config.access.open_view), (4, true));
    assert_eq!((config.listen.port(), config.proxy.base_path.as_str()), (8080, "/"));
    assert_eq!(server.reload(file), reload(&[], &["listen", "base_path"]), "it still waits");
    assert!(server.reload("max_viewers = 4.0e0\n").unwrap_err().contains("whole number"));
    assert_eq!(server.reload("max_viewers = 4\nopen_view = true\n"), reload(&[], &[]), "it was taken back");
    assert_eq!(server.reload(""), reload(&["open_view", "max_viewers"], &[]));
}

#[test]
fn a_mistake_changes_nothing() {
    let server = Running::start(World::new("max_viewers = 3\n"));
    let before = server.live.get();
    for broken in
        ["max_viewers = 4\nmax_viewer = 4", "max_viewers = 4\nlisten", "max_viewers = 4\ntls_cert = \"/c\""]
    {
        assert!(server.reload(broken).is_err(), "{broken}");
        assert!(Arc::ptr_eq(&before, &server.live.get()));
    }
    assert_eq!(server.reload("max_viewers = 4"), reload(&["max_viewers"], &[]));
}

#[test]
fn flags_and_variables_still_win_when_the_file_is_read_again() {
    let world = World::new("").variable("LENSCAST_MAX_CAMERAS", "5").flags(&["--max-viewers", "6"]);
    let server = Running::start(world);
    assert_eq!(
        server.reload("max_viewers = 1\nmax_cameras = 1\nmax_pixels = 1"),
        reload(&["max_pixels"], &[])
    );
    let limits = &server.live.get().limits;
    assert_eq!((limits.max_viewers, limits.max_cameras, limits.max_pixels), (6, 5, 1));
}

#[test]
fn a_file_that_is_gone_does_not_open_what_it_closed() {
    let world = World::new("require_camera_key = true");
    let found = Sources { file: None, places: vec![world.path("lenscast.toml")], ..Sources::default() };
    let loaded = found.load().unwrap();
    let live = InForce::new(loaded.config().unwrap());
    let reloader = Reloader::new(found, loaded, |_| {});
    fs::remove_file(world.path("lenscast.toml")).unwrap();
    assert!(reloader.reload(&live).unwrap_err().to_string().contains("cannot be read"));
    assert!(live.get().access.require_camera_key);
}

#[test]
fn a_file_that_was_made_after_the_start_is_found() {
    let world = World::new("max_viewers = 3");
    let found = Sources { places: vec![world.path("later.toml")], ..Sources::default() };
    let loaded = found.load().unwrap();
    let live = InForce::new(loaded.config().unwrap());
    let reloader = Reloader::new(found, loaded, |_| {});
    world.write("later.toml", "max_viewers = 3");
    assert_eq!(reloader.reload(&live).unwrap().applied, ["max_viewers"]);
}

#[test]
fn another_secret_in_the_same_file_is_a_change() {
    let world = World::new("view_password = \"file:s\"\ncamera_keys.door = \"file:s\"");
    world.write("s", "one");
    let server = Running::start(world);
    server.world.write("s", "two");
    let reloaded = server.reloader.reload(&server.live).unwrap();
    assert_eq!(reloaded.applied, ["view_password", "camera_keys"]);
    assert_eq!(server.live.get().access.view_password.as_ref().unwrap().expose(), "two");
}

#[test]
fn the_log_is_told_its_filter_only_when_that_changes() {
    let server = Running::start(World::new(""));
    server.reload("max_viewers = 3").unwrap();
    assert!(server.log.lock().unwrap().is_empty());
    server.reload("log = \"debug\"").unwrap();
    server.reload("log = \"debug\"\nmax_viewers = 3").unwrap();
    assert_eq!(*server.log.lock().unwrap(), ["debug"]);
}

#[test]
fn encoders_go_on_unless_they_are_to_change() {
    let server = Running::start(World::new(""));
    let before = server.live.get().encoder.clone();
    server.reload("max_viewers = 3").unwrap();
    assert!(server.live.get().encoder.is_same(&before));
    server.reload("bitrate = 900").unwrap();
    assert!(!server.live.get().encoder.is_same(&before));
}

#[test]
fn where_the_time_stamps_begin_is_no_setting_and_stays() {
    let server = Running::start(World::new(""));
    let origin = lenscast_media::time::Pts90k(7);
    server.live.set(Config { pts_origin: origin, ..(*server.live.get()).clone() });
    server.reload("max_viewers = 3").unwrap();
    assert_eq!(server.live.get().pts_origin, origin);
}

#[test]
fn every_key_that_needs_a_restart_is_a_key() {
    assert!(NEED_RESTART.iter().all(|name| find(name).is_some()));
}

proptest! {
    #[test]
    fn every_change_is_told_once_and_taking_it_back_too(chosen in proptest::collection::vec(any::<bool>(), 64)) {
        // ffmpeg may not be there.
        let chosen: Vec<&Key> = keys()
            .iter()
            .zip(chosen)
            .filter(|(key, chosen)| *chosen && key.name != "encoder" && !key.name.starts_with("tls"))
            .map(|(key, _)| key)
            .collect();
        let file: String = chosen.iter().map(|key| format!("{} = {}\n", key.name, another(key).0)).collect();
        prop_assume!(!file.contains("plain"));
        let server = Running::start(World::new(""));
        let done = server.reload(&file).unwrap();
        let mut told: Vec<&str> = done.applied.iter().chain(&done.needs_restart).copied().collect();
        let mut expected: Vec<&str> = chosen.iter().map(|key| key.name.as_str()).collect();
        told.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(told, expected);
        let again = server.reload(&file).unwrap();
        prop_assert_eq!(again, Reload { applied: Vec::new(), needs_restart: done.needs_restart.clone() });
        let back = server.reload("").unwrap();
        prop_assert_eq!(back, Reload { applied: done.applied, needs_restart: Vec::new() });
    }
}
