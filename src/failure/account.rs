//! What an error value tells of itself.
//!
//! A task may return any error that is `Debug + 'static`. What it can tell depends on its type, which
//! is asked in this order:
//!
//! | type | message | causes | place and frames |
//! |---|---|---|---|
//! | [`candor::Error`](crate::Error) | its text | its sources | where `?` made it |
//! | [`JoinError`] | its line | the failure that it holds | there |
//! | [`GroupError`] | its first line | the tree of its failures | there |
//! | boxed errors, std's error types | their text | their sources | unknown |
//! | strings | themselves | | unknown |
//! | any other | its `Debug` form and type name | | unknown |
//!
//! A source that is a [`TaskFailure`](crate::TaskFailure) is the failure of another task which this
//! one awaited: it is told in full, or named, if it has been reported before.
//!
//! Knows no task; user code is called only here and only guarded.

use std::any::{Any, TypeId, type_name};
use std::backtrace::Backtrace;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::Arc;

use super::error::Error;
use super::group_error::GroupError;
use super::join_error::JoinError;
use super::text::{debug_of, display_of, visible};
use super::{Location, TaskFailure};

/// How many sources of an error are followed: a chain may be a circle.
const CAUSES: usize = 16;

/// What a panic or an error tells.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) message: String,
    pub(crate) location: Option<Location>,
    pub(crate) backtrace: Option<Arc<Backtrace>>,
    /// Why there is no backtrace, or what else the reader should know.
    pub(crate) help: Option<&'static str>,
    pub(crate) causes: Vec<Cause>,
}

/// A link in the chain of sources.
#[derive(Debug)]
pub(crate) enum Cause {
    Text(String),
    Failure(PassedOn),
    /// The failures of a group, as a tree of reports.
    Group(String),
    /// A backtrace that the error brought along in its text.
    ForeignBacktrace(String),
}

/// The failure of another task, which this one awaited and passed on.
#[derive(Debug)]
pub(crate) struct PassedOn {
    /// Its report; or who it was, if that stands further up.
    pub(crate) report: String,
    /// Through how many awaits it had come before.
    pub(crate) steps: u32,
    /// The failure with which it all began, once for the whole chain.
    pub(crate) first: Arc<First>,
}

/// What is told of a failure however many tasks have passed it on.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) headline: String,
    pub(crate) report: String,
}

impl PassedOn {
    pub(crate) fn from_its_first(headline: String, report: String) -> Self {
        PassedOn {
            report: report.clone(),
            steps: 0,
            first: Arc::new(First { headline, report }),
        }
    }
}

impl Account {
    /// The failure of another task that this one is about.
    pub(crate) fn passed_on(&self) -> Option<&PassedOn> {
        self.causes.iter().find_map(|cause| match cause {
            Cause::Failure(passed_on) => Some(passed_on),
            Cause::Text(_) | Cause::Group(_) | Cause::ForeignBacktrace(_) => None,
        })
    }

    /// The same, if it was passed on as it was, without a word about it.
    pub(crate) fn only_passes_on(&self) -> Option<&PassedOn> {
        let is_first = matches!(self.causes.first(), Some(Cause::Failure(_)));
        self.passed_on().filter(|_| is_first)
    }

    /// What is left when the place and the frames are those of a conversion, long after the error was made.
    pub(crate) fn without_origin(self) -> Self {
        let is_origin_known = (self.causes.iter()).any(|cause| !matches!(cause, Cause::Text(_)));
        Account {
            location: None,
            backtrace: None,
            help: (!is_origin_known).then_some(NO_ORIGIN),
            ..self
        }
    }
}

const NO_ORIGIN: &str = "this error type does not know where it was made; candor::Error does: \
                         return candor::Result and use `?` to see the place and its backtrace";

/// Asks `error` what it has to tell.
pub(crate) fn account_of<E: Debug + 'static>(error: &E) -> Account {
    let any: &dyn Any = error;
    if let Some(error) = any.downcast_ref::<Error>() {
        return of_candor_error(error);
    }
    let (message, causes) = if is_join_error::<E>() {
        (format!("{error:-?}"), cause_of_join_error(error))
    } else if is_same_generic::<E, GroupError>() {
        let tree = Cause::Group(format!("{error:+?}"));
        (format!("{error:-?}"), vec![tree])
    } else if let Some(error) = as_std_error(any) {
        (display_of(error), causes_of(error))
    } else if let Some(text) = as_text(any) {
        (text.to_owned(), Vec::new())
    } else {
        let text = debug_of(error);
        let (message, frames) = without_backtrace(&text);
        (
            format!("{message} ({})", type_name::<E>()),
            frames.into_iter().collect(),
        )
    };
    let is_origin_known = causes.iter().any(|cause| !matches!(cause, Cause::Text(_)));
    let help = (!is_origin_known).then_some(NO_ORIGIN);
    Account {
        message,
        causes,
        help,
        ..Account::default()
    }
}

