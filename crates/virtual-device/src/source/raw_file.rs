//! A file of pictures as a sensor hands them over: pixels and nothing else.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use lenscast_device::camera::FrameSize;
use lenscast_picture::raw::{Raw, RawFormat};

use super::{SourceError, has_extension};

/// A raw file that is being read, over and over.
pub(super) struct RawFile {
    path: PathBuf,
    reader: BufReader<File>,
    format: RawFormat,
    size: FrameSize,
    frame: Vec<u8>,
}

/// What a pixel is in a file of this name.
pub(super) fn format(path: &Path) -> Option<RawFormat> {
    if has_extension(path, &["yuv"]) {
        return Some(RawFormat::Yuyv);
    }
    RawFormat::ALL.into_iter().find(|format| has_extension(path, &[format.name()]))
}

/// The size that the name of a file tells, as in `door_320x240.yuyv`.
pub(super) fn size(path: &Path) -> Option<FrameSize> {
    let name = path.file_stem()?.to_str()?;
    let size = |word: &str| {
        let (width, height) = word.split_once('x')?;
        Some(FrameSize { width: width.parse().ok()?, height: height.parse().ok()? })
    };
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter_map(size).rfind(|size| size.width > 0 && size.height > 0)
}

impl RawFile {
    /// Opens a file that holds at least one picture.
    pub(super) fn open(path: &Path, format: RawFormat, size: FrameSize) -> Result<Self, SourceError> {
        let io = |error| SourceError::Io { path: path.to_owned(), error };
        let reader = BufReader::new(File::open(path).map_err(io)?);
        let frame = vec![0; format.frame_bytes(size.width, size.height) as usize];
        let mut file = Self { path: path.to_owned(), reader, format, size, frame };
        file.next()?;
        file.reader.rewind().map_err(io)?;
        Ok(file)
    }

    /// The next picture. What follows the last whole one is left out.
    pub(super) fn next(&mut self) -> Result<Raw<'_>, SourceError> {
        let io = |error| SourceError::Io { path: self.path.clone(), error };
        let whole = match self.reader.read_exact(&mut self.frame) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.reader.rewind().map_err(io)?;
                self.reader.read_exact(&mut self.frame)
            }
            result => result,
        };
        let empty = || SourceError::Empty {
            path: self.path.clone(),
            expected: "at least one whole raw frame of its size",
        };
        whole.map_err(
            |error| if error.kind() == io::ErrorKind::UnexpectedEof { empty() } else { io(error) },
        )?;
        Raw::new(self.size.width, self.size.height, self.format, &self.frame).map_err(|_| empty())
    }
}
