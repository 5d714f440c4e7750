//! A spawn from another thread gets an answer: the outcome, `Cancelled` or `Closed`, and never a hang.
//!
//! ```text
//! other threads                  the executor's thread
//! remote.spawn(closure) ───────► the task: made, polled and dropped here
//! handle ◄────────────────────── outcome
//! handle dropped ──────────────► its failure is reported here
//! ```
//!
//! Nothing waits for a time: threads wait for each other by channels and joins, so a lost message hangs.

mod common;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use candor::{Closed, Executor, JoinError, Remote, RemoteHandle, TaskBuilder, sleep, yield_now};
use common::{Reports, assert_contains, panic_message};
use futures::task::{LocalSpawn, LocalSpawnExt, Spawn, SpawnExt};

const _: fn() = || {
    fn sent_and_shared<T: Send + Sync + Unpin>() {}
    sent_and_shared::<Remote>();
    sent_and_shared::<Closed>();
    sent_and_shared::<RemoteHandle<Result<Cell<u8>, String>>>();
};

/// Runs `body` on another thread, and waits until it is over.
fn elsewhere<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let thread = thread::Builder::new().name("worker".to_owned());
    thread.spawn(body).unwrap().join().unwrap()
}

fn poll_once<T: candor::Outcome>(
    handle: &mut RemoteHandle<T>,
) -> Poll<Result<T::Ok, JoinError<T::Err>>> {
    Pin::new(handle).poll(&mut Context::from_waker(Waker::noop()))
}

/// Sends the id of the thread that drops it.
struct Tracked(mpsc::Sender<thread::ThreadId>);

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).ok();
    }
}

// Outcomes.

#[test]
fn what_a_handle_drops_after_the_executor_may_panic() {
    #[derive(Debug)]
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor panics");
        }
    }

    let reports = Reports::new();
    let remote = reports.remote();
    let failed = remote.spawn(|| async { Err::<(), _>(Bomb) }).unwrap();
    let panicked = remote
        .spawn(|| async { std::panic::panic_any(Bomb) })
        .unwrap();
    reports.run_until_stalled();
    assert_eq!(reports.end().len(), 2);
    drop(failed);
    drop(panicked);
}

#[test]
fn the_future_is_made_on_the_executors_thread_and_need_not_be_send() {
    let executor = Executor::new();
    let remote = executor.remote();
    let here = thread::current().id();
    let task = elsewhere(move || {
        remote.spawn(move || {
            let unsendable = Rc::new(Cell::new(thread::current().id()));
            async move {
                yield_now().await;
                unsendable.get() == here
            }
        })
    });
    assert!(executor.block_on(task.unwrap()).unwrap());
}

#[test]
fn a_sleeping_executor_wakes_for_what_is_spawned_and_answers_another_thread() {
    let executor = Executor::new();
    let remote = executor.remote();
    let (done, is_done) = async_channel::bounded::<()>(1);
    let thread = thread::spawn(move || {
        let mut sum = 0;
        for number in 0..1_000_u64 {
            let task = remote.spawn(move || async move { number }).unwrap();
            sum += futures::executor::block_on(task).unwrap();
        }
        drop(done);
        sum
    });
    executor.block_on(async { is_done.recv().await.unwrap_err() });
    assert_eq!(thread.join().unwrap(), 499_500);
}

#[test]
fn another_candor_awaits_a_task_and_so_does_a_task_of_the_same_one() {
    let executor = Executor::new();
    let remote = executor.remote();
    let other = thread::spawn({
        let remote = remote.clone();
        move || candor::block_on(async { remote.spawn(|| async { 2 }).unwrap().await.unwrap() })
    });
    let same = executor.spawn(async move { Ok(remote.spawn(|| async { 3 }).unwrap().await? + 1) });
    let same: Result<u64, JoinError<JoinError<std::convert::Infallible>>> = executor.block_on(same);
    assert_eq!(same.unwrap(), 4);
    while !other.is_finished() {
        executor.drain();
        thread::yield_now();
    }
    assert_eq!(other.join().unwrap(), 2);
}

#[test]
fn what_one_thread_spawns_begins_in_order() {
    let reports = Reports::new();
    let (begun, order) = mpsc::channel();
    let remote = reports.remote();
    elsewhere(move || {
        for number in 0..100 {
            let begun = begun.clone();
            let make = move || async move { begun.send(number).unwrap() };
            remote.spawn(make).unwrap().detach();
        }
    });
    reports.drain();
    assert!(order.iter().eq(0..100));
    assert!(reports.end().is_empty());
}

