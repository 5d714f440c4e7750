//! How a task ends, by returning, by a panic that the loop has caught, or because it was cancelled: its slot becomes free, its
//! failure waits or is reported, and its joiner is woken.
//!
//! ```text
//! returned, or cancelled ──►┐
//!                           ├──► finish ──► its slot is free ──► its failure waits, or will be reported ──► its joiner is woken
//! panicked ──► settle_panic ┘
//! ```
//!
//! Knows the core's state.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;

use crate::kernel::failure::{drop_payload, hook};
use crate::kernel::tasks::{AnyTask, Core, Counted, Ending, Event, Joiner, Key, Progress, Running};

impl Core {
    /// Frees the slot of a finished task, lets its failure wait or be reported, and then wakes its joiner. The caller ends the poll.
    pub(crate) fn finish(&self, task: &Counted<AnyTask>, ending: Ending) {
        let header = &task.header();
        header.progress.set(Progress::Done);
        let slot = header.slot.get();
        let this = Running::Task(slot);
        drop(self.slots.remove(slot));
        // From here on the slot may have another tenant, and that one is not what runs here.
        self.polling.running.set(Running::Ended);
        self.polling.noted_await.set(None);
        (self.waited_for).set(self.waited_for.get() - u32::from(!header.is_daemon));
        let has_read = self.failures.reader.get() == this;
        if has_read {
            self.failures.reader.set(Running::Nobody);
        }
        if ending.is_failure() {
            // A task that has read a failure is likely to carry it on. So its error is asked for its text now. Otherwise, at the end
            // of a long chain, each error would ask the next one recursively.
            if has_read {
                self.failure_of(&**task);
            }
            if header.is_detached.get() {
                self.report_after_poll(task.clone());
            } else {
                let read = self.unread.borrow_mut().push(task.clone());
                drop(read);
            }
        }
        self.say(|| Event::Done(&**task, ending));
        match header.joiner.take() {
            Joiner::Task(Key::NOBODY) => {}
            Joiner::Task(key) => self.wake(key),
            Joiner::Listener(listener) => listener.task_done(ending),
        }
        let is_awaited = !self.on_ended.borrow().is_empty();
        if is_awaited && (self.waited_for.get() == 0 || header.is_aborted.get()) {
            let wakers = self.on_ended.take().into_iter();
            (wakers.filter_map(|waker| waker.upgrade())).for_each(|waker| waker.wake());
        }
        // What the next tenant of the slot spawns is not spawned by this task.
        (self.parentage.borrow_mut()).take_if(|(spawner, _)| *spawner == this);
    }

    /// Makes the panic of a poll or a destructor the outcome of its task, and finishes the task.
    ///
    /// This drops the future, which may panic as well. An awaiter gets the first panic. Nobody can await the
    /// others, so they are reported.
    pub(crate) fn settle_panic(self: &Rc<Self>, payload: Box<dyn Any + Send>) {
        let Some(task) = self.running_task() else {
            // Between polls, so it came from a foreign waker: the earlier panic hook has printed it.
            return drop_payload(payload);
        };
        self.say(|| Event::PollEnds(task.header().slot.get(), Poll::Ready(())));
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
        let woken = catch_unwind(AssertUnwindSafe(|| self.finish(&task, ending)));
        woken.unwrap_or_else(drop_payload);
        self.polling.end();
        self.after_poll();
        for panic in homeless {
            self.report_panic(panic);
        }
    }
}
