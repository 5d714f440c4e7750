//! Entering an executor, building one, dropping one.

use std::hint::black_box;
use std::time::Instant;

use crate::effort::Effort;
use crate::peers::Peer;
use crate::row::Row;
use crate::row::Target::{Stated, TimesTheRecord};

pub fn rows<P: Peer>() -> Vec<Row> {
    vec![
        Row::new(
            "block-on-ready",
            "`block_on(ready)`",
            TimesTheRecord(3.0),
            block_on_ready::<P>,
        ),
        Row::new(
            "build-and-drop",
            "build an executor, `block_on(ready)`, drop it",
            TimesTheRecord(1.0),
            build_and_drop::<P>,
        ),
        Row::new(
            "build-spawn-and-drop",
            "the same, with one task spawned and awaited",
            Stated,
            build_spawn_and_drop::<P>,
        ),
    ]
}

fn block_on_ready<P: Peer>(effort: &Effort) -> f64 {
    let mut executor = P::build();
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            assert_eq!(P::block_on_ready(&mut executor, black_box(round)), round);
        }
        start.elapsed()
    })
}

fn build_and_drop<P: Peer>(effort: &Effort) -> f64 {
    effort.ns_per_op(1, |rounds| {
        let start = Instant::now();
        for round in 0..rounds {
            let mut executor = P::build();
            let main = std::future::ready(black_box(round));
            assert_eq!(P::block_on(&mut executor, main), round);
        }
        start.elapsed()
    })
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
