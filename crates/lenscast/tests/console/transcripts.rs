//! A person's first minutes with a device.

use crate::program::Device;
use crate::server;
use crate::terminal::{PROMPT, Terminal};
use crate::transcript::play;
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";
const KEY: &str = "0123-secret-key-4567";

const WORLD: &str = r#"
[[network]]
ssid = "attic"
password = "correct horse"
rssi = -51

[[network]]
ssid = "the neighbours"
password = "unknown"
auth = "wpa3"
rssi = -80
channel = 11
"#;

struct Home {
    folder: TempDir,
    nvs: String,
    world: String,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path =
            |name: &str| folder.path().join(name).to_str().expect("temporary paths are UTF-8").to_owned();
        let (nvs, world) = (path("nvs.bin"), path("world.toml"));
        std::fs::write(&world, WORLD).expect("room for a file");
        Self { folder, nvs, world }
    }

    fn device(&self) -> Device {
        Device::start(&["--nvs", &self.nvs, "--world", &self.world])
    }

    fn terminal(&self, device: &Device, smart: bool) -> Terminal {
        assert!(self.folder.path().exists());
        Terminal::open(&device.path, smart)
    }
}

/// Neither the password nor the key is anywhere but where it was typed.
fn nothing_secret_was_printed(terminal: &Terminal) {
    for row in terminal.screen.rows() {
        let printed = !row.starts_with(PROMPT);
        assert!(!printed || !(row.contains(PASSWORD) || row.contains(KEY)), "a secret was printed: {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_minutes_are_as_in_the_transcripts_and_what_was_saved_stays() {
    let port = server::start().await.port().to_string();
    let names = [("{port}", &port[..]), ("{key}", KEY)];
    let home = Home::new();

    let device = home.device();
    let mut terminal = home.terminal(&device, true);
    play(&mut terminal, "first_minutes", &names);
    nothing_secret_was_printed(&terminal);
    device.pull_the_plug();

    let device = home.device();
    let mut terminal = home.terminal(&device, true);
    play(&mut terminal, "next_day", &names);
    nothing_secret_was_printed(&terminal);
}

#[test]
fn wrong_commands_are_explained_as_in_the_transcript() {
    let home = Home::new();
    let device = home.device();
    let mut terminal = home.terminal(&device, true);
    play(&mut terminal, "wrong_commands", &[]);
}

#[test]
fn a_terminal_that_understands_no_escape_sequences_gets_none() {
    let home = Home::new();
    let device = home.device();
    let mut terminal = home.terminal(&device, false);
    play(&mut terminal, "wrong_commands", &[]);
    assert_eq!(terminal.screen.escapes, 0);
}

#[test]
fn a_wrong_password_is_told_apart_from_a_network_that_is_not_there() {
    let home = Home::new();
    let device = home.device();
    let mut terminal = home.terminal(&device, true);
    for (credentials, expected) in [
        ("attic 'wrong horse'", "the network refused the password"),
        ("cellar 'correct horse'", "no network"),
        ("'the neighbours' 'correct horse'", "WPA3"),
        ("'the neighbours' ''", "the network takes WPA3 only"),
        ("attic ''", "the network wants a password: wifi set attic <password> save"),
    ] {
        terminal.command(&format!("wifi set {credentials}"));
        terminal.command("wifi connect");
        terminal.until(expected, |screen| {
            let rows = screen.rows();
            rows.iter().any(|row| row.starts_with("W (") && row.contains(expected))
        });
    }
}
