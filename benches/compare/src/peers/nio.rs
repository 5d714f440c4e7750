//! nio, with one worker: its `LocalRuntime`, over epoll.

use std::time::Duration;

use nio::{JoinHandle, LocalRuntime, RuntimeBuilder};

use super::{Aborts, AcrossThreads, Binary, Entry, Peer, Pools, Timers};
use crate::rows::{self, Row};

#[derive(Clone)]
pub struct Nio;

pub fn entry() -> Entry {
    Entry {
        id: "nio",
        title: "nio",
        crates: &["nio"],
        notes: "`LocalRuntime` with one worker, and `spawn_local`. It has no `yield_now`: the harness's own is used. Its sleeps \
                count from its loop's last look at the clock, and not from the call, so they are early: a sleep of 30 ms that is \
                made after 50 ms of work is over in 13 µs. It holds no record where a sleep is made, and some rows of waiting \
                fail. So do those in which it is dropped with waiting tasks: it aborts.",
        binary: Binary::Usual,
        elsewhere: ELSEWHERE,
        rows,
    }
}

const ELSEWHERE: &str = "left out: the table has its sockets and its growth in no column";

fn rows() -> Vec<Row> {
    rows::without_curves(rows::joined([
        rows::of_tasks::<Nio>(),
        rows::of_timers::<Nio>(),
        rows::of_waiting::<Nio>(),
        rows::of_threads::<Nio>(),
        rows::of_aborts::<Nio>(),
        rows::of_pools::<Nio>(),
    ]))
}

impl Peer for Nio {
    type Executor = LocalRuntime;
    type Task = JoinHandle<u64>;
    type Fallible = JoinHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        RuntimeBuilder::new()
            .worker_threads(1)
            .build()
            .expect("nio's driver can be built on this kernel")
    }

    fn handle(_executor: &Self::Executor) -> Self {
        Nio
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        nio::spawn_local(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await.expect("no task of a workload fails by accident")
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        drop(nio::spawn_local(future));
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        nio::spawn_local(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
            .expect("the task of this workload returns an Err and does not panic")
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        let joined = nio::spawn_local(future).await;
        joined.is_err_and(|error| error.is_panic())
    }
}

impl Timers for Nio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        nio::sleep(duration)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        nio::timeout(duration, future).await
    }
}

impl AcrossThreads for Nio {}

impl Aborts for Nio {
    async fn abort(task: Self::Task) {
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
}

impl Pools for Nio {}
