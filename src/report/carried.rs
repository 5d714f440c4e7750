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
    note(|_| ())
}

/// Whether the error that is being asked has written a failure so far.
pub(crate) fn is_anything_heard() -> bool {
    let heard = HEARD.try_with(|cell| {
        let heard = cell.borrow();
        heard
            .as_ref()
            .is_some_and(|carried| !carried.failures.is_empty())
    });
    heard == Ok(true)
}

/// Whether so many errors are being asked, each inside of another one, that the next one must not be asked.
pub(crate) fn is_too_deep() -> bool {
    DEPTH.get() >= DEEPEST
}

/// Whether an error is being asked for its text. If so, notes that it carries this failure.
pub(crate) fn is_heard(failure: &TaskFailure) -> bool {
    note(|carried| {
        if !carried.failures.iter().any(|known| known.is_same(failure)) {
            carried.failures.push(failure.clone());
        }
    })
}

/// The same for all failures of a group.
pub(crate) fn is_group_heard<'a>(failures: impl Iterator<Item = &'a TaskFailure>) -> bool {
    let failures: Vec<_> = failures.cloned().collect();
    note(|carried| {
        // An error may write the same failure more than once.
        let is_known = (carried.failures.iter()).any(|known| known.is_same(&failures[0]));
        if !is_known {
            carried.is_group = true;
            carried.failures.extend(failures);
        }
    })
}

fn note(what: impl FnOnce(&mut Carried)) -> bool {
    let noted = HEARD.try_with(|cell| cell.borrow_mut().as_mut().map(what).is_some());
    noted == Ok(true)
}
