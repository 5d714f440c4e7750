//! Lesson 3: park instead of spinning.
//!
//! ```sh
//! cargo run --example lesson_03_park_instead_of_spinning
//! ```
//!
//! To ask again and again wastes a processor. So a future that answers `Pending` makes a promise: it has kept
//! the *waker* that it was polled with, and calls it when asking is worthwhile. In return the executor
//! sleeps. A thread that sleeps until another one wakes it is *parked*.
//!
//! ```text
//! this thread    poll: Pending, keeps the waker     park ············ poll: Ready
//!                        │                               ▲
//! heater thread          └───── heats the water ──── wake: unpark
//! ```
//!
//! # What changed
//!
//! `block_on` parks after each `Pending`, and its waker unparks it. The kettle waits for something that
//! really happens elsewhere; the countdown of lesson 1 only waited for polls.
//!
//! # Predict before you run it
//!
//! 1. The water takes five milliseconds. How many polls are that now?
//! 2. Suppose that it boils sooner: after `poll` has said `Pending`, but before `block_on` has parked. There
//!    is no second unpark. Does it sleep forever?

use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

fn main() {
    println!("main has {}", block_on(make_tea()));
}

async fn make_tea() -> &'static str {
    println!("    tea: the kettle is on");
    Kettle::default().await;
    println!("    tea: done");
    "tea"
}

/// A future that is ready when another thread has heated the water.
#[derive(Default)]
struct Kettle(Arc<Mutex<Water>>);

#[derive(Default)]
enum Water {
    #[default]
    Cold,
    /// With the waker of the last poll.
    Warm(Waker),
    Boiling,
}

impl Future for Kettle {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut water = self.0.lock().unwrap();
        match &mut *water {
            Water::Boiling => return Poll::Ready(()),
            // The next poll may come from another task: wake the one that polled last.
            Water::Warm(waker) => waker.clone_from(cx.waker()),
            Water::Cold => {
                println!("    kettle: not yet, I keep the waker");
                *water = Water::Warm(cx.waker().clone());
                let water = Arc::clone(&self.0);
                thread::spawn(move || heat(&water));
            }
        }
        Poll::Pending
    }
}

fn heat(water: &Mutex<Water>) {
    thread::sleep(Duration::from_millis(5));
    println!("    heater thread: it boils, wake");
    let before = mem::replace(&mut *water.lock().unwrap(), Water::Boiling);
    if let Water::Warm(waker) = before {
        waker.wake();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = waker_of(thread::current());
    let mut cx = Context::from_waker(&waker);
    let mut polls = 0;
    loop {
        polls += 1;
        println!("poll {polls}");
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}

fn waker_of(thread: Thread) -> Waker {
    Waker::from(Arc::new(Unparker(thread)))
}

/// What a wake does: it lets the thread that polls go on.
struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

// # It prints
//
// ```text
// poll 1
//     tea: the kettle is on
//     kettle: not yet, I keep the waker
//     heater thread: it boils, wake
// poll 2
//     tea: done
// main has tea
// ```
//
// Two polls: one that finds the water cold, and one that was asked for. And no wake is lost: `unpark` leaves
// a token, and a `park` that finds one takes it and returns at once.
//
// # Try
//
// 1. Take out `thread::park()`, and the line that prints each poll; print their number at the end. How many
//    polls fit into five milliseconds?
// 2. Take out `waker.wake()`. This is the most frequent bug of a hand-written future. What does it look like
//    from outside? (Ctrl-C ends it.)
// 3. Call `thread::current().unpark()` before `block_on`. There is one poll more, a *spurious* one. Why does
//    it do no harm, and what must every future be prepared for?
//
// # In candor
//
// `src/kernel/tasks/inbox.rs` parks and unparks, for `src/kernel/tasks/run_loop.rs`. It has a parker of its own: a task may call `thread::park`
// too, and would take the token that was meant for the executor.
//
// # Answers
//
// 1. Some hundred thousand. Each of them but the last one is for nothing.
// 2. Like a program that waits for something: no output, no load, no error. Nothing says that a wake is missing. candor
//    does, in a debug build: `cargo run --example broken_forgot_to_wake`.
// 3. The first `park` finds the token and returns at once. The second poll finds the water cold, keeps the waker, and
//    says `Pending` again. A poll is a question and no promise. So each future has to look whether what it waits for has
//    happened, and must not take a poll for the answer.
