//! Records what an executor does, and writes it as a picture that Perfetto draws.
//!
//! ```text
//! executor         │   [park      ][wake #1]
//! the main future  │ [poll]         │
//! task #1          │                └──►[poll]
//! ```
//!
//! Recording keeps a few words an event; lanes, slices and arrows are made when the file is written.
//!
//! Knows what an instrument is told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::core::{Ending, Instrument, TaskView, WokenBy};
use crate::failure::lineage::{Named, TaskId};
use crate::failure::{FailureKind, LastAwait, Location, TaskFailure};

/// Records what one executor does, to be looked at in a trace viewer.
///
/// Install it by [`Builder::instrument`](crate::Builder::instrument), in an [`Rc`](std::rc::Rc) that you keep, and call
/// [`write_json`](Timeline::write_json) when you have seen enough. <https://ui.perfetto.dev> opens the file, and so does
/// `chrome://tracing`.
///
/// It keeps every event in memory, 48 bytes each, and a copy of the name of every task and of the message of
/// every failure, until it is dropped.
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
    events: Vec<Event>,
    /// Who has been seen, and what stays the same of him.
    tasks: BTreeMap<TaskId, Seen>,
}

struct Seen {
    name: Option<Box<str>>,
    spawned_at: Option<Location>,
}

struct Event {
    at: Instant,
    what: What,
}

enum What {
    Spawn(TaskId, Option<TaskId>),
    PollBegin(TaskId),
    PollEnd(TaskId, Poll<()>, Option<LastAwait>),
    Wake(TaskId, WokenBy),
    Timer(Option<TaskId>),
    ParkBegin(Option<Duration>),
    ParkEnd,
    Failure(Box<Failed>),
    Done(TaskId, Ending),
}

struct Failed {
    task: TaskId,
    kind: FailureKind,
    message: Box<str>,
    location: Option<Location>,
}

impl Timeline {
    /// Makes one that has seen nothing yet.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut json = Vec::new();
    /// candor::Timeline::new().write_json(&mut json).unwrap();
    /// assert!(json.starts_with(b"{\"traceEvents\":["));
    /// ```
    pub fn new() -> Self {
        Timeline::default()
    }

    /// Writes what was recorded so far, in the Chrome trace-event format.
    ///
    /// Each task has a lane, named as reports name it. Its polls are slices; a wake or a spawn is a sliver in the lane
    /// of whoever caused it, with an arrow to the poll that it led to. The executor's own lane shows its timers and
    /// when its thread was parked; wakes from other threads, and from code that no task runs, have a lane, too. A
    /// failure is a mark with its message in the lane of its task.
    ///
    /// Times count from the first event, on the executor's clock. No two events share one: what the clock cannot tell
    /// apart is drawn a nanosecond apart, in the order in which it happened. So a run on virtual time, in which a poll
    /// takes no time at all, is drawn as well, and the same each time.
    ///
    /// A poll that is still running, such as that of a task which calls this, ends where the file ends. `out` is
    /// written to in pieces of some 64 KiB.
    ///
    /// # Errors
    ///
    /// The first error of `out`. What was recorded stays, and can be written again.
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
            // `out` is user code, and what it does may be recorded.
            if drawing.text.len() >= PIECE {
                out.write_all(drawing.text.as_bytes())?;
                drawing.text.clear();
            }
        }
        drawing.end();
        out.write_all(drawing.text.as_bytes())?;
        out.flush()
    }

    fn note(&self, at: Instant, what: What) {
        self.record.borrow_mut().events.push(Event { at, what });
    }

    fn note_of(&self, at: Instant, task: &TaskView<'_>, what: What) {
        let mut record = self.record.borrow_mut();
        record.tasks.entry(task.id()).or_insert_with(|| Seen {
            name: task.name().map(Box::from),
            spawned_at: task.spawned_at(),
        });
        record.events.push(Event { at, what });
    }
}

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
        self.note_of(at, task, What::Spawn(task.id(), task.spawned_by()));
    }

    fn poll_begin(&self, at: Instant, task: &TaskView<'_>) {
        self.note_of(at, task, What::PollBegin(task.id()));
    }

    fn poll_end(&self, at: Instant, task: &TaskView<'_>, poll: Poll<()>) {
        let awaited = task.last_await().filter(|_| poll.is_pending());
        self.note(at, What::PollEnd(task.id(), poll, awaited));
    }

    fn wake(&self, at: Instant, task: &TaskView<'_>, by: WokenBy) {
        self.note_of(at, task, What::Wake(task.id(), by));
    }

    fn timer(&self, at: Instant, task: Option<&TaskView<'_>>) {
        self.note(at, What::Timer(task.map(TaskView::id)));
    }

    fn park_begin(&self, at: Instant, timeout: Option<Duration>) {
        self.note(at, What::ParkBegin(timeout));
    }

    fn park_end(&self, at: Instant) {
        self.note(at, What::ParkEnd);
    }

    fn failure(&self, at: Instant, failure: &TaskFailure) {
        let failed = Failed {
            task: failure.task_id(),
            kind: failure.kind(),
            message: failure.message().into(),
            location: failure.location(),
        };
        self.note(at, What::Failure(Box::new(failed)));
    }

    fn done(&self, at: Instant, task: &TaskView<'_>, ending: Ending) {
        self.note_of(at, task, What::Done(task.id(), ending));
    }
}

