//! Each failure goes to exactly one place: to its awaiter, or into one report.
//!
//! ```text
//! the task fails ──► handle gone?                  1  reported in the same pass
//!                └─► handle held ──► awaited       2  delivered, not reported
//!                               ├──► dropped       3  reported when that poll returns
//!                               ├──► never read    4  reported after the grace, still to be awaited
//!                               └──► executor ends 5  reported then
//! ```
//!
//! What a report says is tested in `reports.rs`, and where it is printed in `where_it_goes.rs`.

#![allow(
    clippy::type_complexity,
    reason = "what a test holds is said best where it is used"
)]
#![allow(
    clippy::async_yields_async,
    reason = "handles are taken out of the executor on purpose"
)]

mod common;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::mem;
use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use candor::{
    Executor, FailureKind, FailurePolicy, JoinError, JoinHandle, TaskBuilder, TaskFailure, time,
};
use common::{
    Reports, Trace, assert_contains, assert_count, assert_lacks, child, finished, headline,
    panic_message,
};

const SECOND: Duration = Duration::from_secs(1);

/// What a task fails with. Its count is the number of copies that are alive.
#[derive(Debug)]
struct Counted(#[allow(dead_code, reason = "it is held to be counted")] Rc<()>);

/// Runs `body` when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A future whose poll is `poll`, and which panics when it is dropped.
struct PanicsWhenDropped<P>(P);

impl<T, P: FnMut() -> Poll<T> + Unpin> Future for PanicsWhenDropped<P> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        (self.0)()
    }
}

impl<P> Drop for PanicsWhenDropped<P> {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A plain value, or an error, whose destructor panics.
#[derive(Debug)]
struct Grenade;

impl candor::Value for Grenade {}

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("grenade");
    }
}

#[track_caller]
fn assert_code(code: ExitCode, expected: ExitCode) {
    // An exit code can only be compared by what it shows.
    assert_eq!(format!("{code:?}"), format!("{expected:?}"));
}

async fn fails(message: &'static str) -> Result<(), &'static str> {
    Err(message)
}

// Rule 1: the handle is gone when the task fails.

#[test]
fn a_detached_failure_is_reported_before_the_next_task_is_polled() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        candor::spawn(async { panic!("boom") }).detach();
        let events = trace.clone();
        candor::spawn(async move { events.note("second task") }).detach();
        candor::spawn(fails("broken")).detach();
        let events = trace.clone();
        candor::spawn(async move { events.note("fourth task") }).detach();
        candor::yield_now().await;
        trace.note("main");
    });
    assert_eq!(
        trace.events(),
        [
            "report: task #1 panicked: boom",
            "second task",
            "report: task #3 failed: broken",
            "fourth task",
            "main",
        ]
    );
}

#[test]
fn a_handle_dropped_before_the_first_poll_makes_no_difference() {
    let reports = Reports::new();
    drop(reports.spawn(async { panic!("boom") }));
    assert_eq!(reports.headlines().len(), 0);
    reports.drain();
    assert_eq!(reports.end(), ["task #1 panicked: boom"]);
}

#[test]
fn a_task_that_drops_its_own_handle_and_then_fails_is_reported_once() {
    let reports = Reports::new();
    reports.block_on(async {
        let slot: Rc<Cell<Option<JoinHandle<()>>>> = Rc::default();
        let own = slot.clone();
        let task = candor::spawn(async move {
            drop(own.take());
            panic!("boom");
        });
        slot.set(Some(task));
        candor::yield_now().await;
        assert_eq!(reports.headlines(), ["task #1 panicked: boom"]);
    });
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_task_that_holds_its_own_handle_is_reported_once() {
    let reports = Reports::new();
    reports.block_on(async {
        for message in ["boom", "broken"] {
            let slot: Rc<Cell<Option<JoinHandle<Result<(), &str>>>>> = Rc::default();
            let own = slot.clone();
            let task = candor::spawn(async move {
                let _own = own;
                candor::yield_now().await;
                if message == "boom" {
                    panic!("boom")
                } else {
                    Err(message)
                }
            });
            slot.set(Some(task));
        }
        candor::yield_now().await;
        candor::yield_now().await;
        candor::yield_now().await;
    });
    assert_eq!(
        reports.end(),
        ["task #1 panicked: boom", "task #2 failed: broken"]
    );
}

#[test]
fn a_failure_disturbs_neither_siblings_nor_timers() {
    let reports = Reports::new();
    let ticks = reports.block_on(async {
        let start = time::now();
        let ticker = candor::spawn(async move {
            let mut interval = time::interval(SECOND);
            for _ in 0..5 {
                interval.tick().await;
            }
            time::now() - start
        });
        for _ in 0..5 {
            candor::spawn(async { panic!("boom") }).detach();
            candor::sleep(SECOND / 2).await;
        }
        ticker.await.unwrap()
    });
    assert_eq!(ticks, 4 * SECOND);
    assert_eq!(reports.end().len(), 5);
}

// Rule 2: the handle is held and awaited.

#[test]
fn an_awaited_failure_is_delivered_and_not_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        let panics = candor::spawn(async { panic!("boom") });
        let fails = candor::spawn(fails("broken"));
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(fails.await.unwrap_err().into_failed().unwrap(), "broken");
    });
    assert_eq!(reports.failures(), 0);
    assert!(reports.end().is_empty());
}

#[test]
fn a_failure_that_waits_for_its_awaiter_is_not_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        let task = candor::spawn(fails("broken"));
        candor::sleep(SECOND / 2).await;
        assert_eq!(task.await.unwrap_err().into_failed().unwrap(), "broken");
        candor::sleep(10 * SECOND).await;
    });
    assert!(reports.end().is_empty());
}

