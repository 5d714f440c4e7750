//! Runs tests with one mutant alive.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::COPY;

/// How long the tests of one binary may take without a mutant.
const LIMIT: Duration = Duration::from_secs(300);

/// Parts of the names of tests that take longer than all others together. They run when no other test has seen the mutant.
const LONG: &[&str] = &[
    "million",
    "hundred_thousand",
    "forty_thousand",
    "65536",
    "one_jump_to_the_end_of_time",
    "the_first_and_last_slot_of_a_word",
    "the_report_of_nested_groups_grows",
];

/// Those that build programs. Each repeats what a smaller test shows.
const BUILDING: &[&str] = &[
    "the_example_draws",
    "a_build_that_aborts_on_panic",
    "no_build_that_aborts_on_panic",
    "the_path_of_a_file_cannot_forge",
    "a_stripped_binary",
];

/// After so long, and three times what its binary takes without a mutant, a test that hangs fails, or the watchdog of the tests ends
/// the process.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the watchdog ends it.
const HUNG: i32 = 124;

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
const HANGS: usize = 3;

/// How long the tests of each binary take without a mutant. The machine may be busy.
#[derive(Default)]
pub struct Healthy(BTreeMap<String, Duration>);

impl Healthy {
    /// Runs binaries, by name and path, without a mutant.
    pub fn measure(&mut self, binaries: &[(&str, &str)]) -> Verdict {
        for (name, path) in binaries {
            if self.0.contains_key(*name) {
                continue;
            }
            let start = Instant::now();
            let mut verdict = run(0, path, &most(), LIMIT, LIMIT);
            // The machine may be busy, and some tests look at the clock.
            if verdict != Verdict::Survived {
                verdict = run(0, path, &most(), LIMIT, LIMIT);
            }
            if verdict != Verdict::Survived {
                return verdict.of(name);
            }
            self.0.insert((*name).to_owned(), start.elapsed());
        }
        Verdict::Survived
    }

    /// Runs binaries until one sees the mutant: the unit tests, and then those first that take the least time.
    pub fn try_one(&self, number: u32, binaries: &[(&str, &str)]) -> Verdict {
        let mut hanging = Vec::new();
        let mut binaries = binaries.to_vec();
        binaries.sort_by_key(|(name, _)| (*name != "lib", self.0[*name]));
        for &(name, path) in &binaries {
            let patience = PATIENCE + 3 * self.0[name];
            match run(number, path, &most(), patience, 2 * patience) {
                Verdict::TimedOut(_) => hanging.push(name),
                Verdict::Survived => {}
                caught => return caught.of(name),
            }
            if hanging.len() == HANGS {
                break;
            }
        }
        if !hanging.is_empty() {
            return Verdict::TimedOut(hanging.join(", "));
        }
        for (name, path) in binaries {
            let verdict = run(number, path, &LONG.join(" "), LIMIT, LIMIT);
            if verdict != Verdict::Survived {
                return verdict.of(name);
            }
        }
        Verdict::Survived
    }
}

impl Verdict {
    fn of(self, binary: &str) -> Self {
        match self {
            Verdict::Caught(test) => Verdict::Caught(format!("{binary}: {test}")),
            Verdict::TimedOut(_) => Verdict::TimedOut(binary.to_owned()),
            Verdict::Survived => Verdict::Survived,
        }
    }
}

/// Runs one test.
pub fn run_test(number: u32, path: &str, test: &str) -> Verdict {
    run(
        number,
        path,
        &format!("--exact {test}"),
        PATIENCE,
        12 * PATIENCE,
    )
}

/// The arguments that run all tests of a binary but a few.
fn most() -> String {
    let skipped = LONG.iter().chain(BUILDING);
    let skipped = skipped.map(|test| format!(" --skip {test}"));
    format!("--test-threads=4{}", skipped.collect::<String>())
}

fn run(number: u32, path: &str, arguments: &str, patience: Duration, limit: Duration) -> Verdict {
    // A mutant that takes all memory must not take the machine's.
    let line = format!("ulimit -v 8000000; exec {path} {arguments}");
    let mut child = Command::new("bash")
        .args(["-c", &line])
        .current_dir(COPY)
        .env("CANDOR_MUTANT", number.to_string())
        .env("PROPTEST_CASES", CASES)
        .env("CANDOR_TEST_PATIENCE", patience.as_secs().to_string())
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
    let verdict = watch(&mut child, limit);
    // Also the processes that a test has started.
    let group = format!("-{}", child.id());
    let _ = Command::new("kill")
        .args(["-9", "--", &group])
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
    verdict
}

fn watch(child: &mut Child, limit: Duration) -> Verdict {
    let lines = lines_of(child);
    let end = Instant::now() + limit;
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
                let status = child.wait().expect("it can be waited for");
                return match status.code() == Some(HUNG) {
                    true => Verdict::TimedOut(String::new()),
                    false => Verdict::Caught("the process has died".to_owned()),
                };
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
