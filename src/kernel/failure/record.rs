//! Which task failed: the record that an awaiter gets beside the error. It uses the memory of the last record that
//! was dropped on the same thread.
//!
//! For an awaiter an `Err` is often an answer and not a failure. It should cost no more than a value. But a record has a
//! box of its own, and the lineage in it has an atomic count, because it may leave the thread. Such answers often come
//! one after the other from siblings, so the next record takes over the box and the lineage. The text is made only when
//! it is asked for.
//!
//! ```text
//! Err ──► Record ──► its awaiter, which drops it ──► RESERVE ──► the Record of the next Err
//!           └─ asked ──► TaskFailure
//! ```
//!
//! Knows only failures.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

use crate::kernel::failure::{Account, FailureKind, Origin, OriginOf, TaskFailure, reporter};

thread_local! {
    /// The memory of the last record that was dropped on this thread; taken by the next `Err`.
    static RESERVE: Cell<Option<Box<Parts>>> = const { Cell::new(None) };
}

/// Which task returned an error. It stands beside the error in [`JoinError::Failed`](crate::JoinError::Failed).
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let task = candor::TaskBuilder::new().name("fetch").spawn(async { Err::<(), _>(404) });
///     let Err(JoinError::Failed(404, record)) = task.await else { unreachable!() };
///     assert_eq!(record.to_string(), "task #1 `fetch`");
///     assert_eq!((record.task_name(), record.last_await()), (Some("fetch"), None));
///     assert_eq!(record.task_id().to_string(), "#1");
///     assert!(record.lineage().ancestors().is_empty());
/// });
/// ```
pub struct Record(Option<Box<Parts>>);

pub(crate) struct Parts {
    pub(crate) origin: Origin,
    failure: OnceLock<TaskFailure>,
}

impl Record {
    pub(crate) fn new(origin: Origin) -> Self {
        let failure = OnceLock::new();
        Record(Some(Box::new(Parts { origin, failure })))
    }

    /// The record of a task that has returned `Err`.
    #[inline]
    pub(crate) fn of_task(task: OriginOf<'_>) -> Self {
        // While the thread ends, there is no reserve any more.
        let Ok(Some(mut parts)) = RESERVE.try_with(Cell::take) else {
            return Record::new(task.to_owned());
        };
        // Each field by name: a field that is added later must not be taken over by oversight. The failure was taken out when
        // the record was dropped.
        let Parts { origin, failure: _ } = &mut *parts;
        task.write_to(origin);
        Record(Some(parts))
    }

    /// The failure of the task that returned `error`. The first call asks the error for its text.
    pub(crate) fn failure<E: fmt::Debug + 'static>(&self, error: &E) -> &TaskFailure {
        self.failure_or(|| reporter().account(error))
    }

    /// The failure. The first call makes its text with `tell`, which is user code and may call this function again.
    pub(crate) fn failure_or(&self, tell: impl FnOnce() -> Account) -> &TaskFailure {
        let parts = self.parts();
        if parts.failure.get().is_none() {
            let (account, origin) = (tell(), parts.origin.clone());
            let made = TaskFailure::new(origin, FailureKind::Failed, account);
            // If there is one already, it stays: it may have been reported.
            parts.failure.set(made).ok();
        }
        parts.failure.get().expect("it has just been set")
    }

    pub(crate) fn parts(&self) -> &Parts {
        self.0.as_ref().expect("it is full until it is dropped")
    }
}

impl Drop for Record {
    #[inline]
    fn drop(&mut self) {
        if let Some(mut parts) = self.0.take() {
            // Its text may be large.
            parts.failure.take();
            RESERVE.try_with(|reserve| reserve.set(Some(parts))).ok();
        }
    }
}
