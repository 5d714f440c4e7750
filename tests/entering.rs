//! Every way into an executor, and every way out of it: the thread is afterwards as it was before.
//!
//! ```text
//! block_on ── task ── block_on ── task ── block_on      each is an executor of its own;
//!    1                   2                   3          while the inner one runs, the outer tasks stand still
//! ```

mod common;

#[cfg(debug_assertions)]
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Once;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use candor::{Executor, FailurePolicy, TaskBuilder, sleep, spawn, yield_now};
use common::{Reports, assert_contains, assert_count, assert_lacks, child, panic_message};

/// An executor that keeps its tasks from one call to the next.
fn executor() -> Executor {
    Executor::builder().virtual_time().build()
}

/// Exit codes cannot be compared, only their text can.
#[track_caller]
fn assert_same(left: impl Debug, right: impl Debug) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"));
}

/// Whether an executor runs on this thread.
fn is_inside() -> bool {
    let caught = std::panic::catch_unwind(|| drop(spawn(async {})));
    caught.is_ok()
}

/// Keeps what is logged on this thread, since tests run on many.
struct Warnings;

thread_local! {
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.with_borrow_mut(|logged| logged.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// The warnings while `body` runs.
fn warnings_of(body: impl FnOnce()) -> Vec<String> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&Warnings).expect("this file has one logger");
        log::set_max_level(log::LevelFilter::Warn);
    });
    LOGGED.take();
    body();
    LOGGED.take()
}

#[test]
fn block_on_borrows_from_the_stack_and_returns_anything() {
    let mut numbers = vec![1, 2, 3];
    let sum = candor::block_on(async {
        numbers.push(4);
        yield_now().await;
        numbers.iter().sum::<i32>()
    });
    assert_eq!((sum, numbers.len()), (10, 4));
    let borrowed: &[i32] = candor::block_on(async { &numbers[1..] });
    assert_eq!(borrowed, [2, 3, 4]);
    // No task may return this: it is no `Outcome`.
    struct Plain<'a>(&'a str);
    assert_eq!(candor::block_on(async { Plain("text") }).0, "text");
}

#[test]
fn a_future_that_is_ready_needs_no_more_than_one_poll() {
    let polls = Cell::new(0);
    candor::block_on(poll_fn(|_| {
        polls.set(polls.get() + 1);
        Poll::Ready(())
    }));
    assert_eq!(polls.get(), 1);
}

#[test]
fn a_panic_of_the_main_future_is_an_ordinary_panic() {
    let payload = std::panic::catch_unwind(|| {
        candor::block_on(async { std::panic::panic_any(42_u8) });
    });
    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&42_u8));
    assert!(!is_inside());
}

#[test]
fn block_on_is_entered_again_and_again() {
    for round in 0..1000 {
        let task = async { spawn(async move { round }).await };
        assert_eq!(candor::block_on(task).unwrap(), round);
    }
}

#[test]
fn calls_nest_three_deep_and_each_has_its_own_tasks() {
    let ids = candor::block_on(async {
        let outer = spawn(yield_now());
        let (middle, inner) = candor::block_on(async {
            let middle = spawn(yield_now());
            let inner = candor::block_on(async {
                let inner = spawn(yield_now());
                let id = inner.id().to_string();
                inner.await.unwrap();
                id
            });
            let id = middle.id().to_string();
            middle.await.unwrap();
            (id, inner)
        });
        let id = outer.id().to_string();
        outer.await.unwrap();
        [id, middle, inner]
    });
    assert_eq!(ids, ["#1"; 3]);
    assert!(!is_inside());
}

#[test]
fn the_tasks_of_the_outer_executor_stand_still_while_the_inner_one_runs() {
    candor::test(async {
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let outer = spawn(async move {
            loop {
                counted.set(counted.get() + 1);
                yield_now().await;
            }
        });
        yield_now().await;
        let before = polls.get();
        candor::block_on(async {
            for _ in 0..100 {
                yield_now().await;
            }
        });
        assert_eq!(polls.get(), before);
        yield_now().await;
        assert_eq!(polls.get(), before + 1);
        outer.abort();
    });
}

