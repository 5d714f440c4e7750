//! How an error value is asked for its text and its causes.
//!
//! A task may return any error that is `Debug + 'static`. What can be known of it depends on its type. The
//! types are tried in this order:
//!
//! | type | message | causes | place and frames |
//! |---|---|---|---|
//! | [`candor::Error`](crate::Error) | its text | its sources | where `?` made it |
//! | boxed errors, std's error types | their text | their sources | unknown |
//! | strings | themselves | | unknown |
//! | any other | its `Debug` form and type name | | unknown |
//!
//! Any of them may carry the failure of another task, or those of a group: see `carried`. And any of them may hold an error of
//! anyhow with a backtrace, which is found in the `Debug` form.
//!
//! Knows no task. Calls the user code of errors, and always guarded.

use std::any::{Any, TypeId, type_name};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::ptr;
use std::sync::LazyLock;

use crate::kernel::failure::{Account, AnyError, Cancelled, Help, JoinError, Panic, TaskFailure};
use crate::report::backtrace::with_whole_paths;
use crate::report::carried;
use crate::report::carried::{Carried, listen};
use crate::report::error::{Boxed, Error, SOURCES};
use crate::report::group_error::GroupError;
use crate::report::quoting::{NO_WORDS, Source, beginning_of, debug_of, display_of, sources_of};

/// How many sources are followed: a chain may have no end.
const FOLLOWED: usize = 1 << 20;

/// Asks `error` for its text and its causes.
pub(crate) fn account_of(error: &dyn AnyError) -> Account {
    if carried::is_too_deep() {
        return Account {
            message: format!("({} inside of very many others)", error.type_name()),
            ..Account::default()
        };
    }
    let (mut account, carried) = listen(|| match (error as &dyn Any).downcast_ref::<Error>() {
        Some(error) => of_candor_error(error),
        None => of_other_error(error),
    });
    account.add(carried);
    account
}

fn of_other_error(error: &dyn AnyError) -> Account {
    let any: &dyn Any = error;
    let mut foreign_backtrace = None;
    let (message, sources) = if let Some(error) = as_std_error(any) {
        if let Some(error) = error.downcast_ref::<Boxed>() {
            return of_candor_error(&error.0);
        }
        let (message, sources) = (display_of(error), texts_of_sources(error));
        foreign_backtrace = backtrace_of(error, &message, &sources);
        (message, sources)
    } else if let Some(text) = as_text(any) {
        (text.to_owned(), Vec::new())
    } else if is_any_of_ours(error.type_name()) {
        (debug_of(error), Vec::new())
    } else {
        let text = debug_of(error);
        let (message, frames) = without_backtrace(&text);
        foreign_backtrace = frames;
        let message = match &*message {
            "()" => "() (an error without a word)".to_owned(),
            message if message.trim().is_empty() => format!("{NO_WORDS} ({})", error.type_name()),
            message => format!("{message} ({})", error.type_name()),
        };
        (message, Vec::new())
    };
    let account = Account {
        message,
        sources,
        foreign_backtrace,
        ..Account::default()
    };
    account.without_origin()
}

impl Account {
    /// The same without place and frames: either there are none, or they belong to a conversion long after the error was
    /// made. The help says so, unless the error carries something that has an origin.
    pub(crate) fn without_origin(self) -> Self {
        let is_origin_known =
            self.foreign_backtrace.is_some() || self.passes_on.is_some() || !self.group.is_empty();
        Account {
            location: None,
            backtrace: None,
            help: (!is_origin_known).then_some(Help::NoOrigin),
            ..self
        }
    }

    /// Adds the failures that were written while the error was asked.
    fn add(&mut self, carried: Carried) {
        let Carried {
            mut failures,
            is_group,
        } = carried;
        if failures.is_empty() {
            return;
        }
        self.help = None;
        if failures.len() > 1 || is_group {
            self.group = failures;
        } else if let Some(failure) = failures.pop() {
            // The line of this cause says nothing more than the failure itself.
            let line = failure.first().one_line();
            self.sources.retain(|source| *source != line);
            self.passes_on = Some(failure);
        }
    }
}

/// Whether an `F` made of an `E` gives a better account than the `E`: a [`candor::Error`](Error) knows the text of
/// types that are not known here.
pub(crate) fn is_better_asked_once_converted<E: 'static, F: 'static>() -> bool {
    let [from, to, candors] = [TypeId::of::<E>(), TypeId::of::<F>(), TypeId::of::<Error>()];
    to == candors && from != candors && !is_any_of_ours(type_name::<E>())
}

