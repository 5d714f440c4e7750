//! Where a report is printed: in the log if a logger takes it, else on stderr; once, whole, and always.
//!
//! What a process printed can be seen only from outside. So most of these tests start themselves again as a
//! process of their own, which does what [`Child::run`](common::Child::run) is given. The code below that call
//! is the parent's, and checks the output.
//!
//! Two things need another build: `panic = "abort"`, and a binary without symbols. For these, `program.rs`
//! is built in a directory of its own, which takes some seconds once.

mod common;

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use candor::{Executor, FailurePolicy, TaskBuilder};
use common::{Child, Told, assert_contains, assert_count, assert_lacks, child};

/// A program in which one detached task fails.
fn one_task_fails() {
    let code = candor::run(async {
        candor::spawn(async { panic!("boom") }).detach();
    });
    // An exit code can only be compared by what it shows.
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
}

impl Told {
    /// Asserts that the report of [`one_task_fails`] is on stderr, once, and no logger had it.
    #[track_caller]
    fn assert_plainly_on_stderr(&self) {
        self.assert_success();
        let lines: Vec<&str> = self.stderr.lines().collect();
        let heads = lines
            .iter()
            .filter(|line| **line == "task #1 panicked: boom");
        assert_eq!(heads.count(), 1, "{}", self.stderr);
        assert_count(&self.stderr, "boom", 1);
        assert_lacks(&self.stdout, "boom");
    }
}

// Log or stderr.

#[test]
fn without_a_logger_it_is_on_stderr_once() {
    let told = child("without_a_logger_it_is_on_stderr_once").run(one_task_fails);
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
}

