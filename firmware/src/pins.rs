//! The boards' pins, as macros that take them from esp-hal's peripherals.

/// UART0 and its pins, for `console-uart`: those of the chip's own download mode.
#[cfg(all(feature = "console-uart", feature = "esp32s3"))]
macro_rules! uart {
    ($p:ident) => {
        $crate::console::Uart { uart: $p.UART0, tx: $p.GPIO43.into(), rx: $p.GPIO44.into() }
    };
}
#[cfg(all(feature = "console-uart", feature = "esp32c3"))]
macro_rules! uart {
    ($p:ident) => {
        $crate::console::Uart { uart: $p.UART0, tx: $p.GPIO21.into(), rx: $p.GPIO20.into() }
    };
}
#[cfg(feature = "console-uart")]
pub(crate) use uart;

/// The second core and the camera of an AtomS3R-CAM or AtomS3R-M12; both boards are alike.
#[cfg(feature = "esp32s3")]
macro_rules! camera {
    ($p:ident) => {{
        use $crate::camera::{Bus, Core, Parts, PortParts};
        let core = Core { control: $p.CPU_CTRL, interrupts: ($p.FROM_CPU_INTR1, $p.FROM_CPU_INTR2) };
        let parts = Parts {
            power: $p.GPIO18.into(),
            ir: $p.GPIO47.into(),
            bus: Bus { i2c: $p.I2C0, sda: $p.GPIO12.into(), scl: $p.GPIO9.into() },
            port: PortParts {
                lcd_cam: $p.LCD_CAM,
                dma: $p.DMA_CH0,
                xclk: $p.GPIO21.into(),
                pclk: $p.GPIO40.into(),
                vsync: $p.GPIO10.into(),
                href: $p.GPIO14.into(),
                data: [
                    $p.GPIO3.into(),
                    $p.GPIO42.into(),
                    $p.GPIO46.into(),
                    $p.GPIO48.into(),
                    $p.GPIO4.into(),
                    $p.GPIO17.into(),
                    $p.GPIO11.into(),
                    $p.GPIO13.into(),
                ],
            },
        };
        (core, parts)
    }};
}
#[cfg(feature = "esp32s3")]
pub(crate) use camera;
