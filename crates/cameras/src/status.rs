//! What is going on, as `/status` and `/api/events` tell it.

use super::Cameras;
use super::described;
use super::diagnosis::{self, Claim, Finding};
use super::load::{Why, load, why};
use lenscast_live::device::Told;
use lenscast_live::{StageTimes, Stream};
use lenscast_media::time::Micros;
use lenscast_protocol::CameraName;
use lenscast_protocol::control::{PictureState, Telemetry};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use utoipa::ToSchema;

/// The answer. The first three fields are the original server's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Status {
    /// Cameras that are connected.
    pub camera_clients: usize,
    /// Connections to `/ws/viewer`.
    pub viewer_clients: usize,
    /// True exactly while a camera is connected.
    pub streaming: bool,
    /// Version of this program.
    pub version: &'static str,
    /// Seconds since the server started.
    pub uptime_s: u64,
    /// Every camera that is or was connected and is not forgotten, or that somebody waits for; of them, those that the caller may watch.
    pub cameras: Vec<CameraStatus>,
}

/// One camera.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CameraStatus {
    /// The name in paths, which never changes.
    #[schema(value_type = described::CameraName)]
    pub name: String,
    /// The name for people: the same, unless somebody gave it another.
    pub title: String,
    /// Address and port from which it is connected; null when it is not.
    #[schema(required)]
    pub peer: Option<String>,
    /// Whether it is connected.
    pub connected: bool,
    /// What a person wants to know first.
    pub state: CameraState,
    /// For how long, in ms: since it left, came, sent frames again, or sent its newest one; null when it was never here.
    #[schema(required)]
    pub since_ms: Option<u64>,
    /// Whether it is a virtual camera of this server.
    pub r#virtual: bool,
    /// Width of the newest frame as it is shown, in pixels; null when there is none.
    #[schema(required)]
    pub width: Option<u16>,
    /// Height of the newest frame as it is shown, in pixels; null when there is none.
    #[schema(required)]
    pub height: Option<u16>,
    /// By how many degrees the owner has its pictures turned, clockwise: 0, 90, 180 or 270, after what their EXIF says.
    pub turn: u16,
    /// Whether the owner has its pictures mirrored (left and right), before they are turned.
    pub mirrored: bool,
    /// Good frames a second, over the last three seconds, or over the last five frames if that is longer; 0 when it fell silent.
    #[schema(minimum = 0)]
    pub fps: f64,
    /// Bits a second of its good frames, over the same time.
    pub bitrate: u64,
    /// Bits a second of the H.264 video, over the same time; 0 while none is encoded.
    pub video_bitrate: u64,
    /// Good frames since the server started.
    pub frames_in: u64,
    /// Bytes of all messages since the server started.
    pub bytes_in: u64,
    /// Good frames that were not encoded, since a newer one came before the encoder was free.
    pub dropped: u64,
    /// Why, as far as it can be told now; null when nothing is encoded, or nothing was dropped.
    #[schema(required)]
    pub dropped_why: Option<Why>,
    /// Frames that were refused, or could not be shown as video, by cause. More causes may come.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub quarantined: BTreeMap<&'static str, u64>,
    /// Good frames with a fault that was mended, by kind. More kinds may come.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub mended: BTreeMap<&'static str, u64>,
    /// Why nothing good comes of what it sends; null while that is not so.
    #[schema(required)]
    pub trouble: Option<Trouble>,
    /// Whether video is being encoded.
    pub encoding: bool,
    /// Where a frame's time goes on its way through the server.
    pub pipeline_ms: PipelineTimes,
    /// Age of the newest good frame, in ms; null when there is none.
    #[schema(required)]
    pub newest_frame_age_ms: Option<u64>,
    /// The age at which the newest good frame makes it silent, in ms: `silent_after`, three of its usual intervals, or three of
    /// those that its device told, whichever is the longest.
    pub silent_after_ms: u64,
    /// Connections to this camera's `/ws/viewer`.
    pub viewers: usize,
    /// Frames that viewers skipped because they read too slowly.
    pub skipped: u64,
    /// What its device tells about itself; null while it is not connected, or does not speak `lenscast.v1`.
    #[schema(required)]
    pub device: Option<DeviceStatus>,
}

/// Why nothing good comes of what a camera sends, for some seconds or since it came.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trouble {
    /// The cause: a name in `quarantined`.
    #[schema(value_type = String)]
    pub cause: &'static str,
    /// What is wrong with the newest frame, for people: without capital and full stop.
    pub text: String,
    /// What to do about it, for people.
    #[schema(value_type = String)]
    pub advice: &'static str,
    /// For how long, in ms.
    pub since_ms: u64,
}

