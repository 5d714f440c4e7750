//! Foreign wakers are user code: they may panic, and may call into candor. Neither loses a wake.
//!
//! | what waits | is woken by |
//! |---|---|
//! | a `JoinHandle`, a `RemoteHandle` | the end of the task |
//! | a `GroupHandle`, a `join` of either group | the end of one member, of all |
//! | `PoolResults::next`, what was submitted | the next result, a permit |
//! | `Sleep`, `Interval` | time |
//! | a host of `run_until` | wakes of tasks, timers |

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::Duration;

use candor::{Executor, JoinError, TaskGroup, TaskPool, sleep, spawn, yield_now};
use common::Reports;

/// Panics when it is woken, or when it is dropped, or when it is cloned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Panics {
    Woken,
    Dropped,
}

struct Hostile(Panics);

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        if self.0 == Panics::Woken {
            panic!("a foreign waker panics when it is woken")
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if self.0 == Panics::Dropped && !thread::panicking() {
            panic!("a foreign waker panics when it is dropped")
        }
    }
}

/// Polls once with a waker that panics; candor keeps the only clone.
fn poll_hostilely<F: Future + ?Sized>(future: Pin<&mut F>, panics: Panics) -> Poll<F::Output> {
    let waker = std::mem::ManuallyDrop::new(Waker::from(Arc::new(Hostile(panics))));
    let poll = future.poll(&mut Context::from_waker(&waker));
    // What is left of the count is candor's.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(std::mem::ManuallyDrop::into_inner(waker))
    }));
    poll
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counted(AtomicU32);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn one_that_panics_in_a_groups_join_keeps_no_member_from_being_woken_and_is_no_failure() {
    for panics in [Panics::Woken, Panics::Dropped] {
        candor::test(async {
            let group = TaskGroup::<candor::Error>::new();
            let member = group.spawn(async {
                yield_now().await;
                7
            });
            let waiter = spawn(member);
            let mut join = pin!(group.join());
            yield_now().await;
            assert!(poll_hostilely(join.as_mut(), panics).is_pending());
            assert_eq!(waiter.await.unwrap(), Some(7));
            join.await.unwrap();
        });
    }
}

#[test]
fn one_that_panics_at_a_member_keeps_the_group_and_its_siblings_going() {
    for panics in [Panics::Woken, Panics::Dropped] {
        candor::test(async {
            let group = TaskGroup::independent();
            let mut first = group.spawn(yield_now());
            let second = group.spawn(yield_now());
            assert!(poll_hostilely(Pin::new(&mut first), panics).is_pending());
            assert_eq!(second.await, Some(()));
            assert_eq!(group.join().await.succeeded, 2);
        });
    }
}

#[test]
fn one_that_panics_at_a_join_handle_is_no_failure_of_the_task() {
    for panics in [Panics::Woken, Panics::Dropped] {
        candor::test(async {
            let mut task = spawn(async {
                yield_now().await;
                5
            });
            assert!(poll_hostilely(Pin::new(&mut task), panics).is_pending());
            yield_now().await;
            yield_now().await;
            assert_eq!(task.await.unwrap(), 5);
        });
    }
}

#[test]
fn one_that_panics_at_a_remote_handle_is_no_failure_of_the_task() {
    for panics in [Panics::Woken, Panics::Dropped] {
        let executor = Executor::builder().virtual_time().build();
        let mut task = executor.remote().spawn(|| async { 5 }).unwrap();
        assert!(poll_hostilely(Pin::new(&mut task), panics).is_pending());
        executor.drain();
        assert_eq!(executor.failures(), 0);
        assert_eq!(futures::executor::block_on(task).unwrap(), 5);
    }
}

#[test]
fn one_that_panics_in_a_pool_keeps_no_permit_and_no_result_back() {
    for panics in [Panics::Woken, Panics::Dropped] {
        candor::test(async {
            let pool = TaskPool::new(1);
            let busy = pool.submit(yield_now());
            let mut results = pool.map(0..3, async |n| n);
            {
                let mut next = pin!(results.next());
                assert!(poll_hostilely(next.as_mut(), panics).is_pending());
            }
            busy.await.unwrap();
            assert_eq!(results.collect().await.unwrap(), [0, 1, 2]);
        });
    }
}

#[test]
fn one_that_panics_at_a_timer_keeps_no_other_sleeper_asleep() {
    for panics in [Panics::Woken, Panics::Dropped] {
        candor::test(async {
            let mut hostile = pin!(sleep(Duration::from_secs(1)));
            assert!(poll_hostilely(hostile.as_mut(), panics).is_pending());
            let sleeper = spawn(sleep(Duration::from_secs(1)));
            sleep(Duration::from_secs(2)).await;
            assert!(sleeper.is_finished());
            hostile.await;
        });
    }
}

