//! Passes for a host: they poll what is ready, and never wait.
//!
//! Knows the loop.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::hosts::list::Hosts;
use crate::kernel::tasks::{Core, Loop, Main, Pause, Stopped};

impl Loop<'_> {
    /// Begins a pass. If time is virtual and nothing is ready, jumps to the next deadline, and begins another pass there.
    pub(crate) fn begin_hosted(&mut self, hosts: Option<&Arc<Hosts>>) {
        self.begin_pass();
        let core = self.core;
        if core.config.virtual_time
            && !core.slots.has_ready()
            && !core.inbox.has_mail()
            && !hosts.is_some_and(|hosts| hosts.has_ready_main())
            && next_deadline(core).is_some_and(|deadline| core.clock.jump_to(deadline))
        {
            self.begin_pass();
        }
    }

    /// Whether a timer or the end of a grace is due now, or mail has come.
    pub(crate) fn is_anything_due(&self) -> bool {
        let core = self.core;
        let is_due = |deadline| deadline <= core.clock.now();
        core.inbox.has_mail() || core.next_event().is_some_and(is_due)
    }
}

/// One pass of the usual length. A panic does not shorten it.
pub(crate) fn pass(core: &Rc<Core>, main: &mut Main<'_>) -> Result<(), Stopped> {
    let mut tasks = Loop::new(core, Some(main));
    while tasks.run_ready_tasks()? != Pause::NothingIsReady && tasks.polls_left > 0 {}
    Ok(())
}

/// The exact time when the next timer is due or the next grace is over.
pub(crate) fn next_deadline(core: &Core) -> Option<Instant> {
    core.forget_timers();
    let tick = core.timers.borrow().next_deadline();
    core.with_grace(tick)
}
