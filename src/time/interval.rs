//! An interval: a sleep that begins anew each time it ends.
//!
//! Knows `Sleep`.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::kernel::failure::{AwaitKind, Site, await_line};
use crate::kernel::tasks::current_executor;
use crate::kernel::time::Sleep;
use crate::time::now;

/// A tick that is awaited no later than this has not been missed: tokio's tolerance. Without it,
/// each tick under `Delay` would be late by what the operating system adds.
const IN_TIME: Duration = Duration::from_millis(5);

/// Ticks every `period`, the first time at once.
///
/// # Panics
///
/// When `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let start = candor::time::now();
///     let mut interval = candor::time::interval(Duration::from_secs(1));
///     for seconds in 0..3 {
///         assert_eq!(interval.tick().await - start, Duration::from_secs(seconds));
///     }
/// });
/// ```
#[track_caller]
#[must_use]
pub fn interval(period: Duration) -> Interval {
    Interval::new(Sleep::after(Duration::ZERO), period)
}

/// Ticks every `period`, the first time at `start`.
///
/// # Panics
///
/// When `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let start = candor::time::now() + Duration::from_secs(10);
///     let mut interval = candor::time::interval_at(start, Duration::from_secs(1));
///     assert_eq!(interval.tick().await, start);
/// });
/// ```
#[track_caller]
#[must_use]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(Sleep::new(Some(start)), period)
}

/// What an [`Interval`] does when a tick was awaited more than 5 ms after it was due. The three are tokio's.
///
/// For a period of 10 ms, when the tick due at 20 is awaited at 45:
///
/// | | ticks at |
/// |---|---|
/// | `Burst` | 45, 45, 45, 50, 60: all, as fast as it can |
/// | `Delay` | 45, 55, 65: a full period between any two |
/// | `Skip` | 45, 50, 60: the missed ones are lost, the rhythm is kept |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use candor::time::MissedTickBehavior;
///
/// candor::test(async {
///     let start = candor::time::now();
///     let mut interval = candor::time::interval_at(start + Duration::from_millis(20), Duration::from_millis(10));
///     interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
///     candor::sleep(Duration::from_millis(45)).await;
///     interval.tick().await;
///     assert_eq!(interval.tick().await - start, Duration::from_millis(50));
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissedTickBehavior {
    /// Catches up.
    #[default]
    Burst,
    /// Begins a new rhythm.
    Delay,
    /// Falls back into the old rhythm.
    Skip,
}

/// The ticks that [`interval`] and [`interval_at`] give.
///
/// # Panics
///
/// When a tick is polled where no executor of candor runs.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use candor::time::MissedTickBehavior;
///
/// let mut interval = candor::time::interval(Duration::from_secs(1));
/// assert_eq!(interval.period(), Duration::from_secs(1));
/// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Burst);
/// interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
/// assert_eq!(interval.missed_tick_behavior(), MissedTickBehavior::Delay);
/// ```
#[derive(Debug)]
pub struct Interval {
    sleep: Sleep,
    period: Duration,
    missed_tick_behavior: MissedTickBehavior,
}

impl Interval {
    #[track_caller]
    fn new(sleep: Sleep, period: Duration) -> Self {
        assert!(
            !period.is_zero(),
            "the period of an interval is zero: it would tick without end and let nothing else run; \
             to run at every chance, loop over `candor::yield_now().await`",
        );
        let missed_tick_behavior = MissedTickBehavior::default();
        Interval {
            sleep,
            period,
            missed_tick_behavior,
        }
    }

    /// Waits for the next tick, and returns when it was due.
    ///
    /// Dropping the future loses no tick.
    ///
    /// Ticks that were missed come at once. If 128 of candor's own futures were ready in one poll of a task, the next
    /// one lets other tasks run first.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let start = candor::time::now();
    ///     let mut interval = candor::time::interval(Duration::from_secs(1));
    ///     assert_eq!(interval.tick().await, start);
    ///     assert_eq!(interval.tick().await, start + Duration::from_secs(1));
    /// });
    /// ```
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        Tick {
            interval: self,
            made_at: Location::caller(),
        }
    }

    /// Polls for the next tick: what [`tick`](Interval::tick) awaits, for futures written by hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let start = candor::time::now();
    ///     let mut interval = candor::time::interval(Duration::from_secs(1));
    ///     assert_eq!(std::future::poll_fn(|cx| interval.poll_tick(cx)).await, start);
    /// });
    /// ```
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.sleep.poll_elapsed(cx));
        let due = self.sleep.deadline();
        let due = due.expect("what never comes is never ready");
        self.sleep.reset_to(self.next_after(due));
        Poll::Ready(due)
    }

    fn next_after(&self, due: Instant) -> Option<Instant> {
        let now = now();
        if now.saturating_duration_since(due) <= IN_TIME {
            return due.checked_add(self.period);
        }
        match self.missed_tick_behavior {
            MissedTickBehavior::Burst => due.checked_add(self.period),
            MissedTickBehavior::Delay => now.checked_add(self.period),
            MissedTickBehavior::Skip => {
                let into_period = (now - due).as_nanos() % self.period.as_nanos();
                // The remainder is less than the period, which is a `Duration`.
                let into_period = Duration::new(
                    (into_period / 1_000_000_000) as u64,
                    (into_period % 1_000_000_000) as u32,
                );
                now.checked_add(self.period - into_period)
            }
        }
    }

    /// Begins anew: the next tick is one period from now.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let start = candor::time::now();
    ///     let mut interval = candor::time::interval(Duration::from_secs(10));
    ///     interval.reset();
    ///     assert_eq!(interval.tick().await - start, Duration::from_secs(10));
    /// });
    /// ```
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Lets the next tick come after `duration`, counted from this call; those behind it a period later each.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let start = candor::time::now();
    ///     let mut interval = candor::time::interval(Duration::from_secs(60));
    ///     interval.reset_after(Duration::from_secs(5));
    ///     interval.tick().await;
    ///     assert_eq!(candor::time::now() - start, Duration::from_secs(5));
    /// });
    /// ```
    pub fn reset_after(&mut self, duration: Duration) {
        self.sleep.reset_after(duration);
    }

    /// Lets the next tick come at once; those behind it a period later each.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let mut interval = candor::time::interval(Duration::from_secs(60));
    ///     interval.tick().await;
    ///     let start = candor::time::now();
    ///     interval.reset_immediately();
    ///     interval.tick().await;
    ///     assert_eq!(candor::time::now(), start);
    /// });
    /// ```
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Returns the time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Returns what it does about missed ticks.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed_tick_behavior
    }

    /// Sets what it does about missed ticks.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed_tick_behavior = behavior;
    }
}

/// The future of [`Interval::tick`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use candor::time::{interval_at, now, timeout};
///
/// candor::test(async {
///     let due = now() + Duration::from_secs(10);
///     let mut interval = interval_at(due, Duration::from_secs(10));
///     assert!(timeout(Duration::from_secs(1), interval.tick()).await.is_err());
///     assert_eq!(interval.tick().await, due);
/// });
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
    made_at: Site,
}

impl Future for Tick<'_> {
    type Output = Instant;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let poll = self.interval.poll_tick(cx);
        if poll.is_pending() {
            current_executor::note_await(AwaitKind::INTERVAL, await_line(self.made_at));
        }
        poll
    }
}
