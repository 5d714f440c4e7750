//! Exercises, from easy to hard. Each fails until you have solved it.
//!
//! ```sh
//! cargo test --test exercises exercise_1_ -- --ignored     # one of them
//! cargo test --test exercises -- --ignored                 # all of them
//! ```
//!
//! Write your answers into this file, and those from the twelfth on into `tests/exercises/of_the_executor.rs`: replace
//! each `todo!()`, and add whatever fields, types and functions you need. Names and signatures stay, since the checks
//! in `tests/exercises/checks` call them. Read the check if you do not see what is wanted.
//! `tests/exercises/solutions.rs` passes the same checks; look there when you have an answer of your own to compare.
//! Wrong answers are in `tests/exercises/wrong`: can you say what is wrong before you read it?
//!
//! The first eleven run on virtual time, so a check that sleeps for an hour is done at once. If all tasks wait for a
//! wake that you have forgotten, the check fails and says so; a check that has no end is stopped after some seconds.

#![allow(
    unused,
    clippy::drop_non_drop,
    reason = "an exercise does not use what it is given before it is solved"
)]

#[path = "exercises/checks/mod.rs"]
mod checks;
#[path = "exercises/of_the_executor.rs"]
mod of_the_executor;
#[path = "exercises/support.rs"]
mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use candor::{JoinError, JoinHandle};
// The checks call them from here.
use of_the_executor::{Executor, RunQueue, TaskHandle, TaskTable, block_on};

/// # Exercise 1: yield
///
/// Let every other task that is ready run, then go on.
///
/// - A future asks for another poll by waking its own task before it returns `Pending`.
/// - On its second poll it has to know that it has yielded already.
/// - Read: lesson 5, then `src/yield_now.rs`.
pub async fn yield_now() {
    todo!()
}

#[test]
#[ignore = "exercise 1: replace its todo!(), then run it with --ignored"]
fn exercise_1_yield() {
    support::run(checks::yielding::check);
}

/// # Exercise 2: count polls
///
/// Await a future, and count how often it is polled on the way. Use it afterwards on futures whose polls you
/// wonder about.
///
/// - `pin!` gives you something that `poll_fn` can poll: `future.as_mut().poll(cx)`.
/// - Pass on the waker that comes in with `cx`. Why need you not wake any task yourself?
/// - Read: lesson 1, and `src/time/timeout.rs`, which wraps a future in the same way.
pub async fn count_polls<F: Future>(future: F) -> (F::Output, u32) {
    todo!()
}

#[test]
#[ignore = "exercise 2: replace its todo!(), then run it with --ignored"]
fn exercise_2_count_polls() {
    support::run(checks::counting_polls::check);
}

/// # Exercise 3: join
///
/// Run two futures at the same time, in one task, and give the outputs of both.
///
/// - In each poll, poll both. Which of them is woken later does not matter: the waker is the task's.
/// - A future must not be polled again once it is ready, so keep its output until the other one is done.
/// - Read: lesson 9, which joins *tasks*. What is woken there when one of them is done, and what is woken here?
pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    todo!()
}

#[test]
#[ignore = "exercise 3: replace its todo!(), then run it with --ignored"]
fn exercise_3_join() {
    support::run(checks::joining::check);
}

/// # Exercise 4: select
///
/// Run two futures until one of them is ready, and drop the other, which is then cancelled. If both are ready in
/// the same poll, the first one wins.
///
/// - Cancelling needs no call: a future that is dropped is never polled again.
/// - When is a future that lives in your async function dropped? It has to be gone before `select` returns.
/// - Read: `src/time/timeout.rs`. A timeout is a select with a sleep.
pub enum Either<A, B> {
    First(A),
    Second(B),
}

pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    todo!()
}

#[test]
#[ignore = "exercise 4: replace its todo!(), then run it with --ignored"]
fn exercise_4_select() {
    support::run(checks::selecting::check);
}

/// # Exercise 5: the lost wake
///
/// An event that tasks wait for. It has worked for years. Then a program polled a `Wait` in one task and awaited
/// it in another, and sometimes it stood still. Find out why, and fix it.
///
/// - The check that fails does just that. Follow its wakers with a pencil.
/// - What does a future promise when it returns `Pending`, and to whom?
/// - Read: lesson 3, the comment in `Kettle::poll`, and `Joined::set_waker` in `src/kernel/tasks/who_joins.rs`, which the poll of a
///   handle calls.
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
            is_registered: false,
        }
    }
}

