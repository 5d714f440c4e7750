//! An executor inside a host: a loop that gives it turns, or another runtime that polls it.
//!
//! ```text
//!            tick(), or a poll of run_until()
//!  host ───────────────────────────────────────► executor: one pass, never a wait
//!       ◄───────────────────────────────────────
//!            on_wake, or the host's waker: once, for what comes while no pass runs
//! ```

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use candor::{Builder, Executor, FailurePolicy, JoinHandle, TaskGroup, sleep, spawn, yield_now};
use common::{Reports, Trace, assert_contains, assert_lacks, in_time, panic_message};
use futures::channel::oneshot;
use futures::executor::LocalPool;

/// Counts how often it is called: the callback of a host, or its waker.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn new() -> Arc<Calls> {
        Arc::default()
    }

    /// How often it was called since the last look.
    fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// An executor that counts its calls of `on_wake`.
fn hosted_by(builder: Builder) -> (Executor, Arc<Calls>) {
    let calls = Calls::new();
    let counted = Arc::clone(&calls);
    let executor = builder
        .on_wake(move || Waker::from(Arc::clone(&counted)).wake())
        .build();
    (executor, calls)
}

fn hosted() -> (Executor, Arc<Calls>) {
    hosted_by(Executor::builder())
}

/// Polls as a host that counts its calls.
fn poll_by<F: Future>(future: &mut Pin<&mut F>, host: &Arc<Calls>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(host));
    future.as_mut().poll(&mut Context::from_waker(&waker))
}

/// Polls a host's future as long as its host is called.
fn poll_while_called<F: Future>(future: &mut Pin<&mut F>, host: &Arc<Calls>) -> Poll<F::Output> {
    loop {
        let poll = poll_by(future, host);
        if poll.is_ready() || host.take() == 0 {
            return poll;
        }
    }
}

/// A task that waits until the waker it hands out is called, again and again; each poll is noted.
fn waits_for_wakes(executor: &Executor, trace: &Trace) -> (JoinHandle<()>, Rc<RefCell<Waker>>) {
    let waker = Rc::new(RefCell::new(Waker::noop().clone()));
    let (handed_out, trace) = (waker.clone(), trace.clone());
    let task = executor.spawn(poll_fn(move |cx| {
        trace.note("polled");
        *handed_out.borrow_mut() = cx.waker().clone();
        Poll::Pending
    }));
    (task, waker)
}

/// Notes its name at each poll, and wakes itself `more` times.
async fn noted(trace: Trace, name: &'static str, more: usize) {
    trace.note(name);
    for _ in 0..more {
        yield_now().await;
        trace.note(name);
    }
}

mod ticking {
    use super::*;

    #[test]
    fn a_tick_polls_each_task_that_is_ready_once_and_says_whether_more_is() {
        let (executor, trace) = (Executor::new(), Trace::default());
        executor.spawn(noted(trace.clone(), "a", 2)).detach();
        executor.spawn(noted(trace.clone(), "b", 0)).detach();
        executor.spawn(noted(trace.clone(), "c", 1)).detach();
        let mut ticks = Vec::new();
        for _ in 0..3 {
            ticks.push(executor.tick());
            trace.note("tick");
        }
        assert_eq!(ticks, [true, true, false]);
        assert_eq!(
            trace.events(),
            ["a", "b", "c", "tick", "a", "c", "tick", "a", "tick"]
        );
    }

    #[test]
    fn what_a_tick_spawns_and_wakes_has_its_turn_in_the_next() {
        let (executor, trace) = (Executor::new(), Trace::default());
        let inner = trace.clone();
        executor
            .spawn(async move {
                spawn(noted(inner.clone(), "spawned", 0)).detach();
                inner.note("spawner");
            })
            .detach();
        assert!(executor.tick());
        assert_eq!(trace.events(), ["spawner"]);
        assert!(!executor.tick());
        assert_eq!(trace.events(), ["spawner", "spawned"]);
    }

    #[test]
    fn a_thousand_tasks_have_their_turn_in_one_tick_though_some_of_them_panic() {
        let reports = Reports::new();
        let polls = Rc::new(RefCell::new(vec![0; 1000]));
        for number in 0..1000 {
            let polls = polls.clone();
            let task = reports.spawn(async move {
                loop {
                    polls.borrow_mut()[number] += 1;
                    assert!(number % 7 != 0, "number {number}");
                    yield_now().await;
                }
            });
            task.detach();
        }
        assert!(reports.tick());
        assert_eq!(*polls.borrow(), [1; 1000]);
        assert_eq!(reports.failures(), 143);
        assert!(reports.tick());
        assert!((0..1000).all(|number| polls.borrow()[number] == 2 - i32::from(number % 7 == 0)));
    }

    #[test]
    fn a_shuffled_tick_polls_each_task_once_as_well() {
        let executor = Executor::builder().shuffle(7).build();
        let trace = Trace::default();
        for name in ["a", "b", "c", "d"] {
            executor.spawn(noted(trace.clone(), name, 9)).detach();
        }
        for tick in 1..=3 {
            assert!(executor.tick());
            let events = trace.events();
            let of = |name| events.iter().filter(|event| *event == name).count();
            assert_eq!(["a", "b", "c", "d"].map(of), [tick; 4], "{events:?}");
        }
        assert_ne!(trace.events()[..4], trace.events()[4..8]);
    }

    #[test]
    fn a_tick_delivers_what_other_threads_have_woken() {
        let (executor, trace) = (Executor::new(), Trace::default());
        let (_task, waker) = waits_for_wakes(&executor, &trace);
        assert!(!executor.tick());
        let waker = waker.borrow().clone();
        thread::spawn(move || waker.wake()).join().unwrap();
        assert!(!executor.tick());
        assert_eq!(trace.events(), ["polled"; 2]);
    }

    #[test]
    fn a_tick_fires_the_timers_that_are_due() {
        let executor = Executor::new();
        let task = executor.spawn(sleep(Duration::from_millis(1)));
        executor.tick();
        // On the real clock: on no other one can a timer come due between two ticks.
        while Instant::now() < executor.next_deadline().unwrap() {
            thread::yield_now();
        }
        executor.tick();
        assert!(task.is_finished());
        assert_eq!(executor.next_deadline(), None);
    }

    #[test]
    fn on_virtual_time_a_tick_that_finds_nothing_ready_jumps_to_the_next_deadline() {
        let executor = Executor::builder().virtual_time().build();
        let trace = Trace::default();
        for hours in [1, 1000] {
            let trace = trace.clone();
            executor
                .spawn(async move {
                    sleep(Duration::from_secs(hours * 3600)).await;
                    trace.note(hours);
                })
                .detach();
        }
        executor.spawn(noted(trace.clone(), "ready", 1)).detach();
        assert!(executor.tick());
        assert!(!executor.tick());
        assert_eq!(trace.events(), ["ready", "ready"]);
        executor.tick();
        assert_eq!(trace.events()[2..], ["1"]);
        executor.tick();
        assert_eq!(trace.events()[2..], ["1", "1000"]);
    }

    #[test]
    fn on_virtual_time_a_tick_does_not_jump_over_what_a_report_has_left() {
        in_time(|| {
            for is_tick in [true, false] {
                let remote: Rc<RefCell<Option<candor::Remote>>> = Rc::default();
                let seen = Arc::new(Mutex::new(None));
                let (found, noted) = (remote.clone(), seen.clone());
                let builder = Executor::builder().virtual_time();
                let executor = builder.on_failure(move |_| {
                    if let Some(remote) = &*found.borrow() {
                        let noted = noted.clone();
                        let notes = move || async move {
                            *noted.lock().unwrap() = Some(candor::time::now());
                        };
                        drop(remote.spawn(notes));
                    }
                });
                let executor = executor.build();
                remote.replace(Some(executor.remote()));
                let start = executor.block_on(async { candor::time::now() });
                let _unread = executor.spawn(async { Err::<(), _>("unread") });
                let far = candor::time::sleep_until(start + Duration::from_secs(100));
                executor.spawn(far).detach();
                while executor.try_tick() {}
                executor.advance(Duration::from_secs(1));
                for _ in 0..3 {
                    match is_tick {
                        true => drop(executor.tick()),
                        false => executor.run_until_stalled(),
                    }
                }
                let seen = seen.lock().unwrap().unwrap();
                assert_eq!(seen - start, Duration::from_secs(1), "{is_tick}");
                remote.take();
            }
        });
    }

