//! The observer that candor's entry points install: it passes events to instruments, and to what looks for stalls and slow
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
use crate::kernel::tasks::{Config, Core, Event, Key, MAIN_SLOT, Main, Running, Stop, Watch};
use crate::report::printing;
use crate::watch::instrument::{Installed, Instrument, TaskView, WokenBy};
use crate::watch::look::Looks;
use crate::watch::slow_poll::SlowPoll;
use crate::watch::standstill::Standstill;
use crate::watch::trace_log;

/// What observes one executor.
#[derive(Default)]
pub(crate) struct Watchers {
    instruments: Vec<Guarded>,
    looks: Looks,
    /// An instrument runs: what it does is no event.
    is_telling: Cell<bool>,
    /// A poll has begun and has not ended.
    is_in_poll: Cell<bool>,
    /// What calls wakers now, while no poll is running.
    cause: Cell<Option<WokenBy>>,
}

struct Guarded {
    instrument: Installed,
    /// It has panicked.
    is_off: Cell<bool>,
}

impl Watchers {
    /// Empty if there is nothing to observe.
    pub(crate) fn boxed(
        instruments: Vec<Installed>,
        slow_poll_limit: Option<Duration>,
        detects_stalls: bool,
        test_timeout: Option<Duration>,
    ) -> OnceCell<Box<dyn Watch>> {
        let mut looks = Looks::new();
        let slow_poll = SlowPoll::new(slow_poll_limit);
        let has_timer = slow_poll.is_some() || test_timeout.is_some();
        if !instruments.is_empty() || detects_stalls || has_timer {
            looks.push(Box::new(Standstill::new(detects_stalls, test_timeout)));
        }
        looks.extend(slow_poll.map(|slow_poll| Box::new(slow_poll) as _));
        Watchers::with(instruments, looks)
    }

    /// For a test of an executor that has no observer: it must not stand still for ever.
    pub(crate) fn of_test() -> Box<dyn Watch> {
        Box::new(Watchers {
            looks: vec![Box::new(Standstill::default())],
            ..Watchers::default()
        })
    }

    fn with(instruments: Vec<Installed>, looks: Looks) -> OnceCell<Box<dyn Watch>> {
        if instruments.is_empty() && looks.is_empty() {
            return OnceCell::new();
        }
        let guarded = |instrument| Guarded {
            instrument,
            is_off: Cell::new(false),
        };
        let watchers = Watchers {
            instruments: instruments.into_iter().map(guarded).collect(),
            looks,
            ..Watchers::default()
        };
        OnceCell::from(Box::new(watchers) as Box<dyn Watch>)
    }

    /// The configuration of an executor that nobody configured: a debug build looks for stalls and slow polls.
    ///
    /// With an instrument it is custom, so that the core is not kept for a later executor, which may not be logged.
    pub(crate) fn usual(instrument: Option<Installed>) -> Config {
        let is_custom = instrument.is_some();
        let instruments = instrument.into_iter().collect();
        Config {
            is_custom,
            watch: match cfg!(debug_assertions) {
                true => Watchers::boxed(instruments, None, true, None),
                false => Watchers::with(instruments, Looks::new()),
            },
            ..Config::default()
        }
    }

