//! Spawning: a future becomes a task of the executor that runs on this thread.
//!
//! `spawn` is not an async function: then the place of the call would be unknown. That place is the
//! first line of every lineage.
//!
//! Knows the core, the current executor and the handle.

use std::panic::Location as Caller;
use std::rc::Rc;
use std::sync::Arc;

use crate::kernel::tasks::{Core, JoinHandle, Task, current};
use crate::outcome::{Outcome, check_for_nested_result};

/// Spawns a task on the executor that runs on this thread.
///
/// The executor keeps the task alive, so you need not hold the handle. If the task fails after its handle
/// was dropped, the failure is reported. If the handle is held, the failure waits for it to be awaited.
///
/// The future need not be `Send` or `Sync`.
///
/// # Panics
///
/// If no executor runs on this thread, or if four billion tasks are alive in it, as many as a waker can number.
///
/// A future of more than 16 KiB is boxed first: in a debug build each function that passes it on has a copy on its stack.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::spawn(async { 6 * 7 });
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// ```
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: Outcome,
{
    TaskBuilder::new().spawn(future)
}

/// Whether a future is so large that it is boxed before it is passed on. In a debug build each function on the way has a
/// copy of it on its stack. (tokio does the same.)
///
/// Call it in a `const` block: then only one of the two ways is compiled. Otherwise a debug build keeps room on the stack
/// for both, and a release build no longer inlines some functions.
pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() > 16 * 1024
}

/// Spawns a task with a name, or as a daemon. The counterpart of [`std::thread::Builder`].
///
/// # Examples
///
/// ```
/// use candor::TaskBuilder;
///
/// candor::block_on(async {
///     let fetch = TaskBuilder::new().name("fetch").spawn(async { 1 });
///     assert_eq!(fetch.name(), Some("fetch"));
///     TaskBuilder::new().name("heartbeat").daemon().spawn(async { loop { candor::yield_now().await } }).detach();
///     assert_eq!(fetch.await.unwrap(), 1);
/// });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it spawns nothing by itself"]
pub struct TaskBuilder {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) is_daemon: bool,
}

impl TaskBuilder {
    /// Begins a task without a name, which is not a daemon.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::TaskBuilder::new().spawn(async { 6 * 7 });
    ///     assert_eq!(task.name(), None);
    ///     assert_eq!(task.await.unwrap(), 42);
    /// });
    /// ```
    pub fn new() -> Self {
        TaskBuilder::default()
    }

    /// Names the task in reports. Names need not be unique.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let fetch = candor::TaskBuilder::new().name("fetch").spawn(async { panic!("boom") });
    ///     assert_eq!(fetch.await.unwrap_err().to_string(), "task #1 `fetch` panicked: boom");
    /// });
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Lets [`run`](crate::run) and [`Executor::drain`](crate::Executor::drain) end without this task, and without a
    /// report about it. `run` cancels it when everything else is done. In an executor that is kept it lives on.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let heartbeat = candor::TaskBuilder::new().daemon().spawn_on(&executor, std::future::pending::<()>());
    /// executor.drain();
    /// assert!(!heartbeat.is_finished());
    /// drop(executor);
    /// assert!(heartbeat.is_finished());
    /// ```
    pub fn daemon(mut self) -> Self {
        self.is_daemon = true;
        self
    }

    /// Spawns the task on the executor that runs on this thread, as [`spawn`] does.
    ///
    /// # Panics
    ///
    /// As [`spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let sum = candor::TaskBuilder::new().name("sum").spawn(async { 1 + 2 });
    ///     assert_eq!(sum.await.unwrap(), 3);
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        let core = current::get().expect(
            "`spawn` was called where no executor runs on this thread. Call it from within \
             `candor::run(async { … })` or `candor::block_on(async { … })`, or spawn on an executor that you hold: \
             `executor.spawn(future)`",
        );
        let at = Caller::caller();
        if const { is_large::<F>() } {
            return self.spawn_onto(&core, Box::pin(future), at);
        }
        self.spawn_onto(&core, future, at)
    }

    #[inline]
    pub(crate) fn spawn_onto<F>(
        self,
        core: &Rc<Core>,
        future: F,
        at: &'static Caller<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        check_for_nested_result::<F::Output>(at);
        let spawned_by = match self.name {
            None => core.parentage(),
            Some(name) => core.parentage_named(name),
        };
        let make = |header| Task::new(header, future);
        JoinHandle {
            task: core.spawn(at, spawned_by, self.is_daemon, make),
            has_waited: false,
        }
    }
}