    #[test]
    fn a_failure_is_reported_in_the_tick_in_which_it_happens() {
        let reports = Reports::new();
        reports.spawn(async { panic!("boom") }).detach();
        reports
            .spawn(noted(reports.trace.clone(), "next", 0))
            .detach();
        reports.tick();
        assert_eq!(
            reports.trace.events(),
            ["report: task #1 panicked: boom", "next"]
        );
    }

    #[test]
    fn a_failure_that_nobody_reads_has_a_deadline_and_is_reported_by_a_tick_after_it() {
        let reports = Reports::of(Executor::builder().grace(Duration::from_secs(7)));
        let now = reports.block_on(async { candor::time::now() });
        let unread = reports.spawn(async { Err::<(), _>("unread") });
        reports
            .spawn(async { sleep(Duration::from_secs(9)).await })
            .detach();
        assert!(!reports.tick());
        assert_eq!(reports.next_deadline(), Some(now + Duration::from_secs(7)));
        assert_eq!(reports.headlines(), [""; 0]);
        reports.tick();
        assert_contains(&reports.only(), "not awaited yet");
        assert_eq!(reports.next_deadline(), Some(now + Duration::from_secs(9)));
        drop(unread);
        assert_eq!(reports.failures(), 1);
    }

    #[test]
    fn the_next_deadline_is_exact_however_far_it_is() {
        let executor = Executor::builder().virtual_time().build();
        let now = executor.block_on(async { candor::time::now() });
        for seconds in [3 * 365 * 86_400, 86_402, 86_401, 61, 1] {
            executor
                .spawn(async move { sleep(Duration::from_secs(seconds)).await })
                .detach();
            while executor.tick() {}
            assert_eq!(
                executor.next_deadline(),
                Some(now + Duration::from_secs(seconds))
            );
        }
        executor.spawn(sleep(Duration::MAX)).detach();
        while executor.next_deadline().is_some() {
            executor.tick();
        }
        assert_eq!(executor.tasks().len(), 1);
    }

    #[test]
    fn a_shutdown_in_a_tick_cancels_everything_and_the_executor_can_be_used_again() {
        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let reports = Reports::of(builder);
        let waiting = reports.spawn(pending::<()>());
        reports.spawn(async { panic!("boom") }).detach();
        assert!(!reports.tick());
        assert!(waiting.is_finished());
        assert_eq!(reports.headlines(), ["task #2 panicked: boom"]);
        let next = reports.spawn(async {});
        assert!(!reports.tick());
        assert!(next.is_finished());
    }

    #[test]
    fn an_exit_in_a_tick_cancels_everything() {
        let executor = Executor::new();
        let waiting = executor.spawn(pending::<()>());
        executor.spawn(async { candor::exit(3) }).detach();
        assert!(!executor.tick());
        assert!(waiting.is_finished());
    }

    #[test]
    fn run_until_stalled_runs_what_can_run_and_waits_for_nothing() {
        let (executor, trace) = (Executor::new(), Trace::default());
        executor.spawn(noted(trace.clone(), "a", 1000)).detach();
        let sleeping = executor.spawn(sleep(Duration::from_secs(3600)));
        let (_task, waker) = waits_for_wakes(&executor, &trace);
        executor.run_until_stalled();
        assert_eq!(trace.events().len(), 1002);
        assert!(!sleeping.is_finished());
        waker.borrow().wake_by_ref();
        executor.run_until_stalled();
        assert_eq!(trace.events().len(), 1003);
    }

    #[test]
    fn run_until_stalled_delivers_what_is_woken_from_elsewhere_while_it_runs() {
        let (executor, trace) = (Executor::new(), Trace::default());
        let (_task, waker) = waits_for_wakes(&executor, &trace);
        executor.run_until_stalled();
        let waker = waker.borrow().clone();
        let wakes_on_a_thread = async move { thread::spawn(move || waker.wake()).join().unwrap() };
        executor.spawn(wakes_on_a_thread).detach();
        executor.run_until_stalled();
        assert_eq!(trace.events(), ["polled"; 2]);
    }

    #[test]
    fn run_until_stalled_goes_on_to_timers_that_come_due_while_it_runs() {
        let executor = Executor::new();
        let slept = executor.spawn(sleep(Duration::from_millis(1)));
        // On the real clock: this poll takes as long as the sleep.
        executor
            .spawn(async {
                let deadline = Instant::now() + Duration::from_millis(2);
                while Instant::now() < deadline {
                    thread::yield_now();
                }
            })
            .detach();
        executor.run_until_stalled();
        assert!(slept.is_finished());
    }
}

mod entered_twice {
    use super::*;

    /// What `misuse` says when a task of the executor does it.
    fn message_of(misuse: impl FnOnce(&Executor) + 'static) -> String {
        let executor = Rc::new(Executor::new());
        let inner = executor.clone();
        let message = executor.block_on(async move {
            let task = spawn(async move { panic_message(|| misuse(&inner)) });
            task.await.unwrap()
        });
        // It runs on as if nothing had happened.
        assert_eq!(
            executor
                .block_on(async { spawn(async { 1 }).await })
                .unwrap(),
            1
        );
        message
    }

    #[track_caller]
    fn assert_advice(message: &str, function: &str) {
        let text = format!(
            "`Executor::{function}` was called on an executor that is already running (it was entered by \
             Executor::block_on at tests/embedding.rs:"
        );
        assert_contains(message, &text);
        assert_contains(message, "`.await` the future or `spawn` it");
    }

    #[test]
    fn each_way_in_panics_with_advice() {
        assert_advice(&message_of(|inner| inner.block_on(async {})), "block_on");
        let run = |inner: &Executor| assert_eq!(inner.run(async {}), ExitCode::SUCCESS);
        assert_advice(&message_of(run), "run");
        assert_advice(&message_of(|inner| inner.drain()), "drain");
        assert_advice(&message_of(|inner| assert!(inner.tick())), "tick");
        assert_advice(
            &message_of(|inner| inner.run_until_stalled()),
            "run_until_stalled",
        );
        let awaited = |inner: &Executor| futures::executor::block_on(inner.run_until(async {}));
        assert_advice(&message_of(awaited), "run_until");
    }

    #[test]
    fn a_tick_within_a_tick_names_the_outer_one() {
        let executor = Rc::new(Executor::new());
        let inner = executor.clone();
        let task = executor.spawn(async move { panic_message(|| assert!(inner.tick())) });
        executor.tick();
        let message = executor.block_on(task).unwrap();
        assert_contains(
            &message,
            "it was entered by Executor::tick at tests/embedding.rs:",
        );
    }
}

mod on_wake {
    use super::*;

    /// A callback wakes a waiting task from another thread, after the pass has looked for that. Counts the polls of the task, and the
    /// calls of `on_wake`, since then.
    fn woken_in_a_report(turns: impl FnOnce(&Executor)) -> (u32, usize) {
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let waker = Arc::new(Mutex::new(None::<Waker>));
        let (wakes, keeps) = (Arc::clone(&waker), Arc::clone(&waker));
        let builder = Executor::builder()
            .grace(Duration::from_millis(1))
            .on_failure(move |_| {
                let waker = wakes.lock().unwrap().clone().unwrap();
                thread::spawn(|| waker.wake()).join().unwrap();
            });
        let (executor, calls) = hosted_by(builder);
        executor
            .spawn(poll_fn(move |cx| {
                counted.set(counted.get() + 1);
                *keeps.lock().unwrap() = Some(cx.waker().clone());
                Poll::<()>::Pending
            }))
            .detach();
        let failed = executor.spawn(async { Err::<(), _>("failed") });
        while executor.tick() {}
        thread::sleep(Duration::from_millis(5));
        calls.take();
        polls.set(0);
        turns(&executor);
        drop(failed);
        (polls.get(), calls.take())
    }

