//! Lesson 5: two tasks and a queue.
//!
//! ```sh
//! cargo run --example lesson_05_two_tasks_and_a_queue
//! ```
//!
//! With two futures there is a new question: which of them has been woken? So each gets a waker of its own,
//! which puts its number into a *run queue*. A future that an executor runs in this way is a *task*.
//!
//! ```text
//!             ┌──────────────── wake: push the number ────────────────┐
//!             ▼                                                       │
//! run queue [ 0 | 1 ] ──pop──► poll the task with this number ──Pending: it waits
//!                                                             ──Ready: its future is dropped
//! ```
//!
//! To be *ready* is to be in the queue. A task that waits is in no list at all: it is not polled until it is
//! woken. That is why a hundred thousand idle tasks cost memory, but no time.
//!
//! # What changed
//!
//! `block_on`, which had one future, has become `spawn` and `run`. The waker pushes a number instead of
//! unparking a thread, and `run` ends where it would park: nothing else runs here that could wake a task.
//!
//! A new tool is `poll_fn`. It makes a future of a closure: each poll calls the closure, and what that returns is
//! the answer. So a future with a small state needs no type of its own, as `Countdown` was in lesson 1.
//!
//! # Predict before you run it
//!
//! 1. How often is the tea polled, and how often the toast? How often would it be if, as in lesson 1, all
//!    were asked in turn?
//! 2. `yield_now` wakes its task *before* it says `Pending`. Why does that not lose the wake?

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

fn main() {
    let bell = Rc::new(Bell::default());
    let mut executor = Executor::default();
    executor.spawn(make_tea(Rc::clone(&bell)));
    executor.spawn(make_toast(bell));
    executor.run();
}

async fn make_tea(bell: Rc<Bell>) {
    println!("    tea: waits for the toast");
    bell.rung().await;
    println!("    tea: is drunk");
}

async fn make_toast(bell: Rc<Bell>) {
    for side in ["one side", "the other side"] {
        println!("    toast: {side}");
        yield_now().await;
    }
    println!("    toast: done, rings the bell");
    bell.ring();
}

/// Lets the others run: asks for another poll, and ends this one.
async fn yield_now() {
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

/// Something that one task waits for and another does.
#[derive(Default)]
struct Bell {
    is_rung: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Bell {
    async fn rung(&self) {
        poll_fn(|cx| {
            if self.is_rung.get() {
                return Poll::Ready(());
            }
            self.waiter.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    fn ring(&self) {
        self.is_rung.set(true);
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

#[derive(Default)]
struct Executor {
    /// `None` where a task is done.
    tasks: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    /// Shared with the wakers, which may be called from any thread.
    run_queue: Arc<Mutex<VecDeque<usize>>>,
}

impl Executor {
    fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let task = self.tasks.len();
        self.tasks.push(Some(Box::pin(future)));
        // Its first poll needs no wake.
        self.run_queue.lock().unwrap().push_back(task);
    }

    fn run(&mut self) {
        while let Some(task) = self.next_ready() {
            let Some(future) = &mut self.tasks[task] else {
                continue;
            };
            println!("poll task {task}");
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

// # It prints
//
// ```text
// poll task 0
//     tea: waits for the toast
// poll task 1
//     toast: one side
// poll task 1
//     toast: the other side
// poll task 1
//     toast: done, rings the bell
// poll task 0
//     tea: is drunk
// ```
//
// The tea is polled twice: once to find that it has to wait, once after the bell. Asked in turn, it would
// have been polled four times, or a million times if the toast were slow. And a task's own wake is not
// lost, because its number left the queue before the poll began: the wake puts it in again, at the back.
//
// # Try
//
// 1. Take out `bell.ring()`. The program ends, and the tea was never drunk. Let `run` say so.
// 2. Let `next_ready` pop from the back. Which tasks can now starve which?
// 3. Let `ring` wake the tea a thousand times. How long is the queue then? What would you have to know of a
//    task in order to push it only once?
//
// # In candor
//
// `src/kernel/tasks/slots_and_queue.rs` is the list of tasks, through which the queue runs, and `src/yield_now.rs` is the yield.
//
// # Answers
//
// 1. What is still in the list when the queue is empty will never be polled again.
//
// ```diff
// -    bell.ring();
// @@
//              if future.as_mut().poll(&mut cx).is_ready() {
//                  self.tasks[task] = None;
//              }
//          }
// +        for (task, future) in self.tasks.iter().enumerate() {
// +            if future.is_some() {
// +                println!("task {task} waits for ever");
// +            }
// +        }
// ```
//
// ```text
// poll task 0
//     tea: waits for the toast
// poll task 1
//     toast: one side
// poll task 1
//     toast: the other side
// poll task 1
//     toast: done, rings the bell
// task 0 waits for ever
// ```
//
// 2. A task that wakes itself is polled again at once. It starves all that have been in the queue for longer. Here the toast is
//    polled to its end before the tea is polled at all.
//
// ```diff
// -        self.run_queue.lock().unwrap().pop_front()
// +        self.run_queue.lock().unwrap().pop_back()
// ```
//
// ```text
// poll task 1
//     toast: one side
// poll task 1
//     toast: the other side
// poll task 1
//     toast: done, rings the bell
// poll task 0
//     tea: waits for the toast
//     tea: is drunk
// ```
//
// 3. A thousand entries. The first one is a poll, and all others find that the task is done. If it were not done, each
//    would be a poll. You have to know whether the task is in the queue already. Lesson 6 keeps a `bool` for that.
