//! A line more about an error: what was being done when it came up.
//!
//! Knows `candor::Error`.

use std::error::Error as StdError;
use std::fmt::{self, Display};

use crate::report::error::{Error, Result};

/// An error, and what was being done when it came up.
#[derive(Debug)]
struct WithContext {
    context: String,
    error: Box<dyn StdError + Send + Sync>,
}

impl Display for WithContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for WithContext {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}

impl Error {
    /// Says what was being done when this error came up. Its text is then this line, and the error is its source; place and
    /// backtrace stay those of the error.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = candor::Error::new("connection lost").context("fetching the index");
    /// assert_eq!(error.to_string(), "fetching the index");
    /// assert_eq!(format!("{error:#}"), "fetching the index: connection lost");
    /// ```
    #[must_use]
    pub fn context(self, context: impl Display) -> Self {
        let context = context.to_string();
        self.map_inner(|error| Box::new(WithContext { context, error }))
    }

    /// The error inside, or what it adds a line to, if that is an `E`.
    pub(crate) fn find<E: StdError + 'static>(&self) -> Option<&E> {
        let mut error = self.as_std_error();
        loop {
            match error.downcast_ref::<WithContext>() {
                Some(with_context) => error = &*with_context.error,
                None => return error.downcast_ref(),
            }
        }
    }
}

/// Adds a line to the error of a [`Result`], and makes it a [`candor::Error`](Error). As in the anyhow crate.
///
/// # Examples
///
/// ```
/// use candor::Context;
///
/// fn port(text: &str) -> candor::Result<u16> {
///     let port = text.parse().with_context(|| format!("reading the port {text:?}"))?;
///     candor::Ok(port)
/// }
///
/// let error = port("eighty").unwrap_err();
/// assert_eq!(format!("{error:#}"), r#"reading the port "eighty": invalid digit found in string"#);
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
pub trait Context<T> {
    /// Adds this line to an error.
    ///
    /// # Errors
    ///
    /// The error, with the line.
    fn context(self, context: impl Display) -> Result<T>;

    /// Adds a line to an error, which is only made where there is one.
    ///
    /// # Errors
    ///
    /// The error, with the line.
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T, E> Context<T> for std::result::Result<T, E>
where
    Error: From<E>,
{
    #[track_caller]
    fn context(self, context: impl Display) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::from(error).context(context)),
        }
    }

    #[track_caller]
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::from(error).context(context())),
        }
    }
}
