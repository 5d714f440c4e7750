//! Runs tests with one mutant alive.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::COPY;

/// The tests of a healthy candor are done long before.
const LIMIT: Duration = Duration::from_secs(20);

/// Parts of the names of tests that take longer than all others together. Each repeats what a smaller test shows.
const SKIPPED: &[&str] = &[
    "million",
    "hundred_thousand",
    "forty_thousand",
    "65536",
    "one_jump_to_the_end_of_time",
    "the_first_and_last_slot_of_a_word",
];

/// After so many seconds, a test that hangs is named by the watchdog of the tests, which ends the process: that is a catch.
const PATIENCE: &str = "5";

/// How many cases a test with generated input tries. With the usual number it takes seconds.
const CASES: &str = "32";

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This test has failed, or its process has died.
    Caught(String),
    /// These tests did not end.
    TimedOut(String),
    Survived,
}

/// In how many binaries tests may hang before the others are left out.
const HANGS: usize = 2;

/// Runs binaries, by name and path, until one sees the mutant. Number 0 is candor as it is.
pub fn try_one(number: u32, binaries: &[(&str, &str)]) -> Verdict {
    let mut hanging = Vec::new();
    for (name, path) in binaries {
        match run(number, path) {
            Verdict::Caught(test) => return Verdict::Caught(format!("{name}: {test}")),
            Verdict::TimedOut(_) => hanging.push(*name),
            Verdict::Survived => {}
        }
        if hanging.len() == HANGS {
            break;
        }
    }
    match hanging.is_empty() {
        true => Verdict::Survived,
        false => Verdict::TimedOut(hanging.join(", ")),
    }
}

fn run(number: u32, path: &str) -> Verdict {
    let skipped: String = SKIPPED
        .iter()
        .map(|test| format!(" --skip {test}"))
        .collect();
    // A mutant that takes all memory must not take the machine's.
    let line = format!("ulimit -v 8000000; exec {path} --test-threads=4{skipped}");
    let mut child = Command::new("bash")
        .args(["-c", &line])
        .current_dir(COPY)
        .env("CANDOR_MUTANT", number.to_string())
        .env("PROPTEST_CASES", CASES)
        .env("CANDOR_TEST_PATIENCE", PATIENCE)
        .env(
            "CARGO_MANIFEST_DIR",
            std::path::absolute(COPY).expect("a folder"),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("bash runs");
    let verdict = watch(&mut child);
    // Also the processes that a test has started.
    let group = format!("-{}", child.id());
    let _ = Command::new("kill")
        .args(["-9", "--", &group])
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
    verdict
}

fn watch(child: &mut Child) -> Verdict {
    let lines = lines_of(child);
    let end = Instant::now() + LIMIT;
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(test) = line.strip_suffix(" ... FAILED") {
                    return Verdict::Caught(test.trim_start_matches("test ").to_owned());
                }
                if line.starts_with("test result: ok") {
                    return Verdict::Survived;
                }
            }
            Err(RecvTimeoutError::Timeout) => return Verdict::TimedOut(String::new()),
            Err(RecvTimeoutError::Disconnected) => {
                return Verdict::Caught("the process has died".to_owned());
            }
        }
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
