//! The group in which a failure of one task cancels the others.
//!
//! ```text
//! task a ──fails──► siblings are cancelled ──► all are gone ──► join gives every failure
//! task b ───────────────┘ its future is dropped, and a failure of its destructor is kept as well
//! ```
//!
//! A failure stays in the handle of its task until `join` reads all of them at once. So the usual rules for
//! unread failures hold. A group that is dropped drops these handles, and each failure is reported. If nobody
//! joins the group in time, they are overdue.
//!
//! Knows members.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug};
use std::mem;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use crate::group::ended::{Ended, NextEnded};
use crate::group::handle::GroupHandle;
use crate::group::independent::IndependentGroup;
use crate::group::member::{AnyMember, Collected, Group, Member};
use crate::group::roster::Roster;
use crate::group::waiting::Waiting;
use crate::kernel::failure::AwaitKind;
use crate::kernel::tasks::{Ending, SUCCESSORS, TaskBuilder, current, is_large};
use crate::outcome::Outcome;
use crate::remote::refused::drop_refused;
use crate::report::error::Error;
use crate::report::group_error::GroupError;
use crate::watch::lost_work;

/// Tasks that belong together: none of them outlives the group, and if one fails, the others are cancelled.
///
/// [`join`](TaskGroup::join) waits until all are gone, and gives *all* failures, also that of a sibling that
/// fails while it is being cancelled. Dropping the group, or the future of `join`, cancels the tasks: none of
/// them is polled again, and their futures are dropped at the executor's next turn. Failures that
/// nobody has read by then are reported. One warning names the unfinished tasks if your code drops a group that it has neither
/// joined nor cancelled.
///
/// A group made by [`new`](TaskGroup::new) takes tasks whose errors convert into [`candor::Error`](crate::Error), and tasks that
/// cannot fail. One made by [`typed`](TaskGroup::typed) keeps a type of your own.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     group.spawn(std::future::pending::<()>());
///     group.spawn(async { "seven".parse::<i32>() });
///     let error = group.join().await.unwrap_err();
///     assert_eq!(error.failures().len(), 1);
/// });
/// ```
#[must_use = "dropping the group cancels its tasks; await its `join()`"]
pub struct TaskGroup<E: Debug + 'static = Error> {
    state: Rc<State<E>>,
    /// Whoever drops it now has waited for it.
    is_joined: bool,
}

/// Spawns into a [`TaskGroup`] from any place, also from the group's own tasks.
///
/// It keeps nothing alive. Once the group is over, futures that it gets are dropped without a poll.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     let spawner = group.spawner();
///     group.spawn(async move {
///         spawner.spawn(async { 1 }).await
///     });
///     group.join().await.unwrap();
/// });
/// ```
pub struct GroupSpawner<E: Debug + 'static = Error> {
    state: Weak<State<E>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A task that is spawned now is cancelled like the others.
    Cancelled,
    /// Joined or dropped.
    Over,
}

struct State<E> {
    phase: Cell<Phase>,
    members: RefCell<Roster<Rc<dyn Collected<E>>>>,
    /// Members that are gone, with a failure that waits to be read.
    failed: RefCell<Vec<Rc<dyn Collected<E>>>>,
    /// How many were spawned.
    spawned: Cell<usize>,
    /// How many were spawned since the group was cancelled.
    successors: Cell<u64>,
    ended: Ended,
    /// Whoever awaits `join`.
    joiner: Waiting,
}

impl TaskGroup {
    /// Makes a group that converts the errors of its tasks into [`candor::Error`](crate::Error).
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let parsed = group.spawn(async { "7".parse::<u8>() });
    ///     let plain = group.spawn(async { "cannot fail" });
    ///     assert_eq!((parsed.await, plain.await), (Some(7), Some("cannot fail")));
    ///     group.join().await.unwrap();
    /// });
    /// ```
    pub fn new() -> Self {
        TaskGroup::typed()
    }

    /// Makes a group whose tasks do not answer for each other: a failure is reported at once, and the siblings
    /// go on. To look at the failures yourself, make it [`collecting`](IndependentGroup::collecting).
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent();
    ///     group.spawn(async {});
    ///     assert_eq!(group.join().await.succeeded, 1);
    /// });
    /// ```
    pub fn independent() -> IndependentGroup {
        IndependentGroup::new()
    }
}

impl Default for TaskGroup {
    fn default() -> Self {
        TaskGroup::new()
    }
}

