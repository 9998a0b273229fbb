//! Both directions of the console's wire.
//!
//! Nothing waits for a reader: what nobody takes within [`PATIENCE`] is thrown away. Logs come this way too, since they
//! share the wire; only a panic prints by itself.

use crate::channels::{Channels, Event};
use alloc::vec::Vec;
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{Read, Write};

/// How long the host may take for one packet: a host with an open terminal polls every millisecond.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of a packet that ends a transfer by being short; a full one of 64 would wait for the next (USB 2.0 §5.8.3).
const PACKET: usize = 63;

/// Hands in what is typed, for ever.
pub async fn read(mut wire: impl Read, channels: &Channels) -> ! {
    let mut bytes = [0; 64];
    loop {
        // An error on a UART is a byte that was damaged on the wire: the next one may be whole.
        let count = wire.read(&mut bytes).await.unwrap_or(0);
        channels.events.send(Event::Typed(Vec::from(&bytes[..count]))).await;
    }
}

/// Prints, for ever.
pub async fn write(mut wire: impl Write, channels: &Channels) -> ! {
    let mut bytes = [0; PACKET];
    loop {
        let count = channels.printed.read(&mut bytes).await;
        // BOARD?: a packet that was given up stays in the peripheral's FIFO and arrives when a terminal is opened.
        if with_timeout(PATIENCE, wire.write_all(&bytes[..count])).await.is_err() {
            channels.printed.clear();
        }
        if channels.printed.is_empty() {
            channels.greeted.signal(());
        }
        channels.room();
    }
}
