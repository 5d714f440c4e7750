//! Wakers that are counted, for executors that somebody looks at.
//!
//! The same numbers behind another table of functions. The inbox of the executor counts the clones, so that
//! "nobody holds a waker" can be known, and each wake is told to instruments.
//!
//! ```text
//! Context of a poll ──clone──► +1 ──clone──► +1        the one in the Context is not counted:
//!                              │              │        it lives no longer than the poll
//!                              ▼ drop: -1     ▼ wake: publish, then -1
//! ```
//!
//! The count decides about a proof and about when a number is used again, never about memory: like those of the
//! ordinary wakers, these functions are sound for any data.
//!
//! Knows keys, the current executor and the inboxes.

use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::kernel::tasks::inbox::Inbox;
use crate::kernel::tasks::key::Key;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, forget);

/// A waker of the task that `key` names, which is not counted itself: it must not be dropped.
pub(crate) fn waker_of(key: Key) -> Waker {
    // SAFETY: As in `waker_of` of the ordinary wakers: the functions of the table take the address of the pointer as a
    // number and never read through it, so they are sound for any data, from any thread, at any time.
    unsafe { Waker::new(super::word(key), &VTABLE) }
}

/// Whether this is a waker of this kind.
pub(super) fn is_ours(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &VTABLE)
}

fn key(data: *const ()) -> Key {
    Key::from_bits(data.addr() as u64)
}

fn clone(data: *const ()) -> RawWaker {
    if let Some(inbox) = Inbox::of(key(data).executor()) {
        inbox.hold();
    }
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    wake_by_ref(data);
    // Only now: an executor that finds nobody who holds a waker has to find the wake.
    forget(data);
}

fn wake_by_ref(data: *const ()) {
    super::wake_watched(key(data));
}

fn forget(data: *const ()) {
    if let Some(inbox) = Inbox::of(key(data).executor()) {
        inbox.release();
    }
}