fn of_candor_error(error: &Error) -> Account {
    let inner = error.as_std_error();
    let message = display_of(inner);
    let sources = texts_of_sources(inner);
    let foreign = backtrace_of(inner, &message, &sources);
    // One backtrace is enough, and the foreign one was captured closer to the cause.
    let backtrace = match foreign {
        None => Some(error.shared_backtrace()),
        Some(_) => None,
    };
    Account {
        message,
        location: Some(error.location().clone()),
        backtrace,
        sources,
        foreign_backtrace: foreign,
        ..Account::default()
    }
}

/// The texts of the sources, the nearest first. Of very many, those in the middle are counted.
fn texts_of_sources(error: &(dyn StdError + 'static)) -> Vec<String> {
    let (mut first, mut last, mut omitted) = (Vec::new(), VecDeque::new(), 0);
    // A chain that comes back to the source at the mark is a circle. The mark moves on less and less often.
    let (mut mark, mut next_mark) = (error, 1);
    let mut end = None;
    for (number, source) in sources_of(error).enumerate() {
        if let Ok(source) = source {
            if let Some(failure) = source.downcast_ref::<TaskFailure>() {
                carried::is_heard(failure);
                break;
            }
            if is_same(source, mark) || number == FOLLOWED {
                end = Some("… (the chain goes on, perhaps in a circle)".to_owned());
                break;
            }
            if number == next_mark {
                (mark, next_mark) = (source, 2 * next_mark);
            }
        }
        if first.len() < SOURCES {
            first.push(source);
        } else {
            last.push_back(source);
        }
        if last.len() > SOURCES {
            last.pop_front();
            omitted += 1;
        }
    }
    let text =
        |source: Source<'_>| source.map_or_else(|trouble| trouble, |source| display_of(source));
    let first = first.into_iter().map(text);
    let last = last.into_iter().map(text);
    let middle = (omitted > 0).then(|| format!("… ({omitted} more)"));
    first.chain(middle).chain(last).chain(end).collect()
}

/// An error and its first field have the same address. They differ in their vtables.
fn is_same(one: &(dyn StdError + 'static), other: &(dyn StdError + 'static)) -> bool {
    ptr::eq(one, other)
}

/// Whether this is the name of an error of candor's own, or of a pointer to one. Their text needs no type name.
fn is_any_of_ours(name: &str) -> bool {
    let pointers = ["alloc::sync::Arc<", "alloc::rc::Rc<", "alloc::boxed::Box<"];
    let inside = |name, pointer| str::strip_prefix(name, pointer).unwrap_or(name);
    let name = pointers.into_iter().fold(name, inside);
    let ours = [
        type_name::<JoinError<Infallible>>(),
        type_name::<GroupError>(),
        type_name::<TaskFailure>(),
        type_name::<Panic>(),
        type_name::<Cancelled>(),
    ];
    ours.into_iter().any(|ours| is_same_generic(name, ours))
}

/// Whether two types are the same except for their generic arguments, of which a default may be left out. `Any` can
/// check only for one type at a time.
fn is_same_generic(name: &str, known: &str) -> bool {
    let [this, known] = [name, known].map(|name| name.split(['<', '>']).next());
    this == known
}

/// What an error of the anyhow crate puts between its text and its backtrace in its `Debug` form, if it has a
/// backtrace. Stable Rust has no other way to get it.
const BACKTRACE_FOLLOWS: &str = "\n\nStack backtrace:\n";

/// How many bytes of such a backtrace are kept. A real one is shorter. Whatever else an error writes there must not hide the report.
const BACKTRACE_LIMIT: usize = 128 * 1024;

/// The backtrace of anyhow that an error holds, also from inside of a box. If it carries another task's failure, that one's counts.
fn backtrace_of(error: &dyn StdError, message: &str, sources: &[String]) -> Option<String> {
    let may_hold_one =
        are_captured() && !carried::is_anything_heard() && !quotes_a_backtrace(message, sources);
    may_hold_one
        .then(|| without_backtrace(&debug_of(&error)).1)
        .flatten()
}

/// A `Debug` form without the backtrace of anyhow at its end, and that backtrace.
fn without_backtrace(debug: &str) -> (Cow<'_, str>, Option<String>) {
    match are_captured() {
        true => split_at_backtrace(debug),
        false => (debug.into(), None),
    }
}

/// What closes the brackets of a type around the error belongs to the text.
fn split_at_backtrace(debug: &str) -> (Cow<'_, str>, Option<String>) {
    let Some((text, frames)) = debug.rsplit_once(BACKTRACE_FOLLOWS) else {
        return (debug.into(), None);
    };
    let last_line = frames.rfind('\n').unwrap_or(0);
    let (frames, closing) = frames.split_at(last_line + end_of_frame(&frames[last_line..]));
    let text = match closing {
        "" => text.into(),
        closing => format!("{text}{closing}").into(),
    };
    let frames = beginning_of(frames, BACKTRACE_LIMIT).trim_end();
    (text, Some(with_whole_paths(frames)))
}

/// Where a line of a backtrace ends: before the first bracket that closes one from before the line.
fn end_of_frame(line: &str) -> usize {
    let mut depth = 0;
    for (at, c) in line.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return line[..at].trim_end().len(),
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    line.len()
}

/// Whether an error of anyhow has a backtrace. If it has none, whatever looks like one is text, and may come from anywhere.
fn are_captured() -> bool {
    // std decides it once as well. To capture one takes microseconds.
    static ARE_CAPTURED: LazyLock<bool> =
        LazyLock::new(|| Backtrace::capture().status() == BacktraceStatus::Captured);
    *ARE_CAPTURED
}

/// Whether the text of an error contains something that looks like a backtrace. Then the two cannot be separated
/// reliably, and the text may come from anywhere.
fn quotes_a_backtrace(message: &str, sources: &[String]) -> bool {
    let texts = sources.iter().map(String::as_str);
    texts
        .chain([message])
        .any(|text| text.contains(BACKTRACE_FOLLOWS))
}

fn as_text(any: &dyn Any) -> Option<&str> {
    None.or_else(|| any.downcast_ref::<&'static str>().copied())
        .or_else(|| any.downcast_ref::<String>().map(String::as_str))
        .or_else(|| any.downcast_ref::<Box<str>>().map(|text| &**text))
        .or_else(|| {
            any.downcast_ref::<std::borrow::Cow<'static, str>>()
                .map(|text| &**text)
        })
}

/// `any` as an error, if its type is one of those that are known here. For others `Any` has no answer.
fn as_std_error(any: &dyn Any) -> Option<&(dyn StdError + 'static)> {
    macro_rules! first_of {
        ($($plain:ty),+ $(,)?) => {
            None$(.or_else(|| any.downcast_ref::<$plain>().map(|error| error as _)))+
        };
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError>>() {
        return Some(&**error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError + Send>>() {
        return Some(&**error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError + Send + Sync>>() {
        return Some(&**error);
    }
    first_of!(
        std::io::Error,
        std::alloc::LayoutError,
        std::fmt::Error,
        std::num::ParseIntError,
        std::num::ParseFloatError,
        std::num::TryFromIntError,
        std::str::Utf8Error,
        std::str::ParseBoolError,
        std::string::FromUtf8Error,
        std::string::FromUtf16Error,
        std::char::ParseCharError,
        std::char::CharTryFromError,
        std::char::DecodeUtf16Error,
        std::char::TryFromCharError,
        std::array::TryFromSliceError,
        std::cell::BorrowError,
        std::cell::BorrowMutError,
        std::collections::TryReserveError,
        std::env::VarError,
        std::env::JoinPathsError,
        std::ffi::FromBytesUntilNulError,
        std::ffi::FromBytesWithNulError,
        std::ffi::FromVecWithNulError,
        std::ffi::IntoStringError,
        std::ffi::NulError,
        std::net::AddrParseError,
        std::path::StripPrefixError,
        std::slice::GetDisjointMutError,
        std::sync::mpsc::RecvError,
        std::sync::mpsc::RecvTimeoutError,
        std::sync::mpsc::TryRecvError,
        std::thread::AccessError,
        std::time::SystemTimeError,
        std::time::TryFromFloatSecsError,
        crate::time::Elapsed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_closes_the_type_around_an_error_is_no_part_of_the_last_frame() {
        for (frame, closing) in [
            ("30: main", ")"),
            ("30: main", " }"),
            ("30: <[u8; 2] as Run>::call({closure#0})", ")])"),
            ("30: call({closure#0})", ""),
            ("at (here)/src/main.rs:3:5", ""),
        ] {
            let debug = format!("App(no disk{BACKTRACE_FOLLOWS}0: (f)\n{frame}{closing}");
            let (text, frames) = split_at_backtrace(&debug);
            assert_eq!(text, format!("App(no disk{closing}"));
            assert_eq!(frames.unwrap(), format!("0: (f)\n{frame}"));
        }
    }

    #[test]
    fn a_bracket_that_ends_the_line_before_the_last_closes_nothing() {
        let debug = format!("no disk{BACKTRACE_FOLLOWS}0: odd)\n1: main");
        let (text, frames) = split_at_backtrace(&debug);
        assert_eq!(text, "no disk");
        assert_eq!(frames.unwrap(), "0: odd)\n1: main");
    }

    #[test]
    fn of_a_backtrace_without_end_the_beginning_is_kept() {
        let frames = format!("0: {}", "€".repeat(BACKTRACE_LIMIT));
        let debug = format!("no disk{BACKTRACE_FOLLOWS}{frames}");
        let kept = split_at_backtrace(&debug).1.unwrap();
        assert!(frames.starts_with(&kept));
        assert!((BACKTRACE_LIMIT - 2..=BACKTRACE_LIMIT).contains(&kept.len()));
    }
}
