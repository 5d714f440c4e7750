//! The tasks of a group: which are left, which have ended, and who waits for that.
//!
//! ```text
//!             ┌───────────── TaskSet ─────────────┐
//! spawn ────► │ left    [ #1 | _ | #3 ]           │ ──► join: when none is left
//! a task ends │ ended   [ #2, #4 ]                │ ──► next: the first of these
//!       ────► │ counts  succeeded, failed, …      │ ──► what join gives
//!             └───────────────────────────────────┘
//! ```
//!
//! All kinds of group have one of these. They differ in what becomes of a failure, which is not decided here.
//!
//! Knows tasks, but nothing of what they return.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{Location, RefUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::abort::AbortHandle;
use crate::group::ended::Ended;
use crate::group::roster::Roster;
use crate::group::waiting::Waiting;
use crate::kernel::failure::{AwaitKind, Site, TaskId, await_line};
use crate::kernel::tasks::{Ending, SUCCESSORS, current_executor};
use crate::outcome::Value;
use crate::watch::{counted, lost_work};

/// The tasks of one group.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct TaskSet {
    left: RefCell<Roster<AbortHandle>>,
    ended: RefCell<Ended>,
    pub(super) counts: Cell<GroupSummary>,
    pub(super) phase: Cell<Phase>,
    /// Somebody waits for all tasks, so dropping the group loses nothing by mistake.
    pub(super) is_joined: Cell<bool>,
    /// A failure cancels the others.
    is_linked: bool,
    /// How many tasks were spawned by destructors of cancelled ones, since the group was last empty.
    successors: Cell<u64>,
    /// The awaiter of the next end, the next failure or the join. There is one at most: the first two borrow the group for
    /// themselves, and the third consumes it.
    waiting: Waiting,
}

/// What becomes of a future that is spawned into the group.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Open,
    /// It becomes a task that is cancelled like the others. So a panic of its destructor is a failure of the group.
    Cancelled,
    /// It is refused.
    Over,
}

/// How the tasks of an [`IndependentGroup`](crate::IndependentGroup) ended.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::independent();
///     group.spawn(async {});
///     let summary = group.join().await;
///     assert_eq!((summary.succeeded, summary.failed, summary.cancelled), (1, 0, 0));
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GroupSummary {
    /// How many returned, but not an `Err`.
    pub succeeded: usize,
    /// How many panicked or returned an `Err`: each has been reported, or handed out.
    pub failed: usize,
    /// How many were aborted before they were done.
    pub cancelled: usize,
}

impl Value for GroupSummary {}

impl TaskSet {
    /// A set in which a failure cancels the others.
    pub(super) fn linked() -> Self {
        TaskSet {
            is_linked: true,
            ..TaskSet::default()
        }
    }

    /// Takes a task in, and returns its seat.
    pub(super) fn insert(&self, task: AbortHandle) -> usize {
        self.left.borrow_mut().sit_down(task)
    }

    /// Cancels a task that comes too late. The group may have ended while it was spawned, because a spawn can run user code.
    pub(super) fn cancel_late(&self, task: &AbortHandle) {
        if self.phase.get() == Phase::Open {
            return;
        }
        // Spawned by the destructor of one that was cancelled: perhaps each one spawns the next.
        let is_successor = is_cancelled_task_dropped();
        self.successors
            .update(|count| count + u64::from(is_successor));
        match is_successor && self.successors.get() > SUCCESSORS {
            false => task.abort(),
            true => task.leak(),
        }
    }

    /// Takes out a task that has ended, and counts it. Nobody is woken yet.
    pub(super) fn remove(&self, seat: usize, ending: Ending) {
        let mut left = self.left.borrow_mut();
        let task = left.stand_up(seat).expect("a task ends once");
        let most = left.most();
        self.ended.borrow_mut().push(task.id(), most);
        let mut counts = self.counts.get();
        match ending {
            Ending::Returned => counts.succeeded += 1,
            Ending::Cancelled => counts.cancelled += 1,
            Ending::Failed | Ending::Panicked => counts.failed += 1,
        }
        self.counts.set(counts);
    }

    /// Cancels the siblings of a failed task, if they are linked, and wakes the awaiter of the group.
    pub(super) fn after_end(&self, ending: Ending) {
        if self.is_linked && ending.is_failure() {
            self.cancel();
        }
        let is_empty = self.len() == 0;
        if is_empty {
            self.successors.set(0);
        }
        if is_empty || !self.is_joined.get() {
            self.waiting.wake();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.left.borrow().len()
    }

    /// The present tasks. It is a copy, so that nothing is borrowed while they are used.
    fn tasks(&self) -> Vec<AbortHandle> {
        self.left.borrow().iter().cloned().collect()
    }

    pub(super) fn abort_all(&self) {
        self.tasks().iter().for_each(AbortHandle::abort);
    }

    /// Cancels all tasks, and those that are still to come.
    pub(super) fn cancel(&self) {
        if self.phase.get() == Phase::Open {
            self.phase.set(Phase::Cancelled);
            self.abort_all();
        }
    }

    /// Cancels what is left, because the group is being dropped.
    pub(super) fn close(&self) {
        // First of all: the notice runs a logger, which may hold a spawner.
        self.phase.set(Phase::Over);
        if !self.is_joined.get() {
            lost_work::tell_of_group(self.tasks().into_iter().map(|task| task.task));
        }
        self.abort_all();
    }

    /// Waits until something is there, or no task is left.
    #[track_caller]
    pub(super) fn poll(
        &self,
        cx: &mut Context<'_>,
        made_at: Site,
        is_there: impl Fn() -> bool,
    ) -> Poll<()> {
        let is_ready = || is_there() || self.len() == 0;
        let poll = self.waiting.poll(cx, is_ready);
        if poll.is_pending() {
            current_executor::note_await(AwaitKind::JOIN, await_line(made_at));
        }
        poll
    }

    #[track_caller]
    pub(super) fn next(&self) -> NextEnded<'_> {
        self.ended.borrow_mut().is_asked = true;
        NextEnded {
            set: self,
            made_at: Location::caller(),
        }
    }
}

/// Whether what runs here is the destructor of a cancelled task.
fn is_cancelled_task_dropped() -> bool {
    let running = current_executor::with(|core| core.running_task()).flatten();
    running.is_some_and(|task| task.header().is_aborted.get())
}

// A panic finds it whole, as `lib.rs` says of everything. So a group has the other trait as well.
impl RefUnwindSafe for TaskSet {}

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
    set: &'a TaskSet,
    made_at: Site,
}

impl Future for NextEnded<'_> {
    type Output = Option<TaskId>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TaskId>> {
        let ended = &self.set.ended;
        let is_there = || !ended.borrow().ids.is_empty();
        let poll = self.set.poll(cx, self.made_at, is_there);
        poll.map(|()| ended.borrow_mut().ids.pop_front())
    }
}

impl fmt::Debug for NextEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = counted(self.set.ended.borrow().ids.len(), "task");
        write!(f, "NextEnded({ended} ended, {} alive)", self.set.len())
    }
}
