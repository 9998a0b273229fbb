//! What holds for every sensor.

use crate::sim::{Bus, Chip, Numbers, after_reset, run};
use crate::{CHIPS, gc0308, ov2640, ov3660};
use embedded_hal_async::i2c::{ErrorKind, I2c, NoAcknowledgeSource};
use lenscast_device::camera::{Exposure, FrameRate, FrameSize, Picture, Plan};
use lenscast_device::sensor::{DRIVERS, Error, Format, Sensor, Setup, SizeError, probe};
use lenscast_picture::raw::RawFormat;
use std::collections::BTreeMap;

pub const NACK: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

/// A sensor that was found and initialised.
pub fn started(model: &'static Chip) -> (Bus, Sensor<Bus, Bus>) {
    let bus = Bus::with(model);
    let mut sensor = run(probe(bus.clone(), bus.clone())).unwrap();
    run(sensor.init(&model.default_setup())).unwrap();
    bus.take_writes();
    (bus, sensor)
}

/// The registers in which two states differ, with the bits.
pub fn changed(before: &BTreeMap<u16, u8>, after: &BTreeMap<u16, u8>) -> BTreeMap<u16, u8> {
    let bits = |register| {
        let of = |state: &BTreeMap<u16, u8>| state.get(register).copied().unwrap_or(after_reset(*register));
        of(before) ^ of(after)
    };
    before.keys().chain(after.keys()).map(|r| (*r, bits(r))).filter(|(_, bits)| *bits != 0).collect()
}

/// Registers and bits that change when `change` is applied to `setup`.
pub fn effect(model: &'static Chip, setup: Setup, change: impl FnOnce(&mut Setup)) -> BTreeMap<u16, u8> {
    let (bus, mut sensor) = started(model);
    run(sensor.apply(&setup)).unwrap();
    let before = bus.registers();
    let mut setup = setup;
    change(&mut setup);
    run(sensor.apply(&setup)).unwrap();
    changed(&before, &bus.registers())
}

/// Numbers that look random (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn sizes(model: &'static Chip) -> Vec<FrameSize> {
    let max = model.info().max_size;
    FrameSize::NAMED.into_iter().map(|(_, size)| size).filter(|size| size.fits(max)).collect()
}

fn random_setup(model: &'static Chip, dice: &mut Dice) -> Setup {
    Setup {
        size: dice.pick(&sizes(model)),
        quality: dice.below(101) as u8,
        flip: dice.below(2) == 0,
        mirror: dice.below(2) == 0,
        brightness: dice.below(5) as i8 - 2,
        exposure: dice.pick(&[
            Exposure::Auto,
            Exposure::Lines(1),
            Exposure::Lines(300),
            Exposure::Lines(1200),
        ]),
        raw: dice.pick(&[RawFormat::Yuyv, RawFormat::Uyvy, RawFormat::Rgb565Be, RawFormat::Y8]),
        test_bar: dice.below(2) == 0,
    }
}

/// Copies one of the settings.
type Step = fn(&Setup, &mut Setup);

const STEPS: [Step; 8] = [
    |from, to| to.size = from.size,
    |from, to| to.quality = from.quality,
    |from, to| to.flip = from.flip,
    |from, to| to.mirror = from.mirror,
    |from, to| to.brightness = from.brightness,
    |from, to| to.exposure = from.exposure,
    |from, to| to.raw = from.raw,
    |from, to| to.test_bar = from.test_bar,
];

/// While the exposure is automatic, its registers are the sensor's.
fn without_automatic_exposure(model: &'static Chip, setup: &Setup, bus: &Bus) -> BTreeMap<u16, u8> {
    let mut registers = bus.registers();
    if setup.exposure == Exposure::Auto {
        for (register, bits) in model.exposure {
            registers.insert(*register, bus.get(*register) & !bits);
        }
        registers.retain(|register, _| !model.exposure.contains(&(*register, 0xff)));
    }
    registers
}

#[test]
fn every_sensor_of_the_list_is_tried_here() {
    assert_eq!(CHIPS.map(|chip| chip.driver), DRIVERS);
}

#[test]
fn settings_in_any_order_and_after_a_reset_give_the_same_registers() {
    for model in CHIPS {
        for seed in 1..=150u64 {
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (bus, mut sensor) = started(model);
            let goal = random_setup(model, &mut dice);
            let mut setup = random_setup(model, &mut dice);
            run(sensor.apply(&setup)).unwrap();
            let mut steps = STEPS.to_vec();
            while !steps.is_empty() {
                steps.swap_remove(dice.below(steps.len()))(&goal, &mut setup);
                run(sensor.apply(&setup)).unwrap();
            }
            let walked = without_automatic_exposure(model, &goal, &bus);
            bus.take_writes();
            run(sensor.apply(&goal)).unwrap();
            assert_eq!(
                bus.take_writes(),
                [],
                "{model:?}, seed {seed}: what is set already was written again"
            );

            run(sensor.init(&goal)).unwrap();
            let at_once = without_automatic_exposure(model, &goal, &bus);
            assert_eq!(walked, at_once, "{model:?}, seed {seed}: {goal:?}");
        }
    }
}

