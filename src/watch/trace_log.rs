//! Writes to the log, at trace level, what an executor does.
//!
//! Whether to do so is decided when the executor is made. So an executor that is not logged pays nothing.
//!
//! Knows only the methods of an instrument, and how to print.

use std::cell::Cell;
use std::fmt::Display;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::kernel::failure::TaskFailure;
use crate::kernel::tasks::Ending;
use crate::report::printing;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};

/// The instrument, if the logger takes trace lines.
#[inline]
pub(crate) fn wanted() -> Option<Box<dyn Instrument>> {
    match printing::is_traced() {
        true => Some(Box::new(TraceLog {
            has_news: Cell::new(true),
        })),
        false => None,
    }
}

macro_rules! trace {
    ($($line:tt)*) => { printing::trace(format_args!($($line)*)) };
}

/// Leaves out the events of tasks that the logger has spawned: it might spawn another one for each line, and so on without end.
struct TraceLog {
    /// Something was logged since the last park.
    has_news: Cell<bool>,
}

impl TraceLog {
    /// Logs a line about a task.
    fn line(&self, task: &TaskView<'_>, line: impl Display) {
        if !task.is_of_logger() {
            self.has_news.set(true);
            trace!("{task} {line}");
        }
    }
}

impl Instrument for TraceLog {
    fn spawn(&self, _at: Instant, task: &TaskView<'_>) {
        let place = task
            .spawned_at()
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        self.line(
            task,
            format_args!("is spawned{place}, and queued for its first poll"),
        );
    }

    fn poll_begin(&self, _at: Instant, task: &TaskView<'_>) {
        self.line(task, "is polled");
    }

    fn poll_end(&self, _at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        match (poll, task.last_await()) {
            (Poll::Ready(()), _) => self.line(task, "has had its last poll"),
            (Poll::Pending, None) => self.line(task, "is pending: it waits for a wake"),
            (Poll::Pending, Some(last)) => {
                self.line(
                    task,
                    format_args!("is pending: it waits for a wake ({}: {last})", last.label()),
                );
            }
        }
    }

    fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
        self.line(task, format_args!("is woken by {by}, and queued"));
    }

    fn timer(&self, _at: Instant, task: Option<&TaskView<'_>>) {
        match task {
            Some(task) if task.is_of_logger() => {}
            Some(task) => trace!("a timer of {task} fires"),
            None => trace!("a timer fires"),
        }
    }

    fn park_begin(&self, _at: Instant, timeout: Option<Duration>) {
        match timeout {
            _ if !self.has_news.get() => {}
            Some(timeout) => {
                trace!(
                    "nobody is ready: the thread sleeps until a wake, for {timeout:.1?} at most"
                );
            }
            None => {
                trace!("nobody is ready, and no timer is set: the thread sleeps until a wake")
            }
        }
    }

    fn park_end(&self, _at: Instant) {
        if self.has_news.take() {
            trace!("the thread runs again");
        }
    }

    fn failure(&self, _at: Instant, failure: &TaskFailure) {
        if !failure.lineage().is_of_logger() {
            trace!("a failure: {}", failure.one_line());
        }
    }

    fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
        self.line(
            task,
            format_args!("{ending}: it is done, and its slot is free"),
        );
    }
}
