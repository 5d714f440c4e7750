//! The examples do what their first lines promise.
//!
//! They run as processes of their own, built beside this test by the same `cargo test`. One of them waits
//! on the wall clock: it is about a bug that strikes unobserved, some time later.

mod common;

use std::fs;
use std::io::{Read, pipe};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use common::example;

/// What `delayed_boom` printed, on stdout and stderr as it came, and its exit code.
static DELAYED_BOOM: LazyLock<(String, Option<i32>)> = LazyLock::new(|| {
    let mut example = example("delayed_boom");
    let (mut reader, writer) = pipe().unwrap();
    example.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut running = example.spawn().unwrap();
    // It holds the writers, and reading ends when all are closed.
    drop(example);
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    (printed, running.wait().unwrap().code())
});

#[test]
fn every_way_to_start_a_job_tells_once_of_each_bug_before_main_ends() {
    let (printed, code) = &*DELAYED_BOOM;
    let (before_the_end, after_it) = printed.split_once("\nEnding.\n").expect(printed);
    assert_eq!(after_it, "");
    assert_eq!(*code, Some(1));
    for (count, words) in [
        (1, "── plain call that panics ──"),
        (1, "── plain call that returns Err ──"),
        (1, "── thread that panics ──"),
        (1, "── thread that returns Err ──"),
        (1, "── child process that panics ──"),
        (1, "── child process that returns Err ──"),
        (1, "── task that panics ──"),
        (1, "── task that returns Err ──"),
        (4, "the len is 2 but the index is 2"),
        (2, "thread 'main' "),
        (2, "Error: ParseIntError"),
        (2, "thread '<unnamed>' "),
        (1, "called `Result::unwrap()` on an `Err` value"),
        (1, "task #1 panicked: index out of bounds"),
        (1, "task #2 failed: invalid digit found in string"),
    ] {
        let seen = before_the_end.matches(words).count();
        assert_eq!(seen, count, "{words:?} in:\n{printed}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_report_of_a_task_tells_all_that_a_thread_tells_and_more() {
    let (printed, _) = &*DELAYED_BOOM;
    let reports = &printed[printed.find("task #1 ").expect(printed)..];
    let (of_the_panic, of_the_err) = reports.split_at(reports.find("task #2 ").expect(printed));
    for part in [
        &*place("delayed_boom.rs", "    fields[2]"),
        "delayed_boom::price_in",
        "delayed_boom::print_price_later",
        "last await: sleep at ",
        &*place("delayed_boom.rs", "spawn(print_price_later("),
        &*place("delayed_boom.rs", "candor::run("),
    ] {
        assert!(of_the_panic.contains(part), "{part} in:\n{of_the_panic}");
    }
    for part in [
        &*place("delayed_boom.rs", "quantity_in(\"apples three\")?"),
        "delayed_boom::print_quantity_later",
        "last await: sleep at ",
        &*place("delayed_boom.rs", "spawn(print_quantity_later("),
        &*place("delayed_boom.rs", "candor::run("),
    ] {
        assert!(of_the_err.contains(part), "{part} in:\n{of_the_err}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn the_report_in_the_readme_is_what_is_printed() {
    let (printed, _) = &*DELAYED_BOOM;
    let (_, after) = include_str!("../README.md")
        .split_once("```text\ntask #1 ")
        .unwrap();
    let (promised, _) = after.split_once("```").unwrap();
    // How many frames are hidden depends on the platform and the compiler.
    let without_number = |report: &str| {
        let is_number = |line: &&str| !line.contains(" runtime frames hidden):");
        let lines: Vec<String> = report
            .lines()
            .filter(is_number)
            .map(str::to_owned)
            .collect();
        lines.join("\n")
    };
    let (_, report) = printed.split_once("task #1 ").expect(printed);
    assert!(
        without_number(report).starts_with(&without_number(promised)),
        "{report}"
    );
}

/// The README cannot run it as a doctest, which must not end with an exit code of 1.
#[test]
fn the_program_in_the_readme_reports_its_failure_and_goes_on() {
    let program = include_str!("../examples/hello.rs");
    assert!(include_str!("../README.md").contains(program));

    let told = example("hello").output().unwrap();
    assert_eq!(
        stdout(&told),
        "This goes on, and the exit code will be 1.\n"
    );
    assert_eq!(told.status.code(), Some(1));
    let report = stderr(&told);
    let headline = "task #1 failed: invalid digit found in string\n";
    let (before, below) = report.split_once(headline).expect(&report);
    assert_eq!(before, "");
    let place = place("hello.rs", "parse()?");
    assert!(below.lines().next().unwrap().contains(&place), "{report}");
}

#[test]
fn files_are_counted_as_wc_counts_them() {
    let folder = folder_with("counted", &[("two lines", b"one two\nthree\n")]);
    fs::write(
        folder.join("umlauts"),
        "  \u{fc}ber  M\u{fc}nchen\n\nno newline",
    )
    .unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    let counted = word_count(&folder, &["two lines", "umlauts", "empty"]);
    assert_eq!(
        stdout(&counted),
        "       2       3      14 two lines\n       2       4      29 umlauts\n       0       0       0 empty\n"
    );
    assert_eq!(stderr(&counted), "");
    assert_eq!(counted.status.code(), Some(0));
}

#[test]
fn a_file_that_cannot_be_counted_is_reported_and_the_others_are_counted() {
    let folder = folder_with(
        "not_counted",
        &[
            ("first", b"1\n"),
            ("latin-1", b"M\xfcnchen\n"),
            ("last", b"2\n"),
        ],
    );
    fs::create_dir_all(folder.join("a folder")).unwrap();
    let counted = word_count(
        &folder,
        &["first", "missing", "a folder", "latin-1", "last"],
    );
    assert_eq!(
        stdout(&counted),
        "       1       1       2 first\n       1       1       2 last\n"
    );
    assert_eq!(counted.status.code(), Some(1));

    let reports = stderr(&counted);
    let cause_of = |path| fs::read(folder.join(path)).unwrap_err().to_string();
    let invalid = "invalid utf-8 sequence of 1 bytes from index 1".to_owned();
    let read = place("word_count.rs", "fs::read(&path)?");
    let decode = place("word_count.rs", "String::from_utf8(bytes)?");
    for (path, cause, line) in [
        ("missing", cause_of("missing"), &read),
        ("a folder", cause_of("a folder"), &read),
        ("latin-1", invalid, &decode),
    ] {
        let headline = format!(" `{path}` failed: {cause}\n");
        let (_, below) = reports.split_once(&headline).expect(&reports);
        let next_line = below.lines().next().unwrap();
        assert!(next_line.contains(line), "{line} in:\n{reports}");
    }
    assert_eq!(reports.matches("task #").count(), 3, "in:\n{reports}");
}

#[test]
fn without_a_file_the_usage_is_told() {
    let told = word_count(Path::new("."), &[]);
    assert_eq!(stderr(&told), "usage: word_count FILE...\n");
    assert_eq!(stdout(&told), "");
    assert_eq!(told.status.code(), Some(2));
}

fn word_count(folder: &Path, paths: &[&str]) -> Output {
    let mut example = example("word_count");
    example.current_dir(folder).args(paths).output().unwrap()
}

/// A folder of this test's own, with these files.
fn folder_with(name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("examples")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        fs::write(folder.join(file), content).unwrap();
    }
    folder
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// How reports name the place of `code`, up to its column; the last place, if there are several.
fn place(file: &str, code: &str) -> String {
    let source = match file {
        "delayed_boom.rs" => include_str!("../examples/delayed_boom.rs"),
        "hello.rs" => include_str!("../examples/hello.rs"),
        _ => include_str!("../examples/word_count.rs"),
    };
    let (before, _) = source.rsplit_once(code).expect(code);
    format!("{file}:{}:", before.matches('\n').count() + 1)
}
