//! A test that hangs fails.

#![allow(dead_code, reason = "each step uses a part of it")]

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs a test on a thread of its own, and fails if it does not end. Only real time can tell.
pub fn in_time(test: fn()) {
    let (running, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // Dropped when the test is over, also by a panic.
        let _running = running;
        test();
    });
    let waited = ended.recv_timeout(Duration::from_secs(10));
    assert!(
        waited != Err(mpsc::RecvTimeoutError::Timeout),
        "it does not end: a wake was lost, or a loop has no end"
    );
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}
