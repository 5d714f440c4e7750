//! A poll that holds the thread: what is said when it has ended, and while it still runs.
//!
//! These tests see the real clock, because that is what a poll holds up. Each runs in a process of its own: the watcher thread and
//! the memory of what was said belong to the process.

mod common;

use std::cell::Cell;
use std::time::Duration;
use std::{fs, thread};

use candor::{Executor, JoinHandle, TaskBuilder};
use common::{assert_contains, assert_count, assert_lacks, child, hold_the_thread};

const LONGER_THAN_USUAL: Duration = Duration::from_millis(300);
const STILL_RUNS: &str = "in a poll that has not ended";

/// How many threads this process has.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// The place of the first line of this file that holds `code`, less its column.
fn place(code: &str) -> String {
    let mut lines = include_str!("slow_polls.rs").lines();
    let index = lines.position(|line| line.contains(code)).unwrap();
    format!("tests/slow_polls.rs:{}:", index + 1)
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a release build looks for no slow polls by itself"
)]
fn a_debug_build_warns_of_slow_polls_by_itself_once_a_spawn_site() {
    let said = child("a_debug_build_warns_of_slow_polls_by_itself_once_a_spawn_site").run(|| {
        for _ in 0..2 {
            candor::block_on(async {
                for _ in 0..2 {
                    let slow = async { hold_the_thread(LONGER_THAN_USUAL) };
                    TaskBuilder::new().name("slow").spawn(slow).await.unwrap();
                }
            });
        }
        let _code = candor::run(async { hold_the_thread(LONGER_THAN_USUAL) });
    });
    if let Some(said) = said {
        said.assert_success();
        let of_task = format!("task #1 `slow`, spawned at {}", place("spawn(slow)"));
        assert_count(&said.stderr, &of_task, 1);
        let of_main = format!("the main future, entered at {}", place("let _code ="));
        assert_count(&said.stderr, &of_main, 1);
        assert_count(&said.stderr, "in one poll (the limit is 250ms)", 2);
        assert_lacks(&said.stderr, STILL_RUNS);
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a release build looks for no slow polls by itself"
)]
fn a_test_and_a_built_executor_warn_of_slow_polls_by_themselves_too() {
    let said =
        child("a_test_and_a_built_executor_warn_of_slow_polls_by_themselves_too").run(|| {
            candor::test(async { hold_the_thread(LONGER_THAN_USUAL) });
            let executor = Executor::builder().detect_stalls(false).build();
            executor.block_on(async { hold_the_thread(LONGER_THAN_USUAL) });
            // Whoever wants none of it asks for a limit that is never reached.
            let silent = Executor::builder().slow_poll(Duration::MAX).build();
            silent.block_on(async { hold_the_thread(LONGER_THAN_USUAL) });
        });
    if let Some(said) = said {
        said.assert_success();
        assert_count(&said.stderr, "in one poll (the limit is 250ms)", 2);
    }
}

#[test]
fn a_limit_that_was_set_warns_each_time() {
    let said = child("a_limit_that_was_set_warns_each_time").run(|| {
        let limit = Duration::from_millis(1);
        let executor = Executor::builder().slow_poll(limit).build();
        for _ in 0..3 {
            executor
                .spawn(async { hold_the_thread(Duration::from_millis(20)) })
                .detach();
        }
        executor.drain();
    });
    if let Some(said) = said {
        said.assert_success();
        assert_count(&said.stderr, "in one poll (the limit is 1ms)", 3);
    }
}

