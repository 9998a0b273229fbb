//! Players that want to see many pictures before they show one: ffmpeg, and all that is made with it.

use crate::harness::*;
use std::time::Duration;
use tokio::process::Command;

/// Runs ffmpeg or ffprobe on `/stream.ts` until it has what it wants; the test command of the project installs them.
async fn player(server: &Running, tool: &str, before: &[&str], after: &[&str]) -> String {
    let url = format!("http://{}/stream.ts", server.address);
    let mut command = Command::new(tool);
    command.args(["-v", "error"]).args(before).args(["-i", &url]).args(after).kill_on_drop(true);
    let output = within(command.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn ffmpeg_shows_the_first_picture_of_a_camera_that_sends_no_second() {
    let server = start();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    // Without a second picture it would wait for ever for the rate. The option is what mpv and PyAV have by default; the
    // program ffmpeg looks at five seconds of every transport stream, whatever is in it, for more programmes.
    let shown =
        player(&server, "ffmpeg", &["-scan_all_pmts", "0"], &["-frames:v", "1", "-f", "framemd5", "-"]).await;
    assert_eq!(shown.lines().filter(|line| !line.starts_with('#')).count(), 1, "{shown}");
}

#[tokio::test]
async fn the_times_of_what_is_repeated_are_true_and_it_ends() {
    let server = start();
    let clock = server.app.cameras.clock().clone();
    let mut camera = server.camera().await;
    camera.send_jpeg(&jpeg(1)).await;
    server.status_until(|status| status["cameras"][0]["frames_in"] == 1).await;
    let mut viewer = server.viewer("format=h264").await;
    let mut decoder = Decoder::new();
    let (first, unit) = viewer.framed().await;
    decoder.decode(&unit);
    let joined = clock.now();
    let player = tokio::spawn({
        let url = format!("http://{}/stream.ts", server.address);
        async move {
            Command::new("ffmpeg")
                .args(["-v", "quiet", "-i", &url, "-f", "null", "-"])
                .kill_on_drop(true)
                .output()
                .await
        }
    });
    // All who watch get them, with times between joining and receiving, and what they show is the newest picture.
    let (mut units, mut previous) = (0, first.pts_us);
    let mut next = Some(viewer.framed().await);
    while let Some((header, unit)) = next {
        assert!(header.pts_us > previous && header.pts_us > joined.0, "{} {joined}", header.pts_us);
        // The origin of the time stamps is 50 ms.
        assert!(header.pts_us <= clock.now().0 + 50_012, "not in the future");
        assert_eq!(header.arrival_unix_us, first.arrival_unix_us, "it is the same picture");
        assert_eq!(decoder.decode(&unit).frame_number(), 1);
        (units, previous) = (units + 1, header.pts_us);
        next = tokio::time::timeout(Duration::from_secs(3), viewer.framed()).await.ok();
    }
    assert!(units <= 40, "{units}");
    // A new picture comes at its own time, and is not repeated.
    let sent = clock.now();
    camera.send_jpeg(&jpeg(2)).await;
    let (header, unit) = viewer.framed().await;
    assert!(header.pts_us >= sent.0 && header.arrival_unix_us > first.arrival_unix_us);
    assert_eq!(decoder.decode(&unit).frame_number(), 2);
    player.abort();
}