/// What a person wants to know first about a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// No camera is connected.
    Waiting,
    /// Connected, but has sent no good frame yet.
    NoFrame,
    /// Frames come in.
    Live,
    /// Connected, but the newest good frame is older than `silent_after_ms`.
    Silent,
}

impl From<lenscast_live::CameraState> for CameraState {
    fn from(state: lenscast_live::CameraState) -> Self {
        match state {
            lenscast_live::CameraState::Waiting => Self::Waiting,
            lenscast_live::CameraState::NoFrame => Self::NoFrame,
            lenscast_live::CameraState::Live => Self::Live,
            lenscast_live::CameraState::Silent => Self::Silent,
        }
    }
}

/// Where a frame's time goes, smoothed, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct PipelineTimes {
    /// From its last byte's arrival until the pipeline could have it: it is inspected meanwhile.
    pub ingest: f64,
    /// JPEG to I420.
    pub decode: f64,
    /// I420 to H.264.
    pub encode: f64,
    /// H.264 to MPEG-TS.
    pub mux: f64,
    /// Waiting: for the pipeline to be free, and for the viewer's turn.
    pub queue: f64,
}

/// A camera's device. What it did not tell yet is null; the counters count since it started.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceStatus {
    /// Its name that never changes, mostly its MAC address.
    pub id: String,
    /// Version of its firmware.
    pub firmware: String,
    /// Its board.
    pub board: String,
    /// Its sensor.
    pub sensor: String,
    /// Why it started last, in its own words.
    pub reset_reason: String,
    /// Width of its largest picture, in pixels.
    pub max_width: u16,
    /// Height of its largest picture, in pixels.
    pub max_height: u16,
    /// Seconds since it started.
    #[schema(required)]
    pub uptime_s: Option<u64>,
    /// WiFi signal in dBm.
    #[schema(required)]
    pub rssi: Option<i8>,
    /// Free bytes of its heap.
    #[schema(required)]
    pub free_heap: Option<u32>,
    /// Frames captured.
    #[schema(required)]
    pub captured: Option<u64>,
    /// Frames sent whole.
    #[schema(required)]
    pub sent: Option<u64>,
    /// Frames that a newer one replaced, or that were lost with a connection.
    #[schema(required)]
    pub dropped: Option<u64>,
    /// Frames that its camera did not deliver whole.
    #[schema(required)]
    pub camera_faults: Option<u64>,
    /// Those of them that did not fit the frame buffer.
    #[schema(required)]
    pub too_big: Option<u64>,
    /// How often it connected to a server.
    #[schema(required)]
    pub connections: Option<u64>,
    /// What the picture is now.
    #[schema(required)]
    pub picture: Option<Picture>,
    /// How long ago it told this, in ms.
    #[schema(required)]
    pub telemetry_age_ms: Option<u64>,
    /// What is wrong with it, what is to be mended first at first.
    pub diagnosis: Vec<Finding>,
}

/// What a device's picture is now, after yielding to a slow network.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// JPEG quality, 1 (worst) to 100 (best).
    pub quality: u8,
    /// Frames a second, at most.
    #[schema(minimum = 0)]
    pub fps: f64,
    /// Steps that the device went down because the network is slow; 0 is none.
    pub reduced: u8,
}

impl From<PictureState> for Picture {
    fn from(PictureState { width, height, quality, fps, reduced }: PictureState) -> Self {
        Self { width, height, quality, fps, reduced }
    }
}

impl Status {
    fn of(cameras: Vec<CameraStatus>, uptime_s: u64) -> Self {
        let camera_clients = cameras.iter().filter(|camera| camera.connected).count();
        Self {
            camera_clients,
            viewer_clients: cameras.iter().map(|camera| camera.viewers).sum(),
            streaming: camera_clients > 0,
            version: env!("CARGO_PKG_VERSION"),
            uptime_s,
            cameras,
        }
    }

    /// The status as if there were no other cameras than those for which `may` is true.
    #[must_use]
    pub fn only(&self, may: impl Fn(&CameraName) -> bool) -> Self {
        let may = |camera: &&CameraStatus| CameraName::new(&camera.name).is_ok_and(|name| may(&name));
        Self::of(self.cameras.iter().filter(may).cloned().collect(), self.uptime_s)
    }
}

impl Cameras {
    /// What is going on now.
    #[must_use]
    pub fn status(&self) -> Status {
        let uptime_s = self.clock().now().to_duration().as_secs();
        let streams = self.streams().list();
        let mut claims = HashMap::new();
        for told in streams.iter().filter_map(|stream| stream.device()) {
            *claims.entry(told.hello.device_id).or_default() += 1;
        }
        Status::of(streams.iter().map(|stream| camera(self, stream, &claims)).collect(), uptime_s)
    }
}

