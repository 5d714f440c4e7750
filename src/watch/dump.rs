//! Where does each task stand? The chain of `.await`s, in whatever future it waits.
//!
//! A future that waits keeps a clone of its waker. So the executor polls each waiting task once more, with a waker that takes a
//! backtrace where it is cloned or woken: its frames are the chain. What is cloned is an ordinary waker, so a later wake is
//! a wake like any other.
//!
//! ```text
//! dump ──► poll with a traced waker ──► async fn a ──► async fn b ──► Mutex::lock ──► cx.waker().clone(): a backtrace
//! ```
//!
//! Knows the loop, and how a backtrace is shortened.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel::failure::{Entry, LastAwait, TaskId};
use crate::kernel::tasks::run_loop::{poll_main, poll_task};
use crate::kernel::tasks::{
    __candor_poll_boundary, AnyTask, Core, Counted, Header, Key, MAIN_SLOT, Main, Running, waker,
};
use crate::report::source_line::Sources;
use crate::watch::Tasks;
use crate::watch::chain::{self, Chain};
use crate::watch::instrument::TaskView;
use crate::watch::traced::TRACED;

/// How many tasks are polled for their chains: each costs some 0.2 ms.
pub(super) const TRACED_TASKS: usize = 100;

/// How many tasks are polled to see whether all of them wait for one another. The first that does not ends the search.
pub(super) const JUDGED_TASKS: usize = 10_000;

/// For how long a wake of another thread may come after the value that it tells of: that thread may have lost its processor.
const LATE_WAKES: Duration = Duration::from_millis(100);

/// Where the tasks of an executor stand. Made by [`dump`](crate::dump()) and [`Executor::dump`](crate::Executor::dump); its
/// `Display` prints a line for each task, and below it the chain of its `.await`s, the innermost first.
///
/// # Examples
///
/// ```
/// use candor::{Executor, Plain};
///
/// let executor = Executor::new();
/// executor.spawn(async {
///     std::future::poll_fn(|cx| {
///         let _kept_for_later = cx.waker().clone();
///         std::task::Poll::<()>::Pending
///     })
///     .await
/// }).detach();
/// executor.tick();
/// let dump = executor.dump();
/// assert_eq!(dump.tasks().len(), 1);
/// println!("{dump}");
/// ```
#[derive(Clone, Debug)]
pub struct Dump {
    tasks: Tasks,
    main: Option<String>,
    chains: BTreeMap<TaskId, Vec<Chain>>,
    /// Everything that waits does so in a future of candor's own, or in a lock. What waits for a channel, a socket or a process
    /// waits for something outside, which nobody here can judge.
    pub(super) is_inside: bool,
    /// Something was ready, though nothing had woken it. A note says what.
    pub(super) has_lost_wake: bool,
    pub(super) notes: Vec<String>,
}

impl Dump {
    /// Polls waiting tasks once more: 100 of them in any case, and more, up to `most`, as long as all wait for one another. No poll
    /// is running, and the executor is the current one.
    pub(super) fn of(core: &Rc<Core>, main: Option<&mut Main<'_>>, most: usize) -> Self {
        // What is due is not lost: nobody has looked at the timers yet.
        core.fire_timers();
        let timers = Timers::of(core);
        let tasks = core.slots.tenants();
        let waiting = tasks.filter(|&(slot, _)| !core.slots.is_queued(slot));
        let waiting: Vec<Counted<AnyTask>> = waiting.map(|(_, task)| task).collect();
        let mut dump = Dump::without_chains(core);
        let mut went_on = Vec::new();
        if let Some(main) = main
            && !core.has_to_stop()
            && dump.trace_main(core, main)
            && !timers.wake(core, core.main_key.get())
        {
            went_on.push(TaskView::of_main(core));
        }
        for (traced, task) in waiting.iter().enumerate() {
            if core.has_to_stop() {
                break;
            }
            if traced >= TRACED_TASKS && (traced >= most || !dump.is_inside) {
                dump.is_inside = false;
                let untold = waiting.len() - traced;
                dump.notes.push(format!(
                    "the chains of {traced} tasks are shown; {untold} more wait"
                ));
                break;
            }
            let key = key_of(core, task.header());
            if dump.trace_task(core, task) && !timers.wake(core, key) {
                went_on.push(TaskView::of(task.header()));
            }
        }
        dump.note_lost_wakes(core, went_on);
        dump
    }

