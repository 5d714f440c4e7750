//! Exercises 3 and 4.

use crate::assert_rejected;

#[test]
fn no_wrong_join_is_accepted() {
    assert_rejected([
        (one_after_the_other::check::check, "at the same time"),
        (
            polls_what_is_ready::check::check,
            "resumed after completion",
        ),
        (
            join_asks_again_and_again::check::check,
            "nobody has woken it yet",
        ),
        (only_the_first_wakes::check::check, "was not woken"),
    ]);
}

/// The second future is not polled before the first one is ready.
mod one_after_the_other {
    pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
        (first.await, second.await)
    }

    pub mod check {
        include!("../checks/joining.rs");
    }
}

/// It polls a future again that has been ready, until the other one is ready in the same poll.
mod polls_what_is_ready {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
        let (mut first, mut second) = (pin!(first), pin!(second));
        poll_fn(
            |cx| match (first.as_mut().poll(cx), second.as_mut().poll(cx)) {
                (Poll::Ready(first), Poll::Ready(second)) => Poll::Ready((first, second)),
                _ => Poll::Pending,
            },
        )
        .await
    }

    pub mod check {
        include!("../checks/joining.rs");
    }
}

/// It wakes its own task in each poll, which is a busy loop.
mod join_asks_again_and_again {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
        let (mut first, mut second) = (pin!(first), pin!(second));
        let (mut one, mut two) = (None, None);
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if one.is_none()
                && let Poll::Ready(output) = first.as_mut().poll(cx)
            {
                one = Some(output);
            }
            if two.is_none()
                && let Poll::Ready(output) = second.as_mut().poll(cx)
            {
                two = Some(output);
            }
            if one.is_none() || two.is_none() {
                return Poll::Pending;
            }
            Poll::Ready((one.take().unwrap(), two.take().unwrap()))
        })
        .await
    }

    pub mod check {
        include!("../checks/joining.rs");
    }
}

/// The second future gets a waker that does nothing.
mod only_the_first_wakes {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
        let (mut first, mut second) = (pin!(first), pin!(second));
        let (mut one, mut two) = (None, None);
        poll_fn(|cx| {
            if one.is_none()
                && let Poll::Ready(output) = first.as_mut().poll(cx)
            {
                one = Some(output);
            }
            let mut noop = Context::from_waker(Waker::noop());
            if two.is_none()
                && let Poll::Ready(output) = second.as_mut().poll(&mut noop)
            {
                two = Some(output);
            }
            if one.is_none() || two.is_none() {
                return Poll::Pending;
            }
            Poll::Ready((one.take().unwrap(), two.take().unwrap()))
        })
        .await
    }

    pub mod check {
        include!("../checks/joining.rs");
    }
}

#[test]
fn no_wrong_select_is_accepted() {
    assert_rejected([
        (the_second_one_wins::check::check, "the first one wins"),
        (keeps_the_loser::check::check, "before select returns"),
        (waits_for_both::check::check, "waits for the other one"),
        (
            select_asks_again_and_again::check::check,
            "nobody has woken it yet",
        ),
    ]);
}

/// It polls the second future first.
mod the_second_one_wins {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub enum Either<A, B> {
        First(A),
        Second(B),
    }

    pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
        let (mut first, mut second) = (pin!(first), pin!(second));
        poll_fn(|cx| {
            if let Poll::Ready(output) = second.as_mut().poll(cx) {
                return Poll::Ready(Either::Second(output));
            }
            first.as_mut().poll(cx).map(Either::First)
        })
        .await
    }

    pub mod check {
        include!("../checks/selecting.rs");
    }
}

/// The loser is never dropped: it is not polled any more, but holds what it holds for ever.
mod keeps_the_loser {
    use std::future::poll_fn;
    use std::mem::ManuallyDrop;
    use std::task::Poll;

    pub enum Either<A, B> {
        First(A),
        Second(B),
    }

    pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
        let mut first = ManuallyDrop::new(Box::pin(first));
        let mut second = ManuallyDrop::new(Box::pin(second));
        poll_fn(|cx| {
            if let Poll::Ready(output) = first.as_mut().poll(cx) {
                return Poll::Ready(Either::First(output));
            }
            second.as_mut().poll(cx).map(Either::Second)
        })
        .await
    }

    pub mod check {
        include!("../checks/selecting.rs");
    }
}

/// This is a join that throws one output away.
mod waits_for_both {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub enum Either<A, B> {
        First(A),
        Second(B),
    }

    pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
        let (mut first, mut second) = (pin!(first), pin!(second));
        let (mut winner, mut is_first_done, mut is_second_done) = (None, false, false);
        poll_fn(|cx| {
            if !is_first_done && let Poll::Ready(output) = first.as_mut().poll(cx) {
                is_first_done = true;
                winner.get_or_insert(Either::First(output));
            }
            if !is_second_done && let Poll::Ready(output) = second.as_mut().poll(cx) {
                is_second_done = true;
                winner.get_or_insert(Either::Second(output));
            }
            match is_first_done && is_second_done {
                true => Poll::Ready(winner.take().unwrap()),
                false => Poll::Pending,
            }
        })
        .await
    }

    pub mod check {
        include!("../checks/selecting.rs");
    }
}

/// It wakes its own task in each poll, which is a busy loop.
mod select_asks_again_and_again {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    pub enum Either<A, B> {
        First(A),
        Second(B),
    }

    pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
        let (mut first, mut second) = (pin!(first), pin!(second));
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if let Poll::Ready(output) = first.as_mut().poll(cx) {
                return Poll::Ready(Either::First(output));
            }
            second.as_mut().poll(cx).map(Either::Second)
        })
        .await
    }

    pub mod check {
        include!("../checks/selecting.rs");
    }
}