#[test]
fn a_nested_call_is_warned_of_and_a_single_one_is_not() {
    let single = warnings_of(|| {
        candor::block_on(async {});
        let _ = candor::run(async {});
    });
    assert_eq!(single, [""; 0]);
    let nested = warnings_of(|| candor::block_on(async { candor::block_on(async {}) }));
    assert_eq!(nested.len(), 1);
    assert_contains(&nested[0], "block_on at tests/entering.rs:");
    let kept = Executor::new();
    let nested = warnings_of(|| candor::block_on(async { kept.block_on(async {}) }));
    assert_eq!(nested.len(), 1);
    assert_contains(&nested[0], "Executor::block_on at tests/entering.rs:");
    // This one panics, and says so there.
    let of_its_own = warnings_of(|| {
        panic_message(|| kept.block_on(async { kept.block_on(async {}) }));
    });
    assert_eq!(of_its_own, [""; 0]);
}

#[test]
fn after_a_panic_in_the_inner_executor_the_outer_one_is_current_again() {
    candor::test(async {
        let waiting = spawn(yield_now());
        let message = panic_message(|| {
            candor::block_on(async {
                TaskBuilder::new().daemon().spawn(pending::<()>()).detach();
                yield_now().await;
                panic!("boom");
            });
        });
        assert_eq!(message, "boom");
        let next = spawn(async { 5 });
        assert!(next.id() > waiting.id());
        assert_eq!(next.await.unwrap(), 5);
        waiting.await.unwrap();
    });
    assert!(!is_inside());
}

#[test]
fn after_a_panic_three_levels_down_each_executor_is_current_again() {
    candor::block_on(async {
        let outer = spawn(yield_now());
        candor::block_on(async {
            let middle = spawn(yield_now());
            panic_message(|| candor::block_on(async { panic!("boom") }));
            middle.await.unwrap();
        });
        outer.await.unwrap();
    });
    assert!(!is_inside());
}

#[test]
fn a_panic_through_two_executors_leaves_the_thread_as_it_was() {
    let message = panic_message(|| {
        candor::block_on(async { candor::block_on(async { panic!("boom") }) });
    });
    assert_eq!(message, "boom");
    assert!(!is_inside());
    assert_eq!(candor::block_on(async { 5 }), 5);
}

#[test]
fn a_task_may_enter_a_kept_executor_and_another_its_own() {
    let (outer, inner) = (executor(), Rc::new(executor()));
    let entered = inner.clone();
    let task = inner.spawn(async { 5 });
    let answer = outer.spawn(async move { entered.block_on(task).unwrap() });
    assert_eq!(outer.block_on(answer).unwrap(), 5);
}

#[test]
fn an_executor_entered_twice_panics_with_advice_and_runs_on() {
    let executor = Rc::new(executor());
    let again = executor.clone();
    let line = line!() + 1;
    executor.block_on(async move {
        let entries: [(&str, &dyn Fn()); 3] = [
            ("Executor::block_on", &|| again.block_on(async {})),
            ("Executor::run", &|| {
                assert_same(again.run(async {}), "never")
            }),
            ("Executor::drain", &|| again.drain()),
        ];
        for (name, enter) in entries {
            let message = panic_message(enter);
            assert_contains(&message, &format!("`{name}` was called on an executor"));
            assert_contains(&message, "already running");
            let place = format!("Executor::block_on at tests/entering.rs:{line}:14");
            assert_contains(&message, &place);
            assert_contains(&message, "`.await` the future or `spawn` it");
        }
        assert_eq!(spawn(async { 5 }).await.unwrap(), 5);
    });
}

