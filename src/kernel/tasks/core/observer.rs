//! The plug for an observer: an event for each thing that happens in an executor, at the place where it happens.
//!
//! ```text
//! spawn, poll, wake, timer, park, failure, end ──event──► Watch (a trait) ◄── implemented by `watch`
//! ```
//!
//! Without an observer each event costs one branch that the processor predicts. With an observer the same functions run;
//! an event is one line in them. Only the wakers differ, see `waker`.
//!
//! [`Main`] is the future that the executor was entered for, as an observer and the loop see it.
//!
//! Knows tasks.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::kernel::failure::TaskFailure;
use crate::kernel::tasks::{AnyTask, Core, Ending, Header, Key};

/// What happens in an executor. No part of the core is borrowed while an observer is called.
pub(crate) enum Event<'a> {
    Spawned(&'a Header),
    /// A poll of the tenant of this slot begins. Also if the future of an aborted task is only dropped.
    PollBegins(u32),
    /// Ready if the future returned or panicked. Means nothing if no poll has begun.
    PollEnds(u32, Poll<()>),
    /// A task or the main future is ready, and was not before.
    Woken(u32),
    /// The same, if another thread or executor has woken it.
    WokenFromElsewhere(u32),
    /// A timer has fired, and wakes the task or main future of this key. For a foreign waker the key names nobody.
    TimerFires(Key),
    /// All timers that are due have fired.
    TimersFired,
    /// Nothing is ready, and the thread is about to park. The observer may shorten that, or request a stop instead.
    ParkBegins {
        core: &'a Rc<Core>,
        timeout: &'a mut Option<Duration>,
        /// Polls the main future, if that waits as well.
        main: Option<&'a mut Main<'a>>,
    },
    ParkEnds,
    Failed(&'a TaskFailure),
    /// A task is done, and its outcome is stored.
    Done(&'a AnyTask, Ending),
    /// A test begins or ends: it must not stand still for ever.
    Test(bool),
    /// A stay begins. What came before is delivered.
    Entered,
}

/// Polls the future that the executor was entered for, whose output it keeps.
pub(crate) type Main<'a> = dyn FnMut(&mut Context<'_>) -> Poll<()> + 'a;

/// An observer of one executor.
pub(crate) trait Watch {
    fn event(&self, core: &Core, event: &mut Event<'_>);
}

impl Core {
    /// Whether there is an observer.
    pub(crate) fn is_watched(&self) -> bool {
        self.config.watch.get().is_some()
    }

    pub(crate) fn say<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if self.is_watched() {
            self.tell(event);
        }
    }

    /// The event is made in here, so that the hot path has only the branch.
    #[cold]
    fn tell<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if let Some(watch) = self.config.watch.get() {
            watch.event(self, &mut event());
        }
    }
}
