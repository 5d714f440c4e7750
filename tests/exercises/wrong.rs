//! Wrong answers to the exercises, each with a sentence that says what is wrong. Every check has to reject its own.
//!
//! They are answers that one may well give. If a check let one of them through, the student would go on with a bug
//! and never hear of it. Spoilers, as in `solutions.rs`.
//!
//! Each module holds an answer, and the check of its exercise, which is compiled once more to call this answer.

#![allow(
    dead_code,
    clippy::type_complexity,
    reason = "a wrong answer may not use all that it has"
)]

mod support;

#[path = "wrong/join_and_select.rs"]
mod join_and_select;
#[path = "wrong/queue_and_debounce.rs"]
mod queue_and_debounce;
#[path = "wrong/semaphore.rs"]
mod semaphore;
#[path = "wrong/task_local_and_try_all.rs"]
mod task_local_and_try_all;
#[path = "wrong/wakes.rs"]
mod wakes;
#[path = "wrong/yield_and_count.rs"]
mod yield_and_count;

use std::panic::catch_unwind;

/// Runs a check on each of its wrong answers. It has to fail, and to say this.
#[track_caller]
fn assert_rejected<const N: usize>(answers: [(fn(), &str); N]) {
    assert!(N >= 3, "three wrong answers at least");
    for (place, (check, says)) in answers.into_iter().enumerate() {
        let rejected = catch_unwind(|| support::run(check));
        let panic = rejected.expect_err(&format!("wrong answer {place} is accepted"));
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        let text = text.expect("the message of an assertion");
        assert!(
            text.contains(says),
            "wrong answer {place} is rejected, but not for {says:?}:\n{text}"
        );
    }
}
