//! The only place that prints: reports, notices and warnings.
//!
//! ```text
//! print ──► does the program's logger take it? ──yes──► logger
//!                     │ no, or it is being called already
//!                     ▼
//!                   stderr, in one write
//! ```
//!
//! A logger is user code. It may panic, and it may use candor. While it is being called, all reports go to stderr: otherwise
//! a logger that uses candor would be called from within itself, and so on. Later reports about the tasks that it has spawned
//! go to stderr as well.
//!
//! Knows no task and no executor.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::{self, Arguments, Display};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use log::Level;

use crate::kernel::failure::{Site, guarded};

thread_local! {
    /// The program's logger is being called by candor.
    static IS_LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Prints a report or a warning: to the program's logger if that takes it, otherwise to stderr.
///
/// If the logger panics, or stderr is closed, the executor goes on, and as much as possible is
/// printed.
pub(crate) fn print(level: Level, report: &str) {
    let target = match level {
        Level::Error => "candor::failure",
        _ => "candor",
    };
    match logged(target, level, format_args!("{report}")) {
        Ok(true) => {}
        Ok(false) => print_to_stderr(report),
        Err(message) => print_to_stderr(&format!(
            "{report}\n   the logger panicked while it was given this report: {message}"
        )),
    }
}

/// Prints a text about a task. If the logger has spawned that task, the text does not go to the logger: it might spawn
/// another task for it, and so on without end.
pub(crate) fn print_of_task(is_of_logger: bool, level: Level, report: &str) {
    match is_of_logger {
        true => print_to_stderr(report),
        false => print(level, report),
    }
}

/// Whether the program's logger is being called on this thread.
pub(crate) fn is_logging() -> bool {
    IS_LOGGING.get()
}

/// Warns once for each place in the source. `what` distinguishes the kinds of warnings.
pub(crate) fn warn_once(what: &'static str, place: Site, warning: impl FnOnce() -> String) {
    if is_first(what, place) {
        print(Level::Warn, &warning());
    }
}

/// Whether this is the first time that it is asked for this place in the source. `what` distinguishes the kinds of warnings.
pub(crate) fn is_first(what: &'static str, place: Site) -> bool {
    type Places = HashSet<(&'static str, Site)>;
    static WARNED: Mutex<Option<Places>> = Mutex::new(None);
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    warned.get_or_insert_default().insert((what, place))
}

/// Gives the logger a line at the trace level, if it is not being called already.
pub(crate) fn trace(line: Arguments<'_>) {
    say_if_it_panicked(logged("candor", Level::Trace, line));
}

/// Whether the logger takes lines at the trace level.
pub(crate) fn is_traced() -> bool {
    log::max_level() >= Level::Trace
        && say_if_it_panicked(with_logger(
            || log::log_enabled!(target: "candor", Level::Trace),
        )) == Some(Some(true))
}

/// Lets a logger with a buffer write it out: the process is about to end.
pub(crate) fn flush() {
    say_if_it_panicked(with_logger(|| log::logger().flush()));
}

/// Prints without user code, because the process is about to abort.
pub(crate) fn print_last_words(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).ok();
}

/// Returns whether the logger took it; or the message of its panic.
fn logged(target: &str, level: Level, text: Arguments<'_>) -> Result<bool, String> {
    let taken = with_logger(|| {
        let taken = log::log_enabled!(target: target, level);
        if taken {
            log::log!(target: target, level, "{text}");
        }
        taken
    });
    Ok(taken?.unwrap_or(false))
}

/// Calls the program's logger; `None` if it is being called already. If it panics, returns the message of the panic.
fn with_logger<R>(call: impl FnOnce() -> R) -> Result<Option<R>, String> {
    if IS_LOGGING.replace(true) {
        return Ok(None);
    }
    let called = guarded(call);
    IS_LOGGING.set(false);
    called.map(Some).map_err(|caught| caught.quoted(""))
}

/// Prints that the logger panicked, if there is no report to which that could be added.
fn say_if_it_panicked<R>(called: Result<R, String>) -> Option<R> {
    called
        .map_err(|message| print_to_stderr(&format!("the logger panicked: {message}")))
        .ok()
}

/// `eprint!` and not a write to `io::stderr()`, because only that is captured by `cargo test`.
fn print_to_stderr(report: &str) {
    eprint!("{}", Unfailing(&format!("{report}\n")));
}

/// A text whose writing ignores errors. `eprint!` panics if stderr is closed or full, and that panic would run the program's
/// own hook, or abort.
struct Unfailing<'a>(&'a str);

impl Display for Unfailing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0).ok();
        Ok(())
    }
}
