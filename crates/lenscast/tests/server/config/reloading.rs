//! All of it again while the server runs.

use super::*;
use crate::harness::{jpeg, until_listens};
use futures_util::{SinkExt as _, StreamExt as _};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use tokio_tungstenite::tungstenite::Message;

/// Sends frames for ever; ends only when the connection does, with the reason.
fn stream(mut camera: Socket) -> tokio::task::JoinHandle<String> {
    tokio::spawn(async move {
        let pictures = [jpeg(1), jpeg(2)];
        for picture in pictures.iter().cycle() {
            tokio::select! {
                message = camera.next() => match message {
                    Some(Ok(Message::Ping(_) | Message::Text(_))) => continue,
                    other => return format!("{other:?}"),
                },
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if let Err(error) = camera.send(Message::binary(picture.clone())).await {
                return error.to_string();
            }
        }
        unreachable!("a cycle has no end")
    })
}

/// Reads so many frames.
async fn watch(viewer: &mut Socket, count: usize) {
    let mut left = count;
    while left > 0 {
        let message = within(viewer.next()).await.expect("the viewer's connection goes on").unwrap();
        assert!(!message.is_close(), "{message}");
        left -= usize::from(message.is_binary());
    }
}

#[tokio::test]
async fn reloading_by_signal_under_traffic_changes_limits_and_loses_no_connection() {
    let world = World::new("listen = \"127.0.0.1:0\"\nmax_viewers = 2\n");
    let server = world.serve(&[]).await;
    let camera = stream(server.connect("/ws/camera").await.unwrap());
    let mut video = server.connect("/ws/viewer").await.unwrap();
    let mut jpegs = server.connect("/ws/viewer?format=jpeg&events=1").await.unwrap();
    watch(&mut video, 5).await;
    watch(&mut jpegs, 5).await;
    assert!(server.connect("/ws/viewer").await.is_err(), "there are as many as there may be");
    for round in 3..6 {
        let file = format!(
            "listen = \"127.0.0.1:0\"\nmax_viewers = {round}\nping_interval = {round}\nmax_cameras = 1\nlog = \"debug\""
        );
        world.write(&file);
        server.program.signal("HUP").await;
        let mut more = within(async {
            loop {
                match server.connect("/ws/viewer").await {
                    Ok(viewer) => return viewer,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        })
        .await;
        watch(&mut more, 3).await;
        watch(&mut video, 5).await;
        watch(&mut jpegs, 5).await;
        // Those who came stay too, so that each round needs one more.
        tokio::spawn(async move { while more.next().await.is_some() {} });
    }
    let refused = server.connect("/ws/camera/second").await.unwrap_err();
    assert!(matches!(&refused, Error::Http(answer) if answer.status() == 503), "{refused}");
    assert!(!camera.is_finished(), "the camera was connected all the time");
    let log = server.log_until("max_cameras, max_viewers, ping_interval").await;
    assert_eq!(log.matches("camera connected").count(), 1, "{log}");
    assert!(!log.contains("camera left") && !log.contains("camera closed"), "{log}");
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn another_encoder_takes_over_while_everybody_watches() {
    let world = World::new("listen = \"127.0.0.1:0\"\n");
    let server = world.serve(&[]).await;
    let camera = stream(server.connect("/ws/camera").await.unwrap());
    let mut video = server.connect("/ws/viewer").await.unwrap();
    watch(&mut video, 5).await;
    world.write("listen = \"127.0.0.1:0\"\nbitrate = 300\n");
    assert_eq!(server.reload().await, json!({"applied": ["bitrate"], "needs_restart": []}));
    server.log_until("video begins anew").await;
    watch(&mut video, 5).await;
    assert!(!camera.is_finished());
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn a_camera_that_nobody_watches_is_encoded_when_that_is_wanted_from_now_on() {
    let world = World::new("listen = \"127.0.0.1:0\"\n");
    let server = world.serve(&[]).await;
    let _camera = stream(server.connect("/ws/camera").await.unwrap());
    server.status_until(|camera| camera["state"] == "live").await;
    world.write("listen = \"127.0.0.1:0\"\nencode = \"always\"");
    assert_eq!(server.reload().await["applied"], json!(["encode"]));
    server.status_until(|camera| camera["video_bitrate"].as_f64().is_some_and(|bits| bits > 0.0)).await;
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn what_needs_a_restart_is_told_and_a_broken_file_changes_nothing() {
    let world = World::new("listen = \"127.0.0.1:0\"\nmax_viewers = 1\n");
    let server = world.serve(&[]).await;
    let _viewer = server.connect("/ws/viewer").await.unwrap();

    world.write("listen = \"127.0.0.1:0\"\nmax_viewers = 9\nmax_camera = 1\nencode = 3\n");
    let (code, answer) = server.post("/api/reload").await;
    assert_eq!(
        (code, &answer["status"], &answer["title"]),
        (422, &json!(422), &json!("Unprocessable Entity"))
    );
    let file = world.file().display().to_string();
    let errors = json!([
        format!("{file}:3: max_camera is no key; did you mean max_cameras?"),
        format!("{file}:4: encode is a text in quotes: encode = \"demand\""),
    ]);
    assert_eq!(answer["errors"], errors);
    assert!(server.connect("/ws/viewer").await.is_err(), "one viewer is still the limit");
    server.program.signal("HUP").await;
    // The request has said it once: a signal that is still to come would take what is written next.
    server.log_until_times(2, "the configuration stays as it was: 2 mistakes").await;
    assert!(server.connect("/ws/viewer").await.is_err());

    world.write("listen = \"127.0.0.1:1\"\nmax_viewers = 2\nbase_path = \"/cam\"\n");
    let told = json!({"applied": ["max_viewers"], "needs_restart": ["listen", "base_path"]});
    assert_eq!(server.reload().await, told);
    server.log_until("only when the server is started again: listen, base_path").await;
    let _second = server.connect("/ws/viewer").await.expect("two now, at the old address");
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn the_command_tells_what_came_of_it_and_fails_on_mistakes() {
    let world = World::new("listen = \"127.0.0.1:0\"\nmax_viewers = 1\n");
    let server = world.serve(&[]).await;
    let state = world.path("state").display().to_string();
    let reload = ["reload", "--state-dir", &state];
    until_listens(world.path("state/control.sock")).await;
    assert_eq!(world.says(&reload).await, "Nothing to apply.\n");
    world.write("listen = \"127.0.0.1:1\"\nmax_viewers = 2\n");
    let said = "In force now: max_viewers.\nOnly when the server is started again: listen.\n";
    assert_eq!(world.says(&reload).await, said);
    world.write("listen = \"127.0.0.1:0\"\nmax_viewer = 3\nmax_cameras = \"x\"\n");
    let output = world.run(&reload).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("lenscast: Nothing has changed") && said.lines().count() == 3, "{said}");
    assert!(said.contains("lenscast.toml:2: max_viewer is no key"), "{said}");
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn the_log_tells_more_after_a_reload_that_asks_for_it() {
    let world = World::new("listen = \"127.0.0.1:0\"\n");
    let server = world.serve(&[]).await;
    server.send_nonsense().await;
    world.write("listen = \"127.0.0.1:0\"\nlog = \"debug\"\n");
    assert_eq!(server.reload().await["applied"], json!(["log"]));
    server.send_nonsense().await;
    let log = server.log_until("DEBUG").await;
    let before = log.split("configuration reloaded").next().unwrap();
    assert!(!before.contains("DEBUG"), "{log}");
    assert_eq!(server.program.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn a_terminal_that_is_closed_ends_its_server_and_the_same_signal_alone_does_not() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let person = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&person).unwrap();
    rustix::pty::unlockpt(&person).unwrap();
    let path = rustix::pty::ptsname(&person, Vec::new()).unwrap();
    let terminal = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();

    let world = World::new("listen = \"127.0.0.1:0\"\n");
    let log = world.0.path().join("log");
    let mut program = {
        let mut command = world.command(&["serve"]);
        command.stdin(Stdio::from(terminal));
        Program::spawn_with(&mut command, fs::File::create(&log).unwrap().into())
    };
    let address = program.address().await;
    let server = Server { program, address, log };
    server.program.signal("HUP").await;
    server.log_until("configuration reloaded").await;
    drop(person);
    assert_eq!(server.program.ends_after("HUP").await, Some(0));
}
