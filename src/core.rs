//! All state of one executor, and what may happen to it.
//!
//! ```text
//!   spawn ───► slots ◄─── wake                    the loop (executor.rs) takes from `slots`,
//!                │                                polls, and calls back here:
//!                ▼
//!              poll ──► finish ──► the joiner is woken, or
//!                                  the failure is reported: now, after its grace, or at the end
//! ```
//!
//! No user code runs while a part of the state is borrowed. User code that comes back in the middle
//! of something (a destructor that spawns, a waker that wakes, a callback that drops a handle) finds
//! the state whole.
//!
//! Knows tasks, failures, timers and the inbox. Does not know which executor runs on this thread, and
//! never polls.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, Location as Caller, catch_unwind};
use std::process;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use log::Level;

use crate::clock::Clock;
use crate::failure::hook::{self, Polled};
use crate::failure::join_error::{JoinError, Panic};
use crate::failure::lineage::{Entry, Lineage, Origin, SharedLineage, TaskId};
use crate::failure::text::{drop_payload, payload_text};
use crate::failure::{FailureKind, LastAwait, TaskFailure, report};
use crate::inbox::Inbox;
use crate::key::{Key, MAIN_SLOT, SLOT_LIMIT};
use crate::outcome::Outcome;
use crate::slots::Slots;
use crate::task::{AnyTask, Header, Stages, Task};
use crate::unread::Unread;
use crate::wheel::Wheel;

/// The value of `Core::polled` between polls.
const NOBODY: u32 = u32::MAX;

/// The value of `Core::polled` while the main future of `block_on` is polled: nobody's panics are caught,
/// since they are its caller's.
const MAIN_UNCAUGHT: u32 = SLOT_LIMIT;

/// What happens when a failure is reported.
///
/// A failure that is handed to an awaiter is not reported, so the policy does not apply to it.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is reported, and everything else goes on.
    #[default]
    Report,
    /// It is reported, then every task is cancelled. `block_on` panics and names the task; `run` returns
    /// `FAILURE`; `drain` returns.
    Shutdown,
    /// It is reported, then the process aborts. No destructor runs.
    Abort,
}

pub(crate) type OnFailure = Box<dyn Fn(&TaskFailure)>;

/// What a user may set when building an executor.
pub(crate) struct Config {
    pub(crate) on_failure: Option<OnFailure>,
    pub(crate) policy: FailurePolicy,
    pub(crate) grace: Duration,
    pub(crate) virtual_time: bool,
    /// The state of the random numbers that shuffle each pass.
    pub(crate) shuffle: Option<Cell<u64>>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            on_failure: None,
            policy: FailurePolicy::Report,
            grace: Duration::from_secs(1),
            virtual_time: false,
            shuffle: None,
        }
    }
}

/// Why an executor stops before its work is done.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// A task called `exit`.
    Exit(u8),
    /// A failure was reported under `FailurePolicy::Shutdown`; the headline says which.
    Failure(String),
}

pub(crate) struct Core {
    /// Unlike the number of the inbox, never given out twice.
    pub(crate) serial: u64,
    pub(crate) inbox: &'static Inbox,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) slots: RefCell<Slots<Rc<AnyTask>>>,
    pub(crate) timers: RefCell<Wheel<Waker>>,
    unread: RefCell<Unread<Rc<AnyTask>>>,

    /// The slot whose future is being polled or dropped right now; [`NOBODY`] between polls.
    polled: Cell<u32>,
    /// The await at which this poll returned `Pending`, as far as candor's own futures know.
    pub(crate) noted_await: Cell<Option<LastAwait>>,
    pub(crate) main_last_await: Cell<Option<LastAwait>>,
    /// Something is to be done before the next poll; what, `after_poll` finds out.
    pub(crate) attention: Cell<bool>,
    /// Failures whose handle was dropped within this poll. They may be another executor's.
    to_report: RefCell<VecDeque<(Rc<Core>, Rc<AnyTask>)>>,
    stop: RefCell<Option<Stop>>,

    next_id: Cell<u64>,
    /// Unfinished tasks that `run` and `drain` wait for.
    waited_for: Cell<u32>,
    failures: Cell<u64>,

