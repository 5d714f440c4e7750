//! The text of a report.
//!
//! ```text
//! task #7 `fetch` panicked: index out of bounds: the len is 3 but the index is 5
//!    at src/net.rs:13:38
//!         let third = columns[5].trim();
//!    last await: sleep at src/net.rs:12:20
//!    spawned at src/main.rs:20:15 by task #3 `accept`
//!    spawned at src/main.rs:9:9 by block_on at src/main.rs:33:5
//!    backtrace (14 runtime frames hidden):
//!       0: app::net::parse
//!              at src/net.rs:13:38
//!              let third = columns[5].trim();
//! ```
//!
//! The first lines say what a reader needs. A stripped binary has no names for its frames, so its reports
//! have only these lines. A report is one write, so that the reports of two threads do not mix.
//!
//! A failure that tasks have passed on is reported once: the first failure in full, and one line for each task:
//!
//! ```text
//! task #1 `serve` failed: task #3 `read` failed: the disk is full
//!    at src/disk.rs:7:9
//!    caused by task #3 `read` failed: the disk is full
//!       spawned at src/fetch.rs:20:15 by task #2 `fetch`
//!    passed on by task #2 `fetch`, last await: JoinHandle at src/fetch.rs:21:10, spawned at src/main.rs:12:9
//!    passed on by task #1 `serve`, last await: JoinHandle at src/main.rs:13:7, spawned at src/main.rs:9:9
//! ```
//!
//! Knows no task and no executor.

use std::sync::atomic::Ordering;

use crate::kernel::failure::{Account, FailureKind, Location, Parts, TaskFailure};
use crate::report::lines::{INDENT, Lines, Report};
use crate::report::quoted_failure::Quote;
use crate::report::quoting::{quoted, quoted_line};

/// How many tasks that passed a failure on are named at either end of a chain.
const LINKS: usize = 16;

/// How many levels of a tree are moved to the right.
const DEEPEST: usize = 16;

impl TaskFailure {
    /// The first line of the report, and the lines of the message: which task failed, how, and its message.
    fn headline(&self) -> String {
        let message = match &self.0.first {
            None => quoted(self.message(), INDENT),
            Some(_) => self.words(),
        };
        let remark = self.remark();
        format!("{} {}{remark}: {message}", self.0.origin, self.verb())
    }

    fn remark(&self) -> &'static str {
        match self.0.is_overdue.load(Ordering::Relaxed) {
            true => " (not awaited yet)",
            false => "",
        }
    }

    /// Which task failed, how, and its message, in one line.
    pub(crate) fn one_line(&self) -> String {
        format!("{} {}: {}", self.0.origin, self.verb(), self.words())
    }

    fn verb(&self) -> &'static str {
        match self.0.kind {
            FailureKind::Panicked => "panicked",
            FailureKind::Failed => "failed",
            FailureKind::Caught => "caught a panic of its own",
        }
    }

    /// The message in one line. If it passes another failure on, the first failure is quoted once.
    pub(super) fn words(&self) -> String {
        let Some(first) = &self.0.first else {
            return quoted_line(self.message());
        };
        match Quote::of(first, self.message()) {
            Some(quote) => quote.around(&quote.quoted),
            None => {
                let beside = Quote::beside(first, self.message());
                format!("{beside}: {}", first.one_line())
            }
        }
    }
}

/// The full report.
pub(crate) fn of(failure: &TaskFailure) -> String {
    let report = Report::with_number(failure.number_of_report());
    let members = report.members(&failure.0.account);
    let mut text = body(failure, &report, true);
    write_tree(&mut text, &report, members, INDENT);
    if report.number != 0 {
        failure.claim_carried(report.number);
    }
    text
}

/// A line that stands for the report of a failure whose like was reported in full not long ago.
pub(crate) fn again(failure: &TaskFailure, times: u64) -> String {
    let [verb, remark] = [failure.verb(), failure.remark()];
    format!(
        "{} {verb}{remark}: {} ({times} times in the last minute, the first time in full)",
        failure.0.origin,
        failure.words()
    )
}

/// What `{:?}` of a group's error is.
pub(crate) fn of_group<'a>(
    headline: String,
    failures: impl Iterator<Item = &'a TaskFailure>,
) -> String {
    let mut text = headline;
    let report = Report::with_number(0);
    write_tree(&mut text, &report, failures.collect(), 0);
    text
}

