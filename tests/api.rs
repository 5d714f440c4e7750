//! What the types promise beside their methods. Most of it is held by the compiler: a promise that is broken does not
//! build.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::time::Duration;

use candor::time::{Elapsed, Interval, MissedTickBehavior, Sleep, Tick, Timeout};
use candor::{
    AbortHandle, Ancestor, Builder, Cancelled, Closed, CollectingGroup, Ending, Error, Executor,
    FailureKind, FailurePolicy, GroupError, GroupHandle, GroupSpawner, GroupSummary,
    IndependentGroup, JoinError, JoinGroup, JoinHandle, JoinIndependent, LastAwait, Lineage,
    Location, NextEnded, NextFailure, NextResult, Panic, Plain, PoolResults, Record, Remote,
    RemoteHandle, RunUntil, Spawner, TaskBuilder, TaskFailure, TaskGroup, TaskId, TaskInfo,
    TaskPool, TaskState, TaskView, Tasks, Timeline, WokenBy, YieldNow,
};

fn is_unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
fn is_send_and_sync<T: Send + Sync>() {}
fn is_clone<T: Clone>() {}
fn is_default<T: Default>() {}
fn is_error<T: StdError>() {}
fn is_small_and_plain<T: Copy + Eq + Hash>() {}
fn is_eq_and_hash<T: Eq + Hash>() {}
fn is_debug<T: Debug>() {}

/// A type that nothing is known of but what each bound asks.
type Anything = std::io::Error;

#[test]
fn what_a_panic_may_pass_through_is_whole_afterwards() {
    is_unwind_safe::<Executor>();
    is_unwind_safe::<TaskGroup>();
    is_unwind_safe::<TaskGroup<Anything>>();
    is_unwind_safe::<GroupSpawner>();
    is_unwind_safe::<IndependentGroup>();
    is_unwind_safe::<NextEnded<'_>>();
    is_unwind_safe::<CollectingGroup>();
    is_unwind_safe::<TaskPool>();
    is_unwind_safe::<Remote>();
    is_unwind_safe::<Spawner>();
    is_unwind_safe::<JoinHandle<Result<(), Anything>>>();
    is_unwind_safe::<AbortHandle>();
    is_unwind_safe::<GroupHandle<Result<(), Anything>>>();
    is_unwind_safe::<RemoteHandle<Result<(), Anything>>>();
    is_unwind_safe::<Sleep>();
    is_unwind_safe::<Interval>();
    is_unwind_safe::<YieldNow>();
    is_unwind_safe::<Error>();
    is_unwind_safe::<JoinError<Error>>();
    is_unwind_safe::<GroupError>();
    is_unwind_safe::<TaskFailure>();
    is_unwind_safe::<Record>();
    is_unwind_safe::<Panic>();
    is_unwind_safe::<Cancelled>();
    is_unwind_safe::<Lineage>();
    is_unwind_safe::<Location>();
    is_unwind_safe::<LastAwait>();
    is_unwind_safe::<TaskBuilder>();
    is_unwind_safe::<candor::Cancelling>();
    is_unwind_safe::<candor::Drained<'_>>();
    is_unwind_safe::<Tasks>();
    is_unwind_safe::<Timeline>();
}

#[test]
fn what_is_known_of_a_failure_may_go_to_another_thread() {
    is_send_and_sync::<Error>();
    is_send_and_sync::<JoinError<Error>>();
    is_send_and_sync::<GroupError>();
    is_send_and_sync::<TaskFailure>();
    is_send_and_sync::<Record>();
    is_send_and_sync::<Panic>();
    is_send_and_sync::<Cancelled>();
    is_send_and_sync::<Lineage>();
    is_send_and_sync::<Location>();
    is_send_and_sync::<Tasks>();
    is_send_and_sync::<Remote>();
    is_send_and_sync::<Sleep>();
    is_send_and_sync::<Timeout<std::future::Ready<()>>>();
}

