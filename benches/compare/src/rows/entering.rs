//! Entering an executor, building one, dropping one.

use std::collections::VecDeque;
use std::future::ready;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Waiting;
use crate::effort::Effort;
use crate::latch::Latch;
use crate::peers::Peer;
use crate::row::Target::{Stated, TimesTheRecord, TimesTheRecordBut};
use crate::row::{Figure, Need, Row};

pub fn rows<P: Peer>() -> Vec<Row> {
    vec![
        block_on_row(measured_block_on::<P>).in_debug_too(),
        Row::new(
            "build-and-drop",
            "build, `block_on(ready)`, drop",
            TimesTheRecord(1.0),
            build_and_drop::<P>,
        ),
        Row::new(
            "build-among-eight",
            "the same with eight alive, the oldest of which is dropped",
            TimesTheRecord(1.2),
            build_among_eight::<P>,
        ),
        Row::new(
            "first-executor",
            "build, `block_on` a spawn and await, drop: the first of a process",
            Stated,
            first_executor::<P>,
        ),
        Row::new(
            "build-spawn-and-drop",
            "build, `block_on` a spawn and await, drop",
            Stated,
            build_spawn_and_drop::<P>,
        ),
        past_a_million_row::<P>(),
        Row::new(
            "drop-1e6",
            "drop of an executor with 1e6 waiting tasks, a task",
            TimesTheRecord(2.2),
            drop_of_many::<P>,
        ),
        Row::new(
            "spawn-await-main",
            "spawn and await, one at a time, in the main future",
            TimesTheRecord(0.8),
            spawn_and_await_in_main::<P>,
        ),
    ]
}

/// The row that also those have that can only enter.
///
/// futures and pollster set nothing up for it: no queue, no clock, no place for tasks. They are shown, and the record is
/// the best of those that do.
pub fn block_on_row(measure: impl Fn(&Effort) -> f64 + 'static) -> Row {
    Row::new(
        "block-on-ready",
        "`block_on(ready)`",
        TimesTheRecordBut {
            peer: "futures",
            times: 0.8,
        },
        measure,
    )
    .needs(Need::Entry)
}

fn measured_block_on<P: Peer>(effort: &Effort) -> f64 {
    let mut executor = P::build();
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            let main = black_box(ready(round));
            assert_eq!(P::block_on_alone(&mut executor, main), round);
        }
        start.elapsed()
    })
}

fn build_and_drop<P: Peer>(effort: &Effort) -> f64 {
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            let mut executor = P::build();
            assert_eq!(P::block_on(&mut executor, black_box(ready(round))), round);
        }
        start.elapsed()
    })
}

/// What is kept in reserve for one executor helps none of these.
fn build_among_eight<P: Peer>(effort: &Effort) -> f64 {
    let mut alive: VecDeque<P::Executor> = (0..8).map(|_| P::build()).collect();
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            drop(alive.pop_front());
            let mut executor = P::build();
            assert_eq!(P::block_on(&mut executor, black_box(ready(round))), round);
            alive.push_back(executor);
        }
        start.elapsed()
    })
}

/// A sample is a process, so this is cold: once a sample.
fn first_executor<P: Peer>(_effort: &Effort) -> f64 {
    let start = Instant::now();
    let mut executor = P::build();
    let peer = P::handle(&executor);
    let main = async { P::join(peer.spawn(async { black_box(7) })).await };
    assert_eq!(P::block_on(&mut executor, main), 7);
    drop((peer, executor));
    start.elapsed().as_nanos() as f64
}

fn build_spawn_and_drop<P: Peer>(effort: &Effort) -> f64 {
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            let mut executor = P::build();
            let peer = P::handle(&executor);
            let main = async {
                let task = peer.spawn(async move { black_box(round) });
                P::join(task).await
            };
            assert_eq!(P::block_on(&mut executor, main), round);
        }
        start.elapsed()
    })
}

fn past_a_million_row<P: Peer>() -> Row {
    let figures = [
        Figure::new(
            "the first 2^20 + 1,000 tasks of a process, spawned, a task",
            "ns",
            Stated,
        ),
        Figure::new("the longest of these spawns", "µs", Stated),
    ];
    Row::of_figures("spawn-past-2-20", figures, past_a_million::<P>)
}

/// Whatever holds the tasks grows to more than 2^20 of them, once in a process. The clock is read at each spawn.
fn past_a_million<P: Peer>(effort: &Effort) -> [f64; 2] {
    let count = effort.count(1 << 20) + 1_000;
    let done = Latch::new(count);
    let mut executor = P::build();
    let peer = P::handle(&executor);
    P::block_on(&mut executor, async {
        let start = Instant::now();
        let (mut last, mut longest) = (start, Duration::ZERO);
        for _ in 0..count {
            let done = Rc::clone(&done);
            peer.spawn_detached(async move {
                done.count_down();
            });
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        done.opened().await;
        let each = (last - start).as_nanos() as f64 / count as f64;
        [each, longest.as_nanos() as f64 / 1e3]
    })
}

/// Until nothing is left: the executor goes, and then the wakers that its tasks have left elsewhere. Some
/// peers free a task with the one, some with the other.
fn drop_of_many<P: Peer>(effort: &Effort) -> f64 {
    let count = effort.count(1_000_000);
    effort.ns_per_op(count, |rounds| {
        let mut took = Duration::ZERO;
        for _ in 0..rounds {
            let waiting = Waiting::places_for(count);
            let mut executor = P::build();
            let peer = P::handle(&executor);
            P::block_on(&mut executor, waiting.take_places(&peer));
            drop(peer);
            let start = Instant::now();
            drop(executor);
            waiting.places.iter().for_each(|place| drop(place.take()));
            took += start.elapsed();
            let undropped = Rc::strong_count(&waiting) - 1;
            assert!(undropped == 0, "{undropped} futures were not dropped");
        }
        took
    })
}

fn spawn_and_await_in_main<P: Peer>(effort: &Effort) -> f64 {
    let mut executor = P::build();
    let peer = P::handle(&executor);
    effort.ns_per_op(1, |rounds| {
        P::block_on(&mut executor, async {
            let start = Instant::now();
            for round in 0..rounds {
                let task = peer.spawn(async move { black_box(round) });
                assert_eq!(P::join(task).await, round);
            }
            start.elapsed()
        })
    })
}
