//! No task starves: each that is ready is polled, however busy the others are, and the oldest first.
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
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use candor::time::{now, sleep_until, timeout_at};
use candor::{AbortHandle, Executor, TaskGroup, sleep, spawn, yield_now};
use common::{Trace, in_time};
use futures::FutureExt;

/// After this many polls of a busy task, a task that still waits is starved.
const FAR_TOO_OFTEN: u64 = 10_000_000;

/// Spawns a task that wakes itself in each of its polls, so it is always ready. If it is polled far too often, it
/// ends the executor, so that a test fails instead of hanging.
fn spawn_busy() -> AbortHandle {
    let mut polls = 0;
    let busy = spawn(poll_fn(move |cx| {
        polls += 1;
        if polls == FAR_TOO_OFTEN {
            candor::exit(1);
        }
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
        let mut yields = 0;
        while !sleeper.is_finished() {
            yields += 1;
            assert!(yields < FAR_TOO_OFTEN, "the timer never fires");
            yield_now().await;
        }
    });
}

/// Enough to fill a pass several times: the timers must not wait until nothing is ready.
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
    fn spawn_forever(still: Rc<Cell<bool>>, before: u64) {
        assert!(before < FAR_TOO_OFTEN, "the timer never fires");
        if still.get() {
            spawn(async move { spawn_forever(still, before + 1) }).detach();
        }
    }
    let still = Rc::new(Cell::new(true));
    candor::block_on(async {
        spawn_forever(still.clone(), 0);
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

/// This many of candor's own futures may be ready in one poll before a task lets others run.
const BUDGET: u32 = 128;

/// Counts how often a sibling that is always ready is polled while `work` runs.
async fn polls_of_a_sibling(work: impl Future<Output = ()>) -> u32 {
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let sibling = spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    work.await;
    sibling.abort();
    polls.get()
}

#[test]
fn an_interval_that_catches_up_lets_others_run_every_128_ticks() {
    candor::test(async {
        let start = candor::time::now();
        sleep(Duration::from_secs(1280)).await;
        let mut interval = candor::time::interval_at(start, Duration::from_secs(1));
        let catches_up = async {
            for _ in 0..10 * BUDGET {
                interval.tick().await;
            }
        };
        let polls = polls_of_a_sibling(catches_up).await;
        assert!((9..=11).contains(&polls), "{polls}");
    });
}

#[test]
fn sleeps_that_have_passed_and_finished_handles_let_others_run_too() {
    in_time(|| {
        candor::test(async {
            let past = candor::time::now();
            let polls = polls_of_a_sibling(async {
                for _ in 0..10 * BUDGET {
                    candor::time::sleep_until(past).await;
                }
            });
            let polls = polls.await;
            assert!((9..=11).contains(&polls), "{polls} at sleeps");

            let finished: Vec<_> = (0..10 * BUDGET).map(|_| spawn(async {})).collect();
            yield_now().await;
            let polls = polls_of_a_sibling(async {
                for task in finished {
                    task.await.unwrap();
                }
            });
            let polls = polls.await;
            assert!((9..=11).contains(&polls), "{polls} at handles");

            let group = candor::TaskGroup::new();
            let members: Vec<_> = (0..10 * BUDGET)
                .map(|n| group.spawn(async move { n }))
                .collect();
            yield_now().await;
            let polls = polls_of_a_sibling(async {
                for (number, member) in members.into_iter().enumerate() {
                    assert_eq!(member.await, Some(number as u32));
                }
            });
            let polls = polls.await;
            assert!((9..=11).contains(&polls), "{polls} at members");
        });
    });
}

#[test]
fn a_timer_beside_a_task_that_never_waits_is_fired_within_two_polls_of_it() {
    in_time(|| {
        let executor = Executor::new();
        executor.block_on(async {
            let sleeper = spawn(sleep(Duration::from_millis(1)));
            let past = candor::time::now();
            // Each of the 128 takes so long that the timer is due after the first poll.
            for _ in 0..4 * BUDGET {
                candor::time::sleep_until(past).await;
                thread::sleep(Duration::from_micros(20));
            }
            assert!(sleeper.is_finished());
        });
    });
}

#[test]
fn what_was_ready_once_stays_ready_whatever_was_ready_since() {
    in_time(|| {
        candor::test(async {
            let past = candor::time::now();
            let mut done = std::pin::pin!(candor::time::sleep_until(past));
            done.as_mut().await;
            poll_fn(|cx| {
                for _ in 0..BUDGET - 1 {
                    let mut sleep = std::pin::pin!(candor::time::sleep_until(past));
                    assert!(sleep.as_mut().poll(cx).is_ready());
                }
                for _ in 0..10 {
                    assert!(done.as_mut().poll(cx).is_ready());
                }
                Poll::Ready(())
            })
            .await;
        });
    });
}

#[test]
fn sleeps_that_have_waited_are_not_put_off() {
    in_time(|| {
        candor::test(async {
            let sleep = |_| Box::pin(sleep(Duration::from_secs(1)));
            let mut sleeps: Vec<_> = (0..3 * BUDGET).map(sleep).collect();
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                sleeps.retain_mut(|sleep| sleep.as_mut().poll(cx).is_pending());
                match sleeps.is_empty() {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            })
            .await;
            assert_eq!(
                polls, 2,
                "the first begins to wait, and all are due at once"
            );
        });
    });
}

#[test]
fn a_timeout_looks_at_its_deadline_however_many_were_ready_in_the_poll() {
    in_time(|| {
        candor::test(async {
            let past = candor::time::now();
            let endless = async {
                loop {
                    candor::time::sleep_until(past).await;
                }
            };
            let timed = candor::time::timeout(Duration::ZERO, endless);
            let both = futures::future::join(timed, sleep(Duration::from_secs(1)));
            assert!(both.await.0.is_err());
        });
    });
}

#[test]
fn a_foreign_loop_inside_of_a_task_gets_on_though_its_budget_is_spent() {
    candor::test(async {
        let finished: Vec<_> = (0..4 * BUDGET).map(|_| spawn(async { 1 })).collect();
        yield_now().await;
        let sum = futures::executor::block_on(async {
            let mut sum = 0;
            for task in finished {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 4 * BUDGET);
    });
}

#[test]
fn handles_that_no_executor_of_candor_polls_are_never_put_off() {
    let executor = Executor::new();
    let finished: Vec<_> = (0..4 * BUDGET)
        .map(|n| executor.spawn(async move { n }))
        .collect();
    executor.drain();
    for (number, mut task) in finished.into_iter().enumerate() {
        let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
        let poll = std::pin::Pin::new(&mut task).poll(cx);
        assert!(matches!(poll, Poll::Ready(Ok(n)) if n == number as u32));
    }
}

#[test]
fn what_is_not_there_yet_is_not_counted() {
    candor::block_on(async {
        let group = TaskGroup::new();
        let mut members: Vec<_> = (0..200).map(|_| group.spawn(pending::<()>())).collect();
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let awaits_all = spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            for member in &mut members {
                assert!(member.poll_unpin(cx).is_pending());
            }
            Poll::<()>::Pending
        }));
        for _ in 0..3 {
            yield_now().await;
        }
        assert_eq!(polls.get(), 1);
        awaits_all.abort();
        group.cancel();
    });
}

/// Awaits `awaits` until another task has had a turn.
fn lets_others_run<F: Future>(awaits: impl Fn() -> F) {
    let executor = Executor::builder().slow_poll(Duration::MAX).build();
    let has_run = Rc::new(Cell::new(false));
    let other = has_run.clone();
    executor.block_on(async {
        spawn(async move { other.set(true) }).detach();
        for number in 0.. {
            if has_run.get() {
                break;
            }
            assert!(number < 1_000, "it starves the other");
            awaits().await;
        }
    });
}

#[test]
fn all_that_is_ready_at_once_lets_others_run() {
    let past = std::time::Instant::now();
    lets_others_run(|| candor::time::timeout(Duration::ZERO, pending::<()>()));
    lets_others_run(|| candor::time::timeout_at(past, pending::<()>()));
    lets_others_run(|| candor::time::sleep_until(past));
    let idle = Executor::new();
    lets_others_run(|| idle.drained());
    lets_others_run(|| idle.run_until(async {}));
    let task = idle.spawn(async {}).abort_handle();
    idle.drain();
    lets_others_run(|| task.cancel());
    lets_others_run(|| async {
        let pool = candor::TaskPool::new(2);
        pool.map(std::iter::empty::<u8>(), async |_| ())
            .next()
            .await
            .is_none()
    });
    lets_others_run(|| candor::TaskGroup::new().join());
}

#[test]
fn a_timeout_that_is_ready_late_gives_its_error_once() {
    candor::block_on(async {
        for _ in 0..1_000 {
            let elapsed = candor::time::timeout(Duration::ZERO, pending::<()>()).await;
            assert!(elapsed.is_err());
        }
    });
}

#[test]
fn a_shuffled_pass_that_is_cut_short_goes_on_with_its_rest() {
    let mut most = 0;
    for seed in 0..100 {
        let executor = shuffled(seed);
        let (polls, stop) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let (counted, stops) = (polls.clone(), stop.clone());
        let spends_its_turn = async move {
            let past = candor::time::now();
            while !stops.get() {
                candor::time::sleep_until(past).await;
            }
        };
        let mut spends_its_turn = Box::pin(spends_its_turn);
        let counts = poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            spends_its_turn.as_mut().poll(cx)
        });
        executor.spawn(counts).detach();
        executor.block_on(async {
            let mut last = polls.get();
            for _ in 0..50 {
                yield_now().await;
                most = most.max(polls.get() - last);
                last = polls.get();
            }
            stop.set(true);
        });
    }
    assert!(most <= 2, "{most} polls between two of another task");
}

