//! What a workload asks of an executor, and which executors answer.
//!
//! The workloads are the same code for every peer. What may differ is in these traits, and each peer answers
//! with what its own users would write: its own spawn, its own yield, its own timers. Where a peer has none
//! of its own, the answer is [`YieldNow`], the same for all of them, and the peer's notes say so.
//!
//! ```text
//! rows/ ──generic over──► Peer, Timers, …     one impl a file      candor, tokio, smol, …
//! ```
//!
//! Of the executors that are not here, ntex-rt cannot run by itself: it needs the driver of another crate. local-runtime panics when a
//! task spawns another one.
//!
//! Knows no workload and measures nothing.

mod candor;
#[cfg(feature = "compio")]
mod compio;
#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "glommio")]
mod glommio;
#[cfg(feature = "monoio")]
mod monoio;
#[cfg(feature = "nio")]
mod nio;
#[cfg(feature = "pollster")]
mod pollster;
mod reference;
#[cfg(feature = "smol")]
mod smol;
mod sockets;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use crate::rows::{Guard, Row};

/// A single-threaded executor, and the handle by which its users reach it from a task.
///
/// The handle is empty where they call free functions, and a pointer where they carry one around.
pub trait Peer: Clone + 'static {
    /// What is built, kept and dropped.
    type Executor: 'static;
    /// The handle of a task that returns a number.
    type Task: 'static;
    /// The handle of a task that may fail.
    type Fallible: 'static;

    fn build() -> Self::Executor;

    fn handle(executor: &Self::Executor) -> Self;

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T;

    /// As `block_on`, by the cheapest way in for a future that spawns nothing.
    fn block_on_alone<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        Self::block_on(executor, main)
    }

    /// Is only called within the executor.
    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task;

    fn join(task: Self::Task) -> impl Future<Output = u64>;

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static);

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible;

    fn join_fallible(task: Self::Fallible) -> impl Future<Output = Result<u64, u64>>;

    /// Runs a task that may panic, and says whether its awaiter learned that it did.
    fn catches_panic_of(
        &self,
        future: impl Future<Output = u64> + 'static,
    ) -> impl Future<Output = bool>;

    fn yield_now() -> impl Future<Output = ()> {
        YieldNow { has_yielded: false }
    }
}

/// A peer that has timers.
pub trait Timers: Peer {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;

    /// `None` when the time has run out.
    fn timeout<F: Future>(duration: Duration, future: F)
    -> impl Future<Output = Option<F::Output>>;
}

/// A peer whose wakers may be used on any thread, and whose executor sleeps when there is nothing to do.
pub trait AcrossThreads: Peer {}

/// A peer with TCP: what its users take for it. Addresses are those of this machine.
pub trait Sockets: Peer {
    type Listener: 'static;
    type Stream: 'static;

    /// Listens on a port that the system chooses.
    fn listen() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>>;

    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>>;

    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>>;

    /// Reads into the buffer from its start, and gives it back, with its length as it was or as much as was read.
    fn read(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
    ) -> impl Future<Output = (io::Result<usize>, Vec<u8>)>;

    /// Writes of the bytes between these two places what a socket's buffer has room for.
    fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        from: usize,
        to: usize,
    ) -> impl Future<Output = (io::Result<usize>, Vec<u8>)>;
}

/// A peer whose TCP fits hyper.
pub trait Http: Sockets<Stream: hyper::rt::Read + hyper::rt::Write + Unpin> {}

impl<P: Sockets<Stream: hyper::rt::Read + hyper::rt::Write + Unpin>> Http for P {}

/// A peer whose tasks can be ended from outside.
pub trait Aborts: Peer {
    /// Aborts the task, and waits until its future is gone.
    fn abort(task: Self::Task) -> impl Future<Output = ()>;
}

/// A peer with groups of tasks.
pub trait Groups: Peer {
    /// Spawns so many members into a group, and waits until it is over.
    fn join_group<F: Future<Output = ()> + 'static>(
        count: usize,
        member: impl FnMut(usize) -> F,
    ) -> impl Future<Output = ()>;
}

