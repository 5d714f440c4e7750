//! What the handle on one thread and the task on another share.
//!
//! ```text
//!            settle                     taken by the handle
//! Running ────────────► Finished(outcome) ────────────────► Over
//!                          │      ▲                           ▲
//!          its error is asked  │  │ it has given its text     │ reported, and the handle is gone
//!               for its text   ▼  │                           │
//!                         BeingAsked  ────────────────────────┘
//! ```
//!
//! A failure stays here until the handle or a report has taken it. The handle takes it only when it returns it
//! from a poll; dropping the handle leaves it here for the executor. So failures that may go to another thread
//! follow the same rules as all others.
//!
//! No user code runs while the lock is held: no waker is cloned, dropped or called, no outcome is dropped, no
//! error is asked for its text.
//!
//! Knows failures, outcomes and the core.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::kernel::failure::{
    Cancelled, JoinError, Lineage, Named, Origin, Record, Site, TaskFailure, TaskId, discard,
};
use crate::kernel::tasks::{Core, Foreign, OutcomeOf};
use crate::outcome::Outcome;
use crate::remote::errands::Errand;

/// A request to spawn, without the type of its closure.
pub(super) trait OrderOf<T: Outcome>: Errand {
    fn shared(&self) -> &Shared<T>;
}

/// One for each task that was spawned from another thread.
pub(super) struct Shared<T: Outcome> {
    name: Option<Arc<str>>,
    pub(super) spawned_at: Site,
    state: Mutex<State<T>>,
}

/// What nobody has taken may panic when it is dropped, and this may be the last that knows it, on any thread.
impl<T: Outcome> Drop for Shared<T> {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let left = mem::replace(&mut state.stage, Stage::Over);
        let task = Named(state.id(), self.name.as_deref());
        discard(format_args!("the outcome of {task}"), || drop(left));
    }
}

struct State<T: Outcome> {
    stage: Stage<T>,
    /// The awaiter of the handle.
    waker: Option<Foreign>,
    /// `None` until the request to spawn has arrived.
    place: Option<Place>,
    /// No handle is left that could read the outcome.
    is_detached: bool,
    /// The handle has requested that the future is dropped instead of polled again.
    is_aborted: bool,
}

enum Stage<T: Outcome> {
    /// The request to spawn is on its way, or the task is running.
    Running,
    Finished(OutcomeOf<T>),
    /// The failure is taken out for a moment: its error is asked for its text, which is user code.
    BeingAsked,
    /// The outcome was taken or dropped.
    Over,
}

/// Where the executor finds the task.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) id: TaskId,
    pub(super) slot: u32,
}