    #[test]
    fn what_is_woken_while_a_turn_reports_is_polled_by_that_turn() {
        in_time(|| {
            assert_eq!(
                woken_in_a_report(|executor| while executor.try_tick() {}),
                (1, 0)
            );
            assert_eq!(
                woken_in_a_report(|executor| while executor.tick() {}),
                (1, 0)
            );
            assert_eq!(woken_in_a_report(Executor::run_until_stalled), (1, 0));
        });
    }

    #[test]
    fn it_is_called_for_what_a_future_of_run_until_leaves_when_it_is_done_or_dropped() {
        struct Spawns;

        impl Drop for Spawns {
            fn drop(&mut self) {
                spawn(async {}).detach();
            }
        }

        let busy = async || {
            for _ in 0..500 {
                yield_now().await;
            }
        };
        let (executor, calls) = hosted();
        let main = async {
            spawn(busy()).detach();
            yield_now().await;
        };
        futures::executor::block_on(executor.run_until(main));
        assert!(calls.take() >= 1, "when it is done");
        while executor.tick() {}

        for is_polled in [true, false] {
            let spawns = Spawns;
            let mut hosted = executor.run_until(async move {
                let _spawns = spawns;
                pending::<()>().await
            });
            if is_polled {
                let poll = Pin::new(&mut hosted).poll(&mut Context::from_waker(Waker::noop()));
                assert!(poll.is_pending());
            }
            calls.take();
            drop(hosted);
            assert_eq!(calls.take(), 1, "when it is dropped, polled: {is_polled}");
            while executor.tick() {}
        }
    }

    #[test]
    fn a_shutdown_that_comes_with_the_end_of_run_until_leaves_nothing_to_call_for() {
        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let (executor, calls) = hosted_by(builder.on_failure(|_| ()));
        let failed = executor.spawn(async { Err::<(), _>("failed") });
        let other = executor.spawn(pending::<()>());
        while executor.tick() {}
        let mut hosted = executor.run_until(async move {
            let _failed = failed;
            pending::<()>().await
        });
        let poll = Pin::new(&mut hosted).poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        drop(hosted);
        assert!(other.is_finished());
        calls.take();
        assert!(!executor.tick());
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn it_is_not_called_while_an_entry_point_waits() {
        let (executor, calls) = hosted();
        executor.block_on(async {
            let (sender, receiver) = oneshot::channel();
            let waits = thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                sender.send(())
            });
            receiver.await.unwrap();
            waits.join().unwrap().unwrap();
        });
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn it_is_called_when_a_handle_that_is_dropped_outside_stops_the_executor() {
        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let (executor, calls) = hosted_by(builder.on_failure(|_| ()));
        let failed = executor.spawn(async { Err::<(), _>("failed") });
        let other = executor.spawn(pending::<()>());
        assert!(!executor.tick());
        calls.take();
        drop(failed);
        assert_eq!(calls.take(), 1);
        executor.tick();
        assert!(other.is_finished());
    }

    #[test]
    fn it_is_called_for_the_first_spawn_and_then_not_until_the_executor_has_run_out_of_work() {
        let (executor, calls) = hosted();
        assert_eq!(calls.take(), 0);
        executor.spawn(async {}).detach();
        assert_eq!(calls.take(), 1);
        executor.spawn(yield_now()).detach();
        assert_eq!(calls.take(), 0);
        // More is ready, so the host ticks again without being called.
        assert!(executor.tick());
        executor.spawn(async {}).detach();
        assert_eq!(calls.take(), 0);
        assert!(!executor.tick());
        assert_eq!(calls.take(), 0);
        executor.spawn(async {}).detach();
        assert_eq!(calls.take(), 1);
    }

    #[test]
    fn it_is_called_for_the_first_wake_from_this_thread_and_from_another() {
        let (executor, calls) = hosted();
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        assert!(!executor.tick());
        calls.take();

        waker.borrow().wake_by_ref();
        waker.borrow().wake_by_ref();
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());

        let waker = waker.borrow().clone();
        let wakes_twice = move || [waker.clone(), waker].map(Waker::wake);
        thread::spawn(wakes_twice).join().unwrap();
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn it_is_called_for_an_abort_and_for_the_end_of_a_group() {
        let (executor, calls) = hosted();
        let task = executor.spawn(pending::<()>());
        let group = Rc::new(RefCell::new(None));
        let kept = group.clone();
        executor
            .spawn(async move {
                let members: TaskGroup = TaskGroup::new();
                members.spawn(pending::<()>());
                kept.replace(Some(members));
            })
            .detach();
        while executor.tick() {}
        calls.take();

        task.abort();
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());
        assert!(task.is_finished());

        drop(group.take());
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());
        assert!(executor.tasks().is_empty());
    }

    #[test]
    fn a_failure_that_shuts_the_executor_down_between_two_turns_calls_it() {
        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let (executor, calls) = hosted_by(builder.on_failure(|_| ()));
        let failed = executor.spawn(async { Err::<(), _>("failed") });
        let waiting = executor.spawn(pending::<()>());
        assert!(!executor.tick());
        calls.take();
        drop(failed);
        assert_eq!(calls.take(), 1);
        executor.tick();
        assert!(waiting.is_finished());
    }

    #[test]
    fn it_is_not_called_while_a_pass_runs() {
        let (executor, calls) = hosted();
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        executor.tick();
        calls.take();
        let waker = waker.borrow().clone();
        let seen = Rc::new(Cell::new(usize::MAX));
        let (noted, counted) = (seen.clone(), calls.clone());
        executor.spawn(pending::<()>()).abort();
        executor
            .spawn(async move {
                counted.take();
                waker.wake_by_ref();
                thread::spawn(move || waker.wake()).join().unwrap();
                noted.set(counted.take());
            })
            .detach();
        assert!(executor.tick(), "a task was woken");
        assert_eq!(seen.get(), 0);
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn a_wake_from_another_thread_in_the_last_moment_of_a_tick_is_told_by_the_tick_or_by_the_call()
    {
        let (executor, calls) = hosted();
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        executor.tick();
        calls.take();
        for _ in 0..2000 {
            let waker = waker.borrow().clone();
            let waking = thread::spawn(move || waker.wake());
            let mut has_more = executor.tick();
            waking.join().unwrap();
            if !has_more && calls.take() == 0 {
                // It came before the tick checked, and was polled in it.
                has_more = executor.tick();
                assert!(!has_more);
            }
            while executor.tick() {}
            calls.take();
        }
    }

    #[test]
    fn it_is_not_called_while_block_on_waits_for_another_thread() {
        let (executor, calls) = hosted();
        let (sender, receiver) = oneshot::channel();
        let counted = calls.clone();
        executor.block_on(async move {
            thread::spawn(move || sender.send(()).unwrap());
            receiver.await.unwrap();
            assert_eq!(counted.take(), 0);
        });
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn it_is_not_called_because_block_on_has_slept() {
        let (executor, calls) = hosted();
        executor.block_on(async { sleep(Duration::from_millis(1)).await });
        assert_eq!(calls.take(), 0);
    }

    #[test]
    fn it_is_called_if_block_on_leaves_tasks_that_are_ready() {
        let (executor, calls) = hosted();
        executor.block_on(async { spawn(async {}).detach() });
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());
        executor.block_on(async { spawn(async {}).await.unwrap() });
        assert_eq!(calls.take(), 0);
        let panics = || executor.block_on(async { panic!("with a task left") });
        executor.spawn(yield_now()).detach();
        calls.take();
        assert_eq!(panic_message(panics), "with a task left");
        assert_eq!(calls.take(), 1);
    }

    #[test]
    fn it_is_not_called_for_a_main_future_that_woke_itself_in_its_last_poll() {
        let (executor, calls) = hosted();
        executor.block_on(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }));
        assert_eq!(calls.take(), 0);
        assert!(!executor.tick());
    }

    #[test]
    fn a_panic_in_it_ends_there() {
        let executor = Executor::builder().on_wake(|| panic!("on_wake")).build();
        let task = executor.spawn(async {});
        executor.tick();
        assert!(task.is_finished());
    }

    #[test]
    fn it_may_itself_wake_and_is_not_called_with_a_lock_of_candor_held() {
        let woken = Arc::new(Mutex::new(None::<Waker>));
        let wakes_again = Arc::clone(&woken);
        let calls = Calls::new();
        let counted = calls.clone();
        let executor = Executor::builder()
            .on_wake(move || {
                Waker::from(counted.clone()).wake();
                if let Some(waker) = &*wakes_again.lock().unwrap() {
                    waker.wake_by_ref();
                }
            })
            .build();
        let trace = Trace::default();
        let (_task, waker) = waits_for_wakes(&executor, &trace);
        executor.tick();
        *woken.lock().unwrap() = Some(waker.borrow().clone());
        calls.take();
        executor.spawn(async {}).detach();
        assert_eq!(calls.take(), 1);
        assert!(!executor.tick());
        assert_eq!(trace.events(), ["polled"; 2]);
    }

    #[test]
    fn the_executor_can_be_given_a_host_while_another_thread_is_in_it() {
        let (called, calls) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let executor = Executor::builder()
            .on_wake(move || {
                let patience = Duration::from_secs(20);
                called.send(()).unwrap();
                let is_free = gone.lock().unwrap().recv_timeout(patience).is_ok();
                assert!(is_free, "`on_wake` was called with a lock of candor held");
                called.send(()).unwrap();
            })
            .build();
        let waker = Rc::new(RefCell::new(None));
        let handed_out = waker.clone();
        go.send(()).unwrap();
        executor
            .spawn(poll_fn(move |cx| {
                handed_out.replace(Some(cx.waker().clone()));
                Poll::<()>::Pending
            }))
            .detach();
        executor.tick();
        let waker = waker.take().unwrap();
        let waking = thread::spawn(move || waker.wake());
        calls.iter().take(3).for_each(drop);
        let mut future = pin!(executor.run_until(pending::<()>()));
        assert!(poll_by(&mut future, &Calls::new()).is_pending());
        go.send(()).unwrap();
        waking.join().unwrap();
        calls.try_recv().expect("it returned without a panic");
    }

    #[test]
    fn it_is_dropped_with_the_executor() {
        let held = Arc::new(());
        let inside = held.clone();
        let on_wake = move || drop(inside.clone());
        let executor = Executor::builder().on_wake(on_wake).build();
        assert_eq!(Arc::strong_count(&held), 2);
        drop(executor);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn it_is_not_called_by_a_task_that_is_cancelled_with_the_executor() {
        struct Wakes(Waker);

        impl Drop for Wakes {
            fn drop(&mut self) {
                let waker = self.0.clone();
                thread::spawn(move || waker.wake()).join().unwrap();
            }
        }

        let (executor, calls) = hosted();
        executor
            .spawn(async {
                let _wakes = poll_fn(|cx| Poll::Ready(Wakes(cx.waker().clone()))).await;
                pending::<()>().await;
            })
            .detach();
        executor.tick();
        calls.take();
        drop(executor);
        assert_eq!(calls.take(), 0);
    }
}

