//! The line of source below each place of a report, in a debug build.
//!
//! What is shown of a file, and when nothing is, is tested beside `src/report/source_line.rs`. Here are whole reports, of this file.

#![cfg(debug_assertions)]

mod common;

use std::backtrace::Backtrace;
use std::hint::black_box;

use candor::{Executor, TaskBuilder};
use common::{assert_contains, assert_count, assert_lacks};
use futures::FutureExt;

/// The report of a task's failure, as it would be printed.
fn report_of(future: impl Future<Output: candor::Outcome> + 'static) -> String {
    let executor = Executor::new();
    let error = executor.block_on(TaskBuilder::new().spawn_on(&executor, future));
    format!("{:?}", error.err().expect("it fails").failure().unwrap())
}

/// The line that stands below the first line that begins with `start`.
fn below<'a>(report: &'a str, start: &str) -> &'a str {
    let mut lines = report.lines().skip_while(|line| !line.starts_with(start));
    lines.next().expect(start);
    lines.next().unwrap_or_default()
}

/// The dump of a task that waits for a message.
fn dump_of_a_wait() -> String {
    let executor = Executor::builder().virtual_time().build();
    let (_sender, receiver) = async_channel::bounded::<()>(1);
    let waits = async move {
        receiver.recv().await.ok(); // the line of the wait
    };
    executor.spawn(waits).detach();
    executor.tick();
    executor.dump().to_string()
}

#[inline(never)]
fn parse(text: &str) -> u32 {
    text.parse().expect("a number")
}

#[test]
fn below_the_place_of_a_panic_and_below_each_frame_of_the_users_stands_the_line() {
    let report = report_of(async {
        let _number = parse("seven");
    });
    assert_eq!(
        below(&report, "   at tests/source_lines.rs:"),
        "        text.parse().expect(\"a number\")"
    );
    let frames = report.split_once("backtrace (").unwrap().1;
    assert_contains(frames, "\n             text.parse().expect(\"a number\")\n");
    assert_contains(frames, "\n             let _number = parse(\"seven\");");
    assert_lacks(frames, "catch_unwind");
}

#[test]
fn below_the_place_of_a_question_mark_stands_the_line() {
    let report = report_of(async {
        let _number: u32 = "seven".parse()?;
        candor::Ok(())
    });
    assert_eq!(
        below(&report, "   at tests/source_lines.rs:"),
        "        let _number: u32 = \"seven\".parse()?;"
    );
}

#[test]
fn an_error_without_a_place_has_no_line() {
    let report = report_of(async { Err::<(), _>("broken") });
    assert_lacks(&report, "Err::<(), _>");
}

#[test]
fn a_dump_and_a_stall_show_the_line_of_each_wait() {
    let dump = dump_of_a_wait();
    assert_count(
        &dump,
        "receiver.recv().await.ok(); // the line of the wait",
        1,
    );
    let place = dump
        .lines()
        .find(|line| line.contains(".await at tests/"))
        .unwrap();
    let line = below(&dump, place);
    let margin = |line: &str| line.len() - line.trim_start().len();
    assert_eq!(margin(line), margin(place) + 5, "{dump}");
}

#[test]
fn a_failure_that_is_passed_on_shows_the_line_where_it_began() {
    let report = report_of(async {
        let inner = candor::spawn(async {
            "seven".parse::<u32>()?;
            candor::Ok(())
        });
        inner.await?;
        candor::Ok(())
    });
    assert_contains(&report, "\n        \"seven\".parse::<u32>()?;\n");
}

#[test]
fn a_report_that_repeats_another_one_is_still_one_line() {
    let name = "a_report_that_repeats_another_one_is_still_one_line";
    let said = common::child(name).run(|| {
        let _code = candor::run(async {
            for _ in 0..3 {
                candor::spawn(async { panic!("again") }).detach();
            }
        });
    });
    let Some(said) = said else { return };
    let repeats = said
        .stderr
        .lines()
        .filter(|line| line.contains("in the last minute"));
    assert_eq!(repeats.count(), 2, "{}", said.stderr);
}

/// Runs `body` in a process of its own, since a process has one current directory.
fn elsewhere(name: &'static str, body: impl FnOnce()) {
    if let Some(said) = common::child(name).run(body) {
        assert!(said.status.success(), "{}{}", said.stdout, said.stderr);
    }
}

#[test]
fn in_the_root_directory_the_same_frames_are_hidden_and_each_path_is_whole() {
    let name = "in_the_root_directory_the_same_frames_are_hidden_and_each_path_is_whole";
    elsewhere(name, || {
        std::env::set_current_dir("/").unwrap();
        let report = report_of(async {
            let none = Vec::<u8>::new();
            let _third = none[black_box(2)];
        });
        let this_file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/source_lines.rs:");
        assert_lacks(&report, "core::slice");
        assert_contains(&report, &format!("\n             at {this_file}"));
        assert_contains(&report, "\n             let _third = none[black_box(2)];");
        let dump = dump_of_a_wait();
        assert_count(&dump, ".await at ", 1);
        assert_contains(&dump, &format!(".await at {this_file}"));
        assert_contains(&dump, "receiver.recv().await.ok(); // the line of the wait");
    });
}

#[test]
fn where_the_registry_is_below_the_current_directory_its_files_are_still_a_librarys() {
    let name = "where_the_registry_is_below_the_current_directory_its_files_are_still_a_librarys";
    elsewhere(name, || {
        let in_a_library = std::future::ready(()).map(|()| Backtrace::force_capture().to_string());
        let frames = in_a_library.now_or_never().unwrap();
        let Some((above, _)) = frames.split_once("/registry/src/") else {
            return; // The libraries are somewhere else.
        };
        let above = above.rsplit_once("at ").unwrap().1;
        std::env::set_current_dir(above).unwrap();
        let report = report_of(std::future::ready(()).map(|()| panic!("in a library")));
        let lines: Vec<_> = report.lines().collect();
        let mut below = lines
            .windows(2)
            .filter(|two| two[0].contains("at registry/"));
        let first = below.next().expect("a frame of the library");
        for two in [first].into_iter().chain(below) {
            assert!(two[1].contains(": "), "{report}");
            assert!(!two[1].starts_with("             "), "{report}");
        }
        let dump = dump_of_a_wait();
        assert_count(&dump, ".await at ", 1);
        assert_contains(&dump, "tests/source_lines.rs:");
    });
}
