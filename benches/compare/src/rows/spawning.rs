//! Spawning tasks, joining them, and learning how they failed.

use std::future::pending;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::in_a_task;
use crate::latch::Latch;
use crate::peers::{Aborts, Peer};
use crate::row::Target::{Stated, TimesTheRecord};
use crate::row::{Need, Row};

pub fn rows<P: Peer>() -> Vec<Row> {
    vec![
        Row::new(
            "spawn-await",
            "spawn and await, one at a time",
            TimesTheRecord(0.8),
            |effort| in_a_task(effort, 1, one_at_a_time::<P>),
        )
        .in_debug_too(),
        Row::new(
            "spawn-join-1000",
            "spawn 1,000, join 1,000",
            TimesTheRecord(0.8),
            |effort| in_a_task(effort, MANY, many_at_a_time::<P>),
        )
        .in_debug_too(),
        Row::new(
            "spawn-chain",
            "each task spawns the next",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, 1, chain::<P>),
        ),
        Row::new(
            "spawn-by-turns",
            "100 tasks spawn by turns",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, SPAWNERS, by_turns::<P>),
        ),
        Row::new(
            "detached-1e4",
            "spawn detached, 1e4 alive",
            TimesTheRecord(0.9),
            |effort| {
                let alive = effort.count(10_000);
                in_a_task(effort, alive, move |peer, rounds| {
                    detached::<P>(peer, rounds, alive)
                })
            },
        ),
        Row::new(
            "detached-1e6",
            "spawn detached, 1e6 alive",
            TimesTheRecord(0.8),
            |effort| {
                let alive = effort.count(1_000_000);
                in_a_task(effort, alive, move |peer, rounds| {
                    detached::<P>(peer, rounds, alive)
                })
            },
        ),
        Row::new(
            "err-joined",
            "`Err` joined",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, 1, errors_joined::<P>),
        )
        .in_debug_too(),
        Row::new(
            "err-joined-1000",
            "1,000 tasks return `Err`, then all are joined",
            TimesTheRecord(1.0),
            |effort| in_a_task(effort, MANY, many_errors_joined::<P>),
        ),
        Row::new("panic-joined", "panic joined", Stated, |effort| {
            // The hook is quiet: what a report costs is another row. candor's own, which takes a backtrace, is put
            // in front of it when the first executor is built.
            std::panic::set_hook(Box::new(|_| {}));
            in_a_task(effort, 1, panics_joined::<P>)
        }),
    ]
}

pub fn rows_of_aborts<P: Aborts>() -> Vec<Row> {
    let row = Row::new(
        "spawn-abort",
        "spawn, abort while it waits, and learn that it is gone",
        TimesTheRecord(1.0),
        |effort| in_a_task(effort, 1, aborted::<P>),
    );
    vec![row.needs(Need::Aborts)]
}

const MANY: usize = 1_000;
const SPAWNERS: usize = 100;

async fn one_at_a_time<P: Peer>(peer: P, rounds: u64) -> Duration {
    let start = Instant::now();
    for round in 0..rounds {
        let task = peer.spawn(async move { black_box(round) });
        assert_eq!(P::join(task).await, round);
    }
    start.elapsed()
}

async fn many_at_a_time<P: Peer>(peer: P, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let tasks: Vec<_> = (0..MANY as u64)
            .map(|number| peer.spawn(async move { black_box(number) }))
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += P::join(task).await;
        }
        assert_eq!(sum, 499_500);
    }
    start.elapsed()
}

/// No two tasks in a row have the same spawner.
async fn chain<P: Peer>(peer: P, rounds: u64) -> Duration {
    let done = Latch::new(1);
    let start = Instant::now();
    link(peer, rounds - 1, Rc::clone(&done));
    done.opened().await;
    start.elapsed()
}

fn link<P: Peer>(peer: P, left: u64, done: Rc<Latch>) {
    let next = peer.clone();
    peer.spawn_detached(async move {
        match left {
            0 => done.count_down(),
            _ => link(next, left - 1, done),
        }
    });
}

/// A round is a turn of each of the spawners.
async fn by_turns<P: Peer>(peer: P, rounds: u64) -> Duration {
    let done = Latch::new(SPAWNERS * rounds as usize);
    let start = Instant::now();
    for _ in 0..SPAWNERS {
        let (spawner, done) = (peer.clone(), Rc::clone(&done));
        peer.spawn_detached(async move {
            for _ in 0..rounds {
                let done = Rc::clone(&done);
                spawner.spawn_detached(async move {
                    done.count_down();
                });
                P::yield_now().await;
            }
        });
    }
    done.opened().await;
    start.elapsed()
}

async fn detached<P: Peer>(peer: P, rounds: u64, alive: usize) -> Duration {
    let done = Latch::new(alive);
    let start = Instant::now();
    for _ in 0..rounds {
        for _ in 0..alive {
            let done = Rc::clone(&done);
            peer.spawn_detached(async move {
                done.count_down();
            });
        }
        done.opened().await;
        done.expect(alive);
    }
    start.elapsed()
}

async fn errors_joined<P: Peer>(peer: P, rounds: u64) -> Duration {
    let start = Instant::now();
    for round in 0..rounds {
        let task = peer.spawn_fallible(async move { Err(black_box(round)) });
        assert_eq!(P::join_fallible(task).await, Err(round));
    }
    start.elapsed()
}

async fn many_errors_joined<P: Peer>(peer: P, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let tasks: Vec<_> = (0..MANY as u64)
            .map(|number| peer.spawn_fallible(async move { Err(black_box(number)) }))
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += P::join_fallible(task).await.expect_err("all of them fail");
        }
        assert_eq!(sum, 499_500);
    }
    start.elapsed()
}

async fn panics_joined<P: Peer>(peer: P, rounds: u64) -> Duration {
    let mut caught = 0;
    let start = Instant::now();
    for _ in 0..rounds {
        let panicked = peer.catches_panic_of(async { panic!("boom") }).await;
        caught += u64::from(panicked);
    }
    let took = start.elapsed();
    assert_eq!(caught, rounds);
    took
}

/// Each task is polled once, and holds something that its future drops.
async fn aborted<P: Aborts>(peer: P, rounds: u64) -> Duration {
    let alive = Rc::new(());
    let start = Instant::now();
    for _ in 0..rounds {
        let held = Rc::clone(&alive);
        let task = peer.spawn(async move {
            let _held = held;
            pending().await
        });
        P::yield_now().await;
        P::abort(task).await;
        assert_eq!(Rc::strong_count(&alive), 1, "the future is gone");
    }
    start.elapsed()
}