#[test]
fn a_join_error_that_is_discarded_counts_as_read() {
    let reports = Reports::new();
    reports.block_on(async {
        let _ = candor::spawn(async { panic!("boom") }).await;
        let _ = candor::spawn(fails("broken")).await;
    });
    assert!(reports.end().is_empty());
}

#[test]
fn an_error_has_nothing_of_the_one_that_was_read_before_it() {
    let reports = Reports::of(Executor::builder().grace(SECOND));
    reports.block_on(async {
        let first = TaskBuilder::new().name("first").spawn(async {
            candor::yield_now().await;
            Err::<(), _>("one")
        });
        candor::sleep(2 * SECOND).await;
        let first = first.await.unwrap_err();
        assert!(first.failure().unwrap().last_await().is_some());
        drop(first);

        let parent = candor::spawn(async {
            let second = candor::spawn(async { Err::<(), _>("two") });
            let second = second.await.unwrap_err();
            let failure = second.failure().unwrap();
            assert_eq!(second.to_string(), "task #3 failed: two");
            assert_eq!((failure.task_name(), failure.last_await()), (None, None));
            assert_eq!(failure.lineage().ancestors()[0].id().to_string(), "#2");
        });
        parent.await.unwrap();
        candor::spawn(async { Err::<(), _>("three") }).detach();
        candor::yield_now().await;
    });
    assert_eq!(
        reports.end(),
        [
            "task #1 `first` failed (not awaited yet): one",
            "task #4 failed: three"
        ]
    );
}

#[test]
fn a_join_error_that_a_cancelled_combinator_took_counts_as_read() {
    let reports = Reports::new();
    reports.block_on(async {
        let both = futures::future::join(candor::spawn(fails("broken")), pending::<()>());
        assert!(time::timeout(SECOND / 2, both).await.is_err());
    });
    assert!(reports.end().is_empty());
}

#[test]
fn a_failure_that_its_awaiters_pass_on_is_reported_once_with_its_chain() {
    let reports = Reports::new();
    reports.block_on(async {
        let named = |name| TaskBuilder::new().name(name);
        let top = named("top").spawn(async move {
            let middle = named("middle").spawn(async move {
                named("origin").spawn(async { panic!("boom") }).await?;
                candor::Ok(())
            });
            middle.await?;
            candor::Ok(())
        });
        top.detach();
        candor::sleep(SECOND).await;
    });
    let report = reports.only();
    assert_contains(headline(&report), "task #1 `top` failed: ");
    assert_contains(&report, "task #2 `middle`");
    assert_contains(&report, "task #3 `origin` panicked: boom");
    assert_count(&report, "backtrace (", 1);
    assert_eq!(reports.end().len(), 1);
}

// Rule 3: the handle is dropped while its failure is unread.

#[test]
fn a_dropped_unread_failure_is_reported_as_soon_as_the_poll_returns() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        let task = candor::spawn(fails("broken"));
        finished(&task).await;
        let events = trace.clone();
        candor::spawn(async move {
            events.note("before the drop");
            drop(task);
            events.note("after the drop");
        })
        .detach();
        let events = trace.clone();
        candor::spawn(async move { events.note("next task") }).detach();
        candor::yield_now().await;
    });
    assert_eq!(
        trace.events(),
        [
            "before the drop",
            "after the drop",
            "report: task #1 failed: broken",
            "next task"
        ]
    );
}

#[test]
fn the_main_future_has_polls_as_well() {
    fn drops_and_notes(reports: &Reports) -> impl Future<Output = ()> {
        let trace = reports.trace.clone();
        async move {
            let task = candor::spawn(fails("broken"));
            finished(&task).await;
            drop(task);
            trace.note("after the drop");
            candor::yield_now().await;
            trace.note("next poll");
        }
    }
    let expected = [
        "after the drop",
        "report: task #1 failed: broken",
        "next poll",
    ];

    let reports = Reports::new();
    reports.block_on(drops_and_notes(&reports));
    assert_eq!(reports.trace.events(), expected, "under block_on");

    let reports = Reports::new();
    assert_code(reports.run(drops_and_notes(&reports)), ExitCode::FAILURE);
    assert_eq!(reports.trace.events(), expected, "under run");
}

#[test]
fn no_callback_runs_inside_a_destructor_of_a_user() {
    struct Holder(Option<JoinHandle<Result<(), &'static str>>>, Trace);
    impl Drop for Holder {
        fn drop(&mut self) {
            self.1.note("destructor begins");
            drop(self.0.take());
            self.1.note("destructor ends");
        }
    }

    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        let task = candor::spawn(fails("in a task"));
        finished(&task).await;
        let holder = Holder(Some(task), trace.clone());
        candor::spawn(async move { drop(holder) }).detach();
        candor::yield_now().await;

        let task = candor::spawn(fails("in a cancelled task"));
        finished(&task).await;
        let holder = Holder(Some(task), trace.clone());
        let holding = candor::spawn(async move {
            let _holder = holder;
            pending::<()>().await;
        });
        candor::yield_now().await;
        holding.abort();
        candor::yield_now().await;

        let task = candor::spawn(fails("in the main future"));
        finished(&task).await;
        drop(Holder(Some(task), trace.clone()));
    });
    assert_eq!(
        trace.events(),
        [
            "destructor begins",
            "destructor ends",
            "report: task #1 failed: in a task",
            "destructor begins",
            "destructor ends",
            "report: task #3 failed: in a cancelled task",
            "destructor begins",
            "destructor ends",
            "report: task #5 failed: in the main future",
        ]
    );
}

