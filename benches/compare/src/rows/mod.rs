//! The workloads, by theme: the same code for every peer.
//!
//! | file | asks |
//! |---|---|
//! | `entering` | what does it cost to enter an executor, to build and to drop one? |
//! | `spawning` | … to spawn a task, and to learn what became of it? |
//! | `yielding` | … to poll a task that is ready again at once? |
//! | `waking` | … to wake one that waits? |
//! | `channels` | … to talk to another task? |
//! | `timing` | … to wait for a time, or to be ready to? |
//!
//! Each counts what it does and panics if the count is wrong: dropped work fails, instead of winning. Every
//! workload runs in a spawned task, except where entering is what is measured, since peers differ in
//! how they treat the main future and most code of a program is in tasks.
//!
//! Knows peers by their traits only.

mod channels;
mod entering;
mod spawning;
mod timing;
mod waking;
mod yielding;

use std::time::Duration;

use crate::effort::Effort;
use crate::peers::{Peer, Timers};
pub use crate::row::Row;

pub fn of_any_peer<P: Peer>() -> Vec<Row> {
    let mut all = entering::rows::<P>();
    all.extend(spawning::rows::<P>());
    all.extend(yielding::rows::<P>());
    all.extend(channels::rows::<P>());
    all.extend(waking::rows::<P>());
    all
}

pub fn of_peers_with_timers<P: Timers>() -> Vec<Row> {
    timing::rows::<P>()
}

/// Measures batches that run in a task of an executor which is kept from one to the next. A batch says how
/// long it took, so that what it needs to begin with is not counted.
fn in_a_task<P, F>(effort: &Effort, ops_a_round: usize, batch: impl Fn(P, u64) -> F) -> f64
where
    P: Peer,
    F: Future<Output = Duration> + 'static,
{
    let mut executor = P::build();
    let peer = P::handle(&executor);
    effort.ns_per_op(ops_a_round, |rounds| {
        let batch = batch(peer.clone(), rounds);
        let main = async {
            let task = peer.spawn(async move { batch.await.as_nanos() as u64 });
            P::join(task).await
        };
        Duration::from_nanos(P::block_on(&mut executor, main))
    })
}
