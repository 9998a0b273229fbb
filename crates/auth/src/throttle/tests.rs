use super::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

const NOW: u64 = 1_800_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn id(text: &str) -> Id {
    Id::new(&format!("{text:0>10}")).unwrap()
}

/// A comparison that takes no time.
fn quick(throttle: &Throttle, peer: IpAddr, outcome: Outcome, now: u64) -> Result<(), Throttled> {
    throttle.compare(peer, now, || Some(((), outcome))).map(drop)
}

/// A comparison that takes long.
fn begin(throttle: &Throttle, peer: IpAddr, now: u64) -> Result<Attempt, Throttled> {
    match throttle.compare(peer, now, || None::<((), Outcome)>)? {
        Compared::Open(attempt) => Ok(attempt),
        Compared::Settled(()) => unreachable!("nothing was settled"),
    }
}

fn fail(throttle: &Throttle, peer: IpAddr, now: u64) {
    quick(throttle, peer, Outcome::Wrong(None), now).unwrap();
}

/// Fails so often that an address has to wait for this long, beginning at `NOW`; gives the moment of the last failure.
fn until_wait(throttle: &Throttle, peer: IpAddr, seconds: u64) -> u64 {
    let mut now = NOW;
    loop {
        match check(throttle, peer, now) {
            Ok(()) => fail(throttle, peer, now),
            Err(Throttled { seconds: wait }) if wait == seconds => return now,
            Err(Throttled { seconds: wait }) => now += wait,
        }
    }
}

/// Whether an attempt would be let through, without one.
fn check(throttle: &Throttle, peer: IpAddr, now: u64) -> Result<(), Throttled> {
    quick(throttle, peer, Outcome::Neither, now)
}

/// An address that does not share a record with `peer`; one in 4096 does.
fn another(throttle: &Throttle, peer: IpAddr) -> IpAddr {
    let others = (0..=255).map(|last| IpAddr::from([198, 51, 100, last]));
    others.into_iter().find(|other| throttle.record(*other) != throttle.record(peer)).unwrap()
}

#[test]
fn after_five_failures_each_further_one_doubles_the_wait_up_to_a_minute() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let mut now = NOW;
    let mut waits = Vec::new();
    for number in 0..14 {
        let wait = check(&throttle, peer, now).map_or_else(|throttled| throttled.seconds, |()| 0);
        waits.push(wait);
        if wait > 0 {
            assert_eq!(check(&throttle, peer, now + wait - 1), Err(Throttled { seconds: 1 }));
        }
        now += wait;
        // It makes no difference whether the comparison takes long.
        match number % 2 {
            0 => begin(&throttle, peer, now).unwrap().settle(Outcome::Wrong(Some(id("a"))), now),
            _ => quick(&throttle, peer, Outcome::Wrong(Some(id("a"))), now).unwrap(),
        }
    }
    assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(check(&throttle, another(&throttle, peer), now), Ok(()), "another address need not wait");
}

#[test]
fn who_has_to_wait_is_compared_with_nothing_and_does_not_count() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    for _ in 0..5 {
        fail(&throttle, peer, NOW);
    }
    for _ in 0..100 {
        let compared = throttle.compare(peer, NOW, || -> Option<((), Outcome)> { panic!("compared") });
        assert_eq!(compared.unwrap_err(), Throttled { seconds: 1 });
    }
    assert!(begin(&throttle, peer, NOW + 1).is_ok());
}

#[test]
fn ten_quiet_minutes_are_forgiven() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let last = until_wait(&throttle, peer, 60);
    assert_eq!(check(&throttle, peer, last + 1), Err(Throttled { seconds: 59 }));
    fail(&throttle, peer, last + 599);
    assert_eq!(check(&throttle, peer, last + 600), Err(Throttled { seconds: 59 }));
    for _ in 0..5 {
        fail(&throttle, peer, last + 599 + 600);
    }
    assert_eq!(check(&throttle, peer, last + 599 + 600), Err(Throttled { seconds: 1 }));
}

#[test]
fn many_long_ones_at_once_are_no_way_around() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let begun: Vec<_> = (0..100).filter_map(|_| begin(&throttle, peer, NOW).ok()).collect();
    assert_eq!(begun.len(), 5);
    assert!(check(&throttle, peer, NOW).is_err(), "nor is a short one beside them");
    for attempt in begun {
        attempt.settle(Outcome::Wrong(None), NOW);
    }
    assert!(begin(&throttle, peer, NOW).is_err());
    let alone = begin(&throttle, peer, NOW + 1).unwrap();
    assert_eq!(begin(&throttle, peer, NOW + 1).unwrap_err(), Throttled { seconds: 1 });
    drop(alone);
    assert!(begin(&throttle, peer, NOW + 1).is_ok(), "what came to nothing counts for nothing");
}

