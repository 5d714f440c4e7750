//! The panic hook: sees where a panic starts, before the stack unwinds.
//!
//! ```text
//! panic ─► hook: is a task being polled on this thread's stack?
//!            │ no:  the previous hook, as if candor were not there
//!            │ yes: a Record of message, place and frames; nothing is printed
//!            ▼
//!          unwinding
//!            ├─► candor catches it        `claim`: the record goes into the task's failure
//!            └─► the task itself does     `take_caught`: reported after the poll, marked `caught`
//!
//! panic that cannot unwind ─► hook: everything is printed at once, since the process is about to abort
//! ```
//!
//! std calls the hook with `can_unwind: false` when it is going to abort: for its own checks, and once more for a panic that
//! leaves a destructor during unwinding or an `extern "C"` function. In that case the hook calls no user code.
//!
//! The hook is installed once, and calls the hook that was there before. A hook that is set later replaces it.
//! Failures are then still reported, but without frames, and the report says why.
//!
//! Knows no task. It asks through [`Probe`] which task is being polled.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use crate::kernel::failure::account::{Account, Help};
use crate::kernel::failure::aside::{Behalf, behalf, note_place};
use crate::kernel::failure::join_error::Panic;
use crate::kernel::failure::lineage::Origin;
use crate::kernel::failure::records::{self, Identity, Polled, Record};
use crate::kernel::failure::reporter::{self, Reporter, reporter};
use crate::kernel::failure::text::payload_text;
use crate::kernel::failure::{FailureKind, Location, TaskFailure};

/// How the hook asks what runs on this thread.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// The task that is being polled, if any. Its executor will ask for caught panics after the poll.
    pub(crate) polled: fn() -> Option<Polled>,
    /// The tasks on this thread whose failure nobody has read. Calls no user code.
    pub(crate) unread: fn() -> Vec<Origin>,
}

static PROBE: OnceLock<Probe> = OnceLock::new();

/// Installs the reporter, and puts the hook in front of the present one. Only the first call has an effect.
#[inline]
pub(crate) fn install(probe: Probe, reporter: &'static dyn Reporter) {
    if PROBE.get().is_none() {
        install_first(probe, reporter);
    }
}

#[cold]
fn install_first(probe: Probe, reporter: &'static dyn Reporter) {
    reporter::install(reporter);
    if !thread::panicking() {
        return put_in_front(probe);
    }
    // A thread that is panicking cannot change the hook, but another thread can. That thread has to wait while a hook runs,
    // and the running hook may be the caller of this function. So this wait has a limit.
    let (done, is_done) = mpsc::channel();
    let other = thread::Builder::new().spawn(move || {
        put_in_front(probe);
        done.send(()).ok();
    });
    if other.is_ok() {
        is_done.recv_timeout(Duration::from_millis(500)).ok();
    }
}

/// The task that is being polled on this thread, if a panic here is its own.
pub(crate) fn polled() -> Option<Polled> {
    match behalf() {
        Behalf::Task => PROBE.get().and_then(|probe| (probe.polled)()),
        Behalf::Nobody | Behalf::Quoted => None,
    }
}

fn put_in_front(probe: Probe) {
    PROBE.get_or_init(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let polled = polled();
            let is_a_tasks = polled.is_some();
            let is_the_end = is_about_to_abort(info);
            if is_the_end {
                print_everything(info, polled, probe);
            } else if let Some(polled) = polled {
                records::push(record_of(info, polled));
            }
            match behalf() {
                Behalf::Quoted if !is_the_end => note_place(info),
                _ if is_a_tasks => {}
                _ => previous(info),
            }
        }));
        probe
    });
}

/// Whether std is about to abort; this text is the only sign. The `Debug` shows no payload, so no user code is called.
fn is_about_to_abort(info: &PanicHookInfo<'_>) -> bool {
    cfg!(panic = "abort") || format!("{info:?}").contains("can_unwind: false")
}

fn record_of(info: &PanicHookInfo<'_>, polled: Polled) -> Record {
    Record {
        executor: polled.executor,
        identity: Identity::of(info.payload()),
        polled,
        account: Account {
            message: payload_text(info.payload()).unwrap_or(NO_TEXT).to_owned(),
            location: info.location().map(Location::copied),
            backtrace: Some(Arc::new(Backtrace::force_capture())),
            ..Account::default()
        },
    }
}

const NO_TEXT: &str = "a value that is not text (panic_any)";

/// Prints what is recorded and what is unread, because the process is about to abort.
fn print_everything(info: &PanicHookInfo<'_>, polled: Option<Polled>, probe: Probe) {
    let last = polled.map(|polled| {
        let mut record = record_of(info, polled);
        record.account.help = Some(Help::ProcessAborts);
        // When std calls the hook a second time, the frames are already printed above.
        if format!("{info:?}").contains("force_no_backtrace: true") {
            record.account.backtrace = None;
        }
        record
    });
    let records = records::take_all().into_iter().chain(last);
    let failures = records
        .map(|record| failure_of(record, FailureKind::Panicked))
        .collect();
    // The hook may be called again before the process ends.
    static ARE_NAMED: AtomicBool = AtomicBool::new(false);
    let unread = match ARE_NAMED.swap(true, Ordering::Relaxed) {
        true => Vec::new(),
        false => (probe.unread)(),
    };
    reporter().last_words(failures, unread);
}

fn failure_of(record: Record, kind: FailureKind) -> TaskFailure {
    let Polled {
        origin, last_await, ..
    } = record.polled;
    TaskFailure::new(origin, kind, last_await, record.account)
}

/// Turns a caught payload into the panic of the task `caught_in`, and adds what the hook saw of it.
pub(crate) fn claim(payload: Box<dyn Any + Send>, caught_in: Polled) -> Panic {
    let identity = Identity::of(&*payload);
    let account = match records::claim(caught_in.executor, &identity) {
        Some(record) => record.account,
        None => Account {
            message: payload_text(&*payload).unwrap_or(NO_TEXT).to_owned(),
            help: Some(Help::NotSeen),
            ..Account::default()
        },
    };
    let mut record = Record {
        executor: caught_in.executor,
        polled: caught_in,
        identity,
        account,
    };
    if record.account.help.is_some()
        && let Some(caught) = records::reported_before(&record.identity)
    {
        record.account.help = None;
        record.account.location = caught.0.account.location.clone();
        record.account.passes_on = Some(caught);
    }
    Panic::new(failure_of(record, FailureKind::Panicked), payload)
}

/// Takes the next panic that a task of this executor has caught itself. They are taken one by one, because an abort prints
/// those that are left.
pub(crate) fn next_caught(executor: u64) -> Option<TaskFailure> {
    let record = records::pop(executor)?;
    let identity = record.identity.clone();
    let failure = failure_of(record, FailureKind::Caught);
    records::remember(identity, &failure);
    Some(failure)
}
