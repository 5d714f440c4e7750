//! Odd orders: each failure has exactly one place, even when two rare things happen at once.
//!
//! ```text
//! a handle is dropped, polled or aborted        by its own task · in a destructor · in on_failure ·
//!                                               in another executor · when the thread ends
//! an executor ends                              in a panic · in its own task's hands · and another
//!                                               one lives on in its core
//! ```

#![allow(
    clippy::async_yields_async,
    reason = "a sleep is taken out of its executor on purpose"
)]

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use candor::{Executor, JoinHandle, TaskBuilder, TaskGroup, sleep, spawn, time, yield_now};
use common::{Reports, assert_contains, assert_count, child, headline, panic_message};

const SECOND: Duration = Duration::from_secs(1);

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A place where a task's handle can be found by the task itself, or by code that needs it too early.
type Held = Rc<RefCell<Option<JoinHandle<()>>>>;

/// Polls the handle that is held, and says whether it was ready.
fn is_ready(held: &Held) -> bool {
    let mut handle = held.take().expect("a handle is held");
    let poll = Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
    held.replace(Some(handle));
    poll.is_ready()
}

#[test]
fn a_destructor_that_drops_its_own_handle_and_panics_is_reported_once() {
    let reports = Reports::new();
    let held = Held::default();
    let found = held.clone();
    let drops_and_panics = OnDrop(move || {
        found.take();
        panic!("in the destructor");
    });
    held.replace(Some(reports.spawn(async move {
        let _guard = drops_and_panics;
        pending().await
    })));
    let aborter = held.borrow().as_ref().unwrap().abort_handle();
    reports.block_on(async {
        yield_now().await;
        aborter.abort();
        yield_now().await;
    });
    assert_eq!(reports.headlines(), ["task #1 panicked: in the destructor"]);
    assert!(aborter.is_finished());
}

#[test]
fn a_destructor_that_polls_and_aborts_its_own_task_changes_nothing() {
    let reports = Reports::new();
    let held = Held::default();
    let found = held.clone();
    let guard = OnDrop(move || {
        assert!(!is_ready(&found), "the task has not come to its end");
        found.borrow().as_ref().unwrap().abort();
    });
    held.replace(Some(reports.spawn(async move { drop(guard) })));
    reports.block_on(yield_now());
    let handle = held.take().unwrap();
    reports.block_on(handle).unwrap();
    assert!(reports.end().is_empty());
}

#[test]
fn whoever_awaits_a_failure_while_it_is_being_reported_gets_it_at_once() {
    let held = Held::default();
    let got = Rc::new(Cell::new(0));
    let (found, counted) = (held.clone(), got.clone());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |_| {
            let handle = found.take().expect("it is reported once");
            assert!(candor::block_on(handle).unwrap_err().is_panic());
            counted.set(counted.get() + 1);
        })
        .build();
    held.replace(Some(executor.spawn(async { panic!("boom") })));
    executor.block_on(sleep(2 * SECOND));
    assert_eq!((executor.failures(), got.get()), (1, 1));
}

#[test]
fn a_group_joined_while_its_failure_is_being_reported_knows_it() {
    let held: Rc<RefCell<Option<TaskGroup>>> = Rc::default();
    let got = Rc::new(Cell::new(0));
    let (found, counted) = (held.clone(), got.clone());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |_| {
            let group = found.take().expect("it is reported once");
            let joined = candor::block_on(group.join());
            counted.set(joined.unwrap_err().failures().len());
        })
        .build();
    executor.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async { Err::<(), _>("one") });
        held.replace(Some(group));
        sleep(2 * SECOND).await;
    });
    assert_eq!((executor.failures(), got.get()), (1, 1));
}

#[test]
fn what_the_callback_of_another_executor_drops_is_reported_without_a_visit_to_it() {
    type Fails = JoinHandle<Result<(), &'static str>>;
    let second: Rc<RefCell<Option<Fails>>> = Rc::default();
    let told: Rc<RefCell<Vec<String>>> = Rc::default();
    let (found, noted) = (second.clone(), told.clone());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| {
            noted.borrow_mut().push(failure.message().to_owned());
            drop(found.take());
        })
        .build();
    let first = executor.spawn(async { Err::<(), _>("one") });
    second.replace(Some(executor.spawn(async { Err::<(), _>("two") })));
    executor.drain();
    candor::block_on(async move {
        drop(first);
        yield_now().await;
    });
    assert_eq!(*told.borrow(), ["one", "two"]);
}

