//! Step 5: tasks that are aborted, dropped with their executor, or panic.

mod in_time;

use std::cell::Cell;
use std::future::{pending, ready};
use std::rc::Rc;

use in_time::in_time;
use your_own_executor::{Executor, JoinError, JoinHandle, block_on, spawn, yield_now};

struct SetOnDrop(Rc<Cell<bool>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// A task that waits for ever, and says when its future is dropped.
fn endless() -> (Rc<Cell<bool>>, impl Future<Output = ()> + use<>) {
    let is_gone = Rc::new(Cell::new(false));
    let flag = SetOnDrop(is_gone.clone());
    let future = async move {
        let _flag = flag;
        pending().await
    };
    (is_gone, future)
}

#[test]
fn an_aborted_task_is_gone_when_its_handle_says_so() {
    in_time(|| {
        block_on(async {
            let (is_gone, future) = endless();
            let task = spawn(future);
            yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(is_gone.get());
        });
    });
}

#[test]
fn a_finished_task_keeps_its_outcome() {
    in_time(|| {
        block_on(async {
            let task = spawn(ready(5));
            yield_now().await;
            task.abort();
            yield_now().await;
            assert_eq!(task.await.unwrap(), 5);
        });
    });
}

#[test]
fn tasks_are_dropped_with_their_executor_and_their_handles_are_cancelled() {
    in_time(|| {
        let (is_gone, future) = endless();
        let executor = Executor::new();
        let waits = executor.spawn(future);
        let is_done = executor.spawn(ready(5));
        executor.block_on(yield_now());
        drop(executor);
        assert!(is_gone.get() && waits.is_finished());
        assert!(block_on(waits).unwrap_err().is_cancelled());
        assert_eq!(block_on(is_done).unwrap(), 5, "it was done before");
    });
}

#[test]
fn a_panic_goes_to_the_awaiter_and_disturbs_nobody_else() {
    in_time(|| {
        let executor = Executor::new();
        executor.block_on(async {
            let fails: JoinHandle<()> = spawn(async { panic!("boom") });
            let sibling = spawn(yield_now());
            match fails.await {
                Err(JoinError::Panicked(panic)) => {
                    assert_eq!(panic.downcast_ref(), Some(&"boom"));
                }
                other => panic!("{other:?}"),
            }
            sibling.await.unwrap();
        });
        assert_eq!(executor.failures(), 0, "somebody has read it");
    });
}

#[test]
fn a_panic_that_nobody_reads_is_counted_once() {
    in_time(|| {
        let executor = Executor::new();
        executor
            .spawn(async { panic!("nobody awaits it") })
            .detach();
        let unread: JoinHandle<()> =
            executor.spawn(async { panic!("the handle is dropped later") });
        executor.drain();
        assert_eq!(executor.failures(), 1);
        drop(unread);
        assert_eq!(executor.failures(), 2);
    });
}
