//! The ways in: `run`, `block_on`, `test`, and an executor to keep.
//!
//! | | runs | at the end |
//! |---|---|---|
//! | [`run`] | the future, then all tasks that are no daemons | the exit code says whether anything failed |
//! | [`block_on`] | the future | what is unfinished is cancelled, and named |
//! | [`test()`] | the future, on virtual time | panics if anything failed |
//! | [`Executor`] | as `run` or `block_on`, again and again | tasks survive until it is dropped |
//!
//! Whichever way out is taken, a return, a panic or [`exit`], the tasks are cancelled on this thread and
//! unread failures are reported before control goes back.
//!
//! Knows the loop.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::panic::Location as Caller;
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use log::Level;

use crate::core::{__candor_poll_boundary, Config, Core, FailurePolicy, Stop};
use crate::current::{self, Entered};
use crate::executor::{drain, drive};
use crate::failure::lineage::Entry;
use crate::failure::{FailureKind, TaskFailure, report};
use crate::inspect::{Tasks, lost_work};
use crate::join::JoinHandle;
use crate::key::MAIN_SLOT;
use crate::outcome::Outcome;
use crate::spawn::TaskBuilder;

/// Runs a program: `future`, then every task that is not a daemon.
///
/// What a script with threads would do, if they told of their failures. A failure of `future` itself, an
/// `Err` or a panic, is reported like that of a task, and the tasks go on.
///
/// Returns `FAILURE` if any failure had to be reported, else `SUCCESS`; or the code given to [`exit`].
///
/// # Panics
///
/// Never because of a task. `future` may borrow from the stack.
///
/// # Examples
///
/// ```
/// use std::process::ExitCode;
/// use std::time::Duration;
///
/// fn main() -> ExitCode {
///     candor::run(async {
///         candor::spawn(async {
///             candor::sleep(Duration::from_millis(1)).await;
///             println!("This is still waited for.");
///         }).detach();
///     })
/// }
/// ```
#[track_caller]
pub fn run<F>(future: F) -> ExitCode
where
    F: Future,
    F::Output: Outcome,
{
    let entry = Entry {
        function: "run",
        at: Caller::caller(),
    };
    let (result, failures) = in_fresh_executor(Config::default(), entry, |core| {
        drive_reporting(core, future)?;
        drain(core)
    });
    exit_code(result, failures)
}

/// Runs `future` on this thread, with an executor of its own, until it is done.
///
/// When it is done, tasks that are not are cancelled: their futures are dropped on this thread. If any of
/// those is neither a daemon nor aborted, one warning names the first ten. Failures that nobody has
/// read are reported. Then the output is returned.
///
/// `future` may borrow from the stack, and may return anything; a panic in it is an ordinary panic. Calls may
/// be nested, but while the inner one runs the tasks of the outer one stand still, which a warning in
/// the log says.
///
/// # Panics
///
/// When `future` panics, or when a task calls [`exit`], whose code the message names.
///
/// # Examples
///
/// ```
/// let name = String::from("candor");
/// let length = candor::block_on(async { name.len() });
/// assert_eq!(length, 6);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let entry = Entry {
        function: "block_on",
        at: Caller::caller(),
    };
    let (result, _) = in_fresh_executor(Config::default(), entry, |core| drive(core, future));
    output_of(result)
}

