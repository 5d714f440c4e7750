//! Futures and outputs are dropped once, on the thread that spawned them, whichever way a task ends.
//!
//! ```text
//! returns, fails, panics ─┐
//! aborted ────────────────┼──► future dropped, here and once ──► memory and slot used again
//! executor ends ──────────┘
//! ```
//!
//! Destructors are user code: here they spawn, wake, abort and drop handles at any point. And what the end of
//! `block_on` has cancelled is not lost in silence: one notice names it.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use candor::{Executor, JoinHandle, Plain, TaskBuilder, sleep, spawn, yield_now};
use common::{Reports, Trace, assert_contains, assert_lacks, child, finished, panic_message};

/// Counts how often it is dropped, and checks where.
struct Counted {
    drops: Rc<Cell<u32>>,
    home: ThreadId,
}

impl Counted {
    fn new(drops: &Rc<Cell<u32>>) -> Self {
        Counted {
            drops: drops.clone(),
            home: thread::current().id(),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        assert_eq!(self.home, thread::current().id());
        self.drops.set(self.drops.get() + 1);
    }
}

/// Runs a closure when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A future that never ends and runs a closure when it is dropped.
async fn pending_then(at_the_end: impl FnMut()) {
    let _at_the_end = OnDrop(at_the_end);
    pending::<()>().await;
}

/// An executor that keeps its tasks from one call to the next, and prints nothing when it ends.
fn executor() -> Executor {
    Executor::builder().virtual_time().build()
}

/// Lets `body` spawn futures that hold a counter, and returns how often the counter was dropped when the
/// executor has ended.
fn drops_after(body: impl FnOnce(&Executor, Counted)) -> u32 {
    let (executor, drops) = (executor(), Rc::default());
    body(&executor, Counted::new(&drops));
    drop(executor);
    drops.get()
}

#[test]
fn the_future_of_a_task_that_returns_is_dropped_in_its_last_poll() {
    let drops = Rc::default();
    let counted = Counted::new(&drops);
    let executor = executor();
    let task = executor.spawn(async move { drop(counted) });
    executor.block_on(yield_now());
    assert_eq!(drops.get(), 1);
    executor.block_on(task).unwrap();
    assert_eq!(drops.get(), 1);
}

/// What a future holds outside of its own body, as a hand-written one does.
struct ReadyWith(#[expect(dead_code, reason = "it is only there to be dropped")] Counted);

impl Future for ReadyWith {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[test]
fn a_future_that_is_ready_is_dropped_before_its_handle_gives_the_outcome() {
    let (executor, drops) = (executor(), Rc::default());
    let task = executor.spawn(ReadyWith(Counted::new(&drops)));
    executor.block_on(finished(&task));
    assert_eq!(drops.get(), 1);
    drop(task);
    drop(executor);
    assert_eq!(drops.get(), 1);
}

#[test]
fn the_future_of_a_task_that_panics_is_dropped_once() {
    let (reports, drops) = (Reports::new(), Rc::default());
    let counted = Counted::new(&drops);
    reports
        .spawn(poll_fn(move |_| -> Poll<()> {
            let _inside = &counted;
            panic!("boom")
        }))
        .detach();
    reports.drain();
    assert_eq!(drops.get(), 1);
    assert_eq!(reports.end(), ["task #1 panicked: boom"]);
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_task_that_is_never_polled_is_dropped_with_its_executor() {
    let dropped = drops_after(|executor, counted| {
        executor.spawn(ReadyWith(counted)).detach();
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_task_that_waits_is_dropped_with_its_executor() {
    let dropped = drops_after(|executor, counted| {
        executor
            .spawn(pending_then(move || {
                let _ = &counted;
            }))
            .detach();
        executor.block_on(yield_now());
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_task_that_is_ready_is_dropped_with_its_executor() {
    let dropped = drops_after(|executor, counted| {
        let busy = async move {
            let _inside = counted;
            loop {
                yield_now().await;
            }
        };
        TaskBuilder::new()
            .daemon()
            .spawn_on(executor, busy)
            .detach();
        executor.block_on(yield_now());
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_task_that_sleeps_is_dropped_with_its_executor() {
    let dropped = drops_after(|executor, counted| {
        let sleeper = async move {
            let _inside = counted;
            sleep(Duration::MAX).await;
        };
        executor.spawn(sleeper).detach();
        executor.block_on(yield_now());
    });
    assert_eq!(dropped, 1);
}

#[test]
fn an_aborted_task_is_dropped_without_another_poll() {
    let (executor, drops) = (executor(), Rc::default());
    let counted = Counted::new(&drops);
    let polls = Rc::new(Cell::new(0));
    let seen = polls.clone();
    let task = executor.spawn(poll_fn(move |_| {
        let _inside = &counted;
        seen.set(seen.get() + 1);
        Poll::<()>::Pending
    }));
    executor.block_on(yield_now());
    task.abort();
    assert_eq!(
        drops.get(),
        0,
        "a destructor must not run inside of `abort`"
    );
    executor.block_on(yield_now());
    assert_eq!((polls.get(), drops.get()), (1, 1));
}

#[test]
fn an_output_that_nobody_awaits_is_dropped_once() {
    for is_detached in [true, false] {
        let dropped = drops_after(|executor, counted| {
            let task = executor.spawn(async { Plain(counted) });
            if is_detached {
                task.detach();
                executor.block_on(yield_now());
            } else {
                executor.block_on(finished(&task));
                drop(task);
            }
        });
        assert_eq!(dropped, 1);
    }
}

#[test]
fn an_output_that_is_awaited_belongs_to_the_awaiter() {
    let (executor, drops) = (executor(), Rc::default());
    let counted = Counted::new(&drops);
    let task = executor.spawn(async { Plain(counted) });
    let output = executor.block_on(task).unwrap();
    drop(executor);
    assert_eq!(drops.get(), 0);
    drop(output);
    assert_eq!(drops.get(), 1);
}

#[test]
fn an_output_outlives_its_executor_as_long_as_its_handle() {
    let (executor, drops) = (executor(), Rc::default());
    let counted = Counted::new(&drops);
    let task = executor.spawn(async { Plain(counted) });
    executor.block_on(finished(&task));
    drop(executor);
    assert_eq!(drops.get(), 0);
    drop(task);
    assert_eq!(drops.get(), 1);
}

#[test]
fn wakers_on_other_threads_keep_no_future_alive() {
    let drops = Rc::default();
    let counted = Counted::new(&drops);
    let executor = executor();
    let waker = Rc::new(RefCell::new(None::<Waker>));
    let kept = waker.clone();
    executor
        .spawn(poll_fn(move |cx| {
            let _inside = &counted;
            kept.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }))
        .detach();
    executor.block_on(yield_now());
    let waker = waker.take().unwrap();
    let thread = thread::spawn(move || {
        thread::park();
        waker.wake();
    });
    drop(executor);
    assert_eq!(drops.get(), 1);
    thread.thread().unpark();
    thread.join().unwrap();
}

#[test]
fn a_task_may_abort_itself_in_its_poll_and_is_dropped_after_it() {
    let (executor, trace) = (executor(), Trace::default());
    let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
    let (handle, noted) = (own.clone(), trace.clone());
    let task = executor.spawn(async move {
        let dropped = noted.clone();
        let _inside = OnDrop(move || dropped.note("dropped"));
        yield_now().await;
        handle.borrow().as_ref().unwrap().abort();
        noted.note("aborted");
        yield_now().await;
        noted.note("polled again");
    });
    own.replace(Some(task));
    executor.drain();
    assert_eq!(trace.events(), ["aborted", "dropped"]);
    let outcome = executor.block_on(own.take().unwrap());
    assert!(outcome.unwrap_err().is_cancelled());
}

#[test]
fn a_task_may_drop_its_own_handle_in_its_poll() {
    for fails in [false, true] {
        let reports = Reports::new();
        let own = Rc::new(RefCell::new(None::<JoinHandle<Result<(), &str>>>));
        let handle = own.clone();
        let task = reports.spawn(async move {
            drop(handle.take());
            yield_now().await;
            if fails { Err("boom") } else { Ok(()) }
        });
        own.replace(Some(task));
        reports.drain();
        assert_eq!(reports.end().len(), usize::from(fails));
    }
}

#[test]
fn a_future_may_hold_its_own_handle_to_the_end() {
    for fails in [false, true] {
        let reports = Reports::new();
        let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
        let handle = own.clone();
        let task = reports.spawn(poll_fn(move |_| {
            let _inside = &handle;
            assert!(!fails, "boom");
            Poll::Ready(())
        }));
        own.replace(Some(task));
        drop(own);
        reports.drain();
        assert_eq!(reports.end().len(), usize::from(fails));
    }
}

#[test]
fn what_a_destructor_spawns_at_the_end_is_dropped_as_well() {
    let drops = Rc::default();
    let counted = RefCell::new(Some(Counted::new(&drops)));
    let polled = Rc::new(Cell::new(false));
    let seen = polled.clone();
    let executor = executor();
    executor
        .spawn(pending_then(move || {
            let (counted, seen) = (counted.take(), seen.clone());
            spawn(async move {
                let _inside = counted;
                seen.set(true);
            })
            .detach();
        }))
        .detach();
    executor.block_on(yield_now());
    drop(executor);
    assert_eq!((drops.get(), polled.get()), (1, false));
}

#[test]
fn what_a_destructor_spawns_at_the_end_of_block_on_is_dropped_as_well() {
    let drops = Rc::default();
    let counted = RefCell::new(Some(Counted::new(&drops)));
    candor::block_on(async {
        let at_the_end = move || {
            let counted = counted.take();
            spawn(async move { drop(counted) }).detach();
        };
        TaskBuilder::new()
            .daemon()
            .spawn(pending_then(at_the_end))
            .detach();
        yield_now().await;
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_destructor_may_wake_its_own_task_and_others() {
    let executor = executor();
    let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
    let handles: Vec<_> = (0..3)
        .map(|_| {
            let (wakers, woken) = (wakers.clone(), wakers.clone());
            let wakes_all = OnDrop(move || woken.borrow().iter().for_each(Waker::wake_by_ref));
            executor.spawn(poll_fn(move |cx| {
                let _inside = &wakes_all;
                wakers.borrow_mut().push(cx.waker().clone());
                Poll::<()>::Pending
            }))
        })
        .collect();
    executor.block_on(yield_now());
    handles[1].abort();
    executor.block_on(yield_now());
    assert!(handles[1].is_finished() && !handles[0].is_finished());
    drop(executor);
    assert!(handles.iter().all(JoinHandle::is_finished));
}

#[test]
fn a_destructor_may_abort_and_drop_other_tasks() {
    let dropped = drops_after(|executor, counted| {
        let victim = executor.spawn(pending_then(move || {
            let _ = &counted;
        }));
        let victim = RefCell::new(Some(victim));
        executor
            .spawn(pending_then(move || victim.take().unwrap().abort()))
            .detach();
        executor.block_on(yield_now());
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_destructor_may_enter_another_executor() {
    let answer = Rc::new(Cell::new(0));
    let told = answer.clone();
    let executor = executor();
    executor
        .spawn(pending_then(move || {
            told.set(candor::block_on(async {
                spawn(async { 42 }).await.unwrap()
            }));
        }))
        .detach();
    executor.block_on(yield_now());
    drop(executor);
    assert_eq!(answer.get(), 42);
}

#[test]
fn an_executor_may_be_dropped_by_a_task_of_another() {
    let dropped = drops_after(|outer, counted| {
        let inner = executor();
        inner
            .spawn(pending_then(move || {
                let _ = &counted;
            }))
            .detach();
        inner.block_on(yield_now());
        outer.block_on(async {
            drop(inner);
            // The outer executor runs on the thread again.
            assert_eq!(spawn(async { 1 }).await.unwrap(), 1);
        });
    });
    assert_eq!(dropped, 1);
}

#[test]
fn a_main_future_that_panics_cancels_its_tasks_all_the_same() {
    let drops = Rc::default();
    let counted = Counted::new(&drops);
    let message = panic_message(|| {
        candor::block_on(async {
            spawn(pending_then(move || {
                let _ = &counted;
            }))
            .detach();
            yield_now().await;
            panic!("boom");
        });
    });
    assert_eq!((message.as_str(), drops.get()), ("boom", 1));
    let outside = panic_message(|| drop(spawn(async {})));
    assert_contains(&outside, "no executor runs on this thread");
}

#[test]
fn a_kept_executor_keeps_its_tasks_when_a_main_future_panics() {
    let (executor, drops) = (executor(), Rc::default());
    let counted = Counted::new(&drops);
    let task = executor.spawn(async move {
        yield_now().await;
        drop(counted);
    });
    panic_message(|| executor.block_on(async { panic!("boom") }));
    assert_eq!(drops.get(), 0);
    executor.block_on(task).unwrap();
    assert_eq!(drops.get(), 1);
}

#[test]
fn the_main_future_is_dropped_before_the_tasks_are() {
    let trace = Trace::default();
    let (of_main, of_task) = (trace.clone(), trace.clone());
    candor::block_on(async move {
        let _inside = OnDrop(move || of_main.note("main"));
        let task = pending_then(move || of_task.note("task"));
        TaskBuilder::new().daemon().spawn(task).detach();
        yield_now().await;
    });
    assert_eq!(trace.events(), ["main", "task"]);
}

/// Keeps what is logged on this thread, since tests run on many.
struct Notices;

thread_local! {
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl log::Log for Notices {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn && metadata.target().starts_with("candor")
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{}: {}", record.level(), record.args());
        LOGGED.with_borrow_mut(|logged| logged.push(line));
    }

    fn flush(&self) {}
}

/// What is logged while `body` runs.
fn notices_of(body: impl FnOnce()) -> Vec<String> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&Notices).expect("this file has one logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
    LOGGED.take();
    body();
    LOGGED.take()
}

#[test]
fn one_notice_names_the_tasks_that_block_on_has_cancelled() {
    let line = line!() + 3;
    let notices = notices_of(|| {
        candor::block_on(async {
            spawn(pending::<()>()).detach();
            yield_now().await;
            TaskBuilder::new()
                .name("late")
                .spawn(pending::<()>())
                .detach();
        });
    });
    let [notice] = &notices[..] else {
        panic!("{notices:?}")
    };
    assert_contains(notice, "WARN: block_on at tests/dropping.rs:");
    assert_contains(notice, "what is unfinished is cancelled now (2 in all)");
    let lines: Vec<_> = notice.lines().collect();
    let place = format!("task #1, spawned at tests/dropping.rs:{line}:13");
    assert_eq!(lines[1].trim(), place);
    assert_contains(lines[2], "task #2 `late`, spawned at tests/dropping.rs:");
    assert!(lines[2].ends_with(", never polled"), "{notice}");
    for advice in ["candor::run", "drain()", "TaskBuilder::daemon()"] {
        assert_contains(lines[3], advice);
    }
}

#[test]
fn a_notice_names_ten_tasks_and_counts_the_others() {
    let notices = notices_of(|| {
        candor::block_on(async {
            for _ in 0..13 {
                spawn(pending::<()>()).detach();
            }
        });
    });
    assert_eq!(notices.len(), 1);
    assert_contains(&notices[0], "(13 in all)");
    assert_contains(&notices[0], "task #10,");
    assert_lacks(&notices[0], "task #11,");
    assert_contains(&notices[0], "and 3 more");
}

#[test]
fn there_is_no_notice_for_daemons_and_aborted_tasks() {
    let notices = notices_of(|| {
        candor::block_on(async {
            TaskBuilder::new().daemon().spawn(pending::<()>()).detach();
            spawn(pending::<()>()).abort();
            spawn(async {}).await.unwrap();
        });
    });
    assert_eq!(notices, [""; 0]);
}

#[test]
fn there_is_no_notice_from_a_kept_executor_nor_from_run() {
    let notices = notices_of(|| {
        let executor = executor();
        executor.spawn(pending::<()>()).detach();
        executor.block_on(yield_now());
        drop(executor);
        let _ = candor::run(async {
            TaskBuilder::new().daemon().spawn(pending::<()>()).detach();
            spawn(yield_now()).detach();
        });
    });
    assert_eq!(notices, [""; 0]);
}

#[test]
fn a_notice_is_no_failure() {
    let failures = Rc::new(Cell::new(0));
    let notices = notices_of(|| {
        // As a test fails if any failure was reported.
        candor::test(async { spawn(pending::<()>()).detach() });
        failures.set(failures.get() + 1);
    });
    assert_eq!((notices.len(), failures.get()), (1, 1));
}

/// Counts the bytes that each thread holds. Tests run on threads of their own, so they do not see each other.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // When the thread is ending, the count is not used any more.
    let _counted = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: Each call is passed on unchanged to the system's allocator; counting allocates nothing, since the
// thread-local is const-initialized and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: The caller promises what this function must promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: As above; the block came from `alloc`, and so from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Less than a word for each task. With `async-io`, its own thread frees what this one allocated, and the other
/// way round. So the count of one thread is near zero, not zero.
fn assert_nothing_is_kept(growth: isize, rounds: isize) {
    let allowed = if cfg!(feature = "async-io") {
        8 * rounds
    } else {
        0
    };
    assert!(
        growth <= allowed,
        "{growth} bytes more after {rounds} tasks"
    );
}

/// How many bytes more are held after `work` than after a first round of it.
async fn growth_after(rounds: u32, mut work: impl AsyncFnMut()) -> isize {
    for _ in 0..100 {
        work().await;
    }
    let before = HELD.get();
    for _ in 0..rounds {
        work().await;
    }
    HELD.get() - before
}

#[test]
fn a_million_tasks_one_after_another_take_the_memory_of_one() {
    let growth = candor::test(growth_after(1_000_000, async || {
        assert_eq!(spawn(async { 1 }).await.unwrap(), 1);
    }));
    assert_nothing_is_kept(growth, 1_000_000);
}

#[test]
fn ten_thousand_failures_take_the_memory_of_one() {
    let growth = candor::block_on(growth_after(10_000, async || {
        let failed = spawn(async { Err::<(), _>("boom") });
        failed.await.unwrap_err();
    }));
    // The list of failures that may still be unread is cleaned up now and then, not each time.
    assert!(growth < 64 * 1024, "{growth} bytes");
}

#[test]
fn a_hundred_thousand_aborted_sleepers_take_the_memory_of_one() {
    let growth = candor::test(growth_after(100_000, async || {
        let sleeper = spawn(sleep(Duration::from_secs(3600)));
        yield_now().await;
        sleeper.abort();
        assert!(sleeper.await.unwrap_err().is_cancelled());
    }));
    assert_nothing_is_kept(growth, 100_000);
}

#[test]
fn a_thousand_executors_take_the_memory_of_one() {
    let work = || {
        let executor = executor();
        executor.spawn(sleep(Duration::MAX)).detach();
        executor.block_on(yield_now());
    };
    // More than the numbers of inboxes that this process has opened so far, so that each comes twice.
    (0..1000).for_each(|_| work());
    let before = HELD.get();
    (0..1000).for_each(|_| work());
    let growth = HELD.get() - before;
    assert!(growth < 16 * 1024, "{growth} bytes");
}

/// A waiting task that is counted when it is dropped.
fn wait_forever(drops: &Rc<Cell<u32>>) -> JoinHandle<()> {
    let counted = Counted::new(drops);
    spawn(async move {
        let _counted = counted;
        pending::<()>().await;
    })
}

#[test]
fn what_the_last_report_spawns_is_cancelled_as_well() {
    let drops = Rc::default();
    let spawned: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let (counted, kept) = (Rc::clone(&drops), Rc::clone(&spawned));
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |_| *kept.borrow_mut() = Some(wait_forever(&counted)))
        .build();
    std::mem::forget(executor.spawn(async { panic!("read by nobody") }));
    executor.block_on(yield_now());
    assert_eq!(executor.failures(), 0);
    drop(executor);
    assert_eq!(drops.get(), 1);
    let handle = spawned.take().expect("the failure was reported");
    assert!(handle.is_finished());
    assert!(candor::block_on(handle).unwrap_err().is_cancelled());
}

#[test]
fn what_a_callback_holds_is_dropped_with_its_executor() {
    let held = Rc::new(());
    let callback_holds = held.clone();
    let executor = Executor::builder()
        .on_failure(move |_| drop(callback_holds.clone()))
        .build();
    executor.block_on(async {});
    drop(executor);
    assert_eq!(Rc::strong_count(&held), 1);
}

/// An error that drops what it is given when it is asked for its text.
struct DropsWhenShown<T>(RefCell<Option<T>>);

impl<T> std::fmt::Debug for DropsWhenShown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        drop(self.0.take());
        f.write_str("it dropped what it had")
    }
}

type OwnHandle = Rc<RefCell<Option<candor::JoinHandle<Result<(), DropsWhenShown<Keeps>>>>>>;

/// Keeps a handle of the same task that fails with it.
struct Keeps(OwnHandle);

impl Drop for Keeps {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

#[test]
fn an_error_whose_text_drops_the_handle_of_its_own_task_is_reported_once() {
    let name = "an_error_whose_text_drops_the_handle_of_its_own_task_is_reported_once";
    let ended = child(name).run(|| {
        let executor = Executor::builder().grace(Duration::ZERO).build();
        let handle = OwnHandle::default();
        let keeps = Keeps(handle.clone());
        let fails = executor.spawn(async move { Err(DropsWhenShown(RefCell::new(Some(keeps)))) });
        *handle.borrow_mut() = Some(fails);
        executor.run_until_stalled();
        assert_eq!(executor.failures(), 1);
    });
    let Some(ended) = ended else { return };
    ended.assert_success();
    common::assert_count(&ended.stderr, "it dropped what it had", 1);
}

#[test]
fn an_abort_handle_that_is_left_keeps_no_error_of_its_task() {
    #[derive(Debug)]
    struct Broken(#[expect(dead_code, reason = "it is kept")] Rc<()>);
    let error = Rc::new(());
    let kept = Rc::downgrade(&error);
    let executor = Executor::builder().on_failure(|_| ()).build();
    let task = executor.spawn(async move { Err::<(), _>(Broken(error)) });
    let _abort = task.abort_handle();
    executor.run_until_stalled();
    drop(executor);
    assert!(kept.upgrade().is_some(), "its handle may still ask for it");
    drop(task);
    assert!(kept.upgrade().is_none());
}

#[test]
fn the_notice_names_the_first_tasks_whatever_slots_they_have() {
    let notices = notices_of(|| {
        let executor = Executor::new();
        drop(executor);
        candor::block_on(async {
            let before: Vec<_> = (0..12).map(|_| candor::spawn(async {})).collect();
            for task in before {
                task.await.unwrap();
            }
            for number in 1..=12 {
                let name = format!("t{number}");
                TaskBuilder::new()
                    .name(name)
                    .spawn(pending::<()>())
                    .detach();
            }
        });
    });
    let [notice] = &notices[..] else {
        panic!("{notices:?}")
    };
    let named: Vec<_> = notice
        .lines()
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let first: Vec<_> = (1..=10).map(|number| format!("t{number}")).collect();
    assert_eq!(named, first);
}

#[test]
fn reports_that_drop_the_handle_of_the_next_failure_need_no_deep_stack() {
    let failed: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
    let rest = Rc::clone(&failed);
    let builder = Executor::builder().on_failure(move |_| {
        let next = rest.borrow_mut().pop();
        drop(next);
    });
    let executor = builder.build();
    for _ in 0..20_000 {
        let task = executor.spawn(async { resume_unwind(Box::new("boom")) });
        failed.borrow_mut().push(task);
    }
    executor.tick();
    let first = failed.borrow_mut().pop();
    drop(first);
    executor.tick();
    assert_eq!(executor.failures(), 20_000);
}
