//! A timeout: a future, and a sleep that is polled only when the future has to wait.
//!
//! Knows `Sleep`.

use std::fmt;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::kernel::failure::{AwaitKind, LastAwait};
use crate::kernel::tasks::current;
use crate::kernel::time::clock::Elapsed;
use crate::kernel::time::sleep::Sleep;

/// Awaits `future`, but for no longer than `duration`, counted from this call.
///
/// The future is polled first, so one that is ready never times out. When the time has run out it is
/// dropped. A `Result` that it returns comes inside another one: `timeout(…).await??`.
///
/// # Errors
///
/// [`Elapsed`] when the time has run out.
///
/// # Panics
///
/// When it is polled where no executor of candor runs, and has to wait.
///
/// The deadline is checked even if many of candor's own futures were ready in the poll.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let slow = candor::sleep(Duration::from_secs(60));
///     assert!(candor::time::timeout(Duration::from_secs(1), slow).await.is_err());
///     assert_eq!(candor::time::timeout(Duration::from_secs(1), async { 1 }).await, Ok(1));
/// });
/// ```
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout::new(Sleep::new(super::now().checked_add(duration)), future)
}

/// Awaits `future`, but no longer than until `deadline`. Otherwise as [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] when the deadline has passed.
///
/// # Panics
///
/// When it is polled where no executor of candor runs, and has to wait.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let deadline = candor::time::now() + Duration::from_secs(1);
///     assert!(candor::time::timeout_at(deadline, std::future::pending::<()>()).await.is_err());
///     assert_eq!(candor::time::now(), deadline);
/// });
/// ```
#[track_caller]
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    Timeout::new(Sleep::new(Some(deadline)), future)
}

/// The future of [`timeout`] and [`timeout_at`].
///
/// It keeps the future that it was given in a box, so it is small and `Unpin`, whatever that is.
///
/// # Panics
///
/// When it is polled again after it has given its output.
///
/// # Examples
///
/// ```
/// use std::future::Ready;
/// use std::time::Duration;
///
/// use candor::time::{Timeout, timeout};
///
/// candor::test(async {
///     let one: Timeout<Ready<u8>> = timeout(Duration::from_secs(1), std::future::ready(1));
///     assert_eq!(one.await, Ok(1));
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Timeout<F> {
    /// `None` once it is done.
    under_way: Option<UnderWay<F>>,
    made_at: &'static Caller<'static>,
}

struct UnderWay<F> {
    /// Dropped first. Only in a box can it be pinned without unsafe code, now that its holder has a name.
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F> Timeout<F> {
    #[track_caller]
    fn new(sleep: Sleep, future: F) -> Self {
        let future = Box::pin(future);
        Timeout {
            under_way: Some(UnderWay { future, sleep }),
            made_at: Caller::caller(),
        }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(UnderWay { future, sleep }) = &mut self.under_way else {
            panic!("a timeout was polled after it had given its output");
        };
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            self.under_way = None;
            return Poll::Ready(Ok(output));
        }
        if sleep.poll_elapsed(cx).is_ready() {
            self.under_way = None;
            return Poll::Ready(Err(Elapsed(())));
        }
        // What the future itself waits for says more than the timeout around it.
        current::with(|core| {
            if core.noted_await.get().is_none() {
                core.noted_await.set(Some(LastAwait {
                    what: AwaitKind::Timeout,
                    at: self.made_at,
                }));
            }
        });
        Poll::Pending
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sleep = self.under_way.as_ref().map(|under_way| &under_way.sleep);
        f.debug_struct("Timeout")
            .field("deadline", &sleep.and_then(Sleep::deadline))
            .field("is_done", &sleep.is_none())
            .finish_non_exhaustive()
    }
}
