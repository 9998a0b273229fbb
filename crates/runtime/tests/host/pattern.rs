//! The test scene in the place of a camera.

use crate::machine::{Camera, PATTERN_SLOT, set_up};
use crate::servers::Foreign;
use crate::world::{World, run};
use lenscast_device::camera::FrameSize;
use lenscast_device::settings::Settings;
use lenscast_picture::jpeg::Encoder;
use lenscast_picture::pattern::{Scene, read_strips};
use lenscast_runtime::frames::Pool;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const PATIENCE: Duration = Duration::from_secs(60);

/// The number that a scene shows.
///
/// # Errors
/// It is no whole JPEG, or shows no number.
fn number(jpeg: &[u8]) -> Result<u64, String> {
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let luma = decoder.decode().map_err(|error| format!("{} bytes: {error:?}", jpeg.len()))?;
    if !jpeg.ends_with(&[0xff, 0xd9]) {
        return Err(format!("{} bytes without an end", jpeg.len()));
    }
    let (width, height) = decoder.dimensions().ok_or("a picture without a size")?;
    let (frame, _) = read_strips(&luma, width, height, width).ok_or("strips that cannot be read")?;
    Ok(frame.into())
}

#[test]
fn the_test_scene_arrives_whole_at_every_quality_and_says_what_does_not_fit() {
    run(async || {
        let server = Foreign::start_with(number).await;
        let settings = set_up("server", 8080);
        let mut world = World::new(settings, Camera::Pattern);
        world.gateway.open(8080, server.address);
        let wire = world.board.wire.clone();
        for quality in [80, 10, 97, 100, 30] {
            wire.take_printed();
            wire.type_in(&format!("cam quality {quality}\r"));
            world.pass(Duration::from_secs(1)).await;
            let before = server.frames();
            world.until("frames", PATIENCE, |_| server.frames() > before + 20).await;
            assert!(!wire.printed_contains("too_big"), "{quality}");
            // What is drawn in the place of it is said.
            let said = wire.printed_contains("does not fit");
            assert_eq!(said, quality >= 97, "{quality}: {}", String::from_utf8_lossy(&wire.printed()));
        }
        server.seen().check();
    });
}

#[test]
fn the_scene_is_drawn_from_the_first_frame_at_the_best_quality() {
    run(async || {
        let server = Foreign::start_with(number).await;
        let mut settings: Settings = set_up("server", 8080);
        settings.picture.quality = 100;
        settings.picture.size = Some(FrameSize::QVGA);
        let mut world = World::new(settings, Camera::Pattern);
        world.gateway.open(8080, server.address);
        world.until("frames", PATIENCE, |_| server.frames() > 50).await;
        server.seen().check();
    });
}

#[test]
fn a_pattern_answers_a_dump_without_registers() {
    run(async || {
        let mut world = World::new(Settings::default(), Camera::Pattern);
        let wire = world.board.wire.clone();
        world.pass(Duration::from_secs(1)).await;
        wire.type_in("cam dump\r");
        let words = "The test pattern has no registers.";
        world.until("the answer", PATIENCE, |_| wire.printed_contains(words)).await;
    });
}

#[test]
fn others_have_the_processor_between_two_rows_of_blocks() {
    let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
    pool.add(Box::leak(vec![0; PATTERN_SLOT].into_boxed_slice()), PATTERN_SLOT);
    let mut slot = pool.take().expect("a slot");
    let painter = Scene { width: 320, height: 240, frame: 1, clock_ms: 0 }.painter();
    let mut encoder = Encoder::new();
    let mut turns = 1;
    {
        let mut encoding = pin!(slot.encode(&mut encoder, &painter, 80));
        let mut context = Context::from_waker(Waker::noop());
        while encoding.as_mut().poll(&mut context).is_pending() {
            turns += 1;
        }
    }
    assert_eq!(turns, 240 / 8, "a turn for each row of blocks");
    assert_eq!(number(slot.as_ref()), Ok(1));
}
