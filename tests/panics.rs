//! What becomes of a panic: it ends its task, or the task has caught it, or it ends the process.
//!
//! ```text
//! a panic is                               it is reported
//! caught by candor                         as the failure of its task
//! caught by the task                       once, as caught; of one poll the first 16, the last 16, and a number
//! caught in one poll, resumed in another   as caught, and as a failure that refers to that
//! raised elsewhere, resumed in a task      as a failure without a place
//! one that cannot unwind                   with all that is recorded and unread, before the process aborts
//! an executor's callback's or logger's     by std, and as no task's, however many executors nest
//! ```

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use candor::{Executor, FailureKind, Instrument, JoinError, TaskBuilder, TaskView, yield_now};
use common::{Reports, Told, assert_contains, assert_count, assert_lacks, child, headline};

// A task that catches its panics.

/// Catches `count` panics, and reports none of them.
#[inline(never)]
fn catches(count: u32) {
    for number in 1..=count {
        catch_unwind(|| panic!("number {number}")).unwrap_err();
    }
}

#[test]
fn each_panic_that_a_task_catches_is_reported_once_as_caught() {
    for count in [1, 2, 32] {
        let reports = Reports::new();
        let _ = reports.run(async move { catches(count) });
        let expected: Vec<String> = (1..=count)
            .map(|number| format!("the main future caught a panic of its own: number {number}"))
            .collect();
        assert_eq!(reports.headlines(), expected);
        for report in reports.texts() {
            assert_contains(&report, "panics::catches");
        }
        assert_eq!(reports.failures(), 0);
    }
}

#[test]
fn of_many_panics_in_one_poll_the_first_and_the_last_16_are_reported_and_the_rest_are_counted() {
    let reports = Reports::new();
    let task = reports.spawn(async {
        catches(1000);
        yield_now().await;
        catches(33);
    });
    reports.block_on(task).unwrap();
    let heads = reports.headlines();
    let numbers = |range: std::ops::RangeInclusive<u32>| {
        range.map(|number| format!("task #1 caught a panic of its own: number {number}"))
    };
    let more = |count| {
        let place = "more in the same poll, between the first and the last of these";
        [format!(
            "task #1 caught a panic of its own: {count} {place}"
        )]
    };
    let first: Vec<String> = numbers(1..=16)
        .chain(numbers(985..=1000))
        .chain(more(968))
        .collect();
    let second: Vec<String> = numbers(1..=16)
        .chain(numbers(18..=33))
        .chain(more(1))
        .collect();
    assert_eq!(heads[..33], first);
    assert_eq!(heads[33..], second);
    assert_eq!(reports.failures(), 0);
}

#[test]
fn the_panic_that_ends_the_task_is_none_of_the_many() {
    let reports = Reports::new();
    let task = reports.spawn(async {
        catches(32);
        panic!("the last");
    });
    let error = reports.block_on(task).unwrap_err();
    assert_eq!(error.failure().unwrap().message(), "the last");
    let heads = reports.headlines();
    assert_eq!(heads.len(), 32, "{heads:#?}");
    assert!(
        heads.iter().all(|head| head.contains("caught")),
        "{heads:#?}"
    );
    assert!(heads[31].ends_with("number 32"), "{heads:#?}");
}

#[test]
fn one_of_the_many_that_ends_the_task_later_may_have_been_skipped_and_the_report_says_so() {
    let reports = Reports::new();
    reports
        .spawn(async {
            let catch = |number| catch_unwind(|| panic!("number {number}")).unwrap_err();
            let caught: Vec<_> = (0..40).map(catch).collect();
            resume_unwind(caught.into_iter().nth(18).unwrap());
        })
        .detach();
    reports.drain();
    let texts = reports.texts();
    let report = texts.last().unwrap();
    assert_contains(report, "task #1 panicked: number 18");
    assert_contains(report, "it may be one of those that were only counted");
    assert_lacks(report, "did not pass candor's panic hook");
}

#[test]
#[cfg(target_os = "linux")]
fn panics_that_a_task_catches_cost_no_memory() {
    fn resident_pages() -> u64 {
        let sizes = std::fs::read_to_string("/proc/self/statm").unwrap();
        sizes.split(' ').nth(1).unwrap().parse().unwrap()
    }
    let told = child("panics_that_a_task_catches_cost_no_memory").run(|| {
        let reports = Reports::new();
        let _ = reports.run(async {
            catches(100);
            let before = resident_pages();
            catches(10_000);
            println!("{} pages more", resident_pages() - before);
        });
    });
    let Some(told) = told else { return };
    let line = told
        .assert_success()
        .stdout
        .lines()
        .find(|line| line.contains("pages more"));
    let (pages, _) = line
        .unwrap()
        .trim_start_matches("test ")
        .split_once(" pages")
        .unwrap();
    let pages = pages.rsplit(' ').next().unwrap();
    // 8 MiB where a page has 4 KiB: a record with its frames takes some 4 KiB, and its text some 40.
    assert!(pages.parse::<u64>().unwrap() < 2048, "{pages} pages more");
}

