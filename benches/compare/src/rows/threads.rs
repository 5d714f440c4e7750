//! Wakes from other threads.
//!
//! Threads that wake as fast as they can run on all cores, as they would in a program. The round trip is on one
//! core: between two it is mostly the time in which an idle core wakes up.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::{Waiting, in_a_task};
use crate::peers::AcrossThreads;
use crate::row::Target::TimesTheRecord;
use crate::row::{Figure, Need, Row};

pub fn rows<P: AcrossThreads>() -> Vec<Row> {
    let all = [
        Row::new(
            "wake-threads",
            "wakes from two threads",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, THREADS, |_: P, rounds| woken_by_threads(rounds)),
        )
        .unpinned(),
        Row::new(
            "wake-storm-thread",
            "a thread wakes 1,000 waiting tasks in turn, a wake",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, WAITING, storm_from_a_thread::<P>),
        )
        .unpinned(),
        Row::of_figures(
            "wake-parked",
            [Figure::new(
                "round trip to a thread, parked",
                "µs",
                TimesTheRecord(1.0),
            )],
            |effort| [in_a_task(effort, 1, |_: P, rounds| asks_a_thread(rounds)) / 1e3],
        ),
    ];
    all.into_iter()
        .map(|row| row.needs(Need::Threads))
        .collect()
}

const THREADS: usize = 2;
const WAITING: usize = 1_000;

/// Two threads wake one task as fast as they can. It is polled less often than it is woken, as it should be,
/// and at least once after the last wake.
async fn woken_by_threads(rounds: u64) -> Duration {
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let running = Arc::new(AtomicUsize::new(THREADS));
    let start = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (waker, running) = (waker.clone(), Arc::clone(&running));
            thread::spawn(move || {
                for _ in 1..rounds {
                    waker.wake_by_ref();
                }
                running.fetch_sub(1, Ordering::Release);
                waker.wake();
            })
        })
        .collect();
    poll_fn(|_| match running.load(Ordering::Acquire) {
        0 => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
    let took = start.elapsed();
    for thread in threads {
        thread.join().expect("a thread that wakes does not panic");
    }
    took
}

/// A round: each task's waker goes to the thread, which wakes them one by one while the executor polls those that
/// were woken already.
async fn storm_from_a_thread<P: AcrossThreads>(peer: P, rounds: u64) -> Duration {
    let (ask, asked) = mpsc::channel::<Vec<Waker>>();
    let thread = thread::spawn(move || asked.into_iter().flatten().for_each(Waker::wake));
    let waiting = Waiting::places_for(WAITING);
    waiting.take_places(&peer).await;
    let start = Instant::now();
    for _ in 0..rounds {
        let wakers = waiting.wakers_to_be_woken();
        ask.send(wakers).expect("the thread listens");
        waiting.polled.opened().await;
    }
    let took = start.elapsed();
    waiting.end().await;
    drop(ask);
    thread.join().expect("a thread that wakes does not panic");
    took
}

/// A thread answers with a wake; the executor sleeps until it does.
async fn asks_a_thread(rounds: u64) -> Duration {
    let (ask, asked) = mpsc::channel::<Waker>();
    let is_answered = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&is_answered);
    let thread = thread::spawn(move || {
        let mut answers = 0;
        for waker in asked {
            answers += 1;
            answer.store(true, Ordering::Release);
            waker.wake();
        }
        answers
    });
    let start = Instant::now();
    for _ in 0..rounds {
        let mut is_asked = false;
        poll_fn(|cx| {
            if !is_asked {
                is_asked = true;
                ask.send(cx.waker().clone()).expect("the thread listens");
            }
            match is_answered.swap(false, Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
    let took = start.elapsed();
    drop(ask);
    let answers: u64 = thread.join().expect("a thread that answers does not panic");
    assert_eq!(answers, rounds);
    took
}
