//! What every executor owes to a waker. The file above it says what an executor is: `tests/waking.rs`, or the last step
//! of `examples/your_own_executor`, where a student's crate has the name `candor`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;

use candor::{Executor, yield_now};

use super::executor;

/// A future that counts its polls, keeps its last waker, and is ready once a test says so.
#[derive(Clone, Default)]
pub struct Probe(pub Rc<ProbeState>);

#[derive(Default)]
pub struct ProbeState {
    pub polls: Cell<u32>,
    pub waker: RefCell<Option<Waker>>,
    pub is_over: Cell<bool>,
}

impl Probe {
    pub fn polls(&self) -> u32 {
        self.0.polls.get()
    }

    pub fn waker(&self) -> Waker {
        let waker = self.0.waker.borrow();
        waker.clone().expect("the probe was polled")
    }

    pub fn end(&self) {
        self.0.is_over.set(true);
        self.waker().wake();
    }
}

impl Future for Probe {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.polls.set(self.polls() + 1);
        *self.0.waker.borrow_mut() = Some(cx.waker().clone());
        if self.0.is_over.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Runs whatever is ready, and what that makes ready, a few times over.
pub fn settle(executor: &Executor) {
    executor.block_on(async {
        for _ in 0..4 {
            yield_now().await;
        }
    });
}

#[test]
fn two_wakes_before_a_poll_cause_one_poll() {
    let (executor, probe) = (executor(), Probe::default());
    executor.spawn(probe.clone()).detach();
    settle(&executor);
    assert_eq!(probe.polls(), 1);
    probe.waker().wake_by_ref();
    probe.waker().wake();
    settle(&executor);
    assert_eq!(probe.polls(), 2);
}

#[test]
fn two_wakes_from_another_thread_cause_one_poll() {
    let (executor, probe) = (executor(), Probe::default());
    executor.spawn(probe.clone()).detach();
    settle(&executor);
    let waker = probe.waker();
    thread::spawn(move || (waker.wake_by_ref(), waker.wake()))
        .join()
        .unwrap();
    settle(&executor);
    assert_eq!(probe.polls(), 2);
}

#[test]
fn nobody_is_polled_who_was_not_woken() {
    let (executor, probes) = (executor(), [(); 3].map(|()| Probe::default()));
    for probe in &probes {
        executor.spawn(probe.clone()).detach();
    }
    settle(&executor);
    probes[1].waker().wake();
    settle(&executor);
    assert_eq!(probes.each_ref().map(Probe::polls), [1, 2, 1]);
}

#[test]
fn a_task_woken_in_its_last_poll_is_not_polled_after_it() {
    let (executor, probe) = (executor(), Probe::default());
    let inner = probe.clone();
    executor
        .spawn(async move {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            })
            .await;
            drop(inner);
        })
        .detach();
    executor.drain();
    settle(&executor);
    assert_eq!(Rc::strong_count(&probe.0), 1);
}

#[test]
fn the_waker_of_a_finished_task_does_not_poll_the_next_tenant_of_its_slot() {
    let (executor, first, second) = (executor(), Probe::default(), Probe::default());
    executor.spawn(first.clone()).detach();
    settle(&executor);
    let stale = first.waker();
    first.end();
    settle(&executor);
    executor.spawn(second.clone()).detach();
    settle(&executor);
    executor.block_on(async { stale.wake() });
    settle(&executor);
    assert_eq!((first.polls(), second.polls()), (2, 1));
}

/// From outside of the executor a wake reaches a slot, not a tenant: a stale one may cost a poll, but does no harm.
#[test]
fn a_stale_wake_from_another_thread_is_at_worst_one_spurious_poll() {
    let (executor, first, second) = (executor(), Probe::default(), Probe::default());
    executor.spawn(first.clone()).detach();
    settle(&executor);
    let stale = first.waker();
    first.end();
    settle(&executor);
    let task = executor.spawn(second.clone());
    settle(&executor);
    thread::spawn(|| stale.wake()).join().unwrap();
    settle(&executor);
    assert!(second.polls() <= 2);
    assert!(!task.is_finished());
    second.end();
    executor.block_on(task).unwrap();
}