#[test]
fn drain_waits_for_what_has_arrived_and_not_for_a_remote_that_lives() {
    let executor = Executor::builder().virtual_time().build();
    let remote = executor.remote();
    executor.drain();
    let task = remote
        .spawn(|| async { sleep(Duration::from_secs(5)).await })
        .unwrap();
    executor.drain();
    assert!(task.is_finished());
}

#[test]
fn a_handle_that_has_given_its_outcome_says_so_when_it_is_polled_again() {
    let executor = Executor::new();
    let mut task = executor.remote().spawn(|| async { 1 }).unwrap();
    assert_eq!(format!("{task:?}"), "RemoteHandle(under way)");
    executor.drain();
    assert_eq!(format!("{task:?}"), "RemoteHandle(task #1, finished)");
    assert!(poll_once(&mut task).is_ready());
    let message = panic_message(|| drop(poll_once(&mut task)));
    assert_contains(
        &message,
        "the RemoteHandle of task #1 was polled after it had given its outcome",
    );
}

// Aborting.

#[test]
fn a_task_is_aborted_under_way_and_while_it_waits() {
    let reports = Reports::new();
    let remote = reports.remote();
    let (dropped, dropped_by) = mpsc::channel();
    let under_way = remote.spawn({
        let tracked = Tracked(dropped.clone());
        move || async move {
            let _tracked = tracked;
            unreachable!("it was aborted before it began")
        }
    });
    let under_way: RemoteHandle<()> = under_way.unwrap();
    under_way.abort();
    let waiting = remote.spawn({
        let tracked = Tracked(dropped.clone());
        move || async move {
            let _tracked = tracked;
            pending::<()>().await
        }
    });
    let waiting = waiting.unwrap();
    reports.block_on(async {
        while waiting.id().is_none() {
            yield_now().await
        }
    });
    let waiting = elsewhere(move || {
        waiting.abort();
        waiting.abort();
        waiting
    });
    assert!(reports.block_on(under_way).unwrap_err().is_cancelled());
    assert!(reports.block_on(waiting).unwrap_err().is_cancelled());
    drop(dropped);
    let here = thread::current().id();
    assert!(dropped_by.iter().eq([here, here]));
    assert!(reports.end().is_empty());
}

// Failures.

#[test]
fn a_failure_that_is_awaited_elsewhere_is_not_reported() {
    let reports = Reports::new();
    let remote = reports.remote();
    let failed = remote.spawn(|| async { Err::<(), _>("no") }).unwrap();
    let panicked = remote.spawn(|| async { panic!("boom") }).unwrap();
    reports.drain();
    elsewhere(move || {
        let error = futures::executor::block_on(failed).unwrap_err();
        assert_eq!(error.into_failed().unwrap(), "no");
        let error = futures::executor::block_on(panicked).unwrap_err();
        assert_contains(&format!("{error:?}"), "task #2 panicked: boom");
    });
    assert!(reports.end().is_empty());
}

#[test]
fn a_closure_that_panics_fails_as_its_task_and_the_report_names_the_thread() {
    let reports = Reports::new();
    let remote = reports.remote();
    elsewhere(move || {
        let make = || -> std::future::Ready<()> { panic!("not made") };
        remote.spawn(make).unwrap().detach();
    });
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "task #1 panicked: not made");
    assert_contains(&report, " from thread `worker`");
    assert_contains(&report, "spawned at tests/remote.rs:");
}

#[test]
fn what_a_task_spawns_through_a_remote_of_its_own_executor_is_its_child() {
    let reports = Reports::new();
    let remote = reports.remote();
    let parent = async move { remote.spawn(|| async { panic!("boom") }).unwrap().detach() };
    reports.spawn(parent).detach();
    reports.drain();
    assert_contains(&reports.only(), " by task #1\n");
}