#[test]
fn a_panic_that_is_caught_during_unwinding_is_reported_as_caught() {
    struct CatchesOne;
    impl Drop for CatchesOne {
        fn drop(&mut self) {
            catches(1);
        }
    }
    let reports = Reports::new();
    let task = reports.spawn(async {
        let _guard = CatchesOne;
        panic!("boom");
    });
    let error = reports.block_on(task).unwrap_err();
    assert_eq!(error.failure().unwrap().message(), "boom");
    assert!(error.failure().unwrap().backtrace().is_some());
    assert_eq!(
        reports.end(),
        ["task #1 caught a panic of its own: number 1"]
    );
}

#[test]
fn executors_on_two_threads_count_each_for_itself() {
    let threads = [(); 2].map(|()| {
        thread::spawn(|| {
            let reports = Reports::new();
            let _ = reports.run(async { catches(100) });
            reports.end().len()
        })
    });
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [33, 33]);
}

#[test]
fn an_executor_in_the_destructor_of_a_thread_local_reports_what_its_tasks_catch() {
    struct RunsAtTheEnd;
    impl Drop for RunsAtTheEnd {
        fn drop(&mut self) {
            let _ = candor::run(async {
                let payload = catch_unwind(panics_early).unwrap_err();
                yield_now().await;
                resume_unwind(payload);
            });
        }
    }
    thread_local! {
        static LAST: RunsAtTheEnd = const { RunsAtTheEnd };
    }
    let name = "an_executor_in_the_destructor_of_a_thread_local_reports_what_its_tasks_catch";
    let told = child(name).run(|| {
        let thread = thread::spawn(|| {
            LAST.with(|_| ());
            // All other thread-locals are gone before the last one.
            let _ = Reports::new().run(async { catches(1) });
        });
        thread.join().unwrap();
    });
    let Some(told) = told else { return };
    let [caught, failed] = ["caught a panic of its own: boom\n", "panicked: boom\n"];
    assert_count(&told.assert_success().stderr, caught, 1);
    assert_count(&told.stderr, failed, 1);
}

// Which panic it was.

#[inline(never)]
fn panics_early() {
    panic!("boom");
}

#[inline(never)]
fn panics_late() {
    panic!("boom");
}

#[inline(never)]
fn panics_formatted(word: &str) {
    panic!("b{word}");
}

#[test]
fn of_two_panics_with_one_message_the_later_one_is_the_failure() {
    let reports = Reports::new();
    let late = reports.spawn(async {
        catch_unwind(panics_early).unwrap_err();
        panics_late();
    });
    let Err(JoinError::Panicked(panic)) = reports.block_on(late) else {
        panic!("it panics");
    };
    let early = reports.spawn(async { panics_late() });
    let Err(JoinError::Panicked(again)) = reports.block_on(early) else {
        panic!("it panics");
    };
    assert_eq!(panic.location(), again.location());
}

#[test]
fn of_two_panics_with_one_message_the_one_that_is_resumed_is_the_failure() {
    let reports = Reports::new();
    let task = reports.spawn(async {
        let word = std::hint::black_box("oom");
        let first = catch_unwind(|| panics_formatted(word)).unwrap_err();
        let _second = catch_unwind(|| panic!("b{word}")).unwrap_err();
        resume_unwind(first);
    });
    let error = reports.block_on(task).unwrap_err();
    let backtrace = error.failure().unwrap().backtrace().unwrap().to_string();
    assert_contains(&backtrace, "panics_formatted");
    assert_lacks(&reports.only(), "panics_formatted");
}

/// The failure of a task that catches `first`, and then resumes `second`, which no hook has seen.
#[track_caller]
fn failure_of_another<P: Any + Send>(first: fn(), second: P) -> String {
    let reports = Reports::new();
    reports
        .spawn(async move {
            let _caught = catch_unwind(first).unwrap_err();
            resume_unwind(Box::new(second));
        })
        .detach();
    reports.drain();
    let texts = reports.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert_contains(&texts[0], "task #1 caught a panic of its own: ");
    assert_contains(&texts[0], "panics::");
    texts[1].clone()
}

#[test]
fn a_payload_that_no_hook_has_seen_takes_no_other_panics_place() {
    let word = std::hint::black_box("oom");
    let silent = [
        failure_of_another(|| panic_any(1_u8), 2_u8),
        failure_of_another(|| panic_any('a'), 'b'),
        failure_of_another(|| panic_any(1_u8), 1_u16),
        failure_of_another(|| panic_any([1_u8]), [1_u16]),
        failure_of_another(
            || panics_formatted(std::hint::black_box("oom")),
            format!("b{word}"),
        ),
    ];
    for report in silent {
        assert_contains(&report, "task #1 panicked: ");
        assert_contains(&report, "did not pass candor's panic hook");
        assert_lacks(&report, "   at ");
    }
}