#[test]
fn errors_are_errors() {
    is_error::<JoinError<Anything>>();
    is_error::<GroupError<Anything>>();
    is_error::<TaskFailure>();
    is_error::<Panic>();
    is_error::<Cancelled>();
    is_error::<Elapsed>();
    is_error::<Closed>();
}

#[test]
fn what_can_be_shared_or_has_a_usual_form_says_so() {
    is_clone::<TaskPool>();
    is_clone::<Lineage>();
    is_clone::<GroupSpawner<Anything>>();
    is_clone::<AbortHandle>();
    is_clone::<Remote>();
    is_clone::<Spawner>();
    is_clone::<Tasks>();
    is_default::<TaskGroup>();
    is_default::<IndependentGroup>();
    is_default::<Executor>();
    is_default::<Builder>();
    is_default::<TaskBuilder>();
    is_default::<Timeline>();
    is_default::<GroupSummary>();
    is_default::<MissedTickBehavior>();
    is_default::<FailurePolicy>();
}

#[test]
fn small_types_can_be_copied_compared_and_hashed() {
    is_small_and_plain::<FailureKind>();
    is_small_and_plain::<Ending>();
    is_small_and_plain::<WokenBy>();
    is_small_and_plain::<TaskState>();
    is_small_and_plain::<MissedTickBehavior>();
    is_small_and_plain::<FailurePolicy>();
    is_small_and_plain::<GroupSummary>();
    is_small_and_plain::<Elapsed>();
    is_small_and_plain::<Closed>();
    is_small_and_plain::<TaskId>();
    is_small_and_plain::<LastAwait>();
    is_eq_and_hash::<Location>();
    is_eq_and_hash::<Ancestor>();
}

#[test]
fn all_can_be_printed() {
    struct Unprintable;
    impl candor::Value for Unprintable {}

    is_debug::<JoinHandle<Unprintable>>();
    is_debug::<GroupHandle<Unprintable>>();
    is_debug::<RemoteHandle<Unprintable>>();
    is_debug::<JoinGroup>();
    is_debug::<JoinIndependent>();
    is_debug::<NextEnded<'_>>();
    is_debug::<NextFailure<'_>>();
    is_debug::<NextResult<'_, '_, Unprintable>>();
    is_debug::<PoolResults<'_, Unprintable>>();
    is_debug::<RunUntil<'_, Unprintable>>();
    is_debug::<TaskView<'_>>();
    is_debug::<TaskInfo>();
    is_debug::<Tick<'_>>();
    is_debug::<Timeout<Unprintable>>();
    is_debug::<Plain<u8>>();
    is_debug::<Builder>();
}

#[test]
fn an_executor_goes_on_after_a_panic_that_came_out_of_it() {
    let executor = Executor::new();
    let task = executor.spawn(async {
        candor::yield_now().await;
        candor::yield_now().await;
        42
    });
    let payload = catch_unwind(|| executor.block_on(async { panic!("boom") })).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom"));
    assert_eq!(executor.block_on(task).unwrap(), 42);
    assert_eq!(catch_unwind(|| executor.block_on(async { 1 })).unwrap(), 1);
}

#[test]
fn a_kind_of_failure_is_one_word() {
    let kinds = [
        FailureKind::Panicked,
        FailureKind::Failed,
        FailureKind::Caught,
    ];
    assert_eq!(
        kinds.map(|kind| kind.to_string()),
        ["panicked", "failed", "caught"]
    );
    assert_eq!(HashSet::from(kinds).len(), 3);
    assert_eq!(format!("{:>9}", FailureKind::Failed), "   failed");
}