#[test]
fn an_executor_entered_from_within_a_nested_one_panics_too() {
    let executor = Rc::new(executor());
    let again = executor.clone();
    executor.block_on(async move {
        candor::block_on(async {
            let message = panic_message(|| again.drain());
            assert_contains(&message, "already running");
        });
        yield_now().await;
    });
}

#[test]
fn a_spawn_outside_of_an_executor_panics_with_advice() {
    for message in [
        panic_message(|| drop(spawn(async {}))),
        panic_message(|| drop(TaskBuilder::new().spawn(async {}))),
    ] {
        assert_contains(&message, "no executor runs on this thread");
        assert_contains(&message, "`candor::run(async { … })`");
        assert_contains(&message, "`executor.spawn(future)`");
    }
}

#[test]
fn an_exit_outside_of_an_executor_panics_with_advice() {
    let message = panic_message(|| candor::exit(3));
    assert_contains(&message, "`exit(3)` was called where no executor runs");
    assert_contains(&message, "std::process::exit");
}

#[test]
fn exit_decides_the_code_of_run() {
    for code in [0, 3, 255] {
        let ran = candor::run(async move {
            spawn(async move { candor::exit(code) }).detach();
            pending::<()>().await;
        });
        assert_same(ran, ExitCode::from(code));
    }
}

#[test]
fn exit_from_the_main_future_ends_it_at_its_next_await() {
    let passed = Cell::new(0);
    let code = candor::run(async {
        candor::exit(3);
        passed.set(1);
        yield_now().await;
        passed.set(2);
    });
    assert_same(code, ExitCode::from(3));
    assert_eq!(passed.get(), 1);
}

#[test]
fn the_first_of_two_exits_counts() {
    let code = candor::run(async {
        candor::exit(3);
        candor::exit(4);
    });
    assert_same(code, ExitCode::from(3));
}

#[test]
fn exit_cancels_everything() {
    let held = Rc::new(());
    let inside = held.clone();
    let code = candor::run(async move {
        spawn(async move {
            let _inside = inside;
            pending::<()>().await;
        })
        .detach();
        yield_now().await;
        spawn(async { candor::exit(3) }).detach();
        spawn(async { unreachable!("nobody is polled after an exit") }).detach();
        pending::<()>().await;
    });
    assert_same(code, ExitCode::from(3));
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn exit_while_run_waits_for_the_last_tasks_decides_its_code() {
    let code = candor::run(async {
        spawn(async {
            yield_now().await;
            candor::exit(3);
        })
        .detach();
    });
    assert_same(code, ExitCode::from(3));
}

#[test]
fn block_on_has_no_code_to_return_and_panics_with_it() {
    let message = panic_message(|| {
        candor::block_on(async {
            spawn(async { candor::exit(3) }).detach();
            pending::<()>().await;
        });
    });
    assert_contains(&message, "`candor::exit(3)`");
    assert_contains(&message, "`candor::run`");
    assert!(!is_inside());
}

#[test]
fn a_kept_executor_can_be_used_again_after_an_exit() {
    let executor = executor();
    let waiting = executor.spawn(pending::<()>());
    let code = executor.run(async { candor::exit(3) });
    assert_same(code, ExitCode::from(3));
    assert!(waiting.is_finished());
    let message = panic_message(|| executor.block_on(async { candor::exit(4) }));
    assert_contains(&message, "`candor::exit(4)`");
    executor.spawn(async { candor::exit(5) }).detach();
    executor.spawn(pending::<()>()).detach();
    executor.drain();
    assert_eq!(
        executor.block_on(async { spawn(async { 7 }).await.unwrap() }),
        7
    );
}

#[test]
fn an_exit_in_a_nested_executor_ends_only_that_one() {
    let code = candor::run(async {
        let inner = candor::run(async { candor::exit(3) });
        assert_same(inner, ExitCode::from(3));
        spawn(yield_now()).await.unwrap();
    });
    assert_same(code, ExitCode::SUCCESS);
}

#[test]
fn run_waits_for_all_that_are_no_daemons() {
    let done = Rc::new(Cell::new(0));
    let counted = done.clone();
    let executor = executor();
    let code = executor.run(async move {
        let endless = async {
            loop {
                sleep(Duration::from_secs(1)).await;
            }
        };
        TaskBuilder::new().daemon().spawn(endless).detach();
        for seconds in 1..=3 {
            let counted = counted.clone();
            spawn(async move {
                sleep(Duration::from_secs(seconds)).await;
                // What a late task spawns is waited for as well.
                let last = spawn(async move { counted.set(counted.get() + 1) });
                last.detach();
            })
            .detach();
        }
    });
    assert_same(code, ExitCode::SUCCESS);
    assert_eq!(done.get(), 3);
}

#[test]
fn drain_waits_for_all_that_are_no_daemons() {
    let executor = executor();
    let task = executor.spawn(sleep(Duration::from_secs(5)));
    let daemon = TaskBuilder::new()
        .daemon()
        .spawn_on(&executor, pending::<()>());
    executor.drain();
    assert!(task.is_finished() && !daemon.is_finished());
    executor.drain();
}

#[test]
fn drain_of_nothing_returns_at_once() {
    executor().drain();
}

#[test]
fn a_failure_makes_the_exit_code_of_run() {
    let silent = || Executor::builder().on_failure(|_| ()).build();
    let ran = |task: fn() -> Result<(), &'static str>| {
        silent().run(async move { spawn(async move { task() }).detach() })
    };
    assert_same(ran(|| Ok(())), ExitCode::SUCCESS);
    assert_same(ran(|| Err("boom")), ExitCode::FAILURE);
    assert_same(ran(|| panic!("boom")), ExitCode::FAILURE);
    assert_same(
        silent().run(async { Err::<(), _>("boom") }),
        ExitCode::FAILURE,
    );
    let main_panics = async { panic!("boom") };
    assert_same(silent().run(main_panics), ExitCode::FAILURE);
}

