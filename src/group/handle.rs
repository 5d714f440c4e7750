//! The handle of a member: it gives the value, if there is one.
//!
//! A `JoinHandle` gives the failure to its awaiter. In a group, the failure belongs to the group. So the
//! awaiter gets the value or nothing.
//!
//! Knows members.

use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::group::member::{AnyMember, Member};
use crate::kernel::failure::{AwaitKind, TaskId, await_line};
use crate::kernel::tasks::current;
use crate::outcome::{Outcome, Value};

/// Awaits the value of a group's task: `None` if the task fails or is cancelled.
///
/// The failure goes only to the group. Dropping the handle changes nothing: the group keeps the task.
///
/// After a task has found 128 of candor's own futures ready in one poll, without waiting for any, it lets others run.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     let sum = group.spawn(async { 1 + 2 });
///     assert_eq!(sum.await, Some(3));
///     group.join().await.unwrap();
/// });
/// ```
pub struct GroupHandle<T: Outcome> {
    member: Rc<Member<T>>,
    spawned_at: &'static Caller<'static>,
}

impl<T: Outcome> GroupHandle<T> {
    pub(super) fn new(member: Rc<Member<T>>, spawned_at: &'static Caller<'static>) -> Self {
        GroupHandle { member, spawned_at }
    }

    /// Cancels only this task of the group, as [`JoinHandle::abort`](crate::JoinHandle::abort) does. That is
    /// no failure: the siblings go on.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let endless = group.spawn(std::future::pending::<()>());
    ///     endless.abort();
    ///     assert_eq!(endless.await, None);
    ///     group.join().await.unwrap();
    /// });
    /// ```
    pub fn abort(&self) {
        self.member.abort();
    }

    /// Returns whether the task is done: it returned, failed, or was cancelled.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let task = group.spawn(async {});
    ///     assert!(!task.is_finished());
    ///     group.join().await.unwrap();
    ///     assert!(task.is_finished());
    /// });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.member.is_finished()
    }

    /// Returns the task's number; `None` if it was never spawned, because its group was over.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     assert_eq!(group.spawn(async {}).id().unwrap().to_string(), "#1");
    ///     group.join().await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.member.id
    }
}

impl<T: Outcome> Future for GroupHandle<T> {
    type Output = Option<T::Ok>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T::Ok>> {
        let poll = self.member.poll_value(cx);
        if poll.is_pending() {
            current::note_await(AwaitKind::JOIN, await_line(self.spawned_at));
        }
        poll
    }
}

/// A task may return the handle of another task. That is a value, whatever happens to the other task.
impl<T: Outcome> Value for GroupHandle<T> {}

// A panic finds it whole, as `lib.rs` says of everything.
impl<T: Outcome> std::panic::UnwindSafe for GroupHandle<T> {}
impl<T: Outcome> std::panic::RefUnwindSafe for GroupHandle<T> {}

impl<T: Outcome> fmt::Debug for GroupHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_finished() {
            "finished"
        } else {
            "running"
        };
        match self.id() {
            Some(id) => write!(f, "GroupHandle(task {id}, {state})"),
            None => f.write_str("GroupHandle(never spawned)"),
        }
    }
}