/// Runs `future` in a `#[test]`, and lets the test fail if anything did.
///
/// The executor is on virtual time: it stands still while anything is ready and jumps to the next deadline
/// when nothing is, so a test that sleeps for a year takes a millisecond. As with [`block_on`], tasks that
/// are unfinished at the end are cancelled.
///
/// # Panics
///
/// When `future` panics or returns `Err`, and when any failure had to be reported; the message holds the
/// reports, which are not printed otherwise.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// // In the body of a `#[test]` function:
/// candor::test(async {
///     let start = candor::time::now();
///     candor::sleep(Duration::from_secs(365 * 24 * 3600)).await;
///     assert_eq!(candor::time::now() - start, Duration::from_secs(365 * 24 * 3600));
/// });
/// ```
#[track_caller]
pub fn test<F>(future: F) -> <F::Output as Outcome>::Ok
where
    F: Future,
    F::Output: Outcome,
{
    let entry = Entry {
        function: "test",
        at: Caller::caller(),
    };
    let reports = PrintedOnPanic::default();
    let collected = Rc::clone(&reports.0);
    let config = Config {
        is_custom: true,
        virtual_time: true,
        on_failure: Some(Box::new(move |failure| match failure.kind() {
            // It is no failure; a test may well catch a panic.
            FailureKind::Caught => report::print(Level::Error, &failure.to_string()),
            FailureKind::Panicked | FailureKind::Failed => {
                collected.borrow_mut().push(failure.to_string())
            }
        })),
        ..Config::default()
    };
    let (result, _) = in_fresh_executor(config, entry, |core| {
        let outcome = drive(core, future)?.into_result();
        Ok(outcome.map_err(|error| core.main_error(error)))
    });
    let reports = reports.0.take();
    let verdict = match result {
        Ok(Ok(value)) if reports.is_empty() => return value,
        Ok(Ok(_)) => format!("the test has {}:", counted(reports.len(), "unread failure")),
        Ok(Err(error)) => format!("{error:?}"),
        Err(stop) => advice_for(&stop),
    };
    panic!("{}", [&[verdict], &*reports].concat().join("\n"))
}

/// The reports of a test: should its own panic come first, they are printed after all.
#[derive(Default)]
struct PrintedOnPanic(Rc<RefCell<Vec<String>>>);

impl Drop for PrintedOnPanic {
    fn drop(&mut self) {
        for text in self.0.take() {
            report::print(Level::Error, &text);
        }
    }
}

/// Ends the executor that runs on this thread, with an exit code: what `sys.exit` is to a script.
///
/// When the poll that calls this returns, every task is cancelled, unread failures are reported, and
/// [`run`] returns `code`. Code after the call still runs, up to the next `.await` that waits.
///
/// `std::process::exit` cannot be seen by candor: after it, unread failures are not reported.
///
/// # Panics
///
/// When no executor runs on this thread. Under [`block_on`], which has no exit code to return, it is
/// `block_on` that panics.
///
/// # Examples
///
/// ```
/// let code = candor::run(async {
///     candor::spawn(async { candor::exit(3) }).detach();
///     std::future::pending::<()>().await;
/// });
/// assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(3)));
/// ```
#[track_caller]
pub fn exit(code: u8) {
    let stopped = current::with(|core| core.stop_for(Stop::Exit(code)));
    assert!(
        stopped.is_some(),
        "`exit({code})` was called where no executor runs on this thread. Call it from within a task, or \
         use std::process::exit",
    );
}

/// An executor to keep: its tasks survive from one call to the next.
///
/// Dropping it cancels its tasks, on this thread, and reports what is unread. One that its own tasks keep alive,
/// by an `Rc` in their futures, is not dropped before they are.
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
    core: Rc<Core>,
}

impl Executor {
    /// An executor on the real clock that prints failures.
    #[expect(
        clippy::new_without_default,
        reason = "an executor is a resource, not a value that has a default"
    )]
    pub fn new() -> Self {
        Executor {
            core: current::fresh_core(Config::default()),
        }
    }

    /// An executor that differs.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Runs `future`, then every task that is not a daemon, as the free function [`run`] does.
    ///
    /// The exit code speaks of the failures that were reported during this call. Failures that are unread
    /// stay so, as their handles may be held.
    ///
    /// # Panics
    ///
    /// When this executor is running already.
    #[track_caller]
    pub fn run<F>(&self, future: F) -> ExitCode
    where
        F: Future,
        F::Output: Outcome,
    {
        let before = self.failures();
        let result = self.enter("Executor::run", |core| {
            drive_reporting(core, future)?;
            drain(core)
        });
        exit_code(result, self.failures() - before)
    }

    /// Runs `future` until it is done. Tasks survive to the next call.
    ///
    /// # Panics
    ///
    /// When this executor is running already, when `future` panics, or when a task calls [`exit`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let result = self.enter("Executor::block_on", |core| drive(core, future));
        output_of(result)
    }

    /// Spawns a task, which is polled when the executor runs.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        TaskBuilder::new().spawn_on(self, future)
    }

    /// Runs until no task is left that is not a daemon.
    ///
    /// # Panics
    ///
    /// When this executor is running already.
    #[track_caller]
    pub fn drain(&self) {
        // A task that called `exit` has had its wish: everything is cancelled.
        let _stopped = self.enter("Executor::drain", drain);
    }

    /// The tasks that are alive, as a tree.
    pub fn tasks(&self) -> Tasks {
        Tasks::of(&self.core)
    }

    /// How many failures have been reported so far.
    pub fn failures(&self) -> u64 {
        self.core.failures()
    }

    #[track_caller]
    fn enter<R>(
        &self,
        function: &'static str,
        body: impl FnOnce(&Rc<Core>) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let entry = Entry {
            function,
            at: Caller::caller(),
        };
        warn_of_nesting(entry);
        let _entered = Entered::new(&self.core, entry);
        // A failure that was reported since the last call may have shut the executor down.
        let mut result = match self.core.take_stop() {
            None => body(&self.core),
            Some(stop) => Err(stop),
        };
        if result.is_ok()
            && let Some(stop) = self.core.take_stop()
        {
            result = Err(stop);
        }
        if result.is_err() {
            self.core.cancel_everything();
            self.core.take_stop();
        }
        result
    }
}

