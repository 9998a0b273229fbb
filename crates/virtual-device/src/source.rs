//! Where the pictures come from.

mod adjusted;
mod frame;
mod frames;
mod mjpeg;
mod raw_file;
mod webcam;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use lenscast_device::camera::FrameSize;
use lenscast_picture::raw::RawFormat;

pub(crate) use frame::{Frame, NoFrame};
pub(crate) use frames::Frames;
use frames::one_jpeg;
use raw_file::RawFile;

/// Where the pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The moving test scene of [`lenscast_picture::pattern`], with the time of this computer.
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
    /// A file of pictures without any header, one after the other, over and over.
    Raw {
        /// The file.
        path: PathBuf,
        /// What a pixel is.
        format: RawFormat,
        /// Size of each picture.
        size: FrameSize,
    },
    /// A camera of this computer, by its device file.
    Webcam(PathBuf),
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
        "{} is not a source of pictures: expected \"pattern\", a folder of .jpg files, one .jpg file, an .mjpeg file, \
         a raw file (.yuyv .uyvy .rgb565be .rgb565le .y8), or a webcam such as /dev/video0",
        .0.display()
    )]
    Unknown(PathBuf),
    /// Nobody knows how wide the pictures of a raw file are.
    #[error(
        "{} does not tell its size: name it like door_320x240.yuyv, or say --size 320x240",
        .0.display()
    )]
    RawSize(PathBuf),
    /// This program was built without webcams.
    #[error("{}: this program was built without webcams (cargo build --features v4l2, on Linux)", .0.display())]
    NoWebcams(PathBuf),
    /// It is of a known kind, but there is nothing in it.
    #[error("{} holds no picture: expected {expected}", path.display())]
    Empty {
        /// What was searched.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
}

const PICTURE: &[&str] = &["jpg", "jpeg"];

