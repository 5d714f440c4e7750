//! Spawning from another thread.
//!
//! ```text
//!  another thread                        the executor's thread
//!
//!  remote.spawn(make) ──── Order ────►   at the beginning of a pass: makes a task of it
//!        │                               first poll: calls `make`, polls its future
//!        ▼                               …
//!  RemoteHandle ◄───── Shared ────────   done: the outcome is there
//! ```
//!
//! Wakers are numbers and tasks are plain `Rc`s, because no other thread ever sees a task. So no future moves
//! between threads: a closure goes in, and an outcome comes out. The future is made, polled and dropped on the
//! executor's thread, and need not be `Send`.
//!
//! | file | holds |
//! |---|---|
//! | `order` | the closure on its way, and the later requests of its handle |
//! | `shared` | what the handle and the task share: the outcome, and its awaiter |
//! | `task` | the task: its future is kept like any other, its outcome is not |
//! | `handle` | what `spawn` returns |
//! | `errands` | the way in: the list of errands of one executor |
//! | `errand_queue` | that list: a queue that can be closed |
//! | `refused` | how futures and closures are dropped that came too late |
//! | `spawner` | spawning by the traits of the futures crate |
//!
//! Knows executors and their core.

pub(crate) mod errand_queue;
pub(crate) mod errands;
mod handle;
mod order;
pub(crate) mod refused;
mod shared;
pub(crate) mod spawner;
mod task;

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

pub use handle::RemoteHandle;

use crate::entry::Executor;
use crate::kernel::tasks::{Inbox, is_large};
use crate::outcome::{Outcome, Value, check_for_nested_result};
use crate::remote::errands::{Errand, SharedErrands};
use crate::remote::refused::drop_refused;
use crate::task_builder::TaskBuilder;
use order::{Order, lineage_of_caller};

/// Spawns tasks on an executor from any thread. Made by [`Executor::remote`].
///
/// It keeps neither the executor nor any of its tasks alive. A live `Remote` alone does not keep
/// [`Executor::drain`] from returning, since it may never be used.
///
/// # Examples
///
/// A window belongs to one thread, and other threads want to show something in it:
///
/// ```
/// use std::cell::RefCell;
/// use std::rc::Rc;
/// use std::thread;
///
/// thread_local! {
///     static LINES: Rc<RefCell<Vec<String>>> = Rc::default();
/// }
///
/// let executor = candor::Executor::new();
/// let remote = executor.remote();
/// let worker = thread::spawn(move || {
///     let shown = remote.spawn(|| {
///         // This runs on the executor's thread: an `Rc` is made there, and stays there.
///         let lines = LINES.with(Rc::clone);
///         async move {
///             candor::yield_now().await;
///             lines.borrow_mut().push("done".to_owned());
///             lines.borrow().len()
///         }
///     });
///     let shown = shown.expect("the executor is there");
///     futures::executor::block_on(shown).unwrap()
/// });
/// # while !worker.is_finished() { executor.drain(); thread::yield_now(); }
/// # executor.drain();
/// assert_eq!(worker.join().unwrap(), 1);
/// ```
#[derive(Clone)]
pub struct Remote {
    errands: SharedErrands,
    inbox: &'static Inbox,
    serial: u64,
}

impl Executor {
    /// Returns a way to spawn tasks on this executor from other threads.
    ///
    /// What they spawn is polled when the executor runs: within [`run`](Executor::run),
    /// [`block_on`](Executor::block_on) or [`drain`](Executor::drain). A spawn calls the host, as a wake does: by
    /// [`on_wake`](crate::Builder::on_wake), or by the waker of [`run_until`](Executor::run_until). Under [virtual
    /// time](crate::Builder::virtual_time) the executor does not wait for other threads while a timer is set.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let remote = executor.remote();
    /// std::thread::spawn(move || remote.spawn(|| async { println!("Hello from there!") }).map(drop))
    ///     .join()
    ///     .unwrap()
    ///     .unwrap();
    /// executor.drain();
    /// ```
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote {
            errands: self.core.errands(),
            inbox: self.core.inbox,
            serial: self.core.serial,
        }
    }
}