mod run_until {
    use super::*;

    #[test]
    fn a_sleep_that_was_reset_outside_is_not_forgotten_by_an_entry_point_that_returns_at_once() {
        let executor = Executor::builder().virtual_time().build();
        let start = executor.block_on(async { candor::time::now() });
        let (host, seconds) = (Calls::new(), Duration::from_secs);
        let slept = Rc::new(RefCell::new(candor::time::sleep_until(start + seconds(1))));
        let within = slept.clone();
        let task = executor.spawn(async move {
            poll_fn(|cx| Pin::new(&mut *within.borrow_mut()).poll(cx)).await;
            candor::time::now()
        });
        let far = candor::time::sleep_until(start + seconds(100));
        executor.spawn(far).detach();
        let mut hosted = pin!(executor.run_until(task));
        assert!(poll_by(&mut hosted, &host).is_pending());
        slept.borrow_mut().reset(start + seconds(2));
        executor.block_on(async {});
        let Poll::Ready(ended) = poll_while_called(&mut hosted, &host) else {
            panic!("nobody calls the host");
        };
        assert_eq!(ended.unwrap() - start, seconds(2));
    }

    #[test]
    fn on_virtual_time_the_clock_moves_to_deadlines_only() {
        let executor = Executor::builder().virtual_time().build();
        let now = || executor.block_on(async { candor::time::now() });
        let start = now();
        let (host, seconds) = (Calls::new(), Duration::from_secs);
        let mut slept = pin!(executor.run_until(async { sleep(seconds(10)).await }));
        assert!(poll_by(&mut slept, &host).is_pending());
        let passed = now() - start;
        assert!([seconds(0), seconds(10)].contains(&passed), "{passed:?}");
        assert!(poll_while_called(&mut slept, &host).is_ready());
        assert_eq!(now() - start, seconds(10));
    }

    #[test]
    fn it_runs_inside_of_a_local_pool_with_timers_and_other_threads() {
        let executor = Executor::new();
        let mut name = String::from("borrowed");
        let output = LocalPool::new().run_until(executor.run_until(async {
            let (sender, receiver) = oneshot::channel();
            thread::spawn(move || sender.send(1).unwrap());
            let slept = spawn(async {
                sleep(Duration::from_millis(2)).await;
                2
            });
            // The main future's own timer, through the same thread.
            sleep(Duration::from_millis(1)).await;
            name.push('!');
            receiver.await.unwrap() + slept.await.unwrap()
        }));
        assert_eq!((output, name.as_str()), (3, "borrowed!"));
    }

    #[test]
    fn it_runs_inside_of_another_candor_executor_whose_tasks_have_their_turns() {
        let inner = Rc::new(Executor::new());
        let outer_polls = Rc::new(Cell::new(0));
        let counted = outer_polls.clone();
        candor::block_on(async {
            let outer = spawn(async move {
                loop {
                    counted.set(counted.get() + 1);
                    yield_now().await;
                }
            });
            let guest = spawn(async move {
                inner
                    .run_until(async {
                        let spinning = spawn(noted(Trace::default(), "inner", 10_000));
                        sleep(Duration::from_millis(1)).await;
                        spinning.await.unwrap();
                    })
                    .await
            });
            guest.await.unwrap();
            outer.abort();
        });
        assert!(outer_polls.get() > 10_000 / 128, "{}", outer_polls.get());
    }

    #[test]
    fn each_poll_is_bounded_and_calls_the_host_while_more_is_ready() {
        let (executor, host) = (Executor::new(), Calls::new());
        let trace = Trace::default();
        executor.spawn(noted(trace.clone(), "a", 1000)).detach();
        let mut future = pin!(executor.run_until(pending::<()>()));
        let mut polls = 0;
        loop {
            let before = trace.events().len();
            assert!(poll_by(&mut future, &host).is_pending());
            assert!(trace.events().len() - before <= 128);
            polls += 1;
            if host.take() == 0 {
                break;
            }
        }
        assert_eq!(trace.events().len(), 1001);
        assert!(polls >= 8, "{polls}");
    }