#[test]
fn a_timer_that_nobody_waits_for_any_more_drops_its_waker_without_harm() {
    let executor = Executor::builder().virtual_time().build();
    let mut left = Box::pin(sleep(Duration::from_secs(100)));
    executor.block_on(async {
        assert!(poll_hostilely(left.as_mut(), Panics::Dropped).is_pending());
        let mut gone = Box::pin(sleep(Duration::from_secs(100)));
        assert!(poll_hostilely(gone.as_mut(), Panics::Dropped).is_pending());
    });
    // The wheel is dropped with the executor, and the waker with it.
    drop(executor);
}

thread_local!(static POOL: RefCell<Option<Rc<TaskPool>>> = const { RefCell::new(None) });

/// Submits to the pool from its destructor.
struct SubmitsWhenDropped;

impl Wake for SubmitsWhenDropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for SubmitsWhenDropped {
    fn drop(&mut self) {
        if let Some(pool) = POOL.with(|pool| pool.borrow().clone()) {
            pool.submit(async {}).detach();
        }
    }
}

#[test]
fn one_that_submits_to_the_pool_when_it_is_replaced_finds_the_pool_whole() {
    candor::test(async {
        let pool = Rc::new(TaskPool::new(1));
        POOL.set(Some(pool.clone()));
        let busy = pool.submit(pending::<()>());
        let mut results = pool.map(0..2, async |n| n);
        {
            let mut next = pin!(results.next());
            for _ in 0..3 {
                let waker = Waker::from(Arc::new(SubmitsWhenDropped));
                let poll = next.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(poll.is_pending());
            }
        }
        busy.abort();
        assert_eq!(results.collect().await.unwrap(), [0, 1]);
        POOL.set(None);
    });
}

thread_local!(static EXECUTOR: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) });

/// A waker whose clone runs the executor until nothing is ready.
const RUNS: RawWakerVTable = RawWakerVTable::new(
    |data| {
        if let Some(executor) = EXECUTOR.with_borrow(Clone::clone) {
            executor.run_until_stalled();
        }
        RawWaker::new(data, &RUNS)
    },
    |_| (),
    |_| (),
    |_| (),
);

#[test]
fn one_whose_clone_runs_the_task_to_its_end_loses_nothing() {
    // SAFETY: The functions of the table take no notice of the data.
    let waker = unsafe { Waker::new(std::ptr::null(), &RUNS) };
    let executor = Rc::new(Executor::builder().virtual_time().build());
    EXECUTOR.set(Some(executor.clone()));
    let cx = &mut Context::from_waker(&waker);

    let mut task = executor.spawn(async { 5 });
    assert!(matches!(Pin::new(&mut task).poll(cx), Poll::Ready(Ok(5))));

    let mut remote = executor.remote().spawn(|| async { 6 }).unwrap();
    assert!(matches!(Pin::new(&mut remote).poll(cx), Poll::Ready(Ok(6))));
    EXECUTOR.set(None);
}

#[test]
fn one_whose_clone_runs_the_task_to_its_failure_is_not_kept_by_the_list_of_failures() {
    // SAFETY: The functions of the table take no notice of the data.
    let waker = unsafe { Waker::new(std::ptr::null(), &RUNS_WHENEVER) };
    let executor = Rc::new(Executor::new());
    EXECUTOR.set(Some(executor.clone()));
    let mut task = executor.spawn(async { Err::<(), _>("read") });
    let poll = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(matches!(
        poll,
        Poll::Ready(Err(JoinError::Failed("read", _)))
    ));
    drop(task);
    // The list lets go of the task here. Had it the waker, the waker would run the executor in the middle of that.
    assert_eq!(executor.next_deadline(), None);
    EXECUTOR.set(None);
    drop(waker);
}

/// A waker whose clone and whose drop run [`EXECUTOR`].
const RUNS_WHENEVER: RawWakerVTable = RawWakerVTable::new(
    |data| {
        run_executor();
        RawWaker::new(data, &RUNS_WHENEVER)
    },
    |_| run_executor(),
    |_| (),
    |_| run_executor(),
);

fn run_executor() {
    if let Some(executor) = EXECUTOR.with_borrow(Clone::clone) {
        executor.run_until_stalled();
    }
}

#[test]
fn what_one_spawns_at_the_end_of_a_task_is_not_the_current_task() {
    struct Spawns;

    impl Wake for Spawns {
        fn wake(self: Arc<Self>) {
            spawn(async { Err::<(), _>("spawned by a waker") }).detach();
            assert!(candor::current().is_none());
            let tasks = candor::tasks().to_string();
            assert!(!tasks.contains("#2: running"), "{tasks}");
        }
    }

    let reports = Reports::new();
    let mut task = reports.spawn(async {});
    let waker = Waker::from(Arc::new(Spawns));
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    reports.run_until_stalled();
    let report = reports.only();
    assert!(
        report.contains("task #2 failed: spawned by a waker"),
        "{report}"
    );
    assert!(!report.contains("by task #2"), "{report}");
}

