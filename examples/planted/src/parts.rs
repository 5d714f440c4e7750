//! What the bugs on all three runtimes are made of.
//!
//! Knows no runtime.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

/// How long the program goes on after a bug, as a server would.
pub const MOMENT: Duration = Duration::from_millis(100);

/// Longer than any of these programs runs.
pub const HOUR: Duration = Duration::from_secs(3600);

/// Panics if there is no such price.
pub fn price(index: usize) -> u32 {
    [3, 5][index] // here
}

/// A bell with one place for a waker: if two wait, the second forgets the first.
#[derive(Default)]
pub struct Bell {
    has_rung: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Bell {
    pub async fn heard(&self) {
        poll_fn(|cx| {
            if self.has_rung.get() {
                return Poll::Ready(());
            }
            self.waiter.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    pub fn ring(&self) {
        self.has_rung.set(true);
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

/// Panics when it is dropped.
pub struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("the glass is broken"); // here
    }
}
