use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use candor::{spawn, time};

use super::Event;
use crate::support::{Counting, SECOND, on_virtual_time, poll_with, polls_of_tasks, settle};

/// Exercise 5.
pub fn check() {
    on_virtual_time(async {
        let event = Event::default();
        let two = [event.wait(), event.wait()].map(spawn);
        settle().await;
        assert_eq!(polls_of_tasks(), 2, "nobody has woken the two tasks yet");
        event.set();
        for task in two {
            let ended = time::timeout(SECOND, task).await;
            ended
                .expect("the event is set, but one of two tasks that wait for it sleeps on")
                .unwrap();
        }
        let late = time::timeout(SECOND, event.wait()).await;
        assert!(late.is_ok(), "who comes later finds the event set");
    });
    on_virtual_time(async {
        let event = Event::default();
        let mut wait = event.wait();
        let first = spawn(async move {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut wait).poll(cx)));
            assert!(polled.await.is_pending());
            candor::Plain(wait)
        });
        // The task that polled it is done; now another one awaits it.
        let wait = first.await.unwrap();
        let second = spawn(wait);
        candor::yield_now().await;
        event.set();
        assert!(
            time::timeout(SECOND, second).await.is_ok(),
            "the event is set, but the task that waits for it sleeps on"
        );
    });
    spurious_polls_cost_no_memory();
}

fn spurious_polls_cost_no_memory() {
    let (event, counting) = (Event::default(), Arc::new(Counting::default()));
    let waker = Waker::from(counting.clone());
    let mut waits = [event.wait(), event.wait()];
    for _ in 0..1000 {
        for wait in &mut waits {
            assert!(poll_with(&waker, wait).is_pending());
        }
    }
    // One is in `counting`, one in `waker`.
    let copies = Arc::strong_count(&counting) - 2;
    assert!(
        copies <= 2,
        "two futures that were polled a thousand times keep {copies} wakers: a spurious poll makes the list longer"
    );
    event.set();
    assert_eq!(counting.wakes(), 2, "one wake for each that waits");
}
