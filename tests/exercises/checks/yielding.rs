use candor::spawn;

use super::yield_now;
use crate::support::{Trace, on_virtual_time, poll_once, settle};

/// Exercise 1.
pub fn check() {
    on_virtual_time(async {
        let mut yielding = Box::pin(yield_now());
        assert!(
            poll_once(yielding.as_mut()).is_pending(),
            "the first poll ends, so that the others can run"
        );
        assert!(
            poll_once(yielding.as_mut()).is_ready(),
            "the second poll goes on: it has yielded already"
        );
        let trace = Trace::default();
        for name in ["a", "b"] {
            let trace = trace.clone();
            spawn(async move {
                for turn in 1..=2 {
                    trace.note(format!("{name}{turn}"));
                    yield_now().await;
                }
            });
        }
        settle().await;
        assert_eq!(
            trace.notes(),
            ["a1", "b1", "a2", "b2"],
            "they take turns, and a task that yields is woken"
        );
    });
}
