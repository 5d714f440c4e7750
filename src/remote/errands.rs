//! The errands of an executor: what other threads ask it to do. The loop runs them between two polls.
//!
//! ```text
//! Remote ──push, notify──► errands ──► run_errands, between two polls
//!                             └──────► close_errands, at the end: they run too, and what they spawn is cancelled
//! ```
//!
//! Knows the core, but not what an errand does.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Acquire, fence};

use crate::kernel::tasks::core::Outside;
use crate::kernel::tasks::{Core, Main};
use crate::remote::errand_queue::Errands;

/// A request of another thread.
pub(crate) trait Errand: Send + Sync {
    /// Executes it, on the executor's thread, between two polls. Must not panic, except in a poll of `main`.
    fn run(self: Arc<Self>, core: &Rc<Core>, main: Option<&mut Main<'_>>);

    /// Lets the sender know that it will not be executed.
    fn abandon(&self);
}

pub(crate) type SharedErrands = Arc<Errands<Arc<dyn Errand>>>;

/// The memory of a longer list of errands is not kept.
const KEPT: usize = 1024;

/// The way in for errands. It is made at its first use.
struct WayIn {
    /// Its count says whether anything is left that could send an errand.
    errands: SharedErrands,
    /// The errands that were taken and have not run yet, the next one last. Its memory is used again.
    in_hand: RefCell<Vec<Arc<dyn Errand>>>,
}

impl Outside for WayIn {
    fn has_errands(&self) -> bool {
        !self.in_hand.borrow().is_empty() || !self.errands.is_empty()
    }

    fn run_errands(&self, core: &Rc<Core>, mut main: Option<&mut Main<'_>>) {
        let mut batch = self.errands.take(self.in_hand.take());
        batch.reverse();
        self.in_hand.replace(batch);
        let mut end_of_main = None;
        let next = || self.in_hand.borrow_mut().pop();
        while let Some(errand) = next() {
            let run = AssertUnwindSafe(|| errand.run(core, main.as_deref_mut()));
            // The main future may panic in the poll of an errand. The others are run nevertheless.
            if let Err(payload) = catch_unwind(run) {
                main = None;
                end_of_main = Some(payload);
            }
        }
        self.in_hand.borrow_mut().shrink_to(KEPT);
        // Perhaps none of them has made a task.
        if !core.has_work_to_wait_for() {
            let wakers = core.on_ended.take().into_iter();
            (wakers.filter_map(|waker| waker.upgrade())).for_each(|waker| waker.wake());
        }
        if let Some(payload) = end_of_main {
            resume_unwind(payload);
        }
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        for errand in self.errands.close() {
            errand.abandon();
        }
    }
}

impl Core {
    fn way_in(&self) -> Option<Rc<WayIn>> {
        let outside: Rc<dyn Any> = self.stay.outside.borrow().clone()?;
        outside.downcast().ok()
    }

    /// The way in for errands.
    pub(crate) fn errands(&self) -> SharedErrands {
        if let Some(way_in) = self.way_in() {
            return Arc::clone(&way_in.errands);
        }
        let errands = SharedErrands::new(Errands::new());
        let way_in = WayIn {
            errands: Arc::clone(&errands),
            in_hand: RefCell::default(),
        };
        self.stay.outside.replace(Some(Rc::new(way_in)));
        errands
    }

    /// Whether anything is left that could send errands.
    pub(crate) fn has_remotes(&self) -> bool {
        let way_in = self.way_in();
        let is_shared = way_in.is_some_and(|way_in| Arc::strong_count(&way_in.errands) > 1);
        // The other half of the release with which an `Arc` is dropped: what the ones that are gone have left is seen.
        fence(Acquire);
        is_shared
    }

    /// Refuses errands from now on, and runs those that came before.
    pub(crate) fn close_errands(self: &Rc<Self>) {
        let rest = self.way_in().map(|way_in| way_in.errands.close());
        // A dump, for example, polls nothing any more.
        self.polling.is_dropping.set(true);
        for errand in rest.into_iter().flatten() {
            errand.run(self, None);
        }
        self.polling.is_dropping.set(false);
    }
}
