//! Warns of polls that hold the thread for too long, once they have ended.
//!
//! A poll that does not end is the matter of `endless_poll`.
//!
//! Knows how a task is shown, and the time that backtraces take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::tasks::{Core, Event};
use crate::report::{printing, resolving};
use crate::watch::chain;
use crate::watch::endless_poll::{Board, LongPoll};
use crate::watch::instrument::with_task;

/// What a debug build allows if nobody has set a limit.
const USUAL_LIMIT: Duration = Duration::from_millis(250);

/// What [`Builder::slow_poll`](crate::Builder::slow_poll) switches on.
pub(super) struct SlowPoll(Arc<Board>);

impl SlowPoll {
    /// With the limit that the user has set. Without one, a debug build has its own, and a release build looks for no slow polls.
    pub(super) fn new(limit: Option<Duration>) -> Option<Self> {
        let usual = cfg!(debug_assertions).then_some(USUAL_LIMIT);
        let board = Board::new(limit.or(usual)?, limit.is_none());
        Some(SlowPoll(Arc::new(board)))
    }

    pub(super) fn event(&self, core: &Core, event: &Event<'_>) {
        match event {
            Event::PollBegins(_) => with_task(core, event, |task| {
                if let Some(task) = task {
                    self.0.poll_begins(task, now_without_backtraces());
                }
            }),
            Event::PollEnds(..) => {
                if let Some(poll) = self.0.poll_ends() {
                    self.judge(core, &poll);
                }
            }
            _ => {}
        }
    }

    /// Warns of a poll that has ended, if it was slow.
    fn judge(&self, core: &Core, poll: &LongPoll) {
        let held = now_without_backtraces() - poll.began;
        // The extra polls of a dump take backtraces as well.
        let is_slow = held > self.0.limit && !chain::is_tracing();
        if is_slow && self.0.is_wanted("slow poll", poll) {
            let warning = self.warning(poll, held);
            core.aside(|| printing::print_of_task(poll.is_of_logger, Level::Warn, &warning));
        }
    }

    fn warning(&self, poll: &LongPoll, held: Duration) -> String {
        let (what, advice) = match poll.is_drop {
            true => ("the drop of its future", "If a destructor"),
            false => (
                "one poll",
                "If it computes, let it `yield_now().await` now and then; if it",
            ),
        };
        format!(
            "{poll} held the thread for {held:.1?} in {what} (the limit is {:?}), and all others stood still. {advice} waits \
             for something that blocks, let a thread do that",
            self.0.limit
        )
    }
}

impl Drop for SlowPoll {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The real clock, since virtual time stands still during a poll. This one stands still while the thread resolves backtraces:
/// the user's code is not to blame for that.
fn now_without_backtraces() -> Instant {
    Instant::now() - resolving::time()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::backtrace::Backtrace;

    #[test]
    fn the_clock_of_slow_polls_stands_still_while_a_backtrace_is_resolved() {
        let (really, began) = (Instant::now(), now_without_backtraces());
        let text = resolving::resolved(&Backtrace::force_capture());
        let held = now_without_backtraces() - began;
        assert!(text.contains("stands_still"));
        assert!(held < really.elapsed());
    }
}
