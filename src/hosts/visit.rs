//! One visit to an executor that is kept: the caller enters it, runs it, and leaves it to its hosts.
//!
//! ```text
//!             enter                               leave
//! AWAY ─────────────────► tasks run ───┬─ nothing to do ──────► AWAY: the first mail calls the hosts
//!                                      └─ more to do ─────────► the hosts are called now
//! ```
//!
//! So whenever nobody runs the executor, either each host has been called since it last ran the executor, or
//! all of them will be called when something comes. If one host never runs the executor again, because its
//! future is not polled any more, it is enough that another host does.
//!
//! Knows the current executor, its inbox, the alarms, and what an abort of the process asks for.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::hosts::alarm;
use crate::hosts::list::Hosts;
use crate::hosts::passes::next_deadline;
use crate::kernel::failure::Entry;
use crate::kernel::tasks::{Core, Entered, Stop, Stopped};
use crate::report::unread;

/// The executor is the current one on this thread until [`leave`](Visit::leave), or until this is dropped.
pub(crate) struct Visit<'a> {
    core: &'a Rc<Core>,
    hosts: &'a OnceCell<Arc<Hosts>>,
    /// `None` after the visit has ended.
    entered: Option<Entered>,
}

impl<'a> Visit<'a> {
    /// # Panics
    ///
    /// If the executor is running already.
    #[track_caller]
    pub(crate) fn new(core: &'a Rc<Core>, hosts: &'a OnceCell<Arc<Hosts>>, entry: Entry) -> Self {
        let entered = Some(Entered::new(core, entry));
        core.inbox.come_back();
        Visit {
            core,
            hosts,
            entered,
        }
    }

    /// Runs `body`, and cancels everything if the executor has to stop.
    pub(crate) fn run<R>(
        &self,
        body: impl FnOnce(&Rc<Core>) -> Result<R, Stopped>,
    ) -> Result<R, Stop> {
        // A failure that was reported since the last call may have shut the executor down.
        let result = self.core.see_to_failures().and_then(|()| body(self.core));
        // The main future may have dropped handles at its end. If the destructor of its output panics, the stop is still there.
        let result = result.and_then(|output| self.core.see_to_failures().map(|()| output));
        result.map_err(|Stopped| {
            self.core.cancel_all_that_was_asked_for();
            let stop = self.core.take_stop();
            stop.expect("this is a bug in candor: it has stopped for no reason")
        })
    }

    /// Ends the visit, and returns whether there is more to do. `knows` says whether the caller passes that on, or is a host that
    /// is called. If not, `on_wake` is called: nobody else would run the executor.
    pub(crate) fn leave(mut self, knows: bool) -> bool {
        self.end(match knows {
            true => Hosts::call,
            false => Hosts::call_everybody,
        })
    }

    fn end(&mut self, call: fn(&Hosts)) -> bool {
        let core = self.core;
        // A visit may have no pass. Sleeps that are dropped after many such visits would fill the wheel.
        core.forget_timers();
        core.age_unread();
        unread::remember(core);
        // First of all: from now on a wake from this thread has to go through the inbox.
        self.entered = None;
        let Some(hosts) = self.hosts.get() else {
            return has_more(core);
        };
        let has_more = has_more(core) || !self.wait_for_hosts(hosts);
        if has_more {
            call(hosts);
        }
        has_more
    }

    /// Ensures that the hosts are called when there is something to do again. Returns `false` if there is already.
    fn wait_for_hosts(&self, hosts: &Hosts) -> bool {
        let core = self.core;
        if hosts.is_empty() {
            return core.inbox.leave();
        }
        match core.config.virtual_time {
            // The clock stands still while a main future is ready. The host of that future has been called.
            true if hosts.has_ready_main() => {}
            true => {
                if let Some(next) = next_deadline(core) {
                    return !core.clock.jump_to(next);
                }
            }
            false => {
                if let Some(next) = core.next_event() {
                    alarm::ring_at(core.number, next);
                }
            }
        }
        core.inbox.leave()
    }
}

/// Whether the next visit has something to do at once. It may be to stop: what was dropped at the end of this one may have failed.
fn has_more(core: &Core) -> bool {
    // What is queued for no task: a main future that is over has woken itself, or a task has left.
    while core.slots.has_ready() && !core.slots.is_task_next() {
        core.slots.next_ready();
    }
    core.has_to_stop() || core.slots.has_ready() || core.inbox.has_mail()
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.entered.is_some() {
            // The main future may have panicked, so that its poll is over.
            self.core.end_main_poll();
            if self.core.take_stop().is_some() {
                self.core.cancel_everything();
                self.core.take_stop();
            }
            self.end(Hosts::call_everybody);
        }
    }
}