#[test]
fn a_handle_dropped_where_no_poll_is_running_is_reported_at_once() {
    let reports = Reports::new();
    let task = reports.spawn(fails("broken"));
    reports.drain();
    assert!(reports.headlines().is_empty());
    drop(task);
    assert_eq!(reports.headlines(), ["task #1 failed: broken"]);
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_handle_of_another_executor_dropped_within_a_poll_is_reported_after_that_poll() {
    let reports = Reports::new();
    let task = reports.spawn(fails("broken"));
    reports.drain();
    candor::block_on(async {
        drop(task);
        assert!(
            reports.headlines().is_empty(),
            "reported within a destructor"
        );
        candor::yield_now().await;
        assert_eq!(reports.headlines(), ["task #1 failed: broken"]);
    });
}

#[test]
fn a_handle_dropped_by_a_callback_is_reported_after_that_callback() {
    let trace = Trace::default();
    let others = Rc::new(RefCell::new(Vec::new()));
    let (left, noted) = (others.clone(), trace.clone());
    let executor = Executor::builder().on_failure(move |failure: &TaskFailure| {
        noted.note(format!("{} begins", failure.task_id()));
        left.take();
        noted.note(format!("{} ends", failure.task_id()));
    });
    let executor = executor.build();
    let first = executor.spawn(fails("first"));
    others.borrow_mut().push(executor.spawn(fails("second")));
    executor.drain();
    // No poll is running.
    drop(first);
    assert_eq!(
        trace.events(),
        ["#1 begins", "#1 ends", "#2 begins", "#2 ends"]
    );
}

#[test]
fn the_handles_behind_an_early_return_are_all_reported() {
    let reports = Reports::new();
    let result = reports.block_on(async {
        let handles: Vec<_> = ["first", "second", "third"]
            .map(fails)
            .map(candor::spawn)
            .into();
        for handle in handles {
            handle.await?;
        }
        Ok::<_, JoinError<&str>>(())
    });
    assert_eq!(result.unwrap_err().into_failed().unwrap(), "first");
    assert_eq!(
        reports.end(),
        ["task #2 failed: second", "task #3 failed: third"]
    );
}

#[test]
fn a_handle_in_a_cancelled_task_is_dropped_with_it() {
    let reports = Reports::new();
    reports.block_on(async {
        let task = candor::spawn(fails("broken"));
        finished(&task).await;
        let holder = candor::spawn(async move {
            pending::<()>().await;
            task.await
        });
        candor::yield_now().await;
        holder.abort();
        assert!(holder.await.unwrap_err().is_cancelled());
        assert_eq!(reports.headlines(), ["task #1 failed: broken"]);
    });
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_handle_dropped_inside_another_executor_is_reported_by_its_own() {
    let outer = Reports::new();
    let inner = Reports::new();
    outer.block_on(async {
        let task = candor::spawn(fails("broken"));
        finished(&task).await;
        inner.block_on(async {
            candor::spawn(async move { drop(task) }).detach();
            candor::yield_now().await;
        });
    });
    assert!(inner.end().is_empty());
    assert_eq!(outer.end(), ["task #1 failed: broken"]);
}

// Rule 4: the handle is held, and never awaited.

#[test]
fn a_failure_that_nobody_reads_is_reported_when_its_grace_is_over() {
    let reports = Reports::of(Executor::builder().grace(3 * SECOND));
    reports.block_on(async {
        let _held = candor::spawn(fails("broken"));
        candor::sleep(3 * SECOND - SECOND / 100).await;
        assert!(reports.headlines().is_empty());
        candor::sleep(SECOND / 50).await;
        assert_eq!(
            reports.headlines(),
            ["task #1 failed (not awaited yet): broken"]
        );
    });
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn the_grace_is_a_second_unless_it_is_set() {
    let reports = Reports::new();
    reports.block_on(async {
        let _held = candor::spawn(async { panic!("boom") });
        candor::sleep(SECOND - SECOND / 100).await;
        assert!(reports.headlines().is_empty());
        candor::sleep(SECOND / 50).await;
        assert_eq!(
            reports.headlines(),
            ["task #1 panicked (not awaited yet): boom"]
        );
    });
}

#[test]
fn an_endless_grace_ends_with_the_executor() {
    let reports = Reports::of(Executor::builder().grace(Duration::MAX));
    reports.block_on(async {
        mem::forget(candor::spawn(fails("broken")));
        candor::sleep(SECOND * 1_000_000).await;
    });
    assert!(reports.headlines().is_empty());
    assert_eq!(reports.end(), ["task #1 failed: broken"]);
}

/// On the real clock, since virtual time does not park.
#[test]
fn a_parked_executor_wakes_for_a_grace() {
    let waiting = Rc::new(Cell::new(None::<Waker>));
    let told = Rc::new(Cell::new(false));
    let (waker, is_told) = (waiting.clone(), told.clone());
    let executor = Executor::builder()
        .grace(Duration::from_millis(5))
        .on_failure(move |_| {
            is_told.set(true);
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        })
        .build();
    // Nothing but the grace could ever end this.
    executor.block_on(async {
        let _held = candor::spawn(fails("broken"));
        poll_fn(|cx| {
            waiting.set(Some(cx.waker().clone()));
            if told.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    });
    assert_eq!(executor.failures(), 1);
}

#[test]
fn a_failure_told_after_its_grace_is_marked_in_print() {
    let name = "a_failure_told_after_its_grace_is_marked_in_print";
    let told = child(name).run(|| {
        Executor::builder().virtual_time().build().block_on(async {
            let held = candor::spawn(async { panic!("boom") });
            candor::sleep(2 * SECOND).await;
            drop(held);
        });
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "task #1", 1);
    assert_contains(&told.stderr, "task #1 panicked (not awaited yet): boom");
}

#[test]
fn a_failure_told_after_its_grace_is_still_delivered_and_its_passing_on_refers_to_it() {
    let reports = Reports::new();
    reports.block_on(async {
        let task = candor::spawn(async { panic!("boom") });
        candor::sleep(2 * SECOND).await;
        assert_eq!(
            reports.headlines(),
            ["task #1 panicked (not awaited yet): boom"]
        );
        let awaiting = candor::spawn(async {
            task.await?;
            candor::Ok(())
        });
        awaiting.detach();
        candor::yield_now().await;
    });
    let texts = reports.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert_contains(&texts[1], "task #2 failed: ");
    assert_contains(&texts[1], "caused by task #1, reported above");
    assert_eq!(reports.failures(), 2);
    assert_eq!(reports.end().len(), 2);
}

#[test]
fn a_failure_told_after_its_grace_is_not_told_again_when_it_is_awaited_or_dropped() {
    let reports = Reports::new();
    reports.block_on(async {
        let awaited = candor::spawn(fails("awaited"));
        let dropped = candor::spawn(fails("dropped"));
        mem::forget(candor::spawn(fails("forgotten")));
        candor::sleep(2 * SECOND).await;
        let error = awaited.await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "task #1 failed: awaited",
            "it is awaited now"
        );
        assert_eq!(error.into_failed().unwrap(), "awaited");
        drop(dropped);
    });
    assert_eq!(reports.failures(), 3);
    assert_eq!(
        reports.end(),
        [
            "task #1 failed (not awaited yet): awaited",
            "task #2 failed (not awaited yet): dropped",
            "task #3 failed (not awaited yet): forgotten"
        ]
    );
}

#[test]
fn several_graces_end_in_the_order_of_their_failures() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        let mut held = Vec::new();
        for message in ["first", "second", "third"] {
            held.push(candor::spawn(fails(message)));
            candor::sleep(SECOND / 4).await;
        }
        drop(held.remove(1));
        candor::sleep(SECOND / 2).await;
        trace.note("first is over");
        candor::sleep(SECOND).await;
    });
    assert_eq!(
        trace.events(),
        [
            "report: task #2 failed: second",
            "report: task #1 failed (not awaited yet): first",
            "first is over",
            "report: task #3 failed (not awaited yet): third",
        ]
    );
}

// Rule 5: the executor ends.

#[test]
fn a_forgotten_handle_is_reported_when_the_executor_ends() {
    let reports = Reports::new();
    reports.block_on(async {
        mem::forget(candor::spawn(fails("broken")));
        candor::yield_now().await;
    });
    assert!(
        reports.headlines().is_empty(),
        "a kept executor has not ended"
    );
    assert_eq!(reports.end(), ["task #1 failed: broken"]);
}

#[test]
fn a_failure_in_the_pass_in_which_the_main_future_ends_is_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(fails("detached")).detach();
        mem::forget(candor::spawn(fails("forgotten")));
        candor::yield_now().await;
    });
    assert_eq!(
        reports.end(),
        ["task #1 failed: detached", "task #2 failed: forgotten"]
    );
}

