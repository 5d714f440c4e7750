//! What a user may ask a failure: the getters.
//!
//! The types themselves are in the kernel, which fills them in.
//!
//! Knows failures.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::kernel::failure::lineage::{Ancestor, Root};
use crate::kernel::failure::text::quoted_name;
use crate::kernel::failure::{
    AwaitKind, Cancelled, FailureKind, JoinError, LastAwait, Lineage, Location, Named, Record,
    Site, TaskFailure, TaskId,
};
use crate::outcome::Value;

/// A task may return what is known of another one.
impl Value for TaskId {}
impl Value for Location {}
impl Value for FailureKind {}

impl TaskFailure {
    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.0.origin.name.as_deref()
    }

    /// Returns where the panic was raised, or where `?` made the [`Error`](crate::Error); `None` for an error that
    /// does not know its place.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.0.account.location.clone()
    }

    /// Returns the frames at that place; `None` for an error that has none.
    #[must_use]
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.0.account.backtrace.as_deref()
    }

    /// Returns the `.await` at which the task last waited, as far as candor's own futures could see.
    #[must_use]
    pub fn last_await(&self) -> Option<LastAwait> {
        self.0.origin.last_await
    }

    /// Returns which task spawned this one, which one spawned that one, and so on up to the entry point.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.0.origin.spawned_by
    }

    pub(crate) fn shared_backtrace(&self) -> Option<&Arc<Backtrace>> {
        self.0.account.backtrace.as_ref()
    }

    pub(crate) fn is_same(&self, other: &TaskFailure) -> bool {
        self.address() == other.address()
    }

    /// The same for all clones of one failure.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The number of the report that holds it in full; 0 if there is none yet.
    pub(crate) fn number_of_report(&self) -> u64 {
        self.0.report.load(Relaxed)
    }

    /// Lets the report with this number hold all failures that this one carries, but for those that another report holds.
    pub(crate) fn claim_carried(&self, number: u64) {
        let claim = |carried: &&TaskFailure| {
            let report = &carried.0.report;
            (report.compare_exchange(0, number, Relaxed, Relaxed)).is_ok()
        };
        let (mut claimed, mut next) = (Vec::new(), Some(self));
        while let Some(failure) = next {
            let account = &failure.0.account;
            let carried = account.passes_on.iter().chain(&account.group);
            claimed.extend(carried.filter(claim));
            next = claimed.pop();
        }
    }
}

impl<E> JoinError<E> {
    /// Returns whether the task was aborted, or its executor ended, before it was done.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled(_))
    }

    /// Returns whether the task panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async { panic!("boom") });
    ///     assert!(task.await.unwrap_err().is_panic());
    /// });
    /// ```
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }

    /// Returns the error that the task returned, if it returned one.
    ///
    /// # Errors
    ///
    /// The `JoinError` itself, if the task panicked or was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let failed = candor::spawn(async { Err::<(), u16>(404) });
    ///     assert_eq!(failed.await.unwrap_err().into_failed().unwrap(), 404);
    ///     let panicked = candor::spawn(async { panic!("boom") });
    ///     assert!(panicked.await.unwrap_err().into_failed().is_err());
    /// });
    /// ```
    pub fn into_failed(self) -> Result<E, Self> {
        match self {
            JoinError::Failed(error, _) => Ok(error),
            other => Err(other),
        }
    }
}

impl Cancelled {
    /// Returns the task's number, unique within its executor.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.0.task_id()
    }

    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.0.task_name()
    }
}

impl Record {
    /// Returns the task's number, unique within its executor.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.parts().origin.id
    }

    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.parts().origin.name.as_deref()
    }

    /// Returns the `.await` at which the task last waited, as far as candor's own futures could see.
    #[must_use]
    pub fn last_await(&self) -> Option<LastAwait> {
        self.parts().origin.last_await
    }

    /// Returns which task spawned this one, which one spawned that one, and so on up to the entry point.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.parts().origin.spawned_by
    }
}

impl Lineage {
    /// Returns the tasks, at most 16, the nearest first.
    #[must_use]
    pub fn ancestors(&self) -> &[Ancestor] {
        &self.ancestors
    }

