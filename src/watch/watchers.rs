//! The observer that candor's entry points install: it passes events to instruments, and to those who look for stalls and slow
//! polls.
//!
//! ```text
//! the executor ──Event──► Watchers ──one method per event──► Instrument, Instrument, …
//! ```
//!
//! Knows the core, instruments and stalls.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::failure::{TaskId, guarded};
use crate::kernel::tasks::{
    AnyTask, Config, Core, Ending, Event, Key, MAIN_SLOT, MAIN_UNCAUGHT, Main, NOBODY, Stop, Watch,
};
use crate::report::printing;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};
use crate::watch::slow_poll::SlowPoll;
use crate::watch::standstill::Standstill;

/// What observes one executor.
pub(crate) struct Watchers {
    instruments: Vec<Guarded>,
    slow_poll: Option<SlowPoll>,
    standstill: Standstill,
    /// An instrument runs: what it does is no event.
    is_telling: Cell<bool>,
    /// A poll has begun and has not ended.
    is_in_poll: Cell<bool>,
    /// What calls wakers now, while no poll is running.
    cause: Cell<Option<WokenBy>>,
}

struct Guarded {
    instrument: Box<dyn Instrument>,
    /// It has panicked.
    is_off: Cell<bool>,
}

impl Watchers {
    /// Empty if there is nothing to observe.
    pub(crate) fn boxed(
        instruments: Vec<Box<dyn Instrument>>,
        slow_poll: Option<SlowPoll>,
        detects_stalls: bool,
        test_timeout: Option<Duration>,
    ) -> OnceCell<Box<dyn Watch>> {
        let has_timer = slow_poll.is_some() || test_timeout.is_some();
        if instruments.is_empty() && !detects_stalls && !has_timer {
            return OnceCell::new();
        }
        OnceCell::from(Watchers::of(
            instruments,
            slow_poll,
            detects_stalls,
            test_timeout,
        ))
    }

    /// What makes a test notice that it stands still, on an executor that nobody observes.
    pub(crate) fn for_test() -> Box<dyn Watch> {
        Watchers::of(Vec::new(), None, false, None)
    }

    fn of(
        instruments: Vec<Box<dyn Instrument>>,
        slow_poll: Option<SlowPoll>,
        detects_stalls: bool,
        test_timeout: Option<Duration>,
    ) -> Box<dyn Watch> {
        let guarded = |instrument| Guarded {
            instrument,
            is_off: Cell::new(false),
        };
        Box::new(Watchers {
            instruments: instruments.into_iter().map(guarded).collect(),
            slow_poll,
            standstill: Standstill::new(detects_stalls, test_timeout),
            is_telling: Cell::new(false),
            is_in_poll: Cell::new(false),
            cause: Cell::new(None),
        })
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

    fn woken(&self, core: &Core, slot: u32, by: WokenBy, is_from_elsewhere: bool) {
        self.standstill.woken(by, is_from_elsewhere);
        self.tell_of(core, slot, |instrument, at, task| {
            instrument.wake(at, task, by);
        });
    }

    fn done(&self, core: &Core, task: &AnyTask, ending: Ending) {
        if self.instruments.is_empty() {
            return;
        }
        // This asks the error for its text, so it is done only if there are instruments.
        if ending.is_failure() {
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
                self.standstill.something_moves();
                self.tell(core, |instrument, at| {
                    instrument.spawn(at, &TaskView::of(task));
                });
            }
            Event::PollBegins(slot) => {
                self.cause.set(None);
                self.standstill.poll_begins();
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
            Event::PollEnds(slot, poll) => {
                self.cause.set(None);
                if let Some(slow_poll) = &self.slow_poll {
                    with_view(core, slot, |task| core.aside(|| slow_poll.poll_ends(task)));
                }
                if self.is_in_poll.take() {
                    self.tell_of(core, slot, |instrument, at, task| {
                        instrument.poll_end(at, task, poll);
                    });
                }
            }
            Event::Woken(slot) => {
                let by = self.waking(core).unwrap_or(WokenBy::Elsewhere);
                self.woken(core, slot, by, false);
            }
            Event::WokenFromElsewhere(slot) => {
                self.woken(core, slot, WokenBy::Elsewhere, true);
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
                self.standstill.timers_fired(core);
            }
            Event::ParkBegins(timeout) => {
                self.tell(core, |instrument, at| instrument.park_begin(at, timeout));
            }
            Event::ParkEnds => self.tell(core, |instrument, at| instrument.park_end(at)),
            Event::Failed(failure) => {
                self.tell(core, |instrument, at| instrument.failure(at, failure));
            }
            Event::Done(task, ending) => self.done(core, task, ending),
            Event::Test(is_test) => self.standstill.test(is_test),
            Event::Renewed => {
                self.cause.set(None);
                self.standstill.renewed();
            }
        }
    }

    fn before_sleep(
        &self,
        core: &Rc<Core>,
        timeout: Option<Duration>,
        main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        self.standstill.before_sleep(core, timeout, main)
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
