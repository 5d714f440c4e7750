//! The least that could run a future at all: boxes polled in a circle.
//!
//! ```text
//! main ─► task 0 ─► task 1 ─► … ─► main       every one is polled on every trip, woken or not
//! ```
//!
//! No queue, and a waker that does nothing. It is no peer, since it burns a core whenever it waits, but it
//! says what the workloads themselves cost: futures, boxes, counting and the clock.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{Binary, Entry, Peer, REFERENCE, Timers, panics};
use crate::rows::{self, Program, Row};

pub fn entry() -> Entry {
    Entry {
        id: REFERENCE,
        title: "reference",
        crates: &[],
        notes: "Boxed futures polled in a circle, a waker that does nothing, no queue. Not a peer, and \
                never the record. Its lateness is that of a bare loop around `park_timeout`; its hello world has no executor at all.",
        binary: Binary::Usual,
        elsewhere: "",
        rows,
    }
}

fn rows() -> Vec<Row> {
    rows::joined([
        rows::of_tasks::<Circle>(),
        rows::of_timers::<Circle>(),
        vec![rows::of_bare_waiting(), rows::of_program(HELLO)],
    ])
}

const HELLO: Program = Program {
    dependencies: "",
    source: "fn main() { println!(\"hello\") }",
};

type BoxedTask = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Clone, Default)]
pub struct Circle(Rc<Tasks>);

#[derive(Default)]
pub struct Tasks {
    circle: RefCell<Vec<BoxedTask>>,
    /// Spawned since the trip began: they join the circle on the next.
    spawned: RefCell<Vec<BoxedTask>>,
}

impl Tasks {
    fn poll_each_once(&self, cx: &mut Context<'_>) {
        let mut circle = self.circle.borrow_mut();
        circle.append(&mut self.spawned.borrow_mut());
        // Places stay in order, and a finished task leaves none: the circle is in spawn order always.
        circle.retain_mut(|task| task.as_mut().poll(cx).is_pending());
    }
}

/// A result that its task has not left yet, or has.
pub struct Promise<T>(Rc<Cell<Option<T>>>);

impl<T> Future for Promise<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<T> {
        self.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Circle {
    fn promise_of<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Promise<T> {
        let result = Rc::new(Cell::new(None));
        let promised = Rc::clone(&result);
        self.spawn_detached(async move { promised.set(Some(future.await)) });
        Promise(result)
    }
}

impl Peer for Circle {
    type Executor = Circle;
    type Task = Promise<u64>;
    type Fallible = Promise<Result<u64, u64>>;

    fn build() -> Self::Executor {
        Circle::default()
    }

    fn handle(executor: &Self::Executor) -> Self {
        executor.clone()
    }

    fn block_on<T>(executor: &mut Self::Executor, main: impl Future<Output = T>) -> T {
        let mut main = pin!(main);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = main.as_mut().poll(&mut cx) {
                return output;
            }
            executor.0.poll_each_once(&mut cx);
        }
    }

    fn spawn(&self, future: impl Future<Output = u64> + 'static) -> Self::Task {
        self.promise_of(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + 'static) {
        self.0.spawned.borrow_mut().push(Box::pin(future));
    }

    fn spawn_fallible(
        &self,
        future: impl Future<Output = Result<u64, u64>> + 'static,
    ) -> Self::Fallible {
        self.promise_of(future)
    }

    async fn join_fallible(task: Self::Fallible) -> Result<u64, u64> {
        task.await
    }

    async fn catches_panic_of(&self, future: impl Future<Output = u64> + 'static) -> bool {
        self.promise_of(panics(future)).await
    }
}

impl Timers for Circle {
    async fn sleep(duration: Duration) {
        let deadline = Instant::now() + duration;
        loop {
            // A new sleep lets the others run first, as the peers' do.
            Self::yield_now().await;
            if Instant::now() >= deadline {
                return;
            }
        }
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut sleep = pin!(Self::sleep(duration));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            sleep.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}
