//! A task: one allocation that holds a future, and later what became of it.
//!
//! ```text
//!               ┌──────────────────── Task ────────────────────┐
//! slots  ──Rc──►│ Header                 │ Job: Running(future) │◄──Rc── JoinHandle
//! (something    │ id, name, lineage,     │        ▼             │   (something
//!  to poll)     │ last await, joiner     │      Finished(result)│    to join)
//!               └────────────────────────┤        ▼             │
//!                                        │      Consumed        │
//!                                        └──────────────────────┘
//! ```
//!
//! Both see the same cell through a trait object of their own: the executor needs not know what the
//! future returns, and the handle needs not know what the future is. A plain `Rc` is enough, because
//! wakers hold no pointer and so no task is ever seen by another thread.
//!
//! The executor polls through `&self`, so the stage is in a `RefCell`. Whoever finds it borrowed is
//! running inside the very future that is being polled, dropped or reported.
//!
//! Knows failures, but no executor, no queue and no waker but as something to call.

use std::cell::{Cell, RefCell};
use std::panic::Location as Caller;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::failure::join_error::{JoinError, Panic};
use crate::failure::lineage::{Origin, SharedLineage, TaskId};
use crate::failure::{FailureKind, LastAwait, TaskFailure};
use crate::outcome::Outcome;

/// A task whose future's type is `S`, or is not known.
pub(crate) struct Task<S: ?Sized> {
    pub(crate) header: Header,
    pub(crate) job: S,
}

/// A task as the executor sees it.
pub(crate) type AnyTask = Task<dyn Job>;

/// What is known of a task whatever its future is.
pub(crate) struct Header {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) spawned_at: &'static Caller<'static>,
    pub(crate) spawned_by: SharedLineage,
    pub(crate) last_await: Cell<Option<LastAwait>>,
    /// Whoever awaits the handle.
    pub(crate) joiner: Cell<Option<Waker>>,
    pub(crate) slot: u32,
    pub(crate) is_daemon: bool,
    pub(crate) polls: Cell<u32>,
    /// No handle is left that could read the outcome.
    pub(crate) is_detached: Cell<bool>,
    /// The outcome has been given to the handle.
    pub(crate) is_consumed: Cell<bool>,
    pub(crate) is_aborted: Cell<bool>,
    pub(crate) is_finished: Cell<bool>,
}

impl Header {
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            id: self.id,
            name: self.name.clone(),
            spawned_at: Some(self.spawned_at),
            spawned_by: Arc::clone(&self.spawned_by),
        }
    }
}

/// What a poll came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterPoll {
    /// The future waits to be woken.
    Wait,
    /// It is done, and there is nothing to tell.
    Done,
    /// It is done, and its failure waits to be read or told.
    Failed,
}

