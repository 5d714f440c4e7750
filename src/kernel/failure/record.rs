//! Who failed, as an awaiter gets it beside the error. It is made of the last one that was dropped on its thread.
//!
//! To its awaiter an `Err` is often no failure but an answer, and should cost no more than a value does. Yet what is
//! known of it has a box of its own, and the lineage in it has an atomic count, since it may leave the thread. Such
//! answers come in rows, from siblings: so the next one takes box and lineage over. Its text is made when somebody asks
//! for it, and not before.
//!
//! ```text
//! Err ──► Record ──► its awaiter, who drops it ──► RESERVE ──► the Record of the next Err
//!           └─ asked ──► TaskFailure
//! ```
//!
//! Knows nothing but failures.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

use crate::kernel::failure::account::Account;
use crate::kernel::failure::lineage::{Origin, OriginOf};
use crate::kernel::failure::reporter::{AnyError, reporter};
use crate::kernel::failure::{FailureKind, LastAwait, TaskFailure};

thread_local! {
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
    pub(crate) last_await: Option<LastAwait>,
    failure: OnceLock<TaskFailure>,
}

impl Record {
    pub(crate) fn new(origin: Origin, last_await: Option<LastAwait>) -> Self {
        Record(Some(Box::new(Parts {
            origin,
            last_await,
            failure: OnceLock::new(),
        })))
    }

    /// Of a task that has returned `Err`.
    #[inline]
    pub(crate) fn of_task(origin: OriginOf<'_>, last_await: Option<LastAwait>) -> Self {
        // Where the thread is ending, there is no reserve any more.
        let Ok(Some(mut parts)) = RESERVE.try_with(Cell::take) else {
            return Record::new(origin.to_owned(), last_await);
        };
        // Each field by name, so that none that is added later is taken over by oversight.
        let Parts {
            origin: former_origin,
            last_await: former_await,
            failure: _, // Taken out when it was dropped.
        } = &mut *parts;
        origin.write_to(former_origin);
        *former_await = last_await;
        Record(Some(parts))
    }

    /// The failure of the task that returned `error`, which is asked for its text if nobody has asked before.
    pub(crate) fn failure<E: fmt::Debug + 'static>(&self, error: &E) -> &TaskFailure {
        self.failure_or(|| reporter().account(AnyError::of(error)))
    }

    /// The failure, whose text `tell` makes if nobody has asked before. `tell` is user code, and may ask again.
    pub(crate) fn failure_or(&self, tell: impl FnOnce() -> Account) -> &TaskFailure {
        let Parts {
            origin,
            last_await,
            failure,
        } = self.parts();
        if failure.get().is_none() {
            let account = tell();
            let made = TaskFailure::new(origin.clone(), FailureKind::Failed, *last_await, account);
            // The first one counts: it may have been reported already.
            failure.set(made).ok();
        }
        failure.get().expect("it has just been set")
    }

    pub(crate) fn parts(&self) -> &Parts {
        self.0.as_ref().expect("it is full until it is dropped")
    }
}

impl Drop for Record {
    #[inline]
    fn drop(&mut self) {
        if let Some(mut parts) = self.0.take() {
            // What it has said may be large.
            parts.failure.take();
            RESERVE.try_with(|reserve| reserve.set(Some(parts))).ok();
        }
    }
}
