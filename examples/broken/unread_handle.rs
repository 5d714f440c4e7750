//! A handle that is kept, and never read.
//!
//! ```sh
//! cargo run --example broken_unread_handle
//! ```
//!
//! The task fails, and the program means to look at its handle later, but does not get that far. Predict before you
//! run it: is the failure reported, and when?

use std::process::ExitCode;
use std::time::Duration;

use candor::TaskBuilder;

fn main() -> ExitCode {
    candor::run(async {
        let parse = TaskBuilder::new().name("parse").spawn(async {
            let answer: i32 = "forty-two".parse()?;
            candor::Ok(answer)
        });
        candor::sleep(Duration::from_millis(1500)).await;
        eprintln!("Is anything wrong?");
        drop(parse);
    })
}

// # It says
//
// ```text
// task #1 `parse` failed (not awaited yet): invalid digit found in string
//    at examples/broken/unread_handle.rs:18:31
//         let answer: i32 = "forty-two".parse()?;
//    spawned at examples/broken/unread_handle.rs:17:54 by run at examples/broken/unread_handle.rs:16:5
//    backtrace (… runtime frames hidden):
//       0: broken_unread_handle::main::{{closure}}::{{closure}}
//              at examples/broken/unread_handle.rs:18:31
//              let answer: i32 = "forty-two".parse()?;
// Is anything wrong?
// ```
//
// A failure whose handle is held may still be read, so candor waits for one second, the grace, and then reports it all
// the same. It is reported once, so dropping the handle reports nothing more. The exit code is 1.
//
// # Mend it
//
// Await each handle, `detach` those that will not be awaited, or let a `TaskGroup` hold them.