#[test]
fn each_run_of_a_kept_executor_speaks_of_its_own_failures() {
    let reports = Reports::new();
    let first = reports.run(async { spawn(async { panic!("boom") }).detach() });
    assert_same(first, ExitCode::FAILURE);
    assert_same(reports.run(async {}), ExitCode::SUCCESS);
    assert_eq!(reports.failures(), 1);
}

#[test]
fn failures_counts_what_was_reported_and_not_what_was_awaited() {
    let reports = Reports::new();
    reports.block_on(async {
        spawn(async { panic!("awaited") }).await.unwrap_err();
        spawn(async { panic!("lost") }).detach();
        spawn(async { Err::<(), _>("lost as well") }).detach();
        yield_now().await;
    });
    assert_eq!(reports.failures(), 2);
}

#[test]
fn a_test_returns_what_its_future_does() {
    assert_eq!(candor::test(async { 5 }), 5);
    assert_eq!(candor::test(async { Ok::<_, String>(5) }), 5);
}

#[test]
fn a_test_hides_no_failure() {
    let unread = panic_message(|| {
        candor::test(async {
            spawn(async { panic!("boom") }).detach();
            yield_now().await;
        });
    });
    assert_contains(&unread, "the test has 1 unread failure");
    assert_contains(&unread, "task #1 panicked: boom");
    let error = panic_message(|| candor::test(async { Err::<(), _>("boom") }));
    assert_contains(&error, "boom");
    let own = panic_message(|| {
        candor::test(async {
            yield_now().await;
            if is_inside() {
                panic!("boom");
            }
        });
    });
    assert_eq!(own, "boom");
}

#[test]
fn under_shutdown_the_first_failure_ends_everything() {
    let executor = Executor::builder()
        .on_failure(|_| ())
        .failure_policy(FailurePolicy::Shutdown)
        .build();
    let waiting = executor.spawn(pending::<()>());
    let message = panic_message(|| {
        executor.block_on(async {
            TaskBuilder::new()
                .name("fetch")
                .spawn(async { panic!("boom") })
                .detach();
            pending::<()>().await;
        });
    });
    assert_contains(&message, "task #2 `fetch` panicked: boom");
    assert!(waiting.is_finished());
}

