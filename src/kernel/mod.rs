//! The executor itself: everything that a wake, a poll, a spawn, a join, a sleep or a failure touches.
//!
//! | folder | holds |
//! |---|---|
//! | `tasks` | tasks, wakers, the loop, and how other threads reach an executor |
//! | `time` | the clock, the timer wheel, and the future that waits for a timer |
//! | `failure` | what is known of a failure, and where it goes |
//!
//! Knows plugs for what is outside of it: a reporter, an observer, and errands from other threads.

pub(crate) mod failure;
pub(crate) mod tasks;
pub(crate) mod time;
