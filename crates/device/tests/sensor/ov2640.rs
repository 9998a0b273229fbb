//! The OV2640's registers.

use crate::common::{NACK, effect, started};
use crate::sim::{Bus, Chip, Numbers, run};
use lenscast_device::camera::{Exposure, FrameSize};
use lenscast_device::sensor::ov2640::DRIVER;
use lenscast_device::sensor::{Sensor, Setup, XCLK_HZ};
use std::collections::BTreeMap;

const MODEL: &Chip = &CHIP;

/// By its data sheet, and by the values that are in use with it.
pub const CHIP: Chip = Chip {
    driver: &DRIVER,
    numbers: Numbers::PagedWithMore(0xff, (0x7c, 0x7d)),
    id: &[0x10a],
    reset: (0x112, 0x80, 5),
    pauses_ms: 30,
    exposure: &[(0x110, 0xff), (0x145, 0x3f), (0x104, 0x03)],
    passing: &[0x005, 0x0e0, 0x104, 0x112],
    shared: &[(0x104, 0xc3), (0x112, 0x76), (0x113, 0x01), (0x145, 0x3f)],
};

fn only<const N: usize>(bits: [(u16, u8); N]) -> BTreeMap<u16, u8> {
    bits.into()
}

fn set(sensor: &mut Sensor<Bus, Bus>, change: impl FnOnce(&mut Setup)) {
    let mut setup = MODEL.default_setup();
    change(&mut setup);
    run(sensor.apply(&setup)).unwrap();
}

#[test]
fn init_leaves_an_upright_jpeg_of_vga() {
    let (bus, _) = started(MODEL);
    for (register, value, what) in [
        (0x0da, 0x12, "JPEG, HREF as the frame's"),
        (0x0e0, 0x00, "nothing is held in reset"),
        (0x005, 0x00, "the signal processor is in the way"),
        (0x104, 0x28, "upright"),
        (0x113, 0xe5, "automatic exposure and gain"),
        (0x111, 0x00, "the clock is not divided"),
        (0x209, 0x20, "brightness in the middle"),
        (0x203, 0x48, "saturation in the middle"),
        (0x204, 0x48, "saturation in the middle"),
        // The first and the last of the maker's values, and the last that went into each port.
        (0x02c, 0xff, "table"),
        (0x0dd, 0x7f, "table"),
        (0x091, 0x20, "gamma"),
        (0x093, 0x00, "table"),
        (0x097, 0x00, "table"),
    ] {
        assert_eq!(bus.get(register), value, "{what}: {register:#05x}");
    }
    assert_eq!(bus.get(0x112) & 0x76, 0x40, "every second pixel, no zoom, no test bars");
}

/// Width and height that leave the scaler, what enters it, and where its window begins.
fn sizes(bus: &Bus) -> [(u16, u16); 3] {
    let get = |register| u16::from(bus.get(register));
    let high = get(0x055);
    let window = (
        (get(0x051) | (high & 0x08) << 5 | (get(0x057) & 0x80) << 2) * 4,
        (get(0x052) | (high & 0x80) << 1) * 4,
    );
    let start = (get(0x053) | (high & 0x07) << 8, get(0x054) | (high & 0x70) << 4);
    let out = get(0x05c);
    let output = ((get(0x05a) | (out & 0x03) << 8) * 4, (get(0x05b) | (out & 0x04) << 6) * 4);
    [output, window, start]
}

#[test]
fn every_size_comes_from_the_smallest_mode_that_is_enough() {
    let (bus, mut sensor) = started(MODEL);
    let sizes_and_modes = FrameSize::NAMED.map(|(_, size)| size).into_iter().zip([
        (0x20, (400, 296)),
        (0x20, (400, 296)),
        (0x40, (800, 600)),
        (0x40, (800, 600)),
        (0x00, (1600, 1200)),
        (0x00, (1600, 1200)),
    ]);
    for (size, (mode, read)) in sizes_and_modes {
        set(&mut sensor, |setup| setup.size = size);
        assert_eq!(bus.get(0x112) & 0x70, mode, "{size}");
        let low = bus.get(0x08c);
        assert_eq!((u16::from(bus.get(0x0c0)) * 8, u16::from(bus.get(0x0c1)) * 8, low), (read.0, read.1, 0));

        let [output, window, start] = sizes(&bus);
        assert_eq!(output, (size.width, size.height));
        assert!(window.0 >= output.0 && window.1 >= output.1, "{size}: it only scales down");
        assert!(start.0 + window.0 <= read.0 && start.1 + window.1 <= read.1, "{size}: within what is read");
        let left_out = i32::from(read.0 - window.0) - 2 * i32::from(start.0);
        assert!(left_out.abs() < 8, "{size}: in the middle");
        // Nothing is stretched, but for what cannot be divided by four.
        let ideal = f64::from(window.1) * f64::from(output.0) / f64::from(output.1);
        assert!((f64::from(window.0) - ideal).abs() < 4.0, "{size} of {window:?}");

        // Window of the array: columns in eights with three low bits, and every pair of rows in twos.
        let (columns, rows, more) = (bus.word(0x117), bus.word(0x119), bus.get(0x132));
        let column = |byte: u16, low: u8| byte * 8 + u16::from(low & 7);
        let across = column(columns & 0xff, more >> 3) - column(columns >> 8, more);
        let low = bus.get(0x103);
        let row = |byte: u16, low: u8| byte * 4 + u16::from(low & 3);
        let down = row(rows & 0xff, low >> 2) - row(rows >> 8, low);
        let times = if size.fits(FrameSize::SVGA) { 1 } else { 2 };
        assert_eq!((across / 400, down * 2 / read.1.min(600)), (times, if mode == 0x20 { 1 } else { times }));
    }
}

