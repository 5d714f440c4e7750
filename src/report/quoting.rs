//! Text that cannot forge a report.
//!
//! A report quotes text of users: panic messages, error texts, task names. Some of it comes from the
//! network. A message with a newline and `task #8 failed` in it would look like a second report. A message
//! with `\r` or an ANSI escape could overwrite the first one, and a message of a gigabyte would hide it.
//! So all of this text goes through this file.
//!
//! ```text
//! "lost\n\x1b[2Ktask #8 failed"   becomes   lost
//!                                              | \u{1b}[2Ktask #8 failed
//! ```
//!
//! Making the text of a value is also the last step at which a failure can be lost: a `Debug` that panics
//! must not prevent the report of its own error. [`debug_of`] and [`display_of`] give what went wrong in
//! place of the missing text.
//!
//! Knows no task and no failure: values go in, and text comes out.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{Debug, Display, Write};
use std::mem;

use crate::kernel::failure::{Caught, guarded, in_one_line, payload_text, push_visible};

/// How many bytes of a message a report shows.
const MESSAGE_LIMIT: usize = 16 * 1024;

/// How many lines of a message a report shows.
const LINE_LIMIT: usize = 400;

/// Quotes a message in a report: its first line that is not blank as it is, each further one after a bar that is indented by
/// `indent`. Ends without a newline.
pub(crate) fn quoted(message: &str, indent: usize) -> String {
    let Some(message) = without_blank_lines(message) else {
        return NO_WORDS.to_owned();
    };
    let shown = beginning_of(message, MESSAGE_LIMIT);
    let shown = match shown.match_indices('\n').nth(LINE_LIMIT - 1) {
        Some((end, _)) if end + 1 < message.len() => &shown[..end],
        _ => shown,
    };
    let mut quote = String::with_capacity(shown.len());
    for (number, line) in shown.lines().enumerate() {
        if number > 0 {
            let bar = if line.is_empty() { "|" } else { "| " };
            quote.push('\n');
            quote.extend(std::iter::repeat_n(' ', indent));
            quote.push_str(bar);
        }
        for c in line.chars() {
            match c {
                '\t' => quote.push(c),
                c => push_visible(&mut quote, c),
            }
        }
    }
    if shown.len() < message.len() {
        let rest = message.len() - shown.len();
        quote.push_str(&format!("… ({rest} more bytes)"));
    }
    quote
}

/// As much of a text as fits into so many bytes.
pub(crate) fn beginning_of(text: &str, limit: usize) -> &str {
    let mut ends = (0..=limit.min(text.len())).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// A message from its first line that is not blank; `None` if there is none.
fn without_blank_lines(message: &str) -> Option<&str> {
    let word = message.find(|c: char| !c.is_whitespace())?;
    let before = &message[..word];
    Some(&message[before.rfind('\n').map_or(0, |newline| newline + 1)..])
}

/// How many characters of a message are shown in one line.
pub(crate) const WIDTH_LIMIT: usize = 1024;

/// What follows the first line of a message that has more of them.
pub(crate) const MORE_LINES: &str = " …";

/// Quotes a message in one line: its first line that is not blank.
pub(crate) fn quoted_line(message: &str) -> String {
    let (line, more) = first_line(message);
    match line.chars().nth(WIDTH_LIMIT) {
        Some(_) => cut_at(WIDTH_LIMIT, line),
        None => in_one_line(line) + more,
    }
}

/// The first line of a message that is not blank, however long; and a mark if that is not all.
pub(crate) fn first_line(message: &str) -> (&str, &'static str) {
    let Some(message) = without_blank_lines(message) else {
        return (NO_WORDS, "");
    };
    let line = message.lines().next().unwrap_or_default();
    match without_blank_lines(&message[line.len()..]) {
        Some(_) => (line, MORE_LINES),
        None => (line, ""),
    }
}

/// A line with at most so many characters, and `…` if there are more.
pub(crate) fn cut_at(limit: usize, line: &str) -> String {
    match line.char_indices().nth(limit) {
        Some((end, _)) => in_one_line(&line[..end]) + "…",
        None => in_one_line(line),
    }
}

/// How many bytes of a text are kept. Some texts have no end: that of an error of anyhow, for example, whose chain of sources is a
/// circle.
const TEXT_LIMIT: usize = 16 << 20;

/// What a report shows for an empty message.
pub(crate) const NO_WORDS: &str = "(an empty message)";

/// Renders `{:?}`. If that fails, as much of it as there is, and what went wrong.
pub(crate) fn debug_of(value: &dyn Debug) -> String {
    rendered("Debug", |text| write!(text, "{value:?}"))
}

/// Renders `{}`. If that fails, as much of it as there is, and what went wrong.
pub(crate) fn display_of(value: &dyn Display) -> String {
    rendered("Display", |text| write!(text, "{value}"))
}

/// The sources of an error, the nearest first. If one cannot be asked for its source, what went wrong comes last.
pub(crate) fn sources_of<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = Source<'a>> {
    std::iter::successors(source_of(error), |source| source_of(*source.as_ref().ok()?))
}

