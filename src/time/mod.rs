//! Time for tasks: sleep, timeout, interval.
//!
//! Every wait is a [`Sleep`], and a sleep is an entry in the executor's timer wheel: its deadline in
//! ticks, and the waker of whoever polled it last. All the rest is made of sleeps.
//!
//! Timers are never early, and late by at most one tick of 524 µs plus the polls ahead of them and what
//! the operating system adds. `Duration::MAX` never fires.
//!
//! Knows the current executor, its clock and its wheel.

mod interval;
mod sleep;
mod timeout;

use std::time::Instant;

pub use interval::{Interval, MissedTickBehavior, Tick, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{timeout, timeout_at};

pub use crate::clock::Elapsed;

use crate::current;

/// Reads the clock of the executor on this thread; outside of one, the real clock.
///
/// Under [virtual time](crate::Builder::virtual_time) deadlines must come from here.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let start = candor::time::now();
///     candor::sleep(Duration::from_millis(250)).await;
///     assert_eq!(candor::time::now() - start, Duration::from_millis(250));
/// });
/// ```
pub fn now() -> Instant {
    current::with(|core| core.clock.now()).unwrap_or_else(Instant::now)
}
