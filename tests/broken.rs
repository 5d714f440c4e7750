//! The programs in `examples/broken` say what is wrong with them, as they promise in their last comments.
//!
//! A student has to find the line from that, so every place in it is compared. What differs from one run to the next
//! is `…` in the comment. All programs run on the real clock.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use common::example;

#[test]
fn a_future_that_forgot_its_waker_is_a_proven_stall() {
    // A release build does not look for stalls by default, and would sleep for ever.
    if cfg!(debug_assertions) {
        assert_says_what_it_promises("forgot_to_wake");
    }
}

#[test]
fn a_task_that_blocks_the_thread_is_named() {
    assert_says_what_it_promises("blocks_the_thread");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn two_tasks_in_deadlock_are_a_suspected_stall() {
    assert_says_what_it_promises("deadlock");
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a release build looks for no slow polls by itself"
)]
fn a_lock_of_std_that_is_held_over_an_await_is_found_while_it_blocks() {
    assert_says_what_it_promises("lock_over_an_await");
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "a release build looks for no slow polls by itself"
)]
fn the_block_on_of_another_runtime_is_found_while_it_blocks() {
    assert_says_what_it_promises("foreign_block_on");
}

#[test]
fn a_task_that_spins_is_shown_by_its_polls() {
    assert_says_what_it_promises("busy_loop");
}

#[test]
fn work_that_is_lost_at_the_end_is_named() {
    assert_says_what_it_promises("lost_work");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_failure_behind_a_handle_that_is_kept_is_told_after_its_grace() {
    assert_says_what_it_promises("unread_handle");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build names fewer frames")]
fn a_borrow_that_is_held_over_an_await_is_a_panic_of_the_other_task() {
    assert_says_what_it_promises("borrow_over_an_await");
}

#[test]
fn a_group_that_is_forgotten_names_what_it_cancels() {
    assert_says_what_it_promises("forgotten_group");
}

/// The page is a game: the message is all that a reader has before the answer.
#[test]
fn the_page_of_ten_bugs_quotes_each_program_to_the_letter() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/guide/ten_bugs.rs")).unwrap();
    let lines = page
        .lines()
        .map(|line| line.strip_prefix("//! ").unwrap_or_default());
    let page: Vec<&str> = lines.collect();
    let page = page.join("\n");
    let mut programs = 0;
    for program in fs::read_dir(root.join("examples/broken")).unwrap() {
        let path = program.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let promised = promised_by(name).join("\n");
        let quoted = format!("```text\n{promised}\n```\n");
        let (_, after) = page
            .split_once(&quoted)
            .unwrap_or_else(|| panic!("{name}: {promised}"));
        let (question, answer) = after.split_once("<details>").expect(name);
        assert!(question.contains("which line?"), "{name}: {question}");
        let (answer, _) = answer.split_once("</details>").expect(name);
        let path = format!("`examples/broken/{name}.rs`");
        assert!(answer.contains(&path), "{name}: {answer}");
        assert!(quotes_a_line(answer, &source), "{name}: {answer}");
        programs += 1;
    }
    assert_eq!(programs, 10);
    assert_eq!(page.matches("<details>").count(), programs);
}

#[test]
fn each_program_is_short_and_tested() {
    let tests = include_str!("broken.rs");
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/broken");
    for program in fs::read_dir(programs).unwrap() {
        let path = program.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("//");
        assert!(text.lines().filter(is_code).count() < 60, "{name}");
        let opening = text.replace("\n//! ", " ").to_lowercase();
        assert!(opening.contains("predict before you run it"), "{name}");
        assert!(text.contains("\n// # Mend it\n"), "{name}");
        let command = format!("//! cargo run --example broken_{name}\n");
        assert!(text.contains(&command), "{command}");
        let test = format!("assert_says_what_it_promises(\"{name}\");");
        assert!(tests.contains(&test), "{test}");
    }
}

/// Whether the answer names a line, and all that it says of lines is true: "line 19, `send.detach()`".
fn quotes_a_line(answer: &str, source: &str) -> bool {
    let answer = answer.replace('\n', " ").replace("Line ", "line ");
    let mut quotes = answer.split("line ").skip(1).filter_map(|rest| {
        let (number, rest) = rest.split_once(", `")?;
        let (code, _) = rest.split_once('`')?;
        Some((number.parse::<usize>().ok()?, code))
    });
    let mut is_there = |(number, code)| source.lines().nth(number - 1).unwrap().contains(code);
    let first = quotes.next();
    first.is_some_and(&mut is_there) && quotes.all(is_there)
}

/// Compares the program's stderr, where everything appears once, and its exit code. A program that stands still does not
/// end by itself, so the test ends it.
#[track_caller]
fn assert_says_what_it_promises(name: &str) {
    let _watched = common::watched();
    let promised = promised_by(name);
    let mut program = example(&format!("broken_{name}"));
    program.env_remove("RUST_LOG").stdout(Stdio::null());
    let mut running = program.stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(running.stderr.take().unwrap()).lines();
    // Older compilers say it the other way round.
    let as_today = |line: String| {
        line.replace(
            "already borrowed: BorrowMutError",
            "RefCell already borrowed",
        )
    };
    let said = said
        .map(|line| as_today(line.unwrap()))
        .skip_while(String::is_empty);
    let stands_still = ["deadlock", "lock_over_an_await", "foreign_block_on"];
    let ends_by_itself = !stands_still.contains(&name);
    let said: Vec<String> = match ends_by_itself {
        true => said.collect(),
        false => said.take(promised.len()).collect(),
    };
    if !ends_by_itself {
        running.kill().unwrap();
    }
    let code = running.wait().unwrap().code();
    // A stall is a panic, and an unread failure has been reported; the others are only slow or wasteful.
    let expected = match name {
        "forgot_to_wake" => Some(101),
        "unread_handle" | "borrow_over_an_await" => Some(1),
        _ if !ends_by_itself => None,
        _ => Some(0),
    };
    assert_eq!(code, expected, "{name}");
    assert!(said.len() >= promised.len(), "{said:#?}");
    let times = |promised: &String| said.iter().filter(|said| is_like(said, promised)).count();
    assert_eq!(times(&promised[0]), 1, "{said:#?}");
    for (said, promised) in said.iter().zip(&promised) {
        assert!(is_like(said, promised), "{said}\n{promised}");
    }
}

/// The text in the last comment of a program.
fn promised_by(name: &str) -> Vec<String> {
    let path = format!("{}/examples/broken/{name}.rs", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let (_, after) = text.split_once("// # It says\n//\n// ```text\n").unwrap();
    let (promised, _) = after.split_once("// ```\n").unwrap();
    let lines = promised.lines().map(|line| line[3..].to_owned());
    lines.collect()
}

/// Whether the parts between the `…` of `pattern` make up `line`, with a number or the like at each `…`.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut rest = line;
    let mut parts = pattern.split('…');
    let starts = parts.next().and_then(|first| rest.strip_prefix(first));
    let Some(after_first) = starts else {
        return false;
    };
    rest = after_first;
    for part in parts {
        let Some((gap, after)) = rest.split_once(part) else {
            return false;
        };
        if gap.is_empty() || gap.contains(' ') {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}
