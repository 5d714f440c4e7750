//! futures' `LocalPool`, the executor of the futures crate itself.

use futures::executor::{LocalPool, LocalSpawner};
use futures::future::RemoteHandle;
use futures::task::LocalSpawnExt;

use super::{AcrossThreads, Binary, Entry, Peer, Pools, panics};
use crate::rows::{self, Program, Row};

#[derive(Clone)]
pub struct Pool(LocalSpawner);

pub fn entry() -> Entry {
    Entry {
        id: "futures",
        title: "futures LocalPool",
        crates: &["futures"],
        notes: "Has no timers. `block_on(ready)` is `futures::executor::block_on`, which sets nothing up: it holds no record there. A dropped handle lets its task end when that is next polled, and says nothing of it: no row of aborts. It has no `yield_now`: the \
                harness's own is used. The awaiter catches the panic that the handle passes on.",
        binary: Binary::Usual,
        elsewhere: "",
        rows,
    }
}

fn rows() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Pool>(),
        rows::of_wakes::<Pool>(),
        rows::of_threads::<Pool>(),
        rows::of_pools::<Pool>(),
        vec![rows::of_program(HELLO)],
    ])
}

const HELLO: Program = Program {
    dependencies: "futures = \"0.3\"",
    source: "fn main() {
        futures::executor::LocalPool::new().run_until(async { println!(\"hello\") });
    }",
};

impl Peer for Pool {
    type Executor = LocalPool;
    type Task = RemoteHandle<u64>;
    type Fallible = RemoteHandle<Result<u64, u64>>;

    fn build() -> Self::Executor {
        LocalPool::new()
    }

    fn handle(executor: &Self::Executor) -> Self {
        Pool(executor.spawner())
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        executor.run_until(main)
    }

    fn block_on_alone<T>(_executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        futures::executor::block_on(main)
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        self.0.spawn_local_with_handle(future).expect(POOL_IS_THERE)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        self.0.spawn_local(future).expect(POOL_IS_THERE);
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        self.0.spawn_local_with_handle(future).expect(POOL_IS_THERE)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        let task = self.0.spawn_local_with_handle(future).expect(POOL_IS_THERE);
        panics(task).await
    }
}

impl AcrossThreads for Pool {}

const POOL_IS_THERE: &str = "a workload runs within its pool";

impl Pools for Pool {}
