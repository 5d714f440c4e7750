//! Who spawned a task, and who spawned that one: the backtrace that an executor can always give.
//!
//! A task is not called, it is spawned, so its stack ends at the executor. What a call stack would
//! have told is in the chain of spawn sites:
//!
//! ```text
//! task #7 `fetch`   spawned at src/main.rs:20:15 by task #3 `accept`
//!                   spawned at src/main.rs:9:9 by block_on at src/main.rs:33:5
//! ```
//!
//! Above a task that another thread has spawned stands that thread, and no entry point.
//!
//! All tasks that one task spawns in one poll share one [`Lineage`]. A task that respawns itself
//! forever must not grow its lineage forever, so it holds the nearest 16 ancestors, counts the
//! others, and always knows the entry point.
//!
//! Knows nothing of candor but how to quote a name.

use std::fmt;
use std::panic::Location as Caller;
use std::sync::Arc;
use std::thread::Thread;

use crate::kernel::failure::Location;
use crate::kernel::failure::text::quoted_name;

/// How many ancestors a lineage names.
const LINKS: usize = 16;

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
    /// Stands for the main future, which `run` or `block_on` was given: it is polled, but it is no spawned task.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     assert!(candor::spawn(async {}).id() > candor::TaskId::MAIN);
    /// });
    /// ```
    pub const MAIN: TaskId = TaskId(0);

    /// Stands for a task that was asked for from another thread and never spawned, since its executor ended first.
    pub(crate) const NEVER: TaskId = TaskId(u64::MAX);
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Where an executor was entered: the root of every lineage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Behind a reference: an entry is two words so, and is passed in registers.
    pub(crate) function: &'static &'static str,
    pub(crate) at: &'static Caller<'static>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.function, Location::from(self.at))
    }
}

/// Who spawned a task, who spawned that one, and so on up to the entry point.
///
/// Its `Display` is one line a generation: the spawner and where that one was spawned, and so on, up to the entry point.
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
    pub(crate) omitted: u64,
    pub(crate) root: Root,
}

/// Where a lineage begins.
#[derive(Clone, Debug)]
pub(crate) enum Root {
    Entry(Entry),
    /// Spawned from another thread, by a `Remote`.
    Thread(Thread),
    /// Spawned by the program's logger, while candor was giving it something.
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
    pub(crate) spawned_at: &'static Caller<'static>,
}

impl Lineage {
    /// That of what no task has spawned.
    pub(crate) fn new(root: Root) -> Arc<Lineage> {
        Arc::new(Lineage {
            ancestors: Vec::new(),
            omitted: 0,
            root,
        })
    }

    pub(crate) fn of_entry(entry: Option<Entry>) -> Arc<Lineage> {
        Lineage::new(entry.map_or(Root::Nowhere, Root::Entry))
    }

    /// The lineage of what `spawner` spawns.
    pub(crate) fn below(spawner: &Origin) -> Arc<Lineage> {
        let above = &*spawner.spawned_by;
        let Some(spawned_at) = spawner.spawned_at else {
            // The main future: its children were spawned by the entry point.
            return Arc::clone(&spawner.spawned_by);
        };
        let kept = above.ancestors.len().min(LINKS - 1);
        let mut ancestors = Vec::with_capacity(kept + 1);
        ancestors.push(Ancestor {
            id: spawner.id,
            name: spawner.name.clone(),
            spawned_at,
        });
        ancestors.extend_from_slice(&above.ancestors[..kept]);
        let omitted = above.omitted + (above.ancestors.len() - kept) as u64;
        Arc::new(Lineage {
            ancestors,
            omitted,
            root: above.root.clone(),
        })
    }

    /// Whether its first task was spawned while its executor was running.
    pub(crate) fn is_entered(&self) -> bool {
        matches!(self.root, Root::Entry(_))
    }

    /// Whether the program's logger spawned its first task.
    pub(crate) fn is_of_logger(&self) -> bool {
        matches!(self.root, Root::Logger)
    }
}

/// Who a task is: what stays known of it when it is gone.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) id: TaskId,
    pub(crate) name: Option<Arc<str>>,
    /// `None` for the main future, which was not spawned.
    pub(crate) spawned_at: Option<&'static Caller<'static>>,
    pub(crate) spawned_by: Arc<Lineage>,
}

/// The same, still in its task: to own it costs an atomic count.
pub(crate) struct OriginOf<'a> {
    pub(crate) id: TaskId,
    pub(crate) name: Option<&'a Arc<str>>,
    pub(crate) spawned_at: &'static Caller<'static>,
    pub(crate) spawned_by: &'a Arc<Lineage>,
}

impl OriginOf<'_> {
    pub(crate) fn to_owned(&self) -> Origin {
        Origin {
            id: self.id,
            name: self.name.cloned(),
            spawned_at: Some(self.spawned_at),
            spawned_by: Arc::clone(self.spawned_by),
        }
    }

    /// Puts it in the place of another one, most often a sibling's, whose lineage stays then.
    #[inline]
    pub(crate) fn write_to(&self, origin: &mut Origin) {
        origin.id = self.id;
        origin.name = self.name.cloned();
        origin.spawned_at = Some(self.spawned_at);
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

/// A task as the texts name it.
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
