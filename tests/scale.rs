//! Programs of a size that nobody writes by hand: what takes little time and memory here stays usable when somebody does.
//!
//! The heavy ones are ignored: they take gigabytes, and seconds in a release build.
//!
//! ```sh
//! cargo test --release --test scale -- --ignored --test-threads=1 --nocapture
//! ```

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use candor::{Executor, JoinHandle, block_on, sleep, spawn, yield_now};

mod common;

/// A task that awaits a task that awaits a task, and so on. The innermost one waits for nobody, or for ever.
fn chain(length: usize, innermost: impl Future<Output = usize> + 'static) -> JoinHandle<usize> {
    let mut handle = spawn(innermost);
    for _ in 1..length {
        handle = spawn(async move { handle.await.unwrap() + 1 });
    }
    handle
}

#[test]
fn a_chain_of_a_hundred_thousand_awaiters_is_done() {
    let length = block_on(async { chain(100_000, async { 1 }).await.unwrap() });
    assert_eq!(length, 100_000);
}

#[test]
fn a_chain_of_a_hundred_thousand_awaiters_is_cancelled_without_recursion() {
    let executor = Executor::new();
    executor.block_on(async {
        let last = chain(100_000, pending());
        yield_now().await;
        last.abort();
        assert!(last.await.unwrap_err().is_cancelled());
    });
    drop(executor);
}

#[test]
fn a_chain_of_a_hundred_thousand_awaiters_ends_with_its_executor_before_the_first_poll() {
    let executor = Executor::new();
    let last = executor.block_on(async { Some(chain(100_000, pending())) });
    drop(executor);
    assert!(last.is_some_and(|last| last.is_finished()));
}

#[test]
fn a_panic_below_ten_thousand_frames_is_reported_with_its_place() {
    #[inline(never)]
    fn below(depth: usize) -> usize {
        if depth == 0 {
            panic!("so deep");
        }
        std::hint::black_box(below(depth - 1)) + 1
    }

    // Some hundred bytes a frame in a debug build.
    let deep = thread::Builder::new().stack_size(64 << 20).spawn(|| {
        let seen = Rc::new(Cell::new(0));
        let count = Rc::clone(&seen);
        let executor = Executor::builder()
            .on_failure(move |failure| {
                let report = failure.report();
                assert!(report.contains("panicked: so deep"), "{report:.500}");
                assert!(report.contains("scale.rs"), "{report:.500}");
                count.set(count.get() + 1);
            })
            .build();
        executor.spawn(async { below(10_000) }).detach();
        executor.drain();
        assert_eq!(seen.get(), 1);
    });
    deep.unwrap().join().unwrap();
}

/// The resident memory of this process in KiB; `None` where there is no `/proc`.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let (_, rest) = status.split_once("VmRSS:")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Prints how long it took, and how much memory at most.
fn note(what: &str, start: Instant) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{what}: {:?}, {}",
        start.elapsed(),
        peak.unwrap_or("no /proc here")
    );
}

#[test]
#[ignore = "takes 1.5 GB"]
fn ten_million_tasks_are_alive() {
    let start = Instant::now();
    let executor = Executor::new();
    let done = Rc::new(Cell::new(0_u32));
    for _ in 0..10_000_000 {
        let done = Rc::clone(&done);
        executor
            .spawn(async move {
                yield_now().await;
                done.set(done.get() + 1);
            })
            .detach();
    }
    executor.drain();
    assert_eq!(done.get(), 10_000_000);
    note("ten million tasks", start);
}

#[test]
#[ignore = "takes 2.4 GB"]
fn ten_million_timers_fire() {
    let start = Instant::now();
    let executor = Executor::builder().virtual_time().build();
    let fired = Rc::new(Cell::new(0_u32));
    for number in 0..10_000_000_u64 {
        let fired = Rc::clone(&fired);
        executor
            .spawn(async move {
                sleep(Duration::from_micros(number * 7 % 1_000_003)).await;
                fired.set(fired.get() + 1);
            })
            .detach();
    }
    executor.drain();
    assert_eq!(fired.get(), 10_000_000);
    note("ten million timers", start);
}

#[test]
#[ignore = "takes some seconds"]
fn a_million_failures_in_a_row_take_no_memory() {
    let (start, before) = (Instant::now(), resident());
    let reported = Rc::new(Cell::new(0_u32));
    let count = Rc::clone(&reported);
    let executor = Executor::builder()
        .on_failure(move |_| count.set(count.get() + 1))
        .build();
    executor.block_on(async {
        for number in 0..1_000_000 {
            spawn(async move { Err::<(), _>(format!("number {number}")) }).detach();
            yield_now().await;
        }
    });
    assert_eq!(
        (reported.get(), executor.failures()),
        (1_000_000, 1_000_000)
    );
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after < before + 4096, "{before} KiB before, {after} after");
    }
    note("a million failures", start);
}
