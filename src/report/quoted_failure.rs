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
use crate::report::quoting::{MORE_LINES, WIDTH_LIMIT, cut_at, first_line};

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
        // It is looked for before anything is cut. Of a text of many lines, such as that of anyhow, the others are causes.
        let (line, more) = first_line(text);
        let line = in_one_line(line);
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
