//! Looking inside: which tasks are alive, and what each of them waits for.
//!
//! Knows the core and the current executor.

pub(crate) mod chain;
pub(crate) mod contained;
pub(crate) mod dump;
mod dumping;
pub(crate) mod endless_poll;
pub(crate) mod instrument;
mod itself;
pub(crate) mod lost_work;
pub(crate) mod slow_poll;
pub(crate) mod stall;
pub(crate) mod standstill;
mod timeline;
pub(crate) mod trace_log;
mod traced;
pub(crate) mod watchers;

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::{slice, vec};

use crate::kernel::failure::{LastAwait, Location, Named, TaskId};
use crate::kernel::tasks::{Core, Header, Running, Slots, current_executor};
use crate::outcome::Value;

pub use dump::Dump;
pub use dumping::{Dumping, dump};
pub use itself::{CurrentTask, current};
pub use timeline::Timeline;

/// How many levels of the tree are indented. std panics at a width beyond 2^16, and so deep a tree is hard to read
/// much earlier.
const DEEPEST: usize = 100;

/// Returns the tasks of the executor that runs on this thread; no tasks if no executor runs.
///
/// It costs time in proportion to the number of tasks. It is made for inspection, not for control.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     candor::TaskBuilder::new().name("sleeper").spawn(candor::sleep(Duration::from_secs(1))).detach();
///     candor::yield_now().await;
///     println!("{}", candor::tasks());
///     let tasks = candor::tasks();
///     assert_eq!(tasks.iter().next().unwrap().name(), Some("sleeper"));
///     assert_eq!(tasks.iter().next().unwrap().state(), candor::TaskState::Waiting);
///     # candor::sleep(Duration::from_secs(2)).await;
/// });
/// ```
#[must_use]
pub fn tasks() -> Tasks {
    current_executor::with(|core| Tasks::of(core)).unwrap_or(Tasks { tasks: Vec::new() })
}

/// A snapshot of an executor's tasks, in order of spawning. Its `Display` is a tree: each task below its spawner. One whose spawner
/// is gone names that.
///
/// # Examples
///
/// ```
/// let executor = candor::Executor::new();
/// assert!(executor.tasks().is_empty());
/// executor.spawn(async {}).detach();
/// executor.spawn(async {}).detach();
/// let tasks = executor.tasks();
/// assert_eq!(tasks.len(), 2);
/// assert!(tasks.iter().all(|task| task.polls() == 0));
/// for task in tasks {
///     assert_eq!(task.state(), candor::TaskState::Ready);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Tasks {
    tasks: Vec<TaskInfo>,
}

impl Tasks {
    pub(crate) fn of(core: &Core) -> Self {
        let tasks = core.slots.tenants();
        let mut tasks: Vec<_> = tasks
            .map(|(slot, task)| TaskInfo::of(task.header(), core, core.slots.is_queued(slot)))
            .collect();
        tasks.sort_by_key(|task| task.id);
        Tasks { tasks }
    }

    /// Returns how many tasks are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether no task is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Iterates over the tasks, in order of spawning.
    pub fn iter(&self) -> slice::Iter<'_, TaskInfo> {
        self.tasks.iter()
    }

    fn headline(&self) -> String {
        format!("{} alive", counted(self.len(), "task"))
    }
}

impl IntoIterator for Tasks {
    type Item = TaskInfo;
    type IntoIter = vec::IntoIter<TaskInfo>;

    fn into_iter(self) -> vec::IntoIter<TaskInfo> {
        self.tasks.into_iter()
    }
}

impl<'a> IntoIterator for &'a Tasks {
    type Item = &'a TaskInfo;
    type IntoIter = slice::Iter<'a, TaskInfo>;

    fn into_iter(self) -> slice::Iter<'a, TaskInfo> {
        self.iter()
    }
}

impl fmt::Display for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let is_alive = |id: &TaskId| self.tasks.binary_search_by_key(id, |task| task.id).is_ok();
        // By the spawner; `None` if that is gone, or is no task. The newest first, since each list is written from its end.
        let mut children = BTreeMap::<_, Vec<&TaskInfo>>::new();
        for task in self.tasks.iter().rev() {
            let spawner = task.spawned_by.filter(is_alive);
            children.entry(spawner).or_default().push(task);
        }
        // A list of what still has to be written, and no recursion: a chain of spawns may be long.
        let mut pending = vec![(None::<&TaskInfo>, 0)];
        while let Some((task, depth)) = pending.pop() {
            if let Some(task) = task {
                write!(f, "\n{:1$}{task}", "", 2 * depth.min(DEEPEST))?;
                // Its spawner is gone, so it stands below no other line.
                if let Some(gone) = task.spawned_by.filter(|_| depth == 1) {
                    write!(f, " by {}", Named(gone, None))?;
                }
            }
            let below = children.remove(&task.map(TaskInfo::id));
            let below = below.into_iter().flatten();
            pending.extend(below.map(|task| (Some(task), depth + 1)));
        }
        Ok(())
    }
}

