//! How an executor ends: what is left is cancelled, and told.
//!
//! Futures are dropped on the executor's own thread, while it is still the current one, so that their
//! destructors may spawn, wake and cancel timers as at any other time.
//!
//! Knows the core's state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use log::Level;

use super::{__candor_poll_boundary, Config, Core};
use crate::clock::Clock;
use crate::failure::report;

impl Core {
    /// Cancels every task, in the order of their slots, and tells what was not told.
    ///
    /// A destructor may spawn; what it spawns is cancelled as well. Nothing is polled any more.
    pub(crate) fn cancel_everything(self: &Rc<Self>) {
        let mut from = 1;
        while self.slots.borrow().len() > 0 {
            let cancelled = catch_unwind(AssertUnwindSafe(|| self.cancel_tasks(&mut from)));
            match cancelled {
                Ok(()) => from = 1,
                Err(payload) => self.settle_panic(payload),
            }
        }
        self.end_poll();
        self.report_unread();
    }

    /// Says which unfinished work is about to be cancelled because `block_on` returns.
    pub(crate) fn tell_lost_work(&self) {
        let slots = self.slots.borrow();
        let lost = || {
            slots
                .iter()
                .map(|task| &task.header)
                .filter(|task| !task.is_daemon && !task.is_aborted.get())
        };
        let count = lost().count();
        if count == 0 {
            return;
        }
        let entry = self
            .entry
            .get()
            .map_or_else(String::new, |entry| entry.to_string());
        let (tasks, are) = if count == 1 {
            ("task", "is")
        } else {
            ("tasks", "are")
        };
        let mut text =
            format!("{entry} is done while {count} {tasks} {are} unfinished; {are} cancelled now:");
        for task in lost().take(10) {
            let polled = if task.was_polled.get() {
                ""
            } else {
                ", never polled"
            };
            text += &format!(
                "\n   {}, spawned at {}{polled}",
                task.origin(),
                task.spawned_at
            );
        }
        if count > 10 {
            text += &format!("\n   and {} more", count - 10);
        }
        text += "\n   help: to wait for them, enter by candor::run, or call drain() on an Executor; \
                 if they may be lost, spawn them with TaskBuilder::daemon()";
        drop(slots);
        report::print(Level::Warn, &text);
    }

    fn cancel_tasks(self: &Rc<Self>, from: &mut u32) {
        loop {
            let next = {
                let slots = self.slots.borrow();
                slots
                    .next_occupied(*from)
                    .and_then(|slot| slots.get(slot).cloned())
            };
            let Some(task) = next else { break };
            *from = task.header.slot + 1;
            self.begin_poll(task.header.slot);
            __candor_poll_boundary(|| task.job.cancel());
            self.finish(&task, false);
            self.end_poll();
            if self.attention.get() {
                self.after_poll();
            }
        }
    }

    /// Whether it can begin a second life. A table that has grown large is given back instead.
    pub(crate) fn is_as_good_as_new(&self) -> bool {
        self.slots.borrow().capacity() <= 1024 && self.timers.borrow().is_empty()
    }

    /// Begins a second life. What was queued, or comes late through the inbox, is a spurious poll.
    pub(crate) fn renew(&mut self, config: Config) {
        if config.virtual_time || self.config.virtual_time {
            self.clock = Clock::new(config.virtual_time);
        }
        self.config = config;
        self.next_id.set(1);
        self.failures.set(0);
        self.attention.set(false);
        self.noted_await.set(None);
        self.main_last_await.set(None);
        self.stop.get_mut().take();
        self.spawner.get_mut().take();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.inbox.close();
    }
}
