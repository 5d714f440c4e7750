//! A pool runs a limited number of tasks at once, and takes its inputs as it needs them.
//!
//! ```text
//! submit ──► waits for a permit ──► runs            in order of submitting
//! map, completed: permit ──► input ──► task ──► result, in input order or as they come
//! ```

mod common;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use candor::{Executor, TaskPool, sleep, spawn, time, yield_now};
use common::{Reports, assert_contains, panic_message};
use futures::FutureExt;

const SECOND: Duration = Duration::from_secs(1);

/// How many are there now, and the most there have been.
#[derive(Clone, Default)]
struct Crowd(Rc<Cell<(usize, usize)>>);

struct Present(Crowd);

impl Crowd {
    fn enter(&self) -> Present {
        let (now, most) = self.0.get();
        self.0.set((now + 1, most.max(now + 1)));
        Present(self.clone())
    }

    fn now(&self) -> usize {
        self.0.get().0
    }

    fn most(&self) -> usize {
        self.0.get().1
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let crowd = &self.0.0;
        let (now, most) = crowd.get();
        crowd.set((now - 1, most));
    }
}

#[test]
fn a_pool_tells_its_limit() {
    assert_eq!(TaskPool::new(3).limit(), 3);
}

#[test]
fn a_limit_of_zero_panics_with_advice() {
    let message = panic_message(|| drop(TaskPool::new(0)));
    assert_contains(
        &message,
        "a limit of zero would never run a task. Give it 1",
    );
}

// Submit.

#[test]
fn no_more_than_the_limit_run_at_once_and_in_order_of_submitting() {
    candor::test(async {
        let start = time::now();
        let crowd = Crowd::default();
        let order = Rc::new(RefCell::new(Vec::new()));
        let pool = TaskPool::new(3);
        let tasks: Vec<_> = (0..10)
            .map(|number| {
                let (crowd, order) = (crowd.clone(), order.clone());
                pool.submit(async move {
                    let _present = crowd.enter();
                    order.borrow_mut().push(number);
                    sleep(SECOND).await;
                    number
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
        assert_eq!(crowd.most(), 3);
        assert_eq!(*order.borrow(), (0..10).collect::<Vec<_>>());
        assert_eq!(time::now() - start, 4 * SECOND);
    });
}

#[test]
fn a_task_that_fails_makes_room_for_the_next_and_is_told_like_any_other() {
    let reports = Reports::new();
    reports.block_on(async {
        let pool = TaskPool::new(1);
        let awaited = pool.submit(async { Err::<(), _>("awaited") });
        drop(pool.submit(async { panic!("detached") }));
        assert_eq!(pool.submit(async { 3 }).await.unwrap(), 3);
        awaited.await.unwrap_err();
    });
    assert_eq!(reports.end(), ["task #2 panicked: detached"]);
}

#[test]
fn a_waiting_task_that_is_aborted_is_passed_over() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let first = pool.submit(sleep(SECOND));
        let second = pool.submit(pending::<()>());
        let third = pool.submit(async { 3 });
        yield_now().await;
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        first.await.unwrap();
        assert_eq!(third.await.unwrap(), 3);
    });
}

#[test]
fn a_task_that_panics_in_its_destructor_gives_its_permit_back() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    candor::test(async {
        let pool = TaskPool::new(1);
        let task = pool.submit(async {
            let _grenade = Grenade;
            pending::<()>().await;
        });
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(pool.submit(async { 2 }).await.unwrap(), 2);
    });
}

#[test]
fn what_was_submitted_outlives_the_pool() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let _first = pool.submit(sleep(SECOND));
        let second = pool.submit(async { 2 });
        drop(pool);
        assert_eq!(second.await.unwrap(), 2);
    });
}

// Map and completed.

#[test]
fn a_pool_shows_how_many_of_its_tasks_run() {
    let pool = TaskPool::new(3);
    candor::block_on(async {
        let waiting = pool.submit(pending::<()>());
        yield_now().await;
        assert_eq!(format!("{pool:?}"), "TaskPool(1 of 3 running)");
        waiting.abort();
    });
    assert_eq!(format!("{pool:?}"), "TaskPool(0 of 3 running)");
}

#[test]
fn map_gives_results_in_input_order_and_completed_as_they_come() {
    candor::test(async {
        let pool = TaskPool::new(3);
        let slow = async |seconds: u32| {
            sleep(seconds * SECOND).await;
            seconds
        };
        let inputs = [3, 1, 2, 1];
        assert_eq!(pool.map(inputs, slow).collect().await.unwrap(), inputs);
        let completed = pool.completed(inputs, slow);
        assert_eq!(completed.collect().await.unwrap(), [1, 2, 1, 3]);
    });
}

