//! No task outlives its group, and no failure is lost on the way.
//!
//! ```text
//! linked:       one fails ──► siblings cancelled ──► all gone ──► join gives every failure
//! independent:  one fails ──► reported at once, siblings go on ──► join gives the counts
//! dropped:      all cancelled, unread failures reported
//! ```

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use candor::{
    Executor, GroupError, GroupSummary, Instrument, JoinError, TaskGroup, TaskView, sleep, spawn,
    time, yield_now,
};
use common::{
    Reports, Trace, assert_contains, assert_count, assert_lacks, headline, panic_message,
};

const SECOND: Duration = Duration::from_secs(1);

const _: fn() = || {
    fn sent_and_shared<T: Send + Sync>() {}
    sent_and_shared::<GroupError>();
    sent_and_shared::<GroupError<String>>();
};

/// Notes when it is dropped.
struct Noted(Trace, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(format!("{} is dropped", self.1));
    }
}

/// Panics when it is dropped.
struct Grenade(&'static str);

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[derive(Debug, PartialEq)]
enum Own {
    Number(std::num::ParseIntError),
    Code(u16),
}

impl From<std::num::ParseIntError> for Own {
    fn from(error: std::num::ParseIntError) -> Self {
        Own::Number(error)
    }
}

/// The messages of all failures.
fn messages(error: &GroupError) -> Vec<&str> {
    let failures = error.failures().iter();
    failures
        .map(|failure| failure.failure().unwrap().message())
        .collect()
}

// Values.

#[test]
fn a_group_of_nobody_is_joined_at_once() {
    candor::test(async {
        TaskGroup::new().join().await.unwrap();
        assert_eq!(
            TaskGroup::independent().join().await,
            GroupSummary::default()
        );
    });
}

#[test]
fn a_value_goes_to_the_handle_before_or_after_the_join() {
    candor::test(async {
        let group = TaskGroup::new();
        let early = group.spawn(async { 1 });
        let late = group.spawn(async { 2 });
        assert_eq!(early.await, Some(1));
        group.join().await.unwrap();
        assert_eq!(late.await, Some(2));
    });
}

#[test]
fn join_waits_for_the_slowest() {
    candor::test(async {
        let start = time::now();
        let group = TaskGroup::new();
        for seconds in [1, 3, 2] {
            group.spawn(sleep(seconds * SECOND));
        }
        group.join().await.unwrap();
        assert_eq!(time::now() - start, 3 * SECOND);
    });
}

#[test]
fn a_value_that_nobody_wants_is_dropped_when_it_is_made() {
    candor::test(async {
        let trace = Trace::default();
        let group = TaskGroup::new();
        let noted = Noted(trace.clone(), "value");
        drop(group.spawn(async move { candor::Plain(noted) }));
        yield_now().await;
        assert_eq!(trace.events(), ["value is dropped"]);
        group.join().await.unwrap();
    });
}

#[test]
fn a_handle_that_is_dropped_late_drops_the_value_and_cancels_nothing() {
    candor::test(async {
        let trace = Trace::default();
        let group = TaskGroup::new();
        let noted = Noted(trace.clone(), "value");
        let handle = group.spawn(async move { candor::Plain(noted) });
        yield_now().await;
        assert!(handle.is_finished());
        drop(handle);
        assert_eq!(trace.events(), ["value is dropped"]);
        group.join().await.unwrap();
    });
}

// The first failure of a linked group.

#[test]
fn the_first_failure_cancels_the_siblings_and_waits_until_they_are_gone() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        let group = TaskGroup::new();
        for name in ["a", "b"] {
            let noted = Noted(trace.clone(), name);
            group.spawn(async move {
                let _noted = noted;
                pending::<()>().await;
            });
        }
        group.spawn(async {
            sleep(SECOND).await;
            Err::<(), _>("lost")
        });
        let error = group.join().await.unwrap_err();
        trace.note("joined");
        assert_eq!(messages(&error), ["lost"]);
        assert!(
            error
                .to_string()
                .starts_with("1 of 3 tasks of the group failed")
        );
    });
    assert_eq!(trace.events(), ["a is dropped", "b is dropped", "joined"]);
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn the_siblings_are_cancelled_though_nobody_awaits_the_group_yet() {
    candor::test(async {
        let group = TaskGroup::new();
        let sibling = group.spawn(pending::<()>());
        group.spawn(async { panic!("boom") });
        assert_eq!(sibling.await, None);
        assert_eq!(messages(&group.join().await.unwrap_err()), ["boom"]);
    });
}

#[test]
fn a_sibling_that_is_ready_is_not_polled_after_the_failure() {
    candor::test(async {
        let group = TaskGroup::new();
        let polled = Rc::new(Cell::new(false));
        group.spawn(async { Err::<(), _>("first") });
        let flag = polled.clone();
        let sibling = group.spawn(async move { flag.set(true) });
        group.join().await.unwrap_err();
        assert_eq!((polled.get(), sibling.await), (false, None));
    });
}

#[test]
fn what_is_spawned_after_the_failure_is_cancelled_as_well() {
    candor::test(async {
        let group = TaskGroup::new();
        let failing = group.spawn(async { Err::<(), _>("first") });
        assert_eq!(failing.await, None);
        assert_eq!(group.spawn(async { 1 }).await, None);
        group.join().await.unwrap_err();
    });
}

#[test]
fn what_is_spawned_into_a_cancelled_group_is_a_task_of_it_and_its_destructor_may_fail() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async { Err::<(), _>("first") }).await;
        let grenade = Grenade("on the way out");
        let late = group.spawn(async move { drop(grenade) });
        assert_eq!(late.id().unwrap().to_string(), "#2");
        assert!(!late.is_finished());
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["first", "on the way out"]);
        assert_contains(&error.to_string(), "2 of 2 tasks");
        assert_eq!(late.await, None);
    });
    assert_eq!(reports.end(), [""; 0]);
}

/// Spawns a task with a grenade when it is dropped.
struct SpawnsGrenade(candor::GroupSpawner);

