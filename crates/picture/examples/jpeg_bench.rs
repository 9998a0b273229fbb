//! What it costs to make a JPEG of a raw frame, on one core, as on a microcontroller.
//!
//! `cargo run --release -p lenscast-device --example jpeg_bench`. `cargo xtask bench --jpeg` makes a table of what this
//! prints, tab-separated: a line `cycle` with nanoseconds, then lines of format, width, height, nanoseconds a pixel to
//! convert rows and to convert and encode them, and bytes of the JPEG.

use lenscast_picture::jpeg::{self, Rows, Sampling};
use lenscast_picture::pattern::Scene;
use lenscast_picture::raw::{Raw, RawFormat};
use std::hint::black_box;
use std::time::{Duration, Instant};

const QUALITY: u8 = 80;
/// Formats take turns so that a busy moment of the machine hits all of them; of all turns the quickest counts.
const TURNS: usize = 30;
const TURN: Duration = Duration::from_millis(20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cycle\t{}", cycle_ns());
    for (width, height) in [(320, 240), (640, 480)] {
        let frames = RawFormat::ALL.map(|format| (format, sensor_bytes(width, height, format)));
        let mut best = [[f64::INFINITY; 2]; RawFormat::ALL.len()];
        let mut sizes = [0; RawFormat::ALL.len()];
        let mut out = Vec::new();
        let mut planes = [(); 3].map(|()| vec![0; usize::from(width)]);
        for _ in 0..TURNS {
            for ((&(format, ref bytes), best), size) in frames.iter().zip(&mut best).zip(&mut sizes) {
                let raw = Raw::new(width, height, format, bytes)?;
                let pixels = f64::from(width) * f64::from(height);
                let convert = quickest(|| convert(black_box(&raw), &mut planes)) / pixels;
                let mut result = Ok(());
                let encode =
                    quickest(|| result = jpeg::encode(black_box(&raw), QUALITY, Sampling::Yuv422, &mut out))
                        / pixels;
                result?;
                *best = [best[0].min(convert), best[1].min(encode)];
                *size = out.len();
            }
        }
        for (((format, _), [convert, encode]), size) in frames.iter().zip(best).zip(sizes) {
            println!("{format}\t{width}\t{height}\t{convert}\t{encode}\t{size}");
        }
    }
    Ok(())
}

/// All rows, as the encoder asks for them.
fn convert(raw: &Raw<'_>, planes: &mut [Vec<u8>; 3]) {
    let [luma, cb, cr] = planes;
    let chroma = if raw.is_grey() { 0 } else { cb.len() };
    for y in 0..raw.height() {
        raw.row(y, luma, &mut cb[..chroma], &mut cr[..chroma]);
        black_box((&mut *luma, &mut *cb, &mut *cr));
    }
}

/// Nanoseconds of the quickest run within one turn.
fn quickest(mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed() < TURN {
        let before = Instant::now();
        run();
        best = best.min(before.elapsed());
    }
    best.as_nanos() as f64
}

/// Nanoseconds of one cycle of this core, whatever its clock is now: of shifts and exclusive ors that wait for each
/// other, each takes one.
fn cycle_ns() -> f64 {
    const ROUNDS: u32 = 100_000;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let chain = || {
        for _ in 0..ROUNDS {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        black_box(state);
    };
    quickest(chain) / f64::from(ROUNDS * 6)
}

/// The test scene as a sensor sends it, with some noise.
fn sensor_bytes(width: u16, height: u16, format: RawFormat) -> Vec<u8> {
    let scene = Scene { width, height, frame: 1234, clock_ms: 1_795_343_025_678 }.painter();
    let columns = usize::from(width);
    let mut random = 0x2026_1122_u32;
    let mut bytes = Vec::new();
    for y in 0..height {
        let (mut luma, mut cb, mut cr) = (vec![0u8; columns], vec![0u8; columns], vec![0u8; columns]);
        scene.row(y, &mut luma, &mut cb, &mut cr);
        for luma in &mut luma {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            *luma = luma.saturating_add((random % 7) as u8).saturating_sub(3);
        }
        for x in (0..columns).step_by(2) {
            let (y, cb, cr) = ([luma[x], luma[x + 1]], cb[x], cr[x]);
            match format {
                RawFormat::Rgb565Be => {
                    bytes.extend(y.map(|y| rgb565(y, cb, cr).to_be_bytes()).as_flattened())
                }
                RawFormat::Rgb565Le => {
                    bytes.extend(y.map(|y| rgb565(y, cb, cr).to_le_bytes()).as_flattened())
                }
                RawFormat::Yuyv => bytes.extend([y[0], cb, y[1], cr]),
                RawFormat::Uyvy => bytes.extend([cb, y[0], cr, y[1]]),
                RawFormat::Y8 => bytes.extend(y),
            }
        }
    }
    bytes
}

fn rgb565(y: u8, cb: u8, cr: u8) -> u16 {
    let [y, cb, cr] = [f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0];
    let bits = |value: f64, most: f64| (value.clamp(0.0, 255.0) * most / 255.0).round() as u16;
    let (r, g, b) = (y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb);
    bits(r, 31.0) << 11 | bits(g, 63.0) << 5 | bits(b, 31.0)
}
