//! Lesson 4: a hand-made waker.
//!
//! ```sh
//! cargo run --example lesson_04_a_hand_made_waker
//! ```
//!
//! What is a waker? One word of data, and a table of four functions that know what the word means. Nothing
//! else: std's `Wake`, which lesson 3 used, fills in such a table for you.
//!
//! ```text
//! Waker                    VTABLE
//! ┌───────┬───────┐        ┌────────────────────────────────────────────────────────┐
//! │ data  │ table ├───────►│ clone(data)  wake(data)  wake_by_ref(data)  drop(data) │
//! └───┬───┴───────┘        └────────────────────────────────────────────────────────┘
//!     ▼
//! ┌───────┬────────┐
//! │ count │ Thread │       here the word is the address of a counted handle of the thread to unpark
//! └───────┴────────┘
//! ```
//!
//! A waker goes to other threads, and may be kept for any time. If its word is an address, the copies of the
//! waker have to be counted: that is the work of `clone` and `drop`.
//!
//! # What changed
//!
//! Only `waker_of`: the table is written by hand, and its functions say when they are called.
//!
//! # Predict before you run it
//!
//! Which of the four functions are called, in what order, and by which of the two threads?

use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
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
    let data = Arc::into_raw(Arc::new(thread));
    // SAFETY: `Thread` is `Send + Sync`, and the functions of the table keep the count of the `Arc` right:
    // each waker owns one share of it, from `waker_of` or `clone` to `wake` or `drop`.
    unsafe { Waker::new(data.cast(), &VTABLE) }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);

unsafe fn clone(data: *const ()) -> RawWaker {
    println!("        waker: clone");
    // SAFETY: The waker that is cloned owns a share, so the count is above zero.
    unsafe { Arc::increment_strong_count(data.cast::<Thread>()) };
    RawWaker::new(data, &VTABLE)
}

/// Takes the waker with it, so it gives up a share, as `drop` does.
unsafe fn wake(data: *const ()) {
    println!("        waker: wake");
    // SAFETY: The share of the waker that is used up comes back as an `Arc`.
    unsafe { Arc::from_raw(data.cast::<Thread>()) }.unpark();
}

unsafe fn wake_by_ref(data: *const ()) {
    println!("        waker: wake_by_ref");
    // SAFETY: The waker that is borrowed owns a share, so the `Thread` is still there.
    unsafe { &*data.cast::<Thread>() }.unpark();
}

unsafe fn drop(data: *const ()) {
    println!("        waker: drop");
    // SAFETY: The share of the waker that is dropped comes back as an `Arc`.
    unsafe { Arc::decrement_strong_count(data.cast::<Thread>()) };
}

// # It prints
//
// ```text
// poll 1
//     tea: the kettle is on
//     kettle: not yet, I keep the waker
//         waker: clone
//     heater thread: it boils, wake
//         waker: wake
// poll 2
//     tea: done
//         waker: drop
// main has tea
// ```
//
// Two wakers were made and two are gone: the kettle's clone was used up by `wake`, on the heater's thread,
// and `block_on` dropped the first one when it returned.
//
// # Try
//
// 1. Call `waker.wake_by_ref()` in `heat`. What else is called now, and by whom?
// 2. Call `thread::current().unpark()` before `block_on`, so that the kettle is polled once more.
//    `clone_from` does not clone again: how can it know that it need not?
// 3. Take out the line in `drop` that gives the share back. Nothing looks different. What has gone wrong?
// 4. Without running it: what would go wrong if `clone` did not take a share?
//
// # In candor
//
// `src/kernel/tasks/waker.rs` has such a table as well, but two of its functions are almost empty. Lesson 6 says why.
//
// # Answers
//
// 1. `wake_by_ref`, and then `drop`, both by the thread of the heater: a borrowed waker is still there after the wake. It
//    is one call more than `wake`, which does both.
// 2. It asks `will_wake`: have both wakers the same word and the same table? Then they wake the same thread, and the one that is
//    there already will do.
// 3. The counted handle of the thread is never freed: the count does not come to zero. This is a *leak*. It is not
//    dangerous, but a program that makes a million wakers loses the memory of a million handles.
// 4. Two wakers would own one share. The first one that goes frees the handle. The second one then uses memory that was
//    freed, which is undefined behaviour: it may crash, or do anything else.
