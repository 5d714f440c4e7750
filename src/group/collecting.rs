//! The independent group whose failures are handed out.
//!
//! ```text
//! task a ──fails──► [ a ] ──next_failure──► the one that asks: it is read, and not reported
//! task b ─────────────────────────────────── goes on
//! the group goes ──► what nobody has asked for is reported
//! ```
//!
//! It is for a program that does many things, and looks at each that went wrong, as after asyncio's
//! `gather(return_exceptions=True)`.
//!
//! It is an independent group whose members know a collector of failures.
//!
//! Knows independent groups, failures and members.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::group::failures::Failures;
use crate::group::independent::{IndependentGroup, JoinIndependent};
use crate::group::member::{Group, GroupHandle, SpawnInto};
use crate::group::set::NextEnded;
use crate::kernel::failure::{JoinError, Site};
use crate::outcome::Outcome;
use crate::report::error::Error;
use crate::task_builder::TaskBuilder;
use crate::watch::counted;

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
    /// Dropped first: what is unread is then reported, and no failure is kept any more.
    failures: Failures<Error>,
    group: IndependentGroup,
}

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
            failures: Failures::of(Rc::clone(&self.set)),
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
        F: Future<Output: Outcome> + 'static,
        Error: From<<F::Output as Outcome>::Err>,
    {
        TaskBuilder::new().spawn_in(self, future)
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
            made_at: Location::caller(),
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
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct NextFailure<'a> {
    group: &'a mut CollectingGroup,
    made_at: Site,
}

impl Future for NextFailure<'_> {
    type Output = Option<JoinError<Error>>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failures = &self.group.failures;
        let is_there = || failures.len() > 0;
        ready!(failures.collector.set.poll(cx, self.made_at, is_there));
        failures.poll_next(cx)
    }
}

impl<F> SpawnInto<F> for CollectingGroup
where
    F: Future<Output: Outcome> + 'static,
    Error: From<<F::Output as Outcome>::Err>,
{
    fn group(&self) -> Option<Rc<dyn Group<F::Output>>> {
        Some(self.failures.collector.clone())
    }
}

impl fmt::Debug for CollectingGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = counted(self.failures.len(), "failure");
        write!(f, "CollectingGroup({:?}, {failed})", self.group)
    }
}
