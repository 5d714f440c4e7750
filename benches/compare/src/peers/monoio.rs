//! monoio, on its epoll driver and on io_uring.
//!
//! Its default features, so without `sync`: the cheaper configuration, in which a waker must not leave its
//! thread.

use std::marker::PhantomData;
use std::time::Duration;

use monoio::task::JoinHandle;
use monoio::time::TimeDriver;
use monoio::{Buildable, Driver, IoUringDriver, LegacyDriver, Runtime, RuntimeBuilder};

use super::{Entry, Peer, Timers, panics};
use crate::rows::{self, Program, Row};

const NOTES: &str = "It has no `yield_now`: the harness's own is used. It does not catch panics: the task does. \
                     Without its `sync` feature, which costs every wake something, its wakers must not be \
                     used on another thread.";

pub fn entries() -> [Entry; 2] {
    let crates = &["monoio"];
    [
        Entry {
            id: "monoio-epoll",
            title: "monoio epoll",
            crates,
            notes: NOTES,
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
            rows: rows_of::<Monoio<IoUringDriver>>,
        },
    ]
}

fn rows_of<P: Timers>() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<P>(),
        rows::of_wakes::<P>(),
        rows::of_timers::<P>(),
        rows::of_waiting::<P>(),
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
