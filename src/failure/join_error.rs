//! A failure as its awaiter gets it.
//!
//! `handle.await?` yields the value or a [`JoinError`]. It holds the error or the payload itself, to
//! act on, and the [`TaskFailure`], to know where it came from. The failure is boxed, so that the
//! `Result` of a task that succeeds stays small.
//!
//! Knows no task and no executor.

use std::any::Any;
use std::backtrace::Backtrace;
use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

use super::account::{Account, account_of, is_told_better_once_converted};
use super::reserve::Kept;
use super::{Location, TaskFailure, hook};

/// Why an awaited task has no value to give.
///
/// It is an [`Error`](std::error::Error) for every `E`, and `Send + Sync` when `E` is, so `?` takes it
/// anywhere. `{}` is the headline; `{:?}` is the full report, so that an `unwrap` shows where the failure
/// came from. Its [`source`](std::error::Error::source) is the [`TaskFailure`].
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let parsed = candor::spawn(async { "seven".parse::<i32>() });
///     match parsed.await {
///         Ok(number) => println!("{number}"),
///         Err(JoinError::Failed(error)) => assert_eq!(error.to_string(), "invalid digit found in string"),
///         Err(JoinError::Panicked(panic)) => panic.resume(),
///         Err(JoinError::Cancelled) => unreachable!("nobody aborted it"),
///     }
/// });
/// ```
pub enum JoinError<E> {
    /// The task returned this error.
    Failed(Failed<E>),
    /// The task panicked.
    Panicked(Panic),
    /// The task was aborted, or its executor ended, before it was done.
    Cancelled,
}

impl<E> JoinError<E> {
    pub(crate) fn failed(error: E, failure: Kept) -> Self {
        JoinError::Failed(Failed { error, failure })
    }

    /// Tells whether the task was aborted, or its executor ended, before it was done.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(std::future::pending::<()>());
    ///     task.abort();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled)
    }

    /// Tells whether the task panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async { panic!("boom") });
    ///     assert!(task.await.unwrap_err().is_panic());
    /// });
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }

    /// Returns the error that the task returned, if it did return one.
    ///
    /// # Errors
    ///
    /// The `JoinError` itself, when the task panicked or was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let failed = candor::spawn(async { Err::<(), u16>(404) });
    ///     assert_eq!(failed.await.unwrap_err().into_failed().unwrap(), 404);
    ///     let panicked = candor::spawn(async { panic!("boom") });
    ///     assert!(panicked.await.unwrap_err().into_failed().is_err());
    /// });
    /// ```
    pub fn into_failed(self) -> Result<E, Self> {
        match self {
            JoinError::Failed(failed) => Ok(failed.error),
            other => Err(other),
        }
    }
}

impl<E: Debug + 'static> JoinError<E> {
    /// Converts the error, and keeps what is known of the failure. Should the conversion panic, that panic
    /// stands in the place of the error.
    pub(crate) fn map<F: Debug + 'static>(self, convert: impl FnOnce(E) -> F) -> JoinError<F> {
        let (error, failure) = match self {
            JoinError::Failed(Failed { error, failure }) => (error, failure),
            JoinError::Panicked(panic) => return JoinError::Panicked(panic),
            JoinError::Cancelled => return JoinError::Cancelled,
        };
        let is_told_later = is_told_better_once_converted::<E, F>();
        if !is_told_later {
            failure.account_or(|| account_of(&error));
        }
        match catch_unwind(AssertUnwindSafe(|| convert(error))) {
            Ok(error) => {
                if is_told_later {
                    failure.account_or(|| account_of(&error).without_origin());
                }
                JoinError::Failed(Failed { error, failure })
            }
            Err(payload) => {
                failure.account_or(|| Account {
                    message: "an error that panicked when it was converted".to_owned(),
                    ..Account::default()
                });
                JoinError::Panicked(Panic::new(failure.into_inner(), payload))
            }
        }
    }

    /// Returns everything that is known of the failure; `None` for a cancelled task, which did not fail.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let task = candor::spawn(async { "seven".parse::<u8>() });
    ///     let error = task.await.unwrap_err();
    ///     assert_eq!(error.failure().unwrap().message(), "invalid digit found in string");
    /// });
    /// ```
    pub fn failure(&self) -> Option<&TaskFailure> {
        match self {
            JoinError::Failed(failed) => {
                Some(failed.failure.account_or(|| account_of(&failed.error)))
            }
            JoinError::Panicked(panic) => Some(&panic.0.failure),
            JoinError::Cancelled => None,
        }
    }
}