#[test]
fn a_panic_that_is_resumed_in_the_poll_that_caught_it_is_only_the_failure() {
    let payloads: [fn(); 4] = [
        panics_early,
        || panics_formatted(std::hint::black_box("oom")),
        || panic_any(7_u8),
        || panic_any([7_u8]),
    ];
    for raise in payloads {
        let reports = Reports::new();
        reports
            .spawn(async move {
                let payload = catch_unwind(raise).unwrap_err();
                resume_unwind(payload);
            })
            .detach();
        reports.drain();
        let report = reports.only();
        assert_contains(&report, "task #1 panicked: ");
        assert_contains(&report, "   at tests/panics.rs:");
        assert_contains(&report, "panics::");
    }
}

// Resumed.

#[test]
fn a_panic_that_is_caught_in_one_poll_and_resumed_in_another_is_a_failure_reported_above() {
    let payloads: [fn(); 4] = [
        panics_early,
        || panics_formatted(std::hint::black_box("oom")),
        || panic_any(7_u8),
        || panic_any([7_u8]),
    ];
    for raise in payloads {
        let reports = Reports::new();
        reports
            .spawn(async move {
                let payload = catch_unwind(raise).unwrap_err();
                yield_now().await;
                resume_unwind(payload);
            })
            .detach();
        reports.drain();
        let [caught, failure] = &reports.texts()[..] else {
            panic!("{:#?}", reports.texts());
        };
        assert_contains(caught, "task #1 caught a panic of its own: ");
        assert_contains(failure, "task #1 panicked: ");
        assert_contains(failure, "perhaps caused by task #1, reported above");
        assert_lacks(failure, "backtrace");
        let place = |report: &str| {
            let mut lines = report.lines().map(str::trim_start);
            lines
                .find(|line| line.starts_with("at "))
                .unwrap()
                .to_owned()
        };
        assert_eq!(place(caught), place(failure));
        assert_eq!(reports.failures(), 1);
    }
}

#[test]
fn one_that_was_reported_as_caught_explains_one_failure_only() {
    let reports = Reports::new();
    let text = || -> Box<dyn Any + Send> { Box::new("boom") };
    reports.block_on(async {
        catch_unwind(|| ()).unwrap();
        let caught = candor::spawn(async { drop(catch_unwind(panics_early)) });
        caught.await.unwrap();
        for _ in 0..2 {
            candor::spawn(async move { resume_unwind(text()) }).detach();
            yield_now().await;
        }
    });
    let last = reports.texts().pop().unwrap();
    assert_contains(&last, "did not pass candor's panic hook");
}

#[test]
fn a_panic_that_the_futures_crate_catches_reaches_its_handle_and_says_where_it_is_reported() {
    use futures::task::LocalSpawnExt;
    let reports = Reports::new();
    let spawner = reports.spawner();
    let handle = spawner
        .spawn_local_with_handle(async { panics_early() })
        .unwrap();
    reports.spawn(handle).detach();
    reports.drain();
    let [caught, failure] = &reports.texts()[..] else {
        panic!("{:#?}", reports.texts());
    };
    assert_contains(caught, "caught a panic of its own: boom");
    assert_contains(failure, "task #2 panicked: boom");
    assert_contains(failure, "perhaps caused by task #1, reported above");
}

#[test]
fn the_wrapper_that_the_futures_crate_puts_around_a_task_is_no_frame_of_the_users() {
    use futures::task::{LocalSpawnExt, SpawnExt};
    let reports = Reports::new();
    let spawner = reports.spawner();
    let fails = async || panics_early();
    spawner.spawn(async move { fails().await }).unwrap();
    spawner.spawn_local(async move { fails().await }).unwrap();
    reports.drain();
    for report in reports.texts() {
        assert_contains(&report, "panics::panics_early");
        assert_lacks(&report, "futures_task");
    }
    assert_eq!(reports.failures(), 2);
}

/// Runs `panics` on a thread of its own, and resumes its panic here, as `blocking::unblock` and tokio's
/// `spawn_blocking` do.
async fn on_a_thread(panics: fn()) {
    let thread = thread::spawn(panics);
    if let Err(payload) = thread.join() {
        resume_unwind(payload);
    }
}

#[test]
fn a_panic_of_another_thread_says_that_it_was_raised_elsewhere() {
    let told = child("a_panic_of_another_thread_says_that_it_was_raised_elsewhere").run(|| {
        let reports = Reports::new();
        reports.spawn(on_a_thread(panics_early)).detach();
        reports.drain();
        let report = reports.only();
        assert_contains(&report, "task #1 panicked: boom");
        assert_contains(&report, "raised elsewhere, on another thread");
        assert_contains(&report, "resumed here");
        assert_lacks(&report, "   at ");
    });
    let Some(told) = told else { return };
    // std prints the panic of the thread itself.
    assert_count(&told.assert_success().stderr, "boom", 1);
}