#[test]
fn one_that_waits_for_the_last_task_is_let_go_with_its_future() {
    let executor = Executor::new();
    let task = executor.spawn(pending::<()>());
    let counted = Arc::new(Counted::default());
    let waker = Waker::from(counted.clone());
    let cx = &mut Context::from_waker(&waker);
    for _ in 0..3 {
        let mut drained = executor.drained();
        assert!(Pin::new(&mut drained).poll(cx).is_pending());
        let mut cancelling = task.abort_handle().cancel();
        assert!(Pin::new(&mut cancelling).poll(cx).is_pending());
        assert_eq!(Arc::strong_count(&counted), 4);
        drop((drained, cancelling));
        assert_eq!(Arc::strong_count(&counted), 2);
    }
}

thread_local!(static IS_ARMED: Cell<bool> = const { Cell::new(false) });

/// A waker whose clone panics on a thread that has armed it.
const CLONE_PANICS: RawWakerVTable = RawWakerVTable::new(
    |data| {
        if IS_ARMED.get() {
            panic!("a foreign waker panics when it is cloned")
        }
        RawWaker::new(data, &CLONE_PANICS)
    },
    |_| (),
    |_| (),
    |_| (),
);

#[test]
fn one_that_panics_when_it_is_cloned_ends_the_poll_and_nothing_else() {
    // SAFETY: The functions of the table take no notice of the data.
    let waker = unsafe { Waker::new(std::ptr::null(), &CLONE_PANICS) };
    let reports = Reports::new();
    let mut task = reports.spawn(async {
        yield_now().await;
        5
    });
    IS_ARMED.set(true);
    common::panic_message(|| {
        let _poll = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    });
    IS_ARMED.set(false);
    assert_eq!(reports.block_on(task).unwrap(), 5);
    assert_eq!(reports.failures(), 0);
}

#[test]
fn a_host_that_panics_when_it_is_called_ends_no_timer_of_another_executor() {
    let first = Executor::new();
    {
        let mut hosted = pin!(first.run_until(sleep(Duration::from_millis(50))));
        assert!(poll_hostilely(hosted.as_mut(), Panics::Woken).is_pending());
        common::hold_the_thread(Duration::from_millis(120));
    }
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let second = Executor::new();
        futures::executor::block_on(second.run_until(sleep(Duration::from_millis(1))));
        done.send(()).unwrap();
    });
    is_done
        .recv_timeout(Duration::from_secs(20))
        .expect("the timer thread lives on");
}

#[test]
fn a_host_that_panics_keeps_no_other_host_of_the_executor_from_being_called() {
    let executor = Executor::new();
    let calm = Arc::new(Counted::default());
    let task = executor.spawn(pending::<()>());
    let mut hostile = pin!(executor.run_until(pending::<()>()));
    assert!(poll_hostilely(hostile.as_mut(), Panics::Woken).is_pending());
    let mut other = pin!(executor.run_until(pending::<()>()));
    let waker = Waker::from(calm.clone());
    assert!(
        other
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let before = calm.0.load(Ordering::SeqCst);
    task.abort();
    assert!(calm.0.load(Ordering::SeqCst) > before);
}

#[test]
fn a_callback_for_wakes_that_panics_when_it_is_dropped_does_no_harm() {
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("what the callback holds")
        }
    }
    let held = PanicsWhenDropped;
    let executor = Executor::builder()
        .on_wake(move || {
            let _held = &held;
        })
        .build();
    executor.spawn(ready(())).detach();
    executor.drain();
    drop(executor);
}

/// Polls with a waker that counts, then with one whose clone panics. The first is still the one that will be called.
fn poll_well_then_hostilely<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Arc<Counted> {
    let counted = Arc::new(Counted::default());
    let waker = Waker::from(counted.clone());
    let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(poll.is_pending());
    // SAFETY: The functions of the table take no notice of the data.
    let waker = unsafe { Waker::new(std::ptr::null(), &CLONE_PANICS) };
    IS_ARMED.set(true);
    common::panic_message(|| {
        let _poll = future.as_mut().poll(&mut Context::from_waker(&waker));
    });
    IS_ARMED.set(false);
    counted
}

