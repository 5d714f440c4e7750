//! A lock of std that is held over an `.await`.
//!
//! ```sh
//! cargo run --example broken_lock_over_an_await
//! ```
//!
//! Each task adds to the balance, and the bank takes 10 ms for its answer. Predict before you run it: one thread, and a lock that
//! everybody frees. What can go wrong? Ctrl-C ends it.

#![expect(clippy::await_holding_lock, reason = "that is the bug")]

use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use candor::TaskBuilder;

fn main() -> ExitCode {
    candor::run(async {
        let balance = Rc::new(Mutex::new(100));
        for name in ["salary", "rent"] {
            let balance = Rc::clone(&balance);
            let booking = TaskBuilder::new().name(name).spawn(async move {
                let mut balance = balance.lock().unwrap();
                candor::sleep(Duration::from_millis(10)).await;
                *balance += 1;
            });
            booking.detach();
        }
    })
}

// # It says
//
// ```text
// task #2 `rent`, spawned at examples/broken/lock_over_an_await.rs:24:57, has held the thread for 2s in a poll that has not ended, and all others stand still
//    it has not waited in a future of candor's yet
//    likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the `block_on` of another runtime
//    help: look at what the task does after its last `.await`; what blocks belongs in a thread, and a long computation needs a `yield_now().await` now and then
// ```
//
// `salary` sleeps with the lock in its hand. `rent` asks for the lock, which blocks the thread. So the timer of `salary` is never looked
// at, and the lock is never freed. The message names the task, and it has not come to its first `.await`: it is in line 25.
//
// # Mend it
//
// Drop the guard before the `.await`, in a block of its own. If the lock has to be kept meanwhile, take one that is awaited, such
// as that of async-lock or tokio. Clippy finds this one: `await_holding_lock`.
