//! What it takes to keep a task that waits, tables and queues included.
//!
//! Twice: the bytes that are asked of the allocator, which can be compared with a type's size; and by how much the
//! process grows, which is what it costs, with what the allocator adds for its own ends and for alignment.

use std::fs;
use std::rc::Rc;
use std::time::Duration;

use super::Waiting;
use crate::allocated::bytes_kept_by;
use crate::latch::Latch;
use crate::peers::{Peer, Timers};
use crate::row::Target::{Stated, TimesTheRecord};
use crate::row::{Figure, Need, Row};

pub fn rows<P: Peer>() -> Vec<Row> {
    let figures = [
        Figure::new("memory of an idle task, asked for", "bytes", Stated),
        // 128 bytes, with id, lineage and last await, are what is allowed for.
        Figure::new("the same, resident", "bytes", TimesTheRecord(1.07)),
    ];
    vec![Row::of_figures("memory-idle", figures, |effort| {
        let count = effort.count(1_000_000);
        let waiting = Waiting::places_for(count);
        memory_of(
            count,
            |peer: P| async move { waiting.take_places(&peer).await },
        )
    })]
}

pub fn rows_of_sleeps<P: Timers>() -> Vec<Row> {
    let figures = [
        Figure::new("memory of a sleeping task, asked for", "bytes", Stated),
        Figure::new("the same, resident", "bytes", TimesTheRecord(0.7)),
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
