//! glommio, which waits by io_uring and by nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use glommio::net::{TcpListener, TcpStream};
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, Task};
use smol_hyper::rt::FuturesIo;

use super::{Aborts, AcrossThreads, Binary, Entry, Peer, Pools, Sockets, Timers, panics, sockets};
use crate::rows::{self, Program, Row};

#[derive(Clone)]
pub struct Glommio;

pub fn entry() -> Entry {
    Entry {
        id: "glommio",
        title: "glommio",
        crates: &["glommio"],
        notes: "Spawns by `spawn_local_into` the queue of the running task: `spawn_local` polls the task there and then, and would do less than the others. `Placement::Unbound`: the sample is pinned already. `yield_now` is its \
                `ExecutorProxy::yield_now`. It does not catch panics: the task does. It counts a task's wakers in 16 bits, too few for the rows in which one task has 1e5 sleeps. Dropped, it leaves the futures of waiting tasks undropped. Under a storm of wakes from other threads it does not come to an end.",
        binary: Binary::Usual,
        elsewhere: "",
        rows,
    }
}

fn rows() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Glommio>(),
        rows::of_wakes::<Glommio>(),
        rows::of_timers::<Glommio>(),
        rows::of_waiting::<Glommio>(),
        rows::of_threads::<Glommio>(),
        rows::of_aborts::<Glommio>(),
        rows::of_pools::<Glommio>(),
        rows::of_sockets::<Glommio>(),
        rows::of_http::<Glommio>(),
        vec![rows::of_program(HELLO)],
    ])
}

const HELLO: Program = Program {
    dependencies: "glommio = \"0.9\"",
    source: "fn main() {
        glommio::LocalExecutor::default().run(async { println!(\"hello\") });
    }",
};

impl Peer for Glommio {
    type Executor = LocalExecutor;
    type Task = Task<u64>;
    type Fallible = Task<Result<u64, u64>>;

    fn build() -> Self::Executor {
        LocalExecutorBuilder::new(Placement::Unbound)
            .make()
            .unwrap_or_else(|error| panic!("glommio does not start: {error}"))
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Glommio
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.run(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        scheduled(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        scheduled(future).detach();
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        scheduled(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        scheduled(panics(future)).await
    }

    async fn yield_now() {
        glommio::executor().yield_now().await;
    }
}

impl Timers for Glommio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        glommio::timer::sleep(duration)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        let future = async { Ok(future.await) };
        glommio::timer::timeout(duration, future).await.ok()
    }
}

impl AcrossThreads for Glommio {}

impl Aborts for Glommio {
    async fn abort(task: Self::Task) {
        assert_eq!(task.cancel().await, None);
    }
}

impl Pools for Glommio {}

/// To the back of the queue, as every other peer does it.
fn scheduled<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    let queue = glommio::executor().current_task_queue();
    glommio::spawn_local_into(future, queue).expect("the queue of a running task is there")
}

impl Sockets for Glommio {
    type Listener = TcpListener;
    type Stream = FuturesIo<TcpStream>;

    async fn listen() -> io::Result<(Self::Listener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
        let stream = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
    }

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
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
