//! The executor itself: all that one wake, poll, spawn, join, sleep and failure touches.
//!
//! | folder | holds |
//! |---|---|
//! | `tasks` | tasks, wakers, the loop, and how other threads reach an executor |
//! | `time` | the clock, the timer wheel, and the future that waits for a timer |
//! | `failure` | what is known of a failure, and where it goes |

pub(crate) mod failure;
pub(crate) mod tasks;
pub(crate) mod time;