impl TaskBuilder {
    /// Spawns the task on `executor`, whether or not it is running. It is polled when the executor runs.
    #[track_caller]
    pub fn spawn_on<F>(self, executor: &Executor, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Outcome,
    {
        self.spawn_in(&executor.core, future, Caller::caller())
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if !self.core.is_entered.get() {
            let entered = Entered::again(&self.core);
            self.core.cancel_everything();
            drop(entered);
            current::retire(&self.core);
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.core.slots.borrow().len();
        f.debug_struct("Executor")
            .field("tasks", &tasks)
            .field("failures", &self.failures())
            .finish_non_exhaustive()
    }
}

/// Builds an [`Executor`] that differs from the usual one.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::rc::Rc;
///
/// let messages = Rc::new(RefCell::new(Vec::new()));
/// let panel = messages.clone();
/// let executor = candor::Executor::builder()
///     .on_failure(move |failure| panel.borrow_mut().push(failure.message().to_owned()))
///     .build();
/// executor.spawn(async { panic!("boom") }).detach();
/// executor.drain();
/// assert_eq!(*messages.borrow(), ["boom"]);
/// ```
#[must_use = "it builds nothing until `build` is called"]
pub struct Builder {
    config: Config,
}

impl Builder {
    fn new() -> Self {
        Builder {
            config: Config {
                is_custom: true,
                ..Config::default()
            },
        }
    }

    /// Gives failures to `callback` **instead of** printing them.
    ///
    /// It is called between polls, so it may spawn, and never inside a destructor. Should it panic, the
    /// report is printed after all.
    ///
    /// It is also the way to telemetry: a panic hook that the program has set (`std::panic::set_hook`) sees no
    /// panic of a task. Set such a hook before candor is first used; one that is set later takes the place
    /// of candor's own, and reports have no backtrace then.
    pub fn on_failure(mut self, callback: impl Fn(&TaskFailure) + 'static) -> Self {
        self.config.on_failure = Some(Box::new(callback));
        self
    }

    /// What happens when a failure is reported. Default: [`FailurePolicy::Report`].
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.config.policy = policy;
        self
    }

    /// How long a failure may wait for the holder of its handle before it is reported all the same.
    /// Default: one second. `Duration::MAX`: until the executor ends.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.config.grace = grace;
        self
    }

    /// Lets time stand still while anything is ready, and jump to the next deadline when nothing is.
    ///
    /// Deadlines must come from [`time::now`](crate::time::now), not from `Instant::now`. Threads outside
    /// know nothing of this time: their wakes are not waited for while a timer is due.
    pub fn virtual_time(mut self) -> Self {
        self.config.virtual_time = true;
        self
    }

