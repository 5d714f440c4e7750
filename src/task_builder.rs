//! Spawning with a name, or as a daemon.
//!
//! Each kind of place that takes tasks (executors, groups, pools, remotes) adds a function to the builder in its own file.
//! Here is also how a large future is boxed before it is passed on, which all of them need.
//!
//! Knows the kernel.

use std::sync::Arc;

use crate::kernel::tasks::JoinHandle;
use crate::kernel::tasks::spawn::spawn_here;
use crate::outcome::Outcome;

/// Evaluates an expression that passes a future on, which is boxed before if it [is large](crate::kernel::tasks::is_large). This is
/// no closure: a panic in the expression is at the place of the caller.
macro_rules! boxed_if_large {
    (|$future:ident: $F:ty| $passes_it_on:expr) => {
        match const { crate::kernel::tasks::is_large::<$F>() } {
            true => {
                let $future = Box::pin($future);
                $passes_it_on
            }
            false => $passes_it_on,
        }
    };
}
pub(crate) use boxed_if_large;

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

    /// Spawns the task on the executor that runs on this thread, as [`spawn`](crate::spawn) does.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
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
    pub fn spawn<F: Future<Output: Outcome> + 'static>(self, future: F) -> JoinHandle<F::Output> {
        boxed_if_large!(|future: F| spawn_here(self.name, self.is_daemon, future))
    }
}