impl Drop for SpawnsGrenade {
    fn drop(&mut self) {
        let grenade = Grenade("spawned on the way");
        self.0.spawn(async move { drop(grenade) });
    }
}

#[test]
fn what_is_spawned_during_a_panic_into_a_cancelled_group_ends_no_process() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        let guard = SpawnsGrenade(group.spawner());
        group.cancel();
        let task = spawn(async move {
            let _guard = guard;
            panic!("primary");
        });
        assert_contains(&task.await.unwrap_err().to_string(), "primary");
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["spawned on the way"]);
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn what_is_spawned_during_a_panic_into_a_group_that_is_over_ends_no_process() {
    let reports = Reports::new();
    reports.block_on(async {
        let guard = SpawnsGrenade(TaskGroup::new().spawner());
        let task = spawn(async move {
            let _guard = guard;
            panic!("primary");
        });
        assert_contains(&task.await.unwrap_err().to_string(), "primary");
    });
    assert_eq!(reports.end(), [""; 0]);
}

/// Its destructor waits until another future is dropped that a cancelled group got.
struct WaitsForDrop;

impl Drop for WaitsForDrop {
    fn drop(&mut self) {
        candor::block_on(async {
            let group = TaskGroup::new();
            group.cancel();
            let shared = Rc::new(());
            let other = shared.clone();
            group.spawn(async move { drop(other) });
            yield_now().await;
            assert_eq!(Rc::strong_count(&shared), 1);
            group.join().await.unwrap();
        });
    }
}

#[test]
fn a_destructor_of_a_cancelled_group_may_wait_for_one_of_another_such_group() {
    candor::test(async {
        let group = TaskGroup::new();
        group.cancel();
        let waits = WaitsForDrop;
        group.spawn(async move { drop(waits) });
        group.join().await.unwrap();
    });
}

/// What is run once, in the middle of the next spawn.
type Meanwhile = RefCell<Option<Box<dyn FnOnce()>>>;

#[derive(Default)]
struct WhileSpawning(Rc<Meanwhile>);

impl Instrument for WhileSpawning {
    fn spawn(&self, _at: Instant, _task: &TaskView<'_>) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

/// Spawns a task into a group, runs this in the middle of it, and checks that the task does not go on.
fn ends_while_a_member_is_spawned<F: FnOnce() + 'static>(end: impl FnOnce(TaskGroup) -> F) {
    let instrument = WhileSpawning::default();
    let meanwhile = instrument.0.clone();
    let executor = Executor::builder()
        .virtual_time()
        .instrument(instrument)
        .build();
    executor.block_on(async {
        let group = TaskGroup::new();
        let spawner = group.spawner();
        meanwhile.replace(Some(Box::new(end(group))));
        let task = spawner.spawn(sleep(SECOND));
        assert!(meanwhile.borrow().is_none());
        assert_eq!(task.await, None);
    });
}

#[test]
fn a_task_whose_group_ends_while_it_is_spawned_is_cancelled() {
    let kept = Rc::new(RefCell::new(None));
    ends_while_a_member_is_spawned(|group| {
        let group = kept.borrow_mut().insert(Rc::new(group)).clone();
        move || group.cancel()
    });
    ends_while_a_member_is_spawned(|group| move || drop(group));
    ends_while_a_member_is_spawned(|group| {
        let mut join = group.join();
        move || {
            let poll = Pin::new(&mut join).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(poll, Poll::Ready(Ok(()))));
        }
    });
}

#[test]
fn a_handle_of_a_failed_task_gives_nothing_and_the_group_has_the_failure() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        let failing = group.spawn(async { Err::<(), _>("mine") });
        assert_eq!(failing.await, None);
        assert_eq!(messages(&group.join().await.unwrap_err()), ["mine"]);
    });
    assert_eq!(reports.end(), [""; 0]);
}

// All failures come out.

#[test]
fn a_sibling_that_panics_in_its_destructor_while_it_is_cancelled_is_not_lost() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        yield_now().await;
        group.spawn(async { Err::<(), _>("first") });
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["first", "on the way out"]);
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn a_sibling_that_fails_in_the_poll_in_which_it_is_cancelled_is_not_lost() {
    candor::test(async {
        let group = Rc::new(RefCell::new(Some(TaskGroup::new())));
        let cancels = group.clone();
        group.borrow().as_ref().unwrap().spawn(async move {
            cancels.borrow().as_ref().unwrap().cancel();
            Err::<(), _>("in that poll")
        });
        yield_now().await;
        let group = group.take().unwrap();
        assert_eq!(messages(&group.join().await.unwrap_err()), ["in that poll"]);
    });
}

#[test]
fn an_err_whose_future_panics_when_it_is_dropped_loses_neither() {
    struct Fails(#[allow(dead_code, reason = "dropped")] Grenade);
    impl Future for Fails {
        type Output = Result<(), &'static str>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Err("returned"))
        }
    }
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(Fails(Grenade("dropped")));
        assert_eq!(messages(&group.join().await.unwrap_err()), ["returned"]);
    });
    assert_eq!(reports.end(), ["task #1 panicked: dropped"]);
}

#[test]
fn a_value_whose_future_panics_when_it_is_dropped_is_a_failure() {
    struct Done(#[allow(dead_code, reason = "dropped")] Grenade);
    impl Future for Done {
        type Output = u8;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
            Poll::Ready(1)
        }
    }
    candor::test(async {
        let group = TaskGroup::new();
        let sibling = group.spawn(pending::<()>());
        let done = group.spawn(Done(Grenade("dropped")));
        assert_eq!((done.await, sibling.await), (None, None));
        assert_eq!(messages(&group.join().await.unwrap_err()), ["dropped"]);
    });
}

// What it collects into.

