//! A task that calls the `block_on` of another runtime.
//!
//! ```sh
//! cargo run --example broken_foreign_block_on
//! ```
//!
//! The reader waits for a letter in a function that is not async, so it cannot `.await`. Predict before you run it: is the letter
//! ever written? Ctrl-C ends it.

use std::process::ExitCode;

use candor::TaskBuilder;
use futures::executor;

fn main() -> ExitCode {
    candor::run(async {
        let (sender, receiver) = async_channel::bounded(1);
        let reader = TaskBuilder::new().name("reader").spawn(async move {
            candor::yield_now().await;
            println!("{}", read(&receiver));
        });
        let writer = TaskBuilder::new().name("writer").spawn(async move {
            candor::yield_now().await;
            sender.send("Dear reader").await
        });
        reader.await?;
        writer.await?;
        candor::Ok(())
    })
}

fn read(letters: &async_channel::Receiver<&'static str>) -> &'static str {
    executor::block_on(letters.recv()).unwrap()
}

// # It says
//
// ```text
// task #1 `reader`, spawned at examples/broken/foreign_block_on.rs:18:56, has held the thread for 2s in a poll that has not ended, and all others stand still
//    last known await: yield_now at examples/broken/foreign_block_on.rs:19:33
//    likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the `block_on` of another runtime
//    help: look at what the task does after its last `.await`; what blocks belongs in a thread, and a long computation needs a `yield_now().await` now and then
// ```
//
// `block_on` parks the thread until a letter comes. The writer would send it, but it is a task of the same thread.
//
// # Mend it
//
// Make `read` an `async fn`, and await the letter. Where a function cannot be async, what it waits for has to come from another
// thread.
