//! The clock, the timer wheel, and the future that waits for a timer.
//!
//! Only `sleep` knows executors.

pub(crate) mod clock;
pub(crate) mod sleep;
pub(crate) mod wheel;

pub(crate) use clock::Clock;
pub(crate) use sleep::Sleep;
pub(crate) use wheel::{EntryKey, Wheel};