    #[test]
    fn its_future_is_polled_when_it_was_woken_and_not_for_each_task_that_is() {
        let (executor, host) = (Executor::new(), Calls::new());
        let polls = Cell::new(0);
        let (sender, mut receiver) = oneshot::channel::<()>();
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        let mut future = pin!(executor.run_until(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            Pin::new(&mut receiver).poll(cx)
        })));
        assert!(poll_while_called(&mut future, &host).is_pending());
        for _ in 0..5 {
            waker.borrow().wake_by_ref();
            assert_eq!(host.take(), 1);
            assert!(poll_while_called(&mut future, &host).is_pending());
        }
        assert_eq!(polls.get(), 1);
        sender.send(()).unwrap();
        assert_eq!(host.take(), 1);
        assert!(poll_by(&mut future, &host).is_ready());
        assert_eq!(polls.get(), 2);
    }

    #[test]
    fn what_its_future_waits_for_and_a_task_does_is_done_in_one_poll() {
        let (executor, host) = (Executor::new(), Calls::new());
        let mut future = pin!(executor.run_until(async { spawn(async { 7 }).await.unwrap() }));
        assert_eq!(poll_by(&mut future, &host), Poll::Ready(7));
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_again() {
        let (executor, host) = (Executor::new(), Calls::new());
        let mut future = pin!(executor.run_until(noted(Trace::default(), "a", 5)));
        assert!(poll_while_called(&mut future, &host).is_ready());
    }

    #[test]
    fn a_new_waker_of_the_host_takes_the_place_of_the_old_one() {
        let (executor, [old, new]) = (Executor::new(), [Calls::new(), Calls::new()]);
        let (sender, receiver) = oneshot::channel::<()>();
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        let mut future = pin!(executor.run_until(receiver));
        for host in [&old, &new] {
            assert!(poll_while_called(&mut future, host).is_pending());
        }
        waker.borrow().wake_by_ref();
        assert_eq!([old.take(), new.take()], [0, 1]);
        assert!(poll_while_called(&mut future, &new).is_pending());
        sender.send(()).unwrap();
        assert_eq!([old.take(), new.take()], [0, 1]);
        assert_eq!(poll_by(&mut future, &new), Poll::Ready(Ok(())));
    }

    #[test]
    fn a_spawn_from_outside_calls_the_host_and_one_from_inside_does_not() {
        let (executor, host) = (Executor::new(), Calls::new());
        let mut future = pin!(executor.run_until(pending::<()>()));
        assert!(poll_while_called(&mut future, &host).is_pending());
        let task = executor.spawn(async { spawn(async {}).detach() });
        assert_eq!(host.take(), 1);
        assert!(poll_by(&mut future, &host).is_pending());
        assert!(task.is_finished());
        assert_eq!(host.take(), 0);
    }

    #[test]
    fn two_at_once_run_the_tasks_of_both_and_each_ends_with_its_own_future() {
        let executor = Executor::new();
        let (sender, receiver) = oneshot::channel();
        let first =
            executor.run_until(async { spawn(async { receiver.await.unwrap() }).await.unwrap() });
        let second = executor.run_until(async {
            sleep(Duration::from_millis(1)).await;
            let sent = spawn(async { sender.send("from the second").unwrap() });
            sent.await.unwrap();
            "done"
        });
        let both = async { futures::join!(first, second) };
        assert_eq!(
            LocalPool::new().run_until(both),
            ("from the second", "done")
        );
    }

    #[test]
    fn each_of_two_hosts_is_called_and_one_that_is_not_polled_holds_up_nobody() {
        let (executor, [first, second]) = (Executor::new(), [Calls::new(), Calls::new()]);
        let trace = Trace::default();
        let (_task, waker) = waits_for_wakes(&executor, &trace);
        let mut idle = pin!(executor.run_until(pending::<()>()));
        let mut active = pin!(executor.run_until(pending::<()>()));
        assert!(poll_while_called(&mut idle, &first).is_pending());
        assert!(poll_while_called(&mut active, &second).is_pending());
        first.take();
        for round in 1..5 {
            waker.borrow().wake_by_ref();
            // The first one has been called each time, as only its host knows that it will not come.
            assert_eq!([first.take(), second.take()], [1, 1]);
            assert!(poll_while_called(&mut active, &second).is_pending());
            assert_eq!(trace.events().len(), 1 + round);
        }
    }

    #[test]
    fn what_one_leaves_unfinished_is_the_turn_of_the_others() {
        let (executor, [first, second]) = (Executor::new(), [Calls::new(), Calls::new()]);
        let trace = Trace::default();
        let mut staying = pin!(executor.run_until(pending::<()>()));
        assert!(poll_while_called(&mut staying, &second).is_pending());
        {
            let mut leaving = pin!(executor.run_until(async {
                spawn(noted(trace.clone(), "a", 300)).detach();
            }));
            // Done at its first poll, with a task just spawned.
            assert!(poll_by(&mut leaving, &first).is_ready());
        }
        assert_eq!(second.take(), 1);
        assert!(poll_while_called(&mut staying, &second).is_pending());
        assert_eq!(trace.events().len(), 301);

        executor.spawn(noted(trace.clone(), "b", 300)).detach();
        second.take();
        {
            let mut dropped = pin!(executor.run_until(pending::<()>()));
            assert!(poll_by(&mut dropped, &first).is_pending());
            assert_eq!([first.take(), second.take()], [1, 1]);
        }
        assert!(poll_while_called(&mut staying, &second).is_pending());
        assert_eq!(trace.events().len(), 602);
    }

    #[test]
    fn block_on_and_tick_leave_to_the_host_what_is_ready() {
        let (executor, host) = (Executor::new(), Calls::new());
        let mut future = pin!(executor.run_until(pending::<()>()));
        assert!(poll_while_called(&mut future, &host).is_pending());
        executor.block_on(async { spawn(yield_now()).detach() });
        assert!(host.take() > 0);
        assert!(executor.tick());
        assert!(host.take() > 0);
        assert!(!executor.tick());
        assert_eq!(host.take(), 0);
        // The alarm watches timers that were set meanwhile, for the host.
        executor.block_on(async { spawn(sleep(Duration::from_millis(1))).detach() });
        while !executor.tasks().is_empty() {
            let _pending = poll_by(&mut future, &host);
            thread::yield_now();
        }
    }

    #[test]
    fn dropped_half_way_it_leaves_the_executor_and_its_tasks_as_they_are() {
        let (executor, host) = (Executor::new(), Calls::new());
        let task = executor.spawn(async {
            yield_now().await;
            "still here"
        });
        {
            let mut future = pin!(executor.run_until(pending::<()>()));
            assert!(poll_by(&mut future, &host).is_pending());
        }
        host.take();
        executor.spawn(async {}).detach();
        assert_eq!(
            host.take(),
            0,
            "the host was called for what it no longer polls"
        );
        assert_eq!(executor.block_on(task).unwrap(), "still here");
    }

    /// Spawns when it is dropped, and needs a running executor for that.
    struct SpawnsOnDrop(Trace);

    impl Drop for SpawnsOnDrop {
        fn drop(&mut self) {
            spawn(noted(self.0.clone(), "spawned by a destructor", 0)).detach();
        }
    }

    #[test]
    fn its_future_is_dropped_where_the_executor_runs() {
        let (executor, trace) = (Executor::new(), Trace::default());
        let waits = |trace: &Trace| {
            let guard = SpawnsOnDrop(trace.clone());
            async move {
                let _guard = guard;
                pending::<()>().await
            }
        };
        // Never polled; then dropped half-way; then done.
        drop(executor.run_until(waits(&trace)));
        {
            let mut future = pin!(executor.run_until(waits(&trace)));
            assert!(poll_by(&mut future, &Calls::new()).is_pending());
        }
        let guard = SpawnsOnDrop(trace.clone());
        let done = executor.run_until(async move { drop(guard) });
        futures::executor::block_on(done);
        executor.run_until_stalled();
        assert_eq!(trace.events(), ["spawned by a destructor"; 3]);
    }

    #[test]
    fn one_that_a_task_of_the_same_executor_drops_is_just_dropped() {
        let executor: &'static Executor = Box::leak(Box::new(Executor::new()));
        let trace = Trace::default();
        let guard = SpawnsOnDrop(trace.clone());
        let future = executor.run_until(async move {
            let _guard = guard;
            pending::<()>().await
        });
        executor.spawn(async move { drop(future) }).detach();
        executor.run_until_stalled();
        assert_eq!(trace.events(), ["spawned by a destructor"]);
    }

    #[test]
    fn a_panic_of_its_future_is_its_callers_and_leaves_the_executor_whole() {
        let (executor, host) = (Executor::new(), Calls::new());
        let task = executor.spawn(yield_now());
        let mut staying = pin!(executor.run_until(pending::<()>()));
        assert!(poll_by(&mut staying, &host).is_pending());
        host.take();
        executor.spawn(async {}).detach();
        host.take();
        let panics = executor.run_until(async { panic!("boom") });
        let message = panic_message(|| futures::executor::block_on(panics));
        assert_eq!(message, "boom");
        assert!(host.take() > 0, "what is ready is left to the other host");
        assert!(poll_while_called(&mut staying, &host).is_pending());
        assert!(task.is_finished());
        assert_eq!(executor.failures(), 0);
    }

    #[test]
    fn an_exit_and_a_shutdown_end_it_with_a_panic_that_says_so() {
        let executor = Executor::new();
        let waiting = executor.spawn(pending::<()>());
        let exits = executor.run_until(async {
            spawn(async { candor::exit(3) }).detach();
            pending::<()>().await
        });
        let message = panic_message(|| futures::executor::block_on(exits));
        assert_contains(
            &message,
            "`candor::exit(3)`, and Executor::run_until has no exit code",
        );
        assert!(waiting.is_finished());

        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let executor = builder.on_failure(|_| ()).build();
        let fails = executor.run_until(async {
            spawn(async { panic!("boom") }).detach();
            pending::<()>().await
        });
        let message = panic_message(|| futures::executor::block_on(fails));
        assert_contains(
            &message,
            "shut down by the failure policy, because task #1 panicked: boom",
        );
        assert_eq!(executor.block_on(async { 1 }), 1);
    }

    #[test]
    fn a_failure_that_its_future_drops_at_its_very_end_shuts_down_the_same_call() {
        let builder = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let executor = builder.on_failure(|_| ()).build();
        let fails = executor.run_until(async {
            let failed = spawn(async { Err::<(), _>("failed") });
            common::finished(&failed).await;
        });
        let message = panic_message(|| futures::executor::block_on(fails));
        assert_contains(&message, "because task #1 failed");
    }

    #[test]
    fn the_report_of_a_task_names_the_call_of_run_until() {
        let reports = Reports::new();
        futures::executor::block_on(reports.run_until(async {
            spawn(async { panic!("boom") }).detach();
            yield_now().await;
        }));
        assert_contains(
            &reports.only(),
            "by Executor::run_until at tests/embedding.rs:",
        );
    }

    #[test]
    fn on_virtual_time_a_year_of_sleeps_passes_at_once() {
        let executor = Executor::builder().virtual_time().build();
        let host = Calls::new();
        let mut future = pin!(executor.run_until(async {
            for _ in 0..365 {
                sleep(Duration::from_secs(86_400)).await;
            }
        }));
        assert!(poll_while_called(&mut future, &host).is_ready());
    }

    #[test]
    fn a_timer_calls_a_host_that_sleeps_and_an_earlier_one_before_it() {
        let executor = Executor::new();
        let (post, posted) = mpsc::channel();
        struct Posts(Mutex<mpsc::Sender<()>>);

        impl Wake for Posts {
            fn wake(self: Arc<Self>) {
                self.0.lock().unwrap().send(()).ok();
            }
        }

        let waker = Waker::from(Arc::new(Posts(Mutex::new(post))));
        let far = executor.spawn(sleep(Duration::from_secs(3600)));
        let mut future = pin!(executor.run_until(pending::<()>()));
        let mut poll = || {
            future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        };
        assert!(poll());
        let near = executor.spawn(sleep(Duration::from_millis(1)));
        while !near.is_finished() {
            posted
                .recv_timeout(Duration::from_secs(20))
                .expect("the alarm rings");
            assert!(poll());
        }
        assert!(!far.is_finished());
    }

    #[test]
    fn a_host_whose_waker_panics_keeps_no_other_from_being_called() {
        struct Panics;

        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a foreign waker");
            }
        }

        let (executor, host) = (Executor::new(), Calls::new());
        let (_task, waker) = waits_for_wakes(&executor, &Trace::default());
        let mut first = pin!(executor.run_until(pending::<()>()));
        let panics = Waker::from(Arc::new(Panics));
        assert!(
            first
                .as_mut()
                .poll(&mut Context::from_waker(&panics))
                .is_pending()
        );
        let mut second = pin!(executor.run_until(pending::<()>()));
        assert!(poll_while_called(&mut second, &host).is_pending());
        waker.borrow().wake_by_ref();
        assert_eq!(host.take(), 1);
    }

    #[test]
    fn an_executor_that_had_hosts_leaves_none_to_the_next_on_its_thread() {
        let host = Calls::new();
        for _ in 0..3 {
            let executor = Executor::new();
            let mut future = Box::pin(executor.run_until(pending::<()>()));
            assert!(poll_while_called(&mut future.as_mut(), &host).is_pending());
            // Leaked: its destructor does not remove the host.
            std::mem::forget(future);
            drop(executor);
            let next = Executor::new();
            next.run_until_stalled();
            next.spawn(async {}).detach();
            assert_eq!(host.take(), 0);
            next.run_until_stalled();
        }
    }
}

