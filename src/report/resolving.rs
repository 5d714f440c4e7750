//! Turns a backtrace into text, and knows how long that has taken.
//!
//! The first backtrace of a program reads its debug information. That may take longer than a poll should, and is not the fault of
//! the task that is being polled.
//!
//! Knows nothing of candor.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::fmt::Write;
use std::time::{Duration, Instant};

thread_local! {
    static TIME: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The bytes of a backtrace of some 30 frames in a release build. A text that grows as it is written is copied several times.
const USUAL_SIZE: usize = 4096;

/// The text of a backtrace.
pub(crate) fn resolved(backtrace: &Backtrace) -> String {
    let began = Instant::now();
    let mut text = String::with_capacity(USUAL_SIZE);
    write!(text, "{backtrace}").ok();
    TIME.set(TIME.get().saturating_add(began.elapsed()));
    text
}

/// How long this thread has resolved backtraces.
pub(crate) fn time() -> Duration {
    TIME.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_to_resolve_a_backtrace_is_known() {
        let before = time();
        let text = resolved(&Backtrace::force_capture());
        assert!(text.contains("what_it_takes"));
        assert!(time() > before);
    }
}