#[test]
fn handles_that_on_failure_drops_are_reported_one_after_the_other() {
    let held: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
    let messages: Rc<RefCell<Vec<String>>> = Rc::default();
    let (found, noted) = (held.clone(), messages.clone());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| {
            noted.borrow_mut().push(failure.message().to_owned());
            let last = found.borrow_mut().pop();
            drop(last);
        })
        .build();
    for number in 1..=5 {
        let fails = executor.spawn(async move { panic!("{number}") });
        held.borrow_mut().push(fails);
    }
    executor.block_on(async {
        spawn(async { panic!("first") }).detach();
        yield_now().await;
    });
    assert_eq!(*messages.borrow(), ["first", "5", "4", "3", "2", "1"]);
    assert_eq!(executor.failures(), 6);
}

#[test]
fn an_exit_from_on_failure_decides_the_code_whenever_it_comes() {
    let shown = |code: ExitCode| format!("{code:?}");
    let exiting = || {
        let builder = Executor::builder().virtual_time();
        builder.on_failure(|_| candor::exit(9)).build()
    };
    let in_the_middle = exiting().run(async {
        spawn(async { panic!("boom") }).detach();
        pending::<()>().await;
    });
    let after_its_grace = exiting().run(async {
        let _held = spawn(async { panic!("boom") });
        pending::<()>().await;
    });
    let at_the_end = exiting().run(async { spawn(async { panic!("boom") }).detach() });
    let of_the_main_future = exiting().run(async { Err::<(), _>("broken") });
    for code in [
        in_the_middle,
        after_its_grace,
        at_the_end,
        of_the_main_future,
    ] {
        assert_eq!(shown(code), shown(ExitCode::from(9)));
    }
}

#[test]
fn a_panic_that_a_destructor_catches_while_the_executor_ends_is_told_as_caught() {
    let reports = Reports::new();
    let catches = OnDrop(|| assert!(catch_unwind(|| panic!("boom")).is_err()));
    reports
        .spawn(async move {
            let _guard = catches;
            pending::<()>().await;
        })
        .detach();
    reports.block_on(yield_now());
    assert_eq!(reports.end(), ["task #1 caught a panic of its own: boom"]);
}

/// A panic that the compiler does not see.
fn panic_with(message: &str) {
    panic!("{message}");
}

#[test]
fn a_panic_within_a_timeout_is_a_panic_and_takes_its_timer_along() {
    let reports = Reports::new();
    reports.block_on(async {
        let start = time::now();
        spawn(time::timeout(5 * SECOND, async {
            sleep(SECOND).await;
            panic_with("boom");
        }))
        .detach();
        sleep(SECOND).await;
        yield_now().await;
        assert_eq!(time::now() - start, SECOND);
    });
    let report = reports.only();
    assert_eq!(headline(&report), "task #1 panicked: boom");
    assert_contains(&report, "last await: sleep at tests/corners.rs:");
}

#[test]
fn a_nested_executor_that_a_panic_ends_tells_all_of_its_failures_once() {
    let told =
        child("a_nested_executor_that_a_panic_ends_tells_all_of_its_failures_once").run(|| {
            let _ = candor::run(async {
                let enters = async {
                    candor::block_on(async {
                        let _unread = spawn(async { panic!("inner, unread") });
                        let panics = OnDrop(|| panic!("inner, dropped"));
                        spawn(async move {
                            let _guard = panics;
                            pending::<()>().await;
                        })
                        .detach();
                        yield_now().await;
                        panic!("inner, main");
                    })
                };
                TaskBuilder::new().name("outer").spawn(enters).detach();
                spawn(async { println!("the sibling runs") }).detach();
            });
        });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "task #1 panicked: inner, unread", 1);
    assert_count(&told.stderr, "task #2 panicked: inner, dropped", 1);
    assert_count(&told.stderr, "task #1 `outer` panicked: inner, main", 1);
    assert_count(&told.stderr, "inner, main", 1);
    assert_contains(&told.stdout, "the sibling runs");
}