/// Sockets of async-io: with the feature `async-io`, the thread that waits for them is the executor's own.
mod sockets {
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::AtomicBool;
    use std::thread::ThreadId;

    use async_io::Async;
    use futures::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Notes whether it is called on this thread, and passes the wake on to the executor's own waker.
    struct Overhears {
        waker: Waker,
        thread: ThreadId,
        is_here: Arc<AtomicBool>,
    }

    impl Wake for Overhears {
        fn wake(self: Arc<Self>) {
            if thread::current().id() == self.thread {
                self.is_here.store(true, SeqCst);
            }
            self.waker.wake_by_ref();
        }
    }

    /// Polls with wakers that note whether this thread has called one of them.
    async fn overhear<F: Future>(future: F, is_here: Arc<AtomicBool>) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let overhears = Overhears {
                waker: cx.waker().clone(),
                thread: thread::current().id(),
                is_here: is_here.clone(),
            };
            let waker = Waker::from(Arc::new(overhears));
            future.as_mut().poll(&mut Context::from_waker(&waker))
        })
        .await
    }

    #[test]
    fn two_thousand_round_trips_lose_no_wake() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_here = Arc::new(AtomicBool::new(false));
        let overheard = is_here.clone();
        // The other side is a thread, so that this one has to wait for each answer.
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut byte = [0];
            while std::io::Read::read(&mut stream, &mut byte).unwrap() > 0 {
                std::io::Write::write_all(&mut stream, &byte).unwrap();
            }
        });
        candor::block_on(async move {
            let mut stream = Async::<TcpStream>::connect(address).await.unwrap();
            stream.get_ref().set_nodelay(true).unwrap();
            for round in 0..2000_u32 {
                let sent = [round as u8];
                stream.write_all(&sent).await.unwrap();
                let mut received = [0];
                let reading = stream.read_exact(&mut received);
                overhear(reading, overheard.clone()).await.unwrap();
                assert_eq!(received, sent);
            }
        });
        server.join().unwrap();
        assert_eq!(is_here.load(SeqCst), cfg!(feature = "async-io"));
    }

    thread_local! {
        /// The handle of a task that has failed, and that the waker below drops.
        static HANDLE: RefCell<Option<JoinHandle<Result<(), &'static str>>>> = const { RefCell::new(None) };
    }

    /// Where the executor runs, drops the handle. On another thread it wakes the main future, which tries again.
    struct DropsTheHandle(Waker);

    impl Wake for DropsTheHandle {
        fn wake(self: Arc<Self>) {
            if HANDLE.take().is_none() {
                self.0.wake_by_ref();
            }
        }
    }

    /// The report comes while the executor waits in the reactor, which calls the waker. Then nothing else wakes it.
    #[test]
    fn an_executor_that_waits_in_the_reactor_is_shut_down_by_a_report() {
        let executor = Executor::builder()
            .failure_policy(FailurePolicy::Shutdown)
            .grace(Duration::MAX)
            .detect_stalls(false)
            .on_failure(|_| ())
            .build();
        let code = executor.run(async {
            let mut handle = spawn(async { Err("boom") });
            candor::yield_now().await;
            for _ in 0..20 {
                HANDLE.set(Some(handle));
                let mut timer = async_io::Timer::after(Duration::from_millis(5));
                let mut is_set = false;
                poll_fn(|cx| {
                    if std::mem::replace(&mut is_set, true) {
                        return Poll::Ready(());
                    }
                    let waker = Waker::from(Arc::new(DropsTheHandle(cx.waker().clone())));
                    let _ = Pin::new(&mut timer).poll(&mut Context::from_waker(&waker));
                    Poll::Pending
                })
                .await;
                let kept = HANDLE.take();
                handle = kept.expect("the executor goes on after its shutdown");
            }
            // async-io's own thread has fired them all, as it does without the feature.
            assert_eq!(
                handle.await.unwrap_err().to_string(),
                "task #1 failed: \"boom\""
            );
        });
        // With the feature it was shut down, most often.
        println!("{code:?}");
    }
}

