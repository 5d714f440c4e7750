//! Writes to the log, at trace level, what an executor does.
//!
//! Whether to do so is decided when the executor is made. So an executor that is not logged pays nothing.
//!
//! Knows only the methods of an instrument, whether a dump polls, and how to print.

use std::cell::Cell;
use std::fmt::Display;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::kernel::failure::TaskFailure;
use crate::kernel::tasks::Ending;
use crate::report::printing;
use crate::watch::chain;
use crate::watch::instrument::{Installed, Instrument, TaskView, WokenBy, installed};

/// The instrument, if the logger takes trace lines.
#[inline]
pub(crate) fn wanted() -> Option<Installed> {
    printing::is_traced().then(|| installed(TraceLog::default()))
}

macro_rules! trace {
    ($($line:tt)*) => { printing::trace(format_args!($($line)*)) };
}

/// Leaves out the events of tasks that the logger has spawned: it might spawn another one for each line, and so on without end.
#[derive(Default)]
struct TraceLog {
    /// Nothing was logged since the last park.
    is_quiet: Cell<bool>,
}

impl TraceLog {
    /// Logs a line about a task.
    fn line(&self, task: &TaskView<'_>, line: impl Display) {
        if !task.is_of_logger {
            self.is_quiet.set(false);
            trace!("{task} {line}");
        }
    }
}

impl Instrument for TraceLog {
    fn spawn(&self, _at: Instant, task: &TaskView<'_>) {
        if let Some(at) = task.spawned_at() {
            self.line(
                task,
                format!("is spawned at {at}, and queued for its first poll"),
            );
        }
    }

    fn poll_begin(&self, _at: Instant, task: &TaskView<'_>) {
        let line = match chain::is_tracing() {
            true => "is polled once more, for a dump",
            false => "is polled",
        };
        self.line(task, line);
    }

    fn poll_end(&self, _at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        let line = match (poll, task.last_await()) {
            (Poll::Ready(()), _) => "has had its last poll".to_owned(),
            (Poll::Pending, None) => "is pending: it waits for a wake".to_owned(),
            (Poll::Pending, Some(last)) => {
                format!("is pending: it waits for a wake ({}: {last})", last.label())
            }
        };
        self.line(task, line);
    }

    fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
        self.line(task, format!("is woken by {by}, and queued"));
    }

    fn timer(&self, _at: Instant, task: Option<&TaskView<'_>>) {
        match task {
            Some(task) if task.is_of_logger => {}
            Some(task) => trace!("a timer of {task} fires"),
            None => trace!("a timer fires"),
        }
    }

    fn park_begin(&self, _at: Instant, timeout: Option<Duration>) {
        let sleeps = "the thread sleeps until a wake";
        match timeout {
            _ if self.is_quiet.get() => {}
            Some(timeout) => trace!("nobody is ready: {sleeps}, for {timeout:.1?} at most"),
            None => trace!("nobody is ready, and no timer is set: {sleeps}"),
        }
    }

    fn park_end(&self, _at: Instant) {
        if !self.is_quiet.replace(true) {
            trace!("the thread runs again");
        }
    }

    fn failure(&self, _at: Instant, failure: &TaskFailure) {
        if !failure.lineage().is_of_logger() {
            trace!("a failure: {}", failure.one_line());
        }
    }

    fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
        self.line(task, format!("{ending}: it is done, and its slot is free"));
    }
}
