//! The lines of a report that say what a panic or an error knows: its place, its causes, its frames, and help.
//!
//! Knows frames and lines of source, but not how failures are passed on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;

use crate::kernel::failure::{Account, Help, Location, TaskFailure};
use crate::report::backtrace::{shortened, whole_path};
use crate::report::quoting::quoted;
use crate::report::resolving::resolved;
use crate::report::source_line::Sources;

/// How far the lines below the headline are moved to the right.
pub(super) const INDENT: usize = 3;

/// What all parts of one report share.
pub(super) struct Report {
    pub(super) sources: Sources,
    /// 0 if it was not given out.
    pub(super) number: u64,
    /// The addresses of the failures that this report holds so far. Several errors may carry the same one.
    told: RefCell<BTreeSet<usize>>,
}

impl Report {
    pub(super) fn with_number(number: u64) -> Self {
        Report {
            sources: Sources::new(),
            number,
            told: RefCell::default(),
        }
    }

    /// Whether this failure stands in full in another report, or above in this one.
    pub(super) fn is_after_that_of(&self, failure: &TaskFailure) -> bool {
        let number = failure.number_of_report();
        let is_in_another = number != 0 && number != self.number;
        is_in_another || self.told.borrow().contains(&failure.address())
    }

    /// Notes that this failure stands in this report.
    pub(super) fn note(&self, failure: &TaskFailure) {
        self.told.borrow_mut().insert(failure.address());
    }
}

/// The text of a report, to which lines are added below the headline.
pub(super) struct Lines<'a> {
    pub(super) text: String,
    pub(super) report: &'a Report,
    /// Whether frames and help are shown. In a tree, a report with branches of its own leaves them to these.
    pub(super) with_frames: bool,
}

impl Lines<'_> {
    pub(super) fn add(&mut self, what: impl Display) {
        self.text += &format!("\n{:INDENT$}{what}", "");
    }

    /// Adds a place, and below it the line of source. The frames of the account know where its file is.
    pub(super) fn add_place(&mut self, place: &Location, account: &Account) {
        self.add(format_args!("at {place}"));
        let sources = &self.report.sources;
        if sources.are_shown() {
            let own = || account.backtrace.as_ref().map(|frames| resolved(frames));
            let frames = account.foreign_backtrace.clone().or_else(own);
            let frames = frames.unwrap_or_default();
            if let Some(path) = whole_path(place.file(), &frames) {
                self.text += &sources.below(&path, place.line(), INDENT + 5);
            }
        }
    }

    pub(super) fn add_causes(&mut self, account: &Account) {
        for source in &account.sources {
            self.add(format_args!("caused by: {}", quoted(source, INDENT)));
        }
    }

    /// Adds the frames, and the help that stands at the end of a report.
    pub(super) fn add_frames(&mut self, account: &Account) {
        if !self.with_frames {
            return;
        }
        let foreign = account.foreign_backtrace.clone();
        let frames = foreign.or_else(|| Some(resolved(account.backtrace.as_ref()?)));
        if let Some(frames) = frames {
            let frames = shortened(&frames, shows_all_frames(), &self.report.sources);
            self.add(frames.replace('\n', "\n   "));
        }
        if let Some(help) = help_of(account) {
            self.add(format_args!("help: {help}"));
        }
    }
}

fn shows_all_frames() -> bool {
    std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value == "full")
}

/// What else the reader should know.
fn help_of(account: &Account) -> Option<&'static str> {
    if account.message.starts_with("there is no reactor running") {
        return Some(
            "tokio's own timers, sockets and tasks need a runtime of tokio around them. In candor use candor::sleep \
             and candor::spawn, and async-net, async-process or hyper over async-io; or let tokio run the executor: \
             `executor.run_until(future).await` inside of tokio",
        );
    }
    if account.perhaps.is_some() {
        return Some(
            "this panic was resumed by resume_unwind, or raised where candor's panic hook did not see it. Its payload is equal \
             to the one of that task, but may have been made anew (`Panic::resume()` keeps what is known of a task's panic)",
        );
    }
    Some(match account.help? {
        Help::ProcessAborts => "this panic cannot unwind: the process aborts now",
        Help::NotSeen {
            may_be_skipped: true,
        } => {
            "no backtrace: the task has caught very many panics in this poll, and this one was resumed by resume_unwind: \
             it may be one of those that were only counted, or come from elsewhere"
        }
        Help::NotSeen { .. } => {
            "no backtrace: this panic did not pass candor's panic hook. Either it was raised elsewhere, on another thread \
             perhaps, whose hook has printed it, and was resumed here by resume_unwind (`Panic::resume()` keeps what is known of a \
             task's panic); or the program has set another hook \
             (std::panic::set_hook) since it first used candor; set that one first"
        }
        Help::NoOrigin => {
            "this error type does not know where it was made; candor::Error does: return candor::Result and use `?` to see \
             the place and its backtrace"
        }
    })
}