/// A peer that can hold back how many of many futures run at once. Where it has nothing of its own, its users take
/// `buffer_unordered` of the futures crate, which is no tasks but futures in one.
pub trait Pools: Peer {
    /// Sums up what `work` makes of the inputs, with at most `limit` of its futures at once.
    fn sum_of<F: Future<Output = u64> + 'static>(
        inputs: impl Iterator<Item = u64> + 'static,
        limit: usize,
        work: impl FnMut(u64) -> F,
    ) -> impl Future<Output = u64> {
        async move {
            let results = stream::iter(inputs.map(work)).buffer_unordered(limit);
            results
                .fold(0, |sum, result| std::future::ready(sum + result))
                .await
        }
    }
}

/// An executor that takes tasks from other threads.
pub trait FromOutside: 'static {
    type Remote: Send + 'static;
    type Order: Send;

    /// Runs an executor on this thread as long as `body` runs on another one.
    fn run_beside(body: impl FnOnce(Self::Remote) + Send + 'static);

    /// Spawns a task that returns the number.
    fn order(remote: &Self::Remote, number: u64) -> Self::Order;

    fn join(order: Self::Order) -> impl Future<Output = u64>;
}

/// Runs `body` on a thread of its own; the future is ready when it is done.
fn beside(body: impl FnOnce() + Send + 'static) -> impl Future<Output = ()> {
    let (done, is_done) = async_channel::bounded::<()>(1);
    let thread = thread::spawn(move || {
        body();
        drop(done);
    });
    async move {
        // The channel is closed by the end of the thread, be it a panic.
        is_done.recv().await.ok();
        thread.join().expect("the thread beside does not panic");
    }
}

/// A peer for which it is measured what it takes that a failure which nobody awaits is told.
pub trait Reports: Peer {
    /// Spawns a task that drops `guard` and ends in an `Err` of `rows::number`, and leaves it alone. The
    /// error is told on stderr, with a backtrace.
    fn spawn_failing(&self, guard: Guard);
}

/// To the back of the queue, by a wake of one's own waker: for peers that have no such future.
struct YieldNow {
    has_yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Whether the future panics: for peers that do not catch a task's panic, or whose handle passes it on.
async fn panics<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(|_| false),
            Err(_payload) => Poll::Ready(true),
        },
    )
    .await
}

/// A peer as the report and the command line know it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What `--peers` calls it.
    pub id: &'static str,
    /// What the table calls it.
    pub title: &'static str,
    /// The crates whose versions say what was measured.
    pub crates: &'static [&'static str],
    /// How it answers where there is a choice, and what it cannot do.
    pub notes: &'static str,
    /// The program that it is in.
    pub binary: Binary,
    /// Where the rows are that it could do and that are not measured; empty if all are.
    pub elsewhere: &'static str,
    /// The rows that it can do.
    pub rows: fn() -> Vec<Row>,
}

/// A program that measures. A crate has its features once in each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Usual,
    /// The same in which some crates have other features.
    Other,
}

/// The ids of those that are more than peers, or less.
pub const CANDOR: &str = "candor";
pub const CANDOR_IN_REACTOR: &str = "candor-async-io";
pub const REFERENCE: &str = "reference";
pub const POLLSTER: &str = "pollster";

impl Entry {
    /// Whether it is an executor that candor is held against.
    pub fn is_a_peer(&self) -> bool {
        !matches!(self.id, CANDOR | CANDOR_IN_REACTOR | POLLSTER | REFERENCE)
    }
}

/// candor in the builds of its own that are held against the usual one.
pub fn watched() -> Vec<Entry> {
    candor::watched_entries().into()
}

/// All peers that were built in, candor first and the reference last.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::from(candor::entries());
    #[cfg(feature = "tokio")]
    all.extend(tokio::entries());
    #[cfg(feature = "smol")]
    all.extend(smol::entries());
    #[cfg(feature = "futures")]
    all.push(futures::entry());
    #[cfg(feature = "monoio")]
    all.extend(monoio::entries());
    #[cfg(feature = "glommio")]
    all.push(glommio::entry());
    #[cfg(feature = "compio")]
    all.push(compio::entry());
    #[cfg(feature = "nio")]
    all.push(nio::entry());
    #[cfg(feature = "pollster")]
    all.push(pollster::entry());
    all.push(reference::entry());
    all
}
