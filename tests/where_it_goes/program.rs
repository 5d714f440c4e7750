//! A program for the tests that need a build of its own: it fails as its argument says.

use std::process::ExitCode;

use candor::TaskBuilder;

async fn dies() {
    panic!("boom");
}

/// Three failures that wait at the end of their executor, whose callback panics at the first.
fn reports_at_the_end() {
    let executor = candor::Executor::builder()
        .on_failure(|_| panic!("the callback"))
        .build();
    let fails = |name| {
        let task = TaskBuilder::new().name(name);
        task.spawn_on(&executor, async { Err::<(), _>("lost?") })
    };
    let held = ["a", "b", "c"].map(fails);
    executor.block_on(candor::yield_now());
    drop(executor);
    drop(held);
}

/// A panic of plain code, where an executor that does not run has a failure that nobody has read.
fn panics_after_an_executor_was_left() {
    let executor = candor::Executor::new();
    let fails = TaskBuilder::new().name("kept");
    let _held = fails.spawn_on(&executor, async { Err::<(), _>("lost?") });
    executor.block_on(candor::yield_now());
    panic!("plain code");
}

fn main() -> ExitCode {
    let scenario = std::env::args().nth(1);
    match scenario.as_deref() {
        Some("end") => reports_at_the_end(),
        Some("left") => panics_after_an_executor_was_left(),
        _ => {}
    }
    candor::run(async move {
        match scenario.as_deref() {
            Some("panic") => {
                let unread = TaskBuilder::new().spawn(async { Err::<(), _>("broken") });
                candor::yield_now().await;
                TaskBuilder::new().name("dies").spawn(dies()).detach();
                candor::yield_now().await;
                drop(unread);
            }
            Some("error") => {
                candor::spawn(async { Err::<(), _>("broken") }).detach();
            }
            Some("exit") => candor::exit(42),
            _ => {}
        }
    })
}