    pub(crate) is_entered: Cell<bool>,
    pub(crate) entry: Cell<Option<Entry>>,
    /// The executor that runs on this thread further down the stack.
    pub(crate) outer: RefCell<Option<Rc<Core>>>,
    /// The lineage of what the task with this id spawns: a task often spawns more than once.
    spawner: RefCell<Option<(TaskId, SharedLineage)>>,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);
        Core {
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            inbox: Inbox::open(),
            clock: Clock::new(config.virtual_time),
            config,
            slots: RefCell::new(Slots::new()),
            timers: RefCell::new(Wheel::new()),
            unread: RefCell::new(Unread::new()),
            polled: Cell::new(NOBODY),
            noted_await: Cell::new(None),
            main_last_await: Cell::new(None),
            attention: Cell::new(false),
            to_report: RefCell::new(VecDeque::new()),
            stop: RefCell::new(None),
            next_id: Cell::new(1),
            waited_for: Cell::new(0),
            failures: Cell::new(0),
            is_entered: Cell::new(false),
            entry: Cell::new(None),
            outer: RefCell::new(None),
            spawner: RefCell::new(None),
        }
    }

    /// Notes whose poll begins.
    #[inline]
    pub(crate) fn begin_poll(&self, slot: u32) {
        self.polled.set(slot);
    }

    /// As [`begin_poll`](Core::begin_poll), for the main future of `block_on`.
    pub(crate) fn begin_main_poll(&self) {
        self.polled.set(MAIN_UNCAUGHT);
    }

    #[inline]
    pub(crate) fn end_poll(&self) {
        self.polled.set(NOBODY);
    }

    pub(crate) fn is_polling(&self) -> bool {
        self.polled.get() != NOBODY
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.get()
    }

    pub(crate) fn has_work_to_wait_for(&self) -> bool {
        self.waited_for.get() > 0
    }

    pub(crate) fn key_of(&self, slot: u32, generation: u16) -> Key {
        Key {
            executor: self.inbox.number(),
            generation,
            slot,
        }
    }

    pub(crate) fn stop_for(&self, stop: Stop) {
        // The first reason counts: what comes after it is what it caused.
        self.stop.borrow_mut().get_or_insert(stop);
        self.attention.set(true);
    }

    pub(crate) fn take_stop(&self) -> Option<Stop> {
        self.stop.borrow_mut().take()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// The next random number of a shuffled executor: splitmix64, by Sebastiano Vigna.
    pub(crate) fn random(&self) -> u64 {
        self.config.shuffle.as_ref().map_or(0, |state| {
            state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
            let mixed = state.get();
            let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        })
    }
}

/// Spawning.
impl Core {
    pub(crate) fn spawn<F>(
        &self,
        future: F,
        name: Option<Arc<str>>,
        is_daemon: bool,
        spawned_at: &'static Caller<'static>,
    ) -> Rc<Task<Stages<F>>>
    where
        F: Future<Output: Outcome> + 'static,
    {
        let id = TaskId(self.next_id.get());
        self.next_id.set(id.0 + 1);
        let spawned_by = self.lineage_of_spawner();
        let mut slots = self.slots.borrow_mut();
        let mut spawned = None;
        slots.insert(|slot| {
            let header = Header {
                id,
                name,
                spawned_at,
                spawned_by,
                last_await: Cell::new(None),
                joiner: Cell::new(None),
                slot,
                is_daemon,
                was_polled: Cell::new(false),
                is_detached: Cell::new(false),
                is_aborted: Cell::new(false),
                is_finished: Cell::new(false),
            };
            let task = Rc::new(Task {
                header,
                job: Stages::new(future),
            });
            spawned = Some(Rc::clone(&task));
            task
        });
        if !is_daemon {
            self.waited_for.set(self.waited_for.get() + 1);
        }
        spawned.expect("insert makes the tenant")
    }

    fn lineage_of_spawner(&self) -> SharedLineage {
        let spawner = self.polled.get();
        let id = self
            .slots
            .borrow()
            .get(spawner)
            .map_or(TaskId::MAIN, |task| task.header.id);
        let mut cached = self.spawner.borrow_mut();
        if let Some((cached_id, lineage)) = &*cached
            && *cached_id == id
        {
            return Rc::clone(lineage);
        }
        let lineage = match self.origin_of(spawner) {
            Some(origin) => Lineage::below(&origin),
            None => Lineage::of_entry(self.entry.get()),
        };
        *cached = Some((id, Rc::clone(&lineage)));
        lineage
    }

