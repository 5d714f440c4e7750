//! The independent group whose failures are handed out.
//!
//! ```text
//! task a ──fails──► [ a ] ──next_failure──► whoever asks: it is read, and not reported
//! task b ─────────────────────────────────── goes on
//! the group goes ──► what nobody has asked for is reported
//! ```
//!
//! For whoever has many things to do and wants to look at each thing that went wrong, as after asyncio's
//! `gather(return_exceptions=True)`. A failure stays in the handle of its task until it is asked for, so the rules for unread
//! failures hold as they are: one that nobody asks for in time is overdue.
//!
//! It is an independent group, whose members are held by a [`Kept`] each. What that does differently is to keep a failure where
//! the group lets go of it.
//!
//! Knows independent groups and members.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use crate::group::ended::NextEnded;
use crate::group::handle::GroupHandle;
use crate::group::independent::{IndependentGroup, JoinIndependent};
use crate::group::member::{AnyMember, Collected, Member};
use crate::kernel::failure::{AwaitKind, JoinError, TaskId, await_line};
use crate::kernel::tasks::{AnyTask, Ending, TaskBuilder, current, is_large};
use crate::outcome::Outcome;
use crate::report::error::Error;

/// An [`IndependentGroup`] that hands its failures out, instead of reporting each at once. Made by
/// [`IndependentGroup::collecting`].
///
/// A failure waits until [`next_failure`](CollectingGroup::next_failure) gives it: then it is read, and not reported. What is
/// left is reported when the group is joined or dropped. As with a held handle, a failure that nobody asks for within the
/// executor's [grace](crate::Builder::grace) is reported, and can still be had.
///
/// It takes tasks whose errors convert into [`candor::Error`](crate::Error), and tasks that cannot fail.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let mut group = candor::TaskGroup::independent().collecting();
///     for text in ["1", "x", "3", "y"] {
///         group.spawn(async move { text.parse::<i32>() });
///     }
///     let mut failed = Vec::new();
///     while let Some(failure) = group.next_failure().await {
///         failed.push(failure.failure().unwrap().task_id().to_string());
///     }
///     assert_eq!(failed, ["#2", "#4"]);
///     assert_eq!(group.join().await.succeeded, 2);
/// });
/// ```
#[must_use = "dropping the group cancels its tasks; await its `join()`"]
pub struct CollectingGroup {
    /// Dropped first: what is unread is then reported, and no member is kept any more.
    failures: Failures,
    group: IndependentGroup,
}

/// Members that have failed, the first one first.
#[derive(Default)]
struct Failures(Rc<RefCell<VecDeque<Rc<dyn Collected<Error>>>>>);

impl IndependentGroup {
    /// Has the group hand its failures out, those of the tasks that are spawned from now on.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let mut group = candor::TaskGroup::independent().collecting();
    ///     group.spawn(async { panic!("boom") });
    ///     assert!(group.next_failure().await.unwrap().is_panic());
    ///     assert!(group.next_failure().await.is_none());
    /// });
    /// ```
    pub fn collecting(self) -> CollectingGroup {
        CollectingGroup {
            failures: Failures::default(),
            group: self,
        }
    }
}

impl CollectingGroup {
    /// Spawns a task into the group.
    ///
    /// # Panics
    ///
    /// When no executor runs on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent().collecting();
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
        Error: From<<F::Output as Outcome>::Err>,
    {
        self.spawn_with(TaskBuilder::new(), future)
    }

    #[track_caller]
    pub(super) fn spawn_with<F>(&self, builder: TaskBuilder, future: F) -> GroupHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
        Error: From<<F::Output as Outcome>::Err>,
    {
        let member = Member::new(match const { is_large::<F>() } {
            true => builder.spawn(Box::pin(future)),
            false => builder.spawn(future),
        });
        let kept = Rc::new(Kept {
            member: member.clone(),
            failures: Rc::downgrade(&self.failures.0),
        });
        self.group.take_in(&member, kept);
        GroupHandle::new(member, Caller::caller())
    }

    /// Cancels the tasks that are not done. More can be spawned.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let mut group = candor::TaskGroup::independent().collecting();
    ///     group.spawn(std::future::pending::<()>());
    ///     group.cancel();
    ///     assert!(group.next_failure().await.is_none());
    /// });
    /// ```
    pub fn cancel(&self) {
        self.group.cancel();
    }