#[test]
fn the_largest_jpegs_leave_more_slowly_and_the_clock_is_never_divided() {
    assert_eq!(XCLK_HZ, 20_000_000, "the dividers are for this clock");
    let (bus, mut sensor) = started(MODEL);
    for (size, divider) in
        [(FrameSize::QVGA, 8), (FrameSize::SVGA, 8), (FrameSize::XGA, 12), (FrameSize::UXGA, 12)]
    {
        set(&mut sensor, |setup| setup.size = size);
        assert_eq!((bus.get(0x0d3), bus.get(0x111)), (divider, 0), "{size}");
    }
}

#[test]
fn while_the_size_changes_no_picture_is_made() {
    let (bus, mut sensor) = started(MODEL);
    set(&mut sensor, |setup| (setup.size, setup.quality) = (FrameSize::UXGA, 50));
    let writes = bus.take_writes();
    assert_eq!(writes[..2], [(0x005, 0x01), (0x0e0, 0x14)], "bypassed, JPEG and port in reset");
    assert_eq!(writes[writes.len() - 2..], [(0x0e0, 0x00), (0x005, 0x00)], "and on again");
    assert!(writes.len() > 20, "{writes:x?}");
    // What needs no reset has none.
    let before = bus.wires().now_us;
    set(&mut sensor, |setup| (setup.size, setup.quality) = (FrameSize::UXGA, 51));
    assert_eq!(bus.take_writes(), [(0x044, 29)]);
    assert_eq!(bus.wires().now_us, before);
}

#[test]
fn better_quality_is_never_a_coarser_quantiser() {
    let (bus, mut sensor) = started(MODEL);
    let mut quantiser = |quality| {
        set(&mut sensor, |setup| setup.quality = quality);
        bus.get(0x044)
    };
    let all: Vec<_> = (1..=100).map(&mut quantiser).collect();
    assert!(all.is_sorted_by(|worse, better| worse >= better), "{all:?}");
    assert_eq!([0, 1, 20, 50, 80, 90, 100, 255].map(&mut quantiser), [63, 63, 63, 30, 12, 6, 5, 5]);
}

#[test]
fn flip_mirror_and_test_bars_are_one_bit_each() {
    let default = MODEL.default_setup();
    assert_eq!(effect(MODEL, default, |setup| setup.flip = true), only([(0x104, 0x40)]));
    assert_eq!(effect(MODEL, default, |setup| setup.mirror = true), only([(0x104, 0x80)]));
    assert_eq!(effect(MODEL, default, |setup| setup.test_bar = true), only([(0x112, 0x02)]));
}

#[test]
fn brightness_rises_in_equal_steps_behind_its_number() {
    let (bus, mut sensor) = started(MODEL);
    let mut amount = |brightness| {
        set(&mut sensor, |setup| setup.brightness = brightness);
        bus.get(0x209)
    };
    assert_eq!([-128, -2, -1, 0, 1, 2, 127].map(&mut amount), [0x00, 0x00, 0x10, 0x20, 0x30, 0x40, 0x40]);
    assert_eq!((bus.get(0x200) & 0x04, bus.get(0x20a)), (0x04, 0x00), "it is on, and adds");
    assert_eq!(effect(MODEL, MODEL.default_setup(), |setup| setup.brightness = 1), only([(0x209, 0x10)]));
    // Its number and its value: two transfers, and the bank's register where another is selected.
    let before = bus.wires().transfers;
    set(&mut sensor, |setup| setup.brightness = 0);
    assert_eq!(bus.wires().transfers - before, 2);
}

#[test]
fn a_manual_exposure_is_at_least_a_line_and_at_most_the_frame_of_the_mode() {
    let (bus, mut sensor) = started(MODEL);
    let mut lines = |size, lines| {
        set(&mut sensor, |setup| (setup.size, setup.exposure) = (size, Exposure::Lines(lines)));
        assert_eq!(bus.get(0x113) & 0x01, 0);
        let get = |register| u16::from(bus.get(register));
        (get(0x145) & 0x3f) << 10 | get(0x110) << 2 | get(0x104) & 0x03
    };
    assert_eq!([0, 1, 303, 1200].map(|n| lines(FrameSize::QVGA, n)), [1, 1, 303, 336]);
    assert_eq!([0, 1, 303, 1200].map(|n| lines(FrameSize::VGA, n)), [1, 1, 303, 672]);
    assert_eq!([0, 1, 303, 1200, u16::MAX].map(|n| lines(FrameSize::UXGA, n)), [1, 1, 303, 1200, 1248]);

    let manual = Setup { exposure: Exposure::Lines(300), ..MODEL.default_setup() };
    assert_eq!(effect(MODEL, manual, |setup| setup.exposure = Exposure::Auto), only([(0x113, 0x01)]));
}

#[test]
fn a_register_is_named_with_its_bank() {
    let (bus, mut sensor) = started(MODEL);
    let now = bus.wires().transfers;
    bus.wires().faults = vec![(now + 1..usize::MAX, NACK)];
    let mut setup = MODEL.default_setup();
    setup.mirror = true;
    let error = run(sensor.apply(&setup)).unwrap_err().to_string();
    assert_eq!(error, "reading register 0x04 (page 1) of the OV2640 failed 3 times: it did not answer");
}
