//! How a failure is found inside the error of another task.
//!
//! A task that writes `handle.await?` fails with an error that carries the failure of the task that it awaited. The
//! report has to find that failure, whatever the type of the error is: a box, anyhow's, an enum of the user's. Such an
//! error can only be asked for its text. But its text is made of the texts of its parts. So while an error is asked,
//! candor listens: a failure whose text is written meanwhile is one that the error carries.
//!
//! ```text
//! account_of(error) ──listen──► error.fmt ──► JoinError::fmt ──► is_heard: noted, and written as one line
//! ```
//!
//! The line is that of the *first* failure, however many tasks have passed it on. So the texts of a long chain do not
//! grow from task to task.
//!
//! Knows only failures.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use crate::kernel::failure::TaskFailure;

/// How deep errors may be asked within each other. Each level takes some kilobytes of the stack.
const DEEPEST: u32 = 64;

/// The failures that an error carries.
#[derive(Default)]
pub(crate) struct Carried {
    pub(crate) failures: Vec<TaskFailure>,
    /// They are the failures of a group.
    pub(crate) is_group: bool,
}

impl Carried {
    fn knows(&self, failure: &TaskFailure) -> bool {
        self.failures.iter().any(|known| known.is_same(failure))
    }
}

thread_local! {
    static HEARD: RefCell<Option<Carried>> = const { RefCell::new(None) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Calls `ask`, which must not unwind, and notes the failures that it writes.
pub(crate) fn listen<R>(ask: impl FnOnce() -> R) -> (R, Carried) {
    let replace = |heard| HEARD.try_with(|cell| cell.replace(heard)).ok().flatten();
    let outer = replace(Some(Carried::default()));
    let depth = DEPTH.replace(DEPTH.get() + 1);
    let answer = ask();
    DEPTH.set(depth);
    (answer, replace(outer).unwrap_or_default())
}

/// Whether an error is being asked for its text. A full report does not belong into that text.
pub(crate) fn is_listening() -> bool {
    note(|_| ()).is_some()
}

/// Whether the error that is being asked has written a failure so far.
pub(crate) fn is_anything_heard() -> bool {
    note(|carried| !carried.failures.is_empty()) == Some(true)
}

/// Whether so many errors are being asked, each inside of another one, that the next one must not be asked.
pub(crate) fn is_too_deep() -> bool {
    DEPTH.get() >= DEEPEST
}

/// Whether an error is being asked for its text. If so, notes that it carries this failure.
pub(crate) fn is_heard(failure: &TaskFailure) -> bool {
    let noted = note(|carried| {
        if !carried.knows(failure) {
            carried.failures.push(failure.clone());
        }
    });
    noted.is_some()
}

/// The same for all failures of a group.
pub(crate) fn note_group<'a>(failures: impl Iterator<Item = &'a TaskFailure>) {
    let failures: Vec<_> = failures.cloned().collect();
    note(|carried| {
        // An error may write the group more than once, or some of its failures beside it.
        let known = carried.failures.iter().map(TaskFailure::address);
        let known: HashSet<_> = known.collect();
        let is_new = |failure: &TaskFailure| !known.contains(&failure.address());
        let before = carried.failures.len();
        carried.failures.extend(failures.into_iter().filter(is_new));
        carried.is_group |= carried.failures.len() > before;
    });
}

/// Calls `what` if an error is being asked for its text.
fn note<R>(what: impl FnOnce(&mut Carried) -> R) -> Option<R> {
    let noted = HEARD.try_with(|cell| cell.borrow_mut().as_mut().map(what));
    noted.ok().flatten()
}
