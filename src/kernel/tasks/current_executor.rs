//! Which executor runs on this thread. And how many of candor's own futures a poll may find ready: each of them asks here.
//!
//! Executors nest: a task may call `block_on`, and then the inner executor is the current one until `block_on`
//! returns. Each executor knows the one around it.
//!
//! ```text
//! CURRENT ──► inner core ──outer──► outer core ──outer──► none
//! ```
//!
//! The thread-local is const-initialized and needs no destructor. So it also works while a thread
//! ends: the destructor of another thread-local may wake a task, and may run an executor.
//!
//! Knows the core.

use std::cell::RefCell;
use std::iter;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::task::Context;

use crate::kernel::failure::{
    AwaitKind, Behalf, Entry, JoinError, LastAwait, Polled, Site, act_for,
};
use crate::kernel::tasks::{Core, Running};

/// How many of candor's own futures a poll may find ready before the task has to wait for its next turn.
const READY_A_POLL: u32 = 128;

thread_local! {
    /// `ManuallyDrop`: so it needs no destructor. [`Entered`] puts a core in, and takes it out again.
    static CURRENT: RefCell<Option<ManuallyDrop<Rc<Core>>>> = const { RefCell::new(None) };
}

/// Calls `f`, which must not run user code, with the executor that runs on this thread.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Rc<Core>) -> R) -> Option<R> {
    // Not `with_borrow`, which std does not let the compiler inline: that doubles the cost of a wake (measured).
    let found = CURRENT.try_with(|current| current.borrow().as_deref().map(f));
    found.ok().flatten()
}

/// The executor that runs on this thread, if any.
#[inline]
pub(crate) fn get() -> Option<Rc<Core>> {
    with(Rc::clone)
}

/// Notes that the current task waits at this `.await`.
#[inline]
pub(crate) fn note_await(what: AwaitKind, at: Site) {
    with(|core| core.polling.noted_await.set(Some(LastAwait { what, at })));
}

/// Notes that what runs here has read a failure, if this is one. A cancellation is none.
#[inline]
pub(crate) fn note_reading<T, E>(outcome: &Result<T, JoinError<E>>) {
    if let Err(JoinError::Failed(..) | JoinError::Panicked(_)) = outcome {
        with(|core| core.failures.reader.set(core.polling.running.get()));
    }
}

/// Counts one of candor's own futures that was ready without a wait. Returns whether there were so many in this poll that the
/// task has to let others run. If so, it is woken, and goes on at its next turn.
pub(crate) fn is_spent(cx: &Context<'_>) -> bool {
    let is_spent = with(|core| {
        let found = core.polling.found_ready.get();
        let is_spent = found == READY_A_POLL && core.polling.running.get() != Running::Nobody;
        // It stays spent until the poll ends: otherwise what is polled next, in a `select!` say, would go on at once. Nobody is put
        // off twice, so a loop inside of the poll makes progress nevertheless.
        (core.polling.found_ready).set(found.wrapping_add(u32::from(!is_spent)));
        if is_spent {
            // Timers and other threads have a look before the next poll: this one has taken long.
            core.polling.is_pass_over.set(true);
            core.failures.attention.set(true);
        }
        is_spent
    });
    if is_spent == Some(true) {
        cx.waker().wake_by_ref();
    }
    is_spent == Some(true)
}

/// Makes an executor the current one until it is dropped.
pub(crate) struct Entered {
    core: Rc<Core>,
    /// On whose behalf code ran before. A logger or a callback may have entered: from here on, it is that of tasks again.
    behalf: Behalf,
}

impl Entered {
    /// # Panics
    ///
    /// When the executor is running already.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn new(core: &Rc<Core>, entry: Entry) -> Self {
        assert!(
            !core.stay.is_entered.get(),
            "`{}` was called on an executor that is already running (it was entered by {}). Inside of it, `.await` the \
             future or `spawn` it, and the other tasks run meanwhile; to wait in the middle of plain code, use the free \
             function `candor::block_on`, which is an executor of its own",
            entry.function,
            (core.stay.entry.get())
                .map_or_else(|| "its destructor".to_owned(), |entry| entry.to_string()),
        );
        core.set_entry(Some(entry));
        Entered::again(core)
    }

    /// Enters a core without a new entry point. One that is about to end, for example: destructors may spawn and wake.
    #[inline]
    pub(crate) fn again(core: &Rc<Core>) -> Self {
        core.stay.is_entered.set(true);
        // The last reading may be of an earlier stay.
        core.clock.begin_pass();
        let outer = CURRENT.replace(Some(ManuallyDrop::new(Rc::clone(core))));
        core.stay.outer.replace(outer);
        Entered {
            core: Rc::clone(core),
            behalf: act_for(Behalf::Task),
        }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        // A main future that panicked has ended in the middle of its poll.
        self.core.polling.end();
        act_for(self.behalf);
        if self.core.failures.attention.get() {
            self.core.after_poll();
        }
        let this = CURRENT.replace(self.core.stay.outer.take());
        self.core.stay.is_entered.set(false);
        self.core.set_entry(None);
        drop(this.map(ManuallyDrop::into_inner));
    }
}

/// Puts the executor that this one has covered in its place, or the other way round.
#[cfg(feature = "async-io")]
pub(crate) fn swap(core: &Core) {
    CURRENT.with(|current| current.swap(&core.stay.outer));
}

/// The executors that have been entered on this thread, the innermost first.
pub(crate) fn entered() -> impl Iterator<Item = Rc<Core>> {
    iter::successors(get(), |core| core.stay.outer.borrow().as_deref().cloned())
}

/// The task that is being polled on this thread, for the panic hook. Its loop will look for what the hook has recorded.
///
/// A main future of `block_on` is no task: its panic goes to the task that called `block_on`, if any.
pub(crate) fn polled_task() -> Option<Polled> {
    for core in entered() {
        if let Some(polled) = core.polled_task() {
            core.failures.attention.set(true);
            return Some(polled);
        }
        if core.polling.running.get() == Running::Nobody {
            break;
        }
    }
    None
}

/// The innermost executor that has a poll running. Its loop reports what must not be reported now.
pub(crate) fn polling_core() -> Option<Rc<Core>> {
    entered().find(|core| core.is_polling())
}
