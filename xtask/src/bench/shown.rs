//! Which frames a video shows: decoded, and read from the strips that the test scene draws.

use super::frames::{HEIGHT, WIDTH};
use crate::Result;
use lenscast_picture::pattern::read_strips;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Decodes a TS file and reads the number of each picture, in order; `None` where it cannot be read.
///
/// # Errors
/// ffmpeg could not be started, or decodes nothing.
pub(crate) fn numbers(ts: &Path) -> Result<Vec<Option<u32>>> {
    // The option's old name is the only one before ffmpeg 5.1, and is gone in the newest.
    for passthrough in ["-fps_mode", "-vsync"] {
        let numbers = decode(ts, passthrough)?;
        if !numbers.is_empty() {
            return Ok(numbers);
        }
    }
    Err(format!("ffmpeg decoded nothing of {}", ts.display()).into())
}

/// For each picture, the number of the frame among those that were sent.
///
/// Frames are numbered modulo `cycle`, for they are sent again from the first after the last. A stream never goes back,
/// and never leaves out a whole cycle. An unreadable picture is `None`.
pub(crate) fn unwrap(numbers: &[Option<u32>], cycle: usize) -> Vec<Option<usize>> {
    let mut last = 0;
    let unwrapped = numbers.iter().map(|number| {
        let number = usize::try_from((*number)?).ok()?;
        last += (number + cycle - last % cycle) % cycle;
        Some(last)
    });
    unwrapped.collect()
}

fn decode(ts: &Path, passthrough: &str) -> Result<Vec<Option<u32>>> {
    let mut child = Command::new("ffmpeg")
        .args(["-loglevel", "quiet", "-nostdin", "-i"])
        .arg(ts)
        .args([passthrough, "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = child.stdout.take().ok_or("the child has no standard output")?;
    let (width, height) = (usize::from(WIDTH), usize::from(HEIGHT));
    let mut picture = vec![0; width * height];
    let mut numbers = Vec::new();
    loop {
        match output.read_exact(&mut picture) {
            Ok(()) => numbers.push(read_strips(&picture, width, height, width).map(|(number, _)| number)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
    }
    child.wait()?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_where_the_cycle_begins_again() {
        let numbers = [0, 0, 1, 3, 0, 2, 2, 1].map(Some);
        let unwrapped = [0, 0, 1, 3, 4, 6, 6, 9].map(Some);
        assert_eq!(unwrap(&numbers, 4), unwrapped);
    }

    #[test]
    fn an_unreadable_picture_is_left_out() {
        assert_eq!(unwrap(&[Some(3), None, Some(0)], 4), [Some(3), None, Some(4)]);
    }
}
