//! What is pretty: sky, stars, sun, hills and the ball. All of it lies above the strips.

use alloc::vec::Vec;

use super::canvas::{Colour, Disc, Row, mix};

/// The sky from the top (0) to the horizon (256).
const SKY: [(u32, Colour); 5] = [
    (0, Colour::rgb(0x11_16_42)),
    (88, Colour::rgb(0x44_36_80)),
    (156, Colour::rgb(0xa8_52_88)),
    (212, Colour::rgb(0xee_86_6a)),
    (256, Colour::rgb(0xff_cf_8c)),
];
const STAR: Colour = Colour::rgb(0xff_f4_e0);
const STARS: u32 = 28;
const SUN: Colour = Colour::rgb(0xff_f0_c0);
const BALL: Colour = Colour::rgb(0x2f_c8_bb);
const BALL_LIGHT: Colour = Colour::rgb(0xb8_f7_ee);

/// One frame of the landscape.
#[derive(Clone, Debug)]
pub(super) struct Landscape {
    /// Row at which the gradient of the sky ends.
    horizon: u32,
    stars: Vec<Star>,
    sun: [Disc; 3],
    /// From the farthest to the nearest.
    hills: [Hill; 3],
    ball: [Disc; 2],
}

impl Landscape {
    /// `height` is that of the picture without the strips; the landscape is drawn above this row.
    pub(super) fn new(width: u16, height: u32, clock_ms: u64) -> Landscape {
        let (width, height) = (u32::from(width), height.max(1));
        let horizon = (height * 7 / 10).max(1);
        Landscape {
            horizon,
            stars: (0..STARS).map(|number| Star::new(number, width, horizon, clock_ms)).collect(),
            sun: sun(width, horizon),
            hills: [
                Hill::new(
                    width,
                    height,
                    clock_ms,
                    Shape { base: 164, swell: 22, waves: [1, 3], period_ms: 64_000 },
                    0x7d_4a_86,
                ),
                Hill::new(
                    width,
                    height,
                    clock_ms,
                    Shape { base: 190, swell: 18, waves: [1, 4], period_ms: 40_000 },
                    0x47_30_6c,
                ),
                Hill::new(
                    width,
                    height,
                    clock_ms,
                    Shape { base: 222, swell: 14, waves: [2, 5], period_ms: 24_000 },
                    0x1d_1a_44,
                ),
            ],
            ball: ball(width, height, clock_ms),
        }
    }

    pub(super) fn paint(&self, y: u32, row: &mut Row<'_>) {
        // What a nearer hill hides over the whole row need not be drawn.
        let hidden = match self.hills.iter().rposition(|hill| hill.covers(y)) {
            Some(nearest) => {
                row.fill(0..row.width(), self.hills[nearest].colour);
                nearest + 1
            }
            None => {
                row.fill(0..row.width(), self.sky(y));
                self.stars.iter().for_each(|star| star.paint(y, row));
                self.sun.iter().for_each(|disc| row.disc(y, disc));
                0
            }
        };
        self.hills[hidden..].iter().for_each(|hill| hill.paint(y, row));
        self.ball.iter().for_each(|disc| row.disc(y, disc));
    }

    /// Where the hills begin, column by column, in 1/256 pixel from the top.
    #[cfg(test)]
    pub(super) fn outline(&self) -> Vec<i32> {
        self.hills.iter().flat_map(|hill| hill.tops.iter().copied()).collect()
    }

    /// Centre and radius of the ball in 1/256 pixel.
    #[cfg(test)]
    pub(super) fn ball(&self) -> (i64, i64, i64) {
        (self.ball[0].x, self.ball[0].y, self.ball[0].radius)
    }

    fn sky(&self, y: u32) -> Colour {
        let height = (y * 256 / self.horizon).min(256);
        let upper = SKY.iter().rposition(|(from, _)| *from <= height).unwrap_or(0).min(SKY.len() - 2);
        let ((from, above), (to, below)) = (SKY[upper], SKY[upper + 1]);
        // Finer than `height`, so that neighbouring rows differ by as little as they can.
        let part = (y * 256 * 256 / self.horizon).min(65_536).saturating_sub(from * 256) / (to - from);
        above.mix(below, part as i32)
    }
}

#[derive(Clone, Copy, Debug)]
struct Star {
    x: u32,
    y: u32,
    size: u32,
    opacity: i32,
}

impl Star {
    fn new(number: u32, width: u32, horizon: u32, clock_ms: u64) -> Star {
        // Knuth's multiplicative hash scatters them, the same in every frame.
        let hash = (number + 1).wrapping_mul(0x9e37_79b1);
        let hash = hash ^ hash >> 15;
        let twinkle = wave((clock_ms % 4096) as u32 * 16 + hash);
        Star {
            x: ((hash & 0xffff) * width) >> 16,
            y: ((hash >> 16) * (horizon / 2)) >> 16,
            size: (width / 400).max(1),
            opacity: 150 + twinkle * 90 / 32_768,
        }
    }