pub(crate) type Source<'a> = Result<&'a (dyn StdError + 'static), String>;

fn source_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<Source<'a>> {
    match guarded(|| error.source()) {
        Ok(source) => source.map(Ok),
        Err(caught) => Some(Err(caught.into_text_of("source()"))),
    }
}

fn rendered(trait_name: &str, render: impl FnOnce(&mut Limited) -> std::fmt::Result) -> String {
    let mut text = Limited::default();
    // All that was written before the unwinding is whole characters, so the text is still valid.
    let result = guarded(|| render(&mut text));
    let Limited { mut text, is_full } = text;
    let trouble = match result {
        Ok(_) if is_full => format!("<its {trait_name} wrote more than {TEXT_LIMIT} bytes>"),
        Ok(Ok(())) => return text,
        Ok(Err(_)) => format!("<its {trait_name} returned an error>"),
        Err(caught) => caught.into_text_of(trait_name),
    };
    if !text.is_empty() {
        text.push(' ');
    }
    text + &trouble
}

/// A text that takes no more once it is full. Then a `Debug` that passes errors on comes to an end.
#[derive(Default)]
struct Limited {
    text: String,
    is_full: bool,
}

impl Write for Limited {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        self.is_full |= self.text.len() + more.len() > TEXT_LIMIT;
        if self.is_full {
            return Err(std::fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

impl Caught {
    /// The message of the panic, then `remark`, then the place of the panic.
    pub(crate) fn quoted(self, remark: &str) -> String {
        let message = payload_text(&*self.payload).unwrap_or("a payload that is not text");
        let place = self.place.as_ref();
        let place = place.map_or_else(String::new, |place| format!(" (it panicked at {place})"));
        let quote = format!("{}{remark}{place}", quoted(message, 3));
        quote + drop_quoted(self.payload)
    }

    /// The replacement for a text that `what` should have given.
    pub(crate) fn into_text_of(self, what: &str) -> String {
        let message = payload_text(&*self.payload).unwrap_or("a payload that is not text");
        let trouble = format!("<its {what} panicked: {message}>");
        trouble + drop_quoted(self.payload)
    }
}

/// Drops a payload, and says if that panics. What it panics with is leaked: it may do the same when it is dropped, and so on
/// without end.
fn drop_quoted(payload: Box<dyn Any + Send>) -> &'static str {
    let Err(again) = guarded(|| drop(payload)) else {
        return "";
    };
    mem::forget(again.payload);
    " (its payload panicked when it was dropped)"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::{Formatter, Result};
    use std::panic::panic_any;

    /// A value whose `Debug` and `Display` call the function that it holds.
    struct Shown(fn(&mut Formatter<'_>) -> Result);

    impl Debug for Shown {
        fn fmt(&self, f: &mut Formatter<'_>) -> Result {
            (self.0)(f)
        }
    }

    impl Display for Shown {
        fn fmt(&self, f: &mut Formatter<'_>) -> Result {
            (self.0)(f)
        }
    }

    /// A payload whose drop panics with another such payload, as many times as the number says.
    struct PanicsWhenDropped(u8);

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            if let Some(rest) = self.0.checked_sub(1) {
                panic_any(Self(rest));
            }
        }
    }

    #[test]
    fn plain_text_of_any_language_is_quoted_as_it_stands() {
        for plain in [
            "index out of bounds",
            "a\tb",
            "größer als 5 µs",
            "C:\\new \"x\"",
            "👩‍🚀",
        ] {
            assert_eq!(quoted(plain, 3), plain);
        }
    }

    #[test]
    fn further_lines_stand_behind_a_bar() {
        assert_eq!(
            quoted("one\ntwo\r\n\nfour", 3),
            "one\n   | two\n   |\n   | four"
        );
        assert_eq!(quoted("one\ntask #8 failed", 0), "one\n| task #8 failed");
        assert_eq!(quoted("\n \r\n one\n\ntwo", 0), " one\n|\n| two");
    }

    #[test]
    fn a_trailing_newline_makes_no_empty_line() {
        assert_eq!(quoted("one\n", 3), "one");
        assert_eq!(quoted("one\r\n", 3), "one");
    }

    #[test]
    fn a_message_without_a_word_is_named() {
        for empty in ["", "\n", " \r\n\t"] {
            assert_eq!(quoted(empty, 3), NO_WORDS);
            assert_eq!(quoted_line(empty), NO_WORDS);
        }
    }

    #[test]
    fn one_line_is_the_first_that_says_something() {
        assert_eq!(quoted_line("one"), "one");
        assert_eq!(quoted_line("\n\none\ntwo"), "one …");
        assert_eq!(quoted_line("one\n"), "one");
        assert_eq!(quoted_line("\x1b[2Kone\r"), r"\u{1b}[2Kone\r");
        let long = quoted_line(&"ü".repeat(WIDTH_LIMIT + 1));
        assert_eq!(long.chars().count(), WIDTH_LIMIT + 1);
        assert!(long.ends_with("ü…"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_escaped() {
        assert_eq!(
            quoted("\x1b[2K\r\0\x07\x7f\u{9b}", 3),
            r"\u{1b}[2K\r\u{0}\u{7}\u{7f}\u{9b}"
        );
        assert_eq!(
            quoted("a\u{202e}b\u{2066}c\u{200f}", 3),
            r"a\u{202e}b\u{2066}c\u{200f}"
        );
        assert_eq!(
            quoted("a\u{2028}b\u{2029}c\u{85}d", 3),
            r"a\u{2028}b\u{2029}c\u{85}d"
        );
    }

    #[test]
    fn a_long_message_is_cut_and_says_where_the_rest_is() {
        let megabyte = "x".repeat(1 << 20);
        let quote = quoted(&megabyte, 3);
        let (text, note) = quote.split_at(MESSAGE_LIMIT);
        assert_eq!(text, &megabyte[..MESSAGE_LIMIT]);
        assert_eq!(note, "… (1032192 more bytes)");
        assert_eq!(quoted(text, 3), text);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = "x".to_owned() + &"é".repeat(MESSAGE_LIMIT / 2);
        let expected = message[..MESSAGE_LIMIT - 1].to_owned() + "… (2 more bytes)";
        assert_eq!(quoted(&message, 3), expected);
    }

    #[test]
    fn a_message_of_very_many_lines_is_cut_after_the_first_four_hundred() {
        let four_hundred = "x\n".repeat(400);
        assert_eq!(quoted(&four_hundred, 0).lines().count(), 400);
        assert!(!quoted(&four_hundred, 0).contains("more bytes"));
        let quote = quoted(&(four_hundred + "y"), 0);
        assert_eq!(quote.lines().count(), 400);
        assert!(quote.ends_with("\n| x… (2 more bytes)"));
    }

    #[test]
    fn values_are_rendered_by_their_own_traits() {
        assert_eq!(debug_of(&"boom"), "\"boom\"");
        assert_eq!(display_of(&"boom"), "boom");
    }

    #[test]
    fn a_panic_while_rendering_is_told_after_what_had_been_written() {
        let halfway = Shown(|f| {
            f.write_str("Half {")?;
            panic!("boom {}", 7)
        });
        assert_eq!(debug_of(&halfway), "Half { <its Debug panicked: boom 7>");
        assert_eq!(
            display_of(&Shown(|_| panic!("boom"))),
            "<its Display panicked: boom>"
        );
    }

    #[test]
    fn an_error_while_rendering_is_told_after_what_had_been_written() {
        let halfway = Shown(|f| f.write_str("Half").and(Err(std::fmt::Error)));
        assert_eq!(debug_of(&halfway), "Half <its Debug returned an error>");
        assert_eq!(display_of(&halfway), "Half <its Display returned an error>");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut() {
        let endless = Shown(|f| {
            for _ in 0..4 << 20 {
                f.write_str("and so on, ")?;
            }
            Ok(())
        });
        let text = debug_of(&endless);
        assert!(text.ends_with("and so on,  <its Debug wrote more than 16777216 bytes>"));
    }

    #[test]
    fn of_a_text_that_is_too_long_the_beginning_is_shown_even_if_its_type_writes_on() {
        let most = "x".repeat(TEXT_LIMIT);
        assert_eq!(display_of(&most), most);
        let stubborn = Shown(|f| {
            let most = "x".repeat(TEXT_LIMIT);
            for part in ["begin", &*most, &*most, "more"] {
                f.write_str(part).ok();
            }
            Ok(())
        });
        assert_eq!(
            debug_of(&stubborn),
            "begin <its Debug wrote more than 16777216 bytes>"
        );
    }

    #[test]
    fn a_payload_of_another_type_that_panics_when_dropped_does_no_harm() {
        let hostile = Shown(|_| panic_any(PanicsWhenDropped(2)));
        // What gets out of it would end the thread of the test, without a word.
        let text = std::panic::catch_unwind(|| debug_of(&hostile)).map_err(mem::forget);
        assert_eq!(
            text,
            Ok("<its Debug panicked: a payload that is not text> (its payload panicked when it was dropped)".to_owned())
        );
    }
}
