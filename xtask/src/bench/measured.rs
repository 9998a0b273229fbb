//! From what was recorded to the numbers in the table.

use super::usage::Memory;
use super::viewer::Chunk;
use super::{shown, ts};
use crate::Result;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Start-up is measured for itself: latencies count only of frames that were sent this long after the first picture.
const STARTED: Duration = Duration::from_secs(2);

/// What was recorded of one side.
#[derive(Debug)]
pub(crate) struct Run {
    /// When the last byte of each frame was handed over.
    pub(crate) sent: Vec<Instant>,
    /// The MPEG-TS that came back.
    pub(crate) chunks: Vec<Chunk>,
    /// CPU time from just before the first frame until the process was done with the last.
    pub(crate) cpu: Duration,
    pub(crate) memory: Memory,
    /// From connect to the first access unit, for viewers that came later.
    pub(crate) joins: Vec<Duration>,
}

/// One side's numbers. `None` where there is nothing to tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) sent: usize,
    /// How many of them were seen in the video.
    pub(crate) shown: Option<usize>,
    pub(crate) cpu_ms_per_frame: f64,
    pub(crate) first_picture_ms: Option<f64>,
    /// Sorted, in ms.
    pub(crate) latencies: Vec<f64>,
    /// Sorted, in ms.
    pub(crate) joins: Vec<f64>,
    pub(crate) memory: Memory,
}

impl Run {
    /// Works it out. `cycle` is how many different frames were sent; `ts` is where the video is written to, for ffmpeg
    /// to decode. Without ffmpeg, frames are known only if there is one access unit for each that was sent.
    ///
    /// # Errors
    /// The stream is no MPEG-TS, or ffmpeg sees other access units in it than this program does.
    pub(crate) fn measure(self, cycle: usize, ts: &Path, ffmpeg: bool) -> Result<Measured> {
        let units = ts::access_units(&self.chunks)?;
        let pictures = if units.is_empty() {
            Some(Vec::new())
        } else if ffmpeg {
            fs::write(ts, self.chunks.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<u8>>())?;
            let numbers = shown::numbers(ts)?;
            if numbers.len() != units.len() {
                let (pictures, units, ts) = (numbers.len(), units.len(), ts.display());
                return Err(
                    format!("{ts} has {units} access units, but ffmpeg sees {pictures} pictures").into()
                );
            }
            Some(shown::unwrap(&numbers, cycle))
        } else {
            (units.len() == self.sent.len()).then(|| (0..units.len()).map(Some).collect())
        };
        let first_shown = pictures.as_ref().map(|pictures| first_shown(pictures, &units));
        let first_picture = units.first().copied();
        let latencies = match (&first_shown, first_picture) {
            (Some(first_shown), Some(first)) => latencies(&self.sent, first_shown, first + STARTED),
            _ => Vec::new(),
        };
        Ok(Measured {
            sent: self.sent.len(),
            shown: first_shown.map(|first_shown| first_shown.len()),
            cpu_ms_per_frame: ms(self.cpu) / self.sent.len() as f64,
            first_picture_ms: first_picture.map(|first| ms(first.saturating_duration_since(self.sent[0]))),
            latencies,
            joins: sorted(self.joins.into_iter().map(ms).collect()),
            memory: self.memory,
        })
    }
}

/// The value that `percent` of the values do not exceed (nearest rank). `sorted` must be so.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// When each frame was complete for the first time, by its number. ffmpeg repeats frames, to reach its rate.
fn first_shown<T: Copy>(pictures: &[Option<usize>], complete: &[T]) -> BTreeMap<usize, T> {
    let mut first = BTreeMap::new();
    for (picture, complete) in pictures.iter().zip(complete) {
        if let Some(number) = picture {
            first.entry(*number).or_insert(*complete);
        }
    }
    first
}

fn latencies(sent: &[Instant], shown: &BTreeMap<usize, Instant>, from: Instant) -> Vec<f64> {
    let seen = sent.iter().enumerate().filter(|(_, sent)| **sent >= from);
    let latency =
        seen.filter_map(|(number, sent)| Some(ms(shown.get(&number)?.saturating_duration_since(*sent))));
    sorted(latency.collect())
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(percentile(&values, 50), Some(10.0));
        assert_eq!(percentile(&values, 95), Some(19.0));
        assert_eq!(percentile(&values, 100), Some(20.0));
        assert_eq!(percentile(&values[..1], 50), Some(1.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_frame_that_is_shown_twice_counts_from_the_first_time() {
        let shown = first_shown(&[Some(4), Some(4), None, Some(6)], &[10, 20, 30, 40]);
        assert_eq!(shown, BTreeMap::from([(4, 10), (6, 40)]));
    }

    #[test]
    fn latency_is_of_frames_that_were_shown_and_sent_after_the_start() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let sent = [at(0), at(100), at(200), at(300)];
        let shown = BTreeMap::from([(0, at(90)), (1, at(140)), (3, at(310))]);
        assert_eq!(latencies(&sent, &shown, at(100)), [10.0, 40.0]);
    }
}
