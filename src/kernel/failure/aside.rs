//! User code that runs on nobody's behalf.
//!
//! A report asks an error for its text, hands it to a callback or to the program's logger, and drops a payload. All of
//! that is user code, and may panic. Such a panic is no task's failure, wherever it happens, and it is contained here.
//!
//! | | its panic is reported by |
//! |---|---|
//! | `guarded` | the caller, which quotes what it said: the panic hook keeps quiet |
//! | `contain` | the panic hook that the program had before |
//!
//! Knows nothing of candor but how to quote a text.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use crate::kernel::failure::Location;

/// On whose behalf code runs on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behalf {
    /// That of whoever is being polled, if any.
    Task,
    /// Nobody's.
    Nobody,
    /// Nobody's, and whoever called it quotes a panic.
    Quoted,
}

thread_local! {
    static BEHALF: Cell<Behalf> = const { Cell::new(Behalf::Task) };
    /// Where the last panic was that is to be quoted.
    static PLACE: Cell<Option<Location>> = const { Cell::new(None) };
}

/// Says on whose behalf code runs until it is dropped.
pub(crate) struct OnBehalf {
    outer: Behalf,
}

impl OnBehalf {
    #[inline]
    pub(crate) fn of(behalf: Behalf) -> Self {
        OnBehalf {
            outer: BEHALF.replace(behalf),
        }
    }
}

impl Drop for OnBehalf {
    #[inline]
    fn drop(&mut self) {
        BEHALF.set(self.outer);
    }
}

pub(crate) fn behalf() -> Behalf {
    BEHALF.get()
}

/// Notes where a panic is that is to be quoted.
pub(crate) fn note_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(Location::copied);
    PLACE.try_with(|noted| noted.set(place)).ok();
}

/// A panic of user code that ran on nobody's behalf.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(crate) place: Option<Location>,
}

/// Runs user code on nobody's behalf. The caller has to say what it panicked with.
pub(crate) fn guarded<R>(user_code: impl FnOnce() -> R) -> Result<R, Caught> {
    let _quoted = OnBehalf::of(Behalf::Quoted);
    let swap_place = |place| PLACE.try_with(|noted| noted.replace(place)).ok().flatten();
    let outer = swap_place(None);
    let result = catch_unwind(AssertUnwindSafe(user_code));
    let place = swap_place(outer);
    result.map_err(|payload| Caught { payload, place })
}

/// Runs user code on nobody's behalf, whose panic concerns nobody.
#[inline]
pub(crate) fn contain(user_code: impl FnOnce()) {
    let _nobodys = OnBehalf::of(Behalf::Nobody);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(user_code)) {
        drop_payload(payload);
    }
}

/// Drops a panic's payload, whose destructor is a user's and may panic as well.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    let _nobodys = OnBehalf::of(Behalf::Nobody);
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Its payload may do the same, and so on without end; a leak ends it.
        std::mem::forget(again);
    }
}
