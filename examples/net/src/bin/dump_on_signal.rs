//! Asks a program that runs where it stands, from outside: `kill -USR1` makes it print a dump.
//!
//! ```sh
//! cargo run --manifest-path examples/net/Cargo.toml --bin dump_on_signal
//! kill -USR1 …   # in another terminal, with the number that the first line of the output names
//! ```
//!
//! The two philosophers hold a fork each and wait for the other's. The dump names the line of each wait, and the lock.
//!
//! What a program of yours needs is `dump_on_signal` below, and its first line in `main`. The task is a daemon: nobody waits for its
//! end. It costs nothing until the signal comes. Ctrl-C ends the program.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use async_lock::Mutex;
use async_signal::{Signal, Signals};
use candor::TaskBuilder;
use futures_lite::StreamExt;

fn main() -> ExitCode {
    candor::run(async {
        let signals = Signals::new([Signal::Usr1])?;
        let dumps = TaskBuilder::new().name("dump on signal").daemon();
        dumps.spawn(dump_on_signal(signals)).detach();

        let left = Rc::new(Mutex::new("the left fork"));
        let right = Rc::new(Mutex::new("the right fork"));
        for (name, first, second) in [("Plato", &left, &right), ("Kant", &right, &left)] {
            let (first, second) = (Rc::clone(first), Rc::clone(second));
            let eats = async move { eat(&first, &second).await };
            TaskBuilder::new().name(name).spawn(eats).detach();
        }
        // By then both stand still.
        candor::sleep(Duration::from_millis(10)).await;
        println!("kill -USR1 {}", std::process::id());
        candor::Ok(())
    })
}

async fn dump_on_signal(mut signals: Signals) -> candor::Result {
    while let Some(signal) = signals.next().await {
        signal?;
        eprintln!("{}", candor::dump().await);
    }
    candor::Ok(())
}

async fn eat(first: &Mutex<&str>, second: &Mutex<&str>) {
    let first = first.lock().await;
    candor::yield_now().await;
    let second = second.lock().await;
    println!("eats with {first} and {second}");
}
