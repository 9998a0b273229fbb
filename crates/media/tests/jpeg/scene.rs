//! A synthetic scene, and how far a decoded picture is from it.

use lenscast_media::picture::I420;

/// Rises and falls between 0 and 255 with a period of 2 × `period` pixels.
fn wave(t: usize, period: usize) -> u8 {
    let k = t % (2 * period);
    (if k < period { k } else { 2 * period - k } * 255 / period) as u8
}

/// Smooth colours, everywhere different. `tests/data/jpeg/make.py` draws the same.
pub(crate) fn rgb(width: usize, height: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            pixels.extend([wave(x + y / 2, 40), wave(y, 56), wave(x + y, 90)]);
        }
    }
    pixels
}

/// The scene as an ideal decoder would give it: BT.601 full range, chroma averaged over the pixels it covers.
pub(crate) fn ideal(width: usize, height: usize) -> I420 {
    let pixels = rgb(width, height);
    let at = |x: usize, y: usize| {
        let start = (y.min(height - 1) * width + x.min(width - 1)) * 3;
        [0, 1, 2].map(|i| f64::from(pixels[start + i]))
    };
    let luma = |[r, g, b]: [f64; 3]| 0.299 * r + 0.587 * g + 0.114 * b;
    let mut picture = I420::new(width, height);
    let (columns, rows) = (picture.width(), picture.height());
    let [y_plane, u_plane, v_plane] = picture.planes_mut();
    for y in 0..rows {
        for x in 0..columns {
            y_plane[y * columns + x] = luma(at(x, y)).round() as u8;
        }
    }
    // Beyond the image, the last sample *of the plane* is repeated.
    let last = ((width - 1) / 2, (height - 1) / 2);
    for y in 0..rows / 2 {
        for x in 0..columns / 2 {
            let (cx, cy) = (2 * x.min(last.0), 2 * y.min(last.1));
            let four = [at(cx, cy), at(cx + 1, cy), at(cx, cy + 1), at(cx + 1, cy + 1)];
            let mean = |f: &dyn Fn([f64; 3]) -> f64| four.iter().map(|&p| f(p)).sum::<f64>() / 4.0;
            let i = y * columns / 2 + x;
            u_plane[i] = mean(&|p| 128.0 + 0.564 * (p[2] - luma(p))).round() as u8;
            v_plane[i] = mean(&|p| 128.0 + 0.713 * (p[0] - luma(p))).round() as u8;
        }
    }
    picture
}

/// Peak signal-to-noise ratio in dB; 99 for equal planes.
pub(crate) fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    if squares == 0 {
        return 99.0;
    }
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares as f64).log10()
}

/// PSNR of the three planes in dB.
pub(crate) fn psnr_planes(a: &I420, b: &I420) -> [f64; 3] {
    [psnr(a.y(), b.y()), psnr(a.u(), b.u()), psnr(a.v(), b.v())]
}
