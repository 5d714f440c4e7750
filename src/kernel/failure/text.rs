//! Text that users wrote and that a message of candor's names: a task's name, a path, what a panic said.
//!
//! A name with a newline and `task #8 failed` in it would look like a second report. So every character is escaped that a
//! terminal or a line-based reader would interpret instead of showing it.
//!
//! Knows no task and no failure: values go in, and text comes out.

use std::any::Any;

/// How many characters of a task's name a report shows. A name may be a path.
const NAME_LIMIT: usize = 256;

/// A text on one line, with nothing in it that a terminal would interpret. The path of a file may hold anything.
pub(crate) fn in_one_line(text: &str) -> String {
    // Most text is plain. To look at each byte takes less time than to push each character.
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| push_visible(&mut shown, c));
    shown
}

/// Quotes a task's name in backticks, on one line.
pub(crate) fn quoted_name(name: &str) -> String {
    let mut quote = String::from("`");
    for c in name.chars().take(NAME_LIMIT) {
        // A backtick would end the name early, and its rest would look like the report's own words. A backslash at its end would
        // look like part of such an escape.
        match c {
            '`' | '\\' => quote.extend(['\\', c]),
            c => push_visible(&mut quote, c),
        }
    }
    if name.chars().nth(NAME_LIMIT).is_some() {
        quote.push('…');
    }
    quote.push('`');
    quote
}

/// The message of a panic, if its payload is text. The payload of every `panic!` is.
pub(crate) fn payload_text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Appends `c`, escaped if a terminal or a line-based reader would interpret it instead of showing it.
pub(crate) fn push_visible(quote: &mut String, c: char) {
    match c.is_control() || misleads(c) {
        true => quote.extend(c.escape_default()),
        false => quote.push(c),
    }
}

/// The line and paragraph separators, which some viewers treat as newlines, and the marks that make a viewer show text in
/// another order than the written one.
fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_line() {
        assert_eq!(in_one_line("src/größe.rs"), "src/größe.rs");
        assert_eq!(in_one_line("a\nb\tc\x1b.rs"), r"a\nb\tc\u{1b}.rs");
    }

    #[test]
    fn a_name_stays_one_line_within_its_backticks() {
        assert_eq!(quoted_name("fetch 7"), "`fetch 7`");
        assert_eq!(quoted_name("a\nb\tc\x1b"), r"`a\nb\tc\u{1b}`");
        assert_eq!(quoted_name("a` panicked"), r"`a\` panicked`");
        assert_eq!(quoted_name(r"C:\x\"), r"`C:\\x\\`");
    }

    #[test]
    fn a_name_is_cut_at_256_characters() {
        assert_eq!(
            quoted_name(&"ü".repeat(256)),
            format!("`{}`", "ü".repeat(256))
        );
        assert_eq!(
            quoted_name(&"ü".repeat(257)),
            format!("`{}…`", "ü".repeat(256))
        );
    }
}
