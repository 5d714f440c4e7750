//! A waker is a number: the key of a task. Other crates use a pointer to the task.
//!
//! ```text
//!                      ┌─ this thread runs the key's executor ──► slots: queue the task
//! wake(key) ──────────►│
//!                      └─ any other thread, or executor ────────► inbox: set the bit, push, unpark
//! ```
//!
//! Cloning copies the number, and dropping forgets it. So there is no count, no atomic operation, nothing to leak, and
//! nothing that could be used after it was freed.
//!
//! An executor with an observer gives its tasks *counted* wakers: the same numbers with another table of functions. The
//! inbox counts their clones, so that it is known when no waker is left anywhere. A wake that queues a task
//! is an event for the observer.
//!
//! ```text
//! Context of a poll ──clone──► +1 ──clone──► +1        the waker in the Context is not counted:
//!                              │              │        it lives no longer than the poll
//!                              ▼ drop: -1     ▼ wake: publish, then -1
//! ```
//!
//! With the count, an executor can prove that nothing will ever wake it. And its number is given to another executor only when no
//! waker is left. The count has nothing to do with memory.
//!
//! Knows keys, the current executor and the inboxes.
//!
//! Lesson 4 of the course builds a small one.

use std::mem::ManuallyDrop;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::kernel::tasks::inbox::Inbox;
use crate::kernel::tasks::{Core, Event, Key, current_executor};

static PLAIN: RawWakerVTable = RawWakerVTable::new(
    |data| RawWaker::new(data, &PLAIN),
    wake_plainly,
    wake_plainly,
    |_| (),
);

static COUNTED: RawWakerVTable =
    RawWakerVTable::new(clone, wake_and_drop, |data| wake(key(data)), release);

/// The table of the wakers of an executor, which are counted if it has an observer.
pub(crate) fn table(is_counted: bool) -> &'static RawWakerVTable {
    match is_counted {
        true => &COUNTED,
        false => &PLAIN,
    }
}

/// The waker of the task that `key` names, for the `Context` of its poll. `ManuallyDrop`: the drop of a plain waker does
/// nothing, which the compiler cannot know, and this first one of the counted wakers is not counted.
pub(crate) fn waker_of(key: Key, table: &'static RawWakerVTable) -> ManuallyDrop<Waker> {
    let data = std::ptr::without_provenance(key.0 as usize);
    // SAFETY: The contract of `RawWaker` is about the data that the functions of the table are given.
    // They take the address of the pointer as a number and never read through it, so they are sound for
    // any data, from any thread, at any time, in any number of copies.
    // Test: a_waker_of_candors_is_known_by_its_key_whether_it_is_counted_or_not.
    ManuallyDrop::new(unsafe { Waker::new(data, table) })
}

/// The key that a waker stands for; [`Key::NOBODY`] for a foreign one.
pub(crate) fn key_of(waker: &Waker) -> Key {
    let ours = std::ptr::eq(waker.vtable(), &PLAIN) || std::ptr::eq(waker.vtable(), &COUNTED);
    if ours { key(waker.data()) } else { Key::NOBODY }
}

/// The key that the data of a waker stand for.
pub(crate) fn key(data: *const ()) -> Key {
    Key(data.addr() as u64)
}

fn wake_plainly(data: *const ()) {
    let key = key(data);
    let woken = current_executor::with(|core| {
        let is_here = core.number == key.executor();
        let _ = is_here && core.slots.wake(key.slot(), key.generation());
        is_here
    });
    if woken != Some(true) {
        wake_elsewhere(key);
    }
}

#[inline(never)]
fn wake_elsewhere(key: Key) {
    if let Some(inbox) = Inbox::of(key.executor()) {
        inbox.wake(key.slot());
    }
}

/// Wakes the task of `key`, and reports that to an observer.
pub(crate) fn wake(key: Key) {
    match current_executor::get() {
        Some(core) if core.number == key.executor() => core.wake(key),
        _ => wake_elsewhere(key),
    }
}

impl Core {
    /// Queues the task of this key, and reports that to an observer.
    #[inline]
    pub(crate) fn wake(&self, key: Key) {
        if self.slots.wake(key.slot(), key.generation()) {
            self.say(|| Event::Woken(key.slot()));
        }
    }
}

fn clone(data: *const ()) -> RawWaker {
    if let Some(inbox) = Inbox::of(key(data).executor()) {
        inbox.hold();
    }
    RawWaker::new(data, &COUNTED)
}

fn wake_and_drop(data: *const ()) {
    wake(key(data));
    // Only now: an executor that finds no waker left must be able to find the wake.
    release(data);
}

fn release(data: *const ()) {
    if let Some(inbox) = Inbox::of(key(data).executor()) {
        inbox.release();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;
    use std::rc::Rc;

    use super::*;
    use crate::kernel::tasks::{Config, Entered, Task};

    #[test]
    fn a_plain_waker_queues_its_task_where_its_executor_runs_and_leaves_mail_elsewhere() {
        let core = Rc::new(Core::new(Config::default()));
        let make = |header| Task::new(header, async {});
        core.spawn(Location::caller(), core.parentage(), false, make);
        core.slots.next_ready();
        let waker = waker_of(Key::new(core.number, 0, 1), table(false));

        waker.wake_by_ref();
        assert!(core.inbox.has_mail() && !core.slots.is_queued(1));
        core.inbox.drain(|slot| assert_eq!(slot, 1));

        let entered = Entered::again(&core);
        waker.wake_by_ref();
        assert!(core.slots.is_queued(1) && !core.inbox.has_mail());
        drop(entered);
    }

    #[test]
    fn a_waker_of_candors_is_known_by_its_key_whether_it_is_counted_or_not() {
        for is_counted in [false, true] {
            let waker = waker_of(Key::new(7, 8, 9), table(is_counted));
            assert!(key_of(&waker) == Key::new(7, 8, 9));
        }
        assert!(key_of(Waker::noop()) == Key::NOBODY);
    }
}
