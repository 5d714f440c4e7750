//! Time for tasks: sleep, timeout, interval.
//!
//! Every wait is a [`Sleep`], and a sleep is an entry in the executor's timer wheel: its deadline in
//! ticks, and the waker of whoever polled it last. All the rest is made of sleeps.
//!
//! Timers are never early, and late by at most one tick of 524 µs plus the polls ahead of them and what
//! the operating system adds. `Duration::MAX` never fires.
//!
//! Knows the current executor, its clock and its wheel.

pub(crate) mod advance;
mod interval;
mod timeout;
mod until;

pub use crate::kernel::time::sleep::{Sleep, now, sleep};
pub use advance::{Advance, advance};
pub use interval::{Interval, MissedTickBehavior, Tick, interval, interval_at};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use until::sleep_until;
