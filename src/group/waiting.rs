//! A place for the waker of an awaiter, on this thread, of something of candor's own.
//!
//! Knows the current executor, and what a waker stands for.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use crate::kernel::tasks::{Foreign, Key, current_executor, waker};

/// The awaiter of something of candor's own, on this thread: at most one.
#[derive(Default)]
pub(crate) struct Waiting {
    waiter: Cell<Option<Waiter>>,
    /// The awaiter has let others run.
    has_waited: Cell<bool>,
}

enum Waiter {
    /// A task of the executor that runs here. Its key is no waker, so it is not counted.
    Task(Key),
    Foreign(Foreign),
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
                self.keep(cx.waker());
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

    fn keep(&self, waker: &Waker) {
        let key = waker::key_of(waker);
        let is_here = current_executor::with(|core| core.number == key.executor()) == Some(true);
        let former = self.waiter.take();
        let is_known = matches!(&former, Some(Waiter::Foreign(known)) if known.0.will_wake(waker));
        // If the clone below panics, the former waiter is still there.
        self.waiter.set(former);
        if is_here && key != Key::NOBODY {
            self.waiter.set(Some(Waiter::Task(key)));
        } else if !is_known {
            self.waiter
                .set(Some(Waiter::Foreign(Foreign(waker.clone()))));
        }
    }

    pub(crate) fn wake(&self) {
        match self.waiter.take() {
            None => {}
            Some(Waiter::Task(key)) => waker::wake(key),
            Some(Waiter::Foreign(waker)) => waker.wake(),
        }
    }
}