#[test]
fn a_thread_has_an_executor_of_its_own() {
    candor::block_on(async {
        let there = thread::spawn(|| {
            let was_inside = is_inside();
            (
                was_inside,
                candor::block_on(async { spawn(async { 5 }).await.unwrap() }),
            )
        });
        assert_eq!(there.join().unwrap(), (false, 5));
        assert_eq!(spawn(async { 6 }).await.unwrap(), 6);
    });
}

#[test]
fn ten_threads_run_an_executor_each() {
    let threads: Vec<_> = (0..10)
        .map(|number| {
            thread::spawn(move || {
                candor::test(async move {
                    let tasks: Vec<_> = (0..100).map(|task| spawn(async move { task })).collect();
                    let mut sum = 0;
                    for task in tasks {
                        sum += task.await.unwrap();
                    }
                    sum + number
                })
            })
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), 4950 + number as i32);
    }
}

thread_local! {
    static KEPT: Executor = executor();
}

#[test]
fn an_executor_lives_in_a_thread_local() {
    let held = Rc::new(());
    KEPT.with(|kept| {
        let inside = held.clone();
        kept.spawn(async move {
            let _inside = inside;
            pending::<()>().await;
        })
        .detach();
        kept.block_on(yield_now());
    });
    KEPT.with(|kept| {
        assert_eq!(
            kept.block_on(async { spawn(async { 5 }).await.unwrap() }),
            5
        )
    });
}

/// Tells another thread when it is dropped, and runs an executor first.
struct RunsAtTheEnd(RefCell<Option<std::sync::mpsc::Sender<i32>>>);

impl Drop for RunsAtTheEnd {
    fn drop(&mut self) {
        let answer = candor::block_on(async { spawn(async { 42 }).await.unwrap() });
        if let Some(told) = self.0.take() {
            told.send(answer).unwrap();
        }
    }
}

thread_local! {
    static AT_THE_END: RunsAtTheEnd = const { RunsAtTheEnd(RefCell::new(None)) };
}

#[test]
fn an_executor_runs_in_the_destructor_of_a_thread_local() {
    for was_used_before in [false, true] {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            AT_THE_END.with(|end| end.0.replace(Some(tell)));
            if was_used_before {
                KEPT.with(|kept| kept.spawn(pending::<()>()).detach());
                candor::block_on(yield_now());
            }
        });
        thread.join().unwrap();
        assert_eq!(told.recv(), Ok(42));
    }
}

/// Enters an executor when it is dropped.
struct EntersWhenDropped<'a>(&'a Cell<i32>);

impl Drop for EntersWhenDropped<'_> {
    fn drop(&mut self) {
        let task = async { spawn(async { 5 }).await.unwrap() };
        self.0.set(self.0.get() + candor::block_on(task));
    }
}

#[test]
fn an_executor_runs_in_a_destructor_while_the_thread_panics() {
    let sum = Cell::new(0);
    let outside = panic_message(|| {
        let _enters = EntersWhenDropped(&sum);
        panic!("outside");
    });
    let inside = panic_message(|| {
        candor::block_on(async {
            let _enters = EntersWhenDropped(&sum);
            panic!("inside");
        });
    });
    assert_eq!(
        (outside.as_str(), inside.as_str(), sum.get()),
        ("outside", "inside", 10)
    );
    assert!(!is_inside());
}

#[test]
fn the_first_executor_of_a_process_may_be_made_while_the_thread_panics() {
    let told =
        child("the_first_executor_of_a_process_may_be_made_while_the_thread_panics").run(|| {
            let sum = Cell::new(0);
            panic_message(|| {
                let _enters = EntersWhenDropped(&sum);
                panic!("boom");
            });
            assert_eq!(sum.get(), 5);
        });
    if let Some(told) = told {
        told.assert_success();
    }
}

