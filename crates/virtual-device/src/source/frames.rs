//! A source that is being read.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use lenscast_device::camera::{CameraInfo, FrameSize, Plan};
use lenscast_picture::jpeg::Rows;
use lenscast_picture::pattern::{Bars, Scene};
use lenscast_protocol::DEFAULT_MAX_MESSAGE_BYTES;

use super::frame::{Frame, NoFrame, captured, encode};
use super::mjpeg::{jpeg_size, read_jpeg};
use super::raw_file::RawFile;
use super::webcam::Webcam;
use super::{Source, SourceError};

/// A source that is being read: a camera, as a device sees it.
pub(crate) struct Frames {
    source: Source,
    info: CameraInfo,
    kind: Kind,
    /// Bytes of the last JPEG that was made here.
    size: usize,
}

enum Kind {
    Pattern,
    Pictures { path: PathBuf, files: Vec<PathBuf>, next: usize },
    Mjpeg { path: PathBuf, reader: BufReader<File> },
    Raw(RawFile),
    Webcam(Webcam),
}

impl Frames {
    /// Opens `source`. `size` is the size of the test pattern, and what is wished of a webcam.
    pub(crate) fn open(source: &Source, size: Option<FrameSize>) -> Result<Self, SourceError> {
        let camera = |sensor: &str, max_size, default_size, native_jpeg| CameraInfo {
            sensor: sensor.to_owned(),
            max_size,
            default_size,
            native_jpeg,
            test_bar: matches!(source, Source::Pattern | Source::Raw { .. }),
        };
        let (kind, info) = match source {
            Source::Pattern => {
                let (size, most) = (size.unwrap_or(FrameSize::VGA), FrameSize::UXGA);
                let max =
                    FrameSize { width: most.width.max(size.width), height: most.height.max(size.height) };
                (Kind::Pattern, camera("PATTERN", max, size, false))
            }
            Source::Pictures { path, files } => {
                let first = files.iter().find_map(|file| one_jpeg(file).ok()?).unwrap_or_default();
                let size = jpeg_size(&first).unwrap_or(FrameSize::VGA);
                let kind = Kind::Pictures { path: path.clone(), files: files.clone(), next: 0 };
                (kind, camera("PICTURES", size, size, true))
            }
            Source::Mjpeg(path) => {
                let size = jpeg_size(&one_jpeg(path)?.unwrap_or_default()).unwrap_or(FrameSize::VGA);
                let kind = Kind::Mjpeg { path: path.clone(), reader: open(path)? };
                (kind, camera("FILM", size, size, true))
            }
            Source::Raw { path, format, size } => {
                (Kind::Raw(RawFile::open(path, *format, *size)?), camera("RAW", *size, *size, false))
            }
            Source::Webcam(path) => {
                let webcam = Webcam::open(path, size.unwrap_or(FrameSize::VGA))?;
                let (size, native_jpeg) = (webcam.size(), webcam.is_jpeg());
                (Kind::Webcam(webcam), camera("WEBCAM", size, size, native_jpeg))
            }
        };
        Ok(Self { source: source.clone(), info, kind, size: 0 })
    }

    /// What the device is to know about it.
    pub(crate) fn info(&self) -> CameraInfo {
        self.info.clone()
    }

    /// What there is instead of a sensor's registers.
    pub(crate) fn describe(&self) -> String {
        let CameraInfo { sensor, max_size: FrameSize { width, height }, .. } = &self.info;
        format!("no registers: {sensor} is {}, at most {width}x{height}", self.source)
    }

    /// The next picture, one whole JPEG. `number` and `clock_ms` are what the test pattern shows. What is a JPEG already
    /// stays as it is, whatever the plan.
    pub(crate) fn next(&mut self, plan: &Plan, number: u32, clock_ms: u64) -> Result<Frame, NoFrame> {
        let start = Instant::now();
        match &mut self.kind {
            Kind::Pattern | Kind::Raw(_) if plan.test_bar => {
                let FrameSize { width, height } = plan.size;
                self.convert(&Bars { width, height }, plan, start)
            }
            Kind::Pattern => {
                let FrameSize { width, height } = plan.size;
                let scene = Scene { width, height, frame: number, clock_ms };
                self.convert(&scene.painter(), plan, start)
            }
            Kind::Raw(file) => {
                let raw = file.next()?;
                encode(&raw, plan, &mut self.size, start)
            }
            Kind::Webcam(webcam) => webcam.next(plan, &mut self.size, start),
            Kind::Pictures { path, files, next } => Ok(captured(next_picture(path, files, next)?, start)),
            Kind::Mjpeg { path, reader } => Ok(captured(next_of_film(path, reader)?, start)),
        }
    }

    fn convert(&mut self, picture: &impl Rows, plan: &Plan, start: Instant) -> Result<Frame, NoFrame> {
        encode(picture, plan, &mut self.size, start)
    }
}

/// The first whole JPEG of a file.
pub(super) fn one_jpeg(path: &Path) -> Result<Option<Vec<u8>>, SourceError> {
    let mut jpeg = Vec::new();
    match read_jpeg(&mut open(path)?, DEFAULT_MAX_MESSAGE_BYTES, &mut jpeg) {
        Ok(found) => Ok(found.then_some(jpeg)),
        Err(error) => Err(SourceError::Io { path: path.to_owned(), error }),
    }
}

fn next_picture(path: &Path, files: &mut Vec<PathBuf>, next: &mut usize) -> Result<Bytes, SourceError> {
    loop {
        *next = if *next < files.len() { *next } else { 0 };
        let Some(file) = files.get(*next) else {
            let expected = "at least one whole JPEG; were the files changed?";
            return Err(SourceError::Empty { path: path.to_owned(), expected });
        };
        match one_jpeg(file) {
            Ok(Some(jpeg)) => {
                *next += 1;
                return Ok(jpeg.into());
            }
            Ok(None) => tracing::warn!("{} is not a whole JPEG: left out from now on", file.display()),
            Err(error) => tracing::warn!("{error}: left out from now on"),
        }
        files.remove(*next);
    }
}

fn next_of_film(path: &Path, reader: &mut BufReader<File>) -> Result<Bytes, SourceError> {
    let io = |error| SourceError::Io { path: path.to_owned(), error };
    let mut jpeg = Vec::new();
    if !read_jpeg(reader, DEFAULT_MAX_MESSAGE_BYTES, &mut jpeg).map_err(io)? {
        reader.rewind().map_err(io)?;
        if !read_jpeg(reader, DEFAULT_MAX_MESSAGE_BYTES, &mut jpeg).map_err(io)? {
            let expected = "at least one whole JPEG; was the file changed?";
            return Err(SourceError::Empty { path: path.to_owned(), expected });
        }
    }
    Ok(jpeg.into())
}

fn open(path: &Path) -> Result<BufReader<File>, SourceError> {
    File::open(path).map(BufReader::new).map_err(|error| SourceError::Io { path: path.to_owned(), error })
}
