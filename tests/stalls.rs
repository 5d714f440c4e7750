//! No wake can come any more, or it looks like that: the text says so, and what waits for it.
//!
//! A suspected stall is reported in the log. The logger of this file gives each warning to the thread that
//! logs it, which is the executor's.

mod common;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, Once, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use candor::time::Sleep;
use candor::{
    AbortHandle, Builder, Executor, Instrument, JoinHandle, TaskBuilder, TaskGroup, TaskPool,
};
use common::{
    Reports, assert_contains, assert_count, assert_lacks, child, hold_the_thread, in_time,
    panic_message,
};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// A builder of executors that suspect a stall after 100 ms instead of 5 s.
fn detecting() -> Builder {
    let builder = Executor::builder().virtual_time().detect_stalls(true);
    builder.test_timeout(Duration::from_millis(100))
}

/// Waits for a wake, and keeps no waker: the bug.
async fn forgetful() {
    pending::<()>().await;
}

/// Waits for a wake by the waker that `keep` is given.
async fn woken_by(keep: impl FnOnce(Waker)) {
    let mut keep = Some(keep);
    poll_fn(|cx| match keep.take() {
        Some(keep) => {
            keep(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await
}

/// Tells another thread that the executor is about to park, for the first time only.
struct Parks(Mutex<Option<mpsc::Sender<()>>>);

impl Instrument for Parks {
    fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
        if let Some(sender) = self.0.lock().unwrap().take() {
            sender.send(()).unwrap();
        }
    }
}

/// An executor, and what ends when it parks.
fn parking() -> (Executor, mpsc::Receiver<()>) {
    let (sender, parks) = mpsc::channel();
    let parking = Parks(Mutex::new(Some(sender)));
    (detecting().instrument(parking).build(), parks)
}

type OnWarning = Box<dyn Fn(String)>;

thread_local! {
    static ON_WARNING: RefCell<Option<OnWarning>> = const { RefCell::new(None) };
}

struct ToThisThread;

impl Log for ToThisThread {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() == Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            ON_WARNING.with_borrow(|on_warning| {
                if let Some(on_warning) = on_warning {
                    on_warning(record.args().to_string());
                }
            });
        }
    }

    fn flush(&self) {}
}

fn log_to_this_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&ToThisThread).unwrap();
        log::set_max_level(LevelFilter::Warn);
    });
}

/// Awaits `stuck` on `executor` until a warning comes, and returns that.
fn warning_of(executor: &Executor, stuck: JoinHandle<()>) -> String {
    log_to_this_thread();
    let warning = Rc::new(RefCell::new(Vec::new()));
    let (told, stop) = (Rc::clone(&warning), stuck.abort_handle());
    ON_WARNING.set(Some(Box::new(move |text| {
        told.borrow_mut().push(text);
        stop.abort();
    })));
    let ended = executor.block_on(stuck);
    ON_WARNING.set(None);
    assert!(ended.unwrap_err().is_cancelled());
    let mut warnings = warning.take();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    warnings.remove(0)
}

/// All warnings of this thread while `program` runs.
fn warnings_of(program: impl FnOnce()) -> Vec<String> {
    log_to_this_thread();
    let warnings = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&warnings);
    ON_WARNING.set(Some(Box::new(move |text| told.borrow_mut().push(text))));
    program();
    ON_WARNING.set(None);
    warnings.take()
}

/// Is ready when it is polled again, and nothing wakes it: the bug. A waker stays alive, so that this is no proven stall.
async fn loses_its_wake() {
    woken_by(std::mem::forget).await;
}

#[test]
fn a_wake_that_was_lost_is_warned_of_when_the_look_for_a_stall_lets_its_future_go_on() {
    in_time(|| {
        let executor = detecting().build();
        let of_main = warnings_of(|| executor.block_on(loses_its_wake()));
        assert_eq!(of_main.len(), 1, "{of_main:#?}");
        assert_contains(
            &of_main[0],
            "has stood still for 100ms, because a wake was lost:",
        );
        assert_contains(
            &of_main[0],
            "the main future was ready, though nothing had woken it",
        );

        let task = executor.spawn(loses_its_wake());
        let of_task = warnings_of(|| executor.block_on(task).unwrap());
        assert_eq!(of_task.len(), 1, "{of_task:#?}");
        assert_contains(&of_task[0], "was ready, though nothing had woken it");
    });
}

