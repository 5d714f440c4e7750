//! What reaches an executor from outside of it, other than wakes.
//!
//! A `Remote` leaves errands, on whatever thread; the executor runs them when it begins a pass, in the order in
//! which they came, on its own. Most executors have no `Remote`, and pay one empty field for that.
//!
//! ```text
//! Remote ──push, notify──► errands ──► run_errands, between two polls
//!                             └──────► close_errands, at the end: run too, and what they spawn is cancelled
//! ```
//!
//! Knows the core's state; not what an errand is about.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Acquire, fence};
use std::thread::{Thread, ThreadId};

use crate::kernel::failure::{JoinError, Lineage, Root, contain};
use crate::kernel::tasks::core::Core;
use crate::kernel::tasks::inbox::errands::Errands;
use crate::kernel::tasks::task::Parentage;

/// What another thread asks for.
pub(crate) trait Errand: Send + Sync {
    /// Does it, on the executor's thread, between two polls. Must not panic.
    fn run(self: Arc<Self>, core: &Rc<Core>);

    /// Says to whoever waits for it that it will not be done.
    fn abandon(&self);
}

pub(crate) type SharedErrands = Arc<Errands<Arc<dyn Errand>>>;

/// A list of errands that has grown longer gives its memory back.
const KEPT: usize = 1024;

/// What an executor has of those outside, from when it is first asked for until it ends.
pub(crate) struct Outside {
    /// Counted: whether anybody is left who could bring one, can be seen.
    errands: SharedErrands,
    /// The memory of the last list of errands.
    spare: Vec<Arc<dyn Errand>>,
    /// Of what the same thread spawns: one that spawns often spawns again and again.
    last_thread: Option<(ThreadId, Rc<Parentage>)>,
}

impl Drop for Outside {
    fn drop(&mut self) {
        for errand in self.errands.close() {
            errand.abandon();
        }
    }
}

impl Core {
    /// The way in for errands.
    pub(crate) fn errands(&self) -> SharedErrands {
        let mut outside = self.outside.borrow_mut();
        let outside = outside.get_or_insert_with(|| {
            Box::new(Outside {
                errands: Arc::new(Errands::new()),
                spare: Vec::new(),
                last_thread: None,
            })
        });
        Arc::clone(&outside.errands)
    }

    /// Whether errands have come that have not been run.
    pub(crate) fn has_errands(&self) -> bool {
        let outside = self.outside.borrow();
        outside
            .as_ref()
            .is_some_and(|outside| !outside.errands.is_empty())
    }

    /// Whether anybody is left who could bring errands.
    pub(crate) fn has_remotes(&self) -> bool {
        let outside = self.outside.borrow();
        let is_shared = outside
            .as_ref()
            .is_some_and(|outside| Arc::strong_count(&outside.errands) > 1);
        // The other half of the release by which an `Arc` is dropped: what those that are gone have left is seen.
        fence(Acquire);
        is_shared
    }

    /// Runs the errands that have come so far.
    pub(crate) fn run_errands(self: &Rc<Self>) {
        let mut batch = match &mut *self.outside.borrow_mut() {
            Some(outside) => outside.errands.take(std::mem::take(&mut outside.spare)),
            None => return,
        };
        for errand in batch.drain(..) {
            errand.run(self);
        }
        if let Some(outside) = &mut *self.outside.borrow_mut()
            && batch.capacity() <= KEPT
        {
            outside.spare = batch;
        }
    }

    /// Refuses errands from now on, and runs those that came before.
    pub(crate) fn close_errands(self: &Rc<Self>) {
        let rest = match &*self.outside.borrow() {
            Some(outside) => outside.errands.close(),
            None => return,
        };
        for errand in rest {
            errand.run(self);
        }
    }

    /// What the tasks share that another thread spawns here.
    pub(crate) fn parentage_from(self: &Rc<Self>, thread: &Thread) -> Rc<Parentage> {
        let mut outside = self.outside.borrow_mut();
        let cached = outside.as_mut().map(|outside| &mut outside.last_thread);
        if let Some(Some((id, parentage))) = &cached
            && *id == thread.id()
        {
            return Rc::clone(parentage);
        }
        let parentage = self.parentage_with(Lineage::new(Root::Thread(thread.clone())));
        if let Some(cached) = cached {
            *cached = Some((thread.id(), Rc::clone(&parentage)));
        }
        parentage
    }

    /// Reports the failure of a task whose handle was dropped on another thread, with the failure unread.
    pub(crate) fn report_unread_error<E: std::fmt::Debug + 'static>(&self, error: JoinError<E>) {
        if let Some(failure) = self.aside(|| error.failure()) {
            self.report(failure);
        }
        // There is no poll to tell a panic in its destructor as part of: std's hook does.
        contain(|| drop(error));
    }
}