#[test]
fn a_failure_whose_handle_is_dropped_elsewhere_is_reported_here_and_once() {
    let reports = Reports::new();
    let task = (reports.remote())
        .spawn(|| async { panic!("boom") })
        .unwrap();
    reports.drain();
    assert!(reports.texts().is_empty());
    elsewhere(move || drop(task));
    assert!(reports.texts().is_empty());
    reports.block_on(yield_now());
    assert_eq!(reports.headlines(), ["task #1 panicked: boom"]);
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_failure_that_nobody_awaits_in_its_grace_is_reported_and_can_still_be_awaited() {
    let reports = Reports::new();
    let task = (reports.remote())
        .spawn(|| async { Err::<(), _>(7) })
        .unwrap();
    reports.block_on(sleep(Duration::from_secs(3)));
    assert_eq!(
        reports.headlines(),
        ["task #1 failed (not awaited yet): 7 (i32)"]
    );
    assert_eq!(
        elsewhere(move || futures::executor::block_on(task)
            .unwrap_err()
            .into_failed()
            .unwrap()),
        7
    );
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_failure_that_was_not_read_is_reported_at_the_end_and_its_handle_still_has_it() {
    let reports = Reports::new();
    let remote = reports.remote();
    let held = remote.spawn(|| async { Err::<(), _>("held") }).unwrap();
    let forgotten = remote.spawn(|| async { panic!("forgotten") }).unwrap();
    reports.drain();
    std::mem::forget(forgotten);
    let trace = reports.trace.clone();
    assert_eq!(reports.end().len(), 2, "{:?}", trace.events());
    let error = elsewhere(move || futures::executor::block_on(held).unwrap_err());
    assert_eq!(error.into_failed().unwrap(), "held");
}

#[test]
fn a_value_that_panics_when_nobody_wants_it_is_the_tasks_failure() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    impl candor::Value for Grenade {}
    let reports = Reports::new();
    let remote = reports.remote();
    remote.spawn(|| async { Grenade }).unwrap().detach();
    reports.drain();
    assert_eq!(reports.headlines(), ["task #1 panicked: dropped"]);
    assert_eq!(reports.end().len(), 1);
}

#[test]
fn a_waker_that_panics_is_no_failure_of_the_task() {
    struct Hostile;
    impl std::task::Wake for Hostile {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("hostile"));
        }
    }
    let reports = Reports::new();
    let mut task = reports.remote().spawn(|| async { 5 }).unwrap();
    let hostile = Waker::from(Arc::new(Hostile));
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(&hostile))
            .is_pending()
    );
    reports.drain();
    assert_eq!(reports.block_on(task).unwrap(), 5);
    assert!(reports.end().is_empty());
}

// Hosts.

/// Counts how often it is called: the callback of a host, or its waker.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    /// How often it was called since the last look.
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_host_is_called_for_what_is_spawned_and_for_what_a_handle_wants() {
    let calls = Arc::new(Calls::default());
    let callback = Waker::from(Arc::clone(&calls));
    let builder = Executor::builder().on_wake(move || callback.wake_by_ref());
    let reports = Reports::of(builder);
    let tick_until_idle = || while reports.tick() {};
    tick_until_idle();
    calls.take();

    let remote = reports.remote();
    let failed = elsewhere(move || remote.spawn(|| async { Err::<(), _>("unread") }).unwrap());
    assert_eq!(calls.take(), 1);
    tick_until_idle();
    assert!(failed.is_finished());
    calls.take();

    elsewhere(move || drop(failed));
    assert_eq!(calls.take(), 1);
    tick_until_idle();
    assert_eq!(reports.headlines(), ["task #1 failed: unread"]);
    calls.take();

    reports.spawner().spawn_local(async {}).unwrap();
    assert_eq!(calls.take(), 1);
}

#[test]
fn the_runtime_that_drives_an_executor_is_woken_for_what_is_spawned() {
    let executor = Executor::new();
    let remote = executor.remote();
    let calls = Arc::new(Calls::default());
    let host = Waker::from(Arc::clone(&calls));
    let mut driven = pin!(executor.run_until(pending::<()>()));
    let mut poll_while_called = || loop {
        assert!((driven.as_mut().poll(&mut Context::from_waker(&host))).is_pending());
        if calls.take() == 0 {
            return;
        }
    };
    poll_while_called();
    let task = elsewhere(move || remote.spawn(|| async { 7 }).unwrap());
    assert_eq!(calls.0.load(Ordering::SeqCst), 1);
    poll_while_called();
    assert!(task.is_finished());
    assert_eq!(futures::executor::block_on(task).unwrap(), 7);
}