#[test]
fn single_steps_of_a_shuffled_executor_pass_nobody_over() {
    for seed in 0..50 {
        let executor = Executor::builder().shuffle(seed).build();
        let polls = Rc::new(RefCell::new([0_u32; 4]));
        for number in 0..4 {
            let counted = polls.clone();
            let counts = async move {
                loop {
                    counted.borrow_mut()[number] += 1;
                    yield_now().await;
                }
            };
            executor.spawn(counts).detach();
        }
        for _ in 0..100 {
            executor.try_tick();
            let polls = polls.borrow();
            let (most, least) = (polls.iter().max(), polls.iter().min());
            assert!(
                most.unwrap() - least.unwrap() <= 2,
                "seed {seed}: {polls:?}"
            );
        }
    }
}

#[test]
fn what_a_step_of_virtual_time_wakes_has_run_whatever_the_order_is() {
    for seed in 0..100 {
        shuffled(seed).test(async {
            let sleepers: Vec<_> = (0..10)
                .map(|_| spawn(sleep(Duration::from_secs(60))))
                .collect();
            for _ in 0..3 {
                yield_now().await;
            }
            candor::time::advance(Duration::from_secs(60)).await;
            assert!(
                sleepers.iter().all(|sleeper| sleeper.is_finished()),
                "seed {seed}"
            );
        });
    }
}

