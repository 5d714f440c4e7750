//! A program for the tests that need a build of its own: it fails as its argument says.

use std::process::ExitCode;

use candor::TaskBuilder;

async fn dies() {
    panic!("boom");
}

fn main() -> ExitCode {
    let scenario = std::env::args().nth(1);
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
