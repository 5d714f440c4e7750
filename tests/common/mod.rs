//! What several test files need: an executor that shows what it reports, and processes to fail in.
//!
//! A report is printed where a test cannot see it, so most tests collect reports through `on_failure`.
//! Only another process can see what is printed, and where: [`child`] runs one test of the same file
//! again, on its own. An [`example`] is built beside the tests and runs as a process as well.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::env::consts::EXE_SUFFIX;
use std::fmt::Display;
use std::io::Write;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use candor::{Builder, Executor, JoinHandle};

#[path = "../inside/in_time.rs"]
mod in_time;

pub use in_time::in_time;
use in_time::patience;

/// How a process ends in which a test hangs. A failed test has another number.
const HANGS: i32 = 124;

/// Tests that are under way: their names, and when they are overdue.
static WATCHED: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// Ends the process if this test hangs, and names it. libtest itself would wait for ever. A test that is likely to hang runs
/// [`in_time`].
pub struct Watched(String);

/// Watches the test that calls this until the guard is dropped.
#[must_use = "it watches as long as it is kept"]
pub fn watched() -> Watched {
    static WATCHDOG: Once = Once::new();
    WATCHDOG.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
                let watched = WATCHED.lock().unwrap();
                if let Some((name, _)) = watched.iter().find(|(_, end)| *end < Instant::now()) {
                    let _told = writeln!(std::io::stderr(), "the test {name} hangs");
                    std::process::exit(HANGS);
                }
            }
        });
    });
    let name = thread::current().name().unwrap_or("of a thread").to_owned();
    let entry = (name.clone(), Instant::now() + patience());
    WATCHED.lock().unwrap().push(entry);
    Watched(name)
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = WATCHED.lock().unwrap();
        let place = watched.iter().position(|(name, _)| *name == self.0);
        place.map(|place| watched.swap_remove(place));
    }
}

/// An executor on virtual time that keeps its reports instead of printing them.
pub struct Reports {
    _watched: Watched,
    executor: Executor,
    texts: Rc<RefCell<Vec<String>>>,
    pub trace: Trace,
}

impl Reports {
    pub fn new() -> Self {
        Reports::of(Executor::builder())
    }

    pub fn of(builder: Builder) -> Self {
        let texts = Rc::new(RefCell::new(Vec::new()));
        let trace = Trace::default();
        let (kept, noted) = (texts.clone(), trace.clone());
        let executor = builder
            .virtual_time()
            .on_failure(move |failure| {
                let text = without_source_lines(&failure.report());
                noted.note(format!("report: {}", headline(&text)));
                kept.borrow_mut().push(text);
            })
            .build();
        Reports {
            _watched: watched(),
            executor,
            texts,
            trace,
        }
    }

    /// The reports so far, in full.
    pub fn texts(&self) -> Vec<String> {
        self.texts.borrow().clone()
    }

    /// The first line of each report so far.
    pub fn headlines(&self) -> Vec<String> {
        headlines(&self.texts.borrow())
    }

    /// The one report there is.
    #[track_caller]
    pub fn only(&self) -> String {
        let texts = self.texts();
        assert_eq!(texts.len(), 1, "one report was expected: {texts:#?}");
        texts[0].clone()
    }

    /// Ends the executor; gives the first line of each report it has ever made.
    pub fn end(self) -> Vec<String> {
        let Reports {
            executor, texts, ..
        } = self;
        drop(executor);
        headlines(&texts.take())
    }
}

impl Deref for Reports {
    type Target = Executor;

    fn deref(&self) -> &Executor {
        &self.executor
    }
}

/// What happened, in order. A report in it is `report: ` and its first line.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    pub fn note(&self, event: impl Display) {
        self.0.borrow_mut().push(event.to_string());
    }

    pub fn events(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

pub fn headline(report: &str) -> &str {
    report.lines().next().unwrap_or_default()
}

fn headlines(reports: &[String]) -> Vec<String> {
    let lines = reports.iter().map(|report| headline(report).to_owned());
    lines.collect()
}

/// Yields until the task is done.
pub async fn finished<T>(task: &JoinHandle<T>) {
    while !task.is_finished() {
        candor::yield_now().await;
    }
}

/// The message of the panic in which `body` ends.
#[track_caller]
pub fn panic_message(body: impl FnOnce()) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(body)) else {
        panic!("a panic was expected");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap()).to_string(),
    }
}