fn round(value: f64, digits: i32) -> f64 {
    (value * 10f64.powi(digits)).round() / 10f64.powi(digits)
}

/// A rate as it is told: to a tenth, and below one to a thousandth, since one picture in 30 s is 0.033 a second.
pub(super) fn rate(fps: f64) -> f64 {
    round(fps, if fps < 1.0 { 3 } else { 1 })
}

/// How many cameras that are connected tell each id.
type Claims = HashMap<String, usize>;

fn camera(cameras: &Cameras, stream: &Stream, claims: &Claims) -> CameraStatus {
    let session = stream.session();
    let newest = stream.newest_jpeg();
    let stats = &stream.stats;
    let now = stream.clock().now();
    let ms_since = |at: Micros| now.saturating_sub(at).to_duration().as_millis() as u64;
    let StageTimes { ingest, decode, encode, mux, queue } = stats.pipeline(now);
    let [ingest, decode, encode, mux, queue] = [ingest, decode, encode, mux, queue].map(|ms| round(ms, 3));
    let (state, since) = stream.state_since();
    let encoding = stream.encoding();
    let (fps, dropped) = (stats.fps(now), stats.dropped.load(Ordering::Relaxed));
    let turn = cameras.titles().turn(&stream.into());
    CameraStatus {
        name: stream.name().to_string(),
        title: cameras.titles().of(&stream.into()),
        peer: session.as_ref().map(|session| session.camera.peer.to_string()),
        connected: session.is_some(),
        state: state.into(),
        since_ms: since.map(ms_since),
        r#virtual: cameras.virtuals().is_one(stream.name(), session.as_deref()),
        width: newest.as_ref().map(|frame| frame.width),
        height: newest.as_ref().map(|frame| frame.height),
        turn: turn.degrees(),
        mirrored: turn.mirrored(),
        fps: rate(fps),
        bitrate: stats.bitrate(now).round() as u64,
        video_bitrate: if encoding { stats.video_bitrate(now).round() as u64 } else { 0 },
        frames_in: stats.frames_in.load(Ordering::Relaxed),
        bytes_in: stats.bytes_in.load(Ordering::Relaxed),
        dropped,
        dropped_why: load(fps, decode + encode).filter(|_| encoding && dropped > 0).map(why),
        quarantined: stats.quarantined(),
        mended: stats.mended(),
        trouble: stats.trouble(now).map(|trouble| Trouble {
            cause: trouble.cause.name(),
            advice: trouble.cause.advice(),
            since_ms: ms_since(trouble.since),
            text: trouble.text,
        }),
        encoding,
        pipeline_ms: PipelineTimes { ingest, decode, encode, mux, queue },
        newest_frame_age_ms: newest.as_ref().map(|frame| ms_since(frame.arrival)),
        silent_after_ms: stream.silent_after().as_millis() as u64,
        viewers: stream.viewers(),
        skipped: stream.skipped(),
        device: stream.device().map(|told| device(cameras, stream, told, claims)),
    }
}

fn device(cameras: &Cameras, stream: &Stream, told: Told, claims: &Claims) -> DeviceStatus {
    let mut diagnosis = cameras.devices().diagnose(&told, stream.name(), cameras.clock().now());
    let id = &told.hello.device_id;
    if !id.is_empty() {
        let claim = Claim {
            by: claims.get(id).copied().unwrap_or_default(),
            is_believed: stream.device_id().as_ref() == Some(id),
        };
        if let Some(finding) = diagnosis::doubt(claim) {
            diagnosis.insert(0, finding);
        }
    }
    let Told { hello, telemetry } = told;
    let (telemetry, at) = telemetry.unzip();
    let counter = |of: fn(&Telemetry) -> u64| telemetry.as_ref().map(of);
    DeviceStatus {
        id: hello.device_id,
        firmware: hello.firmware,
        board: hello.board,
        sensor: hello.sensor,
        reset_reason: hello.reset_reason,
        max_width: hello.max_width,
        max_height: hello.max_height,
        uptime_s: counter(|told| told.uptime_ms / 1000),
        rssi: telemetry.as_ref().and_then(|told| told.rssi),
        free_heap: telemetry.as_ref().map(|told| told.free_heap),
        captured: counter(|told| told.captured),
        sent: counter(|told| told.sent),
        dropped: counter(|told| told.dropped),
        camera_faults: counter(|told| told.camera_faults),
        too_big: counter(|told| told.too_big),
        connections: counter(|told| told.connections),
        telemetry_age_ms: at.map(|at| stream.age(at).as_millis() as u64),
        diagnosis,
        picture: telemetry.map(|told| told.picture.into()),
    }
}
