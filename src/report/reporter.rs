//! The reporter that candor's entry points install: reports and warnings of the kernel, as text.
//!
//! Knows failures, and how they are printed.

use std::any::Any;

use log::Level;

use crate::kernel::failure::seen_panics::Identity;
use crate::kernel::failure::{
    Account, AnyError, Caught, FailureKind, Location, Reporter, TaskFailure, Warning,
};
use crate::kernel::tasks::SUCCESSORS;
use crate::report::account::account_of;
use crate::report::{after_poll, floods, printing, resume, text};

/// Prints to the program's logger, otherwise to stderr.
pub(crate) struct Printer;

impl Reporter for Printer {
    fn report(&self, failure: &TaskFailure, callback: Option<Caught>) {
        let mut report = match floods::count(failure) {
            1 => failure.report(),
            times => text::again(failure, times),
        };
        if let Some(caught) = callback {
            let message = caught.quoted("");
            report.push_str(&format!(
                "\n   on_failure panicked while it was given this report: {message}"
            ));
        }
        printing::print_of_task(failure.lineage().is_of_logger(), Level::Error, &report);
    }

    fn account(&self, error: &dyn AnyError) -> Account {
        account_of(error)
    }

    fn remember(&self, identity: Identity, caught: &TaskFailure) {
        resume::remember(identity, None, caught);
    }

    fn resumed(&self, payload: &(dyn Any + Send)) -> Option<Account> {
        resume::take_known(payload).map(resume::perhaps)
    }

    fn warn(&self, warning: Warning<'_>) {
        // A spawn site that is reached a thousand times has one mistake.
        if let Warning::NestedResult { at, .. } = warning
            && !printing::is_first("Result in a Result", at)
        {
            return;
        }
        match warning {
            Warning::DropPanicked { .. } => after_poll::warn(text_of(warning)),
            _ => printing::print(Level::Warn, &text_of(warning)),
        }
    }

    fn last_words(&self, failures: &[TaskFailure]) {
        let text = |failure: &TaskFailure| match failure.kind() {
            FailureKind::Failed => {
                let task = &failure.0.origin;
                format!("{task} has failed, and nobody has read its failure\n")
            }
            _ => format!("{}\n", failure.report()),
        };
        printing::print_last_words(&failures.iter().map(text).collect::<String>());
    }

    fn flush(&self) {
        printing::flush();
    }

    fn is_printing(&self) -> bool {
        printing::is_logging()
    }
}

fn text_of(warning: Warning<'_>) -> String {
    match warning {
        Warning::NestedResult { what, at } => format!(
            "the {what} at {} returns a Result inside a Result. To candor the inner one is a value: \
             its Err would pass unnoticed. If it ends in `timeout(…).await` or in another task's \
             handle, add a `?` there",
            Location::from(at)
        ),
        Warning::EndlessSuccessors { task, spawned_at } => format!(
            "{task}, spawned at {}, is leaked: what was cancelled has spawned {SUCCESSORS} more tasks, each as the \
             one before was dropped, and would go on so for ever. Its future is not dropped; look for a destructor that \
             spawns",
            Location::from(spawned_at)
        ),
        Warning::EndlessRefusals { spawned_at } => format!(
            "what was spawned at {} is leaked: it came too late, and its destructor has spawned {SUCCESSORS} more, \
             each as the one before was dropped, and would go on so for ever. Look for a destructor that spawns",
            Location::from(spawned_at)
        ),
        Warning::DropPanicked { what, caught } => {
            let message = caught.quoted("");
            format!("{what} panicked when it was dropped: {message}")
        }
    }
}
