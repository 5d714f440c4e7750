//! How an executor ends: the tasks that are left are cancelled, and unread failures are reported.
//!
//! Futures are dropped on the executor's own thread, while it is still the current executor. So their destructors may spawn,
//! wake and cancel timers as at any other time. What they spawn is cancelled as well.
//!
//! Knows the core's state.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use crate::kernel::failure::{Named, Warning, reporter};
use crate::kernel::tasks::{
    __candor_poll_boundary, AnyTask, Core, Counted, Ending, Event, Progress, Running, SUCCESSORS,
    Stop,
};

/// The executor that was last warned of: the first task that is leaked is named, and not all of them.
static LAST_WARNED: AtomicU64 = AtomicU64::new(0);

impl Core {
    #[inline]
    pub(crate) fn take_stop(&self) -> Option<Stop> {
        self.failures.stop.take().map(|stop| *stop)
    }

    /// Whether it is about to cancel everything: a poll has asked for that, or a failure that was reported.
    pub(crate) fn has_to_stop(&self) -> bool {
        self.failures.stop.borrow().is_some()
    }

    /// Cancels every task, in the order of the slots, and reports what was not reported.
    ///
    /// A destructor may spawn, and so may the callback of a report. Those tasks are cancelled as well. Nothing is
    /// polled any more. After [`SUCCESSORS`] such tasks the rest is leaked, and after as many again nobody is woken or called for
    /// what is leaked, so that this function returns.
    #[inline]
    pub(crate) fn cancel_everything(self: &Rc<Self>) {
        let last = self.next_id.get() + SUCCESSORS;
        // Most calls of `block_on` spawn nothing.
        while self.next_id.get() > 1 || self.failures.attention.get() {
            self.cancel_all_tasks(last);
            self.report_unread();
            if self.slots.len() == 0 {
                break;
            }
        }
    }

    /// The same for an executor that goes on. Tasks that other threads have asked for before this are cancelled as well.
    pub(crate) fn cancel_all_that_was_asked_for(self: &Rc<Self>) {
        let outside = self.stay.outside.borrow().clone();
        if let Some(outside) = outside {
            self.polling.is_dropping.set(true);
            outside.run_errands(self, None);
            self.polling.is_dropping.set(false);
        }
        self.cancel_everything();
    }

    fn cancel_all_tasks(self: &Rc<Self>, last: u64) {
        let next_from = |from| self.slots.first_from(from);
        self.polling.is_dropping.set(true);
        let mut from = 1;
        // From the first slot again: a destructor may have spawned into a slot before this one.
        while let Some((slot, task)) = next_from(from).or_else(|| next_from(1)) {
            from = slot + 1;
            if task.header().id.0 > last {
                match task.header().id.0 > last + SUCCESSORS {
                    false => self.leak(&task),
                    true => self.leak_silently(&task),
                }
                continue;
            }
            task.header().is_aborted.set(true);
            self.polling.begin(Running::Task(slot));
            self.say(|| Event::PollBegins(slot));
            let cx = &mut Context::from_waker(Waker::noop());
            let cancel =
                || __candor_poll_boundary(|cx| task.poll(cx, &self.polling.noted_await), cx);
            match catch_unwind(AssertUnwindSafe(cancel)) {
                Ok(_) => {
                    self.say(|| Event::PollEnds(slot, Poll::Ready(())));
                    self.finish(&task, Ending::Cancelled);
                }
                Err(payload) => self.settle_panic(payload),
            }
            self.polling.end();
            if self.failures.attention.get() {
                self.after_poll();
            }
        }
        self.polling.is_dropping.set(false);
    }

    /// Gives a task up without dropping its future, because its destructor would probably spawn the next one, and so on
    /// without end. The handle finds the task cancelled.
    pub(crate) fn leak(self: &Rc<Self>, task: &Counted<AnyTask>) {
        let header = task.header();
        if LAST_WARNED.swap(self.serial, Relaxed) != self.serial {
            reporter().warn(Warning::EndlessSuccessors {
                task: Named(header.id, header.name()),
                spawned_at: header.spawned_at,
            });
        }
        // The future is pinned, so its memory stays.
        mem::forget(task.clone());
        task.give_up();
        self.finish(task, Ending::Cancelled);
        self.polling.end();
    }

    /// The same, but nobody is woken or called: those who are spawn the next one. Whoever asks finds the task cancelled.
    fn leak_silently(&self, task: &Counted<AnyTask>) {
        let header = task.header();
        mem::forget((task.clone(), header.joiner.take()));
        task.give_up();
        header.progress.set(Progress::Done);
        drop(self.slots.remove(header.slot.get()));
        (self.waited_for).set(self.waited_for.get() - u32::from(!header.is_daemon));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::Executor;
    use crate::in_time::in_time;

    #[test]
    fn an_executor_ends_though_its_tasks_wait() {
        let is_over = in_time(|| {
            let executor = Executor::new();
            let waits = executor.spawn(std::future::pending::<()>());
            executor.tick();
            drop(executor);
            waits.is_finished()
        });
        assert!(is_over);
    }
}
