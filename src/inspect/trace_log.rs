//! Tells the log, at trace level, what an executor does, in words that can be followed.
//!
//! Whether it does is decided when the executor is made, so that one that is not followed pays nothing.
//!
//! Knows what an instrument is told.

use std::task::Poll;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, log_enabled, trace};

use crate::core::{Config, Ending, Instrument, TaskView, Watch, WokenBy};
use crate::failure::TaskFailure;

/// The usual configuration, which is followed if the logger wants that.
pub(crate) fn usual_config() -> Config {
    let usual = Config::default();
    match wanted() {
        None => usual,
        Some(instrument) => Config {
            // An executor that is followed is not kept for somebody who may not want that.
            is_custom: true,
            watch: Watch::new(vec![instrument], cfg!(debug_assertions)),
            ..usual
        },
    }
}

/// The instrument, if the logger takes what it tells.
pub(crate) fn wanted() -> Option<Box<dyn Instrument>> {
    let is_wanted =
        log::max_level() >= LevelFilter::Trace && log_enabled!(target: "candor", Level::Trace);
    is_wanted.then(|| Box::new(TraceLog) as _)
}

struct TraceLog;

impl Instrument for TraceLog {
    fn spawn(&self, _at: Instant, task: &TaskView<'_>) {
        let place = task
            .spawned_at()
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        trace!(target: "candor", "{task} is spawned{place}, and queued for its first poll");
    }

    fn poll_begin(&self, _at: Instant, task: &TaskView<'_>) {
        trace!(target: "candor", "{task} is polled");
    }

    fn poll_end(&self, _at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        match (poll, task.last_await()) {
            (Poll::Ready(()), _) => trace!(target: "candor", "{task} has had its last poll"),
            (Poll::Pending, None) => {
                trace!(target: "candor", "{task} is pending: it waits for a wake")
            }
            (Poll::Pending, Some(last)) => {
                trace!(target: "candor", "{task} is pending: it waits for a wake (last await: {last})");
            }
        }
    }

    fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
        trace!(target: "candor", "{task} is woken by {by}, and queued");
    }

    fn timer(&self, _at: Instant, task: Option<&TaskView<'_>>) {
        match task {
            Some(task) => trace!(target: "candor", "a timer of {task} fires"),
            None => trace!(target: "candor", "a timer fires"),
        }
    }

    fn park_begin(&self, _at: Instant, timeout: Option<Duration>) {
        match timeout {
            Some(timeout) => {
                trace!(target: "candor", "nobody is ready: the thread sleeps until a wake, for {timeout:.1?} at most");
            }
            None => {
                trace!(target: "candor", "nobody is ready, and no timer is set: the thread sleeps until a wake")
            }
        }
    }

    fn park_end(&self, _at: Instant) {
        trace!(target: "candor", "the thread runs again");
    }

    fn failure(&self, _at: Instant, failure: &TaskFailure) {
        trace!(target: "candor", "a failure: {}", failure.headline());
    }

    fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
        trace!(target: "candor", "{task} {ending}: it is done, and its slot is free");
    }
}