#[test]
fn one_that_panics_when_it_is_cloned_does_not_take_the_place_of_the_one_before() {
    let executor = Executor::new();
    let mut task = executor.spawn(yield_now());
    let mut remote = executor.remote().spawn(yield_now).unwrap();
    let mut joined = vec![
        poll_well_then_hostilely(Pin::new(&mut task)),
        poll_well_then_hostilely(Pin::new(&mut remote)),
    ];
    let kept = executor.block_on(async {
        let group = TaskGroup::<candor::Error>::new();
        let mut member = group.spawn(yield_now());
        joined.push(poll_well_then_hostilely(Pin::new(&mut member)));
        let mut join = Box::pin(group.join());
        joined.push(poll_well_then_hostilely(join.as_mut()));
        let independent = TaskGroup::independent();
        independent.spawn(yield_now());
        let mut others = Box::pin(independent.join());
        joined.push(poll_well_then_hostilely(others.as_mut()));
        let mut timer = Box::pin(sleep(Duration::from_millis(1)));
        joined.push(poll_well_then_hostilely(timer.as_mut()));
        sleep(Duration::from_millis(2)).await;
        (join, others, timer)
    });
    let woken: Vec<_> = joined
        .iter()
        .map(|waker| waker.0.load(Ordering::SeqCst))
        .collect();
    assert_eq!(woken, [1; 6]);
    drop(kept);
}

#[test]
fn one_that_is_kept_already_is_not_cloned_again() {
    let executor = Executor::new();
    let mut task = executor.spawn(yield_now());
    let counted = Arc::new(Counted::default());
    let waker = Waker::from(counted.clone());
    for _ in 0..3 {
        let poll = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        // Ours, that of the `Waker` here, and the one that was kept. The same one, since its address says so.
        assert_eq!(Arc::strong_count(&counted), 3);
    }
    let other = Arc::new(Counted::default());
    let other = Waker::from(other);
    let poll = Pin::new(&mut task).poll(&mut Context::from_waker(&other));
    assert!(poll.is_pending());
    assert_eq!(Arc::strong_count(&counted), 2);
}

#[test]
fn a_host_whose_clone_panics_does_not_take_the_place_of_the_one_before() {
    let executor = Executor::new();
    let task = executor.spawn(pending::<()>());
    let mut hosted = executor.run_until(pending::<()>());
    let host = poll_well_then_hostilely(Pin::new(&mut hosted));
    let before = host.0.load(Ordering::SeqCst);
    task.abort();
    assert!(host.0.load(Ordering::SeqCst) > before);
}

#[test]
fn one_whose_clone_runs_a_group_to_its_end_loses_nothing() {
    // SAFETY: The functions of the table take no notice of the data.
    let waker = unsafe { Waker::new(std::ptr::null(), &RUNS) };
    let executor = Rc::new(Executor::builder().virtual_time().build());
    EXECUTOR.set(Some(executor.clone()));
    let cx = &mut Context::from_waker(&waker);
    let (linked, independent) = executor.block_on(async {
        let linked = TaskGroup::<candor::Error>::new();
        linked.spawn(yield_now());
        let independent = TaskGroup::independent();
        let member = independent.spawn(async {
            yield_now().await;
            5
        });
        (linked, (independent, member))
    });
    let (_group, mut member) = independent;
    assert!(matches!(
        Pin::new(&mut member).poll(cx),
        Poll::Ready(Some(5))
    ));
    executor.block_on(async { drop(linked.spawn(yield_now())) });
    assert!(matches!(pin!(linked.join()).poll(cx), Poll::Ready(Ok(()))));
    EXECUTOR.set(None);
}

type Join = Pin<Box<dyn Future<Output = Result<(), candor::GroupError>>>>;

thread_local!(static JOIN: RefCell<Option<Join>> = const { RefCell::new(None) });
thread_local!(static FAILURES: Cell<usize> = const { Cell::new(0) });

/// Joins the group when it is woken.
struct Joins;

impl Wake for Joins {
    fn wake(self: Arc<Self>) {
        let mut join = JOIN.take().expect("it is woken once");
        let poll = join.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Err(error)) = poll {
            FAILURES.set(error.failures().len());
        }
    }
}

#[test]
fn one_that_joins_the_group_while_it_hears_of_a_failure_is_given_that_failure() {
    candor::test(async {
        let group = TaskGroup::new();
        let mut member = group.spawn(async {
            yield_now().await;
            Err::<(), _>("no route")
        });
        let waker = Waker::from(Arc::new(Joins));
        let poll = Pin::new(&mut member).poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
        JOIN.set(Some(Box::pin(group.join())));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(FAILURES.get(), 1);
    });
}

/// Spawns a task that spawns one which fails.
struct Spawns;

impl Wake for Spawns {
    fn wake(self: Arc<Self>) {
        let parent = async { spawn(async { panic!("boom") }).detach() };
        spawn(parent).detach();
    }
}

#[test]
fn one_that_spawns_leaves_the_next_tenant_of_the_slot_its_own_name() {
    let reports = Reports::new();
    let mut task = reports.spawn(async {});
    let waker = Waker::from(Arc::new(Spawns));
    let poll = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
    assert!(poll.is_pending());
    reports.drain();
    common::assert_contains(&reports.only(), " by task #2\n");
}
