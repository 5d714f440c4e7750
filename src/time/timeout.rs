//! A timeout: a future, and a sleep that is polled only when the future has to wait.
//!
//! Knows `Sleep`.

use std::future::poll_fn;
use std::panic::Location as Caller;
use std::pin::pin;
use std::task::Poll;
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
pub fn timeout<F: Future>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    until(
        Sleep::new(super::now().checked_add(duration)),
        future,
        Caller::caller(),
    )
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
pub fn timeout_at<F: Future>(
    deadline: Instant,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    until(Sleep::new(Some(deadline)), future, Caller::caller())
}

/// An async function pins the two without a line of unsafe code.
async fn until<F: Future>(
    mut sleep: Sleep,
    future: F,
    made_at: &'static Caller<'static>,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if sleep.poll_elapsed(cx).is_ready() {
            return Poll::Ready(Err(Elapsed(())));
        }
        // What the future itself waits for says more than the timeout around it.
        current::with(|core| {
            if core.noted_await.get().is_none() {
                core.noted_await.set(Some(LastAwait {
                    what: AwaitKind::Timeout,
                    at: made_at,
                }));
            }
        });
        Poll::Pending
    })
    .await
}
