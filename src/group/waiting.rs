//! A place for the waker of an awaiter, on this thread, of something of candor's own.
//!
//! Knows the current executor, and what a waker stands for.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use crate::kernel::tasks::{Foreign, Key, current, waker};

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
        if is_there() && !self.has_waited.get() && current::is_spent(cx) {
            return Poll::Pending;
        }
        let poll = self.poll_uncounted(cx, is_there);
        self.has_waited.set(poll.is_pending());
        poll
    }

    /// The same, but not counted: for a poll that is no await of its own.
    pub(crate) fn poll_uncounted(
        &self,
        cx: &mut Context<'_>,
        is_there: impl Fn() -> bool,
    ) -> Poll<()> {
        // While a foreign waker is cloned, anything may happen. So `is_there` is asked again.
        match is_there() || (self.keep(cx.waker()) && is_there()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Keeps the waker. Returns whether that ran user code.
    fn keep(&self, waker: &Waker) -> bool {
        let key = waker::key_of(waker);
        let is_here = current::with(|core| core.number == key.executor()) == Some(true);
        let is_task = is_here && key != Key::NOBODY;
        if !is_task && self.will_wake(waker) {
            return false;
        }
        // If the clone panics, the former waiter is still there.
        let waiter = match is_task {
            true => Waiter::Task(key),
            false => Waiter::Foreign(Foreign::of(waker)),
        };
        drop(self.waiter.replace(Some(waiter)));
        !is_task
    }

    /// Whether this foreign waker is kept already.
    fn will_wake(&self, waker: &Waker) -> bool {
        let waiter = self.waiter.take();
        let is_known = matches!(&waiter, Some(Waiter::Foreign(known)) if known.will_wake(waker));
        self.waiter.set(waiter);
        is_known
    }

    pub(crate) fn wake(&self) {
        match self.waiter.take() {
            None => {}
            Some(Waiter::Task(key)) => waker::wake(key),
            Some(Waiter::Foreign(waker)) => waker.wake(),
        }
    }
}
