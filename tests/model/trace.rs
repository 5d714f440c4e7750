//! What happened, in the order in which it happened.
//!
//! A task is known by a number that it keeps; the main future is number 0. Times are virtual and count
//! from the start.
//!
//! Does not know how the events are made.

use std::fmt;
use std::time::Duration;

use candor::{FailureKind, GroupSummary};

pub type Number = usize;
pub type GroupNumber = usize;

/// The main future, which has no handle.
pub const MAIN: Number = 0;

#[derive(Clone, Debug)]
pub enum Event {
    // What the program does.
    Spawned(Number, Kind),
    /// The next thing that this task does is to fail, with this message.
    Fails(Number, String),
    /// The next thing that this task does is to panic, and to catch it.
    Catches(Number, String),
    /// It is about to return a value.
    Returns(Number),
    Aborted(Number),
    /// Its handle is dropped.
    LetGo(Number),
    /// Its handle is leaked.
    Forgotten(Number),
    Exits,
    GroupMade(GroupNumber, Group),
    GroupCancelled(GroupNumber),
    /// The failures of a collecting group that were not handed out are let go; so are those to come.
    GroupLetGo(GroupNumber),
    /// The group, or the future of its `join`, is dropped.
    GroupDropped(GroupNumber),

    // What the executor does.
    Polled(Number),
    /// Its future is dropped.
    Dropped(Number),
    Delivered(Number, Delivered),
    Reported(Report),
    ValueDropped(Number),
    /// `join` is done. What failed has been delivered before, if the group is linked.
    GroupJoined(GroupNumber, Option<GroupSummary>),

    // Control.
    /// An entry point or the executor's destructor has returned, or the host has done a step of its own.
    ControlReturns,
    /// The executor is about to be dropped, and it has counted this many failures.
    ExecutorEnds {
        failures: u64,
    },

    /// A task was found waiting for something that has happened.
    WaitsInVain(Number, String),
}

/// How a task was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// Through a `Remote`, by the executor's own thread.
    Remote,
    /// Submitted to the pool, or made by it of an input.
    Pooled,
    Member(GroupNumber),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Linked,
    Independent,
    /// Independent, and its failures are handed out.
    Collecting,
}

/// What the holder of the handle got.
#[derive(Clone, Debug)]
pub enum Delivered {
    Value(Number),
    Failure(String),
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub of: Number,
    pub kind: FailureKind,
    pub message: String,
    /// Whether the text names the task whose failure was passed on.
    pub names_its_cause: bool,
}

#[derive(Debug)]
pub struct Trace {
    pub grace: Duration,
    pub events: Vec<(Duration, Event)>,
}

/// The message of a task that fails because it passes on the failure of another.
pub fn message_of_passing(number: Number, cause: Number) -> String {
    format!("t{number} passes on t{cause}")
}

/// The task whose failure was passed on, if `message` says so.
pub fn cause_in(message: &str) -> Option<&str> {
    message.split_once(" passes on ").map(|(_, cause)| cause)
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the trace, with a grace of {:?}:", self.grace)?;
        for (at, event) in &self.events {
            writeln!(f, "   {at:?} {event:?}")?;
        }
        Ok(())
    }
}
