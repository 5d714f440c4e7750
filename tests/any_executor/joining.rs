//! What every executor owes to those who join a task. The file above it says what an executor is: `tests/joining.rs`, or
//! the last step of `examples/your_own_executor`, where a student's crate has the name `candor`.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use candor::{spawn, yield_now};

use super::executor;

#[test]
fn a_detached_task_runs_on() {
    let executor = executor();
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
}

#[test]
fn an_aborted_task_is_cancelled_whether_it_waits_or_is_ready_or_was_never_polled() {
    executor().block_on(async {
        let waiting = spawn(pending::<()>());
        yield_now().await;
        let ready = spawn(async {
            loop {
                yield_now().await;
            }
        });
        yield_now().await;
        let never_polled = spawn(async { unreachable!("it was aborted before its first poll") });
        waiting.abort();
        ready.abort();
        never_polled.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(ready.await.unwrap_err().is_cancelled());
        assert!(never_polled.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_task_that_is_queued_already_is_aborted_in_its_turn() {
    executor().block_on(async {
        let waker = Rc::new(RefCell::new(None::<Waker>));
        let kept = waker.clone();
        let polls = Rc::new(Cell::new(0));
        let seen = polls.clone();
        let task = spawn(poll_fn(move |cx| {
            seen.set(seen.get() + 1);
            kept.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        yield_now().await;
        waker.take().unwrap().wake();
        task.abort();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn a_task_is_aborted_from_outside_of_its_executor() {
    let executor = executor();
    let task = executor.spawn(pending::<()>());
    executor.block_on(yield_now());
    task.abort();
    assert!(executor.block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn an_unfinished_task_is_cancelled_when_the_executor_is_gone() {
    let executor = executor();
    let waiting = executor.spawn(pending::<()>());
    executor.block_on(yield_now());
    let never_polled = executor.spawn(async {});
    drop(executor);
    assert!(waiting.is_finished());
    candor::block_on(async {
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(never_polled.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn an_awaiter_in_another_executor_is_woken() {
    let [first, second] = [executor(), executor()];
    let task = first.spawn(yield_now());
    let awaiter = second.spawn(async move { task.await.is_ok() });
    second.block_on(yield_now());
    assert!(!awaiter.is_finished());
    first.drain();
    second.drain();
    assert!(second.block_on(awaiter).unwrap());
}

#[test]
fn an_awaiter_in_another_executor_is_woken_when_the_task_is_cancelled() {
    let [first, second] = [executor(), executor()];
    let task = first.spawn(pending::<()>());
    let awaiter = second.spawn(async move { task.await.unwrap_err().is_cancelled() });
    second.block_on(yield_now());
    drop(first);
    assert!(second.block_on(awaiter).unwrap());
}