#[test]
fn a_wake_that_was_lost_fails_a_test() {
    in_time(|| {
        let of_main = panic_message(|| detecting().build().test(loses_its_wake()));
        assert_contains(
            &of_main,
            "the main future was ready, though nothing had woken it",
        );
        let of_task = panic_message(|| {
            let executor = detecting().build();
            executor.test(async { candor::spawn(loses_its_wake()).await.unwrap() });
        });
        assert_contains(&of_task, "task #1 was ready, though nothing had woken it");
    });
}

#[test]
fn a_future_that_keeps_no_waker_is_a_proven_stall_with_the_likely_cause() {
    in_time(|| {
        let text = panic_message(|| detecting().build().block_on(forgetful()));
        assert_contains(&text, "Executor::block_on at tests/stalls.rs:");
        assert_contains(&text, " can never return: what is left waits to be woken");
        assert_contains(
            &text,
            "\n   the main future: waiting, entered at tests/stalls.rs:",
        );
        assert_contains(&text, "without having kept a clone of `cx.waker()`");
    });
}

#[test]
fn the_panic_stands_at_the_line_of_the_call() {
    let line = line!() + 2;
    if let Some(told) = child("the_panic_stands_at_the_line_of_the_call").run(|| {
        let _never = catch_unwind(|| detecting().build().block_on(forgetful()));
        let _never = catch_unwind(|| detecting().build().run(forgetful()));
        let _never = catch_unwind(|| {
            let executor = detecting().build();
            executor.spawn(forgetful()).detach();
            executor.drain();
        });
    }) {
        told.assert_success();
        for line in [line, line + 1, line + 5] {
            let place = format!("panicked at tests/stalls.rs:{line}:");
            assert_count(&told.stderr, &place, 1);
        }
    }
}

#[cfg(debug_assertions)]
#[test]
fn the_free_functions_detect_stalls_in_debug_builds() {
    in_time(|| {
        let entered = [
            panic_message(|| candor::block_on(forgetful())),
            panic_message(|| assert_ne!(candor::run(forgetful()), std::process::ExitCode::SUCCESS)),
            panic_message(|| candor::test(forgetful())),
            panic_message(|| Executor::new().block_on(forgetful())),
        ];
        for text in entered {
            assert_contains(&text, "can never return");
        }
    });
}

#[test]
fn the_handle_of_a_task_that_forgot_its_waker_keeps_no_waker_alive() {
    in_time(|| {
        let text = panic_message(|| {
            detecting().build().block_on(async {
                let task = TaskBuilder::new().name("forgetful").spawn(forgetful());
                task.await.unwrap()
            })
        });
        assert_contains(
            &text,
            "\n   the main future: waiting, last await: JoinHandle at tests/stalls.rs:",
        );
        assert_contains(
            &text,
            "\n   task #1 `forgetful`: waiting, 1 poll, spawned at tests/stalls.rs:",
        );
    });
}

#[test]
fn of_a_main_future_that_waits_in_something_unknown_the_last_known_await_is_shown() {
    in_time(|| {
        let text = panic_message(|| {
            detecting().build().block_on(async {
                candor::yield_now().await;
                forgetful().await;
            });
        });
        let place =
            "\n   the main future: waiting, last known await: yield_now at tests/stalls.rs:";
        assert_contains(&text, place);
    });
}

#[test]
fn what_run_and_drain_wait_for_can_stall_as_well() {
    in_time(|| {
        let text = panic_message(|| {
            let _code = detecting().build().run(async {
                candor::spawn(forgetful()).detach();
            });
        });
        assert_contains(&text, "Executor::run at ");
        assert_contains(&text, "\n   task #1: waiting");
        assert_lacks(&text, "the main future");
    });
}

#[test]
fn after_a_stall_its_tasks_are_cancelled_and_the_executor_goes_on() {
    in_time(|| {
        let executor = detecting().build();
        let task = executor.spawn(forgetful());
        panic_message(|| executor.drain());
        assert!(executor.block_on(task).unwrap_err().is_cancelled());
        assert_eq!(executor.block_on(async { 42 }), 42);
    });
}

#[test]
fn a_waker_that_another_thread_keeps_is_no_stall() {
    in_time(|| {
        let (executor, parks) = parking();
        executor.block_on(woken_by(|waker| {
            thread::spawn(move || {
                parks.recv().unwrap();
                waker.wake();
            });
        }));
    });
}

#[test]
fn a_waker_that_was_cloned_and_dropped_is_one() {
    in_time(|| {
        let executor = detecting().build();
        panic_message(|| executor.block_on(woken_by(|waker| drop(waker.clone()))));
    });
}