impl<E: Debug + 'static> TaskGroup<E> {
    /// Makes a group that collects errors of the type `E`, and of types that `E` can be made [`From`].
    ///
    /// ```
    /// #[derive(Debug)]
    /// enum Broken {
    ///     Number(std::num::ParseIntError),
    /// }
    ///
    /// impl From<std::num::ParseIntError> for Broken {
    ///     fn from(error: std::num::ParseIntError) -> Self {
    ///         Broken::Number(error)
    ///     }
    /// }
    ///
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::<Broken>::typed();
    ///     group.spawn(async { "seven".parse::<i32>() });
    ///     group.spawn(async { Ok::<(), Broken>(()) });
    ///     let failure = group.join().await.unwrap_err().into_failures().remove(0);
    ///     let Broken::Number(error) = failure.into_failed().unwrap();
    ///     assert_eq!(error.to_string(), "invalid digit found in string");
    /// });
    /// ```
    pub fn typed() -> Self {
        TaskGroup {
            state: Rc::new(State {
                phase: Cell::new(Phase::Open),
                members: RefCell::new(Roster::new()),
                failed: RefCell::new(Vec::new()),
                spawned: Cell::new(0),
                successors: Cell::new(0),
                ended: Ended::default(),
                joiner: Waiting::default(),
            }),
            is_joined: false,
        }
    }

    /// Spawns a task into the group. After the group's first failure it is cancelled before its first poll.
    ///
    /// # Panics
    ///
    /// If no executor runs on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let five = group.spawn(async { 5 });
    ///     assert_eq!(five.await, Some(5));
    ///     group.join().await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        // Boxed here, before a large one is moved from function to function.
        match const { is_large::<F>() } {
            true => self.state.spawn(TaskBuilder::new(), Box::pin(future)),
            false => self.state.spawn(TaskBuilder::new(), future),
        }
    }

    #[track_caller]
    pub(super) fn spawn_with<F>(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        match const { is_large::<F>() } {
            true => self.state.spawn(builder, Box::pin(future)),
            false => self.state.spawn(builder, future),
        }
    }

    /// Returns a way to spawn into the group, for its own tasks.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let spawner = group.spawner();
    ///     group.spawn(async move {
    ///         spawner.spawn(async {});
    ///     });
    ///     group.join().await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner<E> {
        GroupSpawner {
            state: Rc::downgrade(&self.state),
        }
    }

    /// Cancels all tasks of the group, and those that are still spawned into it. That is no failure.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     group.spawn(std::future::pending::<()>());
    ///     group.cancel();
    ///     group.join().await.unwrap();
    /// });
    /// ```
    pub fn cancel(&self) {
        self.state.cancel();
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
    ///     let mut group = candor::TaskGroup::new();
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

    /// Waits until all tasks are gone, those that are spawned meanwhile included.
    ///
    /// Dropping the future cancels them.
    ///
    /// # Errors
    ///
    /// All failures, if there is any.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     group.spawn(async { Err::<(), _>("no route") });
    ///     assert!(group.join().await.is_err());
    /// });
    /// ```
    #[track_caller]
    pub fn join(mut self) -> JoinGroup<E> {
        self.is_joined = true;
        JoinGroup {
            group: self,
            made_at: Caller::caller(),
        }
    }
}

/// The future of [`TaskGroup::join`].
///
/// Dropping it cancels the tasks, as dropping the group does.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     group.spawn(async {});
///     let all: candor::JoinGroup = group.join();
///     all.await.unwrap();
/// });
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct JoinGroup<E: Debug + 'static = Error> {
    group: TaskGroup<E>,
    made_at: &'static Caller<'static>,
}

impl<E: Debug + 'static> Future for JoinGroup<E> {
    type Output = Result<(), GroupError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let state = &self.group.state;
        let poll = (state.joiner).poll(cx, || state.members.borrow().len() == 0);
        if poll.is_pending() {
            current::note_await(AwaitKind::JOIN, self.made_at);
        }
        poll.map(|()| state.finish())
    }
}

