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
use std::time::{Duration, Instant};

use crate::kernel::failure::{
    Behalf, FailureKind, Panic, Polled, TaskFailure, act_for, contain, drop_payload, guarded,
    reporter,
};
use crate::kernel::tasks::{AnyTask, Core, Counted, Event, FailurePolicy, Running, Stop};

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
            while let Some(caught) = next_caught() {
                self.report(&caught);
            }
            // One at a time: a report may drop more handles.
            let next_dropped = || self.failures.to_report.borrow_mut().pop_front();
            while let Some(task) = next_dropped() {
                match Core::of(task.header()) {
                    Some(owner) => owner.report_task(&*task),
                    // The executor has ended, and has reported everything at its end.
                    None => contain(|| task.discard()),
                }
            }
        }
    }

    /// Reports the failure of a handle that was dropped while no poll was running.
    pub(crate) fn report_now(&self, task: &AnyTask) {
        self.report_task(task);
        self.after_poll();
    }

    /// Reports the failure of a task that nobody has awaited, unless it was reported at the end of its grace.
    fn report_task(&self, task: &AnyTask) {
        self.view_failure(task, |failure| self.report(failure));
        // If the handle is still there, the executor has ended, and the handle can give the failure later.
        if task.header().is_detached.get() {
            // The error may panic when it is dropped. No poll is running whose panic that would be: std's hook prints it.
            contain(|| task.discard());
        }
    }

    /// Reports a panic that has no awaiter.
    pub(crate) fn report_panic(&self, panic: Panic) {
        self.say(|| Event::Failed(&panic));
        self.report(&panic);
        drop_payload(panic.into_payload());
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

    /// Calls `view` with the failure of a task, if it is unread. This may run user code: the error is asked for its text.
    pub(crate) fn view_failure(&self, task: &AnyTask, mut view: impl FnMut(&TaskFailure)) {
        self.aside(|| task.view_failure(&mut view));
    }

    /// The only way to a report. Each failure is reported once.
    pub(crate) fn report(&self, failure: &TaskFailure) {
        if !failure.begin_report() {
            return;
        }
        self.aside(|| match &self.config.on_failure {
            None => reporter().report(failure, None),
            Some(on_failure) => {
                if let Err(caught) = guarded(|| on_failure(failure)) {
                    reporter().report(failure, Some(caught));
                }
            }
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
            self.view_failure(&*task, |failure| {
                failure.set_overdue(true);
                self.report(failure);
                failure.set_overdue(false);
            });
        }
        self.after_poll();
    }

    /// Reports what is unread at the end of the executor, and what the reports themselves leave behind.
    pub(crate) fn report_unread(&self) {
        loop {
            self.after_poll();
            let tasks = self.unread.borrow_mut().take_all();
            if tasks.is_empty() {
                break;
            }
            for task in tasks {
                self.report_task(&*task);
            }
        }
    }
}