    /// What can be seen without a poll.
    pub(crate) fn without_chains(core: &Core) -> Self {
        let is_hosted = |entry: Entry| *entry.function == "Executor::run_until";
        let has_main = has_main_future(core) || core.stay.entry.get().is_some_and(is_hosted);
        Dump {
            tasks: Tasks::of(core),
            main: has_main.then(|| line_of_main(core)),
            chains: BTreeMap::new(),
            is_inside: true,
            has_lost_wake: false,
            notes: Vec::new(),
        }
    }

    /// Returns whether the task went on.
    fn trace_task(&mut self, core: &Rc<Core>, task: &Counted<AnyTask>) -> bool {
        let header = task.header();
        // A poll before may have finished it.
        if header.is_finished() {
            return false;
        }
        let key = key_of(core, header);
        let before = header.last_await();
        let chains = traced(core, key.slot(), || poll_task(core, task, key, &TRACED));
        if header.is_finished() {
            self.keep(header.id, Vec::new(), before);
            return true;
        }
        self.keep(header.id, chains, header.last_await());
        has_moved(before, header.last_await())
    }

    /// Returns whether the main future went on.
    fn trace_main(&mut self, core: &Rc<Core>, main: &mut Main<'_>) -> bool {
        let before = core.polling.main_last_await.get();
        let mut is_done = false;
        let poll = || is_done = poll_main(core, main, &TRACED).is_ready();
        let chains = traced(core, MAIN_SLOT, poll);
        if is_done {
            // The loop has to see that it is done.
            core.wake(core.main_key.get());
            self.keep(TaskId::MAIN, Vec::new(), before);
            return true;
        }
        let now = core.polling.main_last_await.get();
        self.keep(TaskId::MAIN, chains, now);
        // Of that of `run_until` it is not known where it waited when the host polled it last.
        has_main_future(core) && has_moved(before, now)
    }

    /// Keeps the chains of what waits, or has waited. Without a chain, only the last await can tell for what.
    fn keep(&mut self, id: TaskId, chains: Vec<Chain>, last_await: Option<LastAwait>) {
        self.is_inside &= match chains.is_empty() {
            true => chain::is_in_this_executor(last_await),
            false => chains.iter().all(|chain| chain.is_inside(last_await)),
        };
        self.chains.insert(id, chains);
    }

    /// Notes the wakes that were lost, once it is clear that they were. Another thread sets a value first, and wakes then; or it
    /// finds the waker just being replaced, and leaves it at that. So when mail has come meanwhile, nothing is said.
    fn note_lost_wakes(&mut self, core: &Core, mut went_on: Vec<TaskView<'_>>) {
        let start = Instant::now();
        while !went_on.is_empty() && start.elapsed() < LATE_WAKES {
            thread::sleep(Duration::from_millis(1));
            if core.inbox.has_mail() {
                went_on.clear();
            }
        }
        self.has_lost_wake = !went_on.is_empty();
        for who in went_on {
            self.notes.push(format!(
                "{who} was ready, though nothing had woken it: a wake was lost. The poll of this dump has let it go on"
            ));
        }
    }

    /// A line for the main future, and one for each task, each with its chain below it; at most `limit` tasks.
    pub(crate) fn lines(&self, limit: usize) -> String {
        let mut text = String::new();
        let sources = Sources::new();
        let main = self.main.iter().map(|main| (main.clone(), TaskId::MAIN));
        let tasks = self.tasks.iter().take(limit);
        for (line, id) in main.chain(tasks.map(|task| (task.to_string(), task.id()))) {
            let chains = self.chains.get(&id).map_or(&[][..], Vec::as_slice);
            text.push_str(&format!("\n{line}{}", chain::lines_of(chains, &sources)));
        }
        if self.tasks.len() > limit {
            text.push_str(&format!("\nand {} more", self.tasks.len() - limit));
        }
        for note in &self.notes {
            text.push_str(&format!("\n{note}"));
        }
        text
    }

