//! Polls of tasks that are ready again at once.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::in_a_task;
use crate::latch::Latch;
use crate::peers::Peer;
use crate::row::Row;
use crate::row::Target::TimesTheRecord;

pub fn rows<P: Peer>() -> Vec<Row> {
    [
        ("yield-1", "1 task", 1, 0.6),
        ("yield-10", "10 tasks", 10, 0.6),
        ("yield-1e3", "1e3 tasks", 1_000, 0.7),
        ("yield-1e5", "1e5 tasks", 100_000, 0.9),
    ]
    .into_iter()
    .map(|(id, tasks, count, times)| {
        let title = format!("`yield_now`, {tasks}");
        let row = Row::new(id, title, TimesTheRecord(times), move |effort| {
            in_a_task(effort, count, move |peer, rounds| {
                yields::<P>(peer, rounds, count)
            })
        });
        row.in_debug_too()
    })
    .chain([Row::new(
        "wake-itself-1e3",
        "`wake_by_ref` and `Pending`, 1e3 tasks",
        TimesTheRecord(0.7),
        |effort| in_a_task(effort, 1_000, wakes_itself::<P>),
    )])
    .collect()
}

/// What `yield_now` is, but the same code for all: some executors have a cheap one of their own.
async fn wakes_itself<P: Peer>(peer: P, rounds: u64) -> Duration {
    let done = Latch::new(1_000);
    for _ in 0..1_000 {
        let done = Rc::clone(&done);
        let mut left = rounds;
        peer.spawn_detached(poll_fn(move |cx| {
            left -= 1;
            if left == 0 {
                done.count_down();
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
    }
    let start = Instant::now();
    done.opened().await;
    start.elapsed()
}

/// A round polls each of `count` tasks once. They are spawned beforehand, and the first round is their
/// first poll.
pub async fn yields<P: Peer>(peer: P, rounds: u64, count: usize) -> Duration {
    let done = Latch::new(count);
    let polls = Rc::new(Cell::new(0));
    for _ in 0..count {
        let (done, polls) = (Rc::clone(&done), Rc::clone(&polls));
        peer.spawn_detached(async move {
            for _ in 1..rounds {
                P::yield_now().await;
            }
            polls.set(polls.get() + rounds);
            done.count_down();
        });
    }
    let start = Instant::now();
    done.opened().await;
    let took = start.elapsed();
    assert_eq!(polls.get(), rounds * count as u64);
    took
}
