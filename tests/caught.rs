//! Which panic belongs to which task: the one that ends a task, those that it caught itself, and those of no
//! task.
//!
//! ```text
//! panic ──► hook: a record ──► claimed by the executor            the task's failure
//!                         ├──► left after the poll                reported as `caught`, once
//!                         └──► cannot unwind                      everything is printed at once
//! ```

mod common;

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use candor::{Executor, FailureKind, JoinError, sleep, spawn, yield_now};
use common::{Reports, assert_contains, assert_count, assert_lacks, child};

type Seen = Rc<RefCell<Vec<(FailureKind, String)>>>;

/// An executor that keeps the kind and the message of each report.
fn seeing() -> (Executor, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| {
            kept.borrow_mut()
                .push((failure.kind(), failure.message().to_owned()))
        })
        .build();
    (executor, seen)
}

fn caught(message: &str) -> (FailureKind, String) {
    (FailureKind::Caught, message.to_owned())
}

#[test]
fn each_of_two_panics_that_a_task_catches_is_reported_as_caught() {
    let (executor, seen) = seeing();
    let _ = executor.run(async {
        let _ = catch_unwind(|| panic!("first"));
        let _ = catch_unwind(|| panic!("second"));
    });
    assert_eq!(*seen.borrow(), [caught("first"), caught("second")]);
    assert_eq!(executor.failures(), 0);
}

#[test]
fn of_very_many_caught_panics_the_first_and_the_last_are_kept_and_the_others_counted() {
    let (executor, seen) = seeing();
    let _ = executor.run(async {
        for number in 0..1000 {
            let _ = catch_unwind(|| panic!("number {number}"));
        }
    });
    let seen = seen.borrow();
    assert_eq!(seen.len(), 16 + 1 + 16);
    assert_eq!(seen[15], caught("number 15"));
    assert_eq!(seen[31], caught("number 999"));
    assert_eq!(
        seen[32],
        caught("968 more in the same poll, between the first and the last of these")
    );
}

#[test]
fn a_panic_that_ends_a_task_is_reported_apart_from_those_that_it_caught() {
    let (executor, seen) = seeing();
    executor
        .spawn(async {
            let _ = catch_unwind(|| panic!("caught"));
            panic!("the end")
        })
        .detach();
    executor.drain();
    assert_eq!(
        *seen.borrow(),
        [
            caught("caught"),
            (FailureKind::Panicked, "the end".to_owned())
        ]
    );
}

#[test]
fn of_two_panics_with_one_message_the_later_one_is_the_failure() {
    fn early() {
        panic!("boom {}", 1);
    }
    fn late() {
        panic!("boom {}", 1);
    }
    let (executor, _) = seeing();
    let place_of = |task| match executor.block_on::<candor::JoinHandle<()>>(task) {
        Err(JoinError::Panicked(panic)) => panic.location(),
        other => panic!("{other:?}"),
    };
    let after_another = place_of(executor.spawn(async {
        let _ = catch_unwind(early);
        late();
    }));
    assert_eq!(after_another, place_of(executor.spawn(async { late() })));
}

#[test]
fn a_payload_that_passed_no_hook_takes_no_record_of_another_panic() {
    fn ends_with(payload: Box<dyn Any + Send>, caught: fn()) -> Vec<String> {
        let reports = Reports::new();
        reports
            .spawn(async move {
                let _ = catch_unwind(caught);
                resume_unwind(payload);
            })
            .detach();
        reports.drain();
        reports.texts()
    }
    let texts = [
        ends_with(Box::new(2_u8), || panic_any(1_u8)),
        ends_with(Box::new("same".to_owned()), || panic!("sa{}", "me")),
        ends_with(Box::new("x".to_owned()), || panic!("x")),
    ];
    for reports in texts {
        let [first, second] = &reports[..] else {
            panic!("{reports:#?}")
        };
        assert_contains(first, "task #1 caught a panic of its own: ");
        assert_contains(second, "task #1 panicked: ");
        assert_contains(
            second,
            "no backtrace: this panic did not pass candor's panic hook",
        );
        assert_lacks(second, "   at ");
    }
}

#[test]
fn a_panic_that_was_caught_and_is_resumed_in_the_same_poll_is_the_failure_and_nothing_else() {
    let (executor, seen) = seeing();
    executor
        .spawn(async {
            let payload = catch_unwind(|| panic!("boom {}", 1)).unwrap_err();
            resume_unwind(payload)
        })
        .detach();
    executor.drain();
    assert_eq!(
        *seen.borrow(),
        [(FailureKind::Panicked, "boom 1".to_owned())]
    );
}

#[test]
fn a_panic_that_is_resumed_in_a_later_poll_refers_to_its_report() {
    let reports = Reports::new();
    reports
        .spawn(async {
            let payload = catch_unwind(|| panic!("boom {}", 1)).unwrap_err();
            yield_now().await;
            resume_unwind(payload)
        })
        .detach();
    reports.drain();
    let texts = reports.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert_contains(&texts[0], "task #1 caught a panic of its own: boom 1");
    assert_contains(&texts[1], "task #1 panicked: boom 1");
    assert_contains(&texts[1], "perhaps caused by task #1, reported above");
    assert_eq!(reports.failures(), 1);
}

#[test]
fn a_panic_of_another_thread_that_is_resumed_here_says_so_and_names_no_question_mark() {
    let reports = Reports::new();
    reports
        .spawn(async {
            let inner = spawn(async {
                let joined = thread::spawn(|| panic!("far away")).join();
                resume_unwind(joined.unwrap_err());
            });
            inner.await?;
            candor::Ok(())
        })
        .detach();
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "on another thread perhaps");
    let (above, _) = report.split_once("passed on by").unwrap();
    assert_lacks(above, "\n   at ");
}

