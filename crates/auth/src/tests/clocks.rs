//! Clocks that are wrong for a while: a computer without a battery starts in 1970, another one in 2036.

use super::*;
use crate::store::{KEPT_WHEN_OVER_S, Listing, MAX_SHARES};

const DAY_S: u64 = 86_400;
const YEAR_S: u64 = 365 * DAY_S;

/// One of each that ends some day, and the secrets with which they are used.
struct Furnished {
    bench: Bench,
    token: Secret,
    share: Secret,
    session: Secret,
}

impl Furnished {
    fn new() -> Self {
        let bench = Bench::new();
        bench.user("anna", Role::View);
        let (_, token) = bench.store().add_token(Kind::View, "", None, Some(NOW + 90 * DAY_S), NOW).unwrap();
        let (_, share) = bench.store().add_share(None, "", NOW + 30 * DAY_S, NOW).unwrap();
        let session = bench.login("anna", PASSWORD, NOW).unwrap().secret;
        Self { bench, token, share, session }
    }

    /// Which of the three are accepted at `now`.
    fn good(&self, now: u64) -> [bool; 3] {
        let Self { bench, token, share, session } = self;
        [bench.by_bearer(token, now), bench.by_bearer(share, now), bench.by_cookie(session, now)]
            .map(|answer| answer.is_ok())
    }
}

#[test]
fn some_seconds_of_2036_at_the_start_cost_nothing() {
    for wrong in [NOW + YEAR_S, NOW + 10 * YEAR_S, NOW + 500 * YEAR_S] {
        let mut all = Furnished::new();
        let before = all.bench.store().list(NOW);
        all.bench = all.bench.again();
        assert_eq!(all.good(wrong), [false; 3], "by that clock they are over");
        assert_eq!(
            all.bench.store().list(wrong),
            Listing { users: before.users.clone(), ..Listing::default() }
        );
        // What writes the file: a flush, a change, the end.
        all.bench.store().flush(wrong).unwrap();
        all.bench.store().add_token(Kind::Camera, "", None, None, wrong + 2).unwrap();
        all.bench.store().flush(wrong + 60).unwrap();
        all.bench.store().close(wrong + 61).unwrap();
        all.bench = all.bench.again();
        assert_eq!(all.good(NOW + 60), [true; 3], "{wrong}");
        let after = all.bench.store().list(NOW + 60);
        assert_eq!(
            [after.users.len(), after.tokens.len(), after.shares.len(), after.sessions.len()],
            [1, 2, 1, 1]
        );
    }
}

#[test]
fn starts_with_a_wrong_clock_do_not_add_up() {
    let mut all = Furnished::new();
    // Each start is a year after the one before, by the wrong clock, and a day by the right one.
    for start in 0..20 {
        let wrong = NOW + (10 + start) * YEAR_S;
        all.bench = all.bench.again();
        all.bench.store().flush(wrong).unwrap();
        all.bench.store().flush(NOW + start * DAY_S).unwrap();
        all.bench.store().close(NOW + start * DAY_S + 60).unwrap();
        assert_eq!(all.good(NOW + start * DAY_S + 60), [true; 3], "start {start}");
    }
}

#[test]
fn what_is_over_for_weeks_by_a_clock_that_goes_on_is_forgotten() {
    let all = Furnished::new();
    let file = |what: &str| {
        let file: serde_json::Value = serde_json::from_str(&all.bench.file()).unwrap();
        file[what].as_array().unwrap().len()
    };
    let mut forgotten = None;
    for day in 0..200 {
        all.bench.store().flush(NOW + day * DAY_S).unwrap();
        if forgotten.is_none() && file("shares") == 0 {
            forgotten = Some(day);
        }
    }
    assert_eq!(forgotten, Some(30 + KEPT_WHEN_OVER_S / DAY_S));
    assert_eq!([file("tokens"), file("sessions")], [0, 0]);
}

#[test]
fn a_computer_that_starts_in_1970_loses_nothing() {
    let mut all = Furnished::new();
    for now in [0, 60, 3600, NOW + 60] {
        all.bench = all.bench.again();
        assert_eq!(all.good(now), [true; 3], "{now}");
        all.bench.store().close(now).unwrap();
    }
    assert_eq!(all.good(NOW + 29 * DAY_S), [true; 3], "a use in 1970 is no silence since then");
}

#[test]
fn what_is_over_makes_room_before_anything_good_does() {
    let store = Store::open(Arc::new(StateDir::nowhere())).unwrap();
    for number in 0..MAX_SHARES as u64 {
        // Every tenth of them ends soon.
        let end = if number % 10 == 0 { 60 + number } else { YEAR_S };
        store.add_share(None, &number.to_string(), NOW + end, NOW).unwrap();
    }
    assert!(store.add_share(None, "", NOW + 60, NOW).is_err(), "all are good");
    let now = NOW + 60 + MAX_SHARES as u64;
    for _ in 0..MAX_SHARES / 10 {
        store.add_share(None, "new", NOW + YEAR_S, now).unwrap();
    }
    assert!(store.add_share(None, "", NOW + YEAR_S, now).is_err(), "all are good again");
    let labels: Vec<String> =
        store.list(now).shares.iter().map(|share| share.label.as_str().to_owned()).collect();
    let kept = labels.iter().filter(|label| *label != "new").count();
    assert_eq!((labels.len(), kept), (MAX_SHARES, MAX_SHARES - MAX_SHARES / 10));
}