#[test]
fn a_group_takes_whatever_error_converts_and_plain_tasks_as_well() {
    candor::test(async {
        let group = TaskGroup::new();
        let plain = group.spawn(async { 1 });
        assert_eq!(plain.await, Some(1));
        group.spawn(async { Err::<(), _>(anyhow::anyhow!("any")) });
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["any"]);
        // There was no `?` to record a place, and none is made up.
        assert!(error.failures()[0].failure().unwrap().location().is_none());

        let group = TaskGroup::new();
        group.spawn(async { "x".parse::<i32>() });
        let error = group.join().await.unwrap_err().into_failures().remove(0);
        let error = error.into_failed().unwrap();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    });
}

#[test]
fn a_typed_group_keeps_a_type_of_the_users() {
    candor::test(async {
        let group = TaskGroup::<Own>::typed();
        group.spawn(async { Err::<(), _>(Own::Code(404)) });
        let failure = group.join().await.unwrap_err().into_failures().remove(0);
        assert_eq!(failure.into_failed().unwrap(), Own::Code(404));

        let group = TaskGroup::<Own>::typed();
        group.spawn(async { "x".parse::<i32>() });
        let failure = group.join().await.unwrap_err().into_failures().remove(0);
        assert!(matches!(failure.into_failed().unwrap(), Own::Number(_)));
    });
}

#[test]
fn a_conversion_that_panics_loses_no_failure() {
    #[derive(Debug)]
    struct Strict;
    impl From<u8> for Strict {
        fn from(code: u8) -> Self {
            panic!("no {code}")
        }
    }
    let reports = Reports::new();
    reports.block_on(async {
        spawn(async {
            let group = TaskGroup::<Strict>::typed();
            for code in [1, 2] {
                group.spawn(async move {
                    let _grenade = (code == 1).then(|| Grenade("on the way out"));
                    match code {
                        1 => pending().await,
                        _ => Err::<(), u8>(code),
                    }
                });
            }
            let error = group.join().await.unwrap_err();
            let messages = error.failures().iter();
            let messages: Vec<_> = messages
                .map(|failure| failure.failure().unwrap().message().to_owned())
                .collect();
            assert_eq!(messages, ["2 (u8)", "on the way out"]);
        })
        .await
        .unwrap();
    });
    let caught = reports.headlines();
    assert_eq!(caught, ["task #1 caught a panic of its own: no 2"]);
}

#[test]
fn a_failure_that_a_member_passes_on_keeps_its_origin() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        let mut line = 0;
        group.spawn({
            line += line!() + 1;
            let inner = spawn(async { panic!("deep down") });
            async move {
                inner.await?;
                candor::Ok(())
            }
        });
        let error = group.join().await.unwrap_err();
        let JoinError::Failed(failed, _) = &error.failures()[0] else {
            panic!("{error}");
        };
        assert_eq!(failed.location().line(), line);
        assert_contains(&error.report(), "caused by task #1 panicked: deep down");
        let report = common::without_source_lines(&error.report());
        assert_count(&report, "deep down", 2);
    });
    assert_eq!(reports.end(), [""; 0]);
}

// The tree.

#[test]
fn the_tree_holds_a_full_report_of_each_nested_groups_included() {
    let reports = Reports::new();
    reports.block_on(async {
        let outer = TaskGroup::new();
        outer.spawn(async {
            let inner = TaskGroup::new();
            inner.spawn(async {
                let _grenade = Grenade("other leaf");
                pending::<()>().await;
            });
            inner.spawn(async { panic!("leaf") });
            inner.join().await?;
            candor::Ok(())
        });
        outer.spawn(async {
            let _grenade = Grenade("sibling");
            pending::<()>().await;
        });
        let tree = outer.join().await.unwrap_err().report();
        assert_contains(
            &tree,
            "2 of 2 tasks of the group failed\n├─ task #1 failed: ",
        );
        assert_contains(&tree, "\n└─ task #2 panicked: sibling\n");
        assert_contains(&tree, "├─ task #4 panicked: leaf");
        assert_contains(&tree, "\n│     └─ task #3 panicked: other leaf");
        assert_count(&tree, "spawned at tests/groups.rs", 1 + 2 + 2 + 1);
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn a_task_that_passes_on_a_group_error_is_reported_once_with_the_tree() {
    let reports = Reports::new();
    reports.block_on(async {
        let parent = spawn(async {
            let group = TaskGroup::new();
            group.spawn(async { panic!("leaf") });
            group.join().await?;
            candor::Ok(())
        });
        drop(parent);
        sleep(5 * SECOND).await;
    });
    let report = reports.only();
    assert_contains(
        headline(&report),
        "task #1 failed: 1 of 1 tasks of the group failed",
    );
    assert_contains(&report, "└─ task #2 panicked: leaf");
    assert_count(&report, "panicked: leaf", 1);
}

#[test]
fn a_tree_of_many_failures_is_reported_whole() {
    #[derive(Debug)]
    struct Own;
    impl From<std::convert::Infallible> for Own {
        fn from(never: std::convert::Infallible) -> Self {
            match never {}
        }
    }
    async fn grenades(spawn: impl Fn(&'static str)) {
        for _ in 0..100 {
            spawn("on the way out");
        }
        yield_now().await;
    }
    async fn armed(message: &'static str) {
        let _grenade = Grenade(message);
        pending::<()>().await;
    }
    let reports = Reports::new();
    reports.block_on(async {
        drop(spawn(async {
            let group = TaskGroup::new();
            grenades(|message| drop(group.spawn(armed(message)))).await;
            group.cancel();
            group.join().await?;
            candor::Ok(())
        }));
        drop(spawn(async {
            let group = TaskGroup::<Own>::typed();
            grenades(|message| drop(group.spawn(armed(message)))).await;
            group.cancel();
            group.join().await
        }));
        sleep(SECOND).await;
    });
    for report in reports.texts() {
        assert_contains(
            headline(&report),
            "failed: 100 of 100 tasks of the group failed",
        );
        assert_count(&report, "panicked: on the way out\n", 100);
        assert_lacks(&report, "more bytes");
    }
    assert_eq!(reports.failures(), 2);
}

// Exactly once.

#[test]
fn a_group_that_is_dropped_reports_what_nobody_has_read() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async { panic!("unread") });
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        yield_now().await;
        drop(group);
        yield_now().await;
    });
    assert_eq!(
        reports.end(),
        ["task #1 panicked: unread"],
        "the second one was never polled"
    );
}

