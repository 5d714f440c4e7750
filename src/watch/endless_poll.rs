//! Warns of a poll that does not end, while it still runs: an endless loop, a call that blocks, a lock that nobody frees.
//!
//! Such a poll holds the thread, so another thread has to say it. There is one watcher thread for the whole process.
//!
//! ```text
//! a poll begins ─► Board: the task, not seen yet ──┐
//! a poll ends   ─► Board: no poll                  │  each quarter of a second: is it still the same poll?
//!                                               watcher ─── yes, and for 2 s ───► stderr
//! ```
//!
//! The watcher exists only while executors poll: a board with no new poll since the last look is let go, and with the last
//! board the thread ends. So an executor that waits costs no thread and wakes nobody.
//!
//! A poll reads no clock for this. The watcher counts its own looks instead, so a debugger that stops the process
//! makes no poll seem long.
//!
//! The watcher writes to stderr itself, and calls no logger: the logger may be what is stuck. It does not print as a test
//! does either, since libtest would keep the text until the test has ended.
//!
//! Knows how a task is shown.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::kernel::failure::{LastAwait, Location, Named, Site, TaskId};
use crate::report::printing;
use crate::watch::instrument::TaskView;

/// How often the watcher looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// For how long a poll may run before it is warned of. The next warning of the same poll comes after ten times as long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one executor polls now.
#[derive(Default)]
pub(crate) struct Board {
    /// The latest poll; `None` before the first.
    poll: Mutex<Option<LongPoll>>,
    /// The watcher looks at it.
    is_watched: AtomicBool,
    /// How long a poll may take. If that is more than 2 s, the watcher waits as long.
    pub(super) limit: Duration,
    /// Nobody has set the limit: of each spawn site, one poll is warned of.
    is_usual: bool,
}

/// A poll, and what the watcher knows of it.
struct LongPoll {
    is_running: bool,
    /// It only drops the future of an aborted task.
    is_drop: bool,
    id: TaskId,
    name: Option<Arc<str>>,
    place: Option<Site>,
    last_await: Option<LastAwait>,
    /// For how long the watcher has seen it; `None` before its first look.
    seen_for: Option<Duration>,
    warn_after: Duration,
    /// Whether it is to be warned of; `None` before that is asked.
    is_wanted: Option<bool>,
}

impl Board {
    pub(super) fn new(limit: Duration, is_usual: bool) -> Self {
        Board {
            limit,
            is_usual,
            ..Board::default()
        }
    }

    pub(super) fn poll_begins(self: &Arc<Self>, task: &TaskView<'_>) {
        *lock(&self.poll) = Some(LongPoll {
            is_running: true,
            is_drop: task.is_aborted,
            id: task.id(),
            name: task.name.cloned(),
            place: task.spawned_at,
            last_await: task.last_await(),
            seen_for: None,
            warn_after: self.limit.max(PATIENCE),
            is_wanted: None,
        });
        if !self.is_watched.swap(true, Ordering::Relaxed) {
            watch(Arc::clone(self));
        }
    }

    pub(super) fn poll_ends(&self) {
        if let Some(poll) = &mut *lock(&self.poll) {
            poll.is_running = false;
        }
    }

    /// Its executor is gone. A million executors one after the other must not leave a million boards for the next look.
    pub(super) fn close(&self) {
        if self.is_watched.load(Ordering::Relaxed) {
            let boards = &mut lock(&WATCHER).boards;
            boards.retain(|board| !std::ptr::eq(&**board, self));
        }
    }

    /// Whether to warn of a poll of a task from this place.
    pub(super) fn is_wanted(&self, what: &'static str, place: Option<Site>) -> bool {
        let is_new = |place| !self.is_usual || printing::is_first(what, place);
        place.is_none_or(is_new)
    }

    /// Returns whether the watcher has to look again.
    fn look(&self, warnings: &mut Vec<String>) -> bool {
        let mut poll = lock(&self.poll);
        let Some(poll) = &mut *poll else {
            return true;
        };
        let Some(seen_for) = poll.seen_for else {
            poll.seen_for = Some(Duration::ZERO);
            return true;
        };
        if !poll.is_running {
            // While the poll is locked, so that the next one finds it.
            self.is_watched.store(false, Ordering::Relaxed);
            return false;
        }
        let seen_for = seen_for + LOOK_EVERY;
        poll.seen_for = Some(seen_for);
        if seen_for >= poll.warn_after {
            poll.warn_after = seen_for * 10;
            let is_wanted = || self.is_wanted("endless poll", poll.place);
            if *poll.is_wanted.get_or_insert_with(is_wanted) {
                warnings.push(poll.warning(seen_for));
            }
        }
        true
    }
}

/// The boards that the watcher looks at.
struct Watcher {
    boards: Vec<Arc<Board>>,
    is_running: bool,
}

static WATCHER: Mutex<Watcher> = Mutex::new(Watcher {
    boards: Vec::new(),
    is_running: false,
});

/// Has the watcher look at a board. Starts the watcher if there is none.
#[cold]
fn watch(board: Arc<Board>) {
    let mut watcher = lock(&WATCHER);
    watcher.boards.push(board);
    if !watcher.is_running {
        let thread = thread::Builder::new().name("candor-watcher".to_owned());
        // Without a thread nobody looks, and the board stays in the list for the next one that can be started.
        watcher.is_running = thread.spawn(look_around).is_ok();
    }
}

fn look_around() {
    let mut is_running = true;
    while is_running {
        thread::sleep(LOOK_EVERY);
        let mut warnings = Vec::new();
        let mut watcher = lock(&WATCHER);
        watcher.boards.retain(|board| board.look(&mut warnings));
        watcher.is_running = !watcher.boards.is_empty();
        is_running = watcher.is_running;
        // Not while the list is locked: stderr may block.
        drop(watcher);
        for warning in warnings {
            std::io::stderr().write_all(warning.as_bytes()).ok();
        }
    }
}

impl LongPoll {
    fn warning(&self, seen_for: Duration) -> String {
        let last_await = match self.last_await {
            Some(last) => format!("last known await: {last}"),
            None => "it has not waited in a future of candor's yet".to_owned(),
        };
        let (what, advice) = match self.is_drop {
            true => (
                "the drop of its future, which",
                "likely cause: a destructor that loops without an end, or calls what blocks\n   help: look at what the task \
                 holds at that `.await`; what blocks belongs in a thread",
            ),
            false => (
                "a poll that",
                "likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the \
                 `block_on` of another runtime\n   help: look at what the task does after that `.await`; what blocks belongs in \
                 a thread, and a long computation needs a `yield_now().await` now and then",
            ),
        };
        format!(
            "{}{} has held the thread for {seen_for:?} in {what} has not ended, and all others stand still\n   {last_await}\n   \
             {advice}\n",
            Named(self.id, self.name.as_deref()),
            spawn_site(self.id, self.place),
        )
    }
}

/// Where a task was spawned, or the executor was entered, as a part of a sentence.
pub(super) fn spawn_site(id: TaskId, place: Option<Site>) -> String {
    match place.map(Location::from) {
        Some(at) if id == TaskId::MAIN => format!(", entered at {at},"),
        Some(at) => format!(", spawned at {at},"),
        None => String::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
