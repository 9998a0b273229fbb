//! Which source wins.

use super::*;
use crate::keys::keys;

fn origin(world: &World, key: &str) -> String {
    let folder = format!("{}/", world.folder.path().display());
    world.load().value(key).unwrap().origin.to_string().replace(&folder, "")
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file_for_every_key() {
    for key in keys() {
        let (toml, text) = another(key);
        let [file, variable, flag] =
            [format!("{} = {toml}\n", key.name), key.variable.clone(), format!("{}={text}", key.flag)];
        // What TLS needs beside it; the one that is looked at stands last.
        let beside = match key.name.as_str() {
            "tls_cert" => "tls_key = \"/k\"\n",
            "tls_key" => "tls_cert = \"/c\"\n",
            _ => "",
        };
        let file = format!("{beside}{file}");
        let line = file.lines().count();
        for (in_environment, in_flags, from) in [
            (false, false, format!("lenscast.toml:{line}")),
            (true, false, variable.clone()),
            (false, true, key.flag.clone()),
            (true, true, key.flag.clone()),
        ] {
            let mut world = World::new(&file);
            if in_environment {
                world = world.variable(&variable, &text);
            }
            if in_flags {
                world = world.flags(&[&flag]);
            }
            assert_eq!(origin(&world, &key.name), from);
            assert_eq!(world.load().value(&key.name).unwrap().texts, [text.as_str()], "{}", key.name);
        }
    }
}

#[test]
fn what_wins_is_what_is_in_force() {
    let world = World::new("max_viewers = 1\nmax_cameras = 1\nmax_pixels = 1\n")
        .variable("LENSCAST_MAX_VIEWERS", "2")
        .variable("LENSCAST_MAX_CAMERAS", "2")
        .flags(&["--max-viewers", "3"]);
    let config = world.load().config().unwrap();
    assert_eq!((config.limits.max_viewers, config.limits.max_cameras, config.limits.max_pixels), (3, 2, 1));
    assert_eq!(config.limits.max_connections, 4000, "nobody said anything about it");
}

#[test]
fn an_empty_variable_is_not_set() {
    let world = World::new("max_viewers = 1\n")
        .variable("LENSCAST_MAX_VIEWERS", "")
        .variable("LENSCAST_HOST_NAMES", "");
    let loaded = world.load();
    assert_eq!(loaded.settings.limits.max_viewers, 1);
    assert_eq!(loaded.value("host_names").unwrap().origin, Origin::Default);
}

#[test]
fn a_list_replaces_what_is_below_it_and_does_not_add_to_it() {
    let file =
        "host_names = [\"a.example\", \"b.example\"]\ncamera_keys = { door = \"x\", garden = \"y\" }\n";
    let names = |world: &World| world.load().settings.access.host_names;
    assert_eq!(names(&World::new(file)), ["a.example", "b.example"]);
    let world = World::new(file).variable("LENSCAST_HOST_NAMES", "c.example, d.example,");
    assert_eq!(names(&world), ["c.example", "d.example"]);
    let world = world.flags(&["--host-names", "e.example,f.example", "--host-names", "g.example"]);
    assert_eq!(names(&world), ["e.example", "f.example", "g.example"]);

    let cameras = |world: &World| {
        let keys = world.load().settings.access.camera_keys;
        let keys: Vec<_> = keys.iter().map(|key| format!("{}:{}", key.camera, key.key.expose())).collect();
        keys.join(" ")
    };
    assert_eq!(cameras(&World::new(file)), "door:x garden:y");
    let world = World::new(file).variable("LENSCAST_CAMERA_KEYS", "hall=a=b,roof=c");
    assert_eq!(cameras(&world), "hall:a=b roof:c");
    assert_eq!(
        cameras(&world.flags(&["--camera-key", "hall=d,e", "--camera-key", "door=f"])),
        "hall:d,e door:f"
    );
    assert!(World::new("host_names = []").load().settings.access.host_names.is_empty());
}

#[test]
fn a_switch_is_given_with_or_without_a_value() {
    let open_view = |world: World| world.load().settings.access.open_view;
    assert!(open_view(World::new("").flags(&["--open-view"])));
    assert!(open_view(World::new("open_view = false").flags(&["--open-view=true"])));
    assert!(!open_view(World::new("open_view = true").flags(&["--open-view=false"])));
    assert!(open_view(World::new("open_view = true")));
    assert!(!open_view(World::new("open_view = true").variable("LENSCAST_OPEN_VIEW", "false")));
    assert!(!open_view(World::new("")));
}

#[test]
fn numbers_are_written_as_toml_allows() {
    let limits = |file: &str| World::new(file).load().settings.limits;
    assert_eq!(limits("max_pixels = 1_000_000").max_pixels, 1_000_000);
    assert_eq!(limits("max_pixels = 0xff").max_pixels, 255);
    assert_eq!(limits("camera_timeout = 2.5").camera_timeout.as_millis(), 2500);
    assert_eq!(limits("camera_timeout = 3").camera_timeout.as_secs(), 3);
    assert_eq!(limits("camera_timeout = 1e1").camera_timeout.as_secs(), 10);
}

#[test]
fn a_relative_path_begins_where_the_file_is_or_where_the_program_was_started() {
    let world = World::new(
        "state_dir = \"state\"\nview_password = \"file:secret\"\ncamera_keys.door = \"file:key\"\n",
    );
    world.write("secret", "hunter2\n");
    world.write("key", "hunter3\n");
    let settings = world.load().settings;
    assert_eq!(settings.state_dir, Some(world.path("state")));
    assert_eq!(settings.access.view_password.unwrap().expose(), "hunter2");
    assert_eq!(settings.access.camera_keys[0].key.expose(), "hunter3");
    let settings = World::new("").flags(&["--state-dir", "state"]).load().settings;
    assert_eq!(settings.state_dir, Some(PathBuf::from("state")));
}

#[test]
fn another_default_is_shown_as_a_default_and_everything_wins_over_it() {
    let world = World::new("");
    let listen = |world: &World| {
        let loaded = world.sources().with_default("listen", "127.0.0.1:1").load().unwrap();
        (loaded.settings.listen.to_string(), loaded.value("listen").unwrap().is_set())
    };
    assert_eq!(listen(&world), ("127.0.0.1:1".to_owned(), false));
    assert_eq!(listen(&World::new("listen = \"[::]:8080\"")), ("[::]:8080".to_owned(), true));
}

#[test]
fn the_first_place_with_a_file_is_taken_and_one_that_was_named_must_be_there() {
    let world = World::new("max_viewers = 1");
    world.write("second.toml", "max_viewers = 2");
    let [none, first, second] = ["none.toml", "lenscast.toml", "second.toml"].map(|name| world.path(name));
    let load = |file: Option<&PathBuf>, places: &[&PathBuf]| {
        let places = places.iter().map(|place| (*place).clone()).collect();
        let sources = Sources { file: file.cloned(), places, ..Sources::default() };
        sources.load().map(|loaded| (loaded.file, loaded.settings.limits.max_viewers))
    };
    assert_eq!(load(None, &[&none, &first, &second]), Ok((Some(first.clone()), 1)));
    assert_eq!(load(Some(&second), &[&first]), Ok((Some(second), 2)));
    assert_eq!(load(None, &[&none]), Ok((None, 2000)));
    let error = load(Some(&none), &[&first]).unwrap_err().to_string();
    assert!(error.contains("none.toml: this file cannot be read"), "{error}");
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_not_passed_over() {
    let world = World::new("");
    // A directory can be read by nobody, not even by root.
    let sources = Sources {
        places: vec![world.folder.path().into(), world.path("lenscast.toml")],
        ..Sources::default()
    };
    assert!(sources.load().unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn variables_of_others_are_left_alone() {
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let variables = [
        ("LENSCAST_CONFIG", "/x"),
        ("LENSCAST_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("LENSCAST_SERVICE_HOST", "10.0.0.1"),
        ("MAX_VIEWERS", "x"),
        ("LENSCAST_MAX_VIEWER", "3"),
    ];
    let variables = variables.map(|(name, text)| (name.into(), text.into()));
    let layer = environment(variables, &mut mistakes, &mut warnings);
    assert!(layer.given.is_empty() && mistakes.is_empty());
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["LENSCAST_MAX_VIEWER: is not used; did you mean LENSCAST_MAX_VIEWERS?"]);
    assert!(find("config").is_none(), "the file is no key of the file");
}
