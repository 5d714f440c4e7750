use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{TaskHandle, TaskTable};
use crate::support::{Bell, Counting, SetOnDrop, poll_once, poll_with};

/// Exercise 13.
pub fn check() {
    without_an_abort_all_is_as_before();
    a_task_that_waits_is_dropped_and_its_joiner_woken();
    a_task_that_is_ready_is_not_polled_again();
    a_finished_task_keeps_its_outcome();
    a_task_may_abort_itself();
}

fn without_an_abort_all_is_as_before() {
    let table = TaskTable::default();
    let mut handle = table.spawn(ready(5));
    drop(table.spawn(ready(6)));
    table.run_ready_tasks();
    assert_eq!(poll_once(&mut handle), Poll::Ready(Some(5)));
}

fn a_task_that_waits_is_dropped_and_its_joiner_woken() {
    let table = TaskTable::default();
    let is_gone = Rc::new(Cell::new(false));
    let flag = SetOnDrop(is_gone.clone());
    let bell = Bell::default();
    let rung = bell.clone();
    let mut handle = table.spawn(async move {
        let _flag = flag;
        rung.await;
        panic!("a task that was aborted runs on");
    });
    table.run_ready_tasks();
    let joiner = Arc::new(Counting::default());
    assert!(poll_with(&Waker::from(joiner.clone()), &mut handle).is_pending());
    handle.abort();
    table.run_ready_tasks();
    assert!(
        is_gone.get(),
        "the future of the aborted task is still there: it waits for a wake that may never come"
    );
    assert!(joiner.wakes() > 0, "the task that joins it sleeps on");
    assert_eq!(
        poll_once(&mut handle),
        Poll::Ready(None),
        "the handle says that the task was aborted"
    );
    // A late wake finds nobody.
    bell.ring();
    table.run_ready_tasks();
}

fn a_task_that_is_ready_is_not_polled_again() {
    let table = TaskTable::default();
    let polls = Rc::new(Cell::new(0));
    let seen = polls.clone();
    let mut handle = table.spawn(async move { seen.set(seen.get() + 1) });
    handle.abort();
    handle.abort();
    table.run_ready_tasks();
    assert_eq!(polls.get(), 0, "it was aborted before its first poll");
    assert_eq!(poll_once(&mut handle), Poll::Ready(None));
}

fn a_finished_task_keeps_its_outcome() {
    let table = TaskTable::default();
    let mut handle = table.spawn(ready("done"));
    table.run_ready_tasks();
    handle.abort();
    table.run_ready_tasks();
    assert_eq!(
        poll_once(&mut handle),
        Poll::Ready(Some("done")),
        "it was done before it was aborted"
    );
}

fn a_task_may_abort_itself() {
    let table = TaskTable::default();
    let own = Rc::new(RefCell::new(None::<TaskHandle<()>>));
    let (kept, is_gone) = (own.clone(), Rc::new(Cell::new(false)));
    let flag = SetOnDrop(is_gone.clone());
    let handle = table.spawn(async move {
        let _flag = flag;
        if let Some(handle) = &*kept.borrow() {
            handle.abort();
        }
        pending().await
    });
    *own.borrow_mut() = Some(handle);
    table.run_ready_tasks();
    assert!(
        is_gone.get(),
        "a task that aborts itself is gone after its poll"
    );
    let handle = own.take();
    assert_eq!(poll_once(handle.unwrap()), Poll::Ready(None));
}
