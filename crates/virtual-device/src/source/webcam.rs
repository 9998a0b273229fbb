//! A camera of this computer, through Video4Linux.

#[cfg(all(feature = "v4l2", target_os = "linux"))]
pub(super) use there::Webcam;

#[cfg(not(all(feature = "v4l2", target_os = "linux")))]
pub(super) use missing::Webcam;

#[cfg(all(feature = "v4l2", target_os = "linux"))]
mod there {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::Instant;

    use bytes::Bytes;
    use lenscast_device::camera::{FrameSize, Plan};
    use lenscast_picture::jpeg::sensor;
    use lenscast_picture::raw::{Raw, RawFormat};
    use linuxvideo::format::{PixFormat, PixelFormat};
    use linuxvideo::stream::ReadStream;
    use linuxvideo::{BufType, Device};

    use super::super::SourceError;
    use super::super::frame::{Frame, NoFrame, captured, encode};

    /// A webcam that captures.
    pub(in super::super) struct Webcam {
        path: PathBuf,
        stream: ReadStream,
        size: FrameSize,
        jpeg: bool,
    }

    impl Webcam {
        /// Asks for JPEGs of about `size`, else for YUYV, from which they are made here.
        pub(in super::super) fn open(path: &Path, size: FrameSize) -> Result<Self, SourceError> {
            let failed = |error| SourceError::Io { path: path.to_owned(), error };
            let device = Device::open(path).map_err(failed)?;
            let formats = device.formats(BufType::VIDEO_CAPTURE);
            let formats: Vec<PixelFormat> = formats
                .map(|format| format.map(|format| format.pixel_format()))
                .collect::<io::Result<_>>()
                .map_err(failed)?;
            let known = [PixelFormat::MJPG, PixelFormat::JPEG, PixelFormat::YUYV];
            let Some(format) = known.into_iter().find(|format| formats.contains(format)) else {
                let found = format!("it has neither MJPG nor YUYV, but {formats:?}");
                return Err(failed(io::Error::new(io::ErrorKind::Unsupported, found)));
            };
            let wished = PixFormat::new(size.width.into(), size.height.into(), format);
            let capture = device.video_capture(wished).map_err(failed)?;
            let (chosen, jpeg) = (capture.format(), format != PixelFormat::YUYV);
            let side = |pixels: u32| u16::try_from(pixels).ok().filter(|pixels| *pixels > 0);
            let size = side(chosen.width()).zip(side(chosen.height()));
            let Some((width, height)) = size.filter(|_| chosen.pixel_format() == format) else {
                let found =
                    format!("it chose {}x{} {}", chosen.width(), chosen.height(), chosen.pixel_format());
                return Err(failed(io::Error::new(io::ErrorKind::Unsupported, found)));
            };
            if !jpeg && chosen.bytes_per_line() != 2 * u32::from(width) {
                let found = format!("its rows are padded to {} bytes", chosen.bytes_per_line());
                return Err(failed(io::Error::new(io::ErrorKind::Unsupported, found)));
            }
            let stream = capture.into_stream().map_err(failed)?;
            Ok(Self { path: path.to_owned(), stream, size: FrameSize { width, height }, jpeg })
        }

        pub(in super::super) fn size(&self) -> FrameSize {
            self.size
        }

        pub(in super::super) fn is_jpeg(&self) -> bool {
            self.jpeg
        }

        /// Waits for the next picture. What the system kept from before is old.
        pub(in super::super) fn next(
            &mut self,
            plan: &Plan,
            bytes: &mut usize,
            start: Instant,
        ) -> Result<Frame, NoFrame> {
            let Self { path, stream, size, jpeg } = self;
            let failed = |error| NoFrame::Gone(SourceError::Io { path: path.clone(), error });
            while !stream.will_block().map_err(failed)? {
                stream.dequeue(|_| Ok(())).map_err(failed)?;
            }
            let frame = stream.dequeue(|buffer| {
                if buffer.is_error() {
                    return Ok(Err(NoFrame::Lost("the webcam says it is damaged")));
                }
                if *jpeg {
                    let jpeg = sensor::trim(&buffer).map_err(|fault| NoFrame::Lost(fault.name()));
                    return Ok(jpeg.map(|jpeg| captured(Bytes::copy_from_slice(jpeg), start)));
                }
                Ok(match Raw::new(size.width, size.height, RawFormat::Yuyv, &buffer) {
                    Ok(raw) => encode(&raw, plan, bytes, start),
                    Err(_) => Err(NoFrame::Lost("the webcam cut it short")),
                })
            });
            frame.map_err(failed)?
        }
    }
}

#[cfg(not(all(feature = "v4l2", target_os = "linux")))]
mod missing {
    use std::path::Path;
    use std::time::Instant;

    use lenscast_device::camera::{FrameSize, Plan};

    use super::super::SourceError;
    use super::super::frame::{Frame, NoFrame};

    /// There is none.
    pub(in super::super) enum Webcam {}

    impl Webcam {
        pub(in super::super) fn open(path: &Path, _size: FrameSize) -> Result<Self, SourceError> {
            Err(SourceError::NoWebcams(path.to_owned()))
        }

        pub(in super::super) fn size(&self) -> FrameSize {
            match *self {}
        }

        pub(in super::super) fn is_jpeg(&self) -> bool {
            match *self {}
        }

        pub(in super::super) fn next(
            &mut self,
            _plan: &Plan,
            _bytes: &mut usize,
            _start: Instant,
        ) -> Result<Frame, NoFrame> {
            match *self {}
        }
    }
}