/// Writes a register behind the driver's back, and leaves the page as it was.
fn scribble(bus: &Bus, model: &Chip, register: u16, value: u8) {
    let mut raw = bus.clone();
    let page = bus.wires().page;
    let [high, low] = register.to_be_bytes();
    let messages = match model.numbers {
        Numbers::Wide => vec![vec![high, low, value]],
        Numbers::PagedWithMore(select, (number, data)) if high == 2 => {
            vec![vec![select, 0], vec![number, low], vec![data, value], vec![select, page]]
        }
        Numbers::Paged(select) | Numbers::PagedWithMore(select, _) => {
            vec![vec![select, high], vec![low, value], vec![select, page]]
        }
    };
    for message in messages {
        run(raw.write(model.address(), &message)).unwrap();
    }
}

#[test]
fn a_reset_restores_what_somebody_else_changed() {
    for model in CHIPS {
        let (bus, mut sensor) = started(model);
        let good = bus.registers();
        for (register, value) in good.iter().filter(|(register, _)| **register != model.reset.0) {
            scribble(&bus, model, *register, !value);
        }
        assert!(changed(&good, &bus.registers()).len() > 120, "{model:?}");
        run(sensor.init(&model.default_setup())).unwrap();
        assert_eq!(bus.registers(), good, "{model:?}");
    }
}

#[test]
fn bits_beside_those_of_a_setting_are_nobodys_business() {
    for model in CHIPS {
        let fields = model.shared;
        // The bit that resets is the only one that nobody may set beside them.
        let others =
            |register, mask: u8| !mask & if register == model.reset.0 { !model.reset.1 } else { 0xff };
        for beside in [0x00, 0xff] {
            let (bus, mut sensor) = started(model);
            for &(register, mask) in fields {
                scribble(&bus, model, register, bus.get(register) & mask | beside & others(register, mask));
            }
            let default = model.default_setup();
            let before = bus.registers();
            let all = Setup {
                size: model.info().max_size,
                quality: 1,
                flip: !default.flip,
                mirror: true,
                brightness: -2,
                exposure: Exposure::Lines(103),
                test_bar: true,
                ..default
            };
            run(sensor.apply(&all)).unwrap();
            for &(register, mask) in fields {
                assert_eq!(
                    bus.get(register) & !mask,
                    beside & others(register, mask),
                    "{model:?} {register:#x}"
                );
                assert_ne!(
                    bus.get(register),
                    before[&register],
                    "{model:?} {register:#x} was not set at all"
                );
            }
        }
    }
}

#[test]
fn a_setting_alone_writes_nothing_but_itself() {
    for model in CHIPS {
        let (bus, mut sensor) = started(model);
        let mut setup = model.default_setup();
        setup.brightness = -1;
        run(sensor.apply(&setup)).unwrap();
        assert!((1..=2).contains(&bus.take_writes().len()), "{model:?}");
    }
}

#[test]
fn a_size_that_is_not_made_is_refused_before_anything_is_written() {
    let size = |width, height| FrameSize { width, height };
    for (model, size, words) in [
        (&gc0308::CHIP, FrameSize::SVGA, "the GC0308 makes at most vga, not svga"),
        (&gc0308::CHIP, size(400, 296), "the GC0308 makes qqvga, qvga and vga, not 400x296"),
        (&ov3660::CHIP, size(2560, 1920), "the OV3660 makes at most 2048x1536, not 2560x1920"),
        (&ov3660::CHIP, size(640, 2000), "the OV3660 makes at most 2048x1536, not 640x2000"),
        (
            &ov3660::CHIP,
            size(330, 240),
            "the OV3660 makes sizes from 96x96 up in steps of 16 and 8 pixels, not 330x240",
        ),
        (
            &ov3660::CHIP,
            size(64, 48),
            "the OV3660 makes sizes from 96x96 up in steps of 16 and 8 pixels, not 64x48",
        ),
        (&ov2640::CHIP, size(2048, 1536), "the OV2640 makes at most uxga, not 2048x1536"),
        (&ov2640::CHIP, size(400, 296), "the OV2640 makes qqvga, qvga, vga, svga, xga and uxga, not 400x296"),
    ] {
        let (bus, mut sensor) = started(model);
        let setup = Setup { size, ..model.default_setup() };
        for result in [run(sensor.apply(&setup)), run(sensor.init(&setup))] {
            let error = result.unwrap_err();
            assert_eq!(error, Error::Size(SizeError { driver: model.driver, size }));
            assert_eq!(error.to_string(), words);
        }
        assert_eq!(bus.take_writes(), []);
        // And the old size goes on.
        run(sensor.apply(&model.default_setup())).unwrap();
        assert_eq!(bus.take_writes(), []);
    }
}

