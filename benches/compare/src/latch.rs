//! Waits until a number of things have happened.
//!
//! The same for every peer, and woken once, so that a workload's own waiting costs next to nothing.
//!
//! Knows nothing but a waker.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

#[derive(Default)]
pub struct Latch {
    left: Cell<usize>,
    waiter: Cell<Option<Waker>>,
}

impl Latch {
    pub fn new(count: usize) -> Rc<Self> {
        let latch = Rc::new(Latch::default());
        latch.left.set(count);
        latch
    }

    /// Counts one. Panics when there was none to come.
    pub fn count_down(&self) {
        let left = self
            .left
            .get()
            .checked_sub(1)
            .expect("nothing happens more often than the workload says");
        self.left.set(left);
        if left == 0
            && let Some(waiter) = self.waiter.take()
        {
            waiter.wake();
        }
    }

    /// From now on `count` are to come, and none of those before.
    pub fn expect(&self, count: usize) {
        self.left.set(count);
    }

    /// Waits until all have been counted.
    pub async fn opened(&self) {
        poll_fn(|cx| {
            if self.left.get() == 0 {
                return Poll::Ready(());
            }
            self.waiter.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }
}