#[test]
fn a_logger_has_it_and_stderr_has_it_not_again() {
    let told = child("a_logger_has_it_and_stderr_has_it_not_again").run(|| {
        env_logger::init();
        one_task_fails();
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "boom", 1);
    assert_contains(&told.stderr, "ERROR");
    assert_contains(&told.stderr, "candor::failure");
    assert_contains(&told.stderr, "] task #1 panicked: boom\n");
}

#[test]
fn a_logger_that_is_off_does_not_silence_it() {
    let told = child("a_logger_that_is_off_does_not_silence_it")
        .env("RUST_LOG", "off")
        .run(|| {
            env_logger::init();
            one_task_fails();
        });
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
}

#[test]
fn a_logger_that_wants_other_targets_only_does_not_silence_it() {
    let name = "a_logger_that_wants_other_targets_only_does_not_silence_it";
    let told = child(name).env("RUST_LOG", "error,candor=off").run(|| {
        env_logger::init();
        one_task_fails();
    });
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
}

#[test]
fn a_logger_that_panics_loses_nothing() {
    struct Hostile;
    impl log::Log for Hostile {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &log::Record<'_>) {
            panic!("the logger");
        }
        fn flush(&self) {}
    }
    let told = child("a_logger_that_panics_loses_nothing").run(|| {
        log::set_logger(&Hostile).unwrap();
        log::set_max_level(log::LevelFilter::Error);
        one_task_fails();
        eprintln!("it lives on");
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_contains(&told.stderr, "task #1 panicked: boom");
    assert_contains(&told.stderr, "the logger panicked");
    assert_contains(&told.stderr, "it lives on");
}

#[test]
fn what_on_failure_could_not_take_is_printed() {
    let told = child("what_on_failure_could_not_take_is_printed").run(|| {
        let executor = Executor::builder()
            .on_failure(|_| panic!("the callback"))
            .build();
        executor.spawn(async { panic!("boom") }).detach();
        executor.drain();
        eprintln!("it lives on");
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_contains(&told.stderr, "task #1 panicked: boom");
    assert_contains(&told.stderr, "on_failure panicked");
    assert_contains(&told.stderr, "the callback");
    assert_contains(&told.stderr, "it lives on");
}

#[test]
fn on_failure_silences_it() {
    let told = child("on_failure_silences_it").run(|| {
        let executor = Executor::builder().on_failure(|_| ()).build();
        executor.spawn(async { panic!("boom") }).detach();
        executor.drain();
    });
    let Some(told) = told else { return };
    assert_lacks(&told.assert_success().stderr, "boom");
}

#[test]
fn an_awaited_panic_prints_nothing() {
    let told = child("an_awaited_panic_prints_nothing").run(|| {
        let _ = candor::run(async {
            assert!(candor::spawn(async { panic!("boom") }).await.is_err());
        });
    });
    let Some(told) = told else { return };
    assert_eq!(told.assert_success().stderr, "");
}

#[test]
fn a_caught_panic_is_printed_and_marked() {
    let told = child("a_caught_panic_is_printed_and_marked").run(|| {
        let code = candor::run(async {
            candor::spawn(async { assert!(catch_unwind(|| panic!("boom")).is_err()) }).detach();
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "boom", 1);
    assert_contains(&told.stderr, "task #1 caught");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "only debug builds warn")]
fn a_result_inside_a_result_is_a_value_and_earns_one_warning_a_spawn_site() {
    let name = "a_result_inside_a_result_is_a_value_and_earns_one_warning_a_spawn_site";
    let told = child(name).env("RUST_LOG", "warn").run(|| {
        env_logger::init();
        let code = candor::run(async {
            for _ in 0..3 {
                candor::spawn(async { Ok::<Result<(), &str>, &str>(Err("boom")) }).detach();
            }
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "WARN", 1);
    assert_contains(&told.stderr, "spawned at tests/where_it_goes.rs:");
    assert_contains(&told.stderr, "`?`");
    assert_lacks(&told.stderr, "boom");
}

#[test]
fn a_second_panic_in_a_task_that_has_caught_one_tells_both_once() {
    let name = "a_second_panic_in_a_task_that_has_caught_one_tells_both_once";
    let told = child(name).run(|| {
        let code = candor::run(async {
            let twice = async {
                catch_unwind(|| panic!("caught")).unwrap_err();
                panic!("boom");
            };
            candor::spawn(twice).detach();
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    });
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, ": caught\n", 1);
    assert_count(&told.stderr, "task #1 panicked: boom\n", 1);
}

// The environment.

#[test]
fn the_backtrace_needs_no_environment_variable() {
    let name = "the_backtrace_needs_no_environment_variable";
    let values = [None, Some("0"), Some("1")];
    let told: Vec<Told> = values
        .into_iter()
        .map_while(|value| with_backtrace(name, value).run(one_task_fails))
        .collect();
    for told in &told {
        told.assert_plainly_on_stderr();
        assert_contains(&told.stderr, " runtime frames hidden):");
        assert_contains(&told.stderr, "0: where_it_goes::one_task_fails::");
        assert_lacks(&told.stderr, "candor::kernel::");
    }
}

fn with_backtrace(name: &'static str, value: Option<&str>) -> Child {
    match value {
        Some(value) => child(name).env("RUST_BACKTRACE", value),
        None => child(name),
    }
}

#[test]
fn the_full_backtrace_hides_no_frame() {
    let name = "the_full_backtrace_hides_no_frame";
    let told = child(name)
        .env("RUST_BACKTRACE", "full")
        .run(one_task_fails);
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
    assert_lacks(&told.stderr, "hidden");
    assert_contains(&told.stderr, "candor::kernel::");
    assert_contains(&told.stderr, "where_it_goes::one_task_fails::");
}

// A stderr that takes nothing.

#[test]
fn a_full_stderr_stops_nobody() {
    let told = child("a_full_stderr_stops_nobody")
        .stderr(
            File::options()
                .write(true)
                .open("/dev/full")
                .map_or(Stdio::null(), Stdio::from),
        )
        .run(|| {
            one_task_fails();
            println!("it lives on");
        });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "it lives on");
}

#[test]
fn a_closed_stderr_stops_nobody() {
    let (reader, writer) = std::io::pipe().unwrap();
    // There is no reader: what is written fails.
    drop(reader);
    let told = child("a_closed_stderr_stops_nobody")
        .stderr(writer)
        .run(|| {
            one_task_fails();
            println!("it lives on");
        });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "it lives on");
}

// libtest.

#[test]
fn a_passing_test_shows_no_report() {
    let told = child("a_passing_test_shows_no_report")
        .captured()
        .run(one_task_fails);
    let Some(told) = told else { return };
    told.assert_success();
    assert_lacks(&told.stdout, "boom");
    assert_lacks(&told.stderr, "boom");
}

#[test]
fn a_failing_test_shows_its_reports() {
    let told = child("a_failing_test_shows_its_reports")
        .captured()
        .run(|| {
            one_task_fails();
            panic!("the test fails");
        });
    let Some(told) = told else { return };
    assert_eq!(told.status.code(), Some(101));
    assert_count(&told.stdout, "task #1 panicked: boom", 1);
    assert_contains(&told.stdout, "the test fails");
    assert_lacks(&told.stderr, "boom");
}

// Hooks.

fn set_telling_hook() {
    panic::set_hook(Box::new(|info| {
        eprintln!(
            "the user's hook has {:?}",
            info.payload().downcast_ref::<&str>()
        );
    }));
}

#[test]
fn a_hook_set_before_sees_other_panics_but_not_those_of_tasks() {
    let name = "a_hook_set_before_sees_other_panics_but_not_those_of_tasks";
    let told = child(name).run(|| {
        set_telling_hook();
        one_task_fails();
        catch_unwind(|| panic!("outside")).unwrap_err();
    });
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
    assert_contains(&told.stderr, "0: where_it_goes::one_task_fails::");
    assert_count(&told.stderr, "the user's hook has", 1);
    assert_contains(&told.stderr, "the user's hook has Some(\"outside\")");
}

#[test]
fn the_main_future_of_block_on_panics_as_if_candor_were_not_there() {
    let name = "the_main_future_of_block_on_panics_as_if_candor_were_not_there";
    let told = child(name).run(|| {
        set_telling_hook();
        catch_unwind(|| candor::block_on(async { panic!("main") }))
            .map(drop)
            .unwrap_err();
    });
    let Some(told) = told else { return };
    assert_eq!(
        told.assert_success().stderr,
        "the user's hook has Some(\"main\")\n"
    );
}

#[test]
fn a_hook_set_after_the_first_use_costs_the_backtrace_and_the_report_says_so() {
    let name = "a_hook_set_after_the_first_use_costs_the_backtrace_and_the_report_says_so";
    let told = child(name).run(|| {
        candor::block_on(async {});
        set_telling_hook();
        one_task_fails();
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "task #1 panicked: boom", 1);
    assert_contains(&told.stderr, "spawned at tests/where_it_goes.rs:");
    assert_contains(&told.stderr, "no backtrace: ");
    assert_contains(&told.stderr, "set_hook");
}

#[test]
fn a_hook_set_by_a_task_costs_the_backtrace_and_the_report_says_so() {
    let name = "a_hook_set_by_a_task_costs_the_backtrace_and_the_report_says_so";
    let told = child(name).run(|| {
        let _ = candor::run(async {
            candor::spawn(async {
                set_telling_hook();
                panic!("boom")
            })
            .detach();
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "task #1 panicked: boom", 1);
    assert_contains(&told.stderr, "no backtrace: ");
}

#[test]
fn a_later_hook_that_hands_on_costs_nothing() {
    let told = child("a_later_hook_that_hands_on_costs_nothing").run(|| {
        candor::block_on(async {});
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| previous(info)));
        one_task_fails();
    });
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
    assert_contains(&told.stderr, "0: where_it_goes::one_task_fails::");
}

#[test]
fn a_panic_on_a_thread_that_a_task_started_goes_to_the_previous_hook() {
    let name = "a_panic_on_a_thread_that_a_task_started_goes_to_the_previous_hook";
    let told = child(name).run(|| {
        set_telling_hook();
        let code = candor::run(async {
            thread::spawn(|| panic!("on a thread")).join().unwrap_err();
        });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    });
    let Some(told) = told else { return };
    assert_eq!(
        told.assert_success().stderr,
        "the user's hook has Some(\"on a thread\")\n"
    );
}

// Floods.

/// A task that fails at one place, whoever spawns it.
async fn fails(message: &str) {
    std::panic::panic_any(message.to_owned())
}

#[test]
fn a_report_that_repeats_another_one_is_a_line_with_the_task_and_how_often_it_has_come() {
    let name =
        "a_report_that_repeats_another_one_is_a_line_with_the_task_and_how_often_it_has_come";
    let told = child(name).run(|| {
        let executor = Executor::new();
        for number in 0..10_000 {
            let task = TaskBuilder::new().name(format!("request {number}"));
            task.spawn_on(&executor, fails("boom")).detach();
            executor.drain();
        }
        assert_eq!(executor.failures(), 10_000);
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert!(stderr.starts_with("task #1 `request 0` panicked: boom\n   at "));
    assert_contains(
        stderr,
        "\ntask #2 `request 1` panicked: boom (2 times in the last minute, the first time in full)\n\
         task #3 `request 2` panicked: boom (3 times in the last minute, the first time in full)\n",
    );
    assert_contains(
        stderr,
        "task #10000 `request 9999` panicked: boom (10000 times ",
    );
    assert_count(stderr, "   spawned at ", 1);
    assert_count(stderr, "\ntask #", 9_999);
}

#[test]
fn a_report_that_differs_in_message_place_spawn_site_or_kind_is_in_full() {
    let name = "a_report_that_differs_in_message_place_spawn_site_or_kind_is_in_full";
    let told = child(name).run(|| {
        let executor = Executor::new();
        let both: [fn(&Executor); 2] = [
            |executor| executor.spawn(fails("boom")).detach(),
            |executor| executor.spawn(fails("boom")).detach(),
        ];
        for _ in 0..2 {
            both.iter().for_each(|spawn| spawn(&executor));
            for message in ["bang", "crash"] {
                executor.spawn(fails(message)).detach();
            }
            for is_first in [true, false] {
                let elsewhere = async move {
                    match is_first {
                        true => panic!("here or there"),
                        false => panic!("here or there"),
                    }
                };
                executor.spawn(elsewhere).detach();
            }
            for is_panic in [true, false] {
                let fails = async move {
                    let caught = catch_unwind(fails_in_a_function);
                    match is_panic {
                        true => panic::resume_unwind(caught.unwrap_err()),
                        false => candor::Ok(()),
                    }
                };
                executor.spawn(fails).detach();
            }
            executor.drain();
        }
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    for (head, full) in [
        (" panicked: boom", 2),
        (" panicked: bang", 1),
        (" panicked: crash", 1),
        (" panicked: here or there", 2),
        (" panicked: in a function", 1),
        (" caught a panic of its own: in a function", 1),
    ] {
        assert_count(stderr, &format!("{head}\n   at "), full);
        assert_count(stderr, &format!("{head} (2 times in the last minute"), full);
    }
}

fn fails_in_a_function() {
    panic!("in a function");
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is shown by its `Debug`")]
struct Both(
    candor::JoinError<&'static str>,
    candor::JoinError<&'static str>,
);

#[test]
fn what_tasks_pass_on_is_repeated_though_other_tasks_have_other_numbers() {
    let name = "what_tasks_pass_on_is_repeated_though_other_tasks_have_other_numbers";
    let told = child(name).run(|| {
        let executor = Executor::new();
        for cause in ["one", "one", "two"] {
            let passes_on = async move {
                candor::spawn(fails("boom")).await?;
                candor::Ok(())
            };
            executor.spawn(passes_on).detach();
            let fails = async move {
                let error = candor::Error::new(cause);
                Err::<(), _>(error.context("the request has failed"))
            };
            executor.spawn(fails).detach();
            executor.drain();
            let two = async {
                let both = [(); 2].map(|()| candor::spawn(async { Err::<(), _>("no") }));
                let [one, other] = both;
                Err::<(), _>(Both(one.await.unwrap_err(), other.await.unwrap_err()))
            };
            executor.spawn(two).detach();
            executor.drain();
        }
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert_count(stderr, "   passed on by task #", 1);
    assert_contains(
        stderr,
        "\ntask #13 failed: task #15 panicked: boom (3 times in the last minute, the first time in full)\n",
    );
    assert_count(stderr, "Both(", 3);
    assert_count(stderr, "failed: Both(task #17", 1);
    assert_count(stderr, " (3 times in the last minute", 2);
    // What is behind the words differs.
    assert_count(stderr, "the request has failed\n   at ", 2);
    assert_count(stderr, "the request has failed (2 times in ", 1);
}

#[test]
fn what_tasks_pass_on_is_repeated_though_other_tasks_have_other_names() {
    let name = "what_tasks_pass_on_is_repeated_though_other_tasks_have_other_names";
    let told = child(name).run(|| {
        let executor = Executor::new();
        for number in ["1", "2 `a` failed", "3", "4"] {
            let handler = TaskBuilder::new().name(format!("handler {number}"));
            let passes_on = async move {
                let worker = TaskBuilder::new().name(format!("worker {number}"));
                worker.spawn(fails("boom")).await?;
                candor::Ok(())
            };
            handler.spawn_on(&executor, passes_on).detach();
            executor.drain();
        }
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert_count(stderr, "   passed on by task #", 1);
    assert_contains(
        stderr,
        "\ntask #7 `handler 4` failed: task #8 `worker 4` panicked: boom (4 times in the last minute, the first time in full)\n",
    );
}

#[test]
fn another_cause_behind_the_same_words_is_told_in_full() {
    async fn disk(cause: &'static str) -> candor::Result {
        let error = candor::Error::new(std::io::Error::other(cause));
        Err(error.context("loading the settings"))
    }
    async fn a_group(cause: &'static str) -> candor::Result {
        let group = candor::TaskGroup::new();
        group.spawn(disk(cause));
        Ok(group.join().await?)
    }
    async fn a_group_in_a_group(cause: &'static str) -> candor::Result {
        let group = candor::TaskGroup::new();
        group.spawn(a_group(cause));
        Ok(group.join().await?)
    }
    let told = child("another_cause_behind_the_same_words_is_told_in_full").run(|| {
        let executor = Executor::new();
        for cause in ["the cable is unplugged", "the disk burns", "the disk burns"] {
            let passed_on = async move { candor::Ok(candor::spawn(disk(cause)).await?) };
            executor.spawn(passed_on).detach();
            executor.spawn(a_group_in_a_group(cause)).detach();
            let of_a_task = async move { candor::Ok(candor::spawn(a_group(cause)).await?) };
            executor.spawn(of_a_task).detach();
            executor.drain();
        }
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert_count(stderr, "caused by: the cable is unplugged", 3);
    assert_count(stderr, "caused by: the disk burns", 3);
    assert_count(stderr, " (2 times in the last minute", 3);
}

#[test]
fn a_logger_that_drops_a_group_at_each_line_is_called_once_for_each_failure() {
    struct DropsGroups(AtomicU32);
    impl log::Log for DropsGroups {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.level() <= log::Level::Warn
        }
        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                let number = self.0.fetch_add(1, Ordering::Relaxed);
                assert!(number < 100, "called without end");
                candor::TaskGroup::new().spawn(async {});
            }
        }
        fn flush(&self) {}
    }
    let name = "a_logger_that_drops_a_group_at_each_line_is_called_once_for_each_failure";
    let told = child(name).run(|| {
        static LOGGER: DropsGroups = DropsGroups(AtomicU32::new(0));
        log::set_logger(&LOGGER).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        let _ = candor::run(async { candor::spawn(async { Err::<(), _>("one") }).detach() });
        assert_eq!(LOGGER.0.load(Ordering::Relaxed), 1);
    });
    let Some(told) = told else { return };
    // What it dropped itself is said on stderr.
    assert_count(
        &told.assert_success().stderr,
        "a group of tasks was dropped",
        1,
    );
}

#[test]
fn a_logger_is_given_the_line_and_on_failure_each_report_in_full() {
    let name = "a_logger_is_given_the_line_and_on_failure_each_report_in_full";
    let told = child(name).run(|| {
        env_logger::init();
        let lengths = std::rc::Rc::new(Cell::new((0, 0)));
        let kept = lengths.clone();
        let builder = Executor::builder().on_failure(move |failure| {
            let (times, lines) = kept.get();
            kept.set((times + 1, lines + failure.report().lines().count()));
        });
        for executor in [Executor::new(), builder.build()] {
            for _ in 0..3 {
                executor.spawn(fails("boom")).detach();
                executor.drain();
            }
            assert_eq!(executor.failures(), 3);
        }
        let (times, lines) = lengths.get();
        assert!(times == 3 && lines > 6, "{lines}");
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert_count(stderr, "ERROR candor::failure] task #", 3);
    assert_count(stderr, "] task #1 panicked: boom\n", 1);
    assert_count(
        stderr,
        "] task #3 panicked: boom (3 times in the last minute",
        1,
    );
}

// Threads.

#[test]
fn the_reports_of_two_threads_are_not_mixed() {
    let told = child("the_reports_of_two_threads_are_not_mixed").run(|| {
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            for name in ["left", "right"] {
                let barrier = &barrier;
                scope.spawn(move || {
                    let executor = Executor::new();
                    barrier.wait();
                    for round in 0..50 {
                        let lines = format!("{name} {round}\n") + &format!("{name}\n").repeat(39);
                        let fails = async move { Err::<(), _>(lines) };
                        TaskBuilder::new()
                            .name(name)
                            .spawn_on(&executor, fails)
                            .detach();
                        executor.drain();
                    }
                });
            }
        });
    });
    let Some(told) = told else { return };
    told.assert_success();
    let mut whole = 0;
    let mut inside = "";
    for line in told.stderr.lines() {
        if line.starts_with("task #") {
            inside = if line.contains("`left`") {
                "left"
            } else {
                "right"
            };
            whole += 1;
        }
        if let Some(quoted) = line.strip_prefix("   | ") {
            assert_eq!(quoted, inside, "{}", told.stderr);
        }
    }
    assert_eq!(whole, 100, "{}", told.stderr);
    assert_count(&told.stderr, "   | left\n", 50 * 39);
    assert_count(&told.stderr, "   | right\n", 50 * 39);
}

#[test]
fn an_executor_in_a_thread_local_reports_when_its_thread_ends() {
    thread_local! {
        static EXECUTOR: RefCell<Option<Executor>> = const { RefCell::new(None) };
    }
    let told = child("an_executor_in_a_thread_local_reports_when_its_thread_ends").run(|| {
        let thread = thread::spawn(|| {
            EXECUTOR.with_borrow_mut(|slot| {
                let executor = slot.insert(Executor::new());
                std::mem::forget(executor.spawn(async { panic!("boom") }));
                executor.drain();
                executor.spawn(FailsWhenDropped).detach();
            });
        });
        thread.join().unwrap();
        eprintln!("it lives on");
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, "task #1 panicked: boom", 1);
    assert_count(&told.stderr, "task #2 panicked: dropped", 1);
    assert_contains(&told.stderr, "it lives on");
}

struct FailsWhenDropped;

impl Future for FailsWhenDropped {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        std::task::Poll::Pending
    }
}

impl Drop for FailsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn an_executor_can_run_in_the_destructor_of_a_thread_local() {
    struct RunsAtTheEnd;
    impl Drop for RunsAtTheEnd {
        fn drop(&mut self) {
            one_task_fails();
        }
    }
    thread_local! {
        static LAST: RunsAtTheEnd = const { RunsAtTheEnd };
    }
    let told = child("an_executor_can_run_in_the_destructor_of_a_thread_local").run(|| {
        thread::spawn(|| {
            LAST.with(|_| ());
            candor::block_on(async {});
        })
        .join()
        .unwrap();
    });
    let Some(told) = told else { return };
    told.assert_plainly_on_stderr();
}

// The end of the process.

impl Told {
    #[track_caller]
    fn assert_aborted(&self) {
        let code = self.status.code();
        assert!(!self.status.success() && code != Some(101), "{self:#?}");
    }

    /// Asserts that a process that died printed its last panic, and what was unread, a line each.
    #[track_caller]
    fn assert_told_everything(&self) {
        self.assert_aborted();
        assert_count(&self.stderr, "task #3 `dies` panicked: first", 1);
        assert_contains(&self.stderr, "::dies");
        let unread: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("task #1") || line.starts_with("task #2"))
            .collect();
        assert_eq!(unread.len(), 2, "{}", self.stderr);
        assert_contains(unread[0], "task #1 `unread`");
        assert_contains(unread[1], "task #2");
    }
}

/// Leaves two failures unread, then polls `last`.
fn two_failures_unread_then(last: impl Future<Output = ()> + 'static) {
    let _ = candor::run(async {
        let broken = async { Err::<(), _>("broken") };
        std::mem::forget(TaskBuilder::new().name("unread").spawn(broken));
        std::mem::forget(candor::spawn(async { panic!("quiet") }));
        candor::yield_now().await;
        TaskBuilder::new().name("dies").spawn(last).detach();
        candor::yield_now().await;
    });
}

#[test]
fn a_panic_in_a_destructor_during_unwinding_tells_everything() {
    struct PanicsAgain;
    impl Drop for PanicsAgain {
        fn drop(&mut self) {
            panic!("second");
        }
    }
    async fn dies() {
        let _guard = PanicsAgain;
        panic!("first");
    }
    let told = child("a_panic_in_a_destructor_during_unwinding_tells_everything")
        .run(|| two_failures_unread_then(dies()));
    let Some(told) = told else { return };
    told.assert_told_everything();
    assert_count(&told.stderr, "task #3 `dies` panicked: second", 1);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_panic_that_leaves_an_extern_c_function_tells_everything() {
    extern "C" fn called_from_c() {
        panic!("first");
    }
    async fn dies() {
        called_from_c();
    }
    let told = child("a_panic_that_leaves_an_extern_c_function_tells_everything")
        .run(|| two_failures_unread_then(dies()));
    let Some(told) = told else { return };
    told.assert_told_everything();
    assert_contains(&told.stderr, "panic in a function that cannot unwind");
}

#[test]
fn the_policy_abort_prints_its_report_first() {
    let told = child("the_policy_abort_prints_its_report_first").run(|| {
        let executor = Executor::builder()
            .failure_policy(FailurePolicy::Abort)
            .build();
        executor.spawn(async { panic!("boom") }).detach();
        catch_unwind(AssertUnwindSafe(|| executor.drain())).ok();
        eprintln!("it lives on");
    });
    let Some(told) = told else { return };
    told.assert_aborted();
    assert_count(&told.stderr, "task #1 panicked: boom", 1);
    assert_lacks(&told.stderr, "it lives on");
}

// Other builds.

/// Builds `program.rs` with a profile of its own, and runs it.
///
/// In a package of its own, with the versions of the lock file that is tested here, so that nothing is fetched and
/// none of the tests' own dependencies is built.
fn run_program(profile: &str, settings: &str, scenario: &str) -> Told {
    run_program_to(profile, settings, scenario, Stdio::piped())
}

/// The same with a stderr of the caller's.
fn run_program_to(profile: &str, settings: &str, scenario: &str, to: Stdio) -> Told {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(profile);
    fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\ncandor = {{ path = {root:?} }}\n\
         [profile.dev]\n{settings}\n\
         [workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    fs::copy(
        root.join("tests/where_it_goes/program.rs"),
        package.join("src/main.rs"),
    )
    .unwrap();
    let build = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(
        build.status.success(),
        "{}",
        String::from_utf8_lossy(&build.stderr)
    );
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(package.join("target/debug/program"))
        .arg(scenario)
        .env_remove("RUST_BACKTRACE")
        .stderr(to)
        .output()
        .unwrap();
    Told {
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        status,
    }
}

#[test]
fn a_build_that_aborts_on_panic_tells_everything_first() {
    let aborting = |scenario| run_program("aborting", "panic = \"abort\"", scenario);
    let told = aborting("panic");
    told.assert_aborted();
    assert_count(&told.stderr, "task #2 `dies` panicked: boom", 1);
    assert_contains(&told.stderr, "program::dies");
    assert_count(&told.stderr, "task #1", 1);

    let told = aborting("end");
    told.assert_aborted();
    for name in ["a", "b", "c"] {
        assert_count(
            &told.stderr,
            &format!("`{name}` has failed, and nobody has read"),
            1,
        );
    }

    let told = aborting("left");
    told.assert_aborted();
    assert_count(&told.stderr, "plain code", 1);
    assert_count(
        &told.stderr,
        "task #1 `kept` has failed, and nobody has read",
        1,
    );

    let told = aborting("error");
    assert_eq!(told.status.code(), Some(1), "{told:#?}");
    assert_count(&told.stderr, "task #1 failed: broken", 1);
}

#[test]
fn a_stripped_binary_still_tells_who_failed_where_and_by_whom() {
    let stripped = |scenario| run_program("stripped", "strip = true", scenario);
    let told = stripped("panic");
    assert_eq!(told.status.code(), Some(1), "{told:#?}");
    let lines: Vec<&str> = told.stderr.lines().collect();
    let head = lines
        .iter()
        .position(|line| *line == "task #2 `dies` panicked: boom");
    let report = &lines[head.unwrap_or_else(|| panic!("{told:#?}"))..];
    assert!(report[1].starts_with("   at src/main.rs:"), "{told:#?}");
    assert!(
        report[2].starts_with("   spawned at src/main.rs:"),
        "{told:#?}"
    );
    assert_contains(report[2], " by run at src/main.rs:");
    assert_contains(report[3], "backtrace: ");
    assert_contains(report[3], "none known to be yours");
}

#[test]
fn the_process_ends_with_the_code_of_run() {
    let told = |scenario| {
        run_program("stripped", "strip = true", scenario)
            .status
            .code()
    };
    assert_eq!(told("success"), Some(0));
    assert_eq!(told("error"), Some(1));
    assert_eq!(told("exit"), Some(42));
}

#[test]
fn the_policy_abort_lets_a_logger_that_buffers_write_its_report_first() {
    use std::sync::Mutex;

    struct Buffers(Mutex<String>);
    impl log::Log for Buffers {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            *self.0.lock().unwrap() += &format!("logged: {}\n", record.args());
        }
        fn flush(&self) {
            eprint!("{}", self.0.lock().unwrap());
        }
    }
    static LOGGER: Buffers = Buffers(Mutex::new(String::new()));

    let test = "the_policy_abort_lets_a_logger_that_buffers_write_its_report_first";
    let told = child(test).run(|| {
        log::set_logger(&LOGGER).unwrap();
        log::set_max_level(log::LevelFilter::Error);
        let executor = Executor::builder()
            .failure_policy(FailurePolicy::Abort)
            .build();
        executor.spawn(async { panic!("boom") }).detach();
        executor.drain();
    });
    let Some(told) = told else { return };
    told.assert_aborted();
    assert_count(&told.stderr, "logged: task #1 panicked: boom", 1);
}

#[test]
fn a_mistake_is_told_with_the_place_of_the_caller() {
    let told = child("a_mistake_is_told_with_the_place_of_the_caller").run(|| {
        async fn exits(code: u8) {
            candor::exit(code);
            std::future::pending().await
        }
        let mistakes: [&dyn Fn(); 6] = [
            &|| candor::block_on(exits(3)),
            &|| Executor::new().block_on(exits(4)),
            &|| candor::test(exits(5)),
            &|| candor::exit(6),
            &|| drop(candor::spawn(async {})),
            &|| {
                let executor = std::rc::Rc::new(Executor::new());
                let inner = std::rc::Rc::clone(&executor);
                executor.block_on(async move { inner.drain() });
            },
        ];
        for mistake in mistakes {
            catch_unwind(AssertUnwindSafe(mistake)).unwrap_err();
        }
    });
    let Some(told) = told else { return };
    told.assert_success();
    assert_count(&told.stderr, " panicked at ", 6);
    assert_count(&told.stderr, " panicked at tests/where_it_goes.rs:", 6);
}

/// A sibling of a task that fails has to go on, and the exit code has to say what happened.
fn fails_and_goes_on() {
    let code = candor::run(async {
        candor::spawn(async { Err::<(), _>("an ordinary error") }).detach();
        candor::sleep(std::time::Duration::from_millis(1)).await;
        println!("still running");
    });
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
}

/// A pipe without a reader, and a device that is full.
fn dead_ends() -> Vec<Stdio> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut ends = vec![Stdio::from(writer)];
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        ends.push(Stdio::from(full));
    }
    ends
}

#[test]
fn a_stderr_that_takes_nothing_calls_no_hook_of_the_programs() {
    let name = "a_stderr_that_takes_nothing_calls_no_hook_of_the_programs";
    for stderr in dead_ends() {
        let told = child(name).stderr(stderr).run(|| {
            panic::set_hook(Box::new(|_| std::process::exit(70)));
            fails_and_goes_on();
            candor::block_on(async {
                candor::spawn(std::future::pending::<()>()).detach();
                println!("after the notice of lost work");
            });
        });
        let Some(told) = told else { return };
        told.assert_success();
        assert_contains(&told.stdout, "still running");
        assert_contains(&told.stdout, "after the notice of lost work");
    }
}

/// An error and a payload, which panics when it is dropped.
#[derive(Debug)]
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("its destructor");
    }
}

/// Each way on which a failure goes that nobody takes.
fn explosive_failures() {
    async fn fails() -> Result<(), Explosive> {
        Err(Explosive)
    }
    let codes = [
        candor::run(async { candor::spawn(fails()).detach() }),
        candor::run(async { candor::spawn(async { panic::panic_any(Explosive) }).detach() }),
        candor::run(async { panic::panic_any(Explosive) }),
        candor::run(async {
            let group = candor::TaskGroup::independent();
            group.spawn(fails());
            group.join().await;
        }),
        {
            let executor = Executor::new();
            let remote = executor.remote();
            remote.spawn(fails).unwrap().detach();
            let handle = remote.spawn(fails).unwrap();
            let code = executor.run(async {});
            drop(handle);
            code
        },
    ];
    for code in codes {
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
    }
    // The executor is gone, and has reported it.
    let executor = Executor::new();
    let handle = executor.spawn(fails());
    executor.run_until_stalled();
    drop(executor);
    drop(handle);
    println!("it lives on");
}

#[test]
fn what_a_failure_drops_calls_no_hook_of_the_programs_and_is_warned_of() {
    let name = "what_a_failure_drops_calls_no_hook_of_the_programs_and_is_warned_of";
    let told = child(name).run(|| {
        panic::set_hook(Box::new(|_| std::process::exit(70)));
        explosive_failures();
    });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "it lives on");
    let warning =
        "panicked when it was dropped: its destructor (it panicked at tests/where_it_goes.rs:";
    assert_count(&told.stderr, warning, 7);
    assert_contains(&told.stderr, "the outcome of task #1 panicked");
    assert_contains(&told.stderr, "the payload of the main future panicked");
}

impl std::fmt::Display for Explosive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("explosive")
    }
}

impl std::error::Error for Explosive {}

fn drops_an_explosive_error_within_another() {
    drop(
        candor::Error::new(Explosive)
            .context("outer")
            .context("outermost"),
    );
}

#[test]
fn a_destructor_of_an_error_within_another_is_reported_once_before_there_is_any_executor() {
    let name =
        "a_destructor_of_an_error_within_another_is_reported_once_before_there_is_any_executor";
    let told = child(name).run(drops_an_explosive_error_within_another);
    let Some(told) = told else { return };
    assert_count(&told.assert_success().stderr, "its destructor", 1);
}

struct PrintsWarnings;

impl log::Log for PrintsWarnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("logged: {}", record.args());
    }

    fn flush(&self) {}
}

#[test]
fn a_destructor_that_panics_calls_no_logger_before_the_poll_returns() {
    let name = "a_destructor_that_panics_calls_no_logger_before_the_poll_returns";
    let told = child(name).run(|| {
        log::set_logger(&PrintsWarnings).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        candor::block_on(async {
            let value = candor::spawn(async { candor::Plain(Explosive) });
            candor::yield_now().await;
            let task = candor::spawn(async move {
                drops_an_explosive_error_within_another();
                drop(value);
                println!("the poll goes on");
            });
            task.await.unwrap();
        });
    });
    let Some(told) = told else { return };
    let stdout = &told.assert_success().stdout;
    let (_, after) = stdout.split_once("the poll goes on").unwrap();
    for what in ["an error within another one", "the outcome of task #1"] {
        let warning = format!("logged: {what} panicked when it was dropped: its destructor");
        assert_count(after, &warning, 1);
    }
    assert_count(stdout, "its destructor", 2);
    assert_lacks(&told.stderr, "its destructor");
}

#[test]
fn what_a_builder_drops_that_builds_nothing_calls_no_hook_of_the_programs() {
    let name = "what_a_builder_drops_that_builds_nothing_calls_no_hook_of_the_programs";
    let told = child(name).run(|| {
        panic::set_hook(Box::new(|_| std::process::exit(70)));
        let held = Explosive;
        let on_failure = move |_: &candor::TaskFailure| {
            let _held = &held;
        };
        drop(Executor::builder().on_failure(on_failure));
        println!("it lives on");
    });
    let Some(told) = told else { return };
    assert_contains(&told.assert_success().stdout, "it lives on");
    assert_contains(
        &told.stderr,
        "what `on_failure` holds panicked when it was dropped",
    );
}

#[test]
fn what_a_failure_drops_is_not_printed_by_the_programs_hook_to_a_stderr_that_takes_nothing() {
    let name =
        "what_a_failure_drops_is_not_printed_by_the_programs_hook_to_a_stderr_that_takes_nothing";
    for stderr in dead_ends() {
        let told = child(name).stderr(stderr).run(|| {
            panic::set_hook(Box::new(|info| eprintln!("the program's hook: {info}")));
            explosive_failures();
        });
        let Some(told) = told else { return };
        assert_contains(&told.assert_success().stdout, "it lives on");
    }
}

#[test]
fn a_stderr_that_takes_nothing_stops_no_build_that_aborts_on_panic() {
    let told = run_program("aborting", "panic = \"abort\"", "error");
    assert_contains(&told.stderr, "task #1 failed: broken");
    for stderr in dead_ends() {
        let told = run_program_to("aborting", "panic = \"abort\"", "error", stderr);
        assert_eq!(told.status.code(), Some(1), "{told:#?}");
    }
}

/// A logger that uses candor for each record, like an exporter that waits for its own future.
struct Exporter;

impl log::Log for Exporter {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        candor::block_on(async { true })
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        candor::block_on(async {
            candor::spawn(async { Err::<(), _>("a failure of the logger's own") }).detach();
            candor::yield_now().await;
        });
        println!("record: {line}");
    }

    fn flush(&self) {}
}

#[test]
fn a_logger_that_uses_candor_is_not_called_from_within_itself() {
    let name = "a_logger_that_uses_candor_is_not_called_from_within_itself";
    for level in ["warn", "trace"] {
        let told = child(name).env("LEVEL", level).run(|| {
            log::set_boxed_logger(Box::new(Exporter)).unwrap();
            log::set_max_level(std::env::var("LEVEL").unwrap().parse().unwrap());
            candor::block_on(async {
                log::warn!("one record of the program's own");
                candor::spawn(async { Err::<(), _>("of the program") }).detach();
                candor::yield_now().await;
            });
        });
        let Some(told) = told else { return };
        told.assert_success();
        assert_count(&told.stdout, "record: one record of the program's own", 1);
        assert_count(&told.stdout, "record: task #1 failed: of the program", 1);
    }
}

#[test]
fn warnings_without_a_logger_are_on_stderr() {
    let told = child("warnings_without_a_logger_are_on_stderr").run(|| {
        candor::block_on(async {
            for _ in 0..3 {
                candor::block_on(async {});
            }
        });
    });
    let Some(told) = told else { return };
    assert_count(
        &told.assert_success().stderr,
        " runs inside block_on at ",
        1,
    );
}

#[test]
fn what_a_callback_or_an_instrument_panics_with_cannot_forge_a_report() {
    struct Forges;
    impl candor::Instrument for Forges {
        fn failure(&self, _: std::time::Instant, failure: &candor::TaskFailure) {
            panic!("cannot send: {}", failure.message())
        }
    }
    let name = "what_a_callback_or_an_instrument_panics_with_cannot_forge_a_report";
    let told = child(name).run(|| {
        let fails = || async { Err::<(), _>("lost\ntask #8 `bank` panicked\u{1b}[2K") };
        let forges = |failure: &candor::TaskFailure| panic!("cannot send: {}", failure.message());
        let executor = Executor::builder()
            .on_failure(forges)
            .instrument(Forges)
            .build();
        executor.spawn(fails()).detach();
        executor.drain();
    });
    let Some(told) = told else { return };
    let stderr = &told.assert_success().stderr;
    assert_contains(
        stderr,
        "on_failure panicked while it was given this report: cannot send: lost",
    );
    assert_contains(stderr, "an instrument panicked: cannot send: lost");
    assert_lacks(stderr, "\ntask #8");
    assert_lacks(stderr, "\u{1b}");
}

#[test]
fn the_path_of_a_file_cannot_forge_a_report() {
    let settings = Path::new(env!("CARGO_TARGET_TMPDIR")).join("remapped/.cargo");
    fs::create_dir_all(&settings).unwrap();
    let flags = r#"build.rustflags = ["--remap-path-prefix=src=lost\ntask #8 \u001b[2K"]"#;
    fs::write(settings.join("config.toml"), flags).unwrap();
    for (scenario, places) in [("panic", 2), ("error", 1)] {
        let told = run_program("remapped", "debug = true", scenario);
        assert_eq!(told.status.code(), Some(1), "{told:#?}");
        let stderr = &told.stderr;
        assert_contains(stderr, r"   spawned at lost\ntask #8 \u{1b}[2K");
        assert!(
            stderr.matches(r" at lost\ntask #8 \u{1b}[2K").count() >= places,
            "{stderr}"
        );
        assert_lacks(stderr, "\ntask #8");
        assert_lacks(stderr, "\u{1b}");
    }
}

/// A logger that spawns a task on the executor for each record, like an exporter that does not block. Ends the process
/// when it is called again and again.
struct Spawns<F>(fn() -> F, AtomicU32);

impl<F: Future<Output: candor::Outcome> + 'static> log::Log for Spawns<F> {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() <= log::Level::Warn {
            println!("record: {}", record.args());
        }
        if self.1.fetch_add(1, Ordering::Relaxed) == 1_000 {
            println!("there is no end to it");
            std::process::exit(99);
        }
        candor::spawn(self.0()).detach();
    }

    fn flush(&self) {}
}

/// Runs one task that fails, with the logger at `LEVEL`.
fn one_task_fails_with_logger<F>(exports: fn() -> F)
where
    F: Future<Output: candor::Outcome> + 'static,
{
    log::set_boxed_logger(Box::new(Spawns(exports, AtomicU32::new(0)))).unwrap();
    log::set_max_level(std::env::var("LEVEL").unwrap().parse().unwrap());
    let executor = Executor::builder()
        .slow_poll(Duration::from_millis(1))
        .build();
    executor.spawn(async { panic!("boom") }).detach();
    executor.block_on(candor::sleep(Duration::from_millis(5)));
    executor.drain();
}

#[test]
fn a_logger_that_spawns_a_task_for_each_record_is_not_given_what_comes_up_of_those() {
    async fn passes_on() {
        candor::spawn(async { Err::<(), _>("cannot export") }).detach();
        candor::sleep(Duration::from_millis(1)).await;
        common::hold_the_thread(Duration::from_millis(2));
        panic!("cannot export either")
    }
    let name = "a_logger_that_spawns_a_task_for_each_record_is_not_given_what_comes_up_of_those";
    for level in ["error", "warn", "trace"] {
        let told = child(name)
            .env("LEVEL", level)
            .run(|| one_task_fails_with_logger(passes_on));
        let Some(told) = told else { return };
        told.assert_success();
        assert_count(&told.stdout, "record: task #1 panicked: boom", 1);
        assert_lacks(&told.stdout, "export");
        assert_contains(&told.stderr, " failed: cannot export\n");
        assert_contains(&told.stderr, " panicked: cannot export either\n");
        assert_contains(&told.stderr, ", held the thread for ");
        assert_contains(&told.stderr, " by the program's logger\n");
    }
}

#[test]
fn what_a_logger_spawns_on_an_idle_executor_is_the_loggers_and_nothing_else_is() {
    thread_local!(static EXECUTOR: RefCell<Option<Rc<Executor>>> = const { RefCell::new(None) });

    struct SpawnsThere;

    impl log::Log for SpawnsThere {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            println!("record: {}", record.args());
            if let Some(executor) = EXECUTOR.with_borrow(Clone::clone) {
                executor
                    .spawn(async { Err::<(), _>("the logger's own") })
                    .detach();
            }
        }

        fn flush(&self) {}
    }

    let told = child("what_a_logger_spawns_on_an_idle_executor_is_the_loggers_and_nothing_else_is")
        .run(|| {
            log::set_logger(&SpawnsThere).unwrap();
            log::set_max_level(log::LevelFilter::Error);
            let executor = Rc::new(Executor::new());
            EXECUTOR.set(Some(executor.clone()));
            for name in ["first", "second"] {
                let failed = executor.spawn(async move { Err::<(), _>(name) });
                executor.run_until_stalled();
                executor.spawn(async {}).detach();
                // No poll is running when this is reported.
                drop(failed);
                executor.spawn(async {}).detach();
                executor.run_until_stalled();
            }
            EXECUTOR.set(None);
        });
    let Some(told) = told else { return };
    assert_count(&told.stdout, "record: task", 2);
    assert_contains(&told.stdout, "failed: first");
    assert_contains(&told.stdout, "failed: second");
    assert_lacks(&told.stdout, "the logger's own");
    assert_count(&told.stderr, "failed: the logger's own", 2);
}

#[test]
fn a_logger_that_is_being_flushed_is_not_given_anything() {
    use std::sync::Mutex;

    struct Buffers(Mutex<()>);
    impl log::Log for Buffers {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let _buffer = self
                .0
                .try_lock()
                .expect("the logger is called from within itself");
            println!("record: {}", record.args());
        }
        fn flush(&self) {
            let _buffer = self.0.lock().unwrap();
            candor::block_on(async {
                candor::spawn(async { Err::<(), _>("cannot flush") }).detach();
                candor::yield_now().await;
            });
            panic!("flushed\ntask #8\u{1b}[2K");
        }
    }
    let told = child("a_logger_that_is_being_flushed_is_not_given_anything").run(|| {
        log::set_boxed_logger(Box::new(Buffers(Mutex::new(())))).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        panic::set_hook(Box::new(|_| std::process::exit(70)));
        let executor = Executor::builder()
            .failure_policy(FailurePolicy::Abort)
            .build();
        executor
            .spawn(async { Err::<(), _>("of the program") })
            .detach();
        executor.drain();
    });
    let Some(told) = told else { return };
    told.assert_aborted();
    assert_ne!(told.status.code(), Some(70), "{told:#?}");
    assert_count(&told.stdout, "record: task #1 failed: of the program", 1);
    assert_count(&told.stderr, "task #1 failed: cannot flush", 1);
    assert_count(
        &told.stderr,
        "the logger panicked: flushed\n   | task #8\\u{1b}[2K (",
        1,
    );
    assert_lacks(&told.stderr, "from within itself");
}

#[test]
fn a_panic_that_a_callback_resumes_is_not_given_the_place_of_another() {
    let name = "a_panic_that_a_callback_resumes_is_not_given_the_place_of_another";
    let told = child(name).run(|| {
        let calls = Cell::new(0);
        let executor = Executor::builder()
            .on_failure(move |_| match calls.replace(calls.get() + 1) {
                0 => drop(catch_unwind(|| panic!("caught"))),
                _ => panic::resume_unwind(Box::new("resumed")),
            })
            .build();
        for _ in 0..2 {
            executor.spawn(async { Err::<(), _>("boom") }).detach();
        }
        executor.drain();
    });
    let Some(told) = told else { return };
    assert_contains(
        &told.assert_success().stderr,
        "on_failure panicked while it was given this report: resumed\n",
    );
}

#[test]
fn main_futures_of_two_entries_are_not_taken_for_one() {
    let told = child("main_futures_of_two_entries_are_not_taken_for_one").run(|| {
        let _code = candor::run(async { Err::<(), _>("refused") });
        let _code = candor::run(async { Err::<(), _>("refused") });
    });
    if let Some(told) = told {
        assert_count(&told.stderr, "the main future failed: refused\n", 2);
    }
}
