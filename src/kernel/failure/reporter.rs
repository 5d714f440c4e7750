//! The plug through which everything is said: reports, warnings, and the text of errors.
//!
//! The executor finds out *that* something is to be said, and *when*. What it looks like is not its affair: so a program of
//! your own may use the executor with a reporter of five lines. There is one for the whole process, since a panic that aborts it
//! has no executor to ask.
//!
//! ```text
//! the executor ──report, warn, account──► Reporter (a trait) ◄── implemented by `report`
//! ```
//!
//! Knows failures only.

use std::any::{Any, type_name};
use std::fmt::Debug;
use std::sync::OnceLock;

use crate::kernel::failure::account::Account;
use crate::kernel::failure::aside::{Caught, guarded};
use crate::kernel::failure::lineage::{Named, Origin};
use crate::kernel::failure::location::Site;
use crate::kernel::failure::{FailureKind, TaskFailure};

/// Says what there is to say. Nothing here may unwind.
pub(crate) trait Reporter: Sync {
    /// Prints a failure, or whatever is done with it. `callback` is what `on_failure` panicked with when it was given it.
    fn report(&self, failure: &TaskFailure, callback: Option<Caught>);

    /// Asks an error what it has to say. To ask it is to run user code.
    fn account(&self, error: AnyError<'_>) -> Account {
        let mut message = String::new();
        let text = guarded(|| format!("{:?}", error.debug));
        message.push_str(text.as_deref().unwrap_or("(its Debug panicked)"));
        Account {
            message,
            ..Account::default()
        }
    }

    /// Warns of what is no failure.
    fn warn(&self, _warning: Warning<'_>) {}

    /// Prints what is left, since the process is about to abort. No user code may run.
    fn last_words(&self, failures: Vec<TaskFailure>, unread: Vec<Origin>) {
        let failed = unread
            .into_iter()
            .map(|origin| TaskFailure::new(origin, FailureKind::Failed, None, Account::default()));
        for failure in failures.into_iter().chain(failed) {
            self.report(&failure, None);
        }
    }

    /// Writes down what is kept in a buffer: the process is about to end.
    fn flush(&self) {}

    /// Whether user code runs on this thread because it is given something to print.
    fn is_printing(&self) -> bool {
        false
    }
}

/// What there is to warn of.
pub(crate) enum Warning<'a> {
    /// The task spawned here returns a `Result` in a `Result`, whose inner `Err` nobody would see.
    NestedResult { spawned_at: Site },
    /// What is cancelled spawns a successor as it is dropped, again and again; this task is given up without being dropped.
    EndlessSuccessors {
        task: Named<'a>,
        spawned_at: Site,
        successors: u64,
    },
    /// The same, of futures that came too late to become tasks.
    EndlessRefusals { spawned_at: Site, successors: u64 },
    /// A value that nobody has taken panicked when it was dropped.
    ValuePanicked { task: Named<'a>, caught: Caught },
}

/// An error of any type, whose text has not been asked for.
#[derive(Clone, Copy)]
pub(crate) struct AnyError<'a> {
    pub(crate) value: &'a dyn Any,
    pub(crate) debug: &'a dyn Debug,
    pub(crate) type_name: &'static str,
}

impl<'a> AnyError<'a> {
    pub(crate) fn of<E: Debug + 'static>(error: &'a E) -> Self {
        AnyError {
            value: error,
            debug: error,
            type_name: type_name::<E>(),
        }
    }
}

static REPORTER: OnceLock<&'static dyn Reporter> = OnceLock::new();

/// Sets the reporter of this process; the first one counts.
pub(crate) fn install(reporter: &'static dyn Reporter) {
    REPORTER.get_or_init(|| reporter);
}

/// The reporter of this process. There is none before the first executor is made, but there is nothing to say either.
pub(crate) fn reporter() -> &'static dyn Reporter {
    *REPORTER
        .get()
        .expect("the first executor installs a reporter")
}

/// Drops a value that nobody has taken. A panic of its destructor must not reach whoever drops the handle, and may be unwinding.
pub(crate) fn discard_value(task: Named<'_>, drop: impl FnOnce()) {
    if let Err(caught) = guarded(drop) {
        reporter().warn(Warning::ValuePanicked { task, caught });
    }
}