/// How much text is gathered before it is written.
const PIECE: usize = 64 * 1024;

/// The number of a lane. Lane 0 is left alone: viewers take it for the idle thread.
type Lane = u64;

const EXECUTOR: Lane = 1;
const ELSEWHERE: Lane = 2;

/// The lane of task #7 is 1007, since viewers show the number beside the name.
fn lane_of(task: TaskId) -> Lane {
    1000 + task.0
}

/// The file as it grows.
struct Drawing {
    text: String,
    began: Option<Instant>,
    /// Nanoseconds since then, of the event that is drawn.
    time: u64,
    polled: Option<TaskId>,
    is_parked: bool,
    /// Why a task will be polled next: the lane and the time of the spawn or the wake.
    causes: BTreeMap<TaskId, (&'static str, Lane, u64)>,
    arrows: u64,
}

impl Drawing {
    fn new(record: &Record) -> Self {
        let mut drawing = Drawing {
            text: String::new(),
            began: record.events.first().map(|event| event.at),
            time: 0,
            polled: None,
            is_parked: false,
            causes: BTreeMap::new(),
            arrows: 0,
        };
        drawing.text.push_str("{\"traceEvents\":[");
        drawing.put("M", "process_name", EXECUTOR, 0, Some(("name", &"candor")));
        let fixed = [(EXECUTOR, "executor"), (ELSEWHERE, "elsewhere")];
        for (lane, name) in fixed {
            drawing.put("M", "thread_name", lane, 0, Some(("name", &name)));
        }
        for &task in record.tasks.keys() {
            let name = record.named(task);
            drawing.put("M", "thread_name", lane_of(task), 0, Some(("name", &name)));
        }
        drawing
    }

    fn draw(&mut self, record: &Record, index: usize) {
        let Event { at, what } = &record.events[index];
        let began = self.began.unwrap_or(*at);
        let since = u64::try_from(at.saturating_duration_since(began).as_nanos());
        self.time = since.unwrap_or(u64::MAX).max(self.time + 1);
        match what {
            What::Spawn(task, by) => {
                let from = by.map_or(ELSEWHERE, lane_of);
                self.cause("spawn", *task, from, record);
            }
            What::Wake(task, by) => {
                let from = match by {
                    WokenBy::Task(by) => lane_of(*by),
                    WokenBy::Timer => EXECUTOR,
                    WokenBy::Elsewhere => ELSEWHERE,
                };
                self.cause("wake", *task, from, record);
            }
            What::PollBegin(task) => self.begin_poll(*task),
            What::PollEnd(task, poll, awaited) => {
                if poll.is_ready() {
                    // Whoever is the main future next was not woken by what woke this one.
                    self.causes.remove(task);
                }
                if self.polled == Some(*task) {
                    self.end_poll(*awaited);
                }
            }
            What::Timer(task) => match task {
                Some(task) => {
                    let name = format!("timer of {}", record.named(*task));
                    self.mark(&name, EXECUTOR, None);
                }
                None => self.mark("timer", EXECUTOR, None),
            },
            What::ParkBegin(timeout) => {
                self.end_park();
                self.is_parked = true;
                let timeout = timeout.map(|timeout| format!("{timeout:?}"));
                let timeout: Option<&dyn fmt::Display> = timeout.as_ref().map(|it| it as _);
                let arg = timeout.map(|timeout| ("timeout", timeout));
                self.put("B", "park", EXECUTOR, self.time, arg);
            }
            What::ParkEnd => self.end_park(),
            What::Failure(failed) => {
                let kind = match failed.kind {
                    FailureKind::Failed => "failed",
                    FailureKind::Panicked | FailureKind::Caught => "panicked",
                };
                let name = format!("{kind}: {}", failed.message);
                let location = failed.location.as_ref().map(|it| ("at", it as _));
                self.mark(&name, lane_of(failed.task), location);
            }
            What::Done(task, ending) => {
                self.mark(&ending.to_string(), lane_of(*task), None);
            }
        }
    }

