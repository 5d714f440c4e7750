//! A `RefCell` that is borrowed over an `.await`.
//!
//! ```sh
//! cargo run --example broken_borrow_over_an_await
//! ```
//!
//! Two tasks write into one list, a line each 10 ms. Predict before you run it: all on one thread, and never two at the same
//! time. What can go wrong?

#![expect(clippy::await_holding_refcell_ref, reason = "that is the bug")]

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use candor::TaskBuilder;

fn main() -> ExitCode {
    candor::run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        for name in ["sun", "moon"] {
            let log = Rc::clone(&log);
            let writer = TaskBuilder::new().name(name).spawn(async move {
                let mut lines = log.borrow_mut();
                candor::sleep(Duration::from_millis(10)).await;
                lines.push(name);
            });
            writer.detach();
        }
    })
}

// # It says
//
// ```text
// task #2 `moon` panicked: RefCell already borrowed
//    at examples/broken/borrow_over_an_await.rs:25:37
//         let mut lines = log.borrow_mut();
//    spawned at examples/broken/borrow_over_an_await.rs:24:56 by run at examples/broken/borrow_over_an_await.rs:20:5
//    backtrace (… runtime frames hidden):
//       0: broken_borrow_over_an_await::main::{{closure}}::{{closure}}
//              at examples/broken/borrow_over_an_await.rs:25:37
//              let mut lines = log.borrow_mut();
// ```
//
// `sun` has borrowed the list in line 25, and keeps it borrowed while it sleeps in line 26. `moon` runs meanwhile, and wants it too.
// One of them runs at a time, but a borrow lasts from one poll to the next. The exit code is 1.
//
// # Mend it
//
// Borrow after the `.await`, in one line: `log.borrow_mut().push(name)`. A borrow that ends before the next `.await` meets no
// other. Clippy finds this one: `await_holding_refcell_ref`.