#[test]
fn a_waker_that_another_thread_drops_while_the_executor_sleeps_is_one() {
    in_time(|| {
        log_to_this_thread();
        let warnings = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&warnings);
        ON_WARNING.set(Some(Box::new(move |text| told.borrow_mut().push(text))));
        let (executor, parks) = parking();
        let text = panic_message(|| {
            executor.block_on(woken_by(|waker| {
                thread::spawn(move || {
                    parks.recv().unwrap();
                    drop(waker);
                });
            }))
        });
        assert_contains(&text, "can never return");
        // Not suspected first: it is certain when the executor checks.
        assert!(warnings.take().is_empty());
    });
}

#[test]
fn a_timer_is_no_stall_nor_is_one_that_is_never_due() {
    in_time(|| {
        let executor = detecting().build();
        executor.block_on(candor::sleep(Duration::from_secs(60)));
        let never = executor.spawn(candor::sleep(Duration::MAX));
        assert_contains(&warning_of(&executor, never), "last await: sleep");
    });
}

#[test]
fn a_grace_is_over_before_anything_is_a_stall() {
    in_time(|| {
        let reports = Reports::of(Executor::builder().detect_stalls(true));
        let text = panic_message(|| {
            reports.block_on(async {
                let _held = candor::spawn(async { panic!("boom") });
                forgetful().await;
            })
        });
        assert_contains(&text, "can never return");
        assert_eq!(
            reports.headlines(),
            ["task #1 panicked (not awaited yet): boom"]
        );
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn two_tasks_that_want_each_other_s_lock_are_suspected_with_the_line_of_each_wait() {
    in_time(|| {
        let executor = detecting().build();
        let locks = Rc::new([tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(())]);
        let takes_both =
            |name, locks: Rc<[tokio::sync::Mutex<()>; 2]>, [first, then]: [usize; 2]| {
                let task = async move {
                    let _first = locks[first].lock().await;
                    candor::yield_now().await;
                    let _then = locks[then].lock().await;
                };
                TaskBuilder::new().name(name).spawn_on(&executor, task)
            };
        let left = takes_both("left", Rc::clone(&locks), [0, 1]);
        let _right = takes_both("right", locks, [1, 0]);
        let text = warning_of(&executor, left);
        assert_contains(&text, " has stood still for 100ms: ");
        assert_contains(
            &text,
            "\n   the main future: waiting, last await: JoinHandle at tests/stalls.rs:",
        );
        assert_contains(
            &text,
            "\n   task #1 `left`: waiting, 2 polls, last known await: yield_now at ",
        );
        assert_contains(
            &text,
            "\n   task #2 `right`: waiting, 2 polls, last known await: yield_now at ",
        );
        assert_count(
            &text,
            "\n      waits in tokio::sync::mutex::Mutex<T>::lock",
            2,
        );
        let line = line_of("let _then = locks[then]");
        assert_count(
            &text,
            &format!("\n      .await at tests/stalls.rs:{line}:"),
            2,
        );
        assert_contains(&text, "tasks that wait for one another (a deadlock)");
    });
}

/// The line of this file that holds a text, which no other does but this call.
fn line_of(text: &str) -> usize {
    let is_it = |line: &&str| line.trim_start().starts_with(text);
    1 + include_str!("stalls.rs")
        .lines()
        .position(|line| is_it(&line))
        .unwrap()
}

/// Runs `main` on an executor that looks for a stall after 100 ms, while another thread does `later` after 400 ms. Nothing may be
/// suspected meanwhile: what is outside of an executor cannot be known, and an idle server is healthy.
fn assert_silent(later: impl FnOnce() + Send + 'static, main: impl FnOnce(&Executor)) {
    let thread = thread::spawn(move || {
        common::hold_the_thread(Duration::from_millis(400));
        later();
    });
    let warnings = warnings_of(|| main(&detecting().build()));
    thread.join().unwrap();
    assert!(warnings.is_empty(), "{warnings:#?}");
}

#[test]
fn what_waits_for_a_channel_is_not_suspected() {
    in_time(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let send = move || sender.send_blocking(()).unwrap();
        assert_silent(send, |executor| {
            let waits = executor.spawn(async move { receiver.recv().await.is_ok() });
            assert!(executor.block_on(waits).unwrap());
        });
    });
}

#[test]
fn what_waits_for_a_channel_within_a_future_of_candors_own_is_not_suspected() {
    in_time(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let send = move || sender.send_blocking(()).unwrap();
        assert_silent(send, |executor| {
            let received = async { receiver.recv().await.is_ok() };
            let limited = candor::time::timeout(Duration::MAX, received);
            assert!(executor.block_on(limited).unwrap());
        });
    });
}

#[test]
fn what_waits_for_a_lock_and_a_channel_at_once_is_not_suspected() {
    in_time(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let send = move || sender.send_blocking(()).unwrap();
        assert_silent(send, |executor| {
            let lock = tokio::sync::Mutex::new(());
            let _held = lock.try_lock().unwrap();
            executor.block_on(async {
                let (locked, received) = (pin!(lock.lock()), pin!(receiver.recv()));
                futures::future::select(received, locked).await;
            });
        });
    });
}

