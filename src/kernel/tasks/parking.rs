//! How an executor waits that has nothing to do.
//!
//! | | waits | I/O of async-io is watched by |
//! |---|---|---|
//! | without the feature `async-io` | on the condition variable of its inbox | a thread of async-io's own |
//! | with it | inside of async-io's reactor | this thread, while it waits and between two passes |
//!
//! In the reactor it is this very thread that calls the wakers of sockets. They must not find the executor
//! running: a wake that only queued its task would not end the wait. So the executor is the current one only
//! during its turns, and those wakes go through its inbox like any other thread's.
//!
//! All turns of one stay are inside of one `async_io::block_on`. One for each wait was tried: each time one is left, the
//! thread of async-io's own takes over the sockets, and fights for them (an exchange over TCP then cost twice as much).
//!
//! Knows the current executor and its inbox.

#[cfg(feature = "async-io")]
use std::{future::poll_fn, pin::Pin, task::Poll};

use crate::kernel::tasks::core::Stop;
#[cfg(feature = "async-io")]
use crate::kernel::tasks::current::swapped;
use crate::kernel::tasks::run_loop::{Loop, Next};

#[cfg(not(feature = "async-io"))]
impl Loop<'_> {
    /// Takes turns until the stay is over, and waits in between.
    pub(crate) fn run(&mut self) -> Result<(), Stop> {
        self.run_plainly(None)
    }
}

impl Loop<'_> {
    /// The same whatever features there are: it waits on the condition variable. The first turn may have been taken.
    fn run_plainly(&mut self, mut taken: Option<Next>) -> Result<(), Stop> {
        loop {
            match taken.take().unwrap_or_else(|| self.turn()) {
                Next::Return(result) => return result,
                Next::GoOn => {}
                Next::Wait(timeout) => self.core.inbox.park(timeout),
            }
        }
    }
}

/// How long a stay may be busy before the sockets get a look.
#[cfg(feature = "async-io")]
const TURNS_BEFORE_SOCKETS: u32 = 8;

/// Whether async-io can still be entered on this thread. Its own thread-locals cannot be asked, but this one was first used
/// together with them, and is destroyed together with them.
#[cfg(feature = "async-io")]
fn has_reactor() -> bool {
    struct Sentinel;

    impl Drop for Sentinel {
        fn drop(&mut self) {}
    }

    thread_local!(static SENTINEL: Sentinel = const { Sentinel });
    SENTINEL.try_with(|_| ()).is_ok()
}

#[cfg(feature = "async-io")]
impl Loop<'_> {
    /// Takes turns until the stay is over, and watches sockets in between.
    pub(crate) fn run(&mut self) -> Result<(), Stop> {
        // Most stays are short and wait for nothing.
        let mut next = Next::GoOn;
        for _ in 0..TURNS_BEFORE_SOCKETS {
            next = match self.turn() {
                Next::Return(result) => return result,
                next => next,
            };
            if let Next::Wait(_) = next {
                break;
            }
        }
        if !has_reactor() {
            // The thread is ending: a thread of async-io's own watches the sockets.
            return self.run_plainly(Some(next));
        }
        let core = self.core;
        let mut taken = Some(next);
        let mut timer = None;
        let turns = poll_fn(|cx| {
            core.inbox.rise();
            let next = taken.take();
            let is_waiting = match next.unwrap_or_else(|| swapped(core, || self.turn())) {
                Next::Return(result) => return Poll::Ready(result),
                Next::GoOn => false,
                Next::Wait(timeout) => {
                    timer = timeout.map(async_io::Timer::after);
                    let mut timer = timer.as_mut().map(Pin::new);
                    let is_over =
                        (timer.as_mut()).is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
                    !is_over && core.inbox.lie_down(cx.waker())
                }
            };
            if !is_waiting {
                // Whatever polls this looks at the sockets before it comes back.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        swapped(core, || async_io::block_on(turns))
    }
}
