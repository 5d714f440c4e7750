//! Warns of polls that hold the thread for too long.
//!
//! Knows only the methods of an instrument.

use std::cell::Cell;
use std::task::Poll;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::failure::TaskId;
use crate::report::printing;
use crate::watch::instrument::{Instrument, TaskView};

/// The instrument behind [`Builder::slow_poll`](crate::Builder::slow_poll).
pub(crate) struct SlowPoll {
    limit: Duration,
    /// When the poll began, on the real clock: virtual time stands still during a poll.
    began: Cell<Option<Instant>>,
}

impl SlowPoll {
    pub(crate) fn new(limit: Duration) -> Self {
        SlowPoll {
            limit,
            began: Cell::new(None),
        }
    }
}

impl Instrument for SlowPoll {
    fn poll_begin(&self, _at: Instant, _task: &TaskView<'_>) {
        self.began.set(Some(Instant::now()));
    }

    fn poll_end(&self, _at: Instant, task: &TaskView<'_>, _poll: Poll<()>) {
        let held = self.began.take().map(|began| began.elapsed());
        if let Some(held) = held.filter(|held| *held > self.limit) {
            let whence = match task.spawned_at() {
                Some(at) if task.id() == TaskId::MAIN => format!(", entered at {at}"),
                Some(at) => format!(", spawned at {at}"),
                None => String::new(),
            };
            let text = format!(
                "{task}{whence}, held the thread for {held:.1?} in one poll (the limit is {:?}), and all others \
                 stood still. If it computes, let it `yield_now().await` now and then; if it waits for something \
                 that blocks, let a thread do that",
                self.limit
            );
            printing::print_of_task(task.is_of_logger(), Level::Warn, &text);
        }
    }
}
