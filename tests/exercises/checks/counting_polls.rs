use std::future::ready;

use candor::{sleep, spawn};

use super::count_polls;
use crate::support::{Bell, SECOND, on_virtual_time, poll_once, polls_of_tasks, settle};

/// Exercise 2.
pub fn check() {
    on_virtual_time(async {
        assert_eq!(count_polls(ready("x")).await, ("x", 1), "ready at once");
        let mut counting = Box::pin(count_polls(polled_by_turns()));
        assert!(
            poll_once(counting.as_mut()).is_pending(),
            "what is awaited is not ready yet, so this is not"
        );
        let bell = Bell::default();
        let counting = spawn(count_polls(bell.clone()));
        settle().await;
        assert_eq!(polls_of_tasks(), 1, "nobody has woken it yet");
        bell.ring();
        let counted = candor::time::timeout(SECOND, counting).await;
        let counted = counted.expect("the future was woken, but the task that counts was not");
        assert_eq!(counted.unwrap(), ((), 2), "one poll, a wake, another poll");
        assert_eq!(count_polls(sleep(SECOND)).await, ((), 2));
        let three_yields = async {
            for _ in 0..3 {
                candor::yield_now().await;
            }
        };
        assert_eq!(count_polls(three_yields).await, ((), 4));
    });
}

/// Is never ready, and does not let itself be polled twice in a row.
async fn polled_by_turns() {
    let mut polls = 0;
    std::future::poll_fn(move |_| {
        polls += 1;
        assert!(
            polls < 2,
            "one poll of the counter is one poll of the future, not a loop"
        );
        std::task::Poll::<()>::Pending
    })
    .await
}
