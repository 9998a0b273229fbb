//! The OV3660's registers.

use crate::common::{NACK, effect, started};
use crate::sim::{Bus, Chip, Numbers, run};
use lenscast_device::camera::{Exposure, FrameSize};
use lenscast_device::sensor::ov3660::DRIVER;
use lenscast_device::sensor::{Sensor, Setup, XCLK_HZ};
use std::collections::BTreeMap;

const MODEL: &Chip = &CHIP;

/// By its data sheet.
pub const CHIP: Chip = Chip {
    driver: &DRIVER,
    numbers: Numbers::Wide,
    id: &[0x300a, 0x300b],
    reset: (0x3008, 0x80, 100),
    pauses_ms: 200,
    exposure: &[(0x3500, 0xff), (0x3501, 0xff), (0x3502, 0xff)],
    passing: &[],
    shared: &[(0x3503, 0x01), (0x4407, 0x3f), (0x5001, 0x20), (0x503d, 0xc0), (0x5588, 0x08)],
};

/// Pixels of the array, with the rim.
const ARRAY: (u16, u16) = (2080, 1548);

fn only<const N: usize>(bits: [(u16, u8); N]) -> BTreeMap<u16, u8> {
    bits.into()
}

fn set(sensor: &mut Sensor<Bus, Bus>, change: impl FnOnce(&mut Setup)) {
    let mut setup = MODEL.default_setup();
    change(&mut setup);
    run(sensor.apply(&setup)).unwrap();
}

fn pair(bus: &Bus, register: u16) -> (u16, u16) {
    (bus.word(register), bus.word(register + 2))
}

#[test]
fn init_leaves_jpeg_and_the_original_picture() {
    let (bus, _) = started(MODEL);
    for (register, value) in [
        (0x501f, 0x00),
        (0x4300, 0x30),
        (0x3002, 0x00),
        (0x3006, 0xff),
        (0x471c, 0x50),
        (0x303a, 0x00),
        (0x303b, 30),
        (0x3824, 10),
        (0x3008, 0x02),
        (0x5587, 0x10),
        // Saturation, two steps below the middle.
        (0x5384, 0x0a),
        (0x5388, 0x56),
        // The first and the last of the maker's values.
        (0x3103, 0x13),
        (0x583d, 0xcf),
    ] {
        assert_eq!(bus.get(register), value, "{register:#06x}");
    }
    assert_eq!(bus.get(0x303c) & 0x0f, 1, "system divider");
    assert_eq!(bus.get(0x303d) & 0x30, 0x30, "prescaler 3");
    assert_eq!(bus.get(0x3821), 0x21, "JPEG, binned, not mirrored");
    assert_eq!(bus.get(0x3820), 0x07, "binned, flipped");
    assert_eq!(bus.get(0x5588) & 0x08, 0, "brighter, not darker");
    assert_eq!(bus.get(0x5001), 0xa3, "scaler, special effects, colour matrix, white balance");
    assert_eq!(bus.get(0x503d) & 0xc0, 0, "no test bars");
    assert_eq!(bus.get(0x3503) & 0x01, 0, "automatic exposure");
    assert_eq!(pair(&bus, 0x3808), (640, 480));
}

/// Checks from the registers alone that frames of this size come out.
fn check_frame(bus: &Bus, size: FrameSize) {
    let (start, end) = (pair(bus, 0x3800), pair(bus, 0x3804));
    let (output, total, offset) = (pair(bus, 0x3808), pair(bus, 0x380c), pair(bus, 0x3810));
    assert_eq!(output, (size.width, size.height));

    assert!(
        start.0 <= end.0 && end.0 < ARRAY.0 && start.1 <= end.1 && end.1 < ARRAY.1,
        "{size}: in the array"
    );
    assert!(start.0 % 2 == 0 && start.1 % 2 == 0, "{size}: red stays red");
    assert_eq!(start.0, ARRAY.0 - 1 - end.0, "{size}: in the middle");
    assert_eq!(start.1, ARRAY.1 - 1 - end.1, "{size}: in the middle");
    assert!(start.0 == 0 || start.1 == 0, "{size}: as much of the view as its shape allows");

    let binned = bus.get(0x3821) & 0x01;
    assert_eq!(bus.get(0x3820) & 0x01, binned, "{size}: both ways or none");
    let step = if binned == 1 { 0x31 } else { 0x11 };
    assert_eq!((bus.get(0x3814), bus.get(0x3815)), (step, step), "{size}");
    assert_eq!(bus.get(0x4520), if binned == 1 { 0x0b } else { 0xb0 }, "{size}");
    let read = ((end.0 - start.0 + 1) >> binned, (end.1 - start.1 + 1) >> binned);
    assert!(total.0 > read.0 && total.1 > read.1, "{size}: time for the blanking");
    let left = (read.0 - 2 * offset.0, read.1 - 2 * offset.1);
    assert!(left.0 >= output.0 && left.1 >= output.1, "{size}: enough of {left:?}");

    if bus.get(0x5001) & 0x20 == 0 {
        assert_eq!(left.0, output.0, "{size}: not scaled");
        assert!(left.1 - output.1 <= 2, "{size}: not scaled");
    } else {
        assert!(left.0 > output.0 || left.1 > output.1 + 2, "{size}: nothing to scale");
        // Nothing is stretched, but for what cannot be divided by four.
        let ideal = f64::from(left.1) * f64::from(output.0) / f64::from(output.1);
        let off = (f64::from(left.0) - ideal).abs();
        assert!(off <= 4.0 || off / ideal * f64::from(left.1) <= 4.0, "{size} of {left:?}");
    }
    // More than half of the array's resolution would be lost.
    assert!(binned == 0 || (f64::from(output.0) <= 1024.0 && f64::from(output.1) <= 768.0), "{size}");
}

