//! Solutions of exercises 12 to 15.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::{checks, support};

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

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
    futures: RefCell<Vec<Option<BoxedFuture>>>,
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
    tasks: Vec<Option<(BoxedFuture, Arc<Ringer>)>>,
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
