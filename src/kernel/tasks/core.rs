//! All state of one executor, and what may happen to it.
//!
//! ```text
//!   spawn ───► slots ◄─── wake                    the loop (run_loop.rs) takes from `slots`,
//!                │                                polls, and calls back here:
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
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

mod config;
pub(crate) mod ending;
mod identity;
pub(crate) mod watch;

pub use config::FailurePolicy;
pub(crate) use config::{Config, Shuffle};

use crate::kernel::failure::{
    Entry, LastAwait, Site, TaskFailure, TaskId, Unclaimed, Unread, contain,
};
use crate::kernel::tasks::inbox::Inbox;
use crate::kernel::tasks::{
    AnyTask, Counted, Event, Foreign, Header, Job, Key, MAIN_SLOT, Main, Parentage, SLOT_LIMIT,
    Slots,
};
use crate::kernel::time::{Clock, Wheel};

// Whose code runs, as `Core::polled` returns it:
//
//   1, 2, …          the task in that slot; a panic becomes its failure
//   MAIN_SLOT (0)    the future that `run` was given; a panic is reported like a task's
//   MAIN_UNCAUGHT    the future that `block_on` was given; a panic goes through to the caller
//   NOBODY           the executor's own code
//
/// No slot has this number, see [`SLOT_LIMIT`].
pub(crate) const NOBODY: u32 = u32::MAX;

