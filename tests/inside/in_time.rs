//! For tests that hang where candor is wrong: they fail, and the other tests go on.

use std::env;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a test may take. None takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Or so many seconds. Where bugs are planted, many tests hang.
const PATIENCE_OF: &str = "CANDOR_TEST_PATIENCE";

pub fn patience() -> Duration {
    let wished = env::var(PATIENCE_OF)
        .ok()
        .and_then(|seconds| seconds.parse().ok());
    wished.map_or(PATIENCE, Duration::from_secs)
}

/// Runs `body` in a thread of its own. If it hangs, it stays behind there, and the test that calls this fails.
#[track_caller]
pub fn in_time<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (ends, end) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("of a thread").to_owned();
    let thread = thread::Builder::new().name(name).spawn(move || {
        let _ends = ends;
        body()
    });
    if end.recv_timeout(patience()) == Err(RecvTimeoutError::Timeout) {
        panic!("it hangs");
    }
    let ended = thread.expect("a thread can be started").join();
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}
