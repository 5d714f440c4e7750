//! The observer that candor's entry points install: it passes events to instruments, and looks for stalls.
//!
//! ```text
//! the executor ──Event──► Watchers ──one method per event──► Instrument, Instrument, …
//! ```
//!
//! Knows the core, instruments and stalls.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::failure::{TaskId, guarded};
use crate::kernel::tasks::{
    AnyTask, Config, Core, Event, Key, MAIN_SLOT, MAIN_UNCAUGHT, Main, NOBODY, Stop, Watch,
};
use crate::report::printing;
use crate::watch::dump::Dump;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};
use crate::watch::slow_poll::SlowPoll;
use crate::watch::stall;

/// For how long a test may stand still, unless [`Builder::test_timeout`](crate::Builder::test_timeout) says otherwise.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What observes one executor.
pub(crate) struct Watchers {
    instruments: Vec<Guarded>,
    slow_poll: Option<SlowPoll>,
    detects_stalls: bool,
    /// For how long a test may stand still.
    test_timeout: Duration,
    is_test: Cell<bool>,
    /// An instrument runs: what it does is no event.
    is_telling: Cell<bool>,
    /// A poll has begun and has not ended.
    is_in_poll: Cell<bool>,
    /// What calls wakers now, while no poll is running.
    cause: Cell<Option<WokenBy>>,
    /// When the first park without a deadline began after the last poll.
    still_since: Cell<Option<Instant>>,
    /// A stall was looked for in vain, or said: once is enough.
    has_looked: Cell<bool>,
    /// Another thread has woken something.
    is_woken_from_elsewhere: Cell<bool>,
    /// Something has moved that no timer has moved, and when that was last seen. For tests.
    has_moved: Cell<bool>,
    moved_at: Cell<Option<Instant>>,
}

struct Guarded {
    instrument: Box<dyn Instrument>,
    /// It has panicked.
    is_off: Cell<bool>,
}

impl Watchers {
    /// `None` if there is nothing to observe.
    pub(crate) fn boxed(
        instruments: Vec<Box<dyn Instrument>>,
        slow_poll: Option<SlowPoll>,
        detects_stalls: bool,
        test_timeout: Option<Duration>,
    ) -> Option<Box<dyn Watch>> {
        let has_timer = slow_poll.is_some() || test_timeout.is_some();
        if instruments.is_empty() && !detects_stalls && !has_timer {
            return None;
        }
        let guarded = |instrument| Guarded {
            instrument,
            is_off: Cell::new(false),
        };
        Some(Box::new(Watchers {
            instruments: instruments.into_iter().map(guarded).collect(),
            slow_poll,
            detects_stalls,
            test_timeout: test_timeout.unwrap_or(TEST_TIMEOUT),
            is_test: Cell::new(false),
            is_telling: Cell::new(false),
            is_in_poll: Cell::new(false),
            cause: Cell::new(None),
            still_since: Cell::new(None),
            has_looked: Cell::new(false),
            is_woken_from_elsewhere: Cell::new(false),
            has_moved: Cell::new(true),
            moved_at: Cell::new(None),
        }))
    }

    /// The configuration of an executor that nobody configured: a debug build looks for stalls and slow polls.
    pub(crate) fn usual() -> Config {
        Config {
            watch: Watchers::boxed(Vec::new(), SlowPoll::usual(), cfg!(debug_assertions), None),
            ..Config::default()
        }
    }

    /// Calls all instruments. They run on no task's behalf: a panic is printed here, and is no task's failure.
    fn tell(&self, core: &Core, event: impl Fn(&dyn Instrument, Instant)) {
        if self.instruments.is_empty() || self.is_telling.replace(true) {
            return;
        }
        let at = core.clock.now();
        core.aside(|| {
            for one in self.instruments.iter().filter(|one| !one.is_off.get()) {
                if let Err(caught) = guarded(|| event(&*one.instrument, at)) {
                    one.is_off.set(true);
                    let remark =
                        ". It is told nothing any more; the executor and other instruments go on";
                    let text = format!("an instrument panicked: {}", caught.quoted(remark));
                    printing::print(Level::Warn, &text);
                }
            }
        });
        self.is_telling.set(false);
    }