#[test]
fn the_free_functions_end_their_executor() {
    let message = panic_message(|| {
        candor::test(async {
            mem::forget(candor::spawn(fails("forgotten")));
            candor::yield_now().await;
        })
    });
    assert_contains(&message, "task #1 failed: forgotten");
    let code = candor::run(async {
        mem::forget(candor::spawn(fails("forgotten")));
    });
    assert_code(code, ExitCode::FAILURE);
}

#[test]
fn a_handle_that_outlives_its_executor_still_delivers_and_is_reported_once() {
    let reports = Reports::new();
    let failed = reports.spawn(fails("broken"));
    let panicked = reports.spawn(async { panic!("boom") });
    let done = reports.spawn(async { 7 });
    reports.drain();
    let unfinished = reports.spawn(pending::<()>());
    assert_eq!(
        reports.end(),
        ["task #1 failed: broken", "task #2 panicked: boom"]
    );
    candor::block_on(async {
        assert_eq!(done.await.unwrap(), 7);
        assert!(unfinished.await.unwrap_err().is_cancelled());
        assert_eq!(failed.await.unwrap_err().into_failed().unwrap(), "broken");
        assert!(panicked.await.unwrap_err().is_panic());
    });
}

#[test]
fn a_handle_dropped_after_its_executor_is_not_reported_again() {
    let reports = Reports::new();
    let task = reports.spawn(fails("broken"));
    reports.drain();
    let texts = Rc::new(RefCell::new(Vec::new()));
    texts.borrow_mut().extend(reports.end());
    drop(task);
    assert_eq!(*texts.borrow(), ["task #1 failed: broken"]);
}

#[test]
fn unread_failures_survive_from_one_call_of_a_kept_executor_to_the_next() {
    let reports = Reports::new();
    let task = reports.block_on(async {
        let task = candor::spawn(fails("broken"));
        finished(&task).await;
        task
    });
    let error = reports.block_on(task).unwrap_err();
    assert_eq!(error.into_failed().unwrap(), "broken");
    assert!(reports.end().is_empty());
}

// Cancelling is no failure, but a destructor may fail.

#[test]
fn cancellation_is_never_a_failure() {
    let reports = Reports::new();
    reports.block_on(async {
        let aborted = candor::spawn(pending::<()>());
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        let detached = candor::spawn(pending::<()>());
        detached.abort();
        detached.detach();
        let never_polled = candor::spawn(async { panic!("it is polled") });
        never_polled.abort();
        mem::forget(never_polled);
        mem::forget(candor::spawn(pending::<()>()));
        candor::sleep(2 * SECOND).await;
    });
    candor::test(async { candor::spawn(pending::<()>()).detach() });
    assert_eq!(reports.failures(), 0);
    assert!(reports.end().is_empty());
}

