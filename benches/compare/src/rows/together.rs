//! Many tasks that belong together, and tasks that come from another thread.
//!
//! A *group* is what its peer's users take for it: tasks that end with it. A *pool* has at most so many of its tasks
//! running at once, over inputs that it takes as it needs them. What comes *from outside* is spawned by a thread that
//! does not run the executor, which also awaits it.

use std::cell::Cell;
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::in_a_task;
use crate::peers::{FromOutside, Groups, Pools};
use crate::row::Target::{AtMost, TimesTheRecord};
use crate::row::{Need, Row};

const MEMBERS: usize = 1_000;
const INPUTS: usize = 100_000;
const LIMIT: usize = 32;
/// How many tasks a thread spawns before it awaits them.
const ORDERS: usize = 100;

pub fn rows_of_groups<P: Groups>() -> Vec<Row> {
    let row = Row::new(
        "group-1000",
        "a group of 1,000, a member",
        AtMost(70.0),
        |effort| in_a_task(effort, MEMBERS, groups::<P>),
    );
    vec![row.needs(Need::Groups)]
}

pub fn rows_of_pools<P: Pools>() -> Vec<Row> {
    let row = Row::new(
        "pool-32",
        "1e5 inputs, 32 at a time, an input",
        AtMost(70.0),
        |effort| {
            let inputs = effort.count(INPUTS);
            in_a_task(effort, inputs, move |_: P, rounds| {
                pools::<P>(rounds, inputs as u64)
            })
        },
    );
    vec![row.needs(Need::Pools)]
}

pub fn rows_from_outside<P: FromOutside>() -> Vec<Row> {
    let row = Row::new(
        "remote-spawn",
        "spawned from another thread, run and joined",
        TimesTheRecord(1.0),
        |effort| effort.ns_per_op(ORDERS, ordered_from_outside::<P>),
    );
    vec![row.needs(Need::Remotes).unpinned()]
}

async fn groups<P: Groups>(_peer: P, rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let count = Rc::new(Cell::new(0));
        P::join_group(MEMBERS, |_| {
            let count = Rc::clone(&count);
            async move { count.set(count.get() + 1) }
        })
        .await;
        assert_eq!(count.get(), MEMBERS);
    }
    start.elapsed()
}

async fn pools<P: Pools>(rounds: u64, inputs: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        let running = Rc::new(Cell::new(0));
        let work = |input| {
            let running = Rc::clone(&running);
            async move {
                running.set(running.get() + 1);
                assert!(running.get() <= LIMIT, "at most so many run at once");
                P::yield_now().await;
                running.set(running.get() - 1);
                black_box(input)
            }
        };
        let sum = P::sum_of(0..inputs, LIMIT, work).await;
        assert_eq!(sum, inputs * (inputs - 1) / 2);
    }
    start.elapsed()
}

/// The thread's time: it spawns a number of tasks, then awaits each, again and again.
fn ordered_from_outside<P: FromOutside>(rounds: u64) -> Duration {
    let (say, said) = mpsc::channel();
    P::run_beside(move |remote| {
        let start = Instant::now();
        let mut sum = 0;
        for _ in 0..rounds {
            let orders: Vec<_> = (0..ORDERS as u64)
                .map(|number| P::order(&remote, number))
                .collect();
            for order in orders {
                sum += wait_for(P::join(order));
            }
        }
        let took = start.elapsed();
        assert_eq!(sum, rounds * (ORDERS * (ORDERS - 1) / 2) as u64);
        say.send(took).expect("the row listens");
    });
    said.recv().expect("the thread has said how long it took")
}

/// The same for every peer: this thread parks until it is called.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
