//! How an executor waits when it has nothing to do.
//!
//! | | waits | I/O of async-io is watched by |
//! |---|---|---|
//! | without the feature `async-io` | on the condition variable of its inbox | a thread of async-io's own |
//! | with it | inside of async-io's reactor | this thread, while it waits and between two passes |
//!
//! In the reactor this same thread calls the wakers of sockets. They must not find the executor running: a
//! wake that only queued its task would not end the wait. So the executor is the current one only during its
//! turns, and those wakes go through its inbox, like the wakes of other threads.
//!
//! All turns of one stay are inside of one `async_io::block_on`. One call for each wait was tried: each time the call
//! returned, async-io's own thread took over the sockets and competed for them (an exchange over TCP cost twice as much).
//!
//! Knows the loop, and which executor is the current one.

#[cfg(not(feature = "async-io"))]
pub(crate) use crate::kernel::tasks::run_loop::run;
#[cfg(feature = "async-io")]
pub(crate) use watching::run;

#[cfg(feature = "async-io")]
mod watching {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::Poll;

    use async_io::Timer;

    use crate::kernel::tasks::core::{Core, Stopped};
    use crate::kernel::tasks::current_executor::swap;
    use crate::kernel::tasks::run_loop::{self, Loop, Next};

    /// How many turns a stay may take before it enters the reactor, where the sockets are checked.
    const TURNS_BEFORE_SOCKETS: u32 = 8;

    /// Whether async-io can still be entered on this thread. Its own thread-locals are private. But this one was first used
    /// together with them, and is destroyed together with them.
    fn has_reactor() -> bool {
        // A type that has a destructor.
        thread_local!(static SENTINEL: String = const { String::new() });
        SENTINEL.try_with(|_| ()).is_ok()
    }

    /// Takes turns until the stay is over, and watches sockets in between.
    pub(crate) fn run(tasks: &mut Loop<'_>) -> Result<(), Stopped> {
        // Most stays are short and wait for nothing.
        let mut turns = (0..TURNS_BEFORE_SOCKETS).map(|_| tasks.turn());
        let mut next = turns.find(|next| !matches!(next, Next::GoOn));
        if let Some(Next::Return(result)) = next {
            return result;
        }
        if !has_reactor() {
            // The thread is ending: async-io's own thread watches the sockets.
            return run_loop::run(tasks);
        }
        let core = tasks.core;
        let mut timer = Timer::never();
        let turns = poll_fn(|cx| {
            core.inbox.rise();
            let next = next.take();
            let is_waiting = match next.unwrap_or_else(|| swapped(core, || tasks.turn())) {
                Next::Return(result) => return Poll::Ready(result),
                Next::GoOn => false,
                Next::Wait(timeout) => {
                    timer = timeout.map_or_else(Timer::never, Timer::after);
                    let is_over = Pin::new(&mut timer).poll(cx).is_ready();
                    !is_over && core.inbox.lie_down(cx.waker())
                }
            };
            if !is_waiting {
                // `async_io::block_on` checks the sockets before it polls this again.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        swapped(core, || async_io::block_on(turns))
    }

    /// Runs `f` while this executor, which is the current one, does not count as running here, so that wakes of its tasks
    /// go through its inbox. A call within such an `f` makes it the current one again.
    fn swapped<R>(core: &Rc<Core>, f: impl FnOnce() -> R) -> R {
        struct SwapsBack<'a>(&'a Core);

        impl Drop for SwapsBack<'_> {
            fn drop(&mut self) {
                swap(self.0);
            }
        }

        swap(core);
        let _back = SwapsBack(core);
        f()
    }
}
