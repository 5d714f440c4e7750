//! Aborting: a mark on a task, which its executor finds.
//!
//! Knows tasks, the core and the current executor.

use std::fmt;
use std::rc::Rc;

use crate::kernel::failure::TaskId;
use crate::kernel::tasks::{AnyTask, Core, JoinHandle, current};

/// Aborts a task, without the right to its outcome.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::spawn(std::future::pending::<()>());
///     let stop = task.abort_handle();
///     candor::spawn(async move { stop.abort() }).detach();
///     assert!(task.await.unwrap_err().is_cancelled());
/// });
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    task: Rc<AnyTask>,
}

impl AbortHandle {
    /// Cancels the task, as [`JoinHandle::abort`](crate::JoinHandle::abort) does.
    ///
    /// The future is not dropped here: that would run a destructor of the task in the middle of whoever aborts
    /// it. The task is marked, and the executor finds the mark at the task's next turn.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     let stop = task.abort_handle();
    ///     stop.abort();
    ///     assert!(!stop.is_finished());
    ///     candor::yield_now().await;
    ///     assert!(stop.is_finished());
    /// });
    /// ```
    pub fn abort(&self) {
        let header = self.task.header();
        if !header.is_finished.get()
            && !header.is_aborted.replace(true)
            && let Some(core) = Core::of(header)
        {
            current::wake_tenant(&core, header.slot.get());
        }
    }

    /// Gives the task up without dropping its future.
    pub(crate) fn leak(&self) {
        if !self.is_finished()
            && let Some(core) = Core::of(self.task.header())
        {
            core.leak(&self.task);
        }
    }

    /// Tells whether the task is done, as [`JoinHandle::is_finished`](crate::JoinHandle::is_finished) does.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async {});
    ///     let stop = task.abort_handle();
    ///     task.await.unwrap();
    ///     assert!(stop.is_finished());
    /// });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.header().is_finished.get()
    }

    /// Returns the task's number, as [`JoinHandle::id`](crate::JoinHandle::id) does.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async {});
    ///     assert_eq!(task.abort_handle().id(), task.id());
    ///     task.await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.header().id
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for AbortHandle {}
impl std::panic::RefUnwindSafe for AbortHandle {}

impl<T> JoinHandle<T> {
    /// Cancels the task: its future is dropped before it would be polled again, and the outcome is
    /// [`JoinError::Cancelled`](crate::JoinError::Cancelled). A task that is done, or finishes in the poll that is running, keeps its
    /// outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn abort(&self) {
        self.abort_handle().abort();
    }

    /// Gives a handle that can abort the task and keeps nothing else of it.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     let stop = task.abort_handle();
    ///     stop.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            task: self.task.clone(),
        }
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task.header().fmt(f)
    }
}
