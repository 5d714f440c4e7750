//! Wakers of others: of another executor, of a combinator, of a host.
//!
//! Their functions are user code. They may panic, and may come back into any function of candor. So there are three
//! rules, and this file with [`Waiting`](crate::waker::Waiting) is where they are kept:
//!
//! - None is called while state of candor's is borrowed or locked.
//! - A panic of one that is woken or dropped is contained: it must not keep the next waiter from being woken, and it is
//!   no task's failure. One that panics when it is cloned ends the poll that it was given to, and changes nothing else.
//! - While one is cloned, what it is to wait for may happen. So whoever keeps one looks once more afterwards.
//!
//! Knows nothing of candor but how to contain a panic.

use std::mem;
use std::task::Waker;

use crate::kernel::failure::aside::contain;

/// A waker of others, whose calls are contained.
pub(crate) struct Foreign(Waker);

impl Foreign {
    /// Clones the waker, which may panic.
    pub(crate) fn of(waker: &Waker) -> Self {
        Foreign(waker.clone())
    }

    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.0.will_wake(waker)
    }

    pub(crate) fn wake(&self) {
        contain(|| self.0.wake_by_ref());
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let waker = mem::replace(&mut self.0, Waker::noop().clone());
        contain(|| drop(waker));
    }
}
