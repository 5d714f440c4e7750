//! A timeout: a future, and a sleep that is polled only when the future has to wait.
//!
//! Knows `Sleep`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::kernel::failure::{AwaitKind, LastAwait};
use crate::kernel::tasks::current_executor;
use crate::kernel::time::Sleep;

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
    Timeout {
        future: Some(future),
        sleep: Sleep::after(duration),
    }
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
    Timeout {
        future: Some(future),
        sleep: Sleep::new(Some(deadline)),
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    ///
    /// It holds the future that it was given in place, and drops it as soon as either of the two is over.
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
        // `None` once it is done.
        #[pin]
        future: Option<F>,
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("a timeout was polled after it had given its output");
        };
        // What was noted before in this poll is not what the future waits for. But if the future panics, it is the last that is known.
        let noted = noted_await();
        note(noted.map(|last| LastAwait {
            what: last.what.aged(),
            ..last
        }));
        let poll = match future.poll(cx) {
            Poll::Pending => this.sleep.poll_elapsed(cx).map(|()| Err(Elapsed(()))),
            ready => ready.map(Ok),
        };
        note(match poll {
            Poll::Ready(_) => noted,
            // What the future itself waits for says more than the timeout around it.
            Poll::Pending => {
                noted_await()
                    .filter(|last| !last.what.is_stale())
                    .or(Some(LastAwait {
                        what: AwaitKind::TIMEOUT,
                        at: this.sleep.made_at,
                    }))
            }
        });
        if poll.is_ready() {
            this.future.set(None);
        }
        poll
    }
}

/// The await that has been noted in this poll.
fn noted_await() -> Option<LastAwait> {
    current_executor::with(|core| core.polling.noted_await.get()).flatten()
}

fn note(last: Option<LastAwait>) {
    current_executor::with(|core| core.polling.noted_await.set(last));
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("deadline", &self.sleep.deadline())
            .field("is_done", &self.future.is_none())
            .finish_non_exhaustive()
    }
}

/// Time has run out: the error of [`timeout`](crate::time::timeout()).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// candor::test(async {
///     let never = std::future::pending::<()>();
///     let elapsed = candor::time::timeout(Duration::from_secs(1), never).await.unwrap_err();
///     assert_eq!(elapsed.to_string(), "the time has run out");
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time has run out")
    }
}

impl std::error::Error for Elapsed {}
