//! All tasks have ended: as a future, for a host that awaits it.
//!
//! Knows executors.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::entry::Executor;
use crate::kernel::tasks::{Core, Foreign};

impl Executor {
    /// Waits until no task is left that is not a daemon, as [`drain`](Executor::drain) does, but as a future.
    ///
    /// It runs nothing by itself. Inside of another runtime, drive it with [`run_until`](Executor::run_until).
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.spawn(async { candor::yield_now().await }).detach();
    /// futures::executor::block_on(executor.run_until(executor.drained()));
    /// assert!(executor.tasks().is_empty());
    /// ```
    pub fn drained(&self) -> Drained<'_> {
        Drained { core: &self.core }
    }
}

/// The future of [`Executor::drained`].
///
/// # Examples
///
/// ```
/// let executor = candor::Executor::new();
/// let drained: candor::Drained<'_> = executor.drained();
/// futures::executor::block_on(drained);
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Drained<'a> {
    core: &'a Rc<Core>,
}

impl Future for Drained<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.core.has_work_to_wait_for() {
            return Poll::Ready(());
        }
        if self.core.waited_for.get() == 0 {
            // Errands are left, which the next pass runs; perhaps none of them makes a task.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.core.wake_at_end(cx.waker());
        // While the waker was cloned, the last task may have ended.
        match self.core.has_work_to_wait_for() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

impl Core {
    /// Wakes this waker when the last task has ended, or one that was aborted. Check again afterwards: while the waker is cloned,
    /// it may have ended.
    pub(crate) fn wake_at_end(&self, waker: &Waker) {
        let is_known = |known: &Foreign| known.0.will_wake(waker);
        if !self.on_ended.borrow().iter().any(is_known) {
            let waker = Foreign(waker.clone());
            self.on_ended.borrow_mut().push(waker);
        }
    }
}

impl fmt::Debug for Drained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained").finish_non_exhaustive()
    }
}