    /// Returns the tasks as they were when the dump began.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines(usize::MAX).replace('\n', "\n  ");
        write!(f, "{}{lines}", self.tasks.headline())
    }
}

/// The timers that had not fired when a dump began. A sleep reads the clock in the poll of the dump, which is later than when the
/// timers were looked at, and finer. So it may be ready, and yet its wake is not lost.
struct Timers(Vec<(Key, u64)>);

impl Timers {
    fn of(core: &Core) -> Self {
        let timers = core.timers.borrow();
        let keys = timers
            .iter()
            .map(|(tick, waker)| (waker::key_of(waker), tick));
        Timers(keys.collect())
    }

    /// Whether one of them would wake this task about now. One with a foreign waker may wake any task.
    fn wake(&self, core: &Core, key: Key) -> bool {
        let end_of_this_tick = core.clock.tick_of(Some(core.clock.now()));
        let mut timers = self.0.iter();
        timers.any(|&(of, tick)| tick <= end_of_this_tick && (of == key || of == Key::NOBODY))
    }
}

/// The key of a task that is not gone.
fn key_of(core: &Core, task: &Header) -> Key {
    let slot = task.slot.get();
    Key::new(core.number, core.slots.generation(slot), slot)
}

/// Whether a task, or the main future, stands still while another one is being polled.
pub(super) fn has_waiting(core: &Core) -> bool {
    let running = core.polling.running.get();
    let main_waits =
        has_main_future(core) && !matches!(running, Running::Main | Running::MainOfRun);
    let mut tasks = core.slots.tenants();
    main_waits || tasks.any(|(slot, _)| running != Running::Task(slot))
}

/// Whether a main future has begun, and is not gone yet.
fn has_main_future(core: &Core) -> bool {
    core.main_key.get() != Key::NOBODY
}

/// Whether it was woken already: by a poll before, or by another thread.
fn is_woken(core: &Core, slot: u32) -> bool {
    core.slots.is_queued(slot) || core.inbox.is_asked_for(slot)
}

/// Whether a task that is not done has gone on in the poll of the dump, by its last await before and after.
///
/// It has if it waits in a future of candor's now, and did not before. Between other awaits no difference can be seen. And one that
/// has left a future of candor's may still be there, in a combinator that polls only woken members.
fn has_moved(before: Option<LastAwait>, after: Option<LastAwait>) -> bool {
    let waits_here = |last: Option<LastAwait>| last.is_some_and(|last| !last.what.is_stale());
    waits_here(after) && !waits_here(before)
}

fn line_of_main(core: &Core) -> String {
    let main = TaskView::of_main(core);
    let state = match core.polling.running.get() {
        Running::Main | Running::MainOfRun => "running",
        _ if is_woken(core, MAIN_SLOT) => "ready",
        _ => "waiting",
    };
    let mut line = format!("{main}: {state}");
    if let Some(last) = main.last_await() {
        line.push_str(&format!(", {}: {last}", last.label()));
    }
    if let Some(at) = main.spawned_at() {
        line.push_str(&format!(", entered at {at}"));
    }
    line
}

/// Runs the poll of a slot with a traced waker, as any other: what it panics with is the task's failure. If it was woken, its
/// turn comes anyway.
fn traced(core: &Rc<Core>, slot: u32, poll: impl FnOnce()) -> Vec<Chain> {
    if is_woken(core, slot) {
        return Vec::new();
    }
    let poll = || __candor_poll_boundary(|()| poll(), ());
    let mut polled = Ok(());
    let chains = chain::chains_of(|| polled = catch_unwind(AssertUnwindSafe(poll)));
    if let Err(payload) = polled {
        if core.polling.running.get() == Running::Main {
            // For the caller of `block_on` this is an ordinary panic.
            resume_unwind(payload);
        }
        core.settle_panic(payload);
    }
    if core.failures.attention.get() {
        core.after_poll();
        // The loop, which may be about to park, has to see a stop.
        core.failures.attention.set(core.has_to_stop());
    }
    chains
}
