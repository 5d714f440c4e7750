//! A place for the waker of an awaiter, on this thread, of something of candor's own.
//!
//! Knows the current executor, and what a waker stands for.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::kernel::tasks::{Ending, Joined, Joiner, Key, current_executor, waker};

/// The awaiter of something of candor's own, on this thread: at most one.
pub(crate) struct Waiting {
    /// Kept as the joiner of a task is. The key of a task is no waker, so it is not counted.
    waiter: Joined,
    /// The awaiter has let others run.
    has_waited: Cell<bool>,
}

impl Default for Waiting {
    fn default() -> Self {
        Waiting {
            waiter: Joined::by_nobody(),
            has_waited: Cell::new(false),
        }
    }
}

impl Waiting {
    /// Ready if `is_there` says that the awaited thing is there. Otherwise [`wake`](Waiting::wake) will call the waker.
    ///
    /// A task that finds very many things ready in one poll has to wait for its next turn.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        let is_ready = match is_there() {
            // It is put off once: what else is in the same poll may find very many things ready each time.
            true => self.has_waited.get() || !current_executor::is_spent(cx),
            false => {
                let waker = cx.waker();
                match current_executor::with(|core| core.number) {
                    Some(here) => (self.waiter).set_waker(waker::key_of(waker), waker, here),
                    None => self.waiter.set_foreign(waker),
                }
                // While a foreign waker was cloned, anything may have happened.
                is_there()
            }
        };
        self.has_waited.set(!is_ready);
        match is_ready {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// The same for a future that gives its output once: when it was ready, it stays so.
    pub(crate) fn poll_once(&self, cx: &mut Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        let poll = self.poll(cx, is_there);
        self.has_waited.set(true);
        poll
    }

    pub(crate) fn wake(&self) {
        match self.waiter.take() {
            Joiner::Task(Key::NOBODY) => {}
            Joiner::Task(key) => waker::wake(key),
            // A foreign waker, which takes no notice of how a task has ended.
            Joiner::Listener(waker) => waker.task_done(Ending::Returned),
        }
    }
}
