//! A waker that says where it is cloned or woken: that is where a future waits.
//!
//! It stands for a task as any other waker of candor's does, but has a table of its own. What is cloned of it is an ordinary
//! waker. It is taken for a foreign one, so that candor's own futures clone it as well.
//!
//! Knows wakers.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::kernel::tasks::waker;

/// The table of the traced wakers.
pub(crate) static TRACED: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| ());

thread_local! {
    /// What is called where a traced waker is cloned or woken on this thread.
    pub(crate) static TRACER: Cell<Option<fn()>> = const { Cell::new(None) };
}

fn clone(data: *const ()) -> RawWaker {
    trace();
    // Whether the executor counts its wakers cannot be known here: this may be another thread. To count one more does no harm.
    let original = waker::waker_of(waker::key(data), waker::table(true));
    let clone = ManuallyDrop::new(Waker::clone(&original));
    RawWaker::new(clone.data(), clone.vtable())
}

fn wake(data: *const ()) {
    trace();
    waker::wake(waker::key(data));
}

fn trace() {
    if let Ok(Some(tracer)) = TRACER.try_with(Cell::get) {
        tracer();
    }
}
