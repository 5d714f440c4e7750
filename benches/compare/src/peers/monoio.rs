//! monoio, on its epoll driver and on io_uring.
//!
//! Its default features, so without `sync`: the cheaper configuration, in which a waker must not leave its
//! thread. The rows of threads are measured in another program, in which it has that feature.

use std::io;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use monoio::buf::IoBuf;
use monoio::io::{AsyncReadRent, AsyncWriteRent};
use monoio::net::{TcpListener, TcpStream};
use monoio::task::JoinHandle;
use monoio::time::TimeDriver;
use monoio::{Buildable, Driver, IoUringDriver, LegacyDriver, Runtime, RuntimeBuilder};

use super::{AcrossThreads, Binary, Entry, Peer, Pools, Sockets, Timers, panics};
use crate::rows::{self, Program, Row};

const NOTES: &str = "It has no `yield_now`: the harness's own is used. It does not catch panics: the task does. \
                     Without its `sync` feature, which costs every wake something, its wakers must not be \
                     used on another thread. Its tasks cannot be aborted.";

pub fn entries() -> [Entry; 3] {
    let crates = &["monoio"];
    [
        Entry {
            id: "monoio-epoll",
            title: "monoio epoll",
            crates,
            notes: NOTES,
            binary: Binary::Usual,
            elsewhere: "",
            rows: || {
                rows::joined([
                    rows_of::<Monoio<LegacyDriver>>(),
                    vec![rows::of_program(HELLO)],
                ])
            },
        },
        Entry {
            id: "monoio-uring",
            title: "monoio io_uring",
            crates,
            notes: NOTES,
            binary: Binary::Usual,
            elsewhere: "",
            rows: rows_of::<Monoio<IoUringDriver>>,
        },
        Entry {
            id: "monoio-sync",
            title: "monoio epoll, `sync`",
            crates,
            notes: "With its feature `sync`, by which a waker may be used on another thread.",
            binary: Binary::Other,
            elsewhere: "in the column of monoio epoll, without `sync`",
            rows: rows::of_threads::<Monoio<LegacyDriver>>,
        },
    ]
}

fn rows_of<P: Timers + Pools + Sockets>() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<P>(),
        rows::of_wakes::<P>(),
        rows::of_timers::<P>(),
        rows::of_waiting::<P>(),
        rows::of_pools::<P>(),
        rows::of_sockets::<P>(),
    ])
}

const HELLO: Program = Program {
    dependencies: "monoio = \"0.2\"",
    source: "fn main() {
        let mut runtime = monoio::RuntimeBuilder::<monoio::LegacyDriver>::new().enable_timer().build().unwrap();
        runtime.block_on(async { println!(\"hello\") });
    }",
};

pub struct Monoio<D>(PhantomData<D>);

impl<D> Clone for Monoio<D> {
    fn clone(&self) -> Self {
        Monoio(PhantomData)
    }
}

impl<D> Peer for Monoio<D>
where
    D: Driver + 'static,
    TimeDriver<D>: Buildable + Driver,
{
    type Executor = Runtime<TimeDriver<D>>;
    type Task = JoinHandle<u64>;
    type Fallible = JoinHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        Buildable::build(RuntimeBuilder::<TimeDriver<D>>::new())
            .expect("monoio's driver can be built on this kernel")
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Monoio(PhantomData)
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        monoio::spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        drop(monoio::spawn(future));
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        monoio::spawn(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        monoio::spawn(panics(future)).await
    }
}

impl<D> Timers for Monoio<D>
where
    Self: Peer,
{
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        monoio::time::sleep(duration)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        monoio::time::timeout(duration, future).await.ok()
    }
}

/// In the program where it has its feature `sync`.
impl AcrossThreads for Monoio<LegacyDriver> {}

impl<D> Pools for Monoio<D> where Self: Peer {}

impl<D> Sockets for Monoio<D>
where
    Self: Peer,
{
    type Listener = TcpListener;
    type Stream = TcpStream;

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut Self::Stream, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        stream.read(buffer).await
    }

    async fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        from: usize,
        to: usize,
    ) -> (io::Result<usize>, Vec<u8>) {
        let (count, bytes) = stream.write(buffer.slice(from..to)).await;
        (count, bytes.into_inner())
    }
}
