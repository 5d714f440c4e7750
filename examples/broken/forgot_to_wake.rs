//! A future that returns `Pending`, and never wakes its task.
//!
//! ```sh
//! cargo run --example broken_forgot_to_wake
//! ```
//!
//! The door opens after 10 ms, on another thread. Predict before you run it: will the guest ever come in, and what
//! does the program do meanwhile?

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

fn main() {
    candor::block_on(async {
        let is_open = Arc::new(AtomicBool::new(false));
        let door = Arc::clone(&is_open);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            door.store(true, Ordering::Release);
        });
        let guest = candor::TaskBuilder::new().name("guest").spawn(async move {
            opened(&is_open).await;
            println!("Good evening.");
        });
        guest.await.unwrap();
    });
}

async fn opened(door: &AtomicBool) {
    poll_fn(|_cx| match door.load(Ordering::Acquire) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await
}

// # It says
//
// ```text
// thread 'main' (…) panicked at examples/broken/forgot_to_wake.rs:18:5:
// block_on at examples/broken/forgot_to_wake.rs:18:5 can never return: what is left waits to be woken, and nobody can wake it. No timer is set, and no waker is kept anywhere:
//    the main future: waiting, last await: JoinHandle at examples/broken/forgot_to_wake.rs:29:15, entered at examples/broken/forgot_to_wake.rs:18:5
//       .await at examples/broken/forgot_to_wake.rs:29:15 in broken_forgot_to_wake::main
//            guest.await.unwrap();
//    task #1 `guest`: waiting, 1 poll, spawned at examples/broken/forgot_to_wake.rs:25:62
//    task #1 `guest` was ready, though nothing had woken it: a wake was lost. The poll of this dump has let it go on
//    likely cause: a future returned Poll::Pending without having kept a clone of `cx.waker()`, or dropped it without calling it
//    help: look at the last await of each, if one is named, and at what stands behind it in the same task; what returns Pending there has to see to a later wake
// ```
//
// The main future waits for the guest, so the guest is stuck, in the task that was spawned in line 25: in `opened`,
// which does not even use its `_cx`. The report polls each task once more, and the guest goes on ("Good evening."): the door
// was open, and only the wake was missing. A release build does not look for stalls, and sleeps for ever.
//
// # Mend it
//
// Let the door be a `Mutex<(bool, Option<Waker>)>`: `opened` leaves a clone of `cx.waker()` there before it says
// `Pending`, and the thread that opens the door takes it and calls it.
