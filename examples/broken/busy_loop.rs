//! A task that waits by asking again and again.
//!
//! ```sh
//! cargo run --example broken_busy_loop
//! ```
//!
//! The program works, and ends when it should. Predict before you run it: how often is each task polled in these
//! 100 ms?

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use candor::TaskBuilder;

fn main() {
    candor::block_on(async {
        let is_done = Rc::new(Cell::new(false));
        let seen = Rc::clone(&is_done);
        let waiter = TaskBuilder::new().name("waiter").spawn(async move {
            while !seen.get() {
                candor::yield_now().await;
            }
        });
        let worker = TaskBuilder::new().name("worker").spawn(async move {
            candor::sleep(Duration::from_millis(200)).await;
            is_done.set(true);
        });
        candor::sleep(Duration::from_millis(100)).await;
        eprintln!("{}", candor::tasks());
        worker.await.unwrap();
        waiter.await.unwrap();
    });
}

// # It says
//
// ```text
// 2 tasks alive
//   task #1 `waiter`: ready, … polls, last await: yield_now at examples/broken/busy_loop.rs:22:37, spawned at examples/broken/busy_loop.rs:20:56
//   task #2 `worker`: waiting, 1 poll, last await: sleep at examples/broken/busy_loop.rs:26:55, spawned at examples/broken/busy_loop.rs:25:56
// ```
//
// The executor never sleeps: the waiter is always ready. `tasks()` shows it by the number of its polls, and where.
//
// # Mend it
//
// Await the event itself: the handle of the worker, or a channel. The processor rests meanwhile.
