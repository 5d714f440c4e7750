//! `candor::Error`: any error, and where it was born.
//!
//! By the time a task returns an `Err`, the frames that made it are gone. So the error itself has to
//! remember, from the first `?` on. That `?` calls `From::from` with the caller's location, and this
//! type takes it down there, with a backtrace, whether or not an environment variable is set.
//!
//! It cannot itself be a `std::error::Error`: then `From<Error> for Error` would exist twice, once here
//! and once in core. anyhow pays the same price for the same reason.
//!
//! Knows no task and no executor.

use std::backtrace::Backtrace;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location as Caller;
use std::sync::Arc;

use super::report::Backtraced;
use super::{Location, TaskFailure};

/// Any error, with the place and the backtrace of the `?` that made it.
///
/// Takes whatever converts into a boxed error: errors, `&str`, `String`, boxes, and the errors of
/// the anyhow crate. It is one pointer wide, `Send + Sync`, and captures its backtrace always: that
/// costs 5 to 20 µs. An error that comes from another task's failure ([`JoinError`](crate::JoinError))
/// keeps the place and the backtrace of that one.
///
/// `{}` is the error's text, `{:#}` adds its sources, `{:?}` tells everything.
///
/// It cannot be a [`std::error::Error`] itself, or it could not be made from every other one;
/// [`into_boxed`](Error::into_boxed) leads out.
///
/// # Examples
///
/// ```
/// fn port(text: &str) -> candor::Result<u16> {
///     if text.is_empty() {
///         return Err("the port is missing".into());
///     }
///     Ok(text.parse()?)
/// }
///
/// let error = port("eighty").unwrap_err();
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// assert!(error.location().file().ends_with(".rs"));
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
pub struct Error(Box<Parts>);

struct Parts {
    error: Box<dyn StdError + Send + Sync>,
    location: Location,
    backtrace: Arc<Backtrace>,
}

/// A `Result` whose error is [`candor::Error`](Error).
///
/// Beside it stands [`candor::Ok`](fn@Ok), which spares an async block the type annotation. Both
/// shadow std's names where they are imported, so write `candor::Result` and `candor::Ok`
/// in full, and do not import `candor::*`.
///
/// # Examples
///
/// ```
/// fn port(text: &str) -> candor::Result<u16> {
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(port("80").unwrap(), 80);
/// assert!(port("eighty").is_err());
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Ends an async block that uses `?` on errors of several types.
///
/// # Examples
///
/// ```
/// let sum = candor::block_on(async {
///     let text = String::from_utf8(vec![0x34, 0x32])?;
///     candor::Ok(text.parse::<i32>()? + 1)
/// });
/// assert_eq!(sum.unwrap(), 43);
/// ```
#[allow(non_snake_case, reason = "it stands where std's `Ok` would stand")]
pub fn Ok<T>(value: T) -> Result<T> {
    std::result::Result::Ok(value)
}

impl<E> From<E> for Error
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    #[track_caller]
    fn from(error: E) -> Self {
        let error = error.into();
        let origin = error
            .source()
            .and_then(|source| source.downcast_ref::<TaskFailure>());
        let location = origin.and_then(TaskFailure::location);
        let backtrace = origin.and_then(TaskFailure::shared_backtrace).cloned();
        Error(Box::new(Parts {
            // Not in a closure, whose caller would be core.
            location: location.unwrap_or(Caller::caller().into()),
            backtrace: backtrace.unwrap_or_else(|| Arc::new(Backtrace::force_capture())),
            error,
        }))
    }
}

impl Error {
    /// Makes an error of a message or of another error, here; the same as `Error::from`.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host");
    /// assert_eq!(error.to_string(), "no route to the host");
    /// assert_eq!(error.location().line(), line!() - 2);
    /// ```
    #[track_caller]
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error::from(error)
    }

    /// Returns where it was made.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host");
    /// assert!(error.location().file().ends_with(".rs"));
    /// ```
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// Returns the frames at that place.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::backtrace::BacktraceStatus;
    ///
    /// let error = candor::Error::new("no route to the host");
    /// assert_eq!(error.backtrace().status(), BacktraceStatus::Captured);
    /// ```
    pub fn backtrace(&self) -> &Backtrace {
        &self.0.backtrace
    }

    /// Returns the error inside, if it is an `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new(std::io::Error::from(std::io::ErrorKind::NotFound));
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.error.downcast_ref()
    }

    /// Returns the error inside, as a [`std::error::Error`].
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host");
    /// let error: &dyn std::error::Error = error.as_std_error();
    /// assert!(error.source().is_none());
    /// ```
    pub fn as_std_error(&self) -> &(dyn StdError + 'static) {
        &*self.0.error
    }

    /// Returns the error inside, without place and backtrace.
    ///
    /// # Examples
    ///
    /// ```
    /// fn serve() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     let port: candor::Result<u16> = Err("the port is missing".into());
    ///     port.map_err(candor::Error::into_boxed)?;
    ///     Ok(())
    /// }
    ///
    /// assert_eq!(serve().unwrap_err().to_string(), "the port is missing");
    /// ```
    pub fn into_boxed(self) -> Box<dyn StdError + Send + Sync> {
        self.0.error
    }

    pub(crate) fn shared_backtrace(&self) -> Option<&Arc<Backtrace>> {
        Some(&self.0.backtrace)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.error, f)?;
        if f.alternate() {
            let chain = std::iter::successors(self.0.error.source(), |error| (*error).source());
            for cause in chain.take(16) {
                write!(f, ": {cause}")?;
            }
        }
        std::result::Result::Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Backtraced(self).fmt(f)
    }
}