impl<E: Debug + 'static> GroupSpawner<E> {
    /// Spawns a task into the group, as [`TaskGroup::spawn`] does. Once the group is over, the future is dropped, and
    /// the handle gives `None`.
    ///
    /// # Panics
    ///
    /// If the group is not over, and no executor runs on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let spawner = group.spawner();
    ///     assert_eq!(spawner.spawn(async { 1 }).await, Some(1));
    ///     drop(group);
    ///     assert_eq!(spawner.spawn(async { 1 }).await, None);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        match const { is_large::<F>() } {
            true => self.spawn_small(TaskBuilder::new(), Box::pin(future)),
            false => self.spawn_small(TaskBuilder::new(), future),
        }
    }

    #[track_caller]
    pub(super) fn spawn_with<F>(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        match const { is_large::<F>() } {
            true => self.spawn_small(builder, Box::pin(future)),
            false => self.spawn_small(builder, future),
        }
    }

    #[track_caller]
    fn spawn_small<F>(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        match self.state.upgrade() {
            Some(state) if state.phase.get() != Phase::Over => state.spawn(builder, future),
            _ => {
                drop_refused(future, Caller::caller());
                GroupHandle::new(Member::cancelled(), Caller::caller())
            }
        }
    }
}

impl<E: Debug + 'static> State<E> {
    #[track_caller]
    fn spawn<F>(self: &Rc<Self>, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        E: From<<F::Output as Outcome>::Err>,
    {
        let member = Member::new(builder.spawn(future));
        let seat = self.members.borrow_mut().sit_down(member.clone());
        self.ended.begin();
        member.tell(self.clone(), seat);
        if self.phase.get() == Phase::Cancelled {
            self.successors.set(self.successors.get() + 1);
            match self.successors.get() > SUCCESSORS {
                false => member.abort(),
                // Too many successors: each may be spawned by the destructor of the one before.
                true => member.leak(),
            }
        }
        self.spawned.set(self.spawned.get() + 1);
        GroupHandle::new(member, Caller::caller())
    }

    /// The present members. It is a copy, so that nothing is borrowed while they are used.
    fn members(&self) -> Vec<Rc<dyn Collected<E>>> {
        self.members.borrow().iter().cloned().collect()
    }

    fn cancel(&self) {
        if self.phase.replace(Phase::Cancelled) == Phase::Open {
            for member in self.members() {
                member.abort();
            }
        }
    }

    /// Reads all failures.
    fn finish(&self) -> Result<(), GroupError<E>> {
        self.phase.set(Phase::Over);
        let failed = mem::take(&mut *self.failed.borrow_mut());
        let failures: Vec<_> = failed
            .iter()
            .filter_map(|member| member.take_failure())
            .collect();
        match failures.len() {
            0 => Ok(()),
            _ => {
                current::note_failure_read();
                Err(GroupError::new(failures, self.spawned.get()))
            }
        }
    }
}

impl<E: Debug + 'static> Group for State<E> {
    fn member_done(&self, seat: usize, ending: Ending) {
        let Some(member) = self.members.borrow_mut().stand_up(seat) else {
            return;
        };
        let has_failed = matches!(ending, Ending::Failed | Ending::Panicked);
        if has_failed {
            // First of all: a foreign waker may look at the group when it is called.
            self.failed.borrow_mut().push(Rc::clone(&member));
        }
        self.ended.push(member.id());
        member.end(ending);
        if has_failed && self.phase.get() == Phase::Open {
            self.cancel();
        }
        self.ended.wake();
        if self.members.borrow().len() == 0 {
            self.successors.set(0);
            self.joiner.wake();
        }
    }
}

impl<E: Debug + 'static> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        let members = self.state.members();
        if !self.is_joined && !members.is_empty() {
            lost_work::tell_of_group(members.iter().filter_map(|member| member.task()));
        }
        self.state.cancel();
        self.state.phase.set(Phase::Over);
        for member in self.state.failed.take() {
            member.let_go();
        }
        for member in self.state.members() {
            member.let_go();
        }
    }
}

impl<E: Debug + 'static> Clone for GroupSpawner<E> {
    fn clone(&self) -> Self {
        GroupSpawner {
            state: Weak::clone(&self.state),
        }
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl<E: Debug + 'static> std::panic::UnwindSafe for TaskGroup<E> {}
impl<E: Debug + 'static> std::panic::RefUnwindSafe for TaskGroup<E> {}

impl<E: Debug + 'static> std::panic::UnwindSafe for GroupSpawner<E> {}
impl<E: Debug + 'static> std::panic::RefUnwindSafe for GroupSpawner<E> {}

impl<E: Debug + 'static> Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alive = self.state.members.borrow().len();
        let failed = self.state.failed.borrow().len();
        write!(f, "TaskGroup({alive} tasks, {failed} failures)")
    }
}

impl<E: Debug + 'static> Debug for GroupSpawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = self
            .state
            .upgrade()
            .is_none_or(|state| state.phase.get() == Phase::Over);
        let remark = if is_over {
            "its group is over"
        } else {
            "its group is there"
        };
        write!(f, "GroupSpawner({remark})")
    }
}
