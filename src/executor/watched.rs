//! The loop's steps as they are done when somebody looks: with a word to the instruments, and with wakers that
//! are counted.
//!
//! Knows what the loop knows.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Main, wake_guarded};
use crate::core::Core;
use crate::key::{Key, MAIN_SLOT};
use crate::parking;
use crate::task::{AfterPoll, AnyTask};
use crate::waker::{self, counted};

#[cold]
pub(super) fn poll_task(core: &Core, task: &Rc<AnyTask>, key: Key) -> AfterPoll {
    core.note_turn(false);
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
            core.note_turn(is_polled);
            after
        }
    }
}

#[cold]
pub(super) fn poll_main(core: &Core, main: &mut Main<'_>) -> Poll<()> {
    core.note_turn(false);
    told(core, core.key_of(MAIN_SLOT, 0), true, main)
}

/// Tells of a poll, unless what looks like one is not: then an aborted future is dropped.
fn told<R>(
    core: &Core,
    key: Key,
    is_polled: bool,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    // As with the ordinary waker, its drop is to do nothing: only its clones are counted.
    let waker = ManuallyDrop::new(counted::waker_of(key));
    let cx = &mut Context::from_waker(&waker);
    if !is_polled {
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
    if !core.inbox.has_mail() {
        return;
    }
    let mut woken = Vec::new();
    core.inbox.drain(|slot| woken.push(slot));
    for slot in woken {
        core.wake_watched(slot, None);
    }
}

/// Parks, and tells it.
#[cold]
pub(super) fn park(core: &Rc<Core>, timeout: Option<Duration>) {
    core.tell(|instrument, at| instrument.park_begin(at, timeout));
    // An instrument may have spawned or woken somebody, or left a failure to be reported.
    if !core.slots.borrow().has_ready() && !core.attention.get() {
        parking::park(core, timeout);
    }
    core.tell(|instrument, at| instrument.park_end(at));
}
