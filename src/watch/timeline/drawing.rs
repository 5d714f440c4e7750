//! The events of a timeline as Chrome's trace events: a lane for a task, a slice for a poll, an arrow from wake to poll.
//!
//! Each event is written at once. Only an arrow has to wait for the poll that it leads to. The cause of a task's next
//! poll is kept until then.
//!
//! Knows the records and the format.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Instant;

use crate::kernel::failure::{FailureKind, LastAwait, TaskId};
use crate::watch::instrument::WokenBy;
use crate::watch::timeline::{Event, Record, What};

/// The number of a lane. Lane 0 is not used: viewers treat it as the idle thread.
type Lane = u64;

const EXECUTOR: Lane = 1;
const ELSEWHERE: Lane = 2;

/// The lane of task #7 is 1007, because viewers show the number beside the name.
fn lane_of(task: TaskId) -> Lane {
    1000 + task.0
}

/// The file while it is written.
pub(super) struct Drawing {
    pub(super) text: String,
    began: Option<Instant>,
    /// Nanoseconds from `began` to the event that is drawn.
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

    pub(super) fn draw(&mut self, record: &Record, index: usize) {
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
                    // A wake of this main future is no wake of the next one.
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

    /// Draws a spawn or a wake. Its arrow is drawn with the poll that it leads to.
    fn cause(&mut self, verb: &'static str, task: TaskId, from: Lane, record: &Record) {
        let name = format!("{verb} {}", record.named(task));
        let seen = record.tasks.get(&task).filter(|_| verb == "spawn");
        let spawned_at = seen.and_then(|seen| seen.spawned_at.as_ref());
        let arg = spawned_at.map(|at| ("at", at as _));
        self.put("X", &name, from, self.time, arg);
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

    pub(super) fn end(&mut self) {
        self.time += 1;
        self.end_poll(None);
        self.end_park();
        self.text.push_str("\n],\"displayTimeUnit\":\"ns\"}\n");
    }

    /// Writes one event of the format. `phase` is the letter of its kind.
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
            // For this lane only.
            "i" => self.text.push_str(",\"s\":\"t\""),
            "s" => self.put_arrow(""),
            // The arrow ends at the poll that has just begun, not at the next one.
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