#[test]
fn a_sleep_that_has_waited_is_not_counted() {
    candor::test(async {
        let polls = Rc::new(Cell::new(0));
        let counted = polls.clone();
        let mut sleeps: Vec<_> = (0..200).map(|_| sleep(Duration::from_secs(1))).collect();
        let waits_for_all = poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            sleeps.retain_mut(|sleep| sleep.poll_unpin(cx).is_pending());
            match sleeps.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        });
        spawn(waits_for_all).await.unwrap();
        assert_eq!(polls.get(), 2);
    });
}

/// Polls `awaited` in a task in which another future finds 128 others ready at each poll, and says how many polls it took.
async fn beside_spenders(awaited: impl Future) -> u32 {
    let past = candor::time::now();
    let spends = async move {
        loop {
            for _ in 0..128 {
                candor::time::sleep_until(past).await;
            }
            yield_now().await;
        }
    };
    yield_now().await;
    let (mut awaited, mut spends) = (Box::pin(awaited), Box::pin(spends));
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        let _never = spends.as_mut().poll(cx);
        match awaited.as_mut().poll(cx).is_ready() || polls == 100 {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    polls
}

#[test]
fn what_is_ready_is_put_off_once_at_most_whatever_is_polled_before_it() {
    let executor = Executor::new();
    let remote = executor.remote();
    let other = Executor::new();
    executor.block_on(async {
        let past = candor::time::now();
        let never = pending::<()>;
        let mut polls = vec![
            beside_spenders(candor::time::sleep_until(past)).await,
            beside_spenders(candor::time::timeout(Duration::ZERO, never())).await,
            beside_spenders(candor::time::interval(Duration::from_secs(1)).tick()).await,
        ];
        let done = spawn(async {});
        let known = done.abort_handle();
        let group = TaskGroup::new();
        let member = group.spawn(async {});
        let far = remote.spawn(|| async {}).unwrap();
        for _ in 0..5 {
            yield_now().await;
        }
        polls.push(beside_spenders(done).await);
        polls.push(beside_spenders(known.cancel()).await);
        polls.push(beside_spenders(member).await);
        let spawner = group.spawner();
        polls.push(beside_spenders(group.join()).await);
        polls.push(beside_spenders(spawner.spawn(async {})).await);
        polls.push(beside_spenders(far).await);
        let pool = candor::TaskPool::new(2);
        let mut results = pool.map(std::iter::empty::<u8>(), async |_| ());
        polls.push(beside_spenders(results.next()).await);
        polls.push(beside_spenders(other.drained()).await);
        polls.push(beside_spenders(other.run_until(async {})).await);
        assert_eq!(polls, [2; 12]);
    });
}

#[test]
fn a_main_future_that_yields_comes_last_whatever_an_earlier_one_has_left() {
    // Wakes itself in its last poll.
    let ends_woken = |executor: &Executor, spawns: usize| {
        executor.block_on(poll_fn(|cx| {
            for _ in 0..spawns {
                spawn(async {}).detach();
            }
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }));
    };
    for spawns in [0, 1, 2] {
        let executor = Executor::new();
        ends_woken(&executor, spawns);
        let trace = Trace::default();
        executor.block_on(async {
            for name in ["a", "b"] {
                let noted = trace.clone();
                spawn(async move { noted.note(name) }).detach();
            }
            yield_now().await;
            trace.note("main");
        });
        assert_eq!(trace.events(), ["a", "b", "main"]);
    }
}

#[test]
fn what_an_earlier_main_future_has_left_takes_nothing_from_a_shuffle() {
    let order = |is_left: bool| {
        let (executor, trace) = (Executor::builder().shuffle(7).build(), Trace::default());
        for number in 0..10 {
            let noted = trace.clone();
            executor.spawn(async move { noted.note(number) }).detach();
        }
        for _ in 0..2 {
            executor.block_on(poll_fn(|cx| {
                if is_left {
                    cx.waker().wake_by_ref();
                }
                Poll::Ready(())
            }));
        }
        executor.drain();
        trace.events()
    };
    let in_order: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    assert_ne!(order(false), in_order);
    assert_ne!(order(true), in_order);
}

/// Runs `busy` beside a task that ends it.
fn ends_it_after_three_turns(busy: impl Future<Output = ()> + 'static) {
    candor::test(async {
        let busy = spawn(busy).abort_on_drop();
        for _ in 0..3 {
            yield_now().await;
        }
        drop(busy);
    });
}

#[test]
fn several_of_candors_futures_in_one_poll_share_what_is_ready_in_it() {
    let past = || sleep_until(now());
    ends_it_after_three_turns(async move {
        loop {
            let inner = timeout_at(now(), pending::<()>());
            let _ = timeout_at(now(), inner).await;
        }
    });
    ends_it_after_three_turns(async move {
        loop {
            futures::future::select(past(), past()).await;
        }
    });
    ends_it_after_three_turns(async move {
        let mut all: futures::stream::FuturesUnordered<_> = (0..1000).map(|_| past()).collect();
        while let Some(()) = futures::StreamExt::next(&mut all).await {
            all.push(past());
        }
    });
}
