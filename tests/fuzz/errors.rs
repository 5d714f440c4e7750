//! Reports of errors that do what they like when they are asked: a report comes once, and it looks like a report.
//!
//! An input is a tree of tasks: each fails by itself, or passes on what became of its children. What candor says of an error
//! depends on the error's type. So each way to fail is spawned with its own type, and `Place` says where.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::rc::Rc;

use candor::{Context, Executor, FailureKind, TaskBuilder, TaskFailure, TaskGroup, TaskId};

use crate::bytes::Bytes;
use crate::odd::Odd;
use crate::texts::{no_control_in, text_of};

type Boxed = Box<dyn Error + Send + Sync>;
type Joined = Pin<Box<dyn Future<Output = Result<(), Boxed>>>>;

/// How long a report may be: the texts of some sources, each cut, and a backtrace.
const LONGEST: usize = 4 << 20;

/// How deep the tree of tasks may be.
const DEPTH: usize = 6;

thread_local!(static CAUGHT: Cell<usize> = const { Cell::new(0) });

/// Runs a task that fails as the input says, and reads what is said of it.
///
/// # Panics
///
/// If a failure is not reported once, or if its text is not a report.
pub fn are_reported(input: &[u8]) {
    CAUGHT.set(0);
    let mut bytes = Bytes::new(input);
    let is_awaited = bytes.rarely(2);
    let plan = Plan::read(&mut bytes, 0);
    let has_groups = plan.has_groups();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let reporter = seen.clone();
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| reporter.borrow_mut().push(failure.clone()))
        .build();
    let task = plan.spawn(&executor);
    if is_awaited {
        let error = executor.block_on(task).expect_err("each plan fails");
        is_one_line(&error.to_string());
        is_report(&format!("{error:?}"));
        let failure = error.source().and_then(|source| source.downcast_ref());
        is_report_of(failure.expect("nothing was cancelled"));
    } else {
        drop(task);
    }
    // What a group has cancelled may have left tasks that go on, and fail for themselves.
    executor.drain();
    let counted = executor.failures();
    drop(executor);
    let seen = seen.take();
    seen.iter().for_each(is_report_of);
    let is_failure = |failure: &&TaskFailure| failure.kind() != FailureKind::Caught;
    let mut failed: Vec<TaskId> = seen
        .iter()
        .filter(is_failure)
        .map(TaskFailure::task_id)
        .collect();
    assert_eq!(seen.len() - failed.len(), CAUGHT.get(), "caught panics");
    assert_eq!(failed.len() as u64, counted);
    // A group cancels tasks that await others, and these fail for themselves then.
    if !has_groups {
        assert_eq!(failed.len(), usize::from(!is_awaited));
    }
    failed.sort_unstable();
    failed.dedup();
    assert_eq!(failed.len() as u64, counted, "one report a task");
}

fn is_report_of(failure: &TaskFailure) {
    is_one_line(&failure.to_string());
    is_report(&failure.report());
}

fn is_one_line(text: &str) {
    no_control_in(text, &[]);
    begins_well(text);
}

/// No other line than the first may begin as a headline does.
fn is_report(text: &str) {
    no_control_in(text, &['\n', '\t']);
    begins_well(text);
    for line in text.lines().skip(1) {
        assert!(line.starts_with("   "), "{line:?} in {text}");
    }
}

fn begins_well(text: &str) {
    assert!(text.starts_with("task #"), "{text}");
    assert!(text.len() < LONGEST, "{} bytes", text.len());
}

/// What one task does.
struct Plan {
    name: String,
    fails: Fails,
    error: Odd,
    children: Vec<Plan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    WithText,
    Plainly,
    Boxed,
    WithCandors,
    WithAnyhows,
    WithContext,
    ByPanic,
    ByPanicWithAnything,
    /// Panics, catches it, and fails then.
    AfterCatching,
    PassingOn,
    PassingOnInside,
    PassingOnAGroup,
}

const ALL: [Fails; 12] = [
    Fails::WithText,
    Fails::Plainly,
    Fails::Boxed,
    Fails::WithCandors,
    Fails::WithAnyhows,
    Fails::WithContext,
    Fails::ByPanic,
    Fails::ByPanicWithAnything,
    Fails::AfterCatching,
    Fails::PassingOn,
    Fails::PassingOnInside,
    Fails::PassingOnAGroup,
];

