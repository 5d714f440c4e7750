//! A task: one allocation that holds a future, and later what became of it.
//!
//! ```text
//!               ┌──────────────────── Task ────────────────────┐
//! slots  ──Rc──►│ Header                 │ Stage:               │◄──Rc── JoinHandle
//! (a Job,       │ id, name, lineage,     │ Running(future)      │   (a JobOf<T>,
//!  to poll)     │ last await, joiner     │      ▼               │    to join)
//!               │                        │ Finished(outcome)    │
//!               └────────────────────────┴──────────────────────┘
//! ```
//!
//! Both see the same cell through a trait object of their own: the executor needs not know what the
//! future returns, and the handle needs not know what the future is. A plain `Rc` is enough, because
//! wakers hold no pointer and so no task is ever seen by another thread.
//!
//! The executor polls through `&self`, so the stage is in a `RefCell`. Whoever finds it borrowed is
//! running inside the very future that is being polled, dropped or reported.
//!
//! Knows failures and keys, but no executor, no queue and no waker but as something to call.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::kernel::failure::location::Awaited;
use crate::kernel::failure::{JoinError, LastAwait, Panic, Record, TaskFailure};
use crate::kernel::tasks::header::Header;
use crate::kernel::tasks::key::Key;
use crate::kernel::tasks::listener::Ending;
use crate::outcome::Outcome;

/// A task whose future is an `F`.
///
/// In this order in memory too, so that the header is at the same place whatever the future is. Where the compiler
/// chose the order, a field of the header was copied together with the padding of the future beside it.
#[repr(C)]
pub(crate) struct Task<F: Future<Output: Outcome>> {
    header: Header,
    stage: RefCell<Stage<F>>,
}

/// A task as the executor sees it.
pub(crate) type AnyTask = dyn Job;

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
///
/// All that a poll does to a task is behind one call, because only there the place of its parts is known.
pub(crate) trait Job {
    fn header(&self) -> &Header;

    /// Polls the future, or drops it if it was aborted. An await that it notes becomes its last one.
    fn poll(&self, cx: &mut Context<'_>, noted: &Cell<Option<LastAwait>>) -> AfterPoll;

    /// Drops the future.
    fn cancel(&self);

    /// Lets the handle find the task cancelled, though its future is still there and will never be dropped.
    fn give_up(&self) {}

    /// Makes a panic in `poll` or `cancel` the outcome. It is given back if there is a failure already:
    /// the first one is what an awaiter gets.
    fn settle_panic(&self, panic: Panic) -> Option<Panic>;

    fn has_unread_failure(&self) -> bool;

    /// How a task that is finished has ended.
    fn ending(&self) -> Ending;

    /// Calls `view` with the failure, if nobody has read it yet. Meanwhile its handle waits, as for a task that is not
    /// done. An error is asked for its text, which is user code.
    fn view_failure(&self, view: &mut dyn FnMut(&TaskFailure));

    /// Drops the outcome, which nobody will ask for.
    fn discard(&self);
}

/// The handle's side of a task whose future returns `T`.
pub(crate) trait JobOf<T>: Job {
    /// Takes the outcome, or lets the waker be called when there is one. `key` is what the waker
    /// stands for. Where the outcome is there already, `is_put_off` is asked whether it has to wait all the same.
    ///
    /// # Panics
    ///
    /// When the outcome was taken before.
    fn poll_join(
        &self,
        cx: &Context<'_>,
        key: Key,
        is_put_off: Option<fn(&Context<'_>) -> bool>,
    ) -> Poll<Result<T::Ok, JoinError<T::Err>>>
    where
        T: Outcome;
}

enum Stage<F: Future<Output: Outcome>> {
    Running(F),
    /// `None` once the outcome was taken or discarded.
    Finished(Option<OutcomeOf<F>>),
    /// The future was dropped before it was done. Who that was is said when the handle asks.
    Cancelled,
}

type OutcomeOf<F> = Result<
    <<F as Future>::Output as Outcome>::Ok,
    JoinError<<<F as Future>::Output as Outcome>::Err>,
>;

impl<F: Future<Output: Outcome>> Task<F> {
    #[inline]
    pub(crate) fn new(header: Header, future: F) -> Self {
        Task {
            header,
            stage: RefCell::new(Stage::Running(future)),
        }
    }

    /// Puts what the future returned where it was. Returning it dropped is the usual case of a detached task.
    fn finish(&self, stage: &mut Stage<F>, output: F::Output) -> AfterPoll {
        match output.into_result() {
            Ok(value) => {
                // This drops the future. Should that panic, the outcome is in its place all the same.
                *stage = Stage::Finished(Some(Ok(value)));
                if self.header.is_detached.get() {
                    *stage = Stage::Finished(None);
                }
                AfterPoll::Done
            }
            Err(error) => {
                let header = &self.header;
                let record = Record::of_task(header.origin(), header.last_await());
                *stage = Stage::Finished(Some(Err(JoinError::Failed(error, record))));
                AfterPoll::Failed
            }
        }
    }

