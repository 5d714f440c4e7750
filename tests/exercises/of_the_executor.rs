//! The last exercises: parts of an executor. They are run as those in `tests/exercises.rs` are.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::{checks, support};

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

/// # Exercise 12: block on
///
/// Run a future on this thread until it is ready. While it waits, the thread sleeps.
///
/// - Poll, and if it is `Pending`, park. The waker that you give to the poll unparks.
/// - The wake may come before you park, even within the poll. Why is it not lost with `thread::park`?
/// - `park` may return for no reason. What do you have to do then?
/// - Read: lesson 3, then the picture in `src/kernel/tasks/inbox.rs`.
pub fn block_on<F: Future>(future: F) -> F::Output {
    todo!()
}

#[test]
#[ignore = "exercise 12: replace its todo!(), then run it with --ignored"]
fn exercise_12_block_on() {
    support::run(checks::a_block_on::check);
}

/// # Exercise 13: abort
///
/// An executor as in lesson 5, with the handles of lesson 9. Give the handle an `abort`: the task is not polled any
/// more, its future is dropped in the next `run_ready_tasks`, and whoever joins it is woken and gets `None`. A task that is done
/// keeps its outcome.
///
/// - A flag in `JoinCell` says that the task was aborted. Who looks at the flag, if the task waits for a wake that never
///   comes?
/// - A task may abort itself. Then its future is being polled, and nobody can drop it yet.
/// - `JoinCell`, `spawn` and both types may get whatever fields you need.
/// - Read: lesson 9, its third answer, and lesson 12; then `src/abort.rs`.
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
}

struct JoinCell<T> {
    outcome: Cell<Option<T>>,
    joiner: Cell<Option<Waker>>,
}

impl TaskTable {
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        let shared = Rc::new(JoinCell {
            outcome: Cell::new(None),
            joiner: Cell::new(None),
        });
        let handle = TaskHandle {
            shared: Rc::clone(&shared),
        };
        let task = self.0.futures.borrow().len();
        self.0.futures.borrow_mut().push(Some(Box::pin(async move {
            shared.outcome.set(Some(future.await));
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
        todo!()
    }
}

/// `None` if the task was aborted.
impl<T> Future for TaskHandle<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(outcome) = self.shared.outcome.take() {
            return Poll::Ready(Some(outcome));
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
#[ignore = "exercise 13: replace its todo!(), then run it with --ignored"]
fn exercise_13_abort() {
    support::run(checks::an_abort::check);
}

/// # Exercise 14: woken from elsewhere
///
/// The executor of lesson 5. Its `run` returns when the queue is empty, even if a task waits for another thread. Let it sleep
/// instead, until a wake comes, and return when all tasks are done.
///
/// - The waker is called on the other thread. Besides pushing the number, it has to wake the thread that runs the tasks.
/// - Between the look into the queue and the sleep, a wake may come. With a `Condvar`, look and sleep under one
///   lock; `thread::park` has its token.
/// - Ten wakes before a poll cause one poll, not ten. A wake within the poll causes another one: when do you
///   forget that the task was in the queue?
/// - Read: lesson 7.
#[derive(Default)]
pub struct Executor {
    /// `None` where a task is done.
    tasks: Vec<Option<BoxedFuture>>,
    run_queue: Arc<Mutex<VecDeque<usize>>>,
}

impl Executor {
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let task = self.tasks.len();
        self.tasks.push(Some(Box::pin(future)));
        self.run_queue.lock().unwrap().push_back(task);
    }

    pub fn run(&mut self) {
        while let Some(task) = self.next_ready() {
            let Some(future) = &mut self.tasks[task] else {
                continue;
            };
            let run_queue = Arc::clone(&self.run_queue);
            let waker = Waker::from(Arc::new(Pusher { task, run_queue }));
            let mut cx = Context::from_waker(&waker);
            if future.as_mut().poll(&mut cx).is_ready() {
                self.tasks[task] = None;
            }
        }
    }

    fn next_ready(&self) -> Option<usize> {
        self.run_queue.lock().unwrap().pop_front()
    }
}

#[test]
#[ignore = "exercise 14: mend the executor, then run it with --ignored"]
fn exercise_14_woken_from_elsewhere() {
    support::run(checks::a_wake_from_elsewhere::check);
}

/// # Exercise 15: the ghost
///
/// A run queue as candor has it: a list that runs through the slots themselves, each with a link to the one behind it. It
/// worked for a while. Then a task was polled that nobody had woken. Find the bug from the check that fails, and
/// mend it. One or two lines are enough.
///
/// - The name of the check, or what it prints, says which steps lead to the failure. Draw the links after each of them.
/// - What does the link of the last slot mean? Who may still look at it?
/// - Read: `Table::push` and `Table::pop` in `src/kernel/tasks/slots_and_queue.rs`, when you have an answer.
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
        self.first = self.links[slot];
        Some(slot)
    }
}

#[test]
#[ignore = "exercise 15: mend the queue, then run it with --ignored"]
fn exercise_15_the_ghost() {
    support::run(checks::a_run_queue::check);
}