    /// Polls what is ready in an order that is random, but the same for the same seed.
    ///
    /// Tasks that rely on the order of their neighbours show it. Nobody is starved: what is ready when a
    /// pass begins is polled before the next one begins.
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.config.shuffle = Some(Cell::new(seed));
        self
    }

    /// Warns, in the log or else on stderr, of each task that holds the thread for longer than `limit` in one
    /// poll. It costs two looks at the clock a poll.
    pub fn slow_poll(mut self, limit: Duration) -> Self {
        self.config.slow_poll = Some(limit);
        self
    }

    /// Builds the executor.
    pub fn build(self) -> Executor {
        Executor {
            core: current::fresh_core(self.config),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("policy", &self.config.policy)
            .finish_non_exhaustive()
    }
}

/// Runs `body` on a core that nobody else has, and ends it; says how many failures it has reported.
fn in_fresh_executor<R>(
    config: Config,
    entry: Entry,
    body: impl FnOnce(&Rc<Core>) -> Result<R, Stop>,
) -> (Result<R, Stop>, u64) {
    warn_of_nesting(entry);
    let core = current::fresh_core(config);
    let session = Session {
        _entered: Entered::new(&core, entry),
        core: &core,
    };
    let mut result = body(&core);
    if result.is_ok() && core.slots.borrow().len() > 0 {
        lost_work::tell(&core);
    }
    drop(session);
    if let (Ok(_), Some(stop)) = (&result, core.take_stop()) {
        result = Err(stop);
    }
    let failures = core.failures();
    current::retire(&core);
    (result, failures)
}

/// What `run` does with its future: a failure of it is reported like a task's.
///
/// The outcome is kept beside the future, so that it is told even if the executor has to stop at once.
fn drive_reporting<F>(core: &Rc<Core>, future: F) -> Result<(), Stop>
where
    F: Future<Output: Outcome>,
{
    let mut main = pin!(Some(future));
    let mut outcome = None;
    let driven = drive(
        core,
        poll_fn(|cx| {
            let polled = core.guarded(MAIN_SLOT, || {
                let main = main
                    .as_mut()
                    .as_pin_mut()
                    .expect("drive polls no future that is done");
                __candor_poll_boundary(|| main.poll(cx)).map(Outcome::into_result)
            });
            match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(result)) => outcome = Some(Ok(result)),
                Err(panic) => outcome = Some(Err(panic)),
            }
            Poll::Ready(())
        }),
    );
    let value = match outcome {
        None => None,
        Some(Ok(Ok(value))) => Some(value),
        Some(Ok(Err(error))) => {
            core.report_main_error(error);
            None
        }
        Some(Err(panic)) => {
            core.report_panic(panic);
            None
        }
    };
    let dropped = [
        core.guarded(MAIN_SLOT, || main.set(None)),
        core.guarded(MAIN_SLOT, || drop(value)),
    ];
    for panic in dropped.into_iter().filter_map(Result::err) {
        core.report_panic(panic);
    }
    driven
}

/// Cancels and reports when control goes back, be it by a panic of the main future.
struct Session<'a> {
    core: &'a Rc<Core>,
    /// Dropped last: destructors of tasks may still spawn and wake.
    _entered: Entered,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.core.cancel_everything();
    }
}

fn exit_code(result: Result<(), Stop>, failures: u64) -> ExitCode {
    match result {
        Err(Stop::Exit(code)) => ExitCode::from(code),
        Err(Stop::Failure(_)) => ExitCode::FAILURE,
        Ok(()) if failures > 0 => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// What `block_on` returns; no closure, whose place a panic would name instead of the caller's.
#[track_caller]
fn output_of<R>(result: Result<R, Stop>) -> R {
    match result {
        Ok(output) => output,
        Err(stop) => panic!("{}", advice_for(&stop)),
    }
}

fn advice_for(stop: &Stop) -> String {
    match stop {
        Stop::Exit(code) => format!(
            "a task called `candor::exit({code})`, and block_on has no exit code to return; \
             enter by `candor::run` if the program shall end with this code",
        ),
        Stop::Failure(headline) => format!("shut down by the failure policy, because {headline}"),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Says that an executor is entered while another one runs on this thread.
fn warn_of_nesting(entry: Entry) {
    if let Some(Some(outer)) = current::with(|outer| outer.entry.get()) {
        log::warn!(
            target: "candor",
            "{entry} runs inside {outer}: until it returns, no task of the outer executor is polled. \
             If that is not intended, `.await` the future instead",
        );
    }
}
