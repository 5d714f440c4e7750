//! Exercises 1 and 2.

use crate::assert_rejected;

#[test]
fn no_wrong_yield_is_accepted() {
    assert_rejected([
        (yields_nothing::check::check, "the first poll ends"),
        (never_wakes::check::check, "a task that yields is woken"),
        (never_goes_on::check::check, "the second poll goes on"),
        (one_flag_for_all::check::check, "the first poll ends"),
    ]);
}

/// It is ready at once, so nobody else runs.
mod yields_nothing {
    pub async fn yield_now() {}

    pub mod check {
        include!("../checks/yielding.rs");
    }
}

/// It says `Pending`, but asks for no other poll.
mod never_wakes {
    use std::future::poll_fn;
    use std::task::Poll;

    pub async fn yield_now() {
        let mut has_yielded = false;
        poll_fn(|_| {
            if has_yielded {
                return Poll::Ready(());
            }
            has_yielded = true;
            Poll::Pending
        })
        .await;
    }

    pub mod check {
        include!("../checks/yielding.rs");
    }
}

/// It forgets that it has yielded already, and yields for ever.
mod never_goes_on {
    use std::future::poll_fn;
    use std::task::Poll;

    pub async fn yield_now() {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await;
    }

    pub mod check {
        include!("../checks/yielding.rs");
    }
}

/// The flag is one for all futures, so only every other poll yields, whichever task it belongs to.
mod one_flag_for_all {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::task::Poll;

    thread_local! {
        static HAS_YIELDED: Cell<bool> = const { Cell::new(true) };
    }

    pub async fn yield_now() {
        poll_fn(|cx| {
            if HAS_YIELDED.replace(!HAS_YIELDED.get()) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub mod check {
        include!("../checks/yielding.rs");
    }
}

#[test]
fn no_wrong_count_of_polls_is_accepted() {
    assert_rejected([
        (counts_pending_only::check::check, "ready at once"),
        (polls_in_a_loop::check::check, "not a loop"),
        (wakes_itself::check::check, "nobody has woken it yet"),
        (hides_the_waker::check::check, "was not"),
    ]);
}

/// The last poll, which is ready, is a poll as well.
mod counts_pending_only {
    use std::future::poll_fn;
    use std::pin::pin;

    pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
        let mut future = pin!(future);
        let mut polls = 0;
        let counting = poll_fn(|cx| {
            let poll = future.as_mut().poll(cx);
            polls += u32::from(poll.is_pending());
            poll
        });
        let output = counting.await;
        (output, polls)
    }

    pub mod check {
        include!("../checks/counting_polls.rs");
    }
}

/// It never says `Pending`: nothing else on this thread runs until the future is ready.
mod polls_in_a_loop {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
        let mut future = pin!(future);
        let mut polls = 0;
        poll_fn(|cx| {
            loop {
                polls += 1;
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready((output, polls));
                }
            }
        })
        .await
    }

    pub mod check {
        include!("../checks/counting_polls.rs");
    }
}

/// It asks for another poll each time, so it counts polls that it has caused itself.
mod wakes_itself {
    use std::future::poll_fn;
    use std::pin::pin;

    pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
        let mut future = pin!(future);
        let mut polls = 0;
        let counting = poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            future.as_mut().poll(cx)
        });
        let output = counting.await;
        (output, polls)
    }

    pub mod check {
        include!("../checks/counting_polls.rs");
    }
}

/// The future gets a waker that does nothing, so its wake reaches nobody.
mod hides_the_waker {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Waker};

    pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
        let mut future = pin!(future);
        let mut polls = 0;
        let counting = poll_fn(|_| {
            polls += 1;
            let mut cx = Context::from_waker(Waker::noop());
            future.as_mut().poll(&mut cx)
        });
        let output = counting.await;
        (output, polls)
    }

    pub mod check {
        include!("../checks/counting_polls.rs");
    }
}
