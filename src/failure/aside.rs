//! User code that runs on nobody's behalf.
//!
//! A report asks an error for its text, hands it to a callback or to the program's logger, and drops a payload. All of
//! that is user code, and may panic. Such a panic is no task's failure, wherever it happens: it is contained here, and
//! the panic hook that the program had before is the one that prints it.
//!
//! Knows nothing of candor.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static IS_ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Sets whether what runs on this thread runs on nobody's behalf, until it is dropped. An executor that is entered
/// meanwhile has tasks again.
pub(crate) struct Aside {
    outer: bool,
}

impl Aside {
    #[inline]
    pub(crate) fn new(is_aside: bool) -> Self {
        Aside {
            outer: IS_ASIDE.replace(is_aside),
        }
    }

    /// What runs on this thread runs on nobody's behalf.
    pub(crate) fn is_on() -> bool {
        IS_ASIDE.get()
    }
}

impl Drop for Aside {
    #[inline]
    fn drop(&mut self) {
        IS_ASIDE.set(self.outer);
    }
}

/// Runs user code on nobody's behalf; gives the payload if it panics.
pub(crate) fn guarded<R>(user_code: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    let _aside = Aside::new(true);
    catch_unwind(AssertUnwindSafe(user_code))
}

/// Runs user code on nobody's behalf, whose panic concerns nobody.
#[inline]
pub(crate) fn contain(user_code: impl FnOnce()) {
    if let Err(payload) = guarded(user_code) {
        drop_payload(payload);
    }
}

/// Drops a panic's payload, whose destructor is a user's and may panic as well.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = guarded(|| drop(payload)) {
        // Its payload may do the same, and so on without end; a leak ends it.
        std::mem::forget(again);
    }
}
