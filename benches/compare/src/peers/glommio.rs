//! glommio, which waits by io_uring and by nothing else.

use std::time::Duration;

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, Task};

use super::{AcrossThreads, Entry, Peer, Timers, panics};
use crate::rows::{self, Program, Row};

#[derive(Clone)]
pub struct Glommio;

pub fn entry() -> Entry {
    Entry {
        id: "glommio",
        title: "glommio",
        crates: &["glommio"],
        notes: "`Placement::Unbound`: the sample is pinned already. `yield_now` is its \
                `ExecutorProxy::yield_now`. It does not catch panics: the task does. It counts a task's wakers in 16 bits, too few for the rows in which one task has 1e5 sleeps. Dropped, it leaves the futures of waiting tasks undropped. Under a storm of wakes from other threads it does not come to an end.",
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
        glommio::spawn_local(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        glommio::spawn_local(future).detach();
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        glommio::spawn_local(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        glommio::spawn_local(panics(future)).await
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
