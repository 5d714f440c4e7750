//! Records what an executor does, and writes it as a file that Perfetto shows as a picture.
//!
//! ```text
//! executor         │   [park      ][wake #1]
//! the main future  │ [poll]         │
//! task #1          │                └──►[poll]
//! ```
//!
//! Recording keeps a few words for each event. `drawing` makes lanes, slices and arrows when the file is written.
//!
//! Knows only the methods of an instrument.

mod drawing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::task::Poll;
use std::time::{Duration, Instant};

use drawing::Drawing;

use crate::kernel::failure::{FailureKind, LastAwait, Location, TaskFailure, TaskId};
use crate::kernel::tasks::Ending;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};

/// Records what one executor does, for a trace viewer.
///
/// Install it with [`Builder::instrument`](crate::Builder::instrument), in an [`Rc`](std::rc::Rc) that you keep. Call
/// [`write_json`](Timeline::write_json) at the end. <https://ui.perfetto.dev> opens the file, and so does
/// `chrome://tracing`.
///
/// Until it is dropped, it keeps every event in memory, 48 bytes each, and a copy of the name of every task and of
/// the message of every failure.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
///
/// let timeline = Rc::new(candor::Timeline::new());
/// let executor = candor::Executor::builder().instrument(Rc::clone(&timeline)).build();
/// executor.block_on(async { candor::spawn(async {}).await.unwrap() });
///
/// let mut json = Vec::new();
/// timeline.write_json(&mut json).unwrap();
/// assert!(String::from_utf8(json).unwrap().contains("task #1"));
/// ```
#[derive(Default)]
pub struct Timeline {
    record: RefCell<Record>,
}

#[derive(Default)]
struct Record {
    events: Vec<(Instant, What)>,
    /// The tasks that were seen, each with its name and the place of its spawn.
    tasks: BTreeMap<TaskId, (Box<str>, Option<Location>)>,
}

enum What {
    Spawn(TaskId, WokenBy),
    PollBegin(TaskId),
    PollEnd(TaskId, Poll<()>, Option<LastAwait>),
    Wake(TaskId, WokenBy),
    Timer(Option<TaskId>),
    ParkBegin(Option<Duration>),
    ParkEnd,
    /// With what is said of it, and its place.
    Failure(TaskId, Box<(String, Option<Location>)>),
    Done(TaskId, Ending),
}

impl Timeline {
    /// Makes an empty timeline.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut json = Vec::new();
    /// candor::Timeline::new().write_json(&mut json).unwrap();
    /// assert!(json.starts_with(b"{\"traceEvents\":["));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Timeline::default()
    }

    /// Writes what has been recorded so far, in the Chrome trace-event format.
    ///
    /// Each task has a lane, with the name that reports use. Its polls are slices. A wake or a spawn is a thin slice in the
    /// lane of its cause, with an arrow to the poll that it led to. The executor's own lane shows its timers, and when its
    /// thread was parked. Wakes from other threads, and from code outside of all tasks, have a lane too. A failure is a
    /// mark with its message, in the lane of its task.
    ///
    /// Times count from the first event, on the executor's clock. No two events have the same time in the file: events
    /// with equal times are drawn a nanosecond apart, in the order in which they happened. So a run on virtual time, in
    /// which a poll takes no time, can be drawn too, and looks the same each time.
    ///
    /// A poll that is still running, such as that of a task that calls this, ends where the file ends. `out` gets pieces
    /// of some 64 KiB.
    ///
    /// # Errors
    ///
    /// The first error of `out`. The recorded events stay, and can be written again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// let timeline = Rc::new(candor::Timeline::new());
    /// let executor = candor::Executor::builder().instrument(Rc::clone(&timeline)).build();
    /// candor::TaskBuilder::new().name("fetch").spawn_on(&executor, async {}).detach();
    /// executor.drain();
    ///
    /// let mut json = Vec::new();
    /// timeline.write_json(&mut json).unwrap();
    /// assert!(String::from_utf8(json).unwrap().contains("fetch"));
    /// ```
    pub fn write_json(&self, mut out: impl Write) -> io::Result<()> {
        let mut drawing = Drawing::new(&self.record.borrow());
        let count = self.record.borrow().events.len();
        for index in 0..count {
            drawing.draw(&self.record.borrow(), index);
            // `out` is user code, and its actions may be recorded. So nothing is borrowed here.
            if drawing.text.len() >= PIECE {
                out.write_all(drawing.text.as_bytes())?;
                drawing.text.clear();
            }
        }
        drawing.end();
        out.write_all(drawing.text.as_bytes())?;
        out.flush()
    }

    fn note(&self, at: Instant, task: Option<&TaskView<'_>>, what: What) {
        let mut record = self.record.borrow_mut();
        if let Some(task) = task {
            let seen = || (task.to_string().into(), task.spawned_at());
            record.tasks.entry(task.id()).or_insert_with(seen);
        }
        record.events.push((at, what));
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for Timeline {}
impl std::panic::RefUnwindSafe for Timeline {}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record.borrow();
        f.debug_struct("Timeline")
            .field("events", &record.events.len())
            .field("tasks", &record.tasks.len())
            .finish()
    }
}

impl Instrument for Timeline {
    fn spawn(&self, at: Instant, task: &TaskView<'_>) {
        let by = task.spawned_by().map_or(WokenBy::Elsewhere, WokenBy::Task);
        self.note(at, Some(task), What::Spawn(task.id(), by));
    }

    fn poll_begin(&self, at: Instant, task: &TaskView<'_>) {
        self.note(at, Some(task), What::PollBegin(task.id()));
    }

    fn poll_end(&self, at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        let awaited = task.last_await().filter(|_| poll.is_pending());
        self.note(at, Some(task), What::PollEnd(task.id(), poll, awaited));
    }

    fn wake(&self, at: Instant, task: &TaskView<'_>, by: WokenBy) {
        self.note(at, Some(task), What::Wake(task.id(), by));
    }

    fn timer(&self, at: Instant, task: Option<&TaskView<'_>>) {
        self.note(at, task, What::Timer(task.map(TaskView::id)));
    }

    fn park_begin(&self, at: Instant, timeout: Option<Duration>) {
        self.note(at, None, What::ParkBegin(timeout));
    }

    fn park_end(&self, at: Instant) {
        self.note(at, None, What::ParkEnd);
    }

    fn failure(&self, at: Instant, failure: &TaskFailure) {
        let kind = match failure.kind() {
            FailureKind::Failed => "failed",
            FailureKind::Panicked | FailureKind::Caught => "panicked",
        };
        let text = format!("{kind}: {}", failure.message());
        let failed = Box::new((text, failure.location()));
        self.note(at, None, What::Failure(failure.task_id(), failed));
    }

    fn done(&self, at: Instant, task: &TaskView<'_>, ending: Ending) {
        self.note(at, Some(task), What::Done(task.id(), ending));
    }
}

/// How many bytes of text are collected before they are written.
const PIECE: usize = 64 * 1024;
