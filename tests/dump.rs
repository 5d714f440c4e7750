//! `dump`: where each task waits, whatever future it waits in.

mod common;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use candor::{Executor, FailurePolicy, TaskBuilder, yield_now};
use common::{Reports, hold_the_thread};

/// The line of this file that begins with a text.
fn line_of(text: &str) -> usize {
    let mut lines = include_str!("dump.rs").lines();
    1 + lines
        .position(|line| line.trim_start().starts_with(text))
        .unwrap()
}

async fn waits_for(receiver: async_channel::Receiver<()>) {
    receiver.recv().await.ok();
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_chain_leads_from_the_task_through_each_function_to_what_is_awaited() {
    candor::block_on(async {
        let (_sender, receiver) = async_channel::bounded(1);
        let task = TaskBuilder::new().name("reader").spawn(async {
            waits_for(receiver).await;
        });
        yield_now().await;
        let dump = candor::dump().await.to_string();
        let (inner, outer) = (
            line_of("receiver.recv()"),
            line_of("waits_for(receiver).await"),
        );
        let chain = [
            "task #1 `reader`: waiting, 1 poll, spawned at tests/dump.rs:".to_owned(),
            "\n     waits in <async_channel::Recv<T> as core::future::future::Future>::poll"
                .to_owned(),
            format!("\n     .await at tests/dump.rs:{inner}:"),
            " in dump::waits_for".to_owned(),
            format!("\n     .await at tests/dump.rs:{outer}:"),
        ];
        let mut rest = &*dump;
        for part in chain {
            let (_, behind) = rest
                .split_once(&*part)
                .unwrap_or_else(|| panic!("{part:?} in:\n{dump}"));
            rest = behind;
        }
        assert!(
            dump.contains("the main future: waiting, last await: dump at tests/dump.rs:"),
            "{dump}"
        );
        task.abort();
    });
}

#[test]
fn what_waits_in_a_handle_or_a_sleep_of_candor_s_own_is_shown_and_waits_on() {
    candor::test(async {
        let slept = candor::spawn(candor::sleep(Duration::from_secs(9)));
        let joined = candor::spawn(async { slept.await.is_ok() });
        yield_now().await;
        for _ in 0..3 {
            let dump = candor::dump().await.to_string();
            assert!(dump.contains("last await: sleep at "), "{dump}");
            assert!(dump.contains("last await: JoinHandle at "), "{dump}");
        }
        assert!(joined.await.unwrap());
    });
}

#[test]
fn a_task_that_moves_in_the_poll_of_a_dump_has_lost_a_wake() {
    candor::block_on(async {
        let mut polls = 0;
        let forgetful = candor::spawn(poll_fn(move |_| {
            polls += 1;
            if polls > 1 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        yield_now().await;
        let dump = candor::dump().await.to_string();
        assert!(
            dump.contains("task #1 was ready, though nothing had woken it: a wake was lost"),
            "{dump}"
        );
        assert!(forgetful.is_finished());
    });
}

#[test]
fn a_panic_in_the_poll_of_a_dump_is_the_task_s() {
    let reports = Reports::new();
    reports.block_on(async {
        let mut polls = 0;
        candor::spawn(poll_fn(move |_| {
            polls += 1;
            assert!(polls == 1, "boom");
            Poll::<()>::Pending
        }))
        .detach();
        yield_now().await;
        candor::dump().await;
    });
    assert_eq!(reports.headlines(), ["task #1 panicked: boom"]);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn an_executor_that_is_kept_is_dumped_between_its_polls_only() {
    let executor = Rc::new(Executor::new());
    let (_sender, receiver) = async_channel::bounded(1);
    executor.spawn(waits_for(receiver)).detach();
    executor.tick();
    assert!(
        executor.dump().to_string().contains("waits in "),
        "{}",
        executor.dump()
    );
    let itself = Rc::clone(&executor);
    let within = executor.block_on(async move { itself.dump().to_string() });
    assert!(
        within.contains("no chains: this executor is running"),
        "{within}"
    );
}

async fn main_waits_for(receiver: &async_channel::Receiver<()>) {
    receiver.recv().await.ok(); // of the main future
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_main_future_has_a_chain_when_a_task_asks_for_a_dump() {
    candor::block_on(async {
        let (sender, receiver) = async_channel::bounded(1);
        let task = candor::spawn(async move {
            let dump = candor::dump().await.to_string();
            sender.send(()).await.ok();
            dump
        });
        main_waits_for(&receiver).await;
        let dump = task.await.unwrap();
        let (_, of_main) = dump.split_once("the main future: waiting").unwrap();
        let (of_main, of_task) = of_main.split_once("task #1").unwrap();
        let lines = [
            line_of("receiver.recv().await.ok(); // of the main future"),
            line_of("main_waits_for(&receiver).await"),
        ];
        for line in lines {
            let link = format!(".await at tests/dump.rs:{line}:");
            assert!(of_main.contains(&link), "{link} in:\n{dump}");
        }
        assert!(
            of_task.contains("last await: dump at tests/dump.rs:"),
            "{dump}"
        );
    });
}

/// Waits until a flag is set, which wakes nobody: the bug.
async fn until(flag: &Cell<bool>) {
    poll_fn(|cx| {
        KEPT.set(Some(cx.waker().clone()));
        match flag.get() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

thread_local! {
    static KEPT: Cell<Option<Waker>> = const { Cell::new(None) };
}

#[test]
fn a_main_future_that_is_ready_in_the_poll_of_a_dump_has_lost_a_wake_and_is_done() {
    let executor = Executor::new();
    let flag = Rc::new(Cell::new(false));
    let sets = Rc::clone(&flag);
    let task = executor.spawn(async move {
        sets.set(true);
        candor::dump().await.to_string()
    });
    executor.block_on(until(&flag));
    let dump = executor.block_on(task).unwrap();
    let lost = "the main future was ready, though nothing had woken it: a wake was lost";
    assert_eq!(dump.matches(lost).count(), 1, "{dump}");
}

#[test]
fn a_main_future_that_panics_in_the_poll_of_a_dump_takes_no_errand_with_it() {
    let executor = Executor::new();
    let remote = executor.remote();
    let flag = Rc::new(Cell::new(false));
    let sets = Rc::clone(&flag);
    let asks = executor.spawn(async move {
        sets.set(true);
        let mut dumping = pin!(candor::dump());
        // The request is made at the first poll, and this one comes right behind it.
        let asked = futures::poll!(&mut dumping);
        assert!(asked.is_pending());
        let behind = remote.spawn(|| async { 7 }).unwrap();
        behind.await
    });
    let main = async {
        until(&flag).await;
        panic!("the main future's own")
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| executor.block_on(main)));
    let payload = panicked.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the main future's own"));
    assert_eq!(executor.block_on(asks).unwrap(), 7);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_task_that_waits_for_several_things_at_once_has_a_chain_for_each() {
    let executor = Executor::new();
    let (_sender, receiver) = async_channel::bounded::<()>(1);
    let lock = Rc::new(tokio::sync::Mutex::new(()));
    let held = lock.try_lock().unwrap();
    let locks = Rc::clone(&lock);
    let waits = async move {
        let received = pin!(waits_for(receiver)); // one of two
        let locked = pin!(async { drop(locks.lock().await) }); // the other of two
        futures::future::select(received, locked).await;
    };
    executor.spawn(waits).detach();
    executor.tick();
    let dump = executor.dump().to_string();
    assert_eq!(
        dump.matches("waits in <async_channel::Recv").count(),
        1,
        "{dump}"
    );
    assert_eq!(
        dump.matches("waits in tokio::sync::mutex::Mutex<T>::lock")
            .count(),
        1,
        "{dump}"
    );
    drop(held);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn what_a_timeout_waits_for_is_shown_and_not_only_the_timeout() {
    let executor = Executor::new();
    let (_sender, receiver) = async_channel::bounded::<()>(1);
    let minute = Duration::from_secs(60);
    let limited = async move {
        candor::time::timeout(minute, waits_for(receiver))
            .await
            .is_ok()
    };
    executor.spawn(limited).detach();
    executor.tick();
    let dump = executor.dump().to_string();
    let line = line_of("receiver.recv().await.ok();");
    let link = format!(".await at tests/dump.rs:{line}:");
    assert_eq!(dump.matches(&link).count(), 1, "{dump}");
    assert_eq!(dump.matches(".await at ").count(), 2, "{dump}");
}

#[test]
fn wakes_that_come_while_the_dump_is_made_are_not_lost() {
    candor::block_on(async {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..100).map(|_| tokio::sync::oneshot::channel()).unzip();
        for receiver in receivers {
            candor::spawn(async move { receiver.await.unwrap() }).detach();
        }
        yield_now().await;
        let thread = std::thread::spawn(move || {
            for sender in senders {
                // Between two of them the dump polls some tasks.
                std::thread::yield_now();
                sender.send(()).unwrap();
            }
        });
        let dump = candor::dump().await.to_string();
        thread.join().unwrap();
        assert_eq!(dump.matches("a wake was lost").count(), 0, "{dump}");
    });
}

#[test]
fn whoever_asked_for_a_dump_gets_one_though_the_main_future_panics_in_it() {
    let executor = Executor::new();
    let flag = Rc::new(Cell::new(false));
    let sets = Rc::clone(&flag);
    let asks = executor.spawn(async move {
        sets.set(true);
        candor::Plain(candor::dump().await)
    });
    let main = async {
        until(&flag).await;
        panic!("the main future's own")
    };
    catch_unwind(AssertUnwindSafe(|| executor.block_on(main))).unwrap_err();
    let limit = Duration::from_secs(10);
    let dump = executor.block_on(candor::time::timeout(limit, asks));
    assert_eq!(dump.unwrap().unwrap().tasks().len(), 1);
}

#[test]
fn a_dump_that_was_asked_of_an_executor_that_is_gone_is_asked_of_the_next() {
    let mut dumping = Box::pin(candor::dump());
    candor::block_on(async {
        assert!(futures::poll!(&mut dumping).is_pending());
    });
    let limit = Duration::from_secs(10);
    let dump = candor::block_on(candor::time::timeout(limit, dumping));
    assert!(dump.unwrap().tasks().is_empty());
}

#[test]
fn a_task_that_goes_on_to_a_sleep_in_the_poll_of_a_dump_has_lost_a_wake_as_well() {
    let flag = Rc::new(Cell::new(false));
    let waits = Rc::clone(&flag);
    candor::test(async move {
        let forgetful = candor::spawn(async move {
            until(&waits).await;
            candor::sleep(Duration::from_secs(1)).await;
        });
        yield_now().await;
        flag.set(true);
        let lost = "task #1 was ready, though nothing had woken it: a wake was lost";
        let dump = candor::dump().await.to_string();
        assert_eq!(dump.matches(lost).count(), 1, "{dump}");
        // From here on it waits for its timer.
        let dump = candor::dump().await.to_string();
        assert_eq!(dump.matches(lost).count(), 0, "{dump}");
        forgetful.await.unwrap();
    });
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_main_future_of_run_until_has_a_chain_and_is_woken_as_before() {
    let executor = Executor::new();
    let lock = Rc::new(tokio::sync::Mutex::new(()));
    let its = Rc::clone(&lock);
    let dumped = executor.spawn(async move {
        let held = its.lock().await;
        yield_now().await;
        let dump = candor::dump().await.to_string();
        drop(held);
        dump
    });
    let dump = futures::executor::block_on(executor.run_until(async move {
        yield_now().await;
        let _held = lock.lock().await; // here
        dumped.await.unwrap()
    }));
    let line = 1 + include_str!("dump.rs")
        .lines()
        .position(|line| line.ends_with("// here"))
        .unwrap();
    let place = format!(".await at tests/dump.rs:{line}:");
    assert_eq!(dump.matches(&place).count(), 1, "{dump}");
    assert!(
        dump.contains("waits in tokio::sync::mutex::Mutex<T>::lock"),
        "{dump}"
    );
    assert!(!dump.contains("a wake was lost"), "{dump}");
}

#[test]
fn the_main_future_of_run_until_has_a_line() {
    let executor = Executor::new();
    let main = executor.run_until(async { candor::dump().await.to_string() });
    let dump = futures::executor::block_on(main);
    assert!(
        dump.contains("the main future: waiting, last await: dump at tests/dump.rs:"),
        "{dump}"
    );
}

#[test]
fn a_sleeper_that_is_due_has_lost_no_wake() {
    let dump = candor::block_on(async {
        candor::spawn(candor::sleep(Duration::from_millis(10))).detach();
        yield_now().await;
        common::hold_the_thread(Duration::from_millis(20));
        let _reads_the_clock = candor::time::now();
        candor::dump().await.to_string()
    });
    assert!(!dump.contains("was lost"), "{dump}");

    let executor = Executor::builder().virtual_time().build();
    executor
        .spawn(candor::sleep(Duration::from_millis(10)))
        .detach();
    executor.try_tick();
    executor.advance(Duration::from_secs(1));
    let dump = executor.dump().to_string();
    assert!(!dump.contains("was lost"), "{dump}");
}

#[test]
fn a_task_in_a_slot_that_had_others_before_is_woken_by_the_waker_of_a_dump() {
    candor::block_on(async {
        for _ in 0..3 {
            candor::spawn(async {}).await.unwrap();
        }
        let (sender, receiver) = async_channel::bounded(1);
        let task = candor::spawn(async move { receiver.recv().await.unwrap() });
        yield_now().await;
        drop(candor::dump().await);
        sender.try_send(5).unwrap();
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn an_await_stays_the_last_known_one_however_often_the_task_waits_elsewhere() {
    let executor = Executor::new();
    executor
        .spawn(async {
            yield_now().await;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
            .await;
        })
        .detach();
    for _ in 0..5 {
        executor.tick();
        let shown = executor.tasks().to_string();
        assert_eq!(
            shown.contains("last known await: yield_now"),
            !shown.contains("last await: "),
            "{shown}"
        );
    }
    assert!(
        executor
            .tasks()
            .to_string()
            .contains("last known await: yield_now")
    );
    executor.tick();
    assert!(
        executor
            .tasks()
            .to_string()
            .contains("last known await: yield_now")
    );
}

#[test]
fn a_dump_may_be_made_while_a_thread_ends() {
    struct Last(std::cell::RefCell<Option<Executor>>);
    impl Drop for Last {
        fn drop(&mut self) {
            let executor = self.0.take().unwrap();
            assert!(executor.dump().to_string().contains("task #1"));
        }
    }
    thread_local!(static LAST: Last = const { Last(std::cell::RefCell::new(None)) });
    let thread = std::thread::spawn(|| {
        LAST.with(|last| last.0.replace(Some(Executor::new())));
        LAST.with(|last| {
            let executor = last.0.borrow();
            let executor = executor.as_ref().unwrap();
            executor.spawn(std::future::pending::<()>()).detach();
            executor.run_until_stalled();
            drop(executor.dump());
        });
    });
    thread.join().unwrap();
}

#[test]
fn a_dump_that_an_ended_executor_was_asked_for_is_made_by_the_next() {
    let mut dump = pin!(candor::dump());
    candor::block_on(poll_fn(|_| {
        let cx = &mut std::task::Context::from_waker(Waker::noop());
        assert!(dump.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    let executor = Executor::builder().build();
    assert!(executor.block_on(dump).tasks().is_empty());
}

#[test]
fn whoever_asked_an_executor_that_ends_for_a_dump_is_woken_and_asks_the_next() {
    let mut dumping = Box::pin(candor::dump());
    let mut is_first = true;
    let asks = poll_fn(move |cx| {
        if !std::mem::take(&mut is_first) {
            return dumping.as_mut().poll(cx);
        }
        // Asked in a nested executor, by the waker of the outer one.
        let inner = Executor::new();
        inner.block_on(poll_fn(|_| {
            assert!(dumping.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
        Poll::Pending
    });
    let limit = Duration::from_secs(10);
    let dump = candor::block_on(candor::time::timeout(limit, asks));
    assert!(dump.unwrap().tasks().is_empty());
}

#[test]
fn nothing_is_polled_for_a_dump_once_its_executor_has_to_stop() {
    for exits in [true, false] {
        let executor = Executor::new();
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let counts = poll_fn(move |_| {
            counted.set(counted.get() + 1);
            Poll::<()>::Pending
        });
        executor.spawn(counts).detach();
        let asks = async move {
            let mut dump = pin!(candor::dump());
            poll_fn(|cx| {
                assert!(dump.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            if exits {
                candor::exit(4);
            }
            // Until then the dump is wanted.
            std::future::pending::<()>().await;
            dump.await;
        };
        executor.spawn(asks).detach();
        match exits {
            true => drop(executor.run(async {})),
            false => executor.block_on(yield_now()),
        }
        drop(executor);
        assert_eq!(polls.get(), 1, "{exits}");
    }
}

#[test]
fn a_sleeper_that_is_due_in_the_poll_of_a_dump_has_lost_no_wake() {
    // Sleepers that become due all the time, on the real clock, in step with the polls of the dump.
    for step in 1..=40 {
        let dump = candor::block_on(async {
            let micros = (0..50).map(|number| 1_000 + 10 * step * number);
            let sleeps = micros.map(|micros| candor::sleep(Duration::from_micros(micros)));
            let tasks: Vec<_> = sleeps.map(candor::spawn).collect();
            candor::sleep(Duration::from_micros(1_200)).await;
            let dump = candor::dump().await.to_string();
            for task in tasks {
                task.await.unwrap();
            }
            dump
        });
        assert!(!dump.contains("was lost"), "{dump}");
    }
}

#[test]
fn a_task_that_wakes_itself_in_the_poll_of_a_dump_is_woken() {
    for by_value in [false, true] {
        candor::block_on(async {
            let mut polls = 0;
            let wakes = candor::spawn(poll_fn(move |cx| {
                polls += 1;
                match polls {
                    1 => Poll::Pending,
                    2 if by_value => {
                        let waker = cx.waker().clone();
                        waker.wake();
                        Poll::Pending
                    }
                    2 => {
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    _ => Poll::Ready(()),
                }
            }));
            yield_now().await;
            candor::dump().await;
            let limit = Duration::from_secs(10);
            candor::time::timeout(limit, wakes).await.unwrap().unwrap();
        });
    }
}

#[test]
fn of_each_task_it_is_known_who_spawned_it_and_how_often_it_was_polled() {
    candor::block_on(async {
        assert!(candor::tasks().is_empty());
        let outer = candor::spawn(async {
            candor::spawn(pending::<()>()).detach();
            pending::<()>().await;
        });
        yield_now().await;
        let again = candor::spawn(async {
            yield_now().await;
            pending::<()>().await;
        });
        yield_now().await;
        yield_now().await;
        let tasks = candor::tasks();
        let known = tasks
            .iter()
            .map(|task| (task.id(), task.polls(), task.spawned_by()));
        let known: Vec<_> = known.collect();
        assert_eq!((tasks.len(), tasks.is_empty()), (3, false));
        assert_eq!(known[0], (outer.id(), 1, None));
        assert_eq!((known[1].1, known[1].2), (1, Some(outer.id())));
        assert_eq!(known[2], (again.id(), 2, None));
    });
}

/// A waker around the task's, as combinators have one.
struct Around(Waker);

impl Wake for Around {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

async fn sleeps_by_a_foreign_waker(sleep: candor::time::Sleep) {
    let mut sleep = pin!(sleep);
    poll_fn(|cx| {
        let around = Waker::from(Arc::new(Around(cx.waker().clone())));
        sleep.as_mut().poll(&mut Context::from_waker(&around))
    })
    .await
}

#[test]
fn a_sleeper_that_becomes_due_while_a_dump_is_made_has_lost_no_wake() {
    for is_foreign in [false, true] {
        candor::block_on(async {
            // Between the look at the timers and the poll of the sleeper comes a poll that takes longer than it sleeps.
            let mut is_first = true;
            let busy = candor::spawn(poll_fn(move |_| {
                if !std::mem::take(&mut is_first) {
                    hold_the_thread(Duration::from_millis(90));
                    let _ = candor::time::now();
                }
                Poll::<()>::Pending
            }));
            let sleep = candor::sleep(Duration::from_millis(60));
            let sleeper = match is_foreign {
                true => candor::spawn(sleeps_by_a_foreign_waker(sleep)),
                false => candor::spawn(sleep),
            };
            yield_now().await;
            let dump = candor::dump().await.to_string();
            assert!(!dump.contains("was lost"), "{dump}");
            assert!(sleeper.is_finished());
            busy.abort();
        });
    }
}

#[test]
fn the_timer_of_another_task_hides_no_lost_wake() {
    candor::block_on(async {
        let mut is_first = true;
        let forgetful = candor::spawn(poll_fn(move |_| {
            if std::mem::take(&mut is_first) {
                return Poll::Pending;
            }
            hold_the_thread(Duration::from_millis(90));
            let _ = candor::time::now();
            Poll::Ready(())
        }));
        let sleeper = candor::spawn(candor::sleep(Duration::from_millis(60)));
        yield_now().await;
        let dump = candor::dump().await.to_string();
        assert_eq!(dump.matches("a wake was lost").count(), 1, "{dump}");
        assert!(dump.contains("task #1 was ready"), "{dump}");
        sleeper.await.unwrap();
        forgetful.await.unwrap();
    });
}

#[test]
fn a_wake_that_comes_right_behind_a_value_is_not_lost() {
    candor::block_on(async {
        let (tell, polled) = mpsc::channel();
        let (give, waker) = mpsc::channel::<Waker>();
        // The thread wakes once the poll of the dump has found the value.
        let thread = std::thread::spawn(move || {
            polled.recv().unwrap();
            waker.recv().unwrap().wake();
        });
        let mut is_first = true;
        let task = candor::spawn(poll_fn(move |cx| {
            if std::mem::take(&mut is_first) {
                give.send(cx.waker().clone()).unwrap();
                return Poll::Pending;
            }
            tell.send(()).unwrap();
            Poll::Ready(())
        }));
        yield_now().await;
        let dump = candor::dump().await.to_string();
        assert!(!dump.contains("was lost"), "{dump}");
        task.await.unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn of_very_many_waiting_tasks_a_dump_shows_the_chains_of_a_hundred_and_counts_the_others() {
    for (tasks, note) in [
        (100, None),
        (150, Some("the chains of 100 tasks are shown; 50 more wait")),
    ] {
        candor::block_on(async {
            let polls = Rc::new(Cell::new(0));
            // Each waits for the next: all that is waited for is candor's own.
            let mut next = candor::spawn(candor::sleep(Duration::MAX));
            for _ in 1..tasks {
                let polls = Rc::clone(&polls);
                next = candor::spawn(poll_fn(move |cx| {
                    polls.set(polls.get() + 1);
                    Pin::new(&mut next).poll(cx).map(|_| ())
                }));
            }
            yield_now().await;
            polls.set(0);
            let dump = candor::dump().await.to_string();
            assert_eq!(polls.get(), 99, "{dump}");
            match note {
                Some(note) => assert_eq!(dump.matches(note).count(), 1, "{dump}"),
                None => assert!(!dump.contains("are shown"), "{dump}"),
            }
        });
    }
}

#[test]
fn a_main_future_that_is_ready_does_not_wait() {
    let dump = candor::block_on(async {
        let task = candor::spawn(async {
            yield_now().await;
            candor::dump().await.to_string()
        });
        while !task.is_finished() {
            yield_now().await;
        }
        task.await.unwrap()
    });
    assert!(dump.contains("the main future: ready"), "{dump}");
}

#[test]
fn a_timer_that_is_far_away_hides_no_lost_wake() {
    candor::block_on(async {
        let mut is_first = true;
        let forgetful = poll_fn(move |_| match std::mem::take(&mut is_first) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        });
        let minute = Duration::from_secs(60);
        let task = candor::spawn(candor::time::timeout(minute, forgetful));
        let _sleeper = candor::spawn(candor::sleep(minute));
        yield_now().await;
        let dump = candor::dump().await.to_string();
        assert_eq!(dump.matches("a wake was lost").count(), 1, "{dump}");
        assert!(task.is_finished());
    });
}

#[test]
fn once_a_poll_of_a_dump_ends_the_executor_nothing_else_is_polled_for_it() {
    for (exits, asks) in [(true, true), (true, false), (false, true), (false, false)] {
        let executor = Executor::builder().failure_policy(FailurePolicy::Shutdown);
        let executor = executor.on_failure(|_| ()).build();
        let polls = Rc::new(Cell::new(0));
        for _ in 0..3 {
            let polls = Rc::clone(&polls);
            let counts = poll_fn(move |_| {
                polls.set(polls.get() + 1);
                // The first three polls are those of the loop.
                match polls.get() {
                    4 if exits => candor::exit(3),
                    4 => panic!("boom"),
                    _ => {}
                }
                Poll::<()>::Pending
            });
            executor.spawn(counts).detach();
        }
        if asks {
            let _code = executor.run(async {
                yield_now().await;
                candor::dump().await;
            });
        } else {
            executor.tick();
            executor.dump();
        }
        assert_eq!(polls.get(), 4, "{exits}, {asks}");
    }
}

#[test]
fn a_dump_that_one_executor_was_asked_for_is_made_by_the_one_that_awaits_it() {
    let mut dumping = Box::pin(candor::dump());
    let first = Executor::new();
    first.block_on(poll_fn(|cx| {
        assert!(dumping.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    let second = Executor::new();
    let asks = second.spawn(async move { dumping.await.tasks().len() });
    second.tick();
    second.tick();
    assert!(asks.is_finished());
    assert_eq!(second.block_on(asks).unwrap(), 1);
}