/// The `{:?}` of an error that is no task's failure, or not yet.
pub(crate) fn of_error(account: &Account, made_at: &Location) -> String {
    let report = Report::with_number(0);
    let members = report.members(account);
    let mut lines = Lines {
        text: quoted(&account.message, INDENT),
        report: &report,
        with_frames: true,
    };
    let add_place = |lines: &mut Lines<'_>| lines.add_place(made_at, account);
    lines.add_account(account, None, add_place);
    let mut text = lines.text;
    write_tree(&mut text, &report, members, INDENT);
    text
}

/// The report without the failures of a group. Those are a tree below it.
fn body(failure: &TaskFailure, report: &Report, with_frames: bool) -> String {
    let mut lines = Lines {
        text: failure.headline(),
        report,
        with_frames,
    };
    let account = &failure.0.account;
    let add_details = |lines: &mut Lines<'_>| lines.add_details(failure, account.location.as_ref());
    lines.add_account(account, Some(failure), add_details);
    report.note(failure);
    lines.text
}

impl Lines<'_> {
    /// Adds where it happened, and the lineage of the task.
    fn add_details(&mut self, failure: &TaskFailure, place: Option<&Location>) {
        let Parts {
            account, origin, ..
        } = &*failure.0;
        if let Some(location) = place {
            self.add_place(location, account);
        }
        if let Some(last_await) = origin.last_await {
            self.add(format_args!("{}: {last_await}", last_await.label()));
        }
        self.text += &origin.spawned_by.lines(origin.spawned_at, INDENT);
    }

    /// Adds the part below the headline: details, causes, frames and help. `last` is the task that passed a
    /// failure on last.
    fn add_account(
        &mut self,
        account: &Account,
        last: Option<&TaskFailure>,
        add_details: impl FnOnce(&mut Self),
    ) {
        let Some(next) = &account.passes_on else {
            add_details(self);
            self.add_causes(account);
            self.add_guess(account);
            self.add_frames(account);
            return;
        };
        let (mut links, end) = self.report.chain(next);
        if self.report.is_after_that_of(end) {
            add_details(self);
            self.add_links(&links, end);
            // Numbers are unique only within their executor. A task may also resume a panic that it caught before.
            let cause = &end.0.origin;
            let is_of_another = last.is_some_and(|last| {
                let origin = &last.0.origin;
                origin.id == cause.id && origin.spawned_at != cause.spawned_at
            });
            let executor = match is_of_another {
                true => " of another executor",
                false => "",
            };
            self.add(format_args!("caused by {cause}{executor}, reported above"));
            return;
        }
        let first = &end.0.account;
        let place = first.location.as_ref();
        let is_panic = end.kind() == FailureKind::Panicked;
        // If the place differs from the first failure's, it is the place of a `?`, where nothing has failed.
        let is_passed_whole = account.location.as_ref() == place;
        // For an error without a place, the place of the `?` is better than none. For a panic it would mislead.
        let is_best = place.is_none() && !is_panic;
        if let (Some(place), true) = (&account.location, is_passed_whole || is_best) {
            self.add_place(place, account);
        }
        let mut cause = Lines {
            text: end.headline(),
            ..*self
        };
        cause.add_details(end, place.filter(|_| !is_passed_whole));
        cause.add_causes(first);
        cause.add_guess(first);
        let cause = cause.text.replace('\n', "\n   ");
        self.add(format_args!("caused by {cause}"));
        links.iter().for_each(|link| self.report.note(link));
        self.report.note(end);
        links.splice(0..0, last);
        self.add_links(&links, end);
        // If the first failure has no frames, the frames of a `?` on the way are better than none.
        let knows_frames = first.backtrace.is_some() || first.help.is_none();
        if !knows_frames && !is_panic && account.backtrace.is_some() {
            self.add_frames(account);
        }
        self.add_frames(first);
    }

    /// Adds the panic that was perhaps resumed here. It is no part of a chain, and its place and frames stand below it alone.
    fn add_guess(&mut self, account: &Account) {
        let Some(panic) = &account.perhaps else {
            return;
        };
        let known = &panic.0.account;
        let is_above = self.report.is_after_that_of(panic);
        let mut guess = Lines {
            text: match is_above {
                true => format!("{}, reported above", panic.0.origin),
                false => panic.headline(),
            },
            ..*self
        };
        match (is_above, &known.location) {
            (false, place) => {
                guess.add_details(panic, place.as_ref());
                guess.add_frames(known);
            }
            (true, Some(place)) => guess.add_place(place, known),
            (true, None) => {}
        }
        let guess = guess.text.replace('\n', "\n   ");
        self.add(format_args!("perhaps caused by {guess}"));
    }

    /// Adds a line for each task that passed the failure on, the nearest to the failure first.
    fn add_links(&mut self, links: &[&TaskFailure], end: &TaskFailure) {
        let omitted = LINKS..links.len().saturating_sub(LINKS);
        for (number, link) in links.iter().rev().enumerate() {
            if number == LINKS && !omitted.is_empty() {
                let more = omitted.len();
                self.add(format_args!("passed on by {more} more tasks"));
            }
            if !omitted.contains(&number) {
                self.add_link(link, end);
            }
        }
    }

    fn add_link(&mut self, link: &TaskFailure, end: &TaskFailure) {
        let Parts {
            account, origin, ..
        } = &*link.0;
        self.add(format_args!("passed on by {origin}"));
        // An error takes over the place of the failure that it carries.
        let carried = account.passes_on.as_ref().unwrap_or(end);
        let others = [carried, end].map(|from| from.0.account.location.as_ref());
        let place = (account.location.as_ref()).filter(|place| !others.contains(&Some(*place)));
        if let Some(place) = place {
            self.text += &format!(" at {place}");
        }
        let texts = [&account.message].into_iter().chain(&account.sources);
        let own = |text: &String| match Quote::of(end.first(), text) {
            Some(quote) => quote.own_words(),
            None => Quote::beside(end.first(), text),
        };
        let mut words: Vec<_> = texts.map(own).collect();
        words.retain(|words| !words.is_empty());
        if !words.is_empty() {
            self.text += &format!(" as: {}", words.join(": "));
        }
        if let Some(last_await) = origin.last_await {
            self.text += &format!(", {}: {last_await}", last_await.label());
        }
        if let Some(site) = origin.spawned_at {
            self.text += &format!(", spawned at {}", Location::from(site));
        }
    }
}

