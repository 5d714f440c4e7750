//! candor, by its public functions; and candor that somebody looks at.

use std::hint::black_box;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use super::{
    Aborts, AcrossThreads, Binary, CANDOR, CANDOR_IN_REACTOR, Entry, FromOutside, Groups, Peer,
    Pools, Reports, Sockets, Timers, beside, sockets,
};
use crate::rows::{self, Guard, Program, Row};

/// An executor of the kind that `B` builds.
#[derive(Clone)]
pub struct Candor<B = Plain>(PhantomData<B>);

pub trait Build: Clone + 'static {
    fn build() -> candor::Executor;
}

#[derive(Clone)]
pub struct Plain;

impl Build for Plain {
    fn build() -> candor::Executor {
        candor::Executor::new()
    }
}

/// With the detection of stalls, which is on by itself in debug builds only.
#[derive(Clone)]
struct Stalls;

impl Build for Stalls {
    fn build() -> candor::Executor {
        candor::Executor::builder().detect_stalls(true).build()
    }
}

/// With an instrument that is told everything, and does nothing.
#[derive(Clone)]
struct Told;

impl Build for Told {
    fn build() -> candor::Executor {
        struct Idle;
        impl candor::Instrument for Idle {}
        candor::Executor::builder().instrument(Idle).build()
    }
}

pub fn entries() -> [Entry; 2] {
    [
        Entry {
            id: CANDOR,
            title: "candor",
            crates: &["candor"],
            notes: "`block_on(ready)` is the free function. Panics are caught and recorded, with a backtrace, by \
                    candor's own hook. Its pool is its own `TaskPool`. Sockets are in the next column.",
            binary: Binary::Usual,
            elsewhere: "",
            rows: || rows::joined([rows_of_every_build(), vec![rows::of_program(HELLO)]]),
        },
        Entry {
            id: CANDOR_IN_REACTOR,
            title: "candor `async-io`",
            crates: &["candor", "async-io", "hyper"],
            notes: "candor with its feature `async-io`, by which it waits inside of that crate's reactor: what its \
                    users have who have sockets. In the rows of sockets this column is held against the record.",
            binary: Binary::Other,
            elsewhere: "in the column of candor without features",
            rows: || {
                rows::joined([
                    rows::without_curves(rows_of_every_build()),
                    rows::of_sockets::<Candor>(),
                    rows::of_http::<Candor>(),
                ])
            },
        },
    ]
}

/// candor that somebody looks at: measured beside candor, in a table of their own.
pub fn watched_entries() -> [Entry; 2] {
    [
        Entry {
            id: "candor-stalls",
            title: "with stall detection",
            crates: &[],
            notes: "",
            binary: Binary::Usual,
            elsewhere: "",
            rows: watched_rows::<Stalls>,
        },
        Entry {
            id: "candor-told",
            title: "with an instrument",
            crates: &[],
            notes: "",
            binary: Binary::Usual,
            elsewhere: "",
            rows: watched_rows::<Told>,
        },
    ]
}

fn watched_rows<B: Build>() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Candor<B>>(),
        rows::of_timers::<Candor<B>>(),
    ])
}

fn rows_of_every_build() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Candor>(),
        rows::of_wakes::<Candor>(),
        rows::of_timers::<Candor>(),
        rows::of_waiting::<Candor>(),
        rows::of_threads::<Candor>(),
        rows::of_aborts::<Candor>(),
        rows::of_groups::<Candor>(),
        rows::of_pools::<Candor>(),
        rows::from_outside::<Candor>(),
        rows::of_reports::<Candor>(),
    ])
}

const HELLO: Program = Program {
    dependencies: "candor = { path = \"CANDOR\" }",
    source: "fn main() -> std::process::ExitCode { candor::run(async { println!(\"hello\") }) }",
};

impl<B: Build> Peer for Candor<B> {
    type Executor = candor::Executor;
    type Task = candor::JoinHandle<u64>;
    type Fallible = candor::JoinHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        B::build()
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Candor(PhantomData)
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.block_on(main)
    }

    fn block_on_alone<T>(_executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        candor::block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        candor::spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await.expect("no task of a workload fails by accident")
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        candor::spawn(future).detach();
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        candor::spawn(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await.map_err(|error| {
            error
                .into_failed()
                .expect("the task of this workload returns an Err and does not panic")
        })
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        candor::spawn(future)
            .await
            .is_err_and(|error| error.is_panic())
    }

    fn yield_now() -> impl Future<Output = ()> {
        candor::yield_now()
    }
}

impl<B: Build> Timers for Candor<B> {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        candor::sleep(duration)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        candor::time::timeout(duration, future).await.ok()
    }
}

impl AcrossThreads for Candor {}

impl Sockets for Candor {
    type Listener = sockets::Listener;
    type Stream = sockets::Stream;

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        sockets::listen().await
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        sockets::accept(listener).await
    }

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        sockets::connect(address).await
    }

    async fn read(stream: &mut Self::Stream, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        sockets::read(stream, buffer).await
    }

    async fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        from: usize,
        to: usize,
    ) -> (io::Result<usize>, Vec<u8>) {
        sockets::write(stream, buffer, from, to).await
    }
}

impl Aborts for Candor {
    async fn abort(task: Self::Task) {
        let gone = task.cancel().await;
        assert!(gone.is_err_and(|error| error.is_cancelled()));
    }
}

impl Groups for Candor {
    async fn join_group<F: Future<Output = ()> + 'static>(
        count: usize,
        mut member: impl FnMut(usize) -> F,
    ) {
        let group = candor::TaskGroup::new();
        for number in 0..count {
            drop(group.spawn(member(number)));
        }
        group.join().await.expect("no member of a workload fails");
    }
}

impl Pools for Candor {
    async fn sum_of<F: Future<Output = u64> + 'static>(
        inputs: impl Iterator<Item = u64> + 'static,
        limit: usize,
        work: impl FnMut(u64) -> F,
    ) -> u64 {
        let mut results = candor::TaskPool::new(limit).completed(inputs, work);
        let mut sum = 0;
        while let Some(result) = results.next().await {
            sum += result.expect("no task of a workload fails by accident");
        }
        sum
    }
}

impl FromOutside for Candor {
    type Remote = candor::Remote;
    type Order = candor::RemoteHandle<u64>;

    fn run_beside(body: impl FnOnce(Self::Remote) + Send + 'static) {
        let executor = candor::Executor::new();
        let remote = executor.remote();
        executor.block_on(beside(|| body(remote)));
    }

    fn order(remote: &Self::Remote, number: u64) -> Self::Order {
        let order = remote.spawn(move || async move { black_box(number) });
        order.expect("the executor runs as long as this thread")
    }

    async fn join(order: Self::Order) -> u64 {
        order
            .await
            .expect("no task of a workload fails by accident")
    }
}

impl Reports for Candor {
    fn spawn_failing(&self, guard: Guard) {
        let task = candor::spawn(async move {
            let _number = rows::number(&guard)?;
            candor::Ok(())
        });
        task.detach();
    }
}