/// Nor this one.
pub(crate) const MAIN_UNCAUGHT: u32 = SLOT_LIMIT;

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
    pub(crate) slots: RefCell<Slots<Counted<AnyTask>>>,
    pub(crate) timers: RefCell<Wheel<Waker>>,
    pub(crate) unread: RefCell<Unread<Counted<AnyTask>>>,
    /// Panics of the running poll. Shared with the panic hook while that notes one.
    pub(crate) unclaimed: Rc<RefCell<Unclaimed>>,

    /// The slot whose future is being polled or dropped right now, see above. The upper half counts how many of
    /// candor's own futures it has found ready in this poll.
    pub(crate) running: Cell<u64>,
    /// The await at which this poll returned `Pending`, as far as candor's own futures know.
    pub(crate) noted_await: Cell<Option<LastAwait>>,
    pub(crate) main_last_await: Cell<Option<LastAwait>>,
    /// A main future has begun, and is not gone yet.
    /// Something is to be done before the next poll; what, `see_to_failures` finds out. It is set by the
    /// panic hook (the task may have caught that panic), by whoever drops the handle of a failure, by a failure
    /// that nobody can await any more, and by `exit` and the failure policy.
    pub(crate) attention: Cell<bool>,
    /// The pass ends with this poll.
    pub(crate) is_pass_over: Cell<bool>,
    /// Failures whose handle was dropped within this poll. They may belong to another executor.
    pub(crate) to_report: RefCell<VecDeque<Counted<AnyTask>>>,
    /// What is to be said when no poll is running: what this poll has dropped is not said by its destructor.
    pub(crate) after_poll: RefCell<Vec<Box<dyn FnOnce()>>>,
    /// What is dropped now goes with its future, since the executor or its stay is over: no code of its own drops it.
    pub(crate) is_dropping: Cell<bool>,
    /// A report is being given out: the callback or the logger runs.
    pub(crate) is_reporting: Cell<bool>,
    pub(crate) stop: Cell<Option<Box<Stop>>>,

    /// The slot that last read the failure of another task. Its own failure is likely to carry that one.
    pub(crate) failure_reader: Cell<u32>,

    pub(crate) next_id: Cell<u64>,
    /// Unfinished tasks that `run` and `drain` wait for.
    pub(crate) waited_for: Cell<u32>,
    pub(crate) failures: Cell<u64>,
    pub(crate) main_key: Cell<Key>,
    /// What waits for the last of these tasks to end, or for one that was aborted.
    pub(crate) on_ended: RefCell<Vec<Foreign>>,

    pub(crate) is_entered: Cell<bool>,
    pub(crate) entry: Cell<Option<Entry>>,
    /// The executor that runs on this thread further down the stack.
    pub(crate) outer: RefCell<Option<Rc<Core>>>,
    /// `None` until a way in from outside is first needed, and again after the executor has ended.
    pub(crate) outside: RefCell<Option<Rc<dyn Outside>>>,
    /// The slot whose tenant spawned last, and what its children share. `parentage` is valid until another slot spawns;
    /// dropped by `finish` when this task ends, and by `set_entry`.
    pub(super) parentage: RefCell<Option<(u32, Counted<Parentage>)>>,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);
        let inbox = Inbox::open();
        Core {
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            inbox,
            number: inbox.number,
            clock: Clock::new(config.virtual_time),
            config,
            slots: RefCell::new(Slots::new()),
            timers: RefCell::new(Wheel::new()),
            unread: RefCell::new(Unread::new(|task| task.has_unread_failure())),
            unclaimed: Rc::default(),
            running: Cell::new(u64::from(NOBODY)),
            noted_await: Cell::new(None),
            main_last_await: Cell::new(None),
            attention: Cell::new(false),
            is_pass_over: Cell::new(false),
            to_report: RefCell::new(VecDeque::new()),
            after_poll: RefCell::default(),
            is_dropping: Cell::new(false),
            is_reporting: Cell::new(false),
            stop: Cell::new(None),
            failure_reader: Cell::new(NOBODY),
            next_id: Cell::new(1),
            waited_for: Cell::new(0),
            failures: Cell::new(0),
            main_key: Cell::new(Key::NOBODY),
            on_ended: RefCell::new(Vec::new()),
            is_entered: Cell::new(false),
            entry: Cell::new(None),
            outer: RefCell::new(None),
            outside: RefCell::new(None),
            parentage: RefCell::new(None),
        }
    }

    /// Notes whose poll begins: that of a slot, or of [`MAIN_UNCAUGHT`].
    pub(crate) fn begin_poll(&self, slot: u32) {
        // A poll that begins has found nothing ready yet. So one store sets both halves.
        self.running.set(u64::from(slot));
    }

    pub(crate) fn end_poll(&self) {
        self.running.set(u64::from(NOBODY));
    }

    /// Ends the poll of a main future, which may have been left by a panic.
    #[inline]
    pub(crate) fn end_main_poll(&self) {
        self.say(|| Event::PollEnds(MAIN_SLOT, Poll::Ready(())));
        self.main_key.set(Key::NOBODY);
        self.is_dropping.set(false);
        self.end_poll();
    }

    pub(crate) fn polled(&self) -> u32 {
        self.running.get() as u32
    }

    /// A main future begins. A wake of an earlier one must not poll it: that would hide a missing wake of this one.
    #[inline]
    pub(crate) fn begin_main(&self) {
        let generation = self.slots.borrow_mut().begin_main();
        self.main_key.set(self.key_of(MAIN_SLOT, generation));
    }

    /// Takes timers out of the wheel whose sleeps were dropped elsewhere. Call it before you ask the wheel for anything.
    pub(crate) fn forget_timers(&self) {
        let forgotten = &self.inbox.forgotten_timers;
        // Most often there is none, and to ask that costs less than `pop`.
        while !forgotten.is_empty()
            && let Some((executor, key)) = forgotten.pop()
        {
            if executor == self.serial {
                let waker = self.timers.borrow_mut().cancel(key);
                contain(|| drop(waker));
            }
        }
    }

    /// Whether user code runs, in the middle of which no report may be made.
    pub(crate) fn is_polling(&self) -> bool {
        self.polled() != NOBODY || self.is_reporting.get()
    }

    pub(crate) fn has_work_to_wait_for(&self) -> bool {
        let outside = self.outside.borrow();
        self.waited_for.get() > 0 || (outside.as_ref()).is_some_and(|outside| outside.has_errands())
    }

    pub(crate) fn key_of(&self, slot: u32, generation: u16) -> Key {
        Key::new(self.number, generation, slot)
    }

    /// Requests that the executor stops before the next poll.
    pub(crate) fn stop_for(&self, stop: Stop) {
        // The first reason wins: the later ones are its consequences.
        let first = self.stop.take().unwrap_or_else(|| Box::new(stop));
        self.stop.set(Some(first));
        self.attention.set(true);
        if !self.is_entered.get() {
            self.inbox.notify();
        }
    }

    /// Between two polls: reports what the last one has left, and finds out whether the executor has to stop.
    #[inline]
    pub(crate) fn see_to_failures(&self) -> Result<(), Stop> {
        if self.attention.get() {
            self.after_poll();
        }
        self.stop.take().map_or(Ok(()), |stop| Err(*stop))
    }

    // Errands. The loop runs them when it fetches its mail, in the order in which they came. Most executors have none, and pay
    // one empty field for that.

    pub(crate) fn run_errands(self: &Rc<Self>, main: Option<&mut Main<'_>>) {
        let outside = self.outside.borrow().clone();
        if let Some(outside) = outside {
            outside.run_errands(self, main);
        }
    }

    // Spawning.

    /// The task is made in its final place. A task that is made on the stack and then copied is read in larger pieces than it was
    /// stored in. The processor waits for that: a fifth of the cost of a spawn with its await (measured).
    #[inline]
    pub(crate) fn spawn<J: Job + 'static>(
        &self,
        spawned_at: Site,
        spawned_by: Counted<Parentage>,
        is_daemon: bool,
        make: impl FnOnce(Header) -> J,
    ) -> Counted<J> {
        let id = TaskId(self.next_id.get());
        let task = Counted::new(|| make(Header::new(id, spawned_at, spawned_by, is_daemon)));
        let slot = self.slots.borrow_mut().insert(|slot| {
            task.header().slot.set(slot);
            task.clone().for_executor()
        });
        // Not while the table is borrowed: unwinding may run code that wakes.
        assert!(
            slot.is_some(),
            "cannot spawn: {} tasks are alive in this executor, as many as a waker can number. Something spawns faster \
             than its tasks finish; await some of them before spawning more, or let a TaskPool do that",
            self.slots.borrow().len()
        );
        self.next_id.set(id.0 + 1);
        if !is_daemon {
            self.waited_for.set(self.waited_for.get() + 1);
        }
        self.say(|| Event::Spawned(task.header()));
        task
    }

    #[inline]
    pub(crate) fn parentage(self: &Rc<Self>) -> Counted<Parentage> {
        if let Some((slot, parentage)) = &*self.parentage.borrow()
            && *slot == self.polled()
        {
            return parentage.clone();
        }
        self.new_parentage()
    }

    /// Sets a new entry point. From now on, what the main future spawns has a new lineage.
    #[inline]
    pub(crate) fn set_entry(&self, entry: Option<Entry>) {
        self.entry.set(entry);
        self.main_last_await.set(None);
        self.parentage.take();
    }

    /// The executor of a task; `None` if it is gone.
    pub(crate) fn of(task: &Header) -> Option<Rc<Core>> {
        task.spawned_by.executor.upgrade()?.downcast().ok()
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
    use crate::kernel::failure::aside::Caught;
    use crate::kernel::failure::reporter::{self, Reporter};
    use crate::kernel::failure::text::payload_text;

    #[test]
    fn a_task_more_than_a_key_can_number_is_refused_with_advice_and_the_others_live_on() {
        struct Quiet;

        impl Reporter for Quiet {
            fn report(&self, _: &TaskFailure, _: Option<Caught>) {}
        }

        reporter::install(&Quiet);
        let core = Rc::new(Core::new(Config::default()));
        *core.slots.borrow_mut() = Slots::with_limit(3);
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
        core.finish(&first, crate::kernel::tasks::listener::Ending::Cancelled);
        core.slots.borrow_mut().next_ready();
        spawn();
        assert_eq!(core.slots.borrow().len(), 2);
    }
}
