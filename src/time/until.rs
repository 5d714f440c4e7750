//! Sleeping until a deadline, and asking a sleep for it.
//!
//! Knows the sleep and the current executor.

use std::mem;
use std::time::{Duration, Instant};

use crate::kernel::tasks::current_executor;
use crate::kernel::time::Sleep;
use crate::kernel::time::sleep::Place;

/// Waits until `deadline`. One that has passed is ready at once. After 128 such futures in one poll a task lets others run.
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

impl Sleep {
    /// Returns when it ends; `None` for never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Moves the deadline. A task that waits for this sleep is woken at the new one.
    ///
    /// Where its executor does not run, this function cannot reach the timer. Then the task is polled once more, for it to wait for
    /// the new one.
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
        self.reset_to(Some(deadline));
    }

    /// Returns whether the deadline has passed: whether a poll would find the sleep ready.
    ///
    /// Within an executor both use its last reading of the clock. There is at least one in each pass that asks. So if a sleep
    /// runs out while one poll holds the thread, that may be seen one pass later.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        let seen = current_executor::with(|core| (core.clock.seen(), core.config.virtual_time));
        let (now, is_virtual) = seen.unwrap_or_else(|| (Instant::now(), false));
        match self.place {
            // It was made by another clock. Its first poll begins to count.
            Place::Outside(Some(duration)) if is_virtual != self.is_virtual => duration.is_zero(),
            _ => self.has_passed(now),
        }
    }

    /// Moves the deadline to `duration` from now.
    pub(crate) fn reset_after(&mut self, duration: Duration) {
        let mut new = Sleep::after(duration);
        self.reset_to(new.deadline);
        if let Place::Outside(_) = self.place {
            mem::swap(&mut self.place, &mut new.place);
            self.is_virtual = new.is_virtual;
        }
    }
}
