//! Something that the executor looks for by itself: slow polls, or a standstill.
//!
//! ```text
//! Watchers ──Event──► Look, Look       what is looked for
//!          └────────► Instrument, …    what the user has installed
//! ```
//!
//! It is a trait, so that a program links only what it looks for. A release build looks for nothing unless it says so; without
//! that, a program that says hello would be 73 KiB larger (784 instead of 711).
//!
//! Knows events, and how a task is shown.

use std::rc::Rc;
use std::time::Duration;

use crate::kernel::tasks::{Core, Event, Main, Stop};
use crate::watch::instrument::{TaskView, WokenBy};

pub(crate) trait Look {
    /// `task` is the one that the event is about, if any; `by` is what calls wakers now.
    fn event(&self, core: &Core, event: &Event<'_>, task: Option<&TaskView<'_>>, by: WokenBy);

    /// Called before a park. Returns for how long the executor may park, or why it has to stop.
    fn before_sleep(
        &self,
        _core: &Rc<Core>,
        timeout: Option<Duration>,
        _main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        Ok(timeout)
    }
}

pub(crate) type Looks = Vec<Box<dyn Look>>;