    /// Returns how many more there are between the last of [`ancestors`](Lineage::ancestors) and the entry point.
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.generations - self.ancestors.len() as u64
    }

    /// Whether its first task was spawned while its executor was running.
    pub(crate) fn is_entered(&self) -> bool {
        matches!(self.root, Root::Entry(_))
    }

    /// Whether the program's logger spawned its first task.
    pub(crate) fn is_of_logger(&self) -> bool {
        matches!(self.root, Root::Logger)
    }

    /// The line of a task that was spawned at `site`, and the lines of its ancestors. Each begins with a newline.
    pub(crate) fn lines(&self, site: Option<Site>, indent: usize) -> String {
        let mut lines = String::new();
        let ancestors = self.ancestors.iter().map(|ancestor| ancestor.spawned_at);
        let mut spawners = self.ancestors.iter();
        for site in site.into_iter().chain(ancestors) {
            let spawner = match spawners.next() {
                Some(spawner) => format!("by {spawner}"),
                None => self.beginning(),
            };
            let site = Location::from(site);
            lines.push_str(&format!("\n{:indent$}spawned at {site} {spawner}", ""));
        }
        if let (None, Root::Entry(entry)) = (site, &self.root) {
            lines.push_str(&format!("\n{:indent$}entered by {entry}", ""));
        }
        lines
    }

    /// What spawned the farthest known ancestor.
    fn beginning(&self) -> String {
        match self.omitted() {
            0 => self.root.to_string(),
            more => format!(
                "by a task that {more} more spawns led to, the first {}",
                self.root
            ),
        }
    }
}

impl Ancestor {
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

    /// Returns where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> Location {
        self.spawned_at.into()
    }
}

impl Location {
    /// Returns the path of the file, in the form that the compiler was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the column, from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl AwaitKind {
    /// Whether a later poll has waited in something that notes nothing.
    pub(crate) fn is_stale(self) -> bool {
        self.0 & AwaitKind::STALE != 0
    }

    /// What `LastAwait::what` is.
    fn name(self) -> &'static str {
        match AwaitKind(self.0 & !AwaitKind::STALE) {
            AwaitKind::DUMP => "dump",
            AwaitKind::INTERVAL => "interval",
            AwaitKind::JOIN => "JoinHandle",
            AwaitKind::REMOTE => "RemoteHandle",
            AwaitKind::SLEEP => "sleep",
            AwaitKind::TIMEOUT => "timeout",
            AwaitKind::YIELD_NOW => "yield_now",
            AwaitKind(number) => unreachable!("{number} is no kind of await"),
        }
    }
}

impl LastAwait {
    /// What stands before it in a report: whether the task is known to have waited there last.
    pub(crate) fn label(&self) -> &'static str {
        match self.what.is_stale() {
            true => "last known await",
            false => "last await",
        }
    }

    /// Names what was awaited: `sleep`, `timeout`, `interval`, `yield_now`, `dump`, `JoinHandle` or `RemoteHandle`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what.name()
    }

    /// Returns the line of the `.await`; if that is inside of a library, the line where the future was made.
    #[must_use]
    pub fn location(&self) -> Location {
        self.at.into()
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Root::Entry(entry) => write!(f, "by {entry}"),
            Root::Thread(thread) => match thread.name() {
                Some(name) => write!(f, "from thread {}", quoted_name(name)),
                None => f.write_str("from another thread"),
            },
            Root::Logger => f.write_str("by the program's logger"),
            Root::Nowhere => f.write_str("while its executor was not running"),
        }
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ancestor in &self.ancestors {
            writeln!(f, "by {ancestor}, spawned at {}", ancestor.spawned_at())?;
        }
        f.write_str(&self.beginning())
    }
}

impl fmt::Display for Ancestor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named(self.id, self.name()).fmt(f)
    }
}

impl fmt::Display for LastAwait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.what(), self.location())
    }
}

impl fmt::Debug for LastAwait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LastAwait({}: {self})", self.label())
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named(self.task_id(), self.task_name()).fmt(f)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({self})")
    }
}
