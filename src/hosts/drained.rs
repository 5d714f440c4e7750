//! All tasks have ended: as a future, for a host that awaits it.
//!
//! Knows executors.

use std::fmt;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::entry::Executor;
use crate::kernel::tasks::{Core, Foreign, current_executor};

impl Executor {
    /// Waits until no task is left that is not a daemon, as [`drain`](Executor::drain) does, but as a future.
    ///
    /// It runs nothing by itself. Inside of another runtime, drive it with [`run_until`](Executor::run_until).
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.spawn(async { candor::yield_now().await }).detach();
    /// futures::executor::block_on(executor.run_until(executor.drained()));
    /// assert!(executor.tasks().is_empty());
    /// ```
    pub fn drained(&self) -> Drained<'_> {
        Drained {
            core: &self.core,
            end: AwaitedEnd::default(),
        }
    }
}

/// The future of [`Executor::drained`].
///
/// # Examples
///
/// ```
/// let executor = candor::Executor::new();
/// let drained: candor::Drained<'_> = executor.drained();
/// futures::executor::block_on(drained);
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Drained<'a> {
    core: &'a Core,
    end: AwaitedEnd,
}

// A panic finds it whole, as `lib.rs` says of everything.
impl UnwindSafe for Drained<'_> {}
impl RefUnwindSafe for Drained<'_> {}

impl Future for Drained<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.core.has_work_to_wait_for() {
            return self.end.ready_in_turn(cx);
        }
        let core = self.core;
        self.end.keep(core, cx.waker());
        // While the waker was cloned, the last task may have ended.
        match self.core.has_work_to_wait_for() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

/// The part of a future that waits for the last task to end, or for one that was aborted.
#[derive(Default)]
pub(crate) struct AwaitedEnd {
    /// The core calls it as long as this is there.
    waker: Option<Rc<Foreign>>,
    /// It was found ready, and that was counted.
    is_counted: bool,
}

impl AwaitedEnd {
    /// The end is there. If nothing had to wait for it, and a task has found very many such things in one poll, it has to let
    /// others run first.
    pub(crate) fn ready_in_turn(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_first = !mem::replace(&mut self.is_counted, true);
        match is_first && self.waker.is_none() && current_executor::is_spent(cx) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Has this waker called. Check again afterwards: while it is cloned, the end may come.
    pub(crate) fn keep(&mut self, core: &Core, waker: &Waker) {
        let waker = Rc::new(Foreign(waker.clone()));
        let waits = Rc::downgrade(&waker);
        // Not while the list is borrowed: the destructor of the former one is user code.
        self.waker = Some(waker);
        let mut waiting = core.on_ended.borrow_mut();
        waiting.retain(|waits| waits.strong_count() > 0);
        waiting.push(waits);
    }
}

impl fmt::Debug for Drained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn those_that_are_dropped_leave_nothing_to_call() {
        let executor = Executor::new();
        executor.spawn(std::future::pending::<()>()).detach();
        for _ in 0..100 {
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(pin!(executor.drained()).poll(cx).is_pending());
        }
        assert_eq!(executor.core.on_ended.borrow().len(), 1);
    }
}
