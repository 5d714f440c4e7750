//! Two tasks take two locks, each in an order of its own.
//!
//! ```sh
//! cargo run --example broken_deadlock
//! ```
//!
//! Nothing runs at the same time here, so predict before you run it: can two tasks of one thread wait for each other
//! for ever? Ctrl-C ends it.

use std::rc::Rc;

use candor::{Executor, TaskBuilder};
use tokio::sync::Mutex;

fn main() {
    // The warning comes after 5 s.
    let executor = Executor::builder().detect_stalls(true).build();
    let fork = Rc::new(Mutex::new("fork"));
    let knife = Rc::new(Mutex::new("knife"));
    let (fork_too, knife_too) = (Rc::clone(&fork), Rc::clone(&knife));
    let plato = TaskBuilder::new().name("Plato");
    let plato = plato.spawn_on(&executor, async move { eat(&fork, &knife).await });
    let kant = TaskBuilder::new().name("Kant");
    let kant = kant.spawn_on(&executor, async move { eat(&knife_too, &fork_too).await });
    executor.block_on(async {
        plato.await.unwrap();
        kant.await.unwrap();
    });
}

async fn eat(left: &Mutex<&str>, right: &Mutex<&str>) {
    let left = left.lock().await;
    candor::yield_now().await;
    let right = right.lock().await;
    println!("eats with {left} and {right}");
}

// # It says
//
// ```text
// Executor::block_on at examples/broken/deadlock.rs:25:14 has stood still for 5s: everything waits to be woken, no timer is set, and all that is waited for is a task, or a lock, of this program:
//    the main future: waiting, last await: JoinHandle at examples/broken/deadlock.rs:26:15, entered at examples/broken/deadlock.rs:25:14
//       .await at examples/broken/deadlock.rs:26:15 in broken_deadlock::main
//            plato.await.unwrap();
//    task #1 `Plato`: waiting, 2 polls, last known await: yield_now at examples/broken/deadlock.rs:33:25, spawned at examples/broken/deadlock.rs:22:23
//       waits in tokio::sync::mutex::Mutex<T>::lock
//       .await at examples/broken/deadlock.rs:34:30 in broken_deadlock::eat
//            let right = right.lock().await;
//       .await at examples/broken/deadlock.rs:22:75 in broken_deadlock::main
//            let plato = plato.spawn_on(&executor, async move { eat(&fork, &knife).await });
//    task #2 `Kant`: waiting, 2 polls, last known await: yield_now at examples/broken/deadlock.rs:33:25, spawned at examples/broken/deadlock.rs:24:21
//       waits in tokio::sync::mutex::Mutex<T>::lock
//       .await at examples/broken/deadlock.rs:34:30 in broken_deadlock::eat
//            let right = right.lock().await;
//       .await at examples/broken/deadlock.rs:24:81 in broken_deadlock::main
//            let kant = kant.spawn_on(&executor, async move { eat(&knife_too, &fork_too).await });
//    likely cause: tasks that wait for one another (a deadlock)
//    help: ask of each `.await` what ends it, and what that waits for. A lock that is held over an `.await` must not be wanted by what that waits for; if another thread holds the lock, this is no deadlock, and Builder::detect_stalls(false) keeps this quiet
// ```
//
// Each lock keeps the waker of the task that waits for it, so candor cannot know that it will never be called. But both wait
// for a lock in line 37, and nothing outside of the program can free one.
//
// # Mend it
//
// All tasks take the locks in the same order. Or ask whether the lock is needed: what is not held across an `.await`
// needs none, since no other task runs in between.
