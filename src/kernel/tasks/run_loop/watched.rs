//! The loop's steps as they are done when somebody looks: with a word to the instruments, and with wakers that
//! are counted.
//!
//! Knows what the loop knows.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::kernel::tasks::core::{Core, Stop};
use crate::kernel::tasks::key::{Key, MAIN_SLOT};
use crate::kernel::tasks::run_loop::{Main, wake_guarded};
use crate::kernel::tasks::task::{AfterPoll, AnyTask};
use crate::kernel::tasks::waker;
use crate::kernel::tasks::waker::counted;
use crate::watch::stall;

#[cold]
pub(super) fn poll_task(core: &Core, task: &Rc<AnyTask>, key: Key) -> AfterPoll {
    core.note_turn();
    let is_polled = !task.header().is_aborted.get();
    let after = told(core, key, is_polled, |cx| {
        match task.poll(cx, &core.noted_await) {
            AfterPoll::Wait => Poll::Pending,
            after => Poll::Ready(after),
        }
    });
    match after {
        Poll::Pending => AfterPoll::Wait,
        Poll::Ready(after) => {
            core.note_turn();
            after
        }
    }
}

#[cold]
pub(super) fn poll_main(core: &Core, main: &mut Main<'_>) -> Poll<()> {
    core.note_turn();
    told(core, core.main_key(), true, main)
}

/// Tells of a poll, unless there is nobody to tell, or what looks like a poll is not: then an aborted future is dropped.
fn told<R>(
    core: &Core,
    key: Key,
    is_polled: bool,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    // As with the ordinary waker, its drop is to do nothing: only its clones are counted.
    let waker = ManuallyDrop::new(counted::waker_of(key));
    let cx = &mut Context::from_waker(&waker);
    if !is_polled || !core.has_instruments() {
        return poll(cx);
    }
    core.with_view(key.slot(), |task| {
        core.tell(|instrument, at| instrument.poll_begin(at, task));
    });
    let polled = catch_unwind(AssertUnwindSafe(|| poll(cx)));
    let end = match polled {
        Ok(Poll::Pending) => Poll::Pending,
        _ => Poll::Ready(()),
    };
    if key.slot() == MAIN_SLOT
        && let Some(noted) = core.noted_await.get()
    {
        core.main_last_await.set(Some(noted));
    }
    core.with_view(key.slot(), |task| {
        core.tell(|instrument, at| instrument.poll_end(at, task, end));
    });
    polled.unwrap_or_else(|payload| resume_unwind(payload))
}

/// Tells of a timer, then wakes whom it was set for.
#[cold]
pub(super) fn fire(core: &Core, sleeper: Waker) {
    let key = waker::key_of(&sleeper);
    let is_known = match key.executor() == core.number && key != Key::NOBODY {
        true => core.with_view(key.slot(), |task| {
            core.tell(|instrument, at| instrument.timer(at, Some(task)));
        }),
        false => None,
    };
    if is_known.is_none() {
        core.tell(|instrument, at| instrument.timer(at, None));
    }
    core.on_behalf_of_timer(|| wake_guarded(sleeper));
}

/// Delivers what has come from other threads, and tells it.
#[cold]
pub(super) fn deliver_mail(core: &Core) {
    let mut woken = Vec::new();
    core.inbox.drain(|slot| woken.push(slot));
    for slot in woken {
        core.wake_watched(slot, None);
    }
}

/// A park that is under way.
pub(super) struct Parked {
    /// When the present wait began.
    began: Instant,
    /// For how long at most, if nothing may ever come: then it is looked into now and then.
    patience: Option<Duration>,
}

/// Says that the thread is about to park, and for how long. It does not if it is certain that nothing will ever come.
#[cold]
pub(super) fn begin_park(
    core: &Rc<Core>,
    timeout: Option<Duration>,
    has_main: bool,
) -> Option<(Parked, Option<Duration>)> {
    core.tell(|instrument, at| instrument.park_begin(at, timeout));
    let detects_stalls = (core.config.watch.as_ref()).is_some_and(|watch| watch.detects_stalls);
    let patience = (timeout.is_none() && detects_stalls).then(|| stall::patience(core));
    // An instrument may have spawned or woken somebody, or left a failure to be reported.
    let is_called = core.slots.borrow().has_ready() || core.attention.get();
    if is_called || (patience.is_some() && is_proven(core, has_main)) {
        core.tell(|instrument, at| instrument.park_end(at));
        return None;
    }
    let began = Instant::now();
    Some((Parked { began, patience }, timeout.or(patience)))
}

/// Says that the thread runs again; or gives the time for which it parks once more, since nothing has come.
///
/// Dropping the last waker without a wake ends no park: hence the looks in between.
#[cold]
pub(super) fn end_park(core: &Rc<Core>, parked: &mut Parked, has_main: bool) -> Option<Duration> {
    if let Some(patience) = parked.patience
        && !core.inbox.has_mail()
        && parked.began.elapsed() >= patience
        && !is_proven(core, has_main)
    {
        let watch = core.config.watch.as_ref();
        if watch.is_some_and(|watch| !watch.has_warned.replace(true)) {
            // The logger is user code, and may have changed anything.
            stall::suspect(core, has_main);
        }
        if !core.slots.borrow().has_ready() && !core.attention.get() {
            parked.began = Instant::now();
            return Some(patience);
        }
    }
    core.tell(|instrument, at| instrument.park_end(at));
    None
}

/// Stops the executor if it is certain that nobody is left who could wake anybody.
fn is_proven(core: &Rc<Core>, has_main: bool) -> bool {
    let is_proven = is_stalled(core);
    if is_proven {
        core.stop_for(Stop::Stall(stall::proof(core, has_main)));
    }
    is_proven
}

/// Whether nobody is left who could wake anybody. Only where nothing is ready and no deadline is set.
///
/// Wakers in the `Context` of a poll are not counted, but no poll is running. A timer that lies further off than
/// the clock can say is no deadline, but holds a waker.
fn is_stalled(core: &Core) -> bool {
    // In this order: who has let go has published its wakes before.
    let is_unreachable = core.inbox.holders() == 0 && !core.has_remotes() && !core.inbox.has_mail();
    // A wake that met another one under way has left the rest to it, and that may be of a waker that is not counted: a
    // stale one, of an earlier executor with this number.
    let is_asked_for = || {
        let slots = core.slots.borrow();
        let mut tasks = slots.iter().map(|(task, _)| task.header().slot.get());
        core.inbox.is_asked_for(MAIN_SLOT) || tasks.any(|slot| core.inbox.is_asked_for(slot))
    };
    is_unreachable && !is_asked_for()
}
