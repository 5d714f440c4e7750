//! What programs that come from other runtimes ask for.

mod common;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use candor::{Context, Executor, TaskBuilder, TaskGroup, TaskPool, yield_now};
use common::{Reports, in_time};

#[test]
fn to_cancel_waits_until_the_future_is_gone() {
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    candor::block_on(async {
        for by_handle in [true, false] {
            let is_gone = Rc::new(Cell::new(false));
            let flag = Flag(Rc::clone(&is_gone));
            let task = candor::spawn(async move {
                let _flag = flag;
                std::future::pending::<()>().await
            });
            yield_now().await;
            match by_handle {
                true => assert!(task.cancel().await.unwrap_err().is_cancelled()),
                false => task.abort_handle().cancel().await,
            }
            assert!(is_gone.get());
        }
        assert_eq!(candor::spawn(async { 5 }).await.unwrap(), 5);
    });
}

#[test]
fn a_task_that_cancels_itself_ends_there() {
    candor::block_on(async {
        let stop = Rc::new(Cell::new(None::<candor::AbortHandle>));
        let its = Rc::clone(&stop);
        let task = candor::spawn(async move {
            yield_now().await;
            let stop = its.take().unwrap();
            stop.cancel().await;
            unreachable!("it is gone");
        });
        stop.set(Some(task.abort_handle()));
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    });
}

#[test]
fn to_cancel_a_task_that_cannot_run_meanwhile_waits_and_does_not_ask_again_and_again() {
    let polls = candor::block_on(async {
        let stop = candor::spawn(std::future::pending::<()>()).abort_handle();
        // The inner executor holds the outer one up, and so the end of the task.
        let inner = Executor::builder().virtual_time().build();
        inner.block_on(async {
            let (mut polls, mut cancelled) = (0, pin!(stop.cancel()));
            let counted = poll_fn(|cx| {
                polls += 1;
                assert!(polls < 100, "it is polled again and again");
                cancelled.as_mut().poll(cx)
            });
            let limited = candor::time::timeout(Duration::from_secs(1), counted);
            assert!(limited.await.is_err());
            polls
        })
    });
    // The second one is that of the timeout.
    assert!(polls <= 2, "{polls}");
}

#[test]
fn to_cancel_what_is_done_gives_its_outcome() {
    candor::block_on(async {
        let task = candor::spawn(async { 5 });
        yield_now().await;
        assert_eq!(task.cancel().await.unwrap(), 5);
    });
    let stop = candor::block_on(async { candor::spawn(async {}).abort_handle() });
    futures::executor::block_on(stop.cancel());
}

#[test]
fn drained_waits_for_what_is_spawned_meanwhile_and_not_for_daemons() {
    in_time(|| {
        let executor = Executor::new();
        let done = Rc::new(Cell::new(0));
        let counts = Rc::clone(&done);
        executor
            .spawn(async move {
                yield_now().await;
                let counted = Rc::clone(&counts);
                candor::spawn(async move {
                    candor::sleep(Duration::from_millis(5)).await;
                    counted.set(counted.get() + 1);
                })
                .detach();
                counts.set(counts.get() + 1);
            })
            .detach();
        let daemon = TaskBuilder::new().daemon();
        daemon
            .spawn_on(&executor, std::future::pending::<()>())
            .detach();
        futures::executor::block_on(executor.run_until(executor.drained()));
        assert_eq!(done.get(), 2);
    });
}

#[test]
fn drained_is_polled_again_when_all_is_done_and_not_for_each_task() {
    in_time(|| {
        // What waits for ever is a proven stall, which panics.
        let executor = Executor::builder()
            .virtual_time()
            .detect_stalls(true)
            .build();
        for millis in 1..=10 {
            executor
                .spawn(candor::sleep(Duration::from_millis(millis)))
                .detach();
        }
        let polls = Cell::new(0);
        let mut drained = pin!(executor.drained());
        executor.block_on(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            drained.as_mut().poll(cx)
        }));
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn try_tick_polls_one_task_and_leaves_virtual_time_to_whoever_moves_it() {
    in_time(|| {
        let executor = Executor::builder().virtual_time().build();
        let sleeper = executor.spawn(async { candor::sleep(Duration::from_secs(10)).await });
        executor.spawn(async {}).detach();
        assert_eq!([(); 3].map(|()| executor.try_tick()), [true, true, false]);
        executor.advance(Duration::from_secs(9));
        assert!(!executor.try_tick() && !sleeper.is_finished());
        executor.advance(Duration::from_secs(1));
        assert!(executor.try_tick() && sleeper.is_finished());
        // It wakes itself in its last poll: its slot is still queued when it has left.
        let wakes_itself = std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::Ready(())
        });
        executor.spawn(wakes_itself).detach();
        assert_eq!([(); 2].map(|()| executor.try_tick()), [true, false]);
    });
}

