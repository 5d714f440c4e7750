//! The failure that an awaiter gets.
//!
//! `handle.await?` yields the value or a [`JoinError`]. It holds the error or the payload itself, so that the
//! program can act on it, and beside it which task failed. All else is boxed, so that the `Result` of a task
//! that succeeds stays small.
//!
//! Knows no task and no executor.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Mutex;

use crate::kernel::failure::{Record, TaskFailure};

/// Why an awaited task has no value to give.
///
/// It is an [`Error`](std::error::Error) for every `E`, and `Send + Sync` when `E` is, so `?` works with it
/// anywhere. `{}` is one line, which names the task. `{:?}` is the full report, so that an `unwrap` shows where the
/// failure came from. Its [`source`](std::error::Error::source) is the [`TaskFailure`].
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let parsed = candor::spawn(async { "seven".parse::<i32>() });
///     match parsed.await {
///         Ok(number) => println!("{number}"),
///         Err(JoinError::Failed(error, _)) => assert_eq!(error.to_string(), "invalid digit found in string"),
///         Err(JoinError::Panicked(panic)) => panic.resume(),
///         Err(JoinError::Cancelled(_)) => unreachable!("nobody aborted it"),
///     }
/// });
/// ```
pub enum JoinError<E> {
    /// The task returned this error. The record beside it says which task that was.
    Failed(E, Record),
    /// The task panicked.
    Panicked(Panic),
    /// The task was aborted, or its executor ended, before it was done.
    Cancelled(Cancelled),
}

impl<E: Debug + 'static> JoinError<E> {
    /// Returns everything that is known of the failure; `None` for a cancelled task, which did not fail.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async { "seven".parse::<u8>() });
    ///     let error = task.await.unwrap_err();
    ///     assert_eq!(error.failure().unwrap().message(), "invalid digit found in string");
    /// });
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&TaskFailure> {
        match self {
            JoinError::Failed(error, record) => Some(record.failure(error)),
            JoinError::Panicked(panic) => Some(panic),
            JoinError::Cancelled(_) => None,
        }
    }
}

/// Which task was cancelled: it was aborted, or its executor ended, before it was done.
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let task = candor::TaskBuilder::new().name("fetch").spawn(std::future::pending::<()>());
///     task.abort();
///     let Err(JoinError::Cancelled(cancelled)) = task.await else { unreachable!() };
///     assert_eq!(cancelled.to_string(), "task #1 `fetch` was cancelled");
///     assert_eq!(cancelled.task_name(), Some("fetch"));
///     assert_eq!(cancelled.task_id().to_string(), "#1");
/// });
/// ```
pub struct Cancelled(pub(crate) Record);

/// A panic that ended a task. It dereferences to its [`TaskFailure`], which has the message, the place and the frames.
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let task = candor::spawn(async { panic!("boom {}", std::hint::black_box(1)) });
///     let Err(JoinError::Panicked(panic)) = task.await else { unreachable!() };
///     assert_eq!(panic.message(), "boom 1");
///     assert!(panic.location().is_some() && panic.backtrace().is_some());
///     assert!(panic.into_payload().is::<String>());
/// });
/// ```
pub struct Panic(pub(crate) Box<PanicParts>);

pub(crate) struct PanicParts {
    pub(crate) failure: TaskFailure,
    /// A payload is `Send` but not `Sync`. The mutex makes it `Sync`, and is never locked.
    pub(crate) payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    pub(crate) fn new(failure: TaskFailure, payload: Box<dyn Any + Send>) -> Self {
        let payload = Mutex::new(payload);
        Panic(Box::new(PanicParts { failure, payload }))
    }
}

impl Deref for Panic {
    type Target = TaskFailure;

    fn deref(&self) -> &TaskFailure {
        &self.0.failure
    }
}
