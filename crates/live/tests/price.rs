//! What cameras that come and go, hang, or send large pictures can cost: threads and memory.

use bytes::Bytes;
use jpeg_encoder::{ColorType, Encoder as JpegEncoder};
use lenscast_base::in_force::InForce;
use lenscast_live::pipeline::Config;
use lenscast_live::pipeline::encoder::{Encoder, MakeEncoder, Sink};
use lenscast_live::{Camera, Clock, News, Pipelines, Publisher, Rules, Stream, Streams, Video};
use lenscast_media::h264::encoder::{EncodeFault, OpenH264};
use lenscast_media::picture::I420;
use lenscast_media::time::Pts90k;
use lenscast_protocol::CameraName;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What takes this long never comes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it comes in time")
}

/// Waits until something is so.
fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn streams() -> Streams {
    Streams::new(InForce::new(Rules::default()), Clock::start(), News::default())
}

fn jpeg(width: u16, height: u16) -> Bytes {
    let mut bytes = Vec::new();
    let picture = vec![90; usize::from(width) * usize::from(height) * 3];
    JpegEncoder::new(&mut bytes, 80).encode(&picture, width, height, ColorType::Rgb).unwrap();
    bytes.into()
}

/// A camera that is connected, with its video.
struct Connected {
    publisher: Publisher,
    video: Video,
}

impl Connected {
    async fn new(streams: &Streams, name: &str, pipelines: &Pipelines) -> Self {
        let camera = Camera { peer: ([192, 0, 2, 1], 5).into(), control: false };
        let publisher = streams.claim(&CameraName::new(name).unwrap(), camera, |_| true).await;
        let video = Video::start(publisher.stream().clone(), pipelines.clone()).unwrap();
        Self { publisher, video }
    }

    fn stream(&self) -> &Arc<Stream> {
        self.publisher.stream()
    }

    fn send(&self, jpeg: &Bytes, width: u16, height: u16) {
        self.video.show(self.publisher.push(jpeg.clone(), width, height, self.stream().clock().now()));
    }

    fn refused(&self, cause: &str) -> u64 {
        self.stream().stats.quarantined().get(cause).copied().unwrap_or_default()
    }
}

/// A gate in front of all encoders: while it is shut, each waits with its picture in hands, as one that hangs.
#[derive(Default)]
struct Shut {
    shut: Mutex<bool>,
    opened: Condvar,
    /// How many encoders have got a picture.
    reached: AtomicUsize,
}

struct Hangs(Arc<Shut>, OpenH264, Sink);

impl Encoder for Hangs {
    fn encode(&mut self, picture: &I420, pts: Pts90k, key: bool) -> Result<(), EncodeFault> {
        self.0.reached.fetch_add(1, Ordering::SeqCst);
        let mut shut = self.0.shut.lock().unwrap();
        while *shut {
            shut = self.0.opened.wait(shut).unwrap();
        }
        drop(shut);
        self.2.put(pts, self.1.encode(picture, pts, key)?);
        Ok(())
    }
}

impl Shut {
    fn new() -> Arc<Self> {
        let shut = Self::default();
        *shut.shut.lock().unwrap() = true;
        Arc::new(shut)
    }

    fn open(&self) {
        *self.shut.lock().unwrap() = false;
        self.opened.notify_all();
    }

    fn encoders(self: &Arc<Self>) -> MakeEncoder {
        let shut = self.clone();
        MakeEncoder::new(move |sink| Box::new(Hangs(shut.clone(), OpenH264::default(), sink)))
    }
}

fn pipelines(change: impl FnOnce(&mut Config)) -> Pipelines {
    let mut config = Config::default();
    change(&mut config);
    InForce::new(config).into()
}

#[tokio::test]
async fn a_camera_that_connects_a_hundred_times_has_one_thread_and_then_plays() {
    let (streams, shut) = (streams(), Shut::new());
    let pipelines = pipelines(|config| config.encoder = shut.encoders());
    let small = jpeg(64, 48);
    let stream = streams.get(&CameraName::default());
    let mut viewer = stream.join_video();
    for _ in 0..100 {
        let camera = Connected::new(&streams, "default", &pipelines).await;
        camera.send(&small, 64, 48);
        until("the thread is at a frame", || shut.reached.load(Ordering::SeqCst) == 1);
        assert_eq!(pipelines.count(), 1, "one thread, however many connections");
    }
    assert_eq!(pipelines.count(), 1, "it is held until the thread ends, not until the camera leaves");
    let camera = Connected::new(&streams, "default", &pipelines).await;
    camera.send(&small, 64, 48);
    shut.open();
    assert!(within(viewer.next()).await.unit.key, "the thread goes on with the connection that is there");
    drop(camera);
    until("all threads are gone", || pipelines.count() == 0);
    assert_eq!(pipelines.memory(), 0);
}

