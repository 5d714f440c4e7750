//! What a user gives to an executor to keep, a callback or an instrument: its destructor may panic.
//!
//! It is dropped with the executor, or with the builder, together with much else. There a panic would leave the rest undropped,
//! and a second one would abort the process.
//!
//! Knows only how to drop it.

use std::ops::Deref;

use crate::kernel::failure::discard;

/// Dropping it never panics: it warns.
pub(crate) struct Contained<T> {
    /// What a warning calls it.
    what: &'static str,
    /// Full until it is dropped.
    content: Option<T>,
}

impl<T> Contained<T> {
    pub(crate) fn new(what: &'static str, content: T) -> Self {
        Contained {
            what,
            content: Some(content),
        }
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.content
            .as_ref()
            .expect("it is full until it is dropped")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        let content = self.content.take();
        discard(self.what, || drop(content));
    }
}
