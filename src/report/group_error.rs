//! All failures of a group, as a tree.
//!
//! ```text
//! 2 of 3 tasks of the group failed
//! ├─ task #2 panicked: boom
//! │     at src/main.rs:5:9
//! └─ task #3 failed: 1 of 1 tasks of the group failed
//!       └─ task #4 failed: connection lost
//! ```
//!
//! A group that gave only its first failure would lose the others. So this holds all of them, in the order in
//! which they came. A nested group is a cause of its member's failure, so it is a branch of the tree.
//!
//! Knows no task and no group.

use crate::kernel::failure::JoinError;
use crate::report::error::Error;

/// Every failure of a [`TaskGroup`](crate::TaskGroup), in the order in which they came.
///
/// `{}` is one line. [`report`](GroupError::report) and `{:?}` are a tree of full reports, including those of nested
/// groups. A failure that was reported before, because the group was not awaited in time, is only named.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     group.spawn(async { Err::<(), _>("connection lost") });
///     let error = group.join().await.unwrap_err();
///     assert_eq!(error.failures().len(), 1);
///     assert_eq!(error.to_string(), "1 of 1 tasks of the group failed");
///     assert!(error.report().contains("task #1 failed: connection lost"));
/// });
/// ```
pub struct GroupError<E = Error> {
    /// Never empty.
    pub(crate) failures: Vec<JoinError<E>>,
    pub(crate) tasks: usize,
}

impl<E> GroupError<E> {
    pub(crate) fn new(failures: Vec<JoinError<E>>, tasks: usize) -> Self {
        debug_assert!(!failures.is_empty(), "a group without failures is no error");
        GroupError { failures, tasks }
    }

    /// Returns the failures, the first one first.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::new();
    ///     group.spawn(async { panic!("boom") });
    ///     let error = group.join().await.unwrap_err();
    ///     assert!(error.failures()[0].is_panic());
    /// });
    /// ```
    #[must_use]
    pub fn failures(&self) -> &[JoinError<E>] {
        &self.failures
    }

    /// Returns the failures by value, so that you can act on each.
    ///
    /// ```
    /// candor::block_on(async {
    ///     let group = candor::TaskGroup::<u16>::typed();
    ///     group.spawn(async { Err::<(), _>(404_u16) });
    ///     let failures = group.join().await.unwrap_err().into_failures();
    ///     let codes = failures.into_iter().filter_map(|failure| failure.into_failed().ok());
    ///     assert_eq!(codes.collect::<Vec<_>>(), [404]);
    /// });
    /// ```
    #[must_use]
    pub fn into_failures(self) -> Vec<JoinError<E>> {
        self.failures
    }
}
