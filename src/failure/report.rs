//! The text of a report, and the one place that prints it.
//!
//! ```text
//! task #7 `fetch` panicked: index out of bounds: the len is 3 but the index is 5
//!    at src/net.rs:13:38
//!    last await: sleep at src/net.rs:12:20
//!    spawned at src/main.rs:20:15 by task #3 `accept`
//!    spawned at src/main.rs:9:9 by block_on at src/main.rs:33:5
//!    backtrace (14 runtime frames hidden):
//!       0: app::net::parse
//!              at src/net.rs:13:38
//! ```
//!
//! The first lines tell what a reader needs, and stand alone where a stripped binary has no names for
//! its frames. A report is one write, so that reports of two threads do not mix.
//!
//! Knows no task and no executor.

use std::fmt::{self, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use log::Level;

use super::account::{Account, Cause, PassedOn, account_of};
use super::backtrace::trim;
use super::error::Error;
use super::text::{contain, drop_payload, payload_text, quoted};
use super::{FailureKind, TaskFailure};

/// How far the lines below the headline are moved to the right.
const INDENT: usize = 3;

/// Through how many tasks a failure may have been passed on to be told with all of them.
const LINKS: u32 = 16;

impl TaskFailure {
    /// The first line of the report: who failed, how, and what it said.
    pub(crate) fn headline(&self) -> String {
        let verb = match self.kind {
            FailureKind::Panicked => "panicked",
            FailureKind::Failed => "failed",
            FailureKind::Caught => "caught a panic of its own",
        };
        let overdue = self.is_overdue.load(Ordering::Relaxed);
        let remark = if overdue { " (not awaited yet)" } else { "" };
        let message = match self.account().only_passes_on() {
            // Its message names the task that it awaited, which names the next one, and so on.
            Some(passed_on) if passed_on.steps > 1 => format!("… {}", passed_on.first.headline),
            _ => quoted(self.message(), INDENT),
        };
        format!("{} {verb}{remark}: {message}", self.origin)
    }

    /// What the report of an awaiter says of it: all but the frames, which that shows as well; or who it
    /// was, if its own report stands further up.
    pub(crate) fn as_cause(&self) -> PassedOn {
        if self.is_told() {
            let report = format!("{}, reported above", self.origin);
            return PassedOn::from_its_first(self.headline(), report);
        }
        let report = Report {
            failure: self,
            with_backtrace: false,
        };
        let report = report.to_string();
        match self.account().passed_on() {
            None => PassedOn::from_its_first(self.headline(), report),
            Some(next) => PassedOn {
                report,
                steps: next.steps + 1,
                first: Arc::clone(&next.first),
            },
        }
    }
}

impl Display for TaskFailure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Report {
            failure: self,
            with_backtrace: true,
        }
        .fmt(f)
    }
}

struct Report<'a> {
    failure: &'a TaskFailure,
    with_backtrace: bool,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let failure = self.failure;
        let account = failure.account();
        f.write_str(&failure.headline())?;
        if let Some(location) = &account.location {
            write!(f, "\n{:INDENT$}at {location}", "")?;
        }
        if let Some(last_await) = failure.last_await {
            write!(f, "\n{:INDENT$}last await: {last_await}", "")?;
        }
        failure
            .origin
            .spawned_by
            .write_from(f, failure.origin.spawned_at, INDENT)?;
        write_account(f, account, self.with_backtrace)
    }
}

/// Writes what stands below the lines of the task: causes, frames and help.
fn write_account(f: &mut Formatter<'_>, account: &Account, with_backtrace: bool) -> fmt::Result {
    for cause in &account.causes {
        match cause {
            Cause::Text(text) => write!(f, "\n{:INDENT$}caused by: {}", "", quoted(text, INDENT))?,
            Cause::Failure(PassedOn { report, .. }) if with_backtrace => {
                write_cause(f, "caused by", report)?;
            }
            // Within another report: a chain that is long is told by its ends, or the report would be as
            // long as the square of its length.
            Cause::Failure(PassedOn {
                report,
                steps,
                first,
            }) => match steps {
                0..LINKS => write_cause(f, "caused by", report)?,
                more => {
                    let links =
                        format!("caused by {more} more tasks that passed it on, and first by");
                    write_cause(f, &links, &first.report)?;
                }
            },
            Cause::Group(tree) => {
                let tree = tree.replace('\n', &format!("\n{:INDENT$}", ""));
                write!(f, "\n{:INDENT$}{tree}", "")?;
            }
            Cause::ForeignBacktrace(frames) if with_backtrace => {
                write!(f, "\n{}", trim(frames, shows_all_frames()).indented(INDENT))?;
            }
            Cause::ForeignBacktrace(_) => {}
        }
    }
    if let Some(backtrace) = account.backtrace.as_deref().filter(|_| with_backtrace) {
        write!(
            f,
            "\n{}",
            trim(&backtrace.to_string(), shows_all_frames()).indented(INDENT)
        )?;
    }
    if let Some(help) = account.help {
        write!(f, "\n{:INDENT$}help: {help}", "")?;
    }
    Ok(())
}

fn write_cause(f: &mut Formatter<'_>, how: &str, report: &str) -> fmt::Result {
    let mut lines = report.split('\n');
    let first = lines.next().unwrap_or_default();
    write!(f, "\n{:INDENT$}{how} {first}", "")?;
    lines.try_for_each(|line| write!(f, "\n{:INDENT$}{line}", ""))
}

/// Shows an error that is no task's failure, or not yet: what `{:?}` of a [`candor::Error`](Error) is.
pub(crate) struct Backtraced<'a>(pub(crate) &'a Error);

impl Backtraced<'_> {
    pub(crate) fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let account = account_of(self.0);
        f.write_str(&quoted(&account.message, INDENT))?;
        write!(f, "\n{:INDENT$}at {}", "", self.0.location())?;
        write_account(f, &account, true)
    }
}

fn shows_all_frames() -> bool {
    std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "full")
}

/// Prints a report or a warning: to the program's logger if that takes it, else to stderr.
///
/// A logger that panics, and a stderr that is closed, leave the executor alive: what can still be
/// said is said.
pub(crate) fn print(level: Level, report: &str) {
    match catch_unwind(AssertUnwindSafe(|| logged(level, report))) {
        Ok(true) => {}
        Ok(false) => print_to_stderr(report),
        Err(payload) => {
            let message = payload_text(&*payload).unwrap_or("no message");
            print_to_stderr(&format!(
                "{report}\n   the logger panicked while it was given this report: {message}"
            ));
            drop_payload(payload);
        }
    }
}

/// Lets a logger that buffers write down what it has: the process is about to end.
pub(crate) fn flush() {
    contain(|| log::logger().flush());
}

fn logged(level: Level, report: &str) -> bool {
    let target = if level == Level::Error {
        "candor::failure"
    } else {
        "candor"
    };
    let taken = log::log_enabled!(target: target, level);
    if taken {
        log::log!(target: target, level, "{report}");
    }
    taken
}

/// `eprint!` and not a write to `io::stderr()`, because only that is captured by `cargo test`. It panics
/// where stderr is closed, and then there is nobody left to tell.
fn print_to_stderr(report: &str) {
    let line = format!("{report}\n");
    contain(|| eprint!("{line}"));
}
