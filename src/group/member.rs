//! A member: a task of a group, seen from the group.
//!
//! ```text
//!   group ──► Member ◄── GroupHandle        the value goes to the awaiter of the handle,
//!     ▲          │                          the failure stays in the task until the group reads it
//!     │          ▼
//!     └─calls── task
//! ```
//!
//! Knows handles and tasks, but nothing of groups.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::group::waiting::Waiting;
use crate::kernel::failure::{JoinError, TaskId};
use crate::kernel::tasks::{AnyTask, Ending, JoinHandle, Listener};
use crate::outcome::Outcome;

/// What the group and the handle share.
pub(super) struct Member<T: Outcome> {
    /// Holds the outcome; `None` once the group has let go of it.
    task: RefCell<Option<JoinHandle<T>>>,
    pub(super) id: Option<TaskId>,
    ending: Cell<Option<Ending>>,
    /// The awaiter of the handle.
    waiting: Waiting,
    /// The group and the member's place in it, until the task has ended.
    group: Cell<Option<(Rc<dyn Group>, usize)>>,
}

/// What a member calls in its group when its task is done.
pub(super) trait Group {
    fn member_done(&self, seat: usize, ending: Ending);
}

/// A member, without the type of its value.
pub(super) trait AnyMember {
    /// That of a task that was spawned, as each is that has a seat.
    fn id(&self) -> TaskId;

    /// The task, unless the group has let go of it.
    fn task(&self) -> Option<Rc<AnyTask>>;

    fn abort(&self);

    /// Gives the task up without dropping its future.
    fn leak(&self);

    /// Lets go of the task: a failure that nobody has read is then reported.
    fn let_go(&self);

    /// Notes how the task has ended, and wakes the awaiter of the handle.
    fn end(&self, ending: Ending);
}

/// A member whose failure fits a group that collects into `E`.
pub(super) trait Collected<E>: AnyMember {
    /// Reads the failure.
    fn take_failure(&self) -> Option<JoinError<E>>;
}

impl<T: Outcome> Member<T> {
    pub(super) fn new(task: JoinHandle<T>) -> Rc<Self> {
        Rc::new(Member {
            id: Some(task.id()),
            task: RefCell::new(Some(task)),
            ending: Cell::new(None),
            waiting: Waiting::default(),
            group: Cell::new(None),
        })
    }

    /// A member whose task was never spawned, because its group is over.
    pub(super) fn cancelled() -> Rc<Self> {
        Rc::new(Member {
            id: None,
            task: RefCell::new(None),
            ending: Cell::new(Some(Ending::Cancelled)),
            waiting: Waiting::default(),
            group: Cell::new(None),
        })
    }

    /// Lets the end of the task call the group.
    pub(super) fn tell(self: &Rc<Self>, group: Rc<dyn Group>, seat: usize)
    where
        T: 'static,
    {
        self.group.set(Some((group, seat)));
        if let Some(task) = &*self.task.borrow() {
            task.tell(Rc::clone(self) as _);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.ending.get().is_some()
    }

    pub(super) fn poll_value(&self, cx: &mut Context<'_>) -> Poll<Option<T::Ok>> {
        let poll = self.waiting.poll(cx, || self.is_finished());
        poll.map(|()| match self.ending.get() {
            Some(Ending::Returned) => self.take_outcome().and_then(Result::ok),
            _ => None,
        })
    }

    fn take_outcome(&self) -> Option<Result<T::Ok, JoinError<T::Err>>> {
        self.task.take()?.take_outcome()
    }
}

impl<T: Outcome> AnyMember for Member<T> {
    fn id(&self) -> TaskId {
        self.id.expect("a member with a seat was spawned")
    }

    fn task(&self) -> Option<Rc<AnyTask>> {
        Some(self.task.borrow().as_ref()?.task.clone())
    }

    fn abort(&self) {
        // Nothing is borrowed during the abort: a host may be called.
        let task = self.task.borrow().as_ref().map(JoinHandle::abort_handle);
        if let Some(task) = task {
            task.abort();
        }
    }

    fn leak(&self) {
        let task = self.task.borrow().as_ref().map(JoinHandle::abort_handle);
        if let Some(task) = task {
            task.leak();
        }
    }

    fn let_go(&self) {
        let task = self.task.take();
        task.into_iter().for_each(JoinHandle::let_go);
    }

    fn end(&self, ending: Ending) {
        self.ending.set(Some(ending));
        self.waiting.wake();
    }
}

impl<T: Outcome> Listener for Member<T> {
    fn task_done(&self, ending: Ending) {
        if let Some((group, seat)) = self.group.take() {
            group.member_done(seat, ending);
        }
    }
}

impl<T: Outcome, E: From<T::Err> + Debug + 'static> Collected<E> for Member<T> {
    fn take_failure(&self) -> Option<JoinError<E>> {
        Some(self.take_outcome()?.err()?.map(E::from))
    }
}
