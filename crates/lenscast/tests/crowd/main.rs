//! What needs the machine for itself: a test program of its own, since these run one after the other.

#[path = "../server/harness.rs"]
#[expect(dead_code, reason = "the other test program uses the rest of it")]
mod harness;

use harness::{Client, jpeg_of, start_with};
use std::time::Duration;

#[tokio::test]
async fn hundreds_of_viewers_come_and_go_and_each_sees_frames_in_order() {
    let server = start_with(|config| config.limits.max_viewers_per_address = 1000);
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg_of(1, 160, 120)).await;
    let mut tasks = Vec::new();
    for index in 0..200u32 {
        let url = format!("ws://{}/ws/viewer?format=h264", server.address);
        tasks.push(tokio::spawn(async move {
            let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            let mut viewer = Client { socket };
            let mut previous: Option<u32> = None;
            for _ in 0..(5 + index % 10) {
                let (header, _) = viewer.framed().await;
                match previous {
                    None => assert!(header.key, "begins with a key frame"),
                    Some(previous) if header.lost_before => {
                        assert!(header.key && header.sequence > previous + 1)
                    }
                    Some(previous) => assert_eq!(header.sequence, previous + 1),
                }
                previous = Some(header.sequence);
            }
            // Half of them leave as browsers do, half are torn off.
            if index % 2 == 0 {
                viewer.close().await;
            }
        }));
    }
    let mut number = 1;
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        number += 1;
        camera.send_jpeg(&jpeg_of(number, 160, 120)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let status = server.status_until(|status| status["viewer_clients"] == 0).await;
    assert_eq!(status["cameras"][0]["connected"], true);
    assert_eq!(server.app.gate.watching(), 0);
}
