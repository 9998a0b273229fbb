//! Frames that come several at once, as WiFi hands them over, and computers that are too slow.

use crate::faults::tricky;
use crate::harness::*;
use futures_util::SinkExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// A server whose encoder does not begin with a frame before so many have come.
struct Gated {
    server: Running,
    camera: Client,
    viewer: Client,
    decoder: Decoder,
    /// How many good frames must have come.
    gate: Arc<AtomicU64>,
    sent: u32,
}

impl Gated {
    async fn start() -> Self {
        let gate = Arc::new(AtomicU64::new(0));
        let stats = Arc::new(std::sync::OnceLock::<Arc<lenscast_live::Stats>>::new());
        let server = start_with(|config| {
            let (gate, stats) = (gate.clone(), stats.clone());
            config.encoder = tricky(move |_| {
                while stats
                    .get()
                    .is_some_and(|stats| stats.frames_in.load(Ordering::SeqCst) < gate.load(Ordering::SeqCst))
                {
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        });
        let camera = server.camera().await;
        let viewer = server.viewer("format=h264").await;
        // The counters of the stream that both are at: a name that nobody holds is not remembered.
        server.status_until(|status| status["camera_clients"] == 1 && status["viewer_clients"] == 1).await;
        stats.set(server.stats()).unwrap();
        let mut gated = Self { server, camera, viewer, decoder: Decoder::new(), gate, sent: 0 };
        // So that it is known how long a frame takes, and how many come a second.
        for _ in 0..10 {
            gated.send(1).await;
            let (_, unit) = gated.viewer.framed().await;
            gated.decoder.decode(&unit);
        }
        gated
    }

    /// Sends so many frames at once; the encoder begins when all of them have come.
    async fn send(&mut self, count: u32) {
        self.gate.fetch_add(u64::from(count), Ordering::SeqCst);
        for _ in 0..count {
            self.sent += 1;
            let jpeg = jpeg_of(self.sent, 160, 120);
            within(self.camera.socket.feed(Message::binary(jpeg))).await.unwrap();
        }
        within(self.camera.socket.flush()).await.unwrap();
    }
}

#[tokio::test]
async fn a_burst_that_the_encoder_can_take_is_encoded_whole() {
    let mut gated = Gated::start().await;
    // A machine that stands still for a tenth of a second in the midst of a burst gets another one.
    within(async {
        loop {
            let first = gated.sent + 1;
            gated.send(5).await;
            let mut seen = Vec::new();
            let mut before = 0;
            while seen.last() != Some(&(first + 4)) {
                let (header, unit) = gated.viewer.framed().await;
                assert!(header.pts_us > before, "each at its own time");
                before = header.pts_us;
                seen.push(gated.decoder.decode(&unit).frame_number());
            }
            if seen.len() == 5 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn frames_that_come_in_bursts_are_not_blamed_on_the_computer() {
    let mut gated = Gated::start().await;
    let told = within(async {
        loop {
            gated.send(12).await;
            // The last of them is always shown.
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let told = gated.server.camera_status("default");
            if told["dropped"].as_u64() > Some(0) && told["dropped_why"] == "bursts" {
                return told;
            }
        }
    })
    .await;
    assert!(told["pipeline_ms"]["encode"].as_f64() > Some(0.0), "{told}");
}

#[tokio::test]
async fn a_computer_that_is_too_slow_is_told_so_and_shows_the_newest() {
    let server = start_with(|config| {
        config.encoder = tricky(|_| std::thread::sleep(Duration::from_millis(120)));
    });
    let mut camera = server.camera().await;
    let mut viewer = server.viewer("format=h264").await;
    let mut decoder = Decoder::new();
    let mut shown = 0;
    for number in 1..=60 {
        camera.send_jpeg(&jpeg_of(number, 160, 120)).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = server.camera_until("default", |camera| camera["frames_in"] == 60).await;
    assert_eq!(told["dropped_why"], "slow_computer", "{told}");
    assert!(told["dropped"].as_u64() > Some(20), "{told}");
    while shown < 60 {
        let (_, unit) = viewer.framed().await;
        let number = decoder.decode(&unit).frame_number();
        assert!(number > shown);
        shown = number;
    }
}
