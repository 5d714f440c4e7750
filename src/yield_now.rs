//! Gives the others a turn.
//!
//! Knows nothing of candor but where to note the await.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::kernel::failure::{AwaitKind, Site, await_line};
use crate::kernel::tasks::current_executor;

/// Lets every other task that is ready run before this one goes on.
///
/// The task goes to the back of the run queue. A long computation that awaits this now and then starves
/// nobody. (The future of an [`Executor::run_until`](crate::Executor::run_until) is in no queue. It goes on after at most 128 polls.)
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let other = candor::spawn(async {});
///     candor::yield_now().await;
///     assert!(other.is_finished());
/// });
/// ```
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow {
        has_yielded: false,
        made_at: Location::caller(),
    }
}

/// The future of [`yield_now`].
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let turn = candor::yield_now();
///     let other = candor::spawn(async {});
///     turn.await;
///     assert!(other.is_finished());
/// });
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct YieldNow {
    has_yielded: bool,
    made_at: Site,
}

impl Future for YieldNow {
    type Output = ();

    #[track_caller]
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        current_executor::note_await(AwaitKind::YIELD_NOW, await_line(self.made_at));
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
