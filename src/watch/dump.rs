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

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::kernel::failure::location::is_in_a_library;
use crate::kernel::failure::{LastAwait, Location, Named, TaskId, in_one_line};
use crate::kernel::tasks::run_loop::{poll_main, poll_task};
use crate::kernel::tasks::waker::{TRACED, TRACER};
use crate::kernel::tasks::{
    __candor_poll_boundary, AnyTask, Core, Key, MAIN_SLOT, MAIN_UNCAUGHT, Main,
};
use crate::report::backtrace::frames_of_others;
use crate::report::source_line::Sources;
use crate::watch::Tasks;

/// How many tasks are polled for their chains: each costs some 0.2 ms.
const TRACED_TASKS: usize = 100;

/// Parts of the names of locks, by which a wait for one is known: what holds a lock is in this program.
const LOCKS: [&str; 6] = [
    "async_lock::",
    "tokio::sync::mutex::",
    "tokio::sync::rwlock::",
    "tokio::sync::semaphore::",
    "tokio::sync::batch_semaphore::",
    "futures_util::lock::",
];

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
    chains: Vec<(TaskId, Chain)>,
    notes: Vec<String>,
    has_lost_wakes: bool,
}

/// The `.await`s at which a task stands, the innermost first.
#[derive(Clone, Debug, Default)]
struct Chain {
    /// What the innermost `.await` of the user's waits in.
    waits_in: Option<String>,
    links: Vec<Link>,
}

/// An `.await` of the user's.
#[derive(Clone, Debug)]
struct Link {
    place: String,
    function: String,
}

