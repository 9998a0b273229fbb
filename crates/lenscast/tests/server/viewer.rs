//! What a viewer gets, in every format.

use crate::harness::*;
use futures_util::SinkExt as _;
use lenscast_live::JOINABLE_GOP_AGE;
use lenscast_media::time::Micros;
use lenscast_settings::config::Config;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_viewer_may_come_first_and_stays_across_reconnects_of_the_camera() {
    let server = start();
    let mut viewer = server.viewer("format=h264").await;
    let mut sequences = Vec::new();
    for number in 1..4 {
        let mut camera = server.camera().await;
        camera.send_jpeg(&jpeg(number)).await;
        let (header, unit) = viewer.framed().await;
        assert!(header.key, "each connection begins with a key frame");
        assert_eq!(Decoder::new().decode(&unit).frame_number(), number);
        sequences.push((header.sequence, header.pts_us));
        camera.close().await;
        server.status_until(|status| status["streaming"] == false).await;
    }
    assert!(sequences.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "numbers and time go on: {sequences:?}");
}

#[tokio::test]
async fn the_newest_frame_is_not_held_back_until_the_next_one() {
    let server = start();
    let mut camera = server.camera().await;
    for format in ["ts", "fmp4", "h264", "jpeg"] {
        let mut viewer = server.viewer(&format!("format={format}")).await;
        for _ in 0..3 {
            // Each one must come out although nothing follows it.
            camera.send_jpeg(&jpeg(1)).await;
            assert!(!viewer.binary().await.is_empty(), "{format}");
        }
    }
}

#[tokio::test]
async fn a_joiner_gets_the_running_gop_while_it_is_fresh_else_a_new_key_frame() {
    let server = start();
    let mut camera = server.camera().await;
    let mut first = server.viewer("format=h264").await;
    camera.send_jpeg(&jpeg(5)).await;
    let (key, _) = first.framed().await;
    // Join again and again. While the key frame is fresh each joiner gets it; at last one gets a new one, of the same
    // picture, with PTS = now.
    loop {
        let before = server.app.cameras.clock().now();
        let (header, unit) = server.viewer("format=h264").await.framed().await;
        let after = server.app.cameras.clock().now();
        assert!(header.key);
        assert_eq!(Decoder::new().decode(&unit).frame_number(), 5);
        let limit = key.pts_us - Config::default().pts_origin.to_micros().0
            + Micros::from_duration(JOINABLE_GOP_AGE).0;
        if header.sequence == key.sequence {
            assert!(before.0 <= limit, "a picture from the past");
        } else {
            let shown = header.pts_us - Config::default().pts_origin.to_micros().0;
            assert!((before.0..=after.0 + 12).contains(&(shown + 12)), "PTS is the time of joining");
            assert!(after.0 >= limit, "a key frame was forced too early");
            assert_eq!(header.arrival_unix_us, key.arrival_unix_us, "the frame did not arrive again");
            // Those who were there see it too.
            assert_eq!(first.framed().await.0.sequence, header.sequence);
            return;
        }
    }
}

#[tokio::test]
async fn a_crowd_of_joiners_shares_one_forced_key_frame() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    let started = server.app.cameras.clock().now();
    let mut crowd = Vec::new();
    for _ in 0..50 {
        crowd.push(server.viewer("format=h264").await);
    }
    let mut sequences = std::collections::BTreeSet::new();
    for viewer in &mut crowd {
        sequences.insert(viewer.framed().await.0.sequence);
    }
    let elapsed = server.app.cameras.clock().now().saturating_sub(started).to_duration();
    let allowed = 1 + elapsed.as_millis() / JOINABLE_GOP_AGE.as_millis();
    assert!(sequences.len() as u128 <= allowed, "{} key frames in {elapsed:?}", sequences.len());
}

#[tokio::test]
async fn after_the_camera_left_there_is_nothing_stale() {
    let server = start();
    let mut camera = server.camera().await;
    let mut early = server.viewer("format=h264").await;
    camera.send_jpeg(&jpeg(1)).await;
    early.framed().await;
    camera.close().await;
    server.status_until(|status| status["streaming"] == false).await;
    let mut late = server.viewer("format=h264").await;
    let mut late_jpeg = server.viewer("format=jpeg").await;
    server.status_until(|status| status["viewer_clients"] == 3).await;
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(2)).await;
    let (header, unit) = late.framed().await;
    assert!(header.key);
    assert_eq!(Decoder::new().decode(&unit).frame_number(), 2);
    assert_eq!(late_jpeg.framed().await.1, jpeg(2));
}

#[tokio::test]
async fn video_is_encoded_only_while_somebody_watches_it() {
    let server = start();
    let mut camera = server.camera().await;
    let mut jpegs = server.viewer("format=jpeg").await;
    for number in 1..4 {
        camera.send_jpeg(&jpeg(number)).await;
        jpegs.framed().await;
    }
    let idle = server.status();
    assert_eq!(idle["cameras"][0]["encoding"], false);
    assert_eq!(
        idle["cameras"][0]["pipeline_ms"]["encode"], 0.0,
        "nothing was encoded for those who read JPEGs"
    );
    assert_eq!(idle["cameras"][0]["dropped"], 0, "a frame that nobody wants is no loss");
    let mut viewer = server.viewer("format=h264").await;
    // The first viewer sees the newest picture at once, although no new one comes.
    assert_eq!(Decoder::new().decode(&viewer.framed().await.1).frame_number(), 3);
    assert_eq!(server.status()["cameras"][0]["encoding"], true);
    viewer.close().await;
    server.status_until(|status| status["cameras"][0]["encoding"] == false).await;
}

