//! What a hostile camera can make the server pay: attacks with an honest camera beside them.

#[path = "../../../media/tests/jpeg/costly.rs"]
mod costly;

use crate::camera::RawCamera;
use crate::harness::*;
use crate::program::Program;
use costly::{Costly, NINETY_NINE_SCANS};
use futures_util::{SinkExt as _, StreamExt as _};
use lenscast_protocol::ws::{Opcode, close_code, frame_head};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, connect_async};

/// The memory that a server may take at most while it is attacked, in KiB.
const MAX_MEMORY: u64 = 120 * 1024;

/// The threads that a server may have at most while it is attacked.
const MAX_THREADS: u64 = 64;

/// Connects as a camera, sends the same thing some times, and hangs up without a word. Whether it was let in does not matter.
async fn hit_and_run(url: String, jpeg: Arc<Vec<u8>>) {
    if let Ok((mut socket, _)) = connect_async(url).await {
        for _ in 0..3 {
            if socket.feed(Message::binary(jpeg.to_vec())).await.is_err() {
                return;
            }
        }
        // What is not sent by then is sent by nobody: it may be closed already.
        drop(socket.flush().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jpegs_made_to_be_costly_cost_next_to_nothing_and_the_honest_camera_plays_on() {
    let mut server = Program::start(&["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address().await;
    let (mut honest, _) = connect_async(format!("ws://{address}/ws/camera/door")).await.unwrap();
    let (mut viewer, _) = connect_async(format!("ws://{address}/ws/viewer/door")).await.unwrap();
    // Somebody watches the name that is attacked, so that everything would be decoded.
    let (mut victim, _) = connect_async(format!("ws://{address}/ws/viewer")).await.unwrap();
    tokio::spawn(async move { while let Some(Ok(_)) = victim.next().await {} });

    let in_three = Costly { scans: 3, ..NINETY_NINE_SCANS };
    let costly = [
        NINETY_NINE_SCANS,
        Costly { progressive: false, ..in_three },
        Costly { width: 640, height: 480, tables: 10_000, ..in_three },
        Costly { width: 640, height: 480, progressive: false, ..NINETY_NINE_SCANS },
        Costly::baseline(4000, 4000),
    ];
    let costly = costly.map(|costly| Arc::new(costly.jpeg()));
    let (mut number, mut threads) = (0, 0);
    for round in 0..10 {
        let mut attack = tokio::task::JoinSet::new();
        for connection in 0..64 {
            let name = if connection % 2 == 0 { String::new() } else { format!("/n-{round}-{connection}") };
            let url = format!("ws://{address}/ws/camera{name}");
            attack.spawn(hit_and_run(url, costly[(round + connection) % costly.len()].clone()));
        }
        for _ in 0..5 {
            honest.send(Message::binary(jpeg(number))).await.unwrap();
            number += 1;
            let message = within(viewer.next()).await.unwrap().unwrap();
            assert_eq!(message.into_data()[0], 0x47, "video goes on");
            threads = threads.max(server.kernel_says("Threads"));
        }
        within(async { while attack.join_next().await.is_some() {} }).await;
    }
    let memory = server.kernel_says("VmHWM");
    println!("at most {memory} KiB and {threads} threads");
    assert!(memory <= MAX_MEMORY, "{memory} KiB");
    assert!(threads <= MAX_THREADS, "{threads} threads");
    assert_eq!(server.ends_after("TERM").await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_pictures_that_may_be_cost_what_is_documented_and_it_is_given_back() {
    let mut server = Program::start(&["serve", "--listen", "127.0.0.1:0"]);
    let address = server.address().await;
    let before = server.kernel_says("VmRSS");
    let (mut viewer, _) = connect_async(format!("ws://{address}/ws/viewer?format=h264")).await.unwrap();
    let progressive = Costly { width: 1920, height: 1200, scans: 48, ..NINETY_NINE_SCANS };
    let pictures = [Costly::baseline(3840, 2160), progressive, Costly::baseline(640, 480)];
    let pictures = pictures.map(|picture| picture.jpeg());
    for round in 0..4 {
        // Each from a connection of its own, so that threads and heaps come and go.
        for picture in &pictures {
            let (mut camera, _) = connect_async(format!("ws://{address}/ws/camera")).await.unwrap();
            camera.send(Message::binary(picture.clone())).await.unwrap();
            within(async { while !viewer.next().await.unwrap().unwrap().is_binary() {} }).await;
            camera.close(None).await.unwrap();
            within(async { while let Some(Ok(_)) = camera.next().await {} }).await;
        }
        println!("round {round}: {} KiB now", server.kernel_says("VmRSS"));
    }
    let most = server.kernel_says("VmHWM");
    println!("{before} KiB before, {most} KiB at most");
    assert!(most <= MAX_MEMORY, "{most} KiB");
    within(async {
        while server.kernel_says("VmRSS") > before + 16 * 1024 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(server.ends_after("TERM").await, Some(0));
}

#[tokio::test]
async fn a_costly_jpeg_has_a_cause_of_its_own_and_is_shown_to_nobody() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=jpeg").await;
    camera.send_jpeg(&NINETY_NINE_SCANS.jpeg()).await;
    server.status_until(|_| server.quarantined("too_costly") == 1).await;
    camera.send_jpeg(&jpeg(1)).await;
    assert_eq!(viewer.framed().await.1, jpeg(1));
}

#[tokio::test]
async fn what_is_too_large_for_video_is_shown_as_jpeg_without_decoding_it() {
    let server = start();
    let mut camera = server.camera().await;
    let mut video = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    let large = Costly::baseline(4000, 4000).jpeg();
    camera.send_jpeg(&large).await;
    server.status_until(|_| server.quarantined("too_large_for_video") == 1).await;
    assert_eq!(jpegs.framed().await.1, large);
    assert_eq!(server.app.cameras.pipelines().memory(), 0, "nothing was taken for it");
    camera.send_jpeg(&jpeg(2)).await;
    assert!(video.framed().await.0.key);
    assert!(server.app.cameras.pipelines().memory() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_cameras_come_at_once_no_more_are_connected_than_may_be() {
    let server = start_with(|config| config.limits.max_cameras = 4);
    let first = server.camera().await;
    let mut coming = tokio::task::JoinSet::new();
    for number in 0..150 {
        // Most want the name that is taken, and are connected while it is asked whether its camera is alive.
        let name = if number % 10 == 0 { format!("/n-{number}") } else { String::new() };
        coming.spawn(connect_async(format!("ws://{}/ws/camera{name}", server.address)));
    }
    let mut connected = Vec::new();
    while let Some(came) = within(coming.join_next()).await {
        match came.unwrap() {
            Ok((socket, _)) => connected.push(socket),
            Err(error) => {
                let (status, sentence) = refusal(error);
                assert_eq!(status, 503);
                assert!(sentence.contains("--max-cameras"), "{sentence}");
            }
        }
        assert!(server.app.gate.publishing().0 <= 4);
    }
    assert_eq!(connected.len(), 3, "and no less");
    drop((connected, first));
    // They are at their end once nobody holds a permit.
    within(async {
        while server.app.gate.publishing().0 > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    server.camera().await;
}

/// Connects as a camera from another address of this computer.
async fn camera_from(server: &Running, address: [u8; 4], path: &str) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let stream = MaybeTlsStream::Plain(within(socket.connect(server.address)).await.unwrap());
    let url = format!("ws://{}{path}", server.address);
    let (socket, _) = within(tokio_tungstenite::client_async(url, stream)).await.expect("it gets in");
    Client { socket }
}

#[tokio::test]
async fn one_address_that_takes_all_places_gives_one_back_to_a_camera_from_elsewhere() {
    let server = start_with(|config| config.limits.max_cameras = 4);
    let mut crowd = Vec::new();
    for number in 0..4 {
        crowd.push(server.connect(&format!("/ws/camera/n-{number}")).await);
    }
    crowd[3].send_jpeg(&jpeg(1)).await;
    server.camera_until("n-3", |camera| camera["frames_in"] == 1).await;
    let honest = async {
        let mut honest = camera_from(&server, [127, 0, 0, 2], "/ws/camera/door").await;
        honest.send_jpeg(&jpeg(2)).await;
        server.camera_until("door", |camera| camera["frames_in"] == 1).await;
        honest
    };
    // The newest of those that have sent no picture.
    let (honest, (code, reason)) = tokio::join!(honest, crowd[2].closed());
    assert_eq!(code, close_code::TRY_AGAIN);
    assert!(reason.contains("--max-cameras"), "{reason}");
    assert_eq!(server.app.gate.publishing().0, 4);
    let url = format!("ws://{}/ws/camera/n-9", server.address);
    assert_eq!(refusal(connect_async(url).await.unwrap_err()).0, 503, "who has three gets no fourth");
    drop(honest);
}

#[tokio::test]
async fn messages_that_never_end_are_bounded_together_and_others_have_their_share() {
    let server = start_with(|config| {
        config.limits.max_cameras = 8;
        config.limits.max_message_bytes = 200_000;
        config.limits.max_camera_bytes = 0;
    });
    // At least four of the largest messages: 800,000 bytes. Half are for whoever needs more than his share of 50,000.
    let mut honest = server.connect("/ws/camera/door").await;
    let mut viewer = server.connect("/ws/viewer/door?format=jpeg").await;
    let mut attackers = Vec::new();
    for number in 0..7 {
        let mut attacker = RawCamera::connect_to(&server, &format!("/ws/camera/n-{number}")).await;
        attacker
            .socket
            .write_all(frame_head(Opcode::Binary, 200_000, Some([0; 4])).as_bytes())
            .await
            .unwrap();
        attacker.socket.write_all(&[7; 190_000]).await.unwrap();
        // 140,000 beyond its share each: the third has no room.
        if number < 2 {
            until_bytes(&server, |bytes| bytes >= 190_000 * (number + 1)).await;
            attackers.push(attacker);
        } else {
            let (code, reason) = attacker.closed().await;
            assert_eq!(code, close_code::TRY_AGAIN);
            assert!(reason.contains("--max-camera-bytes"), "{reason}");
            let refused = server.camera_status(&format!("n-{number}"));
            assert_eq!(refused["quarantined"]["no_room"], 1, "{refused}");
        }
        honest.send_jpeg(&jpeg(number as u32)).await;
        assert_eq!(viewer.framed().await.1, jpeg(number as u32), "the honest camera is within its share");
        let (_, bytes) = server.app.gate.publishing();
        assert!(bytes <= 800_000, "{bytes}");
    }
    drop(attackers);
    until_bytes(&server, |bytes| bytes < 50_000).await;
}

/// Waits until the messages of all cameras take so many bytes.
async fn until_bytes(server: &Running, is: impl Fn(usize) -> bool) {
    within(async {
        while !is(server.app.gate.publishing().1) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn names_without_end_cost_a_few_and_are_forgotten_all_at_once() {
    let server = start_with(|config| config.limits.max_cameras = 2);
    server.patch("n-59", r#"{"title":"The last"}"#).await;
    for number in 0..60 {
        let name = format!("n-{number}");
        let mut camera = server.connect(&format!("/ws/camera/{name}")).await;
        camera.send_jpeg(&jpeg(1)).await;
        server.camera_until(&name, |camera| camera["frames_in"] == 1).await;
        camera.close().await;
        server.camera_until(&name, |camera| camera["connected"] == false).await;
        assert!(server.status()["cameras"].as_array().unwrap().len() <= 9);
    }
    let names = |server: &Running| -> BTreeSet<String> {
        let status = server.status();
        let cameras = status["cameras"].as_array().unwrap();
        cameras.iter().map(|camera| camera["name"].as_str().unwrap().to_owned()).collect()
    };
    // The oldest go first. While a good-bye lasts, a stream may be held that is not remembered.
    server.status_until(|status| status["cameras"].as_array().unwrap().len() == 8).await;
    assert_eq!(names(&server), (52..60).map(|number| format!("n-{number}")).collect());
    server.app.cameras.histories().sample(server.app.cameras.streams());
    assert_eq!(server.get_json("/api/cameras/n-59/history").await["samples"].as_array().unwrap().len(), 1);
    assert_eq!(server.get_json("/api/cameras/n-1/history").await["samples"], json!([]));
    let mut there = server.connect("/ws/camera/there").await;
    there.send_jpeg(&jpeg(1)).await;
    server.camera_until("there", |camera| camera["frames_in"] == 1).await;
    let (code, answer) = server.ask("DELETE", "/api/cameras", "").await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, answer["forgotten"].as_array().unwrap().len()), (200, 8), "{answer}");
    assert_eq!(names(&server), BTreeSet::from(["there".to_owned()]), "who is connected stays");
    assert_eq!(server.get_json("/api/cameras/n-59/history").await["samples"], json!([]));
    let _back = server.connect("/ws/camera/n-59").await;
    assert_eq!(server.camera_until("n-59", |camera| !camera.is_null()).await["title"], "n-59");
}

#[tokio::test]
async fn who_was_only_refused_is_seen_with_the_cause_and_who_sent_nothing_is_not() {
    let server = start_with(|config| config.limits.max_cameras = 2);
    let mut camera = server.connect("/ws/camera/wrong").await;
    camera.send(Message::binary(b"RGB565".to_vec())).await;
    let cause = |camera: &serde_json::Value| camera["quarantined"]["not_a_jpeg"] == 1;
    server.camera_until("wrong", |camera| camera["connected"] == true && cause(camera)).await;
    camera.close().await;
    server.camera_until("wrong", |camera| camera["connected"] == false && cause(camera)).await;
    server.connect("/ws/camera/silent").await.close().await;
    server.camera_until("silent", serde_json::Value::is_null).await;
    assert!(cause(&server.camera_status("wrong")), "its owner looks for minutes");
    // Names that were only refused never push one out that sent a picture.
    let mut good = server.connect("/ws/camera/good").await;
    good.send_jpeg(&jpeg(1)).await;
    server.camera_until("good", |camera| camera["frames_in"] == 1).await;
    good.close().await;
    for number in 0..20 {
        let name = format!("w-{number}");
        let mut camera = server.connect(&format!("/ws/camera/{name}")).await;
        camera.send(Message::binary(b"RGB565".to_vec())).await;
        server.camera_until(&name, cause).await;
        camera.close().await;
    }
    server.camera_until("wrong", serde_json::Value::is_null).await;
    assert_eq!(server.camera_status("good")["frames_in"], 1);
}