#[test]
fn a_task_that_fails_while_its_dropped_group_cancels_it_is_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        yield_now().await;
        drop(group);
        yield_now().await;
    });
    assert_eq!(reports.end(), ["task #1 panicked: on the way out"]);
}

#[test]
fn a_handle_that_outlives_its_group_does_not_hold_back_a_report() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        let handle = group.spawn(async { panic!("unread") });
        yield_now().await;
        drop(group);
        yield_now().await;
        assert_eq!(reports.headlines(), ["task #1 panicked: unread"]);
        assert!(handle.await.is_none());
    });
    assert_eq!(reports.failures(), 1);
}

#[test]
fn a_group_that_nobody_joins_in_time_is_reported_and_then_named() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::new();
        group.spawn(async { panic!("late") });
        sleep(5 * SECOND).await;
        assert_eq!(
            reports.headlines(),
            ["task #1 panicked (not awaited yet): late"]
        );
        let tree = group.join().await.unwrap_err().report();
        assert_contains(&tree, "└─ task #1 panicked: late, reported above");
        assert_lacks(&tree, "backtrace");
    });
    assert_eq!(reports.failures(), 1);
}

#[test]
fn a_group_left_over_at_the_end_reports_its_failures() {
    let reports = Reports::new();
    let kept = Rc::new(RefCell::new(None));
    let keeper = kept.clone();
    reports.block_on(async move {
        let group = TaskGroup::new();
        group.spawn(async { panic!("unread") });
        yield_now().await;
        *keeper.borrow_mut() = Some(group);
    });
    assert_eq!(reports.end(), ["task #1 panicked: unread"]);
    drop(kept);
}

// Cancelling.

#[test]
fn cancelling_the_parent_cancels_the_group() {
    candor::test(async {
        let trace = Trace::default();
        let noted = Noted(trace.clone(), "child");
        let parent = spawn(async move {
            let group = TaskGroup::new();
            group.spawn(async move {
                let _noted = noted;
                pending::<()>().await;
            });
            group.join().await?;
            candor::Ok(())
        });
        yield_now().await;
        yield_now().await;
        parent.abort();
        assert!(parent.await.unwrap_err().is_cancelled());
        yield_now().await;
        assert_eq!(trace.events(), ["child is dropped"]);
    });
}

#[test]
fn a_join_that_times_out_cancels_the_group() {
    candor::test(async {
        let group = TaskGroup::new();
        let endless = group.spawn(pending::<()>());
        assert!(time::timeout(SECOND, group.join()).await.is_err());
        assert_eq!(endless.await, None);
    });
}

#[test]
fn an_aborted_member_is_no_failure_and_its_siblings_go_on() {
    candor::test(async {
        let group = TaskGroup::new();
        let endless = group.spawn(pending::<()>());
        let sibling = group.spawn(async {
            sleep(SECOND).await;
            1
        });
        endless.abort();
        assert_eq!((endless.await, sibling.await), (None, Some(1)));
        group.join().await.unwrap();
    });
}

// Spawning from inside the group.

#[test]
fn a_task_spawns_into_the_group_it_runs_in_and_join_waits_for_that_too() {
    candor::test(async {
        let count = Rc::new(Cell::new(0));
        let group = TaskGroup::new();
        fn grow(spawner: candor::GroupSpawner, depth: u32, count: Rc<Cell<u32>>) {
            count.set(count.get() + 1);
            if depth > 0 {
                for _ in 0..2 {
                    let (again, count) = (spawner.clone(), count.clone());
                    spawner.spawn(async move {
                        sleep(SECOND).await;
                        grow(again, depth - 1, count);
                    });
                }
            }
        }
        let (spawner, counted) = (group.spawner(), count.clone());
        group.spawn(async move { grow(spawner, 3, counted) });
        group.join().await.unwrap();
        assert_eq!(count.get(), 15);
    });
}

#[test]
fn a_spawner_keeps_nothing_alive() {
    candor::test(async {
        let group = TaskGroup::new();
        let spawner = group.spawner();
        let endless = spawner.spawn(pending::<()>());
        drop(group);
        assert_eq!(endless.await, None);
        let trace = Trace::default();
        let noted = Noted(trace.clone(), "late");
        let late = spawner.spawn(async move { drop(noted) });
        assert_eq!(trace.events(), ["late is dropped"]);
        assert_eq!((late.id(), late.await), (None, None));
    });
}

#[test]
fn a_failure_of_a_task_that_a_task_has_spawned_cancels_all() {
    candor::test(async {
        let group = TaskGroup::new();
        let spawner = group.spawner();
        let parent = group.spawn(async move {
            spawner.spawn(async { Err::<(), _>("grandchild") });
            pending::<()>().await;
        });
        assert_eq!(messages(&group.join().await.unwrap_err()), ["grandchild"]);
        assert_eq!(parent.await, None);
    });
}

#[test]
fn spawning_where_no_executor_runs_panics_with_advice_and_leaves_the_group_whole() {
    let group = TaskGroup::new();
    let message = panic_message(|| drop(group.spawn(async {})));
    assert_contains(&message, "no executor runs on this thread");
    candor::block_on(group.join()).unwrap();
}

#[test]
fn a_long_lived_group_wakes_its_awaiter_once() {
    candor::test(async {
        let group = TaskGroup::new();
        for _ in 0..1_000 {
            group.spawn(yield_now());
        }
        let mut polls = 0;
        let mut join = Box::pin(group.join());
        std::future::poll_fn(|cx| {
            polls += 1;
            join.as_mut().poll(cx)
        })
        .await
        .unwrap();
        assert_eq!(polls, 2);
    });
}

// Lost work.

/// What is said on stderr of a program.
#[track_caller]
fn said(name: &'static str, program: impl FnOnce()) -> Option<String> {
    let told = common::child(name).run(program)?;
    Some(told.assert_success().stderr.clone())
}