/// Whether an `F` made of an `E` has more to say than the `E`: a [`candor::Error`](Error) knows the text of
/// types that are not known here.
pub(crate) fn is_told_better_once_converted<E: 'static, F: 'static>() -> bool {
    let [from, to, candors] = [TypeId::of::<E>(), TypeId::of::<F>(), TypeId::of::<Error>()];
    to == candors && from != candors && !is_join_error::<E>()
}

fn of_candor_error(error: &Error) -> Account {
    if let Some(group) = error.downcast_ref::<GroupError>() {
        return Account {
            message: group.headline(),
            location: Some(error.location().clone()),
            backtrace: error.shared_backtrace().cloned(),
            help: None,
            causes: vec![Cause::Group(group.tree())],
        };
    }
    let message = display_of(error.as_std_error());
    let mut causes = causes_of(error.as_std_error());
    let foreign = if is_told_by_another_task(&causes) || quotes_a_backtrace(&message, &causes) {
        None
    } else {
        without_backtrace(&debug_of(&error.as_std_error())).1
    };
    // One backtrace is enough, and the foreign one was taken closer to the cause.
    let backtrace = if foreign.is_none() {
        error.shared_backtrace().cloned()
    } else {
        None
    };
    causes.extend(foreign);
    Account {
        message,
        location: Some(error.location().clone()),
        backtrace,
        help: None,
        causes,
    }
}

fn is_told_by_another_task(causes: &[Cause]) -> bool {
    causes
        .iter()
        .any(|cause| matches!(cause, Cause::Failure(_)))
}

fn causes_of(error: &(dyn StdError + 'static)) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(failure) = cause.downcast_ref::<TaskFailure>() {
            causes.push(Cause::Failure(failure.as_cause()));
            break;
        }
        if causes.len() == CAUSES {
            causes.push(Cause::Text(
                "… (the chain goes on, perhaps in a circle)".to_owned(),
            ));
            break;
        }
        causes.push(Cause::Text(display_of(cause)));
        next = cause.source();
    }
    causes
}

/// Whether `E` is a [`JoinError`] of whatever type.
fn is_join_error<E>() -> bool {
    is_same_generic::<E, JoinError<Infallible>>()
}

/// Whether the two are the same but for what is in their angle brackets, of which a default may be left out:
/// `Any` can only tell for one type at a time.
fn is_same_generic<E, Known>() -> bool {
    let [this, known] = [type_name::<E>(), type_name::<Known>()].map(|name| name.split('<').next());
    this == known
}

/// What `{:+?}` of a [`JoinError`] tells: the failure of the task that was awaited, unless that was cancelled.
fn cause_of_join_error<E: Debug>(error: &E) -> Vec<Cause> {
    let cause = format!("{error:+?}");
    if cause.is_empty() {
        Vec::new()
    } else {
        let headline = format!("{error:-?}");
        vec![Cause::Failure(PassedOn::from_its_first(headline, cause))]
    }
}

/// What an error of the anyhow crate puts between its text and its backtrace in its `Debug` form, when it
/// holds one: stable Rust has no other way to ask for it.
const BACKTRACE_FOLLOWS: &str = "\n\nStack backtrace:\n";

/// Takes a `Debug` form apart into what it says and the backtrace at its end.
fn without_backtrace(debug: &str) -> (&str, Option<Cause>) {
    match debug.rsplit_once(BACKTRACE_FOLLOWS) {
        Some((text, frames)) => (
            text,
            Some(Cause::ForeignBacktrace(visible(frames.trim_end()))),
        ),
        None => (debug, None),
    }
}

/// Whether the text of an error holds what looks like a backtrace. Then one cannot be told from the other, and
/// the text may come from anywhere.
fn quotes_a_backtrace(message: &str, causes: &[Cause]) -> bool {
    let texts = causes.iter().filter_map(|cause| match cause {
        Cause::Text(text) => Some(text.as_str()),
        Cause::Failure(_) | Cause::Group(_) | Cause::ForeignBacktrace(_) => None,
    });
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

/// The error behind `any`, for the types that are known here: `Any` cannot tell for others.
fn as_std_error(any: &dyn Any) -> Option<&(dyn StdError + 'static)> {
    macro_rules! first_of {
        (boxed: $($boxed:ty),+; plain: $($plain:ty),+ $(,)?) => {
            None
                $(.or_else(|| any.downcast_ref::<$boxed>().map(|error| {
                    let error: &(dyn StdError + 'static) = &**error;
                    error
                })))+
                $(.or_else(|| any.downcast_ref::<$plain>().map(|error| {
                    let error: &(dyn StdError + 'static) = error;
                    error
                })))+
        };
    }
    first_of!(
        boxed:
            Box<dyn StdError>,
            Box<dyn StdError + Send>,
            Box<dyn StdError + Send + Sync>;
        plain:
            std::io::Error,
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
            std::sync::mpsc::RecvError,
            std::sync::mpsc::RecvTimeoutError,
            std::sync::mpsc::TryRecvError,
            std::thread::AccessError,
            std::time::SystemTimeError,
            std::time::TryFromFloatSecsError,
            crate::clock::Elapsed,
    )
}
