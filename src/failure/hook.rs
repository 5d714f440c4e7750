//! The panic hook: sees where a panic starts, before the stack unwinds.
//!
//! ```text
//! panic ─► hook: is a task being polled on this thread's stack?
//!            │ no:  the previous hook, as if candor were not there
//!            │ yes: a Record of message, place and frames; nothing is printed
//!            ▼
//!          unwinding
//!            ├─► candor catches it        `claim`: the record goes into the task's failure
//!            ├─► the task itself does     `take_caught`: told after the poll, marked `caught`
//!            └─► it cannot go on (abort)  the hook is called again, and finds the record unclaimed
//! ```
//!
//! The last case is why a second panic prints at once every record that is still unclaimed: there may
//! be no later. It happens in a process that is about to die, so no user code is called for it.
//!
//! The hook is installed once and hands on to whatever was there. A hook that is set later replaces it;
//! then failures are still told, without frames, and the report says why.
//!
//! Knows no task; who is being polled it asks through [`Probe`].

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, OnceLock};

use super::account::{Account, Cause};
use super::join_error::Panic;
use super::lineage::Origin;
use super::report;
use super::text::payload_text;
use super::{FailureKind, LastAwait, Location, TaskFailure};

/// How the hook asks what runs on this thread.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// The task that is being polled, if any; its executor will ask for caught panics after the poll.
    pub(crate) polled: fn() -> Option<Polled>,
    /// The failures on this thread that nobody has read, a line each. Calls no user code.
    pub(crate) unread: fn() -> Vec<String>,
}

/// A task in its poll.
pub(crate) struct Polled {
    /// The serial number of its executor, whose loop will catch the panic.
    pub(crate) executor: u64,
    pub(crate) origin: Origin,
    pub(crate) last_await: Option<LastAwait>,
}

/// What the hook saw of a panic.
struct Record {
    polled: Polled,
    message: String,
    location: Option<Location>,
    backtrace: Option<Arc<Backtrace>>,
    causes: Vec<Cause>,
    printed: bool,
}

static PROBE: OnceLock<Probe> = OnceLock::new();

thread_local! {
    /// Panics seen and not yet claimed, oldest first. Never dropped, so that it can be used in the
    /// destructors of other thread-locals; it is empty whenever no task is being polled.
    static RECORDS: RefCell<ManuallyDrop<Vec<Record>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// Puts the hook in front of the present one, the first time it is called.
#[inline]
pub(crate) fn install(probe: Probe) {
    // The hook cannot be changed by a thread that is panicking; the next executor will do it.
    if PROBE.get().is_some() || std::thread::panicking() {
        return;
    }
    PROBE.get_or_init(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !recorded(info) {
                previous(info);
            }
        }));
        probe
    });
}

/// Makes a record of the panic, if it is a task's.
fn recorded(info: &PanicHookInfo<'_>) -> bool {
    let Some(probe) = PROBE.get() else {
        return false;
    };
    let Some(polled) = (probe.polled)() else {
        return false;
    };
    let record = Record {
        polled,
        message: message_of_hook(info),
        location: info.location().map(Location::copied),
        backtrace: Some(Arc::new(Backtrace::force_capture())),
        causes: Vec::new(),
        printed: false,
    };
    RECORDS.with_borrow_mut(|records| {
        let may_be_the_last = !records.is_empty() || cfg!(panic = "abort");
        records.push(record);
        if may_be_the_last {
            print_everything(records, probe);
        }
    });
    true
}

fn message_of_hook(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or(NO_TEXT).to_owned()
}

const NO_TEXT: &str = "a value that is not text (panic_any)";

/// Straight to stderr: a logger is user code, and this may be the process's last act.
fn print_everything(records: &mut [Record], probe: &Probe) {
    let mut text = String::new();
    let is_first_time = records.iter().all(|record| !record.printed);
    for record in records.iter_mut().filter(|record| !record.printed) {
        record.printed = true;
        let failure = failure_of(record, FailureKind::Panicked);
        text.push_str(&format!("{}\n", failure.report()));
    }
    // A panic that aborts calls the hook once more, and once is enough for those.
    if is_first_time {
        (probe.unread)()
            .iter()
            .for_each(|line| text.push_str(&format!("{line}\n")));
    }
    std::io::stderr().write_all(text.as_bytes()).ok();
}

fn failure_of(record: &mut Record, kind: FailureKind) -> TaskFailure {
    let account = Account {
        message: record.message.clone(),
        location: record.location.clone(),
        backtrace: record.backtrace.clone(),
        help: None,
        causes: std::mem::take(&mut record.causes),
    };
    let Polled {
        origin, last_await, ..
    } = &record.polled;
    let failure = TaskFailure::new(origin.clone(), kind, *last_await, account);
    if record.printed {
        failure.set_printed();
    }
    failure
}

const NO_RECORD: &str = "no backtrace: this panic did not pass candor's panic hook. Either it was raised by \
                         resume_unwind, or the program has set another hook (std::panic::set_hook) since it first \
                         used candor; set that one first";

/// Turns a caught payload into the panic of the task `caught_in`, with what the hook saw of it.
///
/// A payload that never passed the hook must not take the record of another panic: the task may have
/// caught that one itself. So the message decides.
pub(crate) fn claim(payload: Box<dyn Any + Send>, caught_in: Polled) -> Panic {
    let message = payload_text(&*payload).unwrap_or(NO_TEXT);
    let record = RECORDS.with_borrow_mut(|records| {
        let newest = records.iter().rposition(|record| {
            record.polled.executor == caught_in.executor && record.message == message
        })?;
        let record = records.remove(newest);
        free_if_empty(records);
        Some(record)
    });
    let failure = match record {
        Some(mut record) => {
            record.polled = caught_in;
            failure_of(&mut record, FailureKind::Panicked)
        }
        None => {
            let account = Account {
                message: message.to_owned(),
                help: Some(NO_RECORD),
                ..Account::default()
            };
            let Polled {
                origin, last_await, ..
            } = caught_in;
            TaskFailure::new(origin, FailureKind::Panicked, last_await, account)
        }
    };
    Panic::new(failure, payload)
}

/// Takes the panics that tasks of this executor have caught themselves, save those already printed.
pub(crate) fn take_caught(executor: u64) -> Vec<TaskFailure> {
    RECORDS.with_borrow_mut(|records| {
        let mut caught: Vec<Record> = records
            .extract_if(.., |record| record.polled.executor == executor)
            .collect();
        free_if_empty(records);
        caught
            .iter_mut()
            .filter(|record| !record.printed)
            .map(|record| failure_of(record, FailureKind::Caught))
            .collect()
    })
}

/// Gives the memory back, because nobody else will: the list is never dropped.
fn free_if_empty(records: &mut Vec<Record>) {
    if records.is_empty() {
        *records = Vec::new();
    }
}

/// Prepares for the panic of `failure` to be resumed here: its record comes back, or, outside every
/// task, it is told now.
pub(crate) fn reinstate(failure: TaskFailure) {
    let polled = PROBE.get().and_then(|probe| (probe.polled)());
    match polled {
        None if failure.is_reported() => {}
        None => report::print(log::Level::Error, &failure.report()),
        Some(polled) => {
            let record = Record {
                polled,
                message: failure.message().to_owned(),
                location: failure.location(),
                backtrace: failure.shared_backtrace().cloned(),
                causes: vec![Cause::Failure(failure)],
                printed: false,
            };
            RECORDS.with_borrow_mut(|records| records.push(record));
        }
    }
}