#[track_caller]
pub fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is missing in:\n{text}");
}

#[track_caller]
pub fn assert_lacks(text: &str, part: &str) {
    assert!(!text.contains(part), "{part:?} should not be in:\n{text}");
}

/// Asserts that `text` holds `part` exactly `times` times.
#[track_caller]
pub fn assert_count(text: &str, part: &str, times: usize) {
    let found = text.matches(part).count();
    assert_eq!(found, times, "so often is {part:?} in:\n{text}");
}

/// Set in a process that was started by [`Child::run`].
const CHILD: &str = "CANDOR_TEST_CHILD";

/// A process that runs the body of `test`, the test that calls this, and nothing else.
pub fn child(test: &'static str) -> Child {
    let program = std::env::current_exe().expect("a test binary knows its path");
    let mut command = Command::new(program);
    command
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, test)
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE")
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Child { command }
}

pub struct Child {
    command: Command,
}

impl Child {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// With libtest's capture of the output, as in a plain `cargo test`.
    pub fn captured(mut self) -> Self {
        let mut captured = Command::new(self.command.get_program());
        captured.args(self.command.get_args().filter(|arg| *arg != "--nocapture"));
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => captured.env(name, value),
                None => captured.env_remove(name),
            };
        }
        captured.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = captured;
        self
    }

    /// Runs `body` if this is the child; else starts the child and returns its outcome.
    pub fn run(mut self, body: impl FnOnce()) -> Option<Told> {
        if std::env::var_os(CHILD).is_some() {
            body();
            return None;
        }
        let command = format!("{:?}", self.command);
        let output = in_time(move || self.command.output()).expect("a test binary can be run");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(
            !stdout.contains("running 0 tests"),
            "no test has the name that was given to `child`: {command}"
        );
        Some(Told {
            stdout: without_source_lines(&stdout),
            stderr: without_source_lines(&String::from_utf8_lossy(&output.stderr)),
            status: output.status,
        })
    }
}

/// A text without the lines of source that a debug build shows below places. A test that counts how often a message was said must
/// not count the line that says it. What is said of these lines themselves is in `tests/source_lines.rs`.
pub fn without_source_lines(text: &str) -> String {
    let margin = |line: &str| {
        let is_margin = |c: char| c.is_whitespace() || "│├└─".contains(c);
        line.chars().take_while(|c| is_margin(*c)).count()
    };
    let is_place = |line: &str| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "│├└─".contains(c));
        line.starts_with("at ") || line.starts_with(".await at ")
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut place: Option<&str> = None;
    for line in text.lines() {
        // Below a frame's place the line stands as far to the right, and below any other place by 5 more.
        let is_source = place.is_some_and(|place| {
            let right = margin(line).checked_sub(margin(place));
            right == Some(5) || right == Some(0) && margin(place) >= 10 && !is_place(line)
        });
        place = Some(line).filter(|line| is_place(line) && !is_source);
        if !is_source {
            kept.push(line);
        }
    }
    let mut kept = kept.join("\n");
    if text.ends_with('\n') {
        kept.push('\n');
    }
    kept
}

/// Holds this thread on the real clock, as a call does that knows nothing of tasks. For tests of what happens meanwhile.
pub fn hold_the_thread(how_long: Duration) {
    thread::sleep(how_long);
}

/// What a process wrote, and how it ended.
#[derive(Debug)]
pub struct Told {
    pub stdout: String,
    pub stderr: String,
    pub status: ExitStatus,
}

impl Told {
    #[track_caller]
    pub fn assert_success(&self) -> &Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }
}

/// An example, ready to run. What it prints must not depend on this test's environment.
pub fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let build = test.parent().and_then(Path::parent).unwrap();
    let path = build.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(
        path.exists(),
        "{} has not been built: `cargo test` without arguments builds the examples, \
         `cargo test --test …` does not",
        path.display()
    );
    let mut example = Command::new(path);
    example
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE");
    example
}
