//! The handle of a task that runs on another thread.
//!
//! Knows what it shares with the task, and the current executor, where it notes the place of the await.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::kernel::failure::{AwaitKind, JoinError, TaskId, await_line};
use crate::kernel::tasks::current_executor;
use crate::outcome::{Outcome, Value};
use crate::remote::Remote;
use crate::remote::shared::OrderOf;

/// Awaits the outcome of a task on another thread: a [`JoinHandle`](crate::JoinHandle) that is `Send`.
///
/// It can be awaited anywhere: in another executor of candor, in another runtime, in a plain thread by any
/// `block_on`, or in a task of the same executor. Dropping it detaches the task.
///
/// The rules for failures are those of a `JoinHandle`: as long as the handle is held a failure waits for it, and is
/// reported as `not awaited yet` if nobody awaits it within the executor's [grace](crate::Builder::grace). All
/// reports are made on the executor's thread, so a failure whose handle is dropped is reported when the executor runs
/// next, or when it is dropped.
///
/// After the executor has ended, the outcome of a finished task can still be awaited. An unfinished task
/// is [`Cancelled`](JoinError::Cancelled).
///
/// After a task has found 128 of candor's own futures ready in one poll, without waiting for any, it lets others run.
///
/// # Panics
///
/// If it is polled again after it has given its outcome.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// let executor = candor::Executor::new();
/// let remote = executor.remote();
/// let parsed = remote.spawn(|| async { "7".parse::<u8>() }).unwrap();
/// let waiting = thread::spawn(move || futures::executor::block_on(parsed));
/// executor.drain();
/// assert_eq!(waiting.join().unwrap().unwrap(), 7);
/// ```
pub struct RemoteHandle<T: Outcome> {
    pub(super) order: Arc<dyn OrderOf<T>>,
    pub(super) remote: Remote,
    /// The awaiter has let other tasks run.
    pub(super) has_waited: bool,
}

impl<T: Outcome> RemoteHandle<T> {
    /// Cancels the task, from any thread. Its future is dropped, on its own thread, before it would be polled again. A
    /// task that is done, or has just had its last poll, keeps its outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.remote().spawn(|| std::future::pending::<()>()).unwrap();
    /// task.abort();
    /// assert!(executor.block_on(task).unwrap_err().is_cancelled());
    /// ```
    pub fn abort(&self) {
        if self.order.shared().abort() {
            self.let_it_be_seen();
        }
    }

    /// Returns whether the task is done: it returned, failed, or was cancelled.
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.remote().spawn(|| async {}).unwrap();
    /// assert!(!task.is_finished());
    /// executor.drain();
    /// assert!(task.is_finished());
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.order.shared().is_finished()
    }

    /// Returns the task's number; `None` until the executor has made the task.
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.remote().spawn(|| async {}).unwrap();
    /// assert_eq!(task.id(), None);
    /// executor.drain();
    /// assert_eq!(task.id().unwrap().to_string(), "#1");
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.order.shared().id()
    }

    /// Lets the task run on by itself. The same as dropping the handle, but explicit.
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.remote().spawn(|| async { println!("On its own.") }).unwrap().detach();
    /// executor.drain();
    /// assert!(executor.tasks().is_empty());
    /// ```
    pub fn detach(self) {}

    /// Makes the executor look at what this handle requests.
    fn let_it_be_seen(&self) {
        // An executor that has ended has cancelled every task, and reports every failure that is left.
        self.remote.leave(Arc::clone(&self.order) as _).ok();
    }
}

impl<T: Outcome> Future for RemoteHandle<T> {
    type Output = Result<T::Ok, JoinError<T::Err>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let shared = this.order.shared();
        let is_put_off = !this.has_waited && shared.is_finished() && current_executor::is_spent(cx);
        let poll = match is_put_off {
            true => Poll::Pending,
            false => shared.poll(cx),
        };
        match &poll {
            Poll::Pending => {
                this.has_waited = true;
                current_executor::note_await(AwaitKind::REMOTE, await_line(shared.spawned_at));
            }
            Poll::Ready(outcome) => current_executor::note_reading(outcome),
        }
        poll
    }
}

impl<T: Outcome> Drop for RemoteHandle<T> {
    fn drop(&mut self) {
        if self.order.shared().detach() {
            self.let_it_be_seen();
        }
    }
}

/// A task may return the handle of another task. That is a value, whatever the outcome of the other task is.
impl<T: Outcome> Value for RemoteHandle<T> {}

// A panic finds it whole, as `lib.rs` says of everything.
impl<T: Outcome> std::panic::UnwindSafe for RemoteHandle<T> {}
impl<T: Outcome> std::panic::RefUnwindSafe for RemoteHandle<T> {}

impl<T: Outcome> fmt::Debug for RemoteHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_finished(), self.id()) {
            (true, _) => "finished",
            (false, Some(_)) => "running",
            (false, None) => "under way",
        };
        match self.id() {
            Some(id) => write!(f, "RemoteHandle(task {id}, {state})"),
            None => write!(f, "RemoteHandle({state})"),
        }
    }
}