/// The executor's side of a task. All of it may unwind, since all of it runs user code.
pub(crate) trait Job {
    fn poll(&self, header: &Header, cx: &mut Context<'_>) -> AfterPoll;

    /// Drops the future.
    fn cancel(&self);

    /// Makes a panic in `poll` or `cancel` the outcome. It is given back if there is a failure already:
    /// the first one is what an awaiter gets.
    fn settle_panic(&self, panic: Panic) -> Option<Panic>;

    fn has_unread_failure(&self) -> bool;

    fn view_failure(&self, view: &mut dyn FnMut(&TaskFailure));

    /// Drops the outcome, which nobody will ask for.
    fn discard(&self);
}

/// The handle's side of a task whose future returns `T`.
pub(crate) trait JobOf<T>: Job {
    fn take_outcome(&self) -> Taken<T>
    where
        T: Outcome;
}

/// What a handle finds.
pub(crate) enum Taken<T: Outcome> {
    Outcome(Result<T::Ok, JoinError<T::Err>>),
    NotYet,
    /// It has been taken before.
    Nothing,
}

pub(crate) struct Stages<F: Future<Output: Outcome>>(RefCell<Stage<F>>);

enum Stage<F: Future<Output: Outcome>> {
    Running(F),
    Finished(OutcomeOf<F>),
    Consumed,
}

type OutcomeOf<F> = Result<
    <<F as Future>::Output as Outcome>::Ok,
    JoinError<<<F as Future>::Output as Outcome>::Err>,
>;

impl<F: Future<Output: Outcome>> Stages<F> {
    pub(crate) fn new(future: F) -> Self {
        Stages(RefCell::new(Stage::Running(future)))
    }
}

impl<F: Future<Output: Outcome>> Job for Stages<F> {
    fn poll(&self, header: &Header, cx: &mut Context<'_>) -> AfterPoll {
        let mut stage = self.0.borrow_mut();
        let Stage::Running(future) = &mut *stage else {
            return AfterPoll::Wait;
        };
        // SAFETY: The future is pinned from its first poll until it is dropped. It lies inside an `Rc`,
        // which does not move its contents, and `Stages::new` put it there before that first poll. It is
        // reached only in this function and where a stage is assigned, and assignment drops it in place;
        // the two functions that move a stage out do so only when it holds no future any more.
        let future = unsafe { Pin::new_unchecked(future) };
        let Poll::Ready(output) = future.poll(cx) else {
            return AfterPoll::Wait;
        };
        let outcome = output.into_result().map_err(|error| {
            let failure = TaskFailure::new(
                header.origin(),
                FailureKind::Failed,
                header.last_await.get(),
            );
            JoinError::failed(error, failure)
        });
        let after = if outcome.is_ok() {
            AfterPoll::Done
        } else {
            AfterPoll::Failed
        };
        // This drops the future. Should that panic, the outcome is in its place all the same.
        *stage = Stage::Finished(outcome);
        if after == AfterPoll::Done && header.is_detached.get() {
            *stage = Stage::Consumed;
        }
        after
    }

    fn cancel(&self) {
        let mut stage = self.0.borrow_mut();
        if let Stage::Running(_) = &*stage {
            *stage = Stage::Finished(Err(JoinError::Cancelled));
        }
    }

    fn settle_panic(&self, panic: Panic) -> Option<Panic> {
        let mut stage = self.0.borrow_mut();
        match &*stage {
            Stage::Finished(Err(JoinError::Failed(_) | JoinError::Panicked(_))) => Some(panic),
            Stage::Running(_) | Stage::Finished(_) | Stage::Consumed => {
                *stage = Stage::Finished(Err(JoinError::Panicked(panic)));
                None
            }
        }
    }

    fn has_unread_failure(&self) -> bool {
        let Ok(stage) = self.0.try_borrow() else {
            return false;
        };
        matches!(
            &*stage,
            Stage::Finished(Err(JoinError::Failed(_) | JoinError::Panicked(_)))
        )
    }

    fn view_failure(&self, view: &mut dyn FnMut(&TaskFailure)) {
        if let Stage::Finished(Err(error)) = &*self.0.borrow()
            && let Some(failure) = error.failure()
        {
            view(failure);
        }
    }

    fn discard(&self) {
        if let Ok(mut stage) = self.0.try_borrow_mut()
            && let Stage::Finished(_) = &*stage
        {
            let outcome = std::mem::replace(&mut *stage, Stage::Consumed);
            // Its destructor is user code, and may come back here.
            drop(stage);
            drop(outcome);
        }
    }
}

impl<F: Future> JobOf<F::Output> for Stages<F>
where
    F::Output: Outcome,
{
    fn take_outcome(&self) -> Taken<F::Output> {
        let Ok(mut stage) = self.0.try_borrow_mut() else {
            return Taken::NotYet;
        };
        if let Stage::Running(_) = &*stage {
            return Taken::NotYet;
        }
        match std::mem::replace(&mut *stage, Stage::Consumed) {
            Stage::Finished(outcome) => Taken::Outcome(outcome),
            Stage::Running(_) | Stage::Consumed => Taken::Nothing,
        }
    }
}
