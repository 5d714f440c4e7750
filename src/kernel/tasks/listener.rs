//! How a task can end, and what the end calls: another task, a listener, or a foreign waker.
//!
//! A foreign waker (of another executor, a combinator, a host) is user code. It may panic, and may call any function of
//! candor. So there are three rules, which [`Foreign`] and the files that use it keep:
//!
//! - No foreign waker is called while state of candor's is borrowed or locked.
//! - A panic in its wake or its drop is contained: it must not keep the next waiter from being woken, and it is no
//!   task's failure. A panic in its clone ends the poll that it was given to, and changes nothing else.
//! - While it is cloned, the event that it waits for may happen. So the code that keeps it checks again afterwards.
//!
//! Knows keys.

use crate::kernel::failure::contain;
use crate::kernel::tasks::{Counted, Key};
use std::mem;
use std::task::Waker;

/// What is woken or called when a task is done.
pub(crate) enum Joiner {
    /// Most often another task of the same executor. Its key is the shortest way to it. `Key::NOBODY` if there is no joiner.
    Task(Key),
    Listener(Counted<dyn Listener>),
}

/// Something that waits for the end of a task: a member of a group or a pool, or a foreign waker. Called in the middle
/// of the executor, so it must not unwind.
pub(crate) trait Listener {
    fn task_done(&self, ending: Ending);

    /// Whether it only calls this waker.
    fn will_wake(&self, _waker: &Waker) -> bool {
        false
    }
}

/// A foreign waker, whose panics are contained. Only the clone that is made for it may panic: that ends the poll it was given to.
pub(crate) struct Foreign(pub(crate) Waker);

impl Foreign {
    pub(crate) fn wake(&self) {
        contain(|| self.0.wake_by_ref());
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let waker = mem::replace(&mut self.0, Waker::noop().clone());
        contain(|| drop(waker));
    }
}

impl Listener for Foreign {
    fn task_done(&self, _ending: Ending) {
        self.wake();
    }

    fn will_wake(&self, waker: &Waker) -> bool {
        self.0.will_wake(waker)
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Ending::Failed | Ending::Panicked)
    }
}
