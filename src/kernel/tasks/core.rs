//! All state of one executor, and what may happen to it.
//!
//! ```text
//!   spawn ───► slots ◄─── wake                    the loop (`run_loop`) takes from `slots`, and polls;
//!                │                                `completion` does the rest:
//!                ▼
//!              poll ──► finish ──► the joiner is woken, or
//!                                  the failure is reported: now, after its grace, or at the end
//! ```
//!
//! No user code runs while a part of the state is borrowed. User code that calls back in the middle
//! of an operation (a destructor that spawns, a waker that wakes, a callback that drops a handle)
//! finds the state whole.
//!
//! Knows tasks, failures, timers and the inbox. Does not know which executor runs on this thread, and
//! never polls.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

pub(crate) mod observer;
mod user_settings;

pub use user_settings::FailurePolicy;
pub(crate) use user_settings::{Config, Shuffle};

use crate::kernel::failure::{
    Entry, Lineage, Origin, TaskFailure, TaskId, Unclaimed, Unread, contain,
};
use crate::kernel::tasks::{
    AnyTask, Counted, Event, Foreign, Header, Inbox, Key, MAIN_SLOT, Main, Parentage, Polling,
    Running, Slots,
};
use crate::kernel::time::{Clock, Wheel};

/// How many tasks the destructors may spawn while everything is cancelled.
pub(crate) const SUCCESSORS: u64 = 1_000_000;

/// All state of one executor.
pub(crate) struct Core {
    /// Unlike the number of the inbox, it is never used twice.
    pub(crate) serial: u64,
    pub(crate) inbox: &'static Inbox,
    /// The number of the inbox. It is kept here because a wake needs it together with its neighbours.
    pub(crate) number: u16,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) slots: Slots<Counted<AnyTask>>,
    pub(crate) timers: RefCell<Wheel<Waker>>,
    pub(crate) unread: RefCell<Unread<Counted<AnyTask>>>,
    pub(crate) polling: Polling,
    pub(crate) failures: Failures,
    pub(crate) stay: Stay,

    pub(crate) next_id: Cell<u64>,
    /// Unfinished tasks that `run` and `drain` wait for.
    pub(crate) waited_for: Cell<u32>,
    /// What waits for the last of these tasks to end, or for one that was aborted. The future that waits owns its waker.
    pub(crate) on_ended: RefCell<Vec<Weak<Foreign>>>,
    /// The key of the main future; that of nobody if none has begun, or it is gone.
    pub(crate) main_key: Cell<Key>,
    /// What spawned last, and what its children share. It is valid until something else spawns; dropped by `finish` when this task
    /// ends, and by `set_entry`.
    pub(super) parentage: RefCell<Option<(Running, Counted<Parentage>)>>,
}

/// What is known of failures, but for those that may still be read.
#[derive(Default)]
pub(crate) struct Failures {
    /// Something is to be done before the next poll; what, `see_to_failures` finds out. It is set by the
    /// panic hook (the task may have caught that panic), by whoever drops the handle of a failure, by a failure
    /// that nobody can await any more, and by `exit` and the failure policy.
    pub(crate) attention: Cell<bool>,
    /// Panics of the running poll. Shared with the panic hook while that notes one.
    pub(crate) unclaimed: Rc<RefCell<Unclaimed>>,
    /// Failures whose handle was dropped within this poll. They may belong to another executor.
    pub(crate) to_report: RefCell<VecDeque<Counted<AnyTask>>>,
    /// The tasks whose failure is being reported: a report may lead to another one.
    pub(crate) in_hand: RefCell<Vec<Counted<AnyTask>>>,
    /// What is to be said when no poll is running: what this poll has dropped is not said by its destructor.
    pub(crate) after_poll: RefCell<Vec<Box<dyn FnOnce()>>>,
    /// A report is being given out: the callback or the logger runs.
    pub(crate) is_reporting: Cell<bool>,
    /// How many were reported.
    pub(crate) reported: Cell<u64>,
    /// What last read the failure of a task. Its own failure is likely to carry that one.
    pub(crate) reader: Cell<Running>,
    /// Until whoever has entered the executor has cancelled everything.
    pub(crate) stop: RefCell<Option<Box<Stop>>>,
}

