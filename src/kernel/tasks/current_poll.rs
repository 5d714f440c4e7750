//! Whose future an executor is polling right now, and what is noted during that poll.
//!
//! Knows failures.

use std::cell::Cell;

use crate::kernel::failure::LastAwait;

/// Whose code runs, and so whose a panic is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Running {
    /// The executor's own.
    #[default]
    Nobody,
    /// The future that the executor was entered for. A panic goes through to the caller.
    Main,
    /// That of `run`, when a panic is caught. It is reported like a task's.
    MainOfRun,
    /// The task in this slot. A panic becomes its failure.
    Task(u32),
    /// What the end of a task calls and drops: a foreign waker, say. The task has no slot any more.
    Ended,
}

/// What is noted while something is polled.
#[derive(Default)]
pub(crate) struct Polling {
    /// Whose future is being polled or dropped right now.
    pub(crate) running: Cell<Running>,
    /// How many of candor's own futures this poll has found ready.
    pub(crate) found_ready: Cell<u32>,
    /// The await at which this poll returned `Pending`, as far as candor's own futures know.
    pub(crate) noted_await: Cell<Option<LastAwait>>,
    pub(crate) main_last_await: Cell<Option<LastAwait>>,
    /// The pass ends with this poll.
    pub(crate) is_pass_over: Cell<bool>,
    /// What is dropped now goes with its future, since the executor or its stay is over: no code of its own drops it.
    pub(crate) is_dropping: Cell<bool>,
}

impl Polling {
    /// Notes whose poll begins.
    pub(crate) fn begin(&self, who: Running) {
        self.running.set(who);
        self.found_ready.set(0);
    }

    pub(crate) fn end(&self) {
        self.running.set(Running::Nobody);
    }
}