#[test]
fn a_grace_begins_in_every_way_to_run_however_the_task_fails() {
    type Way = fn(&Executor);
    let ways: [Way; 5] = [
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
    for how in ["returns Err", "panics", "catches a panic before"] {
        for (number, way) in ways.iter().enumerate() {
            let executor = Executor::builder().on_failure(|_| ()).build();
            let task = executor.spawn(async move {
                if how == "panics" {
                    panic!("boom");
                }
                if how == "catches a panic before" {
                    let _ = std::panic::catch_unwind(|| panic!("caught"));
                }
                Err::<(), _>("boom")
            });
            way(&executor);
            assert!(task.is_finished(), "{how}, way {number}");
            assert!(executor.next_deadline().is_some(), "{how}, way {number}");
        }
    }
}

#[test]
fn a_failure_that_was_read_sets_no_deadline() {
    let executor = Executor::builder().on_failure(|_| ()).build();
    let mut fails = executor.spawn(async { Err::<(), _>("no") });
    executor.tick();
    assert!(executor.next_deadline().is_some());
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut fails).poll(cx).is_ready());
    assert_eq!(executor.next_deadline(), None);
}

#[test]
fn under_run_until_a_failure_is_reported_when_its_grace_is_over() {
    let reports = Reports::new();
    let fails = reports.spawn(async {
        candor::sleep(Duration::from_secs(1)).await;
        panic!("boom")
    });
    // Only the end of the grace wakes it; on virtual time that is a jump.
    futures::executor::block_on(reports.run_until(candor::sleep(Duration::from_secs(5))));
    assert_eq!(
        reports.headlines(),
        ["task #1 panicked (not awaited yet): boom"]
    );
    drop(fails);
}

#[test]
fn a_tick_polls_what_was_ready_though_a_report_at_its_start_leaves_another_one() {
    type Stash = Rc<RefCell<Option<candor::JoinHandle<Result<(), &'static str>>>>>;
    let stash = Stash::default();
    let held = stash.clone();
    let executor = Executor::builder()
        .grace(Duration::MAX)
        .on_failure(move |failure| {
            if failure.message() == "remote" {
                drop(held.take());
            }
        })
        .build();
    *stash.borrow_mut() = Some(executor.spawn(async { Err::<(), &str>("local") }));
    let remote = executor
        .remote()
        .spawn(|| async { Err::<(), _>("remote") })
        .unwrap();
    executor.run_until_stalled();
    drop(remote);
    let polled = Rc::new(Cell::new(false));
    let noted = polled.clone();
    executor.spawn(async move { noted.set(true) }).detach();
    executor.tick();
    assert!(polled.get());
    assert_eq!(executor.failures(), 2);
}

#[test]
fn under_run_until_virtual_time_stands_still_while_a_main_future_is_ready() {
    let executor = Executor::builder().virtual_time().build();
    executor
        .spawn(candor::sleep(Duration::from_secs(3600)))
        .detach();
    let main = || async {
        let start = candor::time::now();
        for _ in 0..3 {
            candor::yield_now().await;
        }
        assert_eq!(candor::time::now(), start);
    };
    futures::executor::block_on(executor.run_until(main()));
    let both = futures::future::join(executor.run_until(main()), executor.run_until(main()));
    futures::executor::block_on(both);
}

#[test]
fn a_try_tick_that_is_shut_down_before_its_poll_ran_no_task() {
    in_time(|| {
        let executor = Executor::builder()
            .virtual_time()
            .failure_policy(FailurePolicy::Shutdown)
            .on_failure(|_| ())
            .build();
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let _held = executor.spawn(async { Err::<(), _>("boom") });
        assert!(executor.try_tick());
        executor
            .spawn(async move {
                loop {
                    counted.set(counted.get() + 1);
                    candor::yield_now().await;
                }
            })
            .detach();
        // The grace is over then.
        executor.advance(Duration::from_secs(5));
        assert!(!executor.try_tick());
        assert_eq!(polls.get(), 0);
    });
}

#[test]
fn what_a_dropped_run_until_leaves_is_reported_after_the_poll_that_dropped_it() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&log);
    let inner = Executor::builder()
        .on_failure(move |_| noted.borrow_mut().push("report"))
        .build();
    let log_of_task = Rc::clone(&log);
    candor::block_on(async {
        let mut hosted = Some(Box::pin(inner.run_until(async {
            let _held = candor::spawn(async { panic!("boom") });
            std::future::pending::<()>().await;
        })));
        poll_fn(|cx| {
            for _ in 0..3 {
                assert!(hosted.as_mut().unwrap().as_mut().poll(cx).is_pending());
            }
            let mut shared = log_of_task.borrow_mut();
            shared.push("drop begins");
            hosted = None;
            shared.push("drop ends");
            Poll::Ready(())
        })
        .await;
        candor::yield_now().await;
        assert_eq!(*log.borrow(), ["drop begins", "drop ends", "report"]);
    });
}

#[test]
fn a_run_until_that_has_to_stop_is_a_panic_of_the_task_that_awaits_it() {
    let stopped = |builder: Builder, ask: fn()| {
        let inner = builder.on_failure(|_| ()).build();
        let outer = Reports::new();
        outer.run_until_stalled();
        outer
            .spawn(async move {
                let unending = async move {
                    ask();
                    pending::<()>().await;
                };
                inner.run_until(unending).await;
            })
            .detach();
        outer.run_until_stalled();
        outer.only()
    };
    let by_exit = stopped(Executor::builder(), || candor::exit(3));
    let shutdown = Executor::builder().failure_policy(FailurePolicy::Shutdown);
    let by_policy = stopped(shutdown, || spawn(async { panic!("boom") }).detach());
    for (report, reason) in [
        (by_exit, "called `candor::exit(3)`"),
        (by_policy, "because task #1 panicked: boom"),
    ] {
        assert_contains(common::headline(&report), reason);
        assert_contains(&report, "at tests/embedding.rs");
        assert_lacks(&report, "no backtrace");
    }
}

#[test]
fn a_clone_of_a_hosts_waker_that_panics_is_a_panic_of_the_task_that_polls() {
    const CLONE_PANICS: RawWakerVTable =
        RawWakerVTable::new(|_| panic!("this clone panics"), |_| (), |_| (), |_| ());
    let inner = Executor::new();
    let outer = Reports::new();
    outer
        .spawn(async move {
            // SAFETY: the vtable does not use the pointer.
            let waker = unsafe { Waker::new(std::ptr::null(), &CLONE_PANICS) };
            let mut hosted = pin!(inner.run_until(async {}));
            let _ = hosted.as_mut().poll(&mut Context::from_waker(&waker));
        })
        .detach();
    outer.run_until_stalled();
    assert_lacks(&outer.only(), "no backtrace");
}

#[test]
fn a_run_until_that_has_panicked_panics_when_it_is_polled_again() {
    let executor = Executor::new();
    let dropped = Rc::new(());
    let alive = Rc::downgrade(&dropped);
    let mut hosted = executor.run_until(async move {
        let _alive = dropped;
        if true {
            panic!("boom")
        }
    });
    let poll = |hosted: &mut candor::RunUntil<'_, _>| {
        let polled = || futures::executor::block_on(hosted);
        panic_message(polled)
    };
    assert_eq!(poll(&mut hosted), "boom");
    assert_eq!(alive.strong_count(), 0);
    assert_contains(&poll(&mut hosted), "polled after its end");
}

#[test]
fn a_run_until_that_was_stopped_before_its_first_poll_is_over() {
    let executor = Executor::builder()
        .failure_policy(FailurePolicy::Shutdown)
        .on_failure(|_| ())
        .build();
    let failed = executor.spawn(async { panic!("boom") });
    executor.tick();
    let mut hosted = executor.run_until(async { 7 });
    drop(failed);
    let mut poll = || {
        panic_message(|| {
            futures::executor::block_on(&mut hosted);
        })
    };
    assert_contains(&poll(), "shut down by the failure policy");
    assert_contains(&poll(), "polled after its end");
}

#[test]
fn an_exit_that_a_dropped_run_until_asks_for_ends_the_tasks_and_not_the_next_run() {
    struct Exits;
    impl Drop for Exits {
        fn drop(&mut self) {
            candor::exit(5);
        }
    }
    let executor = Executor::new();
    let task = executor.spawn(pending::<()>());
    let exits = Exits;
    drop(executor.run_until(async move {
        let _exits = exits;
    }));
    assert!(task.is_finished());
    let code = executor.run(async {});
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
}

