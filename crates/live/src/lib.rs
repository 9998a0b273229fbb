//! What is live of each camera: the newest JPEG, the running video, who publishes, and what is counted.
//!
//! Knows nothing about HTTP, users and files. Whoever takes a camera's pictures (by WebSocket today) pushes them here; whoever
//! shows them (by WebSocket, HTTP, later RTSP or WHEP) reads them here, through a cursor. Neither knows of the other.
//!
//! The files stand in the order in which a frame flows:
//!
//! | file | what it holds |
//! |---|---|
//! | [`clock`], [`news`] | the arrival clock; word that something changed |
//! | [`streams`] | all streams by name, and who gets a name that two cameras want |
//! | [`stream`] | a camera's stream, with its lock and its wake-ups |
//! | `stream/rules` | what the owner set for every stream |
//! | `stream/session` | a camera's connection, and whether it is alive |
//! | `stream/publisher` | the right to publish JPEGs as a camera |
//! | [`device`] | what the device behind a camera told, and what it is to be asked |
//! | [`stream::stats`], `stream/rates` | what is counted about a camera |
//! | `stream/trouble` | why nothing good comes of what a camera sends |
//! | `stream/presence` | whether a camera is there, and since when |
//! | [`demand`] | what a stream asks of whoever feeds its video |
//! | [`burst`], [`mailbox`] | the place in which the newest JPEG, or a burst of them, waits for its camera's thread |
//! | [`pipeline`] | a camera's thread: JPEG in, access unit out; how many there may be; the encoders to choose from |
//! | `stream/feed` | the right to give a stream its video |
//! | [`mod@unit`], [`framed`] | a JPEG and an access unit, with their bytes in every format, made once |
//! | `stream/gop` | the running group of pictures: plain data |
//! | `stream/cursor` | the two ways to read: the video, and the newest JPEG |
//!
//! A new way to get video (an edge of a cluster, a camera that sends H.264) is a [`Demand`] and a [`Feed`]. A new encoder is
//! an [`Encoder`](pipeline::encoder::Encoder). A new output needs nothing here: it takes a [`VideoCursor`].

#![forbid(unsafe_code)]

pub mod clock;
pub mod news;

pub mod streams;

pub mod device;
pub mod stream;

pub mod burst;
pub mod demand;
pub mod mailbox;
pub mod pipeline;

pub mod framed;
pub mod unit;

pub use clock::{Clock, Step, Steps};
pub use demand::{Demand, REPEAT_EVERY, REPEAT_FOR};
pub use device::{Device, Told};
pub use framed::Framed;
pub use news::News;
pub use pipeline::Pipelines;
pub use pipeline::supervisor::Video;
pub use stream::cursor::{JpegCursor, VideoCursor, VideoItem};
pub use stream::feed::Feed;
pub use stream::presence::CameraState;
pub use stream::publisher::Publisher;
pub use stream::rules::{ABSENT_PER_CAMERA, EncodeMode, Rules};
pub use stream::session::{Camera, Session};
pub use stream::stats::{StageTimes, Stats, Track};
pub use stream::trouble::Trouble;
pub use stream::{JOINABLE_GOP_AGE, Stream};
pub use streams::{Connected, Streams};
pub use unit::{AccessUnit, CodedPicture, JpegFrame, Timing, VideoParams};