    /// Waits for the next end of a task, as [`IndependentGroup::next`] does.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let mut group = candor::TaskGroup::independent().collecting();
    ///     let task = group.spawn(async {});
    ///     assert_eq!(group.next().await, task.id());
    ///     assert_eq!(group.next().await, None);
    /// });
    /// ```
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the `next` of a stream, and gives a future"
    )]
    pub fn next(&mut self) -> NextEnded<'_> {
        self.group.next()
    }

    /// Waits for the next failure: `None` when no task is left, and every failure was handed out.
    ///
    /// They come in the order of failing. Dropping the future loses none.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let mut group = candor::TaskGroup::independent().collecting();
    ///     group.spawn(async { "seven".parse::<i32>() });
    ///     let failure = group.next_failure().await.unwrap();
    ///     let error = failure.into_failed().unwrap();
    ///     assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    ///     assert!(group.next_failure().await.is_none());
    /// });
    /// ```
    #[track_caller]
    pub fn next_failure(&mut self) -> NextFailure<'_> {
        NextFailure {
            group: self,
            made_at: Caller::caller(),
        }
    }

    /// Reports the failures that were not handed out, waits until all tasks are done, and tells how they ended. What fails
    /// meanwhile is reported at once.
    ///
    /// Dropping the future cancels them.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::independent().collecting();
    ///     group.spawn(async {});
    ///     group.spawn(async {});
    ///     assert_eq!(group.join().await.succeeded, 2);
    /// });
    /// ```
    #[track_caller]
    pub fn join(self) -> JoinIndependent {
        drop(self.failures);
        self.group.join()
    }
}

/// The future of [`CollectingGroup::next_failure`].
///
/// Dropping it loses no failure.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let mut group = candor::TaskGroup::independent().collecting();
///     group.spawn(async { panic!("boom") });
///     let first: candor::NextFailure<'_> = group.next_failure();
///     assert_eq!(first.await.unwrap().to_string(), "task #1 panicked: boom");
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct NextFailure<'a> {
    group: &'a mut CollectingGroup,
    made_at: &'static Caller<'static>,
}

impl Future for NextFailure<'_> {
    type Output = Option<JoinError<Error>>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let CollectingGroup { failures, group } = &*self.group;
        let is_there = || !failures.0.borrow().is_empty();
        let poll = group.ended().poll(cx, is_there);
        if poll.is_pending() {
            current::note_await(AwaitKind::JOIN, await_line(self.made_at));
        }
        poll.map(|()| failures.take_next())
    }
}

impl Failures {
    fn take_next(&self) -> Option<JoinError<Error>> {
        // The conversion is user code: nothing is borrowed meanwhile.
        let next = || self.0.borrow_mut().pop_front();
        while let Some(member) = next() {
            // One that is being reported right now, further up the stack, is gone.
            if let Some(failure) = member.take_failure() {
                current::note_failure_read();
                return Some(failure);
            }
        }
        None
    }
}

impl Drop for Failures {
    fn drop(&mut self) {
        for member in self.0.take() {
            member.let_go();
        }
    }
}

/// A member whose failure is kept as long as its group is there.
struct Kept {
    member: Rc<dyn Collected<Error>>,
    failures: Weak<RefCell<VecDeque<Rc<dyn Collected<Error>>>>>,
}

impl AnyMember for Kept {
    fn id(&self) -> TaskId {
        self.member.id()
    }

    fn task(&self) -> Option<Rc<AnyTask>> {
        self.member.task()
    }

    fn abort(&self) {
        self.member.abort();
    }

    fn leak(&self) {
        self.member.leak();
    }

    /// Keeps it. The group lets go of a member when it has failed, or when the group itself goes.
    fn let_go(&self) {
        match self.failures.upgrade() {
            Some(failures) => failures.borrow_mut().push_back(Rc::clone(&self.member)),
            None => self.member.let_go(),
        }
    }

    fn end(&self, ending: Ending) {
        self.member.end(ending);
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for CollectingGroup {}
impl std::panic::RefUnwindSafe for CollectingGroup {}

impl fmt::Debug for CollectingGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures.0.borrow().len();
        write!(f, "CollectingGroup({:?}, {failed} failures)", self.group)
    }
}

impl fmt::Debug for NextFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NextFailure({:?})", self.group)
    }
}