#[test]
fn a_panic_that_was_reported_is_not_printed_again_when_it_is_resumed_outside_of_every_task() {
    let name =
        "a_panic_that_was_reported_is_not_printed_again_when_it_is_resumed_outside_of_every_task";
    let ended = child(name).run(|| {
        let executor = Executor::builder().virtual_time().build();
        let fails = executor.spawn(async { panic!("boom") });
        executor.block_on(sleep(Duration::from_secs(5)));
        let Err(JoinError::Panicked(panic)) = executor.block_on(fails) else {
            unreachable!("it panics")
        };
        let _ = catch_unwind(AssertUnwindSafe(|| panic.resume()));
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "task #1 panicked", 1);
}

#[test]
fn a_panic_of_the_main_future_of_a_nested_block_on_is_that_of_the_task_around_it() {
    let reports = Reports::new();
    reports
        .spawn(async { candor::block_on(async { panic!("inside") }) })
        .detach();
    reports.drain();
    assert_contains(
        &reports.only(),
        "task #1 panicked: inside\n   at tests/caught.rs:",
    );
}

#[test]
fn what_a_callback_panics_with_is_no_panic_of_a_task_around_it() {
    let name = "what_a_callback_panics_with_is_no_panic_of_a_task_around_it";
    let ended = child(name).run(|| {
        let (outer, seen) = seeing();
        let _ = outer.run(async {
            let inner = Executor::builder()
                .on_failure(|_| panic!("callback"))
                .build();
            inner.spawn(async { panic!("inner") }).detach();
            inner.drain();
        });
        assert_eq!(*seen.borrow(), []);
        assert_eq!(outer.failures(), 0);
    });
    let Some(ended) = ended else { return };
    let stderr = &ended.assert_success().stderr;
    assert_count(
        stderr,
        "on_failure panicked while it was given this report: callback (it panicked at ",
        1,
    );
}

#[test]
fn candor_that_is_first_used_while_a_thread_unwinds_has_its_hook_all_the_same() {
    struct Flush;
    impl Drop for Flush {
        fn drop(&mut self) {
            candor::block_on(async {
                spawn(async { panic!("flushing failed") }).detach();
                yield_now().await;
            });
        }
    }
    let name = "candor_that_is_first_used_while_a_thread_unwinds_has_its_hook_all_the_same";
    let ended = child(name).run(|| {
        let _ = catch_unwind(|| {
            let _flush = Flush;
            panic!("the program's own")
        });
    });
    let Some(ended) = ended else { return };
    let stderr = &ended.assert_success().stderr;
    assert_count(stderr, "flushing failed", 1);
    assert_contains(
        stderr,
        "task #1 panicked: flushing failed\n   at tests/caught.rs:",
    );
    assert_lacks(stderr, "no backtrace");
}

#[test]
fn a_future_that_needs_tokio_gets_a_line_of_help() {
    let reports = Reports::new();
    reports.spawn(async {
        panic!("there is no reactor running, must be called from the context of a Tokio 1.x runtime")
    }).detach();
    reports.drain();
    assert_contains(
        &reports.only(),
        "help: tokio's own timers, sockets and tasks need a runtime",
    );
}

/// Each record once, then each unread failure once, however often std calls the hook.
#[test]
fn at_an_abort_each_recorded_panic_is_printed_once() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("the second")
        }
    }
    let ended = child("at_an_abort_each_recorded_panic_is_printed_once").run(|| {
        let _ = candor::run(async {
            let _unread = spawn(async { Err::<(), _>("unread") });
            yield_now().await;
            let _ = catch_unwind(|| panic!("caught before"));
            let _grenade = Grenade;
            panic!("the first");
        });
    });
    let Some(ended) = ended else { return };
    assert!(!ended.status.success());
    let stderr = &ended.stderr;
    for message in [
        "caught before",
        "the first",
        "the second",
        "panic in a destructor during cleanup",
    ] {
        assert_count(stderr, &format!("panicked: {message}\n"), 1);
    }
    assert_count(
        stderr,
        "task #1 has failed, and nobody has read its failure\n",
        1,
    );
}

#[test]
fn at_an_abort_each_executor_that_was_left_names_its_unread_failures_once() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("the second")
        }
    }
    let name = "at_an_abort_each_executor_that_was_left_names_its_unread_failures_once";
    let ended = child(name).run(|| {
        let left = ["one", "two", "gone"].map(|name| {
            let executor = candor::Executor::new();
            let fails = async { Err::<(), _>("unread") };
            let task = candor::TaskBuilder::new()
                .name(name)
                .spawn_on(&executor, fails);
            // It is left more than once with the same failure.
            for _ in 0..3 {
                executor.block_on(yield_now());
            }
            (executor, task)
        });
        let [_one, _two, (gone, task)] = left;
        // What was read is not named, and neither is what an executor that has ended has reported.
        gone.block_on(task).unwrap_err();
        drop(gone);
        let _ = candor::run(async {
            let _grenade = Grenade;
            panic!("the first");
        });
    });
    let Some(ended) = ended else { return };
    assert!(!ended.status.success());
    for name in ["one", "two"] {
        let unread = format!("task #1 `{name}` has failed, and nobody has read its failure\n");
        assert_count(&ended.stderr, &unread, 1);
    }
    assert_count(&ended.stderr, "`gone`", 0);
}