    /// A new entry point: what the main future spawns has a new lineage.
    pub(crate) fn set_entry(&self, entry: Option<Entry>) {
        self.entry.set(entry);
        self.spawner.borrow_mut().take();
    }

    /// `None` for what is no task of candor's: the main future of `block_on`, or nothing at all. It may be
    /// asked in the middle of anything, since the panic hook asks it.
    fn origin_of(&self, slot: u32) -> Option<Origin> {
        match slot {
            NOBODY | MAIN_UNCAUGHT => None,
            MAIN_SLOT => Some(Origin {
                id: TaskId::MAIN,
                name: None,
                spawned_at: None,
                spawned_by: Arc::clone(&Lineage::of_entry(self.entry.get())),
            }),
            slot => {
                let slots = self.slots.try_borrow().ok()?;
                slots.get(slot).map(|task| task.header.origin())
            }
        }
    }

    /// Who is being polled, for the panic hook and for a caught payload.
    pub(crate) fn polled_task(&self) -> Option<Polled> {
        let slot = self.polled.get();
        let origin = self.origin_of(slot)?;
        let last_await = self.noted_await.get().or_else(|| match slot {
            MAIN_SLOT => self.main_last_await.get(),
            slot => self
                .slots
                .borrow()
                .get(slot)
                .and_then(|task| task.header.last_await.get()),
        });
        Some(Polled {
            executor: self.serial,
            origin,
            last_await,
        })
    }

    /// The failures that nobody has read, a line each. Calls no user code, so it knows no messages.
    pub(crate) fn unread_lines(&self) -> Vec<String> {
        let Ok(unread) = self.unread.try_borrow() else {
            return Vec::new();
        };
        let tasks = unread.iter().filter(|task| task.job.has_unread_failure());
        tasks
            .map(|task| {
                format!(
                    "{} has failed, and nobody has read its failure",
                    task.header.origin()
                )
            })
            .collect()
    }
}

/// The end of a task.
impl Core {
    /// Frees the slot of a finished task, then wakes its joiner or sees to its failure.
    pub(crate) fn finish(self: &Rc<Self>, task: &Rc<AnyTask>, failed: bool) {
        let header = &task.header;
        header.is_finished.set(true);
        let removed = self.slots.borrow_mut().remove(header.slot);
        drop(removed);
        self.noted_await.set(None);
        if !header.is_daemon {
            self.waited_for.set(self.waited_for.get() - 1);
        }
        if failed {
            if header.is_detached.get() {
                self.report_after_poll(Rc::clone(self), Rc::clone(task));
            } else {
                self.unread.borrow_mut().push(Rc::clone(task));
            }
        }
        if let Some(joiner) = header.joiner.take() {
            // A foreign waker that panics is no failure of this task: std's hook tells it.
            self.end_poll();
            joiner.wake();
        }
    }

    /// Gives a task whose poll or destructor panicked its outcome, and finishes it.
    ///
    /// Making the panic the outcome drops the future, which may panic in its turn. The first panic is
    /// what an awaiter gets; nobody can await the others, so they are reported.
    pub(crate) fn settle_panic(self: &Rc<Self>, payload: Box<dyn Any + Send>) {
        let slot = self.polled.get();
        let task = self.slots.borrow().get(slot).cloned();
        let (Some(task), Some(_)) = (task, self.polled_task()) else {
            // Between polls, so it came from a foreign waker: the hook in front of candor's told it.
            return drop_payload(payload);
        };
        let mut unsettled = Some(payload);
        let mut homeless = Vec::new();
        while let Some(payload) = unsettled.take() {
            let Some(polled) = self.polled_task() else {
                break;
            };
            let panic = hook::claim(payload, polled);
            if panic.failure().is_told() {
                // The hook had to print it, as this might have been the last chance.
                self.count_failure(panic.failure());
            }
            match catch_unwind(AssertUnwindSafe(|| task.job.settle_panic(panic))) {
                Ok(None) => {}
                Ok(Some(panic)) => homeless.push(panic),
                Err(payload) => unsettled = Some(payload),
            }
        }
        self.end_poll();
        let woken = catch_unwind(AssertUnwindSafe(|| self.finish(&task, true)));
        woken.unwrap_or_else(drop_payload);
        self.after_poll();
        for panic in homeless {
            self.report_panic(panic);
        }
    }