#[test]
fn every_size_comes_from_the_middle_of_the_array_in_its_shape() {
    let (bus, mut sensor) = started(MODEL);
    let mut sizes: Vec<_> = FrameSize::NAMED.into_iter().map(|(_, size)| size).collect();
    for size in sizes.iter().copied().chain([FrameSize { width: 2048, height: 1536 }]) {
        set(&mut sensor, |setup| setup.size = size);
        check_frame(&bus, size);
        assert_eq!(
            (pair(&bus, 0x3800), pair(&bus, 0x3804)),
            ((0, 0), (2079, 1547)),
            "{size}: the whole view"
        );
        let small = size.fits(FrameSize::XGA);
        assert_eq!(bus.get(0x3821) & 1 == 1, small, "{size}: as bright and as fast as can be");
        assert_eq!(pair(&bus, 0x380c), (2300, if small { 783 } else { 1564 }), "{size}: the maker's timing");
    }
    // All other sizes that it says it makes.
    sizes.clear();
    for width in (96..=2048).step_by(16) {
        sizes.extend((96..=1536).step_by(8).map(|height| FrameSize { width, height }));
    }
    for size in sizes {
        set(&mut sensor, |setup| setup.size = size);
        check_frame(&bus, size);
    }
}

#[test]
fn the_pixel_clock_is_10_mhz_at_every_size() {
    let (bus, mut sensor) = started(MODEL);
    for (size, megahertz) in
        [(FrameSize::QVGA, 50), (FrameSize::UXGA, 50), (FrameSize { width: 2048, height: 1536 }, 40)]
    {
        set(&mut sensor, |setup| setup.size = size);
        assert_eq!(bus.get(0x303d), 0x30, "÷ 3");
        let pll = XCLK_HZ / 3 * u32::from(bus.get(0x303b)) / u32::from(bus.get(0x303c) & 0x0f);
        assert_eq!((pll / 4).div_ceil(1_000_000), megahertz, "system clock at {size}");
        assert_eq!(bus.get(0x460c) & 0x02, 0x02, "the divider counts");
        let pixel_clock = pll / 2 / u32::from(bus.get(0x3824));
        assert!((9_900_000..=10_000_000).contains(&pixel_clock), "{pixel_clock} at {size}");
    }
}

#[test]
fn better_quality_is_never_a_coarser_quantiser() {
    let (bus, mut sensor) = started(MODEL);
    let reset = crate::sim::after_reset(0x4407);
    let mut quantiser = |quality| {
        set(&mut sensor, |setup| setup.quality = quality);
        assert_eq!(bus.get(0x4407) & 0xc0, reset & 0xc0, "the other bits stay");
        bus.get(0x4407) & 0x3f
    };
    let all: Vec<_> = (1..=100).map(&mut quantiser).collect();
    assert!(all.is_sorted_by(|worse, better| worse >= better), "{all:?}");
    assert!(all.iter().all(|value| (5..=63).contains(value)), "{all:?}");
    assert_eq!([0, 1, 20, 50, 80, 90, 100, 255].map(&mut quantiser), [63, 63, 63, 30, 12, 6, 5, 5]);
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert!(distinct.len() > 35, "{all:?}");
}