#[tokio::test]
async fn encode_always_needs_no_viewer() {
    let server = start_with(|config| config.encode = lenscast_live::EncodeMode::Always);
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["pipeline_ms"]["encode"].as_f64() > Some(0.0)).await;
}

#[tokio::test]
async fn a_new_size_brings_a_new_init_segment_and_a_new_sps_to_those_who_stay() {
    let server = start();
    let mut camera = server.camera().await;
    let mut fmp4 = server.viewer("format=fmp4").await;
    let mut h264 = server.viewer("format=h264").await;
    for (width, height) in [(320, 240), (160, 120)] {
        camera.send_jpeg(&jpeg_of(1, width, height)).await;
        let init = fmp4.binary().await;
        assert_eq!(&init[4..8], b"ftyp");
        let fragment = fmp4.binary().await;
        assert_eq!(&fragment[4..8], b"moof");
        let (header, unit) = h264.framed().await;
        assert!(header.key);
        // Delimiter, SPS, PPS, IDR: in this order.
        assert_eq!(nal_types(&unit), [9, 7, 8, 5]);
        let luma = Decoder::new().decode(&unit);
        assert_eq!((luma.width, luma.height), (width.into(), height.into()));
        camera.send_jpeg(&jpeg_of(2, width, height)).await;
        assert_eq!(&fmp4.binary().await[4..8], b"moof", "no second init segment for the same SPS");
        assert!(!h264.framed().await.0.key);
    }
}

#[tokio::test]
async fn pages_that_ask_are_told_how_the_camera_is() {
    let server = start_with(|config| config.limits.silent_after = std::time::Duration::from_millis(300));
    let mut viewer = server.viewer("format=jpeg&events=1").await;
    let state = viewer.event().await;
    assert_eq!((&state["event"], &state["state"]), (&"state".into(), &"waiting".into()));
    assert_eq!(state["camera"], "default");
    let mut camera = server.camera().await;
    assert_eq!(viewer.event().await["state"], "no_frame");
    camera.send_jpeg(&jpeg(1)).await;
    let live = viewer.event().await;
    assert_eq!((&live["state"], &live["width"], &live["height"]), (&"live".into(), &320.into(), &240.into()));
    let silent = viewer.event().await;
    assert_eq!(silent["state"], "silent");
    assert!(silent["newest_frame_age_ms"].as_u64() >= Some(300), "{silent}");
    camera.close().await;
    assert_eq!(viewer.event().await["state"], "waiting");
}

#[tokio::test]
async fn pages_hear_the_state_again_and_again_so_that_they_notice_silence() {
    let server = start_with(|config| config.limits.ping_interval = std::time::Duration::from_millis(50));
    let mut viewer = server.viewer("events=1").await;
    for _ in 0..3 {
        assert_eq!(viewer.event().await["state"], "waiting");
    }
}

#[tokio::test]
async fn an_unmodified_viewer_gets_no_text() {
    let server = start();
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("").await;
    camera.send_jpeg(&jpeg(1)).await;
    assert!(matches!(viewer.message().await, Message::Binary(_)));
    camera.close().await;
    // The next thing it hears is the answer to its own ping.
    viewer.send(Message::Ping(b"?".to_vec().into())).await;
    assert_eq!(viewer.message().await, Message::Pong(b"?".to_vec().into()));
}

#[tokio::test]
async fn what_a_viewer_says_is_ignored_and_its_close_is_answered() {
    let server = start();
    let mut viewer = server.viewer("").await;
    viewer.send(Message::text("play!")).await;
    viewer.send(Message::binary(vec![0; 1000])).await;
    server.status_until(|status| status["viewer_clients"] == 1).await;
    viewer.socket.close(None).await.unwrap();
    assert!(matches!(viewer.message().await, Message::Close(_)));
    server.status_until(|status| status["viewer_clients"] == 0).await;
}

#[tokio::test]
async fn an_unknown_format_is_refused_with_what_there_is() {
    let server = start();
    let url = format!("ws://{}/ws/viewer?format=avi", server.address);
    let (status, sentence) = refusal(tokio_tungstenite::connect_async(url).await.unwrap_err());
    assert_eq!(status, 400);
    assert!(sentence.contains("fmp4"), "{sentence}");
}

#[tokio::test]
async fn cameras_have_streams_of_their_own() {
    let server = start();
    let mut door = server.connect("/ws/camera/door").await;
    let mut garden = server.connect("/ws/camera/garden").await;
    let mut door_viewer = server.connect("/ws/viewer/door?format=h264").await;
    let mut garden_viewer = server.connect("/ws/viewer/garden?format=h264").await;
    for number in 1..5 {
        door.send_jpeg(&jpeg_of(number, 320, 240)).await;
        garden.send_jpeg(&jpeg_of(100 + number, 160, 120)).await;
        garden.socket.flush().await.unwrap();
        door_viewer.framed().await;
        garden_viewer.framed().await;
    }
    let status = server.status();
    assert_eq!(status["camera_clients"], 2);
    assert_eq!(status["viewer_clients"], 2);
    assert_eq!(
        (&status["cameras"][0]["name"], &status["cameras"][0]["width"]),
        (&"door".into(), &320.into())
    );
    assert_eq!(
        (&status["cameras"][1]["name"], &status["cameras"][1]["width"]),
        (&"garden".into(), &160.into())
    );
}
