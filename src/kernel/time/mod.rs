//! The clock, the timer wheel, the timers of an executor, and the future that waits for one.
//!
//! Only `sleep` and `timers` know executors.

pub(crate) mod clock;
pub(crate) mod sleep;
mod timers;
pub(crate) mod wheel;

pub(crate) use clock::Clock;
pub(crate) use sleep::Sleep;
pub(crate) use wheel::{EntryKey, Wheel};
