//! The executor's clock: the real one, or virtual time, which stands still until nothing is left to do.
//!
//! Timers are kept in ticks since the clock was made. A tick of the real clock is 2^19 ns, about half a millisecond.
//! Timers that are due within one tick fire together, and the thread wakes up for them once. To wake up costs some 25 µs.
//! (With ticks of 16 or 262 µs a hundred sleepers kept the thread 8 % busy, with this one 5 %.) A tick
//! of virtual time is one nanosecond, so that `now` is exactly the deadline when a timer fires.
//!
//! A deadline is rounded up to ticks, and the present is rounded down: so a timer is never early.
//!
//! Knows nothing of candor.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The tick of a timer that never fires.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// The present of virtual time; `None` for the real clock.
    virtual_now: Option<Cell<Instant>>,
    /// The last reading of the clock. Reading the real one costs some 25 ns, so a pass usually does it once, and only
    /// if a timer exists. Dropped by `begin_pass` and `jump_to`.
    seen: Cell<Option<Instant>>,
}

impl Clock {
    pub(crate) fn new(virtual_time: bool) -> Self {
        let start = Instant::now();
        Clock {
            start,
            virtual_now: virtual_time.then(|| Cell::new(start)),
            seen: Cell::new(Some(start)),
        }
    }

    /// Reads the clock.
    pub(crate) fn now(&self) -> Instant {
        let now = (self.virtual_now.as_ref()).map_or_else(Instant::now, Cell::get);
        self.seen.set(Some(now));
        now
    }

    /// The last reading of the clock. If there was none in this pass, reads it.
    ///
    /// All functions of sleeps use this one, so that their answers agree.
    pub(crate) fn seen(&self) -> Instant {
        self.seen.get().unwrap_or_else(|| self.now())
    }

    /// A pass begins: an earlier reading is too old.
    pub(crate) fn begin_pass(&self) {
        self.seen.set(None);
    }

    /// The tick of the present. That tick is not over yet.
    pub(crate) fn tick_now(&self) -> u64 {
        self.ticks(self.seen(), 0)
    }

    /// The first tick that is not before `deadline`. A deadline more than 2^64 ns away is [`NEVER`].
    pub(crate) fn tick_of(&self, deadline: Option<Instant>) -> u64 {
        let round_up = (1 << self.shift()) - 1;
        deadline.map_or(NEVER, |deadline| self.ticks(deadline, round_up))
    }

    /// When `tick` begins; `None` for one that is never reached.
    pub(crate) fn instant_of(&self, tick: u64) -> Option<Instant> {
        let nanos = tick << self.shift();
        (tick != NEVER).then(|| self.start.checked_add(Duration::from_nanos(nanos)))?
    }

    /// Lets virtual time jump to `instant`, never back, and returns `true`. The real clock cannot: `false`.
    pub(crate) fn jump_to(&self, instant: Instant) -> bool {
        if let Some(now) = &self.virtual_now {
            now.set(now.get().max(instant));
            self.seen.set(None);
        }
        self.virtual_now.is_some()
    }

    fn ticks(&self, instant: Instant, round_up: u64) -> u64 {
        let since_start = instant.saturating_duration_since(self.start);
        let nanos = u64::try_from(since_start.as_nanos()).ok();
        let rounded = nanos.and_then(|nanos| nanos.checked_add(round_up));
        rounded.map_or(NEVER, |nanos| nanos >> self.shift())
    }

    /// A tick is 2 to the power of this, in nanoseconds.
    fn shift(&self) -> u32 {
        self.virtual_now.as_ref().map_or(19, |_| 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_in_a_tick_before_it() {
        let clock = Clock::new(false);
        for nanos in [1, 524_287, 524_288, 524_289, 10_000_000] {
            let deadline = clock.start + Duration::from_nanos(nanos);
            let tick = clock.instant_of(clock.tick_of(Some(deadline))).unwrap();
            assert!(
                tick >= deadline && tick - deadline < Duration::from_nanos(1 << 19),
                "{nanos}"
            );
        }
    }

    #[test]
    fn a_tick_is_a_half_millisecond_on_the_real_clock_and_a_nanosecond_on_virtual_time() {
        let third_tick_of = |clock: &Clock, nanos: u64| {
            let at = |nanos| clock.tick_of(Some(clock.start + Duration::from_nanos(nanos)));
            [at(2 * nanos), at(2 * nanos + 1), at(3 * nanos)]
        };
        assert_eq!(third_tick_of(&Clock::new(false), 1 << 19), [2, 3, 3]);
        assert_eq!(third_tick_of(&Clock::new(true), 1), [2, 3, 3]);
    }

    #[test]
    fn what_is_centuries_away_never_comes() {
        let clock = Clock::new(false);
        let far = clock
            .start
            .checked_add(Duration::from_secs(600 * 365 * 24 * 3600));
        assert_eq!([clock.tick_of(far), clock.tick_of(None)], [NEVER, NEVER]);
        assert_eq!(clock.instant_of(NEVER), None);
    }

    #[test]
    fn virtual_time_stands_still_until_it_jumps_and_never_goes_back() {
        let clock = Clock::new(true);
        let start = clock.now();
        assert_eq!(clock.now(), start);
        assert!(clock.jump_to(start + Duration::from_secs(5)));
        assert!(clock.jump_to(start + Duration::from_secs(3)));
        assert_eq!(clock.now(), start + Duration::from_secs(5));
    }
}