// The end.

#[test]
fn when_the_executor_is_gone_tasks_are_cancelled_and_spawns_refused() {
    let executor = Executor::new();
    let remote = executor.remote();
    let begun = remote.spawn(pending::<()>).unwrap();
    executor.block_on(async {
        while begun.id().is_none() {
            yield_now().await
        }
    });
    let under_way = remote.spawn(|| async { unreachable!() }).unwrap();
    let under_way: RemoteHandle<()> = under_way;
    let waiting = thread::spawn(move || futures::executor::block_on(begun));
    drop(executor);
    assert!(waiting.join().unwrap().unwrap_err().is_cancelled());
    let error = futures::executor::block_on(under_way).unwrap_err();
    assert!(error.is_cancelled());

    let (dropped, dropped_by) = mpsc::channel();
    let tracked = Tracked(dropped);
    let make = move || {
        let _tracked = tracked;
        async {}
    };
    assert_contains(
        &remote.spawn(make).unwrap_err().to_string(),
        "the executor is gone",
    );
    assert!(dropped_by.iter().eq([thread::current().id()]));
}

#[test]
fn a_remote_of_an_ended_executor_does_not_reach_the_next_one() {
    let executor = Executor::new();
    let remote = executor.remote();
    drop(executor);
    let next = Executor::new();
    assert!(remote.spawn(|| async {}).is_err());
    assert!(next.tasks().is_empty());
    assert!(next.remote().spawn(|| async {}).is_ok());
}

#[test]
fn exit_cancels_what_had_arrived_and_the_executor_goes_on() {
    let executor = Executor::new();
    let remote = executor.remote();
    let late = remote.clone();
    let (arrived, tasks) = mpsc::channel();
    let _ = executor.run(async move {
        // In the middle of a pass, so that no other pass begins before the end.
        yield_now().await;
        arrived.send(late.spawn(|| async { 1 }).unwrap()).unwrap();
        candor::exit(3);
        pending::<()>().await
    });
    let task = tasks.recv().unwrap();
    assert!(executor.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(
        executor
            .block_on(remote.spawn(|| async { 2 }).unwrap())
            .unwrap(),
        2
    );
}

#[test]
fn the_grace_of_a_failure_that_was_read_is_no_deadline() {
    let executor = Executor::new();
    let remote = executor.remote();
    let fails = remote.spawn(|| async { Err::<(), _>("an error") }).unwrap();
    executor.run_until_stalled();
    assert!(executor.next_deadline().is_some());
    futures::executor::block_on(fails).unwrap_err();
    assert_eq!(executor.next_deadline(), None);
}

#[test]
fn the_panic_of_what_is_refused_comes_out_where_it_was_spawned() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the bomb has gone off");
        }
    }
    let remote = Executor::new().remote();
    let bomb = Bomb;
    let spawns = move || {
        remote.spawn(|| async move {
            let _bomb = bomb;
        })
    };
    let payload = catch_unwind(AssertUnwindSafe(spawns)).unwrap_err();
    let text = payload.downcast_ref::<&str>().unwrap();
    assert_eq!(*text, "the bomb has gone off");
}

