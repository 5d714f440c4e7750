//! tokio, in the three ways in which its one-threaded runtime is used.
//!
//! | | spawns by | futures are |
//! |---|---|---|
//! | `LocalSet` | `tokio::task::spawn_local` in a `LocalSet` | `!Send` |
//! | `spawn` | `tokio::spawn` on the current_thread runtime | `Send` |
//! | `LocalRuntime` | `tokio::task::spawn_local` in a `LocalRuntime` | `!Send` |
//!
//! All drivers are on, as in a program that uses `#[tokio::main(flavor = "current_thread")]`; a `LocalSet` with time
//! only stands beside, since candor without features has no driver of sockets either.

use std::future::poll_fn;
use std::hint::black_box;
use std::io;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, LocalOptions, LocalRuntime, Runtime};
use tokio::task::{JoinHandle, JoinSet, LocalSet};

use super::{
    Aborts, AcrossThreads, Binary, Entry, FromOutside, Groups, Peer, Pools, Reports, Sockets,
    Timers, beside,
};
use crate::rows::{self, Guard, Program, Row};

pub fn entries() -> [Entry; 4] {
    let crates = &["tokio"];
    [
        Entry {
            id: "tokio-localset",
            title: "tokio LocalSet",
            crates,
            notes: "Drivers: all enabled.",
            binary: Binary::Usual,
            elsewhere: "",
            rows: || {
                rows::joined([
                    rows_of::<InLocalSet<All>>(),
                    rows_of_io::<InLocalSet<All>>(),
                    vec![rows::of_program(HELLO)],
                ])
            },
        },
        Entry {
            id: "tokio-time",
            title: "tokio LocalSet, time only",
            crates,
            notes: "Drivers: time, and none for sockets; its hello world is built with the features `rt` and `time`.",
            binary: Binary::Usual,
            elsewhere: "in the column of tokio LocalSet",
            rows: || {
                rows::joined([
                    rows::without_curves(rows_of::<InLocalSet<TimeOnly>>()),
                    vec![rows::of_program(HELLO_TIME_ONLY)],
                ])
            },
        },
        Entry {
            id: "tokio-spawn",
            title: "tokio spawn",
            crates,
            notes: "`tokio::spawn` on a current_thread runtime. It asks for `Send` futures, which the \
                    workloads' are not: a wrapper without cost claims that they are.",
            binary: Binary::Usual,
            elsewhere: "",
            rows: || {
                rows::joined([
                    rows_of::<OnCurrentThread>(),
                    rows_of_io::<OnCurrentThread>(),
                    rows::from_outside::<OnCurrentThread>(),
                ])
            },
        },
        Entry {
            id: "tokio-local",
            title: "tokio LocalRuntime",
            crates,
            notes: "Drivers: all enabled.",
            binary: Binary::Usual,
            elsewhere: "",
            rows: || rows::joined([rows_of::<InLocalRuntime>(), rows_of_io::<InLocalRuntime>()]),
        },
    ]
}

fn rows_of<F: Flavour>() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Tokio<F>>(),
        rows::of_wakes::<Tokio<F>>(),
        rows::of_timers::<Tokio<F>>(),
        rows::of_waiting::<Tokio<F>>(),
        rows::of_threads::<Tokio<F>>(),
        rows::of_aborts::<Tokio<F>>(),
        rows::of_groups::<Tokio<F>>(),
        rows::of_pools::<Tokio<F>>(),
        rows::of_reports::<Tokio<F>>(),
    ])
}

fn rows_of_io<F: Flavour>() -> Vec<Row> {
    rows::joined([rows::of_sockets::<Tokio<F>>(), rows::of_http::<Tokio<F>>()])
}

const HELLO_TIME_ONLY: Program = Program {
    dependencies: "tokio = { version = \"1\", features = [\"rt\", \"time\"] }",
    source: HELLO.source,
};

const HELLO: Program = Program {
    dependencies: "tokio = { version = \"1\", features = [\"rt\", \"time\", \"net\"] }",
    source: "fn main() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async { println!(\"hello\") });
    }",
};

/// One of the three ways.
pub trait Flavour: Clone + 'static {
    type Executor: 'static;

    fn build() -> Self::Executor;

    fn block_on<T>(executor: &Self::Executor, main: impl Future<Output = T>) -> T;

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T>;

    fn spawn_into(set: &mut JoinSet<()>, future: impl Future<Output = ()> + 'static);
}

#[derive(Clone)]
pub struct Tokio<F>(PhantomData<F>);

/// Which drivers a runtime has.
pub trait Drivers: Clone + 'static {
    fn current_thread() -> Runtime;
}

#[derive(Clone)]
struct All;

impl Drivers for All {
    fn current_thread() -> Runtime {
        current_thread()
    }
}

#[derive(Clone)]
struct TimeOnly;

impl Drivers for TimeOnly {
    fn current_thread() -> Runtime {
        Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("tokio's current_thread runtime can be built")
    }
}

#[derive(Clone)]
struct InLocalSet<D>(PhantomData<D>);

impl<D: Drivers> Flavour for InLocalSet<D> {
    /// The tasks are dropped before the runtime whose timers they hold.
    type Executor = (LocalSet, Runtime);

    fn build() -> Self::Executor {
        (LocalSet::new(), D::current_thread())
    }

    fn block_on<T>((tasks, runtime): &Self::Executor, main: impl Future<Output = T>) -> T {
        tasks.block_on(runtime, main)
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        tokio::task::spawn_local(future)
    }

