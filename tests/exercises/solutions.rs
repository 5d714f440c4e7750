//! Solutions of the exercises in `tests/exercises.rs`, which pass the same checks.
//!
//! Spoilers below. There is more than one good answer to each; these are short ones.

mod checks;
mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use candor::{JoinError, JoinHandle, time};

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

// # Exercise 9: a task-local

thread_local! {
    static REQUEST_ID: Cell<Option<u32>> = const { Cell::new(None) };
}

pub fn request_id() -> Option<u32> {
    REQUEST_ID.get()
}

pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _outer = PutBack(REQUEST_ID.replace(Some(id)));
        future.as_mut().poll(cx)
    })
    .await
}

/// Restores the earlier id, also when the poll panics.
struct PutBack(Option<u32>);

impl Drop for PutBack {
    fn drop(&mut self) {
        REQUEST_ID.set(self.0);
    }
}

#[test]
fn exercise_9_task_local() {
    support::run(checks::a_task_local::check);
}

// # Exercise 10: a semaphore
//
// A permit that is given back goes to the first waiter right away: its place in the queue turns from a waker into
// a permit. So none can overtake it, and an `Acquire` that is dropped gives back the permit in its place.

#[derive(Clone)]
pub struct Semaphore(Rc<RefCell<Permits>>);

struct Permits {
    free: usize,
    waiting: VecDeque<Rc<RefCell<Place>>>,
}

/// The state of one `Acquire`.
enum Place {
    Waits(Waker),
    IsServed,
    HasGone,
}

impl Semaphore {
    pub fn new(permits: usize) -> Self {
        Semaphore(Rc::new(RefCell::new(Permits {
            free: permits,
            waiting: VecDeque::new(),
        })))
    }

    pub fn acquire(&self) -> Acquire {
        Acquire {
            semaphore: self.clone(),
            place: None,
        }
    }

    fn give_back(&self) {
        let mut permits = self.0.borrow_mut();
        while let Some(next) = permits.waiting.pop_front() {
            if let Place::Waits(waker) = next.replace(Place::IsServed) {
                // A foreign waker may call back into this.
                drop(permits);
                waker.wake();
                return;
            }
        }
        permits.free += 1;
    }
}

pub struct Acquire {
    semaphore: Semaphore,
    place: Option<Rc<RefCell<Place>>>,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let place = match self.place.take() {
            Some(place) => {
                match &mut *place.borrow_mut() {
                    Place::Waits(waker) => waker.clone_from(cx.waker()),
                    _ => return Poll::Ready(Permit(self.semaphore.clone())),
                }
                place
            }
            None => {
                let mut permits = self.semaphore.0.borrow_mut();
                if permits.free > 0 {
                    permits.free -= 1;
                    return Poll::Ready(Permit(self.semaphore.clone()));
                }
                let place = Rc::new(RefCell::new(Place::Waits(cx.waker().clone())));
                permits.waiting.push_back(Rc::clone(&place));
                place
            }
        };
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Some(place) = self.place.take()
            && let Place::IsServed = place.replace(Place::HasGone)
        {
            self.semaphore.give_back();
        }
    }
}

pub struct Permit(Semaphore);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

#[test]
fn exercise_10_semaphore() {
    support::run(checks::a_semaphore::check);
}

// # Exercise 11: all or nothing
//
// It stops at the first failure. The other handles are not read any more: whatever they still hold when they are
// dropped at the end is reported.

pub async fn try_all<T, E: Debug + 'static>(
    mut tasks: Vec<JoinHandle<Result<T, E>>>,
) -> Result<Vec<T>, JoinError<E>> {
    let mut values: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let failure = poll_fn(|cx| {
        for (value, task) in values.iter_mut().zip(&mut tasks) {
            if value.is_none()
                && let Poll::Ready(outcome) = Pin::new(task).poll(cx)
            {
                match outcome {
                    Ok(it) => *value = Some(it),
                    Err(error) => return Poll::Ready(Some(error)),
                }
            }
        }
        match values.iter().all(Option::is_some) {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    })
    .await;
    let Some(failure) = failure else {
        return Ok(values.into_iter().flatten().collect());
    };
    for task in &tasks {
        task.abort_handle().cancel().await;
    }
    Err(failure)
}

#[test]
fn exercise_11_all_or_nothing() {
    support::run(checks::all_or_nothing::check);
}

// # Exercise 12: block on

pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        // An unpark before this is a token, and it returns at once. When it returns for no reason, a poll more does no harm.
        thread::park();
    }
}

#[test]
fn exercise_12_block_on() {
    support::run(checks::a_block_on::check);
}

// # Exercise 13: abort
//
// The flag is looked at before each poll, and `abort` asks for a poll. The task itself drops its future, and nobody is
// in the middle of it then.

#[derive(Clone, Default)]
pub struct TaskTable(Rc<Tasks>);

#[derive(Default)]
struct Tasks {
    /// `None` where a task is done, or is being polled.
    futures: RefCell<Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>>,
    run_queue: Arc<Mutex<VecDeque<usize>>>,
}

pub struct TaskHandle<T> {
    shared: Rc<JoinCell<T>>,
    task: usize,
    run_queue: Arc<Mutex<VecDeque<usize>>>,
}

struct JoinCell<T> {
    /// With `None` in it if the task was aborted.
    outcome: Cell<Option<Option<T>>>,
    joiner: Cell<Option<Waker>>,
    is_aborted: Cell<bool>,
}

