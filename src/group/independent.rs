//! The group in which a failure of one task does not cancel the others.
//!
//! ```text
//! task a ──fails──► reported at once
//! task b ─────────────────────────── goes on ──► done ──► join gives the counts
//! ```
//!
//! This is the group for a server: one connection that fails is no reason to end the others, but none of them
//! may outlive the server. The group keeps no failure, and only counts.
//!
//! Knows sets and members.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::group::member::{Group, GroupHandle, SpawnInto};
use crate::group::set::{GroupSummary, NextEnded, TaskSet};
use crate::kernel::failure::Site;
use crate::outcome::Outcome;
use crate::task_builder::TaskBuilder;
use crate::watch::counted;

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
#[derive(Default)]
#[must_use = "dropping the group cancels its tasks; await its `join()`"]
pub struct IndependentGroup {
    pub(super) set: Rc<TaskSet>,
}

impl IndependentGroup {
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
    pub fn spawn<F: Future<Output: Outcome> + 'static>(&self, future: F) -> GroupHandle<F::Output> {
        TaskBuilder::new().spawn_in(self, future)
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
        self.set.abort_all();
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
    pub fn next(&mut self) -> NextEnded<'_> {
        self.set.next()
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
    pub fn join(self) -> JoinIndependent {
        self.set.is_joined.set(true);
        JoinIndependent {
            group: self,
            made_at: Location::caller(),
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
    made_at: Site,
}

impl Future for JoinIndependent {
    type Output = GroupSummary;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GroupSummary> {
        let set = &self.group.set;
        let poll = set.poll(cx, self.made_at, || false);
        poll.map(|()| set.counts.get())
    }
}

impl<F: Future<Output: Outcome> + 'static> SpawnInto<F> for IndependentGroup {
    fn group(&self) -> Option<Rc<dyn Group<F::Output>>> {
        Some(self.set.clone())
    }
}

impl Drop for IndependentGroup {
    fn drop(&mut self) {
        self.set.close();
    }
}

impl fmt::Debug for IndependentGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (alive, summary) = (self.set.len(), self.set.counts.get());
        let alive = counted(alive, "task");
        write!(f, "IndependentGroup({alive}, {summary:?})")
    }
}
