//! Lesson 9: failures that nobody hides.
//!
//! ```sh
//! cargo run --example lesson_9_failures_that_nobody_hides
//! ```
//!
//! A task *fails* when it panics or returns `Err`. In lesson 6 its outcome is in a cell. If the handle was
//! dropped, the cell is never read: the failure is silent. But `spawn` sees every outcome, and every handle
//! that is dropped. So the executor can keep the promise that this crate is about: each failure goes to
//! exactly one place, to its awaiter or into a *report*.
//!
//! ```text
//!                 ┌─ handle awaited ───────────────► the awaiter gets it as Err
//! task fails ─► Unread
//!                 ├─ handle was dropped before ──┐
//!                 └─ handle is dropped later ────┴─► dropped unread: reports itself
//! ```
//!
//! # What changed
//!
//! An outcome is a `Result`, and its error is wrapped into an `Unread` until it is taken. `spawn`
//! catches panics. `run` returns an exit code.
//!
//! # Predict before you run it
//!
//! 1. Three tasks fail. Which of these failures are reported, and during which poll?
//! 2. What does the panic of the toast do to the jam, which is spawned after it?
//! 3. What is the exit code?

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

fn main() -> ExitCode {
    run(breakfast())
}

async fn breakfast() -> Result<(), &'static str> {
    spawn(async { Err::<(), _>("there is no water for the tea") });
    let toast = spawn(make_toast());
    let egg = spawn(async { Err::<(), _>("the egg is cracked") });
    let jam = spawn(async { Ok::<_, &str>("jam") });
    match toast.await {
        Ok(toast) => println!("    breakfast: has {toast}"),
        Err(error) => println!("    breakfast: no toast, because {error}"),
    }
    println!("    breakfast: does not want the egg");
    drop(egg);
    println!("    breakfast: has {}", jam.await.unwrap_or("nothing"));
    Ok(())
}

async fn make_toast() -> Result<&'static str, &'static str> {
    panic!("the toaster is on fire")
}

/// A failure on its way to an awaiter. It reports itself if it does not get there.
struct Unread(Option<String>);

impl Unread {
    fn read(mut self) -> String {
        self.0.take().expect("it is read once")
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(failure) = &self.0 {
            println!("REPORT {failure}");
            HAS_REPORTED.store(true, Relaxed);
        }
    }
}

static HAS_REPORTED: AtomicBool = AtomicBool::new(false);

fn run(main: impl Future<Output = Result<(), &'static str>> + 'static) -> ExitCode {
    // Std's hook would print each panic at once, also one that is about to reach its awaiter.
    panic::set_hook(Box::new(|_| ()));
    spawn(main);
    run_ready_tasks();
    // A task that still waits, waits forever. It may hold the handle of one that failed.
    drop(SLOTS.take());
    ExitCode::from(HAS_REPORTED.load(Relaxed) as u8)
}

struct JoinHandle<T>(Rc<Shared<T>>);

struct Shared<T> {
    outcome: Cell<Option<Result<T, Unread>>>,
    joiner: Cell<Option<Waker>>,
}

fn spawn<T: 'static>(
    future: impl Future<Output = Result<T, &'static str>> + 'static,
) -> JoinHandle<T> {
    let shared = Rc::new(Shared {
        outcome: Cell::new(None),
        joiner: Cell::new(None),
    });
    let handle = JoinHandle(Rc::clone(&shared));
    let task = SLOTS.with_borrow(Vec::len);
    let mut future = Box::pin(future);
    spawn_boxed(Box::pin(async move {
        let caught = poll_fn(|cx| {
            let poll = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
            match poll.map_err(|panic| panic.downcast_ref().copied().unwrap_or("no text")) {
                Ok(poll) => poll.map_err(|error| format!("task {task} failed: {error}")),
                Err(panic) => Poll::Ready(Err(format!("task {task} panicked: {panic}"))),
            }
        });
        let outcome = caught.await.map_err(|failure| Unread(Some(failure)));
        shared.outcome.set(Some(outcome));
        if let Some(joiner) = shared.joiner.take() {
            joiner.wake();
        }
    }));
    handle
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.0.outcome.take() {
            return Poll::Ready(outcome.map_err(Unread::read));
        }
        self.0.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

// The executor of lesson 5. No slot is used a second time here, so it does without generations.

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
// poll task 1
// REPORT task 1 failed: there is no water for the tea
// poll task 2
// poll task 3
// poll task 4
// poll task 0
//     breakfast: no toast, because task 2 panicked: the toaster is on fire
//     breakfast: does not want the egg
// REPORT task 3 failed: the egg is cracked
//     breakfast: has jam
// ```
//
// Two are reported: the failed tea in the same poll in which it failed, as its handle was gone, and the egg
// when its handle is dropped. The toast's panic went to the breakfast, which handled it. The jam noticed
// nothing. The exit code is 1, because something had to be reported.
//
// # Try
//
// 1. Take out everything from `Unread` on and write `use candor::{run, spawn};` instead: the breakfast runs
//    on candor as it is. What do its reports say that these do not?
// 2. Back here, call `std::mem::forget(egg)` instead of `drop(egg)`. Now it is silent: a destructor may never
//    run. What would the executor have to keep to find out at the end?
// 3. Keep the handle of the egg, and let the breakfast await `std::future::pending::<()>()`. When is the
//    failure reported, and when should it be?
// 4. Where did the toast panic? The payload does not know. The hook does: let it keep `info.location()` for
//    the report.
//
// # In candor
//
// `src/kernel/failure/reporting.rs` says where a failure goes, and when: there no report interrupts a poll, as that of
// the egg does here. `src/kernel/failure/unread.rs` is the answer to the second and third question, `src/kernel/failure/hook.rs`
// to the fourth.
