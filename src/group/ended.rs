//! Who of a group has ended, for whoever asks: `next`.
//!
//! ```text
//! spawn ──► alive + 1          end ──► alive - 1, ids [ 3, 1, 2 ] ──► next: 3
//! ```
//!
//! Most groups are joined, and nobody asks who ended when. So until somebody asks, only the newest ids are kept: as many as
//! there were members at once, and at least 1,024. Whoever spawns all members and then asks misses none, and a server whose
//! group sees a million members come and go does not collect a million ids. Whoever has asked is expected to go on asking:
//! from then on all are kept.
//!
//! Knows ids of tasks, and how one waits on this thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::group::waiting::Waiting;
use crate::kernel::failure::{AwaitKind, TaskId, await_line};
use crate::kernel::tasks::current;

/// How many ids are kept for nobody, if there were fewer members at once.
const KEPT: usize = 1024;

/// The members of a group that have ended, the first one first.
#[derive(Default)]
pub(super) struct Ended {
    ids: RefCell<VecDeque<TaskId>>,
    alive: Cell<usize>,
    /// How many were alive at once.
    most: Cell<usize>,
    /// Somebody has asked for one.
    is_asked: Cell<bool>,
    /// Whoever awaits the next one. There is one at most, since `next` borrows the group for itself.
    reader: Waiting,
}

impl Ended {
    /// Counts a new member.
    pub(super) fn begin(&self) {
        let alive = self.alive.get() + 1;
        self.alive.set(alive);
        self.most.set(self.most.get().max(alive));
    }

    /// Notes that a member has ended. Whoever waits is to be woken when the group is whole again.
    pub(super) fn push(&self, id: TaskId) {
        self.alive.set(self.alive.get() - 1);
        let mut ids = self.ids.borrow_mut();
        if !self.is_asked.get() && ids.len() >= self.most.get().max(KEPT) {
            ids.pop_front();
        }
        ids.push_back(id);
    }

    /// Wakes whoever waits for the end of a member.
    pub(super) fn wake(&self) {
        self.reader.wake();
    }

    /// Waits until something is there, or no member is left.
    pub(super) fn poll(&self, cx: &mut Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        self.reader.poll(cx, || is_there() || self.alive.get() == 0)
    }

    #[track_caller]
    pub(super) fn next(&self) -> NextEnded<'_> {
        NextEnded {
            ended: self,
            made_at: Caller::caller(),
        }
    }
}

/// The future of [`TaskGroup::next`](crate::TaskGroup::next) and of its counterparts.
///
/// Dropping it loses nothing: the next call gives the same id.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let mut group = candor::TaskGroup::new();
///     let task = group.spawn(async {});
///     let first: candor::NextEnded<'_> = group.next();
///     assert_eq!(first.await, task.id());
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct NextEnded<'a> {
    ended: &'a Ended,
    made_at: &'static Caller<'static>,
}

impl Future for NextEnded<'_> {
    type Output = Option<TaskId>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TaskId>> {
        let ended = self.ended;
        ended.is_asked.set(true);
        let poll = ended.poll(cx, || !ended.ids.borrow().is_empty());
        if poll.is_pending() {
            current::note_await(AwaitKind::JOIN, await_line(self.made_at));
        }
        poll.map(|()| ended.ids.borrow_mut().pop_front())
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for NextEnded<'_> {}
impl std::panic::RefUnwindSafe for NextEnded<'_> {}

impl fmt::Debug for NextEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.ended.ids.borrow().len();
        write!(
            f,
            "NextEnded({ended} tasks ended, {} alive)",
            self.ended.alive.get()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_after(ended: &Ended) -> Vec<u64> {
        ended.ids.borrow().iter().map(|id| id.0).collect()
    }

    #[test]
    fn a_million_ends_that_nobody_asks_for_take_a_bounded_place() {
        let ended = Ended::default();
        for number in 1..=1_000_000 {
            ended.begin();
            ended.push(TaskId(number));
        }
        let ids = ids_after(&ended);
        assert_eq!((ids.len(), ids[0], ids[1_023]), (KEPT, 998_977, 1_000_000));
        assert!(ended.ids.borrow().capacity() <= 2 * KEPT);
    }

    #[test]
    fn of_members_that_were_there_at_once_all_are_kept() {
        let ended = Ended::default();
        (0..5_000).for_each(|_| ended.begin());
        (1..=5_000).for_each(|number| ended.push(TaskId(number)));
        assert_eq!(ids_after(&ended), (1..=5_000).collect::<Vec<_>>());
    }

    #[test]
    fn once_somebody_asks_all_are_kept() {
        let ended = Ended::default();
        ended.is_asked.set(true);
        for number in 1..=5_000 {
            ended.begin();
            ended.push(TaskId(number));
        }
        assert_eq!(ids_after(&ended).len(), 5_000);
    }
}
