//! What is said about what is wrong.

use super::*;
use proptest::prelude::*;

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let file = r#"
listen = 8080
max_viewer = 3
camera_timeout = "25 s"
encode = "sometimes"
bitrate = 20
open = "yes"
trusted_proxies = [
    "10.0.0.0/8",
    "proxy",
    7,
]
host_names = "a.example"
view_password = "file:nowhere"
base_path = "cam"
colour = "red"

[limits]
max_cameras = 3

[camera_keys]
door = "x"
Garden = "hunter2"
roof = 3
max_pixels = 3
"#;
    let world =
        World::new(file).variable("LENSCAST_MAX_CAMERAS", "many").flags(&["--admin-password", "file:/none"]);
    let mistakes = world.mistakes();
    let expected = [
        "lenscast.toml:2: listen is a text in quotes: listen = \"[::]:8080\"",
        "lenscast.toml:3: max_viewer is no key; did you mean max_viewers?",
        "lenscast.toml:4: camera_timeout is a number of seconds, without quotes",
        "lenscast.toml:5: encode is \"demand\" or \"always\", not \"sometimes\"",
        "lenscast.toml:6: bitrate: 20 is not possible (20 is not in 50..=100000)",
        "lenscast.toml:7: open is true or false, without quotes",
        "lenscast.toml:10: trusted_proxies: \"proxy\" is neither an address such as 127.0.0.1 nor a network such as 10.0.0.0/8",
        "lenscast.toml:11: trusted_proxies is a list of texts: trusted_proxies = [\"…\", \"…\"]",
        "lenscast.toml:13: host_names is a list of texts: host_names = [\"…\", \"…\"]",
        "lenscast.toml:14: view_password: cannot read nowhere: No such file or directory (os error 2)",
        "lenscast.toml:15: base_path: \"cam\" is no path such as /cam/, of letters, digits and - _ . ~",
        "lenscast.toml:16: colour is no key; `lenscast config sample` shows all that there are",
        "lenscast.toml:18: [limits] is no key; keys stand without headings, all on one level",
        "lenscast.toml:23: camera_keys: a camera's name is 1 to 63 of the characters a-z, 0-9, - and _",
        "lenscast.toml:24: camera_keys is a table of texts: camera_keys = { NAME = \"KEY\" }",
        "lenscast.toml:25: max_pixels stands below [camera_keys]: move it above that line",
        "LENSCAST_MAX_CAMERAS: max_cameras is a whole number, not \"many\"",
        "--admin-password: admin_password: cannot read /none: No such file or directory (os error 2)",
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn every_line_that_is_no_toml_is_told_and_so_is_the_rest() {
    let file = "listen = [::]:8080\nmax_viewers 3\nmax_viewer = 3\nmax_cameras = 1\nmax_cameras = 2\n";
    let lines: Vec<String> = World::new(file)
        .mistakes()
        .iter()
        .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(lines, [1, 2, 3, 5].map(|line| format!("lenscast.toml:{line}")));
}

#[test]
fn what_looks_like_a_heading_after_a_slip_may_be_a_secret() {
    let mistakes =
        World::new("admin_password =\n[\"hunter2\"]\n[hunter2]\nhunter2 = 1\nmax_viewer = 1").mistakes();
    assert!(mistakes.iter().all(|line| !line.contains("hunter2")), "{mistakes:?}");
    assert_eq!(World::new("[hunter2]").mistakes().len(), 1, "alone it is a heading, and told");
}

#[test]
fn a_file_that_is_no_text_is_one_mistake() {
    let world = World::new("");
    fs::write(world.path("lenscast.toml"), [0x66, 0xff, 0x00]).unwrap();
    assert_eq!(world.mistakes(), ["lenscast.toml: this file is no UTF-8 text"]);
}

#[test]
fn what_does_not_fit_together_is_told_where_it_stands() {
    assert_eq!(
        World::new("max_viewers = 3\ntls_cert = \"/c\"").mistakes(),
        ["lenscast.toml:2: tls_cert needs tls_key beside it"]
    );
    let world = World::new("").flags(&["--plain=off"]);
    assert_eq!(world.mistakes(), ["--plain: without TLS, plain = \"off\" would leave nothing to listen on"]);
    // Off is off, also when the files are still named.
    assert!(World::new("tls = \"off\"\ntls_cert = \"/c\"").load().config().unwrap().tls.is_none());
}

#[test]
fn a_camera_that_would_be_lost_between_two_pings_is_a_warning() {
    let warnings = |file: &str| World::new(file).load().warnings;
    assert!(warnings("").is_empty());
    let [warning] = warnings("ping_interval = 10\ncamera_timeout = 10").try_into().unwrap();
    assert!(warning.sentence.contains("camera_timeout"), "{warning}");
    assert!(warnings("ping_interval = 2\ncamera_timeout = 5").is_empty());
}

#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    let world = World::new("admin_password = \"file:secret\"");
    world.write("secret", "hunter2\n");
    let [warning] = world.load().warnings.try_into().unwrap();
    assert!(warning.to_string().contains("lenscast.toml:1: other users may read"), "{warning}");
}