#[test]
fn a_cancelled_task_whose_destructor_panics_has_failed() {
    let reports = Reports::new();
    reports.block_on(async {
        let awaited = candor::spawn(PanicsWhenDropped(|| Poll::<()>::Pending));
        awaited.abort();
        let error = awaited.await.unwrap_err();
        assert_eq!(error.failure().unwrap().message(), "dropped");

        let detached = candor::spawn(PanicsWhenDropped(|| Poll::<()>::Pending));
        detached.abort();
        detached.detach();
        candor::yield_now().await;
        assert_eq!(reports.headlines(), ["task #2 panicked: dropped"]);
        candor::spawn(PanicsWhenDropped(|| Poll::<()>::Pending)).detach();
        mem::forget(candor::spawn(PanicsWhenDropped(|| Poll::<()>::Pending)));
    });
    assert_eq!(
        reports.end(),
        [
            "task #2 panicked: dropped",
            "task #3 panicked: dropped",
            "task #4 panicked: dropped"
        ]
    );
}

#[test]
fn a_poll_that_panics_and_a_destructor_that_panics_are_both_told() {
    let reports = Reports::new();
    reports.block_on(async {
        let awaited = candor::spawn(PanicsWhenDropped(|| -> Poll<()> { panic!("polled") }));
        let error = awaited.await.unwrap_err();
        assert_eq!(error.failure().unwrap().message(), "polled");
        assert_eq!(reports.headlines(), ["task #1 panicked: dropped"]);
        candor::spawn(PanicsWhenDropped(|| -> Poll<()> { panic!("polled") })).detach();
        candor::yield_now().await;
    });
    let mut told = reports.end();
    told.sort();
    assert_eq!(
        told,
        [
            "task #1 panicked: dropped",
            "task #2 panicked: dropped",
            "task #2 panicked: polled"
        ]
    );
}

#[test]
fn a_task_that_succeeds_but_whose_future_panics_when_dropped_has_failed() {
    let reports = Reports::new();
    reports.block_on(async {
        let error = candor::spawn(PanicsWhenDropped(|| Poll::Ready(7)))
            .await
            .unwrap_err();
        assert_eq!(error.failure().unwrap().message(), "dropped");
        candor::spawn(PanicsWhenDropped(|| Poll::Ready(7))).detach();
        candor::yield_now().await;
    });
    assert_eq!(reports.end(), ["task #2 panicked: dropped"]);
}

#[test]
fn an_error_and_a_destructor_that_panics_are_both_told() {
    let reports = Reports::new();
    reports.block_on(async {
        let failing = || PanicsWhenDropped(|| Poll::Ready(Err::<(), _>("broken")));
        let error = candor::spawn(failing()).await.unwrap_err();
        assert_eq!(error.into_failed().unwrap(), "broken");
        assert_eq!(reports.headlines(), ["task #1 panicked: dropped"]);
        candor::spawn(failing()).detach();
        candor::yield_now().await;
    });
    let mut told = reports.end();
    told.sort();
    assert_eq!(
        told,
        [
            "task #1 panicked: dropped",
            "task #2 failed: broken",
            "task #2 panicked: dropped"
        ]
    );
}

#[test]
fn a_value_that_nobody_wants_and_that_panics_when_dropped_is_a_failure() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(async { Grenade }).detach();
        candor::yield_now().await;
    });
    assert_eq!(reports.end(), ["task #1 panicked: grenade"]);
}

#[test]
fn an_error_that_panics_when_dropped_is_reported_once_and_disturbs_nobody() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(async { Err::<(), _>(Grenade) }).detach();
        assert_eq!(candor::spawn(async { 7 }).await.unwrap(), 7);
    });
    assert_count(&reports.only(), "failed: Grenade", 1);
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_payload_that_panics_when_dropped_disturbs_nobody() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic_any(7);
        }
    }
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(async { panic_any(Payload) }).detach();
        assert_eq!(candor::spawn(async { 7 }).await.unwrap(), 7);
    });
    assert_eq!(reports.failures(), 1);
    assert_eq!(reports.end().len(), 1);
}

// Panics that are not like others.

#[test]
fn a_payload_that_is_no_text_reaches_the_awaiter_as_it_is() {
    let reports = Reports::new();
    reports.block_on(async {
        let Err(JoinError::Panicked(panic)) = candor::spawn(async { panic_any(7_u8) }).await else {
            unreachable!("the task panics");
        };
        assert!(panic.location().is_some());
        assert!(panic.backtrace().is_some());
        assert_eq!(*panic.into_payload().downcast::<u8>().unwrap(), 7);
        candor::spawn(async { panic_any(7_u8) }).detach();
        candor::yield_now().await;
    });
    assert_eq!(
        reports.end(),
        ["task #2 panicked: a value that is not text (panic_any)"]
    );
}

#[test]
fn a_panic_that_passed_no_hook_is_reported_and_says_why_it_has_no_backtrace() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(async { resume_unwind(Box::new("silent")) }).detach();
        candor::yield_now().await;
    });
    let report = reports.only();
    assert_contains(&report, "task #1 panicked: silent");
    assert_contains(&report, "no backtrace: ");
    assert_contains(&report, "resume_unwind");
}

#[test]
fn a_resumed_panic_keeps_its_record() {
    let reports = Reports::new();
    reports.block_on(async {
        let origin = TaskBuilder::new()
            .name("origin")
            .spawn(async { panic!("boom") });
        let resuming = candor::spawn(async {
            match origin.await {
                Err(JoinError::Panicked(panic)) => panic.resume(),
                other => unreachable!("the task panics: {other:?}"),
            }
        });
        let Err(JoinError::Panicked(panic)) = resuming.await else {
            unreachable!("the task resumes the panic");
        };
        assert!(panic.location().is_some());
        assert!(panic.backtrace().is_some());
        candor::spawn(async { panic.resume() }).detach();
        candor::yield_now().await;
    });
    let report = reports.only();
    assert_eq!(headline(&report), "task #3 panicked: boom");
    assert_contains(&report, "tests/failures.rs");
    assert_contains(&report, "caused by task #1 `origin` panicked: boom");
    assert_contains(&report, "passed on by task #2, ");
    assert_count(&report, "backtrace (", 1);
    assert_lacks(&report, "no backtrace");
}

