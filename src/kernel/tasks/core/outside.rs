//! The plug for what other threads want done on this one, beside wakes.
//!
//! The loop runs errands when it fetches its mail, in the order in which they came. Most executors have nobody outside, and pay
//! one empty field for that.
//!
//! Knows the core.

use std::any::Any;
use std::rc::Rc;

use crate::kernel::tasks::core::Core;

/// What an executor has of those outside, from when it is first asked for until it ends.
pub(crate) trait Outside: Any {
    /// Whether errands have come that have not been run.
    fn has_errands(&self) -> bool;

    /// Runs the errands that have come so far. No poll is running.
    fn run_errands(&self, core: &Rc<Core>);
}

impl Core {
    pub(crate) fn has_errands(&self) -> bool {
        let outside = self.outside.borrow();
        (outside.as_ref()).is_some_and(|outside| outside.has_errands())
    }

    pub(crate) fn run_errands(self: &Rc<Self>) {
        let outside = self.outside.borrow().clone();
        if let Some(outside) = outside {
            outside.run_errands(self);
        }
    }
}