#[test]
fn try_tick_says_that_a_task_ran_also_if_that_one_has_stopped_the_executor() {
    in_time(|| {
        let executor = Executor::new();
        executor.spawn(async { candor::exit(0) }).detach();
        assert!(executor.try_tick());
        assert!(!executor.try_tick());
    });
}

#[test]
fn the_current_task_is_the_one_that_is_polled() {
    assert_eq!(candor::current(), None);
    candor::block_on(async {
        assert_eq!(candor::current(), None);
        let name = || candor::current().unwrap().name().map(str::to_owned);
        let task = TaskBuilder::new().name("outer").spawn(async move {
            let inner =
                candor::block_on(
                    async move { candor::spawn(async move { name() }).await.unwrap() },
                );
            (inner, name())
        });
        assert_eq!(task.await.unwrap(), (None, Some("outer".to_owned())));
    });
}

#[test]
fn tasks_of_groups_pools_and_remotes_are_named_in_their_reports() {
    let reports = Reports::new();
    let named = || TaskBuilder::new().name("fetch");
    let remote = reports.remote();
    let fails = || async { Err::<(), _>("refused") };
    reports.block_on(async {
        let group = TaskGroup::independent();
        named().spawn_in(&group, fails());
        let _counts = group.join().await;
        named().submit_to(&TaskPool::new(1), fails()).detach();
        named().spawn_remote(&remote, fails).unwrap().detach();
        let linked = TaskGroup::new();
        named().spawn_in(&linked.spawner(), fails());
        drop(linked.join().await.unwrap_err());
        yield_now().await;
        yield_now().await;
    });
    reports.drain();
    let headlines = reports.headlines();
    assert_eq!(headlines.len(), 3, "{headlines:?}");
    assert!(
        headlines
            .iter()
            .all(|line| line.contains("`fetch` failed: ")),
        "{headlines:?}"
    );
}

#[test]
fn context_adds_lines_above_the_first_error_and_keeps_its_place() {
    fn port(text: &str) -> candor::Result<u16> {
        let port = text.parse::<u16>().context("reading the port")?;
        candor::Ok(port)
    }
    let place = line!() - 3;
    let error = port("eighty").context("starting the server").unwrap_err();
    assert_eq!(error.to_string(), "starting the server");
    assert_eq!(
        format!("{error:#}"),
        "starting the server: reading the port: invalid digit found in string"
    );
    assert_eq!(error.location().line(), place);
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    let report = format!("{error:?}");
    assert!(
        report.contains(
            "\n   caused by: reading the port\n   caused by: invalid digit found in string"
        ),
        "{report}"
    );
}

#[test]
fn context_around_the_failure_of_a_task_is_reported_with_that_failure() {
    let reports = Reports::new();
    reports.block_on(async {
        candor::spawn(async {
            let lost = candor::spawn(async { Err::<(), candor::Error>("connection lost".into()) });
            lost.await.context("fetching")?;
            candor::Ok(())
        })
        .detach();
        yield_now().await;
        yield_now().await;
        yield_now().await;
    });
    let headlines = reports.headlines();
    assert_eq!(headlines.len(), 1, "{headlines:?}");
    assert!(
        headlines[0].contains("fetching: task #2 failed: connection lost"),
        "{headlines:?}"
    );
}

#[test]
fn time_that_is_moved_by_hand_fires_what_is_due_and_the_real_clock_cannot_be() {
    candor::test(async {
        let sleeper = candor::spawn(candor::sleep(Duration::from_secs(60)));
        yield_now().await;
        candor::time::advance(Duration::from_secs(59)).await;
        assert!(!sleeper.is_finished());
        candor::time::advance(Duration::from_secs(1)).await;
        assert!(sleeper.is_finished());
    });
    let moved = std::panic::catch_unwind(|| Executor::new().advance(Duration::from_secs(1)));
    let payload = moved.unwrap_err();
    assert!(
        payload
            .downcast_ref::<&str>()
            .unwrap()
            .contains("virtual_time()")
    );
}
