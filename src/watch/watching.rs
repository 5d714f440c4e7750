//! Tells instruments what happens.
//!
//! Everything that an executor does only for those who look at it hangs on one switch, `Config::watch`: the
//! loop, a spawn and the end of a task look whether it is there, and come here if it is.
//!
//! Knows the core's state.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use log::Level;

use crate::kernel::failure::TaskFailure;
use crate::kernel::failure::aside::guarded;
use crate::kernel::failure::lineage::TaskId;
use crate::kernel::tasks::core::{Core, MAIN_UNCAUGHT, NOBODY};
use crate::kernel::tasks::key::MAIN_SLOT;
use crate::kernel::tasks::task::{AnyTask, Header};
use crate::report::printing;
use crate::watch::instrument::{Instrument, TaskView, WokenBy};

/// Who looks at an executor.
pub(crate) struct Watch {
    instruments: Vec<Guarded>,
    pub(crate) detects_stalls: bool,
    /// A stall was suspected, and that was told.
    pub(crate) has_warned: Cell<bool>,
    /// An instrument runs: what it does is not told.
    is_telling: Cell<bool>,
    /// On whose behalf a waker is called while no poll is running.
    cause: Cell<Option<WokenBy>>,
}

struct Guarded {
    instrument: Box<dyn Instrument>,
    /// It has panicked.
    is_off: Cell<bool>,
}

impl Watch {
    /// `None` if there is nobody who looks.
    pub(crate) fn new(
        instruments: Vec<Box<dyn Instrument>>,
        detects_stalls: bool,
    ) -> Option<Box<Self>> {
        if instruments.is_empty() && !detects_stalls {
            return None;
        }
        let guarded = |instrument| Guarded {
            instrument,
            is_off: Cell::new(false),
        };
        Some(Box::new(Watch {
            instruments: instruments.into_iter().map(guarded).collect(),
            detects_stalls,
            has_warned: Cell::new(false),
            is_telling: Cell::new(false),
            cause: Cell::new(None),
        }))
    }

    pub(crate) fn has_instruments(&self) -> bool {
        !self.instruments.is_empty()
    }
}

impl Core {
    /// Whether anybody is told of anything.
    pub(crate) fn has_instruments(&self) -> bool {
        (self.config.watch.as_ref()).is_some_and(|watch| watch.has_instruments())
    }

    /// Tells all instruments of an event. Nothing of the core may be borrowed.
    ///
    /// They run on nobody's behalf: a panic is std's to print, and no task's.
    pub(crate) fn tell(&self, event: impl Fn(&dyn Instrument, Instant)) {
        let Some(watch) = &self.config.watch else {
            return;
        };
        if !watch.has_instruments() || watch.is_telling.replace(true) {
            return;
        }
        let at = self.clock.now();
        self.aside(|| {
            for guarded_by in watch.instruments.iter().filter(|one| !one.is_off.get()) {
                if let Err(caught) = guarded(|| event(&*guarded_by.instrument, at)) {
                    guarded_by.is_off.set(true);
                    let remark =
                        ". It is told nothing any more; the executor and other instruments go on";
                    let text = format!("an instrument panicked: {}", caught.quoted(remark));
                    printing::print(Level::Warn, &text);
                }
            }
        });
        watch.is_telling.set(false);
    }

    #[cold]
    pub(crate) fn tell_spawn(&self, task: &Header) {
        self.tell(|instrument, at| instrument.spawn(at, &TaskView::of(task)));
    }

    #[cold]
    pub(crate) fn tell_failure(&self, failure: &TaskFailure) {
        self.tell(|instrument, at| instrument.failure(at, failure));
    }

    /// Tells that a task is done. The failure has to be in its place; to look at it makes it say what it has to say, so
    /// that is not done for nobody.
    #[cold]
    pub(crate) fn tell_done(&self, task: &AnyTask, failed: bool) {
        let Some(watch) = self
            .config
            .watch
            .as_ref()
            .filter(|watch| watch.has_instruments())
        else {
            return;
        };
        let ending = task.ending();
        if failed {
            self.view_failure(task, |failure| self.tell_failure(failure));
        }
        let view = TaskView::of(task.header());
        self.tell(|instrument, at| instrument.done(at, &view, ending));
        watch.cause.set(Some(WokenBy::Task(view.id)));
    }

    /// Notes that a poll begins or has ended, for what is told next.
    pub(crate) fn note_turn(&self) {
        if let Some(watch) = &self.config.watch {
            watch.cause.set(None);
        }
    }

    /// Calls wakers on behalf of a timer.
    pub(crate) fn on_behalf_of_timer(&self, wake: impl FnOnce()) {
        if let Some(watch) = &self.config.watch {
            watch.cause.set(Some(WokenBy::Timer));
            wake();
            watch.cause.set(None);
        }
    }

    /// Queues a slot and tells it, if that is news. Without a generation, whoever lives there is woken: that is a
    /// wake from elsewhere.
    pub(crate) fn wake_watched(&self, slot: u32, generation: Option<u16>) {
        let is_news = {
            let mut slots = self.slots.borrow_mut();
            let was_queued = slots.is_queued(slot);
            match generation {
                Some(generation) => slots.wake(slot, generation),
                None => slots.wake_tenant(slot),
            }
            !was_queued && slots.is_queued(slot)
        };
        if is_news && self.has_instruments() {
            let by = generation
                .and_then(|_| self.waking())
                .unwrap_or(WokenBy::Elsewhere);
            self.with_view(slot, |task| {
                self.tell(|instrument, at| instrument.wake(at, task, by));
            });
        }
    }

    /// Who calls a waker right now.
    fn waking(&self) -> Option<WokenBy> {
        let cause = || self.config.watch.as_ref()?.cause.get();
        match self.polled() {
            NOBODY => cause(),
            MAIN_SLOT | MAIN_UNCAUGHT => Some(WokenBy::Task(TaskId::MAIN)),
            slot => {
                let slots = self.slots.borrow();
                let task = slots.get(slot);
                task.map(|task| WokenBy::Task(task.header().id))
                    .or_else(cause)
            }
        }
    }

    /// Shows the task in a slot, or the main future; calls nobody if the slot is empty.
    pub(crate) fn with_view<R>(&self, slot: u32, f: impl FnOnce(&TaskView<'_>) -> R) -> Option<R> {
        if slot == MAIN_SLOT {
            return Some(f(&TaskView {
                id: TaskId::MAIN,
                name: None,
                spawned_at: self.entry.get().map(|entry| entry.at),
                spawned_by: None,
                last_await: self.main_last_await.get(),
                is_of_logger: false,
            }));
        }
        let task: Rc<AnyTask> = self.slots.borrow().get(slot).cloned()?;
        Some(f(&TaskView::of(task.header())))
    }
}
