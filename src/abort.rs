//! Aborting a task: a mark on the task, which its executor finds.
//!
//! Knows tasks, the core and the current executor.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::hosts::drained::AwaitedEnd;
use crate::hosts::notify_elsewhere;
use crate::kernel::failure::{AwaitKind, JoinError, TaskId, await_line};
use crate::kernel::tasks::{AnyTask, Core, Counted, JoinHandle, current_executor};
use crate::outcome::{Outcome, Value};

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
    pub(crate) task: Counted<AnyTask>,
}

impl AbortHandle {
    /// Cancels the task, as [`JoinHandle::abort`](crate::JoinHandle::abort) does.
    ///
    /// The future is not dropped here: that would run a destructor of the task in the middle of the code that aborts
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
        if !header.is_finished()
            && !header.is_aborted.replace(true)
            && let Some(core) = Core::of(header)
        {
            core.slots.wake_tenant(header.slot.get());
            notify_elsewhere(&core);
        }
    }

    /// Cancels the task, as [`abort`](AbortHandle::abort) does, and waits until its future is gone.
    ///
    /// A task that is done already is gone. A task that cancels itself ends at this await. After 128 of candor's own futures were
    /// ready in one poll of the awaiting task, it lets others run.
    /// It ends when the task's executor runs. So do not await it in a nested `block_on`, which holds that executor up.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     let stop = task.abort_handle();
    ///     stop.cancel().await;
    ///     assert!(task.is_finished());
    /// });
    /// ```
    pub fn cancel(&self) -> Cancelling {
        Cancelling {
            task: self.clone(),
            end: AwaitedEnd::default(),
        }
    }

    /// Gives the task up without dropping its future. The one whose code runs here goes on.
    pub(crate) fn leak(&self) {
        if !self.is_finished()
            && let Some(core) = Core::of(self.task.header())
        {
            let running = core.polling.running.get();
            core.leak(&self.task);
            core.polling.running.set(running);
        }
    }

    /// Returns whether the task is done, as [`JoinHandle::is_finished`](crate::JoinHandle::is_finished) does.
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
        self.task.header().is_finished()
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
impl Value for AbortHandle {}
impl std::panic::UnwindSafe for AbortHandle {}
impl std::panic::RefUnwindSafe for AbortHandle {}

/// The future of [`AbortHandle::cancel`].
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::spawn(std::future::pending::<()>());
///     let cancelling: candor::Cancelling = task.abort_handle().cancel();
///     cancelling.await;
///     assert!(task.is_finished());
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Cancelling {
    task: AbortHandle,
    end: AwaitedEnd,
}

impl Future for Cancelling {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.task.abort();
        let header = this.task.task.header();
        if !header.is_finished()
            && let Some(core) = Core::of(header)
        {
            this.end.keep(&core, cx.waker());
        }
        if header.is_finished() && this.end.ready_in_turn(cx).is_ready() {
            return Poll::Ready(());
        }
        current_executor::note_await(AwaitKind::JOIN, await_line(header.spawned_at));
        Poll::Pending
    }
}

impl<T> JoinHandle<T> {
    /// Cancels the task: its future is dropped before it would be polled again, and the outcome is
    /// [`JoinError::Cancelled`]. A task that is done, or finishes in the poll that is running, keeps its
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

    /// Returns a handle that can abort the task, without access to its outcome.
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
            task: self.task.clone().any(),
        }
    }

    /// Cancels the task, as [`abort`](JoinHandle::abort) does; awaiting the result waits until its future is gone.
    ///
    /// A task that is done already, or finishes in the poll that is running, gives its outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     assert!(task.cancel().await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[must_use = "to cancel a task without waiting for its end, use `abort`"]
    pub fn cancel(self) -> Self {
        self.abort();
        self
    }

    /// Turns this into a handle that aborts its task when it is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     let stop = task.abort_handle();
    ///     drop(task.abort_on_drop());
    ///     candor::yield_now().await;
    ///     assert!(stop.is_finished());
    /// });
    /// ```
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop { handle: self }
    }
}

/// A [`JoinHandle`] that aborts its task when it is dropped. Made by [`JoinHandle::abort_on_drop`].
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task: candor::AbortOnDrop<i32> = candor::spawn(async { 5 }).abort_on_drop();
///     assert!(!task.is_finished());
///     assert_eq!(task.await.unwrap(), 5);
/// });
/// ```
#[must_use = "dropping it aborts the task"]
pub struct AbortOnDrop<T> {
    handle: JoinHandle<T>,
}

impl<T> Deref for AbortOnDrop<T> {
    type Target = JoinHandle<T>;

    fn deref(&self) -> &JoinHandle<T> {
        &self.handle
    }
}

impl<T: Outcome> Future for AbortOnDrop<T> {
    type Output = Result<T::Ok, JoinError<T::Err>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl<T> Value for AbortOnDrop<T> {}

impl<T> fmt::Debug for AbortOnDrop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortOnDrop({:?})", self.handle)
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortHandle({:?})", self.task.header())
    }
}

impl fmt::Debug for Cancelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancelling({:?})", self.task.task.header())
    }
}
