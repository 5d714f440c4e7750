//! What a user may set for one executor: the configuration and the failure policy.
//!
//! Knows failures, and the plug of an observer.

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use crate::kernel::failure::TaskFailure;
use crate::kernel::tasks::Watch;

/// What happens when a failure is reported.
///
/// A failure that is given to an awaiter is not reported, so the policy does not apply to it.
///
/// # Examples
///
/// ```
/// use candor::{Executor, FailurePolicy};
///
/// let executor = Executor::builder()
///     .on_failure(|_| ())
///     .failure_policy(FailurePolicy::Shutdown)
///     .build();
/// let code = executor.run(async {
///     candor::spawn(async { panic!("boom") }).detach();
///     std::future::pending::<()>().await;
/// });
/// assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::FAILURE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// It is reported, and everything else goes on.
    #[default]
    Report,
    /// It is reported, then every task is cancelled. `block_on` panics and names the task; `run` returns
    /// `FAILURE`; `drain` returns. `run_until` panics as `block_on` does, and `tick` returns as `drain` does.
    Shutdown,
    /// It is reported, then the process aborts. No destructor runs.
    Abort,
}

/// Gives a batch of slots another order.
pub(crate) type Shuffle = Box<dyn Fn(&mut [u32])>;

pub(crate) type OnFailure = Box<dyn Fn(&TaskFailure)>;

/// What a user may set when building an executor.
#[derive(Default)]
pub(crate) struct Config {
    /// Whether it was made by a user, is logged, or has run in a test.
    pub(crate) is_custom: Cell<bool>,
    pub(crate) on_failure: Option<OnFailure>,
    pub(crate) policy: FailurePolicy,
    /// How long a failure waits for its awaiter. `None` if the user has not said it: a second.
    pub(crate) grace: Cell<Option<Duration>>,
    pub(crate) virtual_time: bool,
    /// Gives the batch of each pass another order.
    pub(crate) shuffle: Option<Shuffle>,
    /// The observer. Without one, which is usual in a release build, the executor takes the fast path.
    pub(crate) watch: OnceCell<Box<dyn Watch>>,
}
