//! The console's wire: USB Serial/JTAG, or UART0 with the feature `console-uart`.

use crate::shared::{CHANNELS, spawn};
use embassy_executor::Spawner;
use esp_hal::Async;
use lenscast_runtime::console;

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
async fn read(rx: Rx) {
    console::read(rx, &CHANNELS).await
}

#[embassy_executor::task]
async fn write(tx: Tx) {
    console::write(tx, &CHANNELS).await
}