#[test]
fn a_try_tick_reports_what_a_report_has_left_of_a_remote_task_before_time_is_moved() {
    in_time(|| {
        let held = Rc::new(RefCell::new(None::<candor::RemoteHandle<Result<(), &str>>>));
        let (dropped, reports) = (held.clone(), Rc::new(Cell::new(0)));
        let counted = reports.clone();
        let executor = Executor::builder()
            .virtual_time()
            .on_failure(move |_| {
                counted.set(counted.get() + 1);
                drop(dropped.take());
            })
            .build();
        let _unread = executor.spawn(async { Err::<(), _>("first") });
        while executor.try_tick() {}
        executor.advance(Duration::from_millis(500));
        let remote = executor.remote();
        held.replace(Some(remote.spawn(|| async { Err("second") }).unwrap()));
        while executor.try_tick() {}
        assert_eq!(reports.get(), 0);
        // The grace of the first is over then, and not that of the second.
        executor.advance(Duration::from_millis(500));
        executor.try_tick();
        assert_eq!(reports.get(), 2);
    });
}

#[test]
fn what_the_report_of_a_remote_task_leaves_is_reported_before_the_future_of_run_until_is_polled() {
    let (trace, held) = (Trace::default(), Rc::new(RefCell::new(None)));
    let (noted, dropped) = (trace.clone(), held.clone());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| {
            noted.note(format!("report: {}", failure.message()));
            drop(dropped.take());
        })
        .build();
    let far = (executor.remote()).spawn(|| async { Err::<(), _>("far") });
    held.replace(Some(executor.spawn(async { Err::<(), _>("near") })));
    while executor.tick() {}
    let (noted, host) = (trace.clone(), Calls::new());
    let mut hosted = pin!(executor.run_until(async move { noted.note("poll") }));
    drop(far);
    assert!(poll_by(&mut hosted, &host).is_ready());
    assert_eq!(trace.events(), ["report: far", "report: near", "poll"]);
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn of_two_run_untils_that_a_poll_elsewhere_drops_neither_carries_out_the_stop_of_the_other() {
    let happened = Rc::new(RefCell::new(Vec::new()));
    let note = {
        let happened = happened.clone();
        move |what: &'static str| happened.borrow_mut().push(what)
    };
    let of_report = note.clone();
    let inner = Executor::builder().on_failure(move |_| of_report("reported"));
    let inner = Rc::new(inner.build());
    let of_task = note.clone();
    let long = OnDrop(move || of_task("cancelled"));
    let long = async move {
        let _long = long;
        pending::<()>().await;
    };
    inner.spawn(long).detach();
    std::mem::forget(inner.spawn(async { Err::<(), _>("unread") }));
    inner.tick();
    let of_outer = inner.clone();
    candor::block_on(async {
        let drops_two = spawn(async move {
            let exits = OnDrop(|| candor::exit(3));
            let mut first = of_outer.run_until(async move {
                let _exits = exits;
                pending::<()>().await;
            });
            let mut second = of_outer.run_until(pending::<()>());
            poll_fn(|cx| {
                assert!(Pin::new(&mut first).poll(cx).is_pending());
                assert!(Pin::new(&mut second).poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(first);
            drop(second);
            note("the poll is over");
        });
        drops_two.await.unwrap();
    });
    inner.tick();
    let happened = happened.borrow();
    assert_eq!(*happened, ["the poll is over", "cancelled", "reported"]);
}

#[test]
fn what_a_future_has_given_in_the_poll_of_a_dump_is_not_lost_to_a_stop_in_the_same_visit() {
    let builder = Executor::builder().on_failure(|_| ());
    let executor = builder.failure_policy(FailurePolicy::Shutdown).build();
    let flag = Rc::new(Cell::new(false));
    let sets = flag.clone();
    let fails_later = async move {
        sets.set(true);
        candor::dump().await;
        panic!("after the end of the main future");
    };
    executor.spawn(fails_later).detach();
    let forgetful = poll_fn(|_| match flag.get() {
        true => Poll::Ready("output"),
        false => Poll::Pending,
    });
    let output = futures::executor::block_on(executor.run_until(forgetful));
    assert_eq!(output, "output");
}

#[test]
fn a_poll_that_finds_its_executor_running_takes_the_future_from_no_host() {
    let executor = Rc::new(Executor::new());
    let (give, get) = oneshot::channel::<()>();
    let task = executor.spawn(async { get.await.unwrap() });
    let mut until = Box::pin(executor.run_until(task));
    let calls = Calls::new();
    let host = Waker::from(calls.clone());
    let mut of_host = Context::from_waker(&host);
    assert!(until.as_mut().poll(&mut of_host).is_pending());
    let runs = executor.clone();
    let wrong = panic_message(|| {
        runs.block_on(poll_fn(|_| {
            let _ = until.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            Poll::Ready(())
        }))
    });
    assert_contains(&wrong, "already running");
    calls.take();
    give.send(()).unwrap();
    assert!(calls.take() > 0);
    while until.as_mut().poll(&mut of_host).is_pending() {}
}

#[test]
fn whoever_waits_for_the_last_task_is_woken_and_so_is_everyone_else_who_does() {
    let executor = Executor::new();
    let (give, get) = oneshot::channel::<()>();
    executor.spawn(async { get.await.unwrap() }).detach();
    let calls = [Calls::new(), Calls::new()];
    let mut waits = [Box::pin(executor.drained()), Box::pin(executor.drained())];
    for (wait, calls) in waits.iter_mut().zip(&calls) {
        let waker = Waker::from(calls.clone());
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    executor.tick();
    give.send(()).unwrap();
    executor.tick();
    assert_eq!(calls.map(|calls| calls.take()), [1, 1]);
}

#[test]
fn where_no_host_is_left_virtual_time_stands_still_for_whoever_steps_by_hand() {
    in_time(|| {
        let executor = Executor::builder().virtual_time().build();
        let now = || executor.block_on(async { candor::time::now() });
        futures::executor::block_on(executor.run_until(async {}));
        let before = now();
        executor.spawn(sleep(Duration::from_secs(3600))).detach();
        while executor.try_tick() {}
        executor.try_tick();
        assert_eq!(now(), before);
    });
}

#[test]
fn an_abort_from_within_another_executor_calls_the_host() {
    let (executor, calls) = hosted();
    let task = executor.spawn(pending::<()>());
    executor.tick();
    calls.take();
    candor::block_on(async { task.abort() });
    assert_eq!(calls.take(), 1);
}

#[test]
fn a_task_that_panics_does_not_shorten_the_pass_of_run_until() {
    let executor = Executor::builder().on_failure(|_| ()).build();
    executor.spawn(async { panic!("boom") }).detach();
    let behind = executor.spawn(async {});
    let mut until = pin!(executor.run_until(pending::<()>()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(until.as_mut().poll(&mut cx).is_pending());
    assert!(behind.is_finished());
}

#[test]
fn a_future_that_has_ended_in_one_dump_is_not_polled_for_the_next_one() {
    let executor = Executor::new();
    let flag = Rc::new(Cell::new(false));
    for _ in 0..2 {
        let sets = flag.clone();
        let asks = async move {
            sets.set(true);
            candor::dump().await;
        };
        executor.spawn(asks).detach();
    }
    // An async block panics if it is polled after its end.
    let forgetful = async {
        poll_fn(|_| match flag.get() {
            true => Poll::Ready("output"),
            false => Poll::Pending,
        })
        .await
    };
    let output = futures::executor::block_on(executor.run_until(forgetful));
    assert_eq!(output, "output");
}

#[test]
fn a_stop_that_a_dropped_run_until_asks_for_in_the_poll_of_another_executor_calls_the_host() {
    struct Exits;
    impl Drop for Exits {
        fn drop(&mut self) {
            candor::exit(5);
        }
    }
    let (executor, calls) = hosted();
    let waits = executor.spawn(pending::<()>());
    executor.tick();
    calls.take();
    let exits = Exits;
    let run = executor.run_until(async move {
        let _exits = exits;
    });
    candor::block_on(async { drop(run) });
    assert!(!waits.is_finished());
    assert_eq!(calls.take(), 1);
    executor.tick();
    assert!(waits.is_finished());
}
