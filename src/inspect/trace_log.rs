//! Tells the log, at trace level, what an executor does, in words that can be followed.
//!
//! Whether it does is decided when the executor is made, so that one that is not followed pays nothing.
//!
//! Knows what an instrument is told.

use std::task::Poll;
use std::time::{Duration, Instant};

use crate::core::{Config, Ending, Instrument, TaskView, Watch, WokenBy};
use crate::failure::{TaskFailure, printing};

/// What differs from the usual configuration if the logger wants to follow the executor.
///
/// One that is followed is custom: it is not kept for somebody who may not want that.
#[inline]
pub(crate) fn followed() -> Option<Config> {
    wanted().map(|instrument| Config {
        is_custom: true,
        watch: Watch::new(vec![instrument], cfg!(debug_assertions)),
        ..Config::default()
    })
}

/// The instrument, if the logger takes what it tells.
#[inline]
pub(crate) fn wanted() -> Option<Box<dyn Instrument>> {
    match printing::is_traced() {
        true => Some(Box::new(TraceLog)),
        false => None,
    }
}

macro_rules! trace {
    ($($line:tt)*) => { printing::trace(format_args!($($line)*)) };
}

struct TraceLog;

impl Instrument for TraceLog {
    fn spawn(&self, _at: Instant, task: &TaskView<'_>) {
        let place = task
            .spawned_at()
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        trace!("{task} is spawned{place}, and queued for its first poll");
    }

    fn poll_begin(&self, _at: Instant, task: &TaskView<'_>) {
        trace!("{task} is polled");
    }

    fn poll_end(&self, _at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        match (poll, task.last_await()) {
            (Poll::Ready(()), _) => trace!("{task} has had its last poll"),
            (Poll::Pending, None) => {
                trace!("{task} is pending: it waits for a wake")
            }
            (Poll::Pending, Some(last)) => {
                trace!("{task} is pending: it waits for a wake (last await: {last})");
            }
        }
    }

    fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
        trace!("{task} is woken by {by}, and queued");
    }

    fn timer(&self, _at: Instant, task: Option<&TaskView<'_>>) {
        match task {
            Some(task) => trace!("a timer of {task} fires"),
            None => trace!("a timer fires"),
        }
    }

    fn park_begin(&self, _at: Instant, timeout: Option<Duration>) {
        match timeout {
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
        trace!("the thread runs again");
    }

    fn failure(&self, _at: Instant, failure: &TaskFailure) {
        trace!("a failure: {}", failure.one_line());
    }

    fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
        trace!("{task} {ending}: it is done, and its slot is free");
    }
}
