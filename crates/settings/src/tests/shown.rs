//! What is printed: what is in force, and the sample.

use super::*;
use crate::keys::keys;
use crate::{print, sample};

#[test]
fn what_is_in_force_is_shown_with_where_it_comes_from() {
    let file = "listen = \"127.0.0.1:9\"\nhost_names = [\"a.example\", \"b.example\"]\n";
    let world =
        World::new(file).variable("LENSCAST_MAX_VIEWERS", "3").flags(&["--open-view", "--bitrate=900"]);
    let text = print::text(&world.load(), false);
    let text = text.replace(&format!("{}/", world.folder.path().display()), "");
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "# lenscast.toml",
        "listen = \"127.0.0.1:9\" # lenscast.toml:1",
        "host_names = [\"a.example\", \"b.example\"] # lenscast.toml:2",
        "max_viewers = 3 # LENSCAST_MAX_VIEWERS",
        "open_view = true # --open-view",
        "bitrate = 900 # --bitrate",
        "max_cameras = 32 # default",
        "camera_timeout = 25 # default",
        "# admin_password is not set",
        "camera_keys = {}",
        "# Access",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} in {text}");
    }
    for key in keys() {
        assert!(text.contains(&key.name), "{}", key.name);
    }
}

#[test]
fn no_secret_is_shown_wherever_it_comes_from() {
    let world = World::new(
        "admin_password = \"hunter2\"\nview_password = \"file:s\"\n[camera_keys]\ndoor = \"hunter2\"\n",
    );
    world.write("s", "hunter2\n");
    let by_variable = World::new("")
        .variable("LENSCAST_ADMIN_PASSWORD", "hunter2")
        .variable("LENSCAST_CAMERA_KEYS", "door=hunter2");
    let by_flag = World::new("").flags(&["--admin-password=hunter2", "--camera-key", "door=hunter2"]);
    for world in [world, by_variable, by_flag] {
        let loaded = world.load();
        let text = print::text(&loaded, false);
        assert!(
            text.contains("admin_password = (secret)") && text.contains("camera_keys = { door = (secret) }"),
            "{text}"
        );
        let config = loaded.config().unwrap();
        assert_eq!(
            config.access.admin_password.as_ref().unwrap().expose(),
            "hunter2",
            "it is there all the same"
        );
        // Sources hold the environment as it came, and that is never logged; all else may be.
        let debug = format!("{loaded:?} {config:?} {:?}", world.flags);
        assert!(!text.contains("hunter2") && !debug.contains("hunter2"), "{text} {debug}");
    }
}

#[test]
fn what_is_shown_of_secrets_is_no_configuration() {
    let text = print::text(&World::new("admin_password = \"hunter2\"").load(), false);
    assert_eq!(World::new(&text).mistakes().len(), 1, "nobody gets the password (secret)");
    let text =
        print::text(&World::new("max_viewers = 3\nhost_names = [\"a\"]\nlisten = \"[::1]:1\"").load(), false);
    let again = World::new(&text).load();
    assert_eq!(again.settings.limits.max_viewers, 3);
    assert_eq!(again.settings.access.host_names, ["a"]);
    assert_eq!(again.settings.listen.to_string(), "[::1]:1");
}

#[test]
fn the_sample_sets_nothing_and_each_of_its_lines_works() {
    let sample = sample::text();
    let loaded = World::new(&sample).load();
    assert!(loaded.values.iter().all(|value| !value.is_set()));
    for key in keys() {
        let commented = format!("#{} = ", key.name);
        let line = sample
            .lines()
            .find(|line| line.starts_with(&commented))
            .unwrap_or_else(|| panic!("{}", key.name));
        let line = line.trim_start_matches('#').replace("file:", "");
        let beside = match key.name.as_str() {
            "tls_cert" => "\ntls_key = \"/k\"",
            "tls_key" => "\ntls_cert = \"/c\"",
            _ => "",
        };
        let loaded = World::new(&format!("{line}{beside}")).load();
        let value = loaded.value(&key.name).unwrap();
        assert!(value.is_set(), "{line}");
        if let Some(default) = &key.default {
            assert_eq!(value.texts, [default.as_str()], "{line}");
        }
    }
    assert!(sample.lines().all(|line| line.chars().count() <= 120), "too wide");
}

#[test]
fn the_sample_in_the_documents_is_the_one_that_is_made() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/lenscast.toml");
    let committed = fs::read_to_string(path).unwrap();
    assert!(committed == sample::text(), "run: lenscast config sample > docs/lenscast.toml");
}