#[test]
fn an_executor_that_its_own_task_holds_ends_after_that_task() {
    let executor = Rc::new(Executor::builder().virtual_time().build());
    let (held, was_dropped) = (Rc::clone(&executor), Rc::new(Cell::new(false)));
    let notes = OnDrop({
        let was_dropped = Rc::clone(&was_dropped);
        move || was_dropped.set(true)
    });
    let task = executor.spawn(async move {
        let _held = (notes, held);
        pending::<()>().await;
    });
    executor.block_on(yield_now());
    task.abort();
    assert!(!was_dropped.get());
    executor.block_on(yield_now());
    assert!(was_dropped.get());
    assert_eq!(Rc::strong_count(&executor), 1);
}

#[test]
fn wakers_of_a_hundred_earlier_executors_of_the_thread_disturb_no_later_one() {
    let stale: RefCell<Vec<Waker>> = RefCell::default();
    for _ in 0..100 {
        let polls = Rc::new(Cell::new(0));
        candor::block_on(async {
            let (counted, wakers) = (Rc::clone(&polls), Rc::new(RefCell::new(Vec::new())));
            let kept = Rc::clone(&wakers);
            let task = spawn(poll_fn(move |cx| {
                counted.set(counted.get() + 1);
                kept.borrow_mut().push(cx.waker().clone());
                if counted.get() == 1 {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
            stale.borrow().iter().for_each(Waker::wake_by_ref);
            let elsewhere = stale.borrow().clone();
            let wakes = thread::spawn(move || elsewhere.into_iter().for_each(Waker::wake));
            task.await.unwrap();
            wakes.join().unwrap();
            stale.borrow_mut().append(&mut wakers.take());
        });
        assert_eq!(polls.get(), 2);
    }
}

thread_local! {
    static HANDLE: RefCell<Option<JoinHandle<()>>> = const { RefCell::new(None) };
    static EXECUTOR: RefCell<Option<Executor>> = const { RefCell::new(None) };
}

/// Leaves an executor and the handle of its failed task to the end of the thread, which drops what was touched
/// last first.
fn leave_to_the_end_of_the_thread(message: &'static str, touch: fn()) {
    touch();
    let executor = Executor::new();
    let fails = executor.spawn(async move { panic!("{message}") });
    executor.block_on(yield_now());
    HANDLE.set(Some(fails));
    EXECUTOR.set(Some(executor));
}

#[test]
fn a_failure_left_to_the_end_of_a_thread_is_reported_once_in_either_order() {
    let told =
        child("a_failure_left_to_the_end_of_a_thread_is_reported_once_in_either_order").run(|| {
            let executor_first = || {
                EXECUTOR.with(|_| ());
                HANDLE.with(|_| ());
            };
            let handle_first = || {
                HANDLE.with(|_| ());
                EXECUTOR.with(|_| ());
            };
            thread::spawn(move || leave_to_the_end_of_the_thread("boom 1", executor_first))
                .join()
                .unwrap();
            thread::spawn(move || leave_to_the_end_of_the_thread("boom 2", handle_first))
                .join()
                .unwrap();
        });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "task #1 panicked: boom 1", 1);
    assert_count(&told.stderr, "task #1 panicked: boom 2", 1);
}

#[test]
fn a_grace_of_any_length_is_kept() {
    let told_within_an_hour = |grace| {
        let executor = Executor::builder()
            .virtual_time()
            .grace(grace)
            .on_failure(|_| ())
            .build();
        let _held = executor.spawn(async { panic!("boom") });
        executor.block_on(sleep(3600 * SECOND));
        executor.failures()
    };
    assert_eq!(told_within_an_hour(Duration::ZERO), 1);
    assert_eq!(told_within_an_hour(3599 * SECOND), 1);
    for endless in [10_000_000_000, u64::MAX / 2, u64::MAX] {
        assert_eq!(told_within_an_hour(Duration::from_secs(endless)), 0);
    }
    assert_eq!(told_within_an_hour(Duration::MAX), 0);
}

#[test]
fn a_panic_in_the_main_future_of_a_nested_executor_is_told_once_with_its_frames() {
    let name = "a_panic_in_the_main_future_of_a_nested_executor_is_told_once_with_its_frames";
    let told = child(name).run(|| {
        let _ = candor::run(async {
            spawn(async { candor::block_on(async { panic_with("inner, main") }) }).detach();
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "inner, main", 1);
    assert_contains(&told.stderr, "task #1 panicked: inner, main");
    assert_contains(&told.stderr, "   0: corners::panic_with");
}

#[test]
fn a_handle_that_a_panic_of_the_main_future_drops_is_reported_before_the_panic_leaves() {
    let reports = Reports::new();
    let fails = reports.spawn(async { panic!("the task's") });
    reports.block_on(yield_now());
    let message = panic_message(|| {
        reports.block_on(async move {
            let _held = fails;
            panic_with("the main future's");
        });
    });
    assert_eq!(message, "the main future's");
    assert_eq!(reports.headlines(), ["task #1 panicked: the task's"]);
}

#[test]
fn an_exit_from_a_destructor_at_the_end_does_not_end_the_next_executor() {
    let exits_again = OnDrop(|| candor::exit(4));
    let _ = candor::run(async move {
        let waits = async move {
            let _guard = exits_again;
            pending::<()>().await;
        };
        spawn(waits).detach();
        yield_now().await;
        candor::exit(3);
        pending::<()>().await;
    });
    let polls = candor::block_on(async {
        yield_now().await;
        2
    });
    assert_eq!(polls, 2);
}

#[test]
fn a_sleep_from_another_executor_does_not_take_the_place_of_one_that_sleeps_here() {
    let [first, second] = [(); 2].map(|()| Executor::builder().virtual_time().build());
    let moved = first.block_on(async {
        let mut moved = sleep(2 * SECOND);
        assert!(time::timeout(SECOND, &mut moved).await.is_err());
        moved
    });
    second.block_on(async {
        let sleeper = spawn(sleep(3600 * SECOND));
        yield_now().await;
        let moved = spawn(moved);
        sleeper.await.unwrap();
        assert!(moved.is_finished());
    });
}

#[test]
fn an_exit_from_a_destructor_at_the_end_decides_the_code() {
    let exits = OnDrop(|| candor::exit(4));
    let code = candor::run(async move {
        let waits = async move {
            let _guard = exits;
            pending::<()>().await;
        };
        TaskBuilder::new().daemon().spawn(waits).detach();
        yield_now().await;
    });
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(4)));
}

#[test]
fn a_main_future_that_panics_when_it_is_dropped_is_reported_and_the_tasks_go_on() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    let panics = OnDrop(|| panic_with("dropped"));
    let _ = reports.run(poll_fn(move |_| {
        let (_kept, trace) = (&panics, trace.clone());
        spawn(async move { trace.note("the task goes on") }).detach();
        Poll::Ready(())
    }));
    assert_eq!(
        reports.trace.events(),
        [
            "report: the main future panicked: dropped",
            "the task goes on"
        ]
    );
}

#[test]
fn a_foreign_waker_may_panic_with_what_panics_when_it_is_dropped() {
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic_any(Bomb);
            }
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic_any(Bomb);
        }
    }

    let reports = Reports::new();
    let mut task = reports.spawn(async { 5 });
    let waker = Waker::from(Arc::new(Panics));
    let cx = &mut Context::from_waker(&waker);
    assert!(Pin::new(&mut task).poll(cx).is_pending());
    let after = reports.spawn(async { 6 });
    // What got out of it would end the thread of the test, without a word.
    let ended = catch_unwind(AssertUnwindSafe(|| reports.block_on(after).unwrap()));
    assert_eq!(ended.map_err(std::mem::forget), Ok(6));
    assert_eq!(reports.block_on(task).unwrap(), 5);
    assert_eq!(reports.headlines(), [""; 0]);
}
