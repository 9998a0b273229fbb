//! What a device and a server tell each other beside the frames: JSON text messages, sent only after the subprotocol
//! [`SUBPROTOCOL`] was accepted in the WebSocket handshake.
//!
//! **Versioning**: within `lenscast.v1`, fields and message types are only added. Who does not know one ignores it; who
//! does not tell one leaves it out.
//!
//! Whether a number makes sense is for whoever acts on it to judge; here it only has to fit its field.

use alloc::string::String;
use core::ops::RangeInclusive;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

/// The WebSocket subprotocol (RFC 6455 §1.9) that allows these messages.
pub const SUBPROTOCOL: &str = "lenscast.v1";

/// Largest of these messages, in bytes.
pub const MAX_CONTROL_BYTES: usize = 4096;

/// Sizes of a picture that have a name: the name, pixels in a row, rows. From the smallest.
pub const SIZES: [(&str, u16, u16); 6] = [
    ("qqvga", 160, 120),
    ("qvga", 320, 240),
    ("vga", 640, 480),
    ("svga", 800, 600),
    ("xga", 1024, 768),
    ("uxga", 1600, 1200),
];

/// JPEG quality: 1 is the worst, 100 the best.
pub const QUALITY: RangeInclusive<u8> = 1..=100;

/// Frames a second that can be asked for.
pub const FPS: RangeInclusive<f64> = 0.1..=120.0;

/// What a device tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeviceMessage {
    /// Who it is: once, first.
    Hello(Hello),
    /// How it is: every few seconds.
    Telemetry(Telemetry),
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Who a device is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hello {
    /// Name of the device that never changes: its MAC address as `aa:bb:cc:dd:ee:ff`.
    pub device_id: String,
    /// Version of its firmware.
    pub firmware: String,
    /// Its board.
    pub board: String,
    /// Its sensor, such as `GC0308`; empty when there is none.
    pub sensor: String,
    /// Why it started last, in words: `power on`, `brown-out`, `watchdog`, …
    pub reset_reason: String,
    /// Width of the largest frame, in pixels.
    pub max_width: u16,
    /// Height of the largest frame, in pixels.
    pub max_height: u16,
}

/// How a device is. The counters count since it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    /// Time since it started, in ms.
    pub uptime_ms: u64,
    /// WiFi signal in dBm, when there is WiFi.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rssi: Option<i8>,
    /// Free bytes of the heap.
    pub free_heap: u32,
    /// Frames captured.
    pub captured: u64,
    /// Frames sent whole.
    pub sent: u64,
    /// Frames that a newer one replaced, or that were lost with a connection.
    pub dropped: u64,
    /// Frames that the camera did not deliver whole.
    pub camera_faults: u64,
    /// Those of them that did not fit the frame buffer.
    pub too_big: u64,
    /// How often it connected to a server.
    pub connections: u64,
    /// What the picture is now.
    pub picture: PictureState,
}

/// What a picture is now, after yielding to a slow network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureState {
    /// Pixels in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// JPEG quality, 1 (worst) to 100 (best).
    pub quality: u8,
    /// Frames a second at most.
    pub fps: f64,
    /// Steps that the device went down because the network is slow; 0: none.
    pub reduced: u8,
}

/// What a server asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Another picture, until the device starts again.
    Picture(PictureRequest),
    /// A type that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Another picture; what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureRequest {
    /// Size by its name in [`SIZES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// JPEG quality, within [`QUALITY`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Frames a second, within [`FPS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
}

/// A message as the text to send.
#[must_use]
pub fn to_text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("these messages have string keys only, and write to memory")
}

/// Reads the text that a device sent.
///
/// # Errors
/// It is longer than [`MAX_CONTROL_BYTES`], no JSON, or not of the shape above; the message says where.
pub fn device_message(text: &str) -> Result<DeviceMessage, serde_json::Error> {
    read(text)
}

/// Reads the text that a server sent.
///
/// # Errors
/// It is longer than [`MAX_CONTROL_BYTES`], no JSON, or not of the shape above; the message says where.
pub fn server_message(text: &str) -> Result<ServerMessage, serde_json::Error> {
    read(text)
}

fn read<'a, M: Deserialize<'a>>(text: &'a str) -> Result<M, serde_json::Error> {
    if text.len() > MAX_CONTROL_BYTES {
        let sentence = format_args!("{} bytes; the limit is {MAX_CONTROL_BYTES}", text.len());
        return Err(serde_json::Error::custom(sentence));
    }
    serde_json::from_str(text)
}