const LOST: &str = "a group of tasks was dropped that was neither joined nor cancelled, so what is unfinished is \
                    cancelled now ";

#[test]
fn a_group_that_code_drops_with_unfinished_tasks_gets_one_notice() {
    let said = said(
        "a_group_that_code_drops_with_unfinished_tasks_gets_one_notice",
        || {
            candor::block_on(async {
                let linked = TaskGroup::new();
                linked.spawn(async {});
                linked.spawn(sleep(SECOND));
                let aborted = linked.spawn(sleep(SECOND));
                aborted.abort();
                yield_now().await;
                linked.spawn(pending::<()>());
                drop(linked);
                eprintln!("The poll goes on.");
                yield_now().await;

                let independent = TaskGroup::independent();
                (0..12).for_each(|_| drop(independent.spawn(pending::<()>())));
                drop(independent);
            });
        },
    );
    let Some(said) = said else { return };
    assert_count(&said, LOST, 2);
    assert_contains(&said, &format!("The poll goes on.\n{LOST}(2 in all):"));
    assert_contains(&said, "\n   task #2, spawned at tests/groups.rs:");
    assert_count(&said, "task #3", 0);
    assert_count(&said, "\n   task #4, spawned at tests/groups.rs:", 1);
    assert_contains(&said, &format!("\n{LOST}(12 in all):"));
    assert_contains(&said, "\n   task #14, spawned at tests/groups.rs:");
    assert_lacks(&said, "task #15");
    assert_contains(&said, "\n   and 2 more\n   help: ");
    assert_count(&said, ", never polled", 11);
}

#[test]
fn a_task_that_returns_early_is_told_what_it_has_lost() {
    let said = said("a_task_that_returns_early_is_told_what_it_has_lost", || {
        let _code = candor::run(async {
            let group = TaskGroup::new();
            group.spawn(pending::<()>());
            "seven".parse::<u8>()?;
            group.join().await?;
            candor::Ok(())
        });
    });
    let Some(said) = said else { return };
    assert_count(&said, LOST, 1);
    assert_count(&said, "failed: invalid digit", 1);
}

#[test]
fn a_group_that_is_joined_or_cancelled_gets_no_notice() {
    let said = said("a_group_that_is_joined_or_cancelled_gets_no_notice", || {
        candor::block_on(async {
            let group = TaskGroup::new();
            group.spawn(pending::<()>());
            group.cancel();
            drop(group);
            let group = TaskGroup::independent();
            group.spawn(pending::<()>());
            group.cancel();
            drop(group);
            let group = TaskGroup::new();
            group.spawn(pending::<()>());
            drop(group.join());
            let group = TaskGroup::independent();
            group.spawn(pending::<()>());
            drop(group.join());
            let group = TaskGroup::new();
            group.spawn(async {});
            yield_now().await;
            drop(group);
        });
    });
    let Some(said) = said else { return };
    assert_eq!(said, "");
}

#[test]
fn a_task_that_drops_its_own_group_and_panics_gets_the_notice_then_its_report_once() {
    let name = "a_task_that_drops_its_own_group_and_panics_gets_the_notice_then_its_report_once";
    let said = said(name, || {
        candor::block_on(async {
            let own = Rc::new(RefCell::new(None));
            let group = TaskGroup::independent();
            group.spawn({
                let own = Rc::clone(&own);
                async move {
                    drop(own.take());
                    panic!("boom");
                }
            });
            *own.borrow_mut() = Some(group);
            yield_now().await;
        });
    });
    let Some(said) = said else { return };
    assert_count(&said, LOST, 1);
    assert_count(&said, "panicked: boom", 1);
    assert!(said.find(LOST) < said.find("panicked: boom"), "{said}");
}

/// A task that has a group when it is done with, and does nothing but wait.
async fn waits_with_a_group() {
    let group = TaskGroup::new();
    group.spawn(pending::<()>());
    pending::<()>().await;
    drop(group);
}

#[test]
fn a_group_that_goes_with_its_task_or_its_executor_gets_no_notice() {
    let name = "a_group_that_goes_with_its_task_or_its_executor_gets_no_notice";
    let said = said(name, || {
        candor::block_on(async {
            // Aborted.
            let task = spawn(waits_with_a_group());
            yield_now().await;
            task.abort();
            yield_now().await;
            // A member of a group that is cancelled.
            let group = TaskGroup::new();
            group.spawn(waits_with_a_group());
            yield_now().await;
            group.cancel();
            group.join().await.unwrap();
            // There to the end.
            candor::TaskBuilder::new()
                .daemon()
                .spawn(waits_with_a_group())
                .detach();
            yield_now().await;
        });
        // The main future itself ends with the executor.
        let _code = candor::run(async {
            spawn(async { candor::exit(0) }).detach();
            waits_with_a_group().await;
        });
        let executor = candor::Executor::new();
        executor.spawn(waits_with_a_group()).detach();
        executor.run_until_stalled();
        drop(executor);
        let executor = candor::Executor::new();
        let mut future = Box::pin(executor.run_until(waits_with_a_group()));
        let poll = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        drop(future);
    });
    let Some(said) = said else { return };
    assert_lacks(&said, LOST);
}

#[test]
fn a_group_that_is_dropped_by_a_panic_gets_no_notice() {
    let name = "a_group_that_is_dropped_by_a_panic_gets_no_notice";
    let said = said(name, || {
        let _code = candor::run(async {
            let group = TaskGroup::new();
            group.spawn(pending::<()>());
            assert_eq!(group.spawn(async { 1 }).await, Some(2), "boom");
        });
    });
    let Some(said) = said else { return };
    assert_count(&said, "boom", 1);
    assert_lacks(&said, LOST);
}

#[test]
fn a_group_that_is_dropped_outside_of_its_executor_gets_a_notice_at_once() {
    let name = "a_group_that_is_dropped_outside_of_its_executor_gets_a_notice_at_once";
    let said = said(name, || {
        let executor = candor::Executor::new();
        let group = executor.block_on(async {
            let group = TaskGroup::new();
            group.spawn(pending::<()>());
            group
        });
        drop(group);
        eprintln!("It was dropped.");
    });
    let Some(said) = said else { return };
    assert_count(&said, LOST, 1);
    assert!(said.ends_with("It was dropped.\n"), "{said}");
}