#[test]
fn what_waits_in_a_future_of_the_users_own_is_not_suspected() {
    in_time(|| {
        // The last waker that it was polled with, until it is done.
        let kept = Arc::new(Mutex::new(Some(Waker::noop().clone())));
        let to_end = Arc::clone(&kept);
        let end = move || {
            let waker = to_end.lock().unwrap().take();
            waker.unwrap().wake();
        };
        assert_silent(end, |executor| {
            executor.block_on(async {
                candor::yield_now().await;
                poll_fn(|cx| match &mut *kept.lock().unwrap() {
                    Some(waker) => {
                        waker.clone_from(cx.waker());
                        Poll::Pending
                    }
                    None => Poll::Ready(()),
                })
                .await;
            });
        });
    });
}

#[test]
fn what_waits_for_a_task_of_another_threads_executor_is_not_suspected() {
    in_time(|| {
        let (sender, remotes) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            let executor = Executor::new();
            sender.send(executor.remote()).unwrap();
            executor.block_on(async {
                while ends.try_recv().is_err() {
                    candor::sleep(Duration::from_millis(1)).await;
                }
            });
        });
        let remote = remotes.recv().unwrap();
        assert_silent(
            || (),
            |executor| {
                let nap = Duration::from_millis(600);
                let slow = move || async move { candor::sleep(nap).await };
                executor.block_on(remote.spawn(slow).unwrap()).unwrap();
            },
        );
        end.send(()).unwrap();
        other.join().unwrap();
    });
}

