//! Which sensor is there?

use crate::common::NACK;
use crate::sim::{Bus, run};
use crate::{CHIPS, gc0308, ov2640, ov3660};
use embedded_hal_async::i2c::ErrorKind;
use lenscast_device::sensor::{Answer, probe};

fn failure(bus: &Bus) -> ([Answer; 3], String) {
    let Err(error) = run(probe(bus.clone(), bus.clone())) else { panic!("a sensor was found") };
    (error.answers, error.to_string())
}

#[test]
fn each_sensor_is_found() {
    for model in CHIPS {
        let bus = Bus::with(model);
        assert_eq!(run(probe(bus.clone(), bus)).unwrap().driver(), model.driver);
    }
}

#[test]
fn a_sensor_is_found_on_whatever_page_it_was_left() {
    for (chip, select) in [(&gc0308::CHIP, 0xfe), (&ov2640::CHIP, 0xff)] {
        for page in [0x00, 0x01] {
            let bus = Bus::with(chip);
            let address = chip.address();
            run(embedded_hal_async::i2c::I2c::write(&mut bus.clone(), address, &[select, page])).unwrap();
            assert!(run(probe(bus.clone(), bus)).is_ok(), "{chip:?} on page {page}");
        }
    }
}

#[test]
fn nothing_at_all_makes_one_look_for_power_and_clock() {
    let silent = Bus::with(&ov3660::CHIP);
    silent.wires().clocked = false;
    for bus in [Bus::with_id(None), silent.clone()] {
        let (answers, words) = failure(&bus);
        assert_eq!(answers, [Answer::Nothing; 3]);
        assert_eq!(
            words,
            "no GC0308 at 0x21: nothing answers; no OV3660 at 0x3c: nothing answers; \
             no OV2640 at 0x30: nothing answers; has the camera power and its clock?"
        );
    }
    silent.wires().clocked = true;
    assert!(run(probe(silent.clone(), silent)).is_ok());
}

#[test]
fn another_sensor_at_the_same_address_is_told_with_its_id() {
    let (answers, words) = failure(&Bus::with_id(Some((&ov3660::CHIP, 0x5640))));
    assert_eq!(answers, [Answer::Nothing, Answer::OtherId(0x5640), Answer::Nothing]);
    assert_eq!(
        words,
        "no GC0308 at 0x21: nothing answers; no OV3660 at 0x3c: its id is 0x5640, not 0x3660; \
         no OV2640 at 0x30: nothing answers"
    );
    let (_, words) = failure(&Bus::with_id(Some((&gc0308::CHIP, 0x9d))));
    assert!(words.starts_with("no GC0308 at 0x21: its id is 0x9d, not 0x9b; no OV3660"), "{words}");
    let (_, words) = failure(&Bus::with_id(Some((&ov2640::CHIP, 0x77))));
    assert!(words.ends_with("no OV2640 at 0x30: its id is 0x77, not 0x26"), "{words}");
    // Each byte of the id counts.
    assert_eq!(failure(&Bus::with_id(Some((&ov3660::CHIP, 0x3640)))).0[1], Answer::OtherId(0x3640));
    assert_eq!(failure(&Bus::with_id(Some((&ov3660::CHIP, 0x3760)))).0[1], Answer::OtherId(0x3760));
}

#[test]
fn a_bus_that_fails_is_not_taken_for_an_absent_sensor() {
    let bus = Bus::with(&gc0308::CHIP);
    bus.wires().faults = vec![(0..usize::MAX, ErrorKind::Bus)];
    let (answers, words) = failure(&bus);
    assert_eq!(answers, [Answer::Failed(ErrorKind::Bus), Answer::Nothing, Answer::Nothing]);
    assert!(words.starts_with("no GC0308 at 0x21: the bus was disturbed; "), "{words}");
}

#[test]
fn a_sensor_that_misses_its_address_twice_is_still_found() {
    for model in CHIPS {
        for missed in 0..12 {
            let bus = Bus::with(model);
            bus.wires().faults = vec![(missed..missed + 2, NACK)];
            assert!(run(probe(bus.clone(), bus)).is_ok(), "{model:?}, from transfer {missed}");
        }
    }
}

#[test]
fn the_bus_can_be_lent_and_asked_again() {
    let mut bus = Bus::with(&ov3660::CHIP);
    let mut delay = bus.clone();
    bus.wires().clocked = false;
    assert!(run(probe(&mut bus, &mut delay)).is_err());
    bus.wires().clocked = true;
    assert!(run(probe(&mut bus, &mut delay)).is_ok());
}