// A group that hands its failures out.

#[test]
fn a_failure_that_was_handed_out_is_read_and_the_siblings_go_on() {
    let reports = Reports::new();
    reports.block_on(async {
        let mut group = TaskGroup::independent().collecting();
        group.spawn(async {
            sleep(SECOND).await;
            "seven".parse::<u8>()
        });
        group.spawn(async { panic!("boom") });
        let value = group.spawn(async {
            sleep(2 * SECOND).await;
            7
        });
        let first = group.next_failure().await.unwrap();
        assert_eq!(first.to_string(), "task #2 panicked: boom");
        let second = group.next_failure().await.unwrap().into_failed();
        let second = second.unwrap_or_else(|error| panic!("{error}"));
        assert!(second.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(group.next_failure().await.is_none());
        assert_eq!(value.await, Some(7));
        let summary = group.join().await;
        assert_eq!((summary.succeeded, summary.failed), (1, 2));
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn failures_that_were_not_handed_out_are_reported_when_the_group_goes() {
    let reports = Reports::new();
    reports.block_on(async {
        let mut dropped = TaskGroup::independent().collecting();
        for message in ["one", "two", "three"] {
            dropped.spawn(async move { Err::<(), _>(message) });
        }
        let first = dropped.next_failure().await.unwrap();
        assert_eq!(first.failure().unwrap().message(), "one");
        assert_eq!(reports.headlines(), [""; 0]);
        drop(dropped);
        yield_now().await;
        let all = ["task #2 failed: two", "task #3 failed: three"];
        assert_eq!(reports.headlines(), all);

        let joined = TaskGroup::independent().collecting();
        joined.spawn(async { Err::<(), _>("four") });
        yield_now().await;
        joined.spawn(async { Err::<(), _>("during the join") });
        assert_eq!(joined.join().await.failed, 2);
    });
    assert_eq!(
        reports.end(),
        [
            "task #2 failed: two",
            "task #3 failed: three",
            "task #4 failed: four",
            "task #5 failed: during the join",
        ]
    );
}

#[test]
fn a_failure_that_nobody_asks_for_in_time_is_overdue_and_can_still_be_had() {
    let reports = Reports::new();
    reports.block_on(async {
        let mut group = TaskGroup::independent().collecting();
        group.spawn(async { panic!("late") });
        sleep(5 * SECOND).await;
        assert_eq!(
            reports.headlines(),
            ["task #1 panicked (not awaited yet): late"]
        );
        assert!(group.next_failure().await.unwrap().is_panic());
    });
    assert_eq!(reports.failures(), 1);
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_failure_that_was_handed_out_and_passed_on_keeps_its_origin() {
    let reports = Reports::new();
    let parent = reports.spawn(async {
        let mut group = TaskGroup::independent().collecting();
        group.spawn(async { Err::<(), candor::Error>("the origin".into()) });
        match group.next_failure().await {
            Some(failure) => Err(candor::Error::from(failure)),
            None => candor::Ok(()),
        }
    });
    drop(parent);
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "task #1 failed: task #2 failed: the origin");
    assert_contains(&report, "\n   passed on by task #1");
}

#[test]
fn a_collecting_group_that_is_dropped_cancels_its_tasks_and_their_last_words_are_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        let mut group = TaskGroup::independent().collecting();
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        assert!(time::timeout(SECOND, group.next_failure()).await.is_err());
        drop(group);
        yield_now().await;
    });
    assert_eq!(reports.end(), ["task #1 panicked: on the way out"]);
}

// Who has ended.

#[test]
fn next_gives_the_ids_in_the_order_of_ending_and_none_when_nobody_is_left() {
    candor::test(async {
        let mut linked = TaskGroup::new();
        let mut independent = TaskGroup::independent();
        for seconds in [3, 1, 2] {
            linked.spawn(sleep(seconds * SECOND));
            independent.spawn(sleep(seconds * SECOND));
        }
        let mut ended = Vec::new();
        while let Some(id) = linked.next().await {
            ended.push(id.to_string());
        }
        assert_eq!(ended, ["#3", "#5", "#1"]);
        ended.clear();
        while let Some(id) = independent.next().await {
            ended.push(id.to_string());
        }
        assert_eq!(ended, ["#4", "#6", "#2"]);
    });
}

#[test]
fn next_tells_of_those_that_failed_or_were_cancelled_and_changes_nothing_for_the_failure() {
    candor::test(async {
        let mut group = TaskGroup::new();
        group.spawn(pending::<()>());
        group.spawn(async { panic!("boom") });
        assert_eq!(group.next().await.unwrap().to_string(), "#2");
        assert_eq!(group.next().await.unwrap().to_string(), "#1");
        assert_eq!(group.next().await, None);
        assert_eq!(messages(&group.join().await.unwrap_err()), ["boom"]);
    });
}

#[test]
fn a_loop_over_next_may_spawn_and_values_stay_in_the_handles() {
    candor::test(async {
        let mut group = TaskGroup::independent();
        let mut handles = vec![group.spawn(async { 1 })];
        let mut seen = 0;
        while let Some(id) = group.next().await {
            seen += 1;
            assert_eq!(handles.last().unwrap().id(), Some(id));
            if seen < 5 {
                handles.push(group.spawn(async move { seen }));
            }
        }
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        assert_eq!((seen, sum), (5, 1 + 1 + 2 + 3 + 4));
        assert_eq!(group.join().await.succeeded, 5);
    });
}

#[test]
fn a_next_that_is_dropped_loses_nobody() {
    candor::test(async {
        let mut group = TaskGroup::new();
        let task = group.spawn(sleep(2 * SECOND));
        assert!(time::timeout(SECOND, group.next()).await.is_err());
        sleep(2 * SECOND).await;
        drop(group.next());
        assert_eq!(group.next().await, task.id());
        assert_eq!(group.next().await, None);
    });
}

#[test]
fn next_inside_of_a_combinator_is_woken_as_well() {
    candor::test(async {
        let mut group = TaskGroup::new();
        let task = group.spawn(sleep(SECOND));
        let mut combined = futures::stream::FuturesUnordered::new();
        combined.push(group.next());
        assert_eq!(
            futures::StreamExt::next(&mut combined).await,
            Some(task.id())
        );
    });
}

#[test]
fn a_long_lived_group_that_nobody_asks_keeps_the_newest_ids() {
    candor::test(async {
        let mut group = TaskGroup::independent();
        for _ in 0..10_000 {
            group.spawn(async {}).await;
        }
        assert_eq!(group.next().await.unwrap().to_string(), "#8977");
        let mut more = 0;
        while group.next().await.is_some() {
            more += 1;
        }
        assert_eq!(more, 1_023);
    });
}

// Independent groups.

#[test]
fn an_independent_failure_is_reported_at_once_and_the_siblings_go_on() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    let summary = reports.block_on(async {
        let group = TaskGroup::independent();
        group.spawn(async { Err::<(), _>("one") });
        group.spawn({
            let trace = trace.clone();
            async move { trace.note("polled") }
        });
        group.spawn(async {
            sleep(SECOND).await;
            panic!("two")
        });
        let kept = group.spawn(async {
            sleep(2 * SECOND).await;
            7
        });
        let endless = group.spawn(pending::<()>());
        assert_eq!(kept.await, Some(7));
        endless.abort();
        group.join().await
    });
    assert_eq!(
        trace.events(),
        [
            "report: task #1 failed: one",
            "polled",
            "report: task #3 panicked: two"
        ]
    );
    assert_eq!(
        (summary.succeeded, summary.failed, summary.cancelled),
        (2, 2, 1)
    );
}

