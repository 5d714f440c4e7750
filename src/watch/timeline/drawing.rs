//! The events of a timeline as Chrome's trace events: a lane for a task, a slice for a poll, an arrow from wake to poll.
//!
//! Each event is written at once. Only an arrow has to wait for the poll that it leads to. The cause of a task's next
//! poll is kept until then.
//!
//! Knows the records and the format.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::kernel::failure::{LastAwait, TaskId};
use crate::watch::instrument::WokenBy;
use crate::watch::timeline::{Record, What};

/// The number of a lane. Lane 0 is not used: viewers treat it as the idle thread.
type Lane = u64;

const EXECUTOR: Lane = 1;
const ELSEWHERE: Lane = 2;

/// The lane of task #7 is 1007, because viewers show the number beside the name.
fn lane_of(task: TaskId) -> Lane {
    1000 + task.0
}

/// What a viewer shows beside an event: a key and its value.
type Detail = Option<(&'static str, String)>;

/// The file while it is written.
#[derive(Default)]
pub(super) struct Drawing {
    pub(super) text: String,
    /// Nanoseconds from the first event to the one that is drawn.
    time: u64,
    polled: Option<TaskId>,
    is_parked: bool,
    /// Why a task will be polled next: the lane and the time of the spawn or the wake.
    causes: BTreeMap<TaskId, (&'static str, Lane, u64)>,
    arrows: u64,
}

impl Drawing {
    pub(super) fn new(record: &Record) -> Self {
        let mut drawing = Drawing {
            text: "{\"traceEvents\":[".to_owned(),
            ..Drawing::default()
        };
        let mut put_name = |kind, lane, name: &str| {
            drawing.put("M", kind, lane, 0, Some(("name", name.to_owned())));
        };
        put_name("process_name", EXECUTOR, "candor");
        put_name("thread_name", EXECUTOR, "executor");
        put_name("thread_name", ELSEWHERE, "elsewhere");
        for (&task, (name, _)) in &record.tasks {
            put_name("thread_name", lane_of(task), name);
        }
        drawing
    }

    pub(super) fn draw(&mut self, record: &Record, index: usize) {
        let (at, what) = &record.events[index];
        let (began, _) = record.events[0];
        let since = u64::try_from(at.saturating_duration_since(began).as_nanos());
        self.time = since.unwrap_or(u64::MAX).max(self.time.saturating_add(1));
        match what {
            What::Spawn(task, by) => {
                let (name, place) = &record.tasks[task];
                let place = place.as_ref().map(|at| ("at", at.to_string()));
                self.cause("spawn", *task, name, *by, place);
            }
            What::Wake(task, by) => {
                let (name, _) = &record.tasks[task];
                self.cause("wake", *task, name, *by, None);
            }
            What::PollBegin(task) => self.begin_poll(*task),
            What::PollEnd(task, poll, awaited) => {
                if poll.is_ready() {
                    // A wake of this main future is no wake of the next one.
                    self.causes.remove(task);
                }
                if self.polled == Some(*task) {
                    self.end_poll(*awaited);
                }
            }
            What::Timer(task) => {
                let name = task.map(|task| format!("timer of {}", record.tasks[&task].0));
                let name = name.as_deref().unwrap_or("timer");
                self.put("i", name, EXECUTOR, self.time, None);
            }
            What::ParkBegin(timeout) => {
                self.end_park();
                self.is_parked = true;
                let timeout = timeout.map(|timeout| ("timeout", format!("{timeout:?}")));
                self.put("B", "park", EXECUTOR, self.time, timeout);
            }
            What::ParkEnd => self.end_park(),
            What::Failure(task, failed) => {
                let (text, place) = &**failed;
                let place = place.as_ref().map(|at| ("at", at.to_string()));
                self.put("i", text, lane_of(*task), self.time, place);
            }
            What::Done(task, ending) => {
                self.put("i", &ending.to_string(), lane_of(*task), self.time, None);
            }
        }
    }

    /// Draws a spawn or a wake. Its arrow is drawn with the poll that it leads to.
    fn cause(&mut self, verb: &'static str, task: TaskId, name: &str, by: WokenBy, place: Detail) {
        let from = match by {
            WokenBy::Task(by) => lane_of(by),
            WokenBy::Timer => EXECUTOR,
            WokenBy::Elsewhere => ELSEWHERE,
        };
        self.put("X", &format!("{verb} {name}"), from, self.time, place);
        self.causes.insert(task, (verb, from, self.time));
    }

    fn begin_poll(&mut self, task: TaskId) {
        // Each slice gets an end, whatever the order of the calls is.
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
            let awaited = awaited.map(|last| ("last await", last.to_string()));
            self.put("E", "poll", lane_of(task), self.time, awaited);
        }
    }

    fn end_park(&mut self) {
        if std::mem::take(&mut self.is_parked) {
            self.put("E", "park", EXECUTOR, self.time, None);
        }
    }

    pub(super) fn end(&mut self) {
        self.time = self.time.saturating_add(1);
        self.end_poll(None);
        self.end_park();
        self.text.push_str("\n],\"displayTimeUnit\":\"ns\"}\n");
    }

    /// Writes one event of the format. `phase` is the letter of its kind.
    fn put(&mut self, phase: &'static str, name: &str, lane: Lane, time: u64, detail: Detail) {
        let comma = if self.text.ends_with('[') { "" } else { "," };
        // The format counts microseconds.
        let (micros, nanos) = (time / 1000, time % 1000);
        let name = Quoted(name);
        let arrow = self.arrows;
        let more = match phase {
            "X" => ",\"dur\":0.001".to_owned(),
            // For this lane only.
            "i" => ",\"s\":\"t\"".to_owned(),
            "s" => format!(",\"id\":{arrow}"),
            // The arrow ends at the poll that has just begun, not at the next one.
            "f" => format!(",\"id\":{arrow},\"bp\":\"e\""),
            _ => String::new(),
        };
        let _ = write!(
            self.text,
            "{comma}\n{{\"ph\":\"{phase}\",\"ts\":{micros}.{nanos:03},\"pid\":{EXECUTOR},\"tid\":{lane},\
             \"cat\":\"candor\",\"name\":{name}{more}"
        );
        if let Some((key, value)) = detail {
            let _ = write!(self.text, ",\"args\":{{\"{key}\":{}}}", Quoted(&value));
        }
        self.text.push('}');
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
