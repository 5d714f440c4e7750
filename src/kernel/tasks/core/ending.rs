//! How a task ends: its slot becomes free, and its joiner is woken. And how an executor ends: the tasks that are left are
//! cancelled, and unread failures are reported.
//!
//! ```text
//! poll ──► returned ──► finish ──► its slot is free ──► its failure waits, or is reported ──► its joiner is woken
//!      └─► panicked ──► settle_panic ──┘
//! ```
//!
//! Futures are dropped on the executor's own thread, while it is still the current executor. So their destructors may spawn,
//! wake and cancel timers as at any other time.
//!
//! Knows the core's state.
//!
//! Lesson 12 of the course builds a small one.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::kernel::failure::{Named, Warning, contain, drop_payload, hook, reporter};
use crate::kernel::tasks::{
    __candor_poll_boundary, AnyTask, Core, Ending, Event, Foreign, Joiner, Key, NOBODY,
};
use crate::kernel::time::Wheel;

/// How many tasks the destructors may spawn while everything is cancelled.
pub(crate) const SUCCESSORS: u64 = 1_000_000;

/// The end of a task.
impl Core {
    /// Frees the slot of a finished task, lets its failure wait or be reported, and then wakes its joiner.
    pub(crate) fn finish(&self, task: &Rc<AnyTask>, ending: Ending) {
        let header = &task.header();
        header.is_finished.set(true);
        let slot = header.slot.get();
        let removed = self.slots.borrow_mut().remove(slot);
        drop(removed);
        self.noted_await.set(None);
        if !header.is_daemon {
            self.waited_for.set(self.waited_for.get() - 1);
        }
        if ending.is_failure() {
            // A task that has read a failure is likely to carry it on. So its error is asked for its text now. Otherwise, at the end
            // of a long chain, each error would ask the next one recursively.
            if self.failure_reader.replace(NOBODY) == slot {
                self.view_failure(&**task, |_| ());
            }
            if header.is_detached.get() {
                self.report_after_poll(Rc::clone(task));
            } else {
                let read = self.unread.borrow_mut().push(Rc::clone(task));
                drop(read);
            }
        }
        self.say(|| Event::Done(&**task, ending));
        match header.take_joiner() {
            Joiner::Task(Key::NOBODY) => {}
            Joiner::Task(key) => self.wake(key),
            Joiner::Listener(listener) => listener.task_done(ending),
        }
        if (self.waited_for.get() == 0 || header.is_aborted.get())
            && !self.on_ended.borrow().is_empty()
        {
            let waiting = self.on_ended.take();
            waiting.iter().for_each(Foreign::wake);
        }
        // Last of all: a waker of others may have spawned, and the slot will have another tenant.
        if self.spawning_slot.get() == slot {
            self.parentage.take();
        }
    }

    /// Makes the panic of a poll or a destructor the outcome of its task, and finishes the task.
    ///
    /// This drops the future, which may panic as well. An awaiter gets the first panic. Nobody can await the
    /// others, so they are reported.
    pub(crate) fn settle_panic(self: &Rc<Self>, payload: Box<dyn Any + Send>) {
        let slot = self.polled();
        let task = self.slots.borrow().get(slot).cloned();
        let Some(task) = task else {
            // Between polls, so it came from a foreign waker: the earlier panic hook has printed it.
            return drop_payload(payload);
        };
        self.say(|| Event::PollEnds(slot, Poll::Ready(())));
        // Unless the future had returned an `Err` before.
        let mut ending = Ending::Failed;
        let mut unsettled = Some(payload);
        let mut homeless = Vec::new();
        while let (Some(payload), Some(polled)) = (unsettled.take(), self.polled_task()) {
            let panic = hook::claim(payload, &polled);
            match catch_unwind(AssertUnwindSafe(|| task.settle_panic(panic))) {
                Ok(None) => ending = Ending::Panicked,
                Ok(Some(panic)) => homeless.push(panic),
                Err(payload) => unsettled = Some(payload),
            }
        }
        self.end_poll();
        let woken = catch_unwind(AssertUnwindSafe(|| self.finish(&task, ending)));
        woken.unwrap_or_else(drop_payload);
        self.after_poll();
        for panic in homeless {
            self.report_panic(panic);
        }
    }
}

/// The end of an executor.
impl Core {
    /// Cancels every task, in the order of the slots, and reports what was not reported.
    ///
    /// A destructor may spawn, and so may the callback of a report. Those tasks are cancelled as well. Nothing is
    /// polled any more. After [`SUCCESSORS`] such tasks the rest is leaked, so that this function returns.
    #[inline]
    pub(crate) fn cancel_everything(self: &Rc<Self>) {
        let last = self.next_id.get() + SUCCESSORS;
        // Most calls of `block_on` spawn nothing.
        while self.next_id.get() > 1 || self.attention.get() {
            self.cancel_all_tasks(last);
            self.report_unread();
            if self.slots.borrow().len() == 0 {
                break;
            }
        }
    }

    fn cancel_all_tasks(self: &Rc<Self>, last: u64) {
        let next_from = |from| {
            let slots = self.slots.borrow();
            let (slot, task) = slots.tenants(from).next()?;
            Some((slot, Rc::clone(task)))
        };
        self.is_dropping.set(true);
        let mut from = 1;
        // From the first slot again: a destructor may have spawned into a slot before this one.
        while let Some((slot, task)) = next_from(from).or_else(|| next_from(1)) {
            from = slot + 1;
            if task.header().id.0 > last {
                self.leak(&task);
                continue;
            }
            task.header().is_aborted.set(true);
            self.begin_poll(slot);
            let cx = &mut Context::from_waker(Waker::noop());
            let cancel = || __candor_poll_boundary(|cx| task.poll(cx, &self.noted_await), cx);
            match catch_unwind(AssertUnwindSafe(cancel)) {
                Ok(_) => self.finish(&task, Ending::Cancelled),
                Err(payload) => self.settle_panic(payload),
            }
            self.end_poll();
            if self.attention.get() {
                self.after_poll();
            }
        }
        self.is_dropping.set(false);
    }

    /// Gives a task up without dropping its future, because its destructor would probably spawn the next one, and so on
    /// without end. The handle finds the task cancelled.
    pub(crate) fn leak(self: &Rc<Self>, task: &Rc<AnyTask>) {
        let header = task.header();
        if !self.has_leaked.replace(true) {
            reporter().warn(Warning::EndlessSuccessors {
                task: Named(header.id, header.name()),
                spawned_at: header.spawned_at,
            });
        }
        // The future is pinned, so its memory stays.
        mem::forget(Rc::clone(task));
        task.give_up();
        self.finish(task, Ending::Cancelled);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // A waker may be foreign, and its destructor may panic.
        for waker in self.timers.replace(Wheel::new()).into_values() {
            contain(|| drop(waker));
        }
        self.inbox.close();
    }
}
