//! What is still unread when the process aborts, for the panic hook.
//!
//! The hook may run in the middle of anything. So this borrows carefully, and calls no user code.
//!
//! Knows the core.

use crate::kernel::failure::{Origin, TaskFailure, Unclaimed};
use crate::kernel::tasks::{Core, current};

/// What is not reported yet on this thread: the panics that are not claimed, and the tasks whose failure nobody has read. Those of
/// the innermost executor come first.
pub(crate) fn unreported() -> (Vec<TaskFailure>, Vec<Origin>) {
    let panics = current::entered().flat_map(|core| Unclaimed::take_all(&core.failures.unclaimed));
    let unread = current::entered().flat_map(|core| unread_of(&core));
    (panics.collect(), unread.collect())
}

fn unread_of(core: &Core) -> Vec<Origin> {
    let (Ok(unread), Ok(to_report)) = (
        core.unread.try_borrow(),
        core.failures.to_report.try_borrow(),
    ) else {
        return Vec::new();
    };
    let waiting = to_report.iter().filter(|task| task.has_unread_failure());
    // One whose handle is gone is about to be reported, and may still be on the list of the unread.
    let held = unread
        .iter()
        .filter(|task| !task.header().is_detached.get());
    let tasks = held.chain(waiting);
    tasks
        .map(|task| task.header().origin().to_owned())
        .collect()
}
