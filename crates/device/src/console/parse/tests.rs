use super::*;
use crate::camera::{Exposure, FrameRate, FrameSize};
use crate::log::Level;

#[track_caller]
fn understood(line: &str) -> Command {
    match parse(line) {
        Ok(Some(command)) => command,
        Ok(None) => panic!("blank: {line}"),
        Err(refusal) => panic!("{line}: {refusal}"),
    }
}

#[track_caller]
fn refused(line: &str) -> String {
    parse(line).expect_err(line).to_string()
}

/// What was wrong, without the usage.
#[track_caller]
fn wrong(line: &str) -> String {
    refused(line).lines().next().unwrap().into()
}

fn set(ssid: &str, password: &str, save: bool) -> Command {
    let credentials = Credentials { ssid: ssid.into(), password: password.into() };
    Command::Wifi(Wifi::Set { credentials, save })
}

fn host(host: &str, port: Option<u16>, save: bool) -> Command {
    Command::Stream(Stream::SetHost { host: host.into(), port, save })
}

fn key(key: &str, save: bool) -> Command {
    Command::Stream(Stream::SetKey { key: Key(key.into()), save })
}

fn picture(setting: PictureSetting, save: bool) -> Command {
    Command::Cam(Cam::Set { setting, save })
}

#[test]
fn every_command_of_the_original_firmware_is_understood() {
    use Command::{PsramStatus, Stream as S, Wifi as W};
    for (line, expected) in [
        ("wifi status", W(Wifi::Status)),
        ("wifi scan", W(Wifi::Scan { max: 20 })),
        ("wifi scan 1", W(Wifi::Scan { max: 1 })),
        ("wifi scan 200", W(Wifi::Scan { max: 200 })),
        ("wifi set net password", set("net", "password", false)),
        ("wifi set net password save", set("net", "password", true)),
        ("wifi set --ssid net --pass password", set("net", "password", false)),
        ("wifi set --ssid net --pass password --save", set("net", "password", true)),
        ("wifi connect", W(Wifi::Connect)),
        ("wifi disconnect", W(Wifi::Disconnect)),
        ("wifi clear", W(Wifi::Clear)),
        ("stream status", S(Stream::Status)),
        ("stream set host 192.168.1.2", host("192.168.1.2", None, false)),
        ("stream set host 192.168.1.2 9000", host("192.168.1.2", Some(9000), false)),
        ("stream set host 192.168.1.2 9000 save", host("192.168.1.2", Some(9000), true)),
        ("stream set host 192.168.1.2 save", host("192.168.1.2", None, true)),
        ("stream set port 1", S(Stream::SetPort { port: 1, save: false })),
        ("stream set port 65535 save", S(Stream::SetPort { port: 65535, save: true })),
        ("stream start", S(Stream::Start { save: false })),
        ("stream stop", S(Stream::Stop { save: false })),
        ("stream clear", S(Stream::Clear)),
        ("cam power 0", Command::Cam(Cam::Power(false))),
        ("cam power 1", Command::Cam(Cam::Power(true))),
        ("cam dump", Command::Cam(Cam::Dump)),
        ("psram status", PsramStatus),
        ("help", Command::Help(None)),
    ] {
        assert_eq!(understood(line), expected, "{line}");
    }
}