/// The entry point that runs the executor, and what came in from outside.
#[derive(Default)]
pub(crate) struct Stay {
    pub(crate) is_entered: Cell<bool>,
    pub(crate) entry: Cell<Option<Entry>>,
    /// The executor that runs on this thread further down the stack.
    /// `ManuallyDrop` as in the thread-local that it comes from, and goes back to.
    pub(crate) outer: RefCell<Option<std::mem::ManuallyDrop<Rc<Core>>>>,
    /// `None` until a way in from outside is first needed, and again after the executor has ended.
    pub(crate) outside: RefCell<Option<Rc<dyn Outside>>>,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);
        let inbox = Inbox::open();
        // What earlier owners were to forget.
        while inbox.forgotten_timers.pop().is_some() {}
        Core {
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            inbox,
            number: inbox.number,
            clock: Clock::new(config.virtual_time),
            config,
            slots: Slots::new(),
            timers: RefCell::new(Wheel::new()),
            unread: RefCell::new(Unread::new(|task| task.has_unread_failure())),
            polling: Polling::default(),
            failures: Failures::default(),
            stay: Stay::default(),
            next_id: Cell::new(1),
            waited_for: Cell::new(0),
            on_ended: RefCell::default(),
            main_key: Cell::new(Key::NOBODY),
            parentage: RefCell::default(),
        }
    }

    /// Ends the poll of a main future, which may have been left by a panic.
    #[inline]
    pub(crate) fn end_main_poll(&self) {
        self.say(|| Event::PollEnds(MAIN_SLOT, Poll::Ready(())));
        self.main_key.set(Key::NOBODY);
        self.polling.is_dropping.set(false);
        self.polling.noted_await.set(None);
        self.polling.end();
    }

    /// The task whose code runs.
    pub(crate) fn running_task(&self) -> Option<Counted<AnyTask>> {
        match self.polling.running.get() {
            Running::Task(slot) => self.slots.get(slot),
            _ => None,
        }
    }

    /// Whether user code runs, in the middle of which no report may be made.
    pub(crate) fn is_polling(&self) -> bool {
        self.polling.running.get() != Running::Nobody || self.failures.is_reporting.get()
    }

    pub(crate) fn has_work_to_wait_for(&self) -> bool {
        let outside = self.stay.outside.borrow();
        self.waited_for.get() > 0 || (outside.as_ref()).is_some_and(|outside| outside.has_errands())
    }

    /// Requests that the executor stops before the next poll.
    pub(crate) fn stop_for(&self, stop: Stop) {
        // The first reason wins: the later ones are its consequences.
        (self.failures.stop.borrow_mut()).get_or_insert_with(|| Box::new(stop));
        self.failures.attention.set(true);
        // Its loop may wait, in the reactor for example, or be run by a host.
        if !self.inbox.is_awake() {
            self.inbox.notify();
        }
    }

    /// Between two polls: reports what the last one has left, and finds out whether the executor has to stop.
    #[inline]
    pub(crate) fn see_to_failures(&self) -> Result<(), Stopped> {
        if self.failures.attention.get() {
            self.after_poll();
        }
        let has_to_stop = self.failures.stop.borrow().is_some();
        (!has_to_stop).then_some(()).ok_or(Stopped)
    }

    /// The origin of a task, or of the main future of `run`. The panic hook calls it, so it may be called in the middle of
    /// anything.
    pub(crate) fn origin_of(&self, who: Running) -> Option<Origin> {
        match who {
            Running::Nobody | Running::Main | Running::Ended => None,
            Running::MainOfRun => Some(Origin {
                id: TaskId::MAIN,
                name: None,
                spawned_at: None,
                spawned_by: Lineage::of_entry(self.stay.entry.get()),
                last_await: self.polling.main_last_await.get(),
            }),
            Running::Task(slot) => Some(self.slots.get(slot)?.header().origin().to_owned()),
        }
    }

    /// Sets a new entry point. From now on, what the main future spawns has a new lineage.
    #[inline]
    pub(crate) fn set_entry(&self, entry: Option<Entry>) {
        self.stay.entry.set(entry);
        self.polling.main_last_await.set(None);
        self.parentage.take();
    }

    /// The executor of a task; `None` if it is gone.
    pub(crate) fn of(task: &Header) -> Option<Rc<Core>> {
        task.spawned_by.core.upgrade()?.downcast().ok()
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

/// The errands of one executor. It exists from its first use until the executor ends.
pub(crate) trait Outside: Any {
    /// Whether there are errands that have not been run.
    fn has_errands(&self) -> bool;

    /// Runs the errands that have come so far. No poll is running. `main` polls the main future, if the loop runs for one. It
    /// may panic, and only that may.
    fn run_errands(&self, core: &Rc<Core>, main: Option<&mut Main<'_>>);
}

/// The executor has to stop before its work is done. The reason is in its core.
pub(crate) struct Stopped;

/// Why an executor stops before its work is done.
pub(crate) enum Stop {
    /// A task called `exit`.
    Exit(u8),
    /// This failure was reported under `FailurePolicy::Shutdown`.
    Failure(TaskFailure),
    /// No wake can come any more. The text says which tasks wait.
    Stall(String),
}

/// Marks in a backtrace where the executor ends and the task begins.
#[inline(never)]
pub(crate) fn __candor_poll_boundary<A, R>(user_code: impl FnOnce(A) -> R, argument: A) -> R {
    let result = user_code(argument);
    // Work after the call keeps this frame on the stack.
    std::hint::black_box(());
    result
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, Location, catch_unwind};

    use super::*;
    use crate::kernel::failure::TaskFailure;
    use crate::kernel::failure::reporter::{self, Reporter};
    use crate::kernel::failure::text::payload_text;
    use crate::kernel::failure::user_code::Caught;

    #[test]
    fn a_task_more_than_a_key_can_number_is_refused_with_advice_and_the_others_live_on() {
        struct Quiet;

        impl Reporter for Quiet {
            fn report(&self, _: &TaskFailure, _: Option<Caught>) {}
        }

        reporter::install(&Quiet);
        let mut core = Core::new(Config::default());
        core.slots = Slots::with_limit(3);
        let core = Rc::new(core);
        let make = |header| crate::kernel::tasks::task::Task::new(header, async {});
        let spawn = || core.spawn(Location::caller(), core.parentage(), false, make);
        let first = spawn();
        spawn();
        let payload = catch_unwind(AssertUnwindSafe(spawn)).err().unwrap();
        let message = payload_text(&*payload).unwrap();
        assert!(
            message.contains("2 tasks are alive in this executor, as many as a waker can number"),
            "{message}"
        );

        let first = first.for_executor();
        first.discard();
        core.finish(&first, crate::kernel::tasks::who_joins::Ending::Cancelled);
        core.slots.next_ready();
        spawn();
        assert_eq!(core.slots.len(), 2);
    }
}
