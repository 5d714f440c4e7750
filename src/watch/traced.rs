//! A waker that says where it is cloned or woken: that is where a future waits.
//!
//! It stands for a task as any other waker of candor's does, but has a table of its own. What is cloned of it is an ordinary
//! waker. It is taken for a foreign one, so that candor's own futures clone it as well.
//!
//! Knows wakers and chains.

use std::mem::ManuallyDrop;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::kernel::tasks::waker;
use crate::watch::chain::note_frames;

/// The table of the traced wakers.
pub(crate) static TRACED: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| ());

fn clone(data: *const ()) -> RawWaker {
    note_frames();
    // Whether the executor counts its wakers cannot be known here: this may be another thread. To count one more does no harm.
    let original = waker::waker_of(waker::key(data), waker::table(true));
    let clone = ManuallyDrop::new(Waker::clone(&original));
    RawWaker::new(clone.data(), clone.vtable())
}

fn wake(data: *const ()) {
    note_frames();
    waker::wake(waker::key(data));
}
