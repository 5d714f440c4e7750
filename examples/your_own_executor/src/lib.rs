//! Your own executor, in six steps. The tests say when a step is done:
//!
//! ```sh
//! cd examples/your_own_executor
//! cargo test --test step_1_block_on
//! ```
//!
//! | step | what you write | lessons |
//! |---|---|---|
//! | 1 | `block_on`: a future on this thread, which sleeps while it waits | 1, 3 |
//! | 2 | `Executor::{new, spawn, block_on}`, `spawn`, `yield_now`: tasks and a run queue | 5, 6 |
//! | 3 | `JoinHandle` as a future, `detach`, `is_finished`, `Executor::drain` | 9 |
//! | 4 | wakes from other threads, also of tasks and executors that are gone | 7 |
//! | 5 | `abort`, the drop of an executor, panics, and failures that nobody reads | 12, 13 |
//! | 6 | nothing new: tests of candor itself, which run on your executor | |
//!
//! Replace each `todo!()`, and add fields, types and files as you like. Names and signatures stay, since the tests use
//! them. You may take whatever you want from the lessons. `answer/` passes the same tests: look there when you have
//! something of your own to compare.

#![allow(unused, reason = "what is not written yet uses nothing")]

use std::any::Any;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs a future on this thread until it is ready. While it waits, the thread sleeps.
///
/// From step 2 on: `spawn` works within it. Tasks that are not done when the future is ready are dropped.
pub fn block_on<F: Future>(future: F) -> F::Output {
    todo!("step 1")
}

/// Spawns a task on the executor that runs on this thread, and panics if there is none.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    todo!("step 2")
}

/// Lets all other tasks that are ready run first.
pub async fn yield_now() {
    todo!("step 2")
}

/// Tasks, and the queue of those that are ready. Tasks that are not done stay from one `block_on` to the next.
pub struct Executor {}

impl Executor {
    #[expect(clippy::new_without_default, reason = "one way to make it is enough")]
    pub fn new() -> Self {
        todo!("step 2")
    }

    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        todo!("step 2")
    }

    /// Runs this future and the tasks until this future is ready.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        todo!("step 2")
    }

    /// Runs the tasks until all of them are done.
    pub fn drain(&self) {
        todo!("step 3")
    }

    /// How many tasks have panicked without anybody having read it from the handle.
    pub fn failures(&self) -> u64 {
        todo!("step 5")
    }
}

/// Awaits the outcome of a task. Dropping it detaches the task: it runs on.
pub struct JoinHandle<T>(PhantomData<T>);

impl<T> JoinHandle<T> {
    pub fn detach(self) {
        todo!("step 3")
    }

    /// Whether the task is done: it was ready, has panicked or was cancelled.
    pub fn is_finished(&self) -> bool {
        todo!("step 3")
    }

    /// Asks the executor to drop the future of the task before it is polled again.
    pub fn abort(&self) {
        todo!("step 5")
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        todo!("step 3")
    }
}

/// Why a task has no outcome.
#[derive(Debug)]
pub enum JoinError {
    /// It was aborted, or its executor is gone.
    Cancelled,
    /// With what it panicked.
    Panicked(Box<dyn Any + Send>),
}

impl JoinError {
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled)
    }

    pub fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }
}
