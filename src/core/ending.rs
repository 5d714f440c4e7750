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
use crate::failure::report;

impl Core {
    /// Cancels every task, in the order of their slots, and tells what was not told.
    ///
    /// A destructor may spawn, and so may what a report calls: that is cancelled as well. Nothing is
    /// polled any more.
    pub(crate) fn cancel_everything(self: &Rc<Self>) {
        loop {
            self.cancel_all_tasks();
            self.report_unread();
            if self.slots.borrow().len() == 0 {
                break;
            }
        }
    }

    fn cancel_all_tasks(self: &Rc<Self>) {
        let mut from = 1;
        while self.slots.borrow().len() > 0 {
            let cancelled = catch_unwind(AssertUnwindSafe(|| self.cancel_tasks(&mut from)));
            match cancelled {
                Ok(()) => from = 1,
                Err(payload) => self.settle_panic(payload),
            }
        }
        self.end_poll();
    }

    /// Says which unfinished work is about to be cancelled because `block_on` returns.
    pub(crate) fn tell_lost_work(&self) {
        let slots = self.slots.borrow();
        let headers = slots.iter().map(|(task, _)| &task.header);
        let lost: Vec<_> = headers
            .filter(|task| !task.is_daemon && !task.is_aborted.get())
            .collect();
        let (Some(entry), false) = (self.entry.get(), lost.is_empty()) else {
            return;
        };
        let mut text = format!(
            "{entry} is done, so what is unfinished is cancelled now ({} in all):",
            lost.len()
        );
        for task in lost.iter().take(10) {
            let polled = if task.polls.get() > 0 {
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
        if lost.len() > 10 {
            text += &format!("\n   and {} more", lost.len() - 10);
        }
        text += "\n   help: to wait for such tasks, enter by candor::run, or call drain() on an Executor; \
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

    /// Whether it can begin a second life. A table that has grown large is given back instead; and virtual
    /// time begins anew for each executor, as does its wheel.
    pub(crate) fn is_as_good_as_new(&self) -> bool {
        let is_small = self.slots.borrow().capacity() <= 1024;
        is_small && self.timers.borrow().is_empty() && !self.config.virtual_time
    }

    /// Begins a second life. What was queued, or comes late through the inbox, is a spurious poll.
    pub(crate) fn renew(&mut self, config: Config) {
        debug_assert!(!config.virtual_time, "the wheel goes with the clock");
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