impl TaskTable {
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        let shared = Rc::new(JoinCell {
            outcome: Cell::new(None),
            joiner: Cell::new(None),
            is_aborted: Cell::new(false),
        });
        let task = self.0.futures.borrow().len();
        let handle = TaskHandle {
            shared: Rc::clone(&shared),
            task,
            run_queue: Arc::clone(&self.0.run_queue),
        };
        let mut future = Box::pin(future);
        self.0.futures.borrow_mut().push(Some(Box::pin(async move {
            let outcome = poll_fn(|cx| match shared.is_aborted.get() {
                true => Poll::Ready(None),
                false => future.as_mut().poll(cx).map(Some),
            });
            let outcome = outcome.await;
            drop(future);
            shared.outcome.set(Some(outcome));
            if let Some(joiner) = shared.joiner.take() {
                joiner.wake();
            }
        })));
        self.0.run_queue.lock().unwrap().push_back(task);
        handle
    }

    pub fn run_ready_tasks(&self) {
        while let Some(task) = self.next_ready() {
            let future = self.0.futures.borrow_mut()[task].take();
            let Some(mut future) = future else { continue };
            let run_queue = Arc::clone(&self.0.run_queue);
            let waker = Waker::from(Arc::new(Pusher { task, run_queue }));
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll.is_pending() {
                self.0.futures.borrow_mut()[task] = Some(future);
            }
        }
    }

    fn next_ready(&self) -> Option<usize> {
        self.0.run_queue.lock().unwrap().pop_front()
    }
}

impl<T> TaskHandle<T> {
    pub fn abort(&self) {
        self.shared.is_aborted.set(true);
        self.run_queue.lock().unwrap().push_back(self.task);
    }
}

/// `None` if the task was aborted.
impl<T> Future for TaskHandle<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(outcome) = self.shared.outcome.take() {
            return Poll::Ready(outcome);
        }
        self.shared.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

/// What a wake does: it puts the task into the run queue.
struct Pusher {
    task: usize,
    run_queue: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Pusher {
    fn wake(self: Arc<Self>) {
        self.run_queue.lock().unwrap().push_back(self.task);
    }
}

#[test]
fn exercise_13_abort() {
    support::run(checks::an_abort::check);
}

// # Exercise 14: woken from elsewhere

#[derive(Default)]
pub struct Executor {
    tasks: Vec<Option<(Pin<Box<dyn Future<Output = ()>>>, Arc<Ringer>)>>,
    ready: Arc<Ready>,
}

/// What the wakers share with `run`.
#[derive(Default)]
struct Ready {
    run_queue: Mutex<VecDeque<usize>>,
    has_come: Condvar,
}

struct Ringer {
    task: usize,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Ringer {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, SeqCst) {
            self.ready.run_queue.lock().unwrap().push_back(self.task);
            self.ready.has_come.notify_one();
        }
    }
}

impl Executor {
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let ringer = Arc::new(Ringer {
            task: self.tasks.len(),
            is_queued: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        });
        self.tasks.push(Some((Box::pin(future), ringer.clone())));
        ringer.wake();
    }

    pub fn run(&mut self) {
        while self.tasks.iter().any(Option::is_some) {
            let task = self.next_ready();
            let Some((future, ringer)) = &mut self.tasks[task] else {
                continue;
            };
            // Before the poll: a wake within it counts for the next one.
            ringer.is_queued.store(false, SeqCst);
            let waker = Waker::from(Arc::clone(ringer));
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                self.tasks[task] = None;
            }
        }
    }

    /// Sleeps until there is one. The look and the sleep are one step under the lock.
    fn next_ready(&self) -> usize {
        let mut run_queue = self.ready.run_queue.lock().unwrap();
        loop {
            match run_queue.pop_front() {
                Some(task) => return task,
                None => run_queue = self.ready.has_come.wait(run_queue).unwrap(),
            }
        }
    }
}

#[test]
fn exercise_14_woken_from_elsewhere() {
    support::run(checks::a_wake_from_elsewhere::check);
}

// # Exercise 15: the ghost
//
// The link of the last slot is an old one, from the last time that the slot was in the queue. `pop` followed it.

pub struct RunQueue {
    first: Option<usize>,
    /// Means nothing while the queue is empty.
    last: usize,
    /// For each slot: the slot behind it.
    links: Vec<Option<usize>>,
    is_queued: Vec<bool>,
}

impl RunQueue {
    pub fn new(slots: usize) -> Self {
        RunQueue {
            first: None,
            last: 0,
            links: vec![None; slots],
            is_queued: vec![false; slots],
        }
    }

    /// Adds a slot at the end, unless it is in the queue already.
    pub fn push(&mut self, slot: usize) {
        if std::mem::replace(&mut self.is_queued[slot], true) {
            return;
        }
        match self.first {
            None => self.first = Some(slot),
            Some(_) => self.links[self.last] = Some(slot),
        }
        self.last = slot;
    }

    /// Takes the oldest slot out.
    pub fn pop(&mut self) -> Option<usize> {
        let slot = self.first?;
        self.is_queued[slot] = false;
        self.first = match slot == self.last {
            true => None,
            false => self.links[slot],
        };
        Some(slot)
    }
}

#[test]
fn exercise_15_the_ghost() {
    support::run(checks::a_run_queue::check);
}