thread_local! {
    /// The text of the backtrace at the last clone or wake.
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn note_frames() {
    let text = Backtrace::force_capture().to_string();
    SEEN.try_with(|seen| seen.replace(Some(text))).ok();
}

impl Dump {
    /// Polls each waiting task once more. No poll is running, and the executor is the current one.
    pub(crate) fn of(core: &Rc<Core>, main: Option<&mut Main<'_>>) -> Self {
        let waiting: Vec<(Rc<AnyTask>, Key)> = {
            let slots = core.slots.borrow();
            let is_waiting = |(task, is_queued): &(&Rc<AnyTask>, bool)| {
                !is_queued && !task.header().is_finished.get()
            };
            let tasks = slots.iter().filter(is_waiting).map(|(task, _)| task);
            tasks
                .map(|task| {
                    let slot = task.header().slot.get();
                    (Rc::clone(task), core.key_of(slot, slots.generation(slot)))
                })
                .collect()
        };
        let mut dump = Dump::without_chains(core);
        if let Some(main) = main {
            dump.trace_main(core, main);
        }
        let untold = waiting.len().saturating_sub(TRACED_TASKS);
        for (task, key) in waiting.iter().take(TRACED_TASKS) {
            dump.trace(core, task, *key);
        }
        if untold > 0 {
            dump.notes.push(format!(
                "the chains of {TRACED_TASKS} tasks are shown; {untold} more wait"
            ));
        }
        dump
    }

    /// What can be seen without a poll.
    pub(crate) fn without_chains(core: &Core) -> Self {
        Dump {
            tasks: Tasks::of(core),
            main: core.has_main.get().then(|| line_of_main(core)),
            chains: Vec::new(),
            notes: Vec::new(),
            has_lost_wakes: false,
        }
    }

    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    fn trace(&mut self, core: &Rc<Core>, task: &Rc<AnyTask>, key: Key) {
        // A poll before may have finished or woken it.
        let header = task.header();
        if header.is_finished.get() || core.slots.borrow().is_queued(key.slot()) {
            return;
        }
        let who = Named(header.id, header.name()).to_string();
        let chain = traced(core, || poll_task(core, task, key, &TRACED));
        match header.is_finished.get() {
            true => self.note_lost_wake(&who),
            false => self.chains.extend(chain.map(|chain| (header.id, chain))),
        }
    }

    fn trace_main(&mut self, core: &Rc<Core>, main: &mut Main<'_>) {
        if core.slots.borrow().is_queued(MAIN_SLOT) {
            return;
        }
        let mut is_ready = false;
        let chain = traced(core, || {
            is_ready = poll_main(core, main, &TRACED).is_ready()
        });
        match is_ready {
            true => {
                self.note_lost_wake("the main future");
                // The loop has to see that it is done.
                core.wake(core.main_key());
            }
            false => self.chains.extend(chain.map(|chain| (TaskId::MAIN, chain))),
        }
    }

    fn note_lost_wake(&mut self, who: &str) {
        self.has_lost_wakes = true;
        self.notes.push(format!(
            "{who} was ready, though nothing had woken it: a wake was lost. The poll of this dump has let it go on"
        ));
    }

    /// Whether everything that waits does so in a future of candor's own, or in a lock. What waits for a channel, a socket or a
    /// process waits for something outside, which nobody here can judge.
    pub(crate) fn waits_for_itself(&self, core: &Core, has_main: bool) -> bool {
        let is_inside = |id: TaskId, last: Option<LastAwait>| match self.chain_of(id) {
            Some(Chain {
                waits_in: Some(place),
                ..
            }) => LOCKS.iter().any(|lock| place.contains(lock)),
            _ => last.is_some_and(|last| !last.is_stale),
        };
        let mut tasks = self.tasks.iter();
        tasks.all(|task| is_inside(task.id(), task.last_await()))
            && (!has_main || is_inside(TaskId::MAIN, core.main_last_await.get()))
    }

    /// A line for the main future, and one for each task, each with its chain below it; at most `limit` tasks.
    pub(crate) fn lines(&self, limit: usize) -> String {
        let mut text = String::new();
        let sources = Sources::new();
        let chain_of = |id| {
            self.chain_of(id)
                .map_or_else(String::new, |chain| chain.lines(&sources))
        };
        if let Some(main) = &self.main {
            text.push_str(&format!("\n{main}{}", chain_of(TaskId::MAIN)));
        }
        for task in self.tasks.iter().take(limit) {
            text.push_str(&format!("\n{task}{}", chain_of(task.id())));
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

    fn chain_of(&self, id: TaskId) -> Option<&Chain> {
        let mut chains = self.chains.iter();
        chains.find(|(task, _)| *task == id).map(|(_, chain)| chain)
    }
}

impl Chain {
    fn of(backtrace: &str) -> Self {
        let mut chain = Chain::default();
        for frame in frames_of_others(backtrace) {
            // A build without debug information has no places, but names.
            let is_in_library = match frame.place {
                Some(place) => is_in_a_library(place),
                None => LOCKS.iter().any(|lock| frame.symbol.contains(lock)),
            };
            if is_in_library {
                // The last one before the user's own is what the user awaits.
                if chain.links.is_empty() {
                    chain.waits_in = Some(without_closures(frame.symbol));
                }
                continue;
            }
            let Some(place) = frame.place else { continue };
            chain.links.push(Link {
                place: place.to_owned(),
                function: without_closures(frame.symbol),
            });
        }
        chain
    }

    /// Lines that each begin with a newline, those of source among them.
    fn lines(&self, sources: &Sources) -> String {
        let mut text = String::new();
        if let Some(waits_in) = &self.waits_in {
            text.push_str(&format!("\n   waits in {waits_in}"));
        }
        for Link { place, function } in &self.links {
            let shown = in_one_line(place);
            text.push_str(&format!("\n   .await at {shown} in {function}"));
            text.push_str(&sources.below_place(place, 8));
        }
        text
    }
}

/// The name of a function, without the closures that an async function is made of.
fn without_closures(symbol: &str) -> String {
    in_one_line(symbol.trim_end_matches("::{{closure}}"))
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.tasks.len();
        let tasks = if count == 1 { "task" } else { "tasks" };
        write!(
            f,
            "{count} {tasks} alive{}",
            self.lines(usize::MAX).replace('\n', "\n  ")
        )
    }
}

pub(crate) fn line_of_main(core: &Core) -> String {
    let name = Named(TaskId::MAIN, None);
    let entered = core
        .entry
        .get()
        .map(|entry| format!(", entered at {}", Location::from(entry.at)));
    let state = match core.is_polling_slot(MAIN_SLOT) || core.is_polling_slot(MAIN_UNCAUGHT) {
        true => "running",
        false => "waiting",
    };
    let last_await = core.main_last_await.get();
    let last_await = last_await.map(|last| format!(", {}: {last}", last.label()));
    format!(
        "{name}: {state}{}{}",
        last_await.unwrap_or_default(),
        entered.unwrap_or_default()
    )
}

/// Runs a poll with a traced waker, as any other: what it panics with is the task's failure.
fn traced(core: &Rc<Core>, poll: impl FnOnce()) -> Option<Chain> {
    let outer = TRACER.replace(Some(note_frames));
    SEEN.take();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        __candor_poll_boundary(|()| poll(), ());
    }));
    TRACER.set(outer);
    if let Err(payload) = polled {
        if core.is_polling_slot(MAIN_UNCAUGHT) {
            // For the caller of `block_on` this is an ordinary panic.
            resume_unwind(payload);
        }
        core.settle_panic(payload);
    }
    if core.attention.get() {
        core.after_poll();
    }
    SEEN.take().map(|frames| Chain::of(&frames))
}
