//! How the text of an error quotes the failure that it passes on.
//!
//! Most errors that carry the failure of another task write its line somewhere in their own text. A report says that line once, and
//! also has to know which words are the error's own:
//!
//! ```text
//! Job(task #3 failed: no disk …) (app::Job)
//! ────┬───────────────────────┬────────────
//! before        quoted          after           own words: Job(…) (app::Job)
//! ```
//!
//! Knows failures, and how a text is put in one line.

use crate::kernel::failure::{TaskFailure, in_one_line};
use crate::report::quoting::{MORE_LINES, WIDTH_LIMIT, cut_at, first_line, quoted_line};

/// What stands above the causes in the text of an error of anyhow.
const CAUSES: &str = "Caused by:";

/// How a text quotes the first failure.
pub(super) struct Quote {
    before: String,
    /// The line that names the task, or only its words.
    pub(super) quoted: String,
    after: String,
}

impl Quote {
    /// `None` if the text does not quote this failure in its first line. Of the words alone, which may be there by chance, the
    /// line has to end in them.
    pub(super) fn of(first: &TaskFailure, text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            // What a report shows for it are no words of the failure, even if that shows the same.
            return None;
        }
        // It is looked for before anything is cut. Of a text of many lines, such as that of anyhow, the others are causes.
        let (line, more) = first_line(text);
        let line = in_one_line(line);
        let more = match more {
            MORE_LINES if is_the_rest_quoted(first, text) => "",
            more => more,
        };
        let without_mark = |text: &str| text.trim_end_matches(MORE_LINES).to_owned();
        let [name, words] = [first.one_line(), first.words()];
        let (before, quoted, after) = match line.split_once(&without_mark(&name)) {
            Some((before, after)) => (before, name, after.trim_start_matches(MORE_LINES)),
            None => {
                let line = line.trim_end_matches(MORE_LINES);
                let before = line.strip_suffix(&without_mark(&words))?;
                let is_apart = before.is_empty() || before.ends_with(": ");
                (is_apart.then_some(before)?, words, "")
            }
        };
        let is_marked = !after.is_empty() || !quoted.ends_with(MORE_LINES);
        Some(Quote {
            before: before.to_owned(),
            after: after.to_owned() + if is_marked { more } else { "" },
            quoted,
        })
    }

    /// The first line of a text that does not quote the failure in it.
    pub(super) fn beside(first: &TaskFailure, text: &str) -> String {
        let line = quoted_line(text);
        match line.strip_suffix(MORE_LINES) {
            Some(line) if is_the_rest_quoted(first, text) => line.to_owned(),
            _ => line,
        }
    }

    /// The text with `middle` where the failure is quoted.
    pub(super) fn around(&self, middle: &str) -> String {
        let (before, colon) = match self.before.strip_suffix(": ") {
            Some(before) => (before, ": "),
            None => (&*self.before, ""),
        };
        let [before, after] = [before, &self.after].map(|text| cut_at(WIDTH_LIMIT, text));
        format!("{before}{colon}{middle}{after}")
    }

    /// What the text says beside the failure.
    pub(super) fn own_words(&self) -> String {
        let is_last = self.after.trim_start_matches(MORE_LINES).is_empty();
        match self.before.strip_suffix(": ") {
            Some(before) if is_last => cut_at(WIDTH_LIMIT, before),
            None if is_last && self.before.is_empty() => String::new(),
            _ => self.around("…"),
        }
    }
}

/// Whether each line but the first quotes the failure, as the causes do in a text of anyhow. Then nothing is missing without them.
fn is_the_rest_quoted(first: &TaskFailure, text: &str) -> bool {
    let name = first.one_line();
    let name = name.trim_end_matches(MORE_LINES);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut others = lines.skip(1).filter(|line| *line != CAUSES);
    others.all(|line| in_one_line(line).contains(name))
}