#[test]
fn of_many_short_ones_at_the_same_moment_five_are_compared() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let (compared, together) = (AtomicU32::new(0), Barrier::new(32));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..100 {
                    let wrong = || {
                        compared.fetch_add(1, Ordering::Relaxed);
                        Some(((), Outcome::Wrong(None)))
                    };
                    #[expect(clippy::let_underscore_must_use, reason = "only the comparisons are counted")]
                    let _ = throttle.compare(peer, NOW, wrong);
                }
            });
        }
    });
    assert_eq!(compared.into_inner(), FREE);
}

#[test]
fn any_number_of_right_ones_at_the_same_moment_are_all_let_through() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let together = Barrier::new(32);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..100 {
                    quick(&throttle, peer, Outcome::Right(id("a")), NOW).unwrap();
                }
            });
        }
    });
    assert!(throttle.lock().is_empty(), "nothing is kept about who succeeded");
}

#[test]
fn success_forgives_what_was_aimed_at_the_same_credential_only() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    let settle = |outcome, now| begin(&throttle, peer, now).unwrap().settle(outcome, now);
    let (anna, admin) = (|| Outcome::Right(id("a")), || Outcome::Wrong(Some(id("b"))));
    for _ in 0..4 {
        settle(Outcome::Wrong(Some(id("a"))), NOW);
    }
    settle(anna(), NOW);
    for _ in 0..2 {
        settle(admin(), NOW);
        settle(anna(), NOW);
        settle(Outcome::Wrong(None), NOW);
        settle(anna(), NOW);
    }
    quick(&throttle, peer, admin(), NOW).unwrap();
    assert_eq!(check(&throttle, peer, NOW), Err(Throttled { seconds: 1 }));
    settle(anna(), NOW + 1);
    settle(admin(), NOW + 1);
    assert_eq!(check(&throttle, peer, NOW + 1), Err(Throttled { seconds: 2 }));
    // Six failures, four of them aimed at the credential that succeeds now.
    settle(Outcome::Right(id("b")), NOW + 3);
    for _ in 0..3 {
        fail(&throttle, peer, NOW + 3);
    }
    assert_eq!(check(&throttle, peer, NOW + 3), Err(Throttled { seconds: 1 }));
}

#[test]
fn an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself() {
    let throttle = Throttle::default();
    for index in 0..5 {
        fail(&throttle, ip(&format!("2001:db8:1:2:{index}::{index}")), NOW);
    }
    assert!(check(&throttle, ip("2001:db8:1:2:ffff::9"), NOW).is_err());
    let throttle = Throttle::default();
    for _ in 0..5 {
        fail(&throttle, ip("::ffff:192.168.1.7"), NOW);
    }
    assert!(check(&throttle, ip("192.168.1.7"), NOW).is_err());
    for text in ["::ffff:192.168.1.", "192.168.1.", "2001:db8:1:"] {
        let tail = if text.ends_with(':') { "::1" } else { "" };
        let records: std::collections::HashSet<u64> =
            (0..100).map(|index| throttle.record(ip(&format!("{text}{index}{tail}")))).collect();
        assert!(records.len() > 50, "{text}: {}", records.len());
    }
}

#[test]
fn a_hundred_thousand_addresses_neither_fill_the_memory_nor_push_a_record_out() {
    let (throttle, peer) = (Throttle::default(), ip("203.0.113.5"));
    let last = until_wait(&throttle, peer, 60);
    let mut compared = 0;
    for index in 0..100_000u32 {
        let address = IpAddr::from((0x0a00_0000 + index).to_be_bytes());
        compared += u64::from(quick(&throttle, address, Outcome::Wrong(None), last).is_ok());
    }
    assert!(compared <= RECORDS * u64::from(FREE), "{compared}");
    assert!(throttle.lock().len() <= 4096);
    assert!(check(&throttle, peer, last).is_err());
    let aims = Throttle::default();
    for index in 0..100u64 {
        let now = NOW + index * 60;
        quick(&aims, peer, Outcome::Wrong(Some(id(&index.to_string()))), now).unwrap();
    }
    assert!(aims.lock().values().all(|record| record.by_aim.len() <= MAX_AIMS));
}

#[test]
fn a_clock_that_was_set_back_blocks_nobody_for_longer() {
    let (throttle, peer) = (Throttle::default(), ip("192.168.1.7"));
    until_wait(&throttle, peer, 60);
    assert_eq!(check(&throttle, peer, NOW - 1_000_000), Err(Throttled { seconds: 60 }));
    assert_eq!(check(&throttle, peer, NOW - 1_000_000 + 60), Ok(()));
}