#[test]
fn a_million_inputs_never_make_more_futures_than_the_limit() {
    candor::test(async {
        let pool = TaskPool::new(32);
        for in_order in [true, false] {
            let crowd = Crowd::default();
            let present = crowd.clone();
            let f = move |number: u64| {
                let present = present.enter();
                async move {
                    let _present = present;
                    yield_now().await;
                    number
                }
            };
            let inputs = 0..1_000_000_u64;
            let mut results = match in_order {
                true => pool.map(inputs, f),
                false => pool.completed(inputs, f),
            };
            let mut sum = 0;
            while let Some(number) = results.next().await {
                sum += number.unwrap();
            }
            assert_eq!(sum, 499_999_500_000);
            assert_eq!((crowd.now(), crowd.most()), (0, 32));
        }
    });
}

#[test]
fn an_endless_iterator_is_only_taken_as_far_as_it_is_read() {
    candor::test(async {
        let taken = Rc::new(Cell::new(0));
        let count = taken.clone();
        let inputs = std::iter::repeat_with(move || count.set(count.get() + 1));
        let pool = TaskPool::new(4);
        let mut results = pool.map(inputs, async |()| ());
        yield_now().await;
        assert_eq!(taken.get(), 0, "nobody has asked for a result");
        for _ in 0..10 {
            results.next().await.unwrap().unwrap();
        }
        sleep(SECOND).await;
        assert!(taken.get() <= 10 + 4, "{}", taken.get());
    });
}

#[test]
fn dropping_the_results_half_way_cancels_what_runs_and_takes_no_more() {
    candor::test(async {
        let crowd = Crowd::default();
        let made = Rc::new(Cell::new(0));
        let pool = TaskPool::new(4);
        let (present, count) = (crowd.clone(), made.clone());
        let mut results = pool.completed(0.., move |number: u32| {
            count.set(count.get() + 1);
            let present = present.enter();
            async move {
                let _present = present;
                sleep(number * SECOND).await;
                number
            }
        });
        for number in 0..3 {
            assert_eq!(results.next().await.unwrap().unwrap(), number);
        }
        drop(results);
        yield_now().await;
        assert_eq!((crowd.now(), made.get()), (0, 7));
        assert_eq!(pool.submit(async { 1 }).await.unwrap(), 1);
    });
}

#[test]
fn each_failure_comes_in_its_place_and_the_others_go_on() {
    let reports = Reports::new();
    reports.block_on(async {
        let pool = TaskPool::new(2);
        let mut results = pool.map(["1", "x", "!", "4"], async |text: &str| {
            assert_ne!(text, "!");
            text.parse::<i32>()
        });
        let mut seen = Vec::new();
        while let Some(result) = results.next().await {
            seen.push(match result {
                Ok(number) => number.to_string(),
                Err(error) if error.is_panic() => "panicked".to_owned(),
                Err(error) => error.into_failed().unwrap().to_string(),
            });
        }
        assert_eq!(
            seen,
            ["1", "invalid digit found in string", "panicked", "4"]
        );
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn collect_ends_with_the_first_failure_and_reports_the_others() {
    let reports = Reports::new();
    reports.block_on(async {
        let pool = TaskPool::new(3);
        let failing = pool.map(0..100, async |number: u32| match number {
            0 => {
                sleep(SECOND / 2).await;
                Err::<(), _>("first in order")
            }
            1 => Err("sooner"),
            _ => pending().await,
        });
        let error = failing.collect().await.unwrap_err().into_failed().unwrap();
        assert_eq!(error, "first in order");
        yield_now().await;
        assert!(candor::tasks().is_empty());
    });
    assert_eq!(reports.end(), ["task #2 failed: sooner"]);
}

#[test]
fn a_next_that_is_dropped_loses_no_result_and_holds_no_permit() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let busy = pool.submit(sleep(5 * SECOND));
        let mut results = pool.completed([1, 2], async |number: u32| {
            sleep(SECOND).await;
            number
        });
        assert!(time::timeout(SECOND, results.next()).await.is_err());
        busy.await.unwrap();
        // The results are not awaited now, so they block no other task.
        pool.submit(async {}).await.unwrap();
        assert!(time::timeout(SECOND / 2, results.next()).await.is_err());
        assert_eq!(results.collect().await.unwrap(), [1, 2]);
    });
}

#[test]
fn a_next_that_has_given_its_result_holds_no_permit_though_it_is_kept() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let mut results = pool.map(0..2, async |number: u32| number);
        let mut first = pin!(results.next());
        let busy = futures::future::lazy(|_| pool.submit(sleep(SECOND)));
        let (result, busy) = futures::join!(first.as_mut(), busy);
        assert_eq!(result.unwrap().unwrap(), 0);
        busy.await.unwrap();
        assert_eq!(format!("{pool:?}"), "TaskPool(0 of 1 running)");
        assert_eq!(pool.submit(async { 8 }).await.unwrap(), 8);
    });
}