/// In a process of its own, because it uses up the numbers of all other tests.
#[test]
fn the_executor_after_65536_panics_with_advice_until_one_is_dropped() {
    let told =
        child("the_executor_after_65536_panics_with_advice_until_one_is_dropped").run(|| {
            let mut executors: Vec<_> = (0..65_536).map(|_| Executor::new()).collect();
            let message = panic_message(|| drop(Executor::new()));
            assert_contains(&message, "65,536 of them exist already");
            assert_contains(&message, "Drop each executor once its work is done");
            panic_message(|| candor::block_on(async {}));
            assert_eq!(
                executors[7].block_on(async { spawn(async { 5 }).await.unwrap() }),
                5
            );
            executors.swap_remove(1000);
            assert_eq!(
                candor::block_on(async { spawn(async { 5 }).await.unwrap() }),
                5
            );
        });
    if let Some(told) = told {
        told.assert_success();
    }
}

#[test]
fn an_executor_shows_what_it_holds() {
    let executor = executor();
    executor.spawn(pending::<()>()).detach();
    let shown = format!("{executor:?}");
    assert_contains(&shown, "tasks: 1");
    assert_lacks(&shown, "0x");
}

#[test]
fn a_test_that_is_ended_by_exit_hides_no_failure_either() {
    let message = panic_message(|| {
        candor::test(async {
            spawn(async { panic!("hidden behind the exit") }).detach();
            yield_now().await;
            candor::exit(3);
            pending::<()>().await;
        });
    });
    assert_contains(&message, "candor::exit(3)");
    assert_contains(&message, "task #1 panicked: hidden behind the exit");
}

#[test]
fn the_hook_is_installed_by_the_first_executor_that_can() {
    let told = child("the_hook_is_installed_by_the_first_executor_that_can").run(|| {
        let sum = Cell::new(0);
        panic_message(|| {
            let _enters = EntersWhenDropped(&sum);
            panic!("boom");
        });
        candor::block_on(async {
            spawn(async { panic!("told once") }).detach();
            yield_now().await;
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "told once", 1);
    assert_contains(&told.stderr, "task #1 panicked: told once");
    assert_contains(&told.stderr, "runtime frames hidden");
}

/// What `run` is given may fail as late as this.
struct PanicsWhenDropped;

impl candor::Value for PanicsWhenDropped {}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_value_of_the_main_future_that_panics_when_dropped_is_reported_and_the_tasks_go_on() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    let code = reports.run(async {
        spawn(async move { trace.note("the task goes on") }).detach();
        PanicsWhenDropped
    });
    assert_same(code, ExitCode::FAILURE);
    assert_eq!(
        reports.trace.events(),
        [
            "report: the main future panicked: dropped",
            "the task goes on"
        ]
    );
}

#[test]
fn a_failure_reported_between_two_calls_shuts_down_the_next_one_before_its_first_poll() {
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .failure_policy(FailurePolicy::Shutdown)
        .build();
    let fails = executor.spawn(async { panic!("boom") });
    let waits = executor.spawn(pending::<()>());
    executor.block_on(yield_now());
    drop(fails);
    assert_eq!(executor.failures(), 1);
    let was_polled = Cell::new(false);
    let message = panic_message(|| executor.block_on(async { was_polled.set(true) }));
    assert_contains(&message, "task #1 panicked: boom");
    assert!(!was_polled.get());
    assert!(waits.is_finished());
    assert_eq!(executor.block_on(async { 1 }), 1);
}

#[test]
fn a_failure_that_the_main_future_drops_at_its_very_end_shuts_down_the_same_call() {
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .failure_policy(FailurePolicy::Shutdown)
        .build();
    let fails = RefCell::new(Some(executor.spawn(async { panic!("boom") })));
    executor.block_on(yield_now());
    let mut fails = fails.take();
    let message = panic_message(|| {
        // A future that is done, and keeps the handle until it is dropped.
        executor.block_on(poll_fn(move |_| {
            let _kept = &mut fails;
            Poll::Ready(())
        }));
    });
    assert_contains(&message, "task #1 panicked: boom");
}

#[test]
fn a_chain_of_forty_thousand_tasks_can_be_shown() {
    fn spawn_below(levels: u32) {
        let chain = async move {
            if levels > 1 {
                spawn_below(levels - 1);
            }
            pending::<()>().await;
        };
        TaskBuilder::new().daemon().spawn(chain).detach();
    }
    candor::test(async {
        spawn_below(40_000);
        while candor::tasks().len() < 40_000 {
            for _ in 0..1_000 {
                yield_now().await;
            }
        }
        let shown = candor::tasks().to_string();
        assert_contains(&shown, "40000 tasks alive");
        assert_contains(&shown, "task #40000: ");
    });
}

#[test]
fn a_program_that_failed_leaves_no_trace_in_the_next_on_its_thread() {
    let name = "a_program_that_failed_leaves_no_trace_in_the_next_on_its_thread";
    let told = child(name).run(|| {
        let failed = candor::run(async { Err::<(), _>("broken") });
        assert_eq!(failed, ExitCode::FAILURE);
        assert_eq!(candor::run(async {}), ExitCode::SUCCESS);
    });
    if let Some(told) = told {
        told.assert_success();
        assert_count(&told.stderr, "broken", 1);
    }
}

/// Wakes itself once and is done.
async fn wakes_itself() {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    })
    .await
}

