//! What is still unread when the process aborts, for the panic hook.
//!
//! The hook may run in the middle of anything. So this borrows carefully, and calls no user code.
//!
//! Knows the core.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use crate::kernel::failure::{Origin, TaskFailure, Unclaimed};
use crate::kernel::tasks::{Core, current_executor};

thread_local! {
    /// The executors of this thread that were left with unread failures.
    static LEFT: RefCell<Vec<Weak<Core>>> = const { RefCell::new(Vec::new()) };
}

/// Remembers an executor that is being left, if it has unread failures.
pub(crate) fn remember(core: &Rc<Core>) {
    if core.unread.borrow().iter().next().is_none() {
        return;
    }
    let add = |left: &RefCell<Vec<Weak<Core>>>| {
        let mut left = left.borrow_mut();
        left.retain(|known| known.strong_count() > 0 && known.as_ptr() != Rc::as_ptr(core));
        left.push(Rc::downgrade(core));
    };
    // Not while the thread ends.
    LEFT.try_with(add).ok();
}

/// What is not reported yet on this thread: the panics that are not claimed, and the tasks whose failure nobody has read. Those of
/// the innermost executor come first.
pub(crate) fn unreported() -> (Vec<TaskFailure>, Vec<Origin>) {
    let panics =
        current_executor::entered().flat_map(|core| Unclaimed::take_all(&core.failures.unclaimed));
    let left = LEFT.try_with(|left| left.try_borrow().map(|left| left.clone()));
    let left = left.into_iter().flatten().flatten();
    let left = (left.filter_map(|core| core.upgrade())).filter(|core| !core.stay.is_entered.get());
    let unread = current_executor::entered()
        .chain(left)
        .flat_map(|core| unread_of(&core));
    (panics.collect(), unread.collect())
}

fn unread_of(core: &Core) -> Vec<Origin> {
    let failures = &core.failures;
    let (Ok(unread), Ok(to_report), Ok(in_hand)) = (
        core.unread.try_borrow(),
        failures.to_report.try_borrow(),
        failures.in_hand.try_borrow(),
    ) else {
        return Vec::new();
    };
    let waiting = in_hand.iter().chain(to_report.iter());
    let waiting = waiting.filter(|task| task.has_unread_failure());
    // One whose handle is gone is about to be reported, and may still be on the list of the unread.
    let held = unread
        .iter()
        .filter(|task| !task.header().is_detached.get());
    let tasks = held.chain(waiting);
    tasks
        .map(|task| task.header().origin().to_owned())
        .collect()
}
