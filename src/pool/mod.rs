//! A pool: many tasks, few at a time.
//!
//! ```text
//!                      ┌── permits ──┐
//! inputs ──next()──►   │ task  task  │ ──► results, in input order or as they come
//! (an iterator, lazy)  └─────────────┘
//!        at most `limit` at once: running, or done and not yet taken
//! ```
//!
//! A task for each of a million inputs takes the memory of a million tasks, and sends a million requests to a server at
//! once. So a pool has permits: a task runs only while it holds one. An input is taken from the iterator only when
//! there is a permit for its task.
//!
//! | file | holds |
//! |---|---|
//! | `permits` | which tasks may run, and which wait for that, in order of arrival |
//! | `results` | `map` and `completed`: inputs in, results out |
//!
//! Its tasks are tasks like any other, with the same rules for their failures.
//!
//! Knows handles and spawning.

mod permits;
mod results;

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::kernel::tasks::JoinHandle;
use crate::outcome::Outcome;
use crate::task_builder::TaskBuilder;
use permits::{Permit, Permits};
pub use results::{NextResult, PoolResults};

/// Runs at most a given number of tasks at once.
///
/// [`submit`](TaskPool::submit) gives a task to the pool; [`map`](TaskPool::map) and
/// [`completed`](TaskPool::completed) make a task of each input. All of them share the pool's limit. A task that is
/// done, dropped, aborted or has failed makes room for the next one.
///
/// A clone is the same pool: it shares the limit.
///
/// The pool itself owns no task: dropping it changes nothing for what was submitted. Do not await a
/// task of the pool from within another one: if all running tasks wait for one that has no permit,
/// none goes on.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let pool = candor::TaskPool::new(32);
///     let lengths = pool.map(["one", "three"], async |word: &str| word.len());
///     assert_eq!(lengths.collect().await.unwrap(), [3, 5]);
/// });
/// ```
#[derive(Clone)]
pub struct TaskPool {
    permits: Rc<Permits>,
}

impl TaskPool {
    /// Makes a pool in which at most `limit` tasks run at once.
    ///
    /// # Panics
    ///
    /// When `limit` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let pool = candor::TaskPool::new(8);
    ///     assert_eq!(pool.submit(async { 6 * 7 }).await.unwrap(), 42);
    /// });
    /// ```
    #[track_caller]
    #[must_use]
    pub fn new(limit: usize) -> Self {
        assert!(
            limit > 0,
            "a TaskPool with a limit of zero would never run a task. Give it 1 to run them one after the \
             other, or `usize::MAX` to run all at once"
        );
        TaskPool {
            permits: Rc::new(Permits::new(limit)),
        }
    }

    /// Returns how many tasks may run at once.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = candor::TaskPool::new(8);
    /// assert_eq!(pool.limit(), 8);
    /// ```
    #[must_use]
    pub fn limit(&self) -> usize {
        self.permits.limit
    }

    /// Spawns a task that begins when there is room, in the order of submitting.
    ///
    /// Each waiting task takes the memory of a task; for many inputs there are [`map`](TaskPool::map)
    /// and [`completed`](TaskPool::completed).
    ///
    /// # Panics
    ///
    /// When no executor runs on this thread.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let pool = candor::TaskPool::new(1);
    ///     let one = pool.submit(async { 1 });
    ///     let two = pool.submit(async { 2 });
    ///     assert_eq!((two.await.unwrap(), one.await.unwrap()), (2, 1));
    /// });
    /// ```
    #[track_caller]
    pub fn submit<F: Future<Output: Outcome> + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        TaskBuilder::new().submit_to(self, future)
    }

    /// Runs `f` of each input as a task, and gives the results in the order of the inputs.
    ///
    /// Nothing happens before the results are [awaited](PoolResults::next). While they are, the pool is kept
    /// busy: an input is taken whenever there is room. At most `limit` tasks exist at once; a task that is
    /// done and waits for its turn counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let pool = candor::TaskPool::new(2);
    ///     let mut slow_first = pool.map(0..3, async |number| {
    ///         candor::sleep(Duration::from_secs(3 - number)).await;
    ///         number
    ///     });
    ///     assert_eq!(slow_first.next().await.unwrap().unwrap(), 0);
    ///     assert_eq!(slow_first.collect().await.unwrap(), [1, 2]);
    ///
    ///     // Each task needs its own share of what the function holds.
    ///     let factor = std::rc::Rc::new(10);
    ///     let products = pool.map(0..3, move |number| {
    ///         let factor = factor.clone();
    ///         async move { number * *factor }
    ///     });
    ///     assert_eq!(products.collect().await.unwrap(), [0, 10, 20]);
    /// });
    /// ```
    #[track_caller]
    pub fn map<'a, I, F, Fut>(&self, inputs: I, f: F) -> PoolResults<'a, Fut::Output>
    where
        I: IntoIterator,
        I::IntoIter: 'a,
        F: FnMut(I::Item) -> Fut + 'a,
        Fut: Future<Output: Outcome> + 'static,
    {
        PoolResults::new(&self.permits, true, inputs.into_iter(), f)
    }

    /// Does what [`map`](TaskPool::map) does, but gives each result as soon as it is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// candor::test(async {
    ///     let pool = candor::TaskPool::new(8);
    ///     let fast_first = pool.completed([3, 1, 2], async |seconds| {
    ///         candor::sleep(Duration::from_secs(seconds)).await;
    ///         seconds
    ///     });
    ///     assert_eq!(fast_first.collect().await.unwrap(), [1, 2, 3]);
    /// });
    /// ```
    #[track_caller]
    pub fn completed<'a, I, F, Fut>(&self, inputs: I, f: F) -> PoolResults<'a, Fut::Output>
    where
        I: IntoIterator,
        I::IntoIter: 'a,
        F: FnMut(I::Item) -> Fut + 'a,
        Fut: Future<Output: Outcome> + 'static,
    {
        PoolResults::new(&self.permits, false, inputs.into_iter(), f)
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl crate::outcome::Value for TaskPool {}
impl std::panic::UnwindSafe for TaskPool {}
impl std::panic::RefUnwindSafe for TaskPool {}

impl TaskBuilder {
    /// Submits a task to a pool, with the name that it was given. Otherwise as [`TaskPool::submit`].
    ///
    /// # Panics
    ///
    /// As [`TaskPool::submit`].
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let pool = candor::TaskPool::new(2);
    ///     let task = candor::TaskBuilder::new().name("fetch").submit_to(&pool, async { 5 });
    ///     assert_eq!(task.name(), Some("fetch"));
    ///     assert_eq!(task.await.unwrap(), 5);
    /// });
    /// ```
    #[track_caller]
    pub fn submit_to<F>(self, pool: &TaskPool, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Outcome> + 'static,
    {
        let future = Box::pin(future);
        let permit = Permit::ask(&pool.permits);
        self.spawn(Submitted { future, permit })
    }
}

impl fmt::Debug for TaskPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskPool({:?})", self.permits)
    }
}

/// Waits for its permit, then runs. The future is dropped before the permit goes to the next task.
struct Submitted<F> {
    future: Pin<Box<F>>,
    permit: Permit,
}

impl<F: Future> Future for Submitted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        ready!(self.permit.poll_granted(cx));
        self.future.as_mut().poll(cx)
    }
}