    /// Calls all instruments. They run on no task's behalf: a panic is printed here, and is no task's failure.
    fn tell(&self, core: &Core, event: &Event<'_>, task: Option<&TaskView<'_>>, by: WokenBy) {
        if self.is_telling.replace(true) {
            return;
        }
        let at = core.clock.now();
        core.aside(|| {
            for one in self.instruments.iter().filter(|one| !one.is_off.get()) {
                if let Err(caught) = guarded(|| call(&**one.instrument, at, event, task, by)) {
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

    /// What calls wakers right now.
    fn waking(&self, core: &Core) -> WokenBy {
        let task = match core.polling.running.get() {
            Running::Main | Running::MainOfRun => Some(TaskId::MAIN),
            _ => core.running_task().map(|task| task.header().id),
        };
        // A report runs a callback or a logger, which belongs to no task.
        let cause = (self.cause.get()).filter(|_| !core.failures.is_reporting.get());
        let cause = task.map(WokenBy::Task).or(cause);
        cause.unwrap_or(WokenBy::Elsewhere)
    }

    /// Keeps what is needed for later events. Returns whether the event is one for the instruments.
    fn note(&self, event: &Event<'_>) -> bool {
        match event {
            Event::PollBegins(_) => {
                self.cause.set(None);
                return self.is_in_poll.get();
            }
            Event::PollEnds(..) => {
                self.cause.set(None);
                return self.is_in_poll.take();
            }
            Event::TimersFired | Event::Entered => self.cause.set(None),
            Event::TimerFires(_) => self.cause.set(Some(WokenBy::Timer)),
            Event::Done(task, _) => self.cause.set(Some(WokenBy::Task(task.header().id))),
            _ => {}
        }
        true
    }
}

/// Whether this is the key of a tenant of the executor.
fn is_alive(core: &Core, key: Key) -> bool {
    // A waker of an earlier executor with this number may have had more slots.
    key.executor() == core.number
        && (key.slot() as usize) < core.slots.used()
        && core.slots.generation(key.slot()) == key.generation()
}

/// The configuration of an executor that is logged; `None` if the logger does not take trace lines.
#[inline]
pub(crate) fn followed() -> Option<Config> {
    trace_log::wanted().map(|instrument| Watchers::usual(Some(instrument)))
}

/// The same for an executor that is kept, and may run a test: then a logged one must not stand still for ever either.
pub(crate) fn kept_and_followed() -> Option<Config> {
    let looks = cfg!(debug_assertions);
    trace_log::wanted().map(|instrument| Config {
        is_custom: true,
        watch: Watchers::boxed(vec![instrument], None, looks, None),
        ..Config::default()
    })
}

impl Watch for Watchers {
    fn event(&self, core: &Core, event: Event<'_>) {
        let slot = match event {
            Event::PollBegins(slot)
            | Event::PollEnds(slot, _)
            | Event::Woken(slot)
            | Event::WokenFromElsewhere(slot) => Some(slot),
            // The task that had set it may be gone, and another one be in its place.
            Event::TimerFires(key) if is_alive(core, key) => Some(key.slot()),
            _ => None,
        };
        let tenant = slot.and_then(|slot| core.slots.get(slot));
        let header = match event {
            Event::Spawned(header) => Some(header),
            Event::Done(task, _) => Some(task.header()),
            _ => tenant.as_ref().map(|task| task.header()),
        };
        let task = match slot {
            Some(MAIN_SLOT) => Some(TaskView::of_main(core)),
            _ => header.map(TaskView::of),
        };
        let by = match event {
            Event::WokenFromElsewhere(_) => WokenBy::Elsewhere,
            _ => self.waking(core),
        };
        for look in &self.looks {
            look.event(core, &event, task.as_ref(), by);
        }
        if let Event::PollBegins(_) = event {
            // If the future of an aborted task is only dropped, that is no poll.
            let is_aborted = task.is_some_and(|task| task.is_aborted);
            self.is_in_poll.set(!is_aborted);
        }
        let is_told = self.note(&event);
        if is_told && !self.instruments.is_empty() {
            // This asks the error for its text.
            if let Event::Done(task, ending) = event
                && ending.is_failure()
                && let Some(failure) = core.failure_of(task)
            {
                core.aside(|| self.event(core, Event::Failed(&failure)));
            }
            self.tell(core, &event, task.as_ref(), by);
        }
    }

    fn before_sleep(
        &self,
        core: &Rc<Core>,
        mut timeout: Option<Duration>,
        mut main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        for look in &self.looks {
            timeout = look.before_sleep(core, timeout, main.as_deref_mut())?;
        }
        Ok(timeout)
    }
}

/// Calls the method of an event. `task` is the one that it is about.
fn call(
    instrument: &dyn Instrument,
    at: Instant,
    event: &Event<'_>,
    task: Option<&TaskView<'_>>,
    by: WokenBy,
) {
    match (event, task) {
        (Event::Spawned(_), Some(task)) => instrument.spawn(at, task),
        (Event::PollBegins(_), Some(task)) => instrument.poll_begin(at, task),
        (Event::PollEnds(_, poll), Some(task)) => instrument.poll_end(at, task, *poll),
        (Event::Woken(_) | Event::WokenFromElsewhere(_), Some(task)) => {
            instrument.wake(at, task, by);
        }
        (Event::TimerFires(_), task) => instrument.timer(at, task),
        (Event::ParkBegins(timeout), _) => instrument.park_begin(at, *timeout),
        (Event::ParkEnds, _) => instrument.park_end(at),
        (Event::Failed(failure), _) => instrument.failure(at, failure),
        (Event::Done(_, ending), Some(task)) => instrument.done(at, task, *ending),
        _ => {}
    }
}