#[test]
fn tasks_are_visited_in_a_loop() {
    let executor = Executor::default();
    executor.spawn(async {}).detach();
    executor.spawn(async {}).detach();
    let tasks = executor.tasks();
    let mut ids = Vec::new();
    for task in &tasks {
        ids.push(task.id());
    }
    assert_eq!(
        tasks.into_iter().map(|task| task.id()).collect::<Vec<_>>(),
        ids
    );
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_clone_of_a_pool_shares_its_limit() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let endless = pool.submit(std::future::pending::<()>());
        candor::yield_now().await;
        let other = pool.clone().submit(async { 1 });
        candor::yield_now().await;
        assert!(!other.is_finished());
        endless.abort();
        assert_eq!(other.await.unwrap(), 1);
        assert!(endless.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_panic_that_is_passed_on_as_an_error_keeps_its_place() {
    candor::block_on(async {
        let task = candor::spawn(async { panic!("boom") });
        let Err(JoinError::Panicked(panic)) = task.await else {
            unreachable!()
        };
        let place = panic.location().unwrap();
        assert!(panic.source().unwrap().is::<TaskFailure>());
        let error = Error::from(panic);
        assert_eq!(*error.location(), place);
    });
}

/// What a value is, and something that tells it from another of its kind.
#[test]
fn debug_says_what_a_value_is() {
    fn check(value: &dyn Debug, parts: &[&str]) {
        let text = format!("{value:?}");
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    let executor = Executor::builder().virtual_time().build();
    check(&executor, &["Executor", "tasks: 0", "failures: 0"]);
    check(&Executor::builder(), &["Builder"]);
    let strict = Executor::builder().failure_policy(FailurePolicy::Shutdown);
    check(&strict.slow_poll(Duration::MAX), &["policy: Shutdown"]);
    check(&executor.remote(), &["Remote"]);
    check(&executor.spawner(), &["Spawner"]);
    check(&executor.drained(), &["Drained"]);
    check(
        &executor.run_until(async {}),
        &["RunUntil", "is_done: false"],
    );
    executor.block_on(async {
        let task = candor::spawn(async { 1 });
        check(&task, &["#1", "running"]);
        check(&task.abort_handle(), &["#1", "running"]);
        candor::yield_now().await;
        check(&task, &["#1", "finished"]);
        check(
            &task.abort_handle().cancel(),
            &["Cancelling(task #1, finished)"],
        );
        check(&task.abort_on_drop(), &["#1", "finished"]);
        let mut group = TaskGroup::<Error>::new();
        let member = group.spawn(async { 2 });
        check(&group, &["TaskGroup(1 task, 0 failures)"]);
        let spawner = group.spawner();
        check(&spawner, &["GroupSpawner", "is there"]);
        check(&member, &["#2"]);
        check(&group.next(), &["NextEnded(0 tasks ended, 1 alive)"]);
        candor::yield_now().await;
        check(&group.next(), &["NextEnded(1 task ended, 0 alive)"]);
        group.spawn(std::future::pending::<()>());
        group.cancel();
        check(&spawner, &["is there"]);
        check(&group.join(), &["Join"]);
        check(&spawner, &["is over"]);
        let mut independent = TaskGroup::independent();
        independent.spawn(async {});
        check(&independent, &["IndependentGroup(1 task, "]);
        check(&independent.next(), &["NextEnded"]);
        check(&independent.join(), &["Join"]);
        let mut collecting = TaskGroup::independent().collecting();
        check(&collecting, &["CollectingGroup", "0 failures"]);
        collecting.spawn(async { Err::<(), _>("one") });
        candor::yield_now().await;
        check(&collecting, &["CollectingGroup", "1 failure)"]);
        check(&collecting.next_failure(), &["NextFailure"]);
        let pool = TaskPool::new(3);
        check(&pool, &["TaskPool", "3"]);
        let mut results = pool.map([1, 2], async |n: i32| n);
        check(&results, &["PoolResults", "0 tasks"]);
        check(&results.next(), &["NextResult", "PoolResults"]);
        let mut one = pool.map([1], async |n: i32| n);
        let _ = futures::poll!(one.next());
        check(&one, &["PoolResults(1 task, "]);
        let mut remote = candor::TaskBuilder::new().name("far");
        check(&remote, &["far"]);
        remote = remote.daemon();
        check(&remote, &["true"]);
        check(&candor::sleep(Duration::from_secs(1)), &["Sleep"]);
        let second = Duration::from_secs(1);
        check(&candor::time::interval(second), &["Interval", "1s"]);
        check(&candor::time::timeout(second, async {}), &["Timeout"]);
        check(&candor::yield_now(), &["YieldNow"]);
        check(&candor::current(), &["None"]);
        check(&candor::tasks(), &["TaskInfo", "TaskId(6)"]);
    });
    let far = executor.remote().spawn(|| async { 5 }).unwrap();
    check(&far, &["RemoteHandle"]);
    check(&candor::Timeline::new(), &["Timeline"]);
}

#[test]
fn a_task_may_return_what_is_known_of_tasks() {
    fn is_outcome<T: candor::Outcome>() {}
    is_outcome::<std::process::ExitCode>();
    is_outcome::<(candor::AbortHandle, candor::TaskPool)>();
    is_outcome::<(std::num::IntErrorKind, std::io::PipeReader)>();
    is_outcome::<Vec<std::task::Waker>>();
    is_outcome::<(*const u8, std::ptr::NonNull<str>, std::sync::Barrier)>();
    is_outcome::<Option<candor::TaskId>>();
    is_outcome::<candor::FailureKind>();
    is_outcome::<candor::CurrentTask>();
    candor::block_on(async {
        let dumps = candor::spawn(candor::dump());
        assert_eq!(dumps.await.unwrap().tasks().len(), 1);
        let lists = candor::spawn(async { candor::tasks() });
        assert_eq!(lists.await.unwrap().len(), 1);
    });
}

#[test]
fn the_task_that_asks_is_shown_as_running_and_the_others_are_not() {
    candor::test(async {
        let _waits = candor::spawn(std::future::pending::<()>());
        candor::yield_now().await;
        let asks = candor::spawn(async {
            let tasks = candor::tasks();
            let states: Vec<_> = tasks.iter().map(candor::TaskInfo::state).collect();
            format!("{states:?}")
        });
        assert_eq!(asks.await?, "[Waiting, Running]");
        candor::Ok(())
    });
}

#[test]
fn an_error_that_passes_a_failure_on_shows_all_of_it_to_whom_asks_for_its_debug_form() {
    candor::test(async {
        let task = candor::spawn(async {
            Err::<u8, _>("no route")?;
            candor::Ok(())
        });
        let error = Error::from(task.await.unwrap_err());
        let text = format!("{error:?}");
        assert!(text.starts_with("task #1 failed: no route"), "{text}");
        assert!(text.contains("backtrace"), "{text}");
    });
}

#[test]
fn what_is_known_of_a_failure_and_of_a_cancelled_task_can_be_asked() {
    let named = |name: &str| candor::TaskBuilder::new().name(name);
    candor::test(async {
        let failed = named("fails").spawn(async {
            candor::sleep(Duration::from_millis(1)).await;
            Err::<(), _>("boom")
        });
        let slept_at = line!() - 3;
        let error = failed.await.unwrap_err();
        assert!(!error.is_cancelled() && !error.is_panic());
        let JoinError::Failed("boom", record) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(record.task_name(), Some("fails"));
        let last = record.last_await().unwrap();
        assert_eq!((last.what(), last.location().line()), ("sleep", slept_at));
        assert_eq!(last.location().column(), 53);
        let text = format!("{last:?}");
        assert!(text.contains("sleep at tests/api.rs:"), "{text}");
        assert_eq!(format!("{record:?}"), "Record(task #1 `fails`)");
        let lineage = record.lineage().to_string();
        assert!(lineage.starts_with("by test at tests/api.rs:"), "{lineage}");

        let cancelled = named("stops").spawn(std::future::pending::<()>());
        cancelled.abort();
        let error = cancelled.await.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        let report = error.report();
        assert!(
            report.starts_with("task #2 `stops` was cancelled: "),
            "{report}"
        );
        let JoinError::Cancelled(cancelled) = error else {
            panic!("{error:?}")
        };
        assert_eq!(cancelled.task_name(), Some("stops"));

        let panicked = named("panics").spawn(async { panic!("boom") });
        let error = panicked.await.unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
    });
}