#[test]
fn an_independent_failure_is_reported_though_its_handle_is_held() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::independent();
        let handle = group.spawn(async { panic!("boom") });
        yield_now().await;
        assert_eq!(reports.headlines(), ["task #1 panicked: boom"]);
        assert!(handle.await.is_none());
        assert_eq!(group.join().await.failed, 1);
    });
    assert_eq!(reports.failures(), 1);
}

#[test]
fn dropping_an_independent_group_cancels_its_tasks() {
    let reports = Reports::new();
    let trace = reports.trace.clone();
    reports.block_on(async {
        let group = TaskGroup::independent();
        let noted = Noted(trace.clone(), "task");
        group.spawn(async move {
            let _noted = noted;
            pending::<()>().await;
        });
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        yield_now().await;
        drop(group);
        yield_now().await;
    });
    assert_eq!(
        trace.events(),
        [
            "task is dropped",
            "report: task #2 panicked: on the way out"
        ]
    );
}

#[test]
fn an_independent_task_that_panics_on_its_way_out_counts_as_failed() {
    let reports = Reports::new();
    let summary = reports.block_on(async {
        let group = TaskGroup::independent();
        group.spawn(async {
            let _grenade = Grenade("on the way out");
            pending::<()>().await;
        });
        yield_now().await;
        group.cancel();
        group.join().await
    });
    assert_eq!((summary.failed, summary.cancelled), (1, 0));
    assert_eq!(reports.end(), ["task #1 panicked: on the way out"]);
}

#[test]
fn ten_thousand_tasks_in_turn_take_one_place() {
    candor::test(async {
        let group = TaskGroup::independent();
        let counted = Rc::new(());
        for _ in 0..10_000 {
            let counted = counted.clone();
            group.spawn(async move { candor::Plain(counted) }).await;
        }
        assert_eq!(Rc::strong_count(&counted), 1);
        assert_eq!(group.join().await.succeeded, 10_000);
    });
}

#[test]
fn nothing_of_a_group_is_left_when_it_and_its_executor_are_gone() {
    let counted = Rc::new(());
    let executor = candor::Executor::new();
    let kept = executor.block_on(async {
        let group = TaskGroup::new();
        for _ in 0..3 {
            let counted = counted.clone();
            group.spawn(async move {
                let _counted = counted;
                pending::<()>().await;
            });
        }
        yield_now().await;
        group
    });
    assert_eq!(Rc::strong_count(&counted), 4);
    drop(executor);
    assert_eq!(Rc::strong_count(&counted), 1);
    let mut join = Box::pin(kept.join());
    let poll = join.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Ready(Ok(()))));
}

#[test]
fn a_value_that_no_handle_is_left_for_goes_with_its_task() {
    let value = Rc::new(5);
    let kept = Rc::downgrade(&value);
    candor::test(async {
        let group = TaskGroup::new();
        drop(group.spawn(async move { value }));
        group.spawn(sleep(9 * SECOND));
        sleep(SECOND).await;
        assert!(kept.upgrade().is_none());
        group.join().await.unwrap();
    });
}

/// Groups inside of each other; the innermost one fails.
fn nested(groups: u32) -> Pin<Box<dyn Future<Output = candor::Result>>> {
    Box::pin(async move {
        if groups == 0 {
            return Err("the origin".into());
        }
        let group = TaskGroup::new();
        group.spawn(nested(groups - 1));
        group.join().await?;
        candor::Ok(())
    })
}

#[test]
fn the_report_of_nested_groups_grows_with_their_number_however_deep() {
    let lengths = [50, 100, 200].map(|groups| {
        let reports = Reports::new();
        reports.spawn(nested(groups)).detach();
        reports.drain();
        let report = reports.only();
        assert_count(&report, ": the origin", 1);
        report.len()
    });
    let [short, middle, long] = lengths;
    assert!(long - middle <= 3 * (middle - short), "{lengths:?}");
    let reports = Reports::new();
    reports.spawn(nested(20_000)).detach();
    reports.drain();
    assert_eq!(reports.failures(), 1);
}

