//! The group in which a failure of one task does not cancel the others.
//!
//! ```text
//! task a ──fails──► reported at once
//! task b ─────────────────────────── goes on ──► done ──► join gives the counts
//! ```
//!
//! This is the group for a server: one connection that fails is no reason to end the others, but none of them
//! may outlive the server. Its tasks are detached, so their failures are reported by the rule for a failure
//! without a handle. The group only counts.
//!
//! Knows members.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::group::ended::{Ended, NextEnded};
use crate::group::handle::GroupHandle;
use crate::group::member::{AnyMember, Group, Member};
use crate::group::roster::Roster;
use crate::group::waiting::Waiting;
use crate::kernel::failure::AwaitKind;
use crate::kernel::tasks::{Ending, TaskBuilder, current, is_large};
use crate::outcome::{Outcome, Value};
use crate::watch::lost_work;

/// Tasks that do not outlive the group, and that fail independently. Made by
/// [`TaskGroup::independent`](crate::TaskGroup::independent).
///
/// A failure is reported at once, as that of a task whose handle was dropped, and the siblings go on; a group that is made
/// [`collecting`](IndependentGroup::collecting) hands its failures out instead. Dropping
/// the group, or the future of its [`join`](IndependentGroup::join), cancels what is left of them: none of
/// them is polled again, and their futures are dropped at the executor's next turn. One warning names them if your code
/// drops a group that it has neither joined nor cancelled.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let connections = candor::TaskGroup::independent();
///     for number in 1..=3 {
///         connections.spawn(async move { Ok::<u32, std::io::Error>(number) });
///     }
///     let summary = connections.join().await;
///     assert_eq!(summary.succeeded, 3);
/// });
/// ```
#[must_use = "dropping the group cancels its tasks; await its `join()`"]
pub struct IndependentGroup {
    state: Rc<State>,
    /// Whoever drops it now has waited for it.
    is_joined: bool,
}

/// How the tasks of an [`IndependentGroup`] ended.
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

struct State {
    members: RefCell<Roster<Rc<dyn AnyMember>>>,
    summary: Cell<GroupSummary>,
    ended: Ended,
    /// Whoever awaits `join`.
    joiner: Waiting,
}

impl IndependentGroup {
    pub(super) fn new() -> Self {
        IndependentGroup {
            state: Rc::new(State {
                members: RefCell::new(Roster::new()),
                summary: Cell::new(GroupSummary::default()),
                ended: Ended::default(),
                joiner: Waiting::default(),
            }),
            is_joined: false,
        }
    }