/// How often a main future is polled that only a timer of 10 ms wakes, which is there so that it ends.
fn polls_of_a_main_that_nobody_wakes(
    block_on: impl FnOnce(Pin<Box<dyn Future<Output = ()>>>),
) -> u32 {
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let mut end = Box::pin(candor::sleep(Duration::from_millis(10)));
    block_on(Box::pin(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        end.as_mut().poll(cx)
    })));
    polls.get()
}

#[test]
fn the_wake_of_one_main_future_never_polls_the_next() {
    candor::block_on(wakes_itself());
    let polls = polls_of_a_main_that_nobody_wakes(|main| candor::block_on(main));
    assert_eq!(polls, 2, "the free function");

    let kept = Executor::new();
    kept.block_on(wakes_itself());
    let polls = polls_of_a_main_that_nobody_wakes(|main| kept.block_on(main));
    assert_eq!(polls, 2, "a kept executor");

    let late = Rc::new(RefCell::new(None));
    let waker = late.clone();
    kept.block_on(poll_fn(move |cx| {
        waker.replace(Some(cx.waker().clone()));
        Poll::Ready(())
    }));
    let waker = late.take().unwrap();
    waker.wake_by_ref();
    let polls = polls_of_a_main_that_nobody_wakes(|main| {
        kept.spawn(async move { waker.wake() }).detach();
        kept.block_on(main)
    });
    assert_eq!(polls, 2, "by a waker of the one before");
}

#[test]
fn a_main_future_that_is_woken_while_an_old_wake_is_queued_is_polled() {
    let kept = Executor::new();
    kept.block_on(wakes_itself());
    let mut polls = 0;
    kept.block_on(poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls == 3 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
    assert_eq!(polls, 3);
}

#[test]
fn a_task_that_was_woken_between_two_stays_is_ready_in_the_second_whatever_the_way_in() {
    let ways: [fn(&Executor); 5] = [
        |executor| executor.block_on(candor::yield_now()),
        |executor| {
            let _code = executor.run(candor::yield_now());
        },
        |executor| {
            executor.tick();
        },
        Executor::run_until_stalled,
        |executor| futures::executor::block_on(executor.run_until(candor::yield_now())),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let executor = Executor::new();
        let (waker, polls) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(0)));
        let (kept, counted) = (waker.clone(), polls.clone());
        let task = poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            kept.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        });
        TaskBuilder::new()
            .daemon()
            .spawn_on(&executor, task)
            .detach();
        executor.tick();
        waker.take().unwrap().wake();
        way(&executor);
        assert_eq!(polls.get(), 2, "way {number}");
    }
}