    fn spawn_into(set: &mut JoinSet<()>, future: impl Future<Output = ()> + 'static) {
        set.spawn_local(future);
    }
}

#[derive(Clone)]
struct OnCurrentThread;

impl Flavour for OnCurrentThread {
    type Executor = Runtime;

    fn build() -> Self::Executor {
        current_thread()
    }

    fn block_on<T>(runtime: &Self::Executor, main: impl Future<Output = T>) -> T {
        runtime.block_on(main)
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        tokio::spawn(ClaimedSend(future))
    }

    fn spawn_into(set: &mut JoinSet<()>, future: impl Future<Output = ()> + 'static) {
        set.spawn(ClaimedSend(future));
    }
}

#[derive(Clone)]
struct InLocalRuntime;

impl Flavour for InLocalRuntime {
    type Executor = LocalRuntime;

    fn build() -> Self::Executor {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("tokio's LocalRuntime can be built")
    }

    fn block_on<T>(runtime: &Self::Executor, main: impl Future<Output = T>) -> T {
        runtime.block_on(main)
    }

    fn spawn<T: Send + 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        tokio::task::spawn_local(future)
    }

    fn spawn_into(set: &mut JoinSet<()>, future: impl Future<Output = ()> + 'static) {
        set.spawn_local(future);
    }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("tokio's current_thread runtime can be built")
}

impl<F: Flavour> Peer for Tokio<F> {
    type Executor = F::Executor;
    type Task = JoinHandle<u64>;
    type Fallible = JoinHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        F::build()
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Tokio(PhantomData)
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        F::block_on(executor, main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        F::spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await.expect("no task of a workload fails by accident")
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        drop(F::spawn(future));
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        F::spawn(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
            .expect("the task of this workload returns an Err and does not panic")
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        F::spawn(future).await.is_err_and(|error| error.is_panic())
    }

    fn yield_now() -> impl Future<Output = ()> {
        tokio::task::yield_now()
    }
}

impl<F: Flavour> Timers for Tokio<F> {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(duration)
    }

    async fn timeout<T: Future>(duration: Duration, future: T) -> Option<T::Output> {
        tokio::time::timeout(duration, future).await.ok()
    }
}

impl<F: Flavour> AcrossThreads for Tokio<F> {}

impl<F: Flavour> Sockets for Tokio<F> {
    type Listener = TcpListener;
    type Stream = TokioIo<TcpStream>;

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &TcpListener) -> io::Result<Self::Stream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    async fn read(stream: &mut Self::Stream, mut buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        let socket = stream.inner_mut();
        let mut bytes = ReadBuf::new(&mut buffer);
        let read = poll_fn(|cx| Pin::new(&mut *socket).poll_read(cx, &mut bytes)).await;
        let count = read.map(|()| bytes.filled().len());
        (count, buffer)
    }

    async fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        from: usize,
        to: usize,
    ) -> (io::Result<usize>, Vec<u8>) {
        let socket = stream.inner_mut();
        let count = poll_fn(|cx| Pin::new(&mut *socket).poll_write(cx, &buffer[from..to])).await;
        (count, buffer)
    }
}

impl<F: Flavour> Aborts for Tokio<F> {
    async fn abort(task: Self::Task) {
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
}

impl<F: Flavour> Pools for Tokio<F> {}

impl<F: Flavour> Groups for Tokio<F> {
    async fn join_group<M: Future<Output = ()> + 'static>(
        count: usize,
        mut member: impl FnMut(usize) -> M,
    ) {
        let mut set = JoinSet::new();
        for number in 0..count {
            F::spawn_into(&mut set, member(number));
        }
        while let Some(joined) = set.join_next().await {
            joined.expect("no member of a workload fails");
        }
    }
}

impl FromOutside for OnCurrentThread {
    type Remote = Handle;
    type Order = JoinHandle<u64>;

    fn run_beside(body: impl FnOnce(Handle) + Send + 'static) {
        let runtime = current_thread();
        let remote = runtime.handle().clone();
        runtime.block_on(beside(|| body(remote)));
    }

    fn order(remote: &Handle, number: u64) -> JoinHandle<u64> {
        remote.spawn(async move { black_box(number) })
    }

    async fn join(order: JoinHandle<u64>) -> u64 {
        order
            .await
            .expect("no task of a workload fails by accident")
    }
}

impl<F: Flavour> Reports for Tokio<F> {
    fn spawn_failing(&self, guard: Guard) {
        let reported = async move {
            let failing = async {
                let _number = rows::number(&guard)?;
                anyhow::Ok(())
            };
            if let Err(error) = failing.await {
                eprintln!("{error:?}");
            }
        };
        drop(F::spawn(reported));
    }
}

/// Says of a future that it may go to another thread, where there is none that it could go to.
struct ClaimedSend<F>(F);

// SAFETY: The future is spawned on a current_thread runtime, which polls tasks in `block_on` and drops them
// there or when it is itself dropped. Both happen on the thread that built it: a sample has no other that
// holds the runtime.
unsafe impl<F> Send for ClaimedSend<F> {}

impl<F: Future> Future for ClaimedSend<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: The only field is pinned with the whole, and is never moved out of it: the wrapper has no
        // destructor and no other method.
        unsafe { self.map_unchecked_mut(|claimed| &mut claimed.0) }.poll(cx)
    }
}
