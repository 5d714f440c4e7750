//! Passes for a host: they poll what is ready, and never wait.
//!
//! Knows the loop.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::hosts::list::Hosts;
use crate::kernel::tasks::{Core, Loop, Main, Pause, Stop, next_event, with_grace};

impl Loop<'_> {
    /// Begins a pass. If time is virtual and nothing is ready, jumps to the next deadline, and begins another pass there.
    fn begin_hosted(&mut self, hosts: Option<&Arc<Hosts>>) {
        self.begin_pass();
        let core = self.core;
        if core.config.virtual_time
            && !core.slots.borrow().has_ready()
            && !hosts.is_some_and(|hosts| hosts.has_ready_main())
            && next_deadline(core).is_some_and(|deadline| core.clock.jump_to(deadline))
        {
            self.begin_pass();
        }
    }

    /// Whether a timer or the end of a grace is due now, or mail has come.
    fn is_anything_due(&self) -> bool {
        let core = self.core;
        let is_due = |deadline| deadline <= core.clock.now();
        core.inbox.has_mail() || next_event(core).is_some_and(is_due)
    }
}

/// Polls each task that is ready once.
pub(crate) fn tick(core: &Rc<Core>, hosts: Option<&Arc<Hosts>>) -> Result<(), Stop> {
    let mut tasks = Loop::new(core, None);
    tasks.begin_hosted(hosts);
    let batch = match &core.config.shuffle {
        Some(_) => tasks.polls_left,
        // Keeps the order: it is called for the length only.
        None => core.slots.borrow_mut().reorder(|_| ()),
    };
    for _ in 0..batch {
        // One by one: a panic ends a run of polls, and the rest of the batch would not be polled.
        tasks.polls_left = 1;
        tasks.run_ready_tasks()?;
    }
    Ok(())
}

/// Polls one task that is ready, and says whether there was one.
pub(crate) fn try_tick(core: &Rc<Core>) -> Result<bool, Stop> {
    let mut tasks = Loop::new(core, None);
    // Virtual time stands still: whoever steps by hand moves it by hand.
    tasks.begin_pass();
    while core.slots.borrow().has_ready() {
        // A slot may be queued whose task has left.
        let is_task = core.slots.borrow().is_task_next();
        tasks.polls_left = 1;
        tasks.run_ready_tasks()?;
        if is_task {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Polls until nobody is ready and nothing is due.
pub(crate) fn run_until_stalled(core: &Rc<Core>, hosts: Option<&Arc<Hosts>>) -> Result<(), Stop> {
    let mut tasks = Loop::new(core, None);
    tasks.begin_hosted(hosts);
    while tasks.run_ready_tasks()? != Pause::NothingIsReady || tasks.is_anything_due() {}
    Ok(())
}

/// One pass of the usual length. A panic does not shorten it.
pub(crate) fn pass(core: &Rc<Core>, main: &mut Main<'_>) -> Result<(), Stop> {
    let mut tasks = Loop::new(core, Some(main));
    while tasks.run_ready_tasks()? != Pause::NothingIsReady && tasks.polls_left > 0 {}
    Ok(())
}

/// The exact time when the next timer is due or the next grace is over.
pub(crate) fn next_deadline(core: &Core) -> Option<Instant> {
    core.forget_timers();
    let tick = core.timers.borrow().next_deadline();
    with_grace(core, tick)
}