impl<E: Debug + 'static> fmt::Display for JoinError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            Some(failure) => f.write_str(&failure.headline()),
            None => f.write_str("the task was cancelled"),
        }
    }
}

/// The signs are for the report of a task that returned it: all that such a report can ask an error for
/// is its `Debug` form. `{:-?}` is the line that `{}` is, and `{:+?}` what stands behind "caused by".
impl<E: Debug + 'static> Debug for JoinError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            _ if f.sign_minus() => fmt::Display::fmt(self, f),
            Some(failure) if f.sign_plus() => f.write_str(&failure.as_cause().report),
            None if f.sign_plus() => Ok(()),
            Some(failure) => fmt::Display::fmt(failure, f),
            None => f.write_str(
                "the task was cancelled: it was aborted, or its executor ended before it was done",
            ),
        }
    }
}

impl<E: Debug + 'static> StdError for JoinError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.failure().map(|failure| failure as _)
    }
}

/// The error that a task returned; use it as the error itself, to which it dereferences.
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let open = candor::spawn(async { std::fs::read("no such file").map(|bytes| bytes.len()) });
///     let Err(JoinError::Failed(error)) = open.await else { unreachable!() };
///     assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
///     let error: std::io::Error = error.into_inner();
///     # drop(error);
/// });
/// ```
pub struct Failed<E> {
    pub(super) error: E,
    failure: Kept,
}

impl<E> Failed<E> {
    /// Returns the error itself.
    pub fn into_inner(self) -> E {
        self.error
    }
}

impl<E> Deref for Failed<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.error
    }
}

impl<E: Debug> Debug for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<E: fmt::Display> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<E: PartialEq> PartialEq<E> for Failed<E> {
    fn eq(&self, other: &E) -> bool {
        self.error == *other
    }
}

/// A panic that ended a task.
///
/// # Examples
///
/// ```
/// use candor::JoinError;
///
/// candor::block_on(async {
///     let task = candor::spawn(async { panic!("boom {}", std::hint::black_box(1)) });
///     let Err(JoinError::Panicked(panic)) = task.await else { unreachable!() };
///     assert_eq!(panic.message(), "boom 1");
///     assert!(panic.location().is_some() && panic.backtrace().is_some());
///     assert!(panic.into_payload().is::<String>());
/// });
/// ```
pub struct Panic(Box<PanicParts>);

struct PanicParts {
    failure: TaskFailure,
    /// A payload is `Send` but not `Sync`; the mutex makes it so, and is never locked.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    pub(crate) fn new(failure: TaskFailure, payload: Box<dyn Any + Send>) -> Self {
        Panic(Box::new(PanicParts {
            failure,
            payload: Mutex::new(payload),
        }))
    }

    pub(crate) fn failure(&self) -> &TaskFailure {
        &self.0.failure
    }

    /// Returns what the panic said.
    pub fn message(&self) -> &str {
        self.0.failure.message()
    }

    /// Returns where it was raised; `None` when it did not pass candor's panic hook.
    pub fn location(&self) -> Option<Location> {
        self.0.failure.location()
    }

    /// Returns the frames at that place; `None` when it did not pass candor's panic hook.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.0.failure.backtrace()
    }

    /// Returns the payload, as [`catch_unwind`](std::panic::catch_unwind) would give it.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.0
            .payload
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on panicking, here.
    ///
    /// Within a task, that task's failure tells where the panic was first raised. Elsewhere the report
    /// is printed at once, since resuming a panic prints nothing.
    ///
    /// # Panics
    ///
    /// Always: with the payload of this panic.
    ///
    /// # Examples
    ///
    /// ```
    /// use candor::JoinError;
    ///
    /// let result = std::panic::catch_unwind(|| candor::block_on(async {
    ///     let task = candor::spawn(async { panic!("boom") });
    ///     let Err(JoinError::Panicked(panic)) = task.await else { unreachable!() };
    ///     panic.resume()
    /// }));
    /// assert_eq!(result.unwrap_err().downcast_ref(), Some(&"boom"));
    /// ```
    pub fn resume(self) -> ! {
        let PanicParts { failure, payload } = *self.0;
        hook::reinstate(failure);
        resume_unwind(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.failure, f)
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.failure.headline())
    }
}
