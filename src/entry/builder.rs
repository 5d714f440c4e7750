//! The builder of an executor that differs from the default.
//!
//! Knows the configuration of a core, and the observers.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::entry::Executor;
use crate::entry::spare::{fresh_core, install_hook};
use crate::hosts::list::Hosts;
use crate::kernel::failure::TaskFailure;
use crate::kernel::tasks::{Config, FailurePolicy, Foreign, Shuffle};
use crate::watch::contained::Contained;
use crate::watch::instrument::{Installed, Instrument, installed};
use crate::watch::trace_log;
use crate::watch::watchers::Watchers;

/// Builds an [`Executor`] that differs from the default.
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
    on_wake: Option<Foreign>,
    instruments: Vec<Installed>,
    slow_poll: Option<Duration>,
    detect_stalls: bool,
    test_timeout: Option<Duration>,
}

impl Executor {
    /// Returns a builder for an executor that differs from the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = candor::Executor::builder().virtual_time().build();
    /// executor.block_on(candor::sleep(Duration::from_secs(3600)));
    /// assert_eq!(executor.failures(), 0);
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// Gives failures to `callback` **instead of** printing them.
    ///
    /// It is called between polls, never inside a destructor, and it may spawn. (Where a handle was dropped while the executor was
    /// not running, no executor runs there: it may spawn on one that it holds.) If it panics, the report is printed.
    ///
    /// Use it for telemetry, too: a panic hook that the program has set (`std::panic::set_hook`) sees no panic
    /// of a task. Set such a hook before candor is first used. A hook that is set later replaces candor's own,
    /// and then reports have no backtrace.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let (post, reports) = mpsc::channel();
    /// let executor = candor::Executor::builder()
    ///     .on_failure(move |failure| post.send(failure.report()).unwrap())
    ///     .build();
    /// executor.spawn(async { panic!("boom") }).detach();
    /// executor.drain();
    /// assert!(reports.recv().unwrap().starts_with("task #1 panicked: boom"));
    /// ```
    pub fn on_failure(mut self, callback: impl Fn(&TaskFailure) + 'static) -> Self {
        let callback = Contained::new("what `on_failure` holds", callback);
        self.config.on_failure = Some(Box::new(move |failure| callback(failure)));
        self
    }

