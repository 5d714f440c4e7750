//! Nobody is starved: whoever is ready is polled, however busy the others are, and oldest first.
//!
//! ```text
//! ready   [ a | b | c ]      a is polled and wakes itself:   [ b | c | a ]
//!           next      last
//! ```
//!
//! With `shuffle`, a pass takes all that are ready when it begins, each once, in an order that the seed
//! decides.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use candor::{AbortHandle, Executor, sleep, spawn, yield_now};
use common::Trace;

/// Spawns a task that wakes itself in each of its polls, so it is always ready.
fn spawn_busy() -> AbortHandle {
    let busy = spawn(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    busy.abort_handle()
}

/// An executor that polls in a random order.
fn shuffled(seed: u64) -> Executor {
    Executor::builder().virtual_time().shuffle(seed).build()
}

/// The order in which each of five tasks is polled four times.
fn polls_in(executor: &Executor) -> Vec<String> {
    let trace = Trace::default();
    for name in ["a", "b", "c", "d", "e"] {
        let trace = trace.clone();
        let task = async move {
            for _ in 0..4 {
                trace.note(name);
                yield_now().await;
            }
        };
        executor.spawn(task).detach();
    }
    executor.drain();
    trace.events()
}

#[test]
fn tasks_are_polled_in_the_order_in_which_they_became_ready() {
    let executor = Executor::builder().virtual_time().build();
    assert_eq!(polls_in(&executor).concat(), "abcde".repeat(4));
}

#[test]
fn woken_tasks_are_polled_in_the_order_of_their_wakes() {
    let trace = Trace::default();
    candor::test(async {
        let (send, tasks): (Vec<_>, Vec<_>) = ["a", "b", "c"]
            .map(|name| {
                let (waker, trace) = (Rc::new(RefCell::new(None)), trace.clone());
                let kept = waker.clone();
                let task = spawn(poll_fn(move |cx| {
                    if kept.replace(Some(cx.waker().clone())).is_some() {
                        trace.note(name);
                        return Poll::Ready(());
                    }
                    Poll::Pending
                }));
                (waker, task)
            })
            .into_iter()
            .unzip();
        yield_now().await;
        for index in [2, 0, 1, 2] {
            let waker = send[index].borrow().clone();
            waker.unwrap().wake();
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(trace.events(), ["c", "a", "b"]);
}

#[test]
fn what_a_task_spawns_comes_behind_those_that_are_ready() {
    let trace = Trace::default();
    let executor = Executor::builder().virtual_time().build();
    for name in ["a", "b"] {
        let trace = trace.clone();
        let parent = async move {
            trace.note(name);
            let child = trace.clone();
            spawn(async move { child.note(format!("child of {name}")) }).detach();
        };
        executor.spawn(parent).detach();
    }
    executor.drain();
    assert_eq!(trace.events(), ["a", "b", "child of a", "child of b"]);
}

#[test]
fn the_main_future_waits_in_the_same_queue() {
    let trace = Trace::default();
    candor::test(async {
        let noted = trace.clone();
        let task = spawn(async move {
            for _ in 0..3 {
                noted.note("task");
                yield_now().await;
            }
        });
        for _ in 0..3 {
            trace.note("main");
            yield_now().await;
        }
        task.await.unwrap();
    });
    assert_eq!(
        trace.events(),
        ["main", "task", "main", "task", "main", "task"]
    );
}

#[test]
fn busy_tasks_do_not_starve_a_sibling() {
    candor::test(async {
        let busy = [(); 3].map(|()| spawn_busy());
        let polls = spawn(async {
            for _ in 0..1000 {
                yield_now().await;
            }
        });
        polls.await.unwrap();
        busy.iter().for_each(AbortHandle::abort);
    });
}

#[test]
fn a_busy_task_does_not_starve_the_main_future() {
    let polls = Cell::new(0);
    candor::test(async {
        let busy = spawn_busy();
        for _ in 0..1000 {
            polls.set(polls.get() + 1);
            yield_now().await;
        }
        busy.abort();
    });
    assert_eq!(polls.get(), 1000);
}

#[test]
fn a_busy_main_future_does_not_starve_a_task() {
    candor::test(async {
        let task = spawn(async {
            for _ in 0..1000 {
                yield_now().await;
            }
        });
        for _ in 0..1001 {
            yield_now().await;
        }
        assert!(task.is_finished());
    });
}

/// On the real clock, because virtual time stands still while anything is ready.
#[test]
fn a_busy_task_does_not_starve_timers() {
    candor::block_on(async {
        let busy = spawn_busy();
        for _ in 0..10 {
            sleep(Duration::from_micros(10)).await;
        }
        busy.abort();
    });
}

/// On the real clock, because virtual time stands still while anything is ready.
#[test]
fn a_busy_main_future_does_not_starve_timers() {
    candor::block_on(async {
        let sleeper = spawn(sleep(Duration::from_micros(10)));
        while !sleeper.is_finished() {
            yield_now().await;
        }
    });
}

/// As many as fill a pass several times over: the timers must not wait for a moment of calm.
#[test]
fn a_thousand_busy_tasks_do_not_starve_timers() {
    candor::block_on(async {
        let busy: Vec<_> = (0..1000).map(|_| spawn_busy()).collect();
        sleep(Duration::from_micros(10)).await;
        busy.iter().for_each(AbortHandle::abort);
    });
}

#[test]
fn a_busy_task_does_not_starve_wakes_from_other_threads() {
    let woken = Arc::new(AtomicU32::new(0));
    candor::block_on(async {
        let busy = spawn_busy();
        for round in 1..=20 {
            let mut thread = None;
            poll_fn(|cx| {
                if woken.load(Ordering::SeqCst) == round {
                    return Poll::Ready(());
                }
                let (waker, woken) = (cx.waker().clone(), woken.clone());
                thread.get_or_insert_with(|| {
                    thread::spawn(move || {
                        woken.fetch_add(1, Ordering::SeqCst);
                        waker.wake();
                    })
                });
                Poll::Pending
            })
            .await;
            thread.map(thread::JoinHandle::join);
        }
        busy.abort();
    });
}

#[test]
fn another_thread_that_wakes_without_pause_does_not_starve_siblings() {
    let stop = Arc::new(AtomicU32::new(0));
    candor::block_on(async {
        let stopped = stop.clone();
        let mut thread = None;
        let woken = spawn(poll_fn(move |cx| {
            let (waker, stopped) = (cx.waker().clone(), stopped.clone());
            thread.get_or_insert_with(|| {
                thread::spawn(move || {
                    while stopped.load(Ordering::SeqCst) == 0 {
                        waker.wake_by_ref();
                    }
                })
            });
            Poll::<()>::Pending
        }));
        for _ in 0..1000 {
            yield_now().await;
        }
        stop.store(1, Ordering::SeqCst);
        woken.abort();
    });
}

#[test]
fn a_task_that_spawns_without_end_starves_nobody() {
    fn spawn_forever(still: Rc<Cell<bool>>) {
        if still.get() {
            spawn(async move { spawn_forever(still) }).detach();
        }
    }
    let still = Rc::new(Cell::new(true));
    candor::block_on(async {
        spawn_forever(still.clone());
        sleep(Duration::from_micros(10)).await;
        still.set(false);
        yield_now().await;
    });
}

#[test]
fn the_same_seed_gives_the_same_order() {
    for seed in [0, 1, 42, u64::MAX] {
        assert_eq!(
            polls_in(&shuffled(seed)),
            polls_in(&shuffled(seed)),
            "{seed}"
        );
    }
}

#[test]
fn different_seeds_give_different_orders() {
    let orders: HashSet<_> = (0..20).map(|seed| polls_in(&shuffled(seed))).collect();
    assert!(orders.len() >= 19, "{} orders of 20", orders.len());
}

#[test]
fn any_task_may_be_the_first_of_a_shuffled_pass() {
    let first: HashSet<_> = (0..100)
        .map(|seed| polls_in(&shuffled(seed)).remove(0))
        .collect();
    assert_eq!(first.len(), 5);
}

#[test]
fn the_passes_of_one_shuffled_run_differ() {
    let polls = polls_in(&shuffled(7));
    let passes: HashSet<_> = polls.chunks(5).collect();
    assert!(passes.len() > 1, "{polls:?}");
}

#[test]
fn a_shuffled_pass_polls_each_that_was_ready_once() {
    for seed in 0..20 {
        let polls = polls_in(&shuffled(seed));
        assert_eq!(polls.len(), 20);
        for pass in polls.chunks(5) {
            let polled: HashSet<_> = pass.iter().collect();
            assert_eq!(polled.len(), 5, "{polls:?}");
        }
    }
}

#[test]
fn shuffling_starves_neither_timers_nor_the_main_future() {
    let executor = Executor::builder().shuffle(3).build();
    executor.block_on(async {
        let busy: Vec<_> = (0..200).map(|_| spawn_busy()).collect();
        for _ in 0..100 {
            yield_now().await;
        }
        sleep(Duration::from_micros(10)).await;
        busy.iter().for_each(AbortHandle::abort);
    });
}
