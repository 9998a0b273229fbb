//! Which sensor is there?

use crate::common::NACK;
use crate::sim::{Bus, run};
use embedded_hal_async::i2c::ErrorKind;
use lenscast_device::sensor::{Answer, Model, probe};

fn failure(bus: &Bus) -> ([Answer; 2], String) {
    let Err(error) = run(probe(bus.clone(), bus.clone())) else { panic!("a sensor was found") };
    (error.answers, error.to_string())
}

#[test]
fn each_sensor_is_found() {
    for model in Model::ALL {
        let bus = Bus::with(model);
        assert_eq!(run(probe(bus.clone(), bus)).unwrap().model(), model);
    }
}

#[test]
fn a_sensor_is_found_on_whatever_page_it_was_left() {
    let bus = Bus::with(Model::Gc0308);
    run(embedded_hal_async::i2c::I2c::write(&mut bus.clone(), 0x21, &[0xfe, 0x01])).unwrap();
    assert!(run(probe(bus.clone(), bus)).is_ok());
}

#[test]
fn nothing_at_all_makes_one_look_for_power_and_clock() {
    let silent = Bus::with(Model::Ov3660);
    silent.wires().clocked = false;
    for bus in [Bus::with_id(None), silent.clone()] {
        let (answers, words) = failure(&bus);
        assert_eq!(answers, [Answer::Nothing; 2]);
        assert_eq!(
            words,
            "no GC0308 at 0x21: nothing answers; no OV3660 at 0x3c: nothing answers; \
             has the camera power and its clock?"
        );
    }
    silent.wires().clocked = true;
    assert!(run(probe(silent.clone(), silent)).is_ok());
}

#[test]
fn another_sensor_at_the_same_address_is_told_with_its_id() {
    let (answers, words) = failure(&Bus::with_id(Some((Model::Ov3660, 0x5640))));
    assert_eq!(answers, [Answer::Nothing, Answer::OtherId(0x5640)]);
    assert_eq!(words, "no GC0308 at 0x21: nothing answers; no OV3660 at 0x3c: its id is 0x5640, not 0x3660");
    let (_, words) = failure(&Bus::with_id(Some((Model::Gc0308, 0x9d))));
    assert_eq!(words, "no GC0308 at 0x21: its id is 0x9d, not 0x9b; no OV3660 at 0x3c: nothing answers");
    // Each byte of the id counts.
    assert_eq!(failure(&Bus::with_id(Some((Model::Ov3660, 0x3640)))).0[1], Answer::OtherId(0x3640));
    assert_eq!(failure(&Bus::with_id(Some((Model::Ov3660, 0x3760)))).0[1], Answer::OtherId(0x3760));
}

#[test]
fn a_bus_that_fails_is_not_taken_for_an_absent_sensor() {
    let bus = Bus::with(Model::Gc0308);
    bus.wires().faults = vec![(0..usize::MAX, ErrorKind::Bus)];
    let (answers, words) = failure(&bus);
    assert_eq!(answers, [Answer::Failed(ErrorKind::Bus), Answer::Nothing]);
    assert!(words.starts_with("no GC0308 at 0x21: the bus was disturbed; "), "{words}");
}

#[test]
fn a_sensor_that_misses_its_address_twice_is_still_found() {
    for model in Model::ALL {
        for missed in 0..12 {
            let bus = Bus::with(model);
            bus.wires().faults = vec![(missed..missed + 2, NACK)];
            assert!(run(probe(bus.clone(), bus)).is_ok(), "{model:?}, from transfer {missed}");
        }
    }
}

#[test]
fn the_bus_can_be_lent_and_asked_again() {
    let mut bus = Bus::with(Model::Ov3660);
    let mut delay = bus.clone();
    bus.wires().clocked = false;
    assert!(run(probe(&mut bus, &mut delay)).is_err());
    bus.wires().clocked = true;
    assert!(run(probe(&mut bus, &mut delay)).is_ok());
}