impl<T: Outcome> Shared<T> {
    pub(super) fn new(name: Option<Arc<str>>, spawned_at: Site) -> Self {
        Shared {
            name,
            spawned_at,
            state: Mutex::new(State {
                stage: Stage::Running,
                waker: None,
                place: None,
                is_detached: false,
                is_aborted: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the stage, and wakes the awaiter.
    fn enter(stage: Stage<T>, mut state: MutexGuard<'_, State<T>>) {
        state.stage = stage;
        let waker = state.waker.take();
        drop(state);
        waker.iter().for_each(Foreign::wake);
    }
}

/// The handle's side.
impl<T: Outcome> Shared<T> {
    /// Takes the outcome, or keeps the waker, to call it when there is one.
    ///
    /// # Panics
    ///
    /// If the outcome was taken before.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<OutcomeOf<T>> {
        let mut state = self.lock();
        let is_known = (state.waker.as_ref()).is_some_and(|waker| waker.0.will_wake(cx.waker()));
        if state.is_awaited() && !is_known {
            drop(state);
            // Cloned and dropped while nothing is locked: a foreign waker may do anything.
            let waker = Foreign(cx.waker().clone());
            let former = self.lock().waker.replace(waker);
            drop(former);
            state = self.lock();
        }
        if state.is_awaited() {
            return Poll::Pending;
        }
        let stage = mem::replace(&mut state.stage, Stage::Over);
        let (waker, id) = (state.waker.take(), state.id());
        drop(state);
        drop(waker);
        match stage {
            Stage::Finished(outcome) => Poll::Ready(outcome),
            Stage::Running | Stage::BeingAsked | Stage::Over => panic!(
                "the RemoteHandle of {} was polled after it had given its outcome; it can be awaited once",
                Named(id, self.name.as_deref())
            ),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        !matches!(self.lock().stage, Stage::Running)
    }

    pub(super) fn id(&self) -> Option<TaskId> {
        self.lock().place.map(|place| place.id)
    }

    /// Requests that the task is cancelled; returns whether the executor has to be notified.
    pub(super) fn abort(&self) -> bool {
        let mut state = self.lock();
        let is_new = !mem::replace(&mut state.is_aborted, true);
        // If the request to spawn is still on its way, the abort is found when it arrives.
        is_new && state.place.is_some() && matches!(state.stage, Stage::Running)
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.lock().is_aborted
    }

    /// The handle is gone. Returns whether the executor has to be notified: it has a failure to report.
    ///
    /// A value goes with its handle, although an errand may hold what the two sides share for longer.
    pub(super) fn detach(&self) -> bool {
        let mut state = self.lock();
        state.is_detached = true;
        let waker = state.waker.take();
        let has_failure = state.is_unread_failure();
        let is_unwanted = !has_failure && matches!(state.stage, Stage::Finished(_));
        let unwanted = is_unwanted.then(|| mem::replace(&mut state.stage, Stage::Over));
        let task = Named(state.id(), self.name.as_deref());
        drop(state);
        drop(waker);
        discard(format_args!("the outcome of {task}"), || drop(unwanted));
        has_failure
    }
}

/// The executor's side.
impl<T: Outcome> Shared<T> {
    /// The task has a place; returns whether it was aborted before that.
    pub(super) fn arrive(&self, place: Place) -> bool {
        let mut state = self.lock();
        state.place = Some(place);
        state.is_aborted
    }

    /// Puts the outcome where the handle finds it. Returns the awaiter, which is to be woken, and whether the handle is gone.
    ///
    /// A value without a handle is dropped. If that panics, the task has failed.
    pub(super) fn settle(&self, outcome: OutcomeOf<T>) -> (Option<Foreign>, bool) {
        let mut state = self.lock();
        state.stage = Stage::Finished(outcome);
        let (waker, is_detached) = (state.waker.take(), state.is_detached);
        let is_unwanted = is_detached && !state.stage.is_failure();
        let unwanted = is_unwanted.then(|| mem::replace(&mut state.stage, Stage::Over));
        drop(state);
        drop(unwanted);
        (waker, is_detached)
    }

    pub(super) fn is_unread_failure(&self) -> bool {
        self.lock().is_unread_failure()
    }

    /// The failure. While its error is asked for its text, a handle waits, as for a task that is not done.
    pub(super) fn failure(&self) -> Option<TaskFailure> {
        let mut state = self.lock();
        if !state.stage.is_failure() {
            return None;
        }
        let asked = mem::replace(&mut state.stage, Stage::BeingAsked);
        drop(state);
        let failure = match &asked {
            Stage::Finished(Err(error)) => error.failure().cloned(),
            _ => None,
        };
        Self::enter(asked, self.lock());
        failure
    }

    /// Drops a failure that has been reported, if no handle is left for it.
    pub(super) fn discard(&self) {
        let mut state = self.lock();
        let is_over = state.is_detached && state.stage.is_failure();
        let reported = is_over.then(|| mem::replace(&mut state.stage, Stage::Over));
        drop(state);
        drop(reported);
    }

    /// Does what the handle has requested, if that is still to be done.
    pub(super) fn serve_handle(&self, core: &Core) {
        let state = self.lock();
        let aborted = state.place.filter(|_| state.is_aborted);
        let is_detached = state.is_detached;
        drop(state);
        if let Some(place) = aborted
            && let Some(task) = core.slots.get(place.slot)
            && task.header().id == place.id
        {
            task.header().is_aborted.set(true);
            core.slots.wake_tenant(place.slot);
        }
        if is_detached && let Some(failure) = core.aside(|| self.failure()) {
            core.report(&failure);
            let task = &failure.0.origin;
            discard(format_args!("the outcome of {task}"), || self.discard());
        }
    }

    /// Lets the handle know that the task will never be done.
    pub(super) fn abandon(&self) {
        let state = self.lock();
        if let Stage::Running = state.stage {
            let cancelled = Cancelled(Record::new(Origin {
                id: state.id(),
                name: self.name.clone(),
                spawned_at: Some(self.spawned_at),
                spawned_by: Lineage::of_entry(None),
                last_await: None,
            }));
            Self::enter(Stage::Finished(Err(JoinError::Cancelled(cancelled))), state);
        }
    }
}

impl<T: Outcome> State<T> {
    fn id(&self) -> TaskId {
        self.place.map_or(TaskId::NEVER, |place| place.id)
    }

    /// Whether the outcome is still to come.
    fn is_awaited(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::BeingAsked)
    }

    /// A failure that is being asked for its text is not read yet: perhaps only an instrument gets it.
    fn is_unread_failure(&self) -> bool {
        matches!(self.stage, Stage::BeingAsked) || self.stage.is_failure()
    }
}

impl<T: Outcome> Stage<T> {
    fn is_failure(&self) -> bool {
        matches!(
            self,
            Stage::Finished(Err(JoinError::Failed(..) | JoinError::Panicked(_)))
        )
    }
}
