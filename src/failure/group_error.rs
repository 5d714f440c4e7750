//! What a group failed with: all of it, as a tree.
//!
//! ```text
//! 2 of 3 tasks of the group failed
//! ├─ task #2 panicked: boom
//! │     at src/main.rs:5:9
//! └─ task #3 failed: 1 of 1 tasks of the group failed
//!       └─ task #4 failed: connection lost
//! ```
//!
//! A group that gave only its first failure would lose the others, so this holds every one, in the order in
//! which they came. A group inside of a member is a cause of that member's failure, and so a branch of the tree.
//!
//! Knows no task and no group.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};

use super::TaskFailure;
use super::error::Error;
use super::join_error::JoinError;

/// Every failure of a [`TaskGroup`](crate::TaskGroup), in the order in which they came.
///
/// Its `Display` and its `Debug` are a tree of full reports. A failure that has been reported before, because
/// the group was not awaited in time, is named and not told again.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let group = candor::TaskGroup::new();
///     group.spawn(async { Err::<(), _>("connection lost") });
///     let error = group.join().await.unwrap_err();
///     assert_eq!(error.failures().len(), 1);
///     assert!(error.to_string().contains("task #1 failed: connection lost"));
/// });
/// ```
pub struct GroupError<E = Error> {
    /// Never empty.
    failures: Vec<JoinError<E>>,
    tasks: usize,
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
    pub fn failures(&self) -> &[JoinError<E>] {
        &self.failures
    }

    /// Returns the failures, to act on each.
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
    pub fn into_failures(self) -> Vec<JoinError<E>> {
        self.failures
    }
}

impl<E: Debug + 'static> Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.headline(), self.tree())
    }
}

impl<E: Debug + 'static> GroupError<E> {
    /// What stands above the tree.
    pub(crate) fn headline(&self) -> String {
        let failed = self.failures.len();
        format!("{failed} of {} tasks of the group failed", self.tasks)
    }

    /// The report of each failure, below its branch.
    pub(crate) fn tree(&self) -> String {
        let mut lines = Vec::new();
        for (number, failure) in self.failures.iter().enumerate() {
            let [branch, below] = match number + 1 == self.failures.len() {
                false => ["├─ ", "│  "],
                true => ["└─ ", "   "],
            };
            let report = failure.failure().map(report_of).unwrap_or_default();
            let report = report.replace('\n', &format!("\n{below}"));
            lines.push(format!("{branch}{report}"));
        }
        lines.join("\n")
    }
}

fn report_of(failure: &TaskFailure) -> String {
    if failure.is_told() {
        format!("{}, reported above", failure.headline())
    } else {
        failure.to_string()
    }
}

/// The signs are for the report of a task that returned it, as those of [`JoinError`] are: `{:-?}` is the line
/// above the tree, and `{:+?}` is the tree.
impl<E: Debug + 'static> Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (f.sign_minus(), f.sign_plus()) {
            (true, _) => f.write_str(&self.headline()),
            (_, true) => f.write_str(&self.tree()),
            (false, false) => Display::fmt(self, f),
        }
    }
}

impl<E: Debug + 'static> StdError for GroupError<E> {}