    /// Runs user code on behalf of a slot, so that a panic in it is told as that slot's.
    pub(crate) fn guarded<R>(&self, slot: u32, user_code: impl FnOnce() -> R) -> Result<R, Panic> {
        let previous = self.polled.replace(slot);
        let result = catch_unwind(AssertUnwindSafe(user_code));
        let result = result.map_err(|payload| {
            let polled = self
                .polled_task()
                .expect("user code is guarded on behalf of a task that is still there");
            hook::claim(payload, polled)
        });
        self.polled.set(previous);
        result
    }
}

/// Reporting.
impl Core {
    /// Reports the failure as soon as no poll is running, since no user code may run in a destructor.
    pub(crate) fn report_after_poll(self: &Rc<Self>, owner: Rc<Core>, task: Rc<AnyTask>) {
        self.to_report.borrow_mut().push_back((owner, task));
        self.attention.set(true);
    }

    /// Does what polls have left to be done: tells caught panics and dropped failures.
    #[cold]
    pub(crate) fn after_poll(&self) {
        self.attention.set(false);
        for caught in hook::take_caught(self.serial) {
            self.report(&caught, caught.to_string());
        }
        // One at a time, because a report may drop more handles.
        let next_dropped = || self.to_report.borrow_mut().pop_front();
        while let Some((owner, task)) = next_dropped() {
            owner.report_task(&task);
        }
    }

    /// Reports the failure of a task that nobody has awaited, unless it was told during its grace.
    pub(crate) fn report_task(&self, task: &AnyTask) {
        task.job.view_failure(&mut |failure| {
            if !failure.is_told() {
                self.report(failure, failure.to_string());
            }
        });
        if !task.header.is_detached.get() {
            // The executor has ended, but the handle is still there to give it.
            return;
        }
        // The error may panic when it is dropped. There is no poll to tell it as part of: std's hook does.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.job.discard())) {
            drop_payload(payload);
        }
    }

    /// Reports a panic that has no awaiter.
    pub(crate) fn report_panic(&self, panic: Panic) {
        if !panic.failure().is_told() {
            self.report(panic.failure(), panic.failure().to_string());
        }
        drop_payload(panic.into_payload());
    }

    /// What the main future returned, with all that is known of it.
    pub(crate) fn main_error<E>(&self, error: E) -> JoinError<E> {
        let origin = self
            .origin_of(MAIN_SLOT)
            .expect("the main future always has an origin");
        JoinError::failed(
            error,
            TaskFailure::new(origin, FailureKind::Failed, self.main_last_await.get()),
        )
    }

    /// Reports the error that the main future of `run` returned.
    pub(crate) fn report_main_error<E: Debug + 'static>(&self, error: E) {
        let error = self.main_error(error);
        if let Some(failure) = error.failure() {
            self.report(failure, failure.to_string());
        }
        if let Err(panic) = self.guarded(MAIN_SLOT, || drop(error)) {
            self.report_panic(panic);
        }
    }

    pub(crate) fn report(&self, failure: &TaskFailure, text: String) {
        failure.set_told();
        match &self.config.on_failure {
            None => report::print(Level::Error, &text),
            Some(on_failure) => {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| on_failure(failure))) {
                    let message = payload_text(&*payload).unwrap_or("a value that is not text");
                    let text = format!(
                        "{text}\n   on_failure panicked while it was given this report: {message}"
                    );
                    report::print(Level::Error, &text);
                    drop_payload(payload);
                }
            }
        }
        if failure.kind() != FailureKind::Caught {
            self.count_failure(failure);
        }
    }

    /// Counts a failure that has been reported, and does as the policy says.
    fn count_failure(&self, failure: &TaskFailure) {
        self.failures.set(self.failures.get() + 1);
        match self.config.policy {
            FailurePolicy::Report => {}
            FailurePolicy::Shutdown => self.stop_for(Stop::Failure(failure.headline())),
            FailurePolicy::Abort => process::abort(),
        }
    }

    /// Starts the grace of what this pass has left unread.
    pub(crate) fn age_unread(&self) {
        let mut unread = self.unread.borrow_mut();
        if unread.has_fresh() {
            let deadline = || self.clock.now().checked_add(self.config.grace);
            unread.end_pass(|task| task.job.has_unread_failure(), deadline);
        }
    }

    pub(crate) fn end_of_grace(&self) -> Option<Instant> {
        self.unread
            .borrow_mut()
            .next_deadline(|task| task.job.has_unread_failure())
    }

    /// Reports what nobody has read within its grace. It stays there for an awaiter who comes late.
    pub(crate) fn report_overdue(&self) {
        if self.end_of_grace().is_none() {
            return;
        }
        let now = self.clock.now();
        let next_overdue = || self.unread.borrow_mut().pop_overdue(now);
        while let Some(task) = next_overdue() {
            task.job
                .view_failure(&mut |failure| self.report(failure, failure.report_unawaited()));
        }
    }

    /// Reports what is unread at the end.
    pub(crate) fn report_unread(&self) {
        self.after_poll();
        loop {
            let tasks = self.unread.borrow_mut().take_all();
            if tasks.is_empty() {
                break;
            }
            for task in tasks {
                self.report_task(&task);
            }
        }
    }
}

