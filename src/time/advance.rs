//! Moving virtual time by hand.
//!
//! Knows the current executor and its clock.

use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::kernel::tasks::{Core, current_executor};

/// Moves the [virtual time](crate::Builder::virtual_time) of the executor on this thread forward: for a test that steps by hand.
///
/// The clock moves at once. Awaiting what this returns lets the timers fire that are due by then, and the tasks run that
/// they wake.
///
/// # Panics
///
/// Where no executor runs on this thread, or one that is not on virtual time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let sleeper = candor::spawn(candor::sleep(Duration::from_secs(60)));
///     candor::yield_now().await;
///     candor::time::advance(Duration::from_secs(60)).await;
///     assert!(sleeper.is_finished());
/// });
/// ```
#[track_caller]
pub fn advance(duration: Duration) -> Advance {
    let core = current_executor::get().expect(
        "`candor::time::advance` was called where no executor runs on this thread; from outside, use `Executor::advance`",
    );
    advance_clock(&core, duration);
    Advance { passes: 2 }
}

#[track_caller]
pub(crate) fn advance_clock(core: &Core, duration: Duration) {
    assert!(
        core.config.virtual_time,
        "`advance` was called on an executor whose clock is the real one, which nobody can move; build it with \
         `Executor::builder().virtual_time()`, or use `candor::test`"
    );
    let now = core.clock.now();
    let mut shorter = iter::successors(Some(duration), |duration| Some(*duration / 2));
    // What no clock can reach is moved towards, as far as half of it can be reached.
    if let Some(then) = shorter.find_map(|duration| now.checked_add(duration)) {
        core.clock.jump_to(then);
    }
}

/// What [`advance`] returns: a future that lets timers fire and the tasks run that they wake.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let step: candor::time::Advance = candor::time::advance(Duration::from_secs(1));
///     step.await;
/// });
/// ```
#[derive(Debug)]
pub struct Advance {
    passes: u8,
}

impl Future for Advance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.passes == 0 {
            return Poll::Ready(());
        }
        self.passes -= 1;
        // A new pass looks at the timers; the one after it polls what they have woken.
        current_executor::with(|core| {
            core.polling.is_pass_over.set(true);
            core.failures.attention.set(true);
        });
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Executor;
    use crate::in_time::in_time;

    #[test]
    fn virtual_time_comes_to_each_deadline() {
        let passed = in_time(|| {
            let executor = Executor::builder().virtual_time().build();
            executor.block_on(async {
                let start = crate::time::now();
                // A sleep for each level of the wheel.
                for level in 0..5 {
                    crate::sleep(Duration::from_millis(1 << (6 * level))).await;
                }
                advance(Duration::from_secs(1)).await;
                crate::time::now() - start
            })
        });
        let slept: u64 = (0..5).map(|level| 1 << (6 * level)).sum();
        assert_eq!(passed, Duration::from_millis(slept + 1_000));
    }
}