/// Ways to write a secret wrongly.
fn with_secret() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("admin_password"),
        Just("view_password"),
        Just("admin_pasword"),
        Just("camera_keys"),
        Just("camera_keys.door"),
        Just("camera_keys.Door"),
        Just("listen.x"),
        Just("[camera_keys]\ndoor"),
        Just("[[camera_keys]]\ndoor"),
    ];
    let equals = prop_oneof![Just(" = "), Just("="), Just(" "), Just(": "), Just(" = \n"), Just(" == ")];
    let value = prop_oneof![
        Just("SECRET"),
        Just("\"SECRET\""),
        Just("\"SECRET"),
        Just("'SECRET"),
        Just("[\"SECRET\"]"),
        Just("{ door = SECRET }"),
        Just("{ door = \"SECRET\""),
        Just("{ Door = \"SECRET\" }"),
        Just("{ door = [\"SECRET\"] }"),
        Just("\"\"\"SECRET\n"),
        Just("\"SECRET\" \"SECRET\""),
        Just("\"SECRET\\q\""),
        Just("\"file:SECRET\u{7}"),
    ];
    (key, equals, value)
        .prop_map(|(key, equals, value)| format!("max_viewer = 3\n{key}{equals}{value}\nopen = 1\n"))
}

proptest! {
    #[test]
    fn no_mistake_makes_a_secret_known(file in with_secret(), secret in "[a-z]{3}[A-Z]{3}[0-9]{6}") {
        let world = World::new(&file.replace("SECRET", &secret));
        for line in world.mistakes() {
            prop_assert!(!line.contains(&secret), "{file}: {line}");
        }
    }

    #[test]
    fn nothing_in_a_file_makes_reading_it_panic(file in "[a-z_=\\[\\]{}\"'.,0-9 \n#\\\\é]{0,200}") {
        let world = World::new(&file);
        if let Err(mistakes) = world.sources().load() {
            prop_assert!(!mistakes.0.is_empty());
        }
    }

    #[test]
    fn a_key_with_a_slip_is_told_the_key_that_was_meant(index in 0usize..100, at in 0usize..100, letter in "[a-z]") {
        let keys = crate::keys::keys();
        let key = &keys[index % keys.len()];
        prop_assume!(key.name.len() >= 5);
        let mut typed = key.name.clone();
        typed.insert_str(at % typed.len(), &letter);
        prop_assume!(find(&typed).is_none());
        let mistakes = World::new(&format!("{typed} = 1")).mistakes();
        prop_assert!(mistakes[0].contains(&format!("did you mean {}?", key.name)), "{mistakes:?}");
    }
}
