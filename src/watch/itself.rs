//! Which task runs: for those who want to say so.
//!
//! Knows the current executor.

use crate::kernel::failure::TaskId;
use crate::kernel::tasks::current_executor as running;

/// The task that runs. Made by [`current`](crate::current()).
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::TaskBuilder::new().name("fetch").spawn(async {
///         let itself: candor::CurrentTask = candor::current().unwrap();
///         assert_eq!((itself.id().to_string(), itself.name()), ("#1".to_owned(), Some("fetch")));
///     });
///     task.await.unwrap();
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CurrentTask {
    id: TaskId,
    name: Option<String>,
}

/// Returns the task that is polled on this thread right now; `None` outside of a task. The main future, which `block_on` or `run`
/// was given, is no task.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     assert!(candor::current().is_none());
///     let id = candor::spawn(async { candor::current().unwrap().id().to_string() });
///     assert_eq!(id.await.unwrap(), "#1");
/// });
/// ```
#[must_use]
pub fn current() -> Option<CurrentTask> {
    let current = running::with(|core| {
        core.running_task().map(|task| CurrentTask {
            id: task.header().id,
            name: task.header().name().map(str::to_owned),
        })
    });
    current.flatten()
}

impl CurrentTask {
    /// Returns the task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
