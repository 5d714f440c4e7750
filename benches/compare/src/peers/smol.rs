//! smol's local executor, driven by its reactor: what `smol::block_on(executor.run(…))` is made of.

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_executor::{Executor, LocalExecutor, Task};
use async_io::Timer;
use futures_lite::{FutureExt, future};

use super::{AcrossThreads, Entry, FromOutside, Peer, Sockets, Timers, beside, panics, sockets};
use crate::rows::{self, Program, Row};

/// Tasks reach the executor through a counted pointer, as in a program that keeps one.
#[derive(Clone)]
pub struct Smol(Rc<LocalExecutor<'static>>);

pub fn entry() -> Entry {
    Entry {
        id: "smol",
        title: "async-executor",
        crates: &["async-executor", "async-io"],
        notes: "`LocalExecutor` within `async_io::block_on`. `block_on(ready)` is `async_io::block_on` alone. \
                `yield_now` is futures-lite's. The awaiter catches the panic that the handle passes on. \
                A timeout is futures-lite's `or` with a `Timer`. Sockets are async-io's, driven by `block_on`.",
        rows,
    }
}

fn rows() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Smol>(),
        rows::of_wakes::<Smol>(),
        rows::of_timers::<Smol>(),
        rows::of_waiting::<Smol>(),
        rows::of_threads::<Smol>(),
        rows::of_sockets::<Smol>(),
        rows::from_outside::<Smol>(),
        vec![rows::of_program(HELLO)],
    ])
}

const HELLO: Program = Program {
    dependencies: "async-executor = \"1\"\nasync-io = \"2\"",
    source: "fn main() {
        let executor = async_executor::LocalExecutor::new();
        async_io::block_on(executor.run(async { println!(\"hello\") }));
    }",
};

impl Peer for Smol {
    type Executor = Rc<LocalExecutor<'static>>;
    type Task = Task<u64>;
    type Fallible = Task<Result<u64, u64>>;

    fn build() -> Self::Executor {
        Rc::new(LocalExecutor::new())
    }

    fn handle(executor: &Self::Executor) -> Self {
        Smol(Rc::clone(executor))
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        async_io::block_on(executor.run(main))
    }

    fn block_on_alone<T>(_executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        async_io::block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        self.0.spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        self.0.spawn(future).detach();
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        self.0.spawn(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        panics(self.0.spawn(future)).await
    }

    fn yield_now() -> impl Future<Output = ()> {
        future::yield_now()
    }
}

impl Timers for Smol {
    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        let out_of_time = async {
            Timer::after(duration).await;
            None
        };
        async { Some(future.await) }.or(out_of_time).await
    }
}

impl AcrossThreads for Smol {}

/// By the executor whose tasks may go from thread to thread, on one thread.
impl FromOutside for Smol {
    type Remote = Arc<Executor<'static>>;
    type Order = Task<u64>;

    fn run_beside(body: impl FnOnce(Self::Remote) + Send + 'static) {
        let executor = Arc::new(Executor::new());
        let remote = Arc::clone(&executor);
        async_io::block_on(executor.run(beside(|| body(remote))));
    }

    fn order(remote: &Self::Remote, number: u64) -> Self::Order {
        remote.spawn(async move { black_box(number) })
    }

    async fn join(order: Self::Order) -> u64 {
        order.await
    }
}

impl Sockets for Smol {
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

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        sockets::read(stream, buffer).await
    }

    async fn write(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<usize> {
        sockets::write(stream, bytes).await
    }
}
