//! compio, with its driver: io_uring where the kernel has it.

use std::time::Duration;

use compio::runtime::{JoinHandle, Runtime};

use super::{AcrossThreads, Entry, Peer, Timers};
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
        notes: "Default features, so its io_uring driver. It has no `yield_now`: the harness's own is used.",
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