pub struct Wait {
    event: Event,
    /// A spurious poll must not make the list longer.
    is_registered: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.event.0.is_set.get() {
            return Poll::Ready(());
        }
        if !self.is_registered {
            self.is_registered = true;
            let mut waiters = self.event.0.waiters.borrow_mut();
            waiters.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[test]
#[ignore = "exercise 5: mend the event, then run it with --ignored"]
fn exercise_5_lost_wake() {
    support::run(checks::an_event::check);
}

/// # Exercise 6: a oneshot channel
///
/// One side sends one value, the other side awaits it. If the sender is dropped instead, the receiver gets `None`.
///
/// - Both sides share an `Rc` of a state: the value, the waker of the receiver, and whether there is still a
///   sender.
/// - There are two ways to end: `send`, and `Drop` of the sender. Both have to wake.
/// - `send` takes the sender, so its `Drop` runs right after it. Does it do harm then?
/// - Read: lesson 9. A join handle is the receiver of a oneshot channel.
pub struct Sender<T>(PhantomData<T>);

pub struct Receiver<T>(PhantomData<T>);

pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    todo!()
}

impl<T> Sender<T> {
    pub fn send(self, value: T) {
        todo!()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        todo!()
    }
}

#[test]
#[ignore = "exercise 6: replace its todo!(), then run it with --ignored"]
fn exercise_6_oneshot() {
    support::run(checks::a_oneshot_channel::check);
}

/// # Exercise 7: a fair queue
///
/// The run queue of an executor which has two sources of work: tasks woken on its own thread, and tasks woken
/// from other threads. Make it fair: however busy the others are, a task that waits comes out within 64 pops, and
/// the tasks of each source come out in the order in which they came.
///
/// - Two things are wrong, and a task that wakes itself in each of its polls shows both.
/// - Taking turns is fair. But look at what candor does: it is cheaper to check rarely what other threads
///   share.
/// - Read: lesson 5, then the loop in `src/kernel/tasks/run_loop.rs`: what ends a pass, and what is checked between two?
#[derive(Default)]
pub struct ReadyTasks {
    local: VecDeque<u32>,
    remote: VecDeque<u32>,
}

impl ReadyTasks {
    pub fn push_local(&mut self, task: u32) {
        self.local.push_back(task);
    }

    pub fn push_remote(&mut self, task: u32) {
        self.remote.push_back(task);
    }

    pub fn pop(&mut self) -> Option<u32> {
        self.local.pop_back().or_else(|| self.remote.pop_front())
    }
}

#[test]
#[ignore = "exercise 7: mend the queue, then run it with --ignored"]
fn exercise_7_fair_queue() {
    support::run(checks::a_fair_queue::check);
}

/// # Exercise 8: debounce
///
/// A user types, and each key sends the whole text. Call `act` only when nothing has come for the time `quiet`,
/// and only with the latest value. When the channel is closed, act on what is left, and return.
///
/// - While there is no value, wait for one; while there is one, wait for the next *or* for time to run out.
/// - `candor::time::timeout` is the second of these.
/// - Read: lesson 10, and `src/time/timeout.rs`.
pub async fn debounce<T>(
    input: async_channel::Receiver<T>,
    quiet: Duration,
    mut act: impl FnMut(T),
) {
    todo!()
}

#[test]
#[ignore = "exercise 8: replace its todo!(), then run it with --ignored"]
fn exercise_8_debounce() {
    support::run(checks::debouncing::check);
}

/// # Exercise 9: a task-local
///
/// A thread-local is of no use to tasks, since many of them share a thread. Let `request_id` return, anywhere inside
/// `future` and however deep, the id that `with_request_id` was given. Outside it is `None`.
///
/// - Set a thread-local before each poll of the future, and restore the earlier value after it: scopes may be
///   nested.
/// - A future may panic. Let a destructor restore the value.
/// - Read: `src/kernel/tasks/current_executor.rs`, where the executor that runs on a thread is found in the same way.
pub fn request_id() -> Option<u32> {
    todo!()
}

pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
    todo!()
}

#[test]
#[ignore = "exercise 9: replace its todo!(), then run it with --ignored"]
fn exercise_9_task_local() {
    support::run(checks::a_task_local::check);
}

/// # Exercise 10: a semaphore
///
/// At most a given number of permits are out at a time; dropping a permit gives it back. The first to ask is
/// the first to get one.
///
/// - Keep the waiters in a queue, and hand a permit over to the first of them instead of letting all of them
///   try.
/// - An `Acquire` may be dropped while it waits, by a timeout perhaps. Then it must not be handed a permit.
/// - It may even be dropped after it was handed one, but before it was polled again. Where is the permit then?
/// - Read: `src/kernel/tasks/slots_and_queue.rs`. There, too, a queued entry may be gone when its turn comes.
#[derive(Clone)]
pub struct Semaphore {}

impl Semaphore {
    pub fn new(permits: usize) -> Self {
        todo!()
    }

    pub fn acquire(&self) -> Acquire {
        todo!()
    }
}

pub struct Acquire {}

impl Future for Acquire {
    type Output = Permit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        todo!()
    }
}

pub struct Permit {}

#[test]
#[ignore = "exercise 10: replace its todo!(), then run it with --ignored"]
fn exercise_10_semaphore() {
    support::run(checks::a_semaphore::check);
}

/// # Exercise 11: all or nothing
///
/// Join all tasks and give their values, in the order of the handles. When one of them fails, whichever is the first,
/// abort the others, wait until they are gone, and give its error. No task of yours runs on when you return, and no
/// second failure is lost: leave it unread in its handle, and candor reports it.
///
/// - Awaiting one handle after the other is too late for a failure of the last one. Poll all of them each time.
/// - `abort` is only a request. A task that was aborted is gone when its handle is ready.
/// - Read: `src/kernel/tasks/join_handle.rs`, and where an unread failure goes: the table in the README.
pub async fn try_all<T, E: Debug + 'static>(
    tasks: Vec<JoinHandle<Result<T, E>>>,
) -> Result<Vec<T>, JoinError<E>> {
    todo!()
}

#[test]
#[ignore = "exercise 11: replace its todo!(), then run it with --ignored"]
fn exercise_11_all_or_nothing() {
    support::run(checks::all_or_nothing::check);
}
