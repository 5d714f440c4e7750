//! The workloads, by theme: the same code for every peer.
//!
//! | file | asks what it costs to |
//! |---|---|
//! | `entering` | enter an executor, build one, drop one |
//! | `spawning` | spawn a task, and learn what became of it |
//! | `yielding` | poll a task that is ready again at once |
//! | `waking` | wake one that waits |
//! | `channels` | talk to another task |
//! | `timers` | be ready to wait for a time |
//! | `waiting` | really wait for it, and how late it gets |
//! | `threads` | be woken by another thread |
//! | `sockets` | talk over TCP, and HTTP |
//! | `together` | join a group, throttle a pool, spawn from another thread |
//! | `memory` | keep a task that waits |
//! | `failures` | tell of a failure that nobody awaits |
//! | `growth` | do the same among ever more |
//! | `hello` | have it in a program at all |
//!
//! Each counts what it does and panics if the count is wrong: dropped work fails, instead of winning. Every
//! workload runs in a spawned task, except where entering is what is measured: peers differ in
//! how they treat the main future, and most code of a program is in tasks.
//!
//! A further set of rows, say of candor with something switched on, is one more file here or one more peer, which
//! differs from candor in what `build` returns.
//!
//! Knows peers by their traits only.

mod channels;
pub mod entering;
mod failures;
mod growth;
mod hello;
mod memory;
mod sockets;
mod spawning;
mod threads;
mod timers;
mod together;
mod waiting;
mod waking;
mod yielding;

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::effort::Effort;
use crate::latch::Latch;
use crate::peers::{Peer, Timers};
pub use crate::row::Row;

pub use failures::{Guard, number, rows as of_reports};
pub use hello::{Program, row as of_program};
pub use sockets::{rows as of_sockets, rows_of_http as of_http};
pub use spawning::rows_of_aborts as of_aborts;
pub use threads::rows as of_threads;
pub use together::{
    rows_from_outside as from_outside, rows_of_groups as of_groups, rows_of_pools as of_pools,
};
pub use waiting::{bare_row as of_bare_waiting, rows as of_waiting};

/// The rows that every executor has.
pub fn of_tasks<P: Peer>() -> Vec<Row> {
    joined([
        entering::rows::<P>(),
        spawning::rows::<P>(),
        yielding::rows::<P>(),
        channels::rows::<P>(),
        waking::rows::<P>(),
        memory::rows::<P>(),
        growth::rows::<P>(),
    ])
}

/// The rows of an executor that polls whoever was woken and nobody else.
pub fn of_wakes<P: Peer>() -> Vec<Row> {
    growth::rows_among_waiting::<P>()
}

/// All but the points on curves: for a peer whose curve is that of another column.
pub fn without_curves(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| row.point.is_none()).collect()
}

/// The rows about being ready to wait.
pub fn of_timers<P: Timers>() -> Vec<Row> {
    joined([
        timers::rows::<P>(),
        memory::rows_of_sleeps::<P>(),
        growth::rows_of_timers::<P>(),
    ])
}

pub fn joined<const N: usize>(lists: [Vec<Row>; N]) -> Vec<Row> {
    lists.into_iter().flatten().collect()
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
        run_in_a_task(&mut executor, &peer, batch(peer.clone(), rounds))
    })
}

/// Runs one future in a task, and says what it says.
fn run_in_a_task<P: Peer>(
    executor: &mut P::Executor,
    peer: &P,
    future: impl Future<Output = Duration> + 'static,
) -> Duration {
    let main = async {
        let task = peer.spawn(async move { future.await.as_nanos() as u64 });
        P::join(task).await
    };
    Duration::from_nanos(P::block_on(executor, main))
}

/// Runs one future in a task of an executor of its own.
fn number_from_a_task<P, F>(main: impl FnOnce(P) -> F) -> f64
where
    P: Peer,
    F: Future<Output = f64> + 'static,
{
    let mut executor = P::build();
    let peer = P::handle(&executor);
    let main = main(peer.clone());
    let bits = P::block_on(&mut executor, async {
        P::join(peer.spawn(async { main.await.to_bits() })).await
    });
    f64::from_bits(bits)
}

/// Where a task that waits leaves its waker, as it would with a socket or a channel.
type Place = Cell<Option<Waker>>;

/// Tasks that wait, each with its waker in a place, until they are told that it is over.
struct Waiting {
    places: Box<[Place]>,
    /// Counts their polls.
    polled: Rc<Latch>,
    is_over: Cell<bool>,
}

impl Waiting {
    fn places_for(count: usize) -> Rc<Self> {
        Rc::new(Waiting {
            places: (0..count).map(|_| Cell::new(None)).collect(),
            polled: Latch::new(0),
            is_over: Cell::new(false),
        })
    }

    /// Spawns a task for each place, and waits until all of them wait.
    async fn take_places<P: Peer>(self: &Rc<Self>, peer: &P) {
        self.polled.expect(self.places.len());
        for number in 0..self.places.len() {
            let all = Rc::clone(self);
            peer.spawn_detached(poll_fn(move |cx| {
                all.polled.count_down();
                if all.is_over.get() {
                    return Poll::Ready(());
                }
                all.places[number].set(Some(cx.waker().clone()));
                Poll::Pending
            }));
        }
        self.polled.opened().await;
    }

    /// Wakes these tasks, and waits until each has been polled and waits again.
    async fn wake(&self, numbers: impl ExactSizeIterator<Item = usize>) {
        self.polled.expect(numbers.len());
        for number in numbers {
            let waker = self.places[number].take();
            waker.expect("a task that waits has left its waker").wake();
        }
        self.polled.opened().await;
    }

    /// The wakers of all, for somebody else to wake: their polls are counted from now on.
    fn wakers_to_be_woken(&self) -> Vec<Waker> {
        self.polled.expect(self.places.len());
        let wakers = self.places.iter().map(Cell::take);
        wakers
            .map(|waker| waker.expect("a task that waits has left its waker"))
            .collect()
    }

    /// Ends every task.
    async fn end(&self) {
        self.is_over.set(true);
        self.wake(0..self.places.len()).await;
    }
}
