//! A sleep: a deadline, and an entry in the wheel while somebody waits for it.
//!
//! ```text
//! made ──first poll──► in the wheel ──deadline──► fired: out of the wheel, its waker woken
//!   │                      │
//!   └─ dropped: nothing    └─ dropped: cancelled
//! ```
//!
//! It holds no pointer to its executor, only its serial number and the key of the entry, so it is `Send`
//! and may be dropped anywhere. Dropped where its executor does not run, it leaves its entry behind, which
//! then wakes somebody for nothing.
//!
//! Knows the current executor, its clock and its wheel.

use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::core::Core;
use crate::current;
use crate::failure::{AwaitKind, await_line};
use crate::wheel::EntryKey;

/// Waits for `duration`, counted from this call. `Duration::MAX` waits forever.
///
/// It may be called anywhere, but polled only in a running executor. A sleep of zero still lets others
/// run first.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let start = candor::time::now();
///     candor::sleep(Duration::from_secs(60)).await;
///     assert_eq!(candor::time::now() - start, Duration::from_secs(60));
/// });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(super::now().checked_add(duration))
}

/// Waits until `deadline`. One that has passed takes no time, but may let others run first.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let deadline = candor::time::now() + Duration::from_secs(60);
///     candor::time::sleep_until(deadline).await;
///     assert_eq!(candor::time::now(), deadline);
/// });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(Some(deadline))
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// One that is never polled costs nothing. It is `Unpin`, so `&mut sleep` can be awaited again and again.
///
/// # Panics
///
/// When it is polled where no executor of candor runs.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let deadline = candor::time::now() + Duration::from_secs(1);
///     let mut sleep = candor::time::sleep_until(deadline);
///     assert_eq!((sleep.deadline(), sleep.is_elapsed()), (Some(deadline), false));
///     (&mut sleep).await;
///     assert!(sleep.is_elapsed());
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Sleep {
    /// `None` never comes.
    deadline: Option<Instant>,
    entry: Option<Entry>,
    made_at: &'static Caller<'static>,
}

/// Where the wheel holds it.
#[derive(Clone, Copy)]
struct Entry {
    /// The executor's serial number: the key means nothing to another one.
    executor: u64,
    key: EntryKey,
}

impl Sleep {
    #[track_caller]
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Sleep {
            deadline,
            entry: None,
            made_at: Caller::caller(),
        }
    }

    /// Tells when it ends; `None` for never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Tells whether the deadline has passed.
    pub fn is_elapsed(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= super::now())
    }

    /// Moves the deadline. A task that waits for this sleep is woken at the new one.
    ///
    /// Called where its executor does not run, it cannot reach the timer: an earlier deadline is then noticed
    /// when the sleep is polled again, or at the old deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let start = candor::time::now();
    ///     let mut sleep = candor::sleep(Duration::from_secs(1));
    ///     sleep.reset(start + Duration::from_secs(5));
    ///     (&mut sleep).await;
    ///     assert_eq!(candor::time::now() - start, Duration::from_secs(5));
    /// });
    /// ```
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        let moved = self.with_entry(|core, key| {
            let tick = core.clock.tick_of(Some(deadline));
            core.timers.borrow_mut().reset(key, tick)
        });
        if moved != Some(true) {
            // It has fired, or was never polled: the next poll puts it into the wheel.
            self.entry = None;
        }
    }

    /// The poll, for futures that are made of sleeps and note an await of their own.
    #[inline]
    #[track_caller]
    pub(super) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(core) = current::get() else {
            panic!(
                "a Sleep was polled where no executor of candor runs on this thread. Await it within \
                 `candor::run` or `candor::block_on`; under another runtime, use that one's timers"
            );
        };
        let known = (self.entry).filter(|entry| entry.executor == core.serial);
        if let Some(entry) = known
            && still_waits(&core, entry.key, cx.waker())
        {
            return Poll::Pending;
        }
        self.entry = None;
        let tick = core.clock.tick_of(self.deadline);
        let now = core.timers.borrow().now();
        // A new sleep that ends right now goes through the wheel all the same, so that others run first.
        if tick < now || (tick == now && known.is_some()) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let key = core.timers.borrow_mut().insert(tick, waker);
        self.entry = Some(Entry {
            executor: core.serial,
            key,
        });
        Poll::Pending
    }

    /// Calls `f` if there is an entry in the wheel of the executor that runs here.
    fn with_entry<R>(&self, f: impl FnOnce(&Core, EntryKey) -> R) -> Option<R> {
        let entry = self.entry?;
        current::with(|core| (core.serial == entry.executor).then(|| f(core, entry.key))).flatten()
    }
}

/// Whether the timer has not fired yet; then it is this waker that it will call.
#[inline(never)]
fn still_waits(core: &Core, key: EntryKey, waker: &Waker) -> bool {
    let will_wake = (core.timers.borrow_mut().get_mut(key)).map(|old| old.will_wake(waker));
    if will_wake == Some(false) {
        // Cloning and dropping a foreign waker runs user code, which may come back to the wheel.
        let mut waker = waker.clone();
        if let Some(old) = core.timers.borrow_mut().get_mut(key) {
            std::mem::swap(old, &mut waker);
        }
    }
    will_wake.is_some()
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let poll = self.poll_elapsed(cx);
        if poll.is_pending() {
            current::note_await(AwaitKind::Sleep, await_line(self.made_at));
        }
        poll
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.entry.is_some() {
            let waker = self.with_entry(|core, key| core.timers.borrow_mut().cancel(key));
            // Dropped out here, as it may be a foreign one, which may come back to the wheel.
            drop(waker);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