#[test]
fn all_that_a_pool_runs_shares_its_limit() {
    candor::test(async {
        let crowd = Crowd::default();
        let pool = TaskPool::new(2);
        let work = |crowd: Crowd| async move {
            let _present = crowd.enter();
            sleep(SECOND).await;
        };
        let submitted = pool.submit(work(crowd.clone()));
        let one = pool.map(0..4, |_| work(crowd.clone()));
        let two = pool.completed(0..4, |_| work(crowd.clone()));
        let (one, two) = futures::join!(one.collect(), two.collect());
        submitted.await.unwrap();
        assert_eq!((one.unwrap().len(), two.unwrap().len()), (4, 4));
        assert_eq!(crowd.most(), 2);
    });
}

#[test]
fn an_iterator_that_panics_panics_where_it_is_read_and_takes_no_permit_along() {
    candor::test(async {
        let pool = Rc::new(TaskPool::new(1));
        let reader = pool.clone();
        let task = spawn(async move {
            let inputs = (0..2).inspect(|number| assert_eq!(*number, 0, "no more"));
            let mut results = reader.completed(inputs, async |number: u32| number);
            while let Some(result) = results.next().await {
                result?;
            }
            candor::Ok(())
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(pool.submit(async { 2 }).await.unwrap(), 2);
    });
}

#[test]
fn results_that_are_awaited_outside_of_an_executor_panic_with_advice() {
    let message = panic_message(|| {
        let pool = TaskPool::new(1);
        let mut results = pool.map([1], async |number: u32| number);
        futures::executor::block_on(async { results.next().await.is_some() });
    });
    assert_contains(&message, "no executor runs on this thread");
}

#[test]
fn a_next_that_is_cancelled_leaves_no_place_in_the_queue() {
    let executor = Executor::builder().virtual_time().build();
    executor.block_on(async {
        let pool = TaskPool::new(1);
        let busy = pool.submit(std::future::pending::<()>());
        let mut results = [(); 2].map(|()| pool.map(0..2, async |n| n));
        // Alternating, so that none of them is always the last in the queue.
        for round in 0..1000 {
            let next = results[round % 2].next();
            let timed = candor::time::timeout(std::time::Duration::from_nanos(1), next);
            assert!(timed.await.is_err());
        }
        busy.abort();
        for results in results {
            assert_eq!(results.collect().await.unwrap(), [0, 1]);
        }
    });
}

#[test]
fn an_iterator_that_panics_takes_no_result_with_it() {
    candor::test(async {
        let pool = TaskPool::new(1);
        let mut has_panicked = false;
        let mut results = pool.map(0..3, move |number| {
            if number == 1 && !std::mem::replace(&mut has_panicked, true) {
                panic!("of the function");
            }
            async move {
                if number == 0 {
                    Err("the first")
                } else {
                    Ok(number)
                }
            }
        });
        let next = AssertUnwindSafe(results.next()).catch_unwind().await;
        assert!(next.is_err());
        assert!(results.next().await.unwrap().is_err(), "it is still there");
        // The second input was lost with the panic.
        assert_eq!(results.next().await.unwrap().unwrap(), 2);
        assert!(results.next().await.is_none());
    });
}

#[test]
fn what_waits_for_a_place_runs_only_when_an_aborted_task_is_gone() {
    for seed in 0..16 {
        let executor = Executor::builder().virtual_time().shuffle(seed).build();
        executor.block_on(async {
            let (pool, crowd) = (TaskPool::new(1), Crowd::default());
            let mut results = pool.map([1], |_| {
                let present = crowd.enter();
                async move {
                    let _present = present;
                    pending::<()>().await;
                }
            });
            let reader = time::timeout(SECOND, results.next());
            assert!(reader.await.is_err(), "it never ends");
            let within = crowd.clone();
            let next = pool.submit(async move { within.enter().0.now() });
            yield_now().await;
            drop(results);
            assert_eq!(next.await.unwrap(), 1, "seed {seed}");
        });
    }
}

#[test]
fn results_that_are_awaited_where_no_executor_runs_take_no_input() {
    let pool = TaskPool::new(2);
    let mut results = pool.map(1..=3, async |number: i32| number);
    let message = panic_message(|| drop(results.next().now_or_never()));
    assert_contains(&message, "where no executor runs");
    assert_eq!(candor::block_on(results.collect()).unwrap(), [1, 2, 3]);
}