#[test]
fn what_a_plan_leaves_open_is_as_in_the_original() {
    let picture = Picture { exposure: Exposure::Lines(7), ..Picture::default() };
    let plan = Plan {
        power: true,
        capture: true,
        size: FrameSize::QQVGA,
        quality: 33,
        rate: FrameRate::DEFAULT,
        picture,
        ir: false,
        test_bar: false,
    };
    let gc0308 = gc0308::CHIP.setup(&plan);
    assert_eq!((gc0308.flip, gc0308.mirror, gc0308.brightness), (true, false, 0));
    let ov3660 = ov3660::CHIP.setup(&plan);
    assert_eq!((ov3660.flip, ov3660.mirror, ov3660.brightness), (true, false, 1));
    assert_eq!((ov3660.size, ov3660.quality, ov3660.exposure), (plan.size, 33, Exposure::Lines(7)));

    let picture = Picture { flip: Some(false), mirror: Some(true), brightness: Some(-2), ..picture };
    for chip in CHIPS {
        let plan = Plan { size: FrameSize::QVGA, test_bar: true, ..plan };
        assert!(chip.info().test_bar && chip.setup(&plan).test_bar, "{chip:?}");
    }
    let wished = ov3660::CHIP.setup(&Plan { picture, ..plan });
    assert_eq!((wished.flip, wished.mirror, wished.brightness), (false, true, -2));
}

#[test]
fn the_driver_of_the_pictures_is_told_what_comes() {
    let (gc0308, ov3660, ov2640) = (&gc0308::CHIP, &ov3660::CHIP, &ov2640::CHIP);
    assert_eq!(ov2640.info().default_size, FrameSize::VGA);
    assert_eq!(ov2640.info().max_size, FrameSize::UXGA);
    assert_eq!(ov2640.format(&ov2640.default_setup()), Format::Jpeg);
    assert_eq!(gc0308.info().default_size, FrameSize::QVGA);
    assert_eq!(gc0308.info().max_size, FrameSize::VGA);
    assert_eq!(ov3660.info().default_size, FrameSize::VGA);
    assert_eq!(ov3660.info().max_size, FrameSize { width: 2048, height: 1536 });
    assert!(ov3660.info().native_jpeg && !gc0308.info().native_jpeg);
    assert_eq!(gc0308.info().sensor, "GC0308");

    let mut setup = gc0308.default_setup();
    assert_eq!(gc0308.format(&setup), Format::Raw(RawFormat::Yuyv));
    assert_eq!(gc0308.format(&setup).frame_bytes(setup.size), Some(153_600));
    setup.raw = RawFormat::Y8;
    assert_eq!(gc0308.format(&setup).frame_bytes(FrameSize::VGA), Some(307_200));
    assert_eq!(ov3660.format(&setup), Format::Jpeg);
    assert_eq!(Format::Jpeg.frame_bytes(FrameSize::VGA), None);
}

#[test]
fn a_dump_shows_the_registers_as_they_are() {
    for (model, register, line) in [
        (&gc0308::CHIP, 0x154, "0x150:"),
        (&ov3660::CHIP, 0x3808, "0x3800:"),
        (&ov2640::CHIP, 0x112, "0x110:"),
    ] {
        let (bus, mut sensor) = started(model);
        let before = bus.registers();
        let text = run(sensor.dump()).unwrap();
        let bytes: Vec<_> =
            (register & !15..=register | 15).map(|register| format!(" {:02x}", bus.get(register))).collect();
        assert!(text.lines().any(|l| l == format!("{line}{}", bytes.concat())), "{text}");
        assert!(text.starts_with(model.name()));
        assert!(text.lines().skip(1).all(|l| l.split(' ').count() == 17), "{text}");
        assert_eq!(bus.registers(), before);
        // The page is where the driver thinks it is.
        run(sensor.apply(&Setup { mirror: true, ..model.default_setup() })).unwrap();
        assert!(changed(&before, &bus.registers()).len() <= 2);

        let now = bus.wires().transfers;
        bus.wires().faults = vec![(now + 50..usize::MAX, NACK)];
        let error = run(sensor.dump()).unwrap_err().to_string();
        assert!(error.starts_with("reading register 0x"), "{error}");
    }
}