#[test]
fn a_panic_that_a_task_catches_is_reported_once_as_caught_and_not_counted() {
    let kinds = Rc::new(RefCell::new(Vec::new()));
    let seen = kinds.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| seen.borrow_mut().push((failure.kind(), failure.report())))
        .build();
    let code = executor.run(async {
        let caught: Result<(), Box<dyn Any + Send>> = catch_unwind(|| panic!("boom"));
        assert!(caught.is_err());
        let task = candor::spawn(async {
            assert!(catch_unwind(|| panic!("bang")).is_err());
            7
        });
        assert_eq!(task.await.unwrap(), 7);
    });
    assert_code(code, ExitCode::SUCCESS);
    assert_eq!(executor.failures(), 0);
    let kinds = kinds.borrow();
    assert_eq!(kinds.len(), 2, "{kinds:#?}");
    assert!(
        kinds.iter().all(|(kind, _)| *kind == FailureKind::Caught),
        "{kinds:#?}"
    );
    assert_contains(&kinds[0].1, "boom");
    assert_contains(&kinds[1].1, "task #1 caught");
    assert_contains(&kinds[1].1, "bang");
}

#[test]
fn a_caught_panic_does_not_hide_the_real_one_after_it() {
    // In a process of its own, since the hook prints both: it cannot know that the first was caught.
    let name = "a_caught_panic_does_not_hide_the_real_one_after_it";
    let told = child(name).run(|| {
        for second in ["the same", "another"] {
            let reports = Reports::new();
            let code = reports.run(async move {
                let task = async move {
                    catch_unwind(|| panic!("the same")).unwrap_err();
                    panic!("{second}");
                };
                candor::spawn(task).detach();
            });
            assert_code(code, ExitCode::FAILURE);
            assert_eq!(reports.failures(), 1, "after {second}");
            let mut told = reports.end();
            told.retain(|line| line.contains(" panicked: "));
            assert_eq!(told, [format!("task #1 panicked: {second}")]);
        }
    });
    let Some(told) = told else { return };
    told.assert_success();
}

#[test]
fn a_caught_panic_does_not_lend_its_place_to_a_silent_one() {
    let reports = Reports::new();
    reports.block_on(async {
        let task = candor::spawn(async {
            assert!(catch_unwind(|| panic!("caught")).is_err());
            resume_unwind(Box::new("silent"))
        });
        let error = task.await.unwrap_err();
        assert_eq!(error.failure().unwrap().message(), "silent");
        assert_eq!(error.failure().unwrap().location(), None);
    });
    let report = reports.only();
    assert_contains(&report, "task #1 caught");
    assert_contains(&report, "caught");
}

// The callback.

#[test]
fn a_failure_inside_on_failure_is_reported_after_it() {
    let trace = Trace::default();
    let events = trace.clone();
    let executor = Executor::builder()
        .on_failure(move |failure| {
            events.note(format!("begin {}", failure.message()));
            if failure.message() == "outer" {
                candor::spawn(fails("inner")).detach();
            }
            events.note(format!("end {}", failure.message()));
        })
        .build();
    executor.spawn(fails("outer")).detach();
    executor.drain();
    assert_eq!(
        trace.events(),
        ["begin outer", "end outer", "begin inner", "end inner"]
    );
    assert_eq!(executor.failures(), 2);
}

#[test]
fn on_failure_is_not_called_again_while_it_runs() {
    let trace = Trace::default();
    let events = trace.clone();
    let held: Rc<RefCell<Vec<JoinHandle<Result<(), &str>>>>> = Rc::default();
    let handles = held.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| {
            events.note(format!("begin {}", failure.message()));
            handles.take();
            events.note(format!("end {}", failure.message()));
        })
        .build();
    executor.block_on(async {
        held.borrow_mut().push(candor::spawn(fails("held")));
        candor::yield_now().await;
        candor::spawn(fails("outer")).detach();
        candor::yield_now().await;
    });
    assert_eq!(
        trace.events(),
        ["begin outer", "end outer", "begin held", "end held"]
    );
}

#[test]
fn an_on_failure_that_panics_stops_nobody() {
    let calls = Rc::new(Cell::new(0));
    let counter = calls.clone();
    let executor = Executor::builder()
        .on_failure(move |_| {
            counter.set(counter.get() + 1);
            panic!("the callback");
        })
        .build();
    let seven = executor.block_on(async {
        candor::spawn(fails("first")).detach();
        candor::spawn(fails("second")).detach();
        candor::spawn(async { 7 }).await.unwrap()
    });
    assert_eq!(seven, 7);
    assert_eq!(calls.get(), 2);
    assert_eq!(executor.failures(), 2);
}

// Policies, counts and exit codes.

#[test]
fn the_policy_report_lets_everything_else_go_on() {
    let executor = Executor::builder()
        .on_failure(|_| ())
        .failure_policy(FailurePolicy::Report)
        .build();
    let done = Rc::new(Cell::new(false));
    let is_done = done.clone();
    let code = executor.run(async move {
        candor::spawn(fails("broken")).detach();
        candor::yield_now().await;
        candor::spawn(async move { is_done.set(true) }).detach();
    });
    assert!(done.get());
    assert_code(code, ExitCode::FAILURE);
}

fn shutting_down() -> Executor {
    Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .failure_policy(FailurePolicy::Shutdown)
        .build()
}

