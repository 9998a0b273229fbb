//! Where the pictures come from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use lenscast_device::jpeg::{self, Sampling};
use lenscast_device::pattern::Scene;
use lenscast_protocol::DEFAULT_MAX_MESSAGE_BYTES;

use crate::Options;
use crate::mjpeg::read_jpeg;

/// Where the pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The moving test scene of [`lenscast_device::pattern`], with the time of this computer.
    Pattern,
    /// Files with one JPEG each, from the first to the last and over again.
    Pictures {
        /// The folder they are in, or the only file.
        path: PathBuf,
        /// All of them, in their order.
        files: Vec<PathBuf>,
    },
    /// A file of JPEGs one after the other, over and over.
    Mjpeg(PathBuf),
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The system does not let us read it.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is a file, but of no known kind.
    #[error(
        "{} is not a source of pictures: expected \"pattern\", a folder of .jpg files, one .jpg file, or an .mjpeg file",
        .0.display()
    )]
    Unknown(PathBuf),
    /// It is of a known kind, but there is nothing in it.
    #[error("{} holds no picture: expected {expected}", path.display())]
    Empty {
        /// What was searched.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
}

impl Source {
    /// `pattern`, the path of a folder (its `*.jpg` and `*.jpeg`, sorted by name), of one such file, or of an `.mjpeg`
    /// or `.mjpg` file. Reads as far as the first whole JPEG.
    ///
    /// A JPEG larger than [`DEFAULT_MAX_MESSAGE_BYTES`] counts as none: no server would accept it.
    ///
    /// # Errors
    /// [`SourceError`], when there is no such file, or no whole JPEG in it.
    pub fn open(source: &str) -> Result<Source, SourceError> {
        if source == "pattern" {
            return Ok(Source::Pattern);
        }
        let path = PathBuf::from(source);
        let metadata =
            std::fs::metadata(&path).map_err(|error| SourceError::Io { path: path.clone(), error })?;
        if metadata.is_dir() {
            let files = pictures_in(&path)?;
            if !files.iter().any(|picture| matches!(one_jpeg(picture), Ok(Some(_)))) {
                return Err(SourceError::Empty {
                    path,
                    expected: "at least one whole JPEG named *.jpg or *.jpeg",
                });
            }
            Ok(Source::Pictures { path, files })
        } else if has_extension(&path, &["mjpeg", "mjpg"]) {
            require_jpeg(&path, "JPEGs one after the other, at least one of them whole")?;
            Ok(Source::Mjpeg(path))
        } else if has_extension(&path, PICTURE) {
            require_jpeg(&path, "one whole JPEG")?;
            Ok(Source::Pictures { files: vec![path.clone()], path })
        } else {
            Err(SourceError::Unknown(path))
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Pattern => f.write_str("the test pattern"),
            Source::Pictures { path, .. } | Source::Mjpeg(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A source that is being read.
pub(crate) enum Frames {
    Pattern { width: u16, height: u16, quality: u8, size: usize },
    Pictures { path: PathBuf, files: Vec<PathBuf>, next: usize },
    Mjpeg { path: PathBuf, reader: BufReader<File> },
}

impl Frames {
    pub(crate) fn new(options: &Options) -> Result<Frames, SourceError> {
        Ok(match &options.source {
            Source::Pattern => {
                let Options { width, height, quality, .. } = *options;
                Frames::Pattern { width, height, quality, size: 0 }
            }
            Source::Pictures { path, files } => {
                Frames::Pictures { path: path.clone(), files: files.clone(), next: 0 }
            }
            Source::Mjpeg(path) => Frames::Mjpeg { path: path.clone(), reader: open(path)? },
        })
    }

    /// The next picture, one whole JPEG. `frame` and `clock_ms` are what the test pattern shows.
    pub(crate) fn next(&mut self, frame: u32, clock_ms: u64) -> Result<Bytes, SourceError> {
        match self {
            Frames::Pattern { width, height, quality, size } => {
                let scene = Scene { width: *width, height: *height, frame, clock_ms };
                let mut jpeg = Vec::with_capacity(*size + *size / 8);
                jpeg::encode(&scene.painter(), *quality, Sampling::Yuv422, &mut jpeg)
                    .expect("the options were checked: no side is 0");
                *size = jpeg.len();
                Ok(jpeg.into())
            }
            Frames::Pictures { path, files, next } => loop {
                *next = if *next < files.len() { *next } else { 0 };
                let Some(file) = files.get(*next) else {
                    let expected = "at least one whole JPEG; were the files changed?";
                    return Err(SourceError::Empty { path: path.clone(), expected });
                };
                match one_jpeg(file) {
                    Ok(Some(jpeg)) => {
                        *next += 1;
                        return Ok(jpeg.into());
                    }
                    Ok(None) => {
                        tracing::warn!("{} is not a whole JPEG: left out from now on", file.display())
                    }
                    Err(error) => tracing::warn!("{error}: left out from now on"),
                }
                files.remove(*next);
            },
            Frames::Mjpeg { path, reader } => {
                let mut jpeg = Vec::new();
                let mut read = |reader: &mut BufReader<File>| {
                    read_jpeg(reader, DEFAULT_MAX_MESSAGE_BYTES, &mut jpeg)
                        .map_err(|error| SourceError::Io { path: path.clone(), error })
                };
                if !read(reader)? {
                    reader.rewind().map_err(|error| SourceError::Io { path: path.clone(), error })?;
                    if !read(reader)? {
                        let expected = "at least one whole JPEG; was the file changed?";
                        return Err(SourceError::Empty { path: path.clone(), expected });
                    }
                }
                Ok(jpeg.into())
            }
        }
    }
}

const PICTURE: &[&str] = &["jpg", "jpeg"];

fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut pictures: Vec<PathBuf> = entries
        .map_err(|error| SourceError::Io { path: folder.to_owned(), error })?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, PICTURE) && path.is_file())
        .collect();
    pictures.sort();
    Ok(pictures)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extensions.iter().any(|expected| extension.eq_ignore_ascii_case(expected))
}

fn open(path: &Path) -> Result<BufReader<File>, SourceError> {
    File::open(path).map(BufReader::new).map_err(|error| SourceError::Io { path: path.to_owned(), error })
}

/// The first whole JPEG of a file.
fn one_jpeg(path: &Path) -> Result<Option<Vec<u8>>, SourceError> {
    let mut jpeg = Vec::new();
    match read_jpeg(&mut open(path)?, DEFAULT_MAX_MESSAGE_BYTES, &mut jpeg) {
        Ok(found) => Ok(found.then_some(jpeg)),
        Err(error) => Err(SourceError::Io { path: path.to_owned(), error }),
    }
}

fn require_jpeg(path: &Path, expected: &'static str) -> Result<(), SourceError> {
    match one_jpeg(path)? {
        Some(_) => Ok(()),
        None => Err(SourceError::Empty { path: path.to_owned(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn picture(frame: u32) -> Vec<u8> {
        let scene = Scene { width: 48, height: 32, frame, clock_ms: 0 };
        let mut jpeg = Vec::new();
        jpeg::encode(&scene.painter(), 80, Sampling::Yuv422, &mut jpeg).expect("this picture can be encoded");
        jpeg
    }

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = TempDir::new().expect("a temporary folder");
        for (name, content) in files {
            fs::write(folder.path().join(name), content).expect("room for a file");
        }
        folder
    }

    fn open(path: &Path) -> Result<Source, SourceError> {
        Source::open(path.to_str().expect("temporary paths are UTF-8"))
    }

    fn take(source: &Source, count: usize) -> Vec<Bytes> {
        let mut frames = Frames::new(&Options::new("", source.clone())).expect("it was opened before");
        (1..).map(|number| frames.next(number, 0).expect("it has pictures")).take(count).collect()
    }

    #[test]
    fn a_folder_is_sent_in_the_order_of_names_over_and_over() {
        let [a, b, c] = [1, 2, 3].map(picture);
        let folder =
            folder(&[("2.JPEG", &b), ("10.jpg", &a), ("3.Jpg", &c), ("notes.txt", b"?"), ("0.png", b"?")]);
        let source = open(folder.path()).expect("a folder of pictures");
        assert_eq!(take(&source, 7), [&a, &b, &c, &a, &b, &c, &a]);
    }

    #[test]
    fn files_of_a_folder_that_are_no_jpeg_are_left_out() {
        let [a, b] = [1, 2].map(picture);
        let folder =
            folder(&[("1.jpg", b"no"), ("2.jpg", &a), ("3.jpg", &a[..40]), ("4.jpg", &b), ("5.jpg", b"")]);
        let source = open(folder.path()).expect("a folder with some pictures");
        assert_eq!(take(&source, 5), [&a, &b, &a, &b, &a]);
    }

    #[test]
    fn a_picture_is_sent_without_what_follows_its_end() {
        let a = picture(1);
        let folder = folder(&[("a.jpg", &[&a[..], b"trailing bytes"].concat())]);
        let source = open(&folder.path().join("a.jpg")).expect("a picture");
        assert_eq!(take(&source, 2), [&a, &a]);
    }

    #[test]
    fn an_mjpeg_file_begins_anew_at_its_end() {
        let [a, b] = [1, 2].map(picture);
        let folder = folder(&[("film.MJPG", &[&a[..], &b, &a[..99]].concat())]);
        let source = open(&folder.path().join("film.MJPG")).expect("a film");
        assert_eq!(take(&source, 5), [&a, &b, &a, &b, &a]);
    }

    #[test]
    fn errors_say_what_was_looked_for_and_where() {
        let folder = folder(&[("a.txt", b""), ("a.jpg", b"text"), ("a.mjpeg", b"\xff\xd8\xff\xd9")]);
        let expected = [
            ("missing", "cannot read", "No such file"),
            ("a.txt", "is not a source of pictures", "a folder of .jpg files"),
            ("a.jpg", "holds no picture", "one whole JPEG"),
            ("a.mjpeg", "holds no picture", "at least one of them whole"),
            ("", "holds no picture", "named *.jpg"),
        ];
        for (name, what, then) in expected {
            let path = folder.path().join(name);
            let error = open(&path).expect_err(name).to_string();
            for part in [&path.display().to_string(), what, then] {
                assert!(error.contains(part), "{error:?} does not say {part:?}");
            }
        }
    }

    #[test]
    fn files_that_disappear_while_they_are_sent_end_in_an_error() {
        let folder = folder(&[("a.jpg", &picture(1))]);
        let source = open(folder.path()).expect("a folder of pictures");
        let mut frames = Frames::new(&Options::new("", source)).expect("it was opened before");
        frames.next(1, 0).expect("the picture is there");
        fs::remove_file(folder.path().join("a.jpg")).expect("it is ours");
        let error = frames.next(2, 0).expect_err("the picture is gone");
        assert!(matches!(&error, SourceError::Empty { path, .. } if path == folder.path()), "{error}");
    }
}