#[test]
fn an_executor_that_another_thread_may_still_spawn_on_is_not_suspected() {
    in_time(|| {
        let executor = detecting().build();
        let remote = executor.remote();
        let spawn = move || drop(remote.spawn(|| async { candor::exit(3) }).unwrap());
        assert_silent(spawn, |_| {
            let _code = executor.run(candor::sleep(Duration::MAX));
        });
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn many_tasks_in_deadlock_are_suspected_as_well() {
    in_time(|| {
        let executor = detecting().build();
        let lock = Rc::new(tokio::sync::Mutex::new(()));
        let of_main = Rc::clone(&lock);
        let held = of_main.try_lock().unwrap();
        for _ in 0..150 {
            let lock = Rc::clone(&lock);
            let waits = async move { drop(lock.lock().await) };
            executor.spawn(waits).detach();
        }
        let last = executor.spawn(async move { drop(lock.lock().await) });
        assert_contains(&warning_of(&executor, last), " has stood still for 100ms: ");
        drop(held);
    });
}

#[test]
fn a_task_that_awaits_the_handle_of_one_that_awaits_its_own_is_proven() {
    in_time(|| {
        let executor = detecting().build();
        let text = panic_message(|| {
            executor.block_on(async {
                let (give, get) = futures::channel::oneshot::channel();
                let left = candor::spawn(async move {
                    let right: candor::JoinHandle<()> = get.await.unwrap();
                    right.await.unwrap();
                });
                let right = candor::spawn(async move { left.await.unwrap() });
                give.send(right).unwrap();
                forgetful().await
            })
        });
        assert_count(&text, "last await: JoinHandle", 2);
    });
}

#[test]
fn a_stall_is_found_beside_an_instrument_that_panicked() {
    in_time(|| {
        struct Panics;
        impl Instrument for Panics {
            fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
                panic!("an instrument");
            }
        }
        let executor = detecting().instrument(Panics).build();
        let told = catch_unwind(AssertUnwindSafe(|| executor.block_on(forgetful())));
        let text = told.unwrap_err();
        assert_contains(text.downcast_ref::<String>().unwrap(), "can never return");
    });
}

#[test]
fn a_timer_that_an_instrument_sets_before_a_park_keeps_a_stall_from_being_proven() {
    thread_local! {
        static STOP: RefCell<Option<AbortHandle>> = const { RefCell::new(None) };
    }

    struct Aborts;

    impl Wake for Aborts {
        fn wake(self: Arc<Self>) {
            STOP.take().unwrap().abort();
        }
    }

    struct SetsATimer(RefCell<Option<Pin<Box<Sleep>>>>);

    impl Instrument for SetsATimer {
        fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
            self.0.borrow_mut().get_or_insert_with(|| {
                let mut nap = Box::pin(candor::sleep(Duration::from_millis(50)));
                let waker = Waker::from(Arc::new(Aborts));
                assert!(
                    nap.as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_pending()
                );
                nap
            });
        }
    }

    in_time(|| {
        let sets = SetsATimer(RefCell::new(None));
        let executor = detecting().instrument(sets).build();
        let task = executor.spawn(forgetful());
        STOP.set(Some(task.abort_handle()));
        assert!(executor.block_on(task).unwrap_err().is_cancelled());
    });
}

#[test]
fn whoever_joins_a_group_or_waits_for_a_pool_keeps_no_waker_alive() {
    in_time(|| {
        let stuck = [
            panic_message(|| {
                detecting().build().block_on(async {
                    let group = TaskGroup::new();
                    let _member = group.spawn(forgetful());
                    group.join().await.unwrap();
                })
            }),
            panic_message(|| {
                detecting().build().block_on(async {
                    let group = TaskGroup::new();
                    group.spawn(forgetful()).await;
                })
            }),
            panic_message(|| {
                detecting().build().block_on(async {
                    let group = TaskGroup::independent();
                    group.spawn(forgetful());
                    group.join().await;
                })
            }),
            panic_message(|| {
                detecting().build().block_on(async {
                    let pool = TaskPool::new(1);
                    let _stuck = pool.submit(forgetful());
                    pool.submit(forgetful()).await.unwrap();
                })
            }),
            panic_message(|| {
                detecting().build().block_on(async {
                    let pool = TaskPool::new(1);
                    let results = pool.map([1, 2], |_| forgetful());
                    results.collect().await.unwrap();
                })
            }),
        ];
        for text in stuck {
            assert_contains(&text, "can never return");
        }
    });
}

#[test]
fn who_may_still_spawn_from_another_thread_keeps_a_stall_from_being_proven() {
    in_time(|| {
        let (executor, parks) = parking();
        let remote = executor.remote();
        thread::spawn(move || {
            parks.recv().unwrap();
            let order = remote.spawn(|| async { candor::exit(3) });
            order.unwrap().detach();
        });
        let text = panic_message(|| executor.block_on(forgetful()));
        assert_contains(&text, "candor::exit(3)");
    });
}

#[test]
fn a_nested_call_that_stands_still_names_the_outer_executor_and_its_tasks() {
    in_time(|| {
        let (_sender, receiver) = async_channel::bounded::<()>(1);
        let outer = Executor::builder().slow_poll(Duration::MAX).build();
        log_to_this_thread();
        let stands_still = Rc::new(RefCell::new(String::new()));
        outer.block_on(async {
            let sender = TaskBuilder::new().name("sender");
            let sender = sender.spawn(pending::<()>());
            let inner = detecting().build();
            let waits = inner.spawn(async move { receiver.recv().await.unwrap_or_default() });
            let (told, stop) = (Rc::clone(&stands_still), waits.abort_handle());
            ON_WARNING.set(Some(Box::new(move |text| {
                // The first one says that the call is nested.
                if text.contains(" has stood still ") {
                    told.replace(text);
                    stop.abort();
                }
            })));
            inner.block_on(waits).unwrap_err();
            ON_WARNING.set(None);
            sender.abort();
        });
        let text = stands_still.take();
        assert_contains(&text, "Executor::block_on at tests/stalls.rs:");
        assert_contains(&text, " has stood still for 100ms:");
        assert_contains(
            &text,
            "perhaps what it waits for would come from a task of the outer",
        );
        let outers = "\n   it runs inside Executor::block_on at tests/stalls.rs:";
        let (inner, outer) = text.split_once(outers).unwrap();
        assert_contains(inner, "task #1: waiting, 1 poll");
        assert_contains(
            outer,
            "where all stands still meanwhile:\n      the main future: running",
        );
        assert_contains(
            outer,
            "\n      task #1 `sender`: ready, 0 polls, spawned at tests/stalls.rs:",
        );
    });
}

#[test]
fn a_nested_call_that_can_never_return_names_the_outer_executor_and_ten_of_its_tasks() {
    in_time(|| {
        for (tasks, named, more) in [(10, 10, 0), (12, 10, 1)] {
            let text = panic_message(|| {
                detecting().build().block_on(async {
                    for _ in 0..tasks {
                        candor::TaskBuilder::new()
                            .name("of the outer")
                            .daemon()
                            .spawn(pending::<()>())
                            .detach();
                    }
                    detecting().build().block_on(forgetful());
                });
            });
            assert_contains(&text, " can never return");
            assert_count(
                &text,
                "\n   it runs inside Executor::block_on at tests/stalls.rs:",
                1,
            );
            assert_count(&text, "`of the outer`", named);
            assert_count(&text, "\n      and 2 more", more);
            assert_count(&text, "more\n", more);
        }
    });
}

#[test]
fn what_waits_for_another_executor_is_not_suspected() {
    in_time(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let later = move || sender.send_blocking(()).unwrap();
        assert_silent(later, |executor| {
            let other = Executor::new();
            let task = other.spawn(async move { receiver.recv().await.unwrap() });
            executor.block_on(async {
                other.run_until(other.drained()).await;
                assert!(task.is_finished());
            });
        });
    });
}

