//! What a panic or an error says, as data. The text is made elsewhere, and only when it is asked for.
//!
//! Knows failures and places in the source.

use std::backtrace::Backtrace;
use std::sync::Arc;

use crate::kernel::failure::{Location, TaskFailure};

/// What a panic or an error says.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) message: String,
    pub(crate) location: Option<Location>,
    pub(crate) backtrace: Option<Arc<Backtrace>>,
    /// Why there is no backtrace, or what else the reader should know.
    pub(crate) help: Option<Help>,
    pub(crate) causes: Vec<Cause>,
}

/// One of the causes of an error.
pub(crate) enum Cause {
    /// One of its sources.
    Text(String),
    /// The failure of another task, which this one awaited and passed on. There is at most one.
    Failure(TaskFailure),
    /// The failures of a group, or several that the error carries.
    Group(Vec<TaskFailure>),
    /// A backtrace that was part of the error's text.
    ForeignBacktrace(String),
}

impl Account {
    /// The failure of another task that this one passes on.
    pub(crate) fn passes_on(&self) -> Option<&TaskFailure> {
        self.causes.iter().find_map(|cause| match cause {
            Cause::Failure(failure) => Some(failure),
            Cause::Text(_) | Cause::Group(_) | Cause::ForeignBacktrace(_) => None,
        })
    }
}

/// What else the reader of a report should know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Help {
    /// The panic cannot unwind.
    ProcessAborts,
    /// The panic hook has not seen this panic, so there is no backtrace.
    NotSeen,
    /// The type of the error does not know where it was made.
    NoOrigin,
}
