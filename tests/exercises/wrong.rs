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

#[path = "wrong/block_on_and_abort.rs"]
mod block_on_and_abort;
#[path = "wrong/event.rs"]
mod event;
#[path = "wrong/executor_and_run_queue.rs"]
mod executor_and_run_queue;
#[path = "wrong/join_and_select.rs"]
mod join_and_select;
#[path = "wrong/oneshot.rs"]
mod oneshot;
#[path = "wrong/queue_and_debounce.rs"]
mod queue_and_debounce;
#[path = "wrong/semaphore.rs"]
mod semaphore;
#[path = "wrong/task_local_and_try_all.rs"]
mod task_local_and_try_all;
#[path = "wrong/yield_and_count.rs"]
mod yield_and_count;

use std::thread;

/// Runs a check on each of its wrong answers, all at the same time. It has to fail, and to say this.
#[track_caller]
fn assert_rejected<const N: usize>(answers: [(fn(), &str); N]) {
    assert!(N >= 3, "three wrong answers at least");
    let checking = answers.map(|(check, says)| (thread::spawn(move || support::run(check)), says));
    for (place, (checking, says)) in checking.into_iter().enumerate() {
        let panic = match checking.join() {
            Ok(()) => panic!("wrong answer {place} is accepted"),
            Err(panic) => panic,
        };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        let text = text.expect("the message of an assertion");
        assert!(
            text.contains(says),
            "wrong answer {place} is rejected, but not for {says:?}:\n{text}"
        );
    }
}