#[test]
fn what_waits_for_more_than_a_dump_can_show_is_not_suspected() {
    in_time(|| {
        async fn locked(lock: &tokio::sync::Mutex<()>) {
            let _held = lock.lock().await;
        }
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let later = move || sender.send_blocking(()).unwrap();
        assert_silent(later, |executor| {
            executor.block_on(async {
                let lock = tokio::sync::Mutex::new(());
                let held = lock.lock().await;
                let all = futures::future::join_all((0..8).map(|_| locked(&lock)));
                let frees = async {
                    receiver.recv().await.unwrap();
                    drop(held);
                };
                futures::join!(all, frees);
            });
        });
    });
}

/// Two tasks that wait for each other's lock.
fn deadlock(executor: &Executor) -> JoinHandle<()> {
    let locks = Rc::new([tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(())]);
    let takes_both = |locks: Rc<[tokio::sync::Mutex<()>; 2]>, first: usize| async move {
        let _first = locks[first].lock().await;
        candor::yield_now().await;
        let _then = locks[1 - first].lock().await;
    };
    executor.spawn(takes_both(Rc::clone(&locks), 0)).detach();
    executor.spawn(takes_both(locks, 1))
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_deadlock_is_suspected_in_a_later_stay_though_another_thread_woke_something_in_an_earlier_one()
{
    in_time(|| {
        let executor = detecting().build();
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let sends = thread::spawn(move || {
            common::hold_the_thread(Duration::from_millis(20));
            sender.send_blocking(()).unwrap();
        });
        executor.block_on(async { receiver.recv().await.unwrap() });
        sends.join().unwrap();
        for _ in 0..2 {
            let stuck = deadlock(&executor);
            assert_contains(&warning_of(&executor, stuck), "a deadlock");
        }
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn locks_that_are_joined_are_named_and_suspected() {
    in_time(|| {
        let executor = detecting().build();
        let stuck = executor.spawn(async {
            let [one, other] = [(); 2].map(|()| tokio::sync::Mutex::new(()));
            let _held = (one.lock().await, other.lock().await);
            let _never = futures::join!(one.lock(), other.lock());
        });
        let text = warning_of(&executor, stuck);
        assert_contains(&text, "\n      waits in tokio::sync::mutex::Mutex<T>::lock");
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_deadlock_is_suspected_though_something_was_woken_between_two_stays() {
    in_time(|| {
        let executor = detecting().build();
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let woken = executor.spawn(async move { receiver.recv().await.unwrap() });
        executor.block_on(candor::yield_now());
        sender.try_send(()).unwrap();
        let stuck = deadlock(&executor);
        assert_contains(&warning_of(&executor, stuck), "a deadlock");
        assert!(woken.is_finished());
    });
}

#[test]
fn a_grace_that_runs_keeps_no_stall_from_being_proven() {
    in_time(|| {
        // An hour of real time.
        let reports = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&reports);
        let executor = Executor::builder()
            .detect_stalls(true)
            .grace(Duration::from_secs(3_600))
            .on_failure(move |failure| told.borrow_mut().push(failure.to_string()))
            .build();
        let text = panic_message(|| {
            executor.block_on(async {
                let _held = candor::spawn(async { panic!("boom") });
                forgetful().await;
            })
        });
        assert_contains(&text, "can never return");
        drop(executor);
        assert_eq!(reports.take().len(), 1);
    });
}

#[test]
fn a_failure_that_will_shut_the_executor_down_is_waited_for() {
    in_time(|| {
        let executor = Executor::builder()
            .detect_stalls(true)
            .failure_policy(candor::FailurePolicy::Shutdown)
            .grace(Duration::from_millis(50))
            .on_failure(|_| ())
            .build();
        let text = panic_message(|| {
            executor.block_on(async {
                let _held = candor::spawn(async { panic!("boom") });
                forgetful().await;
            })
        });
        assert_lacks(&text, "can never return");
    });
}

#[test]
fn the_proof_of_a_stall_names_each_task_that_waits() {
    in_time(|| {
        let executor = detecting().build();
        let text = panic_message(|| {
            executor.block_on(async {
                for number in 0..30 {
                    let named = TaskBuilder::new().name(format!("waiter {number}"));
                    named.spawn(pending::<()>()).detach();
                }
                forgetful().await;
            })
        });
        for number in 0..30 {
            assert_contains(&text, &format!("`waiter {number}`"));
        }
    });
}

#[test]
fn a_remote_that_is_gone_keeps_no_stall_from_being_proven() {
    in_time(|| {
        let executor = detecting().build();
        let remote = executor.remote();
        executor
            .block_on(remote.spawn(|| async {}).unwrap())
            .unwrap();
        drop(remote);
        let text = panic_message(|| executor.block_on(forgetful()));
        assert_contains(&text, "the main future");
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_deadlock_is_suspected_once_nobody_can_spawn_from_another_thread_any_more() {
    in_time(|| {
        let executor = detecting().build();
        let remote = executor.remote();
        let stuck = deadlock(&executor);
        let thread = thread::spawn(move || {
            common::hold_the_thread(Duration::from_millis(300));
            drop(remote);
        });
        let text = warning_of(&executor, stuck);
        thread.join().unwrap();
        assert_contains(&text, "likely cause: tasks that wait for one another");
    });
}

#[test]
fn a_sleep_without_an_end_is_named_as_the_likely_cause() {
    in_time(|| {
        let executor = detecting().build();
        let sleeps = executor.spawn(candor::sleep(Duration::MAX));
        let text = warning_of(&executor, sleeps);
        assert_contains(&text, "is waited for is a sleep without an end, or a task");
        assert_contains(&text, "likely cause: a sleep without an end");
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn what_is_said_of_a_deadlock_leaves_room_for_a_lock_that_a_thread_holds() {
    in_time(|| {
        let executor = detecting().build();
        let stuck = deadlock(&executor);
        let text = warning_of(&executor, stuck);
        assert_contains(
            &text,
            "if another thread holds the lock, this is no deadlock",
        );
        assert_lacks(&text, "without an end");
    });
}

#[test]
fn the_proof_of_a_stall_says_that_tasks_may_wait_for_one_another_where_one_waits_for_another() {
    in_time(|| {
        let executor = detecting().build();
        let of_a_pool = panic_message(|| {
            executor.block_on(async {
                let pool = Rc::new(TaskPool::new(1));
                let inner = Rc::clone(&pool);
                let task = pool.submit(async move { inner.submit(async {}).await.unwrap() });
                task.await.unwrap();
            })
        });
        let cause = "or tasks that wait for one another";
        assert_contains(&of_a_pool, cause);
        let executor = detecting().build();
        let forgets = executor.spawn(forgetful());
        let of_one = panic_message(|| drop(executor.block_on(forgets)));
        assert_lacks(&of_one, cause);
    });
}

#[test]
fn a_nested_call_that_waits_is_not_warned_of_where_nothing_else_stands_still() {
    in_time(|| {
        let (sender, receiver) = async_channel::bounded::<()>(1);
        let outer = Executor::builder().slow_poll(Duration::MAX).build();
        let send = move || sender.send_blocking(()).unwrap();
        assert_silent(send, |inner| {
            // The first warning is another one: it says that the call is nested.
            let mut warns = ON_WARNING.take();
            let mut enter = |has_begun| {
                inner.block_on(async {
                    match has_begun {
                        true => receiver.recv().await.unwrap(),
                        false => ON_WARNING.set(warns.take()),
                    }
                })
            };
            outer.block_on(async { [false, true].map(&mut enter) });
        });
    });
}

#[test]
fn each_of_what_an_executor_looks_for_is_looked_for_without_the_others() {
    in_time(|| {
        // A debug build looks for slow polls as well.
        let nothing = || Executor::builder().detect_stalls(false);
        let stalls = nothing().detect_stalls(true).build();
        let text = panic_message(|| stalls.block_on(forgetful()));
        assert_contains(&text, " can never return");

        let tests = nothing().test_timeout(Duration::from_millis(50)).build();
        let text = panic_message(|| tests.test(forgetful()));
        assert_contains(&text, "has not ended: for 50ms nothing has moved");

        let (sender, parks) = mpsc::channel();
        let parking = Parks(Mutex::new(Some(sender)));
        let watched = nothing().instrument(parking).build();
        watched.block_on(candor::sleep(Duration::from_millis(50)));
        parks.recv().unwrap();

        let warned = Rc::new(RefCell::new(String::new()));
        let told = Rc::clone(&warned);
        log_to_this_thread();
        ON_WARNING.set(Some(Box::new(move |text| drop(told.replace(text)))));
        let slow = Executor::builder()
            .detect_stalls(false)
            .slow_poll(Duration::from_millis(1));
        slow.build()
            .block_on(async { hold_the_thread(Duration::from_millis(20)) });
        ON_WARNING.set(None);
        assert_contains(&warned.borrow(), "held the thread for ");
    });
}

#[test]
fn what_an_instrument_does_before_a_park_is_seen_before_a_stall_is_proven() {
    in_time(|| {
        struct Aborts(RefCell<Option<candor::AbortHandle>>);
        impl Instrument for Aborts {
            fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
                if let Some(task) = self.0.take() {
                    task.abort();
                }
            }
        }
        let aborts = Rc::new(Aborts(RefCell::default()));
        let executor = Executor::builder()
            .detect_stalls(true)
            .instrument(aborts.clone())
            .build();
        let stuck = executor.spawn(forgetful());
        aborts.0.replace(Some(stuck.abort_handle()));
        assert!(executor.block_on(stuck).unwrap_err().is_cancelled());
    });
}

thread_local! {
    static STUCK: RefCell<Option<AbortHandle>> = const { RefCell::new(None) };
}

/// Aborts what is stuck before the tenth park.
struct AbortsInTheEnd(Cell<u32>);

impl Instrument for AbortsInTheEnd {
    fn park_begin(&self, _at: Instant, _timeout: Option<Duration>) {
        self.0.set(self.0.get() + 1);
        if self.0.get() == 10 {
            STUCK.take().unwrap().abort();
        }
    }
}

/// All warnings of a stay in which `main` waits for a deadlock for ten parks, which take up to 100 ms.
fn warnings_of_a_deadlock(main: impl FnOnce() -> Pin<Box<dyn Future<Output = ()>>>) -> usize {
    let parks = AbortsInTheEnd(Cell::new(0));
    let executor = detecting().instrument(parks).build();
    let warnings = warnings_of(|| {
        executor.block_on(async {
            main().await;
            let stuck = deadlock(&executor);
            STUCK.set(Some(stuck.abort_handle()));
            stuck.await.unwrap_err();
        });
    });
    warnings.len()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_stall_is_suspected_once_in_a_stay() {
    in_time(|| {
        assert_eq!(warnings_of_a_deadlock(|| Box::pin(async {})), 1);
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn no_stall_is_suspected_in_a_stay_in_which_another_thread_has_woken_something() {
    in_time(|| {
        let receives = || {
            let (sender, receiver) = async_channel::bounded::<()>(1);
            thread::spawn(move || {
                hold_the_thread(Duration::from_millis(20));
                sender.send_blocking(()).unwrap();
            });
            let receives = async move { receiver.recv().await.unwrap() };
            Box::pin(receives) as Pin<Box<dyn Future<Output = ()>>>
        };
        assert_eq!(warnings_of_a_deadlock(receives), 0);
    });
}

#[test]
fn an_exit_in_a_poll_of_the_look_for_a_stall_waits_for_no_other_look() {
    in_time(|| {
        let patience = Duration::from_secs(1);
        let executor = detecting().test_timeout(patience).build();
        let exited = Rc::new(Cell::new(None));
        let exits = poll_fn(|cx| {
            std::mem::forget(cx.waker().clone());
            match exited.replace(Some(Instant::now())) {
                None => {}
                Some(_) => candor::exit(5),
            }
            Poll::<()>::Pending
        });
        let text = panic_message(|| executor.block_on(exits));
        assert_contains(&text, "candor::exit(5)");
        assert!(exited.take().unwrap().elapsed() < patience / 2);
    });
}