    #[inline]
    fn take_outcome(&self) -> Option<OutcomeOf<F>> {
        let stage = &mut *self.stage.try_borrow_mut().ok()?;
        match stage {
            Stage::Finished(outcome) => outcome.take(),
            _ => self.take_cancelled(stage),
        }
    }

    /// What is found where no future has returned.
    #[cold]
    fn take_cancelled(&self, stage: &mut Stage<F>) -> Option<OutcomeOf<F>> {
        match stage {
            Stage::Cancelled => *stage = Stage::Finished(None),
            // Given up: the future stays where it is pinned.
            Stage::Running(_) if self.header.is_finished.get() => {}
            Stage::Running(_) | Stage::Finished(_) => return None,
        }
        Some(Err(self.header.cancelled()))
    }
}

impl<F: Future<Output: Outcome>> Stage<F> {
    fn is_unread_failure(&self) -> bool {
        matches!(
            self,
            Stage::Finished(Some(Err(JoinError::Failed(..) | JoinError::Panicked(_))))
        )
    }
}

impl<F: Future<Output: Outcome>> Job for Task<F> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn poll(&self, cx: &mut Context<'_>, noted: &Cell<Option<LastAwait>>) -> AfterPoll {
        let header = &self.header;
        let stage = &mut *self.stage.borrow_mut();
        let Stage::Running(future) = stage else {
            return AfterPoll::Wait;
        };
        if header.is_aborted.get() {
            *stage = Stage::Cancelled;
            return AfterPoll::Done;
        }
        header.polls.set(header.polls.get().wrapping_add(1));
        // SAFETY: The future is pinned from its first poll until it is dropped. It lies inside an `Rc`,
        // which does not move its contents, and `spawn` put it there before that first poll. It is
        // reached only in this function and where a stage is assigned, and assignment drops it in place;
        // what moves out of a stage elsewhere is the outcome, never the future.
        let future = unsafe { Pin::new_unchecked(future) };
        match future.poll(cx) {
            Poll::Pending => {
                match noted.take() {
                    Some(noted) => {
                        header.awaited_at.set(Some(noted.at));
                        header.awaited.set(Awaited::of(noted.what));
                    }
                    None => header.awaited.set(header.awaited.get().aged()),
                }
                AfterPoll::Wait
            }
            Poll::Ready(output) => self.finish(stage, output),
        }
    }

    fn cancel(&self) {
        let mut stage = self.stage.borrow_mut();
        if let Stage::Running(_) = &*stage {
            *stage = Stage::Cancelled;
        }
    }

    fn settle_panic(&self, panic: Panic) -> Option<Panic> {
        let mut stage = self.stage.borrow_mut();
        if stage.is_unread_failure() {
            return Some(panic);
        }
        *stage = Stage::Finished(Some(Err(JoinError::Panicked(panic))));
        None
    }

    fn has_unread_failure(&self) -> bool {
        (self.stage.try_borrow()).is_ok_and(|stage| stage.is_unread_failure())
    }

    fn ending(&self) -> Ending {
        match &*self.stage.borrow() {
            Stage::Finished(outcome) => Ending::of(outcome.as_ref()),
            Stage::Cancelled | Stage::Running(_) => Ending::Cancelled,
        }
    }

    fn view_failure(&self, view: &mut dyn FnMut(&TaskFailure)) {
        if let Stage::Finished(Some(Err(error))) = &*self.stage.borrow()
            && let Some(failure) = error.failure()
        {
            view(failure);
        }
    }

    fn discard(&self) {
        // Its destructor is user code, and may come back here: it runs when the stage is free again.
        drop(self.take_outcome());
    }
}

impl<F: Future> JobOf<F::Output> for Task<F>
where
    F::Output: Outcome,
{
    fn poll_join(
        &self,
        cx: &Context<'_>,
        key: Key,
        is_put_off: Option<fn(&Context<'_>) -> bool>,
    ) -> Poll<OutcomeOf<F>> {
        let header = &self.header;
        if !header.is_finished.get() {
            if header.set_joiner(key) {
                return Poll::Pending;
            }
            header.set_foreign_joiner(cx.waker());
            // While the waker was cloned, the task may have been run to its end.
            if !header.is_finished.get() {
                return Poll::Pending;
            }
            header.take_joiner();
        } else if is_put_off.is_some_and(|is_put_off| is_put_off(cx)) {
            return Poll::Pending;
        }
        if let Some(outcome) = self.take_outcome() {
            header.is_consumed.set(true);
            return Poll::Ready(outcome);
        }
        header.wait_for_report(cx.waker());
        Poll::Pending
    }
}
