//! The executor's clock: the real one, or virtual time, which stands still until nothing is left to do.
//!
//! Timers are kept in ticks since the clock was made. A tick of the real clock is 2^19 ns, about half a millisecond.
//! Timers that are due within one tick fire together, and the thread wakes up for them once. That costs some 25 µs where
//! it was measured. (With ticks of 16 or 262 µs a hundred sleepers kept the thread 8 % busy, with this one 5 %.) A tick
//! of virtual time is one nanosecond, so that `now` is exactly the deadline when a timer fires.
//!
//! A deadline is rounded up to ticks, and the present is rounded down: so a timer is never early.
//!
//! Knows nothing of candor.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

/// The tick of a timer that never fires.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    kind: Kind,
    /// The last reading of the clock. Reading the real one costs some 25 ns, so a pass usually does it once, and only
    /// if a timer exists. Valid until `is_fresh` is reset; dropped by `begin_pass` and `jump_to`.
    seen: Cell<Instant>,
    is_fresh: Cell<bool>,
}

#[derive(Debug)]
enum Kind {
    Real,
    Virtual { elapsed: Cell<Duration> },
}

impl Clock {
    pub(crate) fn new(virtual_time: bool) -> Self {
        let kind = if virtual_time {
            Kind::Virtual {
                elapsed: Cell::new(Duration::ZERO),
            }
        } else {
            Kind::Real
        };
        let start = Instant::now();
        Clock {
            start,
            kind,
            seen: Cell::new(start),
            is_fresh: Cell::new(true),
        }
    }

    /// Reads the clock.
    pub(crate) fn now(&self) -> Instant {
        let now = match &self.kind {
            Kind::Real => Instant::now(),
            Kind::Virtual { elapsed } => self.start + elapsed.get(),
        };
        self.seen.set(now);
        self.is_fresh.set(true);
        now
    }

    /// The last reading of the clock. If there was none in this pass, reads it.
    ///
    /// All functions of sleeps use this one, so that their answers agree.
    #[inline]
    pub(crate) fn seen(&self) -> Instant {
        match self.is_fresh.get() {
            true => self.seen.get(),
            false => self.now(),
        }
    }

    /// A pass begins: an earlier reading is too old.
    #[inline]
    pub(crate) fn begin_pass(&self) {
        self.is_fresh.set(false);
    }

    /// The tick of the present. That tick is not over yet.
    pub(crate) fn tick_now(&self) -> u64 {
        self.ticks(self.seen().saturating_duration_since(self.start), 0)
    }

    /// The first tick that is not before `deadline`. A deadline more than 2^64 ns away is [`NEVER`].
    pub(crate) fn tick_of(&self, deadline: Option<Instant>) -> u64 {
        deadline.map_or(NEVER, |deadline| {
            let round_up = (1 << self.shift()) - 1;
            self.ticks(deadline.saturating_duration_since(self.start), round_up)
        })
    }

    /// When `tick` begins; `None` for one that is never reached.
    pub(crate) fn instant_of(&self, tick: u64) -> Option<Instant> {
        if tick == NEVER {
            return None;
        }
        let nanos = u128::from(tick) << self.shift();
        self.start.checked_add(Duration::new(
            (nanos / 1_000_000_000) as u64,
            (nanos % 1_000_000_000) as u32,
        ))
    }

    /// Lets virtual time jump to `instant`, never back, and returns `true`. The real clock cannot: `false`.
    pub(crate) fn jump_to(&self, instant: Instant) -> bool {
        match &self.kind {
            Kind::Real => false,
            Kind::Virtual { elapsed } => {
                elapsed.set(
                    elapsed
                        .get()
                        .max(instant.saturating_duration_since(self.start)),
                );
                self.is_fresh.set(false);
                true
            }
        }
    }

    fn ticks(&self, since_start: Duration, round_up: u64) -> u64 {
        match u64::try_from(since_start.as_nanos())
            .ok()
            .and_then(|nanos| nanos.checked_add(round_up))
        {
            Some(nanos) => nanos >> self.shift(),
            None => NEVER,
        }
    }

    fn shift(&self) -> u32 {
        match self.kind {
            Kind::Real => 19,
            Kind::Virtual { .. } => 0,
        }
    }
}

/// Time has run out: the error of [`timeout`](crate::time::timeout).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let never = std::future::pending::<()>();
///     let elapsed = candor::time::timeout(Duration::from_secs(1), never).await.unwrap_err();
///     assert_eq!(elapsed.to_string(), "the time has run out");
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elapsed(pub(crate) ());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time has run out")
    }
}

impl std::error::Error for Elapsed {}

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