#[tokio::test]
async fn what_hangs_counts_until_it_ends_and_who_gets_no_thread_keeps_its_jpegs() {
    let (streams, shut) = (streams(), Shut::new());
    let pipelines = pipelines(|config| {
        config.encoder = shut.encoders();
        config.max_pipelines = 2;
    });
    let small = jpeg(64, 48);
    let mut watching = Vec::new();
    for number in 0..2 {
        let camera = Connected::new(&streams, &format!("hangs-{number}"), &pipelines).await;
        watching.push(camera.stream().join_video());
        camera.send(&small, 64, 48);
        until("its encoder hangs", || shut.reached.load(Ordering::SeqCst) == number + 1);
    }
    assert_eq!(pipelines.count(), 2, "both have left, and both still cost");
    let mut honest = Connected::new(&streams, "honest", &pipelines).await;
    let (mut video, mut jpegs) = (honest.stream().join_video(), honest.stream().join_jpeg());
    honest.send(&small, 64, 48);
    assert_eq!(within(jpegs.next()).await.0.bytes, small);
    honest.video.check();
    assert_eq!(pipelines.count(), 2, "a limit is a limit");
    shut.open();
    until("a thread is free", || pipelines.count() < 2);
    honest.video.check();
    assert!(within(video.next()).await.unit.key, "its newest JPEG, without another one coming");
}

#[tokio::test]
async fn video_takes_no_more_memory_than_the_owner_gives_and_the_jpegs_go_on() {
    let streams = streams();
    let pipelines = pipelines(|config| config.max_memory = 30 << 20);
    let (large, huge) = (jpeg(640, 480), jpeg(1600, 1200));
    let first = Connected::new(&streams, "first", &pipelines).await;
    let second = Connected::new(&streams, "second", &pipelines).await;
    let third = Connected::new(&streams, "third", &pipelines).await;
    let mut playing = first.stream().join_video();
    let mut also = second.stream().join_video();
    let (mut waits, mut jpegs) = (third.stream().join_video(), third.stream().join_jpeg());
    first.send(&large, 640, 480);
    second.send(&large, 640, 480);
    within(playing.next()).await;
    within(also.next()).await;
    let two = pipelines.memory();
    assert!(two > 0 && two <= 30 << 20, "{two}");
    for (picture, width, height) in [(&large, 640, 480), (&huge, 1600, 1200)] {
        let before = third.refused("no_video_memory");
        third.send(picture, width, height);
        until("it is said why", || third.refused("no_video_memory") == before + 1);
        assert_eq!(within(jpegs.next()).await.0.bytes, *picture);
        assert_eq!(pipelines.memory(), two);
    }
    drop(first);
    until("its memory is given back", || pipelines.memory() < two);
    third.send(&large, 640, 480);
    within(waits.next()).await;
}

#[tokio::test]
async fn a_pipeline_that_nobody_watches_gives_its_memory_back_and_begins_anew() {
    let (streams, pipelines) = (streams(), pipelines(|_| {}));
    let camera = Connected::new(&streams, "default", &pipelines).await;
    let small = jpeg(64, 48);
    camera.send(&small, 64, 48);
    for _ in 0..2 {
        let mut viewer = camera.stream().join_video();
        assert!(within(viewer.next()).await.unit.key);
        assert!(pipelines.memory() > 0);
        drop(viewer);
        until("nothing is reserved", || pipelines.memory() == 0);
        assert_eq!(pipelines.count(), 1, "the thread waits");
    }
}

#[tokio::test]
async fn what_is_too_large_for_video_is_never_decoded() {
    let (streams, pipelines) = (streams(), pipelines(|_| {}));
    let camera = Connected::new(&streams, "default", &pipelines).await;
    let _viewer = camera.stream().join_video();
    // Not even a JPEG: whoever looks into it finds that it is damaged.
    camera.send(&Bytes::from_static(b"nobody looks"), 4000, 4000);
    until("it is refused by its size", || camera.refused("too_large_for_video") == 1);
    assert_eq!((camera.refused("damaged"), pipelines.memory()), (0, 0));
}
