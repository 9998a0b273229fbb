//! The boards, as data: names, and how much memory goes where. Their pins are in [`pins`](crate::pins).

/// Name of the board, as the server is told.
pub const NAME: &str = if cfg!(feature = "esp32c3-devkit") {
    "esp32c3-devkit"
} else if cfg!(all(feature = "atoms3r-cam", not(feature = "atoms3r-m12"))) {
    "atoms3r-cam"
} else if cfg!(all(feature = "atoms3r-m12", not(feature = "atoms3r-cam"))) {
    "atoms3r-m12"
} else {
    "atoms3r"
};

/// Bytes of heap in the memory that the bootloader used.
#[cfg(feature = "esp32s3")]
pub const RECLAIMED_HEAP: usize = 72 * 1024;
#[cfg(feature = "esp32c3")]
pub const RECLAIMED_HEAP: usize = 64 * 1024;

/// Bytes of heap beside it. BOARD?: the radio is said to take about 60 KB of both together, and the JPEG encoder takes
/// 20 KB for VGA; `psram status` tells what is left.
#[cfg(feature = "esp32s3")]
pub const HEAP: usize = 96 * 1024;
#[cfg(feature = "esp32c3")]
pub const HEAP: usize = 96 * 1024;

/// Bytes of the TCP socket's transmit buffer.
#[cfg(feature = "esp32s3")]
pub const TCP_TRANSMIT: usize = 24 * 1024;
#[cfg(feature = "esp32c3")]
pub const TCP_TRANSMIT: usize = 12 * 1024;

/// Bytes of a frame slot.
#[cfg(feature = "esp32s3")]
pub const SLOT: usize = 640 * 1024;
#[cfg(feature = "esp32c3")]
pub const SLOT: usize = 20 * 1024;