/// The end of the executor.
impl Core {
    /// Cancels every task, in the order of their slots, and tells what was not told.
    ///
    /// A destructor may spawn; what it spawns is cancelled as well. Nothing is polled any more.
    pub(crate) fn cancel_everything(self: &Rc<Self>) {
        let mut from = 1;
        while self.slots.borrow().len() > 0 {
            let cancelled = catch_unwind(AssertUnwindSafe(|| self.cancel_tasks(&mut from)));
            if let Err(payload) = cancelled {
                self.settle_panic(payload);
            }
            from = 1;
        }
        self.end_poll();
        self.report_unread();
    }

    /// Says which unfinished work is about to be cancelled because `block_on` returns.
    pub(crate) fn tell_lost_work(&self) {
        let slots = self.slots.borrow();
        let lost = || {
            slots
                .iter()
                .map(|task| &task.header)
                .filter(|task| !task.is_daemon && !task.is_aborted.get())
        };
        let count = lost().count();
        if count == 0 {
            return;
        }
        let entry = self
            .entry
            .get()
            .map_or_else(String::new, |entry| entry.to_string());
        let (tasks, are) = if count == 1 {
            ("task", "is")
        } else {
            ("tasks", "are")
        };
        let mut text =
            format!("{entry} is done while {count} {tasks} {are} unfinished; {are} cancelled now:");
        for task in lost().take(10) {
            let polled = if task.was_polled.get() {
                ""
            } else {
                ", never polled"
            };
            text += &format!(
                "\n   {}, spawned at {}{polled}",
                task.origin(),
                task.spawned_at
            );
        }
        if count > 10 {
            text += &format!("\n   and {} more", count - 10);
        }
        text += "\n   help: to wait for them, enter by candor::run, or call drain() on an Executor; \
                 if they may be lost, spawn them with TaskBuilder::daemon()";
        drop(slots);
        report::print(Level::Warn, &text);
    }

    fn cancel_tasks(self: &Rc<Self>, from: &mut u32) {
        loop {
            let next = {
                let slots = self.slots.borrow();
                slots
                    .next_occupied(*from)
                    .and_then(|slot| slots.get(slot).cloned())
            };
            let Some(task) = next else { break };
            *from = task.header.slot + 1;
            self.begin_poll(task.header.slot);
            __candor_poll_boundary(|| task.job.cancel());
            self.finish(&task, false);
            self.end_poll();
            if self.attention.get() {
                self.after_poll();
            }
        }
    }

    /// Whether it can begin a second life. A table that has grown large is given back instead.
    pub(crate) fn is_as_good_as_new(&self) -> bool {
        self.slots.borrow().capacity() <= 1024 && self.timers.borrow().is_empty()
    }

    /// Begins a second life. What was queued, or comes late through the inbox, is a spurious poll.
    pub(crate) fn renew(&mut self, config: Config) {
        if config.virtual_time || self.config.virtual_time {
            self.clock = Clock::new(config.virtual_time);
        }
        self.config = config;
        self.next_id.set(1);
        self.failures.set(0);
        self.attention.set(false);
        self.noted_await.set(None);
        self.main_last_await.set(None);
        self.stop.get_mut().take();
        self.spawner.get_mut().take();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// Marks in a backtrace where the executor ends and the task begins.
#[inline(never)]
pub(crate) fn __candor_poll_boundary<R>(user_code: impl FnOnce() -> R) -> R {
    let result = user_code();
    // Work that is left to do keeps this frame on the stack.
    std::hint::black_box(());
    result
}
