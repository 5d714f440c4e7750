use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use candor::{sleep, spawn, time};

use super::Semaphore;
use crate::support::{Counting, SECOND, Trace, on_virtual_time, poll_once, poll_with};

/// Exercise 10.
pub fn check() {
    a_permit_goes_to_the_first_who_waits();
    the_last_waker_counts();
    five_tasks_share_two_permits();
}

fn five_tasks_share_two_permits() {
    on_virtual_time(async {
        let semaphore = Semaphore::new(2);
        let trace = Trace::default();
        let running = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (1..=5)
            .map(|number| {
                let (semaphore, trace) = (semaphore.clone(), trace.clone());
                let running = running.clone();
                spawn(async move {
                    let _permit = semaphore.acquire().await;
                    running.set(running.get() + 1);
                    assert!(running.get() <= 2, "there are two permits");
                    trace.note(number.to_string());
                    sleep(SECOND).await;
                    running.set(running.get() - 1);
                })
            })
            .collect();
        let start = time::now();
        for task in tasks {
            let ended = time::timeout(60 * SECOND, task).await;
            ended
                .expect("a task waits for a permit that is free")
                .unwrap();
        }
        assert_eq!(
            trace.notes(),
            ["1", "2", "3", "4", "5"],
            "first come, first served"
        );
        assert_eq!(time::now() - start, 3 * SECOND);
    });
}

fn a_permit_goes_to_the_first_who_waits() {
    on_virtual_time(async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await;
        let mut gives_up = Box::pin(semaphore.acquire());
        let mut is_too_late = Box::pin(semaphore.acquire());
        let mut waits = Box::pin(semaphore.acquire());
        assert!(poll_once(gives_up.as_mut()).is_pending());
        assert!(poll_once(is_too_late.as_mut()).is_pending());
        assert!(poll_once(waits.as_mut()).is_pending());
        drop(gives_up);
        drop(permit);
        let newcomer = semaphore.acquire();
        assert!(
            poll_once(pin!(newcomer)).is_pending(),
            "a newcomer does not push in"
        );
        // It has been handed the permit, or soon would have been, and is dropped without taking it.
        drop(is_too_late);
        let permit = poll_once(waits);
        assert!(
            permit.is_ready(),
            "the permit is lost with somebody who did not wait for it"
        );
        drop(permit);
        assert!(poll_once(pin!(semaphore.acquire())).is_ready());
    });
}

/// The waker may change from poll to poll, and a spurious poll takes no second place in the queue.
fn the_last_waker_counts() {
    let semaphore = Semaphore::new(1);
    let Poll::Ready(permit) = poll_once(pin!(semaphore.acquire())) else {
        panic!("the only permit is free");
    };
    let (first, last) = (Arc::new(Counting::default()), Arc::new(Counting::default()));
    let mut waits = Box::pin(semaphore.acquire());
    for counting in [&first, &last, &last, &last] {
        let waker = Waker::from(counting.clone());
        assert!(poll_with(&waker, waits.as_mut()).is_pending());
    }
    let copies = Arc::strong_count(&last) - 1;
    assert_eq!(
        copies, 1,
        "one who waits keeps one waker, however often it is polled"
    );
    drop(permit);
    assert_eq!(
        last.wakes(),
        1,
        "the waker of the last poll is called, once"
    );
    assert!(poll_once(waits.as_mut()).is_ready());
}
