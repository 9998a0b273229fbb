//! A bus that fails, and a sensor that needs its time.

use crate::CHIPS;
use crate::common::{NACK, started};
use crate::sim::{Bus, run, run_until_it_hangs};
use lenscast_device::camera::FrameSize;
use lenscast_device::sensor::{Access, Error, Setup, probe};

#[test]
fn one_missed_acknowledge_anywhere_changes_nothing() {
    for model in CHIPS {
        let (bus, mut sensor) = started(model);
        let start = bus.wires().transfers;
        run(sensor.init(&model.default_setup())).unwrap();
        let transfers = bus.wires().transfers - start;
        let good = bus.registers();
        assert!(transfers > 150, "{model:?}: {transfers}");
        for missed in 0..transfers {
            let now = bus.wires().transfers;
            // Two in a row, since each is tried three times.
            bus.wires().faults = vec![(now + missed..now + missed + 2, NACK)];
            run(sensor.init(&model.default_setup())).unwrap();
            assert_eq!(bus.registers(), good, "{model:?}, transfer {missed}");
        }
    }
}

#[test]
fn the_sensor_has_its_time_after_the_reset_and_after_its_table() {
    for model in CHIPS {
        let (bus, mut sensor) = started(model);
        let before = bus.wires().now_us;
        run(sensor.init(&model.default_setup())).unwrap();
        assert_eq!(bus.wires().now_us - before, model.pauses_ms * 1000, "{model:?}");
    }
}

#[test]
fn a_sensor_that_is_busy_for_a_moment_is_waited_for() {
    for model in CHIPS {
        let (bus, mut sensor) = started(model);
        bus.wires().busy_for_us(1500);
        run(sensor.apply(&Setup { mirror: true, ..model.default_setup() })).unwrap();
    }
}

#[test]
fn a_sensor_that_falls_silent_is_reported_with_its_register_and_comes_back() {
    for model in CHIPS {
        let setup = Setup { size: FrameSize::QQVGA, mirror: true, test_bar: true, ..model.default_setup() };
        let (bus, mut sensor) = started(model);
        run(sensor.apply(&setup)).unwrap();
        let good = bus.registers();
        let mut failures = 0;
        for silent_after in 0.. {
            let (bus, mut sensor) = started(model);
            let from = bus.wires().transfers + silent_after;
            bus.wires().faults = vec![(from..usize::MAX, NACK)];
            let result = run(sensor.apply(&setup));
            bus.wires().faults.clear();
            match result {
                Err(Error::Register(error)) => {
                    failures += 1;
                    assert_eq!((error.driver, error.cause), (model.driver, NACK));
                    if let Access::Write(value) = error.access
                        && !model.passing.contains(&error.register)
                    {
                        assert_eq!(good[&error.register], value, "{error}");
                    }
                    assert!(error.to_string().contains("failed 3 times: it did not answer"), "{error}");
                }
                other => {
                    other.unwrap();
                    break;
                }
            }
            run(sensor.apply(&setup)).unwrap();
            assert_eq!(bus.registers(), good, "{model:?}, silent after {silent_after}");
        }
        assert!(failures >= 8, "{model:?}: {failures}");
    }
}

#[test]
fn a_sensor_that_was_never_reset_or_only_half_way_is_reset_by_the_first_setting() {
    for model in CHIPS {
        let (bus, _) = started(model);
        let good = bus.registers();

        let bus = Bus::with(model);
        let mut sensor = run(probe(bus.clone(), bus.clone())).unwrap();
        run(sensor.apply(&model.default_setup())).unwrap();
        assert_eq!(bus.registers(), good);

        let now = bus.wires().transfers;
        bus.wires().faults = vec![(now + 100..usize::MAX, NACK)];
        run(sensor.init(&model.default_setup())).unwrap_err();
        bus.wires().faults.clear();
        run(sensor.apply(&model.default_setup())).unwrap();
        assert_eq!(bus.registers(), good);
    }
}

#[test]
fn a_change_that_was_dropped_half_way_is_made_up_for() {
    for model in CHIPS {
        let good = started(model).0.registers();
        let setup = Setup { size: FrameSize::QQVGA, mirror: true, ..model.default_setup() };
        let mut drops = 0;
        for transfers in 0.. {
            let (bus, mut sensor) = started(model);
            let now = bus.wires().transfers;
            bus.wires().hangs_after = Some(now + transfers);
            if !run_until_it_hangs(sensor.apply(&setup)) {
                break;
            }
            drops += 1;
            run(sensor.apply(&model.default_setup())).unwrap();
            assert_eq!(bus.registers(), good, "{model:?}, dropped after {transfers}");
        }
        assert!(drops >= 5, "{model:?}: {drops}");
    }
}
