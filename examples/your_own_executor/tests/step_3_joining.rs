//! Step 3: handles.

mod in_time;

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use in_time::in_time;
use your_own_executor::{Executor, block_on, spawn, yield_now};

#[test]
fn a_handle_gives_the_outcome_whenever_it_is_awaited() {
    in_time(|| {
        block_on(async {
            let late = spawn(async { "done before" });
            let early = spawn(async {
                yield_now().await;
                "done after"
            });
            assert_eq!(early.await.unwrap(), "done after");
            assert!(late.is_finished());
            assert_eq!(late.await.unwrap(), "done before");
        });
    });
}

#[test]
fn a_task_may_join_another() {
    in_time(|| {
        block_on(async {
            let inner = spawn(async {
                yield_now().await;
                3
            });
            let outer = spawn(async move { inner.await.unwrap() + 4 });
            assert!(!outer.is_finished());
            assert_eq!(outer.await.unwrap(), 7);
        });
    });
}

#[test]
fn a_detached_task_runs_on_and_drain_waits_for_it() {
    in_time(|| {
        let executor = Executor::new();
        let runs = Rc::new(Cell::new(0));
        let task = || {
            let runs = runs.clone();
            async move {
                yield_now().await;
                runs.set(runs.get() + 1);
            }
        };
        executor.spawn(task()).detach();
        drop(executor.spawn(task()));
        executor.drain();
        assert_eq!(runs.get(), 2);
    });
}

#[test]
fn the_joiner_that_polled_last_is_woken() {
    in_time(|| {
        block_on(async {
            let mut handle = spawn(async {
                yield_now().await;
                yield_now().await;
                5
            });
            let polled = Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            assert_eq!(handle.await.unwrap(), 5);
        });
    });
}
