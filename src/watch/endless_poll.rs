//! Warns of a poll that does not end, while it still runs: an endless loop, a call that blocks, a lock that nobody frees.
//!
//! Such a poll holds the thread, so another thread has to say it. There is one watcher thread for the whole process.
//!
//! ```text
//! a poll begins ─► Board: its number, the task ──┐
//! a poll ends   ─► Board: no poll                │  each quarter of a second: is it still the same poll?
//!                                             watcher ─── yes, and for 2 s ───► stderr
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

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
pub(crate) struct Board {
    /// Unique in this process.
    id: u64,
    poll: Mutex<Running>,
    /// The watcher looks at it.
    is_watched: AtomicBool,
    patience: Duration,
    /// Nobody has set a limit: of each spawn site, one poll is warned of.
    is_usual: bool,
}

/// A poll. It is filled in place: a name needs no new memory for each poll.
struct Running {
    /// The number of the poll, counted from 1.
    number: u64,
    is_running: bool,
    id: TaskId,
    name: Option<String>,
    place: Option<Site>,
    last_await: Option<LastAwait>,
}

impl Board {
    /// `limit` is how long a poll may take: if that is more than 2 s, the watcher waits as long.
    pub(crate) fn new(limit: Duration, is_usual: bool) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Board {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            poll: Mutex::new(Running {
                number: 0,
                is_running: false,
                id: TaskId::MAIN,
                name: None,
                place: None,
                last_await: None,
            }),
            is_watched: AtomicBool::new(false),
            patience: limit.max(PATIENCE),
            is_usual,
        }
    }

    pub(crate) fn poll_begins(self: &Arc<Self>, task: &TaskView<'_>) {
        let mut poll = lock(&self.poll);
        poll.number += 1;
        poll.is_running = true;
        poll.id = task.id();
        match (&mut poll.name, task.name()) {
            (Some(kept), Some(name)) => name.clone_into(kept),
            (kept, name) => *kept = name.map(str::to_owned),
        }
        poll.place = task.place();
        poll.last_await = task.last_await();
        drop(poll);
        if !self.is_watched.swap(true, Ordering::Relaxed) {
            watch(Arc::clone(self));
        }
    }

    pub(crate) fn poll_ends(&self) {
        lock(&self.poll).is_running = false;
    }

    /// Its executor is gone. A million executors one after the other must not leave a million boards for the next look.
    pub(crate) fn close(&self) {
        if self.is_watched.load(Ordering::Relaxed) {
            lock(&WATCHER).watched.remove(&self.id);
        }
    }
}

/// A board, as the watcher knows it.
struct Watched {
    board: Arc<Board>,
    /// The poll that ran at the last look.
    number: u64,
    /// For how long the watcher has seen that poll.
    seen_for: Duration,
    warn_after: Duration,
    /// This poll is warned of, and will be again.
    is_wanted: bool,
}

struct Watcher {
    /// By the id of the board.
    watched: BTreeMap<u64, Watched>,
    is_running: bool,
}

static WATCHER: Mutex<Watcher> = Mutex::new(Watcher {
    watched: BTreeMap::new(),
    is_running: false,
});

/// Has the watcher look at a board. Starts the watcher if there is none.
#[cold]
fn watch(board: Arc<Board>) {
    let mut watcher = lock(&WATCHER);
    let watched = Watched {
        warn_after: board.patience,
        number: 0,
        seen_for: Duration::ZERO,
        is_wanted: false,
        board,
    };
    watcher.watched.insert(watched.board.id, watched);
    if !watcher.is_running {
        let thread = thread::Builder::new().name("candor-watcher".to_owned());
        // Without a thread nobody looks, and the board stays in the list for the next one that can be started.
        watcher.is_running = thread.spawn(look_around).is_ok();
    }
}

fn look_around() {
    loop {
        thread::sleep(LOOK_EVERY);
        let mut warnings = Vec::new();
        let mut watcher = lock(&WATCHER);
        let watched = &mut watcher.watched;
        watched.retain(|_, one| one.look(&mut warnings));
        watcher.is_running = !watcher.watched.is_empty();
        let is_over = !watcher.is_running;
        // Not while the list is locked: stderr may block.
        drop(watcher);
        for warning in warnings {
            std::io::stderr().write_all(warning.as_bytes()).ok();
        }
        if is_over {
            return;
        }
    }
}

impl Watched {
    /// Returns whether the watcher has to look again.
    fn look(&mut self, warnings: &mut Vec<String>) -> bool {
        let poll = lock(&self.board.poll);
        let is_same = poll.number == self.number;
        if !is_same {
            self.number = poll.number;
            self.seen_for = Duration::ZERO;
            self.warn_after = self.board.patience;
            self.is_wanted = false;
            return true;
        }
        if !poll.is_running {
            // While the poll is locked, so that the next one finds it.
            self.board.is_watched.store(false, Ordering::Relaxed);
            return false;
        }
        self.seen_for += LOOK_EVERY;
        if self.seen_for >= self.warn_after {
            self.warn_after = self.seen_for * 10;
            self.is_wanted |= self.is_first(poll.place);
            if self.is_wanted {
                warnings.push(poll.warning(self.seen_for));
            }
        }
        true
    }

    fn is_first(&self, place: Option<Site>) -> bool {
        let is_new = |place| !self.board.is_usual || printing::is_first("endless poll", place);
        place.is_none_or(is_new)
    }
}

impl Running {
    fn warning(&self, seen_for: Duration) -> String {
        let last_await = match self.last_await {
            Some(last) => format!("last known await: {last}"),
            None => "it has not waited in a future of candor's yet".to_owned(),
        };
        format!(
            "{}{} has held the thread for {seen_for:?} in a poll that has not ended, and all others stand still\n   {last_await}\n   \
             likely cause: a loop without an end, a call that blocks, a lock of std that is held over an `.await`, or the \
             `block_on` of another runtime\n   help: look at what the task does after that `.await`; what blocks belongs in a \
             thread, and a long computation needs a `yield_now().await` now and then\n",
            Named(self.id, self.name.as_deref()),
            spawn_site(self.id, self.place),
        )
    }
}

/// Where a task was spawned, or the executor was entered, as a part of a sentence.
pub(crate) fn spawn_site(id: TaskId, place: Option<Site>) -> String {
    let place = place.map(Location::from);
    match place {
        Some(at) if id == TaskId::MAIN => format!(", entered at {at},"),
        Some(at) => format!(", spawned at {at},"),
        None => String::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
