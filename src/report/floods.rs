//! The same report, again and again: once in full, then a line each.
//!
//! ```text
//! boom ──► in full ──► boom ──► one line ──► boom ──► one line ── a minute later ──► boom ──► in full
//! ```
//!
//! A server that fails at each request would write thousands of lines that say the same, and what is new would be lost among
//! them. So a report that says what another one has said less than a minute ago is a line: which task, and how often it has come.
//! Nothing is left out, as each failure has its line.
//!
//! Two reports say the same if kind, message, place and spawn site are the same, and those of all failures that they carry. The
//! message is taken with the sources behind it. If it carries failures of other tasks, it is taken without the numbers and the
//! names of tasks. Of a report only a number is kept, that of its words, since a message may be long.
//!
//! Each thread remembers its own, as each executor is of one thread: what a test prints does not depend on another test.
//!
//! Knows failures, and the real clock.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::time::{Duration, Instant};

use crate::kernel::failure::{Account, Root, TaskFailure};

/// How long a report is remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// How many are remembered.
const REMEMBERED: usize = 64;

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::default();
}

/// Counts a report that is about to be printed; says how often its like has come since it was printed in full, this one
/// included.
pub(crate) fn count(failure: &TaskFailure) -> u64 {
    let counted = RECENT.try_with(|recent| {
        let recent = &mut *recent.borrow_mut();
        let mut hasher = recent.words.build_hasher();
        hash(failure, &mut hasher);
        recent.count(hasher.finish(), Instant::now())
    });
    // Where the thread is ending, nothing is remembered.
    counted.unwrap_or(1)
}

/// What was reported in full within the last minute.
#[derive(Default)]
struct Recent {
    words: RandomState,
    /// The oldest first.
    reports: VecDeque<Report>,
}

struct Report {
    words: u64,
    printed: Instant,
    times: u64,
}

impl Recent {
    fn count(&mut self, words: u64, now: Instant) -> u64 {
        let is_over = |report: &Report| now.saturating_duration_since(report.printed) >= MEMORY;
        while self.reports.front().is_some_and(is_over) {
            self.reports.pop_front();
        }
        if let Some(known) = self.reports.iter_mut().find(|known| known.words == words) {
            known.times += 1;
            return known.times;
        }
        if self.reports.len() == REMEMBERED {
            self.reports.pop_front();
        }
        self.reports.push_back(Report {
            words,
            printed: now,
            times: 1,
        });
        1
    }
}

/// What a report says, and who it is not.
fn hash(failure: &TaskFailure, hasher: &mut impl Hasher) {
    // The logger is not given what its own tasks fail with: so it has not seen that.
    failure.lineage().is_of_logger().hash(hasher);
    // All that it carries: the same words may stand before different causes.
    let (mut carried, mut known) = (Vec::new(), BTreeSet::new());
    let mut next = Some(failure);
    while let Some(failure) = next {
        hash_head(failure, hasher);
        hash_words(failure, hasher);
        let Account {
            passes_on, group, ..
        } = &failure.0.account;
        let here = passes_on.iter().chain(group);
        carried.extend(here.filter(|failure| known.insert(failure.address())));
        next = carried.pop();
    }
}

/// The message and the sources. If there are failures of other tasks in them, without the numbers and names of tasks.
fn hash_words(failure: &TaskFailure, hasher: &mut impl Hasher) {
    let account = &failure.0.account;
    let carries = account.passes_on.is_some() || !account.group.is_empty();
    let sources = account.sources.iter().map(String::as_str);
    for text in sources.chain([failure.message()]) {
        let mut parts = text.split("task #");
        parts.next().hash(hasher);
        for part in parts {
            let words = if carries { behind_the_name(part) } else { part };
            words.hash(hasher);
        }
    }
}

/// What follows the number of a task, and its name in backticks.
fn behind_the_name(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let Some(name) = text.strip_prefix(" `") else {
        return text;
    };
    // A backtick in a name is escaped, and so is a backslash.
    let is_escaped = |name: &str| (name.len() - name.trim_end_matches('\\').len()) % 2 == 1;
    let mut ends = name.match_indices('`').map(|(at, _)| name.split_at(at));
    let end = ends.find(|(name, _)| !is_escaped(name));
    end.map_or(text, |(_, behind)| behind)
}

fn hash_head(failure: &TaskFailure, hasher: &mut impl Hasher) {
    failure.kind().hash(hasher);
    failure.0.account.location.hash(hasher);
    failure.0.origin.spawned_at.hash(hasher);
    // The main future was not spawned: it began where its executor was entered.
    if let Root::Entry(entry) = &failure.lineage().root
        && failure.0.origin.spawned_at.is_none()
    {
        entry.at.hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::failure::text::quoted_name;

    #[test]
    fn the_full_one_comes_again_after_a_minute() {
        let mut recent = Recent::default();
        let start = Instant::now();
        let mut count = |seconds| recent.count(7, start + Duration::from_secs(seconds));
        assert_eq!([0, 0, 59].map(&mut count), [1, 2, 3]);
        assert_eq!([60, 61, 119].map(&mut count), [1, 2, 3]);
        assert_eq!([3_000].map(&mut count), [1]);
    }

    #[test]
    fn a_name_ends_at_its_backtick_whatever_it_holds() {
        for name in ["a", r"a\", r"\\", "`", r"\`", r"a`\"] {
            let text = format!("7 {} panicked: `no`", quoted_name(name));
            assert_eq!(behind_the_name(&text), "` panicked: `no`", "{text}");
        }
    }

    #[test]
    fn sixty_four_are_remembered_and_the_oldest_gives_way() {
        let mut recent = Recent::default();
        let now = Instant::now();
        let all: Vec<_> = (0..64).map(|words| recent.count(words, now)).collect();
        assert_eq!(all, [1; 64]);
        assert_eq!([0, 63, 64].map(|words| recent.count(words, now)), [2, 2, 1]);
        assert_eq!([1, 0].map(|words| recent.count(words, now)), [2, 1]);
        assert_eq!(recent.reports.len(), REMEMBERED);
    }
}
