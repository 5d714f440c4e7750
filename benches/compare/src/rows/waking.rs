//! Wakes of tasks that wait, and of one that is queued already; and what a waker itself costs.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::hint::black_box;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::{Place, Waiting, in_a_task};
use crate::latch::Latch;
use crate::peers::Peer;
use crate::row::Row;
use crate::row::Target::TimesTheRecord;

pub fn rows<P: Peer>() -> Vec<Row> {
    vec![
        Row::new(
            "wake-storm",
            "wake storm over 1,000 waiting tasks, a wake",
            TimesTheRecord(0.75),
            |effort| {
                in_a_task(effort, 1_000, |peer, rounds| {
                    storm::<P>(peer, rounds, 1_000)
                })
            },
        ),
        Row::new(
            "wake-storm-kept",
            "the same, by wakers that stay where they are",
            TimesTheRecord(0.75),
            |effort| in_a_task(effort, KEPT, storm_of_kept_wakers::<P>),
        ),
        Row::new(
            "waker-clone",
            "waker: clone and drop",
            TimesTheRecord(1.05),
            |effort| in_a_task(effort, 1, clone_and_drop::<P>),
        ),
        Row::new(
            "wake-queued",
            "wake of a task already queued",
            TimesTheRecord(1.2),
            |effort| in_a_task(effort, 1, wake_of_a_queued_task::<P>),
        ),
    ]
}

const KEPT: usize = 1_000;

/// A round wakes each of `count` tasks; each is polled and waits again.
pub async fn storm<P: Peer>(peer: P, rounds: u64, count: usize) -> Duration {
    let waiting = Waiting::places_for(count);
    waiting.take_places(&peer).await;
    let start = Instant::now();
    for _ in 0..rounds {
        waiting.wake(0..count).await;
    }
    let took = start.elapsed();
    waiting.end().await;
    took
}

/// As the storm above, but as most channels and locks do it: a task that finds its own waker in its place leaves it
/// there, and the wake is by reference.
async fn storm_of_kept_wakers<P: Peer>(peer: P, rounds: u64) -> Duration {
    let places: Rc<[RefCell<Waker>]> = (0..KEPT)
        .map(|_| RefCell::new(Waker::noop().clone()))
        .collect();
    let polled = Latch::new(KEPT);
    let is_over = Rc::new(Cell::new(false));
    for number in 0..KEPT {
        let (places, polled) = (Rc::clone(&places), Rc::clone(&polled));
        let is_over = Rc::clone(&is_over);
        peer.spawn_detached(poll_fn(move |cx| {
            polled.count_down();
            if is_over.get() {
                return Poll::Ready(());
            }
            places[number].borrow_mut().clone_from(cx.waker());
            Poll::Pending
        }));
    }
    polled.opened().await;
    let wake_each = async || {
        polled.expect(KEPT);
        places.iter().for_each(|place| place.borrow().wake_by_ref());
        polled.opened().await;
    };
    let start = Instant::now();
    for _ in 0..rounds {
        wake_each().await;
    }
    let took = start.elapsed();
    is_over.set(true);
    wake_each().await;
    took
}

async fn clone_and_drop<P: Peer>(_peer: P, rounds: u64) -> Duration {
    let waker = own_waker().await;
    let start = Instant::now();
    for _ in 0..rounds {
        drop(black_box(black_box(&waker).clone()));
    }
    let took = start.elapsed();
    assert!(waker.will_wake(&waker.clone()));
    took
}

/// One wake queues the other task, and all that follow find it queued.
async fn wake_of_a_queued_task<P: Peer>(peer: P, rounds: u64) -> Duration {
    let place = Rc::new(Place::new(None));
    let polls = Rc::new(Cell::new(0));
    let polled = Latch::new(1);
    {
        let (place, polls, polled) = (Rc::clone(&place), Rc::clone(&polls), Rc::clone(&polled));
        peer.spawn_detached(poll_fn(move |cx| {
            polls.set(polls.get() + 1);
            place.set(Some(cx.waker().clone()));
            polled.count_down();
            if polls.get() == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
    }
    polled.opened().await;
    polled.expect(1);
    let waker = place.take().expect("the task has left its waker");
    waker.wake_by_ref();
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(&waker).wake_by_ref();
    }
    let took = start.elapsed();
    polled.opened().await;
    assert_eq!(polls.get(), 2);
    took
}

async fn own_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}
