//! A task: one allocation that holds a future, and later its outcome.
//!
//! ```text
//!               ┌──────────────────── Task ────────────────────┐
//! slots  ──────►│ Header                 │ Stage:               │◄────── JoinHandle
//! (a Job,       │ id, parentage,         │ Running(future)      │   (a JobOf<T>,
//!  to poll)     │ last await, joiner     │      ▼               │    to join)
//!               │                        │ its outcome          │
//!               └────────────────────────┴──────────────────────┘
//! ```
//!
//! Both point to the same task, each by another trait. The executor need not know what the future
//! returns, and the handle need not know what the future is. The pointers are counted without atomics (see `memory`):
//! wakers hold no pointer, so no other thread ever sees a task.
//!
//! The executor polls through `&self`, so the stage is in a `RefCell`. Code that finds it borrowed runs
//! inside of this very task: its future is being polled or dropped, or its error is asked for its text.
//!
//! Knows failures, and what waits for its end, but no executor and no queue. A waker is only something to call.
//!
//! Lesson 2 of the course builds a small one.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::kernel::failure::{
    Ancestor, AwaitKind, Cancelled, JoinError, LastAwait, Named, OriginOf, Panic, Record, Site,
    TaskFailure, TaskId,
};
use crate::kernel::tasks::{Counted, Ending, Joined, Joiner, Listener, Parentage};
use crate::outcome::Outcome;

/// A task whose future is an `F`.
///
/// The fields have this order in memory too, so that the header is at the same place whatever the future is. When the
/// compiler chose the order, a field of the header was copied together with the padding of the future beside it.
#[repr(C)]
pub(crate) struct Task<F: Future<Output: Outcome>> {
    header: Header,
    stage: RefCell<Stage<F>>,
}

/// A task without the type of its future, as the executor sees it.
pub(crate) type AnyTask = dyn Job;

/// The executor's side of a task. Its methods may unwind, because they run user code.
///
/// All that a poll does to a task is behind one call, because only inside of it the places of the fields are known.
pub(crate) trait Job {
    fn header(&self) -> &Header;

    /// Polls the future, or drops it if the task was aborted. If the future is pending, the noted await becomes its last one.
    /// If it is done, says how it has ended; a failure then waits to be read or reported.
    fn poll(&self, cx: &mut Context<'_>, noted: &Cell<Option<LastAwait>>) -> Poll<Ending>;

    /// Lets the handle find the task cancelled, although the future is still there and will never be dropped.
    fn give_up(&self) {}

    /// Makes a panic in `poll` the outcome. If there is a failure already, the panic is given back:
    /// an awaiter gets the first failure.
    fn settle_panic(&self, panic: Panic) -> Option<Panic>;

    fn has_unread_failure(&self) -> bool;

    /// The failure, if it is unread. An error is asked for its text, which runs user code. Meanwhile the handle waits, as for a
    /// task that is not done.
    fn failure(&self) -> Option<TaskFailure>;

    /// Drops the outcome, because nobody will ask for it.
    fn discard(&self);
}

/// The handle's side of a task whose future returns `T`.
pub(crate) trait JobOf<T>: Job {
    /// Takes the outcome of a finished task; `None` if it was taken before, or is just being asked for its text.
    fn take_outcome(&self) -> Option<OutcomeOf<T>>
    where
        T: Outcome;
}

/// What an awaiter gets.
pub(crate) type OutcomeOf<T> = Result<<T as Outcome>::Ok, JoinError<<T as Outcome>::Err>>;

enum Stage<F: Future<Output: Outcome>> {
    Running(F),
    /// `None` once the outcome was taken or discarded.
    Finished(Option<OutcomeOf<F::Output>>),
    /// It returned an `Err`. What else belongs to a failure is in the header, and is put beside the error when somebody asks.
    Failed(Option<<F::Output as Outcome>::Err>),
    /// The future was dropped before it was done.
    Cancelled,
}

impl<F: Future<Output: Outcome>> Stage<F> {
    /// Puts beside an error what else belongs to a failure.
    fn complete(&mut self, task: &Header) {
        if let Stage::Failed(error) = self
            && let Some(error) = error.take()
        {
            let record = Record::of_task(task.origin());
            *self = Stage::Finished(Some(Err(JoinError::Failed(error, record))));
        }
    }
}

impl<F: Future<Output: Outcome>> Task<F> {
    pub(crate) fn new(header: Header, future: F) -> Self {
        Task {
            header,
            stage: RefCell::new(Stage::Running(future)),
        }
    }

