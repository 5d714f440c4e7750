//! A task that sleeps as a thread does.
//!
//! ```sh
//! cargo run --example broken_blocks_the_thread
//! ```
//!
//! One task beats ten times, every 10 ms; another one waits for 200 ms. Predict before you run it: how many beats come
//! before `awake`, and how many after it?

use std::thread;
use std::time::Duration;

use candor::{Executor, TaskBuilder};

fn main() {
    let executor = Executor::builder()
        .slow_poll(Duration::from_millis(50))
        .build();
    let heart = TaskBuilder::new().name("heart");
    let heart = heart.spawn_on(&executor, async {
        for beat in 1..=10 {
            candor::sleep(Duration::from_millis(10)).await;
            println!("beat {beat}");
        }
    });
    heart.detach();
    let sleeper = TaskBuilder::new().name("sleeper");
    let sleeper = sleeper.spawn_on(&executor, async {
        thread::sleep(Duration::from_millis(200));
        println!("awake");
    });
    sleeper.detach();
    executor.drain();
}

// # It says
//
// ```text
// task #2 `sleeper`, spawned at examples/broken/blocks_the_thread.rs:28:27, held the thread for …ms in one poll (the limit is 50ms), and all others stood still. If it computes, let it `yield_now().await` now and then; if it waits for something that blocks, let a thread do that
// ```
//
// There is one thread, and a task holds it for as long as its poll lasts. `thread::sleep` knows nothing of tasks.
//
// # Mend it
//
// `candor::sleep(…).await` instead. What cannot be awaited, such as a library that blocks, belongs on a thread of its
// own, which sends what it has found through a channel.