/// How many of them need no child.
const LEAVES: usize = ALL.len() - 3;

impl Plan {
    fn read(bytes: &mut Bytes<'_>, depth: usize) -> Plan {
        let fails = bytes.one_of(if depth < DEPTH { &ALL } else { &ALL[..LEAVES] });
        let length = bytes.below(16);
        let name = text_of(bytes.take(length));
        let error = Odd::read(bytes);
        let count = match fails {
            Fails::PassingOn | Fails::PassingOnInside => 1,
            Fails::PassingOnAGroup => 1 + bytes.below(3),
            _ => 0,
        };
        let children = (0..count).map(|_| Plan::read(bytes, depth + 1)).collect();
        Plan {
            name,
            fails,
            error,
            children,
        }
    }

    fn has_groups(&self) -> bool {
        self.fails == Fails::PassingOnAGroup || self.children.iter().any(Plan::has_groups)
    }

    fn spawn(self, place: &impl Place) -> Joined {
        let task = TaskBuilder::new().name(self.name);
        let (error, mut children) = (self.error, self.children);
        let text = error.text.clone();
        match self.fails {
            Fails::WithText => place.put(task, async move { Err(text) }),
            Fails::Plainly => place.put(task, async move { Err(error) }),
            Fails::Boxed => place.put(task, async move { Err(Boxed::from(error)) }),
            Fails::WithCandors => place.put(task, async move { Err(candor::Error::new(error)) }),
            Fails::WithAnyhows => place.put(task, async move { Err(anyhow::Error::from(error)) }),
            Fails::WithContext => place.put(task, async move { Err(error).context(text) }),
            Fails::ByPanic => place.put(task, async move { panicking(|| panic!("{text}")) }),
            Fails::ByPanicWithAnything => {
                place.put(task, async move { panicking(|| panic_any(error)) })
            }
            Fails::AfterCatching => place.put(task, async move {
                CAUGHT.set(CAUGHT.get() + 1);
                catch_unwind(AssertUnwindSafe(|| panic_any(text))).unwrap_err();
                // A second panic in one poll could be the last of the process, and be printed at once.
                candor::yield_now().await;
                Err(error)
            }),
            Fails::PassingOn => place.put(task, async move {
                let child = children.remove(0);
                child.spawn(&Here).await?;
                candor::Ok(())
            }),
            Fails::PassingOnInside => place.put(task, async move {
                let child = children.remove(0);
                let inner = child.spawn(&Here).await.expect_err("each plan fails");
                Err(error.holding(inner))
            }),
            Fails::PassingOnAGroup => place.put(task, async move {
                let group = TaskGroup::new();
                for child in children {
                    drop(child.spawn(&group));
                }
                group.join().await?;
                candor::Ok(())
            }),
        }
    }
}

fn panicking(panics: impl FnOnce()) -> Result<(), String> {
    panics();
    Ok(())
}

/// Where a task is spawned.
trait Place {
    fn put<F, E>(&self, task: TaskBuilder, future: F) -> Joined
    where
        F: Future<Output = Result<(), E>> + 'static,
        E: Debug + Send + Sync + 'static,
        candor::Error: From<E>;
}

impl Place for Executor {
    fn put<F, E>(&self, task: TaskBuilder, future: F) -> Joined
    where
        F: Future<Output = Result<(), E>> + 'static,
        E: Debug + Send + Sync + 'static,
        candor::Error: From<E>,
    {
        let handle = task.spawn_on(self, future);
        Box::pin(async { handle.await.map_err(Boxed::from) })
    }
}

/// On the executor that runs.
struct Here;

impl Place for Here {
    fn put<F, E>(&self, task: TaskBuilder, future: F) -> Joined
    where
        F: Future<Output = Result<(), E>> + 'static,
        E: Debug + Send + Sync + 'static,
        candor::Error: From<E>,
    {
        let handle = task.spawn(future);
        Box::pin(async { handle.await.map_err(Boxed::from) })
    }
}

impl Place for TaskGroup {
    fn put<F, E>(&self, task: TaskBuilder, future: F) -> Joined
    where
        F: Future<Output = Result<(), E>> + 'static,
        E: Debug + Send + Sync + 'static,
        candor::Error: From<E>,
    {
        let handle = task.spawn_in(self, future);
        Box::pin(async {
            handle.await;
            Ok(())
        })
    }
}
