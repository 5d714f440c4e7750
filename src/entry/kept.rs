//! `Executor`: an executor that is kept.
//!
//! It is entered again and again, and its tasks live on in between.
//!
//! Knows the loop and the core.

use std::cell::OnceCell;
use std::fmt;
use std::panic::Location;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use crate::entry::main_future::run_program;
use crate::entry::spare::{fresh_core, retire};
use crate::entry::{drain, exit_code, output_of, reactor, see_to_nesting};
use crate::hosts::list::Hosts;
use crate::hosts::notify_elsewhere;
use crate::hosts::visit::Visit;
use crate::kernel::failure::Entry;
use crate::kernel::tasks::spawn::spawn_onto;
use crate::kernel::tasks::{Core, Entered, Event, JoinHandle, Stop, Stopped, deliver_mail, drive};
use crate::outcome::Outcome;
use crate::report::printing;
use crate::task_builder::{TaskBuilder, boxed_if_large};
use crate::watch::Tasks;

/// An executor that you keep: its tasks survive from one call to the next.
///
/// Dropping it cancels its tasks, on this thread, and reports unread failures. If its own tasks keep it alive,
/// through an `Rc` in their futures, it is not dropped before they are.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let executor = candor::Executor::new();
/// let count = Rc::new(Cell::new(0));
/// let counter = count.clone();
/// executor.spawn(async move {
///     for _ in 0..3 {
///         counter.set(counter.get() + 1);
///         candor::yield_now().await;
///     }
/// }).detach();
/// executor.block_on(candor::yield_now());
/// assert_eq!(count.get(), 1);
/// executor.drain();
/// assert_eq!(count.get(), 3);
/// ```
pub struct Executor {
    pub(crate) core: Rc<Core>,
    /// What is called when there is something to do while nobody runs it. Empty until there is such a host.
    pub(crate) hosts: OnceCell<Arc<Hosts>>,
}