#[test]
fn the_place_of_a_question_mark_does_not_pass_for_that_of_a_panic() {
    let name = "the_place_of_a_question_mark_does_not_pass_for_that_of_a_panic";
    let told = child(name).run(|| {
        let reports = Reports::new();
        reports
            .spawn(async {
                let outer = candor::spawn(async {
                    candor::spawn(on_a_thread(panics_early)).await?;
                    candor::Ok(())
                });
                outer.await?;
                candor::Ok(())
            })
            .detach();
        reports.drain();
        let report = reports.only();
        assert_contains(&report, "caused by task #3 panicked: boom");
        assert_count(&report, "raised elsewhere", 1);
        assert_lacks(&report, "   at ");
        assert_lacks(&report, "backtrace (");

        let error = reports.block_on(async {
            candor::spawn(on_a_thread(panics_early)).await?;
            candor::Ok(())
        });
        assert_lacks(&format!("{:?}", error.unwrap_err()), "\n   at ");
    });
    let Some(told) = told else { return };
    told.assert_success();
}

#[test]
fn the_place_of_a_question_mark_is_shown_of_an_error_that_knows_no_other() {
    let reports = Reports::new();
    reports
        .spawn(async {
            candor::spawn(async { Err::<(), _>("no") }).await?;
            candor::Ok(())
        })
        .detach();
    reports.drain();
    assert_contains(&reports.only(), "\n   at tests/panics.rs:");
}

/// The report of a task that awaits one that panics with `raise`, and goes on with the panic as `resumes` does.
fn report_of_an_awaiter(raise: fn(), resumes: fn(candor::Panic)) -> String {
    let reports = Reports::new();
    reports
        .spawn(async move {
            let Err(JoinError::Panicked(panic)) = candor::spawn(async move { raise() }).await
            else {
                panic!("it panics");
            };
            resumes(panic);
        })
        .detach();
    reports.drain();
    reports.only()
}

#[test]
fn a_payload_that_an_awaiter_takes_and_resumes_is_reported_with_the_panic_that_it_perhaps_resumes()
{
    let payloads: [fn(); 3] = [
        panics_early,
        || panics_formatted(std::hint::black_box("oom")),
        || panic_any(7_u8),
    ];
    for raise in payloads {
        let by_payload = report_of_an_awaiter(raise, |panic| resume_unwind(panic.into_payload()));
        assert_contains(&by_payload, "perhaps caused by task #2 panicked: ");
        assert_contains(&by_payload, "\n      at tests/panics.rs:");
        assert_contains(&by_payload, "\n      backtrace");
        let resumed = report_of_an_awaiter(raise, |panic| panic.resume());
        assert_contains(&resumed, "\n   caused by task #2 panicked: ");
        assert_contains(&resumed, "\n   at tests/panics.rs:");
    }
}

#[test]
fn a_payload_that_was_dropped_explains_an_equal_one_of_another_task_only_perhaps() {
    let raise: [fn(); 2] = [panics_early, || panic_any(5_i32)];
    let equal: [fn() -> Box<dyn Any + Send>; 2] = [|| Box::new("boom"), || Box::new(5_i32)];
    for (raise, equal) in raise.into_iter().zip(equal) {
        let error = candor::block_on(async {
            let Err(JoinError::Panicked(panic)) = candor::spawn(async move { raise() }).await
            else {
                panic!("it panics");
            };
            drop(panic.into_payload());
            let innocent = candor::spawn(async move { resume_unwind(equal()) });
            let awaiter = candor::spawn(async move {
                innocent.await?;
                candor::Ok(())
            });
            awaiter.await.unwrap_err()
        });
        let (headline, report) = (error.to_string(), format!("{error:?}"));
        assert_contains(&headline, "task #3 failed: task #2 panicked: ");
        let panicked = report.split_once("caused by task #2 panicked: ").unwrap().1;
        assert_lacks(&panicked.replace("perhaps caused by", ""), "caused by");
        assert_lacks(&report, "\n   at tests/panics.rs:");
    }
}

#[test]
fn a_payload_that_the_main_future_of_a_nested_block_on_takes_and_resumes_keeps_its_place() {
    let reports = Reports::new();
    reports
        .spawn(async {
            candor::block_on(async {
                let Err(JoinError::Panicked(panic)) = candor::spawn(async { panics_early() }).await
                else {
                    panic!("it panics");
                };
                resume_unwind(panic.into_payload());
            });
        })
        .detach();
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "task #1 panicked: boom");
    assert_contains(&report, "perhaps caused by task #1 panicked: boom");
    assert_contains(&report, "   at tests/panics.rs:");
    assert_contains(&report, "panics_early");
}

