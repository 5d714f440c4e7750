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
//! The watcher counts its own looks and reads no clock, so a debugger that stops the process makes no poll seem endless.
//!
//! The watcher writes to stderr itself, and calls no logger: the logger may be what is stuck. It does not print as a test
//! does either, since libtest would keep the text until the test has ended.
//!
//! Knows how a task is shown.

use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::kernel::failure::{LastAwait, Location, Named, Site, TaskId};
use crate::report::printing;
use crate::watch::instrument::TaskView;

/// How often the watcher looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// For how long a poll may run before it is warned of. If a limit was set, the next warning of the same poll comes after ten times
/// as long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one executor polls now.
#[derive(Default)]
pub(super) struct Board {
    /// `None` between polls.
    poll: Mutex<Option<LongPoll>>,
    /// How many more looks in a row may find no poll; 0 if the watcher does not look at it.
    looks_left: AtomicU8,
    /// How long a poll may take. If that is more than 2 s, the watcher waits as long.
    pub(super) limit: Duration,
    /// Nobody has set the limit: of each spawn site, one poll is warned of.
    is_usual: bool,
}

/// A poll that has not ended, and what the watcher knows of it.
pub(super) struct LongPoll {
    /// When it began, for whoever measures it.
    pub(super) began: Instant,
    /// It only drops the future of an aborted task.
    pub(super) is_drop: bool,
    pub(super) is_of_logger: bool,
    id: TaskId,
    name: Option<Arc<str>>,
    place: Option<Site>,
    last_await: Option<LastAwait>,
    /// How often the watcher has seen it.
    looks: u32,
    warn_after: Duration,
}

impl Board {
    pub(super) fn new(limit: Duration, is_usual: bool) -> Self {
        Board {
            limit,
            is_usual,
            ..Board::default()
        }
    }

    pub(super) fn poll_begins(self: &Arc<Self>, task: &TaskView<'_>, began: Instant) {
        *lock(&self.poll) = Some(LongPoll {
            began,
            is_drop: task.is_aborted,
            is_of_logger: task.is_of_logger,
            id: task.id(),
            name: task.name.cloned(),
            place: task.spawned_at,
            last_await: task.last_await(),
            looks: 0,
            warn_after: self.limit.max(PATIENCE),
        });
        if self.looks_left.swap(2, Ordering::Relaxed) == 0 {
            watch(Arc::clone(self));
        }
    }

    /// Returns the poll that has ended; `None` if there was none.
    pub(super) fn poll_ends(&self) -> Option<LongPoll> {
        lock(&self.poll).take()
    }

    /// Its executor is gone. A million executors one after the other must not leave a million boards for the next look.
    pub(super) fn close(&self) {
        if self.looks_left.load(Ordering::Relaxed) > 0 {
            let boards = &mut lock(&WATCHER).boards;
            boards.retain(|board| !std::ptr::eq(&**board, self));
        }
    }

    /// Whether to warn of this poll.
    pub(super) fn is_wanted(&self, what: &'static str, poll: &LongPoll) -> bool {
        let is_new = |place| !self.is_usual || printing::is_first(what, place);
        poll.place.is_none_or(is_new)
    }

    /// Returns whether the watcher has to look again.
    fn look(&self, warnings: &mut Vec<String>) -> bool {
        let mut poll = lock(&self.poll);
        let Some(poll) = &mut *poll else {
            // While the poll is locked, so that the next one finds it.
            return self.looks_left.fetch_sub(1, Ordering::Relaxed) > 1;
        };
        let seen_for = LOOK_EVERY * poll.looks;
        poll.looks += 1;
        if seen_for >= poll.warn_after {
            poll.warn_after = seen_for * 10;
            if self.is_wanted("endless poll", poll) {
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
                 holds at its last `.await`; what blocks belongs in a thread",
            ),
            false => (
                "a poll that",
                "likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the \
                 `block_on` of another runtime\n   help: look at what the task does after its last `.await`; what blocks belongs in \
                 a thread, and a long computation needs a `yield_now().await` now and then",
            ),
        };
        format!(
            "{self} has held the thread for {seen_for:?} in {what} has not ended, and all others stand still\n   {last_await}\n   \
             {advice}\n",
        )
    }
}

/// The task, and where it was spawned, or the executor was entered.
impl fmt::Display for LongPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Named(self.id, self.name.as_deref());
        match self.place.map(Location::from) {
            Some(at) if self.id == TaskId::MAIN => write!(f, "{name}, entered at {at},"),
            Some(at) => write!(f, "{name}, spawned at {at},"),
            None => name.fmt(f),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