impl Executor {
    /// Makes an executor on the real clock that prints failures.
    ///
    /// # Panics
    ///
    /// If the process has 65,536 executors already, including those of `run` and `block_on`.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// assert_eq!(executor.block_on(async { 6 * 7 }), 42);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        // One that is logged may run a test too, so it needs the observer that the builder gives it.
        if printing::is_traced() {
            return Executor::builder().build();
        }
        Executor {
            core: fresh_core(None),
            hosts: OnceCell::new(),
        }
    }

    /// Runs `future`, then every task that is not a daemon, as the free function [`run`](crate::run) does.
    ///
    /// The exit code covers the failures that were reported during this call. Unread failures stay unread,
    /// because their handles may be held.
    ///
    /// # Panics
    ///
    /// If this executor is running already, or if a [stall](crate::Builder::detect_stalls) is proven.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::process::ExitCode;
    ///
    /// let executor = candor::Executor::builder().on_failure(|_| ()).build();
    /// let failed = executor.run(async { "seven".parse::<u8>() });
    /// assert_eq!(format!("{failed:?}"), format!("{:?}", ExitCode::FAILURE));
    /// // Each call counts for itself.
    /// let succeeded = executor.run(async { "7".parse::<u8>() });
    /// assert_eq!(format!("{succeeded:?}"), format!("{:?}", ExitCode::SUCCESS));
    /// ```
    #[track_caller]
    #[must_use = "the exit code says whether anything failed"]
    pub fn run<F: Future<Output: Outcome>>(&self, future: F) -> ExitCode {
        boxed_if_large!(|future: F| {
            let before = self.failures();
            let result = self.enter(&"Executor::run", |core| run_program(core, future));
            exit_code(result, self.failures() - before)
        })
    }

    /// Runs `future` until it is done. Tasks survive to the next call.
    ///
    /// # Panics
    ///
    /// If this executor is running already, if `future` panics, if a task calls [`exit`](crate::exit), or if a
    /// [stall](crate::Builder::detect_stalls) is proven.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.block_on(async { candor::spawn(async { 6 * 7 }) });
    /// assert!(!task.is_finished());
    /// assert_eq!(executor.block_on(task).unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let function = &"Executor::block_on";
        boxed_if_large!(|future: F| {
            let result = self.enter(function, |core| drive(core, future, reactor::run));
            output_of(result, function)
        })
    }

    /// Spawns a task. It is polled when the executor runs.
    ///
    /// # Panics
    ///
    /// If four billion tasks are alive in this executor, as many as a waker can number.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.spawn(async { 6 * 7 });
    /// assert!(!task.is_finished());
    /// assert_eq!(executor.block_on(task).unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn spawn<F: Future<Output: Outcome> + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        boxed_if_large!(|future: F| TaskBuilder::new().spawn_on(self, future))
    }

    /// Runs until only daemons are left.
    ///
    /// # Panics
    ///
    /// If this executor is running already, or if a [stall](crate::Builder::detect_stalls) is proven.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.spawn(async {
    ///     candor::spawn(async { 6 * 7 }).await
    /// });
    /// executor.drain();
    /// assert!(task.is_finished());
    /// ```
    #[track_caller]
    pub fn drain(&self) {
        // If a task called `exit`, everything is cancelled already.
        if let Err(Stop::Stall(text)) = self.enter(&"Executor::drain", drain) {
            panic!("{text}");
        }
    }

    /// Returns the tasks that are alive, as a tree.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.spawn(async {}).detach();
    /// assert!(executor.tasks().to_string().starts_with("1 task alive"));
    /// executor.drain();
    /// assert!(executor.tasks().is_empty());
    /// ```
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        Tasks::of(&self.core)
    }

    /// Returns how many failures have been reported so far.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::builder().on_failure(|_| ()).build();
    /// executor.spawn(async { panic!("boom") }).detach();
    /// assert_eq!(executor.failures(), 0);
    /// executor.drain();
    /// assert_eq!(executor.failures(), 1);
    /// ```
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.core.failures.reported.get()
    }

    #[track_caller]
    pub(crate) fn enter<R>(
        &self,
        function: &'static &'static str,
        body: impl FnOnce(&Rc<Core>) -> Result<R, Stopped>,
    ) -> Result<R, Stop> {
        let at = Location::caller();
        let entry = Entry { function, at };
        if !self.core.stay.is_entered.get() {
            see_to_nesting(&self.core, entry);
        }
        Visit::new(&self.core, &self.hosts, entry).run(|core| {
            // Tasks that were woken since the last visit are queued before all that happens now.
            deliver_mail(core, None);
            core.say(|| Event::Entered);
            body(core)
        })
    }
}

impl TaskBuilder {
    /// Spawns the task on `executor`, whether or not it is running. It is polled when the executor runs.
    ///
    /// # Panics
    ///
    /// As [`Executor::spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let fetch = candor::TaskBuilder::new().name("fetch").spawn_on(&executor, async { 42 });
    /// assert_eq!(fetch.name(), Some("fetch"));
    /// assert_eq!(executor.block_on(fetch).unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn spawn_on<F: Future<Output: Outcome> + 'static>(
        self,
        executor: &Executor,
        future: F,
    ) -> JoinHandle<F::Output> {
        let (core, at) = (&executor.core, Location::caller());
        let TaskBuilder { name, is_daemon } = self;
        let task = boxed_if_large!(|future: F| spawn_onto(core, name, is_daemon, future, at));
        notify_elsewhere(core);
        task
    }
}

// A panic finds it whole, as `lib.rs` says of everything.
impl std::panic::UnwindSafe for Executor {}
impl std::panic::RefUnwindSafe for Executor {}

/// The same as [`Executor::new`].
impl Default for Executor {
    fn default() -> Self {
        Executor::new()
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if !self.core.stay.is_entered.get() {
            self.core.inbox.come_back();
            let entered = Entered::again(&self.core);
            self.core.close_errands();
            self.core.cancel_everything();
            self.core.stay.outside.take();
            drop(entered);
            // A core that was hosted is not used again: its inbox still calls the hosts.
            if self.hosts.get().is_none() {
                retire(&self.core);
            }
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.core.slots.len();
        f.debug_struct("Executor")
            .field("tasks", &tasks)
            .field("failures", &self.failures())
            .finish_non_exhaustive()
    }
}
