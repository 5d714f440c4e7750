//! A program that ends before its work is done.
//!
//! ```sh
//! cargo run --example broken_lost_work
//! ```
//!
//! Predict before you run it: is the letter sent?

use std::time::Duration;

use candor::TaskBuilder;

fn main() {
    candor::block_on(async {
        let send = TaskBuilder::new().name("send").spawn(async {
            candor::sleep(Duration::from_millis(10)).await;
            println!("The letter is sent.");
        });
        send.detach();
        println!("Goodbye.");
    });
}

// # It says
//
// ```text
// block_on at examples/broken/lost_work.rs:14:5 is done, so what is unfinished is cancelled now (1 in all):
//    task #1 `send`, spawned at examples/broken/lost_work.rs:15:52, never polled
//    help: to wait for such tasks, enter by candor::run, or call drain() on an Executor; if they may be lost, spawn them with TaskBuilder::daemon()
// ```
//
// `block_on` returns when its future is done. Detaching a task does not make it outlive the executor.
//
// # Mend it
//
// Await the handle; or enter by `candor::run`, which waits for all tasks.
