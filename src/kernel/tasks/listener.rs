//! How a task can end, and who is told.
//!
//! Knows keys, and wakers of others.

use std::rc::Rc;
use std::task::Waker;

use crate::kernel::failure::join_error::JoinError;
use crate::kernel::tasks::foreign::Foreign;
use crate::kernel::tasks::key::Key;

/// Who is told when a task is done.
pub(crate) enum Joiner {
    /// Most often another task of the same executor, to which its key is the shortest way.
    Task(Key),
    Listener(Rc<dyn Listener>),
}

/// Who wants to know of the end of a task: a member of a group or a pool, or a waker of others. Called in the middle of
/// the executor, so it must not unwind.
pub(crate) trait Listener {
    fn task_done(&self, ending: Ending);

    /// Whether it does nothing but to call this waker.
    fn will_wake(&self, _waker: &Waker) -> bool {
        false
    }
}

impl Listener for Foreign {
    fn task_done(&self, _ending: Ending) {
        self.wake();
    }

    fn will_wake(&self, waker: &Waker) -> bool {
        Foreign::will_wake(self, waker)
    }
}

/// How a task ended.
///
/// # Examples
///
/// ```
/// use candor::Ending;
///
/// assert_eq!(format!("task #1 {}", Ending::Returned), "task #1 returned");
/// assert_eq!(format!("task #2 {}", Ending::Cancelled), "task #2 was cancelled");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned, and not with an `Err`.
    Returned,
    /// It returned an `Err`.
    Failed,
    /// It panicked, or dropping its future did.
    Panicked,
    /// It was aborted, or its executor ended.
    Cancelled,
}

impl Ending {
    /// That of an outcome; `None` is one that was taken or discarded, and nobody takes a failure before its task is
    /// finished.
    pub(crate) fn of<T, E>(outcome: Option<&Result<T, JoinError<E>>>) -> Ending {
        match outcome {
            None | Some(Ok(_)) => Ending::Returned,
            Some(Err(JoinError::Failed(..))) => Ending::Failed,
            Some(Err(JoinError::Panicked(_))) => Ending::Panicked,
            Some(Err(JoinError::Cancelled(_))) => Ending::Cancelled,
        }
    }
}

impl Joiner {
    /// Of no executor's.
    pub(crate) const NOBODY: Joiner = Joiner::Task(Key::NOBODY);
}