#[test]
fn a_poll_that_does_not_end_is_warned_of_while_it_runs() {
    // Also with libtest's capture: the text of a test that does not end would never be seen.
    let said = child("a_poll_that_does_not_end_is_warned_of_while_it_runs")
        .captured()
        .run(|| {
            log::set_max_level(log::LevelFilter::Trace);
            let limit = Duration::from_millis(1);
            let executor = Executor::builder().slow_poll(limit).build();
            let stuck = TaskBuilder::new().name("stuck");
            let stuck = stuck.spawn_on(&executor, async {
                candor::yield_now().await; // where it was last seen
                // That another executor ends does not end the watch of this one.
                let minute = Duration::from_secs(60);
                let other = Executor::builder().slow_poll(minute).build();
                other.block_on(candor::yield_now());
                drop(other);
                hold_the_thread(Duration::from_secs(4));
            });
            stuck.detach();
            executor.drain();
        });
    if let Some(said) = said {
        said.assert_success();
        assert_count(&said.stderr, STILL_RUNS, 1);
        let of_task = format!("task #1 `stuck`, spawned at {}", place("stuck.spawn_on"));
        assert_contains(&said.stderr, &of_task);
        assert_contains(&said.stderr, ", has held the thread for 2s in a poll");
        let awaited = place("yield_now().await; // where it was last seen");
        let last_await = format!("\n   last known await: yield_now at {awaited}");
        assert_contains(&said.stderr, &last_await);
    }
}

#[test]
fn a_poll_that_does_not_end_is_warned_of_once_a_spawn_site_unless_a_limit_was_set() {
    let said =
        child("a_poll_that_does_not_end_is_warned_of_once_a_spawn_site_unless_a_limit_was_set")
            .run(|| {
                let usual = Executor::new();
                let limited = Executor::builder()
                    .slow_poll(Duration::from_millis(1))
                    .build();
                for executor in [usual, limited] {
                    for _ in 0..2 {
                        let blocks = async { hold_the_thread(Duration::from_secs(3)) };
                        executor.spawn(blocks).detach();
                    }
                    executor.drain();
                }
            });
    if let Some(said) = said {
        said.assert_success();
        let by_itself = usize::from(cfg!(debug_assertions));
        assert_count(&said.stderr, STILL_RUNS, by_itself + 2);
    }
}

#[test]
fn a_limit_beyond_two_seconds_is_waited_for() {
    let said = child("a_limit_beyond_two_seconds_is_waited_for").run(|| {
        let limit = Duration::from_secs(60);
        let executor = Executor::builder().slow_poll(limit).build();
        executor.block_on(async { hold_the_thread(Duration::from_secs(3)) });
    });
    if let Some(said) = said {
        said.assert_success();
        assert_lacks(&said.stderr, STILL_RUNS);
    }
}

