//! Encoders that break: the camera's JPEGs and everybody else go on.

use crate::harness::*;
use lenscast_live::pipeline::encoder::{Encoder, MakeEncoder, Sink};
use lenscast_media::h264::encoder::{EncodeFault, OpenH264};
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// What an encoder does with its pictures besides encoding them.
type Trick = Arc<dyn Fn(u64) + Send + Sync>;

/// openh264 with a trick: it is called with the number of each picture, counted over all encoders.
struct Tricky {
    encoder: OpenH264,
    sink: Sink,
    count: Arc<AtomicU64>,
    trick: Trick,
}

impl Encoder for Tricky {
    fn encode(&mut self, picture: &I420, pts: Pts90k, key: bool) -> Result<(), EncodeFault> {
        (self.trick)(self.count.fetch_add(1, Ordering::SeqCst));
        let encoded = self.encoder.encode(picture, pts, key)?;
        self.sink.put(pts, encoded);
        Ok(())
    }
}

pub fn tricky(trick: impl Fn(u64) + Send + Sync + 'static) -> MakeEncoder {
    let count = Arc::new(AtomicU64::new(0));
    let trick: Trick = Arc::new(trick);
    MakeEncoder::new(move |sink| {
        let (count, trick) = (count.clone(), trick.clone());
        Box::new(Tricky { encoder: OpenH264::default(), sink, count, trick })
    })
}

#[tokio::test]
async fn a_pipeline_that_panics_begins_anew_with_a_key_frame() {
    let server = start_with(|config| {
        config.encoder =
            tricky(|number| assert!(number != 2, "this frame breaks the encoder, as the test wants it"));
    });
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    for number in 1..=2 {
        camera.send_jpeg(&jpeg(number)).await;
        viewer.framed().await;
        jpegs.framed().await;
    }
    camera.send_jpeg(&jpeg(3)).await;
    jpegs.framed().await;
    server.status_until(|_| server.stats().pipeline_restarts.load(Ordering::Relaxed) == 1).await;
    camera.send_jpeg(&jpeg(4)).await;
    let (header, unit) = viewer.framed().await;
    assert!(header.key);
    assert_eq!(Decoder::new().decode(&unit).frame_number(), 4);
    assert_eq!(server.status()["cameras"][0]["connected"], true);
}

#[tokio::test]
async fn when_the_encoder_is_too_slow_frames_are_dropped_and_the_newest_is_shown() {
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = start_with(|config| {
        // The second picture takes as long as the test likes.
        config.encoder = tricky(move |number| {
            if number == 1 {
                #[expect(
                    clippy::let_underscore_must_use,
                    reason = "who would have said it may be gone: that ends the wait too"
                )]
                let _ = wait.lock().unwrap().recv();
            }
        });
    });
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    let mut decoder = Decoder::new();
    camera.send_jpeg(&jpeg(1)).await;
    assert_eq!(decoder.decode(&viewer.framed().await.1).frame_number(), 1);
    camera.send_jpeg(&jpeg(2)).await;
    // The encoder has it when it has begun: one more frame stays in the slot then, and pushes nothing out.
    while jpegs.framed().await.1 != jpeg(2) {}
    let mut number = 2;
    while server.stats().dropped.load(Ordering::Relaxed) < 10 {
        number += 1;
        camera.send_jpeg(&jpeg(number)).await;
        while jpegs.framed().await.1 != jpeg(number) {}
    }
    release.send(()).unwrap();
    assert_eq!(decoder.decode(&viewer.framed().await.1).frame_number(), 2);
    assert_eq!(decoder.decode(&viewer.framed().await.1).frame_number(), number, "the newest, not the oldest");
    assert_eq!(server.status()["cameras"][0]["dropped"], 10);
}

#[tokio::test]
async fn an_encoder_that_hangs_is_replaced_once_and_then_the_jpegs_go_on_alone() {
    // While the test holds the senders, the encoders wait.
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = start_with(|config| {
        config.limits.encoder_timeout = Duration::from_millis(300);
        config.encoder = tricky(move |number| {
            if number == 1 || number == 4 {
                #[expect(
                    clippy::let_underscore_must_use,
                    reason = "who would have said it may be gone: that ends the wait too"
                )]
                let _ = wait.lock().unwrap().recv();
            }
        });
    });
    let mut camera = server.camera().await;
    let mut other = server.connect("/ws/camera/other").await;
    let mut viewer = server.viewer("format=h264").await;
    let mut jpegs = server.viewer("format=jpeg").await;
    let abandoned =
        |count| move |server: &Running| server.stats().pipelines_abandoned.load(Ordering::Relaxed) == count;

    camera.send_jpeg(&jpeg(1)).await;
    viewer.framed().await;
    jpegs.framed().await;
    // The first encoder hangs with this one. The second one shows it, since it is the newest.
    camera.send_jpeg(&jpeg(2)).await;
    let (header, unit) = viewer.framed().await;
    assert!(abandoned(1)(&server));
    assert!(header.key);
    assert_eq!(Decoder::new().decode(&unit).frame_number(), 2);
    jpegs.framed().await;
    camera.send_jpeg(&jpeg(3)).await;
    viewer.framed().await;
    jpegs.framed().await;
    // The second one hangs too.
    camera.send_jpeg(&jpeg(4)).await;
    jpegs.framed().await;
    server.status_until(|_| abandoned(2)(&server)).await;
    server.status_until(|status| status["cameras"][0]["encoding"] == false).await;
    // JPEGs go on, and so does every other camera. (Its pictures have numbers past the tricks.)
    camera.send_jpeg(&jpeg(5)).await;
    assert_eq!(jpegs.framed().await.1, jpeg(5));
    let mut other_viewer = server.connect("/ws/viewer/other?format=h264").await;
    other.send_jpeg(&jpeg(1)).await;
    other_viewer.framed().await;
    drop(release);
}