impl Source {
    /// `pattern`, the path of a folder (its `*.jpg` and `*.jpeg`, sorted by name), of one such file, of an `.mjpeg` or
    /// `.mjpg` file, of a raw file, or of a webcam. Reads as far as the first whole picture.
    ///
    /// `size` is that of the pictures in a raw file whose name does not tell it.
    ///
    /// A JPEG larger than [`DEFAULT_MAX_MESSAGE_BYTES`](lenscast_protocol::DEFAULT_MAX_MESSAGE_BYTES) counts as none: no
    /// server would accept it.
    ///
    /// # Errors
    /// [`SourceError`], when there is no such file, or no whole picture in it.
    pub fn open(source: &str, size: Option<FrameSize>) -> Result<Self, SourceError> {
        if source == "pattern" {
            return Ok(Self::Pattern);
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
            Ok(Self::Pictures { path, files })
        } else if path.starts_with("/dev") {
            Ok(Self::Webcam(path))
        } else if has_extension(&path, &["mjpeg", "mjpg"]) {
            require_jpeg(&path, "JPEGs one after the other, at least one of them whole")?;
            Ok(Self::Mjpeg(path))
        } else if has_extension(&path, PICTURE) {
            require_jpeg(&path, "one whole JPEG")?;
            Ok(Self::Pictures { files: vec![path.clone()], path })
        } else if let Some(format) = raw_file::format(&path) {
            let size = raw_file::size(&path).or(size).ok_or_else(|| SourceError::RawSize(path.clone()))?;
            RawFile::open(&path, format, size)?;
            Ok(Self::Raw { path, format, size })
        } else {
            Err(SourceError::Unknown(path))
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern => f.write_str("the test pattern"),
            Self::Pictures { path, .. } | Self::Raw { path, .. } | Self::Mjpeg(path) | Self::Webcam(path) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

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

fn require_jpeg(path: &Path, expected: &'static str) -> Result<(), SourceError> {
    match one_jpeg(path)? {
        Some(_) => Ok(()),
        None => Err(SourceError::Empty { path: path.to_owned(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use lenscast_device::camera::{FrameRate, Plan};
    use lenscast_picture::jpeg::{self, Sampling};
    use lenscast_picture::pattern::Scene;
    use lenscast_picture::raw::Raw;
    use std::fs;
    use tempfile::TempDir;
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;

    fn plan(size: FrameSize, quality: u8) -> Plan {
        let (power, capture, rate) = (true, true, FrameRate::DEFAULT);
        let (ir, test_bar) = (false, false);
        Plan { power, capture, size, quality, rate, picture: Default::default(), ir, test_bar }
    }

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
        Source::open(path.to_str().expect("temporary paths are UTF-8"), None)
    }

    fn take(source: &Source, count: usize) -> Vec<Bytes> {
        let mut frames = Frames::open(source, None).expect("it was opened before");
        let plan = plan(FrameSize::QQVGA, 80);
        (1..).map(|number| frames.next(&plan, number, 0).expect("it has pictures").0).take(count).collect()
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
        let mut frames = Frames::open(&source, None).expect("it was opened before");
        let plan = plan(FrameSize::QQVGA, 80);
        frames.next(&plan, 1, 0).expect("the picture is there");
        fs::remove_file(folder.path().join("a.jpg")).expect("it is ours");
        let error = frames.next(&plan, 2, 0).expect_err("the picture is gone");
        let NoFrame::Gone(SourceError::Empty { path, .. }) = error else { panic!("{error:?}") };
        assert_eq!(path, folder.path());
    }

    #[test]
    fn pictures_tell_their_size_and_keep_it() {
        let folder = folder(&[("a.jpg", &picture(1))]);
        let source = open(folder.path()).expect("a folder of pictures");
        let info = Frames::open(&source, Some(FrameSize::VGA)).expect("it was opened before").info();
        let size = FrameSize { width: 48, height: 32 };
        assert_eq!((info.max_size, info.default_size, info.native_jpeg), (size, size, true));
    }

    #[test]
    fn the_pattern_has_the_size_and_the_quality_of_the_plan() {
        let mut frames = Frames::open(&Source::Pattern, Some(FrameSize::QVGA)).expect("it is always there");
        assert_eq!(frames.info().default_size, FrameSize::QVGA);
        let mut shoot = |size, quality| frames.next(&plan(size, quality), 1, 0).expect("a picture");
        let (good, info) = shoot(FrameSize::QVGA, 80);
        let (bad, _) = shoot(FrameSize::QVGA, 10);
        let (small, _) = shoot(FrameSize::QQVGA, 80);
        assert!(bad.len() < good.len() * 3 / 4, "{} and {} bytes", bad.len(), good.len());
        assert_eq!(mjpeg::jpeg_size(&good), Some(FrameSize::QVGA));
        assert_eq!(mjpeg::jpeg_size(&small), Some(FrameSize::QQVGA));
        assert!(!info.convert.is_zero());
    }

    #[test]
    fn test_bars_take_the_place_of_the_pattern_and_of_raw_pictures_alone() {
        let (_folder, raw) = raw_file("door_160x120.y8", &[77; 2400], &[]);
        let pictures = folder(&[("a.jpg", &picture(1))]);
        let plan = Plan { test_bar: true, ..plan(FrameSize::QQVGA, 90) };
        for (source, has_bars) in [
            (Source::Pattern, true),
            (open(&raw).expect("a raw file"), true),
            (open(pictures.path()).expect("a folder of pictures"), false),
        ] {
            let mut frames = Frames::open(&source, Some(FrameSize::QQVGA)).expect("it was opened before");
            assert_eq!(frames.info().test_bar, has_bars, "{source}");
            let (jpeg, _) = frames.next(&plan, 1, 0).expect("a picture");
            let pixels = JpegDecoder::new(ZCursor::new(&jpeg)).decode().expect("a whole JPEG");
            // The middle of each bar in the first row: white, yellow, cyan, green, magenta, red, blue, black.
            let bits = (0..8).map(|bar| {
                let at = (bar * 20 + 10) * 3;
                pixels.get(at..at + 3).map(|pixel| [pixel[0], pixel[1], pixel[2]].map(|level| level > 127))
            });
            let (on, off) = (true, false);
            let bars =
                [[on, on, on], [on, on, off], [off, on, on], [off, on, off], [on, off, on], [on, off, off]];
            let bars = bars.into_iter().chain([[off, off, on], [off; 3]]).map(Some);
            assert_eq!(bits.eq(bars), has_bars, "{source}");
        }
    }

    #[test]
    fn the_pattern_can_be_larger_than_any_sensor() {
        let size = FrameSize { width: 1920, height: 1080 };
        let info = Frames::open(&Source::Pattern, Some(size)).expect("it is always there").info();
        assert_eq!((info.max_size, info.default_size), (FrameSize { width: 1920, height: 1200 }, size));
    }

    /// Frames of 4 × 2 pixels, each of one grey, in a file of this name.
    fn raw_file(name: &str, greys: &[u8], rest: &[u8]) -> (TempDir, PathBuf) {
        let frames = greys.iter().flat_map(|grey| [*grey, 128].repeat(8));
        let bytes: Vec<u8> = frames.chain(rest.iter().copied()).collect();
        let folder = folder(&[(name, &bytes)]);
        let path = folder.path().join(name);
        (folder, path)
    }

    fn grey(jpeg: &[u8]) -> u8 {
        let pixels = JpegDecoder::new(ZCursor::new(jpeg)).decode().expect("a whole JPEG");
        assert_eq!(pixels.len(), 4 * 2 * 3);
        pixels[9]
    }

    #[test]
    fn raw_frames_are_made_into_jpegs_one_after_the_other_over_and_over() {
        let (_folder, path) = raw_file("door_4x2.yuyv", &[30, 90, 200], &[1; 15]);
        let source = open(&path).expect("a raw file");
        let greys: Vec<u8> = take(&source, 7).iter().map(|jpeg| grey(jpeg)).collect();
        let expected = [30, 90, 200, 30, 90, 200, 30];
        assert!(greys.iter().zip(expected).all(|(grey, expected)| grey.abs_diff(expected) < 4), "{greys:?}");
        let info = Frames::open(&source, None).expect("it was opened before").info();
        assert_eq!((info.max_size, info.native_jpeg), (FrameSize { width: 4, height: 2 }, false));
    }

    #[test]
    fn the_conversion_is_the_devices_own() {
        let (_folder, path) = raw_file("4x2.yuv", &[77], &[]);
        let raw = fs::read(&path).expect("it is ours");
        let raw = Raw::new(4, 2, RawFormat::Yuyv, &raw).expect("it is whole");
        let mut expected = Vec::new();
        jpeg::encode(&raw, 80, Sampling::Yuv422, &mut expected).expect("a picture");
        assert_eq!(take(&open(&path).expect("a raw file"), 1), [expected]);
    }

    #[test]
    fn a_raw_file_has_its_size_in_its_name_or_is_told_it() {
        let size = |name: &str| raw_file::size(Path::new(name)).map(|size| (size.width, size.height));
        assert_eq!(size("door_320x240.yuyv"), Some((320, 240)));
        assert_eq!(size("/tmp/1x1/front 2 door-640x480-night.y8"), Some((640, 480)));
        assert_eq!(size("0x10.y8"), None);
        assert_eq!(size("door.y8"), None);
        let (_folder, path) = raw_file("door.uyvy", &[77], &[]);
        let path = path.to_str().expect("temporary paths are UTF-8");
        let error = Source::open(path, None).expect_err("nobody knows its size").to_string();
        assert!(error.contains("door_320x240.yuyv") && error.contains("--size"), "{error}");
        let size = FrameSize { width: 4, height: 2 };
        let source = Source::open(path, Some(size)).expect("now it is known");
        assert!(matches!(source, Source::Raw { size: found, format: RawFormat::Uyvy, .. } if found == size));
    }

    #[test]
    fn every_raw_format_is_known_by_its_name() {
        for format in RawFormat::ALL {
            assert_eq!(raw_file::format(Path::new(&format!("a.{}", format.name()))), Some(format));
        }
        assert_eq!(raw_file::format(Path::new("a.YUV")), Some(RawFormat::Yuyv));
    }

    #[test]
    fn a_raw_file_without_a_whole_frame_is_refused() {
        let (_folder, path) = raw_file("4x2.yuyv", &[], &[0; 15]);
        let error = open(&path).expect_err("15 of 16 bytes").to_string();
        assert!(error.contains("one whole raw frame"), "{error}");
    }

    #[cfg(not(all(feature = "v4l2", target_os = "linux")))]
    #[test]
    fn a_program_without_webcams_says_how_to_get_them() {
        let error = Source::open("/dev/null", None).and_then(|source| Frames::open(&source, None).map(drop));
        let error = error.expect_err("there are no webcams").to_string();
        assert!(error.contains("--features v4l2"), "{error}");
    }
}
