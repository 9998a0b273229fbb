//! The GC0308's registers.

use crate::common::{effect, started};
use crate::sim::{Chip, Numbers, after_reset, run};
use lenscast_device::camera::{Exposure, FrameSize};
use lenscast_device::sensor::gc0308::DRIVER;
use lenscast_device::sensor::{Sensor, Setup, XCLK_HZ};
use lenscast_picture::raw::RawFormat;
use std::collections::BTreeMap;

const MODEL: &Chip = &CHIP;

/// By its data sheet.
pub const CHIP: Chip = Chip {
    driver: &DRIVER,
    numbers: Numbers::Paged(0xfe),
    id: &[0x00],
    reset: (0xfe, 0x80, 80),
    pauses_ms: 160,
    exposure: &[(0x03, 0xff), (0x04, 0xff)],
    passing: &[],
    shared: &[(0x14, 0x03), (0x22, 0x01), (0x2e, 0x01), (0xd2, 0x80)],
};

fn only<const N: usize>(bits: [(u16, u8); N]) -> BTreeMap<u16, u8> {
    bits.into()
}

#[test]
fn init_leaves_the_original_picture() {
    let (bus, _) = started(MODEL);
    assert_eq!(bus.get(0x24) & 0x0f, 2, "YCbYCr");
    assert_eq!(bus.get(0x14) & 0x03, 0b10, "flipped, not mirrored");
    assert_eq!(bus.get(0x22) & 0x07, 0x07, "exposure, white balance and gain are automatic");
    assert_eq!(bus.get(0xd2) & 0x80, 0x80, "exposure is automatic");
    assert_eq!(bus.get(0x2e) & 0x01, 0, "no test bars");
    assert_eq!(bus.get(0x28), 0, "the pixel clock is not divided");
    assert_eq!(bus.get(0x25), 0x0f, "the output is on");
    assert_eq!(bus.get(0x154), 0x22, "half");
    // The first and the last of the maker's values, on both pages.
    assert_eq!((bus.get(0x1a), bus.get(0xfa), bus.get(0x100), bus.get(0x166)), (0x2a, 0x78, 0xf5, 0x60));
}

#[test]
fn every_size_is_the_whole_view_with_rows_and_columns_left_out() {
    let (bus, mut sensor) = started(MODEL);
    for size in [FrameSize::VGA, FrameSize::QVGA, FrameSize::QQVGA] {
        run(sensor.apply(&Setup { size, ..MODEL.default_setup() })).unwrap();
        assert_eq!((bus.word(0x05), bus.word(0x07)), (0, 0));
        // The chip takes eight rows and columns of the window for itself.
        let (height, width) = (bus.word(0x09) - 8, bus.word(0x0b) - 8);
        assert_eq!((width, height), (640, 480));
        assert_eq!(bus.get(0x153), after_reset(0x153) | 0x80, "subsampling is on");
        assert_eq!(bus.get(0x155), after_reset(0x155) | 0x01, "subsampling is on");
        let (down, across) = (bus.get(0x154) >> 4, bus.get(0x154) & 0x0f);
        assert_eq!((width / u16::from(across), height / u16::from(down)), (size.width, size.height));
        assert_eq!([0x156, 0x157, 0x158, 0x159].map(|register| bus.get(register)), [0; 4]);
    }
}

#[test]
fn the_size_changes_nothing_but_the_subsampling() {
    let changed = effect(MODEL, MODEL.default_setup(), |setup| setup.size = FrameSize::VGA);
    assert_eq!(changed, only([(0x154, 0x22 ^ 0x11)]));
}

#[test]
fn each_format_is_set_from_each_other() {
    let (bus, mut sensor) = started(MODEL);
    let formats = [
        (RawFormat::Yuyv, 0xa2),
        (RawFormat::Uyvy, 0xa0),
        (RawFormat::Rgb565Be, 0xa6),
        (RawFormat::Y8, 0xb1),
    ];
    for (from, _) in formats {
        for (to, value) in formats {
            run(sensor.apply(&Setup { raw: from, ..MODEL.default_setup() })).unwrap();
            run(sensor.apply(&Setup { raw: to, ..MODEL.default_setup() })).unwrap();
            assert_eq!(bus.get(0x24), value, "{to:?} after {from:?}");
        }
    }
}

#[test]
fn a_format_that_it_does_not_send_is_refused() {
    let (bus, mut sensor) = started(MODEL);
    let error = run(sensor.apply(&Setup { raw: RawFormat::Rgb565Le, ..MODEL.default_setup() })).unwrap_err();
    assert_eq!(error.to_string(), "the GC0308 does not send rgb565le");
    assert_eq!(bus.take_writes(), []);
    run(sensor.apply(&MODEL.default_setup())).unwrap();
    assert_eq!(bus.take_writes(), []);
}