    /// Spawns a task into the group.
    ///
    /// # Panics
    ///
    /// If no executor runs on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent();
    ///     let five = group.spawn(async { 5 });
    ///     assert_eq!(five.await, Some(5));
    ///     group.join().await;
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        // Boxed here, before a large one is moved from function to function.
        match const { is_large::<F>() } {
            true => self.spawn_with(TaskBuilder::new(), Box::pin(future)),
            false => self.spawn_with(TaskBuilder::new(), future),
        }
    }

    #[track_caller]
    pub(super) fn spawn_with<F>(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        let member = Member::new(builder.spawn(future));
        self.take_in(&member, member.clone());
        GroupHandle::new(member, Caller::caller())
    }

    /// Gives a member its seat; the group sees it as `seen`.
    pub(super) fn take_in<T: Outcome + 'static>(
        &self,
        member: &Rc<Member<T>>,
        seen: Rc<dyn AnyMember>,
    ) {
        let seat = self.state.members.borrow_mut().sit_down(seen);
        self.state.ended.begin();
        member.tell(self.state.clone() as _, seat);
    }

    pub(super) fn ended(&self) -> &Ended {
        &self.state.ended
    }

    /// Cancels the tasks that are not done. More can be spawned.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent();
    ///     group.spawn(std::future::pending::<()>());
    ///     group.cancel();
    ///     assert_eq!(group.join().await.cancelled, 1);
    /// });
    /// ```
    pub fn cancel(&self) {
        for member in self.state.members() {
            member.abort();
        }
    }

    /// Waits for the next end of a task, and gives its id: `None` when no task is left. How it ended makes no difference;
    /// its value stays in its handle, and its failure goes where it would go anyway.
    ///
    /// Ids come in the order in which the tasks ended. Dropping the future loses none. Before the first call only the
    /// newest ids are kept: as many as there were tasks at once, and at least 1,024.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let mut group = candor::TaskGroup::independent();
    ///     let slow = group.spawn(candor::sleep(Duration::from_secs(2)));
    ///     let fast = group.spawn(candor::sleep(Duration::from_secs(1)));
    ///     assert_eq!(group.next().await, fast.id());
    ///     assert_eq!(group.next().await, slow.id());
    ///     assert_eq!(group.next().await, None);
    /// });
    /// ```
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the `next` of a stream, and gives a future"
    )]
    pub fn next(&mut self) -> NextEnded<'_> {
        self.state.ended.next()
    }

    /// Waits until all tasks are done, and tells how they ended.
    ///
    /// Dropping the future cancels them.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent();
    ///     group.spawn(async {});
    ///     group.spawn(async {});
    ///     assert_eq!(group.join().await.succeeded, 2);
    /// });
    /// ```
    #[track_caller]
    pub fn join(mut self) -> JoinIndependent {
        self.is_joined = true;
        JoinIndependent {
            group: self,
            made_at: Caller::caller(),
        }
    }
}

/// The future of [`IndependentGroup::join`].
///
/// Dropping it cancels the tasks, as dropping the group does.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::independent();
///     group.spawn(async {});
///     let all: candor::JoinIndependent = group.join();
///     assert_eq!(all.await.succeeded, 1);
/// });
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct JoinIndependent {
    group: IndependentGroup,
    made_at: &'static Caller<'static>,
}

impl Future for JoinIndependent {
    type Output = GroupSummary;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GroupSummary> {
        let state = &self.group.state;
        let poll = (state.joiner).poll(cx, || state.members.borrow().len() == 0);
        if poll.is_pending() {
            current::note_await(AwaitKind::JOIN, self.made_at);
        }
        poll.map(|()| state.summary.get())
    }
}

/// The same as [`TaskGroup::independent`](crate::TaskGroup::independent).
impl Default for IndependentGroup {
    fn default() -> Self {
        IndependentGroup::new()
    }
}

impl State {
    /// The present members. It is a copy, so that nothing is borrowed while they are used.
    fn members(&self) -> Vec<Rc<dyn AnyMember>> {
        self.members.borrow().iter().cloned().collect()
    }
}

impl Group for State {
    fn member_done(&self, seat: usize, ending: Ending) {
        let Some(member) = self.members.borrow_mut().stand_up(seat) else {
            return;
        };
        let mut summary = self.summary.get();
        match ending {
            Ending::Returned => summary.succeeded += 1,
            Ending::Cancelled => summary.cancelled += 1,
            Ending::Failed | Ending::Panicked => summary.failed += 1,
        }
        self.summary.set(summary);
        self.ended.push(member.id());
        member.end(ending);
        if matches!(ending, Ending::Failed | Ending::Panicked) {
            member.let_go();
        }
        self.ended.wake();
        if self.members.borrow().len() == 0 {
            self.joiner.wake();
        }
    }
}

impl Drop for IndependentGroup {
    fn drop(&mut self) {
        let members = self.state.members();
        if !self.is_joined && !members.is_empty() {
            lost_work::tell_of_group(members.iter().filter_map(|member| member.task()));
        }
        for member in members {
            member.abort();
            member.let_go();
        }
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for IndependentGroup {}
impl std::panic::RefUnwindSafe for IndependentGroup {}

impl fmt::Debug for IndependentGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alive = self.state.members.borrow().len();
        write!(
            f,
            "IndependentGroup({alive} tasks, {:?})",
            self.state.summary.get()
        )
    }
}
