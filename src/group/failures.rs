//! The failures of a group that keeps them: for its `join`, or for `next_failure`.
//!
//! A failure stays in the handle of its task until it is asked for. So the usual rules for unread failures hold: if nobody
//! asks in time, they are overdue, and if the group is dropped, these handles are dropped, and each failure is reported.
//!
//! Knows members.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use crate::group::member::Group;
use crate::group::set::TaskSet;
use crate::kernel::failure::JoinError;
use crate::kernel::tasks::JoinHandle;
use crate::outcome::Outcome;

/// A set of tasks, and the failures of those that have failed. Its members share it.
pub(super) struct Collector<E> {
    pub(super) set: Rc<TaskSet>,
    /// It is there as long as somebody may ask for failures.
    failed: Weak<RefCell<VecDeque<Failed<E>>>>,
}

/// Takes the failure of a task, and makes its error an `E`; `None` while the error is being asked for its text.
type Failed<E> = Box<dyn Fn() -> Option<JoinError<E>>>;

impl<T, E> Group<T> for Collector<E>
where
    T: Outcome + 'static,
    E: From<T::Err> + Debug + 'static,
{
    fn set(&self) -> &TaskSet {
        &self.set
    }

    fn take_failed(&self, task: JoinHandle<T>) {
        if let Some(failed) = self.failed.upgrade() {
            let take = move || Some(task.take_outcome()?.err()?.map(E::from));
            failed.borrow_mut().push_back(Box::new(take));
        }
    }
}

/// The group's side of the failures. Dropping it reports those that nobody has read.
pub(super) struct Failures<E> {
    pub(super) collector: Rc<Collector<E>>,
    /// The first one first.
    failed: Rc<RefCell<VecDeque<Failed<E>>>>,
}

// A panic finds it whole, as `lib.rs` says of everything.
impl<E> UnwindSafe for Failures<E> {}
impl<E> RefUnwindSafe for Failures<E> {}

impl<E> Failures<E> {
    pub(super) fn of(set: Rc<TaskSet>) -> Self {
        let failed = Rc::default();
        let collector = Rc::new(Collector {
            set,
            failed: Rc::downgrade(&failed),
        });
        Failures { collector, failed }
    }

    pub(super) fn len(&self) -> usize {
        self.failed.borrow().len()
    }

    /// The next failure, or `None` if there is none.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<JoinError<E>>> {
        let next = self.failed.borrow_mut().pop_front();
        let Some(take) = next else {
            return Poll::Ready(None);
        };
        // The conversion is user code: nothing is borrowed meanwhile.
        if let Some(failure) = take() {
            return Poll::Ready(Some(failure));
        }
        // Its error is being asked for its text right now, further up the stack.
        self.failed.borrow_mut().push_front(take);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