#[test]
fn every_command_of_ours_is_understood() {
    let rate = |milli| PictureSetting::Rate(FrameRate::from_milli(milli).unwrap());
    for (line, expected) in [
        ("help wifi", Command::Help(Some("wifi".into()))),
        (
            "stream set path /ws/camera/door save",
            Command::Stream(Stream::SetPath { path: "/ws/camera/door".into(), save: true }),
        ),
        ("stream set key k-1", key("k-1", false)),
        ("stream start save", Command::Stream(Stream::Start { save: true })),
        ("stream stop save", Command::Stream(Stream::Stop { save: true })),
        ("cam status", Command::Cam(Cam::Status)),
        ("cam size uxga save", picture(PictureSetting::Size(FrameSize::UXGA), true)),
        ("cam quality 1", picture(PictureSetting::Quality(1), false)),
        ("cam quality 100 save", picture(PictureSetting::Quality(100), true)),
        ("cam fps 0.1", picture(rate(100), false)),
        ("cam fps 29.97", picture(rate(29_970), false)),
        ("cam fps 12.005 save", picture(rate(12_005), true)),
        ("cam fps 120", picture(rate(120_000), false)),
        ("cam adaptive on", picture(PictureSetting::Adaptive(true), false)),
        ("cam adaptive off save", picture(PictureSetting::Adaptive(false), true)),
        ("cam flip 1", picture(PictureSetting::Flip(true), false)),
        ("cam mirror off", picture(PictureSetting::Mirror(false), false)),
        ("cam brightness -2", picture(PictureSetting::Brightness(-2), false)),
        ("cam brightness 2 save", picture(PictureSetting::Brightness(2), true)),
        ("cam exposure auto", picture(PictureSetting::Exposure(Exposure::Auto), false)),
        ("cam exposure 0", picture(PictureSetting::Exposure(Exposure::Lines(0)), false)),
        ("cam exposure 1200 save", picture(PictureSetting::Exposure(Exposure::Lines(1200)), true)),
        ("cam ir on", Command::Cam(Cam::Ir(true))),
        ("cam testbar 1", Command::Cam(Cam::TestBar(true))),
        ("cam testbar off", Command::Cam(Cam::TestBar(false))),
        ("log level", Command::LogLevel(None)),
        ("log level debug", Command::LogLevel(Some(Level::Debug))),
        ("reboot", Command::Reboot),
        ("version", Command::Version),
    ] {
        assert_eq!(understood(line), expected, "{line}");
    }
    for (name, size) in FrameSize::NAMED {
        assert_eq!(understood(&format!("cam size {name}")), picture(PictureSetting::Size(size), false));
    }
}

/// So the table promises nothing that is not understood.
#[test]
fn every_form_in_the_table_is_understood_with_and_without_what_is_optional() {
    let value = |part: &'static str| match part {
        "<ssid>" => "net",
        "<password>" => "password",
        "<host>" => "example.com",
        "<port>" | "[port]" | "[max]" => "80",
        "<path>" => "/x",
        "<key>" => "k",
        "[command]" => "cam",
        "<1-100>" | "<0.1-120>" => "50",
        "<-2..2>" => "-1",
        other => other.trim_matches(['<', '>', '[', ']']).split('|').next().unwrap(),
    };
    for form in help::GROUPS.iter().flat_map(|group| group.forms) {
        let parts: Vec<_> = form.usage.split(' ').collect();
        let (optional, needed): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.starts_with('['));
        let line =
            |parts: &[&'static str]| parts.iter().map(|part| value(part)).collect::<Vec<_>>().join(" ");
        for kept in 0..=optional.len() {
            let line = line(&[&needed[..], &optional[..kept]].concat());
            understood(&line);
            assert!(kept < optional.len() || parse(&format!("{line} nonsense")).is_err(), "{line} nonsense");
        }
        let less = line(&needed[..needed.len() - 1]);
        assert!(!matches!(parse(&less), Ok(Some(_))), "{less}");
    }
}

#[test]
fn blank_lines_are_no_commands() {
    for line in ["", " ", " \t  "] {
        assert_eq!(parse(line), Ok(None));
    }
}

#[test]
fn help_is_asked_for_in_many_ways() {
    let about_wifi = Command::Help(Some("wifi".into()));
    for line in ["help wifi", "? wifi", "wifi help", "wifi ?", "wifi --help"] {
        assert_eq!(understood(line), about_wifi, "{line}");
    }
    assert_eq!(understood("?"), Command::Help(None));
    assert_eq!(understood("help ?"), Command::Help(Some("help".into())));
    assert_eq!(wrong("help wfi"), "unknown command: wfi; did you mean wifi?");
}