    /// Calls all instruments with the tenant of a slot, or with the main future. Returns `false` if there is none.
    fn tell_of(
        &self,
        core: &Core,
        slot: u32,
        event: impl Fn(&dyn Instrument, Instant, &TaskView<'_>),
    ) -> bool {
        if self.instruments.is_empty() {
            return false;
        }
        let told = with_view(core, slot, |task| {
            self.tell(core, |instrument, at| event(instrument, at, task));
        });
        told.is_some()
    }

    /// What calls wakers right now.
    fn waking(&self, core: &Core) -> Option<WokenBy> {
        let task = match core.polled() {
            NOBODY => None,
            MAIN_SLOT | MAIN_UNCAUGHT => Some(TaskId::MAIN),
            slot => (core.slots.borrow().get(slot)).map(|task| task.header().id),
        };
        task.map(WokenBy::Task).or(self.cause.get())
    }

    fn done(&self, core: &Core, task: &AnyTask, has_failed: bool) {
        if self.instruments.is_empty() {
            return;
        }
        let ending = task.ending();
        // This asks the error for its text, so it is done only if there are instruments.
        if has_failed {
            core.view_failure(task, |failure| self.event(core, Event::Failed(failure)));
        }
        let view = TaskView::of(task.header());
        self.tell(core, |instrument, at| instrument.done(at, &view, ending));
        self.cause.set(Some(WokenBy::Task(view.id())));
    }
}

impl Watch for Watchers {
    fn event(&self, core: &Core, event: Event<'_>) {
        match event {
            Event::Spawned(task) => {
                self.has_moved.set(true);
                self.tell(core, |instrument, at| {
                    instrument.spawn(at, &TaskView::of(task));
                });
            }
            Event::PollBegins(slot) => {
                self.cause.set(None);
                self.still_since.set(None);
                let slots = core.slots.borrow();
                let is_aborted =
                    (slots.get(slot)).is_some_and(|task| task.header().is_aborted.get());
                drop(slots);
                self.is_in_poll.set(!is_aborted);
                if let Some(slow_poll) = &self.slow_poll {
                    with_view(core, slot, |task| slow_poll.poll_begins(task));
                }
                if !is_aborted {
                    self.tell_of(core, slot, |instrument, at, task| {
                        instrument.poll_begin(at, task);
                    });
                }
            }
            Event::PollEnds { slot, is_over } => {
                self.cause.set(None);
                let poll = match is_over {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                };
                if let Some(slow_poll) = &self.slow_poll {
                    with_view(core, slot, |task| core.aside(|| slow_poll.poll_ends(task)));
                }
                if self.is_in_poll.take() {
                    self.tell_of(core, slot, |instrument, at, task| {
                        instrument.poll_end(at, task, poll);
                    });
                }
            }
            Event::Woken {
                slot,
                is_from_elsewhere,
            } => {
                let by = (!is_from_elsewhere).then(|| self.waking(core)).flatten();
                let by = by.unwrap_or(WokenBy::Elsewhere);
                self.has_moved
                    .set(self.has_moved.get() || by != WokenBy::Timer);
                self.is_woken_from_elsewhere
                    .set(self.is_woken_from_elsewhere.get() || is_from_elsewhere);
                self.tell_of(core, slot, |instrument, at, task| {
                    instrument.wake(at, task, by);
                });
            }
            Event::TimerFires(key) => {
                let is_ours = key.executor() == core.number && key != Key::NOBODY;
                let is_told = is_ours
                    && self.tell_of(core, key.slot(), |instrument, at, task| {
                        instrument.timer(at, Some(task));
                    });
                if !is_told {
                    self.tell(core, |instrument, at| instrument.timer(at, None));
                }
                self.cause.set(Some(WokenBy::Timer));
            }
            Event::TimersFired => {
                self.cause.set(None);
                self.see_what_moves(core);
            }
            Event::ParkBegins(timeout) => {
                self.tell(core, |instrument, at| instrument.park_begin(at, timeout));
            }
            Event::ParkEnds => self.tell(core, |instrument, at| instrument.park_end(at)),
            Event::Failed(failure) => {
                self.tell(core, |instrument, at| instrument.failure(at, failure));
            }
            Event::Done { task, has_failed } => self.done(core, task, has_failed),
            Event::Test(is_test) => {
                self.is_test.set(is_test);
                self.has_looked.set(false);
                self.has_moved.set(true);
            }
            Event::Renewed => {
                self.cause.set(None);
                self.still_since.set(None);
                self.has_looked.set(false);
                self.is_woken_from_elsewhere.set(false);
            }
        }
    }

