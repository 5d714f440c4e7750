//! A task of a group, seen from its handle and from its group.
//!
//! ```text
//!   group ──seat──► task ──► Member ◄── GroupHandle      the value goes to the awaiter of the handle,
//!     ▲                        │                         the failure to the group, which keeps it or lets it be reported
//!     └────── calls at the end ┘
//! ```
//!
//! A `JoinHandle` gives the failure to its awaiter. In a group, the failure belongs to the group. So the
//! awaiter gets the value or nothing.
//!
//! All tasks of groups become members in [`TaskBuilder::spawn_in`].
//!
//! Knows sets, handles and tasks.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::abort::AbortHandle;
use crate::group::set::{Phase, TaskSet};
use crate::group::waiting::Waiting;
use crate::kernel::failure::{AwaitKind, TaskId, await_line};
use crate::kernel::tasks::{Counted, Ending, JoinHandle, Listener, current_executor, is_large};
use crate::outcome::{Outcome, Value};
use crate::remote::refused::drop_refused;
use crate::task_builder::TaskBuilder;

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
    /// `Err` if it was never spawned. Even that is awaited.
    member: Result<Counted<Member<T>>, Waiting>,
}

/// A group in which a [`TaskBuilder`] can spawn a future of this type: a [`TaskGroup`](crate::TaskGroup), an
/// [`IndependentGroup`](crate::IndependentGroup), or a [`GroupSpawner`](crate::GroupSpawner).
pub trait SpawnInto<F: Future<Output: Outcome>> {
    /// The group, unless it is gone.
    #[doc(hidden)]
    fn group(&self) -> Option<Rc<dyn Group<F::Output>>>;
}

/// What becomes of the failure of a member.
pub trait Group<T: Outcome> {
    fn set(&self) -> &TaskSet;

    /// Keeps the handle of a task that has failed, or drops it: then the failure is reported.
    fn take_failed(&self, task: JoinHandle<T>);
}

/// Keeps no failure.
impl<T: Outcome> Group<T> for TaskSet {
    fn set(&self) -> &TaskSet {
        self
    }

    fn take_failed(&self, _task: JoinHandle<T>) {}
}

/// What the end of the task calls. The handle shares it.
struct Member<T: Outcome> {
    task: AbortHandle,
    /// The right to the outcome, until the handle or the group takes it.
    outcome: Cell<Option<JoinHandle<T>>>,
    is_done: Cell<bool>,
    /// The awaiter of the handle.
    waiting: Waiting,
    group: Rc<dyn Group<T>>,
    /// The task's seat in the group.
    seat: usize,
}

impl<T: Outcome> Listener for Member<T> {
    fn task_done(&self, ending: Ending) {
        let set = self.group.set();
        set.remove(self.seat, ending);
        // Before the wake: a foreign waker may look at the group when it is called.
        if ending.is_failure()
            && let Some(task) = self.outcome.take()
        {
            self.group.take_failed(task);
        }
        self.is_done.set(true);
        self.waiting.wake();
        set.after_end(ending);
    }
}

impl<T: Outcome> GroupHandle<T> {
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
        if let Ok(member) = &self.member {
            member.task.abort();
        }
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
        match &self.member {
            Ok(member) => member.is_done.get(),
            Err(_) => true,
        }
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
        let member = self.member.as_ref().ok()?;
        Some(member.task.id())
    }
}

impl TaskBuilder {
    /// Spawns a task in a group, with the name that it was given. Otherwise as [`TaskGroup::spawn`](crate::TaskGroup::spawn).
    ///
    /// # Panics
    ///
    /// As [`TaskGroup::spawn`](crate::TaskGroup::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     let fetch = candor::TaskBuilder::new().name("fetch");
    ///     fetch.spawn_in(&group, async { Err::<(), _>("connection lost") });
    ///     let error = group.join().await.unwrap_err();
    ///     assert_eq!(error.failures()[0].failure().unwrap().task_name(), Some("fetch"));
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_in<G, F>(self, group: &G, future: F) -> GroupHandle<F::Output>
    where
        G: SpawnInto<F>,
        F: Future<Output: Outcome> + 'static,
    {
        let group = (group.group()).filter(|group| group.set().phase.get() != Phase::Over);
        match const { is_large::<F>() } {
            true => self.spawn_member(group, Box::pin(future)),
            false => self.spawn_member(group, future),
        }
    }

    #[track_caller]
    fn spawn_member<F: Future<Output: Outcome> + 'static>(
        self,
        group: Option<Rc<dyn Group<F::Output>>>,
        future: F,
    ) -> GroupHandle<F::Output> {
        let Some(group) = group else {
            drop_refused(future, Location::caller());
            let member = Err(Waiting::default());
            return GroupHandle { member };
        };
        let task = self.spawn(future);
        let member = Counted::new(|| Member {
            task: task.abort_handle(),
            seat: group.set().insert(task.abort_handle()),
            outcome: Cell::new(Some(task)),
            is_done: Cell::new(false),
            waiting: Waiting::default(),
            group,
        });
        let joiner = member.clone().for_joiner();
        member.task.task.header().joiner.set(joiner);
        // Its end calls the group by now.
        member.group.set().cancel_late(&member.task);
        GroupHandle { member: Ok(member) }
    }
}

impl<T: Outcome> Future for GroupHandle<T> {
    type Output = Option<T::Ok>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T::Ok>> {
        let member = match &self.member {
            Ok(member) => member,
            Err(waiting) => return waiting.poll_once(cx, || true).map(|()| None),
        };
        let poll = member.waiting.poll_once(cx, || self.is_finished());
        if poll.is_pending() {
            let spawned_at = member.task.task.header().spawned_at;
            current_executor::note_await(AwaitKind::JOIN, await_line(spawned_at));
        }
        poll.map(|()| member.outcome.take()?.take_outcome()?.ok())
    }
}

/// A task may return the handle of another task. That is a value, whatever happens to the other task.
impl<T: Outcome> Value for GroupHandle<T> {}

// A panic finds it whole, as `lib.rs` says of everything.
impl<T: Outcome> std::panic::UnwindSafe for GroupHandle<T> {}
impl<T: Outcome> std::panic::RefUnwindSafe for GroupHandle<T> {}

impl<T: Outcome> fmt::Debug for GroupHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Ok(member) => write!(f, "GroupHandle({:?})", member.task.task.header()),
            Err(_) => f.write_str("GroupHandle(never spawned)"),
        }
    }
}
