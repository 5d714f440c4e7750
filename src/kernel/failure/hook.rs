//! The panic hook: sees where a panic starts, before the stack unwinds.
//!
//! ```text
//! panic ─► hook: is a task being polled on this thread's stack?
//!            │ no:  the previous hook, as if candor were not there
//!            │ yes: a failure with message, place and frames is put on the list of its executor; nothing is printed
//!            ▼
//!          unwinding
//!            ├─► candor catches it        `claim`: it becomes the task's failure
//!            └─► the task itself does     `next_caught`: reported after the poll, marked `caught`
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
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel::failure::seen_panics::Identity;
use crate::kernel::failure::user_code::{behalf, note_place};
use crate::kernel::failure::{
    Account, Behalf, FailureKind, Help, Location, Origin, Panic, Reporter, TaskFailure, Unclaimed,
    payload_text, reporter,
};

/// How the hook asks what runs on this thread. Calls no user code.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// The task that is being polled, if any. Its executor will ask for caught panics after the poll.
    pub(crate) polled: fn() -> Option<Polled>,
    /// The panics that are not claimed yet, which are taken, and the tasks whose failure nobody has read.
    pub(crate) unreported: fn() -> (Vec<TaskFailure>, Vec<Origin>),
}

/// A task in its poll.
pub(crate) struct Polled {
    pub(crate) origin: Origin,
    /// The panics of its executor, whose loop will catch the panic.
    pub(crate) unclaimed: Rc<RefCell<Unclaimed>>,
}

impl Polled {
    /// Its panic.
    fn panic(&self, account: Account) -> TaskFailure {
        TaskFailure::new(self.origin.clone(), FailureKind::Panicked, account)
    }

    /// Keeps a panic until it is claimed, or is found to be caught.
    pub(crate) fn record(&self, payload: &(dyn Any + Send), account: Account) {
        let failure = self.panic(account);
        self.unclaimed.borrow_mut().push(payload, failure);
    }
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
    let installs = thread::Builder::new().spawn(move || put_in_front(probe));
    let limit = Instant::now() + Duration::from_millis(500);
    while installs.as_ref().is_ok_and(|thread| !thread.is_finished()) && Instant::now() < limit {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The task that is being polled on this thread, if a panic here is its own.
pub(crate) fn polled() -> Option<Polled> {
    let probe = PROBE.get().filter(|_| behalf() == Behalf::Task)?;
    (probe.polled)()
}

fn put_in_front(probe: Probe) {
    PROBE.get_or_init(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let polled = polled();
            let is_the_end = is_about_to_abort(info);
            match &polled {
                _ if is_the_end => print_everything(info, polled.as_ref(), probe),
                Some(polled) => polled.record(info.payload(), account_of(info, false)),
                None => {}
            }
            match behalf() {
                Behalf::Quoted if !is_the_end => note_place(info),
                _ if polled.is_some() => {}
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

fn account_of(info: &PanicHookInfo<'_>, is_the_end: bool) -> Account {
    // When std calls the hook a second time, the frames are already printed above.
    let is_second = is_the_end && format!("{info:?}").contains("force_no_backtrace: true");
    Account {
        message: message_of(info.payload()),
        location: info.location().map(Location::from),
        backtrace: (!is_second).then(|| Arc::new(Backtrace::force_capture())),
        help: is_the_end.then_some(Help::ProcessAborts),
        ..Account::default()
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload_text(payload);
    text.unwrap_or("a value that is not text (panic_any)")
        .to_owned()
}

/// Prints what is recorded and what is unread, because the process is about to abort.
fn print_everything(info: &PanicHookInfo<'_>, polled: Option<&Polled>, probe: Probe) {
    let (mut failures, unread) = (probe.unreported)();
    failures.extend(polled.map(|polled| polled.panic(account_of(info, true))));
    // The hook may be called again before the process ends.
    static ARE_NAMED: AtomicBool = AtomicBool::new(false);
    if !ARE_NAMED.swap(true, Ordering::Relaxed) {
        let failed = |origin| TaskFailure::new(origin, FailureKind::Failed, Account::default());
        failures.extend(unread.into_iter().map(failed));
    }
    reporter().last_words(&failures);
}

/// Turns a caught payload into the panic of the task `caught_in`, with what the hook saw of it.
pub(crate) fn claim(payload: Box<dyn Any + Send>, caught_in: &Polled) -> Panic {
    let identity = Identity::of(&*payload);
    let seen = caught_in.unclaimed.borrow_mut().claim(&identity);
    let failure = seen.unwrap_or_else(|| {
        let may_be_skipped = caught_in.unclaimed.borrow().skipped > 0;
        let not_seen = || Account {
            message: message_of(&*payload),
            help: Some(Help::NotSeen { may_be_skipped }),
            ..Account::default()
        };
        caught_in.panic(reporter().resumed(&*payload).unwrap_or_else(not_seen))
    });
    Panic::new(failure, payload)
}
