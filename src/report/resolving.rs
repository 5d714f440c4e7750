//! Turns a backtrace into text, and knows how long that has taken.
//!
//! The first backtrace of a program reads its debug information. That may take longer than a poll should, and is not the fault of
//! the task that is being polled.
//!
//! Knows nothing of candor.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static TIME: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The text of a backtrace.
pub(crate) fn resolved(backtrace: &Backtrace) -> String {
    let began = Instant::now();
    let text = backtrace.to_string();
    TIME.set(TIME.get().saturating_add(began.elapsed()));
    text
}

/// How long this thread has resolved backtraces.
pub(crate) fn time() -> Duration {
    TIME.get()
}
