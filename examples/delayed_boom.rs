//! A bug that strikes one second after the job was started, unobserved.
//!
//! ```sh
//! cargo run --example delayed_boom
//! ```
//!
//! The same job is started in four ways, and main goes on without waiting for any of them:
//!
//! ```text
//! seconds   0         1         2         3
//! main      start ··············  goes on ·· Ending.
//! plain     └──sleep──✗ error
//! thread     └──sleep──✗ error
//! process     └──sleep──✗ error
//! task         └──sleep──✗ error            and here most async runtimes are silent
//! ```
//!
//! The job has a bug in two variants: one panics, one returns an `Err` that comes through a `?`. So there
//! are eight errors to see, and all of them before `Ending.` The starts are a little apart, so that each
//! error is printed below its heading.
//!
//! The exit code is 1, because [`candor::run`] reports to the shell that tasks have failed.

use std::error::Error;
use std::process::{Command, ExitCode, Termination};
use std::time::Duration;
use std::{env, io, thread};

const SECOND: Duration = Duration::from_secs(1);
const APART: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    // The processes that are started below come here.
    if let Some(job) = env::args().nth(1) {
        if job.ends_with("panics") {
            print_price(&job);
        }
        // What `main` itself does with a `Result`.
        return print_quantity(&job).report();
    }
    candor::run(in_four_ways())
}

async fn in_four_ways() -> io::Result<()> {
    println!("Starting eight jobs. Each of them will hit a bug in one second.");

    // A plain call that fails ends its caller, here the whole program. So that the other ways go on, it runs
    // in a process of its own.
    run_myself("plain call that panics")?;
    candor::sleep(APART).await;
    run_myself("plain call that returns Err")?;
    candor::sleep(APART).await;

    thread::spawn(|| print_price("thread that panics"));
    candor::sleep(APART).await;
    // The Err that a thread returns is lost, so people unwrap it.
    thread::spawn(|| print_quantity("thread that returns Err").unwrap());
    candor::sleep(APART).await;

    run_myself("child process that panics")?;
    candor::sleep(APART).await;
    run_myself("child process that returns Err")?;
    candor::sleep(APART).await;

    // The handles that `spawn` returns are dropped at once: no one will ever await these tasks.
    drop(candor::spawn(print_price_later("task that panics")));
    candor::sleep(APART).await;
    drop(candor::spawn(print_quantity_later("task that returns Err")));

    candor::sleep(3 * SECOND - 7 * APART).await;
    println!("\nEnding.");
    Ok(())
}

/// The job with the first bug, for callers that may block.
fn print_price(job: &str) {
    thread::sleep(SECOND);
    print_heading(job);
    println!("{}", price_in("apples 3"));
}

/// The same as a task.
async fn print_price_later(job: &str) {
    candor::sleep(SECOND).await;
    print_heading(job);
    println!("{}", price_in("apples 3"));
}

/// The job with the second bug, for callers that may block.
fn print_quantity(job: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    thread::sleep(SECOND);
    print_heading(job);
    println!("{}", quantity_in("apples three")?);
    Ok(())
}

/// The same as a task. The error type is all that a script has to choose for a full report.
async fn print_quantity_later(job: &str) -> candor::Result {
    candor::sleep(SECOND).await;
    print_heading(job);
    println!("{}", quantity_in("apples three")?);
    Ok(())
}

/// The first bug: not every order has a price.
fn price_in(order: &str) -> &str {
    let fields: Vec<&str> = order.split(' ').collect();
    fields[2]
}

/// The second bug: not every quantity is a number. The caller adds the `?`.
fn quantity_in(order: &str) -> Result<u32, std::num::ParseIntError> {
    let quantity = order.trim_start_matches(char::is_alphabetic).trim();
    quantity.parse()
}

/// Names the job that is about to fail, on stderr, where its failure will be printed.
fn print_heading(job: &str) {
    eprintln!("\n──── {job} ────");
}

/// Starts this program again, as `job`, and forgets it.
fn run_myself(job: &str) -> io::Result<()> {
    Command::new(env::current_exe()?).arg(job).spawn()?;
    Ok(())
}
