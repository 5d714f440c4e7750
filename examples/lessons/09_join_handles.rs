//! Lesson 9: join handles.
//!
//! ```sh
//! cargo run --example lesson_09_join_handles
//! ```
//!
//! A task returns something, and another task wants it. So `spawn` makes a cell for the *outcome*, which the
//! task and a *join handle* share. The task fills it when it is done. The handle is a future: to *join* a
//! task is to await its handle. If the cell is still empty, the handle leaves its own waker there, as the
//! *joiner*, and the task wakes it.
//!
//! ```text
//!              ┌──────── Shared ────────┐
//! task ──Rc──► │ outcome      joiner    │ ◄──Rc── JoinHandle
//! (fills it)   │ None, then   who waits │         (takes it, or leaves its waker)
//!              │ Some(value)  for it    │
//!              └────────────────────────┘
//! ```
//!
//! Either may be gone before the other. A task whose handle was dropped is *detached*: it runs all the same,
//! since the table owns it, and its outcome is dropped with the cell.
//!
//! # What changed
//!
//! `spawn` returns a handle. The bell of lesson 5 is gone: a handle is a bell that also carries a value. The
//! executor is that of lesson 6, made shorter.
//!
//! # Predict before you run it
//!
//! 1. The toast is done at its first poll, long before it is joined. Is its outcome lost?
//! 2. How often is the breakfast polled? It awaits two handles.
//! 3. The handle of the dishes is dropped at once. Are they washed?

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

fn main() {
    spawn(breakfast());
    run_ready_tasks();
}

async fn breakfast() {
    let tea = spawn(make_tea());
    let toast = spawn(make_toast());
    drop(spawn(wash_dishes()));
    println!("    breakfast: waits for the tea");
    let tea = tea.await;
    println!("    breakfast: has {tea}, waits for the toast");
    let toast = toast.await;
    println!("    breakfast: has {tea} and {toast}");
}

async fn make_tea() -> &'static str {
    println!("    tea: the water is on");
    yield_now().await;
    println!("    tea: done");
    "tea"
}

async fn make_toast() -> String {
    println!("    toast: done");
    "toast".to_owned()
}

async fn wash_dishes() {
    println!("    dishes: washed");
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

/// Awaits the outcome of a task. Dropping it detaches the task.
struct JoinHandle<T>(Rc<Shared<T>>);

/// What a task and its handle share.
struct Shared<T> {
    outcome: Cell<Option<T>>,
    joiner: Cell<Option<Waker>>,
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let shared = Rc::new(Shared {
        outcome: Cell::new(None),
        joiner: Cell::new(None),
    });
    let handle = JoinHandle(Rc::clone(&shared));
    spawn_boxed(Box::pin(async move {
        shared.outcome.set(Some(future.await));
        if let Some(joiner) = shared.joiner.take() {
            joiner.wake();
        }
    }));
    handle
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(outcome) = self.0.outcome.take() {
            return Poll::Ready(outcome);
        }
        self.0.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

// The executor of lesson 6. No slot is used a second time here, so it does without generations.

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static SLOTS: RefCell<Vec<Option<BoxedFuture>>> = RefCell::default();
    static RUN_QUEUE: RefCell<VecDeque<usize>> = RefCell::default();
}

fn spawn_boxed(future: BoxedFuture) {
    let slot = SLOTS.with_borrow(Vec::len);
    SLOTS.with_borrow_mut(|slots| slots.push(Some(future)));
    RUN_QUEUE.with_borrow_mut(|queue| queue.push_back(slot));
}

fn run_ready_tasks() {
    while let Some(slot) = RUN_QUEUE.with_borrow_mut(VecDeque::pop_front) {
        let future = SLOTS.with_borrow_mut(|slots| slots[slot].take());
        let Some(mut future) = future else { continue };
        println!("poll task {slot}");
        let waker = waker_of(slot);
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            SLOTS.with_borrow_mut(|slots| slots[slot] = Some(future));
        }
    }
}

fn waker_of(slot: usize) -> Waker {
    // SAFETY: The functions of the table take the word for a number and never read through it.
    unsafe { Waker::new(ptr::without_provenance(slot), &VTABLE) }
}

static VTABLE: RawWakerVTable =
    RawWakerVTable::new(|word| RawWaker::new(word, &VTABLE), wake, wake, |_| ());

fn wake(word: *const ()) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.push_back(word.addr()));
}

// # It prints
//
// ```text
// poll task 0
//     breakfast: waits for the tea
// poll task 1
//     tea: the water is on
// poll task 2
//     toast: done
// poll task 3
//     dishes: washed
// poll task 1
//     tea: done
// poll task 0
//     breakfast: has tea, waits for the toast
//     breakfast: has tea and toast
// ```
//
// The outcome of the toast waits in its cell, so joining it takes no poll: the breakfast is polled twice,
// once to find that the tea is not done, and once when the tea has woken it. And the dishes are washed.
//
// # Try
//
// 1. Join the toast before the tea. Which lines move, and does the number of polls change?
// 2. Let two tasks each join the other, with their handles in a shared `RefCell`. What does the program
//    print, and what does it not say?
// 3. Write `JoinHandle::abort`: it sets a flag in `Shared`, and the task looks at the flag before it polls
//    its future. Why does `abort` have to wake the task, and why should it not drop the future by itself?
//
// # In candor
//
// `src/kernel/tasks/join_handle.rs` is the handle, and `src/kernel/tasks/task.rs` the cell. There a task is one allocation, which holds its
// future first and its outcome afterwards. A joiner that is a task of the same executor is kept as its key: the number
// of lesson 6, without the table of functions.
//
// # Answers
//
// 1. The lines of the breakfast move. It is still polled twice: the toast wakes it, and when its turn comes, the tea is done
//    as well.
//
// ```diff
// -    println!("    breakfast: waits for the tea");
// -    let tea = tea.await;
// -    println!("    breakfast: has {tea}, waits for the toast");
// -    let toast = toast.await;
// +    println!("    breakfast: waits for the toast");
// +    let toast = toast.await;
// +    println!("    breakfast: has {toast}, waits for the tea");
// +    let tea = tea.await;
// ```
//
// ```text
// poll task 0
//     breakfast: waits for the toast
// poll task 1
//     tea: the water is on
// poll task 2
//     toast: done
// poll task 3
//     dishes: washed
// poll task 1
//     tea: done
// poll task 0
//     breakfast: has toast, waits for the tea
//     breakfast: has tea and toast
// ```
//
// 2. Both are polled twice at most, and the program ends. It does not say that two tasks wait for each other, since nobody
//    looks into the table at the end. The answer to the first "Try" of lesson 5 would have found them.
// 3. The task may wait for something that never comes. If it is not woken, it never looks at the flag. The future must not be
//    dropped by `abort` because the task itself may call it, through a handle that it got from elsewhere: then the future that
//    runs would be dropped while it runs. Its destructors would also run in the middle of whatever called `abort`. Exercise 13
//    asks for an abort that wakes the task, so that it finds the flag and drops its own future.
