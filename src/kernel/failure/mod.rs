//! What is known of a failure, and where it goes.
//!
//! A failure is caught as cheaply as possible, because most failures are given to an awaiter and never printed.
//! It is reported as fully as possible:
//!
//! ```text
//! panic ──► hook (message, place, frames)  ─┐
//!                                           ├─► TaskFailure ──► awaiter, as a JoinError
//! Err   ──► its origin, if it carries one  ─┘        │
//!                                                    └────────► report ──► log or stderr
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `location` | places in the source, and awaits at them |
//! | `lineage` | which task spawned a task, up to the entry point |
//! | `hook` | the panic hook, which sees where a panic starts |
//! | `seen_panics` | panics that the hook saw, until they are claimed |
//! | `account` | what a panic or an error says, as data |
//! | `join_error` | the failure that an awaiter gets |
//! | `record` | which task failed: stands beside the error that an awaiter gets |
//! | `in_grace` | failures that wait for an awaiter, and their grace |
//! | `when_to_report` | when a failure without an awaiter is reported, and what follows |
//! | `reporter` | the plug through which reports and warnings leave the kernel |
//! | `user_code` | user code that runs on no task's behalf |
//! | `text` | user text that cannot forge a report |
//!
//! The text of a report and the place that prints it are in `crate::report`. Only `when_to_report` knows the core;
//! the other files know no task, no executor and no loop.

pub(crate) mod account;
pub(crate) mod hook;
pub(crate) mod in_grace;
pub(crate) mod join_error;
pub(crate) mod lineage;
pub(crate) mod location;
pub(crate) mod record;
pub(crate) mod reporter;
pub(crate) mod seen_panics;
pub(crate) mod text;
pub(crate) mod user_code;
pub(crate) mod when_to_report;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

pub(crate) use account::{Account, Help};
pub(crate) use hook::{Polled, Probe};
pub(crate) use in_grace::Unread;
pub(crate) use join_error::{Cancelled, JoinError, Panic};
pub(crate) use lineage::{Ancestor, Entry, LINKS, Lineage, Named, Origin, OriginOf, Root, TaskId};
pub(crate) use location::{AwaitKind, Site, await_line};
pub use location::{LastAwait, Location};
pub(crate) use record::Record;
pub(crate) use reporter::{AnyError, Reporter, Warning, discard, reporter};
pub(crate) use seen_panics::Unclaimed;
pub(crate) use text::{in_one_line, payload_text, push_visible};
pub(crate) use user_code::{Behalf, Caught, act_for, contain, drop_payload, guarded};

/// How a task failed.
///
/// # Examples
///
/// ```
/// use candor::FailureKind;
///
/// candor::block_on(async {
///     let panicked = candor::spawn(async { panic!("boom") }).await.unwrap_err();
///     assert_eq!(panicked.failure().unwrap().kind(), FailureKind::Panicked);
///     let failed = candor::spawn(async { "seven".parse::<u8>() }).await.unwrap_err();
///     assert_eq!(failed.failure().unwrap().kind(), FailureKind::Failed);
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Its poll, or dropping its future, panicked.
    Panicked,
    /// It returned `Err`.
    Failed,
    /// It panicked and caught the panic itself. That is reported, but it is not a failure and is not counted.
    Caught,
}

/// Everything that is known of one failure.
///
/// An `on_failure` callback gets one, and a [`JoinError`] holds one beside the error itself. `{}` is one line.
/// [`report`](TaskFailure::report) and `{:?}` are the full report, exactly as it would be printed. A clone is
/// cheap, and is the same failure.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let parse = async { Ok::<i32, candor::Error>("seven".parse()?) };
///     let error = candor::TaskBuilder::new().name("parse").spawn(parse).await.unwrap_err();
///     let failure = error.failure().unwrap();
///     assert_eq!(failure.task_id().to_string(), "#1");
///     assert_eq!(failure.task_name(), Some("parse"));
///     assert_eq!(failure.kind(), candor::FailureKind::Failed);
///     assert_eq!(failure.message(), "invalid digit found in string");
///     assert!(failure.location().is_some() && failure.backtrace().is_some());
///     assert_eq!(failure.last_await(), None);
///     assert!(failure.lineage().ancestors().is_empty());
///     assert!(failure.to_string().contains(", spawned at "));
///     assert!(failure.report().lines().count() > 2);
/// });
/// ```
#[derive(Clone)]
pub struct TaskFailure(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) origin: Origin,
    pub(crate) kind: FailureKind,
    /// What the panic or the error says.
    pub(crate) account: Account,
    /// The first failure of the chain, if this one only passes another one on.
    pub(crate) first: Option<TaskFailure>,
    /// The number of the report that holds it in full: it was printed, or given to `on_failure`. 0 if there is none.
    pub(crate) report: AtomicU64,
    /// It is being reported because nobody awaited it in time. An awaiter may still come.
    pub(crate) is_overdue: AtomicBool,
}

impl TaskFailure {
    pub(crate) fn new(origin: Origin, kind: FailureKind, account: Account) -> Self {
        let first = account.passes_on.as_ref().map(|next| next.first().clone());
        TaskFailure(Arc::new(Parts {
            origin,
            kind,
            account,
            first,
            report: AtomicU64::new(0),
            is_overdue: AtomicBool::new(false),
        }))
    }

    /// Returns the task's number, unique within its executor.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.0.origin.id
    }

    /// Returns how it failed.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Returns the message of the panic, or the text of the error, in full.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.account.message
    }

    /// The first failure of the chain: this one, unless it only passes another one on.
    pub(crate) fn first(&self) -> &TaskFailure {
        self.0.first.as_ref().unwrap_or(self)
    }

    /// Claims the only report of this failure; `false` if it was claimed before.
    pub(crate) fn begin_report(&self) -> bool {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let (report, number) = (&self.0.report, LAST.fetch_add(1, Relaxed) + 1);
        (report.compare_exchange(0, number, Relaxed, Relaxed)).is_ok()
    }
}

/// A chain of failures may be very long. So its links are freed in a loop, and not by recursion.
impl Drop for Parts {
    fn drop(&mut self) {
        let mut rest = self.account.take_failures();
        while let Some(failure) = rest.pop() {
            if let Some(mut parts) = Arc::into_inner(failure.0) {
                rest.append(&mut parts.account.take_failures());
            }
        }
    }
}
