//! The `Display`, `Debug` and `Error` of failures: in one line, or as a report.
//!
//! | | `{}` | `{:?}` |
//! |---|---|---|
//! | `JoinError`, `Panic` | one line | the report |
//! | `TaskFailure` | one line, with place and spawn site | the report |
//! | any of them, while an error is asked for its text | one line | the same line |
//!
//! Knows failures.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::kernel::failure::{
    Account, Cancelled, FailureKind, JoinError, Location, Named, Panic, TaskFailure,
};
use crate::kernel::tasks::{Header, JoinHandle};
use crate::kernel::time::Sleep;
use crate::report::account::{account_of, is_better_asked_once_converted};
use crate::report::error::Error;
use crate::report::group_error::GroupError;
use crate::report::quoting::quoted_line;
use crate::report::{carried, text};

impl TaskFailure {
    /// Returns the full report, as it would be printed: many lines, without a newline at the end.
    ///
    /// In a debug build it has lines of source, below the place and below the frames of yours, from files that can be read and
    /// are not newer than the program. They are read when this is called.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let error = candor::spawn(async { panic!("boom") }).await.unwrap_err();
    ///     let report = error.failure().unwrap().report();
    ///     assert!(report.starts_with("task #1 panicked: boom\n   at "), "{report}");
    /// });
    /// ```
    #[must_use]
    pub fn report(&self) -> String {
        text::of(self)
    }

    /// The line that names the task. In the text of an error that carries this failure, it is the line of the first one.
    pub(crate) fn line(&self) -> String {
        match carried::is_heard(self) {
            true => self.first().one_line(),
            false => self.one_line(),
        }
    }
}

impl std::error::Error for TaskFailure {}

impl fmt::Debug for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match carried::is_heard(self) {
            true => f.write_str(&self.first().one_line()),
            false => f.write_str(&self.report()),
        }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if carried::is_heard(self) {
            // The place and the spawn site are not those of the first failure.
            return f.write_str(&self.first().one_line());
        }
        f.write_str(&self.one_line())?;
        if let Some(location) = &self.0.account.location {
            write!(f, ", at {location}")?;
        }
        match self.0.origin.spawned_at {
            Some(site) => write!(f, ", spawned at {}", Location::from(site)),
            None => Ok(()),
        }
    }
}

impl<E: Debug + 'static> JoinError<E> {
    /// Converts the error, and keeps what is known of the failure. If the conversion panics, that panic
    /// replaces the error.
    pub(crate) fn map<F: Debug + 'static>(self, convert: impl FnOnce(E) -> F) -> JoinError<F> {
        let (error, record) = match self {
            JoinError::Failed(error, record) => (error, record),
            JoinError::Panicked(panic) => return JoinError::Panicked(panic),
            JoinError::Cancelled(cancelled) => return JoinError::Cancelled(cancelled),
        };
        let is_asked_later = is_better_asked_once_converted::<E, F>();
        if !is_asked_later {
            record.failure(&error);
        }
        match catch_unwind(AssertUnwindSafe(|| convert(error))) {
            Ok(error) => {
                if is_asked_later {
                    record.failure_or(|| account_of(&error).without_origin());
                }
                JoinError::Failed(error, record)
            }
            Err(payload) => {
                let failure = record.failure_or(|| Account {
                    message: "an error that panicked when it was converted".to_owned(),
                    ..Account::default()
                });
                JoinError::Panicked(Panic::new(failure.clone(), payload))
            }
        }
    }

    /// Returns the full report of the failure, as it would be printed.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let error = candor::spawn(async { panic!("boom") }).await.unwrap_err();
    ///     assert!(error.report().contains("\n   spawned at "));
    /// });
    /// ```
    #[must_use]
    pub fn report(&self) -> String {
        match self {
            JoinError::Cancelled(cancelled) => format!("{cancelled:?}"),
            _ => self.failure().map(TaskFailure::report).unwrap_or_default(),
        }
    }
}

impl<E: Debug + 'static> fmt::Display for JoinError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Failed(error, record) => f.pad(&record.failure(error).line()),
            JoinError::Panicked(panic) => fmt::Display::fmt(panic, f),
            JoinError::Cancelled(cancelled) => fmt::Display::fmt(cancelled, f),
        }
    }
}

impl<E: Debug + 'static> Debug for JoinError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Failed(error, record) => Debug::fmt(record.failure(error), f),
            JoinError::Panicked(panic) => Debug::fmt(panic, f),
            JoinError::Cancelled(cancelled) => Debug::fmt(cancelled, f),
        }
    }
}

impl<E: Debug + 'static> StdError for JoinError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failure().map(|failure| failure as _)
    }
}

impl StdError for Cancelled {}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} was cancelled", self.0))
    }
}

impl Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match carried::is_listening() {
            true => Ok(()),
            false => f.write_str(": it was aborted, or its executor ended before it was done"),
        }
    }
}

impl Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.line())
    }
}

/// Everything: the text, where it was made, its sources and frames.
impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = account_of(self);
        match &account.passes_on {
            Some(failure) if carried::is_heard(failure) => {
                f.write_str(&quoted_line(&account.message))
            }
            _ => f.write_str(&text::of_error(&account, self.location())),
        }
    }
}

impl<E: Debug + 'static> GroupError<E> {
    /// Returns the tree of full reports.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     group.spawn(async { panic!("boom") });
    ///     let report = group.join().await.unwrap_err().report();
    ///     assert!(report.starts_with("1 of 1 tasks of the group failed\n└─ task #1 panicked: boom\n"));
    /// });
    /// ```
    #[must_use]
    pub fn report(&self) -> String {
        text::of_group(self.to_string(), self.known())
    }

    fn known(&self) -> impl Iterator<Item = &TaskFailure> {
        self.failures.iter().filter_map(JoinError::failure)
    }
}

impl<E: Debug + 'static> Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        carried::note_group(self.known());
        let failed = self.failures.len();
        write!(f, "{failed} of {} tasks of the group failed", self.tasks)
    }
}

impl<E: Debug + 'static> Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match carried::is_listening() {
            true => Display::fmt(self, f),
            false => f.write_str(&self.report()),
        }
    }
}

impl<E: Debug + 'static> StdError for GroupError<E> {}

/// Its [`source`](StdError::source) is the [`TaskFailure`], as that of a [`JoinError`] is.
impl StdError for Panic {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&**self)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FailureKind::Panicked => "panicked",
            FailureKind::Failed => "failed",
            FailureKind::Caught => "caught",
        })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.is_finished() {
            true => "finished",
            false => "running",
        };
        write!(f, "{}, {state}", Named(self.id, self.name()))
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinHandle({:?})", self.task.header())
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