impl<T: Clone> Slots<T> {
    /// All tenants, each with its slot.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = (u32, T)> {
        let next = |last: &(u32, T)| self.first_from(last.0 + 1);
        iter::successors(self.first_from(0), next)
    }
}

/// A number of things, in words.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// One task of a [`Tasks`] snapshot.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::TaskBuilder::new().name("fetch").spawn(std::future::pending::<()>());
///     candor::yield_now().await;
///     let tasks = candor::tasks();
///     let info = tasks.iter().next().unwrap();
///     assert_eq!((info.id(), info.name()), (task.id(), Some("fetch")));
///     assert_eq!((info.state(), info.polls()), (candor::TaskState::Waiting, 1));
///     // `pending` is not candor's own, and the main future is no task.
///     assert_eq!((info.last_await(), info.spawned_by()), (None, None));
///     assert!(info.spawned_at().file().ends_with(".rs"));
///     task.abort();
/// });
/// ```
#[derive(Clone, Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Option<String>,
    state: TaskState,
    polls: u32,
    last_await: Option<LastAwait>,
    spawned_at: Location,
    spawned_by: Option<TaskId>,
}

/// What a task is doing.
///
/// # Examples
///
/// ```
/// let executor = candor::Executor::new();
/// executor.spawn(std::future::pending::<()>()).detach();
/// let state = || executor.tasks().iter().next().unwrap().state();
/// assert_eq!(state(), candor::TaskState::Ready);
/// executor.tick();
/// assert_eq!(state(), candor::TaskState::Waiting);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// It is being polled: it is the task that asks.
    Running,
    /// It was woken, or was not polled yet, and waits for its turn.
    Ready,
    /// It waits to be woken.
    Waiting,
}

impl TaskInfo {
    fn of(task: &Header, core: &Core, is_queued: bool) -> Self {
        let spawner = task.spawned_by.lineage().ancestors().first();
        TaskInfo {
            id: task.id,
            name: task.name().map(str::to_owned),
            state: match is_queued {
                _ if core.polling.running.get() == Running::Task(task.slot.get()) => {
                    TaskState::Running
                }
                true => TaskState::Ready,
                false => TaskState::Waiting,
            },
            polls: task.polls.get(),
            last_await: task.last_await(),
            spawned_at: task.spawned_at.into(),
            spawned_by: spawner.map(|spawner| spawner.id()),
        }
    }

    /// Returns the task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns what it is doing.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// Returns how often it was polled. The count wraps at 2^32.
    #[must_use]
    pub fn polls(&self) -> u32 {
        self.polls
    }

    /// Returns the `.await` at which it last waited, as far as candor's own futures could see.
    #[must_use]
    pub fn last_await(&self) -> Option<LastAwait> {
        self.last_await
    }

    /// Returns where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &Location {
        &self.spawned_at
    }

    /// Returns the task that spawned it; `None` if no task did.
    #[must_use]
    pub fn spawned_by(&self) -> Option<TaskId> {
        self.spawned_by
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            TaskState::Running => "running",
            TaskState::Ready => "ready",
            TaskState::Waiting => "waiting",
        };
        let name = Named(self.id, self.name());
        let polls = counted(self.polls as usize, "poll");
        write!(f, "{name}: {state}, {polls}")?;
        if let Some(last_await) = self.last_await {
            write!(f, ", {}: {last_await}", last_await.label())?;
        }
        write!(f, ", spawned at {}", self.spawned_at)
    }
}

/// A task may return what it has seen.
impl Value for Tasks {}
impl Value for TaskInfo {}
impl Value for CurrentTask {}
impl Value for Dump {}

#[cfg(test)]
mod tests {
    use crate::Executor;

    #[test]
    fn each_tenant_is_found_once() {
        let executor = Executor::new();
        for _ in 0..3 {
            executor.spawn(async {}).detach();
        }
        // One that finds the same again and again has no end.
        assert_eq!(executor.core.slots.tenants().take(10).count(), 3);
    }
}
