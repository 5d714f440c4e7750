//! What happens with a failure that no awaiter takes, and when.
//!
//! ```text
//! handle gone before the failure ──► after_poll ─┐
//! handle dropped with it unread  ──► after_poll ─┤
//! nobody reads it in its grace   ──► report_overdue ─► report ──► on_failure, or the log, or stderr
//! the executor ends              ──► report_unread ─┘     └─────► count, policy
//! ```
//!
//! This always happens between two polls. A report runs user code (the error's `Debug`, the callback, the logger),
//! which must find all state whole and must not run inside of a destructor.
//!
//! Knows the core's state.
//!
//! Lesson 13 of the course builds a small one.

use std::process;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::kernel::failure::{
    Behalf, FailureKind, Named, Panic, Polled, TaskFailure, act_for, discard, guarded, reporter,
};
use crate::kernel::tasks::{AnyTask, Core, Counted, Event, FailurePolicy, Running, Stop};

/// Drops the outcome of a task that nobody takes any more.
pub(crate) fn discard_outcome(task: &Counted<AnyTask>) {
    let named = Named(task.header().id, task.header().name());
    discard(format_args!("the outcome of {named}"), || task.discard());
}

impl Core {
    /// What is being polled, for the panic hook and for a caught payload.
    pub(crate) fn polled_task(&self) -> Option<Polled> {
        let mut origin = self.origin_of(self.polling.running.get())?;
        origin.last_await = self.polling.noted_await.get().or(origin.last_await);
        let unclaimed = Rc::clone(&self.failures.unclaimed);
        Some(Polled { origin, unclaimed })
    }

    /// Reports the failure as soon as no poll is running, because no user code may run in a destructor.
    /// The task may belong to another executor.
    pub(crate) fn report_after_poll(&self, task: Counted<AnyTask>) {
        self.failures.to_report.borrow_mut().push_back(task);
        self.failures.attention.set(true);
    }

    /// Calls it as soon as no poll is running. It must not unwind.
    pub(crate) fn do_after_poll(&self, call: Box<dyn FnOnce()>) {
        self.failures.after_poll.borrow_mut().push(call);
        self.failures.attention.set(true);
    }

    /// Does what polls have left to be done, if they have left anything: reports caught panics and dropped failures.
    #[cold]
    pub(crate) fn after_poll(&self) {
        // A report may leave more of it.
        while self.failures.attention.replace(false) {
            for call in self.failures.after_poll.take() {
                self.aside(call);
            }
            let next_caught = || self.failures.unclaimed.borrow_mut().next_caught();
            while let Some((identity, caught)) = next_caught() {
                reporter().remember(identity, &caught);
                self.report(&caught);
            }
            // One at a time: a report may drop more handles.
            let next_dropped = || self.failures.to_report.borrow_mut().pop_front();
            while let Some(task) = next_dropped() {
                // An executor that has ended has reported everything at its end.
                let Some(owner) = Core::of(task.header()) else {
                    discard_outcome(&task);
                    continue;
                };
                owner.report_task(&task, false);
                // What the callback of another executor has left would wait until that executor runs again.
                if owner.serial != self.serial && !owner.is_polling() {
                    owner.after_poll();
                }
            }
        }
    }

    /// Reports the failure of a task that nobody has awaited, unless it was reported at the end of its grace.
    fn report_task(&self, task: &Counted<AnyTask>, is_overdue: bool) {
        // Meanwhile the process may abort.
        self.failures.in_hand.borrow_mut().push(task.clone());
        if let Some(failure) = self.failure_of(&**task) {
            failure.0.is_overdue.store(is_overdue, Relaxed);
            self.report(&failure);
            failure.0.is_overdue.store(false, Relaxed);
        }
        self.failures.in_hand.borrow_mut().pop();
        // If the handle is still there, it can give the failure later.
        if task.header().is_detached.get() {
            discard_outcome(task);
        }
    }

    /// Reports a panic that has no awaiter.
    pub(crate) fn report_panic(&self, panic: Panic) {
        self.say(|| Event::Failed(&panic));
        self.report(&panic);
        let task = &panic.0.failure.clone().0.origin;
        discard(format_args!("the payload of {task}"), || drop(panic));
    }

    /// Runs code on no task's behalf. What it drops is reported after it and not within it. It must not unwind: it guards the
    /// user code that it calls.
    pub(crate) fn aside<R>(&self, code: impl FnOnce() -> R) -> R {
        let behalf = act_for(Behalf::Nobody);
        let running = self.polling.running.replace(Running::Nobody);
        let outer = self.failures.is_reporting.replace(true);
        let result = code();
        self.failures.is_reporting.set(outer);
        self.polling.running.set(running);
        act_for(behalf);
        result
    }

    /// The failure of a task, if it is unread. This may run user code: the error is asked for its text.
    pub(crate) fn failure_of(&self, task: &AnyTask) -> Option<TaskFailure> {
        self.aside(|| task.failure())
    }

    /// The only way to a report. Each failure is reported once.
    pub(crate) fn report(&self, failure: &TaskFailure) {
        if !failure.begin_report() {
            return;
        }
        self.aside(|| match &self.config.on_failure {
            None => reporter().report(failure, None),
            Some(on_failure) => guarded(|| on_failure(failure))
                .unwrap_or_else(|caught| reporter().report(failure, Some(caught))),
        });
        if failure.kind() == FailureKind::Caught {
            return;
        }
        self.failures.reported.set(self.failures.reported.get() + 1);
        match self.config.policy {
            FailurePolicy::Report => {}
            FailurePolicy::Shutdown => self.stop_for(Stop::Failure(failure.clone())),
            FailurePolicy::Abort => {
                reporter().flush();
                process::abort()
            }
        }
    }

    /// Starts the grace of all unread failures. Call it when an executor is left, and before you ask it when a grace ends.
    pub(crate) fn age_unread(&self) {
        let grace = self.config.grace.get().unwrap_or(Duration::from_secs(1));
        let deadline = || self.clock.now().checked_add(grace);
        self.unread.borrow_mut().end_pass(deadline);
    }

    pub(crate) fn end_of_grace(&self) -> Option<Instant> {
        self.age_unread();
        self.unread.borrow_mut().next_deadline()
    }

    /// Reports what nobody has read within its grace. The failure stays there for a late awaiter.
    pub(crate) fn report_overdue(&self) {
        if self.end_of_grace().is_none() {
            return;
        }
        let now = self.clock.now();
        let next_overdue = || self.unread.borrow_mut().pop_overdue(now);
        while let Some(task) = next_overdue() {
            self.report_task(&task, true);
        }
        self.after_poll();
    }

    /// Reports what is unread at the end of the executor, and what the reports themselves leave behind.
    pub(crate) fn report_unread(&self) {
        loop {
            self.after_poll();
            let left = self.unread.borrow_mut().take_all();
            if left.is_empty() {
                break;
            }
            self.failures.to_report.borrow_mut().extend(left);
            self.failures.attention.set(true);
        }
    }
}
