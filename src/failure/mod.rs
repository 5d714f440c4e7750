//! What is known of a failure, and how it is told.
//!
//! A failure is caught as cheaply as possible and told as fully as possible, because most failures
//! are handed to an awaiter and never printed:
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
//! | `lineage` | who spawned the task, and who spawned that one |
//! | `hook` | the panic hook, which sees where a panic starts |
//! | `account` | what an error value tells of itself |
//! | `error` | `candor::Error`, which knows where it was born |
//! | `join_error`, `group_error` | the failure as its awaiter gets it; all those of a group |
//! | `reserve` | what a failure that was read leaves for the next one |
//! | `report` | the text |
//! | `text`, `backtrace` | user text that cannot forge a report; frames without the runtime's own |
//!
//! Knows no task, no executor and no loop.

pub(crate) mod account;
pub(crate) mod backtrace;
pub(crate) mod error;
pub(crate) mod group_error;
pub(crate) mod hook;
pub(crate) mod join_error;
pub(crate) mod lineage;
pub(crate) mod location;
pub(crate) mod report;
pub(crate) mod reserve;
pub(crate) mod text;

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use account::Account;
use lineage::{Lineage, Origin, TaskId};
pub(crate) use location::{AwaitKind, await_line};
pub use location::{LastAwait, Location};

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
pub enum FailureKind {
    /// Its poll, or dropping its future, panicked.
    Panicked,
    /// It returned `Err`.
    Failed,
    /// It panicked and caught the panic itself. That is told, but it is no failure and not counted.
    Caught,
}

/// Everything that is known of one failure.
///
/// An `on_failure` callback is given one, a [`JoinError`](crate::JoinError) holds one, and
/// its `Display` is the report that would be printed. It is no wrapper around the error: that is in
/// the [`JoinError`](crate::JoinError).
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
///     assert!(failure.to_string().contains("spawned at "));
/// });
/// ```
pub struct TaskFailure {
    origin: Origin,
    kind: FailureKind,
    last_await: Option<LastAwait>,
    /// What the panic or the error tells. An error tells it when it is first asked: most errors are
    /// handled by their awaiter, and need no text.
    account: OnceLock<Account>,
    /// It has gone its way: printed, or given to `on_failure`.
    is_reported: AtomicBool,
    /// The panic hook had to print it before anybody could be asked.
    is_printed: AtomicBool,
    /// It is being reported because nobody has awaited it in time; an awaiter may still come.
    is_overdue: AtomicBool,
}

impl TaskFailure {
    pub(crate) fn new(origin: Origin, kind: FailureKind, last_await: Option<LastAwait>) -> Self {
        TaskFailure {
            origin,
            kind,
            last_await,
            account: OnceLock::new(),
            is_reported: AtomicBool::new(false),
            is_printed: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
        }
    }

    pub(crate) fn with_account(mut self, account: Account) -> Self {
        self.account = OnceLock::from(account);
        self
    }

    /// Returns the task's number, unique within its executor.
    pub fn task_id(&self) -> TaskId {
        self.origin.id
    }

    /// Returns the task's name, if it was given one.
    pub fn task_name(&self) -> Option<&str> {
        self.origin.name.as_deref()
    }

    /// Tells how it failed.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns the message of the panic, or the text of the error.
    pub fn message(&self) -> &str {
        &self.account().message
    }

    /// Returns where the panic was raised, or where the [`Error`](crate::Error) was made by `?`; `None` for
    /// an error that does not know.
    pub fn location(&self) -> Option<Location> {
        self.account().location.clone()
    }

    /// Returns the frames at that place; `None` for an error that has none.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.account().backtrace.as_deref()
    }

    /// Returns the `.await` at which the task last waited, as far as candor's own futures could see.
    pub fn last_await(&self) -> Option<LastAwait> {
        self.last_await
    }

    /// Tells who spawned the task, and who spawned that one, up to the entry point.
    pub fn lineage(&self) -> &Lineage {
        &self.origin.spawned_by
    }

    pub(crate) fn shared_backtrace(&self) -> Option<&Arc<Backtrace>> {
        self.account().backtrace.as_ref()
    }

    /// Asks the error what it has to tell, if nobody has before.
    pub(crate) fn account_or(&self, tell: impl FnOnce() -> Account) -> &Self {
        self.account.get_or_init(tell);
        self
    }

    fn account(&self) -> &Account {
        self.account
            .get()
            .expect("this is a bug in candor: a failure was shown before its error was asked")
    }

    /// Whether somebody has been told of it, so that another report need not repeat it.
    pub(crate) fn is_told(&self) -> bool {
        self.is_printed() || self.is_reported.load(Ordering::Relaxed)
    }

    /// Claims the one report that it may have.
    pub(crate) fn begin_report(&self) -> bool {
        !self.is_reported.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_printed(&self) -> bool {
        self.is_printed.load(Ordering::Relaxed)
    }

    pub(crate) fn set_printed(&self) {
        self.is_printed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_overdue(&self, is_overdue: bool) {
        self.is_overdue.store(is_overdue, Ordering::Relaxed);
    }
}

impl fmt::Debug for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for TaskFailure {}