#[test]
fn a_payload_that_was_taken_lends_its_place_to_no_other() {
    struct Own(#[allow(dead_code, reason = "it has a size")] u64);
    // The first is dropped, and the second may get its memory.
    let own = report_of_an_awaiter(
        || panic_any(Own(1)),
        |panic| {
            drop(panic.into_payload());
            resume_unwind(Box::new(Own(2)));
        },
    );
    let text = report_of_an_awaiter(
        || panics_formatted(std::hint::black_box("oom")),
        |panic| {
            drop(panic.into_payload());
            resume_unwind(Box::new("bloom".to_owned()));
        },
    );
    let kept = report_of_an_awaiter(panics_early, |panic| {
        let _kept = panic.into_payload();
        resume_unwind(Box::new("boom"));
    });
    for report in [own, text, kept] {
        assert_lacks(&report, "   at tests/panics.rs:");
        assert_contains(&report, "`Panic::resume()`");
    }
}

#[test]
fn a_panic_that_was_reported_is_not_printed_again_when_it_is_resumed() {
    let name = "a_panic_that_was_reported_is_not_printed_again_when_it_is_resumed";
    let told = child(name).run(|| {
        let executor = Executor::builder().virtual_time().build();
        let fails = executor.spawn(async { panic!("boom") });
        executor.block_on(candor::sleep(Duration::from_secs(5)));
        let Err(JoinError::Panicked(panic)) = executor.block_on(fails) else {
            panic!("it panics");
        };
        catch_unwind(AssertUnwindSafe(|| panic.resume())).unwrap_err();
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "task #1 panicked", 1);
}

#[test]
fn a_panic_that_is_resumed_outside_of_a_task_is_printed_once() {
    let told = child("a_panic_that_is_resumed_outside_of_a_task_is_printed_once").run(|| {
        let fails = async { candor::spawn(async { panic!("boom") }).await };
        let Err(JoinError::Panicked(panic)) = candor::block_on(fails) else {
            panic!("it panics");
        };
        catch_unwind(AssertUnwindSafe(|| panic.resume())).unwrap_err();
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "task #1 panicked: boom", 1);
    assert_contains(&told.stderr, "panics::");
}

#[test]
fn a_resumed_panic_that_is_caught_again_is_reported_as_caught_with_its_place() {
    let reports = Reports::new();
    let _ = reports.run(async {
        let Err(JoinError::Panicked(panic)) = candor::spawn(async { panics_early() }).await else {
            panic!("it panics");
        };
        let _payload = catch_unwind(AssertUnwindSafe(|| panic.resume())).unwrap_err();
    });
    let report = reports.only();
    assert_eq!(
        headline(&report),
        "the main future caught a panic of its own: boom"
    );
    assert_contains(&report, "panics::panics_early");
    assert_eq!(reports.failures(), 0);
}

// What candor explains further.

#[test]
fn a_use_of_tokio_without_its_runtime_gets_a_line_of_help() {
    let reports = Reports::new();
    reports
        .spawn(async { tokio::time::sleep(Duration::from_secs(1)).await })
        .detach();
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "task #1 panicked: there is no reactor running");
    assert_contains(
        &report,
        "\n   help: tokio's own timers, sockets and tasks need a runtime of tokio",
    );
    assert_contains(&report, "candor::sleep");
    assert_contains(&report, "run_until");
}

#[test]
fn the_first_use_while_the_thread_unwinds_has_its_report_once_and_in_full() {
    struct Flushes;
    impl Drop for Flushes {
        fn drop(&mut self) {
            candor::block_on(async {
                candor::spawn(async { panic!("flushing failed") }).detach();
                yield_now().await;
            });
        }
    }
    let name = "the_first_use_while_the_thread_unwinds_has_its_report_once_and_in_full";
    let told = child(name).run(|| {
        catch_unwind(|| {
            let _flushes = Flushes;
            panic!("the program's own");
        })
        .unwrap_err();
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "flushing failed", 1);
    assert_contains(&told.stderr, "task #1 panicked: flushing failed\n");
    assert_contains(&told.stderr, "<panics::");
    assert_count(&told.stderr, "the program's own\n", 1);
}

// Panics of no task.

/// Runs `inner` in a task of another executor, and expects that this task has no part in what it does.
#[track_caller]
fn assert_reaches_no_outer_task(inner: impl FnOnce() + 'static) {
    let reports = Reports::new();
    let task = reports.spawn(async { inner() });
    reports.block_on(task).unwrap();
    assert_eq!(reports.texts(), [""; 0]);
    assert_eq!(reports.failures(), 0);
}

#[test]
fn what_an_inner_executors_callback_panics_with_is_no_outer_tasks() {
    let name = "what_an_inner_executors_callback_panics_with_is_no_outer_tasks";
    let told = child(name).run(|| {
        assert_reaches_no_outer_task(|| {
            let inner = Executor::builder()
                .on_failure(|_| panic!("callback"))
                .build();
            inner.spawn(async { Err::<(), _>("broken") }).detach();
            inner.drain();
        });
        // The same if the failure belongs to an executor that does not run.
        assert_reaches_no_outer_task(|| {
            let owner = Executor::builder()
                .on_failure(|_| panic!("callback"))
                .build();
            let failed = owner.spawn(async { Err::<(), _>("broken") });
            owner.tick();
            candor::block_on(async {
                candor::spawn(async { drop(failed) }).await.unwrap();
            });
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
}

#[test]
fn what_an_inner_executors_instrument_or_logger_panics_with_is_no_outer_tasks() {
    struct Hostile;
    impl Instrument for Hostile {
        fn spawn(&self, _: Instant, _: &TaskView<'_>) {
            panic!("instrument");
        }
    }
    impl log::Log for Hostile {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            if record.target() == "candor::failure" {
                panic!("logger");
            }
        }
        fn flush(&self) {}
    }
    let name = "what_an_inner_executors_instrument_or_logger_panics_with_is_no_outer_tasks";
    let told = child(name).run(|| {
        assert_reaches_no_outer_task(|| {
            let inner = Executor::builder().instrument(Hostile).build();
            inner.block_on(async { candor::spawn(async {}).await.unwrap() });
        });
        log::set_logger(&Hostile).unwrap();
        log::set_max_level(log::LevelFilter::Error);
        assert_reaches_no_outer_task(|| {
            candor::block_on(async {
                candor::spawn(async { Err::<(), _>("broken") }).detach();
                yield_now().await;
            });
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
}

#[test]
fn what_an_inner_executors_print_to_a_closed_stderr_panics_with_is_no_outer_tasks() {
    let name = "what_an_inner_executors_print_to_a_closed_stderr_panics_with_is_no_outer_tasks";
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let told = child(name).stderr(writer).run(|| {
        assert_reaches_no_outer_task(|| {
            candor::block_on(async {
                candor::spawn(async { Err::<(), _>("broken") }).detach();
                yield_now().await;
            });
        });
        println!("no outer task has it");
    });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "no outer task has it");
}

#[test]
fn what_a_debug_panics_with_in_an_inner_report_is_no_outer_tasks() {
    struct PanicsWhenShown;
    impl std::fmt::Debug for PanicsWhenShown {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("shown")
        }
    }
    let told = child("what_a_debug_panics_with_in_an_inner_report_is_no_outer_tasks").run(|| {
        assert_reaches_no_outer_task(|| {
            candor::block_on(async {
                candor::spawn(async { Err::<(), _>(PanicsWhenShown) }).detach();
                yield_now().await;
            });
        });
    });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stderr, "<its Debug panicked: shown>");
}

#[test]
fn what_a_foreign_waker_or_on_wake_panics_with_in_a_poll_is_no_tasks() {
    struct Hostile;
    impl Wake for Hostile {
        fn wake(self: Arc<Self>) {
            panic!("the waker");
        }
    }
    let told =
        child("what_a_foreign_waker_or_on_wake_panics_with_in_a_poll_is_no_tasks").run(|| {
            let waker = Waker::from(Arc::new(Hostile));
            let reports = Reports::new();
            let mut handle = reports.remote().spawn(|| async {}).unwrap();
            let cx = &mut Context::from_waker(&waker);
            assert!(Pin::new(&mut handle).poll(cx).is_pending());
            let hosted = Executor::builder().on_wake(|| panic!("on_wake")).build();
            let wakes = hosted.spawn(pending::<()>());
            hosted.tick();
            let hosted_by_waker = Executor::new();
            let mut guest = pin!(hosted_by_waker.run_until(pending::<()>()));
            assert!(guest.as_mut().poll(cx).is_pending());
            let _ = reports.run(async {
                wakes.abort();
                hosted_by_waker.spawn(async {}).detach();
            });
            assert_eq!(reports.texts(), [""; 0]);
            assert!(handle.is_finished());
        });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "the waker\n", 2);
    assert_contains(&told.stderr, "on_wake\n");
}

#[test]
fn a_panic_of_an_inner_main_future_is_the_outer_tasks() {
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    /// Ready at once, and not dropped before its executor drops it.
    fn ready_with(guard: PanicsWhenDropped) -> impl Future<Output = ()> {
        poll_fn(move |_| {
            let _held = &guard;
            Poll::Ready(())
        })
    }
    let inner: [fn(); 5] = [
        || candor::block_on(async { panics_early() }),
        || candor::block_on(ready_with(PanicsWhenDropped)),
        || Executor::new().block_on(ready_with(PanicsWhenDropped)),
        || futures::executor::block_on(Executor::new().run_until(ready_with(PanicsWhenDropped))),
        || drop(Executor::new().run_until(ready_with(PanicsWhenDropped))),
    ];
    for inner in inner {
        let reports = Reports::new();
        reports.spawn(async move { inner() }).detach();
        reports.drain();
        let report = reports.only();
        assert_contains(&report, "task #1 panicked: ");
        assert_contains(&report, "   at tests/panics.rs:");
        assert_contains(&report, "backtrace (");
    }
}

#[test]
fn a_panic_of_a_task_on_an_inner_executor_is_that_tasks() {
    let reports = Reports::new();
    let found = Rc::new(Cell::new(None));
    let set = found.clone();
    reports
        .spawn(async move {
            let payload = catch_unwind(panics_early).unwrap_err();
            let inner = Reports::new();
            inner.spawn(async { catches(1) }).detach();
            inner.spawn(async { panics_late() }).detach();
            inner.drain();
            set.set(Some(inner.end()));
            resume_unwind(payload);
        })
        .detach();
    reports.drain();
    assert_eq!(reports.end(), ["task #1 panicked: boom"]);
    let inner = found.take().unwrap();
    assert_eq!(
        inner,
        [
            "task #1 caught a panic of its own: number 1",
            "task #2 panicked: boom"
        ]
    );
}

// The end of the process.

#[test]
fn std_says_of_a_panic_in_the_debug_form_of_the_hooks_info_whether_it_can_unwind() {
    let name = "std_says_of_a_panic_in_the_debug_form_of_the_hooks_info_whether_it_can_unwind";
    let told = child(name).run(|| {
        std::panic::set_hook(Box::new(|info| {
            eprintln!(
                "{}: {info:?}",
                info.payload().downcast_ref::<&str>().unwrap()
            );
        }));
        let _guard = PanicsAgain;
        panic!("first");
    });
    let Some(told) = told else { return };
    let known = |message: &str| {
        let line = told
            .stderr
            .lines()
            .find(|line| line.starts_with(message))
            .unwrap();
        line.rsplit_once(", can_unwind: ").unwrap().1.to_owned()
    };
    assert_eq!(known("first"), "true, force_no_backtrace: false }");
    assert_eq!(known("again"), "true, force_no_backtrace: false }");
    assert_eq!(
        known("panic in a destructor"),
        "false, force_no_backtrace: true }"
    );
}

struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic!("again");
    }
}

struct Resumes;

impl Drop for Resumes {
    fn drop(&mut self) {
        resume_unwind(Box::new("resumed"));
    }
}

extern "C" fn called_from_c() {
    panic!("in c");
}

extern "C" fn resumed_in_c() {
    resume_unwind(Box::new("resumed"));
}

/// Runs `dies` in a task, or as the future of `block_on`, while another failure is unread.
fn dies_with_one_unread(is_main: bool, dies: fn()) {
    let executor = Executor::builder()
        .on_failure(|failure| println!("{failure}"))
        .build();
    executor.block_on(async move {
        let _unread = candor::spawn(async { Err::<(), _>("broken") });
        yield_now().await;
        if is_main {
            dies();
        }
        TaskBuilder::new()
            .name("dies")
            .spawn(async move { dies() })
            .detach();
        pending::<()>().await;
    });
}

/// Asserts that the process died of the panics of one task; that it printed these, each once and with its
/// place, and what was unread; and that it called no user code.
#[track_caller]
fn assert_died(told: &Told, panics: &[&str]) {
    let code = told.status.code();
    assert!(!told.status.success() && code != Some(101), "{told:#?}");
    let heads = told
        .stderr
        .lines()
        .filter(|line| line.starts_with("task #2 `dies` panicked: "));
    let expected = panics
        .iter()
        .map(|message| format!("task #2 `dies` panicked: {message}"));
    assert!(heads.eq(expected.collect::<Vec<_>>()), "{}", told.stderr);
    let unread = "task #1 has failed, and nobody has read its failure\n";
    assert_count(&told.stderr, unread, 1);
    assert_count(&told.stderr, "the process aborts now\n", 1);
    assert_lacks(&told.stdout, "panicked");
    assert_lacks(&told.stdout, "broken");
}

const IN_DESTRUCTOR: &str = "panic in a destructor during cleanup";
const IN_EXTERN_C: &str = "panic in a function that cannot unwind";

#[test]
fn a_panic_that_leaves_a_destructor_during_unwinding_is_reported_with_the_first_once_each() {
    let name =
        "a_panic_that_leaves_a_destructor_during_unwinding_is_reported_with_the_first_once_each";
    let told = child(name).run(|| {
        dies_with_one_unread(false, || {
            let _guard = PanicsAgain;
            panic!("first");
        });
    });
    let Some(told) = told else { return };
    assert_died(&told, &["first", "again", IN_DESTRUCTOR]);
    assert_count(&told.stderr, "   backtrace (", 2);
    assert_count(&told.stderr, "\n   at tests/panics.rs:", 2);
}

#[test]
fn a_panic_that_is_resumed_in_a_destructor_during_unwinding_is_reported_with_the_first() {
    let name =
        "a_panic_that_is_resumed_in_a_destructor_during_unwinding_is_reported_with_the_first";
    let told = child(name).run(|| {
        dies_with_one_unread(false, || {
            let _guard = Resumes;
            panic!("first");
        });
    });
    let Some(told) = told else { return };
    assert_died(&told, &["first", IN_DESTRUCTOR]);
}

#[test]
fn a_panic_that_leaves_an_extern_c_function_is_reported_with_those_that_were_caught_before() {
    let name =
        "a_panic_that_leaves_an_extern_c_function_is_reported_with_those_that_were_caught_before";
    let told = child(name).run(|| {
        dies_with_one_unread(false, || {
            catches(2);
            called_from_c();
        });
    });
    let Some(told) = told else { return };
    assert_died(&told, &["number 1", "number 2", "in c", IN_EXTERN_C]);
}

#[test]
fn a_panic_that_is_resumed_in_an_extern_c_function_shows_where_that_was() {
    let name = "a_panic_that_is_resumed_in_an_extern_c_function_shows_where_that_was";
    let told = child(name).run(|| dies_with_one_unread(false, || resumed_in_c()));
    let Some(told) = told else { return };
    assert_died(&told, &[IN_EXTERN_C]);
    assert_contains(&told.stderr, "panics::resumed_in_c\n");
}

#[test]
fn of_many_caught_panics_an_abort_shows_the_first_and_the_last_and_the_number() {
    let name = "of_many_caught_panics_an_abort_shows_the_first_and_the_last_and_the_number";
    let told = child(name).run(|| {
        dies_with_one_unread(false, || {
            catches(100);
            called_from_c();
        });
    });
    let Some(told) = told else { return };
    assert_count(&told.stderr, "task #2 `dies` panicked: number", 31);
    assert_contains(&told.stderr, "69 more in the same poll");
}

#[test]
#[cfg(debug_assertions)]
fn what_the_languages_own_checks_find_is_reported_in_full() {
    let name = "what_the_languages_own_checks_find_is_reported_in_full";
    let told = child(name).run(|| {
        dies_with_one_unread(false, || {
            let null: *const u32 = std::hint::black_box(std::ptr::null());
            // SAFETY: It is not sound. The check that finds this aborts before the read.
            println!("{}", unsafe { *null });
        });
    });
    let Some(told) = told else { return };
    assert_died(&told, &["null pointer dereference occurred"]);
    assert_count(&told.stderr, "\n   at tests/panics.rs:", 1);
}

#[test]
fn an_abort_in_the_future_of_block_on_tells_what_is_unread_and_leaves_the_rest_to_std() {
    let name = "an_abort_in_the_future_of_block_on_tells_what_is_unread_and_leaves_the_rest_to_std";
    let told = child(name).run(|| dies_with_one_unread(true, || called_from_c()));
    let Some(told) = told else { return };
    let code = told.status.code();
    assert!(!told.status.success() && code != Some(101), "{told:#?}");
    assert_count(
        &told.stderr,
        "task #1 has failed, and nobody has read its failure\n",
        1,
    );
    assert_count(&told.stderr, "in c\n", 1);
}

#[test]
fn an_abort_on_an_inner_executor_tells_what_is_recorded_and_unread_on_the_outer_one() {
    let name = "an_abort_on_an_inner_executor_tells_what_is_recorded_and_unread_on_the_outer_one";
    let told = child(name).run(|| {
        let _ = candor::run(async {
            let _unread = TaskBuilder::new()
                .name("unread")
                .spawn(async { Err::<(), _>("broken") });
            yield_now().await;
            TaskBuilder::new()
                .name("outer")
                .spawn(async {
                    catches(1);
                    dies_with_one_unread(false, || called_from_c());
                })
                .await
                .unwrap();
        });
    });
    let Some(told) = told else { return };
    assert_died(&told, &["in c", IN_EXTERN_C]);
    assert_count(&told.stderr, "task #2 `outer` panicked: number 1\n", 1);
    assert_count(&told.stderr, "task #1 `unread` has failed, and nobody", 1);
}

#[test]
fn an_abort_in_a_callback_tells_what_still_waits_to_be_reported() {
    let told = child("an_abort_in_a_callback_tells_what_still_waits_to_be_reported").run(|| {
        let seen = RefCell::new(Vec::new());
        let executor = Executor::builder()
            .on_failure(move |failure| {
                seen.borrow_mut().push(failure.kind());
                if failure.kind() == FailureKind::Caught {
                    called_from_c();
                }
            })
            .build();
        executor.block_on(async {
            let handles = [0; 2].map(|_| candor::spawn(async { Err::<(), _>("broken") }));
            yield_now().await;
            let dropper = candor::spawn(async move {
                drop(handles);
                catches(2);
            });
            dropper.await.unwrap();
        });
    });
    let Some(told) = told else { return };
    assert!(!told.status.success(), "{told:#?}");
    // The first is the one that the callback had.
    assert_count(&told.stderr, "task #3 panicked: number 2\n", 1);
    assert_count(&told.stderr, "task #1 has failed, and nobody", 1);
    assert_count(&told.stderr, "task #2 has failed, and nobody", 1);
}

#[test]
fn the_first_use_within_a_hook_waits_for_no_thread_that_waits_for_that_hook() {
    let name = "the_first_use_within_a_hook_waits_for_no_thread_that_waits_for_that_hook";
    let told = child(name).run(|| {
        std::panic::set_hook(Box::new(|_| {
            println!("{}", candor::block_on(async { "in the hook" }))
        }));
        assert!(catch_unwind(|| panic!("plain")).is_err());
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stdout, "in the hook", 1);
}

#[test]
fn an_error_whose_text_ends_the_process_is_named_first() {
    struct Second;
    impl Drop for Second {
        fn drop(&mut self) {
            panic!("the second")
        }
    }
    struct Evil;
    impl std::fmt::Debug for Evil {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let _second = Second;
            panic!("the first")
        }
    }
    let told = child("an_error_whose_text_ends_the_process_is_named_first").run(|| {
        candor::block_on(async {
            let evil = candor::TaskBuilder::new().name("evil");
            evil.spawn(async { Err::<(), _>(Evil) }).detach();
            yield_now().await;
            yield_now().await;
        });
    });
    let Some(told) = told else { return };
    let code = told.status.code();
    assert!(!told.status.success() && code != Some(101), "{told:#?}");
    assert_count(
        &told.stderr,
        "`evil` has failed, and nobody has read its failure",
        1,
    );
    assert_contains(&told.stderr, "panic in a destructor during cleanup");
}