    /// Puts the output of the future in the place of the future. A value without a handle is dropped.
    fn finish(&self, stage: &mut Stage<F>, output: F::Output) -> Ending {
        match output.into_result() {
            Ok(value) => {
                // This drops the future. If that panics, the outcome is in its place nevertheless.
                *stage = Stage::Finished(Some(Ok(value)));
                if self.header.is_detached.get() {
                    *stage = Stage::Finished(None);
                }
                Ending::Returned
            }
            Err(error) => {
                *stage = Stage::Failed(Some(error));
                Ending::Failed
            }
        }
    }
}

impl<J: Job + 'static> Counted<J> {
    pub(crate) fn for_executor(self) -> Counted<AnyTask> {
        // SAFETY: It is coerced.
        // Test: a_task_is_finished_from_its_last_poll_on.
        unsafe { self.coerce(|task| task) }
    }

    pub(crate) fn for_handle<T>(self) -> Counted<dyn JobOf<T>>
    where
        J: JobOf<T>,
    {
        // SAFETY: It is coerced.
        // Test: a_handle_gives_the_value_of_its_task.
        unsafe { self.coerce(|task| task) }
    }
}

impl<L: Listener + 'static> Counted<L> {
    pub(crate) fn for_joiner(self) -> Joiner {
        // SAFETY: It is coerced.
        // Test: join_waits_for_the_slowest.
        Joiner::Listener(unsafe { self.coerce(|listener| listener) })
    }
}

impl<T> Counted<dyn JobOf<T>> {
    pub(crate) fn any(self) -> Counted<AnyTask> {
        // SAFETY: It is coerced.
        // Test: an_abort_handle_aborts_after_the_handle_was_dropped.
        unsafe { self.coerce(|task| task) }
    }
}

impl<F: Future<Output: Outcome>> Job for Task<F> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn poll(&self, cx: &mut Context<'_>, noted: &Cell<Option<LastAwait>>) -> Poll<Ending> {
        let header = &self.header;
        let stage = &mut *self.stage.borrow_mut();
        let Stage::Running(future) = stage else {
            return Poll::Pending;
        };
        if header.is_aborted.get() {
            *stage = Stage::Cancelled;
            return Poll::Ready(Ending::Cancelled);
        }
        header.polls.set(header.polls.get().wrapping_add(1));
        // SAFETY: The future is pinned from its first poll until it is dropped. It is inside a `Counted`,
        // which does not move its contents, and `spawn` put it there before that first poll. It is
        // accessed only in this function and where a stage is assigned, and assignment drops it in
        // place. Other code moves only the outcome out of a stage, never the future.
        // Test: a_future_stays_where_it_was_polled_first.
        let future = unsafe { Pin::new_unchecked(future) };
        match future.poll(cx) {
            Poll::Pending => {
                match noted.take() {
                    Some(noted) => {
                        header.awaited_at.set(Some(noted.at));
                        header.awaited.set(noted.what);
                    }
                    None => header.awaited.set(header.awaited.get().aged()),
                }
                Poll::Pending
            }
            Poll::Ready(output) => Poll::Ready(self.finish(stage, output)),
        }
    }

    fn settle_panic(&self, panic: Panic) -> Option<Panic> {
        if self.has_unread_failure() {
            return Some(panic);
        }
        *self.stage.borrow_mut() = Stage::Finished(Some(Err(JoinError::Panicked(panic))));
        None
    }

    fn has_unread_failure(&self) -> bool {
        matches!(
            self.stage.try_borrow().as_deref(),
            Ok(Stage::Failed(Some(_)) | Stage::Finished(Some(Err(_))))
        )
    }

    fn failure(&self) -> Option<TaskFailure> {
        // If that fails, it is being asked already.
        if let Ok(mut stage) = self.stage.try_borrow_mut() {
            stage.complete(&self.header);
        }
        match &*self.stage.borrow() {
            Stage::Finished(Some(Err(error))) => error.failure().cloned(),
            _ => None,
        }
    }

    fn discard(&self) {
        // Its destructor is user code, and may call this function: so the stage is no longer borrowed when it runs.
        drop(self.take_outcome());
    }
}

