//! A group that goes out of scope with its work.
//!
//! ```sh
//! cargo run --example broken_forgotten_group
//! ```
//!
//! The function starts two downloads in a group, and returns. Predict before you run it: are the files there in the end?

use std::time::Duration;

use candor::{TaskBuilder, TaskGroup};

fn main() {
    candor::block_on(async {
        download().await;
        candor::sleep(Duration::from_millis(50)).await;
        println!("Goodbye.");
    });
}

async fn download() {
    let group = TaskGroup::new();
    for file in ["left", "right"] {
        let task = TaskBuilder::new().name(file).spawn_in(&group, async move {
            candor::sleep(Duration::from_millis(10)).await;
            println!("{file} is there.");
        });
        drop(task);
    }
    candor::yield_now().await;
}

// # It says
//
// ```text
// a group of tasks was dropped that was neither joined nor cancelled, so what is unfinished is cancelled now (2 in all):
//    task #1 `left`, spawned at examples/broken/forgotten_group.rs:24:50
//    task #2 `right`, spawned at examples/broken/forgotten_group.rs:24:50
//    help: to wait for such tasks, await the group's join(); if they may be lost, call its cancel() before
// ```
//
// No task outlives its group, and the group is dropped at the end of `download`, in line 31. The program would have had time enough for
// both, but there is nothing left to wait for.
//
// # Mend it
//
// `group.join().await` at the end of `download`: it waits for all tasks, and returns their failures.