/// A hundred threads spawn while the executor ends: each spawn was refused, or its task ran, or it is cancelled.
#[test]
fn an_end_that_races_with_a_hundred_spawning_threads_loses_nothing() {
    const THREADS: usize = 100;
    let executor = Executor::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let start = Arc::new(Barrier::new(THREADS + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (remote, ran, start) = (executor.remote(), ran.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                let (mut done, mut cancelled) = (0, 0);
                loop {
                    let ran = ran.clone();
                    let make = move || async move { ran.fetch_add(1, Ordering::Relaxed) };
                    let Ok(task) = remote.spawn(make) else {
                        return (done, cancelled);
                    };
                    match futures::executor::block_on(task) {
                        Ok(_) => done += 1,
                        Err(error) if error.is_cancelled() => cancelled += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    start.wait();
    let enough = ran.clone();
    executor.block_on(poll_fn(|cx| {
        if enough.load(Ordering::Relaxed) >= 1_000 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    drop(executor);
    let mut done = 0;
    for thread in threads {
        done += thread.join().unwrap().0;
    }
    assert_eq!(done, ran.load(Ordering::Relaxed));
}

// Spawning for the futures crate.

#[test]
fn futures_spawn_ext_and_local_spawn_ext_spawn_here() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let seen = Rc::new(Cell::new(0));
    let (first, second) = (seen.clone(), seen.clone());
    spawner
        .spawn_local(async move { first.set(first.get() + 1) })
        .unwrap();
    let local = spawner
        .spawn_local_with_handle(async move { second.get() })
        .unwrap();
    let (sender, answer) = mpsc::channel();
    spawner
        .spawn(async move { sender.send(5).unwrap() })
        .unwrap();
    let sent = spawner.spawn_with_handle(async { 6 }).unwrap();
    assert_eq!(
        executor.block_on(async { (local.await, sent.await) }),
        (1, 6)
    );
    assert_eq!(answer.recv(), Ok(5));
    assert!(spawner.status().is_ok() && spawner.status_local().is_ok());

    drop(executor);
    assert!(spawner.spawn(async {}).unwrap_err().is_shutdown());
    assert!(spawner.spawn_local(async {}).is_err());
    assert!(spawner.status().is_err() && spawner.status_local().is_err());
}

#[test]
fn a_panic_of_a_spawners_task_is_reported_with_a_place_of_the_users() {
    let reports = Reports::new();
    reports
        .spawner()
        .spawn_local(async { panic!("boom") })
        .unwrap();
    reports.drain();
    let report = reports.only();
    assert_contains(&report, "task #1 panicked: boom");
    assert_contains(&report, "spawned at tests/remote.rs:");
}

#[test]
fn a_failure_of_a_detached_remote_task_is_reported_though_an_instrument_looks_at_it() {
    struct Looks;
    impl candor::Instrument for Looks {}
    for how in ["panics", "fails"] {
        let reports = Reports::of(candor::Executor::builder().instrument(Looks));
        let remote = reports.remote();
        let task = remote.spawn(move || async move {
            match how {
                "panics" => panic!("boom"),
                _ => Err::<(), _>("boom"),
            }
        });
        task.unwrap().detach();
        reports.drain();
        assert_eq!(reports.failures(), 1, "{how}");
        assert_contains(&reports.only(), "boom");
    }
}

#[test]
fn a_remote_handle_that_an_instrument_drops_while_it_looks_loses_no_failure() {
    #[derive(Default)]
    struct Drops(RefCell<Option<candor::RemoteHandle<Result<(), &'static str>>>>);
    impl candor::Instrument for Drops {
        fn failure(&self, _at: std::time::Instant, _failure: &candor::TaskFailure) {
            drop(self.0.take());
        }
    }
    let drops = Rc::new(Drops::default());
    let reports = Reports::of(candor::Executor::builder().instrument(drops.clone()));
    let task = reports.remote().spawn(|| async { Err::<(), _>("boom") });
    *drops.0.borrow_mut() = Some(task.unwrap());
    reports.drain();
    reports.run_until_stalled();
    assert_contains(&reports.only(), "boom");
}

#[test]
fn whoever_awaits_a_remote_handle_while_its_error_is_asked_for_its_text_is_woken_afterwards() {
    type Awaited = (RemoteHandle<Result<(), Asks>>, Waker);
    thread_local! {
        static HELD: RefCell<Option<Awaited>> = const { RefCell::new(None) };
    }
    struct Asks;
    impl fmt::Debug for Asks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            HELD.with_borrow_mut(|held| {
                let (handle, waker) = held.as_mut().unwrap();
                assert!(
                    Pin::new(handle)
                        .poll(&mut Context::from_waker(waker))
                        .is_pending()
                );
            });
            f.write_str("boom")
        }
    }
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let reports = Reports::new();
    let task = reports.remote().spawn(|| async { Err(Asks) });
    HELD.set(Some((task.unwrap(), Waker::from(wakes.clone()))));
    reports.block_on(sleep(Duration::from_secs(3)));
    assert_contains(&reports.only(), "boom");
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    let (task, _) = HELD.take().unwrap();
    assert!(matches!(
        reports.block_on(task),
        Err(JoinError::Failed(Asks, _))
    ));
}

#[test]
fn an_abort_that_comes_late_does_not_hit_the_next_task_in_the_slot() {
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .build();
    let remote = executor.remote();
    let (end, ended) = async_channel::bounded::<()>(1);
    let old = remote.spawn(move || async move { ended.recv().await.unwrap() });
    let old = old.unwrap();
    executor.block_on(async {
        while old.id().is_none() {
            yield_now().await;
        }
        yield_now().await;
        end.try_send(()).unwrap();
        old.abort();
        yield_now().await;
        assert!(old.is_finished());
        let innocent = candor::spawn(pending::<()>());
        sleep(Duration::from_millis(5)).await;
        assert!(!innocent.is_finished(), "it was never aborted");
        innocent.abort();
    });
}

#[test]
fn the_next_task_in_a_slot_spawns_in_its_own_name() {
    let reports = Reports::new();
    let remote = reports.remote();
    // Its child is gone before it, so that its own slot is the next to be used.
    let first = async move {
        candor::spawn(async {}).detach();
        yield_now().await;
        let next = remote.spawn(|| async { candor::spawn(async { panic!("boom") }).detach() });
        next.unwrap().detach();
    };
    reports.spawn(first).detach();
    reports.drain();
    assert_contains(&reports.only(), " by task #3\n");
}

#[test]
fn a_remote_handle_that_is_dropped_drops_its_value() {
    let value = Arc::new(5);
    let kept = Arc::downgrade(&value);
    let executor = Executor::new();
    let task = executor.remote().spawn(move || async move { value });
    executor.drain();
    drop(task);
    assert!(kept.upgrade().is_none());
}

#[test]
fn a_task_that_is_ready_already_is_not_polled_after_it_was_aborted() {
    let polls = Arc::new(Mutex::new(Vec::new()));
    let wakers = polls.clone();
    let executor = Executor::builder().virtual_time().build();
    let handle = executor.remote().spawn(move || {
        poll_fn(move |cx| {
            wakers.lock().unwrap().push(cx.waker().clone());
            Poll::<()>::Pending
        })
    });
    let handle = handle.unwrap();
    executor.tick();
    let task = executor.spawn(async move {
        // The abort is a request from outside, which is read after what is queued already.
        let waker = polls.lock().unwrap()[0].clone();
        waker.wake();
        handle.abort();
        assert!(handle.await.unwrap_err().is_cancelled());
        assert_eq!(polls.lock().unwrap().len(), 1);
    });
    executor.block_on(task).unwrap();
}

#[test]
fn a_name_stands_in_all_that_is_said_of_a_remote_task() {
    let executor = Executor::new();
    let named = |remote: &Remote| {
        let fetch = TaskBuilder::new().name("fetch");
        fetch.spawn_remote(remote, || async { 1 }).unwrap()
    };
    let mut handle = named(&executor.remote());
    assert_eq!(executor.block_on(&mut handle).unwrap(), 1);
    let message = panic_message(|| drop(executor.block_on(&mut handle)));
    assert_contains(
        &message,
        "the RemoteHandle of task #1 `fetch` was polled after",
    );
    let never = named(&executor.remote());
    drop(executor);
    let cancelled = candor::block_on(never).unwrap_err();
    assert_eq!(cancelled.to_string(), "task #2 `fetch` was cancelled");
}

/// Fails, and panics when it is dropped.
struct FailsTwice;

impl std::future::Future for FailsTwice {
    type Output = Result<(), &'static str>;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(Err("the disk is full"))
    }
}

impl Drop for FailsTwice {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

#[test]
fn an_error_is_not_lost_though_its_future_panics_as_it_is_dropped() {
    struct Large(FailsTwice, [u8; 30_000]);

    impl std::future::Future for Large {
        type Output = Result<(), &'static str>;

        fn poll(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Self::Output> {
            assert_eq!(self.1[7], 7);
            std::pin::Pin::new(&mut self.0).poll(cx)
        }
    }

    let reports = Reports::new();
    let remote = reports.remote();
    remote.spawn(|| FailsTwice).unwrap().detach();
    remote
        .spawn(|| Large(FailsTwice, [7; 30_000]))
        .unwrap()
        .detach();
    reports.drain();
    let heads = reports.headlines();
    let [of_first, of_second] = [1, 2].map(|id| {
        [
            format!("task #{id} failed: the disk is full"),
            format!("task #{id} panicked: a destructor panics"),
        ]
    });
    for expected in of_first.iter().chain(&of_second) {
        assert!(heads.contains(expected), "{expected} is not in {heads:?}");
    }
}

#[test]
fn two_threads_that_spawn_by_turns_are_told_apart() {
    let reports = Reports::new();
    for name in ["first", "second", "first"] {
        let remote = reports.remote();
        let spawns = move || {
            remote
                .spawn(|| async { Err::<(), _>("boom") })
                .unwrap()
                .detach()
        };
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(spawns).unwrap().join().unwrap();
    }
    reports.drain();
    let texts = reports.texts();
    for (text, name) in texts.iter().zip(["first", "second", "first"]) {
        assert_contains(text, &format!("thread `{name}`"));
    }
}

#[test]
fn a_task_that_waits_is_cancelled_by_its_remote_handle_while_the_executor_goes_on() {
    let executor = Executor::new();
    let handle = executor.remote().spawn(pending::<()>).unwrap();
    executor.block_on(async {
        // A request from outside is read once in 128 polls.
        for _ in 0..200 {
            yield_now().await;
        }
        assert!(handle.id().is_some(), "it has arrived");
        handle.abort();
        for _ in 0..200 {
            yield_now().await;
        }
        assert!(handle.is_finished());
        assert!(matches!(handle.await, Err(JoinError::Cancelled(_))));
    });
}

#[test]
fn what_waits_until_an_executor_is_drained_is_not_woken_before_its_errands_have_run() {
    let executor = Executor::new();
    let far = executor.remote().spawn(|| async {}).unwrap();
    let (woken, mut drained) = (Arc::new(Wakes::default()), executor.drained());
    let waker = Waker::from(Arc::clone(&woken));
    let mut poll = || Pin::new(&mut drained).poll(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    while executor.tick() {}
    assert!(woken.0.load(Ordering::SeqCst) > 0);
    assert!(poll().is_ready());
    drop(far);
}

#[test]
fn an_errand_that_makes_no_task_ends_what_waits_until_its_executor_is_drained() {
    let executor = Executor::new();
    // The request for a dump is left behind.
    executor.block_on(async {
        let mut dump = candor::dump();
        assert!(futures::poll!(&mut dump).is_pending());
    });
    let (woken, mut drained) = (Arc::new(Wakes::default()), executor.drained());
    let waker = Waker::from(Arc::clone(&woken));
    let mut poll = || Pin::new(&mut drained).poll(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    executor.tick();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(poll().is_ready());
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_executor_is_not_drained_while_an_errand_is_about_to_run() {
    let executor = Executor::builder().virtual_time().build();
    let remote = executor.remote();
    let (has_run, is_done) = mpsc::channel();
    let dumps = async move {
        for _ in 0..3 {
            yield_now().await;
        }
        // Its errand polls the main future, and the next one is in the same batch.
        let mut dump = candor::dump();
        let _ = futures::poll!(&mut dump);
        let task = move || async move {
            sleep(Duration::from_millis(20)).await;
            has_run.send(()).unwrap();
        };
        remote.spawn(task).unwrap().detach();
        dump.await;
        pending::<()>().await
    };
    TaskBuilder::new()
        .daemon()
        .spawn_on(&executor, dumps)
        .detach();
    let others = async {
        for _ in 0..4 {
            yield_now().await;
        }
    };
    executor.spawn(others).detach();
    executor.block_on(executor.drained());
    assert!(is_done.try_recv().is_ok());
}

#[test]
fn the_value_of_a_remote_task_goes_with_its_handle_though_an_abort_is_under_way() {
    struct Noted(mpsc::Sender<&'static str>);
    impl candor::Value for Noted {}
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.send("dropped").unwrap();
        }
    }
    let (tell, told) = mpsc::channel();
    let executor = Executor::new();
    let slot = Arc::new(Mutex::new(None::<candor::RemoteHandle<Noted>>));
    let own = slot.clone();
    let aborts_itself = move || async move {
        candor::yield_now().await;
        own.lock().unwrap().as_ref().unwrap().abort();
        Noted(tell)
    };
    let handle = executor.remote().spawn(aborts_itself).unwrap();
    *slot.lock().unwrap() = Some(handle);
    while executor.try_tick()
        && slot
            .lock()
            .unwrap()
            .as_ref()
            .is_some_and(|task| !task.is_finished())
    {}
    drop(slot.lock().unwrap().take());
    assert_eq!(told.try_recv(), Ok("dropped"));
}
