//! Warns of polls that hold the thread for too long, once they have ended.
//!
//! A poll that does not end is the matter of `endless_poll`.
//!
//! Knows how a task is shown, and the time that backtraces take.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::tasks::{Core, Event};
use crate::report::{printing, resolving};
use crate::watch::chain;
use crate::watch::endless_poll::{Board, spawn_site};
use crate::watch::instrument::{TaskView, with_task};

/// What a debug build allows if nobody has set a limit.
const USUAL_LIMIT: Duration = Duration::from_millis(250);

/// What [`Builder::slow_poll`](crate::Builder::slow_poll) switches on.
pub(super) struct SlowPoll {
    /// When the poll began, and whether it only drops the future; `None` between polls.
    began: Cell<Option<(Instant, bool)>>,
    board: Arc<Board>,
}

impl SlowPoll {
    /// With the limit that the user has set. Without one, a debug build has its own, and a release build looks for no slow polls.
    pub(super) fn new(limit: Option<Duration>) -> Option<Self> {
        let usual = cfg!(debug_assertions).then_some(USUAL_LIMIT);
        Some(SlowPoll {
            began: Cell::new(None),
            board: Arc::new(Board::new(limit.or(usual)?, limit.is_none())),
        })
    }

    pub(super) fn event(&self, core: &Core, event: &Event<'_>) {
        with_task(core, event, |task| match (event, task) {
            (Event::PollBegins(_), Some(task)) => {
                let began = (now_without_backtraces(), task.is_aborted);
                self.began.set(Some(began));
                self.board.poll_begins(task);
            }
            (Event::PollEnds(..), Some(task)) => core.aside(|| self.poll_ends(task)),
            _ => {}
        });
    }

    fn poll_ends(&self, task: &TaskView<'_>) {
        self.board.poll_ends();
        let Some((began, is_drop)) = self.began.take() else {
            return;
        };
        let held = now_without_backtraces() - began;
        // The extra polls of a dump take backtraces as well.
        let is_slow = held > self.board.limit && !chain::is_tracing();
        if is_slow && self.board.is_wanted("slow poll", task.spawned_at) {
            let warning = self.warning(task, held, is_drop);
            printing::print_of_task(task.is_of_logger, Level::Warn, &warning);
        }
    }

    fn warning(&self, task: &TaskView<'_>, held: Duration, is_drop: bool) -> String {
        let (what, advice) = match is_drop {
            true => ("the drop of its future", "If a destructor"),
            false => (
                "one poll",
                "If it computes, let it `yield_now().await` now and then; if it",
            ),
        };
        format!(
            "{task}{} held the thread for {held:.1?} in {what} (the limit is {:?}), and all others stood still. {advice} waits \
             for something that blocks, let a thread do that",
            spawn_site(task.id(), task.spawned_at),
            self.board.limit
        )
    }
}

impl Drop for SlowPoll {
    fn drop(&mut self) {
        self.board.close();
    }
}

/// The real clock, since virtual time stands still during a poll. This one stands still while the thread resolves backtraces:
/// the user's code is not to blame for that.
fn now_without_backtraces() -> Instant {
    Instant::now() - resolving::time()
}