#[test]
fn flip_and_mirror_keep_the_other_bits_and_the_colours() {
    let (bus, mut sensor) = started(MODEL);
    for (size, binned, no_binning) in [(FrameSize::VGA, 0x01, 0x00), (FrameSize::UXGA, 0x00, 0x40)] {
        for (flip, mirror) in [(false, false), (true, false), (false, true), (true, true)] {
            set(&mut sensor, |setup| (setup.size, setup.flip, setup.mirror) = (size, flip, mirror));
            assert_eq!(bus.get(0x3820), no_binning | binned | if flip { 0x06 } else { 0 });
            assert_eq!(bus.get(0x3821), 0x20 | binned | if mirror { 0x06 } else { 0 });
            let order = match (binned, flip != mirror, mirror) {
                (1, same, _) => [0xaa, 0xbb][usize::from(same)],
                (_, _, mirror) => [0x88, 0xbb][usize::from(mirror)],
            };
            assert_eq!(bus.get(0x4514), order, "{size}, flip {flip}, mirror {mirror}");
        }
    }
    let uxga = Setup { size: FrameSize::UXGA, flip: false, ..MODEL.default_setup() };
    assert_eq!(effect(MODEL, uxga, |setup| setup.flip = true), only([(0x3820, 0x06)]));
}

#[test]
fn brightness_and_test_bars_change_only_their_bits() {
    let (bus, mut sensor) = started(MODEL);
    let mut brightness = |brightness| {
        set(&mut sensor, |setup| setup.brightness = brightness);
        let amount = i16::from(bus.get(0x5587));
        if bus.get(0x5588) & 0x08 == 0 { amount } else { -amount }
    };
    assert_eq!([-128, -2, -1, 0, 1, 2, 127].map(&mut brightness), [-32, -32, -16, 0, 16, 32, 32]);
    let default = MODEL.default_setup();
    assert_eq!(effect(MODEL, default, |setup| setup.brightness = -1), only([(0x5588, 0x08)]));
    assert_eq!(effect(MODEL, default, |setup| setup.brightness = 2), only([(0x5587, 0x30)]));

    set(&mut sensor, |setup| setup.test_bar = true);
    assert_eq!(bus.get(0x503d) & 0xc0, 0xc0);
    let changed = effect(MODEL, default, |setup| setup.test_bar = true);
    assert!(changed.len() == 1 && changed[&0x503d] & !0xc0 == 0, "{changed:?}");
}

#[test]
fn a_manual_exposure_is_at_least_a_line_and_at_most_the_frame_of_the_size() {
    let (bus, mut sensor) = started(MODEL);
    let mut lines = |size, lines| {
        set(&mut sensor, |setup| (setup.size, setup.exposure) = (size, Exposure::Lines(lines)));
        assert_eq!(bus.get(0x3503) & 0x01, 1);
        let sixteenths =
            u32::from(bus.get(0x3500)) << 16 | u32::from(bus.get(0x3501)) << 8 | u32::from(bus.get(0x3502));
        assert_eq!(sixteenths % 16, 0);
        assert_eq!(bus.word(0x380e), if size == FrameSize::VGA { 783 } else { 1564 });
        sixteenths / 16
    };
    assert_eq!([0, 1, 300, 1200, u16::MAX].map(|n| lines(FrameSize::VGA, n)), [1, 1, 300, 783, 783]);
    assert_eq!([0, 1, 300, 1200, u16::MAX].map(|n| lines(FrameSize::UXGA, n)), [1, 1, 300, 1200, 1564]);

    let default = MODEL.default_setup();
    let changed = effect(MODEL, default, |setup| setup.exposure = Exposure::Lines(300));
    assert_eq!(changed[&0x3503], 0x01);
    assert!(changed.keys().all(|register| (0x3500..=0x3503).contains(register)), "{changed:?}");
    let manual = Setup { exposure: Exposure::Lines(300), ..default };
    assert_eq!(effect(MODEL, manual, |setup| setup.exposure = Exposure::Auto), only([(0x3503, 0x01)]));
}

#[test]
fn a_new_quality_is_one_write() {
    let (bus, mut sensor) = started(MODEL);
    set(&mut sensor, |setup| setup.quality = 60);
    let writes = bus.take_writes();
    assert!(writes.len() == 1 && writes[0].0 == 0x4407, "{writes:x?}");
}

#[test]
fn a_register_is_named_in_full() {
    let (bus, mut sensor) = started(MODEL);
    let now = bus.wires().transfers;
    bus.wires().faults = vec![(now..usize::MAX, NACK)];
    let mut setup = MODEL.default_setup();
    setup.quality = 60;
    let error = run(sensor.apply(&setup)).unwrap_err();
    assert_eq!(error.to_string(), "reading register 0x4407 of the OV3660 failed 3 times: it did not answer");
}
