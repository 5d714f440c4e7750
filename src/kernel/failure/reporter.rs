//! The plug for reports, warnings, the text of errors, and what is known of a panic that is resumed.
//!
//! The executor decides *that* something is reported, and *when*. The reporter decides what the report looks like, so the
//! executor can be used with a reporter of five lines. There is one reporter for the whole process, because a panic that
//! aborts the process has no executor to ask.
//!
//! ```text
//! the executor ──report, warn, account──► Reporter (a trait) ◄── implemented by `report`
//! ```
//!
//! Knows only failures.

use std::any::{Any, type_name};
use std::fmt::{Debug, Display};
use std::sync::OnceLock;

use crate::kernel::failure::seen_panics::Identity;
use crate::kernel::failure::{Account, Caught, Named, Site, TaskFailure, guarded};

/// Prints reports and warnings. Nothing here may unwind.
pub(crate) trait Reporter: Sync {
    /// Prints a failure, or handles it in another way. `callback` is the panic of `on_failure`, if it panicked on this failure.
    fn report(&self, failure: &TaskFailure, callback: Option<Caught>);

    /// Asks an error for its text. This runs user code.
    fn account(&self, error: &dyn AnyError) -> Account {
        let text = guarded(|| format!("{error:?}"));
        Account {
            message: text.unwrap_or_else(|_| "(its Debug panicked)".to_owned()),
            ..Account::default()
        }
    }

    /// Remembers a panic that a task has caught, and that a later poll may resume.
    fn remember(&self, _identity: Identity, _caught: &TaskFailure) {}

    /// What is known of a panic that is resumed, which calls no hook.
    fn resumed(&self, _payload: &(dyn Any + Send)) -> Option<Account> {
        None
    }

    /// Warns of something that is not a failure.
    fn warn(&self, _warning: Warning<'_>) {}

    /// Prints what is left, because the process is about to abort: first the panics, then what has failed and was not read. No
    /// user code may run.
    fn last_words(&self, failures: &[TaskFailure]) {
        for failure in failures {
            self.report(failure, None);
        }
    }

    /// Writes out what is in a buffer: the process is about to end.
    fn flush(&self) {}

    /// Whether user code runs on this thread because the reporter gave it something to print.
    fn is_printing(&self) -> bool {
        false
    }
}

/// What there is to warn of.
pub(crate) enum Warning<'a> {
    /// What was spawned or entered here returns a `Result` in a `Result`. Nobody would see the inner `Err`.
    NestedResult { what: &'a str, at: Site },
    /// Each cancelled task spawns a successor when it is dropped. This one is given up without being dropped.
    EndlessSuccessors { task: Named<'a>, spawned_at: Site },
    /// The same for futures that came too late to become tasks.
    EndlessRefusals { spawned_at: Site },
    /// What nobody takes any more panicked when it was dropped.
    DropPanicked {
        what: &'a dyn Display,
        caught: Caught,
    },
}

/// An error of any type, before it is asked for its text.
pub(crate) trait AnyError: Any + Debug {
    fn type_name(&self) -> &'static str {
        type_name::<Self>()
    }
}

impl<E: Any + Debug> AnyError for E {}

static REPORTER: OnceLock<&'static dyn Reporter> = OnceLock::new();

/// Sets the reporter of this process. The first call wins.
pub(crate) fn install(reporter: &'static dyn Reporter) {
    REPORTER.get_or_init(|| reporter);
}

/// The reporter of this process. There is none before the first executor or builder is made, but nothing is reported before that.
pub(crate) fn reporter() -> &'static dyn Reporter {
    *REPORTER.get().expect("every executor installs it")
}

/// Drops something of the user's that nobody takes any more: a value, an error, a payload, a callback. A panic of its destructor
/// is warned of and goes no further. It must not reach the code that drops a handle or an executor, which may be unwinding.
/// Nor must it reach the program's own panic hook, which may exit.
pub(crate) fn discard(what: impl Display, drop: impl FnOnce()) {
    if let Err(caught) = guarded(drop) {
        let what = &what;
        reporter().warn(Warning::DropPanicked { what, caught });
    }
}
