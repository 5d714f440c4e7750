//! The plug for errands: what other threads ask this executor to do, apart from wakes.
//!
//! The loop runs errands when it fetches its mail, in the order in which they came. Most executors have none, and pay one
//! empty field for that.
//!
//! Knows the core.

use std::any::Any;
use std::rc::Rc;

use crate::kernel::tasks::{Core, Main};

/// The errands of one executor. It exists from its first use until the executor ends.
pub(crate) trait Outside: Any {
    /// Whether there are errands that have not been run.
    fn has_errands(&self) -> bool;

    /// Runs the errands that have come so far. No poll is running. `main` polls the main future, if the loop runs for one. It
    /// may panic, and only that may.
    fn run_errands(&self, core: &Rc<Core>, main: Option<&mut Main<'_>>);
}

impl Core {
    pub(crate) fn has_errands(&self) -> bool {
        let outside = self.outside.borrow();
        (outside.as_ref()).is_some_and(|outside| outside.has_errands())
    }

    pub(crate) fn run_errands(self: &Rc<Self>, main: Option<&mut Main<'_>>) {
        let outside = self.outside.borrow().clone();
        if let Some(outside) = outside {
            outside.run_errands(self, main);
        }
    }
}
