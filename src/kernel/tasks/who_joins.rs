//! What is called at the end of a task: another task of the executor, or a listener. And how a task can end.
//!
//! ```text
//! the end of a task ──► Joiner::Task      a number: that task is queued
//!                  └──► Joiner::Listener  a member of a group or a pool, or a foreign waker
//! ```
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

use std::cell::Cell;
use std::mem;
use std::task::Waker;

use crate::kernel::failure::contain;
use crate::kernel::tasks::{Counted, Key};

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

/// What waits for the end of one task.
pub(crate) struct Joined(Cell<Joiner>);

impl Joined {
    pub(crate) const fn by_nobody() -> Self {
        Joined(Cell::new(Joiner::Task(Key::NOBODY)))
    }

    pub(crate) fn set(&self, joiner: Joiner) {
        self.0.set(joiner);
    }

    pub(crate) fn take(&self) -> Joiner {
        self.0.replace(Joiner::Task(Key::NOBODY))
    }

    /// Lets `waker`, which stands for `key`, be woken. For a task of the same executor, whose number is given, the key is enough.
    pub(crate) fn set_waker(&self, key: Key, waker: &Waker, executor: u16) {
        match key.executor() == executor && key != Key::NOBODY {
            true => self.set(Joiner::Task(key)),
            false => self.set_foreign(waker),
        }
    }

    /// For the waker of a `FuturesUnordered`, or of another executor. The waker of the last poll wins.
    #[inline(never)]
    pub(crate) fn set_foreign(&self, waker: &Waker) {
        let former = self.take();
        let is_known = matches!(&former, Joiner::Listener(listener) if listener.will_wake(waker));
        self.set(former);
        if !is_known {
            // If the clone panics, the former joiner is still there.
            let joiner = Foreign(waker.clone());
            self.set(Counted::new(|| joiner).for_joiner());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_of_the_same_executor_is_kept_as_its_key_and_anything_else_as_a_waker() {
        let joined = Joined::by_nobody();
        let key = Key::new(3, 1, 5);
        joined.set_waker(key, Waker::noop(), 3);
        assert!(matches!(joined.take(), Joiner::Task(kept) if kept == key));
        joined.set_waker(key, Waker::noop(), 4);
        assert!(matches!(joined.take(), Joiner::Listener(_)));
        // The key of nobody has the number of the last executor.
        joined.set_waker(Key::NOBODY, Waker::noop(), Key::NOBODY.executor());
        assert!(matches!(joined.take(), Joiner::Listener(_)));
        assert!(matches!(joined.take(), Joiner::Task(Key::NOBODY)));
    }
}
