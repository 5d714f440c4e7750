//! Runs one planted bug on one runtime.
//!
//! ```sh
//! cargo run --manifest-path examples/planted/Cargo.toml -- tokio panic_unawaited
//! cargo run --manifest-path examples/planted/Cargo.toml -- candor deadlock_of_locks
//! python3 examples/planted/src/on_asyncio.py panic_unawaited
//! ```
//!
//! The same bug has the same name in each of the five files `on_…`, and the comment `// here` stands on the line that a
//! reader of the output wants to know. `tests/planted.rs` runs them all, and compares what they say with the table in
//! candor's `src/guide/comparison.rs`.
//!
//! A program that stands still is ended after ten seconds, with exit code 124, or after as many seconds as a third
//! argument says.

mod on_candor;
mod on_smol;
mod on_tokio;
mod parts;

use std::env;
use std::process;
use std::thread;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (runtime, bug, seconds) = match &arguments[..] {
        [runtime, bug] => (runtime, bug, 10),
        [runtime, bug, seconds] => (runtime, bug, seconds.parse().expect("a number of seconds")),
        _ => panic!("usage: planted candor|tokio|smol BUG [SECONDS]"),
    };
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(seconds));
        process::exit(124);
    });
    match runtime.as_str() {
        "candor" => on_candor::run(bug),
        "tokio" => on_tokio::run(bug),
        "smol" => on_smol::run(bug),
        other => panic!("there is no runtime {other}"),
    }
}
