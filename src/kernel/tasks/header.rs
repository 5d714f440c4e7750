//! The part of a task that does not depend on the type of its future.
//!
//! Knows failures and keys, but no executor and no queue. A waker is only something to call.

use std::cell::Cell;
use std::task::Waker;

use crate::kernel::failure::{Ancestor, AwaitKind, LastAwait, Named, OriginOf, Site, TaskId};
use crate::kernel::tasks::{Counted, Foreign, Joiner, Key, Parentage};

/// What is known of every task, whatever its future is.
///
/// Three of its flags say how far the two sides are. The fourth, `is_aborted`, is a request of the handle's side:
///
/// | finished | detached | consumed | |
/// |---|---|---|---|
/// | no | no | no | the future runs, and may be joined |
/// | no | yes | no | it runs by itself: a failure will be reported at once |
/// | yes | no | no | the outcome waits for the handle, a failure as long as its grace |
/// | yes | no | yes | the handle has the outcome |
/// | yes | yes | no | nobody awaited it: a failure has been reported, or is about to be |
/// | yes | yes | yes | the handle was awaited, then dropped |
pub(crate) struct Header {
    pub(crate) id: TaskId,
    pub(crate) spawned_at: Site,
    pub(crate) spawned_by: Counted<Parentage>,
    /// The two halves of the last await. They are apart, so that the kind fits between the flags.
    pub(crate) awaited_at: Cell<Option<Site>>,
    pub(crate) awaited: Cell<AwaitKind>,
    /// Whoever awaits the handle.
    pub(crate) joiner: Cell<Joiner>,
    /// Set when the task is put into the table.
    pub(crate) slot: Cell<u32>,
    pub(crate) polls: Cell<u32>,
    pub(crate) is_daemon: bool,
    /// No handle is left that could read the outcome.
    pub(crate) is_detached: Cell<bool>,
    /// The outcome has been given to the handle.
    pub(crate) is_consumed: Cell<bool>,
    /// The handle's request to drop the future instead of polling it again.
    pub(crate) is_aborted: Cell<bool>,
    /// The future is done or dropped, and has left the table.
    pub(crate) is_finished: Cell<bool>,
}

impl Header {
    #[inline]
    pub(crate) fn new(
        id: TaskId,
        spawned_at: Site,
        spawned_by: Counted<Parentage>,
        is_daemon: bool,
    ) -> Self {
        Header {
            id,
            spawned_at,
            spawned_by,
            awaited_at: Cell::new(None),
            awaited: Cell::new(AwaitKind::JOIN),
            joiner: Cell::new(Joiner::Task(Key::NOBODY)),
            slot: Cell::new(0),
            polls: Cell::new(0),
            is_daemon,
            is_detached: Cell::new(false),
            is_consumed: Cell::new(false),
            is_aborted: Cell::new(false),
            is_finished: Cell::new(false),
        }
    }

    /// Lets `waker`, which stands for `key`, be woken when this task is done. For a task of the same executor the key is enough.
    pub(crate) fn set_joiner(&self, key: Key, waker: &Waker) {
        match key.executor() == self.spawned_by.number && key != Key::NOBODY {
            true => self.joiner.set(Joiner::Task(key)),
            false => self.set_foreign_joiner(waker),
        }
    }

    /// For the waker of a `FuturesUnordered`, or of another executor. The waker of the last poll wins.
    #[inline(never)]
    fn set_foreign_joiner(&self, waker: &Waker) {
        let former = self.take_joiner();
        let is_known = matches!(&former, Joiner::Listener(listener) if listener.will_wake(waker));
        self.joiner.set(former);
        if !is_known {
            // If the clone panics, the former joiner is still there.
            let joiner = Foreign(waker.clone());
            self.joiner.set(Counted::new(|| joiner).for_joiner());
        }
        // While the waker was cloned, the task may have finished.
        if self.is_finished.get() {
            self.take_joiner();
        }
    }

    /// Called when a handle is polled whose task is done, but whose outcome is not there.
    pub(crate) fn wait_for_report(&self, waker: &Waker) {
        assert!(
            !self.is_consumed.get(),
            "the JoinHandle of {} was polled after it had given its outcome; it can be awaited once",
            Named(self.id, self.name()),
        );
        // Its failure is being reported right now, further up the stack.
        waker.wake_by_ref();
    }

    pub(crate) fn take_joiner(&self) -> Joiner {
        self.joiner.replace(Joiner::Task(Key::NOBODY))
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.spawned_by.name.as_deref()
    }

    /// The `.await` at which the task last waited, as far as candor's own futures could see.
    pub(crate) fn last_await(&self) -> Option<LastAwait> {
        let at = self.awaited_at.get()?;
        let what = self.awaited.get();
        Some(LastAwait { what, at })
    }

    pub(crate) fn as_ancestor(&self) -> Ancestor {
        Ancestor {
            id: self.id,
            name: self.spawned_by.name.clone(),
            spawned_at: self.spawned_at,
        }
    }

    pub(crate) fn origin(&self) -> OriginOf<'_> {
        OriginOf {
            id: self.id,
            name: self.spawned_by.name.as_ref(),
            spawned_at: self.spawned_at,
            spawned_by: self.spawned_by.lineage(),
            last_await: self.last_await(),
        }
    }
}

// One word more, and a small task with a small future is no longer served from malloc's fast lists.
const _: () = assert!(size_of::<Joiner>() == 16 && size_of::<Header>() == 64);
