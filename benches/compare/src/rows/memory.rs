//! What it takes to keep a task that waits, tables and queues included.
//!
//! An idle task holds 32 bytes of state, and a sleeping one its sleep. Both are told twice: the bytes that are asked of the allocator, which can be compared with a type's size; and by how much the
//! process grows, which is what it costs, with what the allocator adds for its own ends and for alignment.

use std::fs;
use std::future::poll_fn;
use std::hint::black_box;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::Place;
use crate::allocated::bytes_kept_by;
use crate::latch::Latch;
use crate::peers::{Peer, Timers};
use crate::row::Target::{AtMost, Stated};
use crate::row::{Figure, Need, Row};

pub fn rows<P: Peer>() -> Vec<Row> {
    let figures = [
        Figure::new("memory of an idle task, asked for", "bytes", Stated),
        Figure::new("memory of an idle task, resident", "bytes", AtMost(160.0)),
    ];
    vec![Row::of_figures("memory-idle", figures, |effort| {
        let count = effort.count(1_000_000);
        let places: Rc<[Place]> = (0..count).map(|_| Place::new(None)).collect();
        memory_of(count, |peer: P| async move {
            let waits = Latch::new(count);
            for number in 0..count {
                let (places, waits) = (Rc::clone(&places), Rc::clone(&waits));
                let state = [number; 4];
                peer.spawn_detached(poll_fn(move |cx| {
                    let number = black_box(state)[0];
                    places[number].set(Some(cx.waker().clone()));
                    waits.count_down();
                    Poll::Pending
                }));
            }
            waits.opened().await;
            assert_eq!(Rc::strong_count(&waits), count + 1, "every task is alive");
        })
    })]
}

pub fn rows_of_sleeps<P: Timers>() -> Vec<Row> {
    let figures = [
        Figure::new("memory of a sleeping task, asked for", "bytes", Stated),
        Figure::new(
            "memory of a sleeping task, resident",
            "bytes",
            AtMost(216.0),
        ),
    ];
    let row = Row::of_figures("memory-sleeping", figures, |effort| {
        let count = effort.count(1_000_000);
        memory_of(count, |peer: P| async move {
            let asleep = Latch::new(count);
            for _ in 0..count {
                let asleep = Rc::clone(&asleep);
                peer.spawn_detached(async move {
                    asleep.count_down();
                    P::sleep(Duration::from_secs(3600)).await;
                });
            }
            asleep.opened().await;
            assert_eq!(Rc::strong_count(&asleep), count + 1, "every task is alive");
        })
    });
    vec![row.needs(Need::Timers)]
}

/// What each of the tasks takes that are alive in an executor when `main` is done.
fn memory_of<P: Peer, F: Future<Output = ()>>(count: usize, main: impl FnOnce(P) -> F) -> [f64; 2] {
    let mut executor = P::build();
    let peer = P::handle(&executor);
    // What is allocated once, by the first task, is not a task's.
    P::block_on(&mut executor, async {
        P::join(peer.spawn(async { 0 })).await;
    });
    let before = resident();
    let asked_for = bytes_kept_by(|| P::block_on(&mut executor, main(peer)));
    let grown_by = resident() - before;
    [asked_for as f64 / count as f64, grown_by / count as f64]
}

/// How much of the process is in memory, in bytes.
fn resident() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux tells what a process takes");
    let pages: Option<f64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.expect("the second number is the resident pages") * rustix::param::page_size() as f64
}
