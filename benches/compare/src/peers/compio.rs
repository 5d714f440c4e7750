//! compio, with its driver: io_uring where the kernel has it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use compio::buf::{BufResult, IntoInner, IoBuf};
use compio::io::{AsyncRead, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{JoinHandle, Runtime};

use super::{AcrossThreads, Binary, Entry, Peer, Pools, Sockets, Timers};
use crate::rows::{self, Program, Row};

#[derive(Clone)]
pub struct Compio;

pub fn entry() -> Entry {
    Entry {
        id: "compio",
        title: "compio",
        crates: &[
            "compio",
            "compio-runtime",
            "compio-executor",
            "compio-driver",
        ],
        notes: "Default features, so its io_uring driver. It has no `yield_now`: the harness's own is used. \
                A future may still be there when its `cancel` is over: no row of aborts.",
        binary: Binary::Usual,
        elsewhere: "",
        rows,
    }
}

fn rows() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Compio>(),
        rows::of_wakes::<Compio>(),
        rows::of_timers::<Compio>(),
        rows::of_waiting::<Compio>(),
        rows::of_threads::<Compio>(),
        rows::of_pools::<Compio>(),
        rows::of_sockets::<Compio>(),
        vec![rows::of_program(HELLO)],
    ])
}

const HELLO: Program = Program {
    dependencies: "compio = { version = \"0.19\", features = [\"time\"] }",
    source: "fn main() {
        compio::runtime::Runtime::new().unwrap().block_on(async { println!(\"hello\") });
    }",
};

impl Peer for Compio {
    type Executor = Runtime;
    type Task = JoinHandle<u64>;
    type Fallible = JoinHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        Runtime::new().expect("compio's driver can be built on this kernel")
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Compio
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        compio::runtime::spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await.expect("no task of a workload fails by accident")
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        compio::runtime::spawn(future).detach();
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        compio::runtime::spawn(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
            .expect("the task of this workload returns an Err and does not panic")
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        compio::runtime::spawn(future).await.is_err()
    }
}

impl Timers for Compio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        compio::time::sleep(duration)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        compio::time::timeout(duration, future).await.ok()
    }
}

impl AcrossThreads for Compio {}

impl Pools for Compio {}

impl Sockets for Compio {
    type Listener = TcpListener;
    type Stream = TcpStream;

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
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
        stream.read(buffer).await.into()
    }

    async fn write(
        stream: &mut Self::Stream,
        buffer: Vec<u8>,
        from: usize,
        to: usize,
    ) -> (io::Result<usize>, Vec<u8>) {
        let BufResult(count, bytes) = stream.write(buffer.slice(from..to)).await;
        (count, bytes.into_inner())
    }
}
