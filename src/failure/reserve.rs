//! The failure of an error, which on each thread is made of the last one that was dropped there.
//!
//! To its awaiter an `Err` is often no failure but an answer, and should cost no more than a value does. Yet what is
//! known of it has a box of its own, and the lineage in it has an atomic count, since it may leave the thread. Such
//! answers come in rows, from siblings: so the next one takes box and lineage over.
//!
//! ```text
//! Err ──► Kept ──► its awaiter, who drops it ──► RESERVE ──► the Kept of the next Err
//! ```
//!
//! Knows nothing but failures.

use std::cell::Cell;
use std::ops::Deref;

use super::lineage::OriginOf;
use super::{FailureKind, LastAwait, TaskFailure};

thread_local! {
    static RESERVE: Cell<Option<Box<TaskFailure>>> = const { Cell::new(None) };
}

/// A failure in a box that is kept when it is dropped.
pub(crate) struct Kept(Option<Box<TaskFailure>>);

impl Kept {
    pub(crate) fn new(failure: TaskFailure) -> Self {
        Kept(Some(Box::new(failure)))
    }

    /// The failure of a task that has returned `Err`.
    #[inline]
    pub(crate) fn of_task(origin: OriginOf<'_>, last_await: Option<LastAwait>) -> Self {
        // Where the thread is ending, there is no reserve any more.
        let Ok(Some(mut failure)) = RESERVE.try_with(Cell::take) else {
            let origin = origin.to_owned();
            return Kept::new(TaskFailure::new(origin, FailureKind::Failed, last_await));
        };
        // Each field by name, so that none that is added later is taken over by oversight.
        let TaskFailure {
            origin: former_origin,
            kind,
            last_await: former_await,
            account: _, // Taken out when it was dropped.
            is_reported,
            is_printed,
            is_overdue,
        } = &mut *failure;
        origin.write_to(former_origin);
        *kind = FailureKind::Failed;
        *former_await = last_await;
        for flag in [is_reported, is_printed, is_overdue] {
            *flag.get_mut() = false;
        }
        Kept(Some(failure))
    }

    pub(crate) fn into_inner(mut self) -> TaskFailure {
        *self.0.take().expect(FULL)
    }
}

const FULL: &str = "it is full until it is dropped";

impl Deref for Kept {
    type Target = TaskFailure;

    fn deref(&self) -> &TaskFailure {
        self.0.as_ref().expect(FULL)
    }
}

impl Drop for Kept {
    #[inline]
    fn drop(&mut self) {
        if let Some(mut failure) = self.0.take() {
            // What it has told may be large.
            failure.account.take();
            RESERVE.try_with(|reserve| reserve.set(Some(failure))).ok();
        }
    }
}
