//! `candor::Error`: any error, and the place where it was made.
//!
//! When a task returns an `Err`, the frames that made it are gone. So the error itself has to record
//! them, at the first `?`. That `?` calls `From::from` with the caller's location. This type records
//! it, with a backtrace, whether or not an environment variable is set.
//!
//! It cannot be a `std::error::Error` itself: then `From<Error> for Error` would exist twice, here and in
//! core. anyhow has the same limit for the same reason.
//!
//! Knows no task.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::panic;
use std::sync::Arc;

use crate::kernel::failure::{Location, TaskFailure, guarded};
use crate::report::after_poll;
use crate::report::quoting::sources_of;

/// Any error, with the place and the backtrace of the `?` that made it.
///
/// Takes whatever converts into a boxed error: errors, `&str`, `String`, boxes, and the errors of
/// the anyhow crate. It is one pointer wide, `Send + Sync`, and always captures a backtrace, which
/// costs 5 to 20 µs. An error that comes from another task's failure ([`JoinError`](crate::JoinError))
/// keeps the place and the backtrace of that one.
///
/// `{}` is the error's text, `{:#}` adds its sources, `{:?}` shows everything. [`context`](Error::context), or the trait
/// [`Context`](crate::Context) on a `Result`, adds what was being done.
///
/// It cannot be a [`std::error::Error`] itself, because then it could not be made from every other one.
/// [`into_boxed`](Error::into_boxed) converts it.
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
    error: Inner,
    location: Location,
    backtrace: Arc<Backtrace>,
}

/// A `Result` whose error is [`candor::Error`](Error).
///
/// With [`candor::Ok`](fn@Ok), an async block needs no type annotation. Both shadow std's names if
/// they are imported, so write `candor::Result` and `candor::Ok` in full, and do not import
/// `candor::*`.
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

/// What `?` turns into an [`Error`]. Implemented for everything that converts into a
/// `Box<dyn std::error::Error + Send + Sync>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert into a `candor::Error`",
    label = "`candor::Error` takes errors that are `Send + Sync`, texts, and boxes of these. Write \
             `.map_err(|error| error.to_string())?`, or let a box that is made elsewhere be a `Box<dyn std::error::Error + \
             Send + Sync>`"
)]
pub trait IntoError: Sized {
    #[doc(hidden)]
    fn into_inner(self) -> Box<dyn StdError + Send + Sync>;
}

// Otherwise the compiler would name this impl's bound, which does not help a user.
#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn StdError + Send + Sync>>> IntoError for E {
    fn into_inner(self) -> Box<dyn StdError + Send + Sync> {
        self.into()
    }
}

impl<E: IntoError> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        let error = error.into_inner();
        let origin = origin_of(&*error);
        let location = origin.and_then(TaskFailure::location);
        let backtrace = origin.and_then(TaskFailure::shared_backtrace).cloned();
        Error(Box::new(Parts {
            // Not in a closure: its caller would be core.
            location: location.unwrap_or(panic::Location::caller().into()),
            backtrace: backtrace.unwrap_or_else(|| Arc::new(Backtrace::force_capture())),
            error: Inner(Some(error)),
        }))
    }
}

/// The failure of another task that an error has as a source.
fn origin_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TaskFailure> {
    sources_of(error)
        .take(SOURCES)
        .find_map(|source| source.ok()?.downcast_ref())
}

/// How many sources are looked at, or shown from either end of a chain.
pub(super) const SOURCES: usize = 64;

/// The error itself. Nested errors are freed one after the other, not one inside the other: otherwise an error that
/// many tasks have passed on would overflow the stack.
pub(super) struct Inner(Option<Box<dyn StdError + Send + Sync>>);

impl Inner {
    pub(super) fn get(&self) -> &(dyn StdError + 'static) {
        self.0.as_deref().expect(FULL)
    }
}

thread_local! {
    /// Errors that wait until the error that held them is freed.
    static TO_FREE: Cell<Option<Vec<Inner>>> = const { Cell::new(None) };
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(error) = self.0.take() else {
            return;
        };
        match TO_FREE.try_with(|list| list.replace(Some(Vec::new()))) {
            // Inside of the destructor of another error, which frees this one afterwards.
            std::result::Result::Ok(Some(mut list)) => {
                list.push(Inner(Some(error)));
                TO_FREE.set(Some(list));
            }
            std::result::Result::Ok(None) => {
                let _rest = FreesTheRest;
                drop(error);
            }
            // The thread is ending.
            Err(_) => drop(error),
        }
    }
}

/// Frees the errors that wait, also if the destructor of an error panics.
struct FreesTheRest;

impl Drop for FreesTheRest {
    fn drop(&mut self) {
        while let Some(mut list) = TO_FREE.take() {
            let Some(mut next) = list.pop() else {
                return;
            };
            TO_FREE.set(Some(list));
            let error = next.0.take();
            if let Err(caught) = guarded(|| drop(error)) {
                // If candor's hook has not seen it, there is another one, which has printed it.
                let is_printed = caught.place.is_none();
                let message = caught.quoted("");
                if !is_printed {
                    after_poll::warn(format!(
                        "an error within another one panicked when it was dropped: {message}"
                    ));
                }
            }
        }
    }
}

/// Wraps an [`Error`] as a [`std::error::Error`], which it cannot be itself. `?` makes it in a function that returns
/// a `Box<dyn std::error::Error>`.
pub(crate) struct Boxed(pub(crate) Error);

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl StdError for Boxed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_std_error().source()
    }
}

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error {
    /// Makes an error from a message or from another error, with this place. The same as `Error::from`.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host");
    /// assert_eq!(error.to_string(), "no route to the host");
    /// assert_eq!(error.location().line(), line!() - 2);
    /// ```
    #[track_caller]
    #[must_use]
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
    #[must_use]
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

    /// Returns the error inside, as a [`std::error::Error`].
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host");
    /// let error: &dyn std::error::Error = error.as_std_error();
    /// assert!(error.source().is_none());
    /// ```
    #[must_use]
    pub fn as_std_error(&self) -> &(dyn StdError + 'static) {
        self.0.error.get()
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
    #[must_use]
    pub fn into_boxed(mut self) -> Box<dyn StdError + Send + Sync> {
        self.0.error.0.take().expect(FULL)
    }

    /// Puts another error around the one inside, and keeps the origin.
    pub(super) fn map_inner(
        mut self,
        wrap: impl FnOnce(Inner) -> Box<dyn StdError + Send + Sync>,
    ) -> Self {
        let error = Inner(self.0.error.0.take());
        self.0.error.0 = Some(wrap(error));
        self
    }

    pub(super) fn shared_backtrace(&self) -> Arc<Backtrace> {
        self.0.backtrace.clone()
    }
}

const FULL: &str = "it is full until it is dropped or boxed";

// Once it is made, nothing changes an error. anyhow says the same of its own type.
impl std::panic::UnwindSafe for Error {}
impl std::panic::RefUnwindSafe for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.as_std_error();
        fmt::Display::fmt(error, f)?;
        if f.alternate() {
            let chain = std::iter::successors(error.source(), |error| (*error).source());
            for cause in chain.take(SOURCES) {
                write!(f, ": {cause}")?;
            }
        }
        std::result::Result::Ok(())
    }
}
