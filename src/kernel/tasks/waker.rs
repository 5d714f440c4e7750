//! A waker is a number: the key of a task, where others have a pointer to it.
//!
//! ```text
//!                      ┌─ this thread runs the key's executor ──► slots: queue the task
//! wake(key) ──────────►│
//!                      └─ any other thread, or executor ────────► inbox: set the bit, push, unpark
//! ```
//!
//! Cloning copies the number and dropping forgets it: no count, no atomic operation, nothing to leak,
//! and nothing that could be used after it was freed.
//!
//! Executors that somebody looks at give their tasks wakers of another kind, which are `counted`.
//!
//! Knows keys, the current executor and the inboxes.

pub(crate) mod counted;

use std::cell::Cell;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::kernel::tasks::current;
use crate::kernel::tasks::foreign::Foreign;
use crate::kernel::tasks::inbox::Inbox;
use crate::kernel::tasks::key::Key;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, forget);

/// The waker of the task that `key` names.
#[inline]
pub(crate) fn waker_of(key: Key) -> Waker {
    // SAFETY: The contract of `RawWaker` is about the data that the functions of the table are given.
    // They take the address of the pointer as a number and never read through it, so they are sound for
    // any data, from any thread, at any time, in any number of copies.
    unsafe { Waker::new(word(key), &VTABLE) }
}

/// What a waker stands for; a foreign one for nobody.
#[inline]
pub(crate) fn key_of(waker: &Waker) -> Key {
    let is_ours = std::ptr::eq(waker.vtable(), &VTABLE) || counted::is_ours(waker);
    let bits = waker.data().addr() as u64;
    Key::from_bits(if is_ours { bits } else { Key::NOBODY.to_bits() })
}

fn word(key: Key) -> *const () {
    std::ptr::without_provenance(key.to_bits() as usize)
}

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    let key = Key::from_bits(data.addr() as u64);
    if !current::wake(key) {
        wake_elsewhere(key);
    }
}

#[inline(never)]
fn wake_elsewhere(key: Key) {
    if let Some(inbox) = Inbox::of(key.executor()) {
        inbox.wake(key.slot());
    }
}

fn forget(_data: *const ()) {}

/// Who waits for something of candor's own, on this thread: at most one.
#[derive(Default)]
pub(crate) struct Waiting {
    waiter: Cell<Option<Waiter>>,
    /// Whoever waits has let others run.
    has_waited: Cell<bool>,
}

enum Waiter {
    /// A task of the executor that runs here. Its number is no waker that a stall would have to count.
    Task(Key),
    Foreign(Foreign),
}

impl Waiting {
    /// Looks whether it is there, whatever is waited for; else the waker will be called by [`wake`](Waiting::wake).
    ///
    /// A task that finds very many things there in one poll is made to wait for its next turn.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, is_there: impl Fn() -> bool) -> Poll<()> {
        if is_there() && !self.has_waited.get() && current::is_spent(cx) {
            return Poll::Pending;
        }
        let poll = self.poll_uncounted(cx, is_there);
        self.has_waited.set(poll.is_pending());
        poll
    }

    /// The same for what is no await of its own.
    pub(crate) fn poll_uncounted(
        &self,
        cx: &mut Context<'_>,
        is_there: impl Fn() -> bool,
    ) -> Poll<()> {
        // While a waker of others is cloned, anything may happen: hence the second look.
        match is_there() || (self.keep(cx.waker()) && is_there()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Whether that ran user code.
    fn keep(&self, waker: &Waker) -> bool {
        let key = key_of(waker);
        let is_here = current::with(|core| core.number == key.executor()) == Some(true);
        let is_task = is_here && key != Key::NOBODY;
        if !is_task && self.will_wake(waker) {
            return false;
        }
        // Should the clone panic, the former waiter is still there.
        let waiter = match is_task {
            true => Waiter::Task(key),
            false => Waiter::Foreign(Foreign::of(waker)),
        };
        drop(self.waiter.replace(Some(waiter)));
        !is_task
    }

    /// Whether this waker of others is kept already.
    fn will_wake(&self, waker: &Waker) -> bool {
        let waiter = self.waiter.take();
        let is_known = matches!(&waiter, Some(Waiter::Foreign(known)) if known.will_wake(waker));
        self.waiter.set(waiter);
        is_known
    }

    pub(crate) fn wake(&self) {
        match self.waiter.take() {
            None => {}
            Some(Waiter::Task(key)) => wake_watched(key),
            Some(Waiter::Foreign(waker)) => waker.wake(),
        }
    }
}

/// Wakes the task of `key`, and tells instruments of it.
fn wake_watched(key: Key) {
    match current::get() {
        Some(core) if core.number == key.executor() => core.wake_by_key(key),
        _ => wake_elsewhere(key),
    }
}
