//! smol's local executor, driven by its reactor: what `smol::block_on(executor.run(…))` is made of. And three more
//! that bring no reactor, and wait by the same one: edge-executor, unsend, and the static one of async-executor.

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_executor::{Executor, LocalExecutor, StaticLocalExecutor, Task};
use async_io::Timer;
use edge_executor::UnboundQueue;
use futures_lite::{FutureExt, future};

use super::{
    Aborts, AcrossThreads, Binary, Entry, FromOutside, Peer, Pools, Sockets, Timers, beside,
    panics, sockets,
};
use crate::rows::{self, Program, Row};

/// An executor without a reactor of its own, in a program that waits by async-io.
pub trait Local: 'static {
    fn build() -> Self;

    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T>;

    fn run<T>(&self, main: impl Future<Output = T>) -> impl Future<Output = T>;
}

/// Tasks reach the executor through a counted pointer, as in a program that keeps one.
pub struct Smol<E>(Rc<E>);

impl<E> Clone for Smol<E> {
    fn clone(&self) -> Self {
        Smol(Rc::clone(&self.0))
    }
}

pub fn entries() -> [Entry; 4] {
    let binary = Binary::Usual;
    [
        Entry {
            id: "smol",
            title: "async-executor",
            crates: &["async-executor", "async-io"],
            notes: "`LocalExecutor` within `async_io::block_on`. `block_on(ready)` is `async_io::block_on` alone. \
                    `yield_now` is futures-lite's. The awaiter catches the panic that the handle passes on. \
                    A timeout is futures-lite's `or` with a `Timer`. Sockets are async-io's, driven by `block_on`.",
            binary,
            elsewhere: "",
            rows: || {
                rows::joined([
                    rows_of::<LocalExecutor<'static>>(),
                    rows::of_sockets::<Smol<LocalExecutor<'static>>>(),
                    rows::of_http::<Smol<LocalExecutor<'static>>>(),
                    rows::from_outside::<AnyThread>(),
                    vec![rows::of_program(HELLO)],
                ])
            },
        },
        Entry {
            id: "smol-static",
            title: "async-executor, static",
            crates: &["async-executor"],
            notes: "`StaticLocalExecutor`, from the feature `static`, in the same way. It is leaked, and never drops a task.",
            binary,
            elsewhere: ELSEWHERE,
            rows: || rows::without_curves(rows_of::<&'static StaticLocalExecutor>()),
        },
        Entry {
            id: "edge",
            title: "edge-executor",
            crates: &["edge-executor"],
            notes: "`LocalExecutor` with its `UnboundQueue`, in the same way.",
            binary,
            elsewhere: ELSEWHERE,
            rows: || rows::without_curves(rows_of::<Edge>()),
        },
        Entry {
            id: "unsend",
            title: "unsend",
            crates: &["unsend"],
            notes: "Its `Executor`, in the same way.",
            binary,
            elsewhere: ELSEWHERE,
            rows: || rows::without_curves(rows_of::<unsend::executor::Executor<'static>>()),
        },
    ]
}

/// What these have in common with async-executor is async-io's.
const ELSEWHERE: &str = "in the column of async-executor, whose timers and sockets it shares";

fn rows_of<E: Local>() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Smol<E>>(),
        rows::of_wakes::<Smol<E>>(),
        rows::of_timers::<Smol<E>>(),
        rows::of_waiting::<Smol<E>>(),
        rows::of_threads::<Smol<E>>(),
        rows::of_aborts::<Smol<E>>(),
        rows::of_pools::<Smol<E>>(),
    ])
}

const HELLO: Program = Program {
    dependencies: "async-executor = \"1\"\nasync-io = \"2\"",
    source: "fn main() {
        let executor = async_executor::LocalExecutor::new();
        async_io::block_on(executor.run(async { println!(\"hello\") }));
    }",
};

impl Local for LocalExecutor<'static> {
    fn build() -> Self {
        LocalExecutor::new()
    }

    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.spawn(future)
    }

    fn run<T>(&self, main: impl Future<Output = T>) -> impl Future<Output = T> {
        self.run(main)
    }
}

impl Local for &'static StaticLocalExecutor {
    fn build() -> Self {
        LocalExecutor::new().leak()
    }

    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        (**self).spawn(future)
    }

    fn run<T>(&self, main: impl Future<Output = T>) -> impl Future<Output = T> {
        (**self).run(main)
    }
}

type Edge = edge_executor::LocalExecutor<'static, UnboundQueue>;

impl Local for Edge {
    fn build() -> Self {
        Edge::new()
    }

    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.spawn(future)
    }

    fn run<T>(&self, main: impl Future<Output = T>) -> impl Future<Output = T> {
        self.run(main)
    }
}

impl Local for unsend::executor::Executor<'static> {
    fn build() -> Self {
        Self::new()
    }

    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.spawn(future)
    }

    fn run<T>(&self, main: impl Future<Output = T>) -> impl Future<Output = T> {
        self.run(main)
    }
}

impl<E: Local> Peer for Smol<E> {
    type Executor = Rc<E>;
    type Task = Task<u64>;
    type Fallible = Task<Result<u64, u64>>;

    fn build() -> Self::Executor {
        Rc::new(E::build())
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

impl<E: Local> Timers for Smol<E> {
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

impl<E: Local> AcrossThreads for Smol<E> {}

impl<E: Local> Aborts for Smol<E> {
    async fn abort(task: Self::Task) {
        assert_eq!(task.cancel().await, None);
    }
}

impl<E: Local> Pools for Smol<E> {}

/// By the executor whose tasks may go from thread to thread, on one thread.
struct AnyThread;

impl FromOutside for AnyThread {
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

impl<E: Local> Sockets for Smol<E> {
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