    /// Draws a spawn or a wake. The arrow is drawn when the poll comes to which it leads.
    fn cause(&mut self, verb: &'static str, task: TaskId, from: Lane, record: &Record) {
        let name = format!("{verb} {}", record.named(task));
        let seen = record.tasks.get(&task).filter(|_| verb == "spawn");
        let spawned_at = seen.and_then(|seen| seen.spawned_at.as_ref());
        let arg = spawned_at.map(|at| ("at", at as _));
        self.put("X", &name, from, self.time, arg);
        self.causes.insert(task, (verb, from, self.time));
    }

    fn begin_poll(&mut self, task: TaskId) {
        // Each slice has its end, whatever is told.
        self.end_poll(None);
        self.polled = Some(task);
        self.put("B", "poll", lane_of(task), self.time, None);
        if let Some((verb, from, since)) = self.causes.remove(&task) {
            self.arrows += 1;
            self.put("s", verb, from, since, None);
            self.put("f", verb, lane_of(task), self.time, None);
        }
    }

    fn end_poll(&mut self, awaited: Option<LastAwait>) {
        if let Some(task) = self.polled.take() {
            let awaited = awaited.as_ref().map(|it| ("last await", it as _));
            self.put("E", "poll", lane_of(task), self.time, awaited);
        }
    }

    fn end_park(&mut self) {
        if std::mem::take(&mut self.is_parked) {
            self.put("E", "park", EXECUTOR, self.time, None);
        }
    }

    fn mark(&mut self, name: &str, lane: Lane, arg: Option<(&str, &dyn fmt::Display)>) {
        self.put("i", name, lane, self.time, arg);
    }

    fn end(&mut self) {
        self.time += 1;
        self.end_poll(None);
        self.end_park();
        self.text.push_str("\n],\"displayTimeUnit\":\"ns\"}\n");
    }

    /// Writes one event of the format; `phase` is its letter there.
    fn put(
        &mut self,
        phase: &'static str,
        name: &str,
        lane: Lane,
        time: u64,
        arg: Option<(&str, &dyn fmt::Display)>,
    ) {
        let comma = if self.text.ends_with('[') { "" } else { "," };
        // The format counts microseconds.
        let (micros, nanos) = (time / 1000, time % 1000);
        let name = Quoted(name);
        let _ = write!(
            self.text,
            "{comma}\n{{\"ph\":\"{phase}\",\"ts\":{micros}.{nanos:03},\"pid\":{EXECUTOR},\"tid\":{lane},\
             \"cat\":\"candor\",\"name\":{name}"
        );
        match phase {
            "X" => self.text.push_str(",\"dur\":0.001"),
            // Of this lane alone.
            "i" => self.text.push_str(",\"s\":\"t\""),
            "s" => self.put_arrow(""),
            // It binds to the poll that has just begun, not to the next one.
            "f" => self.put_arrow(",\"bp\":\"e\""),
            _ => {}
        }
        if let Some((key, value)) = arg {
            let value = value.to_string();
            let _ = write!(self.text, ",\"args\":{{\"{key}\":{}}}", Quoted(&value));
        }
        self.text.push('}');
    }

    fn put_arrow(&mut self, binding: &str) {
        let _ = write!(self.text, ",\"id\":{}{binding}", self.arrows);
    }
}

impl Record {
    fn named(&self, task: TaskId) -> Named<'_> {
        let name = self.tasks.get(&task).and_then(|seen| seen.name.as_deref());
        Named(task, name)
    }
}

/// A string of JSON.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\0'..' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
