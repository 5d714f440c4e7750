//! How an executor waits that has nothing to do.
//!
//! | | waits | I/O of async-io is watched by |
//! |---|---|---|
//! | without the feature `async-io` | on the condition variable of its inbox | a thread of async-io's own |
//! | with it | inside of async-io's reactor | this thread, while it waits |
//!
//! In the reactor it is this very thread that calls the wakers of sockets. They must not find the executor
//! running: a wake that only queued its task would not end the wait. So the executor is not the current one
//! meanwhile, and those wakes go through its inbox like any other thread's.
//!
//! Knows the current executor and its inbox.

use std::rc::Rc;
use std::time::Duration;

use crate::core::Core;

/// Waits until there is mail, or the timeout has passed; perhaps less long.
#[cfg(not(feature = "async-io"))]
pub(crate) fn park(core: &Rc<Core>, timeout: Option<Duration>) {
    core.inbox.park(timeout);
}

/// Waits until there is mail, or the timeout has passed, and watches sockets meanwhile.
#[cfg(feature = "async-io")]
pub(crate) fn park(core: &Rc<Core>, timeout: Option<Duration>) {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    let mut timer = timeout.map(async_io::Timer::after);
    let mail_or_timeout = poll_fn(|cx| {
        let mut timer = timer.as_mut().map(Pin::new);
        let is_over = timer
            .as_mut()
            .is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        if is_over || !core.inbox.lie_down(cx.waker()) {
            return Poll::Ready(());
        }
        Poll::Pending
    });
    crate::current::outside(core, || async_io::block_on(mail_or_timeout));
    core.inbox.rise();
}
