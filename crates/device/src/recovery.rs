//! When a radio that keeps failing is made anew, and when the whole device is.
//!
//! A wrong password or an access point that is off is no fault of the radio's; but a driver may also come to a state
//! in which it finds nothing any more, and from outside both look alike. Making the radio anew costs a second and
//! nothing else, so it is done now and then for either. A restart costs a session at the console, so it takes a radio
//! that fails by itself although it was made anew, and is done once: what a restart did not help against, another one
//! does not either, and the console is worth more than a radio that may never work.

/// Refusals in a row before the radio is made anew.
const REFUSALS: u32 = 10;

/// Breakdowns in a row before it is.
const BREAKDOWNS: u32 = 3;

/// Radios that broke down in a row before the device starts again.
const RADIOS: u32 = 3;

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Trying again.
    TryAgain,
    /// Making the radio anew.
    NewRadio,
    /// Starting the whole device again.
    Restart,
}

/// Counts what failed.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    refusals: u32,
    breakdowns: u32,
    radios: u32,
    /// Whether a restart was tried already.
    restarted: bool,
}

impl Recovery {
    /// Nothing failed yet. `restarted`: the device started just now because the radio had failed.
    #[must_use]
    pub const fn new(restarted: bool) -> Self {
        Self { refusals: 0, breakdowns: 0, radios: 0, restarted }
    }

    /// A network let us in, or was found by a scan: the radio works.
    pub fn works(&mut self) {
        *self = Self::new(false);
    }

    /// A network did not let us in, or was not there.
    pub fn refused(&mut self) -> Remedy {
        self.refusals += 1;
        if self.refusals < REFUSALS {
            return Remedy::TryAgain;
        }
        self.refusals = 0;
        Remedy::NewRadio
    }

    /// The driver itself failed at something.
    pub fn broke_down(&mut self) -> Remedy {
        self.breakdowns += 1;
        if self.breakdowns < BREAKDOWNS { Remedy::TryAgain } else { self.no_radio() }
    }

    /// There is no radio, or none that works.
    pub fn no_radio(&mut self) -> Remedy {
        self.breakdowns = 0;
        self.radios += 1;
        if self.radios < RADIOS || self.restarted { Remedy::NewRadio } else { Remedy::Restart }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_refuses_for_hours_never_restarts_the_device() {
        let mut recovery = Recovery::new(false);
        for attempt in 1..=1000 {
            let expected = if attempt % 10 == 0 { Remedy::NewRadio } else { Remedy::TryAgain };
            assert_eq!(recovery.refused(), expected, "attempt {attempt}");
        }
    }

    #[test]
    fn a_driver_that_fails_although_it_was_made_anew_twice_restarts_the_device() {
        let mut recovery = Recovery::new(false);
        let remedies: [_; 9] = core::array::from_fn(|_| recovery.broke_down());
        let [again, new] = [Remedy::TryAgain, Remedy::NewRadio];
        assert_eq!(remedies, [again, again, new, again, again, new, again, again, Remedy::Restart]);
    }

    #[test]
    fn a_radio_that_cannot_be_had_at_all_restarts_the_device() {
        let mut recovery = Recovery::new(false);
        assert_eq!(recovery.no_radio(), Remedy::NewRadio);
        assert_eq!(recovery.no_radio(), Remedy::NewRadio);
        assert_eq!(recovery.no_radio(), Remedy::Restart);
    }

    #[test]
    fn a_restart_that_did_not_help_is_not_tried_again_until_the_radio_has_worked() {
        let mut recovery = Recovery::new(true);
        for _ in 0..1000 {
            assert_eq!(recovery.no_radio(), Remedy::NewRadio);
        }
        recovery.works();
        let remedies: [_; 3] = core::array::from_fn(|_| recovery.no_radio());
        assert_eq!(remedies, [Remedy::NewRadio, Remedy::NewRadio, Remedy::Restart]);
    }

    #[test]
    fn what_failed_before_a_success_does_not_count() {
        let mut recovery = Recovery::new(false);
        for _ in 0..50 {
            assert_eq!(recovery.broke_down(), Remedy::TryAgain);
            assert_eq!(recovery.broke_down(), Remedy::TryAgain);
            assert_eq!(recovery.refused(), Remedy::TryAgain);
            recovery.works();
        }
    }
}
