//! A sleep: a deadline, and an entry in the wheel while a task waits for it.
//!
//! ```text
//! made ──first poll──► in the wheel ──deadline──► fired: out of the wheel, its waker woken
//!   │                      │
//!   └─ dropped: nothing    └─ dropped: cancelled
//! ```
//!
//! It knows its executor by a serial number and an inbox, which threads may share. So it is `Send`, and may be dropped anywhere. If it is dropped where its executor does not run, it leaves a note in the executor's inbox, and the
//! executor takes the entry out later.
//!
//! Knows the current executor, its clock and its wheel.
//!
//! Lessons 10 and 12 of the course build small ones.

use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::kernel::failure::{AwaitKind, Site, await_line, contain};
use crate::kernel::tasks::{Core, Inbox, Key, current_executor, waker};
use crate::kernel::time::wheel::EntryKey;

/// Reads the clock of the executor that runs on this thread; outside of an executor, the real clock.
///
/// Under [virtual time](crate::Builder::virtual_time) deadlines must be computed from this function.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let start = candor::time::now();
///     candor::sleep(Duration::from_millis(250)).await;
///     assert_eq!(candor::time::now() - start, Duration::from_millis(250));
/// });
/// ```
#[must_use]
pub fn now() -> Instant {
    current_executor::with(|core| core.clock.now()).unwrap_or_else(Instant::now)
}

/// Waits for `duration`, counted from this call. `Duration::MAX` waits forever.
///
/// A sleep that is made by the real clock and polled on virtual time, or the other way round, counts from its first poll.
///
/// It may be called anywhere, but polled only in a running executor. A sleep whose time has passed is ready at once. After
/// 128 such futures in one poll a task lets others run first. A sleep of zero always does so, as in asyncio and trio.
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
    let mut sleep = Sleep::after(duration);
    sleep.is_yield = duration.is_zero();
    sleep
}

/// The future of [`sleep`] and [`sleep_until`](crate::time::sleep_until).
///
/// A sleep that is never polled costs nothing. It is `Unpin`, so `&mut sleep` can be awaited again and again.
///
/// # Panics
///
/// If it is polled where no executor of candor runs.
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
    pub(crate) deadline: Option<Instant>,
    pub(crate) place: Place,
    /// It was ready, and that was counted: it is put off once at most.
    is_done: bool,
    /// Its first poll has to let others run, because it is a sleep of zero.
    is_yield: bool,
    /// It was made by a clock that is virtual.
    pub(crate) is_virtual: bool,
    pub(crate) made_at: Site,
}

pub(crate) enum Place {
    /// Not in a wheel. As long as it was not polled, it knows for how long it is to sleep, if that was said: one of the two clocks
    /// may be virtual, and then the deadline means nothing to the other one.
    Outside(Option<Duration>),
    InWheel(Entry),
}

/// The place of a sleep in a wheel.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The executor's serial number: the key means nothing to another executor.
    executor: u64,
    inbox: &'static Inbox,
    key: EntryKey,
}

impl Entry {
    /// Calls `f` if the executor of the wheel runs here.
    fn in_wheel<R>(&self, f: impl FnOnce(&Core, EntryKey) -> R) -> Option<R> {
        current_executor::with(|core| (core.serial == self.executor).then(|| f(core, self.key)))
            .flatten()
    }
}

impl Sleep {
    #[track_caller]
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Sleep {
            deadline,
            place: Place::Outside(None),
            is_done: false,
            is_yield: false,
            is_virtual: false,
            made_at: Location::caller(),
        }
    }

    #[track_caller]
    pub(crate) fn after(duration: Duration) -> Self {
        let found = current_executor::with(|core| (core.clock.now(), core.config.virtual_time));
        let (now, is_virtual) = found.unwrap_or_else(|| (Instant::now(), false));
        let mut sleep = Sleep::new(now.checked_add(duration));
        (sleep.place, sleep.is_virtual) = (Place::Outside(Some(duration)), is_virtual);
        sleep
    }

    pub(crate) fn has_passed(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Moves the deadline; `None` never comes. Whoever waits goes on waiting.
    pub(crate) fn reset_to(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        (self.is_done, self.is_yield) = (false, false);
        let moved = match &self.place {
            Place::InWheel(entry) => entry.in_wheel(|core, key| {
                let tick = core.clock.tick_of(deadline);
                core.timers.borrow_mut().reset(key, tick)
            }),
            Place::Outside(_) => None,
        };
        if moved != Some(true) {
            // It has fired, or was never polled: the next poll puts it into the wheel.
            self.leave_wheel(true);
        }
    }

    /// The poll for futures that are made of sleeps and note an await of their own. It lets others run, as a sleep does.
    #[track_caller]
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let core = current_executor::get().expect(
            "a Sleep was polled where no executor of candor runs on this thread. Await it within \
             `candor::run` or `candor::block_on`; under another runtime, use that one's timers",
        );
        if let Place::Outside(Some(duration)) = self.place
            && core.config.virtual_time != self.is_virtual
        {
            self.deadline = core.clock.now().checked_add(duration);
            self.place = Place::Outside(None);
        }
        if self.has_passed(core.clock.seen()) {
            // A sleep that has waited has let others run.
            self.is_done |= matches!(self.place, Place::InWheel(_));
            self.leave_wheel(false);
            return self.ready_in_turn(cx);
        }
        // A timer that has fired is no longer in the wheel.
        let calls_it = |waker: &Waker| waker.will_wake(cx.waker());
        if let Place::InWheel(entry) = self.place
            && entry.executor == core.serial
            && (core.timers.borrow_mut().get(entry.key)).is_some_and(calls_it)
        {
            return Poll::Pending;
        }
        // Cloning a foreign waker is user code. If it panics, the former waker is still there.
        let waker = cx.waker().clone();
        self.leave_wheel(false);
        let tick = core.clock.tick_of(self.deadline);
        let key = core.timers.borrow_mut().insert(tick, waker);
        self.place = Place::InWheel(Entry {
            executor: core.serial,
            inbox: core.inbox,
            key,
        });
        Poll::Pending
    }

    /// The time has passed. A sleep of zero lets others run first, and so does any other if very many were ready before it in this
    /// poll.
    fn ready_in_turn(&mut self, cx: &Context<'_>) -> Poll<()> {
        let is_first = !mem::replace(&mut self.is_done, true);
        if mem::take(&mut self.is_yield) {
            cx.waker().wake_by_ref();
        } else if !is_first || !current_executor::is_spent(cx) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Takes the entry out of the wheel, if there is one. If the executor does not run here, leaves a note, so that it does that.
    fn leave_wheel(&mut self, is_reset: bool) {
        let place = mem::replace(&mut self.place, Place::Outside(None));
        let Place::InWheel(old) = place else { return };
        match old.in_wheel(|core, key| core.timers.borrow_mut().cancel(key)) {
            // The drop of one of candor's own at most changes a count. A foreign one may panic, and may use the wheel.
            Some(Some(waker)) if waker::key_of(&waker) == Key::NOBODY => contain(|| drop(waker)),
            Some(_) => {}
            None => {
                (old.inbox.forgotten_timers).push((old.executor, old.key, is_reset));
                if is_reset {
                    old.inbox.notify();
                }
            }
        }
    }
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let poll = self.poll_elapsed(cx);
        if poll.is_pending() {
            current_executor::note_await(AwaitKind::SLEEP, await_line(self.made_at));
        }
        poll
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.leave_wheel(false);
    }
}
