//! The group in which a failure of one task cancels the others.
//!
//! ```text
//! task a ──fails──► siblings are cancelled ──► all are gone ──► join gives every failure
//! task b ───────────────┘ its future is dropped, and a failure of its destructor is kept as well
//! ```
//!
//! The siblings may fail as well while they are being cancelled. So `join` waits for all, and gives all failures.
//!
//! Knows sets, failures and members.

use std::fmt::{self, Debug};
use std::panic::Location;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use crate::group::failures::{Collector, Failures};
use crate::group::independent::IndependentGroup;
use crate::group::member::{Group, GroupHandle, SpawnInto};
use crate::group::set::{NextEnded, Phase, TaskSet};
use crate::kernel::failure::Site;
use crate::outcome::Outcome;
use crate::report::error::Error;
use crate::report::group_error::GroupError;
use crate::task_builder::TaskBuilder;
use crate::watch::counted;

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
    failures: Failures<E>,
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
    group: Weak<Collector<E>>,
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
        IndependentGroup::default()
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
        let failures = Failures::of(Rc::new(TaskSet::linked()));
        TaskGroup { failures }
    }

    /// Spawns a task into the group. After the group's first failure, and once the group is cancelled, the task is cancelled before
    /// its first poll.
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
        F: Future<Output: Outcome> + 'static,
        E: From<<F::Output as Outcome>::Err>,
    {
        TaskBuilder::new().spawn_in(self, future)
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
            group: Rc::downgrade(&self.failures.collector),
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
        self.failures.collector.set.cancel();
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
    pub fn next(&mut self) -> NextEnded<'_> {
        self.failures.collector.set.next()
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
    pub fn join(self) -> JoinGroup<E> {
        self.failures.collector.set.is_joined.set(true);
        JoinGroup {
            group: self,
            made_at: Location::caller(),
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
    made_at: Site,
}

impl<E: Debug + 'static> Future for JoinGroup<E> {
    type Output = Result<(), GroupError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failures = &self.group.failures;
        let set = &failures.collector.set;
        ready!(set.poll(cx, self.made_at, || false));
        // The conversion of an error is user code, and may spawn into the group: it is closed by then.
        set.phase.set(Phase::Over);
        let mut all = Vec::new();
        while let Poll::Ready(Some(failure)) = failures.poll_next(cx) {
            all.push(failure);
        }
        // One that is just being asked for its text is about to be reported. It is waited for only if there is no other.
        if all.is_empty() && failures.len() > 0 {
            return Poll::Pending;
        }
        let counts = set.counts.get();
        let tasks = counts.succeeded + counts.failed + counts.cancelled;
        Poll::Ready(match all.is_empty() {
            true => Ok(()),
            false => Err(GroupError::new(all, tasks)),
        })
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
        F: Future<Output: Outcome> + 'static,
        E: From<<F::Output as Outcome>::Err>,
    {
        TaskBuilder::new().spawn_in(self, future)
    }
}

impl<E, F> SpawnInto<F> for TaskGroup<E>
where
    E: Debug + From<<F::Output as Outcome>::Err> + 'static,
    F: Future<Output: Outcome> + 'static,
{
    fn group(&self) -> Option<Rc<dyn Group<F::Output>>> {
        Some(self.failures.collector.clone())
    }
}

impl<E, F> SpawnInto<F> for GroupSpawner<E>
where
    E: Debug + From<<F::Output as Outcome>::Err> + 'static,
    F: Future<Output: Outcome> + 'static,
{
    fn group(&self) -> Option<Rc<dyn Group<F::Output>>> {
        Some(self.group.upgrade()?)
    }
}

impl<E: Debug + 'static> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        self.failures.collector.set.close();
    }
}

impl<E: Debug + 'static> Clone for GroupSpawner<E> {
    fn clone(&self) -> Self {
        let group = Weak::clone(&self.group);
        GroupSpawner { group }
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl<E: Debug + 'static> std::panic::UnwindSafe for GroupSpawner<E> {}
impl<E: Debug + 'static> std::panic::RefUnwindSafe for GroupSpawner<E> {}

impl<E: Debug + 'static> Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (alive, failed) = (self.failures.collector.set.len(), self.failures.len());
        let (alive, failed) = (counted(alive, "task"), counted(failed, "failure"));
        write!(f, "TaskGroup({alive}, {failed})")
    }
}

impl<E: Debug + 'static> Debug for GroupSpawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = self.group.upgrade();
        match group.is_some_and(|group| group.set.phase.get() != Phase::Over) {
            true => f.write_str("GroupSpawner(its group is there)"),
            false => f.write_str("GroupSpawner(its group is over)"),
        }
    }
}
