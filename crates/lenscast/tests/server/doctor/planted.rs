//! Mistakes that need no server and no rights. Each is planted alone.

use super::*;
use lenscast_base::time::now;
use rcgen::{CertificateParams, KeyPair};
use std::os::unix::net::UnixListener;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

const DAY: u64 = 86_400;

/// What is planted; the mark and the words that say so.
type Row = (&'static str, fn(&mut World), char, &'static [&'static str]);

const CONFIGURATION: [Row; 9] = [
    (
        "a key that is mistyped",
        |world| world.set("max_viewer = 3"),
        '✗',
        &["lenscast.toml:4: max_viewer is no key; did you mean max_viewers?"],
    ),
    (
        "limits that do not fit each other",
        |world| world.set("camera_timeout = 5"),
        '!',
        &["lenscast.toml:4: camera_timeout is not longer than ping_interval"],
    ),
    (
        "ffmpeg that is not there",
        |world| world.set("encoder = \"ffmpeg\""),
        '✗',
        &["lenscast.toml:4: ffmpeg cannot be run", "sudo apt install ffmpeg"],
    ),
    (
        "ffmpeg without the encoder",
        |world| {
            world.program("ffmpeg", "echo \"Unknown encoder 'h264_vaapi'\" >&2; exit 1");
            world.set("encoder = \"ffmpeg:h264_vaapi\"");
        },
        '✗',
        &["ffmpeg cannot encode with h264_vaapi: Unknown encoder", "builtin"],
    ),
    (
        "proxies that are everybody",
        |world| world.set("trusted_proxies = [\"0.0.0.0/0\"]"),
        '✗',
        &["trusted_proxies has 0.0.0.0/0: that is everybody", "trusted_proxies = [\"127.0.0.1\"]"],
    ),
    (
        "proxies that are the home network",
        |world| world.set("trusted_proxies = [\"192.168.1.0/24\"]"),
        '!',
        &["192.168.1.0/24, a whole network"],
    ),
    (
        "pages that are open at home",
        |world| world.set("open_view = true"),
        '!',
        &["everybody in the home network may watch"],
    ),
    (
        "a secret that others can read",
        |world| world.set("admin_password = \"hunter2\"\n# mode 0644"),
        '✗',
        &["can read admin_password in", "(mode 0644)", "chmod 600", "file:PATH"],
    ),
    (
        "a configuration that others can change",
        |world| world.set("# mode 0666"),
        '✗',
        &["can change", "(mode 0666)", "chmod go-w"],
    ),
];

const STATE: [Row; 9] = [
    (
        "a state directory that cannot be",
        |world| {
            fs::remove_dir_all(world.path("state")).unwrap();
            fs::write(world.path("state"), "").unwrap();
        },
        '✗',
        &["cannot be a directory", "state_dir ="],
    ),
    (
        "a state directory that others can look into",
        |world| set_mode(&world.path("state"), 0o755),
        '!',
        &["can look into", "(mode 0755)", "chmod 700"],
    ),
    (
        "a state directory that others can change",
        |world| set_mode(&world.path("state"), 0o777),
        '✗',
        &["can change what is in", "(mode 0777)", "chmod 700"],
    ),
    (
        "credentials that others can read",
        |world| set_mode(&world.path("state/credentials.json"), 0o644),
        '✗',
        &["can read", "credentials.json (mode 0644)", "chmod 600"],
    ),
    (
        "credentials that are damaged",
        |world| drop(world.in_state("credentials.json", "{\"version\": 1, \"share_key\": \"hunter2\"")),
        '✗',
        &["credentials.json is damaged", "the server does not start", "mv "],
    ),
    (
        "titles that are damaged",
        |world| drop(world.in_state("cameras.json", "[7]")),
        '✗',
        &["cameras.json is damaged", "The next server sets it aside", "go by their names"],
    ),
    (
        "titles that were lost",
        |world| drop(world.in_state("cameras.json.damaged", "[7]")),
        '!',
        &["titles of the cameras were lost once"],
    ),
    (
        "a socket that a server left",
        |world| drop(UnixListener::bind(world.path("state/control.sock")).unwrap()),
        '!',
        &["Nobody answers at", "control.sock"],
    ),
    (
        "a server that hangs",
        |world| {
            let socket = UnixListener::bind(world.path("state/control.sock")).unwrap();
            world.held.push(Box::new(socket));
        },
        '✗',
        &["does not answer at", "control.sock", "Start it again"],
    ),
];

const NETWORK: [Row; 7] = [
    (
        "a port that is busy",
        |world| {
            let address = format!("0.0.0.0:{}", world.port);
            world.held.push(Box::new(TcpListener::bind(address).unwrap()));
        },
        '✗',
        &["is busy: ", "has it", "Take another: listen = "],
    ),
    (
        "an address that this computer does not have",
        |world| world.listen("203.0.113.7:18080"),
        '✗',
        &["This computer has no address 203.0.113.7", "listen = \"[::]:18080\""],
    ),
    (
        "a server that only this computer reaches",
        |world| {
            let port = world.port;
            world.listen(&format!("127.0.0.1:{port}"));
        },
        '!',
        &["no camera can come", "listen = \"[::]:"],
    ),
    (
        "ufw",
        |world| world.prints("ufw", include_str!("../../../../doctor/src/examples/ufw_nothing_allowed.txt")),
        '✗',
        &["The firewall ufw keeps port", "sudo ufw allow"],
    ),
    (
        "firewalld",
        |world| {
            world.prints("firewall-cmd", include_str!("../../../../doctor/src/examples/firewalld_zones.txt"))
        },
        '✗',
        &["firewalld (zone home) keeps port", "sudo firewall-cmd --permanent --zone=home --add-port="],
    ),
    (
        "nftables",
        |world| world.prints("nft", include_str!("../../../../doctor/src/examples/nft_workstation.txt")),
        '✗',
        &[
            "nftables (table inet filter, chain input) keeps port",
            "sudo nft insert rule inet filter input tcp dport",
        ],
    ),
    (
        "iptables",
        |world| {
            world.program("nft", "exit 1");
            let rules = include_str!("../../../../doctor/src/examples/iptables_chains.txt");
            world.program(
                "iptables",
                &format!("[ $1 = -S ] && printf '%s' '{rules}' || echo 'iptables v1.8.9 (nf_tables)'"),
            );
        },
        '✗',
        &["The firewall iptables keeps port", "sudo iptables -I INPUT -p tcp --dport"],
    ),
];

const CLOCK: [Row; 3] = [
    (
        "a clock that nothing sets",
        |world| world.program("timedatectl", "echo NTPSynchronized=no"),
        '!',
        &["Nothing sets the clock", "Links that end"],
    ),
    (
        "a file from the future",
        |world| {
            let path = world.in_state("cameras.json", "{}");
            let later = SystemTime::now() + Duration::from_secs(40 * DAY);
            fs::File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
        },
        '✗',
        &["cameras.json is from", "days from now", "timedatectl set-ntp true"],
    ),
    (
        "a credential from the future",
        |world| world.store(now() + 40 * DAY),
        '✗',
        &["A credential in credentials.json is from", "days from now"],
    ),
];

const TLS: [Row; 6] = [
    (
        "a certificate that is over",
        |world| certificate(world, -90, -3),
        '✗',
        &["cert.pem ended on", "3 days ago", "Put a new one in its place"],
    ),
    (
        "a certificate that is to come",
        |world| certificate(world, 3, 90),
        '✗',
        &["cert.pem is good from", "Is this computer's clock right?"],
    ),
    ("a certificate that ends soon", |world| certificate(world, -90, 5), '!', &["cert.pem ends on", ", in "]),
    (
        "a certificate for another name",
        |world| {
            certificate(world, -1, 90);
            world.set("host_names = [\"door.example.org\"]");
        },
        '✗',
        &["does not name door.example.org", "It names cam.example.org"],
    ),
    (
        "a key that is another certificate's",
        |world| {
            certificate(world, -1, 90);
            fs::write(world.path("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        },
        '✗',
        &["lenscast.toml:5: tls_key: the private key in", "is not the one that the certificate"],
    ),
    (
        "a certificate's key that others can read",
        |world| {
            certificate(world, -1, 90);
            set_mode(&world.path("key.pem"), 0o644);
        },
        '!',
        &["lenscast.toml:5: other users may read", "key.pem (mode 0644)"],
    ),
];

/// A certificate that is good from one day to another, from today on.
fn certificate(world: &mut World, from: i64, until: i64) {
    let day = |days: i64| OffsetDateTime::now_utc() + time::Duration::days(days);
    let mut params = CertificateParams::new(vec!["cam.example.org".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (day(from), day(until));
    let key = KeyPair::generate().unwrap();
    fs::write(world.path("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(world.path("key.pem"), key.serialize_pem()).unwrap();
    set_mode(&world.path("key.pem"), 0o600);
    world.set("tls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\ntls_listen = \"[::]:0\"");
}

/// Plants one after the other, each on a computer of its own, and tells which were not found as they should be.
#[track_caller]
fn try_all(rows: &[Row]) {
    let wrong: Vec<String> = rows.iter().filter_map(missed).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn missed((what, plant, mark, words): &Row) -> Option<String> {
    let mut world = World::new();
    plant(&mut world);
    let file = world.written();
    // A mode is planted as a comment, since the file is written last.
    for mode in [0o644, 0o666] {
        if world.config.contains(&format!("# mode {mode:04o}")) {
            set_mode(&file, mode);
        }
    }
    let before = everything_in(world.folder.path());
    let said = world.doctor();
    let found = said.findings(&['!', '✗']);
    let code = i32::from(*mark == '✗');
    let good = matches!(found.as_slice(), [one] if one.starts_with(*mark) && words.iter().all(|words| one.contains(words)))
        && said.code == Some(code)
        && !said.text.contains("hunter2")
        && everything_in(world.folder.path()) == before;
    (!good).then(|| {
        format!(
            "{what}: {mark} {words:?}, {code} and nothing else or changed, but {:?}: {found:#?}",
            said.code
        )
    })
}

#[test]
fn mistakes_in_the_configuration_are_found() {
    try_all(&CONFIGURATION);
}

#[test]
fn mistakes_in_the_state_directory_are_found() {
    try_all(&STATE);
}

#[test]
fn what_keeps_others_out_is_found() {
    try_all(&NETWORK);
}

#[test]
fn a_clock_that_is_wrong_is_found() {
    try_all(&CLOCK);
}

#[test]
fn a_certificate_that_browsers_refuse_is_found() {
    try_all(&TLS);
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_that_has_a_port_is_named() {
    let mut world = World::new();
    let taken = TcpListener::bind(("0.0.0.0", world.port)).unwrap();
    world.written();
    let own = format!("(process {})", std::process::id());
    world.doctor().finds('✗', &["is busy: ", &own]);
    drop(taken);
    world.set("open = true");
    world.written();
    // As a wrong or a doubtful one, by the addresses of this computer.
    let said = world.doctor();
    assert!(said.findings(&['!', '✗'])[0].contains("no access control at all"), "{}", said.text);
}

#[test]
fn a_firewall_that_only_root_may_look_at_is_no_mistake() {
    let world = World::new();
    world.program("nft", "echo 'Operation not permitted (you must be root)' >&2; exit 1");
    world.written();
    let said = world.doctor();
    let found = said.findings(&['–', '!', '✗']);
    if rustix::process::geteuid().is_root() {
        assert!(found[0].contains("there is no answer from nftables"), "{}", said.text);
    } else {
        assert!(found[0].contains("that takes root (nftables)"), "{}", said.text);
        let again = world.which().join(" ");
        assert!(found[0].contains(&format!("sudo lenscast doctor {again}")), "{}", said.text);
    }
    assert_eq!(said.code, Some(0));
}
