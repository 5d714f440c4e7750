//! What a handle knows of its task, beside the outcome: its id, its name, and whether it is done.
//!
//! Knows tasks and handles.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::kernel::failure::TaskId;
use crate::kernel::tasks::JoinHandle;
use crate::outcome::Value;

impl<T> JoinHandle<T> {
    /// Returns whether the task is done: it returned, failed, or was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async {});
    ///     assert!(!task.is_finished());
    ///     candor::yield_now().await;
    ///     assert!(task.is_finished());
    /// });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.header().is_finished()
    }

    /// Returns the task's number.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async {});
    ///     assert_eq!(task.id().to_string(), "#1");
    ///     task.await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.header().id
    }

    /// Returns the task's name, if it was given one.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let fetch = candor::TaskBuilder::new().name("fetch").spawn(async {});
    ///     assert_eq!(fetch.name(), Some("fetch"));
    ///     fetch.await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.header().name()
    }

    /// Lets the task run on by itself. The same as dropping the handle, but explicit.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let (send, received) = mpsc::channel();
    /// let _ = candor::run(async {
    ///     candor::spawn(async move { send.send("on its own").unwrap() }).detach();
    /// });
    /// assert_eq!(received.recv(), Ok("on its own"));
    /// ```
    pub fn detach(self) {}
}

// A panic finds it whole, as `lib.rs` says of everything.
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

/// A task may return the handle of another task. That is a value, whatever happens to the other task.
impl<T> Value for JoinHandle<T> {}
