//! The timers of an executor: those that are due are fired, and when the next one is due.
//!
//! Knows the core, the clock and the wheel.

use std::time::Instant;

use crate::kernel::failure::contain;
use crate::kernel::tasks::{Core, Event, waker};

impl Core {
    /// Wakes the sleepers that are due.
    pub(crate) fn fire_timers(&self) {
        self.clock.begin_pass();
        self.forget_timers();
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = self.clock.tick_now();
        // The wheel is not borrowed when the waker is called: a foreign one may use the wheel.
        let next_expired = || self.timers.borrow_mut().pop_expired(now);
        while let Some(sleeper) = next_expired() {
            self.say(|| Event::TimerFires(waker::key_of(&sleeper)));
            // A foreign waker may panic. The others have to be woken nevertheless.
            contain(|| sleeper.wake());
        }
        self.say(|| Event::TimersFired);
    }

    /// Takes timers out of the wheel whose sleeps were dropped or reset elsewhere. Whoever waits for one that was reset is woken,
    /// and puts it back. Call it before you ask the wheel for anything.
    pub(crate) fn forget_timers(&self) {
        let forgotten = &self.inbox.forgotten_timers;
        // Most often there is none, and to ask that costs less than `pop`.
        while !forgotten.is_empty()
            && let Some((executor, key, is_reset)) = forgotten.pop()
        {
            if executor == self.serial {
                let waker = self.timers.borrow_mut().cancel(key);
                contain(|| waker.filter(|_| is_reset).map_or((), |waker| waker.wake()));
            }
        }
    }

    /// When there is something to do, if no wake comes before: a timer to fire or to move to a finer level, or a failure to report.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        self.forget_timers();
        let tick = self.timers.borrow().next_event();
        self.with_grace(tick)
    }

    /// The earlier of this tick of the wheel and the end of a grace.
    pub(crate) fn with_grace(&self, tick: Option<u64>) -> Option<Instant> {
        let timer = tick.and_then(|tick| self.clock.instant_of(tick));
        timer.into_iter().chain(self.end_of_grace()).min()
    }
}
