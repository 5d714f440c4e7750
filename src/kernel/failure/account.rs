//! What a panic or an error says, as data. The text is made elsewhere, and only when it is asked for.
//!
//! Knows failures and places in the source.

use std::backtrace::Backtrace;
use std::mem;
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
    /// The texts of the error's sources.
    pub(crate) sources: Vec<String>,
    /// A backtrace that was part of the error's text.
    pub(crate) foreign_backtrace: Option<String>,
    /// The failure of another task, which this one awaited and passes on.
    pub(crate) passes_on: Option<TaskFailure>,
    /// A panic with an equal payload, which may have been resumed here, or not: nobody can tell.
    pub(crate) perhaps: Option<TaskFailure>,
    /// The failures of a group, or several that the error carries.
    pub(crate) group: Vec<TaskFailure>,
}

impl Account {
    /// Takes the failures of other tasks out of it.
    pub(crate) fn take_failures(&mut self) -> Vec<TaskFailure> {
        let mut failures = mem::take(&mut self.group);
        failures.extend(self.passes_on.take().into_iter().chain(self.perhaps.take()));
        failures
    }
}

/// What else the reader of a report should know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Help {
    /// The panic cannot unwind.
    ProcessAborts,
    /// The panic hook has not seen this panic, so there is no backtrace. Or the task had caught it, and it was skipped.
    NotSeen { may_be_skipped: bool },
    /// The type of the error does not know where it was made.
    NoOrigin,
}