    fn paint(&self, y: u32, row: &mut Row<'_>) {
        if (self.y..self.y + self.size).contains(&y) {
            for x in self.x as usize..((self.x + self.size) as usize).min(row.width()) {
                row.blend(x, STAR, self.opacity);
            }
        }
    }
}

/// The sun behind its two halos.
fn sun(width: u32, horizon: u32) -> [Disc; 3] {
    let radius = i64::from(width.min(horizon)) * 256 / 6;
    let disc = |radius, opacity| Disc {
        x: i64::from(width) * 256 * 7 / 10,
        y: i64::from(horizon) * 256 * 8 / 10,
        radius,
        colour: SUN,
        opacity,
    };
    [disc(radius * 9 / 5, 30), disc(radius * 27 / 20, 44), disc(radius, 236)]
}

/// The ball crosses the picture in 3 s and touches the ground every 1.4 s.
fn ball(width: u32, height: u32, clock_ms: u64) -> [Disc; 2] {
    const CROSSING_MS: i64 = 3000;
    const BOUNCE_MS: i64 = 1400;
    let (width, height) = (i64::from(width) * 256, i64::from(height) * 256);
    let radius = (width.min(height) / 11).max(128);

    let there_and_back = (clock_ms % (2 * CROSSING_MS) as u64) as i64;
    let along = CROSSING_MS - (there_and_back - CROSSING_MS).abs();
    let x = radius + (width - 2 * radius) * along / CROSSING_MS;

    // A parabola: -1 and 1 on the ground, 0 at the top.
    let from_top = 2 * (clock_ms % BOUNCE_MS as u64) as i64 - BOUNCE_MS;
    let ground = height * 15 / 16 - radius;
    let y = ground - height / 2 + height / 2 * from_top * from_top / (BOUNCE_MS * BOUNCE_MS);

    let disc = |x, y, radius, colour| Disc { x, y, radius, colour, opacity: 256 };
    [disc(x, y, radius, BALL), disc(x - radius / 3, y - radius / 3, radius / 3, BALL_LIGHT)]
}

/// The outline of a hill: heights in 1/256 of the landscape's.
struct Shape {
    base: u32,
    swell: i64,
    /// Long and short waves across the picture.
    waves: [u32; 2],
    /// How long a wave takes to cross the picture.
    period_ms: u64,
}

#[derive(Clone, Debug)]
struct Hill {
    colour: Colour,
    /// Where the hill begins in each column, in 1/256 pixel from the top.
    tops: Vec<i32>,
    highest: i32,
    lowest: i32,
}

impl Hill {
    fn new(width: u32, height: u32, clock_ms: u64, shape: Shape, rgb: u32) -> Hill {
        // A turn is 65536. Both waves do whole turns in a period, so the hills never jump.
        let drift = (clock_ms % shape.period_ms * 65_536 / shape.period_ms) as u32;
        let step = 65_536 / width.max(1);
        let base = i64::from(height * shape.base);
        let swell = i64::from(height) * shape.swell;
        let tops: Vec<i32> = (0..width)
            .map(|x| {
                let turn = x * step + drift;
                let long = i64::from(wave(turn * shape.waves[0]));
                let short = i64::from(wave(turn * shape.waves[1]));
                (base - ((swell * (2 * long + short)) >> 16)) as i32
            })
            .collect();
        Hill {
            colour: Colour::rgb(rgb),
            highest: tops.iter().copied().min().unwrap_or(0),
            lowest: tops.iter().copied().max().unwrap_or(0),
            tops,
        }
    }

    /// Whether nothing behind the hill is seen on row `y`.
    fn covers(&self, y: u32) -> bool {
        (y << 8) as i32 >= self.lowest
    }

    fn paint(&self, y: u32, row: &mut Row<'_>) {
        let bottom = ((y + 1) << 8) as i32;
        if bottom <= self.highest {
            return;
        }
        let samples = row.luma.iter_mut().zip(&mut *row.cb).zip(&mut *row.cr);
        for (top, ((luma, cb), cr)) in self.tops.iter().zip(samples) {
            // How much of the pixel lies below the outline; without a branch, as it changes from column to column.
            let covered = (bottom - top).clamp(0, 256);
            *luma = mix(*luma, self.colour.luma, covered);
            *cb = mix(*cb, self.colour.cb, covered);
            *cr = mix(*cr, self.colour.cr, covered);
        }
    }
}

/// A sine made of parabolas: a turn is 65536, the result is -32768..=32768.
fn wave(turn: u32) -> i32 {
    let half = (turn & 0x7fff) as i32;
    let bow = (half * (0x8000 - half)) >> 13;
    if turn & 0x8000 == 0 { bow } else { -bow }
}