#[test]
fn flip_mirror_and_test_bars_are_one_bit_each() {
    let default = MODEL.default_setup();
    assert_eq!(effect(MODEL, default, |setup| setup.flip = false), only([(0x14, 0x02)]));
    assert_eq!(effect(MODEL, default, |setup| setup.mirror = true), only([(0x14, 0x01)]));
    assert_eq!(effect(MODEL, default, |setup| setup.test_bar = true), only([(0x2e, 0x01)]));
}

#[test]
fn brightness_rises_in_equal_steps_from_dark_to_bright_and_goes_no_further() {
    let (bus, mut sensor) = started(MODEL);
    let mut offset = |brightness| {
        run(sensor.apply(&Setup { brightness, ..MODEL.default_setup() })).unwrap();
        bus.get(0xb5).cast_signed()
    };
    assert_eq!([-128, -2, -1, 0, 1, 2, 127].map(&mut offset), [-32, -32, -16, 0, 16, 32, 32]);
    assert_eq!(effect(MODEL, MODEL.default_setup(), |setup| setup.brightness = -2), only([(0xb5, 0xe0)]));
}

/// Columns of a row with its blanking, and rows of a frame with its blanking, from the registers.
fn timing(get: impl Fn(u16) -> u8) -> (u32, u32) {
    let get = |register| u32::from(get(register));
    let row_blanking = (get(0x0f) & 0x0f) << 8 | get(0x01);
    let frame_blanking = (get(0x0f) >> 4) << 8 | get(0x02);
    let row = row_blanking + get(0x12) + 640 + 8 + 4;
    let frame = frame_blanking + get(0x0d) + get(0x0e) + 480 + 8;
    (row, frame)
}

#[test]
fn a_frame_takes_a_twentieth_of_a_second_and_exposures_are_half_waves_of_50_hz() {
    let (bus, _) = started(MODEL);
    let (row, frame) = timing(|register| bus.get(register));
    let columns_per_second = XCLK_HZ / 2;
    let millihertz = u64::from(columns_per_second) * 1000 / u64::from(row * frame);
    assert!((19_500..=20_500).contains(&millihertz), "{millihertz} mHz");

    let step = u32::from(bus.word(0xe2));
    assert_eq!(step * row, columns_per_second / 100, "10 ms");
    for level in [0xe4, 0xe6, 0xe8, 0xea] {
        let longest = u32::from(bus.word(level));
        assert!(longest % step == 0 && longest <= frame, "{longest} rows");
    }
}

#[test]
fn a_manual_exposure_is_at_least_a_row_and_at_most_the_frame() {
    let (bus, mut sensor) = started(MODEL);
    let (_, frame) = timing(|register| bus.get(register));
    let mut rows = |lines| {
        run(sensor.apply(&Setup { exposure: Exposure::Lines(lines), ..MODEL.default_setup() })).unwrap();
        u32::from(bus.word(0x03))
    };
    assert_eq!([0, 1, 300, 1200, u16::MAX].map(&mut rows), [1, 1, 300, frame, frame]);

    // Automatic before and after: the loop's bits alone, besides the rows that were set meanwhile.
    let changed = effect(MODEL, MODEL.default_setup(), |setup| setup.exposure = Exposure::Lines(300));
    assert_eq!((changed[&0x22], changed[&0xd2]), (0x01, 0x80));
    assert!(changed.keys().all(|register| [0x03, 0x04, 0x22, 0xd2].contains(register)), "{changed:?}");
    let manual = Setup { exposure: Exposure::Lines(300), ..MODEL.default_setup() };
    let changed = effect(MODEL, manual, |setup| setup.exposure = Exposure::Auto);
    assert_eq!(changed, only([(0x22, 0x01), (0xd2, 0x80)]));
}

#[test]
fn the_page_is_selected_only_when_it_changes() {
    let (bus, mut sensor) = started(MODEL);
    let transfers = |sensor: &mut _, setup| {
        let before = bus.wires().transfers;
        run(Sensor::apply(sensor, &setup)).unwrap();
        bus.wires().transfers - before
    };
    let default = MODEL.default_setup();
    assert_eq!(transfers(&mut sensor, Setup { brightness: 1, ..default }), 1);
    assert_eq!(transfers(&mut sensor, Setup { brightness: 1, size: FrameSize::VGA, ..default }), 2);
    assert_eq!(transfers(&mut sensor, Setup { brightness: 1, ..default }), 1);
}

#[test]
fn a_register_is_named_with_its_page() {
    let (bus, mut sensor) = started(MODEL);
    let now = bus.wires().transfers;
    // The page is written first.
    bus.wires().faults = vec![(now + 1..usize::MAX, crate::common::NACK)];
    let error = run(sensor.apply(&Setup { size: FrameSize::VGA, ..MODEL.default_setup() })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "writing 0x11 to register 0x54 (page 1) of the GC0308 failed 3 times: it did not answer"
    );
}