impl<F: Future<Output: Outcome>> JobOf<F::Output> for Task<F> {
    fn take_outcome(&self) -> Option<OutcomeOf<F::Output>> {
        let stage = &mut *self.stage.try_borrow_mut().ok()?;
        let header = &self.header;
        if header.progress.get() != Progress::Done {
            return None;
        }
        header.progress.set(Progress::Taken);
        stage.complete(header);
        match stage {
            Stage::Finished(outcome) => outcome.take(),
            // One that was given up is still in its place, because it is pinned.
            _ => Some(Err(JoinError::Cancelled(Cancelled(Record::of_task(
                header.origin(),
            ))))),
        }
    }
}

/// What is known of every task, whatever its future is.
///
/// | progress | with a handle | detached |
/// |---|---|---|
/// | running | it may be joined | it runs by itself: a failure will be reported at once |
/// | done | the outcome waits for the handle, a failure as long as its grace | nobody awaited it: a failure has been reported, or is about to be |
/// | taken | the handle has the outcome | the handle was awaited, then dropped |
pub(crate) struct Header {
    pub(crate) id: TaskId,
    pub(crate) spawned_at: Site,
    pub(crate) spawned_by: Counted<Parentage>,
    /// The two halves of the last await. They are apart, so that the kind fits between the flags.
    pub(crate) awaited_at: Cell<Option<Site>>,
    pub(crate) awaited: Cell<AwaitKind>,
    /// Whoever awaits the handle.
    pub(crate) joiner: Joined,
    /// Set when the task is put into the table.
    pub(crate) slot: Cell<u32>,
    pub(crate) polls: Cell<u32>,
    pub(crate) is_daemon: bool,
    /// No handle is left that could read the outcome.
    pub(crate) is_detached: Cell<bool>,
    /// The handle's request to drop the future instead of polling it again.
    pub(crate) is_aborted: Cell<bool>,
    pub(crate) progress: Cell<Progress>,
}

impl Header {
    #[inline]
    pub(crate) fn new(
        id: TaskId,
        spawned_at: Site,
        spawned_by: Counted<Parentage>,
        is_daemon: bool,
    ) -> Self {
        Header {
            id,
            spawned_at,
            spawned_by,
            awaited_at: Cell::new(None),
            awaited: Cell::new(AwaitKind::JOIN),
            joiner: Joined::by_nobody(),
            slot: Cell::new(0),
            polls: Cell::new(0),
            is_daemon,
            is_detached: Cell::new(false),
            is_aborted: Cell::new(false),
            progress: Cell::new(Progress::Running),
        }
    }

    /// Called when a handle is polled whose task is done, but whose outcome is not there.
    pub(crate) fn wait_for_report(&self, waker: &Waker) {
        assert!(
            self.progress.get() != Progress::Taken,
            "the JoinHandle of {} was polled after it had given its outcome; it can be awaited once",
            Named(self.id, self.name()),
        );
        // Its error is being asked for its text right now, further up the stack.
        waker.wake_by_ref();
    }

    /// Whether the future is done or dropped.
    pub(crate) fn is_finished(&self) -> bool {
        self.progress.get() != Progress::Running
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.spawned_by.name.as_deref()
    }

    /// The `.await` at which the task last waited, as far as candor's own futures could see.
    pub(crate) fn last_await(&self) -> Option<LastAwait> {
        let at = self.awaited_at.get()?;
        let what = self.awaited.get();
        Some(LastAwait { what, at })
    }

    pub(crate) fn as_ancestor(&self) -> Ancestor {
        Ancestor {
            id: self.id,
            name: self.spawned_by.name.clone(),
            spawned_at: self.spawned_at,
        }
    }

    pub(crate) fn origin(&self) -> OriginOf<'_> {
        OriginOf {
            id: self.id,
            name: self.spawned_by.name.as_ref(),
            spawned_at: self.spawned_at,
            spawned_by: self.spawned_by.lineage(),
            last_await: self.last_await(),
        }
    }
}

/// How far a task is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Its future is polled when it is woken.
    Running,
    /// The future is done or dropped, and has left the table.
    Done,
    /// The outcome has been given to the handle.
    Taken,
}

// One word more in each of a million tasks is eight megabytes.
const _: () = assert!(size_of::<Joiner>() == 16 && size_of::<Header>() == 64);