#[test]
fn the_last_await_of_one_main_future_is_not_that_of_the_next() {
    let reports = Reports::new();
    reports.block_on(candor::sleep(Duration::from_millis(1)));
    let _code = reports.run(async { Err::<(), _>("it awaits nothing") });
    common::assert_lacks(&reports.only(), "last await");
}

#[test]
fn an_aborted_task_is_no_lost_work() {
    let ended = child("an_aborted_task_is_no_lost_work").run(|| {
        candor::block_on(async { spawn(pending::<()>()).abort() });
        println!("it ran");
    });
    let Some(ended) = ended else { return };
    assert_contains(&ended.assert_success().stdout, "it ran");
    assert_lacks(&ended.stderr, "cancelled now");
}

#[test]
fn ten_lost_tasks_are_all_named_and_the_notice_says_of_no_more() {
    let ended = child("ten_lost_tasks_are_all_named_and_the_notice_says_of_no_more").run(|| {
        candor::block_on(async { (0..10).for_each(|_| spawn(pending::<()>()).detach()) });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.assert_success().stderr, "spawned at", 10);
    assert_lacks(&ended.stderr, " more");
}

/// The names of candor's functions that a backtrace shows between what took it and `block_on`.
#[cfg(debug_assertions)]
fn frames_below_block_on(backtrace: &Backtrace) -> Vec<String> {
    let text = backtrace.to_string();
    let symbols = text.lines().filter_map(|line| {
        let (number, symbol) = line.trim_start().split_once(": ")?;
        number.parse::<u32>().ok().map(|_| symbol.to_owned())
    });
    let is_own = |symbol: &String| symbol.trim_start_matches('<').starts_with("candor::");
    let below = symbols.take_while(|symbol| symbol != "candor::entry::block_on");
    below.filter(is_own).collect()
}

#[test]
#[cfg(debug_assertions)]
fn at_most_ten_frames_of_candor_stand_between_block_on_and_a_task() {
    let task = candor::block_on(async {
        let capture = async { candor::Plain(Backtrace::force_capture()) };
        candor::spawn(capture).await.unwrap()
    });
    let frames = frames_below_block_on(&task);
    assert!((1..=10).contains(&frames.len()), "{frames:#?}");
    let main = candor::block_on(async { Backtrace::force_capture() });
    let frames = frames_below_block_on(&main);
    assert!((1..=10).contains(&frames.len()), "{frames:#?}");
}

#[test]
fn an_exit_whose_main_future_panics_goes_with_the_panic() {
    let executor = Executor::new();
    let task = executor.spawn(std::future::pending::<()>());
    let message = panic_message(|| {
        executor.block_on(async {
            candor::exit(3);
            panic!("the main future")
        })
    });
    assert_eq!(message, "the main future");
    assert!(task.is_finished());
    assert_eq!(executor.block_on(async { 5 }), 5);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build does not warn of it")]
fn a_main_future_whose_value_is_a_result_earns_the_warning_that_a_task_earns() {
    let name = "a_main_future_whose_value_is_a_result_earns_the_warning_that_a_task_earns";
    let ended = child(name).run(|| {
        let save = async || Err::<(), _>("disk full");
        let second = Duration::from_secs(1);
        for _ in 0..2 {
            let _ = candor::run(async { candor::time::timeout(second, save()).await });
        }
        let executor = Executor::new();
        let _ = executor.run(async { candor::time::timeout(second, save()).await });
    });
    let Some(ended) = ended else { return };
    assert_count(&ended.stderr, "returns a Result inside a Result", 2);
    assert_count(
        &ended.stderr,
        "the main future entered at tests/entering.rs:",
        2,
    );
}