impl Report {
    /// The tasks that passed a failure on, the last one first. And the failure at the end of the chain: the first one, or the
    /// nearest one that was reported before.
    fn chain<'a>(&self, from: &'a TaskFailure) -> (Vec<&'a TaskFailure>, &'a TaskFailure) {
        let (mut links, mut end) = (Vec::new(), from);
        while !self.is_after_that_of(end)
            && let Some(next) = &end.0.account.passes_on
        {
            links.push(end);
            end = next;
        }
        (links, end)
    }

    /// The failures of the group that caused this failure, or the one that it passes on.
    fn members<'a>(&self, account: &'a Account) -> Vec<&'a TaskFailure> {
        let end = account.passes_on.as_ref().map(|next| self.chain(next).1);
        let account = match end {
            None => account,
            Some(end) if self.is_after_that_of(end) => return Vec::new(),
            Some(end) => &end.0.account,
        };
        account.group.iter().collect()
    }
}

/// Writes the failures of a group below each other, and those of nested groups. It keeps a list of what still has to be
/// written, and does not recurse: groups may be nested deeply.
fn write_tree(text: &mut String, report: &Report, failures: Vec<&TaskFailure>, indent: usize) {
    let mut branches = Vec::new();
    let grow = |branches: &mut Vec<_>, failures: Vec<_>, prefix: &str, level: usize| {
        let last = failures.len().saturating_sub(1);
        for (number, failure) in failures.into_iter().enumerate().rev() {
            branches.push((failure, prefix.to_owned(), number == last, level));
        }
    };
    grow(&mut branches, failures, &" ".repeat(indent), 1);
    while let Some((failure, prefix, is_last, level)) = branches.pop() {
        let [branch, below] = match is_last {
            true => ["└─ ", "   "],
            false => ["├─ ", "│  "],
        };
        let below = format!("{prefix}{below}");
        let (told, members) = match report.is_after_that_of(failure) {
            true => (
                format!("{}, reported above", failure.one_line()),
                Vec::new(),
            ),
            false => {
                let members = report.members(&failure.0.account);
                (body(failure, report, members.is_empty()), members)
            }
        };
        let told = told.replace('\n', &format!("\n{below}"));
        // Deeper levels are not moved any more, so they have their number.
        let level_here = match level > DEEPEST {
            true => format!("(level {level}) "),
            false => String::new(),
        };
        text.push_str(&format!("\n{prefix}{branch}{level_here}{told}"));
        let below = match level < DEEPEST {
            true => format!("{below}{:INDENT$}", ""),
            false => prefix,
        };
        grow(&mut branches, members, &below, level + 1);
    }
}