    /// Sets what happens when a failure is reported. Default: [`FailurePolicy::Report`].
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::builder()
    ///     .on_failure(|_| ())
    ///     .failure_policy(candor::FailurePolicy::Shutdown)
    ///     .build();
    /// let server = executor.spawn(std::future::pending::<()>());
    /// executor.spawn(async { panic!("boom") }).detach();
    /// executor.drain();
    /// assert!(server.is_finished());
    /// ```
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.config.policy = policy;
        self
    }

    /// Sets how long a failure may wait for its handle to be awaited. After that time it is reported.
    /// Default: one second. `Duration::MAX`: until the executor ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// let executor = candor::Executor::builder().virtual_time().grace(minute).on_failure(|_| ()).build();
    /// let held = executor.spawn(async { panic!("boom") });
    /// executor.block_on(candor::sleep(minute / 2));
    /// assert_eq!(executor.failures(), 0);
    /// executor.block_on(candor::sleep(minute));
    /// assert_eq!(executor.failures(), 1);
    /// // It can still be awaited.
    /// assert!(executor.block_on(held).unwrap_err().is_panic());
    /// ```
    pub fn grace(self, grace: Duration) -> Self {
        self.config.grace.set(Some(grace));
        self
    }

    /// Lets time stand still while anything is ready, and jump to the next deadline when nothing is.
    ///
    /// Deadlines must be computed from [`time::now`](crate::time::now), not from `Instant::now`. Other threads
    /// know nothing of this time: the executor does not wait for their wakes while a timer is set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = candor::Executor::builder().virtual_time().build();
    /// executor.block_on(async {
    ///     let start = candor::time::now();
    ///     candor::sleep(Duration::from_secs(3600)).await;
    ///     assert_eq!(candor::time::now() - start, Duration::from_secs(3600));
    /// });
    /// ```
    pub fn virtual_time(mut self) -> Self {
        self.config.virtual_time = true;
        self
    }

    /// Polls ready tasks in a random order, which is the same for the same seed.
    ///
    /// This finds tasks that rely on an order of polls. No task starves: every task that is ready when a
    /// pass begins is polled before the next pass begins.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let order_of = |seed| {
    ///     let executor = candor::Executor::builder().shuffle(seed).build();
    ///     let (send, order) = mpsc::channel();
    ///     for number in 0..10 {
    ///         let send = send.clone();
    ///         executor.spawn(async move { send.send(number).unwrap() }).detach();
    ///     }
    ///     executor.drain();
    ///     order.try_iter().collect::<Vec<_>>()
    /// };
    /// assert_eq!(order_of(7), order_of(7));
    /// assert_ne!(order_of(7), order_of(8));
    /// ```
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.config.shuffle = Some(shuffle_from(seed));
        self
    }

    /// Warns of each task that holds the thread for longer than `limit` in one poll. The warning goes to the log,
    /// or otherwise to stderr. This reads the clock twice in each poll. The drop of the future of a cancelled task counts as well,
    /// also at the end of the executor; that of the main future does not.
    ///
    /// A debug build does so by itself, for `run`, `block_on` and `test` too: with a limit of 250 ms, and one warning for each
    /// spawn site. `slow_poll(Duration::MAX)` switches that off.
    ///
    /// A poll that does not end (an endless loop, a call that blocks, a lock that nobody frees) is warned of while it still
    /// runs: after 2 s, or after `limit` if that is longer. If a limit was set, it is warned of again after ten times as long. A
    /// watcher thread does that. It exists only while an executor with a limit polls its tasks, and writes to stderr itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// # use std::sync::Mutex;
    /// #
    /// # static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    /// #
    /// # struct Logger;
    /// #
    /// # impl log::Log for Logger {
    /// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
    /// #     fn log(&self, record: &log::Record<'_>) { LOGGED.lock().unwrap().push(record.args().to_string()) }
    /// #     fn flush(&self) {}
    /// # }
    /// #
    /// # log::set_logger(&Logger).unwrap();
    /// # log::set_max_level(log::LevelFilter::Warn);
    ///
    /// let executor = candor::Executor::builder().slow_poll(Duration::from_millis(5)).build();
    /// executor.spawn(async { std::thread::sleep(Duration::from_millis(10)) }).detach();
    /// // Warns: "task #1, spawned at …, held the thread for 10.1ms in one poll (the limit is 5ms) …"
    /// executor.drain();
    /// # assert!(LOGGED.lock().unwrap()[0].starts_with("task #1, spawned at "));
    /// # assert!(LOGGED.lock().unwrap()[0].contains("in one poll (the limit is 5ms)"));
    /// ```
    pub fn slow_poll(mut self, limit: Duration) -> Self {
        self.slow_poll = Some(limit);
        self
    }

    /// Calls `instrument` for everything that the executor does. This method can be called several times: then each
    /// instrument is called, in the order in which they were given.
    ///
    /// With an instrument that does nothing, a yield costs some 1,190 instructions instead of 144, and a spawn with its await
    /// 3,100 instead of 640, mostly for the clock and the guard against panics. With a [`Timeline`](crate::Timeline) they cost
    /// 1,460 and 7,300. (Each yield is three events, each spawn with its await seven.)
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc, time::Instant};
    ///
    /// #[derive(Default)]
    /// struct Polls(Cell<u32>);
    ///
    /// impl candor::Instrument for Polls {
    ///     fn poll_begin(&self, _at: Instant, _task: &candor::TaskView<'_>) {
    ///         self.0.set(self.0.get() + 1);
    ///     }
    /// }
    ///
    /// let polls = Rc::new(Polls::default());
    /// let executor = candor::Executor::builder().instrument(Rc::clone(&polls)).build();
    /// executor.spawn(candor::yield_now()).detach();
    /// executor.drain();
    /// assert_eq!(polls.0.get(), 2);
    /// ```
    pub fn instrument(mut self, instrument: impl Instrument + 'static) -> Self {
        self.instruments.push(installed(instrument));
        self
    }

    /// Sets whether the executor looks for stalls. A wake that never comes shows as a stall. Default: only in debug
    /// builds, when `debug_assertions` are on. The free functions, such as [`run`](crate::run), do the same. Each clone
    /// of a waker then costs an atomic operation, and so does its drop.
    ///
    /// A stall is *proven* if `block_on`, `run` or `drain` would sleep forever: nothing is ready, no timer is set,
    /// and no waker of the executor is alive anywhere. Then they cancel the tasks and panic. The message names
    /// everything that waits, and shows where, as [`dump`](crate::dump()) does.
    ///
    /// A stall is *suspected* if wakers are alive, but everything has waited for five seconds, no timer is set, no other
    /// thread has woken anything, no [`Remote`](crate::Remote) is left by which one could spawn, and all that is waited for is in
    /// this program: a future of candor's own, or a lock of async-lock, tokio or futures. Two tasks that wait for each other's lock look like that. A server without clients does
    /// not: what waits for a channel, a socket or a process waits for something outside, which nobody here can judge. One
    /// warning, in the log or otherwise on stderr, shows where each task waits. These five seconds are of real time, also on
    /// virtual time. A nested executor that waits so long for anything is warned of as well, if something of the outer one stands
    /// still meanwhile: what it waits for may have to come from there.
    ///
    /// The look for a stall polls what waits once more. What goes on in that poll has lost its wake: that is warned of as well, and
    /// fails a test.
    /// What goes on to another `.await` in that poll may not be seen: then nothing is said, and the rest of the stay has no look.
    ///
    /// A lock is known by the name of its future. A build with less debug information than a debug build usually has, with
    /// `debug = "line-tables-only"` for example, has only parts of names: there nothing that waits for a lock is suspected.
    ///
    /// Under a host that calls [`tick`](Executor::tick) or [`run_until_stalled`](Executor::run_until_stalled), or polls
    /// [`run_until`](Executor::run_until), no stall is reported: the host itself knows what it waits for.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// let executor = candor::Executor::builder().detect_stalls(true).build();
    /// // Panics: `pending` does not keep the waker, so nobody can ever wake the future.
    /// executor.block_on(std::future::pending::<()>());
    /// ```
    pub fn detect_stalls(mut self, detect: bool) -> Self {
        self.detect_stalls = detect;
        self
    }

    /// Sets for how long a test may stand still under [`Executor::test`]; 60 s unless you say otherwise.
    ///
    /// What counts is real time in which nothing moves, or nothing but timers. Polls that take a millisecond or more are left out:
    /// what computes does not stand still. But a loop of such polls and timers is endless too, so they are left out until all
    /// has taken ten times as long. Then the test panics, with a dump of what is waited for, instead of hanging.
    ///
    /// What is entered within a test is part of it: the limit of the test holds for it, unless that is a test again. An executor that
    /// a host drives has no limit, but a test that is the host keeps its own. To the outer test, an inner one is a long poll.
    ///
    /// A stall is suspected after 5 s, in a test also without [`detect_stalls`](Builder::detect_stalls). In a test, and on
    /// [virtual time](Builder::virtual_time), a shorter `timeout` makes that shorter too.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = candor::Executor::builder().test_timeout(Duration::from_secs(1)).build();
    /// executor.test(async { candor::yield_now().await });
    /// ```
    pub fn test_timeout(mut self, timeout: Duration) -> Self {
        self.test_timeout = Some(timeout);
        self
    }

    /// Calls `callback` for the first wake after the executor has run out of work, if it is not running; on the
    /// thread of that wake.
    ///
    /// It requests a [`tick`](Executor::tick) from a host with a loop of its own: most hosts post an event to
    /// themselves. Waking a task counts, and so does spawning or aborting one from outside of the executor. It is called
    /// once, and then not again until the executor has had a turn and has run out of work. It is not called while the
    /// executor runs, and not for timers: [`next_deadline`](Executor::next_deadline) returns their time. (Where a future of
    /// [`run_until`](Executor::run_until) waits beside it, whose host is called for timers, it is called for these as well.) If an entry
    /// point leaves tasks that are ready and does not say so, it is called as well: `block_on`, `run`, `drain`,
    /// [`run_until_stalled`](Executor::run_until_stalled), a [`try_tick`](Executor::try_tick) in which no task ran, and a future
    /// of [`run_until`](Executor::run_until) that is done or dropped. If one is neither, and is not polled again though it was
    /// woken, the callback waits for it: keep no such future.
    ///
    /// The code that wakes a task waits for it, perhaps with a lock held. So it should be short, and it must not
    /// run the executor. The panic hook reports a panic in it; the panic goes no further.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let (post, events) = mpsc::channel();
    /// let executor = candor::Executor::builder()
    ///     .on_wake(move || post.send("tasks are ready").unwrap())
    ///     .build();
    /// let task = executor.spawn(async { 42 });
    /// assert_eq!(events.recv(), Ok("tasks are ready"));
    /// executor.tick();
    /// assert!(task.is_finished());
    /// ```
    pub fn on_wake(mut self, callback: impl Fn() + Send + Sync + 'static) -> Self {
        let callback = OnWake(Contained::new("what `on_wake` holds", callback));
        self.on_wake = Some(Foreign(Waker::from(Arc::new(callback))));
        self
    }

    /// Builds the executor.
    ///
    /// # Panics
    ///
    /// If the process has 65,536 executors already, as [`Executor::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::builder().detect_stalls(false).build();
    /// assert_eq!(executor.block_on(async { 6 * 7 }), 42);
    /// ```
    #[must_use]
    pub fn build(mut self) -> Executor {
        self.instruments.extend(trace_log::wanted());
        self.config.watch = Watchers::boxed(
            self.instruments,
            self.slow_poll,
            self.detect_stalls,
            self.test_timeout,
        );
        let core = fresh_core(Some(self.config));
        let hosts = OnceCell::new();
        if self.on_wake.is_some() {
            hosts.get_or_init(|| Hosts::of(core.inbox, self.on_wake));
            // There may be mail that was meant for an earlier executor.
            while !core.inbox.leave() {
                core.inbox.drain(|_| ());
            }
        }
        Executor { core, hosts }
    }
}

/// The same as [`Executor::builder`].
impl Default for Builder {
    fn default() -> Self {
        install_hook();
        Builder {
            config: Config {
                is_custom: Cell::new(true),
                ..Config::default()
            },
            on_wake: None,
            instruments: Vec::new(),
            slow_poll: None,
            detect_stalls: cfg!(debug_assertions),
            test_timeout: None,
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

/// Fisher and Yates's shuffle with splitmix64, by Sebastiano Vigna.
fn shuffle_from(seed: u64) -> Shuffle {
    let state = Cell::new(seed);
    let random = move || {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = state.get();
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    Box::new(move |batch| {
        for left in (2..=batch.len()).rev() {
            batch.swap(left - 1, (random() % left as u64) as usize);
        }
    })
}

/// A user's callback, as a waker.
struct OnWake<F>(Contained<F>);

impl<F: Fn() + Send + Sync + 'static> Wake for OnWake<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}