#[test]
fn the_policy_shutdown_cancels_everything_and_block_on_names_the_task() {
    let executor = shutting_down();
    let cancelled = Rc::new(Cell::new(false));
    let is_cancelled = cancelled.clone();
    let message = panic_message(|| {
        executor.block_on(async {
            let guard = OnDrop(move || is_cancelled.set(true));
            candor::spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            })
            .detach();
            TaskBuilder::new()
                .name("culprit")
                .spawn(fails("broken"))
                .detach();
            pending::<()>().await;
        })
    });
    assert_contains(&message, "task #2 `culprit` failed: broken");
    assert!(cancelled.get());
}

#[test]
fn the_policy_shutdown_lets_run_return_failure_and_drain_return() {
    let code = shutting_down().run(async {
        candor::spawn(fails("broken")).detach();
        pending::<()>().await;
    });
    assert_code(code, ExitCode::FAILURE);

    let executor = shutting_down();
    let waiting = executor.spawn(pending::<()>());
    executor.spawn(fails("broken")).detach();
    executor.drain();
    assert!(executor.block_on(waiting).unwrap_err().is_cancelled());
}

#[test]
fn the_policy_shutdown_ignores_what_an_awaiter_handles() {
    let code = shutting_down().run(async {
        candor::spawn(fails("broken")).await.unwrap_err();
        assert!(catch_unwind(|| panic!("caught")).is_err());
        candor::sleep(5 * SECOND).await;
    });
    assert_code(code, ExitCode::SUCCESS);
}

#[test]
fn the_policy_abort_reports_and_then_runs_no_destructor() {
    let name = "the_policy_abort_reports_and_then_runs_no_destructor";
    let told = child(name).run(|| {
        let executor = Executor::builder()
            .failure_policy(FailurePolicy::Abort)
            .build();
        let _guard = OnDrop(|| eprintln!("a destructor runs"));
        executor.spawn(fails("delivered")).detach();
        executor.drain();
        eprintln!("it lives on");
    });
    let Some(told) = told else { return };
    assert!(
        !told.status.success() && told.status.code() != Some(101),
        "{told:#?}"
    );
    assert_contains(&told.stderr, "task #1 failed: delivered");
    assert_lacks(&told.stderr, "a destructor runs");
    assert_lacks(&told.stderr, "it lives on");
}

#[test]
fn failures_counts_what_was_reported_and_nothing_else() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(fails("delivered")).await.unwrap_err();
        assert_eq!(reports.failures(), 0);
        candor::spawn(fails("detached")).detach();
        candor::yield_now().await;
        assert_eq!(reports.failures(), 1);
        let held = candor::spawn(fails("grace"));
        candor::sleep(2 * SECOND).await;
        assert_eq!(reports.failures(), 2);
        held.await.unwrap_err();
        assert_eq!(reports.failures(), 2);
    });
}

#[test]
fn the_exit_code_of_run_tells_whether_a_failure_was_reported() {
    assert_code(candor::run(async {}), ExitCode::SUCCESS);
    assert_code(candor::run(async { Ok::<_, &str>(()) }), ExitCode::SUCCESS);
    assert_code(candor::run(fails("main")), ExitCode::FAILURE);
    assert_code(candor::run(async { panic!("main") }), ExitCode::FAILURE);
    let awaited = async { candor::spawn(fails("task")).await.unwrap_err() };
    assert_code(
        candor::run(async { drop(awaited.await) }),
        ExitCode::SUCCESS,
    );
    let detached = async { candor::spawn(fails("task")).detach() };
    assert_code(candor::run(detached), ExitCode::FAILURE);
}

#[test]
fn a_failure_that_was_told_after_its_grace_makes_run_return_failure() {
    let reports = Reports::new();
    let code = reports.run(async {
        let held = candor::spawn(fails("broken"));
        candor::sleep(2 * SECOND).await;
        held.await.unwrap_err();
    });
    assert_code(code, ExitCode::FAILURE);
    assert_code(reports.run(async {}), ExitCode::SUCCESS);
}

#[test]
fn the_main_future_of_run_is_reported_like_a_task_and_the_tasks_go_on() {
    for panics in [false, true] {
        let reports = Reports::new();
        let trace = reports.trace.clone();
        let code = reports.run(async move {
            candor::spawn(async move {
                candor::sleep(SECOND).await;
                trace.note("the task is done");
            })
            .detach();
            if panics {
                panic!("main")
            } else {
                Err::<(), _>("main")
            }
        });
        assert_code(code, ExitCode::FAILURE);
        let how = if panics { "panicked" } else { "failed" };
        assert_eq!(
            reports.trace.events(),
            [
                format!("report: the main future {how}: main"),
                "the task is done".to_owned()
            ]
        );
        assert_eq!(reports.failures(), 1);
    }
}

#[test]
fn exit_cancels_everything_reports_what_is_unread_and_gives_the_code() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    let code = reports.run(async move {
        mem::forget(candor::spawn(fails("unread")));
        let guarded = trace.clone();
        let guard = OnDrop(move || guarded.note("cancelled"));
        candor::spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        })
        .detach();
        candor::spawn(async move {
            candor::exit(42);
            trace.note("this poll goes on");
            candor::yield_now().await;
            trace.note("the next does not come");
        })
        .detach();
        pending::<()>().await;
    });
    assert_code(code, ExitCode::from(42));
    assert_eq!(
        reports.trace.events(),
        [
            "this poll goes on",
            "cancelled",
            "report: task #1 failed: unread"
        ]
    );
}

#[test]
fn exit_makes_block_on_panic_with_the_code() {
    let message = panic_message(|| {
        candor::block_on(async {
            candor::spawn(async { candor::exit(42) }).detach();
            pending::<()>().await;
        })
    });
    assert_contains(&message, "exit(42)");
}

