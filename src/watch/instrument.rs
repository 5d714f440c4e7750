//! The trait of a user's observer, and what its methods get.
//!
//! ```text
//! spawn #1   poll_begin #1   poll_end #1 (Pending)   park_begin   timer   park_end
//!            wake #1 by timer   poll_begin #1   poll_end #1 (Ready)   failure #1   done #1
//! ```
//!
//! An observer is user code. Its arguments borrow from the task that the event is about, never from the state of the
//! executor. So it may inspect tasks, spawn and wake like any other code.
//!
//! Knows failures, the header of a task, and the core for the main future.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::kernel::failure::{LastAwait, Location, Named, Site, TaskFailure, TaskId};
use crate::kernel::tasks::{Core, Ending, Event, Header, Key, MAIN_SLOT};
use crate::watch::contained::Contained;

/// Watches an executor: one method for each event. Each method does nothing unless you write it.
///
/// [`Builder::instrument`](crate::Builder::instrument) installs one. Without an instrument, an executor pays only
/// a branch, which the processor predicts, for each spawn, poll and end of a task.
///
/// `at` is the time of the executor's own clock, virtual time included. The main future, the argument of `block_on` or
/// `run`, is polled and woken like a task, and has the number [`TaskId::MAIN`]. But it is neither spawned nor done.
///
/// An instrument runs between the steps of the executor, in the middle of the code that causes the event: `spawn` and
/// `wake` are called within the poll that spawns or wakes. It may call anything that a task may call. Its own actions
/// are no events for any instrument, so it cannot call itself without end.
///
/// # Panics
///
/// An instrument should not panic. If it does, one warning quotes the panic and says that this instrument is
/// not called any more. Everything else goes on.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::rc::Rc;
/// use std::time::Instant;
///
/// use candor::{Ending, Executor, Instrument, TaskView, WokenBy};
///
/// #[derive(Default)]
/// struct Trace(RefCell<Vec<String>>);
///
/// impl Instrument for Trace {
///     fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
///         self.0.borrow_mut().push(format!("{task} is woken by {by}"));
///     }
///
///     fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
///         self.0.borrow_mut().push(format!("{task} {ending}"));
///     }
/// }
///
/// let trace = Rc::new(Trace::default());
/// let executor = Executor::builder().instrument(Rc::clone(&trace)).build();
/// executor.block_on(async { candor::spawn(async {}).await.unwrap() });
/// assert_eq!(
///     *trace.0.borrow(),
///     ["task #1 returned", "the main future is woken by task #1"]
/// );
/// ```
///
/// All events but the two of parking: on virtual time the thread need not sleep for a timer.
///
/// ```
/// use std::cell::RefCell;
/// use std::rc::Rc;
/// use std::task::Poll;
/// use std::time::{Duration, Instant};
///
/// use candor::{Ending, Executor, Instrument, TaskFailure, TaskView, WokenBy};
///
/// #[derive(Default)]
/// struct Story(RefCell<Vec<String>>);
///
/// impl Story {
///     fn tell(&self, event: String) {
///         self.0.borrow_mut().push(event);
///     }
/// }
///
/// impl Instrument for Story {
///     fn spawn(&self, _at: Instant, task: &TaskView<'_>) {
///         self.tell(format!("spawn {}", task.id()));
///     }
///     fn poll_begin(&self, _at: Instant, task: &TaskView<'_>) {
///         self.tell(format!("poll_begin {}", task.id()));
///     }
///     fn poll_end(&self, _at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
///         self.tell(format!("poll_end {} {poll:?}", task.id()));
///     }
///     fn wake(&self, _at: Instant, task: &TaskView<'_>, by: WokenBy) {
///         self.tell(format!("wake {} by {by}", task.id()));
///     }
///     fn timer(&self, _at: Instant, task: Option<&TaskView<'_>>) {
///         self.tell(format!("timer of {}", task.unwrap().id()));
///     }
///     fn park_begin(&self, _at: Instant, timeout: Option<Duration>) {
///         self.tell(format!("park_begin {timeout:?}"));
///     }
///     fn park_end(&self, _at: Instant) {
///         self.tell("park_end".to_owned());
///     }
///     fn failure(&self, _at: Instant, failure: &TaskFailure) {
///         self.tell(format!("failure {}", failure.task_id()));
///     }
///     fn done(&self, _at: Instant, task: &TaskView<'_>, ending: Ending) {
///         self.tell(format!("done {} {ending:?}", task.id()));
///     }
/// }
///
/// let story = Rc::new(Story::default());
/// let builder = Executor::builder().instrument(Rc::clone(&story));
/// let executor = builder.virtual_time().on_failure(|_| ()).build();
/// executor.spawn(async {
///     candor::sleep(Duration::from_secs(1)).await;
///     panic!("boom")
/// }).detach();
/// executor.drain();
/// assert_eq!(
///     *story.0.borrow(),
///     [
///         "spawn #1",
///         "poll_begin #1",
///         "poll_end #1 Pending",
///         "timer of #1",
///         "wake #1 by a timer",
///         "poll_begin #1",
///         "poll_end #1 Ready(())",
///         "failure #1",
///         "done #1 Panicked",
///     ]
/// );
/// ```
#[expect(
    unused_variables,
    reason = "the names say what an implementation is given"
)]
pub trait Instrument {
    /// A task was spawned. Its first poll is still to come.
    fn spawn(&self, at: Instant, task: &TaskView<'_>) {}

    /// A poll begins.
    fn poll_begin(&self, at: Instant, task: &TaskView<'_>) {}

    /// A poll is over. It is `Ready` if it was the last one, because the future returned or panicked. For a task, `done`
    /// follows then. An aborted task has no last poll.
    fn poll_end(&self, at: Instant, task: &TaskView<'_>, poll: Poll<()>) {}

    /// A waker made a task ready. The wake of a task that is ready already is no event, and an abort is no wake.
    ///
    /// A wake from another thread is reported when the executor sees it, before the poll that it causes.
    fn wake(&self, at: Instant, task: &TaskView<'_>, by: WokenBy) {}

    /// A timer fired. The wake that it causes is reported next. `task` is the task that waits for it; `None` if the timer
    /// was polled with a waker that is not candor's, such as that of a `FuturesUnordered`.
    fn timer(&self, at: Instant, task: Option<&TaskView<'_>>) {}

    /// Nothing is ready. The thread sleeps until it is woken, for `timeout` at most. On virtual time it sleeps only
    /// when no timer is set.
    fn park_begin(&self, at: Instant, timeout: Option<Duration>) {}

    /// The sleep is over.
    fn park_end(&self, at: Instant) {}

    /// A task failed, or the future of `run`. Called once, at once, whether an awaiter will get the failure or it will be
    /// printed.
    fn failure(&self, at: Instant, failure: &TaskFailure) {}

    /// A task is done, or its future was dropped. If it has an awaiter, the wake follows.
    fn done(&self, at: Instant, task: &TaskView<'_>, ending: Ending) {}
}

/// An instrument that an executor keeps.
pub(crate) type Installed = Contained<Box<dyn Instrument>>;

pub(crate) fn installed(instrument: impl Instrument + 'static) -> Installed {
    Contained::new("an instrument", Box::new(instrument))
}

/// Methods that call the method of the same name of what `self` points to.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method(&self, $($argument: $type),*) {
            (**self).$method($($argument),*);
        })*
    };
}

/// Lets you install an instrument and also keep it, to read what it has seen.
impl<I: Instrument + ?Sized> Instrument for Rc<I> {
    pass_on! {
        spawn(at: Instant, task: &TaskView<'_>);
        poll_begin(at: Instant, task: &TaskView<'_>);
        poll_end(at: Instant, task: &TaskView<'_>, poll: Poll<()>);
        wake(at: Instant, task: &TaskView<'_>, by: WokenBy);
        timer(at: Instant, task: Option<&TaskView<'_>>);
        park_begin(at: Instant, timeout: Option<Duration>);
        park_end(at: Instant);
        failure(at: Instant, failure: &TaskFailure);
        done(at: Instant, task: &TaskView<'_>, ending: Ending);
    }
}

/// A task or the main future, as an [`Instrument`] gets it.
///
/// Its `Display` is the name that reports use: ``task #7 `fetch` ``.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
///
/// struct Spawns;
///
/// impl candor::Instrument for Spawns {
///     fn spawn(&self, _at: Instant, task: &candor::TaskView<'_>) {
///         let spawned_at = task.spawned_at().unwrap();
///         println!("{task}, spawned at {spawned_at} by {:?}", task.spawned_by());
///         assert_eq!((task.name(), task.spawned_by()), (Some("fetch"), Some(candor::TaskId::MAIN)));
///         assert_eq!((task.id().to_string(), task.last_await()), ("#1".to_owned(), None));
///     }
/// }
///
/// let executor = candor::Executor::builder().instrument(Spawns).build();
/// executor.block_on(async {
///     candor::TaskBuilder::new().name("fetch").spawn(async {}).detach();
///     candor::yield_now().await;
/// });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TaskView<'a> {
    id: TaskId,
    pub(super) name: Option<&'a Arc<str>>,
    pub(super) spawned_at: Option<Site>,
    spawned_by: Option<TaskId>,
    last_await: Option<LastAwait>,
    /// Whether the program's logger has spawned it. If so, events of it must not go to the logger.
    pub(super) is_of_logger: bool,
    /// A poll that begins now only drops its future.
    pub(super) is_aborted: bool,
}

impl<'a> TaskView<'a> {
    pub(crate) fn of(task: &'a Header) -> Self {
        let spawned_by = &**task.spawned_by.lineage();
        TaskView {
            id: task.id,
            name: task.spawned_by.name.as_ref(),
            spawned_at: Some(task.spawned_at),
            spawned_by: match spawned_by.ancestors().first() {
                Some(spawner) => Some(spawner.id()),
                None => spawned_by.is_entered().then_some(TaskId::MAIN),
            },
            last_await: task.last_await(),
            is_of_logger: spawned_by.is_of_logger(),
            is_aborted: task.is_aborted.get(),
        }
    }

    pub(crate) fn of_main(core: &Core) -> Self {
        TaskView {
            id: TaskId::MAIN,
            name: None,
            spawned_at: core.stay.entry.get().map(|entry| entry.at),
            spawned_by: None,
            last_await: core.polling.main_last_await.get(),
            is_of_logger: false,
            is_aborted: false,
        }
    }

    /// Returns the task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns the task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.name.map(|name| &**name)
    }

    /// Returns where it was spawned; for the main future, where the executor was entered.
    #[must_use]
    pub fn spawned_at(&self) -> Option<Location> {
        self.spawned_at.map(Location::from)
    }

    /// Returns the task that spawned it. If its executor was running, and no task was being polled, that is the main future, also
    /// under an entry point that has none. `None` if its executor was not running, or if another thread spawned it.
    #[must_use]
    pub fn spawned_by(&self) -> Option<TaskId> {
        self.spawned_by
    }

    /// Returns the `.await` at which it last waited, as far as candor's own futures could see.
    #[must_use]
    pub fn last_await(&self) -> Option<LastAwait> {
        self.last_await
    }
}

/// What made a task ready.
///
/// # Examples
///
/// ```
/// use candor::{TaskId, WokenBy};
///
/// assert_eq!(WokenBy::Task(TaskId::MAIN).to_string(), "the main future");
/// assert_eq!(WokenBy::Timer.to_string(), "a timer");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WokenBy {
    /// A task or the main future ([`TaskId::MAIN`]): within its poll, or because it is done and was awaited.
    Task(TaskId),
    /// A timer that fired.
    Timer,
    /// Another thread, or code on this thread outside of all tasks.
    Elsewhere,
}

/// Calls `see` with the task, or the main future, that an event is about.
#[inline(always)]
pub(super) fn with_task(core: &Core, event: &Event<'_>, see: impl FnOnce(Option<&TaskView<'_>>)) {
    let slot = match event {
        Event::PollBegins(slot)
        | Event::PollEnds(slot, _)
        | Event::Woken(slot)
        | Event::WokenFromElsewhere(slot) => Some(*slot),
        // The task that had set it may be gone, and another one be in its place.
        Event::TimerFires(key) if is_alive(core, *key) => Some(key.slot()),
        _ => None,
    };
    let tenant = slot.and_then(|slot| core.slots.get(slot));
    let task = match event {
        _ if slot == Some(MAIN_SLOT) => Some(TaskView::of_main(core)),
        Event::Spawned(header) => Some(TaskView::of(header)),
        Event::Done(task, _) => Some(TaskView::of(task.header())),
        _ => tenant.as_ref().map(|task| TaskView::of(task.header())),
    };
    see(task.as_ref());
}

/// Whether this is the key of a tenant of the executor.
fn is_alive(core: &Core, key: Key) -> bool {
    // A waker of an earlier executor with this number may have had more slots.
    key.executor() == core.number
        && (key.slot() as usize) < core.slots.used()
        && core.slots.generation(key.slot()) == key.generation()
}

impl fmt::Display for TaskView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named(self.id, self.name()).fmt(f)
    }
}

impl fmt::Display for WokenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WokenBy::Task(id) => Named(*id, None).fmt(f),
            WokenBy::Timer => f.write_str("a timer"),
            WokenBy::Elsewhere => f.write_str("another thread or code outside of all tasks"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::Returned => "returned",
            Ending::Failed => "failed",
            Ending::Panicked => "panicked",
            Ending::Cancelled => "was cancelled",
        })
    }
}
