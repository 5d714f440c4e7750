//! Solutions of the exercises in `tests/exercises.rs`, which pass the same checks. Those from the ninth on are in `solutions/`.
//!
//! Spoilers below. There is more than one good answer to each; these are short ones.

mod checks;
#[path = "solutions/of_larger_ones.rs"]
mod of_larger_ones;
#[path = "solutions/of_the_executor.rs"]
mod of_the_executor;
mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use candor::time;
// The checks call them from here.
use of_larger_ones::{Semaphore, request_id, try_all, with_request_id};
use of_the_executor::{Executor, RunQueue, TaskHandle, TaskTable, block_on};

// # Exercise 1: yield

pub async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn exercise_1_yield() {
    support::run(checks::yielding::check);
}

// # Exercise 2: count polls

pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
    let mut future = pin!(future);
    let mut polls = 0;
    let counting = poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    let output = counting.await;
    (output, polls)
}

#[test]
fn exercise_2_count_polls() {
    support::run(checks::counting_polls::check);
}

// # Exercise 3: join

pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut first_output, mut second_output) = (None, None);
    poll_fn(|cx| {
        if first_output.is_none()
            && let Poll::Ready(output) = first.as_mut().poll(cx)
        {
            first_output = Some(output);
        }
        if second_output.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(cx)
        {
            second_output = Some(output);
        }
        match (first_output.take(), second_output.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            one_or_none => {
                (first_output, second_output) = one_or_none;
                Poll::Pending
            }
        }
    })
    .await
}

#[test]
fn exercise_3_join() {
    support::run(checks::joining::check);
}

// # Exercise 4: select

pub enum Either<A, B> {
    First(A),
    Second(B),
}

/// Both are locals, so both are dropped when the function returns.
pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

#[test]
fn exercise_4_select() {
    support::run(checks::selecting::check);
}

// # Exercise 5: the lost wake
//
// The flag said that *a* waker was registered, but not that it was the waker of the current poll. Each `Wait`
// has a place of its own in the list, and each poll writes its waker there.

#[derive(Clone, Default)]
pub struct Event(Rc<EventState>);

#[derive(Default)]
struct EventState {
    is_set: Cell<bool>,
    waiters: RefCell<Vec<Waker>>,
}

impl Event {
    pub fn set(&self) {
        self.0.is_set.set(true);
        for waiter in self.0.waiters.take() {
            waiter.wake();
        }
    }

    pub fn wait(&self) -> Wait {
        Wait {
            event: self.clone(),
            place: None,
        }
    }
}

pub struct Wait {
    event: Event,
    /// Where in the list its waker is, once it was polled.
    place: Option<usize>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let event = self.event.clone();
        if event.0.is_set.get() {
            return Poll::Ready(());
        }
        let mut waiters = event.0.waiters.borrow_mut();
        match self.place {
            Some(place) => waiters[place].clone_from(cx.waker()),
            None => {
                self.place = Some(waiters.len());
                waiters.push(cx.waker().clone());
            }
        }
        Poll::Pending
    }
}

#[test]
fn exercise_5_lost_wake() {
    support::run(checks::an_event::check);
}

// # Exercise 6: a oneshot channel

pub struct Sender<T>(Rc<Shared<T>>);

pub struct Receiver<T>(Rc<Shared<T>>);

struct Shared<T> {
    value: Cell<Option<T>>,
    receiver: Cell<Option<Waker>>,
    has_sender: Cell<bool>,
}

pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: Cell::new(None),
        receiver: Cell::new(None),
        has_sender: Cell::new(true),
    });
    (Sender(Rc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Its destructor, which runs at the end, does the waking.
    pub fn send(self, value: T) {
        self.0.value.set(Some(value));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.has_sender.set(false);
        if let Some(receiver) = self.0.receiver.take() {
            receiver.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.0.has_sender.get() {
            self.0.receiver.set(Some(cx.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready(self.0.value.take())
    }
}

#[test]
fn exercise_6_oneshot() {
    support::run(checks::a_oneshot_channel::check);
}

// # Exercise 7: a fair queue

/// Local tasks come out oldest first, and the other source has every eighth turn.
#[derive(Default)]
pub struct ReadyTasks {
    local: VecDeque<u32>,
    remote: VecDeque<u32>,
    pops: u32,
}

impl ReadyTasks {
    pub fn push_local(&mut self, task: u32) {
        self.local.push_back(task);
    }

    pub fn push_remote(&mut self, task: u32) {
        self.remote.push_back(task);
    }

    pub fn pop(&mut self) -> Option<u32> {
        self.pops = self.pops.wrapping_add(1);
        if self.pops.is_multiple_of(8) {
            self.remote.pop_front().or_else(|| self.local.pop_front())
        } else {
            self.local.pop_front().or_else(|| self.remote.pop_front())
        }
    }
}

#[test]
fn exercise_7_fair_queue() {
    support::run(checks::a_fair_queue::check);
}

// # Exercise 8: debounce

pub async fn debounce<T>(
    input: async_channel::Receiver<T>,
    quiet: Duration,
    mut act: impl FnMut(T),
) {
    while let Ok(mut latest) = input.recv().await {
        while let Ok(Ok(newer)) = time::timeout(quiet, input.recv()).await {
            latest = newer;
        }
        act(latest);
    }
}

#[test]
fn exercise_8_debounce() {
    support::run(checks::debouncing::check);
}