    /// Looks for a stall, and looks again after a while: dropping the last waker without a wake ends no park.
    fn before_sleep(
        &self,
        core: &Rc<Core>,
        timeout: Option<Duration>,
        main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        if timeout.is_some() || !(self.detects_stalls || self.is_test.get()) {
            return Ok(timeout);
        }
        if self.detects_stalls && stall::is_proven(core) {
            let dump = Dump::of(core, main);
            return Err(Stop::Stall(stall::proof(core, &dump)));
        }
        let patience = self.patience(core);
        let now = Instant::now();
        let since = self.still_since.get().unwrap_or(now);
        self.still_since.set(Some(since));
        let still_for = now - since;
        if still_for >= patience && !core.inbox.has_mail() {
            self.look_for_a_stall(core, main, still_for)?;
            // The polls of a dump are no movement.
            self.still_since.set(Some(since));
        }
        Ok(Some(patience))
    }
}

impl Watchers {
    /// How long everything has to wait before it is worth a look.
    fn patience(&self, core: &Core) -> Duration {
        match core.config.virtual_time && !self.is_test.get() {
            false if self.is_test.get() => Duration::from_secs(5).min(self.test_timeout),
            false => Duration::from_secs(5),
            // No timer will ever fire, so only other threads can move anything. They know the real clock alone.
            true => Duration::from_millis(100),
        }
    }

    /// Everything waits, and has done so for a while.
    fn look_for_a_stall(
        &self,
        core: &Rc<Core>,
        main: Option<&mut Main<'_>>,
        still_for: Duration,
    ) -> Result<(), Stop> {
        let is_over = self.is_test.get() && still_for >= self.test_timeout;
        let is_first = !self.has_looked.replace(true) && !self.is_woken_from_elsewhere.get();
        if !is_over && !is_first {
            return Ok(());
        }
        let has_main = main.is_some();
        let dump = Dump::of(core, main);
        let text = match dump.waits_for_itself(core, has_main) {
            true if is_first => stall::suspicion(core, &dump, self.patience(core)),
            _ if is_over => stall::standstill(core, &dump, still_for, "nothing has moved"),
            _ if stall::is_nested(core) => {
                // Perhaps it waits for something outside, and perhaps for a task that cannot run meanwhile.
                let text = stall::nested(core, &dump, self.patience(core));
                printing::print(Level::Warn, &text);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if self.is_test.get() {
            return Err(Stop::Stall(text));
        }
        printing::print(Level::Warn, &text);
        Ok(())
    }

    /// Ends a test in which only timers move, for so long that it is a loop.
    fn see_what_moves(&self, core: &Core) {
        if !self.is_test.get() {
            return;
        }
        let limit = self.test_timeout;
        let now = Instant::now();
        if self.has_moved.take() {
            self.moved_at.set(Some(now));
        }
        let since = self.moved_at.get().unwrap_or(now);
        if now - since >= limit {
            let dump = Dump::without_chains(core);
            let text = stall::standstill(core, &dump, limit, "nothing but timers has moved");
            core.stop_for(Stop::Stall(text));
        }
    }
}

/// Shows the task in a slot, or the main future; calls nobody if the slot is empty.
fn with_view<R>(core: &Core, slot: u32, f: impl FnOnce(&TaskView<'_>) -> R) -> Option<R> {
    if slot == MAIN_SLOT {
        return Some(f(&TaskView::of_main(core)));
    }
    let task: Rc<AnyTask> = core.slots.borrow().get(slot).cloned()?;
    Some(f(&TaskView::of(task.header())))
}
