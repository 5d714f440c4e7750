//! User code that runs on no task's behalf.
//!
//! A report asks an error for its text, gives it to a callback or to the program's logger, and drops a payload. All of
//! that is user code, and may panic. Such a panic is never the failure of a task. It is contained here.
//!
//! | | its panic is reported by |
//! |---|---|
//! | `guarded` | the caller, which quotes its message; the panic hook prints nothing |
//! | `contain` | the panic hook that the program had before candor's |
//!
//! Knows nothing of candor but how to quote a text.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::thread;

use crate::kernel::failure::Location;

/// On whose behalf code runs on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behalf {
    /// That of the task that is being polled, if any.
    Task,
    /// No task's.
    Nobody,
    /// No task's, and the caller quotes a panic.
    Quoted,
}

thread_local! {
    static BEHALF: Cell<Behalf> = const { Cell::new(Behalf::Task) };
    /// The place of the last panic that is to be quoted.
    static PLACE: Cell<Option<Location>> = const { Cell::new(None) };
}

pub(crate) fn behalf() -> Behalf {
    BEHALF.get()
}

/// From now on code on this thread runs on the given behalf. Returns the earlier one, which the caller has to restore.
#[inline]
pub(crate) fn act_for(behalf: Behalf) -> Behalf {
    BEHALF.replace(behalf)
}

/// Runs user code on the given behalf, and catches its panic.
#[inline(always)]
fn catch_for<R>(behalf: Behalf, user_code: impl FnOnce() -> R) -> thread::Result<R> {
    let outer = act_for(behalf);
    let result = catch_unwind(AssertUnwindSafe(user_code));
    act_for(outer);
    result
}

/// Notes the place of a panic that is to be quoted.
pub(crate) fn note_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(Location::from);
    PLACE.try_with(|noted| noted.set(place)).ok();
}

/// A panic of user code that ran on no task's behalf.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(crate) place: Option<Location>,
}

/// Runs user code on no task's behalf. If it panics, the caller has to report the panic.
pub(crate) fn guarded<R>(user_code: impl FnOnce() -> R) -> Result<R, Caught> {
    let swap_place = |place| PLACE.try_with(|noted| noted.replace(place)).ok().flatten();
    let outer = swap_place(None);
    let result = catch_for(Behalf::Quoted, user_code);
    let place = swap_place(outer);
    result.map_err(|payload| Caught { payload, place })
}

/// Runs user code on no task's behalf. Its panic goes to the earlier panic hook, and to no one else.
#[inline]
pub(crate) fn contain(user_code: impl FnOnce()) {
    if let Err(payload) = catch_for(Behalf::Nobody, user_code) {
        drop_payload(payload);
    }
}

/// Drops a panic's payload. Its destructor is user code, and may panic as well.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_for(Behalf::Nobody, || drop(payload)) {
        // Its payload may do the same, and so on without end. A leak stops that.
        std::mem::forget(again);
    }
}
