//! Writes one frame of the test scene as `pattern.jpg` and says what drawing and encoding cost.
//!
//! `cargo run --release -p lenscast-device --example pattern [WIDTH HEIGHT [PATH]]`

use std::time::Instant;

use lenscast_picture::jpeg::{self, Rows, Sampling};
use lenscast_picture::pattern::Scene;

const FRAMES: u32 = 200;
const QUALITY: u8 = 80;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let width: u16 = arguments.next().map_or(Ok(640), |width| width.parse())?;
    let height: u16 = arguments.next().map_or(Ok(480), |height| height.parse())?;
    let path = arguments.next().unwrap_or_else(|| "pattern.jpg".to_owned());
    let scene =
        |frame: u32| Scene { width, height, frame, clock_ms: 1_795_000_000_000 + u64::from(frame) * 33 };

    let mut planes = vec![vec![0; usize::from(width)]; 3];
    let [luma, cb, cr] = &mut planes[..] else { unreachable!("three planes were made") };
    let start = Instant::now();
    for frame in 0..FRAMES {
        let painter = scene(frame).painter();
        for y in 0..height {
            painter.row(y, luma, cb, cr);
            std::hint::black_box(&luma);
        }
    }
    let drawing = start.elapsed() / FRAMES;

    for sampling in [Sampling::Yuv444, Sampling::Yuv420, Sampling::Yuv422] {
        let mut out = Vec::new();
        let start = Instant::now();
        for frame in 0..FRAMES {
            jpeg::encode(&scene(frame).painter(), QUALITY, sampling, &mut out)?;
        }
        let both = start.elapsed() / FRAMES;
        println!(
            "{width}x{height} {sampling:?} quality {QUALITY}: {drawing:.2?} drawing, {:.2?} encoding, {} bytes",
            both.saturating_sub(drawing),
            out.len()
        );
        std::fs::write(&path, &out)?;
    }
    println!("wrote {path}");
    Ok(())
}
