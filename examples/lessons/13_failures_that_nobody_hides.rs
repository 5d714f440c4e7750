//! Lesson 13: failures that nobody hides.
//!
//! ```sh
//! cargo run --example lesson_13_failures_that_nobody_hides
//! ```
//!
//! A task *fails* when it panics or returns `Err`. In lesson 9 its outcome is in a cell. If the handle was
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
//! 1. The first task fails, and was spawned by `wrong::spawn`. Who says so?
//! 2. Then three tasks fail. Which of these failures are reported, and during which poll?
//! 3. What does the panic of the toast do to the egg, which is spawned after it? And what is the exit code?

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
    println!("wrong:");
    wrong::spawn(async { Err::<(), _>("there is no water for the tea") });
    run_ready_tasks();
    println!("right:");
    run(breakfast())
}

mod wrong {
    /// As in lesson 9: an outcome that nobody takes is dropped, and its error with it.
    pub fn spawn<T>(future: impl Future<Output = T> + 'static) {
        super::spawn_boxed(Box::pin(async { drop(future.await) }));
    }
}

type Text = &'static str;

async fn breakfast() -> Result<(), Text> {
    spawn(async { Err::<(), _>("there is no water for the tea") });
    let toast = spawn(make_toast());
    let egg = spawn(async { Err::<(), _>("the egg is cracked") });
    println!("    breakfast: no toast, {}", toast.await.unwrap_err());
    println!("    breakfast: does not want the egg");
    drop(egg);
    println!("    breakfast: goes on");
    Ok(())
}

async fn make_toast() -> Result<(), Text> {
    panic!("the toaster is on fire")
}

/// A failure on its way to an awaiter. It reports itself if it does not get there.
struct Unread(Option<String>);

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(failure) = &self.0 {
            println!("REPORT {failure}");
            HAS_REPORTED.store(true, Relaxed);
        }
    }
}

static HAS_REPORTED: AtomicBool = AtomicBool::new(false);

fn run(main: impl Future<Output = Result<(), Text>> + 'static) -> ExitCode {
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

fn spawn<T: 'static>(future: impl Future<Output = Result<T, Text>> + 'static) -> JoinHandle<T> {
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
            // Taken out, it is read: the `Unread` has nothing to report any more.
            return Poll::Ready(outcome.map_err(|mut unread| unread.0.take().unwrap_or_default()));
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
// wrong:
// poll task 0
// right:
// poll task 1
// poll task 2
// REPORT task 2 failed: there is no water for the tea
// poll task 3
// poll task 4
// poll task 1
//     breakfast: no toast, task 3 panicked: the toaster is on fire
//     breakfast: does not want the egg
// REPORT task 4 failed: the egg is cracked
//     breakfast: goes on
// ```
//
// Nobody says that the first task has failed. Of the other three, two are reported: the failed tea in the same poll in
// which it failed, as its handle was gone, and the egg when its handle is dropped. The panic of the toast went to the breakfast,
// which handled it. The egg noticed nothing of that. The exit code is 1, because something had to be reported.
//
// # Try
//
// 1. Take out everything from `Unread` on and write `use candor::{run, spawn};` instead. Take out `mod wrong` and what `main` does
//    before `run` as well. The breakfast runs on candor as it is. What do its reports say that these do not?
// 2. Back here, call `std::mem::forget(egg)` instead of `drop(egg)`. Now it is silent: a destructor may never
//    run. What would the executor have to keep to find out at the end?
// 3. Keep the handle of the egg, and let the breakfast await `std::future::pending::<()>()`. When is the
//    failure reported, and when should it be?
// 4. Where did the toast panic? The payload does not know. The hook does: let it keep `info.location()` for
//    the report.
//
// # In candor
//
// `src/kernel/failure/when_to_report.rs` says where a failure goes, and when: there no report interrupts a poll, as that of
// the egg does here. `src/kernel/failure/in_grace.rs` is the answer to the second and third question, `src/kernel/failure/hook.rs`
// to the fourth.
//
// # Answers
//
// 1. The line where each task was spawned, and by whom. Each report ends with a help line: a text as an error does not know where
//    it was made. With `candor::Result<()>` and `Err("...")?` in the breakfast, that line and the backtrace are in the report.
// 2. A list of its own, in which each failure is until it is read. A handle that takes the failure takes it off the list. What is still
//    there at the end was never read.
// 3. At the end, when the table is dropped. That may be never, for a server. It should be reported after a while, even though
//    somebody may still read it: candor waits for one second, the *grace*.
// 4. The hook runs before the stack unwinds, on the same thread. So it can leave the place in a thread-local:
//
//    ```text
//    panic::set_hook(Box::new(|info| PLACE.set(info.location().map(ToString::to_string))));
//    ```
//
//    `spawn` takes it from there when it has caught the panic.
