//! The console's wire: USB Serial/JTAG, or UART0 with the feature `console-uart`.
//!
//! Nothing waits for a reader: what nobody takes within [`PATIENCE`] is thrown away. Logs come this way too, since they
//! share the wire; only a panic prints by itself.

use crate::device::{EVENTS, Event};
use crate::watchdog::spawn;
use alloc::vec::Vec;
use embassy_executor::Spawner;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{Read, Write};
use esp_hal::Async;

/// How long the host may take for one packet: a host with an open terminal polls every millisecond.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of a packet that ends a transfer by being short; a full one of 64 would wait for the next (USB 2.0 §5.8.3).
const PACKET: usize = 63;

/// What is to be printed.
pub static PRINTED: Pipe<CriticalSectionRawMutex, 2048> = Pipe::new();

#[cfg(not(feature = "console-uart"))]
type Rx = esp_hal::usb::usb_serial_jtag::UsbSerialJtagRx<'static, Async>;
#[cfg(not(feature = "console-uart"))]
type Tx = esp_hal::usb::usb_serial_jtag::UsbSerialJtagTx<'static, Async>;
#[cfg(feature = "console-uart")]
type Rx = esp_hal::uart::UartRx<'static, Async>;
#[cfg(feature = "console-uart")]
type Tx = esp_hal::uart::UartTx<'static, Async>;

/// Starts the console on USB Serial/JTAG.
#[cfg(not(feature = "console-uart"))]
pub fn start(spawner: Spawner, usb: esp_hal::peripherals::USB_DEVICE<'static>) {
    let (rx, tx) = esp_hal::usb::usb_serial_jtag::UsbSerialJtag::new(usb).into_async().split();
    spawn(spawner, read(rx));
    spawn(spawner, write(tx));
}

/// UART0 and its pins.
#[cfg(feature = "console-uart")]
pub struct Uart {
    pub uart: esp_hal::peripherals::UART0<'static>,
    pub tx: esp_hal::gpio::AnyPin<'static>,
    pub rx: esp_hal::gpio::AnyPin<'static>,
}

/// Starts the console on UART0, 115200 baud, 8N1.
#[cfg(feature = "console-uart")]
pub fn start(spawner: Spawner, parts: Uart) {
    let uart = esp_hal::uart::Uart::new(parts.uart, esp_hal::uart::Config::default())
        .expect("the default configuration is a valid one");
    let (rx, tx) = uart.with_tx(parts.tx).with_rx(parts.rx).into_async().split();
    spawn(spawner, read(rx));
    spawn(spawner, write(tx));
}

#[embassy_executor::task]
async fn read(mut rx: Rx) {
    let mut bytes = [0; 64];
    loop {
        // An error on a UART is a byte that was damaged on the wire: the next one may be whole.
        let count = Read::read(&mut rx, &mut bytes).await.unwrap_or(0);
        EVENTS.send(Event::Typed(Vec::from(&bytes[..count]))).await;
    }
}

#[embassy_executor::task]
async fn write(mut tx: Tx) {
    let mut bytes = [0; PACKET];
    loop {
        let count = PRINTED.read(&mut bytes).await;
        // BOARD?: a packet that was given up stays in the peripheral's FIFO and arrives when a terminal is opened.
        if with_timeout(PATIENCE, tx.write_all(&bytes[..count])).await.is_err() {
            PRINTED.clear();
        }
        // There is room again. When the queue is full the device is about to look anyway.
        let _ = EVENTS.try_send(Event::Room);
    }
}