impl Remote {
    /// Spawns a task on the executor, from any thread.
    ///
    /// `make` is sent to the executor and called in the task's first poll. The task goes on as the future that `make`
    /// returns. That future never leaves the executor's thread, so it need not be `Send`. Its output is sent back to
    /// the handle. The tasks of one thread begin in the order of spawning.
    ///
    /// If `make` panics, the task has failed, as if its future had panicked. An unread failure is reported
    /// on the executor's thread, like that of any other task.
    ///
    /// [`run`](Executor::run) and [`drain`](Executor::drain) wait for the task, if it was spawned before
    /// their last check.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the executor is gone; `make` is dropped then. If a task was spawned before that, and is not done
    /// when its executor ends, it is [`Cancelled`](crate::JoinError::Cancelled): its handle never waits forever.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let remote = executor.remote();
    /// let task = remote.spawn(|| async { 6 * 7 }).unwrap();
    /// assert_eq!(executor.block_on(task).unwrap(), 42);
    ///
    /// drop(executor);
    /// assert!(remote.spawn(|| async { 6 * 7 }).is_err());
    /// ```
    #[track_caller]
    pub fn spawn<M, F>(&self, make: M) -> Result<RemoteHandle<F::Output>, Closed>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Outcome<Ok: Send, Err: Send>,
    {
        match const { is_large::<M>() } {
            true => self.spawn_small(TaskBuilder::new(), Box::new(make)),
            false => self.spawn_small(TaskBuilder::new(), make),
        }
    }

    #[track_caller]
    fn spawn_small<M, F>(
        &self,
        builder: TaskBuilder,
        make: M,
    ) -> Result<RemoteHandle<F::Output>, Closed>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Outcome<Ok: Send, Err: Send>,
    {
        let at = Location::caller();
        check_for_nested_result::<F::Output>("task spawned", at);
        let asked = (make, lineage_of_caller(self.serial), builder);
        let order = Arc::new(Order::new(asked, at));
        if let Err(closed) = self.leave(Arc::clone(&order) as _) {
            drop_refused(order, at);
            return Err(closed);
        }
        let remote = self.clone();
        Ok(RemoteHandle {
            order,
            remote,
            has_waited: false,
        })
    }

    /// Leaves an errand for the executor, and notifies it.
    fn leave(&self, errand: Arc<dyn Errand>) -> Result<(), Closed> {
        self.errands.push(errand).map_err(|_refused| Closed(()))?;
        self.inbox.notify();
        Ok(())
    }
}

impl TaskBuilder {
    /// Spawns a task on the executor of a [`Remote`], from any thread, with the name that it was given. Otherwise as
    /// [`Remote::spawn`].
    ///
    /// # Errors
    ///
    /// As [`Remote::spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::builder().on_failure(|failure| {
    ///     assert_eq!(failure.task_name(), Some("fetch"));
    /// }).build();
    /// let fetch = candor::TaskBuilder::new().name("fetch");
    /// let task = fetch.spawn_remote(&executor.remote(), || async { Err::<(), _>("connection lost") });
    /// task.unwrap().detach();
    /// executor.drain();
    /// assert_eq!(executor.failures(), 1);
    /// ```
    #[track_caller]
    pub fn spawn_remote<M, F>(
        self,
        remote: &Remote,
        make: M,
    ) -> Result<RemoteHandle<F::Output>, Closed>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Outcome<Ok: Send, Err: Send>,
    {
        match const { is_large::<M>() } {
            true => remote.spawn_small(self, Box::new(make)),
            false => remote.spawn_small(self, make),
        }
    }
}

impl Value for Remote {}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

/// The executor is gone, so nothing can be spawned on it any more.
///
/// # Examples
///
/// ```
/// let remote = candor::Executor::new().remote();
/// let closed = remote.spawn(|| async {}).unwrap_err();
/// assert!(closed.to_string().starts_with("the executor is gone"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Closed(());

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the executor is gone, so the task was not spawned; keep the Executor until the threads \
             that spawn on it are done",
        )
    }
}

impl Error for Closed {}
