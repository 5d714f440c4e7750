//! Which task spawned a task, which one spawned that one, and so on: the backtrace that an executor can always give.
//!
//! A task is not called, it is spawned, so its stack ends at the executor. The chain of spawn sites
//! says what a call stack would have said:
//!
//! ```text
//! task #7 `fetch`   spawned at src/main.rs:20:15 by task #3 `accept`
//!                   spawned at src/main.rs:9:9 by block_on at src/main.rs:33:5
//! ```
//!
//! If another thread spawned a task, its line names that thread instead of an entry point.
//!
//! A task that respawns itself forever must not grow its lineage forever.
//! So a lineage holds the nearest 16 ancestors, counts the others, and always knows the entry point.
//!
//! Knows nothing of candor but how to quote a name.

use std::fmt;
use std::sync::Arc;
use std::thread::Thread;

use crate::kernel::failure::text::quoted_name;
use crate::kernel::failure::{LastAwait, Location, Site};

/// How many ancestors a lineage names.
pub(crate) const LINKS: usize = 16;

/// The number of a task, unique within its executor, from 1 in order of spawning.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let first = candor::spawn(async {});
///     let second = candor::spawn(async {});
///     assert_ne!(first.id(), second.id());
///     assert_eq!(first.id().to_string(), "#1");
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl TaskId {
    /// Stands for the main future, which is the argument of `run` or `block_on`. It is polled, but it is no spawned task.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     assert!(candor::spawn(async {}).id() > candor::TaskId::MAIN);
    /// });
    /// ```
    pub const MAIN: TaskId = TaskId(0);

    /// Stands for a task that another thread requested and that was never spawned, because its executor ended first.
    pub(crate) const NEVER: TaskId = TaskId(u64::MAX);
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

/// Where an executor was entered: the root of every lineage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Behind a reference. This way an entry is two words, and is passed in registers.
    pub(crate) function: &'static &'static str,
    pub(crate) at: Site,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.function, Location::from(self.at))
    }
}

/// Which task spawned a task, which one spawned that one, and so on up to the entry point.
///
/// Its `Display` has one line for each generation: the spawner and where it was spawned, and so on, up to the entry point.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let parent = candor::TaskBuilder::new().name("parent").spawn(async {
///         candor::spawn(async { panic!("boom") }).await
///     });
///     let error = parent.await.unwrap_err().into_failed().unwrap();
///     let lineage = error.failure().unwrap().lineage();
///     assert_eq!(lineage.ancestors()[0].name(), Some("parent"));
///     assert_eq!(lineage.omitted(), 0);
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Lineage {
    /// The spawner, its spawner, and so on.
    pub(crate) ancestors: Vec<Ancestor>,
    /// How many ancestors there are, with those that are not named.
    pub(crate) generations: u64,
    pub(crate) root: Root,
}

/// Where a lineage begins.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    Entry(Entry),
    /// Spawned from another thread, by a `Remote`.
    Thread(Thread),
    /// Spawned by the program's logger, while candor gave it something to print.
    Logger,
    /// Spawned while the executor was not running.
    Nowhere,
}

/// A task in a [`Lineage`].
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let parent = candor::TaskBuilder::new().name("parent").spawn(async {
///         candor::spawn(async { panic!("boom") }).await
///     });
///     let id = parent.id();
///     let error = parent.await.unwrap_err().into_failed().unwrap();
///     let spawner = &error.failure().unwrap().lineage().ancestors()[0];
///     assert_eq!((spawner.id(), spawner.name()), (id, Some("parent")));
///     assert!(spawner.spawned_at().file().ends_with(".rs"));
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ancestor {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) spawned_at: Site,
}

impl Lineage {
    /// The lineage of something that no task has spawned.
    pub(crate) fn new(root: Root) -> Arc<Lineage> {
        Arc::new(Lineage {
            ancestors: Vec::new(),
            generations: 0,
            root,
        })
    }

    pub(crate) fn of_entry(entry: Option<Entry>) -> Arc<Lineage> {
        Lineage::new(entry.map_or(Root::Nowhere, Root::Entry))
    }

    /// The lineage below these spawners, the nearest first.
    pub(crate) fn below(&self, nearest: Vec<Ancestor>) -> Arc<Lineage> {
        let generations = self.generations + nearest.len() as u64;
        let all = nearest.into_iter().chain(self.ancestors.iter().cloned());
        Arc::new(Lineage {
            ancestors: all.take(LINKS).collect(),
            generations,
            root: self.root.clone(),
        })
    }
}

/// What stays known of a task after its end: which one it was, and where it waited last.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
    /// `None` for the main future, which was not spawned.
    pub(crate) spawned_at: Option<Site>,
    pub(crate) spawned_by: Arc<Lineage>,
    /// The `.await` at which it last waited, as far as candor's own futures could see.
    pub(crate) last_await: Option<LastAwait>,
}

/// The same, borrowed from its task. To own it costs an atomic count.
pub(crate) struct OriginOf<'a> {
    pub(crate) id: TaskId,
    pub(crate) name: Option<&'a Arc<str>>,
    pub(crate) spawned_at: Site,
    pub(crate) spawned_by: &'a Arc<Lineage>,
    pub(crate) last_await: Option<LastAwait>,
}

impl OriginOf<'_> {
    pub(crate) fn to_owned(&self) -> Origin {
        Origin {
            id: self.id,
            name: self.name.cloned(),
            spawned_at: Some(self.spawned_at),
            spawned_by: Arc::clone(self.spawned_by),
            last_await: self.last_await,
        }
    }

    /// Overwrites another one. That is most often a sibling's, and then its lineage stays as it is.
    #[inline]
    pub(crate) fn write_to(&self, origin: &mut Origin) {
        origin.id = self.id;
        origin.name = self.name.cloned();
        origin.spawned_at = Some(self.spawned_at);
        origin.last_await = self.last_await;
        if !Arc::ptr_eq(&origin.spawned_by, self.spawned_by) {
            origin.spawned_by = Arc::clone(self.spawned_by);
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named(self.id, self.name.as_deref()).fmt(f)
    }
}

/// The name of a task in all texts: `Display` gives it.
pub(crate) struct Named<'a>(pub(crate) TaskId, pub(crate) Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named(TaskId::MAIN, _) => f.write_str("the main future"),
            Named(TaskId::NEVER, _) => f.write_str("a task that was never spawned"),
            Named(id, None) => write!(f, "task {id}"),
            Named(id, Some(name)) => write!(f, "task {id} {}", quoted_name(name)),
        }
    }
}
