//! What a caller adds to an error: what was being done when it came.
//!
//! ```text
//! Contextual("reading the settings") ──source──► Contextual("opening the file") ──source──► io::Error
//! ```
//!
//! The words are a link in front of the chain of sources. So everything that shows a chain shows them: `{:#}`, the report, and
//! other crates.
//!
//! Knows `candor::Error`.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};

use crate::report::error::{Error, Inner};

/// Adds words to the error of a [`Result`], as anyhow's `Context` does: what was being done when it came.
///
/// The result is a [`candor::Result`](crate::Result). Its error shows the words first, and knows the place and the backtrace of
/// where it began: the first `?`, or this call where there was none.
///
/// On an [`Option`], `None` becomes an error that begins here.
///
/// # Examples
///
/// ```
/// use candor::Context;
///
/// fn port(text: &str) -> candor::Result<u16> {
///     let number = text.strip_prefix("port ").context("no port is given")?;
///     number.parse().with_context(|| format!("{number:?} is no port"))
/// }
///
/// assert_eq!(port("port 80").unwrap(), 80);
/// assert_eq!(port("80").unwrap_err().to_string(), "no port is given");
/// let error = port("port eighty").unwrap_err();
/// assert_eq!(error.to_string(), "\"eighty\" is no port");
/// assert_eq!(format!("{error:#}"), "\"eighty\" is no port: invalid digit found in string");
/// ```
pub trait Context<T>: Sized {
    /// Adds these words to the error.
    ///
    /// # Errors
    ///
    /// The error that was there, behind the words.
    ///
    /// # Examples
    ///
    /// ```
    /// use candor::Context;
    ///
    /// let result = "eighty".parse::<u16>().context("reading the port");
    /// assert_eq!(result.unwrap_err().to_string(), "reading the port");
    /// ```
    #[track_caller]
    fn context<C>(self, words: C) -> Result<T, Error>
    where
        C: Display + Send + Sync + 'static,
    {
        self.with_context(|| words)
    }

    /// The same with words that are made only where there is an error.
    ///
    /// # Errors
    ///
    /// The error that was there, behind the words.
    ///
    /// # Examples
    ///
    /// ```
    /// use candor::Context;
    ///
    /// let text = "eighty";
    /// let result = text.parse::<u16>().with_context(|| format!("reading the port {text}"));
    /// assert_eq!(result.unwrap_err().to_string(), "reading the port eighty");
    /// ```
    fn with_context<C, F>(self, words: F) -> Result<T, Error>
    where
        C: Display + Send + Sync + 'static,
        F: FnOnce() -> C;
}

// No closures: the caller of a closure would be std, and the error would begin there.
impl<T, E> Context<T> for Result<T, E>
where
    Error: From<E>,
{
    #[track_caller]
    fn with_context<C, F>(self, words: F) -> Result<T, Error>
    where
        C: Display + Send + Sync + 'static,
        F: FnOnce() -> C,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::from(error).context(words())),
        }
    }
}

impl<T> Context<T> for Option<T> {
    #[track_caller]
    fn with_context<C, F>(self, words: F) -> Result<T, Error>
    where
        C: Display + Send + Sync + 'static,
        F: FnOnce() -> C,
    {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::from(words().to_string())),
        }
    }
}

/// Words of any type, which can be asked for again.
trait Words: Any + Display + Send + Sync {}

impl<C: Any + Display + Send + Sync> Words for C {}

/// An error with words in front of it.
struct Contextual {
    words: Box<dyn Words>,
    error: Inner,
}

impl Error {
    /// Adds words in front: what was being done when the error came. Place and backtrace stay those of where it began.
    ///
    /// `{}` shows the words, `{:#}` and the report show what is behind them as well, and
    /// [`downcast_ref`](Error::downcast_ref) finds the error behind them, or the words if they are an error themselves.
    /// [`Context`] does the same for a `Result`.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("no route to the host").context("fetching the news");
    /// assert_eq!(error.to_string(), "fetching the news");
    /// assert_eq!(format!("{error:#}"), "fetching the news: no route to the host");
    /// assert_eq!(error.location().line(), line!() - 3);
    /// ```
    #[must_use]
    pub fn context<C>(self, words: C) -> Self
    where
        C: Display + Send + Sync + 'static,
    {
        self.map_inner(|error| {
            Box::new(Contextual {
                words: Box::new(words),
                error,
            })
        })
    }

    /// Returns the error inside, if it is an `E`, also from behind words that were added as [`context`](Error::context).
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new(std::io::Error::from(std::io::ErrorKind::NotFound));
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    /// assert!(error.context("opening the file").downcast_ref::<std::io::Error>().is_some());
    /// ```
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut error = self.as_std_error();
        while let Some(Contextual { words, error: next }) = error.downcast_ref() {
            let words: &dyn Any = &**words;
            if let Some(found) = words.downcast_ref() {
                return Some(found);
            }
            error = next.get();
        }
        error.downcast_ref()
    }
}

impl StdError for Contextual {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.error.get())
    }
}

impl Display for Contextual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.words, f)
    }
}

/// The error's own form comes last: one of anyhow's ends in its backtrace. Words behind words are asked for in a loop: there may be
/// very many.
impl Debug for Contextual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.words)?;
        let mut error = self.error.get();
        while let Some(Contextual { words, error: next }) = error.downcast_ref() {
            write!(f, "{words}: ")?;
            error = next.get();
        }
        Debug::fmt(error, f)
    }
}