#[test]
fn a_task_of_a_collecting_group_has_a_name_too() {
    candor::test(async {
        let mut group = TaskGroup::independent().collecting();
        let fails = async { Err::<(), candor::Error>("broken".into()) };
        drop(
            candor::TaskBuilder::new()
                .name("fetch")
                .spawn_in(&group, fails),
        );
        let failure = group.next_failure().await.unwrap();
        assert_eq!(failure.failure().unwrap().task_name(), Some("fetch"));
    });
}

#[test]
fn below_sixteen_levels_a_tree_is_not_moved_to_the_right_and_has_numbers() {
    fn nested(levels: u32) -> Pin<Box<dyn Future<Output = candor::Result>>> {
        Box::pin(async move {
            if levels == 0 {
                return Err("leaf".into());
            }
            let group = TaskGroup::new();
            group.spawn(nested(levels - 1));
            group.join().await?;
            candor::Ok(())
        })
    }
    let report = candor::block_on(async {
        let group = TaskGroup::new();
        group.spawn(nested(18));
        group.join().await.unwrap_err().report()
    });
    let indents = report.lines().filter_map(|line| line.find("└─ "));
    let indents: Vec<_> = indents.collect();
    assert_eq!(indents.len(), 19);
    assert!(
        indents[..16].is_sorted_by(|one, next| one < next),
        "{indents:?}"
    );
    assert_eq!(indents[16..], [indents[15]; 3]);
    assert_contains(&report, "└─ (level 17) task #17 failed");
    assert_contains(&report, "└─ (level 19) task #19 failed: leaf");
    assert_lacks(&report, "(level 16)");
}

thread_local! {
    /// Polled while an error is asked for its text.
    static POLLED: RefCell<Option<Pin<Box<dyn Future<Output = usize>>>>> = const { RefCell::new(None) };
}

/// Polls that future when it is asked for its text.
struct PollsWhileAsked;

impl std::error::Error for PollsWhileAsked {}

impl std::fmt::Display for PollsWhileAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("asked")
    }
}

impl std::fmt::Debug for PollsWhileAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(mut polled) = POLLED.take() {
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(polled.as_mut().poll(cx).is_pending(), "it said: no failure");
            POLLED.set(Some(polled));
        }
        f.write_str("PollsWhileAsked")
    }
}

#[test]
fn a_failure_that_is_being_asked_for_its_text_is_not_overlooked_by_its_group() {
    let reports = Reports::new();
    reports.block_on(async {
        let group = TaskGroup::<PollsWhileAsked>::typed();
        group.spawn(async { Err::<(), _>(PollsWhileAsked) });
        let join = group.join();
        POLLED.set(Some(Box::pin(async {
            join.await.unwrap_err().failures().len()
        })));
        // Its grace ends, and it is reported.
        sleep(5 * SECOND).await;
        assert_eq!(POLLED.take().unwrap().await, 1);

        let mut group = TaskGroup::independent().collecting();
        group.spawn(async { Err::<(), _>(PollsWhileAsked) });
        POLLED.set(Some(Box::pin(async move {
            usize::from(group.next_failure().await.is_some())
        })));
        sleep(5 * SECOND).await;
        assert_eq!(POLLED.take().unwrap().await, 1);
    });
    assert_eq!(reports.headlines().len(), 2);
}

#[test]
fn what_a_handle_has_given_stays_given_however_much_is_ready_beside_it() {
    candor::test(async {
        let group = TaskGroup::<candor::Error>::new();
        let mut handle = group.spawn(async { 1 });
        let others: Vec<_> = (0..300).map(|_| spawn(async {})).collect();
        yield_now().await;
        yield_now().await;
        std::future::poll_fn(|cx| {
            assert_eq!(Pin::new(&mut handle).poll(cx), Poll::Ready(Some(1)));
            Poll::Ready(())
        })
        .await;
        let mut others = others.into_iter();
        std::future::poll_fn(|cx| {
            for mut other in others.by_ref().take(127) {
                assert!(Pin::new(&mut other).poll(cx).is_ready());
            }
            assert_eq!(Pin::new(&mut handle).poll(cx), Poll::Ready(None));
            Poll::Ready(())
        })
        .await;
        group.join().await.unwrap();
    });
}

thread_local! {
    static SPAWNS_INTO: RefCell<Option<candor::GroupSpawner<SpawnsAtConversion>>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct SpawnsAtConversion;

impl From<std::num::ParseIntError> for SpawnsAtConversion {
    fn from(_: std::num::ParseIntError) -> Self {
        SPAWNS_INTO.with_borrow(|spawner| {
            let late = async {
                pending::<()>().await;
                Ok::<(), SpawnsAtConversion>(())
            };
            drop(spawner.as_ref().unwrap().spawn(late));
        });
        SpawnsAtConversion
    }
}

#[test]
fn what_the_conversion_of_an_error_spawns_into_its_group_does_not_outlive_the_join() {
    candor::test(async {
        let group = TaskGroup::<SpawnsAtConversion>::typed();
        SPAWNS_INTO.set(Some(group.spawner()));
        group.spawn(async { "x".parse::<i32>() });
        group.join().await.unwrap_err();
        assert_eq!(candor::tasks().len(), 0);
        SPAWNS_INTO.take();
    });
}

#[test]
fn what_a_cancelled_member_spawns_when_it_is_dropped_is_dropped_as_well() {
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    struct SpawnsOnce(candor::GroupSpawner, Rc<Cell<bool>>);
    impl Drop for SpawnsOnce {
        fn drop(&mut self) {
            let flag = Flag(Rc::clone(&self.1));
            self.0.spawn(async move {
                let _flag = flag;
                pending::<()>().await;
            });
        }
    }
    let is_dropped = Rc::new(Cell::new(false));
    candor::test(async {
        let group = TaskGroup::new();
        let spawns = SpawnsOnce(group.spawner(), Rc::clone(&is_dropped));
        group.spawn(async move {
            let _spawns = spawns;
            pending::<()>().await;
        });
        yield_now().await;
        group.cancel();
        group.join().await.unwrap();
        assert!(is_dropped.get());
    });
}
