//! Quoted text: whatever is in it, a terminal and a reader line by line see text and nothing else.

use crate::kernel::failure::in_one_line;
use crate::kernel::failure::text::quoted_name;
use crate::quoting::{quoted, quoted_line};

/// The marks that change the order of text, and the separators that some viewers take for newlines.
const MISLEADING: [char; 14] = [
    '\u{2028}', '\u{2029}', '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// What a hostile text would be made of.
const WORDS: [&str; 24] = [
    "task #8 `x` failed: forged",
    "\n",
    "\r\n",
    "\r",
    "\x1b[2K",
    "\t",
    "\0",
    "`",
    " ",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{9b}",
    "\n\n",
    "   at src/main.rs:1:1",
    "\n\nStack backtrace:\n",
    "   0: a::b\n             at src/a.rs:1:1",
    "é",
    "👩‍🚀",
    "\u{feff}",
    "caused by: ",
    "\u{b}\u{c}",
    "task #1",
    "\x7f",
];

/// Text of words above, of other characters, and of bytes that were no text.
#[must_use]
pub fn text_of(input: &[u8]) -> String {
    let mut text = String::new();
    for chunk in input.chunks(4) {
        match chunk {
            [choice @ 128..=255, ..] => text.push_str(WORDS[usize::from(*choice) % WORDS.len()]),
            [0..32, rest @ ..] => {
                let number = rest.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
                text.extend(char::from_u32(number % 0x11_0000));
            }
            bytes => text.push_str(&String::from_utf8_lossy(bytes)),
        }
    }
    text
}

/// Quotes a text in every way there is.
///
/// # Panics
///
/// If a quote could be taken for something else.
pub fn stay_text(input: &[u8]) {
    // Some are as long as the limits.
    let times = match input.first() {
        Some(&byte) if byte % 16 == 15 => 1 + usize::from(byte) * 8,
        _ => 1,
    };
    let text = text_of(input).repeat(times);
    for one_line in [in_one_line(&text), quoted_line(&text), quoted_name(&text)] {
        no_control_in(&one_line, &[]);
    }
    let name = quoted_name(&text);
    let inside = &name[1..name.len() - 1];
    let is_open = |(at, _): (usize, &str)| !inside[..at].ends_with('\\');
    assert!(!inside.match_indices('`').any(is_open), "{name}");
    assert!(quoted_line(&text).chars().count() <= 1024 * 10 + 2);

    for indent in [0, 3] {
        let quote = quoted(&text, indent);
        no_control_in(&quote, &['\n', '\t']);
        assert!(!quote.is_empty() && !quote.ends_with('\n'));
        assert!(quote.lines().count() <= 400);
        let bar = " ".repeat(indent) + "|";
        for line in quote.split('\n').skip(1) {
            assert!(line.starts_with(&bar), "{line:?} in {quote:?}");
        }
        // What needs no quoting is not changed.
        if text.chars().all(|c| c.is_ascii_graphic()) && !text.is_empty() && text.len() < 16_384 {
            assert_eq!(quote, text);
        }
    }
}

/// # Panics
///
/// If the text has a character that a viewer would obey, other than those that are `allowed`.
pub fn no_control_in(text: &str, allowed: &[char]) {
    let is_bad = |c: &char| (c.is_control() || MISLEADING.contains(c)) && !allowed.contains(c);
    if let Some(bad) = text.chars().find(is_bad) {
        panic!("{bad:?} in {text:?}");
    }
}