#[test]
fn words_with_spaces_are_quoted() {
    assert_eq!(understood(r#"wifi set "my net" 'pass word' save"#), set("my net", "pass word", true));
    assert_eq!(understood(r"wifi set my\ net pass\ word"), set("my net", "pass word", false));
    assert_eq!(understood(r#"wifi set Anna\'s "say \"friend\"""#), set("Anna's", "say \"friend\"", false));
    assert_eq!(understood("wifi set Café日本 'p w p w p w'"), set("Café日本", "p w p w p w", false));
    assert_eq!(understood(r#"wifi set net """#), set("net", "", false));
    assert_eq!(understood("wifi set net '' save"), set("net", "", true));
    assert_eq!(
        wrong("wifi set Anna's password"),
        "a ' is not closed; write \\' for one that belongs to the word"
    );
    assert!(refused("wifi set \"net password").contains("usage: wifi set <ssid>"));
    assert_eq!(wrong("wifi set my net password"), "too many words; quote one that has spaces in it");
}

#[test]
fn options_and_places_mix() {
    for line in [
        "wifi set --pass password --ssid net --save",
        "wifi set --save --pass password --ssid net",
        "wifi set --ssid net password save",
        "wifi set --pass password net save",
        "wifi set net --pass password save",
        "wifi set net password --save",
        "wifi set --ssid=net --pass=password --save",
        "wifi set --ssid net --pass password save",
    ] {
        assert_eq!(understood(line), set("net", "password", true), "{line}");
    }
    assert_eq!(understood("wifi set '--ssid' \"--password\""), set("--ssid", "--password", false));
    assert_eq!(understood("wifi set --ssid '--x' --pass=--password"), set("--x", "--password", false));
    assert_eq!(
        understood("wifi set --ssid='my net' --pass=\"pass word\""),
        set("my net", "pass word", false)
    );
    assert_eq!(understood("wifi set net --pass ''"), set("net", "", false));
    assert_eq!(understood("wifi set net --pass="), set("net", "", false));
    assert_eq!(wrong("wifi set --ssid --pass password"), "a word is missing after --ssid");
    assert_eq!(wrong("wifi set net --pass"), "a word is missing after --pass");
    assert_eq!(wrong("wifi set --ssid a --ssid b password"), "--ssid is there twice");
    assert!(wrong("wifi set net password --sav").starts_with("options are --ssid, --pass and --save"));
}

#[test]
fn save_is_the_flag_only_where_all_else_is_there() {
    assert_eq!(understood("wifi set save password save"), set("save", "password", true));
    assert_eq!(understood("wifi set save password"), set("save", "password", false));
    // The password is `save`, which is too short for one.
    assert_eq!(
        wrong("wifi set net save"),
        "password is 4 bytes long; networks take 8 to 63 (for an open one: \"\")"
    );
    assert_eq!(understood("stream set key save"), key("save", false));
    assert_eq!(understood("stream set key save save"), key("save", true));
    assert_eq!(understood("stream set host save"), host("save", None, false));
    assert_eq!(understood("stream set host save save"), host("save", None, true));
    assert_eq!(wrong("stream set host h 'save'"), "port is a number from 1 to 65535");
    assert_eq!(wrong("stream set host h save save"), "port is a number from 1 to 65535");
    assert_eq!(wrong("stream set key save save save"), "too many words; quote one that has spaces in it");
    assert_eq!(wrong("cam power 1 save"), "too many words; quote one that has spaces in it");
    assert_eq!(wrong("cam size save"), "size is one of qqvga, qvga, vga, svga, xga, uxga");
}

#[test]
fn an_ssid_has_1_to_32_bytes() {
    let ssid = |ssid: &str| parse(&format!("wifi set '{ssid}' password"));
    assert!(ssid(&"x".repeat(32)).is_ok());
    assert!(ssid(&"日本".repeat(5)).is_ok());
    assert_eq!(wrong("wifi set '' password"), "ssid is empty");
    assert_eq!(
        wrong(&format!("wifi set {} password", "x".repeat(40))),
        "ssid is 40 bytes long; at most 32 fit"
    );
    assert_eq!(
        wrong(&format!("wifi set {} password", "é".repeat(17))),
        "ssid is 34 bytes long; at most 32 fit"
    );
}

#[test]
fn a_password_that_no_network_takes_is_refused() {
    for length in 0..=70 {
        let accepted = parse(&format!("wifi set net '{}'", "z".repeat(length))).is_ok();
        assert_eq!(accepted, matches!(length, 0 | 8..=63), "{length}");
    }
    let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
    assert_eq!(understood(&format!("wifi set net {digits}")), set("net", &digits, false));
    assert!(wrong(&format!("wifi set net {}", "z".repeat(64))).contains("a key in hexadecimal digits"));
    assert_eq!(
        wrong(&format!("wifi set net {}", "a".repeat(65))),
        "password is 65 bytes long; at most 64 fit"
    );
    assert_eq!(wrong("wifi set net"), "password is missing (for an open network: \"\")");
}

#[test]
fn a_host_is_a_name_or_an_ipv4_address() {
    let longest = format!("{}.{}", "a".repeat(31), "b".repeat(31));
    for good in [
        "pi",
        "my_server",
        "cam-1.local",
        "Example.COM.",
        "10.0.0.1",
        "1and1.com",
        "xn--caf-dma.fr",
        &longest,
    ] {
        assert_eq!(understood(&format!("stream set host {good}")), host(good, None, false));
    }
    for bad in [
        "''",
        "a..b",
        ".a",
        "-a",
        "a-",
        "a.-b",
        "10.0.0",
        "10.0.0.256",
        "1.2.3.4.5",
        "7",
        "'a b'",
        "café",
        "a?b",
        ".",
    ] {
        assert!(wrong(&format!("stream set host {bad}")).starts_with("host "), "{bad}");
    }
    assert_eq!(wrong(&format!("stream set host {longest}c")), "host is 64 bytes long; at most 63 fit");
}

#[test]
fn a_url_in_place_of_a_host_is_answered_with_what_to_type() {
    for (typed, said) in [
        ("ws://example.com:9000/ws/camera?key=abc", "not a URL; try: stream set host example.com 9000"),
        ("http://user:abc@10.0.0.1/", "not a URL; try: stream set host 10.0.0.1"),
        ("wss://", "not a URL"),
        ("ws://abc:port/", "not a URL"),
        ("example.com:9000", "alone; try: stream set host example.com 9000"),
        ("example.com/ws", "alone; try: stream set host example.com"),
        ("fe80::1", "alone"),
    ] {
        let wrong = wrong(&format!("stream set host {typed}"));
        assert_eq!(
            wrong,
            format!(
                "host is a name or an IPv4 address{}{said}",
                if said.starts_with("not") { ", " } else { " " }
            )
        );
    }
}

#[test]
fn ports_paths_and_keys_are_checked() {
    for bad in ["0", "65536", "-1", "+80", "8o80", "''", "99999999999999999999", "８０"] {
        assert_eq!(wrong(&format!("stream set port {bad}")), "port is a number from 1 to 65535", "{bad}");
    }
    assert_eq!(wrong("stream set path ws"), "path begins with /");
    assert_eq!(wrong("stream set path '/a b'"), "path has a character that is not visible ASCII");
    assert!(parse(&format!("stream set path /{}", "x".repeat(127))).is_ok());
    assert_eq!(
        wrong(&format!("stream set path /{}", "x".repeat(128))),
        "path is 129 bytes long; at most 128 fit"
    );
    assert_eq!(wrong("stream set key ''"), "key is empty");
    assert_eq!(wrong("stream set key clé"), "key has a character that is not visible ASCII");
    assert_eq!(understood(&format!("stream set key {}", "x".repeat(128))), key(&"x".repeat(128), false));
    assert_eq!(
        wrong(&format!("stream set key {}", "x".repeat(129))),
        "key is 129 bytes long; at most 128 fit"
    );
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (before, bad, said) in [
        ("wifi scan", &["0", "201", "x", "''"][..], "max is a number from 1 to 200"),
        ("cam quality", &["0", "101", "80.5", "-1"], "quality is a number from 1 to 100"),
        (
            "cam fps",
            &["0", "0.09", "120.001", ".5", "1.2345", "1,5", "-1", "x", "1.x", "", "99999999999"],
            "fps is 0.1 to 120, with up to three decimals",
        ),
        ("cam brightness", &["-3", "3", "x", "0.5"], "brightness is -2, -1, 0, 1 or 2"),
        ("cam exposure", &["1201", "-1", "x"], "exposure is auto, or 0 to 1200 lines"),
        ("cam flip", &["2", "yes"], "flip is 0 or 1 (or off, on)"),
        ("cam testbar", &["2", "bars"], "testbar is 0 or 1 (or off, on)"),
        ("cam power", &["2"], "power is 0 or 1 (or off, on)"),
        ("log level", &["all", "Debug"], "level is one of error, warn, info, debug"),
    ] {
        for bad in bad {
            assert_eq!(wrong(&format!("{before} '{bad}'")), said, "{bad}");
        }
    }
}

#[test]
fn a_refusal_shows_what_is_wrong_and_then_the_usage() {
    assert_eq!(
        refused(&format!("wifi set {} password", "x".repeat(40))),
        "ssid is 40 bytes long; at most 32 fit\n\
         usage: wifi set <ssid> <password> [save]\n       \
         wifi set --ssid <ssid> --pass <password> [--save]"
    );
    assert_eq!(
        refused("wfi status"),
        "unknown command: wfi; did you mean wifi?\ncommands: help wifi stream cam psram log reboot version"
    );
    assert_eq!(refused("reboot now"), "too many words\nusage: reboot");
}

#[test]
fn a_mistyped_word_is_answered_with_the_nearest() {
    for (line, said) in [
        ("WIFI status", "unknown command: WIFI; did you mean wifi?"),
        ("frobnicate", "unknown command: frobnicate"),
        ("wifi conect", "unknown word after wifi: conect; did you mean connect?"),
        ("stream set prot 80", "unknown word after stream set: prot; did you mean port?"),
        ("cam qualty 80", "unknown word after cam: qualty; did you mean quality?"),
        ("log levle debug", "unknown word after log: levle; did you mean level?"),
        ("psram", "a word is missing after psram: status"),
        ("stream set", "a word is missing after stream set: host, port, path, key"),
        ("wifi", "a word is missing after wifi: status, scan, set, connect, disconnect, clear"),
        ("stream set host", "host is missing"),
        ("stream set key", "key is missing"),
        ("cam size", "size is missing"),
    ] {
        assert_eq!(wrong(line), said, "{line}");
    }
}

#[test]
fn no_refusal_tells_a_secret() {
    let secret = "hunter2";
    for line in [
        "wifi set net hunter2",
        "wifi set hunter2 net save now",
        "wifi set --pass hunter2",
        "wifi set net --hunter2",
        "wifi set net --pas=hunter2",
        "wifi set net password --save=hunter2",
        "wifi set my net hunter2",
        "wifi set \"net hunter2",
        "wifi set net hunter2\\",
        "'wifi set net hunter2'",
        "wifi 'set net hunter2'",
        "wifi sett net hunter2",
        "wfi set net hunter2",
        "wifi set net hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2",
        "stream set key hunter2 é",
        "stream set key 'hunter2 x'",
        "stream set key hunter2é",
        "stream set ky hunter2",
        "stream key hunter2",
        "stream set host ws://u:hunter2@example.com/?key=hunter2",
    ] {
        let refusal = parse(line).expect_err(line);
        assert!(!refusal.to_string().contains(secret), "{line}: {refusal}");
        assert!(!format!("{refusal:?}").contains(secret), "{line}");
    }
}

#[test]
fn no_line_makes_it_panic() {
    let pieces = [
        "wifi", "stream", "set", "save", "--ssid", "--pass=", "=", "'", "\"", "\\", " ", "é", "1", ".", "-",
        "://", ":", "\0", "key",
    ];
    let mut seed = 1_u64;
    for _ in 0..20_000 {
        let mut line = String::new();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            line += pieces[(seed >> 33) as usize % pieces.len()];
            if seed >> 62 == 0 {
                line.push(' ');
            }
        }
        if let Err(refusal) = parse(&line) {
            assert!(refusal.to_string().lines().count() > 1, "{line}");
        }
        assert!(complete::complete(&line).words.len() < 20);
    }
}

#[test]
fn a_refusal_reminds_of_the_forms_that_were_begun() {
    let usage = |line: &str| {
        let refusal = parse(line).expect_err(line).to_string();
        let usage = refusal.split_once("\nusage: ").expect("there is a usage").1.to_string();
        usage.lines().map(|form| form.trim().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(usage("cam fps 0"), ["cam fps <0.1-120> [save]"]);
    assert_eq!(usage("stream set port 0 save"), ["stream set port <port> [save]"]);
    let set = ["wifi set <ssid> <password> [save]", "wifi set --ssid <ssid> --pass <password> [--save]"];
    assert_eq!(usage("wifi set attic short"), set);
    assert_eq!(usage("wifi set attic 'never ends"), set);
    assert_eq!(usage("stream set").len(), 4);
    assert_eq!(usage("stream sett host").len(), 8, "what was meant is not known: all of the group");
    assert_eq!(usage("wifi").len(), 7);
}
