//! The observer that candor's own ways in install: it hands events to instruments, and looks for stalls.
//!
//! ```text
//! the executor ──Event──► Watchers ──one method an event──► Instrument, Instrument, …
//! ```
//!
//! Knows the core, and what an instrument is shown.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::failure::{TaskId, guarded};
use crate::kernel::tasks::{
    AnyTask, Config, Core, Event, Key, MAIN_SLOT, MAIN_UNCAUGHT, NOBODY, Stop, Watch,
};
use crate::report::printing;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};
use crate::watch::stall;

/// What observes one executor.
pub(crate) struct Watchers {
    instruments: Vec<Guarded>,
    detects_stalls: bool,
    /// An instrument runs: what it does is no event.
    is_telling: Cell<bool>,
    /// A poll has begun that has not ended.
    is_in_poll: Cell<bool>,
    /// What calls wakers while no poll is running.
    cause: Cell<Option<WokenBy>>,
    /// Since when no poll has begun; noted when a park begins.
    still_since: Cell<Option<Instant>>,
    /// A stall was suspected, and that was said.
    has_warned: Cell<bool>,
}

struct Guarded {
    instrument: Box<dyn Instrument>,
    /// It has panicked.
    is_off: Cell<bool>,
}

impl Watchers {
    /// `None` if there is nothing to observe for.
    pub(crate) fn boxed(
        instruments: Vec<Box<dyn Instrument>>,
        detects_stalls: bool,
    ) -> Option<Box<dyn Watch>> {
        if instruments.is_empty() && !detects_stalls {
            return None;
        }
        let guarded = |instrument| Guarded {
            instrument,
            is_off: Cell::new(false),
        };
        Some(Box::new(Watchers {
            instruments: instruments.into_iter().map(guarded).collect(),
            detects_stalls,
            is_telling: Cell::new(false),
            is_in_poll: Cell::new(false),
            cause: Cell::new(None),
            still_since: Cell::new(None),
            has_warned: Cell::new(false),
        }))
    }

    /// What a debug build observes each executor with, if nobody asks for more.
    pub(crate) fn usual() -> Config {
        Config {
            watch: Watchers::boxed(Vec::new(), cfg!(debug_assertions)),
            ..Config::default()
        }
    }

    /// Hands an event to all instruments. They run on nobody's behalf: a panic is said here, and is no task's.
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

    /// Hands an event of what lives in a slot to all instruments, unless the slot is empty.
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

    /// What calls a waker right now.
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
        // To look at a failure makes the error say what it has to say, so that is not done for nobody.
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
            Event::TimersFired => self.cause.set(None),
            Event::ParkBegins(timeout) => {
                self.tell(core, |instrument, at| instrument.park_begin(at, timeout));
            }
            Event::ParkEnds => self.tell(core, |instrument, at| instrument.park_end(at)),
            Event::Failed(failure) => {
                self.tell(core, |instrument, at| instrument.failure(at, failure));
            }
            Event::Done { task, has_failed } => self.done(core, task, has_failed),
            Event::Renewed => {
                self.cause.set(None);
                self.still_since.set(None);
                self.has_warned.set(false);
            }
        }
    }

    /// Looks for a stall, and looks again after a while: dropping the last waker without a wake ends no park.
    fn before_sleep(&self, core: &Rc<Core>, has_main: bool) -> Result<Option<Duration>, Stop> {
        if !self.detects_stalls {
            return Ok(None);
        }
        if stall::is_proven(core) {
            return Err(Stop::Stall(stall::proof(core, has_main)));
        }
        let patience = stall::patience(core);
        let now = Instant::now();
        let since = self.still_since.get().unwrap_or(now);
        self.still_since.set(Some(since));
        let is_suspect = now - since >= patience && !core.inbox.has_mail();
        if is_suspect && !self.has_warned.replace(true) {
            stall::suspect(core, has_main);
        }
        Ok(Some(patience))
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