#[test]
fn exit_of_zero_is_success_whatever_was_reported() {
    let reports = Reports::new();
    let code = reports.run(async {
        candor::spawn(fails("broken")).detach();
        candor::yield_now().await;
        candor::exit(0);
    });
    assert_code(code, ExitCode::SUCCESS);
    assert_eq!(reports.end(), ["task #1 failed: broken"]);
}

// `candor::test`.

#[test]
fn a_passing_test_hides_no_failure() {
    let message = panic_message(|| {
        candor::test(async {
            candor::spawn(fails("first")).detach();
            candor::spawn(async { panic!("second") }).detach();
            candor::yield_now().await;
        })
    });
    assert_contains(&message, "task #1 failed: first");
    assert_contains(&message, "task #2 panicked: second");
    assert_contains(&message, "tests/failures.rs");
}

#[test]
fn a_test_fails_with_what_its_future_returns() {
    let message = panic_message(|| candor::test(fails("broken")));
    assert_contains(&message, "broken");
    assert_eq!(candor::test(async { Ok::<_, &str>(7) }), 7);
    let message = panic_message(|| match candor::test(async { panic!("boom") }) {});
    assert_eq!(message, "boom");
}

#[test]
fn a_test_passes_if_its_failures_were_awaited_or_caught() {
    candor::test(async {
        candor::spawn(fails("delivered")).await.unwrap_err();
        candor::spawn(async { assert!(catch_unwind(|| panic!("caught")).is_err()) })
            .await
            .unwrap();
    });
}

// Numbers.

#[test]
fn ten_thousand_failures_leave_nothing_behind() {
    const FAILURES: u64 = 10_000;
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .build();
    let alive = Rc::new(());
    let most = executor.block_on(async {
        let mut most = 0;
        for _ in 0..FAILURES {
            let error = Counted(alive.clone());
            candor::spawn(async { Err::<(), _>(error) }).detach();
            candor::yield_now().await;
            most = most.max(Rc::strong_count(&alive));
        }
        most
    });
    assert!(most <= 2, "{most} errors were alive at once");
    assert_eq!(executor.failures(), FAILURES);
}

#[test]
fn ten_thousand_panics_leave_nothing_behind() {
    struct Payload(Arc<AtomicUsize>);
    impl Drop for Payload {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    const FAILURES: u64 = 10_000;
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .build();
    let alive = Arc::new(AtomicUsize::new(0));
    let most = executor.block_on(async {
        let mut most = 0;
        for _ in 0..FAILURES {
            alive.fetch_add(1, Ordering::Relaxed);
            let payload = Payload(alive.clone());
            candor::spawn(async { panic_any(payload) }).detach();
            candor::yield_now().await;
            most = most.max(alive.load(Ordering::Relaxed));
        }
        most
    });
    assert_eq!(most, 0, "payloads were kept");
    assert_eq!(executor.failures(), FAILURES);
}

#[test]
fn ten_thousand_failures_that_are_awaited_late_leave_nothing_behind() {
    let reports = Reports::of(Executor::builder().grace(Duration::MAX));
    let alive = Rc::new(());
    reports.block_on(async {
        for _ in 0..10_000 {
            let error = Counted(alive.clone());
            let task = candor::spawn(async { Err::<(), _>(error) });
            candor::sleep(SECOND).await;
            task.await.unwrap_err();
        }
        assert_eq!(Rc::strong_count(&alive), 1);
    });
    assert!(reports.end().is_empty());
}

#[test]
fn a_failed_task_whose_handle_is_never_polled_is_ready_at_once() {
    let reports = Reports::new();
    reports.block_on(async {
        let task = candor::spawn(fails("broken"));
        finished(&task).await;
        let mut task = task;
        let outcome = futures::poll!(&mut task);
        assert!(matches!(outcome, Poll::Ready(Err(JoinError::Failed(..)))));
        ready(()).await;
    });
    assert!(reports.end().is_empty());
}

#[test]
fn a_lineage_has_the_nearest_16_ancestors_and_counts_the_others_however_long_it_is() {
    /// The failure of the last of `left` tasks, each of which spawns the next.
    fn failure_below(
        left: u64,
    ) -> std::pin::Pin<Box<dyn Future<Output = JoinError<&'static str>>>> {
        Box::pin(async move {
            match left {
                1 => candor::spawn(async { Err::<(), _>("boom") })
                    .await
                    .unwrap_err(),
                _ => candor::spawn(async move { candor::Plain(failure_below(left - 1).await) })
                    .await
                    .unwrap(),
            }
        })
    }
    for generations in [1, 2, 15, 16, 17, 18, 31, 32, 33, 34, 100] {
        let error = candor::block_on(failure_below(generations));
        let failure = error.failure().unwrap();
        let ancestors = failure.lineage().ancestors();
        let ids: Vec<String> = ancestors.iter().map(|one| one.id().to_string()).collect();
        let nearest = (1..generations).rev().take(16);
        let expected: Vec<String> = nearest.map(|id| format!("#{id}")).collect();
        assert_eq!(ids, expected, "{generations}");
        let omitted = (generations - 1).saturating_sub(16);
        assert_eq!(failure.lineage().omitted(), omitted, "{generations}");
        assert!(
            failure
                .report()
                .contains("by block_on at tests/failures.rs:")
        );
    }
}

#[test]
fn an_error_that_nobody_asks_for_its_text_gives_none_though_a_task_read_another_before() {
    struct Loud;
    impl std::fmt::Debug for Loud {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("it was asked")
        }
    }
    candor::block_on(async {
        let reads = async { drop(candor::spawn(async { Err::<(), _>(5) }).await) };
        candor::spawn(reads).await.unwrap();
        for _ in 0..4 {
            drop(candor::spawn(async { Err::<(), _>(Loud) }).await);
        }
    });
}