#[test]
fn a_main_future_that_has_panicked_holds_the_thread_no_longer() {
    let said = child("a_main_future_that_has_panicked_holds_the_thread_no_longer").run(|| {
        let limit = Duration::from_millis(500);
        let executor = Executor::builder().slow_poll(limit).build();
        let panics = || executor.block_on(async { panic!("boom") });
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
        hold_the_thread(Duration::from_secs(3));
        let panics = executor.spawn(async { panic!("boom") });
        executor.block_on(panics).unwrap_err();
        hold_the_thread(Duration::from_secs(3));
    });
    if let Some(said) = said {
        said.assert_success();
        assert_lacks(&said.stderr, "held the thread");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_watcher_exists_only_while_an_executor_polls() {
    let said = child("the_watcher_exists_only_while_an_executor_polls").run(|| {
        let limit = Duration::from_millis(500);
        // With the feature `async-io` a thread of that crate's is there from the first wait on.
        let first = Executor::builder().slow_poll(limit).build();
        first.block_on(candor::sleep(Duration::from_millis(1)));
        hold_the_thread(Duration::from_millis(1500));
        let before = threads();
        let watchers = || threads() - before;
        let build = || Executor::builder().slow_poll(limit).build();
        let (one, other) = (build(), build());
        assert_eq!(watchers(), 0);
        let works = async || {
            candor::yield_now().await;
            watchers()
        };
        assert_eq!(one.block_on(works()), 1);
        assert_eq!(other.block_on(works()), 1);
        // An executor that only waits has nobody watch it either.
        let counts = thread::spawn(|| {
            hold_the_thread(Duration::from_secs(1));
            threads()
        });
        one.block_on(candor::sleep(Duration::from_millis(1500)));
        assert_eq!(
            counts.join().unwrap(),
            before + 1,
            "only the one that counts"
        );
        hold_the_thread(Duration::from_millis(1500));
        assert_eq!(watchers(), 0);
        assert_eq!(one.block_on(works()), 1);
    });
    if let Some(said) = said {
        said.assert_success();
        assert_lacks(&said.stderr, "held the thread");
    }
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a release build looks for no slow polls by itself"
)]
fn what_a_dump_does_in_its_polls_is_no_slow_poll_of_a_task() {
    let said = child("what_a_dump_does_in_its_polls_is_no_slow_poll_of_a_task").run(|| {
        let limit = Duration::from_micros(1);
        let executor = Executor::builder().slow_poll(limit).build();
        let (_sender, receiver) = async_channel::bounded::<u8>(1);
        let waits = async move { candor::Plain(receiver.recv().await.ok()) };
        executor.spawn(waits).detach();
        executor.tick();
        eprintln!("the dump begins");
        eprintln!("{}", executor.dump());
        eprintln!("the dump has ended");
    });
    if let Some(said) = said {
        said.assert_success();
        let (_, rest) = said.stderr.split_once("the dump begins").unwrap();
        let (dump, _) = rest.split_once("the dump has ended").unwrap();
        assert_contains(dump, ".await at tests/slow_polls.rs:");
        assert_lacks(dump, "held the thread");
    }
}

/// Polls slowly when the thread ends.
struct PollsAtTheEnd(Cell<bool>);

impl Drop for PollsAtTheEnd {
    fn drop(&mut self) {
        if self.0.get() {
            let executor = Executor::builder().slow_poll(Duration::ZERO).build();
            executor.block_on(async { hold_the_thread(Duration::from_millis(1)) });
        }
    }
}

thread_local! {
    static AT_THE_END: PollsAtTheEnd = const { PollsAtTheEnd(Cell::new(false)) };
}

#[test]
fn a_slow_poll_is_warned_of_while_the_thread_ends_even_if_a_dump_was_made_before() {
    let name = "a_slow_poll_is_warned_of_while_the_thread_ends_even_if_a_dump_was_made_before";
    let said = child(name).run(|| {
        let uses_a_dump = || {
            AT_THE_END.with(|end| end.0.set(true));
            let executor = Executor::new();
            executor.spawn(std::future::pending::<()>()).detach();
            executor.tick();
            executor.dump();
        };
        thread::spawn(uses_a_dump).join().unwrap();
    });
    if let Some(said) = said {
        said.assert_success();
        assert_count(&said.stderr, "in one poll (the limit is 0ns)", 1);
    }
}

/// A task that waits, and whose future takes so long to drop.
fn slow_to_drop(executor: &Executor, how_long: Duration) -> JoinHandle<()> {
    struct Slow(Duration);

    impl Drop for Slow {
        fn drop(&mut self) {
            hold_the_thread(self.0);
        }
    }

    let slow = Slow(how_long);
    let task = executor.spawn(async move {
        std::future::pending::<()>().await;
        drop(slow);
    });
    executor.tick();
    task
}

#[test]
fn a_slow_drop_of_an_aborted_task_is_called_no_poll() {
    let said = child("a_slow_drop_of_an_aborted_task_is_called_no_poll").run(|| {
        let limit = Duration::from_millis(1);
        let executor = Executor::builder().slow_poll(limit).build();
        slow_to_drop(&executor, Duration::from_millis(2700)).abort();
        executor.drain();
    });
    if let Some(said) = said {
        said.assert_success();
        assert_count(
            &said.stderr,
            ", has held the thread for 2s in the drop of its future",
            1,
        );
        assert_count(
            &said.stderr,
            "in the drop of its future (the limit is 1ms)",
            1,
        );
        assert_lacks(&said.stderr, " poll");
        assert_lacks(&said.stderr, "yield_now");
    }
}

#[test]
fn a_slow_drop_at_the_end_of_an_executor_is_warned_of() {
    let said = child("a_slow_drop_at_the_end_of_an_executor_is_warned_of").run(|| {
        let limit = Duration::from_millis(1);
        let executor = Executor::builder().slow_poll(limit).build();
        let task = slow_to_drop(&executor, Duration::from_millis(20));
        drop(executor);
        drop(task);
    });
    if let Some(said) = said {
        said.assert_success();
        let warning = "in the drop of its future (the limit is 1ms)";
        assert_count(&said.stderr, warning, 1);
    }
}
