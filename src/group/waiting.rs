//! A place for the waker of whatever waits for something of candor's own on this thread.
//!
//! Knows the current executor, and what a waker stands for.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use crate::kernel::tasks::{Foreign, Key, current, waker};

/// Who waits for something of candor's own, on this thread: at most one.
#[derive(Default)]
pub(crate) struct Waiting {
    waiter: Cell<Option<Waiter>>,
    /// Whoever waits has let others run.
    has_waited: Cell<bool>,
}

enum Waiter {
    /// A task of the executor that runs here. Its number is no waker that a stall would have to count.
    Task(Key),
    Foreign(Foreign),
}

impl Waiting {
    /// Looks whether it is there, whatever is waited for; else the waker will be called by [`wake`](Waiting::wake).
    ///
    /// A task that finds very many things there in one poll is made to wait for its next turn.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        if is_there() && !self.has_waited.get() && current::is_spent(cx) {
            return Poll::Pending;
        }
        let poll = self.poll_uncounted(cx, is_there);
        self.has_waited.set(poll.is_pending());
        poll
    }

    /// The same for what is no await of its own.
    pub(crate) fn poll_uncounted(
        &self,
        cx: &mut Context<'_>,
        is_there: impl Fn() -> bool,
    ) -> Poll<()> {
        // While a waker of others is cloned, anything may happen: hence the second look.
        match is_there() || (self.keep(cx.waker()) && is_there()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Whether that ran user code.
    fn keep(&self, waker: &Waker) -> bool {
        let key = waker::key_of(waker);
        let is_here = current::with(|core| core.number == key.executor()) == Some(true);
        let is_task = is_here && key != Key::NOBODY;
        if !is_task && self.will_wake(waker) {
            return false;
        }
        // Should the clone panic, the former waiter is still there.
        let waiter = match is_task {
            true => Waiter::Task(key),
            false => Waiter::Foreign(Foreign::of(waker)),
        };
        drop(self.waiter.replace(Some(waiter)));
        !is_task
    }

    /// Whether this waker of others is kept already.
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
